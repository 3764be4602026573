// The pattern engine against the slow evaluator, over patterns and observations made at random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "detect/pattern/pattern_sequencer.h"
#include "detect/pattern/random_pattern_test_support.h"
#include "detect/pattern/slow_pattern_test_support.h"

namespace bongsu::detect {
namespace {

std::uint64_t pairs_wanted() {
  const char* set = std::getenv("BONGSU_LONG");
  return set != nullptr && std::string_view(set) == "1" ? 1'000'000 : 6'000;
}

struct Compiled {
  std::vector<std::string> texts;
  std::vector<stix::Pattern> patterns;
  PatternSetPtr set;
};

Compiled compiled(RandomPatterns& random, std::size_t count) {
  Compiled out;
  PatternSet::Builder builder;
  while (out.texts.size() < count) {
    std::string text = random.pattern();
    auto pattern = stix::parse_pattern(text);
    EXPECT_TRUE(pattern) << text << ": " << pattern.error().text();
    if (!pattern) continue;
    const auto added = builder.add(out.texts.size(), *pattern);
    EXPECT_TRUE(added) << text << ": " << added.error().text();
    if (!added) continue;
    out.texts.push_back(std::move(text));
    out.patterns.push_back(*std::move(pattern));
  }
  auto set = builder.build();
  EXPECT_TRUE(set);
  if (set) out.set = *set;
  return out;
}

TEST(PatternDifferential, ASetOfPatternsOverObservationsIsWhatTheSlowEvaluatorSays) {
  const std::uint64_t wanted = pairs_wanted();
  std::uint64_t pairs = 0, matches = 0, left_out = 0, several = 0;
  for (std::uint64_t seed = 1; pairs < wanted; ++seed) {
    RandomPatterns random(seed);
    const Compiled c = compiled(random, 60);
    ASSERT_TRUE(c.set);
    for (int round = 0; round < 25; ++round) {
      const auto observations = random.observations(round % 2 == 0);
      const auto fast = evaluate(c.set, observations);
      for (std::size_t i = 0; i < c.patterns.size(); ++i) {
        const auto slow = slow_matches(c.patterns[i], observations);
        if (!slow || !fast[i]) {
          ++left_out;
          continue;
        }
        ++pairs;
        matches += *slow ? 1 : 0;
        several += fast[i]->size() > 1 ? 1 : 0;
        ASSERT_EQ(!fast[i]->empty(), *slow) << "seed " << seed << " round " << round << ": " << c.texts[i];
      }
    }
  }
  fmt::print("  {} pairs, {} of them match, {} by several observations; {} left out as too many bindings\n", pairs,
             matches, several, left_out);
  EXPECT_GT(matches, pairs / 20);
  EXPECT_LT(left_out, pairs / 20);
}

TEST(PatternDifferential, ASequencerFindsAPatternExactlyWhenTheObservationsSoFarMatch) {
  const std::uint64_t wanted = pairs_wanted() / 2;
  std::uint64_t pairs = 0, matches = 0;
  for (std::uint64_t seed = 1'000'001; pairs < wanted; ++seed) {
    RandomPatterns random(seed);
    const Compiled c = compiled(random, 60);
    ASSERT_TRUE(c.set);
    ObservationMatcher matcher(c.set);
    for (int round = 0; round < 10; ++round) {
      auto observations = random.observations(false);
      PatternSequencer sequencer(c.set);
      std::vector<PatternHit> hits;
      std::vector<PatternFound> found;
      std::vector<bool> reported(c.patterns.size());
      for (std::size_t i = 0; i < observations.size(); ++i) {  // in any order of their times
        hits.clear();
        matcher.match(observations[i], hits);
        sequencer.take(hits, observations[i].first_observed, i, found);
        for (const PatternFound& f : found) reported[f.pattern] = true;
        found.clear();
        if (i + 1 < observations.size() && i % 2 == 0) continue;  // look at some prefixes
        for (std::size_t p = 0; p < c.patterns.size(); ++p) {
          const auto slow = slow_matches(c.patterns[p], std::span(observations).first(i + 1));
          if (!slow) continue;
          ++pairs;
          matches += *slow ? 1 : 0;
          ASSERT_EQ(reported[p], *slow) << "seed " << seed << " round " << round << " up to " << i << ": "
                                        << c.texts[p];
        }
      }
      EXPECT_EQ(sequencer.remark(), std::nullopt);
    }
  }
  EXPECT_GT(matches, pairs / 20);
}

}  // namespace
}  // namespace bongsu::detect
