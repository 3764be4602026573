#include "detect/plain.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "detect/address.h"
#include "detect/normalise.h"

namespace bongsu::detect {
namespace {

bool starts_with_no_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (std::size_t i = 0; i < lower_prefix.size(); ++i) {
    if (lower(text[i]) != lower_prefix[i]) return false;
  }
  return true;
}

struct Swap {
  std::string_view from, to;
};
// Longest first where one begins another.
constexpr Swap kAnywhere[] = {
    {"[://]", "://"}, {"[:]", ":"},   {"[.]", "."},   {"(.)", "."},  {"{.}", "."},  {"[dot]", "."},
    {"(dot)", "."},   {"{dot}", "."}, {" dot ", "."}, {"[at]", "@"}, {"(at)", "@"}, {"{at}", "@"},
    {"[@]", "@"},     {"[/]", "/"},   {"\\.", "."},   {"[.", "."},   {".]", "."},   {"[:", ":"},
};
constexpr Swap kSchemes[] = {
    {"hxxps", "https"}, {"hxxp", "http"}, {"h**ps", "https"}, {"h**p", "http"},
    {"htxps", "https"}, {"htxp", "http"}, {"hxxtp", "http"},  {"fxp", "ftp"},
};

// Which characters a text has, found in one pass, so that few kinds are tried at all.
class Shape {
 public:
  enum : std::uint16_t {
    kDigit = 1,
    kHexLetter = 2,
    kDot = 4,
    kColon = 8,
    kSlash = 16,
    kBackslash = 32,
    kAt = 64,
    kBlank = 128,
    kDash = 256,
    kDefanging = 512,  // what refang looks at
    kOther = 1024
  };
  explicit Shape(std::string_view text);
  bool has(int which) const { return (bits_ & which) != 0; }
  bool only(int which) const { return (bits_ & ~which) == 0; }

 private:
  int bits_ = 0;
};

struct ShapeTable {
  std::uint16_t of[256] = {};
  constexpr ShapeTable() {
    for (auto& bits : of) bits = Shape::kOther;
    for (const char c : std::string_view("0123456789")) at(c) = Shape::kDigit;
    for (const char c : std::string_view("abcdefABCDEF")) at(c) = Shape::kHexLetter;
    for (const char c : std::string_view("[](){}<>\"'*")) at(c) = Shape::kDefanging;
    at('.') = Shape::kDot;
    at(':') = Shape::kColon;
    at('/') = Shape::kSlash;
    at('\\') = Shape::kBackslash | Shape::kDefanging;
    at('@') = Shape::kAt;
    at(' ') = Shape::kBlank | Shape::kDefanging;
    at('\t') = Shape::kBlank;
    at('-') = Shape::kDash;
  }
  constexpr std::uint16_t& at(char c) { return of[static_cast<unsigned char>(c)]; }
};
constexpr ShapeTable kShapes;

Shape::Shape(std::string_view text) {
  for (const char c : text) bits_ |= kShapes.of[static_cast<unsigned char>(c)];
}

std::unexpected<Error> nothing_known() {
  return fail(ErrorCode::kInvalid, "not an address, domain, URL, e-mail address, hash or path");
}

std::optional<Kind> hash_kind(std::string_view text, Shape shape) {
  if (!shape.only(Shape::kDigit | Shape::kHexLetter)) return std::nullopt;
  switch (text.size()) {
    case 32:
      return Kind::kMd5;
    case 40:
      return Kind::kSha1;
    case 64:
      return Kind::kSha256;
    case 128:
      return Kind::kSha512;
    default:
      return std::nullopt;
  }
}

// parse_cidr, where the text could be one.
std::optional<Address> address_of(std::string_view text, Shape shape) {
  if (text.empty() || (hex_digit(text.front()) < 0 && text.front() != ':')) return std::nullopt;
  if (!shape.has(Shape::kColon) && !shape.only(Shape::kDigit | Shape::kDot | Shape::kSlash)) return std::nullopt;
  return parse_cidr(text);
}

bool cut_off(std::string_view text) { return text.ends_with("…") || text.ends_with("..."); }

Result<Value> guess(std::string_view text, Shape shape) {
  if (cut_off(text)) return fail(ErrorCode::kInvalid, "the value was cut off at its source (it ends in …)");
  if (const auto address = address_of(text, shape))
    return Value{address->v6 ? Kind::kIpv6 : Kind::kIpv4, address->text()};
  if (text.starts_with('[') && text.ends_with(']') && parse_address(text.substr(1, text.size() - 2)))
    return normalise(Kind::kIpv6, text.substr(1, text.size() - 2));
  if (const auto kind = hash_kind(text, shape)) return normalise(*kind, text);
  if (shape.has(Shape::kColon) && shape.has(Shape::kSlash) && text.find("://") != text.npos)
    return normalise(Kind::kUrl, text);
  if (starts_with_no_case(text, "hkey_") || starts_with_no_case(text, "hklm\\") || starts_with_no_case(text, "hku\\") ||
      starts_with_no_case(text, "hkcu\\") || starts_with_no_case(text, "hkcr\\"))
    return normalise(Kind::kRegistryKey, text);
  if (shape.has(Shape::kBackslash) || text.starts_with('/')) return normalise(Kind::kFilePath, text);
  if (std::string mac; shape.has(Shape::kColon | Shape::kDash) && normalise_mac(text, mac))
    return Value{Kind::kMac, mac};
  if (shape.has(Shape::kBlank)) return nothing_known();
  if (shape.has(Shape::kAt) && !shape.has(Shape::kSlash)) return normalise(Kind::kEmail, text);
  if (shape.has(Shape::kColon) && !shape.has(Shape::kSlash)) {
    // host:port — the port is left out: it is no part of any kind we match.
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
    if (!port.empty() && port.size() <= 5 && Shape(port).only(Shape::kDigit)) return guess(host, Shape(host));
    return nothing_known();
  }
  if (shape.has(Shape::kSlash)) {  // evil.example/path, as Zeek's Intel framework writes URLs
    const std::string_view host = text.substr(0, text.find('/'));
    if (parse_address(host) || normalise(Kind::kDomain, host))
      return normalise(Kind::kUrl, "http://" + std::string(text));
    return nothing_known();
  }
  if (shape.has(Shape::kDot)) {
    if (auto domain = normalise(Kind::kDomain, text)) return domain;
  }
  return nothing_known();
}

// Nothing in the text that refang looks at.
bool is_plain(std::string_view text, Shape shape) {
  if (shape.has(Shape::kDefanging)) return false;
  if (text.size() < 4) return true;
  const char first = lower(text[0]), second = lower(text[1]), third = lower(text[2]);
  return !(first == 'h' && (second == 'x' || (second == 't' && third == 'x'))) && !(first == 'f' && second == 'x');
}

}  // namespace

std::string refang(std::string_view text) {
  text = trim(text);
  if (is_plain(text, Shape(text))) return std::string(text);
  if (text.size() >= 2 &&
      ((text.front() == '"' && text.back() == '"') || (text.front() == '\'' && text.back() == '\'') ||
       (text.front() == '<' && text.back() == '>')))
    text = trim(text.substr(1, text.size() - 2));
  std::string out;
  // Brackets of an IPv6 address stay, "[2001:db8::1]"; so do paths with backslashes.
  const bool windows = text.find(":\\") != text.npos || text.starts_with('\\') || starts_with_no_case(text, "hk");
  const bool bracketed_address = text.find("://[") != text.npos || (text.starts_with('[') && text.ends_with(']'));
  for (std::size_t i = 0; i < text.size();) {
    const Swap* found = nullptr;
    for (const Swap& swap : kAnywhere) {
      if (!starts_with_no_case(text.substr(i), swap.from)) continue;
      if (windows && swap.from.starts_with('\\')) continue;
      if (bracketed_address && (swap.from == "[:" || swap.from == ".]" || swap.from == "[.")) continue;
      found = &swap;
      break;
    }
    if (found == nullptr) {
      out += text[i++];
    } else {
      out += found->to;
      i += found->from.size();
    }
  }
  for (const Swap& scheme : kSchemes) {
    if (!starts_with_no_case(out, scheme.from)) continue;
    const std::string_view rest = std::string_view(out).substr(scheme.from.size());
    if (rest.starts_with(":")) {
      out = std::string(scheme.to).append(rest);
      break;
    }
  }
  return out;
}

Result<Value> parse_plain(std::string_view line) {
  std::string_view text = trim(line);
  if (text.size() > kMaxValueBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("longer than {} bytes", kMaxValueBytes));
  const Shape shape(text);
  if (is_plain(text, shape)) return guess(text, shape);
  const std::string whole = refang(text);
  return guess(whole, Shape(whole));
}

Result<Value> literal_file_expression(std::string_view expression) {
  constexpr const char* kReal = "a regular expression; only expressions that stand for one path are matched";
  std::string literal;
  if (expression.ends_with('$') && !expression.ends_with("\\$")) expression.remove_suffix(1);
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '\\') {
      if (++i == expression.size()) return fail(ErrorCode::kUnsupported, kReal);
      const char next = expression[i];
      const bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9');
      if (letter) return fail(ErrorCode::kUnsupported, kReal);  // \d, \w, …
      literal += next;
    } else if (std::string_view(".[]()*+?{}|^$").find(c) != std::string_view::npos) {
      return fail(ErrorCode::kUnsupported, kReal);
    } else {
      literal += c;
    }
  }
  if (literal.starts_with(":\\")) literal.erase(0, 1);
  const bool drive = literal.size() > 2 && literal[1] == ':' && literal[2] == '\\';
  const bool unix_path = literal.starts_with('/');
  if (!drive && !unix_path && !literal.starts_with('\\'))
    return fail(ErrorCode::kUnsupported, "a part of a path that does not begin at a folder's name");
  if (literal.starts_with('\\') && literal.find('\\', 1) == literal.npos && literal.size() > 1)
    return normalise(Kind::kFileName, std::string_view(literal).substr(1));
  return normalise(Kind::kFilePath, literal);
}

namespace {

enum class Word { kGuess, kHash, kFileExpression, kKind, kUnknown };

Word read_type_word(std::string_view type, Kind& kind) {
  std::string lower;
  ascii_lower(type, lower);
  if (lower == "c2" || lower == "ioc" || lower == "indicator" || lower == "domain|ip") return Word::kGuess;
  if (lower == "file_hash" || lower == "hash" || lower == "intel::file_hash") return Word::kHash;
  if (lower == "filename_re") return Word::kFileExpression;
  if (const auto found = parse_kind(type)) {
    kind = *found;
    return Word::kKind;
  }
  return Word::kUnknown;
}

}  // namespace

bool is_type_word(std::string_view word) {
  Kind kind;
  return read_type_word(word, kind) != Word::kUnknown;
}

Result<Value> parse_typed(std::string_view type, std::string_view text) {
  Kind kind = Kind::kText;
  const Word word = read_type_word(type, kind);
  if (word == Word::kUnknown)
    return fail(ErrorCode::kUnsupported, fmt::format("an indicator type that is not known: {}", type));
  if (word == Word::kFileExpression) return literal_file_expression(text);
  if (word == Word::kKind && (kind == Kind::kMutex || kind == Kind::kUserAgent || kind == Kind::kText ||
                              kind == Kind::kFileName || kind == Kind::kFilePath || kind == Kind::kRegistryKey))
    return normalise(kind, text);
  const std::string whole = refang(text);
  if (word == Word::kHash) {
    if (const auto by_length = hash_kind(whole, Shape(whole))) return normalise(*by_length, whole);
    return fail(ErrorCode::kInvalid, "a hash has 32, 40, 64 or 128 hexadecimal digits");
  }
  if (word == Word::kGuess) return guess(whole, Shape(whole));
  if (cut_off(whole)) return fail(ErrorCode::kInvalid, "the value was cut off at its source (it ends in …)");
  if (kind == Kind::kUrl && whole.find("://") == whole.npos) return normalise(kind, "http://" + whole);
  return normalise(kind, whole);
}

}  // namespace bongsu::detect
