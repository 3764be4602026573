#include "node/sensor/crash_watch.h"

#include <gtest/gtest.h>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
using detect::EventMark;
using detect::Language;
using detect::RefRange;
using detect::Step;
using detect::Suspect;
using detect::Work;

constexpr EventMark kHere{1, 100}, kThere{1, 900};

class CrashWatchTest : public ::testing::Test {
 protected:
  CrashWatch watch;
  std::chrono::steady_clock::time_point now{};

  std::optional<CrashWatch::Guilty> end(std::optional<Work> work) {
    now += 1s;
    return watch.ended({.how = "signal 11", .work = std::move(work)}, now);
  }
  static Work matching(const EventMark& at, Language language = Language::kYara) {
    return {.step = Step::kMatch, .language = language, .event = at};
  }
  static Work building(Language language = Language::kYara) { return {.step = Step::kBuild, .language = language}; }
  static Work trying(std::optional<EventMark> at, RefRange refs) {
    return {.step = Step::kTry, .language = Language::kYara, .event = at, .refs = refs};
  }
};

TEST_F(CrashWatchTest, ASensorThatEndsByItselfOrOnceIsNoRulesFault) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(end(std::nullopt));
  EXPECT_FALSE(end(matching(kHere)));
  EXPECT_TRUE(watch.suspects().empty());
  now += kCrashWindow;
  EXPECT_FALSE(end(matching(kHere)));
  EXPECT_TRUE(watch.suspects().empty()) << "the first one was long ago";
  EXPECT_FALSE(end(matching(kHere, Language::kSigma)));
  EXPECT_TRUE(watch.suspects().empty()) << "another language";
  EXPECT_TRUE(watch.said().empty());
}

TEST_F(CrashWatchTest, ASmallerRangeEachTimeUntilOneRuleIsLeft) {
  end(matching(kHere));
  EXPECT_FALSE(end(matching(kHere)));
  ASSERT_EQ(watch.suspects(), (detect::Suspects{{.language = Language::kYara, .event = kHere}}));
  EXPECT_FALSE(watch.said().empty());
  EXPECT_FALSE(end(trying(kHere, {32, 63})));
  EXPECT_EQ(watch.suspects()[0].refs, (RefRange{32, 63}));
  const auto guilty = end(trying(kHere, {40, 40}));
  ASSERT_TRUE(guilty);
  EXPECT_EQ(guilty->ref, 40U);
  EXPECT_EQ(guilty->language, Language::kYara);
  EXPECT_NE(guilty->reason.find("signal 11"), std::string::npos);
  EXPECT_TRUE(watch.suspects().empty());
}

TEST_F(CrashWatchTest, WhatEndsItWhileItIsBuiltIsTriedWithoutAnEvent) {
  end(building());
  end(building());
  ASSERT_EQ(watch.suspects(), (detect::Suspects{{.language = Language::kYara}}));
  EXPECT_EQ(end(trying(std::nullopt, {7, 7}))->ref, 7U);
  EXPECT_TRUE(watch.suspects().empty());
}

TEST_F(CrashWatchTest, EventsAtWhichRulesDieOnlyTogetherAreLeftOutAndInTheEndTheLanguage) {
  end(matching(kHere));
  end(matching(kHere));
  EXPECT_FALSE(end(matching(kHere))) << "apart they did no harm";
  ASSERT_EQ(watch.suspects().size(), 1U);
  EXPECT_TRUE(watch.suspects()[0].leave_out);
  EXPECT_TRUE(watch.held().empty());
  for (std::uint64_t i = 0; watch.held().empty(); ++i) {
    ASSERT_LT(i, 2 * kMaxLeftOut);
    end(matching({2, i}));
    end(matching({2, i}));
  }
  EXPECT_EQ(watch.held(), std::vector{Language::kYara});
  EXPECT_TRUE(watch.suspects().empty());
  EXPECT_NE(watch.said().find("held"), std::string::npos);
}

TEST_F(CrashWatchTest, RulesThatCannotBeBuiltTogetherAreHeldAtOnce) {
  end(building(Language::kSigma));
  end(building(Language::kSigma));
  EXPECT_FALSE(end(building(Language::kSigma)));
  EXPECT_EQ(watch.held(), std::vector{Language::kSigma});
}

TEST_F(CrashWatchTest, ATrialThatNobodyAskedForIsFollowedAsWell) {
  EXPECT_FALSE(end(trying(kThere, {1, 32})));
  ASSERT_EQ(watch.suspects().size(), 1U);
  EXPECT_EQ(watch.suspects()[0].refs, (RefRange{1, 32}));
  EXPECT_TRUE(end(trying(kHere, {5, 5})));
  EXPECT_EQ(watch.suspects().size(), 1U) << "another event's";
}

TEST_F(CrashWatchTest, SuspectsAreBoundedWhateverASensorSays) {
  for (std::uint64_t i = 0; i < 10 * kMaxSuspects; ++i) end(trying(EventMark{3, i}, {1, 2}));
  EXPECT_EQ(watch.suspects().size(), kMaxSuspects);
}

}  // namespace
}  // namespace bongsu::node
