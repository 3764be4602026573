// What a declared crisis makes of agreements, and that it ends by itself.
#include "node/crisis.h"

#include <gtest/gtest.h>

namespace bongsu::node {
namespace {

using policy::Purpose;
using policy::Reason;

constexpr Instant kFar{4'000'000'000, 0}, kSince{1000, 0}, kUntil{2000, 0};

policy::PolicyState world(std::set<Purpose> purposes) {
  policy::PolicyState state{.self = "cert-self"};
  state.members["cert-a"];
  state.agreements["cert-a"] = {.partner = "cert-a",
                                .collections = {"c1"},
                                .highest_tlp = stix::Tlp::kGreen,
                                .types = {"*"},
                                .valid_until = kFar};
  state.agreements["cert-a"].purposes = std::move(purposes);
  return state;
}
const Crisis kCrisis{.since = kSince, .until = kUntil, .reason = "attacks on the grid", .by = "olena"};

std::vector<Reason> why(policy::PolicyState state, Instant now, bool declared = true, std::string type = "indicator") {
  if (declared) apply_crisis(state, kCrisis, now);
  const policy::ObjectFacts facts{.object_id = type + "--x",
                                  .type = type,
                                  .collection = "c1",
                                  .origin = "cert-self",
                                  .label = {.tlp = stix::Tlp::kGreen}};
  return policy::decide(facts, "cert-a", Purpose::kOperations, state, now).reasons;
}
const std::vector<Reason> kYes{Reason::kAgreed};

TEST(Crisis, AnAgreementForCrisesHoldsWhileOneIsDeclaredAndNeitherBeforeNorAfter) {
  const auto state = world({Purpose::kCrisis});
  EXPECT_EQ(why(state, kSince, false), std::vector{Reason::kWrongPurpose});
  EXPECT_EQ(why(state, {999, 999'999'999}), std::vector{Reason::kNotYetValid});
  EXPECT_EQ(why(state, kSince), kYes);
  EXPECT_EQ(why(state, {1999, 999'999'999}), kYes);
  EXPECT_EQ(why(state, kUntil), std::vector{Reason::kExpired}) << "by itself";
}

TEST(Crisis, OperationsGoOnAsBeforeAndAnExerciseIsNoCrisis) {
  for (const auto now : {kSince, kUntil}) {
    EXPECT_EQ(why(world({Purpose::kOperations, Purpose::kCrisis}), now), kYes);
    EXPECT_EQ(why(world({Purpose::kOperations}), now), kYes);
    EXPECT_EQ(why(world({Purpose::kExercise}), now), std::vector{Reason::kWrongPurpose});
  }
  const auto both = world({Purpose::kExercise, Purpose::kCrisis});
  EXPECT_EQ(why(both, kSince), kYes);
  EXPECT_EQ(why(both, kUntil), std::vector{Reason::kWrongPurpose});
  auto after = both;
  apply_crisis(after, kCrisis, kUntil);
  EXPECT_EQ(after.agreements["cert-a"], both.agreements.at("cert-a")) << "the exercise keeps its time";
}

TEST(Crisis, NeverWidensWhatTheAgreementSays) {
  auto state = world({Purpose::kCrisis});
  state.agreements["cert-a"].valid_until = {1500, 0};
  state.agreements["cert-a"].valid_from = Instant{1200, 0};
  EXPECT_EQ(why(state, {1100, 0}), std::vector{Reason::kNotYetValid});
  EXPECT_EQ(why(state, {1200, 0}), kYes);
  EXPECT_EQ(why(state, {1500, 0}), std::vector{Reason::kExpired});
  state.agreements["cert-a"].types = {"malware"};
  EXPECT_EQ(why(state, {1200, 0}), std::vector{Reason::kTypeNotAgreed});
}

TEST(Crisis, WhatIsForbiddenInCrisesIsForbiddenWhileOneLasts) {
  auto state = world({Purpose::kOperations, Purpose::kCrisis});
  state.agreements["cert-a"].denies = {{.types = {{"malware"}}, .purposes = {{Purpose::kCrisis}}}};
  EXPECT_EQ(why(state, kSince, true, "malware"), std::vector{Reason::kDenyClause});
  EXPECT_EQ(why(state, kSince), kYes);
  EXPECT_EQ(why(state, kUntil, true, "malware"), kYes);
  state.further["cert-a"].push_back(state.agreements["cert-a"]);
  state.agreements["cert-a"].denies.clear();
  EXPECT_EQ(why(state, kSince, true, "malware"), std::vector{Reason::kDenyClause}) << "by any agreement";
}

TEST(Crisis, ReadsBackAndIsRefusedWithoutReasonOrEnd) {
  const auto back = Crisis::parse(kCrisis.json());
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, kCrisis);
  EXPECT_FALSE(Crisis::parse(JsonObject{{"since", "2026-01-01T00:00:00Z"}}));
  EXPECT_TRUE(check_crisis(kCrisis, kSince));
  Crisis bad = kCrisis;
  bad.reason.clear();
  EXPECT_EQ(check_crisis(bad, kSince).error().where.field, "reason");
  EXPECT_EQ(check_crisis(kCrisis, kUntil).error().where.field, "until") << "over already";
  bad = kCrisis;
  bad.until = kSince + kMaxCrisis + std::chrono::seconds(1);
  EXPECT_EQ(check_crisis(bad, kSince).error().where.field, "until") << "without end";
}

}  // namespace
}  // namespace bongsu::node
