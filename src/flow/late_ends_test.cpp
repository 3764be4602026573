// What refers to an object is no more open than the object, also where that comes, or is raised, after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "flow/facts.h"
#include "flow/recall_test_support.h"

namespace bongsu::flow::test {
namespace {

const std::string kOne = id_of("indicator", 1), kTwo = id_of("indicator", 2), kRelation = id_of("relationship", 3);

// Each knows what refers to what.
struct LateEnds : RecallChain {
  LateEnds() : RecallChain(stix::Tlp::kGreen) {
    for (auto* node : {&a, &b, &c})
      for (const auto& end : {kOne, kTwo}) node->referrers[end] = {kRelation};
  }
  void publish(unsigned number, std::string_view marking, unsigned version = 0) {
    a.admit(indicator(number, {std::string(marking)}, version), "a1", "a");
  }
  void relate() { a.admit(relationship(3, kOne, kTwo, {std::string(kGreen)}), "a1", "a"); }
  // Two open ends and their relation, to whoever is given something.
  void give_related() {
    publish(1, kGreen);
    publish(2, kGreen);
    relate();
    flow_on();
  }
  static bool has(RecallNode& node, const std::string& id) { return !node.readable(id).empty(); }
  static stix::Tlp level(RecallNode& node, const std::string& id) {
    const auto entries = node.journal->snapshot()->versions("", id);
    return policy::Label::parse(stored_label(entries->at(0).label))->tlp;
  }
};

TEST_F(LateEnds, D2_ARelationIsTakenBackWhenItsEndIsRaisedAboveWhoHasIt) {
  give_related();
  ASSERT_TRUE(has(b, kRelation));
  ASSERT_TRUE(has(c, kRelation));
  publish(1, kRed, 1);
  ASSERT_EQ(a.recall->orders(kRelation).size(), 1U);
  EXPECT_TRUE(ab.offered().contains({kTwo, stamp(0)})) << "the other end is as open as it was";
  EXPECT_EQ(ab.offered().size(), 1U);
  settle();
  EXPECT_FALSE(has(b, kRelation));
  EXPECT_FALSE(has(c, kRelation));
  EXPECT_TRUE(has(a, kRelation));
  // And who comes later gets it neither.
  a.agree("d", "a1", stix::Tlp::kAmber);
  const auto reading = a.release->open("d", "a1");
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->snapshot->page({.view = reading->view})->rows.size(), 1U);
}

TEST_F(LateEnds, D2_ARelationIsTakenBackWhenWhatItNamedBeforeItCameComes) {
  publish(2, kGreen);
  relate();
  flow_on();
  ASSERT_TRUE(has(b, kRelation)) << "nothing is known against it";
  publish(1, kRed);
  ASSERT_EQ(a.recall->orders(kRelation).size(), 1U);
  settle();
  EXPECT_FALSE(has(b, kRelation));
  EXPECT_EQ(level(a, kRelation), stix::Tlp::kRed);
}

TEST_F(LateEnds, WhoMayHaveTheRaisedEndKeepsTheRelationAndSeesNothingOfIt) {
  give_related();
  const auto last = a.journal->views()->at(0).last;
  publish(1, kAmber, 1);
  EXPECT_TRUE(a.recall->orders(kRelation).empty());
  EXPECT_EQ(a.journal->views()->at(0).last, last + 1) << "the end alone is told anew";
  EXPECT_EQ(level(a, kRelation), stix::Tlp::kAmber);
  // An end that is lowered again lowers nothing with it.
  a.admit(indicator(1, {std::string(kGreen)}, 2), "a1", "a", {}, "head of CERT");
  EXPECT_EQ(level(a, kRelation), stix::Tlp::kAmber);
}

TEST_F(LateEnds, D3_WhatRefersToTheRelationFollows) {
  const std::string report = id_of("report", 4);
  a.referrers[kRelation] = {report};
  publish(1, kGreen);
  publish(2, kGreen);
  relate();
  a.admit(fmt::format(R"({{"type":"report","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z",)"
                      R"("modified":"2026-01-01T00:00:00.000Z","name":"n","published":"2026-01-01T00:00:00.000Z",)"
                      R"("object_refs":["{}"],"object_marking_refs":["{}"]}})",
                      report, kRelation, kGreen),
          "a1", "a");
  flow_on();
  ASSERT_TRUE(has(b, report));
  publish(1, kRed, 1);
  settle();
  EXPECT_EQ(level(a, report), stix::Tlp::kRed);
  EXPECT_FALSE(has(b, report));
  EXPECT_FALSE(has(c, report));
}

TEST_F(LateEnds, WhatWasDeletedAndComesBackNarrowerCounts) {
  give_related();
  ASSERT_TRUE(a.admission->remove("a1", kOne, "", "a"));
  settle();
  ASSERT_TRUE(has(b, kRelation)) << "a deletion hides nothing";
  publish(1, kRed, 1);
  settle();
  EXPECT_FALSE(has(b, kRelation));
}

TEST_F(LateEnds, WhatWasRecalledFromHereAndComesBackNarrowerCounts) {
  publish(1, kGreen);
  publish(2, kGreen);
  b.admit(relationship(3, kOne, kTwo, {std::string(kGreen)}), "b1", "d");  // somebody else's: no recall of a's takes it
  flow_on();
  ASSERT_EQ(level(b, kRelation), stix::Tlp::kGreen);
  ASSERT_TRUE(a.recall->recall({.object_id = kOne, .reason = RecallReason::kErroneous, .by = "anna"}));
  settle();
  ASSERT_FALSE(has(b, kOne));
  publish(1, kAmber, 1);
  flow_on();
  ASSERT_TRUE(has(b, kOne));
  EXPECT_EQ(level(b, kRelation), stix::Tlp::kAmber);
}

// What refers to a recalled object may be all that is left of it: where that can't be told, nothing is done by halves.
TEST_F(LateEnds, WhereReferrersCannotBeToldARecallFailsWholeAndCanBeRepeated) {
  give_related();
  b.admit(relationship(9, kOne, kTwo, {std::string(kGreen)}), "b1", "b");
  b.referrers[kOne].push_back(id_of("relationship", 9));
  flow_on();
  b.referrers_fail = Error{ErrorCode::kIo, "the index is being repaired", {}};
  ASSERT_TRUE(a.recall->recall({.object_id = kOne, .reason = RecallReason::kErroneous, .by = "anna"}));
  const auto told = a.recall->told("b")->tombstones;
  ASSERT_EQ(told.size(), 1U);
  const auto taken = b.recall->take("a", told[0]);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kIo);
  EXPECT_TRUE(has(b, kOne)) << "without its referrers nothing of it is recalled";
  b.referrers_fail.reset();
  settle();
  EXPECT_FALSE(has(b, kOne));
  EXPECT_EQ(b.recall->orders(id_of("relationship", 9)).size() + b.recall->orders(kOne).size(), 2U);
}

TEST_F(LateEnds, WhereReferrersCannotBeToldAnEndIsFollowedLater) {
  give_related();
  a.referrers_fail = Error{ErrorCode::kIo, "the index is being repaired", {}};
  publish(1, kRed, 1);
  EXPECT_FALSE(a.admission->follow_ends());
  EXPECT_EQ(level(a, kRelation), stix::Tlp::kGreen);
  a.referrers_fail.reset();
  ASSERT_TRUE(a.admission->follow_ends());
  EXPECT_EQ(level(a, kRelation), stix::Tlp::kRed);
}

// Whoever gave the relation is told nothing of what is known here of its ends.
TEST_F(LateEnds, D7_ToWhoGaveItARaisedRelationIsWhatItWas) {
  publish(2, kGreen);
  relate();
  flow_on();
  b.admit(indicator(1, {std::string(kRed)}), "b1", "b");
  const auto stored = b.journal->snapshot()->versions("b1", kRelation)->at(0).label;
  EXPECT_EQ(policy::Label::parse(stored_label(stored))->tlp, stix::Tlp::kRed);
  EXPECT_EQ(policy::Label::parse(label_for(stored, "a"))->tlp, stix::Tlp::kGreen);
  settle();
  EXPECT_FALSE(has(c, kRelation));
}

// A gives its relation to B and to C, who are not to have what the other gave. B then sends what the relation names.
struct LateEndOfAnother : LateEnds {
  LateEndOfAnother() {
    a.agree("c", "a1", stix::Tlp::kAmber);
    for (const char* member : {"b", "c"}) a.policy.agreements[member].passes_on.clear();
    EXPECT_TRUE(a.release->apply(a.policy, a.collections));
    publish(2, kGreen);
    relate();
  }
  bool shown(const std::string& member) {
    const auto reading = a.release->open(member, "a1");
    EXPECT_TRUE(reading);
    return std::ranges::any_of(reading->snapshot->page({.view = reading->view, .last = false, .all = true})->rows,
                               [](const auto& row) { return row.object_id == kRelation; });
  }
};

TEST_F(LateEndOfAnother, NobodyTakesWhatIsOursFromOthersBySendingWhatItNames) {
  ASSERT_TRUE(shown("b") && shown("c"));
  a.admit(indicator(1, {std::string(kGreen)}), "from-b", "b");
  EXPECT_TRUE(shown("b"));
  EXPECT_TRUE(shown("c"));
  // What is made here of what B gave is B's as ever.
  a.admit(relationship(5, kOne, kTwo, {std::string(kGreen)}), "a1", "a");
  const auto reading = a.release->open("c", "a1");
  ASSERT_TRUE(reading);
  for (const auto& row : reading->snapshot->page({.view = reading->view, .last = false, .all = true})->rows)
    EXPECT_THAT(row.object_id, testing::AllOf(testing::Ne(kOne), testing::Ne(id_of("relationship", 5))));
}

TEST_F(LateEndOfAnother, D2_ItsLabelCounts) {
  a.admit(indicator(1, {std::string(kRed)}), "a1", "b");
  EXPECT_EQ(level(a, kRelation), stix::Tlp::kRed);
  EXPECT_FALSE(shown("c"));
  EXPECT_EQ(a.recall->orders(kRelation).size(), 0U) << "nobody has read it";
}

TEST_F(LateEnds, WhatRefersIsDecidedAgainInPartsAndGoesOnAfterACrash) {
  constexpr unsigned kMany = 1300;  // more than is done behind one admission
  publish(1, kGreen);
  publish(2, kGreen);
  std::vector<std::string> all;
  for (unsigned i = 0; i < kMany; ++i) {
    all.push_back(id_of("relationship", 100 + i));
    a.admit(relationship(100 + i, kOne, kTwo, {std::string(kGreen)}), "a1", "a");
  }
  a.referrers[kOne] = a.referrers[kTwo] = all;
  flow_on();
  publish(1, kRed, 1);
  const std::size_t at_once = kMany + 1 - ab.offered().size();
  EXPECT_GT(at_once, 100U);
  EXPECT_LT(at_once, kMany);
  a.restart();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(a.admission->follow_ends());
  EXPECT_EQ(ab.offered().size(), 1U);
}

// Many versions of few objects: what is bounded is what rises, and the journal takes less still.
TEST_F(LateEnds, WhatIsMoreThanTheJournalTakesAtOnceIsDoneInParts) {
  publish(1, kGreen);
  const std::string note = id_of("note", 4);
  a.referrers[kOne] = {note, id_of("relationship", 5)};
  constexpr unsigned kVersions = 40;
  for (unsigned version = 0; version < kVersions; ++version)
    a.admit(fmt::format(R"({{"type":"note","spec_version":"2.1","id":"{}","created":"{}","modified":"{}","content":"c",)"
                        R"("object_refs":["{}"],"object_marking_refs":["{}"]}})",
                        note, stamp(0), stamp(version), kOne, kGreen),
            "a1", "a");
  a.admit(relationship(5, kOne, kTwo, {std::string(kGreen)}), "a1", "a");
  a.journal->take_labels_at_once(7);
  publish(1, kRed, 1);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(a.admission->follow_ends());
  const auto entries = a.journal->snapshot()->versions("", note);
  ASSERT_EQ(entries->size(), kVersions);
  for (const auto& entry : *entries) EXPECT_EQ(policy::Label::parse(stored_label(entry.label))->tlp, stix::Tlp::kRed);
  EXPECT_EQ(level(a, id_of("relationship", 5)), stix::Tlp::kRed);
}

TEST_F(LateEnds, WhatCannotBeReadHoldsNothingElseUp) {
  publish(1, kGreen);
  publish(2, kGreen);
  relate();
  a.admit(relationship(5, kOne, kTwo, {std::string(kGreen)}), "a1", "a");
  a.referrers[kOne] = {kRelation, id_of("relationship", 5)};
  a.journal->damage(a.journal->snapshot()->versions("", kRelation)->at(0).seq);
  publish(1, kRed, 1);
  EXPECT_EQ(level(a, id_of("relationship", 5)), stix::Tlp::kRed);
}

TEST_F(LateEnds, AWriteThatFailsBehindTheRaisedEndIsMadeUpForAfterACrash) {
  give_related();
  a.journal->fail_after(2);  // the second
  publish(1, kRed, 1);
  a.journal->heal();
  ASSERT_TRUE(a.recall->orders(kRelation).empty()) << "not written";
  a.restart();
  ASSERT_TRUE(a.admission->follow_ends());
  EXPECT_EQ(a.recall->orders(kRelation).size(), 1U);
}

TEST_F(LateEnds, WhoKnowsWhatRefersIsWaitedFor) {
  give_related();
  a.referrers_upto = a.journal->last_seq() - 1;
  a.referrers[kOne].clear();  // it has not read the relation
  publish(1, kRed, 1);
  ASSERT_TRUE(a.admission->follow_ends());
  EXPECT_TRUE(a.recall->orders(kRelation).empty());
  a.referrers[kOne] = {kRelation};
  a.referrers_upto.reset();
  ASSERT_TRUE(a.admission->follow_ends());
  EXPECT_EQ(a.recall->orders(kRelation).size(), 1U);
}

}  // namespace
}  // namespace bongsu::flow::test
