#include "cli/exercise_commands.h"

#include <fmt/format.h>

#include <optional>

#include "base/json.h"
#include "cli/terminal.h"
#include "exercise/scenario/read.h"
#include "exercise/scenario/summary.h"
#include "exercise/scenario/write.h"
#include "formats/yaml.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise::scenario;

constexpr std::size_t kShownBytes = 1000;  // of one line

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

}  // namespace

int run_exercise_check(const ExerciseCheckOptions& options, std::FILE* out, std::FILE* err) {
  const auto techniques = read_tables(options.attack);
  if (!techniques) return trouble(err, "check", techniques.error());
  int exit = kExitOk;
  for (const std::string& file : options.scenarios) {
    const auto text = telemetry::read_whole(file, formats::kMaxYamlBytes);
    if (!text) {
      exit = trouble(err, "check", text.error());
      continue;
    }
    const auto scenario = read_scenario(*text, file, *techniques ? &**techniques : nullptr);
    if (!scenario) {
      show_problems(out, scenario.error(), file, options.json);
      exit = std::max(exit, kExitNo);
    }
    const std::size_t mistakes = scenario ? 0 : scenario.error().count;
    if (options.json) {
      JsonObject line{{"status", "summary"}, {"file", file}, {"mistakes", mistakes}};
      if (scenario) line["scenario"] = json_of(*scenario, summarize(*scenario));
      fmt::print(out, "{}\n", to_text(line));
    } else if (!options.quiet) {
      if (scenario)
        show_summary(out, file, *scenario, summarize(*scenario));
      else
        fmt::print(err, "{}: {} mistakes\n", printable(file), mistakes);
    }
  }
  if (std::fflush(out) != 0) return trouble(err, "check", {ErrorCode::kIo, "the report could not be written", {}});
  return exit;
}

}  // namespace bongsu::cli
