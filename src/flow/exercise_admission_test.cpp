// What belongs to an exercise and what is live do not meet.
#include <gtest/gtest.h>

#include <algorithm>

#include "flow/exercise_rules.h"
#include "flow/facts.h"
#include "flow/flow_test_support.h"
#include "flow/quarantine.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;
using Outcome = AdmitItem::Outcome;

const std::string kDrill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710", kOther = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27711";

std::string exercise_marking(const std::string& exercise) {
  policy::Label label = policy::bottom();
  label.exercises = {exercise};
  return *policy::make_label_marking(label, "cert-self", Instant{1'767'225'600, 0});
}
std::string marking_id(const std::string& exercise) {
  return std::string(*string_at(*parse_json(exercise_marking(exercise)), "id"));
}

// "c1" is live, "drill" is an exercise's; cert-a takes part, cert-b does not.
class ExerciseAdmission : public testing::Test {
 protected:
  void SetUp() override {
    policy::Agreement taking_part = agreement({"c1", "drill"}, Tlp::kAmber);
    taking_part.purposes = {policy::Purpose::kOperations, policy::Purpose::kExercise};
    node.agree("cert-a", taking_part);
    node.agree("cert-b", agreement({"c1", "drill"}, Tlp::kAmber));
    node.policy.exercises["drill"] = kDrill;
    node.apply({"c1", "drill"});
  }
  policy::Label label_of(const AdmitItem& item) {
    return *policy::Label::parse(stored_label(node.journal->snapshot()->entry(item.seq)->label));
  }
  TestNode node;
};

TEST_F(ExerciseAdmission, ADrillsObjectIsRefusedWhereLiveInformationIs) {
  const std::vector<std::string> objects = {exercise_marking(kDrill), indicator(1, {marking_id(kDrill)}), indicator(2)};
  for (const char* from : {"cert-self", "cert-a"}) {
    const AdmitReport report = node.admit(objects, "c1", from);
    EXPECT_EQ(report.items[0].outcome, Outcome::kRefused) << "not even the definition: it tells of the drill";
    EXPECT_EQ(report.items[1].outcome, Outcome::kRefused) << from;
    EXPECT_EQ(report.items[1].message,
              "object_marking_refs names an exercise, and the collection is for live information");
    EXPECT_NE(report.items[2].outcome, Outcome::kRefused) << "the others are not concerned";
  }
  const auto seen = *node.sees("cert-b");
  EXPECT_EQ(std::ranges::count(seen, id_of("indicator", 1)), 0);
  EXPECT_EQ(std::ranges::count(seen, id_of("indicator", 2)), 1);
}

TEST_F(ExerciseAdmission, AnotherDrillsObjectIsRefusedInADrill) {
  const AdmitReport report =
      node.admit({exercise_marking(kOther), indicator(1, {marking_id(kOther)})}, "drill", "cert-self");
  EXPECT_EQ(report.items[1].outcome, Outcome::kRefused);
  EXPECT_EQ(report.items[1].message, "object_marking_refs names another exercise than the collection's");
}

TEST_F(ExerciseAdmission, WhatComesIntoADrillBelongsToItWhetherItSaysSoOrNot) {
  const AdmitReport report =
      node.admit({indicator(1), exercise_marking(kDrill), indicator(2, {marking_id(kDrill)})}, "drill");
  EXPECT_EQ(label_of(report.items[0]).exercises, std::set<std::string>{kDrill});
  EXPECT_EQ(label_of(report.items[2]).exercises, std::set<std::string>{kDrill});
  EXPECT_EQ(node.sees("cert-a", "drill")->size(), 4U) << "and this node's own definition";
  // What another member gives is kept as it came, and belongs to it all the same.
  const AdmitReport theirs = node.admit({indicator(3)}, "drill", "cert-a");
  EXPECT_EQ(label_of(theirs.items[0]).exercises, std::set<std::string>{kDrill});
  EXPECT_FALSE(node.sees("cert-b", "drill")) << "its agreement is not for exercises: it does not even know of it";
}

TEST_F(ExerciseAdmission, WhatIsLiveAndRefersToADrillStaysHere) {
  node.admit({indicator(1)}, "drill");
  node.admit({malware(2)});
  node.admit({relationship(3, id_of("indicator", 1), id_of("malware", 2))});
  const auto seen = *node.sees("cert-a");
  EXPECT_EQ(seen, std::vector{id_of("malware", 2)}) << "the relation tells of a drill's indicator";
}

TEST_F(ExerciseAdmission, ADrillMayReferToWhatIsLiveAndTakesNothingLiveOutOfService) {
  node.admit({malware(2)});
  node.admit({indicator(1), relationship(3, id_of("indicator", 1), id_of("malware", 2))}, "drill");
  EXPECT_EQ(node.sees("cert-a", "drill")->size(), 3U) << "and the definition of the exercise's marking";
  // Somebody drills with the id of a live object: what refers to it, and its next version, flow as before.
  node.admit({malware(2, {}, 9)}, "drill", "cert-a");
  node.admit({indicator(4), relationship(5, id_of("indicator", 4), id_of("malware", 2))});
  node.admit({malware(2, {}, 10)});
  const auto seen = *node.sees("cert-b");
  EXPECT_NE(std::ranges::find(seen, id_of("relationship", 5)), seen.end());
  EXPECT_EQ(std::ranges::count(seen, id_of("malware", 2)), 2);
}

TEST_F(ExerciseAdmission, ACollectionThatLeavesTheExerciseReleasesNothingOfIt) {
  node.admit({indicator(1)}, "drill");
  node.policy.exercises.clear();
  node.apply({"c1", "drill"});
  EXPECT_TRUE(node.sees("cert-a", "drill")->empty());
  EXPECT_TRUE(node.sees("cert-b", "drill")->empty());
}

// Somebody drills with ids that are live: with other labels, later versions, by the same hands.
TEST_F(ExerciseAdmission, WhatADrillSaysOfALiveObjectBindsNothingLive) {
  node.admit({indicator(1), malware(2)});
  node.admit({indicator(1), malware(2, {std::string(kAmber)}, 20)}, "drill");             // our own
  node.admit({indicator(1, {std::string(kRed)}, 30), malware(2, {}, 31)}, "drill", "cert-a");  // another's
  node.admit({relationship(3, id_of("indicator", 1), id_of("malware", 2))});
  node.admit({malware(2, {std::string(kGreen)}, 40)}, "c1", "cert-a");
  for (const char* to : {"cert-a", "cert-b"}) {
    const auto seen = *node.sees(to);
    EXPECT_EQ(std::ranges::count(seen, id_of("relationship", 3)), 1) << to;
    EXPECT_EQ(std::ranges::count(seen, id_of("indicator", 1)), 1) << to;
  }
  const auto entry = node.journal->snapshot()->versions("c1", id_of("malware", 2));
  EXPECT_EQ(policy::Label::parse(stored_label(entry->back().label))->tlp, Tlp::kGreen);
}

TEST_F(ExerciseAdmission, ALiveObjectThatIsWithheldForADrillsSakeSaysSo) {
  node.admit({indicator(1)}, "drill");
  const AdmitReport report = node.admit({malware(2), relationship(3, id_of("indicator", 1), id_of("malware", 2))});
  ASSERT_EQ(report.items[1].outcome, Outcome::kNew);
  ASSERT_FALSE(report.items[1].findings.empty());
  EXPECT_EQ(report.items[1].findings.back().rule, "refers to what is known here from an exercise only: it goes to nobody");
}

std::string payload_of(TestNode& node, const AdmitItem& item) {
  return *node.journal->snapshot()->payload(item.seq);
}

// What cert-a reads of the drill it may post where it likes: the bytes themselves say what they are.
TEST_F(ExerciseAdmission, WhatThisNodeMakesInADrillSaysSoInItsBytes) {
  const AdmitReport report = node.admit({indicator(1), indicator(2, {std::string(kGreen)})}, "drill");
  const std::string definition = exercise_definition(kDrill, "cert-self");
  for (const AdmitItem& item : report.items) {
    ASSERT_EQ(item.outcome, Outcome::kNew) << item.message;
    const auto object = stix::Object::parse(payload_of(node, item));
    EXPECT_EQ(object->object_markings().back().text(), exercise_definition_id(kDrill, "cert-self"));
    EXPECT_TRUE(stix::validate(*object).empty());
    TestNode elsewhere(2);
    elsewhere.apply();
    EXPECT_EQ(elsewhere.admit({definition, payload_of(node, item)}).refused, 2U) << "in one batch";
    EXPECT_EQ(node.admit({payload_of(node, item)}, "c1").refused, 1U) << "its definition is a drill's here";
  }
  EXPECT_EQ(stix::Object::parse(payload_of(node, report.items[1]))->object_markings().front().text(), kGreen);
  EXPECT_EQ(node.sees("cert-a", "drill")->front(), exercise_definition_id(kDrill, "cert-self")) << "known before";
}

TEST_F(ExerciseAdmission, TheSameAgainInADrillIsTheSame) {
  node.admit({indicator(1)}, "drill");
  EXPECT_EQ(node.admit({indicator(1)}, "drill").items[0].outcome, Outcome::kDuplicate);
  EXPECT_EQ(node.sees("cert-a", "drill")->size(), 2U);
}

TEST_F(ExerciseAdmission, WhatAFeedBringsIntoADrillHasToSayItselfThatItIsOne) {
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(indicator(1))};
  const auto report =
      node.admission->admit(objects, {.collection = "drill", .origin = "cert-self", .received_from = "feed"});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->items[0].outcome, Outcome::kRefused);
  EXPECT_EQ(report->items[0].message, "object_marking_refs does not name the exercise " + kDrill +
                                          " that this collection belongs to: add " +
                                          exercise_definition_id(kDrill, "cert-self"));
}

// A number that our own writing would change: it is refused, not changed.
TEST_F(ExerciseAdmission, WhatCannotBeWrittenExactlyIsNotRewritten) {
  const AdmitReport report = node.admit({indicator(1, {}, 0, ",\"x_big\":9007199254740993")}, "drill");
  EXPECT_EQ(report.items[0].outcome, Outcome::kRefused);
}

TEST_F(ExerciseAdmission, ADrillPinsNoIdOfALiveDefinition) {
  const std::string id = id_of("marking-definition", 7);
  const auto statement = [&](const char* text) {
    return R"({"type":"marking-definition","spec_version":"2.1","id":")" + id +
           R"(","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":")" + text +
           R"("}})";
  };
  for (const char* from : {"cert-self", "cert-a"}) {
    SCOPED_TRACE(from);
    EXPECT_NE(node.admit({statement("of a drill")}, "drill", from).items[0].outcome, Outcome::kRefused);
  }
  EXPECT_EQ(node.admit({statement("live")}).items[0].outcome, Outcome::kNew);
  EXPECT_EQ(node.admit({statement("other")}).items[0].outcome, Outcome::kRefused) << "and the live one stays";
  // In the drill its own meaning stays, also after a restart.
  node.reopen();
  node.apply({"c1", "drill"});
  EXPECT_EQ(node.admit({statement("live")}, "drill").items[0].outcome, Outcome::kRefused);
  EXPECT_EQ(node.admit({statement("other")}).items[0].outcome, Outcome::kRefused);
}

TEST_F(ExerciseAdmission, ACollectionIsADrillsFromTheMomentThatItIsMade) {
  SeededRandom random(4);
  auto collections = std::move(*Collections::load(*node.journal));
  node.admission->use(*collections);
  const std::string fresh = collections->add({.alias = "fresh", .exercise = kDrill}, random)->id;
  const AdmitReport report = node.admit({indicator(1)}, fresh);  // no policy knows of it
  ASSERT_EQ(report.items[0].outcome, Outcome::kNew) << report.items[0].message;
  EXPECT_EQ(label_of(report.items[0]).exercises, std::set<std::string>{kDrill});
}

}  // namespace
}  // namespace bongsu::flow
