// What a node's configuration says about alerts ([triage], [risk], [[asset]] in bongsu.toml).
#pragma once

#include <chrono>
#include <cstdint>

#include "detect/triage/risk.h"

namespace bongsu::detect::triage {

inline constexpr std::chrono::hours kLongestAlertWindow{24};
inline constexpr std::chrono::hours kLongestGroupWindow{31 * 24};
inline constexpr std::size_t kMostKeptHits = 10'000;

struct TriagePolicy {
  std::chrono::seconds alert_window{3600};       // hits of one indicator on one entity within it are one alert
  std::chrono::seconds group_window{24 * 3600};  // alerts of one entity within it are one group
  std::size_t kept_hits = 100;                   // of one alert, position by position; the others are counted
  std::uint64_t alerts_per_minute = 60'000;      // of all together; hits beyond are counted by indicator. 0: no limit
  RiskPolicy risk;
};

}  // namespace bongsu::detect::triage
