#include "exercise/scenario/summary.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace bongsu::exercise::scenario {

Summary summarize(const Scenario& scenario) {
  Summary out;
  std::unordered_map<std::string_view, std::size_t> number;
  for (const Entity& entity : scenario.entities)
    if (entity.role == Role::kBlue) {
      number.emplace(entity.id, out.teams.size());
      out.teams.push_back({.team = &entity});
    }
  const auto each_of = [&](const std::vector<std::string>& ids, auto&& what) {
    for (const std::string& id : ids)
      if (const auto at = number.find(id); at != number.end()) what(out.teams[at->second]);
  };
  std::unordered_set<std::string_view> waiting;  // for an event's conditions
  for (const Event& event : scenario.events)
    if (!event.conditions.empty()) waiting.insert(event.injects.begin(), event.injects.end());
  for (const Inject& inject : scenario.injects) {
    if (inject.when.manual)
      ++out.manual;
    else if (inject.when.chance < 1)
      ++out.random;
    else if (!inject.when.conditions.empty() || waiting.contains(inject.id))
      ++out.conditional;
    else
      ++out.timed;
    out.ttp.insert(inject.ttp.begin(), inject.ttp.end());
    each_of(inject.to_entities, [](TeamSummary& team) { ++team.injects; });
    const auto ask = [&](const std::vector<std::string>& named, std::uint32_t score) {
      each_of(named.empty() ? inject.to_entities : named, [&](TeamSummary& team) {
        ++team.expectations;
        team.points += score;
      });
    };
    for (const Expectation& expectation : inject.expectations) ask(expectation.teams, expectation.score);
    for (const ShareExpectation& share : inject.share) ask(share.from, share.score);
  }
  for (const Service& service : scenario.services) {
    std::string owner = service.entity;  // or the team that it is within
    while (!owner.empty() && !number.contains(owner))
      owner.resize(owner.rfind('.') == std::string::npos ? 0 : owner.rfind('.'));
    if (!owner.empty()) out.teams[number.at(owner)].points += service.score;
  }
  for (const Metric& metric : scenario.metrics) out.metric_points += metric.max_score;
  return out;
}

}  // namespace bongsu::exercise::scenario
