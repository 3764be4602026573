// A learner's way through a course as a log, and what the log comes to. The log is a drill's (drill/log.h): lines that
// follow from one another by hash.
//
//   LogWriter writer;
//   file.append(writer.line(started(…)));
//   BONGSU_TRY(const Progress progress, progress_of(course, sha256_of_course, log.entries));
//   progress.current()->task->title; progress.points(); progress.passed();
//
// What each entry holds (team: the learner):
//   control   "started" · {course, course_sha256, seed}; always the first, and once
//             "hint"    · {task, number}
//             "reset"   · {tasks}: solved and hints count no more, and the tasks are made anew (their round rises)
//   evidence  "answer"  · {task, round, answer, right}; the text is what was said
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exercise/course/judge.h"
#include "exercise/drill/log.h"

namespace bongsu::exercise::course {

inline constexpr std::size_t kMaxLearnerBytes = 200;

struct TaskState {
  const Task* task = nullptr;
  std::string name;  // "day.task"
  std::uint32_t round = 1;
  std::size_t hints = 0, wrong = 0;  // of this round
  bool solved = false;
  Instant solved_at;

  double points() const;  // what it is worth so far
};

struct Progress {
  std::string course, course_sha256, learner;
  std::uint64_t seed = 0;
  Instant started, latest;
  std::vector<TaskState> tasks;                  // in the course's order
  std::size_t hints = 0, wrong = 0, resets = 0;  // ever
  double pass = 0, of = 0;

  double points() const;
  bool passed() const;               // all solved, and enough points
  const TaskState* current() const;  // the first that is not solved; nullptr: none
  const TaskState* find(const Task* task) const;
  Seat seat(const TaskState& state) const;
};

// kCorrupt: not the log of this course; names the entry.
Result<Progress> progress_of(const Course& course, std::string_view course_sha256, std::span<const drill::Entry> log);

// Entries, to be written with the log's next number.
drill::Entry started(const Course& course, std::string_view course_sha256, std::string_view learner, std::uint64_t seed,
                     const Instant& now);
drill::Entry hint_taken(const Progress& progress, const TaskState& state, std::uint64_t seq, const Instant& now);
drill::Entry answered(const Progress& progress, const TaskState& state, std::string_view answer, const Verdict& verdict,
                      std::uint64_t seq, const Instant& now);
drill::Entry resets(const Progress& progress, std::span<const TaskState* const> states, std::uint64_t seq,
                    const Instant& now);

// Judges every answer of the log again. kCorrupt names the first entry that says otherwise.
Result<void> judge_again(const Course& course, std::string_view course_sha256, std::span<const drill::Entry> log,
                         const Sources& sources, const Engines& engines);

}  // namespace bongsu::exercise::course
