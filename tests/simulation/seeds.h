// How many seeds a test plays.
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

// A sanitizer makes a seed fifteen times as long; it looks at some, the release build at all of the short form.
inline std::uint64_t seeds_of(std::uint64_t short_form) {
#ifdef BONGSU_SANITIZED
  return long_form() ? short_form : short_form / 8;
#else
  return long_form() ? 10'000 : short_form;
#endif
}

}  // namespace bongsu::simulation
