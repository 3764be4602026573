#include "base/utf8.h"

namespace bongsu {

std::size_t first_bad_octet(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto octet = [&](std::size_t i) {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const unsigned lead = octet(0);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead >= 0x80 && (lead < 0xc2 || lead > 0xf4)) return at;
    for (std::size_t i = 1; i < size; ++i)
      if ((octet(i) & 0xc0) != 0x80) return at;
    // Longer than need be, a surrogate, beyond U+10FFFF.
    if ((lead == 0xe0 && octet(1) < 0xa0) || (lead == 0xed && octet(1) > 0x9f) || (lead == 0xf0 && octet(1) < 0x90) ||
        (lead == 0xf4 && octet(1) > 0x8f))
      return at;
    at += size;
  }
  return at;
}

}  // namespace bongsu
