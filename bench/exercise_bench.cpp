// How much faster than the day a drill runs, and how late its injects are.
//
//   exercise_bench                       17 teams × 8,000 attacks in two days; 28,000 injects to 5,000 participants
//   exercise_bench --teams 3 --attacks 500
//   exercise_bench --burst DIR           28,000 injects at one moment alone; also through the desk, its log in DIR
//   exercise_bench --world samples/exercise/world-lt-ua/world.toml --data ../shared/data/exercise
//
// Generated scenarios: the drill, its log with hashes, telemetry, evidence, scoring; on ranges without physics, or with
// a world for each team, in which every twentieth attack opens a breaker for ten minutes. What is measured is checked
// before: every inject fired for every team, the score is that of the evidence given.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "desk/courier.h"
#include "desk/table.h"
#include "exercise/drill/drill.h"
#include "exercise/drill/world_range.h"
#include "exercise/range/world_file.h"
#include "exercise/scoring/score.h"

namespace {

using namespace bongsu;
using namespace bongsu::exercise;
using namespace bongsu::exercise::drill;
using Timer = std::chrono::steady_clock;

double seconds(Timer::time_point since) { return std::chrono::duration<double>(Timer::now() - since).count(); }

class Flat : public RangeCopy {
 public:
  Result<std::uint64_t> order(const RangeOrder&) override { return 0; }
  void advance_to(std::int64_t) override {}
  std::vector<RangeEvent> take_events() override { return {}; }
  Result<double> measure(const std::string&, const std::string&) override { return 100.0; }
  ProbeAnswer probe(const scenario::Service&) override { return {}; }
  JsonObject consequences() override { return {}; }
};

scenario::Scenario generated(std::size_t teams, std::size_t injects, std::size_t repeats, std::int64_t length_ms,
                             bool telemetry) {
  using namespace scenario;
  Scenario s;
  s.name = "generated";
  s.exercise.id = "generated";
  s.exercise.start = *Instant::parse("2027-01-19T06:00:00Z");
  s.exercise.duration = Duration(length_ms);
  s.exercise.label = *policy::Label::parse("green marked");
  std::vector<std::string> blue;
  for (std::size_t i = 0; i < teams; ++i) {
    blue.push_back(fmt::format("team-{:02}", i));
    s.entities.push_back({.id = blue.back(), .role = Role::kBlue, .member = fmt::format("cert-{:02}", i)});
  }
  s.entities.push_back({.id = "red", .role = Role::kRed});
  for (int i = 0; i < 10; ++i)
    s.services.push_back(
        {.id = fmt::format("service-{}", i), .probe = "http", .target = "https://x.example", .score = 5});
  Script script{.id = "days", .end_time = Duration(length_ms)};
  for (std::size_t i = 0; i < injects; ++i) {
    Inject inject{.id = fmt::format("inject-{:05}", i), .from_entity = "red", .to_entities = blue, .ttp = {"T0855"}};
    inject.deliver.push_back(
        {.via = Channel::kMail, .sender = "somebody", .subject = "Something", .text = "is strange here."});
    if (telemetry) {
      inject.telemetry.push_back(
          {.template_name = "zeek-dns",
           .parameters = {{"source", "10.0.0.5"}, {"query", fmt::format("host{}.evil.example", i)}}});
      inject.indicators.push_back(
          {.id = "name", .type = "domain-name", .value = fmt::format("host{}.evil.example", i)});
      inject.expectations.push_back({.id = "seen",
                                     .act = Act::kDetect,
                                     .score = 1,
                                     .expires = std::chrono::minutes(30),
                                     .seen = {.as = Seen::kAlert}});
      inject.share.push_back({.id = "warn",
                              .to = {blue[(i + 1) % teams]},
                              .label = s.exercise.label,
                              .by = std::chrono::hours(1),
                              .score = 1});
    }
    Event event{.id = fmt::format("event-{:05}", i), .injects = {inject.id}};
    for (std::size_t r = 0; r < repeats; ++r) {
      const auto number = static_cast<std::int64_t>(r * injects + i),
                 all = static_cast<std::int64_t>(injects * repeats);
      script.events.push_back({event.id, Duration(length_ms / 20 + number * (length_ms * 8 / 10) / all)});
    }
    s.injects.push_back(std::move(inject));
    s.events.push_back(std::move(event));
  }
  s.scripts.push_back(std::move(script));
  s.stories.push_back({.id = "main", .scripts = {"days"}});
  return s;
}

const RangeMaker kFlat = [](const std::string&) -> Result<std::unique_ptr<RangeCopy>> {
  return std::make_unique<Flat>();
};

void check(bool holds, const std::string& what) {
  if (holds) return;
  fmt::print(stderr, "exercise_bench: {}\n", what);
  std::exit(1);
}

struct Kept {
  LogWriter writer;
  std::vector<Entry> log;
  std::size_t bytes = 0, deliveries = 0, lines = 0;
  void operator()(Step step) {
    for (const Entry& entry : step.entries) bytes += writer.line(entry).size();
    deliveries += step.deliveries.size();
    for (const TelemetryLines& t : step.telemetry) lines += static_cast<std::size_t>(std::ranges::count(t.lines, '\n'));
    std::ranges::move(step.entries, std::back_inserter(log));
  }
};

constexpr std::size_t kBreakerEvery = 20, kMaxFileBytes = 1 << 30;

RangeMaker worlds(const std::string& file, const std::string& data) {
  const auto read = [&](const std::string& name) -> Result<std::string> {
    const auto beside = std::filesystem::path(file).parent_path() / name;
    return read_small_file(std::filesystem::exists(beside) ? beside : std::filesystem::path(data) / name,
                           kMaxFileBytes);
  };
  const auto text = read_small_file(file, kMaxWorldFileBytes);
  check(text.has_value(), file + " cannot be read");
  auto config = read_world(*text, file, read);
  if (!config) check(false, config.error().text());
  auto make = world_ranges(*config, 7);
  if (!make) check(false, make.error().text());
  return *make;
}

// Every twentieth attack opens a breaker of the world for ten minutes.
std::size_t open_breakers(scenario::Scenario& scenario, const RangeMaker& make) {
  const auto range = make("");
  std::vector<std::string> breakers;
  for (const Thing& thing : dynamic_cast<const WorldRange&>(**range).world().things())
    if (thing.kind == ThingKind::kBreaker) breakers.push_back(thing.name);
  check(!breakers.empty(), "the world has no breaker");
  std::size_t opened = 0;
  for (std::size_t i = 0; i < scenario.injects.size(); i += kBreakerEvery, ++opened)
    scenario.injects[i].physics.push_back({.kind = "breaker-open",
                                           .target = breakers[i / kBreakerEvery * 7 % breakers.size()],
                                           .lasts = std::chrono::minutes(10)});
  return opened;
}

void run_in_real_time(std::size_t teams, std::size_t attacks, const RangeMaker& make, bool physics) {
  constexpr std::int64_t kLength = 48LL * 3'600'000;
  scenario::Scenario scenario = generated(teams, attacks, 1, kLength, true);
  const std::size_t opened = physics ? open_breakers(scenario, make) : 0;
  const Instant begin = *Instant::parse("2026-12-01T09:00:00Z");
  const auto started = Timer::now();
  auto begun = Drill::open(scenario, {}, make, begin);
  check(begun.has_value(), "the drill does not open");
  Kept keep;
  keep(std::move(begun->step));
  Drill& drill = begun->drill;
  keep(*drill.take(drill::Control{.verb = drill::Verb::kStart}, begin));
  // Every team sees every second attack and tells a neighbour.
  std::size_t seen = 0;
  while (const auto next = drill.next_wake()) {
    Step step = drill.advance(*next);
    std::vector<Evidence> acts;
    for (const Entry& entry : step.entries)
      if (entry.kind == Kind::kFired && *entry.data.if_contains("occurrence")->if_int64() % 2 == 0) {
        const std::string pattern =
            fmt::format("[domain-name:value = 'host{}.evil.example']", std::stoi(entry.ref.substr(7)));
        acts.push_back({.as = As::kAlert, .team = entry.team, .object = "alert--" + entry.ref, .patterns = {pattern}});
        acts.push_back(
            {.as = As::kShared,
             .team = entry.team,
             .object = "indicator--" + entry.ref,
             .type = "indicator",
             .patterns = {pattern},
             .to = {scenario.injects[static_cast<std::size_t>(std::stoi(entry.ref.substr(7)))].share[0].to[0]},
             .label = scenario.exercise.label.text()});
      }
    std::vector<std::string> out;
    for (const Delivery& d : step.deliveries) out.push_back(d.id);
    for (const TelemetryLines& t : step.telemetry) out.push_back(t.id);
    keep(std::move(step));
    for (const std::string& id : out) keep(*drill.take(Evidence{.as = As::kDelivered, .object = id}, *next));
    for (const Evidence& act : acts) {
      ++seen;
      keep(*drill.take(act, *next));
    }
  }
  const double run = seconds(started);
  if (physics) {
    std::size_t events = 0;
    for (const Entry& entry : keep.log) events += entry.kind == Kind::kEvent;
    check(events >= opened * teams, fmt::format("{} events on {} ranges, of {} breakers", events, teams, opened));
    fmt::print("{} breakers opened on each of {} ranges, {} events there\n", opened, teams, events);
  }
  check(drill.fired() == teams * attacks, fmt::format("{} of {} fired", drill.fired(), teams * attacks));
  fmt::print(
      "{} teams x {} attacks in 48 h: {:.1f} s, {:.0f} times real time; {} entries, {:.0f} MB of log, {} deliveries, "
      "{} telemetry lines, {} deeds\n",
      teams, attacks, run, kLength / 1e3 / run, keep.log.size(), static_cast<double>(keep.bytes) / 1e6, keep.deliveries,
      keep.lines, seen);
  const auto scoring_started = Timer::now();
  const auto card = scoring::score(scenario, keep.log);
  check(card.has_value() && card->teams.size() == teams, "the log cannot be scored");
  // Half of the attacks were seen and shared; nobody tells himself.
  for (const auto& category : card->teams[0].categories)
    if (category.category == scoring::Category::kDetect)
      check(std::abs(category.earned / category.most - 0.5) < 0.01, "the score is not that of the evidence");
  fmt::print("scored in {:.1f} s\n", seconds(scoring_started));
}

void latency(std::size_t teams, std::size_t participants, bool at_once) {
  constexpr std::int64_t kLength = 8LL * 3'600'000;
  scenario::Scenario scenario = generated(teams, 2'800, 10, kLength, false);
  if (at_once)
    for (auto& time : scenario.scripts[0].events) time.at = scenario::Duration(kLength / 2);
  const Instant begin = *Instant::parse("2026-12-01T09:00:00Z");
  auto begun = Drill::open(scenario, {.background = scenario::Duration(0)}, kFlat, begin);
  check(begun.has_value(), "the drill does not open");
  Kept keep;
  Drill& drill = begun->drill;
  keep(std::move(begun->step));
  keep(*drill.take(drill::Control{.verb = drill::Verb::kStart}, begin));
  const std::size_t each = participants / teams;
  std::vector<double> late_ms;
  std::vector<std::string> ids;  // handed out, not yet read
  std::string copy;
  double behind = 0;  // seconds that the loop is behind the clock
  Instant last = begin;
  while (const auto next = drill.next_wake()) {
    behind = std::max(0.0, behind - std::chrono::duration<double>(*next - last).count());
    last = *next;
    const auto started = Timer::now();
    Step step = drill.advance(*next, desk::kPieceEntries);
    const std::size_t deliveries = step.deliveries.size();
    for (const Delivery& d : step.deliveries) {
      ids.push_back(d.id);
      // Every participant of the team gets a copy of his own.
      for (std::size_t p = 0; p < each; ++p) copy.assign(d.subject).append(d.text);
    }
    keep(std::move(step));
    const double out = seconds(started);
    for (std::size_t i = 0; i < deliveries; ++i) late_ms.push_back((behind + out) * 1e3);
    if (!drill.is_behind())  // an input waits for what was due before it
      for (const std::string& id : std::exchange(ids, {}))
        keep(*drill.take(Evidence{.as = As::kAcknowledged, .team = "team-00", .object = id}, *next));
    behind += seconds(started);
  }
  check(drill.fired() == teams * 28'000, "not every inject fired");
  std::ranges::sort(late_ms);
  const auto at = [&](double part) {
    return late_ms[static_cast<std::size_t>(static_cast<double>(late_ms.size() - 1) * part)];
  };
  fmt::print(
      "28,000 injects to {} participants in {} teams{}: from due to logged and handed out p50 {:.2f} ms, p99 {:.2f} "
      "ms, most {:.2f} ms ({} deliveries, {} copies)\n",
      participants, teams, at_once ? ", all at one moment" : ", one a second", at(0.5), at(0.99), late_ms.back(),
      late_ms.size(), late_ms.size() * each);
}

// The desk with its log on disk, its courier, letters for consoles: from due to durable that it went. Each inject to
// one team; all are due a second after the start.
void through_the_desk(std::size_t teams, const std::filesystem::path& directory) {
  constexpr std::int64_t kLength = 3'600'000, kDue = 1'000;
  scenario::Scenario scenario = generated(teams, 2'800, 10, kLength, false);
  for (auto& time : scenario.scripts[0].events) time.at = scenario::Duration(kDue);
  for (std::size_t i = 0; i < scenario.injects.size(); ++i) {
    scenario.injects[i].to_entities = {scenario.entities[i % teams].id};
    scenario.injects[i].deliver[0].via = scenario::Channel::kConsole;
  }
  const auto players = desk::Players::of(scenario, "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710");
  check(players.has_value(), "nobody plays");
  const SystemClock clock;
  auto table = desk::Table::open(directory, scenario, {.background = scenario::Duration(0)}, kFlat, clock);
  if (!table) check(false, table.error().text());
  desk::Post post(directory, scenario, *players, {.node = [](const std::string&) { return nullptr; }});
  desk::Courier courier(**table, post, clock, [](const std::string& sentence) { check(false, sentence); });
  std::vector<double> late_ms;
  std::size_t seen = 0;
  std::optional<Instant> due;
  (*table)->on_change([&] {
    const Instant now = clock.now();
    (*table)->look([&](const desk::Tabled& t) {
      for (; seen < t.log.size(); ++seen) {
        const Entry& entry = t.log[seen];
        if (entry.kind == Kind::kControl && entry.ref == "start") due = entry.wall + std::chrono::milliseconds(kDue);
        if (entry.kind == Kind::kEvidence)
          late_ms.push_back(std::chrono::duration<double, std::milli>(now - *due).count());
      }
    });
  });
  check((*table)->take(drill::Control{.verb = drill::Verb::kStart}).has_value(), "the drill does not start");
  while (late_ms.size() < 28'000) {
    for (bool more = true; more;) {
      const auto advanced = (*table)->advance();
      check(advanced.has_value(), "the log cannot be written");
      more = *advanced;
      if (more) check(courier.carry_out_new().has_value(), "what is to be sent cannot go");
    }
    check(courier.carry_out().has_value(), "what is to be sent cannot go");
    if (late_ms.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::ranges::sort(late_ms);
  fmt::print(
      "28,000 injects, each to one of {} teams, all at one moment, through the desk: from due to durable that it went "
      "p50 {:.0f} ms, p99 {:.0f} ms, most {:.0f} ms\n",
      teams, late_ms[late_ms.size() / 2], late_ms[late_ms.size() * 99 / 100], late_ms.back());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t teams = 17, attacks = 8'000;
  std::string world, data, burst;
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--world"))
      world = argv[i + 1];
    else if (is("--data"))
      data = argv[i + 1];
    else if (is("--burst"))
      burst = argv[i + 1];
    else
      std::from_chars(argv[i + 1], argv[i + 1] + std::strlen(argv[i + 1]), is("--teams") ? teams : attacks);
  }
  if (!world.empty()) {
    run_in_real_time(teams, attacks, worlds(world, data), true);
    return 0;
  }
  if (!burst.empty()) {
    check(std::filesystem::is_empty(burst), burst + " has to be an empty directory");
    latency(teams, 5'000, true);
    through_the_desk(teams, burst);
    return 0;
  }
  run_in_real_time(teams, attacks, kFlat, false);
  latency(teams, 5'000, false);
  latency(teams, 5'000, true);
  return 0;
}
