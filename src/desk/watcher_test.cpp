// What counts as a trace, and that none is lost or told twice.
#include "desk/watcher.h"

#include <algorithm>
#include <map>

#include "desk/desk_test_support.h"
#include "desk/players.h"

namespace bongsu::desk {
namespace {

class Traces : public Desks {
 protected:
  Traces() {
    node_.collections_list = {{.alias = "cert-lt.exercise", .mirror_of = "cert-lt", .exercise = kExercise},
                              {.alias = "cert-lt.shared", .mirror_of = "cert-lt", .exercise = ""},
                              {.alias = "exercise", .mirror_of = "", .exercise = kExercise},
                              {.alias = "shared", .mirror_of = "", .exercise = ""}};
  }
  std::vector<Evidence> look() {
    Seen seen;
    const auto whole = watcher_.look(*players_.by_entity("ua-blue"), node_, seen);
    EXPECT_TRUE(whole) << whole.error().text();
    return std::move(seen.evidence);
  }
  void raise(std::uint64_t count) {  // alerts, newest first
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t seq = node_.alerts_list.size() + 1;
      node_.alerts_list.insert(node_.alerts_list.begin(), {.seq = seq, .id = "alert--" + std::to_string(seq)});
    }
  }
  const Players players_ = *Players::of(scenario_, kExercise);
  Watcher watcher_{scenario_, players_};
  FakeNode node_;
  const std::string label_ = [] {
    policy::Label label = policy::bottom();
    label.tlp = stix::Tlp::kAmber;
    label.marked = true;
    label.exercises = {kExercise};
    return label.text();
  }();
};

TEST_F(Traces, WhatArrivedAtAPartnerIsEvidenceOfItsSenderOnce) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  const auto first = look();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].as, As::kShared);
  EXPECT_EQ(first[0].team, "lt-blue");
  EXPECT_EQ(first[0].to, std::vector<std::string>{"ua-blue"});
  EXPECT_EQ(first[0].label, label_);
  EXPECT_EQ(first[0].patterns, std::vector<std::string>{kEvil});
  EXPECT_TRUE(look().empty());
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_, "2027-01-19T08:00:00.000Z");
  EXPECT_EQ(look().size(), 1U) << "a further version is a further trace";
}

TEST_F(Traces, WhatTheLogTellsOfIsNotToldAgainAfterARestart) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  for (const Evidence& e : look()) {
    Watcher again(scenario_, players_);
    again.know(*entry_of(e));
    Seen seen;
    node_.labels_asked = 0;
    ASSERT_TRUE(again.look(*players_.by_entity("ua-blue"), node_, seen));
    EXPECT_TRUE(seen.evidence.empty());
    EXPECT_EQ(node_.labels_asked, 0U) << "nor is its label asked for";
  }
}

TEST_F(Traces, AnObjectThatBearsNoTlpOfItsOwnHasNoLabel) {
  auto label = *policy::Label::parse(label_);
  label.marked = false;
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label.text());
  const auto seen = look();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].label, "");
}

TEST_F(Traces, TheDrillsIndicatorsInLiveCollectionsAreViolationsAndOtherThingsAreNobodysBusiness) {
  node_.put("cert-lt.shared", "indicator--1", kEvil, "green marked");
  node_.put("cert-lt.shared", "indicator--2", "[domain-name:value = 'live.example']", "green marked");
  node_.put("shared", "indicator--3", kEvil, "green marked");
  const auto seen = look();
  ASSERT_EQ(seen.size(), 2U);
  for (const Evidence& e : seen) {
    EXPECT_EQ(e.as, As::kViolation);
    EXPECT_EQ(e.type, "outside-exercise");
  }
  EXPECT_EQ(std::ranges::count(seen, "lt-blue", &Evidence::team), 1);
  EXPECT_EQ(std::ranges::count(seen, "ua-blue", &Evidence::team), 1);
}

TEST_F(Traces, ASightingThatGoesHomeUnderItsGiversTooWideLabelIsNotTheSeersLeak) {
  policy::Label wide = *policy::Label::parse(label_);
  wide.tlp = stix::Tlp::kClear;
  node_.put("exercise", "indicator--own", kEvil, wide.text());
  node_.put("exercise", "indicator--own2", kEvil, wide.text());
  node_.put("cert-lt.exercise", "sighting--1", "", wide.text());
  node_.held["cert-lt.exercise"][0].body = JsonObject{{"id", "sighting--1"}, {"sighting_of_ref", "indicator--own"}};
  node_.put("cert-lt.exercise", "sighting--2", "", wide.text());
  node_.held["cert-lt.exercise"][1].body = JsonObject{{"id", "sighting--2"}, {"sighting_of_ref", "indicator--others"}};
  std::map<std::string, std::string> labels;
  for (const Evidence& e : look())
    if (e.as == As::kSighting) labels[e.object] = e.label;
  EXPECT_EQ(labels["sighting--1"], label_);
  EXPECT_EQ(labels["sighting--2"], wide.text()) << "one of somebody else's indicator is as wide as it is";
}

TEST_F(Traces, AnAlertBearsItsIndicatorsPatternAndTheTimeOfItsRecord) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  node_.alerts_list = {{.id = "alert--2", .indicator = "some rule", .matched = "x", .event_time = {}},
                       {.id = "alert--1",
                        .indicator = "indicator--1",
                        .matched = "evil.example",
                        .event_time = Instant::parse("2027-01-19T07:01:10.500Z")}};
  std::vector<Evidence> alerts = look();
  std::erase_if(alerts, [](const Evidence& e) { return e.as != As::kAlert; });
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0].object, "alert--1") << "the oldest first";
  EXPECT_EQ(alerts[0].patterns, std::vector<std::string>{kEvil});
  EXPECT_EQ(alerts[0].telemetry_ms, 70'500);
  EXPECT_EQ(alerts[0].team, "ua-blue");
  EXPECT_TRUE(alerts[1].patterns.empty());
}

TEST_F(Traces, AlertsAreReadBackToOneThatIsKnownHoweverMany) {
  raise(1);
  EXPECT_EQ(look().size(), 1U);
  raise(2 * kAlertsAPage + 5);
  const auto alerts = look();
  ASSERT_EQ(alerts.size(), 2 * kAlertsAPage + 5);
  EXPECT_EQ(alerts.front().object, "alert--2") << "the oldest first";
  EXPECT_TRUE(look().empty());
}

TEST_F(Traces, AfterARestartAlertsOfTheTimeAwayAreAllFound) {
  raise(3);
  Watcher again(scenario_, players_);
  for (const Evidence& e : look()) again.know(*entry_of(e));
  raise(kAlertsAPage + 500);
  Seen seen;
  ASSERT_TRUE(again.look(*players_.by_entity("ua-blue"), node_, seen));
  EXPECT_EQ(seen.evidence.size(), kAlertsAPage + 500);
  EXPECT_TRUE(seen.troubles.empty());
}

TEST_F(Traces, ANodeThatIsGoneLosesNothing) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  node_.down = true;
  Seen seen;
  EXPECT_FALSE(watcher_.look(*players_.by_entity("ua-blue"), node_, seen));
  node_.down = false;
  EXPECT_EQ(look().size(), 1U);
}

TEST_F(Traces, ALookThatBreaksOffKeepsWhatItSawAndTheNextFindsTheRest) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  raise(1);
  node_.alerts_fail = true;
  Seen seen;
  EXPECT_FALSE(watcher_.look(*players_.by_entity("ua-blue"), node_, seen));
  ASSERT_EQ(seen.evidence.size(), 1U);
  EXPECT_EQ(seen.evidence[0].object, "indicator--1");
  node_.alerts_fail = false;
  const auto rest = look();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].object, "alert--1");
}

TEST_F(Traces, EachVersionIsJudgedByItsOwnLabel) {
  const std::string wide = "green marked";
  node_.put("cert-lt.exercise", "indicator--1", kEvil, wide, "2027-01-19T07:00:00.000Z");
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_, "2027-01-19T08:00:00.000Z");
  const auto seen = look();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].label, wide);
  EXPECT_EQ(seen[1].label, label_);
}

TEST_F(Traces, AnObjectThatIsGoneBeforeItsLabelIsReadHoldsUpNoOther) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  node_.put("cert-lt.exercise", "indicator--2", kEvil, label_);
  node_.labels.erase(node_.labels.begin());
  Seen seen;
  ASSERT_TRUE(watcher_.look(*players_.by_entity("ua-blue"), node_, seen));
  ASSERT_EQ(seen.evidence.size(), 1U);
  EXPECT_EQ(seen.evidence[0].object, "indicator--2");
  EXPECT_EQ(seen.troubles.size(), 1U);
}

TEST_F(Traces, WhatExerciseControlSeesInTheDrillIsNoViolationAndElsewhereItIs) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, "amber marked to:cert-ua");
  node_.put("cert-lt.shared", "indicator--2", kEvil, "green marked");
  Seen seen;
  ASSERT_TRUE(watcher_.look(players_.white(), node_, seen));
  ASSERT_EQ(seen.evidence.size(), 2U);
  EXPECT_EQ(seen.evidence[0].as, As::kShared);
  EXPECT_EQ(seen.evidence[1].as, As::kViolation);
  auto table = begun();
  clock_.advance(2min);
  for (const Evidence& e : seen.evidence) ASSERT_TRUE(table->take(e));
  std::vector<std::string> rules;
  table->look([&](const Tabled& t) {
    for (const Entry& e : t.log)
      if (e.kind == Kind::kViolation) rules.emplace_back(e.data.at("rule").as_string());
  });
  EXPECT_EQ(rules, std::vector<std::string>{"outside-exercise"});
}

}  // namespace
}  // namespace bongsu::desk
