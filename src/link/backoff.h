// How long to wait before the next attempt: doubling from a base to a ceiling, the upper half of it at random, so that partners that were
// cut off together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/random.h"

namespace bongsu::link {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds base, std::chrono::milliseconds ceiling, Random& random)
      : base_(base), ceiling_(ceiling), random_(random) {}

  std::chrono::milliseconds next() {
    const std::chrono::milliseconds doubled = base_ * (std::int64_t{1} << std::min(failures_, 20));
    const auto full = std::min(ceiling_, doubled);
    ++failures_;
    return full / 2 + std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(full.count() / 2 + 1)));
  }
  void succeeded() { failures_ = 0; }
  void set_base(std::chrono::milliseconds base) { base_ = std::clamp(base, std::chrono::milliseconds(100), ceiling_); }

 private:
  std::chrono::milliseconds base_, ceiling_;
  Random& random_;
  int failures_ = 0;
};

}  // namespace bongsu::link
