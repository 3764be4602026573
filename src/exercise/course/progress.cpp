#include "exercise/course/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/utf8.h"

namespace bongsu::exercise::course {
namespace {

std::unexpected<Error> broken(const drill::Entry& entry, std::string_view what) {
  return fail(ErrorCode::kCorrupt, fmt::format("entry {} {}", entry.seq, what));
}

TaskState* state_of(Progress& progress, std::string_view name) {
  const auto found = std::ranges::find(progress.tasks, name, &TaskState::name);
  return found == progress.tasks.end() ? nullptr : &*found;
}

drill::Entry entry_of(const Progress& progress, std::uint64_t seq, const Instant& now, drill::Kind kind,
                      std::string ref) {
  // Whole microseconds, as logs have them.
  const Instant wall = Instant::from_micros(now.micros());
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(wall - progress.started).count();
  return {.seq = seq,
          .at_ms = std::max<std::int64_t>(since, 0),
          .wall = wall,
          .kind = kind,
          .team = progress.learner,
          .ref = std::move(ref)};
}

// Takes an entry into account.
Result<void> take(Progress& p, const drill::Entry& entry) {
  const Json data = entry.data;
  if (entry.team != p.learner) return broken(entry, "is another learner's");
  p.latest = std::max(p.latest, entry.wall);
  if (entry.ref == "reset" && entry.kind == drill::Kind::kControl) {
    const Json* tasks = find(data, "tasks");
    if (tasks == nullptr || !tasks->is_array()) return broken(entry, "resets no tasks");
    for (const Json& name : tasks->get_array()) {
      TaskState* state = name.is_string() ? state_of(p, name.get_string()) : nullptr;
      if (state == nullptr) return broken(entry, "resets a task that the course has not");
      *state = {.task = state->task, .name = state->name, .round = state->round + 1};
    }
    ++p.resets;
    return {};
  }
  TaskState* state = state_of(p, string_at(data, "task").value_or(""));
  if (state == nullptr) return broken(entry, "names a task that the course has not");
  if (entry.ref == "hint" && entry.kind == drill::Kind::kControl) {
    if (int_at(data, "number") != static_cast<std::int64_t>(state->hints + 1) ||
        state->hints >= state->task->hints.size())
      return broken(entry, "takes a hint out of turn");
    ++state->hints;
    ++p.hints;
    return {};
  }
  if (entry.ref != "answer" || entry.kind != drill::Kind::kEvidence) return broken(entry, "is none of a course");
  const auto right = bool_at(data, "right");
  if (!right || !string_at(data, "answer") || int_at(data, "round") != std::int64_t{state->round} || state->solved)
    return broken(entry, "is no answer that could be given then");
  if (*right) {
    state->solved = true;
    state->solved_at = entry.wall;
  } else {
    ++state->wrong;
    ++p.wrong;
  }
  return {};
}

// The state before the first answer, hint or reset.
Result<Progress> begun(const Course& course, std::string_view course_sha256, std::span<const drill::Entry> log) {
  if (log.empty()) return fail(ErrorCode::kCorrupt, "the log has no entry");
  const drill::Entry& first = log.front();
  const Json data = first.data;
  if (first.kind != drill::Kind::kControl || first.ref != "started") return broken(first, "does not start a course");
  if (string_at(data, "course_sha256") != course_sha256)
    return broken(first, "started another version of the course than the one that is here");
  const auto seed = string_at(data, "seed");
  Progress p{.course = course.id, .course_sha256 = std::string(course_sha256), .learner = first.team};
  if (!seed || seed->empty() || seed->size() > 20) return broken(first, "has no seed");
  for (const char c : *seed) {
    if (c < '0' || c > '9') return broken(first, "has no seed");
    p.seed = p.seed * 10 + static_cast<std::uint64_t>(c - '0');
  }
  p.started = p.latest = first.wall;
  p.pass = course.pass;
  p.of = course.points();
  for (const Day& day : course.days)
    for (const Task& task : day.tasks) p.tasks.push_back({.task = &task, .name = day.id + "." + task.id});
  return p;
}

}  // namespace

double TaskState::points() const {
  if (!solved) return 0;
  double cost = static_cast<double>(wrong) * task->wrong_cost;
  for (std::size_t i = 0; i < hints; ++i) cost += task->hints[i].cost;
  return task->points * std::max(0.0, 100 - cost) / 100;
}

double Progress::points() const {
  double sum = 0;
  for (const TaskState& state : tasks) sum += state.points();
  return sum;
}

bool Progress::passed() const { return current() == nullptr && points() >= of * pass / 100 - 1e-9; }

const TaskState* Progress::current() const {
  const auto found = std::ranges::find(tasks, false, &TaskState::solved);
  return found == tasks.end() ? nullptr : &*found;
}

const TaskState* Progress::find(const Task* task) const {
  const auto found = std::ranges::find(tasks, task, &TaskState::task);
  return found == tasks.end() ? nullptr : &*found;
}

Seat Progress::seat(const TaskState& state) const {
  return {.course = course, .learner = learner, .seed = seed, .round = state.round};
}

Result<Progress> progress_of(const Course& course, std::string_view course_sha256, std::span<const drill::Entry> log) {
  BONGSU_TRY(Progress p, begun(course, course_sha256, log));
  for (const drill::Entry& entry : log.subspan(1)) {
    BONGSU_TRY_VOID(take(p, entry));
  }
  return p;
}

Result<void> judge_again(const Course& course, std::string_view course_sha256, std::span<const drill::Entry> log,
                         const Sources& sources, const Engines& engines) {
  BONGSU_TRY(Progress p, begun(course, course_sha256, log));
  for (const drill::Entry& entry : log.subspan(1)) {
    const Json data = entry.data;
    const auto answer = string_at(data, "answer");
    const TaskState* state = answer ? state_of(p, string_at(data, "task").value_or("")) : nullptr;
    if (state != nullptr) {
      BONGSU_TRY(const Verdict verdict, judge(*state->task, p.seat(*state), *answer, sources, engines));
      if (verdict.right != bool_at(data, "right").value_or(!verdict.right))
        return broken(entry, fmt::format("calls an answer {} that is not", verdict.right ? "wrong" : "right"));
    }
    BONGSU_TRY_VOID(take(p, entry));
  }
  return {};
}

drill::Entry started(const Course& course, std::string_view course_sha256, std::string_view learner, std::uint64_t seed,
                     const Instant& now) {
  Progress p{.learner = std::string(learner)};
  p.started = Instant::from_micros(now.micros());
  drill::Entry entry = entry_of(p, 1, now, drill::Kind::kControl, "started");
  entry.text = fmt::format("{} began {}", learner, course.title);
  // The seed is text: JSON's numbers would lose its last digits.
  entry.data = {{"course", course.id}, {"course_sha256", course_sha256}, {"seed", std::to_string(seed)}};
  return entry;
}

drill::Entry hint_taken(const Progress& progress, const TaskState& state, std::uint64_t seq, const Instant& now) {
  drill::Entry entry = entry_of(progress, seq, now, drill::Kind::kControl, "hint");
  entry.data = {{"task", state.name}, {"number", static_cast<std::int64_t>(state.hints + 1)}};
  entry.text = fmt::format("hint {} to {}", state.hints + 1, state.name);
  return entry;
}

drill::Entry answered(const Progress& progress, const TaskState& state, std::string_view answer, const Verdict& verdict,
                      std::uint64_t seq, const Instant& now) {
  BONGSU_CHECK(formats::is_utf8(answer));
  drill::Entry entry = entry_of(progress, seq, now, drill::Kind::kEvidence, "answer");
  entry.data = {
      {"task", state.name}, {"round", std::int64_t{state.round}}, {"answer", answer}, {"right", verdict.right}};
  entry.text = verdict.said;
  return entry;
}

drill::Entry resets(const Progress& progress, std::span<const TaskState* const> states, std::uint64_t seq,
                    const Instant& now) {
  drill::Entry entry = entry_of(progress, seq, now, drill::Kind::kControl, "reset");
  JsonArray names;
  for (const TaskState* state : states) names.emplace_back(state->name);
  entry.text = fmt::format("{} tasks anew", names.size());
  entry.data = {{"tasks", std::move(names)}};
  return entry;
}

}  // namespace bongsu::exercise::course
