#include "exercise/wire/local_process.h"

#include <algorithm>
#include <utility>

namespace bongsu::exercise::wire {

double LocalProcess::target(const Command& command) const {
  return command.relative ? points_.read(command.point).value + command.value : command.value;
}

Answer LocalProcess::check(const Command& command) {
  const PointRow& row = list_[command.point];
  const double value = target(command);
  if (!holds(row.point.kind, value) || value < row.min || value > row.max) return Answer::kOutOfRange;
  const bool moving =
      std::any_of(motions_.begin(), motions_.end(), [&](const Motion& m) { return m.point == command.point; });
  return moving ? Answer::kInterlocked : Answer::kAccepted;
}

void LocalProcess::set(std::size_t point, double value) { points_.set(point, {.value = value, .time = clock_.now()}); }

Answer LocalProcess::operate(const Command& command, Done done) {
  if (const Answer answer = check(command); answer != Answer::kAccepted) return answer;
  const PointRow& row = list_[command.point];
  const double value = target(command);
  if (row.operate.count() == 0) {
    set(command.point, value);
    done(true);
    return Answer::kAccepted;
  }
  motions_.push_back(
      {.point = command.point, .value = value, .due = clock_.monotonic() + row.operate, .done = std::move(done)});
  if (row.point.kind == PointKind::kDouble && points_.read(command.point).value != value) set(command.point, 0);
  return Answer::kAccepted;
}

std::chrono::nanoseconds LocalProcess::wake_at() const {
  auto at = std::chrono::nanoseconds::max();
  for (const Motion& motion : motions_) at = std::min(at, motion.due);
  return at;
}

void LocalProcess::wake() {
  const auto now = clock_.monotonic();
  // What is done may begin something new.
  while (true) {
    const auto due = std::find_if(motions_.begin(), motions_.end(), [&](const Motion& m) { return m.due <= now; });
    if (due == motions_.end()) return;
    const Motion motion = std::move(*due);
    motions_.erase(due);
    set(motion.point, motion.value);
    motion.done(true);
  }
}

}  // namespace bongsu::exercise::wire
