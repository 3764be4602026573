// A task's files for one learner: telemetry with its ordinary life, recordings, texts, worlds.
//
//   const auto sources = [](const std::string& name) -> Result<std::string> { … };   // relative to the course
//   BONGSU_TRY(const std::vector<MadeFile> files, make_files(task, values, sources));
//   for (const MadeFile& file : files) write(directory / file.name, file.bytes);
//
// Made whenever they are needed and never read back: what a learner does to his copies changes no judgement.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "exercise/course/values.h"
#include "exercise/range/world_file.h"

namespace bongsu::exercise::course {

using Sources = WorldFiles;

struct MadeFile {
  std::string name;  // may have folders: "world/grid.m"
  std::string bytes;
  std::map<std::string, std::vector<std::uint64_t>> marked;  // of telemetry: lines from 1 on, rising
};

// kInvalid: what does not fill or is not what it has to be, with the file's name; errors of `sources`.
Result<std::vector<MadeFile>> make_files(const Task& task, const Values& values, const Sources& sources);
// One of them, by its name in the course. kNotFound.
Result<MadeFile> make_file(const Task& task, std::string_view name, const Values& values);

// The world of an orders check or file, `world` relative to the course.
Result<WorldConfig> world_of(const std::string& world, const Sources& sources);

// Whether a file of that name may be made below a task's folder: no way out of it.
bool is_file_name(std::string_view name);

}  // namespace bongsu::exercise::course
