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
#include "cli/drill_start.h"
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

constexpr std::size_t kMaxDrillLogBytes = 8ULL * 1024 * 1024 * 1024, kMaxCardBytes = 1024 * 1024 * 1024;
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
    fmt::print(out, "{}  {:<10} {:<14} {}\n", drill_clock(e.at_ms), what, printable(who, 14),
               printable(e.text, kShown));
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

// The log of a drill that was broken off, as far as it is whole: what is played again has to come to the same bytes.
struct Before {
  std::string text;
  std::optional<Instant> begin;
  std::size_t lived = 0;  // bytes of it

  // The part of `lines` that is new. kCorrupt: they differ from what is there.
  Result<std::string_view> rest_of(std::string_view lines, const std::string& file) {
    const std::size_t known = std::min(lines.size(), text.size() - lived);
    if (text.compare(lived, known, lines.substr(0, known)) != 0)
      return fail(ErrorCode::kCorrupt,
                  "the drill cannot go on: scenario, world, scripts and this program come to another log than the one "
                  "that is there",
                  {.source = file,
                   .line = 1 + static_cast<std::uint64_t>(
                                   std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(lived), '\n'))});
    lived += known;
    return lines.substr(known);
  }
  bool is_lived() const { return lived == text.size(); }
};

Result<Before> log_before(const std::string& file) {
  Before out;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return out;
  BONGSU_TRY(out.text, telemetry::read_whole(file, kMaxDrillLogBytes));
  const drill::LogRead read = drill::read_log(out.text, file);
  if (read.trouble && out.text.find('\n', read.whole_bytes) != std::string::npos) return std::unexpected(*read.trouble);
  out.text.resize(read.whole_bytes);
  if (!read.entries.empty()) out.begin = read.entries.front().wall;
  std::filesystem::resize_file(file, read.whole_bytes, ignored);
  if (ignored) return std::unexpected(io(file, "its torn end cannot be cut off"));
  return out;
}

Result<void> play(const ExerciseRunOptions& o, const DrillStart& start, const scenario::Scenario& scenario,
                  const std::string& yaml, const drill::RangeMaker& make, std::FILE* out) {
  BONGSU_TRY(const std::optional<double> speed, speed_of(o.speed));
  std::vector<drill::Policy> policies;
  for (const DrillScript& script : start.scripts) {
    BONGSU_TRY(drill::Policy policy, policy_of(script));
    policies.push_back(std::move(policy));
  }
  const std::filesystem::path dir = o.out;
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) return std::unexpected(io(o.out, failed.message()));
  const std::string log_file = (dir / "drill.ndjson").string();
  BONGSU_TRY(Before before, log_before(log_file));
  const drill::Settings settings{.seed = start.seed};
  const Instant begin = before.begin.value_or(SystemClock().now());
  BONGSU_TRY(auto table, drill::TableTop::make(scenario, settings, make, policies, begin));
  BONGSU_TRY_VOID(write_start(dir, start));
  BONGSU_TRY_VOID(write_whole(dir / "scenario.yaml", yaml));
  const File file(std::fopen(log_file.c_str(), "ab"));
  if (!file) return std::unexpected(io(log_file, "cannot be written"));
  drill::LogWriter writer;
  std::vector<drill::Entry> log;
  const auto keep = [&](drill::Step step) -> Result<void> {
    std::string all;
    const bool again = !before.is_lived();
    for (const drill::Entry& entry : step.entries) all += writer.line(entry);
    BONGSU_TRY(const std::string_view lines, before.rest_of(all, log_file));
    if (std::fwrite(lines.data(), 1, lines.size(), file.get()) != lines.size() || std::fflush(file.get()) != 0)
      return std::unexpected(io(log_file, "cannot be written"));
    if (o.json) fmt::print(out, "{}", lines);
    if (!o.json && !o.quiet && !again)
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
    // What was before goes by at once.
    std::optional<std::pair<std::chrono::steady_clock::time_point, Instant>> paced;
    if (before.text.empty()) paced = {started, begin};
    while (const auto next = table.next()) {
      if (!paced && before.is_lived()) paced = {std::chrono::steady_clock::now(), *next};
      if (speed && paced)
        std::this_thread::sleep_until(
            paced->first +
            std::chrono::nanoseconds(std::llround(static_cast<double>((*next - paced->second).count()) / *speed)));
      BONGSU_TRY_VOID(keep(table.live(*next)));
      bar.update(static_cast<std::uint64_t>(table.drill().now_ms() / 1000));
    }
  }
  BONGSU_TRY_VOID(keep(table.close()));
  if (!before.is_lived())
    return fail(ErrorCode::kCorrupt, "the log there goes on after the drill's end", {.source = log_file});
  if (fsync(fileno(file.get())) != 0) return std::unexpected(io(log_file, "cannot be made durable"));
  BONGSU_TRY(const scoring::Scorecard card, scoring::score(scenario, log));
  BONGSU_TRY_VOID(write_card(dir / "score.json", card));
  if (start.baseline) BONGSU_TRY_VOID(write_baseline(o.out, scenario, make, settings));
  BONGSU_TRY_VOID(write_report({.dir = o.out}, stderr));
  if (!o.json) {
    scoreboard(card, out);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    fmt::print(out, "{} entries in {}, {:.1f} s; the report: {}\n", log.size(), printable(log_file), seconds,
               printable((dir / "report.html").string()));
  }
  return {};
}

// What the drill in the directory began with, or begins with now.
Result<DrillStart> start_in(const ExerciseRunOptions& o, bool resumed) {
  std::vector<std::string> scripted = o.scripted;
  if (!resumed && scripted.empty()) scripted = {kScripts};
  BONGSU_TRY(DrillStart given,
             start_of({.world = o.world, .data = o.data, .seed = o.seed, .baseline = o.baseline}, scripted));
  if (!resumed) return given;
  BONGSU_TRY(const std::optional<DrillStart> kept, read_start(o.out));
  if (!kept)
    return fail(ErrorCode::kNotFound, "the drill there has no start.json that says how it began, so it cannot go on",
                {.source = o.out});
  if (kept->nodes) return fail(ErrorCode::kConflict, "the drill there is one on nodes", {.source = o.out});
  return go_on_with(*kept, given);
}

}  // namespace

Result<void> write_baseline(const std::string& dir, const scenario::Scenario& scenario, const drill::RangeMaker& make,
                            const drill::Settings& settings) {
  BONGSU_TRY(auto table,
             drill::TableTop::make(scenario, settings, make, {*drill::policy("baseline")}, scenario.exercise.start));
  std::vector<drill::Entry> log;
  const auto keep = [&](drill::Step step) { std::ranges::move(step.entries, std::back_inserter(log)); };
  keep(table.start());
  while (const auto next = table.next()) keep(table.live(*next));
  keep(table.close());
  BONGSU_TRY(const scoring::Scorecard card, scoring::score(scenario, log));
  return write_card(std::filesystem::path(dir) / "baseline.json", card);
}

int run_exercise_run(const ExerciseRunOptions& given, std::FILE* out, std::FILE* err) {
  ExerciseRunOptions o = given;
  const bool resumed = o.scenario.empty();
  const std::filesystem::path dir = o.out;
  std::error_code ignored;
  if (!resumed && std::filesystem::exists(dir / "drill.ndjson", ignored))
    return trouble(err, "run",
                   {ErrorCode::kConflict,
                    "there is a drill already: name another directory, or go on with it by --resume and no scenario",
                    {.source = o.out}});
  if (resumed) o.scenario = (dir / "scenario.yaml").string();
  auto yaml = telemetry::read_whole(o.scenario, formats::kMaxYamlBytes);
  if (!yaml) return trouble(err, "run", yaml.error());
  auto scenario = scenario::read_scenario(*yaml, o.scenario);
  if (!scenario) {
    for (const Error& error : scenario.error().list) fmt::print(err, "{}\n", for_terminal(error.text()));
    return kExitNo;
  }
  if (const auto done = with_teams(o.teams, *scenario, *yaml); !done) return trouble(err, "run", done.error());
  const auto start = start_in(o, resumed);
  if (!start) return trouble(err, "run", start.error());
  if (start->world.empty() && !o.quiet)
    fmt::print(err, "no range (--world): orders to it are refused, and conditions on it are false\n");
  const auto range = drill_range(start->world, start->data, *scenario, start->seed.value_or(scenario->exercise.seed));
  if (!range) return trouble(err, "run", range.error());
  if (!resumed && !range->gaps.empty() && !o.accept_gaps) {
    show_gaps(range->gaps, err);
    return kExitNo;
  }
  const auto played = play(o, *start, *scenario, *yaml, range->make, out);
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
    if (!before) return fail(ErrorCode::kNotFound, "there is no score.json of an earlier run", {.source = o.before});
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

int run_exercise_items(const ExerciseItemsOptions& o, std::FILE* out, std::FILE* err) {
  const std::filesystem::path dir = o.dir;
  const auto kept = kept_drill(dir);
  if (!kept) return trouble(err, "items", kept.error());
  if (kept->log.entries.empty())
    return trouble(err, "items", {ErrorCode::kNotFound, "there is no drill there", {.source = o.dir}});
  std::vector<report::Item> items;
  const std::string file = (dir / "items.json").string();
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) {
    const auto text = telemetry::read_whole(file, kMaxCardBytes);
    if (!text) return trouble(err, "items", text.error());
    auto read = report::read_items(*text, file);
    if (!read) return trouble(err, "items", read.error());
    items = std::move(*read);
  }
  report::ItemChange change = o.change;
  if (!o.add.empty()) change.text = o.add;
  const drill::Entry& opened = kept->log.entries.front();
  if (change.team && !change.team->empty() && !drill::Roster(kept->scenario).team_of(*change.team))
    return trouble(err, "items",
                   {ErrorCode::kNotFound, fmt::format("there is no team {}", *change.team), {.field = "--team"}});
  const std::string run = fmt::format("{} {}", kept->scenario.exercise.id, opened.wall.text(0));
  if (!change.id.empty() || change.text) {
    const auto changed = report::change_item(items, change, run);
    if (!changed) return trouble(err, "items", changed.error());
    const std::string text = report::write_items(items, drill::exercise_banner(kept->scenario));
    if (const auto written = write_whole(file, text); !written) return trouble(err, "items", written.error());
  } else if (change.team || change.owner || change.due || change.state) {
    return trouble(err, "items",
                   {ErrorCode::kInvalid, "name the item that it is of by --id, or a new one's words by --add", {}});
  }
  if (o.json) {
    fmt::print(out, "{}", report::write_items(items, drill::exercise_banner(kept->scenario)));
    return kExitOk;
  }
  for (const report::Item& i : items)
    fmt::print(out, "{:<5} {:<12} {:<10} {}  {}\n", i.state, printable(i.owner.empty() ? "nobody" : i.owner, 12),
               i.due.empty() ? "–" : i.due, printable(i.id), printable(i.text, kShown));
  return kExitOk;
}

int run_exercise_report(const ExerciseReportOptions& o, std::FILE* out, std::FILE* err) {
  const auto written = write_report(o, err);
  if (!written) return trouble(err, "report", written.error());
  for (const std::string& file : written->files) fmt::print(out, "{}\n", printable(file));
  return written->torn ? kExitNo : kExitOk;
}

}  // namespace bongsu::cli
