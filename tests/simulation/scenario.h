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
  bool ledger = false;                                     // every node keeps one
  std::vector<std::pair<std::string, std::string>> pairs;  // (consumer, producer)
  std::vector<Event> events;                               // in order
};

struct ScenarioOptions {
  std::size_t least_members = 3, most_members = 7;
  unsigned events = 90;
  unsigned pairs_in_hundred = 70;  // of those that do not include the watched member
  bool ledger = false;             // in every seed, not in one of three
  bool chaos = false;              // cuts at any byte of any link, writes that fail: the two worlds are no matter then
  std::int64_t length_us = 150'000'000;
};

// Two worlds that differ only in what `watched` may not see: objects by label, by type, by collection; their relations,
// versions, deletions, erasures; alerts and sightings of others' indicators; other members, their agreements, stops,
// accounts; collections that it has no part in.
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

Outcome play(const Scenario& scenario, unsigned world, bool trace = false);

// The first place where two outcomes differ, for a person; empty: they do not.
std::string difference(const Outcome& a, const Outcome& b);

// Leaves out events while the two worlds still differ: what is left explains itself.
Scenario shrink(Scenario scenario);

}  // namespace bongsu::simulation
