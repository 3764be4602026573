// The outline of a YARA source file: where each import, include and rule stands, and whether a rule asks for a file.
//
// libyara compiles a text whole or not at all. So that one bad rule costs itself only, the set blanks it out (`blank`)
// and compiles again; libyara alone judges what is a rule, this outline only says what to leave out. It never fails: in
// text that is no YARA it finds nothing, or too much, and libyara's own message stands.
//
//   std::vector<RuleItem> items = outline(text);
//   text = blank(std::move(text), items[3]);       // line numbers stay as they are
//
// Lexical rules: YARA 4.2 documentation, "Writing YARA rules" (comments, text strings, hex strings, regular
// expressions).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bongsu::detect {

struct RuleItem {
  enum class Kind : std::uint8_t { kImport, kInclude, kRule };
  Kind kind = Kind::kRule;
  std::string name;  // of the rule, the module or the file
  std::size_t begin = 0, end = 0;
  std::uint64_t first_line = 0, last_line = 0;  // 1-based
  std::string_view condition;                   // of a rule; points into the text
  bool global = false;
};

inline constexpr std::size_t kMaxRuleItems = 1'000'000;  // beyond: the file's rest has no outline

std::vector<RuleItem> outline(std::string_view text);

// `text` with the item's bytes turned into spaces; newlines stay.
void blank(std::string& text, const RuleItem& item);

// The condition can be true only of a whole file of a certain format or name: it demands `uint16(0) == …` (or another
// integer at offset 0), `filename == "…"` (or another variable of the file) or a fact of a module that parses
// executables, in every branch of its `or`s. Such rules are not asked about fields of events. false when in doubt.
bool demands_file(std::string_view condition);

// The condition can be true of a field only if at least one of the rule's strings is found. false when in doubt.
bool demands_string(std::string_view condition);

// The condition speaks of a module that parses executables (pe, elf, …), which costs each scan the making of its
// values.
bool uses_heavy_module(std::string_view condition);
bool is_heavy_module(std::string_view name);

// Whether `name` stands as a word in any condition of `items` but the one at `self`.
bool referred_to(const std::vector<RuleItem>& items, std::size_t self);

}  // namespace bongsu::detect
