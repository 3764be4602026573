// Many nodes in one process, under seeds.
//
//   simulation_test                         the short form
//   simulation_test --seed 17               that seed, with its trace in both worlds, shrunk if they differ
//   simulation_test --chaos 17, --recall 17 those of the tests of these names
//   BONGSU_LONG=1 simulation_test           10,000 seeds, and a run of 70 nodes
//   BONGSU_SEEDS=201-400 simulation_test    these seeds
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include "scenario.h"
#include "seeds.h"
#include "switches.h"

namespace bongsu::simulation {
namespace {

// BONGSU_KIND: of switches.h, alone beside what every seed has.
ScenarioOptions of_kind() {
  const char* kind = std::getenv("BONGSU_KIND");
  return {.kind = kind != nullptr ? kind : ""};
}

std::string repeat(std::uint64_t seed) {
  const std::string kind = of_kind().kind;
  return "simulation_test " + (kind.empty() ? "" : "--kind " + kind + ' ') + "--seed " + std::to_string(seed);
}

TEST(NonInterference, WatchedMembersReceiveTheSameBytesWhateverIsHiddenFromThem) {
  const auto [from, to] = seeds_of(200);
  const std::uint64_t seeds = to + 1 - from;
  std::uint64_t entries = 0, bytes = 0, worlds_apart = 0;
  unsigned failures = 0;
  for (std::uint64_t seed = from; seed <= to && failures < 3; ++seed) {
    const Scenario scenario = non_interference_scenario(seed, of_kind());
    const Outcome plain = play(scenario, kPlain), secret = play(scenario, kSecret);
    const std::string apart = difference(plain, secret);
    if (!apart.empty()) {
      ++failures;
      ADD_FAILURE() << repeat(seed) << "\n" << scenario.watched << " can tell the worlds apart: " << apart;
    }
    entries += plain.entries + secret.entries;
    bytes += plain.bytes + secret.bytes;
    worlds_apart += plain.entries != secret.entries;
  }
  EXPECT_GT(worlds_apart, seeds / 2) << "the worlds do differ";
  std::printf("%llu seeds: %llu journal entries, %llu bytes over links\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(entries), static_cast<unsigned long long>(bytes));
}

TEST(NonInterference, APersonReceivesTheSameBytesWhateverOthersOfItsMemberMaySee) {
  const auto [from, to] = seeds_of(30);
  unsigned failures = 0;
  for (std::uint64_t seed = from; seed <= to && failures < 3; ++seed) {
    ScenarioOptions options = of_kind();
    options.person = true;
    const Scenario scenario = non_interference_scenario(seed, options);
    const std::string apart = difference(play(scenario, kPlain), play(scenario, kSecret));
    if (apart.empty()) continue;
    ++failures;
    ADD_FAILURE() << repeat(seed) << " --person\n" << scenario.person << " can tell the worlds apart: " << apart;
  }
}

// A node that shows in the open what is hidden by a kind: each kind makes worlds that do differ.
TEST(NonInterference, WhatANodeForgetsToHideIsFound) {
  for (const Kind& kind : kKinds) {
    // These show nothing by themselves: what the product says of them is found or not (switches.h).
    if (kind.name == "pairing" || kind.name == "names-beside") continue;
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 16 && !found; ++seed) {
      Scenario scenario = non_interference_scenario(seed, {.events = 40,
                                                           .person = kind.name == "for-another-person",
                                                           .kind = std::string(kind.name),
                                                           .length_us = 60'000'000});
      scenario.nodes.forgets = kind.name;
      found = !difference(play(scenario, kPlain), play(scenario, kSecret)).empty();
    }
    EXPECT_TRUE(found) << kind.name;
  }
}

TEST(NonInterference, HoldsAmongSeventyNodes) {
  if (!long_form()) GTEST_SKIP() << "in the long form: BONGSU_LONG=1";
  const Scenario scenario = non_interference_scenario(
      70, {.least_members = 70, .most_members = 70, .events = 300, .pairs_in_hundred = 4, .length_us = 60'000'000});
  EXPECT_EQ(difference(play(scenario, kPlain), play(scenario, kSecret)), "");
}

TEST(Convergence, FollowersHaveWhatTheyMayHaveOnceTheNetworkIsQuiet) {
  const auto [from, to] = seeds_of(60);
  unsigned failures = 0;
  for (std::uint64_t seed = from; seed <= to && failures < 3; ++seed) {
    const std::string apart = unsettled(non_interference_scenario(seed, {.chaos = true}), kSecret);
    if (apart.empty()) continue;
    ++failures;
    ADD_FAILURE() << "simulation_test --chaos " << seed << "\n" << apart;
  }
}

TEST(Simulation, NoRecalledObjectSurvivesOrReturns) {
  const auto [from, to] = seeds_of(40);
  std::uint64_t objects = 0, confirmed = 0, again = 0, exposed = 0;
  unsigned failures = 0;
  for (std::uint64_t seed = from; seed <= to && failures < 3; ++seed) {
    const Recalled recalled = play_recalls(recall_scenario(seed));
    if (!recalled.problems.empty()) {
      ++failures;
      ADD_FAILURE() << "simulation_test --recall " << seed << "\n" << recalled.problems;
    }
    objects += recalled.objects;
    confirmed += recalled.confirmed;
    again += recalled.again;
    exposed += recalled.exposed;
  }
  EXPECT_GT(objects, 0U);
  EXPECT_GT(confirmed, objects / 2);
  EXPECT_GT(again, objects);
  if (to - from > 10) EXPECT_GT(exposed, 0U) << "somebody out of reach still has something";
  std::printf(
      "%llu objects recalled, %llu confirmations, %llu batches came again, %llu copies out of reach and listed as "
      "open\n",
      static_cast<unsigned long long>(objects), static_cast<unsigned long long>(confirmed),
      static_cast<unsigned long long>(again), static_cast<unsigned long long>(exposed));
}

TEST(Simulation, WhatANodeForgetsToRefuseIsFound) {
  unsigned found = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Scenario scenario = recall_scenario(seed);
    scenario.nodes.forgets_recalls = true;
    found += play_recalls(scenario).problems.empty() ? 0 : 1;
  }
  EXPECT_GT(found, 0U);
}

TEST(Replay, ASeedIsTheSameEachTime) {
  for (const std::uint64_t seed : {3ULL, 14ULL}) {
    const Scenario scenario = non_interference_scenario(seed);
    const Outcome once = play(scenario, kSecret), twice = play(non_interference_scenario(seed), kSecret);
    EXPECT_EQ(difference(once, twice), "") << repeat(seed);
    EXPECT_EQ(once.entries, twice.entries);
  }
}

}  // namespace

int replay(std::uint64_t seed, const std::string& kind, bool person) {
  const Scenario scenario = non_interference_scenario(seed, {.person = person, .kind = kind});
  std::string apart = difference(play(scenario, kPlain), play(scenario, kSecret));
  if (apart.empty()) {
    std::printf("── seed %llu, watched: %s\n", static_cast<unsigned long long>(seed), scenario.watched.c_str());
    (void)play(scenario, kSecret, true);
    std::printf("both worlds look the same to %s\n", scenario.watched.c_str());
    return 0;
  }
  const Scenario less = shrink(scenario);
  for (const unsigned world : {kPlain, kSecret}) {
    std::printf("── seed %llu, shrunk from %zu events to %zu, the %s world, watched: %s\n",
                static_cast<unsigned long long>(seed), scenario.events.size(), less.events.size(),
                world == kPlain ? "plain" : "secret", less.watched.c_str());
    (void)play(less, world, true);
  }
  apart = difference(play(less, kPlain), play(less, kSecret));
  std::printf("%s", apart.c_str());
  return 1;
}

int replay_chaos(std::uint64_t seed) {
  const Scenario scenario = non_interference_scenario(seed, {.chaos = true});
  (void)play(scenario, kSecret, true);
  const std::string apart = unsettled(scenario, kSecret);
  std::printf("%s", apart.c_str());
  return apart.empty() ? 0 : 1;
}

int replay_recalls(std::uint64_t seed) {
  const Scenario scenario = recall_scenario(seed);
  (void)play(scenario, kBoth, true);
  const Recalled recalled = play_recalls(scenario);
  std::printf("%s", recalled.problems.c_str());
  return recalled.problems.empty() ? 0 : 1;
}

}  // namespace bongsu::simulation

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], "--chaos") == 0)
      return bongsu::simulation::replay_chaos(std::strtoull(argv[i + 1], nullptr, 10));
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], "--recall") == 0)
      return bongsu::simulation::replay_recalls(std::strtoull(argv[i + 1], nullptr, 10));
  std::string kind;
  const bool person =
      std::ranges::any_of(std::span(argv, argc), [](const char* word) { return std::strcmp(word, "--person") == 0; });
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], "--kind") == 0) kind = argv[i + 1];
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], "--seed") == 0)
      return bongsu::simulation::replay(std::strtoull(argv[i + 1], nullptr, 10), kind, person);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
