#include "desk/team_tasks.h"

#include <algorithm>
#include <set>
#include <vector>

namespace bongsu::desk {

using namespace exercise;

namespace {

bool asks(const scenario::Expectation& e, std::string_view team) {
  return e.seen.as == scenario::Seen::kPlaybook &&
         (e.teams.empty() || std::ranges::find(e.teams, team) != e.teams.end());
}

// Whether the inject goes to the team, or to an entity within it.
bool goes_to(const scenario::Scenario& s, const scenario::Inject& inject, std::string_view team) {
  return std::ranges::any_of(scenario::blue_teams(s, inject),
                             [&](const scenario::Entity* entity) { return entity->id == team; });
}

}  // namespace

JsonArray playbooks_json(const Tabled& t, std::string_view team, bool found_alone) {
  std::set<std::string> fired;
  for (const drill::Entry* entry : drill::counting(t.log))
    if (entry->kind == drill::Kind::kFired && entry->team == team) fired.insert(entry->ref);
  struct Playbook {
    std::string name;
    JsonArray steps, injects;
  };
  std::vector<Playbook> all;
  for (const scenario::Inject& inject : t.scenario.injects) {
    if (!goes_to(t.scenario, inject, team)) continue;
    for (const scenario::Expectation& e : inject.expectations) {
      if (!asks(e, team)) continue;
      auto book = std::ranges::find(all, inject.response, &Playbook::name);
      if (book == all.end()) book = all.insert(all.end(), {.name = inject.response, .steps = {}, .injects = {}});
      if (std::ranges::find(book->steps, Json(e.seen.of)) == book->steps.end()) book->steps.emplace_back(e.seen.of);
      if (!fired.contains(inject.id)) continue;
      const auto letter = std::ranges::find_if(
          t.letters, [&](const Letter& l) { return l.team == team && l.delivery.inject == inject.id && l.arrived_ms; });
      if (letter == t.letters.end() && found_alone) continue;
      const JsonObject known{{"inject", inject.id},
                             {"subject", letter == t.letters.end() ? inject.name : letter->delivery.subject}};
      if (std::ranges::find(book->injects, Json(known)) == book->injects.end()) book->injects.emplace_back(known);
    }
  }
  JsonArray out;
  for (Playbook& book : all)
    out.push_back(
        JsonObject{{"playbook", book.name}, {"steps", std::move(book.steps)}, {"injects", std::move(book.injects)}});
  return out;
}

Json console_json(const Json& nodes, std::string_view member) {
  if (!nodes.is_array()) return nullptr;
  for (const Json& node : nodes.get_array()) {
    if (string_at(node, "member") != member) continue;
    JsonObject out;
    for (const char* key : {"member", "console", "token_file", "running"})
      if (const Json* value = find(node, key)) out[key] = *value;
    return out;
  }
  return nullptr;
}

}  // namespace bongsu::desk
