#include "exercise/scenario/scenario.h"

#include <gtest/gtest.h>

#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::scenario {
namespace {

using namespace std::chrono_literals;

TEST(ScenarioDuration, ANumberWithoutAUnitIsNone) {
  for (const char* text : {"", " ", "5", "5 5", "min", "-5min", "1.5h", "5 parsecs", "1h30", "99999999999999999999s",
                           "367d", "366d 1s", "5min!"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(ScenarioDuration, SdlsWaysToWriteOneAreRead) {
  EXPECT_EQ(parse_duration("0"), Duration(0));
  EXPECT_EQ(parse_duration("10min 2 sec"), Duration(602'000));
  EXPECT_EQ(parse_duration("1 week 1day 1h 10 ms"), Duration(694'800'010));
  EXPECT_EQ(parse_duration("1H30Min"), Duration(90min));
  EXPECT_EQ(parse_duration("366d"), kMaxDuration);
}

TEST(ScenarioDuration, WhatIsWrittenIsReadAgain) {
  for (const Duration d :
       {Duration(0), Duration(1), Duration(999), Duration(61s), Duration(90min), Duration(25h + 3ms)})
    EXPECT_EQ(parse_duration(text_of(d)), d) << text_of(d);
  EXPECT_EQ(text_of(90min), "1h 30min");
}

TEST(ScenarioTimes, SpeedsOfStoryAndScriptDivideAnEventsTime) {
  Scenario s;
  s.events = {{.id = "a"}, {.id = "b"}};
  s.scripts = {{.id = "slow", .speed = 1, .events = {{"a", 40min}, {"b", 10min}}},
               {.id = "fast", .speed = 2, .events = {{"a", 40min}}}};
  s.stories = {{.id = "main", .speed = 2, .scripts = {"slow", "fast", "nowhere"}}};
  const auto times = occurrences(s);
  ASSERT_EQ(times.size(), 3U);
  EXPECT_EQ(times[0].event->id, "b");
  EXPECT_EQ(times[0].at, Duration(5min));
  EXPECT_EQ(times[1].script->id, "fast");
  EXPECT_EQ(times[1].at, Duration(10min));
  EXPECT_EQ(times[2].at, Duration(20min));
}

TEST(ScenarioTimes, ASpeedOfNothingNeverComes) {
  Scenario s;
  s.events = {{.id = "a"}};
  s.scripts = {{.id = "x", .speed = 0, .events = {{"a", 1min}}}};
  s.stories = {{.id = "main", .scripts = {"x"}}};
  EXPECT_TRUE(occurrences(s).empty());
}

TEST(ScenarioVocabulary, APatternQuotesWhatItHolds) {
  EXPECT_EQ(pattern_of("domain-name", "o'neill\\.example"), "[domain-name:value = 'o\\'neill\\\\.example']");
  EXPECT_FALSE(pattern_of("phone", "1"));
  EXPECT_EQ(effect_kind("breaker-open")->unit, "");
  EXPECT_EQ(effect_kind("breaker"), nullptr);
}

TEST(ScenarioTeams, OnlyBlueOnesAmongItsRecipientsAreAsked) {
  Scenario s;
  s.entities = {
      {.id = "red", .role = Role::kRed}, {.id = "lt", .role = Role::kBlue}, {.id = "ua", .role = Role::kBlue}};
  const auto teams = blue_teams(s, {.id = "i", .to_entities = {"ua", "red", "nobody"}});
  ASSERT_EQ(teams.size(), 1U);
  EXPECT_EQ(teams[0]->id, "ua");
}

}  // namespace
}  // namespace bongsu::exercise::scenario
