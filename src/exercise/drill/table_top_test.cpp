#include "exercise/drill/table_top.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "exercise/drill/drill_test_support.h"
#include "exercise/scoring/score.h"

namespace bongsu::exercise::drill {
namespace {

const Instant kBegin = *Instant::parse("2026-12-01T09:00:00Z");

std::vector<Entry> play(const std::vector<Policy>& policies, std::uint64_t seed = 7) {
  auto table = TableTop::make(small_scenario(), {.background = scenario::Duration(0), .seed = seed}, switch_ranges(),
                              policies, kBegin);
  EXPECT_TRUE(table) << table.error().text();
  std::vector<Entry> log;
  const auto keep = [&](const Step& step) { log.insert(log.end(), step.entries.begin(), step.entries.end()); };
  keep(table->start());
  while (const auto next = table->next()) keep(table->live(*next));
  keep(table->close());
  return log;
}
std::string text_of(const std::vector<Entry>& log) {
  LogWriter writer;
  std::string text;
  for (const Entry& entry : log) text += writer.line(entry);
  return text;
}

TEST(TableTop, GoodBeatsSlowBeatsSilentAndLeakyPays) {
  double good = 0, slow = 0, leaky = 0, silent = 0, baseline = 0;
  std::size_t violations = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const auto card =
        scoring::score(small_scenario(), play({*policy("good"), *policy("slow"), *policy("leaky")}, seed));
    ASSERT_TRUE(card) << card.error().text();
    good += card->teams[0].total;
    slow += card->teams[1].total;
    leaky += card->teams[2].total;
    violations += card->teams[2].violations;
    EXPECT_EQ(card->teams[0].violations, 0U);
    const auto other =
        scoring::score(small_scenario(), play({*policy("baseline"), *policy("silent"), *policy("good")}, seed));
    baseline += other->teams[0].total;
    silent += other->teams[1].total;
  }
  EXPECT_GT(good, slow + 8 * 10);
  EXPECT_GT(slow, silent);
  EXPECT_GT(good, leaky);
  EXPECT_GT(baseline, silent);
  EXPECT_GT(violations, 0U);
}

TEST(TableTop, IsTheSameByteForByteAndGoesOnFromItsLog) {
  const std::vector<Policy> policies = {*policy("good"), *policy("slow"), *policy("leaky")};
  const auto log = play(policies);
  EXPECT_EQ(text_of(log), text_of(play(policies)));
  EXPECT_NE(text_of(log), text_of(play(policies, 8)));
  const auto resumed = Drill::resume(small_scenario(), switch_ranges(), log);
  ASSERT_TRUE(resumed) << resumed.error().text();
  EXPECT_TRUE(resumed->step.entries.empty());
}

TEST(TableTop, TheBaselineSeesNothingButWhatATeamSees) {
  // The automaton never acts on an inject that left it no trace: only a reader of the answer sheet reports on time.
  const auto log = play({*policy("baseline")});
  std::set<std::string> acts;
  for (const Entry& entry : log)
    if (entry.kind == Kind::kEvidence && !entry.team.empty()) acts.insert(entry.ref);
  EXPECT_TRUE(acts.contains("order")) << "it closes what it sees opened";
  EXPECT_FALSE(acts.contains("alert")) << "nobody told it of anything";
  EXPECT_FALSE(acts.contains("playbook"));
}

TEST(TableTop, ANeighboursWarningMakesTheBaselineMatchAndSight) {
  const auto scenario = small_scenario();
  const Roster own(scenario);
  Watch watch(own, 1, *policy("baseline"), 7);
  Player player(own, 1, *policy("baseline"), 7);
  const auto show = [&](const Entry& entry) {
    watch.see(entry);
    player.see(entry);
  };
  Entry told = *entry_of(Evidence{.as = As::kShared,
                                  .team = "lt-blue",
                                  .object = "indicator--1",
                                  .type = "indicator",
                                  .patterns = {"[domain-name:value = 'evil.example']"},
                                  .to = {"ua-blue"},
                                  .label = "amber marked"});
  told.at_ms = 1000;
  show(told);
  show({.at_ms = 5000,
        .kind = Kind::kTelemetry,
        .team = "ua-blue",
        .ref = "1/phish/0/ua-blue/t0.0",
        .data = {{"inject", "phish"}, {"first_ms", 4000}}});
  const auto alerts = watch.due(60'000);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].patterns, std::vector<std::string>{"[domain-name:value = 'evil.example']"})
      << "what it was told, not what it was not";
  Entry alert = *entry_of(alerts[0]);
  alert.at_ms = 7000;
  show(alert);
  const auto deeds = player.due(600'000);
  const auto sighting = std::ranges::find(deeds, As::kSighting, &Evidence::as);
  ASSERT_NE(sighting, deeds.end());
  EXPECT_EQ(sighting->to, std::vector<std::string>{"lt-blue"});
  EXPECT_EQ(std::ranges::count(deeds, As::kShared, &Evidence::as), 0) << "it does not pass on what it was told";
}

TEST(Policies, AreDataWithNamedMistakes) {
  EXPECT_EQ(policy("brilliant").error().code, ErrorCode::kNotFound);
  const auto night =
      read_policy(R"({"name":"night-shift","like":"slow","finds":0.25,"marking":"exercise"})", "night.json");
  ASSERT_TRUE(night) << night.error().text();
  Policy expected = *policy("slow");
  expected.name = "night-shift";
  expected.finds = 0.25;
  expected.marking = Policy::Marking::kExercise;
  EXPECT_EQ(*night, expected);
  for (const auto& [text, field] :
       std::vector<std::pair<const char*, const char*>>{{R"({"finds":2})", "finds"},
                                                        {R"({"finds":"x"})", "finds"},
                                                        {R"({"find":1})", "find"},
                                                        {R"({"marking":"pink"})", "marking"},
                                                        {R"({"like":"x"})", "x"},
                                                        {"[]", "policy"}}) {
    const auto refused = read_policy(text, "p.json");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().where.field, field);
  }
  EXPECT_EQ(read_policy("{", "p.json").error().where.source, "p.json");
}

}  // namespace
}  // namespace bongsu::exercise::drill
