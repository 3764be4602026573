#include <algorithm>

#include "exercise/drill/deeds.h"

namespace bongsu::exercise::drill {

Roster::Roster(const scenario::Scenario& scenario) : scenario_(&scenario) {
  for (std::size_t i = 0; i < scenario.entities.size(); ++i) entities_.emplace(scenario.entities[i].id, i);
  for (const scenario::Entity& e : scenario.entities) {
    if (e.role != scenario::Role::kBlue) continue;
    bool within = false;
    for (auto dot = e.id.rfind('.'); dot != std::string::npos && !within;
         dot = dot == 0 ? std::string::npos : e.id.rfind('.', dot - 1)) {
      const scenario::Entity* outer = entity(std::string_view(e.id).substr(0, dot));
      within = outer != nullptr && outer->role == scenario::Role::kBlue;
    }
    if (within) continue;
    team_number_.emplace(e.id, teams_.size());
    teams_.push_back(e.id);
  }
  for (std::size_t i = 0; i < scenario.injects.size(); ++i) {
    injects_.emplace(scenario.injects[i].id, i);
    std::vector<std::size_t> teams;
    for (const std::string& to : scenario.injects[i].to_entities)
      if (const auto team = team_of(to); team && std::ranges::find(teams, *team) == teams.end()) teams.push_back(*team);
    inject_teams_.push_back(std::move(teams));
  }
}

const scenario::Entity* Roster::entity(std::string_view id) const {
  const auto found = entities_.find(std::string(id));
  return found == entities_.end() ? nullptr : &scenario_->entities[found->second];
}

std::optional<std::size_t> Roster::team_of(std::string_view id) const {
  for (;;) {
    if (const auto found = team_number_.find(std::string(id)); found != team_number_.end()) return found->second;
    const auto dot = id.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    id = id.substr(0, dot);
  }
}

std::optional<std::size_t> Roster::inject_of(std::string_view id) const {
  const auto found = injects_.find(std::string(id));
  if (found == injects_.end()) return std::nullopt;
  return found->second;
}

bool Roster::asks(const std::vector<std::string>& named, std::size_t team) const {
  return named.empty() || std::ranges::any_of(named, [&](const std::string& name) { return team_of(name) == team; });
}

bool Roster::serves(const scenario::Service& service, std::size_t team) const {
  const auto owner = team_of(service.entity);
  return !owner || *owner == team;
}

bool Roster::concerns(const scenario::Effect& effect, std::size_t team) const {
  if (!effect.kind.starts_with("service-")) return true;
  const scenario::Service* service = scenario::find(scenario_->services, effect.target);
  return service == nullptr || serves(*service, team);
}

}  // namespace bongsu::exercise::drill
