#include "detect/rule_object.h"

#include <gtest/gtest.h>

#include "detect/indicator.h"

namespace bongsu::detect {
namespace {

const Instant kModified = *Instant::parse("2026-01-02T03:04:05.678Z");

TEST(RuleObject, ASigmaFileIsAnIndicatorThatKeepsItsId) {
  const std::string text = R"(title: Odd shell
id: 6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001
description: Says why
date: 2024/05/31
references: [ 'https://example.org/a', 'no address' ]
logsource: { category: process_creation, product: windows }
detection: { selection: { Image: a }, condition: selection }
)";
  const auto object = indicator_of_rules(Language::kSigma, text, "dir/shell.yml", kModified);
  ASSERT_TRUE(object) << object.error().text();
  EXPECT_EQ(object->type(), "indicator");
  const std::string bytes(object->bytes());
  for (const char* part : {R"("created":"2024-05-31T00:00:00.000Z")", R"("modified":"2026-01-02T03:04:05.678Z")", R"("name":"Odd shell")",
                           R"("pattern_type":"sigma")", R"("url":"https://example.org/a")"})
    EXPECT_NE(bytes.find(part), std::string::npos) << part << " in " << bytes;
  EXPECT_EQ(bytes.find("no address\"}"), std::string::npos);
  const auto compiled = compile(*object);
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->rule_text, text);
  const auto changed = indicator_of_rules(Language::kSigma, text + "level: low\n", "other/name.yml", kModified);
  EXPECT_EQ(changed->id_text(), object->id_text());
}

TEST(RuleObject, AYaraFileIsKnownByItsName) {
  const auto object = indicator_of_rules(Language::kYara, "rule a { meta: description = \"why\" condition: true }", "x/a.yar", kModified);
  ASSERT_TRUE(object) << object.error().text();
  const auto changed = indicator_of_rules(Language::kYara, "rule a { condition: false } rule b { condition: true }", "y/a.yar", kModified);
  ASSERT_TRUE(changed) << changed.error().text();
  EXPECT_EQ(changed->id_text(), object->id_text());
  EXPECT_NE(std::string(changed->bytes()).find(R"("created":"2000-01-01T00:00:00.000Z")"), std::string::npos);
}

TEST(RuleObject, FilesThatAreNoGoodAreNamed) {
  for (const auto& [language, text] : {std::pair{Language::kSigma, "title: a\n"}, {Language::kSigma, ""}, {Language::kSigma, "a: [b"},
                                       {Language::kYara, ""}, {Language::kYara, "rule a { condition: nothing }"}}) {
    const auto object = indicator_of_rules(language, text, "x/bad.rules", kModified);
    ASSERT_FALSE(object) << text;
    EXPECT_NE(object.error().text().find("bad.rules"), std::string::npos) << object.error().text();
  }
  EXPECT_EQ(indicator_of_rules(Language::kYara, std::string(kMaxRuleTextBytes + 1, ' '), "a.yar", kModified).error().code, ErrorCode::kTooLarge);
}

TEST(RuleObject, TheLanguageIsToldByTheName) {
  EXPECT_EQ(language_of_file("a/b.yml"), Language::kSigma);
  EXPECT_EQ(language_of_file("b.yara"), Language::kYara);
  EXPECT_FALSE(language_of_file("b.json").has_value());
}

}  // namespace
}  // namespace bongsu::detect
