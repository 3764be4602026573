// Own objects whose label is lowered, through admission.
#include "flow/lowering_gate.h"

#include <gtest/gtest.h>

#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using Outcome = AdmitItem::Outcome;

struct GuardedNode : TestNode {
  identity::AccountBook accounts{clock, random};
  std::unique_ptr<Collections> collections;
  std::unique_ptr<Approvals> approvals;
  std::unique_ptr<LoweringGate> gate;

  explicit GuardedNode(stix::Tlp from = stix::Tlp::kRed) {
    std::map<std::string, identity::Account> book;
    for (const std::string name : {"olena", "otto"})
      book[name] = {.name = name,
                    .clearance = {.rank = "top-secret", .custodian = true},
                    .member = "cert-self",
                    .role = identity::Role::kAnalyst,
                    .read = {"*"},
                    .write = {"*"}};
    accounts.replace(book);
    agree("cert-ua", agreement({"c1"}, stix::Tlp::kGreen));
    apply();
    guard(from);
  }
  void guard(stix::Tlp from = stix::Tlp::kRed) {
    collections = std::move(*Collections::load(*journal));
    approvals = std::move(*Approvals::load(*journal, accounts, clock, random, "cert-self", {.four_eyes = true}, *log));
    gate = std::move(*LoweringGate::load(*journal, *release, *collections, *approvals, *admission,
                                         {.self = "cert-self", .from = from}));
    admission->use(*gate);
  }
  AdmitItem put(const std::vector<std::string>& texts, const std::string& by = "olena") {
    clock.advance(std::chrono::milliseconds(1));
    std::vector<Result<stix::Object>> objects;
    for (const auto& text : texts) objects.push_back(stix::Object::parse(text));
    auto report = admission->admit(objects, {.collection = "c1",
                                             .origin = "cert-self",
                                             .fallback = stix::Tlp::kGreen,
                                             .persons = {"cert-self/olena", "cert-self/otto"},
                                             .by = by,
                                             .why = "for the partners"});
    EXPECT_TRUE(report) << report.error().text();
    return report ? report->items.back() : AdmitItem();
  }
  Proposal waiting() {
    const auto all = approvals->list();
    EXPECT_FALSE(all.empty());
    return all.empty() ? Proposal() : all.front();
  }
};

const std::string kRedOne = std::string(kRed), kGreenOne = std::string(kGreen), kAmberOne = std::string(kAmber);

TEST(LoweringGate, ALoweredObjectWaitsAndGoesOutWhenTheSecondPersonSaysSo) {
  GuardedNode n;
  ASSERT_EQ(n.put({indicator(1, {kRedOne})}).outcome, Outcome::kNew);
  const AdmitItem item = n.put({indicator(1, {kGreenOne}, 1)});
  EXPECT_EQ(item.outcome, Outcome::kRefused);
  EXPECT_NE(item.message.find("second person"), std::string::npos) << item.message;
  EXPECT_EQ(n.sees("cert-ua"), Seen(std::vector<std::string>{}));
  const Proposal p = n.waiting();
  ASSERT_FALSE(p.plan.changes.empty());
  EXPECT_EQ(p.plan.changes[0].what, "TLP");
  EXPECT_EQ(p.plan.changes[0].after, "TLP:GREEN");
  EXPECT_EQ(p.by, "olena");
  EXPECT_FALSE(n.approvals->approve(p.id, "olena", p.sha256, "I know"));
  const auto done = n.approvals->approve(p.id, "otto", p.sha256, "agreed");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(n.sees("cert-ua"), Seen({id_of("indicator", 1)}));
}

TEST(LoweringGate, TheOtherObjectsOfABatchAreAdmittedAndASecondVersionInOneBatchIsNoWayRound) {
  GuardedNode n;
  EXPECT_EQ(n.put({indicator(2, {kGreenOne}), indicator(1, {kRedOne}), indicator(1, {kGreenOne}, 1)}).outcome,
            Outcome::kRefused);
  EXPECT_EQ(n.sees("cert-ua"), Seen({id_of("indicator", 2)}));
}

TEST(LoweringGate, WhatWasRaisedMeanwhileIsNotLoweredByAnOlderApproval) {
  GuardedNode n(stix::Tlp::kAmber);
  ASSERT_EQ(n.put({indicator(1, {kAmberOne})}).outcome, Outcome::kNew);
  ASSERT_EQ(n.put({indicator(1, {kGreenOne}, 2)}).outcome, Outcome::kRefused);
  const Proposal p = n.waiting();
  ASSERT_EQ(n.put({indicator(1, {kRedOne}, 1)}).outcome, Outcome::kNew) << "raised: nobody is asked";
  const auto done = n.approvals->approve(p.id, "otto", p.sha256, "yes");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kConflict);
  EXPECT_EQ(n.sees("cert-ua"), Seen(std::vector<std::string>{}));
}

TEST(LoweringGate, DeletingFirstIsNoWayRoundNorAfterAStart) {
  GuardedNode n;
  n.agree("cert-self", agreement({"c1"}, stix::Tlp::kRed));
  ASSERT_EQ(n.put({indicator(1, {kRedOne})}).outcome, Outcome::kNew);
  ASSERT_TRUE(n.admission->remove("c1", id_of("indicator", 1), "", "cert-self"));
  EXPECT_EQ(n.put({indicator(1, {kGreenOne}, 1)}).outcome, Outcome::kRefused);
  n.reopen();
  n.apply();
  n.guard();
  EXPECT_EQ(n.put({indicator(1, {kGreenOne}, 2)}).outcome, Outcome::kRefused);
  EXPECT_EQ(n.put({indicator(1, {kRedOne}, 3)}).outcome, Outcome::kNew) << "as strict as it was";
}

TEST(LoweringGate, AnOlderVersionWithAWeakerLabelIsNoWayRound) {
  GuardedNode n;
  ASSERT_EQ(n.put({indicator(1, {kRedOne}, 5)}).outcome, Outcome::kNew);
  EXPECT_EQ(n.put({indicator(1, {kGreenOne}, 1)}).outcome, Outcome::kRefused);
}

TEST(LoweringGate, AFeedDoesNotLowerAndTheLocalAdministratorWaits) {
  GuardedNode n;
  ASSERT_EQ(n.put({indicator(1, {kRedOne})}).outcome, Outcome::kNew);
  EXPECT_NE(n.put({indicator(1, {kGreenOne}, 1)}, "").message.find("a person has to propose it"), std::string::npos);
  EXPECT_TRUE(n.approvals->list().empty());
  EXPECT_EQ(n.put({indicator(1, {kGreenOne}, 1)}, std::string(kLocalAdmin)).outcome, Outcome::kRefused);
  EXPECT_EQ(n.waiting().by, kLocalAdmin);
}

TEST(LoweringGate, WhoMayNotSeeTheObjectDoesNotDecideAboutIt) {
  GuardedNode n;
  auto book = n.accounts.accounts();
  book["ada"] = book["otto"];
  book["ada"].name = "ada";  // TLP:RED named olena and otto
  n.accounts.replace(book);
  ASSERT_EQ(n.put({indicator(1, {kRedOne})}).outcome, Outcome::kNew);
  ASSERT_EQ(n.put({indicator(1, {kGreenOne}, 1)}).outcome, Outcome::kRefused);
  const Proposal p = n.waiting();
  EXPECT_FALSE(n.approvals->may_see(p, "ada"));
  EXPECT_FALSE(n.approvals->approve(p.id, "ada", p.sha256, "yes"));
  EXPECT_TRUE(n.approvals->approve(p.id, "otto", p.sha256, "yes"));
}

TEST(LoweringGate, WhatNobodyMaySeeIsNotLoweredByOneAloneForThat) {
  GuardedNode n;
  n.admit({indicator(1, {kRedOne})});  // RED that names nobody
  EXPECT_EQ(n.put({indicator(1, {kGreenOne}, 1)}, std::string(kLocalAdmin)).outcome, Outcome::kRefused);
  const Proposal p = n.waiting();
  EXPECT_FALSE(n.approvals->approve(p.id, "otto", p.sha256, "yes"));
}

TEST(LoweringGate, WhatIsBelowTheThresholdAndWhatPartnersGiveAskNobody) {
  GuardedNode n;
  ASSERT_EQ(n.put({indicator(1, {kAmberOne})}).outcome, Outcome::kNew);
  EXPECT_EQ(n.put({indicator(1, {kGreenOne}, 1)}).outcome, Outcome::kNew);
  n.admit({indicator(3, {kRedOne})}, "c2", "cert-ua");
  EXPECT_EQ(n.admit({indicator(3, {kGreenOne}, 1)}, "c2", "cert-ua").items[0].outcome, Outcome::kNew);
}

}  // namespace
}  // namespace bongsu::flow
