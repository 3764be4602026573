// A world on the wire: what a station or controller shows comes from the world, and what it is told becomes the world's orders.
//
//   BONGSU_TRY(wire::PointList list, points_of(world, "lt.substation.kaunas"));      // or a list of one's own, by the same names
//   wire::Points points(wire::points_of(list), clock.now());
//   BONGSU_TRY(auto process, WorldProcess::make(world, list, points, clock));
//   iec104::Station station(list, points, *process, settings, clock);
//   … world.advance(seconds); process->refresh();                                  // values that differ go out
//
// A point is called as what it shows: "lt.substation.kaunas.breaker1.position", "lt.generator.kaunas-hydro.setpoint_mw" (a thing's name, a dot,
// a Quantity). Positions: a single point is 0 or 1, a double point 1 (off) or 2 (on). What belongs to a substation whose circuit is down is shown
// as it came last, not topical; commands to it are unavailable.
//
//   command on           becomes
//   breaker, branch      open, close
//   generator.position   trip, start
//   generator.setpoint_mw  set-power
// Anything else takes no commands: kUnavailable. What the world refuses: kOutOfRange for a value, kInterlocked for what can't be now, kUnavailable
// for what can't be reached; `refusal` has the world's sentence. Orders act at once: a row's operate_ms is for processes of one's own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exercise/range/world.h"
#include "exercise/wire/point_list.h"
#include "exercise/wire/points.h"

namespace bongsu::exercise {

// Breakers, buses and generators of a substation, with IEC 104 and Modbus addresses in their order. kNotFound, kTooLarge.
Result<wire::PointList> points_of(const World& world, std::string_view substation);

class WorldProcess final : public wire::Process {
 public:
  // All outlive it. kInvalid names the row: no such thing, no such quantity of it, a kind that can't hold it.
  static Result<std::unique_ptr<WorldProcess>> make(World& world, const wire::PointList& list, wire::Points& points, const Clock& clock);

  wire::Answer check(const wire::Command& command) override;
  wire::Answer operate(const wire::Command& command, Done done) override;

  void refresh();
  // Of the latest command that was not accepted.
  const std::string& refusal() const { return refusal_; }

 private:
  struct Binding {
    std::string thing;
    ThingKind kind{};
    Quantity quantity{};
  };
  WorldProcess(World& world, const wire::PointList& list, wire::Points& points, const Clock& clock) : world_(world), list_(list), points_(points), clock_(clock) {}
  std::optional<WorldOrder> order_of(const wire::Command& command) const;
  wire::Answer answer(const Result<void>& done);
  wire::Reading reading(std::size_t point) const;

  World& world_;
  const wire::PointList& list_;
  wire::Points& points_;
  const Clock& clock_;
  std::vector<Binding> bound_;  // by point
  std::string refusal_;
};

}  // namespace bongsu::exercise
