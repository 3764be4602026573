#include "exercise/wire/points.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/result.h"

namespace bongsu::exercise::wire {
namespace {

constexpr std::array<std::pair<PointKind, std::string_view>, 8> kKinds{{
    {PointKind::kSingle, "single"},
    {PointKind::kDouble, "double"},
    {PointKind::kStep, "step"},
    {PointKind::kBits, "bits"},
    {PointKind::kNormalized, "normalized"},
    {PointKind::kScaled, "scaled"},
    {PointKind::kReal, "real"},
    {PointKind::kCounter, "counter"},
}};

bool whole_within(double value, double low, double high) {
  return value >= low && value <= high && value == std::floor(value);
}

}  // namespace

std::string_view to_string(PointKind kind) { return kKinds[static_cast<std::size_t>(kind)].second; }

std::optional<PointKind> point_kind(std::string_view name) {
  for (const auto& [kind, text] : kKinds)
    if (text == name) return kind;
  return std::nullopt;
}

bool holds(PointKind kind, double value) {
  switch (kind) {
    case PointKind::kSingle:
      return value == 0 || value == 1;
    case PointKind::kDouble:
      return whole_within(value, 0, 3);
    case PointKind::kStep:
      return whole_within(value, -64, 63);
    case PointKind::kBits:
      return whole_within(value, 0, std::numeric_limits<std::uint32_t>::max());
    case PointKind::kNormalized:
      return value >= -1 && value < 1;
    case PointKind::kScaled:
      return whole_within(value, -32768, 32767);
    case PointKind::kReal:
      return std::isfinite(value) && std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
    case PointKind::kCounter:
      return whole_within(value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
  }
  return false;
}

Points::Points(std::vector<Point> points, Instant now) : points_(std::move(points)) {
  BONGSU_CHECK(points_.size() <= kMaxPoints);
  readings_.reserve(points_.size());
  for (std::size_t i = 0; i < points_.size(); ++i) {
    BONGSU_CHECK(holds(points_[i].kind, points_[i].value));
    BONGSU_CHECK(index_.emplace(points_[i].name, i).second);
    readings_.push_back({.value = points_[i].value, .time = now});
  }
}

std::optional<std::size_t> Points::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

void Points::set(std::size_t index, const Reading& reading) {
  BONGSU_CHECK(index < points_.size() && holds(points_[index].kind, reading.value));
  readings_[index] = reading;
  for (const Watch& watch : watches_) watch(index, reading);
}

}  // namespace bongsu::exercise::wire
