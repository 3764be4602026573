#include "flow/admit.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "flow/facts.h"
#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;
using Outcome = AdmitItem::Outcome;

policy::Label label_of(TestNode& node, const AdmitItem& item) {
  const auto entry = node.journal->snapshot()->entry(item.seq);
  EXPECT_TRUE(entry);
  const auto label = policy::Label::parse(stored_label(entry->label));
  EXPECT_TRUE(label) << entry->label;
  return *label;
}

class Admissions : public testing::Test {
 protected:
  void SetUp() override {
    node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
    node.agree("cert-b", agreement({"c1"}, Tlp::kAmber));
    node.apply();
  }
  TestNode node;
};

TEST_F(Admissions, OneBadObjectNeverCostsTheGoodOnes) {
  const auto report = node.admit(
      {indicator(1), "{\"type\":", R"({"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"})",
       R"({"id":"indicator--x","type":"indicator"})", indicator(2)});
  ASSERT_EQ(report.items.size(), 5U);
  EXPECT_EQ(report.admitted, 2U);
  EXPECT_EQ(report.refused, 3U);
  EXPECT_EQ(report.items[0].outcome, Outcome::kNew);
  for (const std::size_t bad : {1U, 2U, 3U}) {
    EXPECT_EQ(report.items[bad].outcome, Outcome::kRefused);
    EXPECT_FALSE(report.items[bad].message.empty());
    EXPECT_FALSE(report.items[bad].findings.empty());
    EXPECT_EQ(report.items[bad].seq, 0U);
  }
  EXPECT_EQ(report.items[2].id, "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
  EXPECT_EQ(report.items[4].version, "2026-01-01T00:00:00.000Z");
}

TEST_F(Admissions, SameVersionAgainIsADuplicateInTheBatchAndInTheJournal) {
  const auto first =
      node.admit({indicator(1), indicator(1), indicator(1, {}, 0, R"(,"description":"other")"), indicator(1, {}, 5)});
  EXPECT_EQ(first.items[0].outcome, Outcome::kNew);
  EXPECT_EQ(first.items[1].outcome, Outcome::kDuplicate);
  EXPECT_EQ(first.items[1].seq, first.items[0].seq);
  EXPECT_EQ(first.items[2].outcome, Outcome::kOtherBytes);
  EXPECT_EQ(first.items[3].outcome, Outcome::kNew);
  const auto second = node.admit({indicator(1), indicator(1, {}, 0, R"(,"description":"other")")});
  EXPECT_EQ(second.items[0].outcome, Outcome::kDuplicate);
  EXPECT_EQ(second.items[0].seq, first.items[0].seq);
  EXPECT_EQ(second.items[1].outcome, Outcome::kOtherBytes);
  EXPECT_EQ(second.duplicates, 1U);
  EXPECT_EQ(second.refused, 1U);
  EXPECT_EQ(node.sees("cert-a")->size(), 2U);
}

TEST_F(Admissions, OtherContentOfAVersionReplacesItOnlyWhereReleasesAreToldInOrder) {
  const auto admit = [&](const std::string& text, const std::string& origin, bool replaces) {
    std::vector<Result<stix::Object>> objects;
    objects.push_back(stix::Object::parse(text));
    auto report = node.admission->admit(
        objects, {.collection = "c1", .origin = origin, .fallback = Tlp::kGreen, .replaces = replaces});
    EXPECT_TRUE(report) << report.error().text();
    return *report;
  };
  const std::string whole = indicator(1, {}, 0, R"(,"description":"all of it")"), redacted = indicator(1);
  EXPECT_EQ(admit(whole, "cert-a", true).items[0].outcome, Outcome::kNew);
  EXPECT_EQ(admit(redacted, "cert-a", false).items[0].outcome, Outcome::kOtherBytes);
  EXPECT_EQ(admit(redacted, "cert-b", true).items[0].outcome, Outcome::kNew) << "not what another member gave";
  const auto report = admit(redacted, "cert-a", true);
  EXPECT_EQ(report.items[0].outcome, Outcome::kReplaced);
  EXPECT_EQ(report.admitted, 1U);
  EXPECT_EQ(admit(redacted, "cert-a", true).items[0].outcome, Outcome::kDuplicate);
  const auto versions = node.journal->snapshot()->versions("c1", id_of("indicator", 1));
  ASSERT_EQ(versions->size(), 2U);
  for (const auto& entry : *versions) EXPECT_EQ(node.journal->snapshot()->payload(entry.seq).value(), redacted);
  EXPECT_EQ(admit(whole, "cert-a", true).items[0].outcome, Outcome::kReplaced) << "and back";
}

TEST_F(Admissions, AnObjectWithoutVersionShowsWhenItWasAdded) {
  const auto report = node.admit(
      {R"({"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"})"});
  ASSERT_EQ(report.items[0].outcome, Outcome::kNew) << report.items[0].message;
  const auto entry = node.journal->snapshot()->entry(report.items[0].seq);
  EXPECT_EQ(report.items[0].version, Instant::from_micros(entry->added_us).text(6));
}

TEST_F(Admissions, EmptyBatchWritesItsStatesAndNothingElse) {
  const auto before = node.journal->last_seq();
  const auto report =
      node.admission->admit({}, {.collection = "c1", .origin = "cert-a", .states = {{"link", "cursor", "7"}}});
  ASSERT_TRUE(report);
  EXPECT_EQ(*node.journal->state("link", "cursor"), "7");
  EXPECT_EQ(node.journal->last_seq(), before);
}

TEST_F(Admissions, StatesAreWrittenEvenIfEveryObjectIsRefused) {
  const std::vector<Result<stix::Object>> objects{stix::Object::parse("{}")};
  ASSERT_TRUE(
      node.admission->admit(objects, {.collection = "c1", .origin = "cert-a", .states = {{"link", "cursor", "8"}}}));
  EXPECT_EQ(*node.journal->state("link", "cursor"), "8");
}

TEST_F(Admissions, ASecondDefinitionUnderTheSameIdIsRefusedAndTheFirstStays) {
  const std::string good = releasable_to({"cert-a"});
  auto evil = parse_json(good)->as_object();
  evil["extensions"].as_object().begin()->value().as_object()["members"] = JsonArray{"cert-a", "cert-b"};
  ASSERT_EQ(node.admit({good}).admitted, 1U);
  const auto report =
      node.admit({to_text(Json(evil)), indicator(1, {std::string(kGreen), releasable_id({"cert-a"})})}, "c2", "cert-b");
  EXPECT_EQ(report.items[0].outcome, Outcome::kRefused);
  EXPECT_NE(report.items[0].message.find("cannot change"), std::string::npos);
  EXPECT_EQ(label_of(node, report.items[1]).releasable_to, (std::set<std::string>{"cert-a"}));
  node.reopen();
  node.apply();
  EXPECT_EQ(node.admit({to_text(Json(evil))}, "c1", "cert-b").refused, 1U) << "after a restart too";
  EXPECT_EQ(node.admit({to_pretty_text(*parse_json(good))}, "c2").items[0].outcome, Outcome::kNew)
      << "spelling is no other content";
}

TEST_F(Admissions, TheStandardsIdsCannotBeGivenAnotherMeaning) {
  const std::string text =
      R"({"type":"marking-definition","spec_version":"2.1","id":")" + std::string(kRed) +
      R"(","created":"2022-10-01T00:00:00.000Z","name":"TLP:RED","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":)"
      R"({"extension_type":"property-extension","tlp_2_0":"clear"}}})";
  EXPECT_EQ(node.admit({text}, "c1", "cert-b").items[0].outcome, Outcome::kRefused);
  EXPECT_EQ(node.admit({std::string(stix::tlp_definition(Tlp::kRed))}).items[0].outcome, Outcome::kNew);
}

TEST_F(Admissions, WhatCarriesAnUnknownMarkingGoesToNobody) {
  const auto report = node.admit({indicator(1, {std::string(kClear), releasable_id({"cert-a"})})});
  EXPECT_EQ(report.admitted, 1U);
  EXPECT_TRUE(label_of(node, report.items[0]).unknown);
  EXPECT_EQ(node.sees("cert-a"), Seen(std::vector<std::string>{}));
}

TEST_F(Admissions, DefinitionsOfABatchCountForAllOfItAndComeFirst) {
  const auto report =
      node.admit({indicator(1, {std::string(kGreen), releasable_id({"cert-a"})}), releasable_to({"cert-a"})});
  EXPECT_EQ(report.admitted, 2U);
  EXPECT_FALSE(label_of(node, report.items[0]).unknown);
  EXPECT_LT(report.items[1].seq, report.items[0].seq);
  EXPECT_EQ(node.sees("cert-a"), (Seen({releasable_id({"cert-a"}), id_of("indicator", 1)})));
  EXPECT_EQ(node.sees("cert-b"), Seen(std::vector<std::string>{})) << "the list of members is nobody else's business";
}

TEST_F(Admissions, TwoTlpLevelsAreJoinedWithAWarning) {
  const auto report = node.admit({indicator(1, {std::string(kGreen), std::string(kRed)})});
  EXPECT_EQ(report.items[0].outcome, Outcome::kNew);
  ASSERT_FALSE(report.items[0].findings.empty());
  EXPECT_EQ(report.items[0].findings.back().severity, stix::Severity::kWarning);
  EXPECT_EQ(label_of(node, report.items[0]).tlp, Tlp::kRed);
  EXPECT_EQ(node.sees("cert-a")->size(), 0U);
}

TEST_F(Admissions, APartnerCannotSpeakAsThisNode) {
  const std::string own = id_of("identity", 0xfe1f);
  const std::string forged = indicator(1, {}, 0, R"(,"created_by_ref":")" + own + '"');
  const std::string identity =
      R"({"type":"identity","spec_version":"2.1","id":")" + own +
      R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"we"})";
  const auto report = node.admit({forged, identity, indicator(2)}, "c1", "cert-b");
  EXPECT_EQ(report.items[0].outcome, Outcome::kRefused);
  EXPECT_EQ(report.items[1].outcome, Outcome::kRefused);
  EXPECT_EQ(report.items[2].outcome, Outcome::kNew);
  EXPECT_EQ(node.admit({forged, identity}).admitted, 2U) << "we can";
}

TEST_F(Admissions, ALabelWeakerThanOurCopyDoesNotHold) {
  node.admit({indicator(1, {std::string(kAmber)})});
  const auto weaker = node.admit({indicator(1, {std::string(kGreen)}, 8)}, "c2", "cert-b");
  EXPECT_EQ(weaker.items[0].outcome, Outcome::kNew) << "the sender is told nothing of our copy";
  EXPECT_EQ(label_of(node, weaker.items[0]).tlp, Tlp::kAmber);
  EXPECT_EQ(node.admit({indicator(1, {std::string(kAmber)}, 9)}, "c2", "cert-b").items[0].outcome, Outcome::kNew);
  EXPECT_EQ(node.admit({indicator(1, {std::string(kRed)}, 10)}, "c2", "cert-b").items[0].outcome, Outcome::kNew);
}

TEST_F(Admissions, AThirdMembersCopyCountsLikeOurs) {
  node.admit({indicator(1, {std::string(kAmber)})}, "c2", "cert-a");
  EXPECT_EQ(label_of(node, node.admit({indicator(1, {std::string(kGreen)}, 9)}, "c2", "cert-b").items[0]).tlp, Tlp::kAmber);
  EXPECT_EQ(label_of(node, node.admit({indicator(1, {std::string(kGreen)}, 10)}, "c2", "cert-a").items[0]).tlp, Tlp::kAmber)
      << "cert-b's copy has a say by now";
  node.admit({indicator(2, {std::string(kAmber)})}, "c2", "cert-a");
  EXPECT_EQ(label_of(node, node.admit({indicator(2, {std::string(kGreen)}, 9)}, "c2", "cert-a").items[0]).tlp, Tlp::kGreen)
      << "whoever gave it may lower it";
}

TEST_F(Admissions, WithoutAMarkingOfItsOwnAnObjectKeepsTheStricterLabel) {
  node.admit({indicator(1, {std::string(kAmber)})});
  const auto report = node.admit({indicator(1, {}, 9)}, "c2", "cert-b", Tlp::kGreen);
  ASSERT_EQ(report.items[0].outcome, Outcome::kNew);
  EXPECT_EQ(label_of(node, report.items[0]).tlp, Tlp::kAmber);
}

TEST_F(Admissions, AnIdThatCanBeGuessedIsNoOracle) {
  const std::string address =
      R"({"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3")";
  node.admit({address + refs({std::string(kRed)}) + "}"});
  const auto known = node.admit({address + refs({std::string(kClear)}) + "}"}, "c2", "cert-b");
  TestNode other;
  other.apply();
  const auto unknown = other.admit({address + refs({std::string(kClear)}) + "}"}, "c2", "cert-b");
  EXPECT_EQ(known.items[0].outcome, unknown.items[0].outcome);
  EXPECT_EQ(known.items[0].message, unknown.items[0].message);
  EXPECT_EQ(label_of(node, known.items[0]).tlp, Tlp::kRed) << "the stricter label stays all the same";
}

TEST_F(Admissions, ARelationshipGoesToNobodyWhomOneOfItsEndsIsWithheldFrom) {
  node.admit({releasable_to({"cert-a"}), indicator(1, {std::string(kGreen), releasable_id({"cert-a"})}),
              malware(2, {std::string(kGreen)}), malware(3, {std::string(kRed)})});
  node.admit({relationship(4, id_of("indicator", 1), id_of("malware", 2), {std::string(kClear)}),
              relationship(5, id_of("malware", 2), id_of("malware", 3), {std::string(kClear)}),
              relationship(6, id_of("malware", 2), id_of("malware", 77), {std::string(kClear)})});
  const auto a = *node.sees("cert-a"), b = *node.sees("cert-b");
  const auto has = [](const auto& seen, unsigned n) {
    return std::ranges::find(seen, id_of("relationship", n)) != seen.end();
  };
  EXPECT_TRUE(has(a, 4));
  EXPECT_FALSE(has(b, 4));
  EXPECT_FALSE(has(a, 5));
  EXPECT_FALSE(has(b, 5));
  EXPECT_TRUE(has(a, 6)) << "what is not known here reveals nothing of ours";
}

TEST_F(Admissions, ReferencesWithinABatchCountInAnyOrderAndThroughSeveralSteps) {
  const std::string report_object =
      R"({"type":"report","spec_version":"2.1","id":")" + id_of("report", 9) +
      R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"r","published":"2026-01-01T00:00:00Z",)"
      R"("object_refs":[")" +
      id_of("relationship", 8) + "\"]" + refs({std::string(kClear)}) + "}";
  const auto report =
      node.admit({report_object, relationship(8, id_of("malware", 1), id_of("malware", 2), {std::string(kClear)}),
                  malware(1, {std::string(kRed)}), malware(2, {std::string(kClear)})});
  EXPECT_EQ(label_of(node, report.items[0]).tlp, Tlp::kRed);
  EXPECT_EQ(label_of(node, report.items[1]).tlp, Tlp::kRed);
  EXPECT_EQ(label_of(node, report.items[3]).tlp, Tlp::kClear) << "being referred to changes nothing (STIX 2.1 §7.2.2)";
}

TEST_F(Admissions, ToNameAThirdMembersObjectIsToPassItOn) {
  node.admit({indicator(1, {std::string(kGreen)})}, "c2", "cert-b");
  const auto report = node.admit({malware(2, {std::string(kGreen)}),
                                  relationship(3, id_of("indicator", 1), id_of("malware", 2), {std::string(kGreen)})});
  EXPECT_EQ(label_of(node, report.items[1]).reveals, (std::set<std::string>{"cert-b"}));
  EXPECT_EQ(node.sees("cert-a"), (Seen({id_of("malware", 2)})));
  EXPECT_EQ(node.sees("cert-b"), (Seen({id_of("malware", 2), id_of("relationship", 3)}))) << "its giver knows it";
}

TEST_F(Admissions, CirclesOfReferencesEnd) {
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 200; ++i)
    texts.push_back(relationship(i, id_of("relationship", (i + 1) % 200), id_of("malware", 500)));
  texts.push_back(malware(500, {std::string(kAmber)}));
  const auto report = node.admit(texts);
  for (std::size_t i = 0; i < 200; ++i) {
    if (report.items[i].outcome != Outcome::kNew) continue;  // the standard forbids some of it
    EXPECT_EQ(label_of(node, report.items[i]).tlp, Tlp::kAmber);
  }
}

TEST_F(Admissions, RemoveTakesAnObjectOutOfEveryView) {
  node.admit({indicator(1), indicator(1, {}, 5), indicator(2)});
  ASSERT_TRUE(node.admission->remove("c1", id_of("indicator", 1), "2026-01-01T00:00:05", "cert-self"));
  EXPECT_EQ(node.sees("cert-a"), (Seen({id_of("indicator", 1), id_of("indicator", 2)})));
  ASSERT_TRUE(node.admission->remove("c1", id_of("indicator", 1), "", "cert-self", {{"link", "cursor", "9"}}));
  EXPECT_EQ(node.sees("cert-a"), (Seen({id_of("indicator", 2)})));
  EXPECT_EQ(*node.journal->state("link", "cursor"), "9");
  EXPECT_EQ(node.admission->remove("c1", id_of("indicator", 1), "", "cert-self").error().code, ErrorCode::kNotFound);
}

TEST_F(Admissions, WhatAMemberCannotSeeItCannotDeleteAndCannotTellFromNothing) {
  node.admit({indicator(1, {std::string(kRed)})});
  node.admit({indicator(3)}, "c1", "cert-b");
  const auto hidden = node.admission->remove("c1", id_of("indicator", 1), "", "cert-b");
  const auto nothing = node.admission->remove("c1", id_of("indicator", 99), "", "cert-b");
  const auto elsewhere = node.admission->remove("c2", id_of("indicator", 1), "", "cert-b");
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().text(), nothing.error().text());
  EXPECT_EQ(hidden.error().text(), elsewhere.error().text());
  EXPECT_EQ(hidden.error().code, ErrorCode::kNotFound);
  node.admit({indicator(2)});
  EXPECT_EQ(node.admission->remove("c1", id_of("indicator", 2), "", "cert-b").error().code, ErrorCode::kDenied);
  EXPECT_TRUE(node.admission->remove("c1", id_of("indicator", 3), "", "cert-b"));
}

TEST_F(Admissions, LabelsOfRememberedObjectsFollowWhatIsAdmittedAndDeleted) {
  node.admit({malware(1, {std::string(kRed)})});
  const auto edge = [&](unsigned n) {
    return label_of(
               node,
               node.admit({relationship(n, id_of("malware", 1), id_of("malware", 2), {std::string(kClear)})}).items[0])
        .tlp;
  };
  EXPECT_EQ(edge(1), Tlp::kRed);
  node.admit({malware(1, {std::string(kGreen)}, 7)});
  EXPECT_EQ(edge(2), Tlp::kGreen);
  ASSERT_TRUE(node.admission->remove("c1", id_of("malware", 1), "2026-01-01T00:00:07", "cert-self"));
  EXPECT_EQ(edge(3), Tlp::kRed);
  ASSERT_TRUE(node.admission->remove("c1", id_of("malware", 1), "", "cert-self"));
  EXPECT_EQ(edge(4), Tlp::kClear);
}

TEST_F(Admissions, ABatchIsWholeOrAbsent) {
  node.journal->close();
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(indicator(1))};
  EXPECT_FALSE(node.admission->admit(objects, {.collection = "c1", .origin = "cert-self"}));
}

}  // namespace
}  // namespace bongsu::flow
