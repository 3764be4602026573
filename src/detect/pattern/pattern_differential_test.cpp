// The pattern engine against the slow evaluator, over patterns and observations made at random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "detect/pattern/binder.h"
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
      const auto thorough = evaluate(c.set, observations, 0);
      for (std::size_t i = 0; i < c.patterns.size(); ++i) {
        ASSERT_TRUE(thorough[i]);
        if (fast[i]) {
          ASSERT_EQ(!fast[i]->empty(), !thorough[i]->empty())
              << "seed " << seed << " round " << round << ": " << c.texts[i];
        }
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

// One that lasts may touch two spans and lie in both at no moment.
TEST(PatternDifferential, AnObservationThatNoMomentFitsIsNotTaken) {
  PatternSet::Builder builder;
  ASSERT_TRUE(builder.add(
      0, *stix::parse_pattern(
             "([a:v = 1] AND ([b:v = 1] START t'2020-01-01T00:00:03Z' STOP t'2020-01-01T00:00:07Z' OR [c:v = 1])) "
             "START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:03Z'")));
  const auto set = builder.build();
  ASSERT_TRUE(set);
  std::vector<Observation> observations;
  for (const char* type : {"a", "b", "c"}) {
    const auto data = read_observed_data(
        fmt::format(
            R"({{"type":"observed-data","first_observed":"2020-01-01T00:00:01Z","last_observed":"2020-01-01T00:00:09Z",)"
            R"("number_observed":1,"objects":{{"0":{{"type":"{}","v":1}}}}}})",
            type),
        "t");
    ASSERT_TRUE(data);
    observations.push_back(data->observations.front());
    for (const std::uint64_t quick_steps : {std::uint64_t{0}, Binder::kQuickSteps}) {
      const auto found = evaluate(*set, observations, quick_steps);
      ASSERT_TRUE(found[0]);
      EXPECT_EQ(!found[0]->empty(), std::string_view(type) == "c") << quick_steps;
    }
  }
}

// Many observations that differ little.
TEST(PatternDifferential, FewObservationsAreNeverTooManyWaysToGiveThem) {
  const auto observed = [](int second, const char* object, int number = 1, int lasts = 0) {
    const auto data = read_observed_data(
        fmt::format(
            R"({{"type":"observed-data","first_observed":"{}","last_observed":"{}","number_observed":{},"objects":{{"0":{}}}}})",
            Instant{1'577'836'800 + second, 0}.text(3), Instant{1'577'836'800 + second + lasts, 0}.text(3), number,
            object),
        "t");
    EXPECT_TRUE(data && !data->observations.empty());
    return data->observations.front();
  };
  constexpr const char* kA = R"({"type":"a","v":1})";
  constexpr const char* kAw = R"({"type":"a","v":1,"w":1})";
  constexpr const char* kB = R"({"type":"b","v":1})";
  std::vector<Observation> ten, thirty_one, with_w, b_first, b_between, lasting, same;
  with_w.push_back(observed(0, kAw));
  b_first.push_back(observed(0, kB));
  for (int i = 0; i < 31; ++i) {
    if (i < 10) ten.push_back(observed(10 + i, kA));
    if (i < 30) with_w.push_back(observed(10 + i, kA));
    thirty_one.push_back(observed(10 + i, kA));
    b_first.push_back(observed(10 + i, kA));
    b_between.push_back(observed(10 + i, kA));
    lasting.push_back(observed(10 + i, kA, 1, 40));
    same.push_back(observed(10, kA));
  }
  b_between.push_back(observed(18, kB));
  std::string nine, eleven = "[a:v = 1]";
  for (int i = 0; i < 9; ++i) nine += "[a:v = 1] AND ";
  for (int i = 0; i < 10; ++i) eleven += " AND [a:v = 1]";
  struct Case {
    std::string pattern;
    std::vector<Observation> observations;
    bool match;
  };
  const Case table[] = {
      {"[a:v = 1] REPEATS 26 TIMES", {observed(0, kA, 25, 9)}, false},
      {"[a:v = 1] REPEATS 25 TIMES", {observed(0, kA, 25, 9)}, true},
      {"[a:v = 1] REPEATS 10 TIMES AND [a:w = 1]", with_w, true},
      {"[a:w = 1] AND [a:v = 1] REPEATS 10 TIMES", with_w, true},
      {"[a:v = 1] REPEATS 31 TIMES AND [a:w = 1]", with_w, false},
      {nine + "[a:w = 1]", with_w, true},
      {eleven, ten, false},
      {"[a:v = 1] REPEATS 10 TIMES AND [c:v = 1]", thirty_one, false},
      {"[a:v = 1] REPEATS 10 TIMES AND ([c:v = 1] OR [d:v = 1])", thirty_one, false},
      {"[a:v = 1] REPEATS 10 TIMES FOLLOWEDBY [b:v = 1]", b_first, false},
      {"[a:v = 1] REPEATS 10 TIMES FOLLOWEDBY [b:v = 1]", b_between, false},
      {"[a:v = 1] REPEATS 9 TIMES FOLLOWEDBY [b:v = 1]", b_between, true},
      {"[a:v = 1] REPEATS 10 TIMES WITHIN 9 SECONDS", thirty_one, false},
      {"[a:v = 1] REPEATS 10 TIMES WITHIN 9.5 SECONDS", thirty_one, true},
      {"([a:v = 1] OR [b:v = 1]) REPEATS 33 TIMES", b_between, false},
      {"([a:v = 1] OR [b:v = 1]) REPEATS 32 TIMES", b_between, true},
      {"[a:v = 1] REPEATS 16 TIMES FOLLOWEDBY [a:v = 1] REPEATS 16 TIMES", thirty_one, false},
      {"[a:v = 1] REPEATS 15 TIMES FOLLOWEDBY [a:v = 1] REPEATS 16 TIMES", thirty_one, true},
      {"[a:v = 1] REPEATS 16 TIMES FOLLOWEDBY [a:v = 1] REPEATS 16 TIMES", same, false},
      {"[a:v = 1] REPEATS 16 TIMES FOLLOWEDBY [a:v = 1] REPEATS 15 TIMES", lasting, true},
      {"[a:v = 1] REPEATS 31 TIMES WITHIN 1 SECONDS", lasting, true},
      {"[a:v = 1] REPEATS 32 TIMES WITHIN 1 SECONDS", lasting, false},
  };
  for (const Case& c : table) {
    const auto fast = evaluate(*stix::parse_pattern(c.pattern), c.observations);
    ASSERT_TRUE(fast) << c.pattern << ": " << fast.error().text();
    EXPECT_EQ(!fast->empty(), c.match) << c.pattern;
  }
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
