// Randomness as an interface, so that tests and the simulator run under a seed.
#pragma once

#include <cstdint>
#include <span>

namespace bongsu {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  std::uint64_t next();                            // uniform 64 bits
  std::uint64_t below(std::uint64_t bound);        // uniform in [0, bound); bound > 0
};

// The operating system's generator (getrandom). Safe from any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// Reproducible, for tests and simulation only: never for keys. Not thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace bongsu
