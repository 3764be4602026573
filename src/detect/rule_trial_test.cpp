#include "detect/rule_trial.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "detect/engine.h"
#include "telemetry/bad_lines.h"

namespace bongsu::detect {
namespace {

using telemetry::FieldMap;

constexpr std::string_view kEndless =
    "rule endless { strings: $a = \"slow-marker\" condition: $a and for all i in (1..1000000000000) : (i > 0) }";

Rule yara(std::uint64_t ref, std::string text) {
  return {.ref = ref, .language = Language::kYara, .text = std::move(text)};
}
std::string rule(std::uint64_t number) {
  return fmt::format("rule good_{} {{ strings: $a = \"good-marker-{}-\" condition: $a }}", number, number);
}

telemetry::LineBatch batch_of(std::string lines) {
  telemetry::LineBatch batch;
  batch.source = std::make_shared<const std::string>("test.log");
  batch.data = std::move(lines);
  return batch;
}
std::string line(std::string_view text) {
  return fmt::format("{{\"CommandLine\":\"program.exe {} and a little more of it\"}}\n", text);
}

TEST(RuleTrial, EachPartIsWrittenDownBeforeItIsAtWork) {
  std::vector<Rule> rules;
  for (std::uint64_t i = 1; i <= 100; ++i) rules.push_back(yara(10 * i, rule(i)));
  WorkSlot slot{};
  RuleTrial(rules, FieldMap::standard(), &slot).build();
  EXPECT_EQ(slot.sequence, 25U) << "100 rules in parts of four";
  EXPECT_EQ(slot.first, 970U);
  EXPECT_EQ(slot.last, 1000U);
  EXPECT_FALSE(read(slot)) << "at rest";
  RuleTrial({}, FieldMap::standard(), &slot).build();
  EXPECT_EQ(slot.sequence, 25U);
}

TEST(RuleTrial, OfManyRulesTheOneThatAloneRunsIntoItsLimitIsNamed) {
  std::vector<Rule> rules;
  for (std::uint64_t i = 1; i <= 70; ++i) rules.push_back(yara(i, i == 41 ? std::string(kEndless) : rule(i)));
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad);
  const auto batch = batch_of(line("slow-marker"));
  parser.start(batch);
  const auto* event = parser.next();
  ASSERT_NE(event, nullptr);
  const auto slow = RuleTrial(rules, FieldMap::standard(), nullptr).match(*event, "test.log", {1, 2});
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_EQ(slow[0].ref, 41U);
  EXPECT_EQ(slow[0].error.code, ErrorCode::kTimeout);
}

class WatchedEngine : public ::testing::Test {
 protected:
  SystemClock clock;
  Engine engine{clock};
  telemetry::BadLines bad;
  WorkSlot slot{};

  std::vector<Alert> match(Engine::Session& session, std::string lines) {
    std::vector<Alert> alerts;
    session.match(batch_of(std::move(lines)), alerts);
    return alerts;
  }
};

TEST_F(WatchedEngine, WritesDownWhatItDoesAndFindsWhatItFoundUnwatched) {
  ASSERT_TRUE(engine.rules().add(std::vector{
      yara(1, rule(1)),
      Rule{.ref = 2, .language = Language::kStix, .text = "[process:command_line LIKE '%good-marker-1-%']"}}));
  engine.rules().build();
  Engine::Session plain(engine, bad);
  const auto before = match(plain, line("good-marker-1-") + line("nothing to see"));
  EXPECT_EQ(before.size(), 2U);
  engine.watch(&slot, {});
  Engine::Session session(engine, bad);
  EXPECT_EQ(match(session, line("good-marker-1-") + line("nothing to see")).size(), 2U);
  EXPECT_EQ(slot.sequence, 4U) << "two languages, two events";
  EXPECT_NE(slot.source, 0U);
  EXPECT_EQ(slot.offset, line("good-marker-1-").size());
  EXPECT_FALSE(read(slot));
}

TEST_F(WatchedEngine, AnEventThatIsToBeLeftOutIsNotSeenByThatLanguage) {
  ASSERT_TRUE(engine.rules().add(std::vector{
      yara(1, rule(1)),
      Rule{.ref = 2, .language = Language::kStix, .text = "[process:command_line LIKE '%good-marker-1-%']"}}));
  engine.rules().build();
  engine.watch(&slot, {});
  Engine::Session first(engine, bad);
  match(first, line("x"));
  engine.watch(&slot, {{.language = Language::kYara, .event = EventMark{slot.source, 0}, .leave_out = true}});
  Engine::Session session(engine, bad);
  const auto alerts = match(session, line("good-marker-1-") + line("good-marker-1-"));
  ASSERT_EQ(alerts.size(), 3U);
  EXPECT_EQ(alerts[0].rule->language, "stix");
  EXPECT_EQ(alerts[1].position.line, 2U);
}

TEST_F(WatchedEngine, ASuspectsRangeIsTriedApartWhenItsEventComes) {
  std::vector<Rule> rules;
  for (std::uint64_t i = 1; i <= 10; ++i) rules.push_back(yara(i, rule(i)));
  ASSERT_TRUE(engine.rules().add(rules));
  engine.rules().build();
  engine.watch(&slot, {});
  Engine::Session first(engine, bad);
  match(first, line("x"));
  const std::uint64_t before = slot.sequence;
  engine.watch(&slot, {{.language = Language::kYara, .event = EventMark{slot.source, 0}, .refs = {3, 6}}});
  Engine::Session session(engine, bad);
  EXPECT_EQ(match(session, line("good-marker-4-")).size(), 1U);
  EXPECT_EQ(slot.sequence, before + 5) << "four alone, then all together";
  EXPECT_TRUE(engine.take_too_slow().empty());
}

TEST_F(WatchedEngine, ARuleThatRunsIntoItsLimitThriceIsNamedAndUnwatchedItIsNot) {
  ASSERT_TRUE(engine.rules().add(std::vector{yara(1, rule(1)), yara(2, std::string(kEndless))}));
  engine.rules().build();
  Engine::Session unwatched(engine, bad);
  match(unwatched, line("slow-marker 1") + line("slow-marker 2") + line("slow-marker 3"));
  EXPECT_TRUE(engine.take_too_slow().empty());
  engine.watch(&slot, {});
  Engine::Session session(engine, bad);
  match(session, line("slow-marker 4"));
  match(session, line("slow-marker 5"));
  EXPECT_TRUE(engine.take_too_slow().empty());
  match(session, line("slow-marker 6"));
  const auto slow = engine.take_too_slow();
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_EQ(slow[0].ref, 2U);
}

}  // namespace
}  // namespace bongsu::detect
