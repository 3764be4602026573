#include "policy/lowering.h"

#include <gtest/gtest.h>

namespace bongsu::policy {
namespace {

using stix::Tlp;

Label of(Tlp tlp, ClassRank rank = ClassRank::kUnclassified) { return {.tlp = tlp, .marked = true, .rank = rank}; }

// An object with this label around one property that has another one.
Label with_part(const Label& own, const std::string& selector, const Label& part) {
  Label out = join(own, part);
  out.parts = {{{}, own}, {{selector}, part}};
  out.redact = {selector};
  return out;
}

TEST(Lowering, RaisingAndKeepingTakeNobodyElse) {
  EXPECT_FALSE(needs_second_person(of(Tlp::kRed), of(Tlp::kRed), Tlp::kRed));
  EXPECT_FALSE(needs_second_person(of(Tlp::kGreen), of(Tlp::kRed), Tlp::kRed));
  EXPECT_FALSE(needs_second_person(of(Tlp::kAmber), of(Tlp::kAmber, ClassRank::kSecret), Tlp::kRed));
}

TEST(Lowering, WhatIsBelowTheThresholdIsLoweredAlone) {
  EXPECT_FALSE(needs_second_person(of(Tlp::kAmberStrict), of(Tlp::kGreen), Tlp::kRed));
  EXPECT_TRUE(needs_second_person(of(Tlp::kAmberStrict), of(Tlp::kGreen), Tlp::kAmberStrict));
  EXPECT_TRUE(needs_second_person(of(Tlp::kRed), of(Tlp::kAmberStrict), Tlp::kRed));
}

TEST(Lowering, OfAClassifiedObjectEverythingThatWidensCounts) {
  const Label secret = of(Tlp::kGreen, ClassRank::kSecret);
  EXPECT_TRUE(needs_second_person(secret, of(Tlp::kGreen, ClassRank::kRestricted), Tlp::kRed));
  EXPECT_TRUE(needs_second_person(secret, of(Tlp::kClear, ClassRank::kSecret), Tlp::kRed));
  EXPECT_FALSE(needs_second_person(secret, of(Tlp::kGreen, ClassRank::kTopSecret), Tlp::kRed));
  Label named = secret, wider = secret;
  named.releasable_to = {"cert-lt"};
  wider.releasable_to = {"cert-lt", "cert-ua"};
  EXPECT_TRUE(needs_second_person(named, wider, Tlp::kRed));
  EXPECT_TRUE(needs_second_person(named, secret, Tlp::kRed)) << "the list left out is everyone";
  EXPECT_FALSE(needs_second_person(wider, named, Tlp::kRed));
  Label national = of(Tlp::kClear);
  national.national = {{"se", Authority::kMilitary, "HEMLIG/SECRET"}};
  EXPECT_TRUE(needs_second_person(national, of(Tlp::kClear), Tlp::kRed));
  Label compartment = of(Tlp::kGreen);
  compartment.categories = {"CRYPTO"};
  EXPECT_TRUE(needs_second_person(compartment, of(Tlp::kGreen), Tlp::kRed));
}

TEST(Lowering, WhatWasNotUnderstoodMayHaveBeenAnything) {
  Label unknown = of(Tlp::kClear);
  unknown.unknown = true;
  EXPECT_TRUE(needs_second_person(unknown, of(Tlp::kClear), Tlp::kRed));
  EXPECT_FALSE(needs_second_person(unknown, unknown, Tlp::kRed));
}

TEST(Lowering, AGranularMarkingDoesNotHideThatTheRestWasLowered) {
  const Label before = of(Tlp::kRed), after = with_part(of(Tlp::kGreen), "name", of(Tlp::kRed));
  ASSERT_TRUE(at_most(before, after)) << "the join is RED as before";
  EXPECT_TRUE(needs_second_person(before, after, Tlp::kRed));
}

TEST(Lowering, AGranularMarkingThatMovesToAnotherPropertyUncoversTheFirst) {
  const Label before = with_part(of(Tlp::kGreen), "description", of(Tlp::kRed));
  const Label moved = with_part(of(Tlp::kGreen), "name", of(Tlp::kRed));
  EXPECT_TRUE(needs_second_person(before, moved, Tlp::kRed));
  EXPECT_FALSE(needs_second_person(before, before, Tlp::kRed));
  EXPECT_FALSE(needs_second_person(before, of(Tlp::kRed), Tlp::kRed)) << "RED as a whole covers it";
}

TEST(Lowering, DifferencesNameWhatChangedAndNothingElse) {
  Label before = of(Tlp::kRed, ClassRank::kSecret), after = of(Tlp::kGreen, ClassRank::kSecret);
  before.releasable_to = {"cert-lt"};
  after.releasable_to = std::set<MemberId>{};
  EXPECT_EQ(differences(before, after),
            (std::vector<Difference>{{"TLP", "TLP:RED", "TLP:GREEN"}, {"releasable to", "cert-lt", "nobody"}}));
  EXPECT_TRUE(differences(before, before).empty());
  const Label part = with_part(of(Tlp::kGreen), "description", of(Tlp::kRed));
  const auto told = differences(of(Tlp::kRed), part);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].what, "around its parts");
  EXPECT_EQ(told[1].after.find("description: red"), 0u) << told[1].after;
}

}  // namespace
}  // namespace bongsu::policy
