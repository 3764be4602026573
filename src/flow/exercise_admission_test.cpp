// What belongs to an exercise and what is live do not meet.
#include <gtest/gtest.h>

#include <algorithm>

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
  EXPECT_EQ(node.sees("cert-a", "drill")->size(), 3U);
  EXPECT_TRUE(node.sees("cert-b", "drill")->empty()) << "its agreement is not for exercises";
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
  EXPECT_EQ(node.sees("cert-a", "drill")->size(), 2U);
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

}  // namespace
}  // namespace bongsu::flow
