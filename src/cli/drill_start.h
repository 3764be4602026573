// What a drill was started with, kept in its directory as start.json, so that the directory alone is enough to go on:
//
//   BONGSU_TRY(DrillStart start, start_of({.nodes = true, .scripted = {"good,people"}, .world = "lt.toml"}));
//   BONGSU_TRY_VOID(write_start(dir, start));
//   …
//   BONGSU_TRY(const auto kept, read_start(dir));                    // nullopt: a drill that has none
//   BONGSU_TRY(DrillStart now, go_on_with(*kept, given));            // what is named again must be the same
//
// Paths are kept whole (absolute), a script in a file with its text, the world with its hash: a world that was changed
// meanwhile is refused, for the drill's log could not be lived through again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/drill/baseline.h"

namespace bongsu::cli {

struct DrillScript {
  std::string name;    // one that the program knows, "people", or a file
  std::string policy;  // the file's text
  bool operator==(const DrillScript&) const = default;
};

struct DrillStart {
  bool nodes = false;
  std::vector<DrillScript> scripts;  // in turn
  std::string world, world_sha256, data;
  std::optional<std::uint64_t> seed;
  // Of a drill on nodes:
  std::optional<double> speed;
  std::uint16_t port = 0;
  std::string mail, cap_post;
  bool wait = false, exit_at_end = false;
  bool baseline = false;
};

// What a command line named (what is empty was not), with its scripts read, whole paths and the world's digest.
// kInvalid, kIo: a script or a world that is none.
Result<DrillStart> start_of(DrillStart named, const std::vector<std::string>& scripted);

// kConflict names the option that says something else than what the drill began with. Ways out of the drill (port,
// mail, CAP) may be named anew; that it leaves at its end and the baseline may be asked for later.
Result<DrillStart> go_on_with(const DrillStart& kept, const DrillStart& given);

Result<void> write_start(const std::filesystem::path& dir, const DrillStart& start);
Result<std::optional<DrillStart>> read_start(const std::filesystem::path& dir);

Result<exercise::drill::Policy> policy_of(const DrillScript& script);

}  // namespace bongsu::cli
