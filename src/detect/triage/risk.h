// Risk: what an analyst looks at first, as a number from 0 to 100.
//
//   risk = 100 × confidence × severity × asset × age × warning      (each a fraction; cut at 100, rounded half up)
//
//   confidence  of the indicator, 0 to 1; RiskPolicy::unsaid_confidence where nobody said
//   severity    of the rule's level; RiskPolicy::indicator for indicators and rules that have none
//   asset       of the entity: the first row of RiskPolicy::assets that fits, else 1; up to 4
//   age         ½ for each half-life between the indicator's newest version and the event, not below kLeastAge; 1 for
//               Sigma and YARA rules, and where the age is not known
//   warning     RiskPolicy::warning_listed when the value stands in a warning list: doubtful, never hidden
//
// All in integers, in thousandths, so that every machine finds the same. The factors are kept with the alert: what was
// decided then does not change when the configuration does.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "detect/alert.h"
#include "detect/triage/entity.h"

namespace bongsu::detect::triage {

inline constexpr int kWhole = 1000;    // 1 in thousandths
inline constexpr int kLeastAge = 100;  // old intelligence counts a tenth, not nothing
inline constexpr int kMaxAsset = 4 * kWhole;
inline constexpr std::size_t kMaxAssets = 10'000;

struct RiskFactors {  // thousandths
  int confidence = 0, severity = 0, asset = kWhole, age = kWhole, warning = kWhole;

  int risk() const;  // 0 to 100
  Json json() const;
  static Result<RiskFactors> parse(const Json& json);
  bool operator==(const RiskFactors&) const = default;
};

struct Asset {
  EntityPattern entity;
  int value = kWhole;
};

enum class Level : std::uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };  // Sigma's
std::optional<Level> parse_level(std::string_view text);

struct RiskPolicy {
  int unsaid_confidence = 500;
  std::array<int, 5> levels{100, 300, 500, 800, 1000};  // by Level
  int indicator = 700;
  int warning_listed = 500;
  // Half-lives by kind of value; 0 = does not age.
  std::chrono::seconds address{14 * 86'400}, domain{60 * 86'400}, url{30 * 86'400}, email{90 * 86'400},
      hash{365 * 86'400}, other{90 * 86'400};
  std::vector<Asset> assets;

  std::chrono::seconds half_life(Kind kind) const;
};

// `at` is when the event was.
RiskFactors assess(const RiskPolicy& policy, const Alert& alert, Instant at);

// 1000 × 2^(−age ÷ half_life), rounded, not below kLeastAge. No age: kWhole.
int age_factor(std::chrono::nanoseconds age, std::chrono::seconds half_life);

}  // namespace bongsu::detect::triage
