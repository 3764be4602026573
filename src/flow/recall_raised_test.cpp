// Recall by labels and agreements: what a stricter version, or a narrower agreement, takes from whom (V1), and who may
// lower a label (V2).
#include <gtest/gtest.h>

#include "flow/facts.h"
#include "flow/recall_test_support.h"

namespace bongsu::flow::test {
namespace {

TEST_F(Recalls, V1ARaisedLabelTakesTheVersionsBeforeFromWhomItExcludes) {
  const std::string id = publish(1);
  flow_on();
  ASSERT_EQ(c.readable(id).size(), 1U);
  publish(1, 1, kRed);
  ASSERT_EQ(a.recall->orders(id).size(), 1U);
  EXPECT_EQ(a.recall->orders(id)[0].reason, RecallReason::kLabelRaised);
  settle();
  EXPECT_TRUE(b.readable(id).empty());
  EXPECT_TRUE(c.readable(id).empty());
  EXPECT_EQ(a.readable(id).size(), 2U) << "its owner keeps it";
}

// Other content of a version that is here is not admitted, so its label takes nothing from anybody.
TEST_F(Recalls, V1AStricterCopyOfAVersionThatStaysTakesNothing) {
  const std::string id = publish(1), erased = publish(2);
  publish(1, 1);
  publish(2, 1);
  flow_on();
  ASSERT_TRUE(a.journal->erase(erased, "a"));
  const auto all = ab.offered();
  const auto last = a.journal->last_seq();
  for (const unsigned number : {1U, 2U})
    EXPECT_EQ(a.admit(indicator(number, {std::string(kRed)}, 1), "a1", "a").items[0].outcome,
              AdmitItem::Outcome::kOtherBytes);
  EXPECT_EQ(a.journal->last_seq(), last);
  EXPECT_EQ(ab.offered(), all);
  EXPECT_TRUE(a.recall->orders().empty());
  EXPECT_FALSE(a.recall->barred(id, stix::Timestamp::parse(stamp(0))->key()));
  // What its giver says otherwise over a link takes the place of what it said, and what was before it from others.
  b.admit(indicator(1, {std::string(kRed)}, 1), "b1", "a");
  ASSERT_EQ(b.recall->orders(id).size(), 1U);
  EXPECT_EQ(b.recall->orders(id)[0].reason, RecallReason::kLabelRaised);
}

// GREEN, with an AMBER description: as a whole as strict as AMBER.
std::string in_parts(unsigned number, unsigned version = 0) {
  return indicator(number, {std::string(kGreen)}, version,
                   R"(,"description":"seen at the ministry","granular_markings":[{"marking_ref":")" +
                       std::string(kAmber) + R"(","selectors":["description"]}])");
}

TEST_F(Recalls, V1WhatWasGivenInPartIsTakenByAVersionThatIsStricterAroundItsParts) {
  a.agree("b", "a1", stix::Tlp::kGreen);
  const std::string id = id_of("indicator", 1);
  a.admit(in_parts(1), "a1", "a");
  flow_on();
  ASSERT_EQ(c.readable(id).size(), 1U);
  a.admit(in_parts(1, 1), "a1", "a");
  EXPECT_TRUE(a.recall->orders(id).empty()) << "as open as before";
  publish(1, 2, kAmber);
  ASSERT_EQ(a.recall->orders(id).size(), 1U);
  EXPECT_EQ(a.recall->orders(id)[0].reason, RecallReason::kLabelRaised);
  settle();
  EXPECT_TRUE(b.readable(id).empty());
  EXPECT_TRUE(c.readable(id).empty());
  EXPECT_TRUE(ab.offered().empty());
}

TEST_F(Recalls, V1OfTwoVersionsInOneBatchTheFirstGoesInNoPartToWhoMayNotHaveTheSecond) {
  a.agree("b", "a1", stix::Tlp::kGreen);
  const std::vector<Result<stix::Object>> both{stix::Object::parse(in_parts(1)),
                                               stix::Object::parse(indicator(1, {std::string(kAmber)}, 1))};
  ASSERT_TRUE(a.admission->admit(both, {.collection = "a1", .origin = "a", .fallback = stix::Tlp::kGreen}));
  EXPECT_TRUE(ab.offered().empty());
}

// What another member gave as a whole, or the same one says more strictly when it comes again, goes on in no part.
TEST_F(Recalls, V6ACopyThatIsWeakerAroundItsPartsGetsTheLabelOfTheOther) {
  const auto own = [&](const AdmitReport& report) {
    const auto entry = b.journal->snapshot()->entry(report.items.at(0).seq);
    return policy::own_part(*policy::Label::parse(stored_label(entry->label))).tlp;
  };
  b.admit(indicator(1, {std::string(kAmber)}), "b1", "a");
  EXPECT_EQ(own(b.admit(in_parts(1), "b2", "c")), stix::Tlp::kAmber);
  ASSERT_EQ(own(b.admit(in_parts(2), "b1", "a")), stix::Tlp::kGreen);
  const std::vector<Result<stix::Object>> again{stix::Object::parse(in_parts(2))};
  const auto report = b.admission->admit(
      again,
      {.collection = "b1", .origin = "a", .fallback = stix::Tlp::kGreen, .replaces = true, .labels = {"amber marked"}});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->items[0].outcome, AdmitItem::Outcome::kReplaced);
  EXPECT_EQ(own(*report), stix::Tlp::kAmber);
}

TEST_F(Recalls, V1OfTwoVersionsInOneBatchTheFirstGoesToNobodyWhoMayNotHaveTheSecond) {
  for (const bool raised_first : {false, true}) {
    const unsigned number = raised_first ? 2 : 1;
    std::vector<Result<stix::Object>> both{stix::Object::parse(indicator(number, {std::string(kGreen)})),
                                           stix::Object::parse(indicator(number, {std::string(kRed)}, 1))};
    if (raised_first) std::swap(both[0], both[1]);
    ASSERT_TRUE(a.admission->admit(both, {.collection = "a1", .origin = "a", .fallback = stix::Tlp::kGreen}));
  }
  EXPECT_TRUE(ab.offered().empty());
}

TEST_F(Recalls, V1ANarrowerAgreementTakesWhatItDoesNotCoverAnyMore) {
  const std::string amber = publish(1, 0, kAmber), green = publish(2);
  flow_on();
  a.agree("b", "a1", stix::Tlp::kGreen);
  ASSERT_EQ(a.recall->orders().size(), 1U);
  EXPECT_EQ(a.recall->orders()[0].reason, RecallReason::kNarrowed);
  settle();
  EXPECT_TRUE(b.readable(amber).empty());
  EXPECT_TRUE(c.readable(amber).empty());
  EXPECT_EQ(c.readable(green).size(), 1U);
}

// A version that went to whoever may have the stricter one after it goes with that, whether anybody has read it or not.
TEST_F(Recalls, V1ANarrowerAgreementTakesTheVersionsBeforeOneThatItDoesNotCoverAnyMore) {
  const std::string read = publish(1), unread = publish(2), other = publish(3);
  publish(1, 1, kAmber);
  flow_on();
  publish(2, 1, kAmber);
  const auto all = ab.offered();
  ASSERT_EQ(all.size(), 5U);
  a.agree("b", "a1", stix::Tlp::kAmberStrict);
  EXPECT_EQ(ab.offered(), all) << "whoever may have the stricter one keeps what was before it";
  a.agree("b", "a1", stix::Tlp::kGreen);
  const std::set<std::pair<std::string, std::string>> left{{other, stamp(0)}};
  EXPECT_EQ(ab.offered(), left);
  settle();
  ab.cut();
  b.restart();
  flow_on();
  for (auto* node : {&b, &c}) {
    EXPECT_TRUE(node->readable(read).empty()) << node->self;
    EXPECT_TRUE(node->readable(unread).empty()) << node->self;
    EXPECT_EQ(node->readable(other).size(), 1U) << node->self;
  }
  // Agreed again, the raised ones come, and those before them to nobody any more.
  a.agree("b", "a1", stix::Tlp::kAmber);
  EXPECT_EQ(ab.offered(),
            (std::set<std::pair<std::string, std::string>>{{other, stamp(0)}, {read, stamp(1)}, {unread, stamp(1)}}));
}

TEST_F(Recalls, V1ALabelThatRunsOutOrIsRaisedTakesTheVersionsBeforeIt) {
  policy::Label label = policy::bottom();
  label.expires = clock.now() + std::chrono::hours(1);
  const std::string marking = label_marking(label), expiring = publish(1), referring = publish(2), other = publish(3);
  a.admit(marking, "a1", "a");
  a.admit(indicator(1, {std::string(kGreen), id_in(marking)}, 1), "a1", "a");
  const std::string end = id_of("malware", 4);
  a.referrers[end] = {referring};
  a.admit(indicator(2, {std::string(kAmber)}, 1, R"(,"x_refs":[")" + end + "\"]"), "a1", "a");
  ASSERT_EQ(ab.offered().size(), 6U) << "the marking, too";
  flow_on();
  a.admit(malware(4, {std::string(kRed)}), "a1", "a");
  const auto all = ab.offered();
  for (const unsigned version : {0U, 1U}) {
    EXPECT_FALSE(all.contains({referring, stamp(version)})) << version;
    EXPECT_TRUE(all.contains({expiring, stamp(version)})) << version;
  }
  clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(a.release->keep_up());
  for (const unsigned version : {0U, 1U}) EXPECT_FALSE(ab.offered().contains({expiring, stamp(version)})) << version;
  settle();
  for (auto* node : {&b, &c})
    for (const auto& gone : {expiring, referring}) EXPECT_TRUE(node->readable(gone).empty()) << node->self;
  EXPECT_EQ(c.readable(other).size(), 1U);
}

TEST_F(Recalls, V2ALabelIsLoweredByNamedAuthorityOnly) {
  const std::string id = publish(1, 0, kAmber);
  auto refused = a.admit(indicator(1, {std::string(kGreen)}, 1), "a1", "a");
  ASSERT_EQ(refused.refused, 1U);
  EXPECT_NE(refused.items[0].message.find("authority"), std::string::npos);
  EXPECT_EQ(a.admit(indicator(1, {std::string(kGreen)}, 1), "a1", "a", {}, "head of CERT").admitted, 1U);
  bool noted = false;
  const auto snapshot = a.journal->snapshot();
  for (const auto& entry : *snapshot->entries(0, 100))
    if (entry.kind == journal::EntryKind::kNote)
      noted = noted || snapshot->payload(entry.seq)->find("head of CERT") != std::string::npos;
  EXPECT_TRUE(noted) << "who lowered it stands in the journal";
  (void)id;
}

TEST_F(Recalls, V2AVersionThatIsLowerAroundItsPartsLowersTheLabel) {
  publish(1, 0, kAmber);
  EXPECT_EQ(a.admit(in_parts(1, 1), "a1", "a").refused, 1U) << "as strict as a whole, and the rest of it GREEN";
  EXPECT_EQ(a.admit(in_parts(1, 1), "a1", "a", {}, "head of CERT").admitted, 1U);
  EXPECT_EQ(a.admit(in_parts(1, 2), "a1", "a").admitted, 1U) << "as low as before";
}

// Taken back in one collection it is given to nobody any more in any; whoever may have it keeps what stands in another.
struct BarredElsewhere : Recalls {
  BarredElsewhere() { a.collections.push_back("a2"); }
  void join(const std::string& member) {
    a.policy.members[member];
    policy::Agreement& agreed = a.policy.agreements[member];
    agreed = agreement({"a1", "a2"}, stix::Tlp::kAmber, {"*"}, true);
    agreed.partner = member;
    ASSERT_TRUE(a.release->apply(a.policy, a.collections));
  }
  void admit_in_both(const std::string& text) {
    for (const char* collection : {"a1", "a2"}) a.admit(text, collection, "a");
  }
  bool shown(const std::string& member, const std::string& id) {
    const auto reading = a.release->open(member, "a1");
    EXPECT_TRUE(reading);
    return std::ranges::any_of(reading->snapshot->page({.view = reading->view, .last = false, .all = true})->rows,
                               [&](const auto& row) { return row.object_id == id; });
  }
};

TEST_F(BarredElsewhere, V1WhoJoinsThoseWhoKeepItReadsNothingThatItMayNotHave) {
  const std::string id = id_of("indicator", 1);
  join("b");
  a.admit(releasable_to({"b"}), "private", "a");  // which would tell them apart by itself
  admit_in_both(indicator(1, {std::string(kGreen), releasable_id({"b"})}));
  ASSERT_TRUE(a.admission->remove("a2", id, "", "a"));
  ASSERT_TRUE(a.recall->barred(id, stix::Timestamp::parse(stamp(0))->key()));
  ASSERT_TRUE(shown("b", id));
  join("d");
  EXPECT_FALSE(shown("d", id));
  EXPECT_TRUE(shown("b", id));
}

TEST_F(BarredElsewhere, V1ARaisedLabelTakesItFromWhomItExcludesAndFromNobodyElse) {
  const std::string end = id_of("indicator", 1), relation = id_of("relationship", 3);
  a.referrers[end] = {relation};
  join("b");
  join("d");
  a.admit(indicator(2, {std::string(kGreen)}), "a1", "a");
  admit_in_both(relationship(3, end, id_of("indicator", 2), {std::string(kGreen)}));
  ASSERT_TRUE(a.admission->remove("a2", relation, "", "a"));
  ASSERT_TRUE(a.recall->barred(relation, stix::Timestamp::parse(stamp(0))->key()));
  ASSERT_TRUE(shown("b", relation) && shown("d", relation));
  a.admit(releasable_to({"b"}), "private", "a");  // which would tell them apart by itself
  a.admit(indicator(1, {std::string(kGreen), releasable_id({"b"})}), "a2", "a");
  EXPECT_FALSE(shown("d", relation));
  EXPECT_TRUE(shown("b", relation));
}

// What is lost without a tombstone comes back with what arrives late; a stricter version brings one.
TEST_F(Recalls, V1WhatWasErasedIsTakenByAStricterVersionFromWhomItExcludes) {
  const std::string id = publish(1), late = publish(2);
  ab.pull(2);  // under way while it is erased
  for (const auto& one : {id, late}) ASSERT_TRUE(a.journal->erase(one, "a"));
  publish(2, 1);
  flow_on();
  ASSERT_EQ(b.readable(id).size(), 1U);
  ASSERT_TRUE(b.admission->remove("b1", id, "", "b", {}, RecallReason::kUpstream));  // the tail tells that it is gone
  publish(1, 1, kRed);
  const auto orders = a.recall->orders(id);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].reason, RecallReason::kLabelRaised);
  EXPECT_EQ(orders[0].objects, (std::vector{RecallRange{id, stamp(0)}}));
  EXPECT_TRUE(a.recall->orders(late).empty()) << "as open as before";
  settle();
  ASSERT_TRUE(a.admission->remove("a1", id, "", "a"));
  EXPECT_EQ(a.recall->orders(id).size(), 1U) << "B has no part in the stricter one";
  for (const auto& item : std::vector(ab.history)) ab.deliver(item);
  EXPECT_EQ(b.readable(id).size(), 0U);
  EXPECT_EQ(b.readable(late).size(), 2U);
}

// Whoever was not handed what was erased is told nothing by the stricter version.
TEST_F(Recalls, V4OfWhatWasErasedWhoWasNotHandedItIsNotToldByAStricterVersion) {
  const std::string id = publish(1);
  ASSERT_TRUE(a.journal->erase(id, "a"));
  publish(1, 1, kRed);
  EXPECT_TRUE(a.recall->orders().empty());
  const std::string given = publish(2);
  flow_on();
  ASSERT_TRUE(b.journal->erase(given, "b"));
  b.admit(indicator(2, {std::string(kRed)}, 1), "b1", "a");
  ASSERT_EQ(b.recall->orders(given).size(), 1U);
  EXPECT_EQ(b.recall->orders(given)[0].member, "c");
}

TEST_F(Recalls, V1WhatAnAgreementLeavesOutIsTakenBackAndAStopTakesNothing) {
  const std::string green = publish(1);
  flow_on();
  a.policy.members["b"].stopped = true;
  ASSERT_TRUE(a.release->apply(a.policy, a.collections));
  EXPECT_TRUE(a.recall->orders().empty()) << "a stop is a pause";
  a.policy.members["b"].stopped = false;
  ASSERT_TRUE(a.release->apply(a.policy, a.collections));
  a.leave("b");
  ASSERT_EQ(a.recall->orders().size(), 1U);
  EXPECT_EQ(a.recall->orders()[0].reason, RecallReason::kNarrowed);
  settle();
  EXPECT_TRUE(b.readable(green).empty());
  EXPECT_TRUE(c.readable(green).empty());
  a.agree("b", "a1", stix::Tlp::kAmber);
  ab.cut();
  flow_on();
  EXPECT_EQ(c.readable(green).size(), 1U) << "agreed again";
  a.policy.agreements.erase("b");
  ASSERT_TRUE(a.release->apply(a.policy, a.collections));
  settle();
  EXPECT_TRUE(c.readable(green).empty()) << "the agreement was ended";
}
}  // namespace
}  // namespace bongsu::flow::test
