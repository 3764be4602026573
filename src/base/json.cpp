#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <set>
#include <vector>

namespace bongsu {
namespace {

namespace bj = boost::json;

// Builds a value as boost::json::parser does, and refuses an object that names a key twice.
struct Builder {
  static constexpr std::size_t max_object_size = bj::object::max_size();
  static constexpr std::size_t max_array_size = bj::array::max_size();
  static constexpr std::size_t max_key_size = bj::string::max_size();
  static constexpr std::size_t max_string_size = bj::string::max_size();

  bj::value_stack stack;
  std::vector<std::vector<std::string>> keys;  // of the objects that are open
  std::string key;
  std::string number;
  std::string duplicate;

  bool on_document_begin(bj::error_code&) { stack.reset(); return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { keys.emplace_back(); return true; }
  bool on_object_end(std::size_t n, bj::error_code& ec) {
    auto& mine = keys.back();
    std::sort(mine.begin(), mine.end());
    if (const auto at = std::adjacent_find(mine.begin(), mine.end()); at != mine.end()) {
      duplicate = *at;
      ec = bj::error::extra_data;
      return false;
    }
    keys.pop_back();
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(bj::error_code&) { return true; }
  bool on_array_end(std::size_t n, bj::error_code&) { stack.push_array(n); return true; }
  bool on_key_part(bj::string_view s, std::size_t, bj::error_code&) { key.append(s); stack.push_chars(s); return true; }
  bool on_key(bj::string_view s, std::size_t, bj::error_code&) {
    key.append(s);
    keys.back().push_back(std::move(key));
    key.clear();
    stack.push_key(s);
    return true;
  }
  bool on_string_part(bj::string_view s, std::size_t, bj::error_code&) { stack.push_chars(s); return true; }
  bool on_string(bj::string_view s, std::size_t, bj::error_code&) { stack.push_string(s); return true; }
  bool on_number_part(bj::string_view s, bj::error_code&) { number.append(s); return true; }
  bool on_int64(std::int64_t i, bj::string_view, bj::error_code&) { number.clear(); stack.push_int64(i); return true; }
  bool on_uint64(std::uint64_t u, bj::string_view, bj::error_code&) { number.clear(); stack.push_uint64(u); return true; }
  bool on_double(double d, bj::string_view s, bj::error_code& ec) {
    // Boost 1.81 reads a double to within an ulp only; the text is read again to the nearest one.
    number.append(s);
    double nearest = d;
    std::from_chars(number.data(), number.data() + number.size(), nearest);
    number.clear();
    if (!std::isfinite(nearest)) {
      ec = bj::error::exponent_overflow;
      return false;
    }
    stack.push_double(nearest);
    return true;
  }
  bool on_bool(bool b, bj::error_code&) { stack.push_bool(b); return true; }
  bool on_null(bj::error_code&) { stack.push_null(); return true; }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }
};

void write_pretty(std::string& out, const Json& value, int indent) {
  const std::string pad(static_cast<std::size_t>(indent) * 2, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [key, inner] : value.get_object()) {
      if (!first) out += ",\n";
      first = false;
      out += pad + "  ";
      append_json_string(out, key);
      out += ": ";
      write_pretty(out, inner, indent + 1);
    }
    out += "\n" + pad + "}";
  } else if (value.is_array() && !value.get_array().empty()) {
    out += "[\n";
    bool first = true;
    for (const auto& inner : value.get_array()) {
      if (!first) out += ",\n";
      first = false;
      out += pad + "  ";
      write_pretty(out, inner, indent + 1);
    }
    out += "\n" + pad + "]";
  } else {
    out += bj::serialize(value);
  }
}

std::u16string utf16(std::string_view utf8) {
  std::u16string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    char32_t c = lead;
    std::size_t n = 1;
    if (lead >= 0xf0) c = lead & 0x07, n = 4;
    else if (lead >= 0xe0) c = lead & 0x0f, n = 3;
    else if (lead >= 0xc0) c = lead & 0x1f, n = 2;
    for (std::size_t k = 1; k < n && i + k < utf8.size(); ++k) c = (c << 6) | (static_cast<unsigned char>(utf8[i + k]) & 0x3f);
    i += n;
    if (c >= 0x10000) {
      c -= 0x10000;
      out += static_cast<char16_t>(0xd800 + (c >> 10));
      out += static_cast<char16_t>(0xdc00 + (c & 0x3ff));
    } else {
      out += static_cast<char16_t>(c);
    }
  }
  return out;
}

// ECMAScript Number::toString (ECMA-262 §6.1.6.1.20), as RFC 8785 §3.2.2.3 wants it.
std::string ecmascript_number(double d) {
  if (d == 0) return "0";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::abs(d), std::chars_format::scientific).ptr;
  const std::string_view shortest(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = shortest.find('e');
  std::string digits(shortest.substr(0, e));
  if (const auto dot = digits.find('.'); dot != std::string::npos) digits.erase(dot, 1);
  int exponent = 0;
  std::string_view exponent_text = shortest.substr(e + 1);
  if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;  // the value is 0.digits × 10^n
  std::string out = d < 0 ? "-" : "";
  if (k <= n && n <= 21) return out + digits + std::string(static_cast<std::size_t>(n - k), '0');
  if (0 < n && n <= 21) return out + digits.substr(0, static_cast<std::size_t>(n)) + "." + digits.substr(static_cast<std::size_t>(n));
  if (-6 < n && n <= 0) return out + "0." + std::string(static_cast<std::size_t>(-n), '0') + digits;
  const std::string power = fmt::format("e{}{}", n - 1 < 0 ? '-' : '+', std::abs(n - 1));
  if (k == 1) return out + digits + power;
  return out + digits.substr(0, 1) + "." + digits.substr(1) + power;
}

Result<void> write_canonical(std::string& out, const Json& value) {
  switch (value.kind()) {
    case bj::kind::null: out += "null"; return {};
    case bj::kind::bool_: out += value.get_bool() ? "true" : "false"; return {};
    case bj::kind::int64:
    case bj::kind::uint64: {
      // A small number that was put in as an unsigned one is the same number.
      constexpr std::int64_t kExact = std::int64_t{1} << 53;
      const bool exact = value.is_uint64() ? value.get_uint64() <= static_cast<std::uint64_t>(kExact) : value.get_int64() <= kExact && value.get_int64() >= -kExact;
      if (!exact) return fail(ErrorCode::kInvalid, "an integer beyond 2^53 has no canonical JSON form (RFC 8785)");
      out += fmt::format("{}", value.is_uint64() ? static_cast<std::int64_t>(value.get_uint64()) : value.get_int64());
      return {};
    }
    case bj::kind::double_:
      if (!std::isfinite(value.get_double()))
        return fail(ErrorCode::kInvalid, "a number that is not finite has no canonical JSON form (RFC 8785)");
      out += ecmascript_number(value.get_double());
      return {};
    case bj::kind::string: append_json_string(out, value.get_string()); return {};
    case bj::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& inner : value.get_array()) {
        if (!first) out += ',';
        first = false;
        BONGSU_TRY_VOID(write_canonical(out, inner));
      }
      out += ']';
      return {};
    }
    case bj::kind::object: {
      std::vector<std::pair<std::u16string, const bj::key_value_pair*>> sorted;
      for (const auto& pair : value.get_object()) sorted.emplace_back(utf16(pair.key()), &pair);
      std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      out += '{';
      bool first = true;
      for (const auto& [_, pair] : sorted) {
        if (!first) out += ',';
        first = false;
        append_json_string(out, pair->key());
        out += ':';
        BONGSU_TRY_VOID(write_canonical(out, pair->value()));
      }
      out += '}';
      return {};
    }
  }
  return {};
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  bj::parse_options options;
  options.max_depth = kJsonMaxDepth;
  bj::basic_parser<Builder> parser(options);
  bj::error_code ec;
  std::size_t n = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && n < text.size()) {
    if (text.substr(n).find_first_not_of(" \t\r\n") != std::string_view::npos) ec = bj::error::extra_data;
  }
  if (!ec && !parser.done()) ec = bj::error::incomplete;
  if (ec) {
    const std::string& duplicate = parser.handler().duplicate;
    std::string message = !duplicate.empty() ? fmt::format("an object names the key \"{}\" twice", duplicate)
                          : ec == bj::error::too_deep ? fmt::format("JSON nested deeper than {} levels", kJsonMaxDepth)
                                                      : "not JSON: " + ec.message();
    return fail(ErrorCode::kInvalid, std::move(message), {.offset = n, .has_offset = true});
  }
  return parser.handler().stack.release();
}

std::string to_text(const Json& value) { return bj::serialize(value); }

std::string to_pretty_text(const Json& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out;
}

Result<std::string> to_canonical_text(const Json& value) {
  std::string out;
  BONGSU_TRY_VOID(write_canonical(out, value));
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\b': out += "\\b"; break;
        case '\f': out += "\\f"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
          if (c < 0x20) out += fmt::format("\\u{:04x}", c);
          else out += static_cast<char>(c);
      }
      ++i;
      continue;
    }
    // Length, continuation bytes, no overlong form, no surrogate, nothing beyond U+10FFFF (RFC 3629).
    const std::size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    bool good = n != 0 && c <= 0xf4 && i + n <= text.size();
    for (std::size_t k = 1; good && k < n; ++k) good = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (good && n > 2) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
          (c == 0xf4 && second > 0x8f))
        good = false;
    }
    if (good) {
      out += text.substr(i, n);
      i += n;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  out += '"';
}

const Json* find(const Json& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::optional<std::string_view> string_at(const Json& value, std::string_view key) {
  const Json* at = find(value, key);
  if (at == nullptr || !at->is_string()) return std::nullopt;
  return std::string_view(at->get_string());
}

std::optional<std::int64_t> int_at(const Json& value, std::string_view key) {
  const Json* at = find(value, key);
  if (at == nullptr) return std::nullopt;
  if (at->is_int64()) return at->get_int64();
  if (at->is_uint64() && at->get_uint64() <= INT64_MAX) return static_cast<std::int64_t>(at->get_uint64());
  return std::nullopt;
}

std::optional<bool> bool_at(const Json& value, std::string_view key) {
  const Json* at = find(value, key);
  if (at == nullptr || !at->is_bool()) return std::nullopt;
  return at->get_bool();
}

}  // namespace bongsu
