// What teams did, read off their nodes: alerts that were raised, objects that arrived at others, sightings, and what
// went where it must not. Each trace becomes one piece of drill evidence, once, also across restarts: what the log
// holds is known.
//
//   Watcher watcher(scenario, players);
//   for (const Entry& entry : log) watcher.know(entry);
//   Seen seen;
//   const Result<void> whole = watcher.look(player, node, seen);   // now and then, for each player's node
//   for (const Evidence& e : seen.evidence) drill.take(e, now);    // also when the look broke off
//
// The evidence's object is the node's own id of it; fields say the version and where it was found. What was shared is
// read at the recipient: what lies in its mirror has arrived. What a node withheld leaves no trace there.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "desk/member_node.h"
#include "desk/players.h"
#include "exercise/drill/deeds.h"
#include "exercise/drill/input.h"

namespace bongsu::desk {

inline constexpr std::uint32_t kAlertsAPage = 1000;
inline constexpr std::size_t kMaxAlertsALook = 100'000;
inline constexpr std::size_t kMaxKnownTraces = 5'000'000;

struct Seen {
  std::vector<exercise::drill::Evidence> evidence;
  std::vector<std::string> troubles;  // sentences: what may have been missed
};

class Watcher {
 public:
  // Both outlive it.
  Watcher(const exercise::scenario::Scenario& scenario, const Players& players);

  void know(const exercise::drill::Entry& entry);  // every entry of the log, as it comes
  // Adds what is new on this node; each trace is told once. An error: the node could not be asked further. What was
  // added until then stands, and the next look finds the rest.
  Result<void> look(const Player& player, MemberNode& node, Seen& seen);

 private:
  using Evidence = exercise::drill::Evidence;
  Result<void> alerts(const Player& player, MemberNode& node, Seen& seen);
  Result<void> collection(const Player& player, const NodeCollection& collection, MemberNode& node, Seen& seen);
  Result<void> own_object(const Player& player, const NodeCollection& where, const NodeObject& object, MemberNode& node,
                          Seen& seen);
  Result<void> arrived(const Player& from, const Player& at, const NodeCollection& where, const NodeObject& object,
                       MemberNode& node, Seen& seen);
  // Puts the label that the object bears by its own markings, empty where it bears no TLP of its own. False: the object
  // is gone, which is said.
  static Result<bool> labelled(Evidence& evidence, const NodeObject& object, const NodeCollection& where,
                               MemberNode& node, Seen& seen);
  bool is_known(const Evidence& evidence) const { return known_.contains(key_of(evidence)); }
  std::vector<std::string> patterns_of(const NodeObject& object) const;
  bool about_the_drill(const NodeObject& object) const;
  static std::string key_of(const Evidence& evidence);
  void add(Evidence evidence, Seen& seen);

  const exercise::scenario::Scenario& scenario_;
  const Players& players_;
  std::set<std::string> truth_;                            // comparisons of every inject's indicators
  std::set<std::string> known_;                            // keys of evidence
  std::unordered_map<std::string, std::string> patterns_;  // of indicators, by id
  std::unordered_map<std::string, std::string> owner_;  // the member in whose own collection an indicator is, by its id
  std::map<std::pair<std::string, std::string>, std::uint64_t> read_;  // by member and collection: up to where
};

}  // namespace bongsu::desk
