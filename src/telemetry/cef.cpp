#include "telemetry/cef.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace bongsu::telemetry {
namespace {

bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' || c == '-' ||
         c == '[' || c == ']';
}

Leaf::Escape escape_of(std::string_view value) {
  return value.find('\\') == value.npos ? Leaf::Escape::kNone : Leaf::Escape::kCef;
}

// Header fields up to `count` bars that stand behind no backslash. False: there are not so many.
template <std::size_t N>
bool split_header(std::string_view& rest, std::array<std::string_view, N>& parts) {
  for (std::string_view& part : parts) {
    std::size_t end = 0;
    while (end < rest.size() && rest[end] != '|') end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) return false;
    part = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
  return true;
}

// Where the key before the "=" at `equals` begins; npos: no key stands there.
std::size_t key_before(std::string_view text, std::size_t equals) {
  std::size_t begin = equals;
  while (begin > 0 && is_key_char(text[begin - 1])) --begin;
  if (begin == equals || (begin > 0 && text[begin - 1] != ' ')) return text.npos;
  return begin;
}

void read_extension(std::string_view text, LineFields& fields, LineFields::Container cef) {
  std::string_view key;
  std::size_t value_begin = 0;
  const auto finish = [&](std::size_t end) {
    if (key.empty()) return;
    std::string_view value = text.substr(value_begin, end - value_begin);
    while (value.ends_with(' ')) value.remove_suffix(1);
    fields.add(cef, key, value, escape_of(value));
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
      continue;
    }
    if (text[at] != '=') continue;
    const std::size_t begin = key_before(text, at);
    if (begin == text.npos) continue;
    finish(begin);
    key = text.substr(begin, at - begin);
    value_begin = at + 1;
  }
  finish(text.size());
}

bool read_cef_event(std::string_view rest, LineFields& fields) {
  std::array<std::string_view, 5> parts;
  if (!split_header(rest, parts)) return false;
  // The severity is the last; some writers leave the bar out when there is no extension.
  const std::size_t bar = rest.find('|');
  const std::string_view severity = trim(rest.substr(0, bar));
  if (severity.size() > 32) return false;
  rest = bar == rest.npos ? std::string_view{} : rest.substr(bar + 1);
  const auto cef = fields.container("cef");
  constexpr std::array<std::string_view, 5> kNames = {"device_vendor", "device_product", "device_version",
                                                      "event_class_id", "name"};
  for (std::size_t i = 0; i < 5; ++i) fields.add(cef, kNames[i], parts[i], escape_of(parts[i]));
  fields.add(cef, "severity", severity);
  read_extension(rest, fields, cef);
  return true;
}

bool read_leef_event(std::string_view version, std::string_view rest, LineFields& fields) {
  std::array<std::string_view, 4> parts;
  if (!split_header(rest, parts)) return false;
  char delimiter = '\t';
  if (version.starts_with('2')) {
    // A delimiter and a bar; a writer of version 2 that keeps the tab may leave both out.
    const std::size_t bar = rest.substr(0, 6).find('|');
    if (bar != rest.npos && rest.substr(0, bar).find('=') == rest.npos) {
      std::string_view code = rest.substr(0, bar);
      if (code.size() == 1) {
        delimiter = code[0];
      } else if (!code.empty()) {
        if (code.starts_with("0x") || code.starts_with("0X"))
          code.remove_prefix(2);
        else if (code.starts_with('x') || code.starts_with('X') || code.starts_with('\\'))
          code.remove_prefix(1);
        int value = 0;
        for (const char c : code) {
          const int digit = hex_digit(c);
          if (digit < 0) return false;
          value = value * 16 + digit;
        }
        if (code.empty() || value > 255) return false;
        delimiter = static_cast<char>(value);
      }
      rest.remove_prefix(bar + 1);
    }
  }
  const auto leef = fields.container("leef");
  constexpr std::array<std::string_view, 4> kNames = {"vendor", "product", "version", "event_id"};
  for (std::size_t i = 0; i < 4; ++i) fields.add(leef, kNames[i], parts[i]);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(delimiter), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0) continue;
    const std::string_view key = trim(pair.substr(0, equals));
    if (key.empty() || !std::all_of(key.begin(), key.end(), is_key_char)) continue;
    fields.add(leef, key, trim(pair.substr(equals + 1)));
  }
  return true;
}

}  // namespace

CefKind read_cef(std::string_view text, LineFields& fields) {
  const std::string_view head = text.substr(0, kCefSearchBytes);
  for (std::size_t at = head.find("EF:"); at != head.npos; at = head.find("EF:", at + 1)) {
    const bool leef = at >= 2 && text[at - 1] == 'E' && text[at - 2] == 'L';
    const bool cef = at >= 1 && text[at - 1] == 'C';
    if (!leef && !cef) continue;
    const std::size_t begin = at - (leef ? 2 : 1);
    if (begin > 0 && text[begin - 1] != ' ' && text[begin - 1] != ':' && text[begin - 1] != '\t') continue;
    std::string_view rest = text.substr(at + 3);
    // The version: digits and, for LEEF, a dot.
    std::size_t digits = 0;
    while (digits < rest.size() && digits < 8 && (is_digit(rest[digits]) || rest[digits] == '.')) ++digits;
    if (digits == 0 || digits >= rest.size() || rest[digits] != '|') continue;
    const std::string_view version = rest.substr(0, digits);
    rest.remove_prefix(digits + 1);
    if (cef && read_cef_event(rest, fields)) return CefKind::kCef;
    if (leef && read_leef_event(version, rest, fields)) return CefKind::kLeef;
  }
  return CefKind::kNone;
}

}  // namespace bongsu::telemetry
