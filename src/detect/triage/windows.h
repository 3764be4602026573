// What is open under a key and near a time: which alert a hit belongs to, which group an alert belongs to.
//
//   Windows open(1h, 100'000);
//   open.add(key, at, 7);
//   open.find(key, at + 59min)->number;      // 7; nothing at + 1h, nor an hour before
//
// A window reaches `width` to either side of the time that opened it, so hits may come in any order: what a hunt finds
// in old telemetry joins what was found then. The nearest wins, of two that are as near the one opened first. The
// oldest windows are forgotten beyond `most`.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"

namespace bongsu::detect::triage {

class Windows {
 public:
  struct Spot {
    Instant anchor;
    std::uint64_t number = 0;
    std::chrono::nanoseconds distance(Instant at) const { return at < anchor ? anchor - at : at - anchor; }
  };

  Windows(std::chrono::seconds width, std::size_t most) : width_(width), most_(most) {}

  std::optional<Spot> find(const Uuid& key, Instant at) const {
    std::optional<Spot> best;
    const auto found = spots_.find(key);
    if (found == spots_.end()) return best;
    for (const Spot& spot : found->second)
      if (spot.distance(at) < width_ && (!best || spot.distance(at) < best->distance(at))) best = spot;
    return best;
  }
  void add(const Uuid& key, Instant anchor, std::uint64_t number) {
    spots_[key].push_back({anchor, number});
    order_.push_back({key, number});
    while (order_.size() > most_) {
      close(order_.front().first, order_.front().second);
      order_.pop_front();
    }
  }
  void close(const Uuid& key, std::uint64_t number) {
    const auto found = spots_.find(key);
    if (found == spots_.end()) return;
    std::erase_if(found->second, [&](const Spot& spot) { return spot.number == number; });
    if (found->second.empty()) spots_.erase(found);
  }
  std::size_t size() const { return order_.size(); }
  void clear() {
    spots_.clear();
    order_.clear();
  }

 private:
  std::chrono::nanoseconds width_;
  std::size_t most_;
  std::unordered_map<Uuid, std::vector<Spot>, UuidHash> spots_;
  std::deque<std::pair<Uuid, std::uint64_t>> order_;  // as they were opened
};

// So many a minute, and as many at once when it was quiet. Whole numbers only.
class Allowance {
 public:
  explicit Allowance(std::uint64_t per_minute) : per_minute_(per_minute), left_(per_minute * kPart) {}

  // 0 a minute: without limit.
  bool take(std::chrono::nanoseconds monotonic) {
    if (per_minute_ == 0) return true;
    if (last_) {
      // A minute or more fills it whatever it was, which also keeps the product small.
      const auto passed = std::min<std::int64_t>((monotonic - *last_).count(), kMinute);
      left_ = std::min(per_minute_ * kPart, left_ + static_cast<std::uint64_t>(passed) / 1000 * per_minute_);
    }
    last_ = monotonic;
    if (left_ < kPart) return false;
    left_ -= kPart;
    return true;
  }

 private:
  static constexpr std::int64_t kMinute = 60'000'000'000;
  static constexpr std::uint64_t kPart = 60'000'000;  // µs of a minute: one alert
  std::uint64_t per_minute_, left_;
  std::optional<std::chrono::nanoseconds> last_;
};

}  // namespace bongsu::detect::triage
