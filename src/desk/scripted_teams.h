// Teams without people on real nodes: the players of exercise/drill/baseline.h decide, and what they decide is done for
// real: indicators are put into the team's node, forms, orders and replies go through the desk's API with the team's
// own token. Nothing is told to the drill here: what they did comes back as traces (watcher.h).
//
//   ScriptedTeams teams(scenario, players, {{"lt-blue", *policy("good")}}, seed, hands);
//   for (const Entry& entry : log) teams.see(entry);
//   teams.act(now_ms, nodes);
//
// What a team's analysts find in its telemetry becomes an indicator on its own node, released to nobody; the node then
// matches it against the telemetry, and raises the alert. What is shared is an object of its own. Each deed is known by
// its id, also across restarts: it is done again where nobody knows whether it was, and is then there once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "desk/member_node.h"
#include "desk/objects.h"
#include "desk/players.h"
#include "exercise/drill/baseline.h"

namespace bongsu::desk {

inline constexpr std::size_t kMaxWaitingDeeds = 100'000;

struct ScriptHands {
  std::function<MemberNode*(const std::string& member)> node;  // nullptr: it is not there now
  // POST to the desk's API as the team: "form", "order", "read", "reply", "playbook".
  std::function<Result<void>(const std::string& team, const std::string& what, const JsonObject& body)> post;
  std::function<void(const std::string& sentence)> say;
};

class ScriptedTeams {
 public:
  // Scenario and players outlive it. kNotFound: a team that there is not.
  static Result<std::unique_ptr<ScriptedTeams>> make(const exercise::scenario::Scenario& scenario,
                                                     const Players& players,
                                                     const std::map<std::string, exercise::drill::Policy>& policies,
                                                     std::uint64_t seed, ScriptHands hands);
  void see(const exercise::drill::Entry& entry);  // every entry of the log, as it comes
  void act(std::int64_t now_ms);                  // what can't be done now is tried again with the next call

 private:
  using Evidence = exercise::drill::Evidence;
  struct Team {
    const Player* player = nullptr;
    std::unique_ptr<exercise::drill::Player> decides;
    std::unique_ptr<exercise::drill::Watch> finds;
    std::vector<Evidence> waiting;
    std::set<std::string> done;                  // deeds that the log tells of, or that this process did
    std::map<std::string, std::string> letters;  // inject → the latest delivery about it
    std::map<std::string, std::size_t> same;     // how many deeds of a kind it decided
  };
  ScriptedTeams(const exercise::scenario::Scenario& scenario, const Players& players, ScriptHands hands);
  Result<void> perform(Team& team, const Evidence& deed);
  Result<void> put(Team& team, JsonArray objects);
  // The deed as the API takes it; empty: it is none of the API's.
  static std::pair<std::string, JsonObject> request_of(Team& team, const Evidence& deed);

  const exercise::scenario::Scenario& scenario_;
  const Players& players_;
  const ScriptHands hands_;
  const exercise::drill::Roster roster_;
  const ObjectMaker maker_;
  std::vector<Team> teams_;
};

}  // namespace bongsu::desk
