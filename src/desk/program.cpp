#include "desk/program.h"

#include <algorithm>

#include "exercise/scenario/vocabulary.h"

namespace bongsu::desk {

using namespace exercise::scenario;

namespace {

template <class T, class Make>
JsonArray list(const std::vector<T>& things, Make make) {
  JsonArray out;
  for (const T& thing : things) out.push_back(make(thing));
  return out;
}
JsonArray texts(const std::vector<std::string>& list) { return JsonArray(list.begin(), list.end()); }

JsonObject inject_json(const Scenario& s, const Inject& inject, const std::vector<Occurrence>& all) {
  JsonArray due, teams;
  for (const Occurrence& o : all)
    if (std::ranges::find(o.event->injects, inject.id) != o.event->injects.end())
      due.push_back((o.at + inject.when.delay).count());
  for (const Entity* team : blue_teams(s, inject)) teams.emplace_back(team->id);
  JsonObject out{{"id", inject.id},
                 {"name", inject.name},
                 {"description", inject.description},
                 {"from", inject.from_entity},
                 {"teams", std::move(teams)},
                 {"to", texts(inject.to_entities)},
                 {"due_ms", std::move(due)},
                 {"spread_ms", inject.when.spread.count()},
                 {"chance", inject.when.chance},
                 {"conditions", texts(inject.when.conditions)},
                 {"until_ms", inject.when.until ? Json(inject.when.until->count()) : Json(nullptr)},
                 {"manual", inject.when.manual},
                 {"ttp", texts(inject.ttp)}};
  out["deliver"] = list(inject.deliver, [](const Delivery& d) {
    JsonArray roles;
    for (const Role role : d.roles) roles.emplace_back(to_string(role));
    return JsonObject{{"channel", to_string(d.via)},
                      {"roles", std::move(roles)},
                      {"sender", d.sender},
                      {"subject", d.subject},
                      {"text", d.text}};
  });
  out["physics"] = list(inject.physics, [](const Effect& e) {
    return JsonObject{{"kind", e.kind},
                      {"target", e.target},
                      {"value", e.value ? Json(*e.value) : Json(nullptr)},
                      {"after_ms", e.after.count()},
                      {"lasts_ms", e.lasts ? Json(e.lasts->count()) : Json(nullptr)}};
  });
  out["indicators"] = list(inject.indicators, [](const Indicator& i) {
    return JsonObject{{"pattern", pattern_of(i)}, {"description", i.description}};
  });
  out["expectations"] = list(inject.expectations, [](const Expectation& e) {
    return JsonObject{{"id", e.id},
                      {"act", to_string(e.act)},
                      {"description", e.description},
                      {"teams", texts(e.teams)},
                      {"score", e.score},
                      {"starts_ms", e.starts.count()},
                      {"expires_ms", e.expires.count()},
                      {"seen", to_string(e.seen.as)},
                      {"of", e.seen.of}};
  });
  out["share"] = list(inject.share, [](const ShareExpectation& e) {
    return JsonObject{{"id", e.id},        {"what", to_string(e.what)}, {"description", e.description},
                      {"to", texts(e.to)}, {"label", e.label.text()},   {"by_ms", e.by.count()},
                      {"score", e.score}};
  });
  return out;
}

}  // namespace

JsonObject program_json(const Scenario& s) {
  const std::vector<Occurrence> all = occurrences(s);
  JsonObject out{{"scenario", s.name}, {"description", s.description}};
  out["injects"] = list(s.injects, [&](const Inject& inject) { return inject_json(s, inject, all); });
  out["conditions"] = list(s.conditions, [](const Condition& c) {
    return JsonObject{{"id", c.id}, {"name", c.name}, {"description", c.description}};
  });
  out["services"] = list(s.services, [](const Service& service) {
    return JsonObject{{"id", service.id}, {"name", service.name}, {"entity", service.entity}, {"score", service.score}};
  });
  JsonArray metrics;  // that exercise control judges
  for (const Metric& m : s.metrics)
    if (m.type == Metric::Type::kManual)
      metrics.push_back(
          JsonObject{{"id", m.id}, {"name", m.name}, {"description", m.description}, {"score", m.max_score}});
  out["metrics"] = std::move(metrics);
  JsonArray teams;
  for (const Entity& e : s.entities)
    if (e.role == Role::kBlue && e.id.find('.') == std::string::npos)
      teams.push_back(JsonObject{{"team", e.id}, {"name", e.name}, {"nation", e.nation}, {"mission", e.mission}});
  out["teams"] = std::move(teams);
  return out;
}

}  // namespace bongsu::desk
