// What was looked up before and had nothing: telemetry says the same things again and again.
//
//   Verdicts verdicts;
//   const std::uint64_t print = Verdicts::print(text, seed);   // the seed says what kind of text, and of which index
//   if (verdicts.nothing(print)) return;
//   … look it up; if no entry stood under any of its keys: verdicts.remember(print);
//
// A table of 64-bit prints, two places for each; what is newer pushes out what is older. Two texts of the same print
// would be taken for one: with a seed that nobody outside knows, that is a chance of 2^-63 a look-up.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace bongsu::detect {

class Verdicts {
 public:
  static constexpr std::size_t kSlots = std::size_t{1} << 18;  // 2 MiB: what a core's second cache holds

  Verdicts() : slots_(kSlots) {}

  bool nothing(std::uint64_t print) const {
    const std::size_t i = print & (kSlots - 1);
    return slots_[i] == print || slots_[i ^ 1] == print;
  }
  void remember(std::uint64_t print) {
    const std::size_t i = print & (kSlots - 1);
    slots_[i ^ 1] = slots_[i];
    slots_[i] = print;
  }

  static std::uint64_t print(std::string_view text, std::uint64_t seed) {
    const char* p = text.data();
    const std::size_t n = text.size();
    std::uint64_t a = 0, b = 0, h = seed;
    if (n <= 16) {
      if (n >= 8) {
        a = word(p), b = word(p + n - 8);
      } else if (n >= 4) {
        a = half(p), b = half(p + n - 4);
      } else if (n > 0) {
        a = static_cast<std::uint64_t>(static_cast<unsigned char>(p[0])) << 16 |
            static_cast<std::uint64_t>(static_cast<unsigned char>(p[n / 2])) << 8 |
            static_cast<unsigned char>(p[n - 1]);
      }
    } else {
      std::size_t left = n;
      if (left > 64) {
        std::uint64_t h1 = seed, h2 = seed, h3 = seed;
        do {
          h = mix(word(p) ^ k1, word(p + 8) ^ h);
          h1 = mix(word(p + 16) ^ k2, word(p + 24) ^ h1);
          h2 = mix(word(p + 32) ^ k3, word(p + 40) ^ h2);
          h3 = mix(word(p + 48) ^ k0, word(p + 56) ^ h3);
          p += 64;
          left -= 64;
        } while (left > 64);
        h ^= h1 ^ (h2 << 1 | h2 >> 63) ^ (h3 << 2 | h3 >> 62);
      }
      for (; left > 16; left -= 16, p += 16) h = mix(word(p) ^ k1, word(p + 8) ^ h);
      a = word(p + left - 16), b = word(p + left - 8);
    }
    const std::uint64_t out = mix(k1 ^ n, mix(a ^ k0, b ^ h));
    return out == 0 ? 1 : out;
  }

 private:
  static constexpr std::uint64_t k0 = 0xa0761d6478bd642f, k1 = 0xe7037ed1a0b428db, k2 = 0x8ebc6af09c88c6e3,
                                 k3 = 0x589965cc75374cc3;
  static std::uint64_t word(const char* p) {
    std::uint64_t out;
    std::memcpy(&out, p, 8);
    return out;
  }
  static std::uint64_t half(const char* p) {
    std::uint32_t out;
    std::memcpy(&out, p, 4);
    return out;
  }
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::vector<std::uint64_t> slots_;
};

}  // namespace bongsu::detect
