// A test made ready to be put to many texts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/address.h"
#include "detect/sigma/value.h"

namespace re2 {
class RE2;
}

namespace bongsu::detect::sigma {

struct CompiledTest {
  enum class Kind : std::uint8_t {
    kAnything,  // any text, also an empty one
    kEquals,
    kContains,
    kStartsWith,
    kEndsWith,
    kGlob,
    kNumber,
    kRegex,
    kCidr,
    kTimePart,
    // These ask for more than one text; the matcher answers them.
    kNull,
    kExists,
    kFieldRef,
  };
  Kind kind = Kind::kAnything;
  bool cased = false;  // the text as it is; else the folded one
  Test test;           // folded unless cased
  std::string text;    // kEquals to kEndsWith
  double number = 0;   // kNumber, kTimePart
  bool integer = false;
  std::int64_t exact = 0;
  std::shared_ptr<const re2::RE2> regex;
  Address network;

  // `keyword`: anywhere in the text. kInvalid, kUnsupported: a regular expression that cannot be had in linear time.
  static Result<CompiledTest> make(const Test& test, bool keyword);
  // `folded` is the text without case.
  bool matches(std::string_view text, std::string_view folded) const;
};

// The whole of `text` against the pattern, in time that grows with the product of both lengths at worst.
bool glob_matches(const Pattern& pattern, std::string_view text);

// Where one text stands in another, as fieldref asks. Both folded.
bool reference_matches(const Test& test, std::string_view text, std::string_view other);

// A part of the time that the text says, as it is written there: no conversion between zones. Numbers are seconds
// since 1970 (UTC). Weeks are those of ISO 8601.
std::optional<int> time_part(std::string_view text, Test::TimePart part);

}  // namespace bongsu::detect::sigma
