#include "node/rules_aside.h"

#include <gtest/gtest.h>

#include <fstream>

#include "node/stored_journal_test_support.h"

namespace bongsu::node {
namespace {

using detect::Language;

class RulesAsideTest : public ::testing::Test {
 protected:
  test::StoredJournal place;
  const std::filesystem::path file = place.directory() / "rules-aside.json";

  static detect::Rule rule(std::string text, Language language = Language::kYara) {
    return {.ref = 1, .language = language, .text = std::move(text)};
  }
  static RuleAside aside(const detect::Rule& of, std::int64_t at = 0) {
    return {.digest = RulesAside::digest(of),
            .language = std::string(to_string(of.language)),
            .indicator = "indicator--1",
            .giver = "cert-ua",
            .reason = "it ended the sensor",
            .since = {.seconds = 1'700'000'000 + at}};
  }
};

TEST_F(RulesAsideTest, WhatIsSetAsideIsKnownAfterARestartByItsTextAndLanguage) {
  {
    auto rules = RulesAside::open(file);
    ASSERT_TRUE(rules);
    EXPECT_FALSE((*rules)->find(rule("a")));
    ASSERT_TRUE((*rules)->add(aside(rule("a"), 2)));
    ASSERT_TRUE((*rules)->add(aside(rule("b"), 1)));
    ASSERT_TRUE((*rules)->add(aside(rule("a"), 9))) << "again changes nothing";
  }
  auto rules = RulesAside::open(file);
  ASSERT_TRUE(rules) << rules.error().text();
  EXPECT_EQ((*rules)->find(rule("a"))->reason, "it ended the sensor");
  EXPECT_FALSE((*rules)->find(rule("a", Language::kSigma)));
  EXPECT_FALSE((*rules)->find(rule("a ")));
  ASSERT_EQ((*rules)->list().size(), 2U);
  EXPECT_EQ((*rules)->list()[0].digest, RulesAside::digest(rule("b"))) << "oldest first";
  EXPECT_EQ((*rules)->list()[1].since.seconds, 1'700'000'002);
}

TEST_F(RulesAsideTest, OnlyWhatIsNamedClearlyIsTakenBack) {
  auto rules = *RulesAside::open(file);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(rules->add(aside(rule(std::to_string(i)))));
  const std::string digest = RulesAside::digest(rule("7"));
  for (const std::string& name :
       {std::string(), digest.substr(0, 7), digest + "0", std::string("zzzzzzzz"), std::string(64, 'f')})
    EXPECT_EQ(rules->take_back(name).error().code, ErrorCode::kNotFound) << name;
  EXPECT_EQ(rules->take_back(digest.substr(0, 8))->digest, digest);
  EXPECT_EQ(rules->take_back(digest).error().code, ErrorCode::kNotFound);
  EXPECT_EQ((*RulesAside::open(file))->list().size(), 39U);
}

TEST_F(RulesAsideTest, AFileThatIsDamagedIsNamedAndNotTakenForNone) {
  for (
      const char* text :
      {"", "{", "[]", "{}", R"({"rules":{}})", R"({"rules":[{}]})",
       R"({"rules":[{"digest":"00","since":"2026-01-01T00:00:00Z"}]})",
       R"({"rules":[{"digest":"0000000000000000000000000000000000000000000000000000000000000000","since":"yesterday"}]})"}) {
    std::ofstream(file, std::ios::trunc) << text;
    const auto opened = RulesAside::open(file);
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error().where.source, file.string());
  }
}

TEST_F(RulesAsideTest, AReasonOfAnyLengthIsCut) {
  auto rules = *RulesAside::open(file);
  RuleAside long_one = aside(rule("a"));
  long_one.reason = std::string(1 << 20, 'x');
  ASSERT_TRUE(rules->add(long_one));
  EXPECT_EQ(rules->list()[0].reason.size(), kMaxAsideReasonBytes);
}

}  // namespace
}  // namespace bongsu::node
