#include "policy/state_file.h"

#include <gtest/gtest.h>

#include "policy/policy_test_support.h"

namespace bongsu::policy {
namespace {

TEST(StateFile, ReadsBackWhatItWrote) {
  SeededRandom random(1);
  for (int i = 0; i < 2'000; ++i) {
    const PolicyState state = test::random_state(random);
    const auto back = parse_state(to_text(to_json(state)), "state");
    ASSERT_TRUE(back) << back.error().text();
    ASSERT_EQ(*back, state) << to_text(to_json(state));
  }
}

TEST(StateFile, WhatIsLeftOutIsAsInAStateThatSaysNothing) {
  const auto state = parse_state(
      R"({"type":"bongsu-policy-state","self":"cert-lt","members":{"cert-ua":{}},"agreements":{"cert-ua":[{"collections":)"
      R"(["c"],"highest_tlp":"amber","types":["*"],"valid_until":"2027-01-01T00:00:00Z"}]}})",
      "state");
  ASSERT_TRUE(state) << state.error().text();
  PolicyState expected;
  expected.self = "cert-lt";
  expected.members["cert-ua"];
  expected.agreements["cert-ua"] = {.partner = "cert-ua",
                                    .collections = {"c"},
                                    .highest_tlp = stix::Tlp::kAmber,
                                    .types = {"*"},
                                    .valid_from = {},
                                    .valid_until = {1'798'761'600, 0}};
  EXPECT_EQ(*state, expected);
}

TEST(StateFile, ErrorsNameThePlaceAndTheRule) {
  for (
      const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
          {R"({"self":"a"})", "type"},
          {R"({"type":"bongsu-policy-state"})", "self"},
          {R"({"type":"bongsu-policy-state","self":"A"})", "self"},
          {R"({"type":"bongsu-policy-state","self":"a","x":1})", "x"},
          {R"({"type":"bongsu-policy-state","self":"a","members":{"b":{"kind":"secret"}}})", "members.b.kind"},
          {R"({"type":"bongsu-policy-state","self":"a","members":{"b":{"clearance":{"rank":7}}}})",
           "members.b.clearance.rank"},
          {R"({"type":"bongsu-policy-state","self":"a","agreements":{"b":[{"types":["*"]}]}})",
           "agreements.b[0].collections"},
          {R"({"type":"bongsu-policy-state","self":"a","agreements":{"b":[null,{"partner":"c"}]}})",
           "agreements.b[1].partner"},
          {R"({"type":"bongsu-policy-state","self":"a","equivalences":[{"nation":"se","authority":"civil","levels":{"H":"cosmic"}}]})",
           "equivalences[0].levels.H"},
          {R"({"type":"bongsu-policy-state","self":"a","equivalences":[{"nation":"se","authority":"civil","levels":{"H":"secret"}},)"
           R"({"nation":"se","authority":"military","levels":{}},{"nation":"se","authority":"civil","levels":{"H":"restricted"}}]})",
           "equivalences[2]"},
          {R"({"type":"bongsu-policy-state","self":"a","groups":{"g":{"versions":{"v":"b"}}}})",
           "groups.g.versions.v"}}) {
    const auto state = parse_state(text, "state.json");
    ASSERT_FALSE(state) << text;
    EXPECT_EQ(state.error().where.field, field) << state.error().text();
  }
}

}  // namespace
}  // namespace bongsu::policy
