#include "detect/sigma/fold.h"

#include <unicode/uchar.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace bongsu::detect::sigma {
namespace {

constexpr std::uint32_t kTabled = 0x10000;

// Simple case folding (Unicode, CaseFolding.txt, C and S) of the Basic Multilingual Plane.
std::uint32_t folded_character(std::uint32_t c) {
  static const std::vector<std::uint16_t> kTable = [] {
    std::vector<std::uint16_t> table(kTabled);
    for (std::uint32_t i = 0; i < kTabled; ++i) {
      const auto low = static_cast<std::uint32_t>(u_foldCase(static_cast<UChar32>(i), U_FOLD_CASE_DEFAULT));
      table[i] = static_cast<std::uint16_t>(low);
    }
    // Two letters grow from two bytes to three; they keep their case, so that folding never lengthens.
    for (const std::uint16_t keeps : {std::uint16_t{0x23a}, std::uint16_t{0x23e}}) table[keeps] = keeps;
    return table;
  }();
  return c < kTabled ? kTable[c] : static_cast<std::uint32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
}

// At most as many bytes as the character that it was folded from.
std::size_t put_utf8(std::uint32_t c, char* out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  const std::size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (std::size_t k = size - 1; k > 0; --k, c >>= 6) out[k] = static_cast<char>(0x80 | (c & 0x3f));
  constexpr unsigned char kLead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = static_cast<char>(kLead[size] | c);
  return size;
}

}  // namespace

std::size_t character_size(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  if (size == 1 || at + size > text.size()) return 1;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return 1;
  return size;
}

std::uint32_t code_of(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  std::uint32_t code = character.size() == 1 ? lead : lead & (0xffU >> (character.size() + 1));
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3fU);
  return code;
}

std::size_t fold_into(std::string_view text, char* out) {
  const char* p = text.data();
  const std::size_t n = text.size();
  std::size_t i = 0, o = 0;
  while (i < n) {
    // Eight bytes at a time while they are ASCII: 'A'…'Z' gain the bit 0x20.
    while (i + 8 <= n) {
      std::uint64_t word;
      std::memcpy(&word, p + i, 8);
      constexpr std::uint64_t kOnes = 0x0101010101010101;
      if ((word & (kOnes * 0x80)) != 0) break;
      const std::uint64_t from_a = word + kOnes * (0x80 - 'A');        // high bit: >= 'A'
      const std::uint64_t beyond_z = word + kOnes * (0x80 - 'Z' - 1);  // high bit: > 'Z'
      word |= ((from_a & ~beyond_z) & (kOnes * 0x80)) >> 2;
      std::memcpy(out + o, &word, 8);
      i += 8;
      o += 8;
    }
    if (i == n) break;
    const auto c = static_cast<unsigned char>(p[i]);
    if (c < 0x80) {
      out[o++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : static_cast<char>(c);
      ++i;
      continue;
    }
    const std::size_t size = character_size(text, i);
    if (size == 1) {
      out[o++] = p[i];  // no UTF-8
    } else {
      const std::uint32_t code = code_of(text.substr(i, size));
      constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // below: longer than need be, no character
      const std::uint32_t low = code < kLeast[size] ? code : folded_character(code);
      if (low == code) {
        for (std::size_t k = 0; k < size; ++k) out[o++] = p[i + k];  // also what only looks like UTF-8
      } else {
        o += put_utf8(low, out + o);
      }
    }
    i += size;
  }
  return o;
}

void fold(std::string_view text, std::string& out) {
  out.resize(text.size());
  out.resize(fold_into(text, out.data()));
}

}  // namespace bongsu::detect::sigma
