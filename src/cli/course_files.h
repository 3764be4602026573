// A learner's directory (course_commands.h): opened with its course and log, grown by an entry at a time.
//
//   BONGSU_TRY(CourseFiles files, CourseFiles::open(dir));
//   BONGSU_TRY_VOID(files.append(course::hint_taken(files.progress(), state, files.next_seq(), now)));
//
// A log whose last line was cut off by a crash goes on at the line before; one that was changed is refused (kCorrupt).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/files.h"
#include "exercise/course/progress.h"
#include "exercise/scenario/problems.h"

namespace bongsu::cli {

// Files beside a course, by names relative to it.
exercise::course::Sources sources_beside(const std::filesystem::path& course);
struct LoadedCourse {
  std::string text, sha256;
  exercise::course::Course course;
};
// The first mistake is the error. `problems`: all of them, where somebody wants to know.
Result<LoadedCourse> load_course(const std::string& file, exercise::scenario::Problems* problems = nullptr);

class CourseFiles {
 public:
  // kConflict: there is a course in it already.
  static Result<CourseFiles> start(const std::string& course_file, const std::filesystem::path& dir,
                                   const std::string& learner, std::uint64_t seed, const Instant& now);
  static Result<CourseFiles> open(const std::filesystem::path& dir);

  const exercise::course::Course& course() const { return loaded_->course; }
  const std::string& course_sha256() const { return loaded_->sha256; }
  const exercise::course::Progress& progress() const { return progress_; }
  const std::vector<exercise::drill::Entry>& entries() const { return entries_; }
  const std::string& last_hash() const { return writer_.last_hash(); }
  std::uint64_t next_seq() const { return writer_.next_seq(); }
  exercise::course::Sources sources() const;
  const std::filesystem::path& dir() const { return dir_; }

  // On disk when it returns.
  Result<void> append(exercise::drill::Entry entry);
  // The folder of a task and the files in it (made if they are not there).
  std::filesystem::path folder(const exercise::course::TaskState& state) const;
  Result<std::vector<std::string>> lay_out(const exercise::course::TaskState& state, bool anew = false) const;

 private:
  std::filesystem::path dir_;
  std::shared_ptr<const LoadedCourse> loaded_;  // progress points into it
  std::vector<exercise::drill::Entry> entries_;
  exercise::course::Progress progress_;
  exercise::drill::LogWriter writer_;
  std::unique_ptr<DurableFile> log_;
};

}  // namespace bongsu::cli
