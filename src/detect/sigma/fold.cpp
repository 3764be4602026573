#include "detect/sigma/fold.h"

#include <cstdint>
#include <cstring>

namespace bongsu::detect::sigma {
namespace {

// Upper case to lower within the two-byte range of UTF-8 (U+0080 to U+07FF).
std::uint32_t lower_two(std::uint32_t c) {
  if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 0x20;
  if (c >= 0x100 && c <= 0x137 && c != 0x130) return c | 1;
  if (c >= 0x139 && c <= 0x148) return (c & 1) != 0 ? c + 1 : c;
  if (c >= 0x14a && c <= 0x177) return c | 1;
  if (c == 0x178) return 0xff;
  if (c >= 0x179 && c <= 0x17e) return (c & 1) != 0 ? c + 1 : c;
  if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) return c + 0x20;
  if (c >= 0x410 && c <= 0x42f) return c + 0x20;
  if (c >= 0x400 && c <= 0x40f) return c + 0x50;
  if (c >= 0x460 && c <= 0x481) return c | 1;
  return c;
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
    if (size == 2) {
      const std::uint32_t code = (c & 0x1fU) << 6 | (static_cast<unsigned char>(p[i + 1]) & 0x3fU);
      if (code == 0x17f) {
        out[o++] = 's';
      } else {
        const std::uint32_t low = lower_two(code);
        out[o++] = static_cast<char>(0xc0 | low >> 6);
        out[o++] = static_cast<char>(0x80 | (low & 0x3f));
      }
    } else if (size == 3 && std::memcmp(p + i, "\xe2\x84\xaa", 3) == 0) {
      out[o++] = 'k';
    } else {
      for (std::size_t k = 0; k < size; ++k) out[o++] = p[i + k];
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
