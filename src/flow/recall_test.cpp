// Recall, rule by rule: each test is named for the rule of docs/release-rules that it holds.
#include <gtest/gtest.h>

#include "flow/recall_test_support.h"

namespace bongsu::flow::test {
namespace {

// A gives to B, B passes on to C.
struct Recalls : testing::Test {
  Recalls() : random(7), a("a", clock, random), b("b", clock, random), c("c", clock, random) {
    introduce({&a, &b, &c});
    a.agree("b", "a1", stix::Tlp::kAmber);
    b.agree("c", "b1", stix::Tlp::kAmber);
    c.agree("nobody", "c1", stix::Tlp::kClear);
  }
  void flow_on() {
    for (auto* edge : {&ab, &bc}) {
      edge->pull(1000);
      for (const auto& item : edge->wire) edge->deliver(item);
      edge->wire.clear();
    }
  }
  void settle() {
    for (int i = 0; i < 5; ++i)
      for (auto* edge : {&ab, &bc}) edge->exchange();
  }
  std::string publish(unsigned number, unsigned version = 0, std::string_view marking = kGreen,
                      std::string authority = "") {
    a.admit(indicator(number, {std::string(marking)}, version), "a1", "a", {}, std::move(authority));
    return id_of("indicator", number);
  }

  FakeClock clock;
  SeededRandom random;
  RecallNode a, b, c;
  RecallEdge ab{a, b, "a1", "b1"}, bc{b, c, "b1", "c1"};
};

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

TEST_F(Recalls, V3TheTombstoneWinsOverLateDoubledAndReorderedReleasesForEver) {
  const std::string id = publish(1);
  ab.pull(10);
  ASSERT_EQ(ab.wire.size(), 1U);
  const auto late = ab.wire[0];
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  const auto told = a.recall->told("b")->tombstones;
  ASSERT_EQ(told.size(), 1U) << "handed out is given, arrived or not";
  const auto receipt = b.recall->take("a", told[0]);
  ASSERT_TRUE(receipt) << receipt.error().text();
  ab.deliver(late);
  EXPECT_TRUE(b.readable(id).empty());
  b.restart();
  ab.deliver(late);
  EXPECT_TRUE(b.readable(id).empty()) << "after a restart";
  EXPECT_TRUE(b.recall->refuses("a", id, stix::Timestamp::parse(stamp(0))->key(), UINT64_MAX))
      << "whatever is decided later";
  EXPECT_EQ(b.recall->take("a", told[0])->text, receipt->text) << "the same again has the same answer";
  ASSERT_TRUE(a.recall->take_receipt("b", *receipt));
  ASSERT_TRUE(a.recall->take_receipt("b", *receipt));
  EXPECT_TRUE(a.recall->told("b")->tombstones.empty());
  publish(1, 1);
  flow_on();
  EXPECT_EQ(b.readable(id), std::set<std::string>{stamp(1)}) << "a new version is a new decision";
}

TEST_F(Recalls, V3OnlyTheGiverRecallsAndOnlyItsOwnCopies) {
  const std::string id = publish(1);
  flow_on();
  RecallNode stranger("b", clock, random);  // has B's name, not B's key
  Tombstone forged{
      .from = "a", .to = "b", .number = 1, .issued = clock.now(), .deadline = clock.now(), .objects = {{id, ""}}};
  const auto refused = b.recall->take("a", *sign_text(kTombstoneContext, forged.text(), stranger.key));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  forged.from = "c";
  EXPECT_TRUE(b.recall->take("c", *sign_text(kTombstoneContext, forged.text(), c.key))) << "C may recall what C gave";
  EXPECT_EQ(b.readable(id).size(), 1U) << "which is nothing of this";
  forged.to = "x";
  EXPECT_FALSE(b.recall->take("c", *sign_text(kTombstoneContext, forged.text(), c.key))) << "for another member";
  EXPECT_FALSE(b.recall->take("a", *sign_text(kTombstoneContext, forged.text(), c.key))) << "in another's name";
  EXPECT_FALSE(b.recall->take("c", *sign_text(kReceiptContext, forged.text(), c.key))) << "another kind of text";
  EXPECT_EQ(b.recall->refused().size(), 4U) << "each is named";
  EXPECT_EQ(b.readable(id).size(), 1U);
  EXPECT_EQ(c.readable(id).size(), 1U);
}

TEST_F(Recalls, V4IsTransitiveAndTellsNobodyWhoWasNotGivenIt) {
  const std::string id = publish(1), other = publish(2);
  ab.pull(1000);
  for (const auto& item : ab.wire) ab.deliver(item);
  ASSERT_TRUE(a.recall->recall({.object_id = other, .reason = RecallReason::kWithdrawn, .by = "anna"}));
  settle();
  EXPECT_TRUE(b.recall->orders(other).empty()) << "C had not read it yet";
  flow_on();
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kCompromised, .by = "anna"}));
  settle();
  EXPECT_TRUE(c.readable(id).empty());
  ASSERT_EQ(c.recall->taken().size(), 1U);
  EXPECT_EQ(c.recall->taken()[0].reason, RecallReason::kUpstream) << "why A recalled is between A and B";
  ASSERT_EQ(a.recall->orders(id).size(), 1U);
  EXPECT_EQ(a.recall->orders(id)[0].receipt->onward_open, 0U);
}

TEST_F(Recalls, V4WhatWasMadeOfItHereIsRecalledWithIt) {
  const std::string id = publish(1);
  flow_on();
  const std::string made = relationship(9, id, id_of("malware", 5), {std::string(kGreen)});
  ASSERT_EQ(b.admit(made, "b1", "b").admitted, 1U);
  b.referrers[id] = {id_of("relationship", 9), id_of("report", 1)};
  flow_on();
  ASSERT_EQ(c.readable(id_of("relationship", 9)).size(), 1U);
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  settle();
  EXPECT_TRUE(c.readable(id_of("relationship", 9)).empty());
  EXPECT_EQ(b.readable(id_of("relationship", 9)).size(), 1U) << "B keeps what it made itself";
}

TEST_F(Recalls, V6WhatComesBackByAThirdMemberIsNotTheGiversToRecall) {
  const std::string id = publish(1);
  flow_on();
  a.agree("c", "a1", stix::Tlp::kAmber);
  c.agree("nobody", "c2", stix::Tlp::kClear);
  RecallEdge ac{a, c, "a1", "c2"};
  ac.pull(1000);
  for (const auto& item : ac.wire) ac.deliver(item);
  ASSERT_TRUE(b.recall->recall({.object_id = id, .reason = RecallReason::kWithdrawn, .by = "ben"}));
  settle();
  EXPECT_EQ(c.readable(id).size(), 1U) << "A's own copy stays, B's is gone";
}

TEST_F(Recalls, V3WhatWasNarrowedComesBackByALaterDecisionAndByNoEarlierOne) {
  const std::string amber = publish(1, 0, kAmber);
  flow_on();
  const auto early = ab.history.front(), early_on = bc.history.front();
  a.agree("b", "a1", stix::Tlp::kGreen);
  settle();
  EXPECT_TRUE(b.readable(amber).empty());
  EXPECT_TRUE(c.readable(amber).empty());
  ab.deliver(early);
  bc.deliver(early_on);
  EXPECT_TRUE(b.readable(amber).empty()) << "decided before the tombstone";
  EXPECT_TRUE(c.readable(amber).empty());
  a.agree("b", "a1", stix::Tlp::kAmber);
  flow_on();
  EXPECT_EQ(b.readable(amber).size(), 1U) << "the same version, by a later decision";
  EXPECT_EQ(c.readable(amber).size(), 1U);
  ASSERT_TRUE(a.recall->recall({.object_id = amber, .reason = RecallReason::kErroneous, .by = "anna"}));
  settle();
  const auto late = ab.history.back();
  a.agree("b", "a1", stix::Tlp::kGreen);
  a.agree("b", "a1", stix::Tlp::kAmber);
  flow_on();
  ab.deliver(late);
  EXPECT_TRUE(b.readable(amber).empty()) << "withdrawn is for good";
  EXPECT_TRUE(c.readable(amber).empty());
}

TEST_F(Recalls, V3ATombstoneByNarrowingTakesNoCopyThatWasDecidedAfterIt) {
  const std::string amber = publish(1, 0, kAmber);
  flow_on();
  a.agree("b", "a1", stix::Tlp::kGreen);
  a.agree("b", "a1", stix::Tlp::kAmber);
  const auto told = a.recall->told("b")->tombstones;
  ASSERT_EQ(told.size(), 1U);
  flow_on();  // the release overtakes the tombstone
  ASSERT_EQ(ab.history.back().tombstones, 1U);
  b.restart();
  ab.cut();
  bc.cut();
  ASSERT_TRUE(b.recall->take("a", told[0]));
  EXPECT_EQ(b.readable(amber).size(), 1U);
  EXPECT_EQ(c.readable(amber).size(), 1U);
  EXPECT_TRUE(b.recall->orders().empty()) << "nothing was destroyed, so nobody further on is told";
  flow_on();
  settle();
  EXPECT_EQ(b.readable(amber).size(), 1U);
  // One that withdraws it for good asks nobody.
  ASSERT_TRUE(a.recall->recall({.object_id = amber, .reason = RecallReason::kErroneous, .by = "anna"}));
  settle();
  EXPECT_TRUE(b.readable(amber).empty());
  EXPECT_TRUE(c.readable(amber).empty());
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

TEST_F(Recalls, V10ThePreviewNamesWhomTheRecallWillTellAndDoesNothing) {
  const std::string id = publish(1);
  flow_on();
  const auto before = a.journal->last_seq();
  const RecallWish wish{.object_id = id, .reason = RecallReason::kErroneous, .by = "anna", .preview = true};
  const auto shown = a.recall->recall(wish);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->told, std::vector<std::string>{"b"});
  EXPECT_EQ(a.journal->last_seq(), before);
  EXPECT_TRUE(a.recall->orders().empty());
  EXPECT_TRUE(a.recall->told("b")->tombstones.empty());
  RecallWish done = wish;
  done.preview = false;
  EXPECT_EQ(a.recall->recall(done)->told, shown->told);
}

TEST(RecallBounds, WideningAndCappingRefuseMoreNeverLess) {
  SeededRandom random(3);
  for (int run = 0; run < 200; ++run) {
    RecallBounds bounds;
    std::vector<std::pair<std::uint64_t, std::string>> slow;
    std::optional<std::string> good;
    const unsigned steps = 1 + static_cast<unsigned>(random.below(30));
    for (unsigned i = 0; i < steps; ++i) {
      const std::string upto = random.below(20) == 0 ? "" : std::string(1, static_cast<char>('a' + random.below(20)));
      if (random.below(10) == 0) {
        bounds.add_for_good(upto);
        good = good ? wider(*good, upto) : upto;
      } else {
        slow.emplace_back(random.below(40), upto);
        bounds.add_decided(slow.back().first, upto);
      }
      bounds = *RecallBounds::parse(bounds.text());
    }
    for (char version = 'a'; version < 'u'; ++version)
      for (std::uint64_t after = 0; after < 41; ++after) {
        const std::string key(1, version);
        const bool due = (good && up_to(*good, key)) || std::ranges::any_of(slow, [&](const auto& step) {
                           return after < step.first && up_to(step.second, key);
                         });
        if (due) EXPECT_TRUE(bounds.refuses(key, after));
        if (!due && steps <= kMaxRecallSteps) EXPECT_FALSE(bounds.refuses(key, after));
      }
  }
}

TEST_F(Recalls, V8TheDeadlineChangesWhatIsReportedAndNothingElse) {
  const std::string id = publish(1);
  flow_on();
  ASSERT_TRUE(a.recall->recall(
      {.object_id = id, .reason = RecallReason::kErroneous, .deadline = std::chrono::seconds(1), .by = "anna"}));
  clock.jump_to(Instant{4'100'000'000, 0});
  EXPECT_EQ(a.recall->told("b")->tombstones.size(), 1U) << "told as long as there is no receipt";
  clock.jump_to(Instant{0, 0});
  settle();
  EXPECT_TRUE(c.readable(id).empty()) << "whatever the clocks say";
}

TEST_F(Recalls, WhatWasHandedOutJustBeforeACrashIsAskedOfTheCursor) {
  const std::string had = publish(1);
  flow_on();
  const std::string not_had = publish(2);
  a.restart();  // nothing was written down
  ab.cut();
  ASSERT_TRUE(a.recall->recall({.object_id = had, .reason = RecallReason::kErroneous, .by = "anna"}));
  ASSERT_TRUE(a.recall->recall({.object_id = not_had, .reason = RecallReason::kErroneous, .by = "anna"}));
  EXPECT_TRUE(a.recall->told("b")->tombstones.empty()) << "not known yet";
  ab.link();
  ASSERT_EQ(a.recall->told("b")->tombstones.size(), 1U);
  EXPECT_EQ(a.recall->orders(not_had).size(), 0U) << "it never had this one";
  settle();
  EXPECT_TRUE(b.readable(had).empty());
}

TEST_F(Recalls, TextsAreStrict) {
  const Tombstone t{
      .from = "a", .to = "b", .number = 1, .issued = clock.now(), .deadline = clock.now(), .objects = {{"x--y", ""}}};
  ASSERT_TRUE(Tombstone::parse(t.text()));
  std::string more = t.text();
  more.insert(1, R"("if":"x",)");
  EXPECT_FALSE(Tombstone::parse(more)) << "a field that is not understood";
  EXPECT_FALSE(RecallReceipt::parse(t.text()));
  Tombstone many = t;
  many.objects.assign(kMaxTombstoneObjects + 1, {"x--y", ""});
  EXPECT_EQ(Tombstone::parse(many.text()).error().code, ErrorCode::kTooLarge);
  many.objects = {{"x--y", "yesterday"}};
  EXPECT_FALSE(Tombstone::parse(many.text()));
}

}  // namespace
}  // namespace bongsu::flow::test
