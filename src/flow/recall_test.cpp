// Recall, rule by rule: each test is named for the rule of docs/release-rules that it holds.
#include <gtest/gtest.h>

#include <array>
#include <future>

#include "flow/exercise_rules.h"
#include "flow/facts.h"
#include "flow/lowering_gate.h"
#include "flow/recall_states.h"
#include "flow/recall_test_support.h"

namespace bongsu::flow::test {
namespace {

// A tombstone names an id: a drill with the id of a live object takes nothing live from anybody.
TEST_F(Recalls, ADrillThatTakesItsCopyBackTakesNothingLive) {
  const std::string exercise = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  for (auto* node : {&a, &b}) {
    const std::string partner = node == &a ? "b" : "c", drill = node == &a ? "drill" : "b-drill";
    node->policy.exercises[drill] = exercise;
    node->collections.push_back(drill);
    auto& agreement = node->policy.agreements[partner];
    agreement.collections.push_back(drill);
    agreement.purposes = {policy::Purpose::kOperations, policy::Purpose::kExercise};
    ASSERT_TRUE(node->release->apply(node->policy, node->collections));
  }
  RecallEdge drill{a, b, "drill", "b-drill"};
  const auto play = [&] {
    drill.pull(1000);
    for (const auto& item : drill.wire) drill.deliver(item);
    drill.wire.clear();
  };
  const std::string id = publish(1);
  flow_on();
  a.admit(indicator(1), "drill", "a");
  play();
  ASSERT_EQ(b.journal->snapshot()->versions("b-drill", id)->size(), 1U);
  a.admit(indicator(1, {std::string(kRed)}, 1), "drill", "a");  // raised
  ASSERT_TRUE(a.admission->remove("drill", id, "", "a"));       // and taken back
  EXPECT_TRUE(a.recall->orders(id).empty());
  settle();
  EXPECT_EQ(b.journal->snapshot()->versions("b1", id)->size(), 1U);
  EXPECT_EQ(c.readable(id).size(), 1U);
  EXPECT_FALSE(a.recall->barred(id, "")) << "and it goes on";
  // The drill's own objects are recalled as all are.
  a.admit(indicator(2), "drill", "a");
  play();
  ASSERT_TRUE(a.admission->remove("drill", id_of("indicator", 2), "", "a"));
  EXPECT_EQ(a.recall->orders(id_of("indicator", 2)).size(), 1U);
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
  forged.number = 2;
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

// What B gave C was replaced at B by another copy of the same version, which C has not read.
TEST_F(Recalls, V4WhoeverWasHandedACopyThatWasReplacedIsTold) {
  for (const bool crashed : {false, true}) {
    const unsigned number = crashed ? 2 : 1;
    const std::string id = publish(number);
    flow_on();
    ASSERT_EQ(c.readable(id).size(), 1U);
    const auto early = bc.history.back();
    ASSERT_EQ(early.object_id, id);
    const std::string other = indicator(number, {std::string(kGreen)}, 0, R"(,"description":"redacted otherwise")");
    ASSERT_EQ(b.admit(other, "b1", "a").items[0].outcome, AdmitItem::Outcome::kReplaced);
    if (crashed) {
      bc.cut();
      b.restart();
    }
    ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
    ab.exchange();
    ASSERT_EQ(b.recall->orders(id).size(), 1U);
    if (crashed) {
      EXPECT_TRUE(b.recall->told("c")->tombstones.empty()) << "it is not known what C was handed";
      bc.link();  // its cursor tells
    }
    settle();
    EXPECT_TRUE(c.readable(id).empty());
    bc.deliver(early);
    EXPECT_TRUE(c.readable(id).empty()) << "and it does not come back";
    ASSERT_EQ(a.recall->orders(id).size(), 1U);
    EXPECT_EQ(a.recall->orders(id)[0].receipt->onward_open, 0U);
  }
}

// C confirms what B took away by itself in the moment in which B is told by A that all of it is recalled.
TEST_F(Recalls, V4AReceiptThatCrossesATombstoneIsCountedForIt) {
  const std::string id = publish(1);
  flow_on();
  ASSERT_TRUE(b.admission->remove("b1", id, "", "b", {}, RecallReason::kUpstream));  // its tail said that it is gone
  const auto confirmed = c.recall->take("b", b.recall->told("c")->tombstones.front());
  ASSERT_TRUE(confirmed);
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  const auto tombstone = a.recall->told("b")->tombstones.front();
  std::future<Result<SignedText>> taking;
  b.journal->before_next_append([&] {
    taking = std::async(std::launch::async, [&] { return b.recall->take("a", tombstone); });
    taking.wait_for(std::chrono::milliseconds(50));  // it gets as far as it can
  });
  ASSERT_TRUE(b.recall->take_receipt("c", *confirmed));
  ASSERT_TRUE(taking.get());
  settle();
  ASSERT_TRUE(a.recall->orders(id).front().receipt);
  EXPECT_EQ(a.recall->orders(id).front().receipt->onward_open, 0U);
  for (auto* node : {&b, &a}) node->restart();
  EXPECT_EQ(b.recall->taken(id).front().onward_open, 0U);
}

TEST_F(Recalls, V4AReceiptThatIsNotPassedOnAtOnceIsPassedOnLater) {
  const std::string id = publish(1);
  flow_on();
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  ab.exchange();
  const auto confirmed = c.recall->take("b", b.recall->told("c")->tombstones.front());
  ASSERT_EQ(a.recall->orders(id).front().receipt->onward_open, 1U);
  b.journal->fail_after(2);  // the receipt is written, and what it changes is not
  EXPECT_FALSE(b.recall->take_receipt("c", *confirmed));
  b.journal->heal();
  ASSERT_TRUE(b.recall->orders(id).front().receipt);
  b.restart();
  ASSERT_TRUE(b.recall->write_down());
  ab.exchange();
  EXPECT_EQ(a.recall->orders(id).front().receipt->onward_open, 0U);
}

// An erasure withdraws rows and tells nobody; what it leaves with others is not forgotten.
TEST_F(Recalls, V4WhoeverWasHandedWhatWasErasedSinceIsToldByALaterRecallOfTheObject) {
  enum { kRecalled, kNothingIsLeft, kDeleted, kErasedOnTheWay };
  for (const int how : {kRecalled, kNothingIsLeft, kDeleted, kErasedOnTheWay}) {
    const auto number = static_cast<unsigned>(how);
    const std::string id = publish(number);
    flow_on();
    ASSERT_EQ(c.readable(id).size(), 1U);
    RecallNode& eraser = how == kErasedOnTheWay ? b : a;
    ASSERT_TRUE(eraser.journal->erase(id, eraser.self));
    if (how == kRecalled || how == kDeleted) publish(number, 1);  // B has not read it
    if (how == kDeleted)
      ASSERT_TRUE(a.admission->remove("a1", id, "", "a"));
    else
      ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
    ASSERT_EQ(a.recall->orders(id).size(), 1U) << how;
    EXPECT_EQ(a.recall->orders(id)[0].objects, (std::vector{RecallRange{id, stamp(0)}})) << "what B was handed";
    settle();
    EXPECT_TRUE(b.readable(id).empty()) << how;
    EXPECT_TRUE(c.readable(id).empty()) << how;
  }
  EXPECT_FALSE(a.recall->recall({.object_id = id_of("indicator", 9)})) << "of which nobody was handed anything";
}

TEST_F(Recalls, V4WhatWasTakenBackBeforeIsNotTakenBackAgainWithANewerVersionThatNobodyRead) {
  const std::string id = publish(1);
  flow_on();
  ASSERT_TRUE(a.admission->remove("a1", id, "", "a"));
  settle();
  publish(1, 1);
  ASSERT_TRUE(a.admission->remove("a1", id, "", "a"));
  EXPECT_EQ(a.recall->orders(id).size(), 1U);
  ab.cut();
  a.restart();
  ab.link();  // its cursor tells what it was handed
  publish(1, 2);
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  EXPECT_EQ(a.recall->orders(id).size(), 1U) << "nor after a start";
}

TEST_F(Recalls, V4WhatWasTakenBackByANarrowerAgreementIsNotTakenBackAgainWhenItsContentIsErased) {
  const std::string id = publish(1, 0, kAmber);
  flow_on();
  a.agree("b", "a1", stix::Tlp::kGreen);
  settle();
  ASSERT_EQ(a.recall->orders(id).size(), 1U);
  ASSERT_TRUE(a.recall->orders(id)[0].receipt);
  ASSERT_TRUE(a.journal->erase(id, "a"));
  publish(1, 1, kAmber);  // B has no part in it
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  EXPECT_EQ(a.recall->orders(id).size(), 1U);
}

// Whether anybody was given what was made of an object decides nothing: those who were not would learn of the others.
TEST_F(Recalls, D9ARecallOfWhatIsNotHereTakesWhatWasMadeOfItWhoeverWasGivenThat) {
  const std::string unknown = id_of("indicator", 9), relation = id_of("relationship", 3);
  a.admit(relationship(3, unknown, unknown, {std::string(kGreen)}), "a1", "a");
  a.referrers[unknown] = {relation};
  ASSERT_EQ(ab.offered().size(), 1U);
  ASSERT_TRUE(a.recall->recall({.object_id = unknown, .reason = RecallReason::kErroneous, .by = "anna"}));
  EXPECT_TRUE(a.recall->orders().empty()) << "nobody has read it";
  EXPECT_TRUE(ab.offered().empty());
  EXPECT_FALSE(a.recall->recall({.object_id = id_of("indicator", 8)})) << "of which there is nothing at all";
}

// What raised it here is no affair of who gave it: it gets what it gave, and nobody else does.
TEST_F(Recalls, D9WhatIsTakenBackFromOthersIsNotHiddenFromWhoGaveIt) {
  const std::string id = id_of("indicator", 1);
  b.agree("a", "b1", stix::Tlp::kAmber);
  b.admit(indicator(1), "b1", "a");
  b.admit(indicator(1, {std::string(kRed)}, 1), "b1", "b");
  const auto shown = [&](const std::string& member) {
    const auto reading = b.release->open(member, "b1");
    return reading ? reading->snapshot->page({.view = reading->view, .last = false, .all = true})->rows.size() : 0;
  };
  ASSERT_TRUE(b.recall->barred(id, stix::Timestamp::parse(stamp(0))->key()));
  EXPECT_EQ(shown("a"), 1U);
  for (const std::string member : {"a", "c"}) {
    b.leave(member);
    b.agree(member, "b1", stix::Tlp::kGreen);
  }
  EXPECT_EQ(shown("a"), 1U);
  EXPECT_EQ(shown("c"), 0U);
}

// What B gave C came again with a label that excludes C: its row is gone, and what C has of it is not.
TEST_F(Recalls, V4WhoeverWasHandedTheSameVersionUnderAWeakerLabelIsToldByALaterRecall) {
  for (const bool upstream : {false, true}) {
    const unsigned number = upstream ? 2 : 1;
    const std::string id = publish(number);
    flow_on();
    ASSERT_EQ(b.admit(indicator(number, {std::string(kRed)}), "b1", "a").items[0].outcome,
              AdmitItem::Outcome::kReplaced);
    ASSERT_TRUE(bc.offered().empty());
    ASSERT_TRUE((upstream ? a : b).recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
    settle();
    EXPECT_TRUE(c.readable(id).empty());
    ASSERT_EQ(b.recall->orders(id).size(), 1U);
    EXPECT_TRUE(b.recall->orders(id)[0].receipt);
  }
}

// Admitted once more as this node's own, it would go on to others as if nobody had recalled it.
TEST_F(Recalls, V3WhatAMemberRecalledComesBackByHandWithTwoPersonsOnly) {
  const std::string id = publish(1), other = publish(2);
  flow_on();
  b.collections.push_back("own");
  ASSERT_TRUE(b.release->apply(b.policy, b.collections));
  b.admit(indicator(2, {std::string(kGreen)}), "own", "b");  // from another source, before
  for (const auto& recalled : {id, other})
    ASSERT_TRUE(a.recall->recall({.object_id = recalled, .reason = RecallReason::kErroneous, .by = "anna"}));
  settle();
  ASSERT_TRUE(b.readable(id).empty());
  const auto by_hand = [&](unsigned number, unsigned version, std::string by) {
    clock.advance(std::chrono::milliseconds(1));
    std::vector<Result<stix::Object>> objects{stix::Object::parse(indicator(number, {std::string(kGreen)}, version))};
    auto report = b.admission->admit(objects, {.collection = "own",
                                               .origin = "b",
                                               .fallback = stix::Tlp::kGreen,
                                               .by = std::move(by),
                                               .why = "we saw it ourselves"});
    EXPECT_TRUE(report) << report.error().text();
    return report ? report->items.front() : AdmitItem();
  };
  EXPECT_NE(by_hand(1, 0, "olena").message.find("was recalled by a"), std::string::npos);
  EXPECT_EQ(by_hand(2, 1, "olena").outcome, AdmitItem::Outcome::kNew) << "our own copy stands: nothing comes back";

  identity::AccountBook accounts{clock, random};
  std::map<std::string, identity::Account> book;
  for (const std::string name : {"olena", "otto"})
    book[name] = {.name = name, .member = "b", .role = identity::Role::kAnalyst, .read = {"*"}, .write = {"*"}};
  accounts.replace(book);
  const auto collections = std::move(*Collections::load(*b.journal));
  const auto wired = [&](bool four_eyes) {
    auto approvals =
        std::move(*Approvals::load(*b.journal, accounts, clock, random, "b", {.four_eyes = four_eyes}, *b.log));
    auto gate =
        std::move(*LoweringGate::load(*b.journal, *b.release, *collections, *approvals, *b.admission, {.self = "b"}));
    b.admission->use(*gate);
    return std::pair(std::move(approvals), std::move(gate));
  };
  {
    const auto off = wired(false);
    EXPECT_NE(by_hand(1, 0, "olena").message.find("only two persons"), std::string::npos) << "never by one alone";
  }
  {
    auto alone = book;
    alone.at("otto").disabled = true;
    accounts.replace(alone);
    const auto on = wired(true);
    EXPECT_NE(by_hand(1, 0, "olena").message.find("fewer than two"), std::string::npos) << "one alone has the right";
    EXPECT_TRUE(b.readable(id).empty());
    accounts.replace(book);
  }
  const auto [approvals, gate] = wired(true);
  EXPECT_NE(by_hand(1, 0, "").message.find("a person has to propose it"), std::string::npos) << "a feed";
  EXPECT_TRUE(approvals->list().empty());
  EXPECT_NE(by_hand(1, 0, "olena").message.find("waits for a second person"), std::string::npos);
  EXPECT_TRUE(b.readable(id).empty());
  ASSERT_EQ(approvals->list().size(), 1U);
  const Proposal waiting = approvals->list().front();
  EXPECT_EQ(waiting.kind, kOverrideRecall);
  ASSERT_EQ(waiting.plan.changes.size(), 1U);
  EXPECT_EQ(waiting.plan.changes[0].before, "a") << "who decides sees whose recall it is";
  EXPECT_FALSE(approvals->approve(waiting.id, "olena", waiting.sha256, "I know"));
  const auto done = approvals->approve(waiting.id, "otto", waiting.sha256, "seen in our own logs");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(b.readable(id).size(), 1U);
  EXPECT_TRUE(b.recall->refuses("a", id, stix::Timestamp::parse(stamp(0))->key())) << "as a's it stays away";
}

// One order takes copies that came by two ways: each of their givers hears when it is done.
TEST_F(Recalls, V4AnOrderNamesEveryTombstoneThatItFollowsFrom) {
  RecallNode d("d", clock, random), e("e", clock, random);
  introduce({&a, &b, &c, &d, &e});
  b.policy.agreements["c"].collections = {"b1", "b2"};
  b.collections.push_back("b2");
  ASSERT_TRUE(b.release->apply(b.policy, b.collections));
  d.agree("b", "d1", stix::Tlp::kAmber);
  RecallEdge db{d, b, "d1", "b2"}, bc2{b, c, "b2", "c2"};
  const std::string id = publish(1), only_a = publish(2);
  d.admit(indicator(1, {std::string(kGreen)}), "d1", "d");
  for (auto* edge : {&ab, &db, &bc, &bc2}) {
    edge->pull(1000);
    for (const auto& item : edge->wire) edge->deliver(item);
  }
  ASSERT_TRUE(b.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "ben"}));
  ASSERT_TRUE(b.recall->recall({.object_id = only_a, .reason = RecallReason::kErroneous, .by = "ben"}));
  for (auto* giver : {&a, &d})
    ASSERT_TRUE(giver->recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  ASSERT_TRUE(d.recall->orders(only_a).empty());
  for (auto* edge : {&ab, &db}) edge->exchange();
  ASSERT_EQ(b.recall->orders(id).size(), 1U);
  EXPECT_EQ(b.recall->orders(id)[0].parents.size(), 2U);
  EXPECT_TRUE(b.recall->orders(only_a)[0].parents.empty());
  for (auto* giver : {&a, &d}) EXPECT_EQ(giver->recall->orders(id)[0].receipt->onward_open, 1U) << giver->self;
  b.restart();
  bc.cut();
  bc.exchange();
  for (auto* edge : {&ab, &db}) edge->exchange();
  for (auto* giver : {&a, &d}) EXPECT_EQ(giver->recall->orders(id)[0].receipt->onward_open, 0U) << giver->self;
  EXPECT_TRUE(c.readable(id).empty());
}

TEST_F(Recalls, OrdersThatEarlierBuildsStoredAreRead) {
  const RecallOrder order{.member = "b",
                          .number = 3,
                          .issued = clock.now(),
                          .deadline = clock.now(),
                          .objects = {{"x--y", ""}},
                          .parents = {"a/0000000000000001", "d/0000000000000002"},
                          .givers = {"a", "d"},
                          .handed = {{4, 17}}};
  const std::string key = numbered_key("b", 3), text = order_state(order);
  const auto again = parse_order_state(key, text);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(order_state(*again), text);
  auto json = *parse_json(text);
  for (const char* field : {"parents", "givers", "handed"}) json.get_object().erase(field);
  json.get_object()["parent"] = "a/0000000000000001";
  const auto before = parse_order_state(key, to_text(json));
  ASSERT_TRUE(before) << before.error().text();
  EXPECT_EQ(before->parents, std::vector<std::string>{"a/0000000000000001"});
  EXPECT_TRUE(before->givers.empty() && before->handed.empty());
  for (const char* field : {"parents", "givers", "handed"}) {
    json.get_object()[field] = JsonArray{Json(1)};
    EXPECT_FALSE(parse_order_state(key, to_text(json))) << field;
    json.get_object().erase(field);
  }
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

TEST_F(Recalls, V6_InARingNothingComesBackWeakerAndNothingGoesRound) {
  c.agree("a", "c1", stix::Tlp::kAmber);
  a.agree("d", "a2", stix::Tlp::kGreen);
  RecallEdge ca{c, a, "c1", "a2"};
  const auto once_round = [&] {
    flow_on();
    ca.pull(1000);
    for (const auto& item : ca.wire) ca.deliver(item);
    ca.wire.clear();
  };
  const std::string id = publish(1, 0, kAmber);
  once_round();
  const auto at = std::array{a.journal->last_seq(), b.journal->last_seq(), c.journal->last_seq()};
  once_round();
  EXPECT_EQ(at, (std::array{a.journal->last_seq(), b.journal->last_seq(), c.journal->last_seq()}));
  // The last in the ring says that it is for everybody: the same version, and one that it made up.
  for (const unsigned version : {0U, 1U}) a.admit(indicator(1, {std::string(kClear)}, version), "a2", "c");
  const auto reading = a.release->open("d", "a2");
  ASSERT_TRUE(reading);
  EXPECT_TRUE(reading->snapshot->page({.view = reading->view})->rows.empty()) << "what this node gave was for fewer";
  for (const auto& entry : *a.journal->snapshot()->versions("a2", id))
    EXPECT_GE(policy::Label::parse(stored_label(entry.label))->tlp, stix::Tlp::kAmber) << entry.version;
}

TEST_F(Recalls, V4WhoKeptAVersionBeforeTheRaisedOneIsToldAlsoIfBothWereErasedSince) {
  const std::string id = publish(1);
  flow_on();
  publish(1, 1, kAmber);  // B may have it, and has not read it
  ASSERT_TRUE(a.recall->orders(id).empty());
  ASSERT_TRUE(a.journal->erase(id, "a"));
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  ASSERT_EQ(a.recall->orders(id).size(), 1U);
  settle();
  EXPECT_TRUE(b.readable(id).empty());
}

// A drill's definition that was recalled does not come back; what it marks is a drill's all the same.
TEST_F(Recalls, WhatARecalledDefinitionMarksIsJudgedByItAllTheSame) {
  const std::string drill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710", id = exercise_definition_id(drill, "a");
  const Tombstone told{
      .from = "a", .to = "b", .number = 1, .issued = clock.now(), .deadline = clock.now(), .objects = {{id, ""}}};
  ASSERT_TRUE(b.recall->take("a", *sign_text(kTombstoneContext, told.text(), a.key)));
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(indicator(1, {std::string(kGreen), id})),
                                                  stix::Object::parse(exercise_definition(drill, "a"))};
  const auto report = b.admission->admit(objects, {.collection = "b1", .origin = "b", .fallback = stix::Tlp::kGreen});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->refused, 2U) << report->items[0].message << " / " << report->items[1].message;
  EXPECT_TRUE(b.readable(id_of("indicator", 1)).empty()) << "b1 is for live information";
}

// V5: a sealed copy that nobody has read is as good as given.
TEST_F(Recalls, V5_WhatWasSealedByHandIsRecalledThoughNoTailToldIt) {
  const std::string id = publish(1), other = publish(2);
  std::vector<journal::StateChange> states;
  a.recall->sealed_by_hand("b", id, stix::Timestamp::parse(stamp(0))->key(), states);
  ASSERT_TRUE(a.journal->append({.states = states}));
  a.restart();
  ASSERT_TRUE(a.recall->opened("b", "a1", 0));  // its cursor says that it has read nothing
  ASSERT_TRUE(a.recall->recall({.object_id = other, .reason = RecallReason::kErroneous, .by = "anna"}));
  EXPECT_TRUE(a.recall->orders(other).empty()) << "that one never left";
  ASSERT_TRUE(a.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}));
  ASSERT_EQ(a.recall->orders(id).size(), 1U);
  const auto told = a.recall->told("b")->tombstones;
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(b.recall->take("a", told[0]));
  EXPECT_TRUE(b.recall->refuses("a", id, stix::Timestamp::parse(stamp(0))->key(), 0));
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

// What runs out is taken back by everybody that gave it, at its time, in one commit for all of them.
TEST_F(Recalls, WhatTimeTakesAwayIsRecalledFromWhoeverWasGivenIt) {
  RecallNode d("d", clock, random);
  introduce({&a, &d});
  a.agree("d", "a1", stix::Tlp::kAmber);
  a.collections.push_back("a2");
  a.policy.agreements["d"].collections.push_back("a2");
  ASSERT_TRUE(a.release->apply(a.policy, a.collections));
  for (const char* mirror : {"d1", "d2"}) d.agree("nobody", mirror, stix::Tlp::kClear);
  policy::Label label = policy::bottom();
  label.expires = clock.now() + std::chrono::hours(1);
  const std::string marking = label_marking(label);
  a.admit(marking, "a1", "a");
  a.admit(marking, "a2", "a");
  a.admit(indicator(1, {std::string(kGreen), id_in(marking)}), "a1", "a");
  a.admit(indicator(2, {std::string(kGreen), id_in(marking)}), "a2", "a");
  const std::string id = id_of("indicator", 1), stays = publish(3);
  RecallEdge ad1{a, d, "a1", "d1"}, ad2{a, d, "a2", "d2"};
  flow_on();
  for (auto* edge : {&ad1, &ad2}) {
    edge->pull(1000);
    for (const auto& item : edge->wire) edge->deliver(item);
  }
  ASSERT_EQ(c.readable(id).size(), 1U);
  ASSERT_EQ(d.readable(id_of("indicator", 2)).size(), 1U);
  clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(a.release->keep_up());
  const auto orders = a.recall->orders();
  ASSERT_EQ(orders.size(), 2U) << "one for each member, whatever collections it had them in";
  for (const auto& order : orders) EXPECT_EQ(order.reason, RecallReason::kNarrowed);
  EXPECT_EQ(orders[0].objects, (std::vector<RecallRange>{{id, stamp(0)}})) << "of b";
  EXPECT_EQ(orders[1].objects.size(), 2U) << "of d";
  settle();
  ad1.given.merge(ad2.given);  // a member is told of all its collections at once
  ad1.exchange();
  for (auto* node : {&b, &c, &d})
    for (const auto& gone : {id, id_of("indicator", 2)}) EXPECT_TRUE(node->readable(gone).empty()) << node->self;
  EXPECT_EQ(c.readable(stays).size(), 1U);
  EXPECT_EQ(a.readable(id).size(), 1U) << "its owner keeps it";
  for (const auto& order : a.recall->orders()) EXPECT_TRUE(order.receipt);
}

// A tail holds up recalls while it reads; what opens the outbox for it must not begin one.
TEST_F(Recalls, AnOutboxIsLookedIntoWithoutTakingAwayWhatARecallWouldWaitFor) {
  policy::Label label = policy::bottom();
  label.expires = clock.now() + std::chrono::hours(1);
  const std::string marking = label_marking(label);
  a.admit(marking, "a1", "a");
  a.admit(indicator(1, {std::string(kGreen), id_in(marking)}), "a1", "a");
  flow_on();
  clock.advance(std::chrono::hours(1));
  const auto last = a.journal->last_seq();
  {
    const auto handing_out = a.recall->hand_out();
    const auto reading = a.release->look("b", "a1");
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ErrorCode::kUnavailable) << "later, not never";
    EXPECT_EQ(a.journal->last_seq(), last) << "nothing is written";
    EXPECT_TRUE(a.recall->orders().empty());
  }
  ASSERT_TRUE(a.release->keep_up());
  EXPECT_EQ(a.recall->orders().size(), 1U);
  const auto handing_out = a.recall->hand_out();
  EXPECT_TRUE(a.release->look("b", "a1"));
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

// The log of a pair tells of what was handed out, and of nothing that came and went before.
TEST_F(Recalls, WhoWasHandedARowThatIsWithdrawnIsKnown) {
  const std::string had = publish(1), erased = publish(2);
  flow_on();
  const std::string late = publish(3), late_erased = publish(4);
  for (const auto& id : {had, late}) ASSERT_TRUE(a.admission->remove("a1", id, "", "a"));
  for (const auto& id : {erased, late_erased}) ASSERT_TRUE(a.journal->erase(id, "a"));
  const auto given = [&](const std::string& id, journal::Pos pos, bool gone) {
    return a.recall->was_given("b", "a1", id, stamp(0), pos, gone);
  };
  EXPECT_TRUE(given(had, 1, false));
  EXPECT_TRUE(given(erased, 2, true)) << "nobody was told of an erasure, and it had it all the same";
  EXPECT_FALSE(given(late, 3, false));
  EXPECT_FALSE(given(late_erased, 4, true));
  flow_on();  // passes over them
  EXPECT_FALSE(given(late, 3, false)) << "passed over as withdrawn";
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
