#include "detect/text_scan.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define BONGSU_SCAN_X86 1
#endif

namespace bongsu::detect {
namespace {

// What 64 bytes are, bit by bit.
struct Block {
  std::uint64_t word;       // letters, digits, ._-+@:
  std::uint64_t hex;        // hexadecimal digits
  std::uint64_t point;      // . @
  std::uint64_t colon;      // :
  std::uint64_t slash;      // /
  std::uint64_t backslash;  // '\'
  std::uint64_t plain;      // what may stand behind a backslash and is no letter of the text then: "\/bfnrt
};

// Classes by the two halves of a byte: `low[b & 15] & high[b >> 4]` is not 0 for members. Bits 0 to 5 say word (one for
// each upper half from 2 to 7), 6 and 7 hexadecimal digit.
constexpr auto kWordLow = [] {
  std::array<std::uint8_t, 16> out{};
  const auto put = [&](unsigned char c) { out[c & 15] |= static_cast<std::uint8_t>(1 << ((c >> 4) - 2)); };
  for (int c = 0; c < 128; ++c)
    if ((token::kClasses.of[c] & token::kWord) != 0) put(static_cast<unsigned char>(c));
  for (int low = 1; low <= 6; ++low) out[static_cast<std::size_t>(low)] |= 0x40;
  for (int low = 0; low <= 9; ++low) out[static_cast<std::size_t>(low)] |= 0x80;
  return out;
}();
constexpr std::array<std::uint8_t, 16> kWordHigh = {0, 0, 1, 2 | 0x80, 4 | 0x40, 8, 16 | 0x40, 32};
// The same for what may be escaped: " / by bit 0, \ by bit 1, b f n by bit 2, r t by bit 3.
constexpr auto kPlainLow = [] {
  std::array<std::uint8_t, 16> out{};
  out['"' & 15] |= 1, out['/' & 15] |= 1, out['\\' & 15] |= 2;
  for (const char c : {'b', 'f', 'n'}) out[c & 15] |= 4;
  for (const char c : {'r', 't'}) out[c & 15] |= 8;
  return out;
}();
constexpr std::array<std::uint8_t, 16> kPlainHigh = {0, 0, 1, 0, 0, 2, 4, 8};

Block look_plain(const char* p) {
  Block out{};
  for (std::size_t i = 0; i < 64; ++i) {
    const auto c = static_cast<unsigned char>(p[i]);
    const std::uint64_t bit = 1ULL << i;
    const unsigned is = kWordLow[c & 15] & kWordHigh[c >> 4];
    if ((is & 0x3f) != 0) out.word |= bit;
    if ((is & 0xc0) != 0) out.hex |= bit;
    if (c == '.' || c == '@') out.point |= bit;
    if (c == ':') out.colon |= bit;
    if (c == '/') out.slash |= bit;
    if (c == '\\') out.backslash |= bit;
    if ((kPlainLow[c & 15] & kPlainHigh[c >> 4]) != 0) out.plain |= bit;
  }
  return out;
}

#ifdef BONGSU_SCAN_X86

__attribute__((target("avx2"))) inline Block look_avx2(const char* p) {
  const auto table = [](const std::array<std::uint8_t, 16>& t) __attribute__((target("avx2"))) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data())));
  };
  Block out{};
  const __m256i low = table(kWordLow), high = table(kWordHigh), plow = table(kPlainLow), phigh = table(kPlainHigh);
  const __m256i nibble = _mm256_set1_epi8(15);
  for (int half = 0; half < 2; ++half) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32 * half));
    const __m256i l = _mm256_and_si256(v, nibble), h = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
    const __m256i is = _mm256_and_si256(_mm256_shuffle_epi8(low, l), _mm256_shuffle_epi8(high, h));
    const __m256i escape = _mm256_and_si256(_mm256_shuffle_epi8(plow, l), _mm256_shuffle_epi8(phigh, h));
    const __m256i zero = _mm256_setzero_si256();
    const auto any = [&](__m256i x) __attribute__((target("avx2"))) {
      return static_cast<std::uint64_t>(~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, zero))));
    };
    const auto equal = [&](char c) __attribute__((target("avx2"))) {
      return static_cast<std::uint64_t>(
          static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(c)))));
    };
    const int shift = 32 * half;
    out.word |= (any(_mm256_and_si256(is, _mm256_set1_epi8(0x3f))) & 0xffffffff) << shift;
    out.hex |= (any(_mm256_and_si256(is, _mm256_set1_epi8(static_cast<char>(0xc0)))) & 0xffffffff) << shift;
    out.plain |= (any(escape) & 0xffffffff) << shift;
    out.point |= (equal('.') | equal('@')) << shift;
    out.colon |= equal(':') << shift;
    out.slash |= equal('/') << shift;
    out.backslash |= equal('\\') << shift;
  }
  return out;
}

__attribute__((target("avx512bw"))) inline Block look_avx512(const char* p) {
  const auto table = [](const std::array<std::uint8_t, 16>& t) __attribute__((target("avx512bw"))) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data())));
  };
  const __m512i v = _mm512_loadu_si512(p);
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512i l = _mm512_and_si512(v, nibble), h = _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble);
  const __m512i is =
      _mm512_and_si512(_mm512_shuffle_epi8(table(kWordLow), l), _mm512_shuffle_epi8(table(kWordHigh), h));
  const auto equal = [&](char c) __attribute__((target("avx512bw"))) {
    return static_cast<std::uint64_t>(_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c)));
  };
  Block out{};
  out.word = _mm512_test_epi8_mask(is, _mm512_set1_epi8(0x3f));
  out.hex = _mm512_test_epi8_mask(is, _mm512_set1_epi8(static_cast<char>(0xc0)));
  out.point = equal('.') | equal('@');
  out.colon = equal(':');
  out.slash = equal('/');
  out.backslash = equal('\\');
  out.plain = out.backslash == 0 ? 0
                                 : _mm512_test_epi8_mask(_mm512_shuffle_epi8(table(kPlainLow), l),
                                                         _mm512_shuffle_epi8(table(kPlainHigh), h));
  return out;
}

#endif

// The first pass. Bits of a block's last bytes depend on the next block, so each is finished when the next is seen.
// `plain` of a block may be left out when it holds no backslash, but for its first byte (carried below).
struct Pass {
  bool escaped;
  std::uint64_t* words;
  std::uint64_t* marks;
  std::uint64_t escape_carry = 0;
  Block last{};
  bool any = false;

  // False: an escape that stands for a letter.
  template <class Plain>
  bool take(Block b, Plain&& plain_again) {
    if (escaped && (b.backslash != 0 || escape_carry != 0)) {
      // Which bytes are escaped: those behind an odd number of backslashes (as simdjson's stage 1 does it).
      if (b.backslash == 0) b.plain = plain_again();
      const std::uint64_t backslash = b.backslash & ~escape_carry;
      const std::uint64_t follows = backslash << 1 | escape_carry;
      constexpr std::uint64_t kEven = 0x5555555555555555;
      const std::uint64_t odd_starts = backslash & ~kEven & ~follows;
      const std::uint64_t sequences = odd_starts + backslash;
      escape_carry = sequences < odd_starts ? 1 : 0;
      const std::uint64_t behind = (kEven ^ sequences << 1) & follows;
      if ((behind & ~b.plain) != 0) return false;
      b.word &= ~behind;
      b.hex &= ~behind;
      b.point &= ~behind;
      b.colon &= ~behind;
    }
    if (any) finish(b);
    last = b;
    any = true;
    return true;
  }
  void finish(const Block& next) {
    const auto ahead = [](std::uint64_t now, std::uint64_t then, int by) { return now >> by | then << (64 - by); };
    std::uint64_t slashes = ahead(last.slash, next.slash, 1);
    if (escaped) slashes |= ahead(last.backslash, next.backslash, 1) & ahead(last.slash, next.slash, 2);
    std::uint64_t marks_here = (last.point | last.colon) & ahead(last.word, next.word, 1);
    marks_here |= last.colon & slashes;
    // Sixteen hexadecimal digits in an aligned place: part of every run of 31 and more.
    const std::uint64_t others = ~last.hex;
    marks_here |= (others - 0x0001000100010001) & ~others & 0x8000800080008000 & last.word;
    *words++ = last.word;
    *marks++ = marks_here;
  }
};

template <class Look>
__attribute__((always_inline)) inline bool run(std::string_view text, Pass& pass, Look look, const char* tail) {
  const std::size_t whole = text.size() / 64;
  for (std::size_t i = 0; i <= whole; ++i) {
    const char* p = i < whole ? text.data() + 64 * i : tail;
    if (!pass.take(look(p), [&] { return look_plain(p).plain; })) return false;
  }
  pass.finish({});
  return true;
}

bool run_plain(std::string_view text, Pass& pass, const char* tail) { return run(text, pass, look_plain, tail); }
#ifdef BONGSU_SCAN_X86
__attribute__((target("avx2"))) bool run_avx2(std::string_view text, Pass& pass, const char* tail) {
  const std::size_t whole = text.size() / 64;
  for (std::size_t i = 0; i <= whole; ++i) {
    const char* p = i < whole ? text.data() + 64 * i : tail;
    if (!pass.take(look_avx2(p), [&] { return look_plain(p).plain; })) return false;
  }
  pass.finish({});
  return true;
}
__attribute__((target("avx512bw"))) bool run_avx512(std::string_view text, Pass& pass, const char* tail) {
  const std::size_t whole = text.size() / 64;
  for (std::size_t i = 0; i <= whole; ++i) {
    const char* p = i < whole ? text.data() + 64 * i : tail;
    if (!pass.take(look_avx512(p), [&] { return look_plain(p).plain; })) return false;
  }
  pass.finish({});
  return true;
}
#endif

}  // namespace

ScanKernel best_scan_kernel() {
#ifdef BONGSU_SCAN_X86
  static const ScanKernel best = __builtin_cpu_supports("avx512bw") ? ScanKernel::kAvx512
                                 : __builtin_cpu_supports("avx2")   ? ScanKernel::kAvx2
                                                                    : ScanKernel::kPlain;
  return best;
#else
  return ScanKernel::kPlain;
#endif
}

bool TextScanner::classify(std::string_view text, bool escaped) {
  const std::size_t blocks = text.size() / 64 + 1;
  if (words_.size() < blocks) {
    words_.resize(blocks * 2);
    marks_.resize(blocks * 2);
  }
  alignas(64) char tail[64] = {};
  std::memcpy(tail, text.data() + (blocks - 1) * 64, text.size() % 64);
  Pass pass{escaped, words_.data(), marks_.data()};
  switch (kernel_) {
#ifdef BONGSU_SCAN_X86
    case ScanKernel::kAvx512:
      return run_avx512(text, pass, tail);
    case ScanKernel::kAvx2:
      return run_avx2(text, pass, tail);
#endif
    default:
      return run_plain(text, pass, tail);
  }
}

}  // namespace bongsu::detect
