#include "cli/course_files.h"

#include <fmt/format.h>
#include <fmt/std.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/hash.h"
#include "exercise/course/read.h"
#include "formats/yaml.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise;
namespace fs = std::filesystem;

constexpr std::size_t kMaxCourseLogBytes = 256 * 1024 * 1024, kMaxSourceBytes = 64 * 1024 * 1024;
constexpr const char* kCourseFile = "course.yaml";
constexpr const char* kLogFile = "course.ndjson";

// Where what lies beside a course is kept in a learner's directory: nothing is above it there.
std::string kept_name(std::string_view name) {
  std::string out;
  for (const fs::path& part : fs::path(name).lexically_normal())
    out += (out.empty() ? "" : "/") + (part == ".." ? "up" : part.string());
  return out;
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return fail(ErrorCode::kIo, failed.message(), {.source = folder.string()});
  return {};
}

// Everything that the course's worlds name.
Result<std::map<std::string, std::string>> sources_of(const course::Course& course, const course::Sources& sources) {
  std::map<std::string, std::string> out;
  const auto keep = [&](const std::string& name) -> Result<std::string> {
    BONGSU_TRY(std::string bytes, sources(name));
    out[name] = bytes;
    return bytes;
  };
  std::set<std::string> worlds;
  for (const course::Task* task : course::tasks_of(course)) {
    if (task->check.orders) worlds.insert(task->check.orders->world);
    for (const course::File& file : task->files)
      if (!file.world.empty()) worlds.insert(file.world);
  }
  for (const std::string& world : worlds) {
    BONGSU_TRY_VOID(course::world_of(world, keep));
  }
  return out;
}

}  // namespace

course::Sources sources_beside(const fs::path& course) {
  return [folder = course.parent_path()](const std::string& name) -> Result<std::string> {
    if (fs::path(name).is_absolute())
      return fail(ErrorCode::kInvalid, "is named from the course on, not from the root", {.source = name});
    return telemetry::read_whole((folder / name).string(), kMaxSourceBytes);
  };
}

Result<LoadedCourse> load_course(const std::string& file, scenario::Problems* problems) {
  LoadedCourse out;
  BONGSU_TRY(out.text, telemetry::read_whole(file, formats::kMaxYamlBytes));
  out.sha256 = to_hex(sha256(out.text));
  auto read = course::read_course(out.text, file);
  if (!read) {
    if (problems != nullptr) *problems = read.error();
    Error first = read.error().list.front();
    if (read.error().count > 1) first.message += fmt::format(" (and {} more mistakes)", read.error().count - 1);
    return std::unexpected(std::move(first));
  }
  out.course = std::move(*read);
  return out;
}

Result<CourseFiles> CourseFiles::start(const std::string& course_file, const fs::path& dir, const std::string& learner,
                                       std::uint64_t seed, const Instant& now) {
  BONGSU_TRY(const LoadedCourse loaded, load_course(course_file));
  if (std::error_code ignored; fs::exists(dir / kLogFile, ignored))
    return fail(ErrorCode::kConflict, "there is a course in it already: go on with it, or name another directory",
                {.source = dir.string()});
  BONGSU_TRY(const auto sources, sources_of(loaded.course, sources_beside(course_file)));
  BONGSU_TRY_VOID(make_folder(dir));
  for (const auto& [name, bytes] : sources) {
    const fs::path to = dir / "sources" / kept_name(name);
    BONGSU_TRY_VOID(make_folder(to.parent_path()));
    BONGSU_TRY_VOID(write_file_atomically(to, bytes));
  }
  BONGSU_TRY_VOID(write_file_atomically(dir / kCourseFile, loaded.text));
  // The log is last: what has one is whole.
  drill::LogWriter writer;
  BONGSU_TRY_VOID(write_file_atomically(
      dir / kLogFile, writer.line(course::started(loaded.course, loaded.sha256, learner, seed, now))));
  return open(dir);
}

Result<CourseFiles> CourseFiles::open(const fs::path& dir) {
  CourseFiles out;
  out.dir_ = dir;
  if (std::error_code ignored; !fs::exists(dir / kLogFile, ignored))
    return fail(ErrorCode::kNotFound, "no course was started in it: bongsu course start COURSE --dir DIR",
                {.source = dir.string()});
  BONGSU_TRY(LoadedCourse loaded, load_course((dir / kCourseFile).string()));
  out.loaded_ = std::make_shared<const LoadedCourse>(std::move(loaded));
  const std::string log_file = (dir / kLogFile).string();
  BONGSU_TRY(const std::string text, telemetry::read_whole(log_file, kMaxCourseLogBytes));
  drill::LogRead read = drill::read_log(text, log_file);
  // A crash leaves a last line without its end, and nothing else.
  const bool torn = read.trouble && text.find('\n', read.whole_bytes) == std::string::npos;
  if (read.trouble && !torn) return std::unexpected(*read.trouble);
  auto progress = course::progress_of(out.course(), out.course_sha256(), read.entries);
  if (!progress) {
    progress.error().where.source = log_file;
    return std::unexpected(std::move(progress).error());
  }
  out.progress_ = std::move(*progress);
  out.writer_ = drill::LogWriter(read);
  out.entries_ = std::move(read.entries);
  BONGSU_TRY(DurableFile log, DurableFile::open(dir / kLogFile, read.whole_bytes));
  out.log_ = std::make_unique<DurableFile>(std::move(log));
  return out;
}

course::Sources CourseFiles::sources() const {
  return [folder = dir_ / "sources"](const std::string& name) {
    return telemetry::read_whole((folder / kept_name(name)).string(), kMaxSourceBytes);
  };
}

Result<void> CourseFiles::append(drill::Entry entry) {
  BONGSU_TRY_VOID(log_->append(writer_.line(entry)));
  entries_.push_back(std::move(entry));
  BONGSU_TRY(progress_, course::progress_of(course(), course_sha256(), entries_));
  return {};
}

fs::path CourseFiles::folder(const course::TaskState& state) const {
  const course::Day* day = course().day_of(*state.task);
  BONGSU_CHECK(day != nullptr);
  return dir_ / "tasks" / day->id / state.task->id;
}

Result<std::vector<std::string>> CourseFiles::lay_out(const course::TaskState& state, bool anew) const {
  BONGSU_TRY(const course::Values values, course::Values::draw(*state.task, progress_.seat(state)));
  BONGSU_TRY(const auto files, course::make_files(*state.task, values, sources()));
  std::vector<std::string> names;
  for (const course::MadeFile& file : files) {
    const fs::path to = folder(state) / file.name;
    names.push_back(to.string());
    std::error_code ignored;
    if (!anew && fs::exists(to, ignored)) continue;
    BONGSU_TRY_VOID(make_folder(to.parent_path()));
    BONGSU_TRY_VOID(write_file_atomically(to, file.bytes));
  }
  return names;
}

}  // namespace bongsu::cli
