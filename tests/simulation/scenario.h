// What happens in a seed: a list of events, most of them in both worlds, some in one only, where the member that is
// watched may not see them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "world.h"

namespace bongsu::simulation {

inline constexpr Instant kScenarioStart{1'767'225'600, 0};  // 2026-01-01T00:00:00Z
inline constexpr unsigned kPlain = 1, kSecret = 2, kBoth = 3;

struct Event {
  std::int64_t at_us = 0;
  std::string key;          // orders events of one instant, and keys the randomness of the step
  unsigned worlds = kBoth;  // in which it happens
  std::string what;
  std::function<void(World&)> run;
};

struct Scenario {
  std::uint64_t seed = 0;
  std::vector<std::string> members;
  std::vector<std::chrono::nanoseconds> skews;
  std::string watched;
  std::string person;                                      // of the watched member, who alone is watched; empty: all of it
  std::string away;                                        // from some time on it is out of reach; empty: nobody
  NodeOptions nodes;                                       // of every node
  std::vector<std::pair<std::string, std::string>> pairs;  // (consumer, producer)
  std::vector<Event> events;                               // in order
};

struct ScenarioOptions {
  std::size_t least_members = 3, most_members = 7;
  unsigned events = 90;
  unsigned pairs_in_hundred = 70;  // of those that do not include the watched member
  bool ledger = false;             // in every seed, not in one of three
  bool chaos = false;              // cuts at any byte of any link, writes that fail: the two worlds are no matter then
  bool person = false;             // one person of the watched member is watched, who may not see all that it may
  std::string kind{};              // of switches.h: this one alone, on or off
  bool recalls = false;            // with chaos: much is passed on and recalled, and what links brought comes again
  std::int64_t length_us = 150'000'000;
};

// Two worlds that differ only in what `watched` may not see: objects by label, by type, by collection; parts of
// objects; their relations, versions, deletions, erasures, recalls; alerts and sightings of others' indicators; other
// members, their agreements, stops, accounts; versions of the charter after it was taken out; collections that it has
// no part in. In one seed of three nodes keep ledgers, in one of four they follow a charter, in one of five they seal.
Scenario non_interference_scenario(std::uint64_t seed, const ScenarioOptions& options = {});

struct Outcome {
  std::vector<std::string> transcript;           // what the watched member received, seals numbered
  std::string dump;                              // its own journal at the end
  std::map<std::string, std::string> pair_logs;  // those of the watched member and a partner, written by either
  std::uint64_t entries = 0;                     // of all journals
  std::uint64_t bytes = 0;                       // that links delivered
};
// Plays all of it, then lets every node start, the network heal and the links run until they are quiet; says where a
// follower has other than what it may have now. Empty: nowhere.
std::string unsettled(const Scenario& scenario, unsigned world);

// What became of recalls: played with everything that happens in any world, settled with one member out of reach, with
// all that links ever brought come again, after crashes, and with everybody within reach.
struct Recalled {
  std::uint64_t objects = 0;    // that were recalled by who made them
  std::uint64_t confirmed = 0;  // by members that had them
  std::uint64_t again = 0;      // batches that came again
  std::uint64_t exposed = 0;    // copies that stood at who could not be reached, or behind it
  std::string problems;         // what survived, came back, is served, or is not listed as open
};
Recalled play_recalls(const Scenario& scenario);
Scenario recall_scenario(std::uint64_t seed);

Outcome play(const Scenario& scenario, unsigned world, bool trace = false);

// The first place where two outcomes differ, for a person; empty: they do not.
std::string difference(const Outcome& a, const Outcome& b);

// Leaves out events while the two worlds still differ: what is left explains itself.
Scenario shrink(Scenario scenario);

}  // namespace bongsu::simulation
