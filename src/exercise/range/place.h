// Where things are: degrees, WGS 84, on a sphere of the Earth's mean radius. Good to half a per cent, which is more
// than storms and radio areas need.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bongsu::exercise {

struct Position {
  double lat = 0, lon = 0;
  bool operator==(const Position&) const = default;
};

inline constexpr double kEarth_km = 6371.0088;

inline bool on_earth(const Position& p) {
  return std::isfinite(p.lat) && std::isfinite(p.lon) && std::abs(p.lat) <= 90 && std::abs(p.lon) <= 180;
}

// Along the great circle (haversine).
inline double distance_km(const Position& a, const Position& b) {
  constexpr double radians = std::numbers::pi / 180;
  const double up = std::sin((b.lat - a.lat) * radians / 2), across = std::sin((b.lon - a.lon) * radians / 2);
  const double h = up * up + std::cos(a.lat * radians) * std::cos(b.lat * radians) * across * across;
  return 2 * kEarth_km * std::asin(std::min(1.0, std::sqrt(h)));
}

// From `a` (part 0) to `b` (part 1), straight on the map.
inline Position between(const Position& a, const Position& b, double part) {
  return {a.lat + (b.lat - a.lat) * part, a.lon + (b.lon - a.lon) * part};
}

}  // namespace bongsu::exercise
