#include "flow/release.h"
#include "flow/release_plan.h"

#include <gtest/gtest.h>

#include <thread>

#include "flow/facts.h"
#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;

std::vector<std::string> indicators(std::initializer_list<unsigned> numbers) {
  std::vector<std::string> out;
  for (const unsigned n : numbers) out.push_back(id_of("indicator", n));
  return out;
}

TEST(Release, NobodyReadsAndNothingIsDecidedBeforeAPolicyIsApplied) {
  TestNode node;
  EXPECT_EQ(node.sees("cert-a"), std::nullopt);
  EXPECT_EQ(node.sees("cert-self"), std::nullopt);
  journal::NewEntry entry;
  EXPECT_EQ(node.release->decide_for(entry, {.collection = "c1"}).error().code, ErrorCode::kUnavailable);
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(indicator(1))};
  EXPECT_EQ(node.admission->admit(objects, {.collection = "c1", .origin = "cert-self"}).error().code,
            ErrorCode::kUnavailable);
}

TEST(Release, MembersWithEqualTermsShareAView) {
  TestNode node;
  for (const char* member : {"cert-a", "cert-b", "cert-c"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
  node.agree("cert-d", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), *node.release->view_of("cert-b", "c1"));
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), *node.release->view_of("cert-c", "c1"));
  EXPECT_NE(*node.release->view_of("cert-a", "c1"), *node.release->view_of("cert-d", "c1"));
  node.admit({indicator(1, {std::string(kGreen)}), indicator(2, {std::string(kAmber)})});
  EXPECT_EQ(node.sees("cert-c"), Seen(indicators({1, 2})));
  EXPECT_EQ(node.sees("cert-d"), Seen(indicators({1})));
  EXPECT_EQ(node.sees("cert-self"), Seen(indicators({1, 2})));
}


TEST(Release, AGroupSplitsAViewAndItsChangesAreDecidedAgain) {
  const std::string group = "6f0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  const std::string both = policy::group_version(group, 1, {"cert-a", "cert-b"}),
                    all = policy::group_version(group, 2, {"cert-a", "cert-b", "cert-c"}),
                    few = policy::group_version(group, 3, {"cert-a", "cert-c"});
  TestNode node;
  for (const char* member : {"cert-a", "cert-b", "cert-c"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
  node.policy.groups[group] = {
      "G", both, {{both, {"cert-a", "cert-b"}}, {all, {"cert-a", "cert-b", "cert-c"}}, {few, {"cert-a", "cert-c"}}}};
  node.apply();
  policy::Label label = policy::bottom();
  label.clauses = {{{}, {{group, both}}}};
  const std::string marking = label_marking(label);
  node.admit({marking, indicator(1, {std::string(kGreen), id_in(marking)}), indicator(2)});
  const auto with = std::vector<std::string>{id_in(marking), test::id_of("indicator", 1), test::id_of("indicator", 2)};
  EXPECT_EQ(node.sees("cert-a"), Seen(with));
  EXPECT_EQ(node.sees("cert-b"), Seen(with));
  EXPECT_EQ(node.sees("cert-c"), Seen(indicators({2})));
  node.policy.groups[group].current = all;  // who joins does not see what was marked before
  node.apply();
  EXPECT_EQ(node.sees("cert-c"), Seen(indicators({2})));
  node.policy.groups[group].current = few;  // who leaves keeps nothing in its outbox
  node.apply();
  EXPECT_EQ(node.sees("cert-a"), Seen(with));
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({2})));
}

TEST(Release, ConsentOfAThirdMemberToSomeSplitsAView) {
  TestNode node;
  for (const char* member : {"cert-a", "cert-b", "cert-z"})
    node.agree(member, agreement({"c1"}, Tlp::kAmber, {"*"}, true));
  node.policy.agreements["cert-z"].passes_on = {"cert-a"};
  node.apply();
  node.admit({indicator(1)}, "c1", "cert-z");
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1})));
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({})));
  node.policy.agreements["cert-z"].passes_on = {"*"};
  node.apply();
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({1})));
}

TEST(Release, EveryReasonNotToReadHasTheSameAnswer) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.agree("cert-late", agreement({"c1"}, Tlp::kAmber));
  node.policy.agreements["cert-late"].valid_until = node.clock.now();
  node.agree("cert-early", agreement({"c1"}, Tlp::kAmber));
  node.policy.agreements["cert-early"].valid_from = node.clock.now() + std::chrono::hours(1);
  node.agree("cert-stopped", agreement({"c1"}, Tlp::kAmber));
  node.policy.members["cert-stopped"].stopped = true;
  node.policy.members["cert-none"];
  node.apply();
  ASSERT_TRUE(node.release->open("cert-a", "c1"));
  const std::string answer = node.release->open("cert-a", "c2").error().text();
  for (const auto& [member, collection] : std::vector<std::pair<std::string, std::string>>{{"cert-a", "no-such"},
                                                                                           {"cert-late", "c1"},
                                                                                           {"cert-early", "c1"},
                                                                                           {"cert-stopped", "c1"},
                                                                                           {"cert-none", "c1"},
                                                                                           {"cert-unknown", "c1"},
                                                                                           {"", "c1"}}) {
    const auto reading = node.release->open(member, collection);
    ASSERT_FALSE(reading) << member;
    EXPECT_EQ(reading.error().text(), answer) << member;
    EXPECT_EQ(reading.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(node.release->view_of(member, collection).error().text(), answer);
  }
  EXPECT_EQ(node.release->readable_collections("cert-a"), std::vector<std::string>{"c1"});
  EXPECT_TRUE(node.release->readable_collections("cert-late").empty());
  EXPECT_EQ(node.release->readable_collections("cert-self").size(), 2U);
}

TEST(Release, StopHoldsAtOnceAndLosesNothingForTheTimeAfterIt) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({indicator(1)});
  const std::uint64_t before = node.release->epoch();
  node.policy.members["cert-a"].stopped = true;
  node.apply();
  EXPECT_GT(node.release->epoch(), before);
  EXPECT_EQ(node.sees("cert-a"), std::nullopt);
  node.admit({indicator(2)});
  node.policy.members["cert-a"].stopped = false;
  node.apply();
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1, 2})));
}

TEST(Release, AnAgreementEndsByTheClockAloneAndARenewedOneGoesOn) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.policy.agreements["cert-a"].valid_from = node.clock.now() + std::chrono::hours(1);
  node.policy.agreements["cert-a"].valid_until = node.clock.now() + std::chrono::hours(2);
  node.apply();
  node.admit({indicator(1)});
  EXPECT_EQ(node.sees("cert-a"), std::nullopt);
  node.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1})));
  node.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(node.sees("cert-a"), std::nullopt);
  node.admit({indicator(2)});
  node.policy.agreements["cert-a"].valid_until = node.clock.now() + std::chrono::hours(9);
  node.apply();
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1, 2})));
}

TEST(Release, AnObjectForSomeMembersOfAViewSplitsItAndPositionsStay) {
  TestNode node;
  for (const char* member : {"cert-a", "cert-b", "cert-c"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({indicator(1), indicator(2)});
  const auto before = *node.release->view_of("cert-b", "c1");
  node.admit({releasable_to({"cert-b"}), indicator(3, {std::string(kGreen), releasable_id({"cert-b"})})});
  node.admit({indicator(4)});
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1, 2, 4})));
  EXPECT_EQ(node.sees("cert-c"), Seen(indicators({1, 2, 4})));
  const std::string definition = releasable_id({"cert-b"});
  EXPECT_EQ(
      node.sees("cert-b"),
      (Seen({id_of("indicator", 1), id_of("indicator", 2), definition, id_of("indicator", 3), id_of("indicator", 4)})));
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), *node.release->view_of("cert-c", "c1"));
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), before) << "those who get nothing new keep the view";
  const auto view = *node.release->view_of("cert-b", "c1");
  EXPECT_NE(view, before);
  EXPECT_EQ(node.release->origin_of(view), node.release->origin_of(before)) << "positions of cert-b's tail are good";
  const auto tail = node.journal->snapshot()->tail(view, 0, 100);
  for (std::size_t i = 0; i < tail->rows.size(); ++i) EXPECT_EQ(tail->rows[i].pos, i + 1);
  node.reopen();
  node.apply();
  EXPECT_EQ(node.release->origin_of(view), node.release->origin_of(before)) << "and survive a restart";
  EXPECT_EQ(*node.release->view_of("cert-b", "c1"), view);
}

TEST(Release, AReaderThatHoldsItsPlaceWhileTheViewIsSplitReadsNothingThatItMayNotHave) {
  TestNode node;
  for (const char* member : {"cert-a", "cert-b"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({indicator(1)});
  auto a = *node.release->open("cert-a", "c1");
  auto b = *node.release->open("cert-b", "c1");
  node.admit({releasable_to({"cert-a"}), indicator(2, {std::string(kGreen), releasable_id({"cert-a"})})});
  for (const auto* reading : {&a, &b}) EXPECT_EQ(reading->snapshot->page({.view = reading->view})->rows.size(), 1U);
  EXPECT_EQ(node.journal->snapshot()->page({.view = b.view})->rows.size(), 1U)
      << "even by an old view id and a new snapshot";
}

TEST(Release, ANewMemberSharesAViewWhoseHistoryIsWhatItMaySee) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({indicator(1), indicator(2)});
  node.agree("cert-b", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), *node.release->view_of("cert-b", "c1"));
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({1, 2})));
}

TEST(Release, ANewMemberGetsNoGapWhereSomethingWasDeleted) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({indicator(1), indicator(2), indicator(3)});
  ASSERT_TRUE(node.admission->remove("c1", id_of("indicator", 2), "", "cert-self"));
  node.agree("cert-b", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({1, 3})));
  const auto view = *node.release->view_of("cert-b", "c1");
  EXPECT_NE(*node.release->view_of("cert-a", "c1"), view);
  const auto tail = node.journal->snapshot()->tail(view, 0, 100);
  ASSERT_EQ(tail->rows.size(), 2U);
  EXPECT_EQ(tail->rows[1].pos, 2U);
  EXPECT_FALSE(tail->rows[0].withdrawn || tail->rows[1].withdrawn);
  EXPECT_EQ(node.release->origin_of(view), view) << "positions mean something else here";
}

TEST(Release, ANewMemberDoesNotShareAViewThatHoldsWhatOthersWereNamedFor) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({releasable_to({"cert-a"}), indicator(1, {std::string(kGreen), releasable_id({"cert-a"})}), indicator(2)});
  node.agree("cert-b", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({2})));
  EXPECT_EQ(node.sees("cert-a")->size(), 3U);
}

TEST(Release, ChangedClausesWithdrawAndAppend) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  node.admit(
      {indicator(1, {std::string(kGreen)}), indicator(2, {std::string(kAmber)}), malware(3, {std::string(kGreen)})});
  EXPECT_EQ(node.sees("cert-a"), (Seen({id_of("indicator", 1), id_of("malware", 3)})));
  const auto view = *node.release->view_of("cert-a", "c1");
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber, {"indicator"}));
  node.apply();
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1, 2})));
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), view) << "the whole class moved: the view and its positions stay";
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  EXPECT_EQ(node.sees("cert-a"), (Seen({id_of("indicator", 1), id_of("malware", 3)})));
}

TEST(Release, OneOfAClassWhoseAgreementChangesLeavesItAndTheOthersSeeNothingOfThat) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.agree("cert-b", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  node.admit({indicator(1), indicator(2, {std::string(kAmber)})});
  const auto view = *node.release->view_of("cert-a", "c1");
  node.agree("cert-b", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  EXPECT_EQ(*node.release->view_of("cert-a", "c1"), view);
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1})));
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({1, 2})));
  EXPECT_EQ(node.release->origin_of(*node.release->view_of("cert-b", "c1")), node.release->origin_of(view));
}

TEST(Release, AnEndedAgreementThatComesBackGoesOnAtTheSamePositions) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.agree("cert-b", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  node.admit({indicator(1), indicator(2)});
  const auto origin = node.release->origin_of(*node.release->view_of("cert-b", "c1"));
  const policy::Agreement kept = node.policy.agreements["cert-b"];
  node.policy.agreements.erase("cert-b");
  node.apply();
  EXPECT_EQ(node.sees("cert-b"), std::nullopt);
  node.admit({releasable_to({"cert-a"}), indicator(3, {std::string(kGreen), releasable_id({"cert-a"})}), indicator(4)});
  node.agree("cert-b", kept);
  node.apply();
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({1, 2, 4})));
  const auto view = *node.release->view_of("cert-b", "c1");
  EXPECT_EQ(node.release->origin_of(view), origin);
  const auto tail = node.journal->snapshot()->tail(view, 0, 100);
  ASSERT_EQ(tail->rows.size(), 3U) << "nothing of what was not for it, not even withdrawn";
  for (const auto& row : tail->rows) EXPECT_FALSE(row.withdrawn);
}

TEST(Release, ApplyIsIdempotent) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  node.admit({indicator(1)});
  const auto epoch = node.release->epoch();
  const auto views = node.journal->views()->size();
  node.apply();
  node.apply();
  EXPECT_EQ(node.release->epoch(), epoch);
  EXPECT_EQ(node.journal->views()->size(), views);
  node.reopen();
  node.apply();
  EXPECT_EQ(node.journal->views()->size(), views);
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1})));
}

TEST(Release, RenewingAnAgreementMovesNobody) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.apply();
  const auto views = node.journal->views()->size();
  node.policy.agreements["cert-a"].valid_until = Instant{4'100'000'000, 0};
  node.apply();
  EXPECT_EQ(node.journal->views()->size(), views);
}

TEST(Release, ACollectionMadeAfterTheLastApplyIsTakenIn) {
  TestNode node;
  node.apply({"c1"});
  node.admit({indicator(1)}, "c9");
  EXPECT_EQ(node.sees("cert-self", "c9"), Seen(indicators({1})));
}

TEST(Release, WhatAMemberGaveUsItSeesAndOthersDoNotWithoutOnward) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.agree("cert-b", agreement({"c1"}, Tlp::kAmber));
  node.agree("cert-c", agreement({"c1"}, Tlp::kAmber, {"*"}, true));
  node.policy.agreements["cert-a"].passes_on = {"cert-b", "cert-c"};
  node.apply();
  node.admit({indicator(1)}, "c1", "cert-a");
  node.admit({indicator(2)});
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1, 2})));
  EXPECT_EQ(node.sees("cert-b"), Seen(indicators({2})));
  EXPECT_EQ(node.sees("cert-c"), Seen(indicators({1, 2})));
}

TEST(Release, PreviewSaysWhatSendingDoes) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kGreen));
  node.agree("cert-b", agreement({"c1"}, Tlp::kAmber, {"indicator"}));
  node.agree("cert-c", agreement({"c2"}, Tlp::kAmber));
  node.agree("cert-d", agreement({"c1"}, Tlp::kAmber));
  node.policy.members["cert-d"].stopped = true;
  node.apply();
  node.admit({releasable_to({"cert-b", "cert-c"})});
  unsigned number = 10;
  for (const auto& text : {indicator(++number, {std::string(kGreen)}), indicator(++number, {std::string(kAmber)}),
                           malware(++number, {std::string(kClear)}), indicator(++number, {std::string(kRed)}),
                           indicator(++number, {std::string(kGreen), releasable_id({"cert-b", "cert-c"})}),
                           relationship(++number, id_of("indicator", 12), id_of("malware", 13))}) {
    const auto object = stix::Object::parse(text);
    ASSERT_TRUE(object);
    const auto facts =
        node.admission->facts_of(*object, {.collection = "c1", .origin = "cert-self", .fallback = Tlp::kGreen});
    ASSERT_TRUE(facts);
    const auto preview = node.release->preview(*facts);
    ASSERT_EQ(preview.size(), 4U);
    node.admit({text});
    for (const auto& line : preview) {
      const auto seen = node.sees(line.member);
      const bool has = seen && std::ranges::find(*seen, object->id_text()) != seen->end();
      EXPECT_EQ(has, line.decision.verdict == policy::Verdict::kRelease) << line.member << " " << text;
    }
  }
}

TEST(Release, FactsOfAStoredEntryAreThoseItWasDecidedBy) {
  TestNode node;
  node.apply();
  const auto report = node.admit({indicator(1, {std::string(kAmber)})}, "c2", "cert-x");
  const auto entry = node.journal->snapshot()->entry(report.items[0].seq);
  const auto facts = facts_of(*entry);
  ASSERT_TRUE(facts);
  EXPECT_EQ(*facts, (policy::ObjectFacts{.object_id = id_of("indicator", 1),
                                         .type = "indicator",
                                         .collection = "c2",
                                         .origin = "cert-x",
                                         .label = {.tlp = Tlp::kAmber, .marked = true}}));
  journal::Entry broken = *entry;
  broken.label = "green for everybody";
  EXPECT_EQ(facts_of(broken).error().code, ErrorCode::kCorrupt);
}

TEST(Release, ManyWritersWithSplitsAndChangesOfPolicyLoseNothing) {
  TestNode node;
  for (const char* member : {"cert-a", "cert-b", "cert-c"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
  node.apply();
  node.admit({releasable_to({"cert-a"}), releasable_to({"cert-b", "cert-c"})});
  constexpr unsigned kEach = 60;
  std::vector<std::thread> writers;
  for (unsigned w = 0; w < 3; ++w)
    writers.emplace_back([&node, w] {
      for (unsigned i = 0; i < kEach; ++i) {
        const unsigned number = w * 1000 + i;
        std::vector<std::string> markings{std::string(kGreen)};
        if (i == 20 + w) markings.push_back(releasable_id({"cert-a"}));
        if (i == 40 + w) markings.push_back(releasable_id({"cert-b", "cert-c"}));
        const std::vector<Result<stix::Object>> objects{stix::Object::parse(indicator(number, markings))};
        const auto report = node.admission->admit(objects, {.collection = "c1", .origin = "cert-self"});
        ASSERT_TRUE(report) << report.error().text();
        ASSERT_EQ(report->admitted, 1U);
      }
    });
  for (int i = 0; i < 10; ++i) {
    node.agree("cert-c", agreement({"c1"}, i % 2 == 0 ? Tlp::kGreen : Tlp::kAmber));
    node.apply();
  }
  for (auto& writer : writers) writer.join();
  // Of 180, three are for cert-a alone, three for the others alone; and the definitions.
  EXPECT_EQ(node.sees("cert-a")->size(), 3 * kEach - 3 + 1);
  EXPECT_EQ(node.sees("cert-b")->size(), 3 * kEach - 3 + 1);
  EXPECT_EQ(node.sees("cert-c")->size(), 3 * kEach - 3 + 1);
  for (const char* member : {"cert-a", "cert-b", "cert-c"}) {
    const auto tail = node.journal->snapshot()->tail(*node.release->view_of(member, "c1"), 0, 10'000);
    for (std::size_t i = 0; i < tail->rows.size(); ++i) EXPECT_EQ(tail->rows[i].pos, i + 1);
  }
}

TEST(Release, V10_WhatAFurtherAgreementDeniesHoldsInOutboxesToo) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  policy::Agreement further = agreement({"c1"}, Tlp::kClear);
  further.partner = "cert-a";
  further.denies = {{.types = std::set<std::string>{"malware"}}};
  node.policy.further["cert-a"] = {further};
  node.apply();
  node.admit({indicator(1, {std::string(kGreen)}), malware(2, {std::string(kGreen)})});
  EXPECT_EQ(node.sees("cert-a"), Seen({id_of("indicator", 1)}));
}

TEST(Release, WhatAFurtherAgreementPermitsFlows) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber, {"indicator"}));
  policy::Agreement second = agreement({"c1", "c2"}, Tlp::kGreen, {"malware"});
  second.partner = "cert-a";
  node.policy.further["cert-a"] = {second};
  node.apply();
  node.admit({indicator(1, {std::string(kAmber)}), malware(2, {std::string(kGreen)}), malware(3, {std::string(kAmber)})});
  node.admit({indicator(4, {std::string(kGreen)}), malware(5, {std::string(kGreen)})}, "c2");
  EXPECT_EQ(node.sees("cert-a"), Seen({id_of("indicator", 1), id_of("malware", 2)}));
  EXPECT_EQ(node.sees("cert-a", "c2"), Seen({id_of("malware", 5)}));
}

// Each of several agreements with a member permits what it permits while it is valid, and no longer.
TEST(Release, OfSeveralAgreementsThoseThatAreValidPermit) {
  TestNode node;
  policy::Agreement first = agreement({"c1"}, Tlp::kAmber), second = agreement({"c1"}, Tlp::kClear),
                    third = agreement({"c1"}, Tlp::kGreen);
  first.valid_until = node.clock.now() + std::chrono::hours(1);
  second.partner = third.partner = "cert-a";
  second.valid_until = node.clock.now() + std::chrono::hours(20);
  third.valid_from = node.clock.now() + std::chrono::hours(10);
  third.valid_until = node.clock.now() + std::chrono::hours(15);
  node.agree("cert-a", first);
  node.policy.further["cert-a"] = {second, third};
  node.apply();
  node.admit({indicator(1, {std::string(kAmber)}), indicator(2, {std::string(kGreen)}), indicator(3, {std::string(kClear)})});
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({1, 2, 3})));
  const auto before = node.release->open("cert-a", "c1");
  ASSERT_TRUE(before && node.release->is_current(*before));
  node.clock.advance(std::chrono::hours(2));
  EXPECT_FALSE(node.release->is_current(*before)) << "a page that is being written stops here";
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({3}))) << "what the first one permitted is not read under the second";
  node.clock.advance(std::chrono::hours(9));
  EXPECT_EQ(node.sees("cert-a")->size(), 2U) << "the third has begun";
  node.reopen();
  node.apply();
  EXPECT_EQ(node.sees("cert-a")->size(), 2U);
  node.clock.advance(std::chrono::hours(5));
  EXPECT_EQ(node.sees("cert-a"), Seen(indicators({3})));
  node.clock.advance(std::chrono::hours(5));
  EXPECT_EQ(node.sees("cert-a"), std::nullopt);
}

TEST(DecideByBoth, V10_PreviewAsksWhatOutboxesAreMadeByToo) {
  TestNode node;
  node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  policy::ObjectFacts facts{.object_id = id_of("indicator", 1),
                            .type = "indicator",
                            .collection = "c1",
                            .origin = "cert-self",
                            .label = {.tlp = Tlp::kGreen, .marked = true}};
  const Instant now = node.clock.now();
  const policy::CompiledPolicy same(node.policy);
  EXPECT_EQ(decide_by_both(facts, "cert-a", node.policy, same, now).verdict, policy::Verdict::kRelease);
  EXPECT_EQ(node.release->preview(facts).at(0).decision.verdict, policy::Verdict::kRelease);
  EXPECT_EQ(node.release->engine_faults(), 0U);
  // An engine that is wrong: it was made of another policy.
  policy::PolicyState other = node.policy;
  other.agreements["cert-a"].highest_tlp = Tlp::kClear;
  const policy::Decision differ = decide_by_both(facts, "cert-a", node.policy, policy::CompiledPolicy(other), now);
  EXPECT_EQ(differ.verdict, policy::Verdict::kWithhold);
  EXPECT_EQ(differ.reasons, std::vector{policy::Reason::kEnginesDiffer});
  // What a member gave is asked about alike.
  facts.origin = "cert-a";
  facts.label.tlp = Tlp::kRed;
  EXPECT_EQ(decide_by_both(facts, "cert-a", node.policy, same, now).verdict, policy::Verdict::kRelease);
}

}  // namespace
}  // namespace bongsu::flow
