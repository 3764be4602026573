// Character classes and small scanners of HTTP's grammar (RFC 9110 §5.6), shared by the parsers of this module.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/text.h"

namespace bongsu::net {

namespace detail {
consteval std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) table[c] = true;
  return table;
}
inline constexpr auto kToken = token_table();
}  // namespace detail

constexpr bool is_token_char(char c) { return detail::kToken[static_cast<std::uint8_t>(c)]; }
constexpr bool is_token(std::string_view text) {
  for (const char c : text)
    if (!is_token_char(c)) return false;
  return !text.empty();
}
// VCHAR, obs-text, space and tab: what a field value may hold (§5.5).
constexpr bool is_field_char(char c) {
  const auto u = static_cast<std::uint8_t>(c);
  return (u >= 0x20 && u != 0x7f) || u == '\t';
}
constexpr bool is_field_value(std::string_view text) {
  for (const char c : text)
    if (!is_field_char(c)) return false;
  return true;
}
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}
constexpr std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace bongsu::net
