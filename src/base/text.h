// Small questions about ASCII text that many readers ask. Bytes beyond ASCII are nobody's letters here: they stay as
// they are.
//
//   trim(" evil.example\r\n") == "evil.example"
//   lowered("SHA-256") == "sha-256"
//   hex_digit('f') == 15
#pragma once

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
