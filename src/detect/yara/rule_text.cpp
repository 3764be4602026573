#include "detect/yara/rule_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace bongsu::detect {
namespace {

constexpr int kMaxConditionDepth = 64;

bool word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'; }

struct Token {
  enum class Kind : std::uint8_t { kEnd, kWord, kString, kRegex, kOther };
  Kind kind = Kind::kEnd;
  std::string_view text;
  std::size_t begin = 0;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next() {
    skip_blank();
    if (at_ >= text_.size()) return {Token::Kind::kEnd, {}, text_.size()};
    const std::size_t begin = at_;
    const char c = text_[at_];
    auto kind = Token::Kind::kOther;
    if (word_char(c)) {
      kind = Token::Kind::kWord;
      while (at_ < text_.size() && word_char(text_[at_])) ++at_;
    } else if (c == '"' || c == '/') {
      kind = c == '"' ? Token::Kind::kString : Token::Kind::kRegex;  // division is written '\'
      for (++at_; at_ < text_.size() && text_[at_] != c && text_[at_] != '\n'; ++at_)
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      at_ = std::min(at_ + 1, text_.size());
    } else {
      ++at_;
    }
    return {kind, text_.substr(begin, at_ - begin), begin};
  }
  std::size_t at() const { return at_; }

 private:
  void skip_blank() {
    while (at_ < text_.size()) {
      if (static_cast<unsigned char>(text_[at_]) <= ' ') {
        ++at_;
      } else if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        const std::size_t end = text_.find("*/", at_ + 2);
        at_ = end == text_.npos ? text_.size() : end + 2;
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> out;
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != Token::Kind::kEnd; token = lexer.next()) out.push_back(token);
  return out;
}

using Tokens = std::vector<Token>;

bool is(const Token& token, std::string_view text) { return token.text == text && token.kind != Token::Kind::kString; }

// Modules that take a file apart.
constexpr std::array<std::string_view, 6> kHeavyModules = {"pe", "elf", "macho", "dotnet", "dex", "magic"};

bool heavy(const Tokens& t, std::size_t i, std::size_t end) {
  return i + 1 < end && t[i].kind == Token::Kind::kWord && is(t[i + 1], ".") && is_heavy_module(t[i].text);
}

// One term without `and` and `or`: an integer at offset 0 compared with ==, a file's name, or a module's fact. A
// module's fact may also be compared in a way that is true of no file at all (`pe.number_of_sections < 3` is undefined
// there, and undefined is false; `not` would turn that around, and is never taken for a demand). A loop over a module's
// list runs never.
bool term_demands_file(const Tokens& t, std::size_t begin, std::size_t end) {
  static constexpr std::array kReaders = {"uint8", "uint16", "uint32", "uint8be", "uint16be", "uint32be"};
  if (is(t[begin], "for") && end - begin > 2 && !is(t[begin + 1], "none") && !is(t[begin + 1], "all")) {
    bool in_module = false;
    for (std::size_t i = begin; i < end && !is(t[i], ":"); ++i) {
      if (is(t[i], "of") || is(t[i], "not") || is(t[i], "defined")) return false;
      in_module = in_module || heavy(t, i, end);
    }
    return in_module && is(t[begin + 1], "any");
  }
  static constexpr std::array kNames = {"filename", "filepath", "extension", "filetype", "owner"};
  if (end - begin >= 3 && t[begin].kind == Token::Kind::kWord &&
      std::find(kNames.begin(), kNames.end(), t[begin].text) != kNames.end()) {
    if (is(t[begin + 1], "=") && is(t[begin + 2], "=")) return end - begin == 4 && t[begin + 3].text.size() > 2;
    return t[begin + 1].kind == Token::Kind::kWord && end - begin == 3 && t[begin + 2].text.size() > 2;  // contains, …
  }
  if (heavy(t, begin, end) && end - begin == 3 && is(t[begin + 2], "is_pe")) return true;
  if (heavy(t, begin, end) && end - begin >= 4 && t[begin].text != "magic") {
    for (std::size_t i = begin; i < end; ++i)
      if (is(t[i], "not") || is(t[i], "defined") || t[i].text.starts_with("is_pe") ||
          t[i].text.starts_with("is_dotnet"))
        return false;  // defined for every file, and perhaps asked for being 0
    return true;
  }
  return end - begin >= 7 && std::find(kReaders.begin(), kReaders.end(), t[begin].text) != kReaders.end() &&
         is(t[begin + 1], "(") && (is(t[begin + 2], "0") || is(t[begin + 2], "0x0")) && is(t[begin + 3], ")") &&
         is(t[begin + 4], "=") && is(t[begin + 5], "=");
}

// `$a`, `$a at 0`, `any of …`, `all of …`, `2 of …`, `#a > 1`.
bool term_demands_string(const Tokens& t, std::size_t begin, std::size_t end) {
  const auto positive = [](std::string_view number) {
    return std::all_of(number.begin(), number.end(), is_digit) && number.find_first_not_of('0') != number.npos;
  };
  if (is(t[begin], "$")) return true;
  if (end - begin >= 3 && is(t[begin + 1], "of"))
    return is(t[begin], "any") || is(t[begin], "all") || positive(t[begin].text);
  if (is(t[begin], "#") && end - begin >= 4 && is(t[begin + 2], ">")) {
    const std::size_t number = is(t[begin + 3], "=") ? begin + 4 : begin + 3;
    return number + 1 == end && positive(t[number].text);
  }
  return false;
}

using Term = bool (*)(const Tokens&, std::size_t, std::size_t);

// Whether every way for the condition to be true goes through a term of that kind.
bool demands(Term term, const Tokens& t, std::size_t begin, std::size_t end, int depth) {
  if (begin >= end || depth > kMaxConditionDepth) return false;
  std::vector<std::size_t> ors, ands;
  int open = 0;
  std::size_t first_close = end;
  for (std::size_t i = begin; i < end; ++i) {
    if (is(t[i], "(") || is(t[i], "[")) ++open;
    if (is(t[i], ")") || is(t[i], "]")) {
      if (--open == 0 && first_close == end) first_close = i;
      if (open < 0) return false;
    }
    if (open == 0 && is(t[i], "or")) ors.push_back(i);
    if (open == 0 && is(t[i], "and")) ands.push_back(i);
  }
  if (open != 0) return false;
  const auto parts = [&](const std::vector<std::size_t>& cuts, bool all) {
    std::size_t from = begin;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
      const std::size_t to = i < cuts.size() ? cuts[i] : end;
      if (demands(term, t, from, to, depth + 1) != all) return !all;
      from = to + 1;
    }
    return all;
  };
  if (!ors.empty()) return parts(ors, true);
  if (!ands.empty()) return parts(ands, false);
  if (is(t[begin], "(") && first_close == end - 1) return demands(term, t, begin + 1, end - 1, depth + 1);
  return term(t, begin, end);
}

bool demands(Term term, std::string_view condition) {
  const Tokens tokens = tokens_of(condition);
  return demands(term, tokens, 0, tokens.size(), 0);
}

}  // namespace

std::vector<RuleItem> outline(std::string_view text) {
  std::vector<RuleItem> items;
  Lexer lexer(text);
  std::uint64_t line = 1;
  std::size_t counted = 0;
  const auto line_at = [&](std::size_t at) {
    line += static_cast<std::uint64_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                                  text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted = at;
    return line;
  };
  std::size_t start = text.npos;  // of "private", "global"
  bool global = false;
  Token token = lexer.next();
  while (token.kind != Token::Kind::kEnd && items.size() < kMaxRuleItems) {
    RuleItem item;
    item.begin = start == text.npos ? token.begin : start;
    if (is(token, "import") || is(token, "include")) {
      item.kind = is(token, "import") ? RuleItem::Kind::kImport : RuleItem::Kind::kInclude;
      item.first_line = line_at(item.begin);
      token = lexer.next();
      if (token.kind != Token::Kind::kString) continue;
      item.name = token.text.size() > 2 ? std::string(token.text.substr(1, token.text.size() - 2)) : "";
      item.end = lexer.at();
      item.last_line = line_at(item.end);
      items.push_back(std::move(item));
      start = text.npos;
    } else if (is(token, "private") || is(token, "global")) {
      if (start == text.npos) start = token.begin, global = false;
      global = global || is(token, "global");
    } else if (is(token, "rule")) {
      item.first_line = line_at(item.begin);
      item.global = start != text.npos && global;
      token = lexer.next();
      item.name = std::string(token.text);
      while (token.kind != Token::Kind::kEnd && !is(token, "{")) token = lexer.next();
      int depth = 0;
      std::size_t condition = text.npos;
      while (token.kind != Token::Kind::kEnd) {
        if (is(token, "{")) ++depth;
        if (is(token, "}") && --depth == 0) break;
        const bool word = depth == 1 && is(token, "condition");
        token = lexer.next();
        if (word && is(token, ":")) condition = lexer.at();
      }
      item.end = token.kind == Token::Kind::kEnd ? text.size() : lexer.at();
      if (condition != text.npos && token.kind != Token::Kind::kEnd)
        item.condition = text.substr(condition, token.begin - condition);
      item.last_line = line_at(item.end);
      items.push_back(std::move(item));
      start = text.npos;
    } else {
      start = text.npos;
    }
    token = lexer.next();
  }
  return items;
}

void blank(std::string& text, const RuleItem& item) {
  for (std::size_t i = item.begin; i < std::min(item.end, text.size()); ++i)
    if (text[i] != '\n') text[i] = ' ';
}

bool demands_file(std::string_view condition) { return demands(term_demands_file, condition); }
bool demands_string(std::string_view condition) {
  return demands([](const Tokens& t, std::size_t begin,
                    std::size_t end) { return term_demands_string(t, begin, end) || term_demands_file(t, begin, end); },
                 condition);
}

bool is_heavy_module(std::string_view name) {
  return std::find(kHeavyModules.begin(), kHeavyModules.end(), name) != kHeavyModules.end();
}

bool uses_heavy_module(std::string_view condition) {
  const Tokens tokens = tokens_of(condition);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (heavy(tokens, i, tokens.size())) return true;
  return false;
}

bool referred_to(const std::vector<RuleItem>& items, std::size_t self) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i == self) continue;
    const std::string_view in = items[i].condition;
    for (std::size_t at = in.find(items[self].name); at != in.npos; at = in.find(items[self].name, at + 1)) {
      const std::size_t end = at + items[self].name.size();
      if ((at == 0 || !word_char(in[at - 1])) && (end == in.size() || !word_char(in[end]))) return true;
    }
  }
  return false;
}

}  // namespace bongsu::detect
