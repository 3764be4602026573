#include "cli/exercise_commands.h"

#include <fmt/format.h>

#include <optional>

#include "base/json.h"
#include "cli/range_world_command.h"
#include "cli/terminal.h"
#include "exercise/drill/range_gaps.h"
#include "exercise/range/world.h"
#include "exercise/scenario/msel.h"
#include "exercise/scenario/read.h"
#include "exercise/scenario/summary.h"
#include "exercise/scenario/write.h"
#include "formats/csv.h"
#include "formats/xlsx.h"
#include "formats/yaml.h"
#include "formats/zip.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise;
using namespace exercise::scenario;

constexpr std::size_t kShownBytes = 1000;  // of one line
constexpr std::uint64_t kAnySeed = 1;      // of a world that is asked for names alone

int trouble(std::FILE* err, std::string_view command, const Error& error) {
  fmt::print(err, "bongsu exercise {}: {}\n", command, printable(error.text(), kShownBytes));
  return kExitTrouble;
}

// "drill.yaml:12:7: injects.a.share[0].label: the reason"
std::string line_of(const Error& error) {
  std::string out = error.where.source;
  if (error.where.line > 0) out += fmt::format(":{}", error.where.line);
  if (error.where.has_offset) out += fmt::format(":{}", error.where.offset + 1);
  if (!error.where.field.empty()) out += ": " + error.where.field;
  return printable(out + ": " + error.message, kShownBytes);
}

void show_problems(std::FILE* out, const Problems& problems, const std::string& file, bool json) {
  for (const Error& error : problems.list) {
    if (!json) {
      fmt::print(out, "{}\n", line_of(error));
      continue;
    }
    JsonObject line{{"status", "mistake"}, {"file", file}, {"code", to_string(error.code)}};
    if (error.where.line > 0) line["line"] = error.where.line;
    if (error.where.has_offset) line["column"] = error.where.offset + 1;
    if (!error.where.field.empty()) line["field"] = error.where.field;
    line["reason"] = error.message;
    fmt::print(out, "{}\n", to_text(line));
  }
  if (!json && problems.count > problems.list.size())
    fmt::print(out, "{}: and {} more mistakes\n", printable(file), problems.count - problems.list.size());
}

JsonObject json_of(const Scenario& scenario, const Summary& sum) {
  JsonArray teams;
  for (const TeamSummary& team : sum.teams)
    teams.push_back(JsonObject{{"team", team.team->id},
                               {"member", team.team->member},
                               {"injects", team.injects},
                               {"expectations", team.expectations},
                               {"points", team.points}});
  JsonArray ttp(sum.ttp.begin(), sum.ttp.end());
  return {{"name", scenario.name},
          {"id", scenario.exercise.id},
          {"label", text_of(scenario.exercise.label)},
          {"start", scenario.exercise.start.text(0)},
          {"duration_s", scenario.exercise.duration.count() / 1000},
          {"injects", scenario.injects.size()},
          {"timed", sum.timed},
          {"conditional", sum.conditional},
          {"random", sum.random},
          {"manual", sum.manual},
          {"events", scenario.events.size()},
          {"services", scenario.services.size()},
          {"ttp", std::move(ttp)},
          {"teams", std::move(teams)},
          {"metric_points", sum.metric_points}};
}

void show_summary(std::FILE* out, const std::string& file, const Scenario& scenario, const Summary& sum) {
  fmt::print(out, "{}: {}\n", printable(file), printable(scenario.name));
  fmt::print(out, "  {} from {}, {}, EXERCISE\n", text_of(scenario.exercise.duration), scenario.exercise.start.text(0),
             text_of(scenario.exercise.label));
  fmt::print(out, "  {} injects: {} timed, {} on conditions, {} random, {} by hand; {} events, {} services\n",
             scenario.injects.size(), sum.timed, sum.conditional, sum.random, sum.manual, scenario.events.size(),
             scenario.services.size());
  fmt::print(out, "  {} techniques: {}\n", sum.ttp.size(), fmt::join(sum.ttp, " "));
  for (const TeamSummary& team : sum.teams)
    fmt::print(out, "  {}{}: {} injects, {} expectations, {} points\n", printable(team.team->id),
               team.team->member.empty() ? "" : fmt::format(" ({})", team.team->member), team.injects,
               team.expectations, team.points);
  if (sum.metric_points > 0) fmt::print(out, "  metrics: {} points\n", sum.metric_points);
}

Result<std::optional<Techniques>> read_tables(const std::vector<std::string>& files) {
  std::optional<Techniques> all;
  for (const std::string& file : files) {
    BONGSU_TRY(const std::string text, telemetry::read_whole(file, kMaxTableBytes));
    BONGSU_TRY(Techniques one, Techniques::read(text, file));
    if (!all) all.emplace();
    all->join(std::move(one));
  }
  return all;
}

enum class List : std::uint8_t { kXlsx, kCsv };
Result<List> kind_of(const std::string& file) {
  if (file.ends_with(".xlsx")) return List::kXlsx;
  if (file.ends_with(".csv")) return List::kCsv;
  return fail(ErrorCode::kInvalid, "a list is a file that ends in .xlsx or .csv", {.source = file});
}

Result<void> write_file(const std::string& file, const std::string& bytes, std::FILE* out) {
  std::FILE* to = file == "-" ? out : std::fopen(file.c_str(), "wb");
  if (to == nullptr) return fail(ErrorCode::kIo, "cannot be written", {.source = file});
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size() && std::fflush(to) == 0;
  const bool closed = to == out || std::fclose(to) == 0;
  if (!written || !closed) return fail(ErrorCode::kIo, "could not be written whole", {.source = file});
  return {};
}

// A scenario that is good; else what is wrong is said, and the exit status given.
std::expected<Scenario, int> good_scenario(const std::string& file, std::string_view command, std::FILE* err) {
  const auto text = telemetry::read_whole(file, formats::kMaxYamlBytes);
  if (!text) return std::unexpected(trouble(err, command, text.error()));
  auto scenario = read_scenario(*text, file);
  if (scenario) return std::move(*scenario);
  show_problems(err, scenario.error(), file, false);
  return std::unexpected(kExitNo);
}

}  // namespace

int run_exercise_check(const ExerciseCheckOptions& options, std::FILE* out, std::FILE* err) {
  const auto techniques = read_tables(options.attack);
  if (!techniques) return trouble(err, "check", techniques.error());
  std::optional<World> world;
  if (!options.world.empty()) {
    auto config = load_world(options.world, options.data);
    if (!config) return trouble(err, "check", config.error());
    auto made = World::make(std::move(*config), kAnySeed);
    if (!made) return trouble(err, "check", made.error());
    world = std::move(*made);
  }
  int exit = kExitOk;
  for (const std::string& file : options.scenarios) {
    const auto text = telemetry::read_whole(file, formats::kMaxYamlBytes);
    if (!text) {
      exit = trouble(err, "check", text.error());
      continue;
    }
    const auto scenario = read_scenario(*text, file, *techniques ? &**techniques : nullptr);
    Problems problems;
    if (!scenario) {
      problems = scenario.error();
    } else if (world) {
      problems.list = drill::range_gaps(*scenario, *world);
      problems.count = problems.list.size();
      for (Error& error : problems.list) error.where.source = file;
    }
    if (problems.count > 0) {
      show_problems(out, problems, file, options.json);
      exit = std::max(exit, kExitNo);
    }
    const std::size_t mistakes = problems.count;
    if (options.json) {
      JsonObject line{{"status", "summary"}, {"file", file}, {"mistakes", mistakes}};
      if (scenario) line["scenario"] = json_of(*scenario, summarize(*scenario));
      fmt::print(out, "{}\n", to_text(line));
    } else if (!options.quiet) {
      if (scenario && mistakes == 0)
        show_summary(out, file, *scenario, summarize(*scenario));
      else
        fmt::print(err, "{}: {} mistakes\n", printable(file), mistakes);
    }
  }
  if (std::fflush(out) != 0) return trouble(err, "check", {ErrorCode::kIo, "the report could not be written", {}});
  return exit;
}

int run_exercise_msel_export(const ExerciseMselOptions& options, std::FILE* out, std::FILE* err) {
  constexpr std::string_view kCommand = "msel export";
  const auto kind = kind_of(options.to);
  if (!kind) return trouble(err, kCommand, kind.error());
  const auto scenario = good_scenario(options.from, kCommand, err);
  if (!scenario) return scenario.error();
  const formats::Workbook sheets = to_msel(*scenario);
  const Result<std::string> bytes =
      *kind == List::kXlsx ? formats::write_xlsx(sheets) : formats::write_csv_sheets(sheets);
  if (!bytes) return trouble(err, kCommand, bytes.error());
  if (const auto written = write_file(options.to, *bytes, out); !written)
    return trouble(err, kCommand, written.error());
  return kExitOk;
}

int run_exercise_msel_import(const ExerciseMselOptions& options, std::FILE* out, std::FILE* err) {
  constexpr std::string_view kCommand = "msel import";
  const auto kind = kind_of(options.from);
  if (!kind) return trouble(err, kCommand, kind.error());
  const auto bytes =
      telemetry::read_whole(options.from, *kind == List::kXlsx ? formats::kMaxZipBytes : formats::kMaxCsvBytes);
  if (!bytes) return trouble(err, kCommand, bytes.error());
  const auto sheets =
      *kind == List::kXlsx ? formats::read_xlsx(*bytes, options.from) : formats::read_csv_sheets(*bytes, options.from);
  if (!sheets) return trouble(err, kCommand, sheets.error());
  std::optional<Scenario> base;
  if (!options.base.empty()) {
    auto read = good_scenario(options.base, kCommand, err);
    if (!read) return read.error();
    base = std::move(*read);
  }
  const auto scenario = from_msel(*sheets, options.from, base ? &*base : nullptr);
  if (!scenario) {
    show_problems(err, scenario.error(), options.from, false);
    return kExitNo;
  }
  if (const auto written = write_file(options.to, write_scenario(*scenario), out); !written)
    return trouble(err, kCommand, written.error());
  return kExitOk;
}

}  // namespace bongsu::cli
