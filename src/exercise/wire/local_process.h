// A process of its own behind a station or controller, for when no range is there: commands do what they say, after the
// time that the point's row names; a double point is in motion (0) meanwhile. Values that nobody commands stay as they
// were set.
//
//   LocalProcess process(list, points, clock);
//   … at process.wake_at(): process.wake();
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.h"
#include "exercise/wire/point_list.h"
#include "exercise/wire/points.h"

namespace bongsu::exercise::wire {

class LocalProcess final : public Process {
 public:
  // All outlive the process.
  LocalProcess(const PointList& list, Points& points, const Clock& clock)
      : list_(list), points_(points), clock_(clock) {}

  Answer check(const Command& command) override;
  Answer operate(const Command& command, Done done) override;

  std::chrono::nanoseconds wake_at() const;  // monotonic; max(): nothing is under way
  void wake();

 private:
  struct Motion {
    std::size_t point = 0;
    double value = 0;
    std::chrono::nanoseconds due{};
    Done done;
  };
  double target(const Command& command) const;
  void set(std::size_t point, double value);

  const PointList& list_;
  Points& points_;
  const Clock& clock_;
  std::vector<Motion> motions_;  // at most one a point
};

}  // namespace bongsu::exercise::wire
