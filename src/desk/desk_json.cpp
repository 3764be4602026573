#include "desk/desk_json.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"

#include "exercise/scenario/vocabulary.h"

namespace bongsu::desk {

using namespace exercise::drill;
namespace scenario = exercise::scenario;

std::string text_in(const JsonObject& data, std::string_view key) {
  const Json* value = data.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Json json_of(const Entry& entry) {
  return JsonObject{{"seq", entry.seq},
                    {"run", entry.run},
                    {"at_ms", entry.at_ms},
                    {"wall", entry.wall.text(6)},
                    {"kind", to_string(entry.kind)},
                    {"team", entry.team},
                    {"ref", entry.ref},
                    {"text", entry.text},
                    {"data", entry.data}};
}

Json json_for_team(const Entry& entry) {
  Json out = json_of(entry);
  if (entry.kind == Kind::kProbe) out.get_object()["data"].get_object().erase("injects");
  return out;
}

Json json_of(const Letter& letter, const std::string& banner) {
  const Delivery& d = letter.delivery;
  JsonObject out{{"id", d.id},     {"seq", letter.seq},  {"team", letter.team},
                 {"to", d.to},     {"inject", d.inject}, {"via", scenario::to_string(d.via)},
                 {"from", d.from}, {"sender", d.sender}, {"subject", d.subject},
                 {"text", d.text}, {"banner", banner},   {"at_ms", d.due_ms}};
  JsonArray roles;
  for (const scenario::Role role : d.roles) roles.emplace_back(scenario::to_string(role));
  out["roles"] = std::move(roles);
  if (letter.arrived_ms) out["arrived_ms"] = *letter.arrived_ms;
  if (letter.read_ms) out["read_ms"] = *letter.read_ms;
  if (!letter.by_way_of.empty()) out["note"] = letter.by_way_of;
  return out;
}

JsonObject clock_json(const Tabled& t) {
  return {{"state", to_string(t.drill.state())},
          {"now_ms", t.drill.now_ms()},
          {"time", (t.scenario.exercise.start + std::chrono::milliseconds(t.drill.now_ms())).text(3)},
          {"wall", t.drill.last_wall().text(3)},
          {"speed", t.drill.speed()},
          {"speed_least", t.scenario.exercise.speed.least},
          {"speed_most", t.scenario.exercise.speed.most},
          {"duration_ms", t.scenario.exercise.duration.count()},
          {"run", t.drill.run()},
          {"seq", t.log.size()},
          {"banner", t.drill.label_text()}};
}

JsonArray services_json(const Tabled& t, std::string_view team) {
  JsonArray out;
  for (const ServiceNow& now : t.drill.services(team)) {
    const scenario::Service* service = scenario::find(t.scenario.services, now.service);
    out.push_back(JsonObject{{"service", now.service},
                             {"name", service == nullptr ? "" : service->name},
                             {"probe", service == nullptr ? "" : service->probe},
                             {"target", service == nullptr ? "" : service->target},
                             {"up", now.up},
                             {"why", now.why},
                             {"since_ms", now.since_ms}});
  }
  return out;
}

namespace {

bool asks(const std::vector<std::string>& teams, std::string_view team) {
  return teams.empty() || std::ranges::find(teams, team) != teams.end();
}

// Something of the inject has arrived at the team: it may know of it.
bool has_reached(const Tabled& t, std::string_view team, std::string_view inject) {
  return std::ranges::any_of(t.letters, [&](const Letter& letter) {
    return letter.team == team && letter.arrived_ms && letter.delivery.inject == inject;
  });
}

}  // namespace

JsonArray forms_json(const Tabled& t, std::string_view team, bool found_alone) {
  const auto log = counting(t.log);
  std::set<std::string> reached;  // injects of which something has arrived
  for (const Letter& letter : t.letters)
    if (letter.team == team && letter.arrived_ms) reached.insert(letter.delivery.inject);
  std::vector<const Entry*> handed_in;
  for (const Entry* entry : log)
    if (entry->kind == Kind::kEvidence && entry->ref == to_string(As::kForm) && entry->team == team)
      handed_in.push_back(entry);
  std::set<std::uint64_t> asked;  // handed in
  JsonArray out;
  for (const Entry* fired : log) {
    if (fired->kind != Kind::kFired || fired->team != team) continue;
    const scenario::Inject* inject = scenario::find(t.scenario.injects, fired->ref);
    if (inject == nullptr || (found_alone && !reached.contains(inject->id))) continue;
    for (const scenario::Expectation& e : inject->expectations) {
      if (e.seen.as != scenario::Seen::kForm || !asks(e.teams, team)) continue;
      JsonObject form{{"form", e.seen.of},        {"inject", inject->id},
                      {"expectation", e.id},      {"description", e.description},
                      {"asked_ms", fired->at_ms}, {"due_ms", fired->at_ms + e.expires.count()},
                      {"handed_in", nullptr}};
      for (const Entry* entry : handed_in) {
        if (entry->at_ms < fired->at_ms) continue;
        const std::string about = text_in(entry->data, "inject");
        if (text_in(entry->data, "type") == e.seen.of && (about.empty() || about == inject->id)) {
          form["handed_in"] = entry->seq;
          asked.insert(entry->seq);
          break;
        }
      }
      out.push_back(std::move(form));
    }
  }
  for (const Entry* entry : handed_in)
    if (!asked.contains(entry->seq))
      out.push_back(JsonObject{{"form", text_in(entry->data, "type")},
                               {"inject", text_in(entry->data, "inject")},
                               {"description", ""},
                               {"asked_ms", entry->at_ms},
                               {"due_ms", nullptr},
                               {"handed_in", entry->seq}});
  return out;
}

JsonArray form_kinds_json(const Tabled& t, std::string_view team) {
  std::set<std::string> kinds;
  for (const scenario::Inject& inject : t.scenario.injects)
    for (const scenario::Expectation& e : inject.expectations)
      if (e.seen.as == scenario::Seen::kForm && asks(e.teams, team)) kinds.insert(e.seen.of);
  return JsonArray(kinds.begin(), kinds.end());
}

JsonArray orders_json(const Tabled& t, std::string_view team, std::uint64_t before) {
  JsonArray out;
  const auto log = counting(t.log);
  for (auto it = log.rbegin(); it != log.rend() && out.size() < kMaxOrdersShown; ++it) {
    const Entry& entry = **it;
    if (entry.kind == Kind::kOrder && entry.team == team && text_in(entry.data, "by") == "team" &&
        (before == 0 || entry.seq < before))
      out.push_back(json_of(entry));
  }
  std::ranges::reverse(out);
  return out;
}

namespace {
bool turns_the_clock(const Entry& entry) {
  return entry.kind == Kind::kControl && (entry.ref == "start" || entry.ref == "pause" || entry.ref == "resume" ||
                                          entry.ref == "speed" || entry.ref == "jump_back" || entry.ref == "end");
}
}  // namespace

bool seat_may_read(const Entry& entry, const Seat& seat) {
  if (entry.kind == Kind::kControl) return turns_the_clock(entry);
  if (entry.kind == Kind::kEvidence) return std::ranges::find(seat.entities, entry.team) != seat.entities.end();
  if (entry.kind != Kind::kDelivery) return false;
  std::vector<scenario::Role> roles;
  if (const Json* words = entry.data.if_contains("roles"); words != nullptr && words->is_array())
    for (const Json& word : words->get_array())
      if (word.is_string() && lowered(std::string_view(word.get_string())) == seat.name) roles.push_back(seat.role);
  return seat.reads(text_in(entry.data, "to"), roles);
}

bool team_may_read(const Tabled& t, const Entry& entry, std::string_view team) {
  if (entry.kind == Kind::kControl) return turns_the_clock(entry);
  // Media and others hear of an inject with its first team, in entries of that team.
  if (entry.kind == Kind::kDelivery && text_in(entry.data, "to") != team) return false;
  // A word on a form names the form alone, and a form's entry its team.
  if (entry.kind == Kind::kGrade || entry.kind == Kind::kRuling) {
    std::size_t form = 0;
    std::from_chars(entry.ref.data(), entry.ref.data() + entry.ref.size(), form);
    return form > 0 && form <= t.log.size() && t.log[form - 1].team == team;
  }
  if (entry.team != team) return false;
  switch (entry.kind) {
    case Kind::kDelivery:
    case Kind::kProbe:
    case Kind::kComplaint:
    case Kind::kAppeal:
      return true;
    case Kind::kEvidence: {
      // Exercise control judges injects that the team has yet to find.
      if (entry.ref != to_string(As::kJudged) || t.drill.state() == State::kEnded) return true;
      const std::string inject = text_in(entry.data, "inject");
      return inject.empty() || has_reached(t, team, inject);
    }
    case Kind::kOrder:  // red's are for the team to find out
      return text_in(entry.data, "by") == "team";
    default:
      return false;
  }
}

}  // namespace bongsu::desk
