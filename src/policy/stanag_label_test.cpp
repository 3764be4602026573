#include "policy/stanag_label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/nation_codes.h"
#include "policy/policy_test_support.h"

namespace bongsu::policy {
namespace {

using formats::CategoryType;
using formats::ConfidentialityLabel;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

const StanagWriting kWriting = {.created = *Instant::parse("2026-11-26T00:00:00Z"),
                                .review = *Instant::parse("2031-11-26T00:00:00Z"),
                                .originator = {}};

PolicyState world() {
  PolicyState state;
  state.self = "cert-lt";
  state.own.nation = "lt";
  state.members["cert-ua"].nation = "ua";
  state.members["mil-ua"].nation = "ua";
  state.members["cert-kr"].nation = "kr";
  state.groups["6f0e1b3c-520d-4a7d-9a3e-8e415bd27710"] = {
      .name = "NATO", .current = "00000000000000000000000000000001", .versions = {}};
  return state;
}

ConfidentialityLabel nato(std::vector<formats::LabelCategory> categories) {
  ConfidentialityLabel out;
  out.policy = "NATO";
  out.classification = "SECRET";
  out.categories = std::move(categories);
  return out;
}

StanagReading read(std::vector<formats::LabelCategory> categories) {
  return label_from_stanag(nato(std::move(categories)), Authority::kMilitary, world(), stix::Tlp::kAmberStrict);
}

TEST(StanagLabels, OwnLabelsSurviveTheRoundTrip) {
  SeededRandom random(1);
  int written = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Label label = test::random_flat_label(random);
    const auto document = label_to_stanag(label, kWriting);
    if (!document) {
      EXPECT_TRUE(label.unknown || !label.reveals.empty());
      continue;
    }
    ++written;
    const auto xml = formats::write_confidentiality_label(*document);
    ASSERT_TRUE(xml) << xml.error().text() << "\n" << label.text();
    const auto back = formats::read_confidentiality_label(*xml, "");
    ASSERT_TRUE(back) << back.error().text();
    const Label again = label_from_stanag(back->label, Authority::kCivil, {}, stix::Tlp::kClear).label;
    Label wanted = whole(label);
    wanted.marked = true;
    ASSERT_EQ(again.text(), wanted.text());
  }
  EXPECT_GT(written, 5'000);
}

TEST(StanagLabels, ReleasableToNamesMembersOfNationsAndGroups) {
  const auto reading =
      read({{.tag = "Context", .type = CategoryType::kPermissive, .uri = "", .values = {"NATO", "Releasable"}},
            {.tag = "Releasable To", .type = CategoryType::kPermissive, .uri = "", .values = {"NATO", "UKR", "JPN"}}});
  ASSERT_EQ(reading.label.clauses.size(), 1U);
  const ReleaseClause& clause = *reading.label.clauses.begin();
  EXPECT_THAT(clause.members, UnorderedElementsAre("cert-ua", "mil-ua"));
  EXPECT_EQ(clause.groups.size(), 1U);
  EXPECT_EQ(reading.notes.size(), 1U) << "nobody of JPN is known";
  EXPECT_FALSE(reading.label.unknown);
  EXPECT_THAT(reading.label.national, ElementsAre(NationalMark{"nato", Authority::kMilitary, "SECRET"}));
  EXPECT_EQ(reading.label.tlp, stix::Tlp::kAmberStrict);
}

TEST(StanagLabels, EveryPermissiveTagHasToBeSatisfiedAndEmptyIsNobody) {
  const auto two = read({{.tag = "Context", .type = CategoryType::kPermissive, .uri = "", .values = {"KFOR"}},
                         {.tag = "Only", .type = CategoryType::kPermissive, .uri = "", .values = {"UKR"}}});
  EXPECT_EQ(two.label.clauses.size(), 2U);
  EXPECT_TRUE(two.label.clauses.contains(ReleaseClause{})) << "nobody is in KFOR here";
  EXPECT_TRUE(read({{.tag = "Context", .type = CategoryType::kPermissive, .uri = "", .values = {"Releasable"}}})
                  .label.clauses.contains(ReleaseClause{}));
  EXPECT_TRUE(read({{.tag = "Eyes", .type = CategoryType::kPermissive, .uri = "", .values = {"UKR"}}})
                  .label.clauses.contains(ReleaseClause{}));
  EXPECT_TRUE(read({{.tag = "Releasable To", .type = CategoryType::kPermissive, .uri = "", .values = {}}})
                  .label.clauses.contains(ReleaseClause{}));
}

TEST(StanagLabels, RestrictiveIsACompartmentInformativeNothingAndAMarkACaveat) {
  ConfidentialityLabel document =
      nato({{.tag = "Additional Sensitivity", .type = CategoryType::kRestrictive, .uri = "", .values = {"ATOMAL"}},
            {.tag = "Administrative", .type = CategoryType::kInformative, .uri = "", .values = {"STAFF"}}});
  document.privacy_mark = "STAFF IN CONFIDENCE";
  document.succeeded = *Instant::parse("2027-01-01T00:00:00Z");
  const auto reading = label_from_stanag(document, Authority::kCivil, world(), stix::Tlp::kGreen);
  EXPECT_THAT(reading.label.categories, ElementsAre("NATO/ATOMAL"));
  EXPECT_THAT(reading.label.caveats, ElementsAre("STAFF IN CONFIDENCE"));
  EXPECT_EQ(reading.label.expires, document.succeeded);
  document.policy = "A policy that is no nation's, at all";
  EXPECT_TRUE(label_from_stanag(document, Authority::kCivil, world(), stix::Tlp::kGreen).label.unknown);
}

TEST(StanagLabels, AForgedLabelOfOurPolicyDenies) {
  ConfidentialityLabel document = *label_to_stanag(bottom(), kWriting);
  document.categories.push_back({.tag = "Everyone", .type = CategoryType::kPermissive, .uri = "", .values = {"x"}});
  EXPECT_TRUE(label_from_stanag(document, Authority::kCivil, {}, stix::Tlp::kClear).label.unknown);
  document.categories.clear();
  EXPECT_TRUE(label_from_stanag(document, Authority::kCivil, {}, stix::Tlp::kClear).label.unknown) << "no TLP";
  document.categories = {{.tag = "TLP", .type = CategoryType::kRestrictive, .uri = "", .values = {"TLP:RED"}},
                         {.tag = "TLP", .type = CategoryType::kRestrictive, .uri = "", .values = {"TLP:CLEAR"}}};
  EXPECT_TRUE(label_from_stanag(document, Authority::kCivil, {}, stix::Tlp::kClear).label.unknown) << "two levels";
}

TEST(StanagLabels, CountriesByThreeLetters) {
  EXPECT_EQ(nation_of_alpha3("LTU"), "lt");
  EXPECT_EQ(nation_of_alpha3("AFG"), "af");
  EXPECT_EQ(nation_of_alpha3("ZWE"), "zw");
  EXPECT_FALSE(nation_of_alpha3("ltu"));
  EXPECT_FALSE(nation_of_alpha3("GaL"));
  EXPECT_FALSE(nation_of_alpha3("NAT"));
}

}  // namespace
}  // namespace bongsu::policy
