#include "cli/exercise_run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "cli/drill_text.h"
#include "cli/terminal.h"
#include "exercise/drill/table_top.h"
#include "exercise/report/report.h"
#include "exercise/scenario/read.h"
#include "exercise/scoring/score.h"
#include "formats/yaml.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise;

constexpr std::size_t kMaxDrillLogBytes = 8ULL * 1024 * 1024 * 1024,
                      kMaxCardBytes = 1024 * 1024 * 1024;
constexpr std::size_t kShown = 140;
constexpr double kMostSpeed = 100'000;

int trouble(std::FILE* err, std::string_view command, const Error& error) {
  fmt::print(err, "bongsu exercise {}: {}\n", command, for_terminal(error.text()));
  return kExitTrouble;
}

Error io(const std::string& path, std::string_view what) {
  return {ErrorCode::kIo, std::string(what), {.source = path}};
}

struct Closed {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closed>;

// Complete before it bears its name.
Result<void> write_whole(const std::filesystem::path& path, const std::string& text) {
  const std::string part = path.string() + ".part";
  {
    const File file(std::fopen(part.c_str(), "wb"));
    if (!file) return std::unexpected(io(part, "cannot be written"));
    if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0 ||
        fsync(fileno(file.get())) != 0)
      return std::unexpected(io(part, "cannot be written to its end"));
  }
  std::error_code failed;
  std::filesystem::rename(part, path, failed);
  if (failed) return std::unexpected(io(path.string(), failed.message()));
  return {};
}

// Drill seconds a second; nothing: as fast as it goes.
Result<std::optional<double>> speed_of(const std::string& text) {
  if (text == "max") return std::nullopt;
  const auto speed = finite_number(text);
  if (!speed || !(*speed > 0) || *speed > kMostSpeed)
    return fail(ErrorCode::kInvalid,
                fmt::format("a speed is \"max\" or a number up to {:g}, not \"{}\"", kMostSpeed, text),
                {.field = "--speed"});
  return speed;
}

void show(const drill::Entry& e, std::FILE* out) {
  using drill::Kind;
  const std::string who = e.team.empty() ? "all" : e.team;
  const auto line = [&](std::string_view what) {
    fmt::print(out, "{}  {:<10} {:<14} {}\n", drill_clock(e.at_ms), what, printable(who, 14), printable(e.text, kShown));
  };
  if (e.kind == Kind::kFired) return line("inject");
  if (e.kind == Kind::kNotFired) return line("no inject");
  if (e.kind == Kind::kViolation) return line("violation");
  if (e.kind == Kind::kProbe) return line("service");
  if (e.kind == Kind::kComplaint) return line("complaint");
  if (e.kind == Kind::kControl) return line("control");
  if (e.kind == Kind::kEvidence && e.ref != "delivered" && e.ref != "acknowledged") return line(e.ref);
}

void scoreboard(const scoring::Scorecard& card, std::FILE* out) {
  fmt::print(out, "\n{}\n{:<20} {:>7}", printable(card.label), "team", "of 100");
  for (std::size_t c = 0; c < scoring::kCategories; ++c)
    fmt::print(out, " {:>12}", to_string(static_cast<scoring::Category>(c)));
  fmt::print(out, " {:>10} {:>5}\n", "violations", "open");
  for (const scoring::TeamScore& team : card.teams) {
    fmt::print(out, "{:<20} {:>7.1f}", printable(team.team, 20), team.total);
    for (std::size_t c = 0; c < scoring::kCategories; ++c) {
      const auto r =
          std::ranges::find(team.categories, static_cast<scoring::Category>(c), &scoring::CategoryResult::category);
      fmt::print(out, " {:>12}", r == team.categories.end() ? "–" : fmt::format("{:.1f}/{:.1f}", r->points, r->of));
    }
    fmt::print(out, " {:>10} {:>5}\n", team.violations, team.open ? "yes" : "no");
  }
  fmt::print(out, "{}\n", printable(card.label));
}

Result<scoring::Scorecard> baseline_card(const scenario::Scenario& scenario, const drill::RangeMaker& make,
                                         const drill::Settings& settings) {
  BONGSU_TRY(auto table,
             drill::TableTop::make(scenario, settings, make, {*drill::policy("baseline")}, scenario.exercise.start));
  std::vector<drill::Entry> log;
  const auto keep = [&](drill::Step step) { std::ranges::move(step.entries, std::back_inserter(log)); };
  keep(table.start());
  while (const auto next = table.next()) keep(table.live(*next));
  keep(table.close());
  return scoring::score(scenario, log);
}

struct Kept {
  scenario::Scenario scenario;
  drill::LogRead log;
};

Result<Kept> kept_drill(const std::filesystem::path& dir) {
  Kept out;
  const std::string scenario_file = (dir / "scenario.yaml").string(), log_file = (dir / "drill.ndjson").string();
  BONGSU_TRY(const std::string yaml, telemetry::read_whole(scenario_file, formats::kMaxYamlBytes));
  auto scenario = scenario::read_scenario(yaml, scenario_file);
  if (!scenario) return std::unexpected(scenario.error().list.front());
  out.scenario = std::move(*scenario);
  BONGSU_TRY(const std::string text, telemetry::read_whole(log_file, kMaxDrillLogBytes));
  out.log = drill::read_log(text, log_file);
  return out;
}

Result<std::optional<scoring::Scorecard>> card_in(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  BONGSU_TRY(const std::string text, telemetry::read_whole(file.string(), kMaxCardBytes));
  BONGSU_TRY(const Json json, parse_json(text));
  auto card = scoring::scorecard_of(json);
  if (!card) {
    card.error().where.source = file.string();
    return std::unexpected(card.error());
  }
  return std::optional(std::move(*card));
}

Result<void> write_card(const std::filesystem::path& file, const scoring::Scorecard& card) {
  BONGSU_TRY(const std::string text, to_canonical_text(to_json(card)));
  return write_whole(file, text + "\n");
}

Result<void> play(const ExerciseRunOptions& o, const scenario::Scenario& scenario, const std::string& yaml,
                  const drill::RangeMaker& make, std::FILE* out) {
  BONGSU_TRY(const std::optional<double> speed, speed_of(o.speed));
  std::vector<drill::Policy> policies;
  for (const std::string& name : script_names(o.scripted)) {
    BONGSU_TRY(drill::Policy policy, script_named(name));
    policies.push_back(std::move(policy));
  }
  const std::filesystem::path dir = o.out;
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) return std::unexpected(io(o.out, failed.message()));
  if (std::filesystem::exists(dir / "drill.ndjson"))
    return fail(ErrorCode::kConflict, "there is a drill already; name another directory", {.source = o.out});
  const drill::Settings settings{.seed = o.seed};
  const Instant begin = SystemClock().now();
  BONGSU_TRY(auto table, drill::TableTop::make(scenario, settings, make, policies, begin));
  BONGSU_TRY_VOID(write_whole(dir / "scenario.yaml", yaml));
  const std::string log_file = (dir / "drill.ndjson").string();
  const File file(std::fopen(log_file.c_str(), "wb"));
  if (!file) return std::unexpected(io(log_file, "cannot be written"));
  drill::LogWriter writer;
  std::vector<drill::Entry> log;
  const auto keep = [&](drill::Step step) -> Result<void> {
    std::string lines;
    for (const drill::Entry& entry : step.entries) lines += writer.line(entry);
    if (std::fwrite(lines.data(), 1, lines.size(), file.get()) != lines.size() || std::fflush(file.get()) != 0)
      return std::unexpected(io(log_file, "cannot be written"));
    if (o.json) fmt::print(out, "{}", lines);
    if (!o.json && !o.quiet)
      for (const drill::Entry& entry : step.entries) show(entry, out);
    if (speed) std::fflush(out);
    std::ranges::move(step.entries, std::back_inserter(log));
    return {};
  };
  if (!o.json) {
    fmt::print(out, "{}: {}\n", printable(table.drill().label_text()), printable(scenario.name));
    for (std::size_t team = 0; team < table.policies().size(); ++team)
      fmt::print(out, "{:<20} {} ({})\n", printable(table.drill().teams()[team], 20), table.policies()[team].name,
                 table.policies()[team].about);
  }
  BONGSU_TRY_VOID(keep(table.start()));
  const auto started = std::chrono::steady_clock::now();
  {
    const std::int64_t length = std::max<std::int64_t>(scenario.exercise.duration.count() / 1000, 1);
    Progress bar(o.quiet || speed ? "drill seconds" : "", static_cast<std::uint64_t>(length));
    while (const auto next = table.next()) {
      if (speed)
        std::this_thread::sleep_until(
            started + std::chrono::nanoseconds(std::llround(static_cast<double>((*next - begin).count()) / *speed)));
      BONGSU_TRY_VOID(keep(table.live(*next)));
      bar.update(static_cast<std::uint64_t>(table.drill().now_ms() / 1000));
    }
  }
  BONGSU_TRY_VOID(keep(table.close()));
  if (fsync(fileno(file.get())) != 0) return std::unexpected(io(log_file, "cannot be made durable"));
  BONGSU_TRY(const scoring::Scorecard card, scoring::score(scenario, log));
  BONGSU_TRY_VOID(write_card(dir / "score.json", card));
  if (o.baseline) {
    BONGSU_TRY(const scoring::Scorecard baseline, baseline_card(scenario, make, settings));
    BONGSU_TRY_VOID(write_card(dir / "baseline.json", baseline));
  }
  BONGSU_TRY_VOID(write_report({.dir = o.out}, stderr));
  if (!o.json) {
    scoreboard(card, out);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    fmt::print(out, "{} entries in {}, {:.1f} s; the report: {}\n", log.size(), printable(log_file), seconds,
               printable((dir / "report.html").string()));
  }
  return {};
}

}  // namespace

int run_exercise_run(const ExerciseRunOptions& o, std::FILE* out, std::FILE* err) {
  auto yaml = telemetry::read_whole(o.scenario, formats::kMaxYamlBytes);
  if (!yaml) return trouble(err, "run", yaml.error());
  auto scenario = scenario::read_scenario(*yaml, o.scenario);
  if (!scenario) {
    for (const Error& error : scenario.error().list) fmt::print(err, "{}\n", for_terminal(error.text()));
    return kExitNo;
  }
  if (const auto done = with_teams(o.teams, *scenario, *yaml); !done) return trouble(err, "run", done.error());
  if (o.world.empty() && !o.quiet)
    fmt::print(err, "no range (--world): orders to it are refused, and conditions on it are false\n");
  const auto range = drill_range(o.world, o.data, *scenario, o.seed.value_or(scenario->exercise.seed));
  if (!range) return trouble(err, "run", range.error());
  if (!range->gaps.empty() && !o.accept_gaps) {
    show_gaps(range->gaps, err);
    return kExitNo;
  }
  const auto played = play(o, *scenario, *yaml, range->make, out);
  return played ? kExitOk : trouble(err, "run", played.error());
}

int run_exercise_score(const ExerciseScoreOptions& o, std::FILE* out, std::FILE* err) {
  const auto kept = kept_drill(o.dir);
  if (!kept) return trouble(err, "score", kept.error());
  if (kept->log.trouble) fmt::print(err, "{}\n", for_terminal(kept->log.trouble->text()));
  const auto card = scoring::score(kept->scenario, kept->log.entries);
  if (!card) return trouble(err, "score", card.error());
  if (const auto written = write_card(std::filesystem::path(o.dir) / "score.json", *card); !written)
    return trouble(err, "score", written.error());
  if (o.json) {
    fmt::print(out, "{}\n", *to_canonical_text(to_json(*card)));
  } else {
    if (o.points)
      for (const scoring::TeamScore& team : card->teams)
        for (const scoring::Point& p : team.points)
          fmt::print(out, "{:<14} {:>7.2f} of {:>6.2f}  {:<16} {:<20} {}{}  [{}]\n", printable(team.team, 14), p.earned,
                     p.most, p.rule, printable(p.inject, 20), p.open ? "OPEN " : "", printable(p.text, kShown),
                     fmt::join(p.evidence, " "));
    scoreboard(*card, out);
  }
  return kept->log.trouble ? kExitNo : kExitOk;
}

Result<WrittenReport> write_report(const ExerciseReportOptions& o, std::FILE* err) {
  const std::filesystem::path dir = o.dir;
  BONGSU_TRY(const Kept kept, kept_drill(dir));
  WrittenReport out;
  out.torn = kept.log.trouble.has_value();
  if (out.torn) fmt::print(err, "{}\n", for_terminal(kept.log.trouble->text()));
  BONGSU_TRY(const scoring::Scorecard card, scoring::score(kept.scenario, kept.log.entries));
  BONGSU_TRY(const auto baseline, card_in(dir / "baseline.json"));
  std::optional<scoring::Scorecard> before;
  if (!o.before.empty()) {
    BONGSU_TRY(before, card_in(std::filesystem::path(o.before) / "score.json"));
    if (!before)
      return fail(ErrorCode::kNotFound, "there is no score.json of an earlier run", {.source = o.before});
  }
  report::ReportInput input{.scenario = kept.scenario,
                            .log = kept.log.entries,
                            .card = card,
                            .before = before ? &*before : nullptr,
                            .baseline = baseline ? &*baseline : nullptr};
  // What people wrote into this drill's own items since the last report stays, too.
  std::error_code ignored;
  const std::string items = !o.items.empty()                                       ? o.items
                            : std::filesystem::exists(dir / "items.json", ignored) ? (dir / "items.json").string()
                                                                                   : "";
  if (!items.empty()) {
    BONGSU_TRY(const std::string text, telemetry::read_whole(items, kMaxCardBytes));
    BONGSU_TRY(input.items, report::read_items(text, items));
  }
  const report::Report r = report::make_report(input);
  BONGSU_TRY(const std::string json, to_canonical_text(r.json));
  std::vector<std::pair<const char*, std::string>> files = {{"report.json", json + "\n"},
                                                            {"report.html", to_html(r.document)},
                                                            {"items.json", write_items(r.items, card.label)}};
  if (o.pdf) {
    BONGSU_TRY(std::string pdf, to_pdf(r.document, r.when));
    files.emplace_back("report.pdf", std::move(pdf));
  }
  for (const auto& [name, text] : files) {
    BONGSU_TRY_VOID(write_whole(dir / name, text));
    out.files.push_back((dir / name).string());
  }
  return out;
}

int run_exercise_report(const ExerciseReportOptions& o, std::FILE* out, std::FILE* err) {
  const auto written = write_report(o, err);
  if (!written) return trouble(err, "report", written.error());
  for (const std::string& file : written->files) fmt::print(out, "{}\n", printable(file));
  return written->torn ? kExitNo : kExitOk;
}

}  // namespace bongsu::cli
