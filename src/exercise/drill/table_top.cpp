#include "exercise/drill/table_top.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace bongsu::exercise::drill {
namespace {

constexpr std::int64_t kApproves_ms = 60'000;
constexpr double kApart = 0.05;  // the two graders of a form, at most, around the policy's quality

double near(double quality, std::string_view what, std::uint64_t seed) {
  const double off = (static_cast<double>(hash64(what, seed) >> 11U) * 0x1.0p-53 - 0.5) * 2 * kApart;
  // Two digits, as people grade.
  return std::clamp(std::round((quality + off) * 100) / 100, 0.0, 1.0);
}

}  // namespace

struct TableTop::Impl {
  scenario::Scenario scenario;
  Roster roster;
  std::vector<Policy> policies;
  std::vector<Player> players;
  std::vector<Watch> watches;
  std::optional<Drill> drill;
  Instant begin;
  std::uint64_t seed = 0;
  Step opened;
  std::multimap<std::int64_t, Input> white;  // exercise control's, by drill time
  std::vector<std::pair<std::uint64_t, std::size_t>> forms;
  std::set<std::string> asked;  // injects that wait for its hand, seen

  explicit Impl(const scenario::Scenario& s) : scenario(s), roster(scenario) {}

  Instant at(std::int64_t ms) const { return begin + std::chrono::milliseconds(ms); }

  void fired(const Entry& entry) {
    const auto team = roster.team_of(entry.team);
    const auto number = roster.inject_of(entry.ref);
    if (!team || !number) return;
    for (const scenario::Expectation& expectation : scenario.injects[*number].expectations) {
      if (expectation.seen.as != scenario::Seen::kManual || !roster.asks(expectation.teams, *team)) continue;
      const double part = near(policies[*team].quality, fmt::format("{} {} {}", entry.ref, expectation.id, entry.at_ms),
                               hash64(entry.team, seed));
      white.emplace(entry.at_ms + expectation.expires.count(), Evidence{.as = As::kJudged,
                                                                        .team = entry.team,
                                                                        .by = "control",
                                                                        .inject = entry.ref,
                                                                        .expectation = expectation.id,
                                                                        .value = part});
    }
  }

  // Everybody sees what is new; what it makes them do at once is done at once.
  void show(Step& all, Step step) {
    for (const Entry& entry : step.entries) {
      for (Player& player : players) player.see(entry);
      for (Watch& watch : watches) watch.see(entry);
      if (entry.kind == Kind::kFired) fired(entry);
      if (entry.kind == Kind::kEvidence && entry.ref == "form")
        if (const auto team = roster.team_of(entry.team)) forms.emplace_back(entry.seq, *team);
    }
    std::vector<std::string> out;
    for (const Delivery& delivery : step.deliveries) out.push_back(delivery.id);
    for (const TelemetryLines& lines : step.telemetry) out.push_back(lines.id);
    for (const Waiting& waiting : drill->waiting())
      if (asked.insert(fmt::format("{} {} {}", waiting.inject, waiting.team, waiting.since_ms)).second)
        white.emplace(waiting.since_ms + kApproves_ms,
                      Control{.verb = Verb::kApprove, .by = "control", .inject = waiting.inject, .team = waiting.team});
    std::ranges::move(step.entries, std::back_inserter(all.entries));
    std::ranges::move(step.deliveries, std::back_inserter(all.deliveries));
    std::ranges::move(step.telemetry, std::back_inserter(all.telemetry));
    for (const std::string& id : out) take(all, Evidence{.as = As::kDelivered, .by = "table-top", .object = id});
  }

  void take(Step& all, const Input& input) {
    auto step = drill->take(input, drill->last_wall());
    // What a script wants too late (the drill has ended, an inject went without it) is not done.
    if (step) show(all, std::move(*step));
  }
};

TableTop::TableTop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableTop::TableTop(TableTop&&) noexcept = default;
TableTop& TableTop::operator=(TableTop&&) noexcept = default;
TableTop::~TableTop() = default;

Result<TableTop> TableTop::make(const scenario::Scenario& scenario, const Settings& settings, RangeMaker make_range,
                                const std::vector<Policy>& policies, Instant wall) {
  if (policies.empty())
    return fail(ErrorCode::kInvalid, "a table-top needs at least one scripted team", {.field = "policies"});
  auto impl = std::make_unique<Impl>(scenario);
  impl->begin = Instant::from_micros(wall.micros());
  impl->seed = settings.seed.value_or(scenario.exercise.seed);
  BONGSU_TRY(Begun begun, Drill::open(impl->scenario, settings, std::move(make_range), impl->begin));
  impl->drill.emplace(std::move(begun.drill));
  impl->opened = std::move(begun.step);
  for (std::size_t team = 0; team < impl->roster.teams().size(); ++team) {
    impl->policies.push_back(policies[team % policies.size()]);
    impl->players.emplace_back(impl->roster, team, impl->policies[team], impl->seed);
    impl->watches.emplace_back(impl->roster, team, impl->policies[team], impl->seed);
  }
  return TableTop(std::move(impl));
}

Step TableTop::start() {
  Step all = std::exchange(impl_->opened, {});
  impl_->take(all, Control{.verb = Verb::kStart, .by = "control"});
  if (impl_->drill->speed() != 1) impl_->begin = impl_->drill->last_wall();
  return all;
}

std::optional<Instant> TableTop::next() const {
  auto next = impl_->drill->next_wake();
  if (!next) return std::nullopt;
  const auto sooner = [&](std::optional<std::int64_t> ms) {
    if (ms) next = std::min(*next, std::max(impl_->drill->last_wall(), impl_->at(*ms)));
  };
  for (const Player& player : impl_->players) sooner(player.next_ms());
  for (const Watch& watch : impl_->watches) sooner(watch.next_ms());
  if (!impl_->white.empty()) sooner(impl_->white.begin()->first);
  return next;
}

Step TableTop::live(Instant until) {
  Step all;
  impl_->show(all, impl_->drill->advance(until));
  const std::int64_t now = impl_->drill->now_ms();
  while (!impl_->white.empty() && impl_->white.begin()->first <= now) {
    const Input input = impl_->white.begin()->second;
    impl_->white.erase(impl_->white.begin());
    impl_->take(all, input);
  }
  for (Watch& watch : impl_->watches)
    for (const Evidence& alert : watch.due(now)) impl_->take(all, alert);
  for (Player& player : impl_->players)
    for (const Evidence& deed : player.due(now)) impl_->take(all, deed);
  return all;
}

Step TableTop::close() {
  Step all;
  // Grades go on the log at the end, as in a real drill.
  for (const auto& [_, input] : std::exchange(impl_->white, {}))
    if (const auto* judged = std::get_if<Evidence>(&input)) impl_->take(all, *judged);
  for (std::size_t team = 0; team < impl_->policies.size(); ++team)
    for (const scenario::Metric& metric : impl_->scenario.metrics)
      if (metric.type == scenario::Metric::Type::kManual)
        impl_->take(all, Evidence{.as = As::kJudged,
                                  .team = impl_->roster.teams()[team],
                                  .by = "control",
                                  .expectation = metric.id,
                                  .value = near(impl_->policies[team].quality, metric.id,
                                                hash64(impl_->roster.teams()[team], impl_->seed))});
  for (const auto& [form, team] : impl_->forms)
    for (const char* grader : {"grader-1", "grader-2"})
      impl_->take(all,
                  Grade{.form = form,
                        .by = grader,
                        .part = near(impl_->policies[team].quality, fmt::format("{} {}", grader, form), impl_->seed),
                        .why = "by rote"});
  return all;
}

Drill& TableTop::drill() { return *impl_->drill; }
const std::vector<Policy>& TableTop::policies() const { return impl_->policies; }

}  // namespace bongsu::exercise::drill
