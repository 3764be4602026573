// Teams without people: scripts for tests and table-tops, and an automatic blue team as the measure of real ones.
//
//   Player player(roster, team, *policy("good"), seed);
//   for (const Entry& entry : step.entries) player.see(entry);
//   for (Evidence& deed : player.due(drill.now_ms())) …      // table-top: drill.take(deed); on real nodes: do it
//   there,
//                                                            // and let its trace come back as evidence
//
// A policy is data: how likely and how late a team does what. One with `sheet` plays by the scenario's expectations, as
// a script of what good, slow or leaky people would do. One without sees what a team sees (deliveries to it, alerts of
// its node, objects that reached it, orders and probes on its range) and nothing else: the baseline.
//
// Watch stands in for a node's sensor in a table-top: it raises alerts about telemetry, soon where the values had
// reached the team before, else by its policy's luck and diligence.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/drill/deeds.h"
#include "exercise/drill/input.h"

namespace bongsu::exercise::drill {

struct Policy {
  enum class Audience : std::uint8_t { kAsked, kEverybody };
  enum class Marking : std::uint8_t { kAsked, kExercise, kClear };
  std::string name, about;
  bool sheet = false;
  double does = 1;       // of what it should, each thing by chance
  double finds = 0.5;    // of attacks that nobody told it of, by its own analysis
  double quality = 0.5;  // of its forms, for graders of a table-top
  std::int64_t acknowledge_ms = 60'000, find_ms = 600'000, share_ms = 300'000, report_ms = 900'000, order_ms = 600'000;
  double spread = 0.5;  // each delay is up to this part longer
  Audience audience = Audience::kAsked;
  Marking marking = Marking::kAsked;
  bool operator==(const Policy&) const = default;
};
// good, slow, leaky, silent, baseline.
std::span<const Policy> policies();
// kNotFound names those there are.
Result<Policy> policy(std::string_view name);
// {"name": "night-shift", "like": "slow", "finds": 0.2, "find_ms": 3600000, …}: what it doesn't say is as in the policy
// that it is like ("good" if it does not say). kInvalid names the field.
Result<Policy> read_policy(std::string_view json, const std::string& source);

class Player {
 public:
  Player(const Roster& roster, std::size_t team, Policy policy, std::uint64_t seed);

  const Policy& policy() const { return policy_; }
  // Every entry may be shown; what the team would not see is passed over.
  void see(const Entry& entry);
  std::optional<std::int64_t> next_ms() const;
  // What it does until then, in order of time.
  std::vector<Evidence> due(std::int64_t now_ms);

 private:
  void plan(std::int64_t at_ms, std::int64_t delay_ms, std::string_view what, Evidence evidence);
  double drawn(std::string_view what) const;
  bool does(std::string_view what) const { return drawn(what) < policy_.does; }
  void fired(const Entry& entry);
  void expectation(const Entry& entry, const scenario::Inject& inject, const scenario::Expectation& asked,
                   const std::string& what);
  void alert(const Entry& entry, const Evidence& e);
  void share(std::int64_t at_ms, const std::string& what, const std::vector<std::string>& patterns,
             const std::vector<std::string>& asked_to, const policy::Label* asked);
  void undo(std::int64_t at_ms, const scenario::Inject& inject, const std::string& what);
  std::vector<std::string> others() const;

  const Roster* roster_;
  std::size_t team_;
  Policy policy_;
  std::uint64_t seed_;
  std::uint64_t number_ = 0;  // of objects that it made
  std::multimap<std::int64_t, Evidence> planned_;
  std::map<std::string, std::string> told_by_;     // value → team that shared it
  std::map<std::string, std::string> deliveries_;  // inject → latest delivery's id
  std::set<std::string> shared_;                   // values it has shared, injects it has shared about
  std::optional<std::int64_t> reported_ms_;
};

class Watch {
 public:
  Watch(const Roster& roster, std::size_t team, Policy policy, std::uint64_t seed);
  void see(const Entry& entry);
  std::optional<std::int64_t> next_ms() const;
  std::vector<Evidence> due(std::int64_t now_ms);

 private:
  const Roster* roster_;
  std::size_t team_;
  Policy policy_;
  std::uint64_t seed_;
  std::set<std::string> known_, raised_;
  std::multimap<std::int64_t, Evidence> planned_;
};

}  // namespace bongsu::exercise::drill
