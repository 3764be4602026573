#include "desk/scripted_teams.h"

#include <fmt/format.h>

#include <algorithm>

#include "desk/desk_json.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::desk {

using namespace exercise::drill;

namespace {

constexpr std::string_view kFound = "alert--found-";  // what a Watch calls what nobody told it of (baseline.cpp)

// A deed that the API took stands in the log as this.
std::string key_of(const Evidence& e) {
  switch (e.as) {
    case As::kAcknowledged:
    case As::kReply:
    case As::kForm:
      return fmt::format("{} {}", to_string(e.as), e.object);
    case As::kPlaybook:
      return fmt::format("playbook {} {} {}", e.object, e.type, e.inject);
    case As::kOrder:
      return "order " + text_in(e.fields, "id");
    default:
      return {};
  }
}

}  // namespace

ScriptedTeams::ScriptedTeams(const exercise::scenario::Scenario& scenario, const Players& players, ScriptHands hands)
    : scenario_(scenario),
      players_(players),
      hands_(std::move(hands)),
      roster_(scenario),
      maker_(scenario.exercise.start, players.exercise()) {}

Result<std::unique_ptr<ScriptedTeams>> ScriptedTeams::make(const exercise::scenario::Scenario& scenario,
                                                           const Players& players,
                                                           const std::map<std::string, Policy>& policies,
                                                           std::uint64_t seed, ScriptHands hands) {
  std::unique_ptr<ScriptedTeams> out(new ScriptedTeams(scenario, players, std::move(hands)));
  for (const auto& [name, policy] : policies) {
    const auto number = out->roster_.team_of(name);
    const desk::Player* player = players.by_entity(name);
    if (!number || player == nullptr || player->white || player->entity != name)
      return fail(ErrorCode::kNotFound, fmt::format("there is no team \"{}\"", name), {.field = "script"});
    Team team;
    team.player = player;
    team.decides = std::make_unique<exercise::drill::Player>(out->roster_, *number, policy, seed);
    team.finds = std::make_unique<Watch>(out->roster_, *number, policy, seed);
    out->teams_.push_back(std::move(team));
  }
  return out;
}

void ScriptedTeams::see(const Entry& entry) {
  const auto evidence = entry.kind == Kind::kEvidence ? evidence_of(entry) : Result<Evidence>(std::unexpected(Error{}));
  for (Team& team : teams_) {
    if (entry.kind == Kind::kDelivery && entry.team == team.player->entity)
      team.letters[text_in(entry.data, "inject")] = entry.ref;
    team.finds->see(entry);
    if (!evidence || evidence->as != As::kAlert ||
        roster_.team_of(entry.team) != roster_.team_of(team.player->entity)) {
      team.decides->see(entry);
    } else {
      // Analysts know what an alert of their node belongs to.
      bool told = false;
      for (const auto& inject : scenario_.injects) {
        std::set<std::string> truth;
        for (const std::string& pattern : evidence->patterns)
          for (std::string& value : values_of(pattern)) truth.insert(std::move(value));
        const bool its = std::ranges::any_of(inject.indicators, [&](const auto& indicator) {
          return std::ranges::any_of(values_of(exercise::scenario::pattern_of(indicator)),
                                     [&](const std::string& value) { return truth.contains(value); });
        });
        if (!its) continue;
        Entry known = entry;
        known.data["inject"] = inject.id;
        team.decides->see(known);
        told = true;
      }
      if (!told) team.decides->see(entry);
    }
    if (evidence && entry.team == team.player->entity)
      if (const std::string key = key_of(*evidence); !key.empty()) team.done.insert(key);
    if (evidence && evidence->as == As::kAcknowledged) team.done.insert(key_of(*evidence));
  }
}

std::pair<std::string, JsonObject> ScriptedTeams::request_of(Team& team, const Evidence& deed) {
  JsonObject body{{"by", deed.by}};
  if (!deed.inject.empty()) body["inject"] = deed.inject;
  switch (deed.as) {
    case As::kAcknowledged:
      body["delivery"] = deed.object;
      return {"read", std::move(body)};
    case As::kReply:
      body["delivery"] = deed.object;
      body["text"] = deed.text.empty() ? "Understood. We look into it." : deed.text;
      return {"reply", std::move(body)};
    case As::kForm:
      body["form"] = deed.type;
      body["id"] = deed.object;
      body["fields"] = deed.fields;
      return {"form", std::move(body)};
    case As::kPlaybook:
      body["playbook"] = deed.object;
      body["step"] = deed.type;
      return {"playbook", std::move(body)};
    case As::kOrder: {
      body["kind"] = deed.type;
      body["target"] = deed.target;
      if (deed.value) body["value"] = *deed.value;
      if (deed.object == "crew") body["crew"] = true;
      const std::string name = fmt::format("{} {}", deed.type, deed.target);
      body["id"] = fmt::format("{} {}", name, ++team.same[name]);
      return {"order", std::move(body)};
    }
    default:
      return {};
  }
}

Result<void> ScriptedTeams::put(Team& team, JsonArray objects) {
  MemberNode* node = hands_.node(team.player->member);
  if (node == nullptr) return fail(ErrorCode::kUnavailable, "the node is not there now");
  BONGSU_TRY(const Published done, node->publish(std::string(kDrillCollection), objects));
  for (const std::string& problem : done.problems)
    hands_.say(fmt::format("{}'s node refused {}", team.player->entity, problem));
  return {};
}

Result<void> ScriptedTeams::perform(Team& team, const Evidence& deed) {
  const std::string& self = team.player->member;
  if (deed.as == As::kAlert) {
    if (!deed.object.starts_with(kFound)) return {};  // the node sees what it was told of by itself
    for (const std::string& pattern : deed.patterns)
      BONGSU_TRY_VOID(put(team, maker_.indicator(fmt::format("{} found {}", self, pattern), pattern,
                                                 scenario_.exercise.label, {self})));
    return {};
  }
  if (deed.as == As::kSighting || deed.type == "sighting") return {};  // nodes tell them by themselves
  if (deed.as == As::kShared || deed.as == As::kObject) {
    BONGSU_TRY(const policy::Label label,
               policy::Label::parse(deed.label.empty() ? scenario_.exercise.label.text() : deed.label));
    std::set<std::string> members;
    std::size_t others = 0;
    for (const desk::Player& p : players_.all()) others += !p.white && p.member != self ? 1 : 0;
    for (const std::string& to : deed.to)
      if (const desk::Player* p = players_.by_entity(to)) members.insert(p->member);
    if (members.size() == others) members.clear();  // to everybody: without names
    const std::string name = fmt::format("{} {}", self, deed.object);
    std::vector<std::string> about;
    if (deed.type == "indicator" || !deed.patterns.empty()) {
      for (std::size_t i = 0; i < deed.patterns.size(); ++i) {
        const std::string one = fmt::format("{} {}", name, i);
        BONGSU_TRY_VOID(put(team, maker_.indicator(one, deed.patterns[i], label, members)));
        about.push_back(maker_.id("indicator", one));
      }
      if (deed.type == "indicator") return {};
    }
    const bool warning = deed.type == "warning";
    const std::string type = warning ? "report" : deed.type == "playbook" ? "course-of-action" : deed.type;
    if (about.empty()) about.push_back(maker_.id("identity", self));
    const exercise::scenario::Inject* inject = exercise::scenario::find(scenario_.injects, deed.inject);
    const std::string title = inject == nullptr || inject->name.empty() ? deed.type : inject->name;
    return put(team, maker_.text(type, name, title, "EXERCISE. " + title, about, label, members, 0,
                                 warning ? std::vector<std::string>{"warning"} : std::vector<std::string>{}));
  }
  Evidence as_logged = deed;
  // A player may decide on an answer before what it answers came.
  if (const auto letter = team.letters.find(deed.inject);
      deed.as == As::kReply && letter != team.letters.end() && deed.object.find('/') == std::string::npos)
    as_logged.object = letter->second;
  auto [what, body] = request_of(team, as_logged);
  if (what.empty()) return {};
  if (deed.as == As::kOrder) as_logged.fields["id"] = body.at("id");
  const std::string key = key_of(as_logged);
  if (team.done.contains(key)) return {};
  auto posted = hands_.post(team.player->entity, what, body);
  if (!posted && deed.as == As::kOrder) --team.same[fmt::format("{} {}", deed.type, deed.target)];
  if (!posted) return std::unexpected(posted.error());
  team.done.insert(key);
  return {};
}

void ScriptedTeams::act(std::int64_t now_ms) {
  for (Team& team : teams_) {
    for (auto& deeds : {team.finds->due(now_ms), team.decides->due(now_ms)})
      for (const Evidence& deed : deeds)
        if (team.waiting.size() < kMaxWaitingDeeds) team.waiting.push_back(deed);
    std::vector<Evidence> again;
    for (Evidence& deed : team.waiting) {
      const auto done = perform(team, deed);
      if (done) continue;
      if (done.error().code == ErrorCode::kUnavailable || done.error().code == ErrorCode::kTimeout)
        again.push_back(std::move(deed));
      else
        hands_.say(
            fmt::format("{} could not do its {}: {}", team.player->entity, to_string(deed.as), done.error().text()));
    }
    team.waiting = std::move(again);
  }
}

}  // namespace bongsu::desk
