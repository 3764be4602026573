#include "exercise/drill/conditions.h"

#include <algorithm>

namespace bongsu::exercise::drill {

Conditions::Conditions(const Roster& roster) : roster_(&roster) {
  const scenario::Scenario& scenario = roster.scenario();
  const auto& conditions = scenario.conditions;
  for (std::size_t i = 0; i < conditions.size(); ++i) number_.emplace(conditions[i].id, i);
  for (std::size_t i = 0; i < scenario.services.size(); ++i) service_.emplace(scenario.services[i].id, i);
  global_.assign(conditions.size(), true);
  // Depth first, so that each comes after its parts; a ring (which the scenario's check refuses) ends where it closes.
  std::vector<int> seen(conditions.size(), 0);
  const std::function<void(std::size_t)> visit = [&](std::size_t at) {
    if (seen[at] != 0) return;
    seen[at] = 1;
    const scenario::Condition& condition = conditions[at];
    bool global = !condition.range && !condition.service;
    for (const auto* parts : {&condition.all, &condition.any, &condition.none})
      for (const std::string& part : *parts)
        if (const auto found = number_.find(part); found != number_.end()) {
          visit(found->second);
          global = global && global_[found->second];
        }
    global_[at] = global;
    order_.push_back(at);
  };
  for (std::size_t i = 0; i < conditions.size(); ++i) visit(i);
  for (std::size_t i = 0; i < conditions.size(); ++i) states_.emplace_back(global_[i] ? 1 : roster.teams().size());
}

bool Conditions::holds(std::size_t team, std::string_view condition) const {
  const auto found = number_.find(std::string(condition));
  if (found == number_.end()) return false;
  const auto& states = states_[found->second];
  if (global_[found->second]) return states[0].holds;
  if (team == kOutside) return std::ranges::any_of(states, [](const State& state) { return state.holds; });
  return states[team].holds;
}

bool Conditions::act(const scenario::ActTest& test, std::int64_t now_ms, const Deeds& deeds) const {
  const auto team = roster_->team_of(test.team);
  if (!team) return false;
  const std::int64_t within = test.within.count();
  if (test.inject.empty()) {
    const auto first = deeds.first(*team, test.did);
    const bool done = first && (within == 0 || *first <= within);
    return test.done ? done : !done && now_ms >= within;
  }
  const auto inject = roster_->inject_of(test.inject);
  const Firing* firing = inject ? deeds.latest(*team, *inject) : nullptr;
  if (firing == nullptr) return false;
  const auto at = firing->acts[static_cast<std::size_t>(test.did)].at_ms;
  const bool done = at && (within == 0 || *at - firing->at_ms <= within);
  return test.done ? done : !done && now_ms - firing->at_ms >= within;
}

bool Conditions::now(std::size_t number, std::size_t team, std::int64_t now_ms, const Deeds& deeds,
                     const World& world) const {
  const scenario::Condition& condition = roster_->scenario().conditions[number];
  if (condition.range) {
    const auto value = world.measure(team, condition);
    if (!value) return false;
    return condition.range->is == scenario::Comparison::kBelow ? *value < condition.range->value
                                                               : *value > condition.range->value;
  }
  if (condition.service) {
    const auto service = service_.find(condition.service->of);
    return service != service_.end() && world.up(team, service->second) == condition.service->up;
  }
  if (condition.act) return act(*condition.act, now_ms, deeds);
  const auto part = [&](const std::string& name) { return holds(team, name); };
  if (!condition.all.empty()) return std::ranges::all_of(condition.all, part);
  if (!condition.any.empty()) return std::ranges::any_of(condition.any, part);
  return std::ranges::none_of(condition.none, part);
}

std::vector<Conditions::Change> Conditions::ask(std::int64_t now_ms, const Deeds& deeds, const World& world) {
  std::vector<Change> changes;
  for (const std::size_t condition : order_)
    for (std::size_t i = 0; i < states_[condition].size(); ++i) {
      State& state = states_[condition][i];
      const std::size_t team = global_[condition] ? kOutside : i;
      if (!now(condition, team, now_ms, deeds, world))
        state.since_ms.reset();
      else if (!state.since_ms)
        state.since_ms = now_ms;
      const bool holds =
          state.since_ms && now_ms - *state.since_ms >= roster_->scenario().conditions[condition].holds.count();
      if (holds != state.holds) changes.push_back({condition, team, holds});
      state.holds = holds;
    }
  return changes;
}

}  // namespace bongsu::exercise::drill
