#include "cli/exercise_nodes_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/files.h"
#include "cli/drill_start.h"
#include "cli/drill_text.h"
#include "cli/exercise_run_command.h"
#include "cli/terminal.h"
#include "desk/desk.h"
#include "exercise/drill/drill.h"
#include "exercise/scenario/read.h"
#include "formats/yaml.h"
#include "node/service.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise;
namespace fs = std::filesystem;

constexpr std::size_t kShown = 140;

int trouble(std::FILE* err, const Error& error, bool json) {
  if (json)
    fmt::print(err, "{}\n", to_text(JsonObject{{"status", "trouble"}, {"error", error.text()}}));
  else
    fmt::print(err, "bongsu exercise run: {}\n", for_terminal(error.text()));
  return kExitTrouble;
}

// Whether somebody asked us to stop, without waiting. The signals are blocked (node/service.h).
bool stop_asked() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  const timespec now{};
  return ::sigtimedwait(&signals, nullptr, &now) > 0;
}

Result<std::map<std::string, drill::Policy>> policies(const std::vector<DrillScript>& scripts,
                                                      const std::vector<std::string>& teams) {
  if (scripts.size() > teams.size())
    return fail(ErrorCode::kInvalid, fmt::format("names {} scripts for {} teams", scripts.size(), teams.size()),
                {.field = "--scripted"});
  std::map<std::string, drill::Policy> out;
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    if (scripts[i].name == "people") continue;
    BONGSU_TRY(out[teams[i]], policy_of(scripts[i]));
  }
  return out;
}

// Whether an entry is worth a line on a terminal.
std::string_view shown_as(const drill::Entry& e) {
  using drill::Kind;
  switch (e.kind) {
    case Kind::kFired:
      return "inject";
    case Kind::kNotFired:
      return "no inject";
    case Kind::kViolation:
      return "violation";
    case Kind::kProbe:
      return "service";
    case Kind::kControl:
      return "control";
    case Kind::kEvidence:
      return e.ref == "delivered" || e.ref == "acknowledged" || e.ref == "object" ? "" : std::string_view(e.ref);
    default:
      return {};
  }
}

void show(const desk::DeskNews& news, const ExerciseNodesOptions& o, Progress* bar, std::FILE* out, std::FILE* err) {
  if (o.json) {
    if (news.entry != nullptr)
      fmt::print(out, "{}\n",
                 to_text(JsonObject{{"status", "entry"},
                                    {"seq", news.entry->seq},
                                    {"at_ms", news.entry->at_ms},
                                    {"kind", to_string(news.entry->kind)},
                                    {"team", news.entry->team},
                                    {"ref", news.entry->ref},
                                    {"text", news.entry->text}}));
    else
      fmt::print(out, "{}\n", to_text(JsonObject{{"status", "desk"}, {"text", news.said}}));
    std::fflush(out);
    return;
  }
  if (news.entry == nullptr) {
    fmt::print(err, "{}\n", for_terminal(news.said));
    return;
  }
  if (const std::string_view kind = shown_as(*news.entry); !kind.empty() && !o.quiet)
    fmt::print(out, "{}  {:<10} {:<14} {}\n", drill_clock(news.entry->at_ms), kind, printable(news.entry->team, 14),
               printable(news.entry->text, kShown));
  std::fflush(out);
  if (bar != nullptr) bar->update(static_cast<std::uint64_t>(news.now_ms / 1000));
}

void summary(const scoring::Scorecard& card, const std::vector<std::string>& report, const ExerciseNodesOptions& o,
             std::FILE* out) {
  if (o.json) {
    JsonArray teams;
    for (const scoring::TeamScore& team : card.teams)
      teams.push_back(
          JsonObject{{"team", team.team}, {"total", team.total}, {"open", team.open}, {"violations", team.violations}});
    fmt::print(out, "{}\n",
               to_text(JsonObject{{"status", "summary"},
                                  {"ended_ms", card.ended_ms},
                                  {"teams", std::move(teams)},
                                  {"report", JsonArray(report.begin(), report.end())}}));
    return;
  }
  fmt::print(out, "\n{}\n", printable(card.label));
  for (const scoring::TeamScore& team : card.teams)
    fmt::print(out, "{:<20} {:>6.1f} of 100   {} label violations{}\n", printable(team.team, 20), team.total,
               team.violations, team.open ? "   some points wait for people" : "");
  fmt::print(out, "bongsu exercise score {} --points   each point with its entries\n", printable(o.out));
  for (const std::string& file : report) fmt::print(out, "{}\n", printable(file));
}

Result<std::optional<scoring::Scorecard>> play(const ExerciseNodesOptions& o, const DrillStart& start,
                                               const scenario::Scenario& scenario, drill::RangeMaker make_range,
                                               std::FILE* out, std::FILE* err) {
  const drill::Roster roster(scenario);
  desk::DeskOptions options{.directory = fs::absolute(o.out), .program = node::own_program_path()};
  options.settings.seed = start.seed;
  options.speed = start.speed;
  options.wait = start.wait;
  options.leave_at_end = start.exit_at_end;
  options.port = start.port;
  options.mail = start.mail;
  options.cap_post = start.cap_post;
  options.script_seed = start.seed.value_or(scenario.exercise.seed);
  BONGSU_TRY(options.scripts, policies(start.scripts, roster.teams()));
  options.make_range = std::move(make_range);
  std::unique_ptr<Progress> bar;
  if (!o.quiet && !o.json)
    bar = std::make_unique<Progress>("drill seconds", static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                          scenario.exercise.duration.count() / 1000, 1)));
  options.news = [&](const desk::DeskNews& news) { show(news, o, bar.get(), out, err); };
  BONGSU_TRY(const auto desk, desk::Desk::open(scenario, std::move(options)));
  if (o.json) {
    JsonObject tokens;
    for (const auto& [account, token] : desk->tokens().by_account) tokens[account] = token;
    fmt::print(out, "{}\n",
               to_text(JsonObject{{"status", "ready"},
                                  {"url", desk->url()},
                                  {"went_on", desk->went_on()},
                                  {"mended", desk->mended()},
                                  {"tokens", std::move(tokens)}}));
  } else {
    if (desk->went_on()) fmt::print(out, "The drill goes on where it was.\n");
    if (!desk->mended().empty()) fmt::print(out, "{}\n", for_terminal(desk->mended()));
    fmt::print(out, "The desk: {}   (log in with a token; its API: {})\n", desk->pages(), desk->url());
    for (const auto& [account, token] : desk->tokens().by_account)
      fmt::print(out, "  {:<20} {}\n", printable(account, 20), token);
  }
  std::fflush(out);
  return desk->run(stop_asked);
}

// A drill that has begun goes on with the scenario that lies beside its log.
Result<void> check_same(const std::string& named, const std::string& kept, const std::optional<std::size_t>& teams) {
  std::string digests[2];
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string& file = i == 0 ? named : kept;
    BONGSU_TRY(std::string yaml, telemetry::read_whole(file, formats::kMaxYamlBytes));
    auto read = scenario::read_scenario(yaml, file);
    if (!read) return std::unexpected(read.error().list.front());
    if (i == 0) BONGSU_TRY_VOID(with_teams(teams, *read, yaml));
    digests[i] = drill::digest_of(*read);
  }
  if (digests[0] == digests[1]) return {};
  return fail(
      ErrorCode::kConflict,
      fmt::format("the drill there has begun with another scenario, or another version of it: {}; name none, or "
                  "another directory",
                  kept),
      {.source = named});
}

// What the drill in the directory began with, or begins with now.
Result<DrillStart> start_in(const ExerciseNodesOptions& o, bool again) {
  BONGSU_TRY(DrillStart given, start_of({.nodes = true,
                                         .world = o.world,
                                         .data = o.data,
                                         .seed = o.seed,
                                         .speed = o.speed,
                                         .port = o.port,
                                         .mail = o.mail,
                                         .cap_post = o.cap_post,
                                         .wait = o.wait,
                                         .exit_at_end = o.exit_at_end,
                                         .baseline = o.baseline},
                                        o.scripted));
  if (!again) return given;
  BONGSU_TRY(const std::optional<DrillStart> kept, read_start(o.out));
  // One that began before there was such a file goes on with what is named now.
  return kept ? go_on_with(*kept, given) : given;
}

}  // namespace

int run_exercise_nodes(const ExerciseNodesOptions& given, std::FILE* out, std::FILE* err) {
  node::block_stop_signals();
  ExerciseNodesOptions o = given;
  const fs::path kept = fs::path(o.out) / "scenario.yaml";
  std::error_code ec;
  const bool again = fs::exists(fs::path(o.out) / "drill.ndjson", ec);
  if (again && !o.scenario.empty())
    if (const auto same = check_same(o.scenario, kept.string(), o.teams); !same)
      return trouble(err, same.error(), o.json);
  if (again) o.scenario = kept.string();
  if (o.scenario.empty())
    return trouble(err, {ErrorCode::kInvalid, "there is no drill there yet; name a scenario", {.source = o.out}},
                   o.json);
  auto yaml = telemetry::read_whole(o.scenario, formats::kMaxYamlBytes);
  if (!yaml) return trouble(err, yaml.error(), o.json);
  auto scenario = scenario::read_scenario(*yaml, o.scenario);
  if (!scenario) {
    for (const Error& error : scenario.error().list) fmt::print(err, "{}\n", for_terminal(error.text()));
    return kExitNo;
  }
  if (const auto done = with_teams(o.teams, *scenario, *yaml); !done) return trouble(err, done.error(), o.json);
  const auto start = start_in(o, again);
  if (!start) return trouble(err, start.error(), o.json);
  auto range = drill_range(start->world, start->data, *scenario, start->seed.value_or(scenario->exercise.seed));
  if (!range) return trouble(err, range.error(), o.json);
  // What has begun goes on.
  if (!again && !o.accept_gaps && !range->gaps.empty()) {
    show_gaps(range->gaps, err);
    return kExitNo;
  }
  fs::create_directories(o.out, ec);
  if (const auto done = write_start(o.out, *start); !done) return trouble(err, done.error(), o.json);
  if (!again) {
    if (const auto done = write_file_atomically(kept, *yaml); !done) return trouble(err, done.error(), o.json);
  }
  const auto card = play(o, *start, *scenario, range->make, out, err);
  if (!card) return trouble(err, card.error(), o.json);
  if (!*card) {
    hint(fmt::format("The drill stands; it goes on with: bongsu exercise run --resume {}", printable(o.out)));
    return kExitNo;
  }
  if (start->baseline)
    if (const auto done = write_baseline(o.out, *scenario, range->make, {.seed = start->seed}); !done)
      return trouble(err, done.error(), o.json);
  const auto report = write_report({.dir = o.out}, err);
  if (!report) return trouble(err, report.error(), o.json);
  summary(**card, report->files, o, out);
  return kExitOk;
}

}  // namespace bongsu::cli
