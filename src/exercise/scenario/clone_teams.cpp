#include "exercise/scenario/clone_teams.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bongsu::exercise::scenario {
namespace {

// Those with role Blue that are within no other.
std::vector<std::string> blue_teams(const Scenario& scenario) {
  std::vector<std::string> out;
  for (const Entity& e : scenario.entities)
    if (e.role == Role::kBlue &&
        std::ranges::none_of(out, [&](const std::string& team) { return e.id.starts_with(team + "."); }))
      out.push_back(e.id);
  return out;
}

class Cloner {
 public:
  Cloner(const Scenario& scenario, std::string team, std::size_t count)
      : in_(scenario), out_(scenario), team_(std::move(team)), count_(count) {}

  Result<Scenario> clone() {
    BONGSU_TRY_VOID(can_be());
    out_.entities = entities();
    std::vector<Service> services;
    for (const Service& service : in_.services)
      each(services, service, is_its(service.entity), [&](Service& copy, std::size_t n) {
        copy.id = of_clone(copy.id, n);
        copy.entity = renamed(copy.entity, n);
        for (std::string& on : copy.depends_on)
          if (services_.contains(on)) on = of_clone(on, n);
      });
    out_.services = std::move(services);
    for (Inject& inject : out_.injects) {
      names(inject.to_entities);
      std::vector<Effect> physics;
      for (const Effect& effect : inject.physics)
        each(physics, effect, services_.contains(effect.target),
             [&](Effect& copy, std::size_t n) { copy.target = of_clone(copy.target, n); });
      inject.physics = std::move(physics);
      std::vector<Telemetry> telemetry;
      for (const Telemetry& records : inject.telemetry)
        each(telemetry, records, is_its(records.team),
             [&](Telemetry& copy, std::size_t n) { copy.team = renamed(copy.team, n); });
      inject.telemetry = std::move(telemetry);
      for (Expectation& asked : inject.expectations) names(asked.teams);
      for (ShareExpectation& asked : inject.share) names(asked.from);
    }
    return std::move(out_);
  }

 private:
  std::unexpected<Error> refuse(std::string field, std::string_view why) const {
    return fail(ErrorCode::kInvalid, fmt::format("{}: {} can't be cloned", why, team_), {.field = std::move(field)});
  }

  Result<void> can_be() {
    for (const Service& service : in_.services)
      if (is_its(service.entity)) services_.insert(service.id);
    for (const Condition& condition : in_.conditions) {
      const std::string at = "conditions." + condition.id;
      if (condition.act && is_its(condition.act->team)) return refuse(at + ".act", "it is about one team's deed");
      if (condition.service && services_.contains(condition.service->of))
        return refuse(at + ".service", "it is about one team's service");
    }
    for (const Service& service : in_.services)
      if (!services_.contains(service.id))
        for (const std::string& on : service.depends_on)
          if (services_.contains(on))
            return refuse("services." + service.id + ".depends-on", "everybody's service hangs on one team's");
    for (const Inject& inject : in_.injects) {
      if (is_its(inject.from_entity)) return refuse("injects." + inject.id + ".from-entity", "it comes from the team");
      for (const ShareExpectation& asked : inject.share)
        if (std::ranges::any_of(asked.to, [&](const std::string& to) { return is_its(to); }))
          return refuse("injects." + inject.id + ".share." + asked.id, "it is to be shared with the team");
      for (const Expectation& asked : inject.expectations)
        if (asked.seen.as == Seen::kOrder && services_.contains(asked.seen.target))
          return refuse("injects." + inject.id + ".expectations." + asked.id, "it is an order to one team's service");
    }
    return {};
  }

  std::vector<Entity> entities() const {
    std::vector<Entity> out;
    for (const Entity& entity : in_.entities)
      if (!is_its(entity.id)) out.push_back(entity);
    for (std::size_t n = 1; n <= count_; ++n)
      for (const Entity& entity : in_.entities) {
        if (!is_its(entity.id)) continue;
        Entity copy = entity;
        copy.id = renamed(entity.id, n);
        if (entity.id == team_) {
          if (!copy.member.empty()) copy.member = of_clone(copy.member, n);
          if (!copy.name.empty()) copy.name += fmt::format(" {}", n);
        }
        out.push_back(std::move(copy));
      }
    return out;
  }

  bool is_its(const std::string& entity) const { return entity == team_ || entity.starts_with(team_ + "."); }
  static std::string of_clone(const std::string& id, std::size_t n) { return fmt::format("{}-{}", id, n); }
  std::string renamed(const std::string& entity, std::size_t n) const {
    return is_its(entity) ? of_clone(team_, n) + entity.substr(team_.size()) : entity;
  }
  void names(std::vector<std::string>& list) const {
    std::vector<std::string> out;
    for (const std::string& name : list)
      each(out, name, is_its(name), [&](std::string& copy, std::size_t n) { copy = renamed(copy, n); });
    list = std::move(out);
  }
  template <class T, class F>
  void each(std::vector<T>& out, const T& thing, bool its, const F& change) const {
    if (!its) return out.push_back(thing);
    for (std::size_t n = 1; n <= count_; ++n) {
      out.push_back(thing);
      change(out.back(), n);
    }
  }

  const Scenario& in_;
  Scenario out_;
  const std::string team_;
  const std::size_t count_;
  std::set<std::string> services_;  // the team's
};

}  // namespace

Result<Scenario> clone_teams(const Scenario& scenario, std::size_t count) {
  const std::vector<std::string> teams = blue_teams(scenario);
  if (teams.size() == count) return scenario;
  if (teams.size() != 1)
    return fail(ErrorCode::kInvalid,
                fmt::format("the scenario has {} teams with parts of their own ({}): it is played by {}, and only one "
                            "team's scenario can be cloned",
                            teams.size(), fmt::join(teams, ", "), teams.size()),
                {.field = "teams"});
  if (count == 0 || count > kMaxClones)
    return fail(ErrorCode::kInvalid, fmt::format("1 to {} teams play", kMaxClones), {.field = "teams"});
  return Cloner(scenario, teams.front(), count).clone();
}

}  // namespace bongsu::exercise::scenario
