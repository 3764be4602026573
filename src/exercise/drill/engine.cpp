// What is due when: events, injects, what they wait for, how they end.
#include "exercise/drill/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::drill {
namespace {

// A number of the unit interval for a name, the same whenever it is asked for.
double drawn(std::uint64_t seed, std::string_view what, std::size_t occurrence, std::string_view inject) {
  return static_cast<double>(hash64(fmt::format("{}/{}/{}", what, occurrence, inject), seed) >> 11U) * 0x1.0p-53;
}

std::uint64_t pair_key(std::size_t a, std::size_t b) { return (static_cast<std::uint64_t>(a) << 32U) | b; }

}  // namespace

Plan::Plan(const scenario::Scenario& from, const Settings& with)
    : scenario(from),
      settings(with),
      seed(with.seed.value_or(from.exercise.seed)),
      roster(scenario),
      label(scenario.exercise.label.text()) {
  occurrences = scenario::occurrences(scenario);
  for (const scenario::Occurrence& occurrence : occurrences) {
    const double faster = occurrence.script->speed * occurrence.story->speed;
    const bool closes = occurrence.script->end_time > occurrence.script->start_time;
    gives_up_ms.push_back(closes ? std::llround(static_cast<double>(occurrence.script->end_time.count()) / faster)
                                 : std::numeric_limits<std::int64_t>::max());
    std::vector<std::size_t> injects;
    for (const std::string& id : occurrence.event->injects)
      if (const auto inject = roster.inject_of(id)) injects.push_back(*inject);
    event_injects.push_back(std::move(injects));
  }
  roles_within.resize(roster.teams().size());
  for (const scenario::Entity& entity : scenario.entities)
    if (const auto team = roster.team_of(entity.id); team && entity.role) roles_within[*team].insert(*entity.role);
  for (std::size_t i = 0; i < scenario.services.size(); ++i) services.emplace(scenario.services[i].id, i);
}

Engine::Engine(std::shared_ptr<const Plan> plan, std::uint32_t run)
    : plan_(std::move(plan)),
      run_(run),
      waiting_(plan_->roster.teams().size() + 1),
      occurrence_instances_(plan_->occurrences.size()),
      conditions_(plan_->roster),
      deeds_(plan_->roster) {}

Result<std::unique_ptr<Engine>> Engine::make(std::shared_ptr<const Plan> plan, const RangeMaker& make_range,
                                             std::uint32_t run) {
  std::unique_ptr<Engine> engine(new Engine(std::move(plan), run));
  for (const std::string& team : engine->plan_->roster.teams()) {
    TeamRun& it = engine->teams_.emplace_back();
    BONGSU_TRY(it.range, make_range(team));
    it.services.resize(engine->plan_->scenario.services.size());
  }
  return engine;
}

const std::string& Engine::team_name(std::size_t team) const {
  static const std::string kNone;
  return team == kOutside ? kNone : plan_->roster.teams()[team];
}

Entry& Engine::made(Kind kind, const std::string& team, std::string ref, std::string text, JsonObject data) {
  for (auto& [_, value] : data) as_read(value);
  return made_.entries.emplace_back(Entry{.at_ms = now_ms_,
                                          .kind = kind,
                                          .team = team,
                                          .ref = std::move(ref),
                                          .text = std::move(text),
                                          .data = std::move(data)});
}

Engine::Made Engine::take_made() { return std::exchange(made_, {}); }

void Engine::plan_item(std::int64_t at_ms, What what, std::size_t a, std::size_t b, std::size_t c) {
  items_.push({at_ms, what, planned_++, a, b, c});
}

void Engine::start() {
  started_ = true;
  const Settings& settings = plan_->settings;
  plan_item(now_ms_, What::kStep);
  plan_item(now_ms_ + settings.sample.count(), What::kSample);
  for (std::size_t team = 0; team < teams_.size(); ++team) {
    for (std::size_t service = 0; service < plan_->scenario.services.size(); ++service)
      if (plan_->roster.serves(plan_->scenario.services[service], team))
        plan_item(now_ms_, What::kProbe, team, service);
    if (settings.background.count() > 0) plan_item(now_ms_ + settings.background.count(), What::kBackground, team, 0);
  }
  for (std::size_t i = 0; i < plan_->occurrences.size(); ++i) {
    plan_item(plan_->occurrences[i].at.count(), What::kOccur, i);
    if (plan_->gives_up_ms[i] < std::numeric_limits<std::int64_t>::max())
      plan_item(plan_->gives_up_ms[i], What::kScriptEnd, i);
  }
  if (plan_->scenario.exercise.duration.count() > 0) plan_item(plan_->scenario.exercise.duration.count(), What::kEnd);
}

std::optional<std::int64_t> Engine::next_ms() const {
  if (items_.empty()) return std::nullopt;
  return items_.top().at_ms;
}

void Engine::live_until(std::int64_t at_ms, std::size_t most) {
  while (!ended_ && !items_.empty() && items_.top().at_ms <= at_ms) {
    if (made_.entries.size() >= most) return;
    const Item item = items_.top();
    items_.pop();
    now_ms_ = std::max(now_ms_, item.at_ms);
    run_item(item);
  }
  if (!ended_) now_ms_ = std::max(now_ms_, at_ms);
}

void Engine::run_item(const Item& item) {
  switch (item.what) {
    case What::kStep:
      step();
      return plan_item(now_ms_ + plan_->settings.step.count(), What::kStep);
    case What::kProbe:
      probe(item.a, item.b);
      return plan_item(now_ms_ + std::max<std::int64_t>(plan_->scenario.services[item.b].interval.count(), 1'000),
                       What::kProbe, item.a, item.b);
    case What::kSample:
      for (std::size_t team = 0; team < teams_.size(); ++team) sample(team);
      return plan_item(now_ms_ + plan_->settings.sample.count(), What::kSample);
    case What::kOccur:
      return occur(item.a);
    case What::kDue:
      return due(item.a);
    case What::kEffect:
      return effect(item.a, item.b, false);
    case What::kUndo:
      return effect(item.a, item.b, true);
    case What::kTelemetry:
      return telemetry(item.a, item.b, item.c);
    case What::kBackground:
      background(item.a, item.b);
      return plan_item(now_ms_ + plan_->settings.background.count(), What::kBackground, item.a, item.b + 1);
    case What::kGiveUp:
      if (instances_[item.a].stage == Stage::kConditions)
        never(item.a, "conditions", "its conditions did not hold in the time that it waits for them");
      else if (instances_[item.a].stage == Stage::kHand)
        never(item.a, "not_approved", "exercise control did not let it go in the time that it waits");
      return;
    case What::kScriptEnd:
      for (const std::size_t instance : occurrence_instances_[item.a]) {
        const Stage stage = instances_[instance].stage;
        if (stage == Stage::kEvent || stage == Stage::kConditions || stage == Stage::kHand)
          never(instance, "story_ended",
                fmt::format("script {} ended while it waited", plan_->occurrences[item.a].script->id));
      }
      return;
    case What::kEnd:
      return end(true);
  }
}

void Engine::step() {
  for (std::size_t team = 0; team < teams_.size(); ++team) {
    teams_[team].range->advance_to(now_ms_);
    range_events(team);
  }
  const Conditions::World world{
      .measure = [this](std::size_t team, const scenario::Condition& condition) { return measure(team, condition); },
      .up = [this](std::size_t team, std::size_t service) { return teams_[team].services[service].up; }};
  const auto changes = conditions_.ask(now_ms_, deeds_, world);
  for (const Conditions::Change& change : changes) {
    const scenario::Condition& condition = plan_->scenario.conditions[change.condition];
    deeds_.take(made(Kind::kCondition, team_name(change.team), condition.id,
                     fmt::format("{} {}", condition.id, change.holds ? "holds" : "no longer holds"),
                     {{"holds", change.holds}}));
  }
  if (!changes.empty()) release();
}

std::optional<double> Engine::measure(std::size_t team, const scenario::Condition& condition) {
  const scenario::RangeTest& test = *condition.range;
  if (test.quantity == "services-up") {
    std::size_t all = 0, up = 0;
    for (std::size_t i = 0; i < plan_->scenario.services.size(); ++i) {
      const scenario::Service& service = plan_->scenario.services[i];
      if (!plan_->roster.serves(service, team) || (!test.target.empty() && service.entity != test.target)) continue;
      ++all;
      if (teams_[team].services[i].up) ++up;
    }
    return all == 0 ? 100.0 : 100.0 * static_cast<double>(up) / static_cast<double>(all);
  }
  const auto value = teams_[team].range->measure(test.quantity, test.target);
  if (value) return *value;
  if (teams_[team].unmeasured.insert(condition.id).second)
    made(Kind::kEvent, team_name(team), condition.id,
         fmt::format("condition {} can't be asked and counts as false: {}", condition.id, value.error().message),
         {{"kind", "not-measured"}});
  return std::nullopt;
}

bool Engine::hold(std::size_t team, const std::vector<std::string>& conditions) const {
  return std::ranges::all_of(conditions,
                             [&](const std::string& condition) { return conditions_.holds(team, condition); });
}

void Engine::release() {
  for (std::vector<std::size_t>& list : waiting_) {
    const std::vector<std::size_t> now = std::exchange(list, {});
    for (const std::size_t number : now) {
      const Instance& it = instances_[number];
      if (it.stage == Stage::kEvent) {
        if (hold(it.team, plan_->occurrences[it.occurrence].event->conditions))
          come(number);
        else
          list.push_back(number);
      } else if (it.stage == Stage::kConditions) {
        if (hold(it.team, plan_->scenario.injects[it.inject].when.conditions))
          go_on(number);
        else
          list.push_back(number);
      }
    }
  }
}

std::size_t Engine::add_instance(const Instance& instance) {
  by_inject_[instance.inject].push_back(instances_.size());
  instances_.push_back(instance);
  return instances_.size() - 1;
}

void Engine::occur(std::size_t occurrence) {
  occurred_ = occurrence + 1;  // they come in this order
  for (const std::size_t inject : plan_->event_injects[occurrence]) {
    std::vector<std::size_t> teams = plan_->roster.teams_of(inject);
    if (teams.empty()) teams.push_back(kOutside);
    for (const std::size_t team : teams) {
      const std::size_t number =
          add_instance({.occurrence = occurrence, .inject = inject, .team = team, .since_ms = now_ms_});
      occurrence_instances_[occurrence].push_back(number);
      if (hold(team, plan_->occurrences[occurrence].event->conditions))
        come(number);
      else
        waiting_of(team).push_back(number);
    }
  }
}

void Engine::come(std::size_t number) {
  Instance& it = instances_[number];
  const scenario::Inject& inject = plan_->scenario.injects[it.inject];
  it.stage = Stage::kDelay;
  it.since_ms = now_ms_;
  const std::int64_t spread = inject.when.spread.count();
  const auto late = static_cast<std::int64_t>(drawn(plan_->seed, "spread", it.occurrence, inject.id) *
                                              static_cast<double>(spread + 1));
  const std::int64_t wait = inject.when.delay.count() + std::min(late, spread);
  if (wait == 0) return due(number);
  plan_item(now_ms_ + wait, What::kDue, number);
}

void Engine::due(std::size_t number) {
  Instance& it = instances_[number];
  if (it.stage != Stage::kDelay) return;  // a hand was faster
  const scenario::Inject& inject = plan_->scenario.injects[it.inject];
  if (drawn(plan_->seed, "chance", it.occurrence, inject.id) >= inject.when.chance)
    return never(number, "chance", fmt::format("by chance: it comes in {:g} of 100 drills", inject.when.chance * 100));
  it.stage = Stage::kConditions;
  it.since_ms = now_ms_;
  if (inject.when.until) plan_item(now_ms_ + inject.when.until->count(), What::kGiveUp, number);
  if (hold(it.team, inject.when.conditions)) return go_on(number);
  if (now_ms_ >= plan_->gives_up_ms[it.occurrence])
    return never(number, "story_ended", "its script had ended when it was due, and its conditions did not hold");
  waiting_of(it.team).push_back(number);
}

void Engine::go_on(std::size_t number) {
  Instance& it = instances_[number];
  if (!plan_->scenario.injects[it.inject].when.manual) return fire(number, "");
  it.stage = Stage::kHand;
  it.since_ms = now_ms_;
  at_hand_.insert(number);
}

void Engine::fire(std::size_t number, const std::string& by) {
  Instance& it = instances_[number];
  const scenario::Inject& inject = plan_->scenario.injects[it.inject];
  it.stage = Stage::kFired;
  at_hand_.erase(number);
  it.fired_ms = now_ms_;
  if (it.team != kOutside) ++fired_;
  JsonObject data = {{"occurrence", it.occurrence}};
  if (!by.empty()) data["by"] = by;
  deeds_.take(made(Kind::kFired, team_name(it.team), inject.id, inject.name.empty() ? inject.id : inject.name,
                   std::move(data)));
  const bool first = first_seen_.insert(pair_key(it.occurrence, it.inject)).second;
  it.first = first;
  deliver(number);
  for (std::size_t i = 0; i < inject.physics.size(); ++i) {
    if (inject.physics[i].after.count() == 0)
      effect(number, i, false);
    else
      plan_item(now_ms_ + inject.physics[i].after.count(), What::kEffect, number, i);
  }
  for (std::size_t i = 0; i < inject.telemetry.size(); ++i) plan_telemetry(number, i, 0);
}

void Engine::never(std::size_t number, std::string_view why, const std::string& text) {
  Instance& it = instances_[number];
  it.stage = Stage::kNever;
  at_hand_.erase(number);
  made(Kind::kNotFired, team_name(it.team), plan_->scenario.injects[it.inject].id, text,
       {{"why", why}, {"occurrence", it.occurrence}});
}

void Engine::end(bool by_clock) {
  if (by_clock)
    made(Kind::kControl, "", std::string(to_string(Verb::kEnd)), "the drill's time is over", {{"clock", true}});
  for (std::size_t team = 0; team < teams_.size(); ++team) {
    teams_[team].range->advance_to(now_ms_);
    range_events(team);
    sample(team);
  }
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i].stage == Stage::kEvent)
      never(
          i, "conditions",
          fmt::format("the conditions of event {} never held", plan_->occurrences[instances_[i].occurrence].event->id));
    else if (instances_[i].stage == Stage::kConditions)
      never(i, "conditions", "its conditions never held");
    else if (instances_[i].stage == Stage::kHand)
      never(i, "not_approved", "exercise control never let it go");
    else if (instances_[i].stage == Stage::kDelay)
      never(i, "drill_ended", "the drill ended before it was due");
  }
  for (std::size_t occurrence = occurred_; occurrence < plan_->occurrences.size(); ++occurrence)
    for (const std::size_t inject : plan_->event_injects[occurrence]) {
      std::vector<std::size_t> teams = plan_->roster.teams_of(inject);
      if (teams.empty()) teams.push_back(kOutside);
      for (const std::size_t team : teams)
        never(add_instance({.occurrence = occurrence, .inject = inject, .team = team}), "drill_ended",
              "the drill ended before its event came");
    }
  ended_ = true;
  items_ = {};
}

std::vector<Waiting> Engine::waiting() const {
  std::vector<Waiting> out;
  for (const std::size_t number : at_hand_) {
    const Instance& it = instances_[number];
    out.push_back({plan_->scenario.injects[it.inject].id, team_name(it.team), it.since_ms});
  }
  return out;
}

std::vector<ServiceNow> Engine::services(std::size_t team) const {
  std::vector<ServiceNow> out;
  for (std::size_t i = 0; i < plan_->scenario.services.size(); ++i) {
    const ServiceRun& run = teams_[team].services[i];
    if (plan_->roster.serves(plan_->scenario.services[i], team))
      out.push_back({plan_->scenario.services[i].id, run.up, run.why, run.since_ms});
  }
  return out;
}

std::vector<Delivery> Engine::pending_deliveries(std::uint64_t from) const {
  std::vector<Delivery> out;
  for (auto it = out_.lower_bound(from); it != out_.end(); ++it)
    if (it->second.delivery) out.push_back(*it->second.delivery);
  return out;
}

std::vector<TelemetryLines> Engine::pending_telemetry(std::uint64_t from) const {
  std::vector<TelemetryLines> out;
  for (auto it = out_.lower_bound(from); it != out_.end(); ++it)
    if (it->second.telemetry) out.push_back(*it->second.telemetry);
  return out;
}

}  // namespace bongsu::exercise::drill
