#include "exercise/course/rehearse.h"

#include <fmt/format.h>

#include <set>

namespace bongsu::exercise::course {
namespace {

class Rehearsal {
 public:
  Rehearsal(const Course& course, const Sources& sources, const Engines& engines, scenario::Problems& problems)
      : course_(course), sources_(sources), engines_(engines), problems_(problems) {}

  void task(const Task& task, const std::string& path, std::uint64_t seeds) {
    std::set<std::string> made;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const Seat seat{.course = course_.id, .learner = "rehearsal", .seed = seed, .round = 1};
      const auto all = once(task, path, seat);
      if (!all) return;
      made.insert(*all);
    }
    if (seeds > 1 && made.size() == 1 && !task.variables.empty())
      problems_.add(path + ".variables", "the task and its solution are the same for everybody");
  }

 private:
  // All that the learner gets and is asked for, in one; nullopt: there was a problem.
  std::optional<std::string> once(const Task& task, const std::string& path, const Seat& seat) {
    const auto trouble = [&](std::string field, std::string message) {
      problems_.add(std::move(field), fmt::format("for seed {}: {}", seat.seed, message));
      return std::nullopt;
    };
    const auto values = Values::draw(task, seat);
    if (!values) return trouble(path + "." + values.error().where.field, values.error().message);
    const auto files = make_files(task, *values, sources_);
    if (!files) return trouble(path + "." + files.error().where.field, files.error().message);
    std::string all;
    for (const MadeFile& file : *files) all += file.bytes;
    const auto solution = values->fill(task.solution);
    if (!solution) return trouble(path + ".solution", solution.error().message);
    const auto verdict = judge(task, seat, *solution, sources_, engines_);
    if (!verdict) return trouble(path + ".check", verdict.error().text());
    if (!verdict->right) return trouble(path + ".solution", "it is judged wrong: " + verdict->said);
    for (std::size_t i = 0; i < task.wrong.size(); ++i) {
      const std::string field = fmt::format("{}.wrong[{}]", path, i);
      const auto answer = values->fill(task.wrong[i]);
      if (!answer) return trouble(field, answer.error().message);
      const auto no = judge(task, seat, *answer, sources_, engines_);
      if (!no) return trouble(path + ".check", no.error().text());
      if (no->right) return trouble(field, "it is judged right");
    }
    return all + *solution;
  }

  const Course& course_;
  const Sources& sources_;
  const Engines& engines_;
  scenario::Problems& problems_;
};

}  // namespace

scenario::Problems rehearse(const Course& course, const Sources& sources, const Engines& engines, std::uint64_t seeds) {
  scenario::Problems problems;
  Rehearsal rehearsal(course, sources, engines, problems);
  for (const Day& day : course.days)
    for (const Task& task : day.tasks) rehearsal.task(task, fmt::format("days.{}.tasks.{}", day.id, task.id), seeds);
  return problems;
}

}  // namespace bongsu::exercise::course
