#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "base/result.h"

namespace bongsu {

std::uint64_t Random::next() {
  std::uint64_t value = 0;
  fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  BONGSU_CHECK(bound > 0);
  // Rejection keeps the distribution uniform.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value < limit) return value % bound;
  }
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::getrandom(out.data() + done, out.size() - done, 0);
    if (n < 0) {
      BONGSU_CHECK(errno == EINTR);
      continue;
    }
    done += static_cast<std::size_t>(n);
  }
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
  // splitmix64 (public domain, Vigna 2015)
  std::size_t i = 0;
  while (i < out.size()) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    const std::size_t n = std::min<std::size_t>(8, out.size() - i);
    std::memcpy(out.data() + i, &z, n);
    i += n;
  }
}

}  // namespace bongsu
