// Process points: the values that a control system measures, shows and commands, by name. The range (or a person, or a
// script) sets them; stations and controllers put them on the wire, and give commands back to the process.
//
//   Points points({{.name = "breaker1", .kind = PointKind::kDouble}, {.name = "u1", .kind = PointKind::kReal, .unit =
//   "kV"}}); points.watch([&](std::size_t point, const Reading& reading) { … });   // a station does points.set(1,
//   {.value = 112.4, .time = clock.now()});
//
// One thread owns points, process, stations and controllers together.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace bongsu::exercise::wire {

inline constexpr std::size_t kMaxPoints = 65'536;

// What a value may be. The names are those of IEC 60870-5-101; Modbus takes the same.
enum class PointKind : std::uint8_t {
  kSingle,      // 0, 1
  kDouble,      // 0 moving, 1 off, 2 on, 3 faulty
  kStep,        // -64 to 63: a tap changer
  kBits,        // 32 bits
  kNormalized,  // -1 to 1 - 2^-15
  kScaled,      // -32768 to 32767
  kReal,        // IEEE 754 single on the wire
  kCounter,     // a 32-bit total
};
std::string_view to_string(PointKind kind);
std::optional<PointKind> point_kind(std::string_view name);
// Whether the kind can hold it.
bool holds(PointKind kind, double value);

struct Quality {
  bool invalid = false, not_topical = false, substituted = false, blocked = false, overflow = false;
  bool operator==(const Quality&) const = default;
  bool good() const { return *this == Quality{}; }
};

struct Reading {
  double value = 0;
  Quality quality;
  Instant time;  // when the process had it
};

struct Point {
  std::string name;
  PointKind kind = PointKind::kReal;
  std::string unit;
  double value = 0;  // at the beginning
};

class Points {
 public:
  using Watch = std::function<void(std::size_t point, const Reading& reading)>;

  // At most kMaxPoints, names different.
  explicit Points(std::vector<Point> points, Instant now = {});

  std::size_t size() const { return points_.size(); }
  const Point& point(std::size_t index) const { return points_[index]; }
  const Reading& read(std::size_t index) const { return readings_[index]; }
  std::optional<std::size_t> find(std::string_view name) const;

  // Tells the watchers, also when nothing differs. The value is one that the kind holds.
  void set(std::size_t index, const Reading& reading);
  // For as long as the points live.
  void watch(Watch watch) { watches_.push_back(std::move(watch)); }

 private:
  std::vector<Point> points_;
  std::vector<Reading> readings_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<Watch> watches_;
};

// Who carries commands out.
enum class Answer : std::uint8_t {
  kAccepted,
  kOutOfRange,   // the value
  kInterlocked,  // the process doesn't allow it now
  kUnavailable,  // nothing behind it that could do it
};
struct Command {
  std::size_t point = 0;
  double value = 0;       // steps: -1 lower, 1 higher
  bool relative = false;  // a step, not a value
  std::string from;       // who: "iec104 198.51.100.7:40001"
};
class Process {
 public:
  using Done = std::function<void(bool done)>;
  virtual ~Process() = default;
  // Whether it would be accepted now, for a selection. Changes nothing.
  virtual Answer check(const Command& command) = 0;
  // When kAccepted, sets the point (at once or later) and then calls `done` once; `done` may be called within.
  virtual Answer operate(const Command& command, Done done) = 0;
};

}  // namespace bongsu::exercise::wire
