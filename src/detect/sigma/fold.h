// Text without case, as Sigma compares it: "All values are treated as case-insensitive strings" (rules specification,
// General).
//
//   fold("C:\\Windows\\CMD.EXE", scratch)  →  "c:\\windows\\cmd.exe"
//
// Simple case folding (Unicode Standard 3.13, CaseFolding.txt, statuses C and S, as regular expressions fold): one
// character for one, so "ß" and "ẞ" are the same and "ss" is another. Ⱥ and Ⱦ stay, for they would grow. Bytes that are
// not UTF-8 stay as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bongsu::detect::sigma {

// Replaces `out`.
void fold(std::string_view text, std::string& out);
inline std::string folded(std::string_view text) {
  std::string out;
  fold(text, out);
  return out;
}
// The same into memory that has room for text.size() bytes; the number of bytes written. Folding never lengthens.
std::size_t fold_into(std::string_view text, char* out);

// Bytes of the character that begins text[at]: 1 to 4, and 1 for a byte that begins none. `at` < text.size().
std::size_t character_size(std::string_view text, std::size_t at);
// The code point of one character of that size; of a single byte, the byte.
std::uint32_t code_of(std::string_view character);

}  // namespace bongsu::detect::sigma
