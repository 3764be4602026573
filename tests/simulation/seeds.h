// Which seeds a test plays.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace bongsu::simulation {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BONGSU_SANITIZED 1
#endif
#endif

inline bool long_form() { return std::getenv("BONGSU_LONG") != nullptr; }

// BONGSU_SEEDS=FROM-TO: these and no others. Else 10,000 in the long form, and `usual` in the short one; under a sanitizer,
// which makes a seed fifteen times as long, an eighth of them.
struct Seeds {
  std::uint64_t from = 1, to = 0;
};
inline Seeds seeds_of(std::uint64_t usual) {
  if (const char* text = std::getenv("BONGSU_SEEDS")) {
    char* end = nullptr;
    Seeds out;
    out.from = out.to = std::strtoull(text, &end, 10);
    if (*end == '-') out.to = std::strtoull(end + 1, nullptr, 10);
    return out;
  }
  if (long_form()) return {1, 10'000};
#ifdef BONGSU_SANITIZED
  usual /= 8;
#endif
  return {1, usual};
}

}  // namespace bongsu::simulation
