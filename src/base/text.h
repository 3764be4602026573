// Small questions about ASCII text that many readers ask. Bytes beyond ASCII are nobody's letters here: they stay as
// they are.
//
//   trim(" evil.example\r\n") == "evil.example"
//   lowered("SHA-256") == "sha-256"
//   hex_digit('f') == 15
//   finite_number("-1.5e3") == -1500
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace bongsu {

// Without blanks and control characters (bytes up to 0x20) at both ends.
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The whole text as a decimal number (strtod's without blanks and plus sign); nullopt: it is none, or not finite.
inline std::optional<double> finite_number(std::string_view text) {
  const char* const end = text.data() + text.size();
  double value = 0;
  const auto [after, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || after != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// The digit's worth; -1: not a hexadecimal digit.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
inline std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

}  // namespace bongsu
