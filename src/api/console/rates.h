// Rates over time for the page's curves: counters sampled once a second, an hour of them kept.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace bongsu::api::console {

// Totals since the node started (they only grow), and the newest delays.
struct Counters {
  std::uint64_t events = 0;    // telemetry events read
  std::uint64_t alerts = 0;    // alerts raised
  std::uint64_t admitted = 0;  // objects admitted
  std::optional<double> delay_p50_ms,
      delay_p99_ms;  // published at a partner → durable here, over the last minute or so
};

inline constexpr std::size_t kRateHistory = 3'600;  // seconds

// Safe from any thread.
class RateHistory {
 public:
  // Takes a sample; rates are the differences to the one before, over the monotonic time between them.
  void sample(Instant now, std::chrono::nanoseconds monotonic, const Counters& counters);
  // {"at":[s…],"events_per_s":[…],"alerts_per_min":[…],"admitted_per_s":[…],"delay_p50_ms":[…|null],"delay_p99_ms":[…|null]}
  Json columns() const;
  // The newest point in the same names, as an object; null before the second sample.
  Json newest() const;

 private:
  struct Point {
    std::int64_t at = 0;  // Unix seconds
    double events_per_s = 0, alerts_per_min = 0, admitted_per_s = 0;
    std::optional<double> delay_p50_ms, delay_p99_ms;
  };
  mutable std::mutex mutex_;
  std::vector<Point> ring_;
  std::size_t next_ = 0;
  struct Raise {
    std::chrono::nanoseconds at{0};
    std::uint64_t alerts = 0;
  };
  std::vector<Raise>
      minute_;  // alert totals of the last minute, so that alerts/min is a count and not a jumping estimate
  std::optional<std::pair<std::chrono::nanoseconds, Counters>> last_;
};

inline constexpr std::size_t kRatedLabels = 64;  // counted apart; what has a further label is in nobody's curve

// The same for readers who may not see everything: alerts and objects are counted by label, and a reader's curves are
// the sums over those that he may see. Telemetry and delays are the node's.
class LabelledRates {
 public:
  using Sees = std::function<bool(const std::string& label)>;
  struct Labelled {
    std::uint64_t alerts = 0, admitted = 0;
  };
  // `by_label`: totals since the node started. Of `counters`, alerts and objects are not looked at.
  void sample(Instant now, std::chrono::nanoseconds monotonic, const Counters& counters,
              const std::map<std::string, Labelled>& by_label);
  Json columns(const Sees& sees) const;  // as RateHistory's
  Json newest(const Sees& sees) const;

 private:
  mutable std::mutex mutex_;
  RateHistory node_;
  std::map<std::string, RateHistory> by_label_;
  std::optional<std::pair<Instant, std::chrono::nanoseconds>> last_;
};

}  // namespace bongsu::api::console
