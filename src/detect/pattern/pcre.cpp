// re2_of: PCRE's notation, token by token, written for RE2.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "detect/pattern/compare.h"

namespace bongsu::detect {
namespace {

constexpr int kMaxRepeat = 1000;  // RE2's

bool is_letter(std::uint32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_word(char c) { return is_letter(static_cast<unsigned char>(c)) || is_digit(c) || c == '_'; }

using Range = std::pair<std::uint32_t, std::uint32_t>;
using Ranges = std::vector<Range>;

const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpace = {{'\t', '\r'}, {' ', ' '}};
const Ranges kHorizontal = {{'\t', '\t'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x180e, 0x180e},
                            {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};
const Ranges kVertical = {{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}};

struct Named {
  std::string_view name;
  Ranges ranges;
};
const std::array kNamed = {
    Named{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    Named{"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    Named{"ascii", {{0, 0x7f}}},
    Named{"blank", {{'\t', '\t'}, {' ', ' '}}},
    Named{"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
    Named{"digit", kDigits},
    Named{"graph", {{0x21, 0x7e}}},
    Named{"lower", {{'a', 'z'}}},
    Named{"print", {{0x20, 0x7e}}},
    Named{"punct", {{0x21, 0x2f}, {0x3a, 0x40}, {0x5b, 0x60}, {0x7b, 0x7e}}},
    Named{"space", kSpace},
    Named{"upper", {{'A', 'Z'}}},
    Named{"word", kWord},
    Named{"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

class Translator {
 public:
  Translator(std::string_view pcre, bool octets, bool ignore_case) : text_(pcre), octets_(octets) {
    flags_.ignore_case = ignore_case;
  }

  Result<std::string> run() {
    while (at_ < text_.size()) {
      begin_ = at_;
      if (auto done = token(); !done) return std::unexpected(std::move(done).error());
    }
    if (!groups_.empty()) return bad(groups_.back().begin, "a ( without its )");
    return std::move(out_);
  }

 private:
  struct Flags {
    bool ignore_case = false, multiline = false;
  };
  struct Group {
    Flags before;
    std::size_t begin;  // in the text
    std::size_t out;    // in what is written
  };
  // What can be repeated: where it begins in what is written.
  static constexpr std::size_t kNothing = std::string::npos;

  static std::unexpected<Error> bad(std::size_t at, std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.offset = at, .has_offset = true});
  }
  std::unexpected<Error> unsupported(std::string_view what) const {
    return bad(begin_, fmt::format("{} is not supported", what));
  }

  bool more(std::size_t ahead = 0) const { return at_ + ahead < text_.size(); }
  char peek(std::size_t ahead = 0) const { return more(ahead) ? text_[at_ + ahead] : '\0'; }
  std::uint32_t highest() const { return octets_ ? 0xff : 0x10ffff; }

  // The character that begins here: an octet, or one of UTF-8.
  std::uint32_t character() {
    const auto lead = static_cast<unsigned char>(text_[at_++]);
    if (octets_ || lead < 0xc2) return lead;
    const int rest = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    std::uint32_t c = lead & (0x3fU >> rest);
    for (int i = 0; i < rest && more(); ++i) c = c << 6 | (static_cast<unsigned char>(text_[at_++]) & 0x3f);
    return c;
  }

  // ---- what is written

  static void write(std::string& out, std::uint32_t c) {
    if (c < 0x80 && is_word(static_cast<char>(c))) {
      out += static_cast<char>(c);
    } else {
      out += fmt::format("\\x{{{:x}}}", c);
    }
  }
  void item(std::string_view text) {
    item_ = out_.size();
    repeated_ = false;
    out_ += text;
  }
  void literal(std::uint32_t c) {
    item("");
    if (octets_ && flags_.ignore_case && is_letter(c)) {
      out_ += '[';
      out_ += static_cast<char>(c | 0x20);
      out_ += static_cast<char>(c & ~0x20U);
      out_ += ']';
    } else {
      write(out_, c);
    }
  }
  Ranges complement(Ranges ranges) const {
    std::ranges::sort(ranges);
    Ranges out;
    std::uint32_t next = 0;
    for (const auto& [low, high] : ranges) {
      if (low > next && next <= highest()) out.emplace_back(next, std::min(low - 1, highest()));
      next = std::max(next, high + 1);
    }
    if (next <= highest()) out.emplace_back(next, highest());
    return out;
  }
  // `more` is RE2's own notation for further members.
  void write_class(Ranges ranges, bool negated, const std::string& more) {
    if (octets_ && flags_.ignore_case) {
      const std::size_t size = ranges.size();
      for (std::size_t i = 0; i < size; ++i)
        for (std::uint32_t c = ranges[i].first; c <= std::min(ranges[i].second, 0x7fU); ++c)
          if (is_letter(c)) ranges.emplace_back(c ^ 0x20, c ^ 0x20);
    }
    std::string out = negated ? "[^" : "[";
    std::size_t written = 0;
    for (const auto& [low, high] : ranges) {
      if (low > highest()) continue;
      ++written;
      write(out, low);
      if (high <= low) continue;
      out += '-';
      write(out, std::min(high, highest()));
    }
    if (written == 0 && more.empty()) out = negated ? "[" : "[^", out += fmt::format("\\x00-\\x{{{:x}}}", highest());
    item(out + more + "]");
  }

  // ---- tokens

  Result<void> token() {
    if (quoting_) {
      if (text_.substr(at_).starts_with("\\E")) {
        at_ += 2;
        quoting_ = false;
      } else {
        literal(character());
      }
      return {};
    }
    switch (const char c = text_[at_]) {
      case '\\':
        return escape();
      case '[':
        return char_class();
      case '(':
        return open();
      case ')':
        if (groups_.empty()) return bad(at_, "a ) without its (");
        ++at_;
        out_ += ')';
        item_ = groups_.back().out;
        repeated_ = false;
        flags_ = groups_.back().before;
        groups_.pop_back();
        return {};
      case '*':
      case '+':
      case '?':
      case '{':
        return repeat();
      case '|':
        ++at_;
        out_ += c;
        item_ = kNothing;
        return {};
      case '$':
        ++at_;
        item(flags_.multiline ? "$" : "(?:\\n?\\z)");
        return {};
      case '^':
      case '.':
        ++at_;
        item(std::string_view(&c, 1));
        return {};
      default:
        literal(character());
        return {};
    }
  }

  Result<void> repeat() {
    std::size_t end = at_ + 1;
    if (text_[at_] == '{') {
      int low = 0, high = 0, digits = 0;
      const auto number = [&](int& n) {
        for (digits = 0; end < text_.size() && is_digit(text_[end]); ++end, ++digits)
          n = std::min(n * 10 + (text_[end] - '0'), 1'000'000);
        return digits > 0;
      };
      bool quantifier = number(low);
      high = low;
      if (quantifier && end < text_.size() && text_[end] == ',') {
        ++end;
        high = 0;
        if (!number(high)) high = low;
      }
      quantifier = quantifier && end < text_.size() && text_[end] == '}';
      if (!quantifier) {  // a brace like any other
        literal(character());
        return {};
      }
      ++end;
      if (low > kMaxRepeat || high > kMaxRepeat)
        return bad(at_, fmt::format("a repeat of more than {} times", kMaxRepeat));
      if (high < low) return bad(at_, "a repeat from more to fewer times");
    }
    if (item_ == kNothing) return bad(at_, "nothing to repeat");
    if (end < text_.size() && text_[end] == '+') return unsupported("a possessive repeat");
    if (end < text_.size() && text_[end] == '?') ++end;
    if (repeated_) {  // a{2}{3}
      out_.insert(item_, "(?:");
      out_ += ')';
    }
    out_ += text_.substr(at_, end - at_);
    repeated_ = true;
    at_ = end;
    return {};
  }

  Result<void> open() {
    const std::string_view rest = text_.substr(at_);
    const auto begin_group = [&](std::size_t size, std::string_view written) {
      groups_.push_back({flags_, begin_, out_.size()});
      out_ += written;
      item_ = kNothing;
      at_ += size;
    };
    if (rest.starts_with("(*")) return unsupported("a verb (*…)");
    if (!rest.starts_with("(?")) {
      begin_group(1, "(");
      return {};
    }
    if (rest.starts_with("(?#")) {
      const std::size_t end = rest.find(')');
      if (end == rest.npos) return bad(begin_, "a comment (?#…) without its end");
      at_ += end + 1;
      return {};
    }
    for (const auto& [sign, what] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{{"(?=", "look-ahead (?=…)"},
                                                                              {"(?!", "look-ahead (?!…)"},
                                                                              {"(?<=", "look-behind (?<=…)"},
                                                                              {"(?<!", "look-behind (?<!…)"},
                                                                              {"(?>", "an atomic group (?>…)"},
                                                                              {"(?(", "a conditional group (?(…)…)"},
                                                                              {"(?C", "a callout (?C)"},
                                                                              {"(?P=", "a back reference (?P=…)"},
                                                                              {"(?P>", "a recursion (?P>…)"},
                                                                              {"(?&", "a recursion (?&…)"},
                                                                              {"(?R", "a recursion (?R)"},
                                                                              {"(?+", "a recursion (?+…)"}})
      if (rest.starts_with(sign)) return unsupported(what);
    if (rest.starts_with("(?:") || rest.starts_with("(?|")) {
      begin_group(3, "(?:");
      return {};
    }
    const std::size_t name = rest.starts_with("(?P<") ? 4 : rest.starts_with("(?<") || rest.starts_with("(?'") ? 3 : 0;
    if (name > 0) {
      std::size_t end = name;
      while (end < rest.size() && is_word(rest[end])) ++end;
      if (end == name || is_digit(rest[name]) || end == rest.size() || rest[end] != (rest[2] == '\'' ? '\'' : '>'))
        return bad(begin_, "a named group without a good name");
      begin_group(end + 1, "(");
      return {};
    }
    // (?i-s), (?i-s:…)
    Flags flags = flags_;
    std::string on, off;
    bool minus = false;
    std::size_t i = 2;
    for (; i < rest.size() && rest[i] != ')' && rest[i] != ':'; ++i) {
      const char c = rest[i];
      if (c == '-' && !minus && i + 1 < rest.size() && !is_digit(rest[i + 1])) {
        minus = true;
        continue;
      }
      if (is_digit(c) || c == '-') return unsupported("a recursion (?1)");
      if (c == 'x') return unsupported("the extended notation (?x)");
      if (c != 'i' && c != 'm' && c != 's' && c != 'U') return unsupported(fmt::format("the option (?{})", c));
      if (c == 'i') flags.ignore_case = !minus;
      if (c == 'm') flags.multiline = !minus;
      if (c == 'i' && octets_) continue;
      (minus ? off : on) += c;
    }
    if (i == rest.size()) return bad(begin_, "a ( without its )");
    std::erase_if(on, [&](char c) { return off.find(c) != off.npos; });
    const std::string written = on + (off.empty() ? "" : "-" + off);
    if (rest[i] == ':') {
      begin_group(i + 1, "(?" + written + ":");
      flags_ = flags;
      return {};
    }
    at_ += i + 1;
    flags_ = flags;
    if (!written.empty()) out_ += "(?" + written + ")";
    item_ = kNothing;
    return {};
  }

  // \x, octal and the like: the character; false: another escape. at_ stands behind the backslash.
  Result<bool> character_escape(bool in_class, std::uint32_t& c) {
    const char next = peek();
    const auto number = [&](std::size_t most, std::uint32_t base, std::uint32_t& n) {
      n = 0;
      std::size_t digits = 0;
      for (; digits < most && more(); ++digits, ++at_) {
        const int digit = hex_digit(peek());
        if (digit < 0 || digit >= static_cast<int>(base)) break;
        n = std::min(n * base + static_cast<std::uint32_t>(digit), 0x110000U);
      }
      return digits;
    };
    const auto braced = [&](std::uint32_t base) -> Result<bool> {
      const std::size_t digits = number(16, base, c);
      if (digits == 0 || peek() != '}') return bad(begin_, "a character's number without its end");
      ++at_;
      if (c > highest()) return bad(begin_, "a number that no character has");
      return true;
    };
    if (next == 'x') {
      ++at_;
      if (peek() == '{') {
        ++at_;
        return braced(16);
      }
      number(2, 16, c);
      return true;
    }
    if (next == 'o' && peek(1) == '{') {
      at_ += 2;
      return braced(8);
    }
    if (is_digit(next)) {
      if (next == '0' || (in_class && is_octal(next))) {
        number(3, 8, c);
      } else if (in_class) {
        c = static_cast<std::uint32_t>(text_[at_++]);
      } else {
        std::size_t value = 0, end = at_;
        for (; end < text_.size() && is_digit(text_[end]); ++end)
          value = std::min<std::size_t>(value * 10 + static_cast<std::size_t>(text_[end] - '0'), 1'000'000);
        if (value < 10 || !is_octal(next) || value <= static_cast<std::size_t>(std::ranges::count(text_, '(')))
          return unsupported(fmt::format("a back reference \\{}", text_.substr(at_, end - at_)));
        number(3, 8, c);
      }
      if (octets_) c &= 0xff;
      return true;
    }
    if (next == 'c') {
      const char control = peek(1);
      if (control < 0x20 || control > 0x7e) return bad(begin_, "\\c without a letter");
      c = static_cast<std::uint32_t>((control >= 'a' && control <= 'z' ? control - 0x20 : control) ^ 0x40);
      at_ += 2;
      return true;
    }
    static constexpr std::pair<char, std::uint32_t> kControls[] = {{'a', 7},    {'e', 0x1b}, {'f', 0x0c},
                                                                   {'n', '\n'}, {'r', '\r'}, {'t', '\t'}};
    for (const auto& [name, value] : kControls)
      if (next == name) {
        ++at_;
        c = value;
        return true;
      }
    if (in_class && next == 'b') {
      ++at_;
      c = 8;
      return true;
    }
    if (is_word(next) && next != '_') return false;
    c = character();
    return true;
  }

  // \d and the like; nullptr: another escape.
  static const Ranges* kind_of(char c) {
    switch (lower(c)) {
      case 'd':
        return &kDigits;
      case 'w':
        return &kWord;
      case 's':
        return &kSpace;
      case 'h':
        return &kHorizontal;
      case 'v':
        return &kVertical;
      default:
        return nullptr;
    }
  }

  // \pL, \p{Greek}: as it stands; at_ stands on the p.
  Result<std::string> property() {
    const std::size_t end = peek(1) == '{' ? text_.find('}', at_) : at_ + 1;
    if (end == text_.npos || end >= text_.size()) return bad(begin_, "\\p without a property");
    std::string out = "\\" + std::string(text_.substr(at_, end + 1 - at_));
    at_ = end + 1;
    return out;
  }

  Result<void> escape() {
    ++at_;
    if (!more()) return bad(begin_, "a backslash at the end");
    const char next = peek();
    std::uint32_t c = 0;
    BONGSU_TRY(const bool one, character_escape(false, c));
    if (one) {
      literal(c);
      return {};
    }
    if (next == 'p' || next == 'P') {
      BONGSU_TRY(const std::string written, property());
      item(written);
      return {};
    }
    if (next == 'g' || next == 'k') return unsupported(fmt::format("a back reference \\{}", next));
    if (next == 'N' && peek(1) == '{' && !is_digit(peek(2))) return unsupported("a character by name \\N{…}");
    ++at_;
    if (next == 'Q') {
      quoting_ = true;
    } else if (next == 'E') {
    } else if (next == 'b' || next == 'B' || next == 'A' || next == 'z') {
      item(text_.substr(begin_, 2));
    } else if (next == 'Z') {
      item("(?:\\n?\\z)");
    } else if (next == 'N') {
      item("[^\\n]");
    } else if (next == 'd' || next == 'D' || next == 'w' || next == 'W') {
      // RE2's own know what becomes of them without case.
      if (octets_) {
        write_class(*kind_of(next), next < 'a', "");
      } else {
        item(text_.substr(begin_, 2));
      }
    } else if (const Ranges* kind = kind_of(next); kind != nullptr) {
      write_class(*kind, next < 'a', "");
    } else {
      return unsupported(fmt::format("\\{}", next));
    }
    return {};
  }

  Result<void> char_class() {
    const std::size_t open = at_++;
    const bool negated = peek() == '^';
    if (negated) ++at_;
    Ranges ranges;
    std::string further;
    bool first = true, quoting = false;
    bool range = false;      // a hyphen stands before this
    bool can_range = false;  // a single character stands before this
    const auto add = [&](std::uint32_t c) -> Result<void> {
      if (range) {
        range = can_range = false;
        if (c < ranges.back().first) return bad(begin_, "a range of characters from higher to lower");
        ranges.back().second = c;
      } else {
        ranges.emplace_back(c, c);
        can_range = true;
      }
      return {};
    };
    const auto add_kind = [&](const Ranges& kind, bool other) {
      if (range) ranges.emplace_back('-', '-');
      range = can_range = false;
      const Ranges all = other ? complement(kind) : kind;
      ranges.insert(ranges.end(), all.begin(), all.end());
    };
    while (true) {
      if (!more()) return bad(open, "a [ without its ]");
      begin_ = at_;
      if (text_.substr(at_).starts_with("\\E")) {
        at_ += 2;
        quoting = false;
        continue;
      }
      if (quoting) {
        BONGSU_TRY_VOID(add(character()));
        first = false;
        continue;
      }
      const char c = peek();
      if (c == ']' && !first) break;
      first = false;
      if (c == '[' && peek(1) == ':') {
        const std::size_t end = text_.find(":]", at_ + 2);
        std::string_view name = end == text_.npos ? std::string_view() : text_.substr(at_ + 2, end - at_ - 2);
        const bool other = name.starts_with('^');
        if (other) name.remove_prefix(1);
        if (const auto known = std::ranges::find(kNamed, name, &Named::name); known != kNamed.end()) {
          add_kind(known->ranges, other);
          // Without case, upper and lower are both.
          if (octets_ && flags_.ignore_case && !other && (name == "upper" || name == "lower"))
            add_kind({{'A', 'Z'}, {'a', 'z'}}, false);
          at_ = end + 2;
          continue;
        }
        if (!name.empty() && std::ranges::all_of(name, [](char n) { return n >= 'a' && n <= 'z'; }))
          return bad(begin_, fmt::format("[:{}:] is no class of characters", name));
      }
      if (c == '-' && can_range && !range && more(1) && peek(1) != ']') {
        ++at_;
        range = true;
        continue;
      }
      if (c != '\\') {
        BONGSU_TRY_VOID(add(character()));
        continue;
      }
      ++at_;
      if (!more()) return bad(open, "a [ without its ]");
      std::uint32_t character = 0;
      const char next = peek();
      BONGSU_TRY(const bool one, character_escape(true, character));
      if (one) {
        BONGSU_TRY_VOID(add(character));
      } else if (next == 'Q') {
        ++at_;
        quoting = true;
      } else if (next == 'p' || next == 'P') {
        BONGSU_TRY(const std::string written, property());
        if (range) ranges.emplace_back('-', '-');
        range = can_range = false;
        further += written;
      } else if (const Ranges* kind = kind_of(next); kind != nullptr) {
        ++at_;
        if (!octets_ && (next == 'W' || next == 'D')) {  // RE2's own know what becomes of them without case
          if (range) ranges.emplace_back('-', '-');
          range = can_range = false;
          further += fmt::format("\\{}", next);
        } else {
          add_kind(*kind, next < 'a');
        }
      } else {
        return unsupported(fmt::format("\\{} in a class of characters", next));
      }
    }
    if (range) ranges.emplace_back('-', '-');
    ++at_;
    write_class(std::move(ranges), negated, further);
    return {};
  }

  std::string_view text_;
  bool octets_;
  std::size_t at_ = 0, begin_ = 0;  // begin_: of the token
  std::string out_;
  std::size_t item_ = kNothing;
  bool repeated_ = false, quoting_ = false;
  Flags flags_;
  std::vector<Group> groups_;
};

}  // namespace

Result<std::string> re2_of(std::string_view pcre, bool octets, bool ignore_case) {
  return Translator(pcre, octets, ignore_case).run();
}

}  // namespace bongsu::detect
