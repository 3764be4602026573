#include "exercise/course/material.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "exercise/course/recording.h"
#include "exercise/drill/telemetry.h"

namespace bongsu::exercise::course {
namespace {

constexpr std::size_t kMaxNameBytes = 120;

struct Timed {
  Instant at;
  std::string text;
  const std::string* mark = nullptr;
  std::size_t number = 0;  // lines of one moment stay in their order
};

std::string folder_of(const std::string& world) {
  const auto slash = world.rfind('/');
  return slash == world.npos ? std::string() : world.substr(0, slash + 1);
}

Result<void> add_lines(const Line& line, std::size_t number, const std::string& file, const Values& values,
                       std::vector<Timed>& into) {
  drill::Parameters parameters;
  for (const auto& [key, pattern] : line.parameters) {
    BONGSU_TRY(parameters[key], values.fill(pattern));
  }
  BONGSU_TRY(const Instant at, values.time(line.at));
  BONGSU_TRY(const std::string count_text, values.fill(line.count));
  const auto count = finite_number(count_text);
  if (!count || *count < 0 || *count > static_cast<double>(kMaxLinesOfFile))
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no number of lines", count_text));
  for (std::size_t i = 0; i < static_cast<std::size_t>(*count); ++i) {
    const Instant when = at + std::chrono::nanoseconds(line.every) * static_cast<std::int64_t>(i);
    BONGSU_TRY(std::string text, drill::telemetry_line(line.template_name, parameters, when,
                                                       values.number(fmt::format("{} {} {}", file, number, i))));
    into.push_back({when, std::move(text), &line.mark});
  }
  return {};
}

Result<MadeFile> telemetry_of(const File& file, const Values& values) {
  std::vector<Timed> lines;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (auto added = add_lines(file.lines[i], i, file.name, values, lines); !added) {
      added.error().where.field = fmt::format("lines[{}]", i);
      return std::unexpected(std::move(added).error());
    }
    if (lines.size() > kMaxLinesOfFile)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} lines", kMaxLinesOfFile));
  }
  if (file.background) {
    BONGSU_TRY(const Instant begin, values.time(file.background->begin));
    SeededRandom random(values.number(file.name + " background"));
    const auto length = static_cast<std::uint64_t>(std::max<std::int64_t>(file.background->length.count(), 1));
    for (std::uint32_t i = 0; i < file.background->count; ++i) {
      const Instant at = begin + std::chrono::milliseconds(random.below(length));
      lines.push_back({at, drill::background_lines("course", at, 1, 1, random.next()), nullptr});
    }
  }
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i].number = i;
  std::ranges::sort(lines, {}, [](const Timed& line) { return std::pair(line.at, line.number); });
  MadeFile out{.name = file.name, .bytes = {}, .marked = {}};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out.bytes += lines[i].text;
    if (lines[i].mark != nullptr && !lines[i].mark->empty()) out.marked[*lines[i].mark].push_back(i + 1);
  }
  return out;
}

Result<MadeFile> plain_file(const File& file, const Values& values) {
  if (!file.lines.empty() || file.background) return telemetry_of(file, values);
  MadeFile out{.name = file.name, .bytes = {}, .marked = {}};
  if (file.recording) {
    BONGSU_TRY(out.bytes, record(*file.recording, values));
  } else {
    BONGSU_TRY(out.bytes, values.fill(file.text));
  }
  return out;
}

template <class T>
Result<T> of_file(Result<T> result, const File& file) {
  if (!result)
    result.error().where.field = fmt::format("files.{}{}{}", file.name, result.error().where.field.empty() ? "" : ".",
                                             result.error().where.field);
  return result;
}

}  // namespace

bool is_file_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  while (true) {
    const auto end = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, end);
    if (part.empty() || part.front() == '.') return false;
    for (const char c : part)
      if (!(is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_' || c == '.')) return false;
    if (end == name.size()) return true;
    name.remove_prefix(end + 1);
  }
}

Result<WorldConfig> world_of(const std::string& world, const Sources& sources) {
  BONGSU_TRY(const std::string toml, sources(world));
  return read_world(toml, world, [&](const std::string& name) { return sources(folder_of(world) + name); });
}

Result<MadeFile> make_file(const Task& task, std::string_view name, const Values& values) {
  const auto found = std::ranges::find(task.files, name, &File::name);
  if (found == task.files.end()) return fail(ErrorCode::kNotFound, fmt::format("no file is called \"{}\"", name));
  return of_file(plain_file(*found, values), *found);
}

Result<std::vector<MadeFile>> make_files(const Task& task, const Values& values, const Sources& sources) {
  std::vector<MadeFile> out;
  for (const File& file : task.files) {
    if (file.world.empty()) {
      BONGSU_TRY(MadeFile made, of_file(plain_file(file, values), file));
      out.push_back(std::move(made));
      continue;
    }
    const auto keep = [&](const std::string& name) -> Result<std::string> {
      const std::string within = name.substr(folder_of(file.world).size());
      if (!is_file_name(within))
        return fail(ErrorCode::kUnsupported, fmt::format("\"{}\" does not lie beside its world", within));
      BONGSU_TRY(std::string bytes, sources(name));
      out.push_back({.name = fmt::format("{}/{}", file.name, within), .bytes = bytes, .marked = {}});
      return bytes;
    };
    BONGSU_TRY_VOID(of_file(world_of(file.world, keep), file));
  }
  return out;
}

}  // namespace bongsu::exercise::course
