#include "detect/triage/risk.h"

#include <algorithm>

namespace bongsu::detect::triage {
namespace {

// A million × 2^(−i÷64): between two of them a straight line is off by less than a part in fifty thousand.
constexpr std::array<std::uint64_t, 65> kHalving = {
    1000000, 989228, 978572, 968031, 957603, 947288, 937084, 926990, 917004, 907126, 897355, 887688, 878126,
    868667,  859310, 850053, 840896, 831838, 822878, 814014, 805245, 796571, 787990, 779502, 771105, 762799,
    754582,  746454, 738413, 730459, 722590, 714807, 707107, 699490, 691955, 684501, 677128, 669834, 662618,
    655481,  648420, 641435, 634525, 627690, 620929, 614240, 607624, 601078, 594604, 588198, 581862, 575595,
    569394,  563261, 557193, 551191, 545254, 539380, 533570, 527823, 522137, 516512, 510949, 505445, 500000};
constexpr std::array<std::string_view, 5> kLevelNames = {"informational", "low", "medium", "high", "critical"};

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  const auto at = std::ranges::find(kLevelNames, text);
  if (at == kLevelNames.end()) return std::nullopt;
  return static_cast<Level>(at - kLevelNames.begin());
}

int RiskFactors::risk() const {
  // At most 1000 × 1000 × 4000 × 1000 × 1000 × 100: fits.
  std::uint64_t product = 100;
  for (const int factor : {confidence, severity, asset, age, warning}) product *= static_cast<std::uint64_t>(factor);
  constexpr std::uint64_t kOne = 1'000'000'000'000'000;  // kWhole⁵
  return static_cast<int>(std::min<std::uint64_t>(100, (product + kOne / 2) / kOne));
}

Json RiskFactors::json() const {
  return JsonObject{
      {"confidence", confidence}, {"severity", severity}, {"asset", asset}, {"age", age}, {"warning", warning}};
}

Result<RiskFactors> RiskFactors::parse(const Json& json) {
  RiskFactors out;
  const struct {
    std::string_view key;
    int* target;
    int most;
  } kKeys[] = {{"confidence", &out.confidence, kWhole},
               {"severity", &out.severity, kWhole},
               {"asset", &out.asset, kMaxAsset},
               {"age", &out.age, kWhole},
               {"warning", &out.warning, kWhole}};
  for (const auto& key : kKeys) {
    const auto value = int_at(json, key.key);
    if (!value || *value < 0 || *value > key.most)
      return fail(ErrorCode::kInvalid, "a factor of the risk is missing or out of range",
                  {.field = std::string(key.key)});
    *key.target = static_cast<int>(*value);
  }
  return out;
}

std::chrono::seconds RiskPolicy::half_life(Kind kind) const {
  switch (kind) {
    case Kind::kIpv4:
    case Kind::kIpv6:
      return address;
    case Kind::kDomain:
      return domain;
    case Kind::kUrl:
      return url;
    case Kind::kEmail:
      return email;
    case Kind::kMd5:
    case Kind::kSha1:
    case Kind::kSha256:
    case Kind::kSha512:
      return hash;
    default:
      return other;
  }
}

int age_factor(std::chrono::nanoseconds age, std::chrono::seconds half_life) {
  if (age.count() <= 0 || half_life.count() <= 0) return kWhole;
  // 1/4096 of a half-life is fine enough; a half-life of a year and ages of centuries still fit.
  const std::uint64_t seconds = static_cast<std::uint64_t>(age.count() / 1'000'000'000);
  const std::uint64_t steps = seconds * 4096 / static_cast<std::uint64_t>(half_life.count());
  const std::uint64_t halvings = steps / 4096, within = steps % 4096;
  if (halvings >= 10) return kLeastAge;  // 2^−10 is less than a tenth by far
  const std::uint64_t low = kHalving[within / 64], high = kHalving[within / 64 + 1];
  const std::uint64_t millionths = (low * (64 - within % 64) + high * (within % 64)) / 64 >> halvings;
  return std::max(kLeastAge, static_cast<int>((millionths + 500) / 1000));
}

RiskFactors assess(const RiskPolicy& policy, const Alert& alert, Instant at) {
  const auto level = alert.rule ? parse_level(alert.rule->level) : std::nullopt;
  RiskFactors out;
  out.confidence = alert.confidence < 0 ? policy.unsaid_confidence : alert.confidence * 10;
  out.severity = level ? policy.levels[static_cast<std::size_t>(*level)] : policy.indicator;
  for (const Asset& asset : policy.assets)
    if (asset.entity.matches(alert.entity)) {
      out.asset = asset.value;
      break;
    }
  // Rules of behaviour do not age; values and patterns that somebody saw do.
  if ((!alert.rule || alert.rule->language == "stix") && alert.indicator_time)
    out.age = age_factor(at - *alert.indicator_time, policy.half_life(alert.rule ? Kind::kText : alert.value.kind));
  if (!alert.warning_lists.empty()) out.warning = policy.warning_listed;
  return out;
}

}  // namespace bongsu::detect::triage
