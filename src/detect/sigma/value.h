// A value of a Sigma rule as it stands after its modifiers: what one field of an event is tested for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::detect::sigma {

inline constexpr std::size_t kMaxPatternBytes = 64 * 1024;
inline constexpr std::size_t kMaxPatternParts = 4096;

// A string with wildcards (rules specification, String Wildcard and Escaping).
struct Part {
  enum class Kind : std::uint8_t {
    kText,
    kMany,         // *: any number of characters
    kOne,          // ?: one character
    kDash,         // windash: one of - / – — ―
    kPlaceholder,  // expand: %name%
  };
  Kind kind = Kind::kText;
  std::string text;  // kText: bytes; kPlaceholder: its name
  bool operator==(const Part&) const = default;
};

struct Pattern {
  std::vector<Part> parts;  // texts never stand side by side, neither do two kMany
  bool operator==(const Pattern&) const = default;

  // `\*`, `\?` and `\\` are plain characters, a backslash before anything else is itself.
  static Pattern parse(std::string_view text);
  static Pattern plain(std::string text);

  void add(Part part);  // joins texts and repeated *
  void append(const Pattern& other);
  bool has(Part::Kind kind) const;
  bool special() const;  // anything but text
  bool empty() const { return parts.empty(); }
  // `%name%` as placeholders; `\%` is a plain percent sign (rules specification, Placeholders).
  Pattern with_placeholders() const;
  // As pipelines see it (pySigma's str()): wildcards as such, plain * and ? escaped, backslashes single.
  std::string written() const;
  // The text when nothing is special.
  std::string text() const;
};

// What a value asks of a field's text.
struct Test {
  enum class Kind : std::uint8_t {
    kPattern,   // matches the whole text
    kNumber,    // compares as numbers, by `compare`
    kNull,      // the field is absent or null
    kExists,    // the field is there, or (`flag` false) is not
    kRegex,     // is found in the text
    kCidr,      // is an address of the network
    kFieldRef,  // against the text of another field
    kTimePart,  // a part of a time, by `compare`
  };
  enum class Compare : std::uint8_t { kEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  enum class TimePart : std::uint8_t { kMinute, kHour, kDay, kWeek, kMonth, kYear };

  Kind kind = Kind::kPattern;
  Compare compare = Compare::kEqual;
  TimePart part = TimePart::kMinute;
  bool cased = false;                                             // kPattern
  bool flag = true;                                               // kExists
  bool ignore_case = false, multi_line = false, dot_all = false;  // kRegex
  bool at_start = false, at_end = false;  // kFieldRef: the other text is looked for there; both: anywhere
  Pattern pattern;                        // kPattern
  std::string text;                       // kNumber, kTimePart: canonical; kRegex, kCidr, kFieldRef
  std::vector<std::string> other_fields;  // kFieldRef: after the pipelines, any of them
  bool operator==(const Test&) const = default;
};

// The number that a text says, however it is written.
std::optional<double> number_of(std::string_view text);

// A letter, a digit, "_", or part of a character beyond ASCII.
bool is_word_character(char c);

// Base64 of bytes (RFC 4648 §4), and the part of it that does not depend on what stands before and after, for the
// three offsets. A string of less than one whole sextet group gives an empty part.
std::string base64(std::string_view bytes);
std::vector<std::string> base64_offsets(std::string_view bytes);
// UTF-8 to UTF-16 without a byte order mark. kInvalid: not UTF-8.
Result<std::string> utf16(std::string_view text, bool big_endian);

}  // namespace bongsu::detect::sigma
