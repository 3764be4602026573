#include "stix/marking.h"

#include <gtest/gtest.h>

#include "stix/test_support.h"
#include "stix/validate.h"

namespace bongsu::stix {
namespace {

TEST(Tlp, KnowsTheDefinitionsOfBothVersions) {
  const auto path = shared_data("trust/markings.json");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const auto ids = parse_json(read_file(path));
  ASSERT_TRUE(ids);
  for (const char* family : {"tlp2", "tlp1_legacy"}) {
    for (const auto& member : find(*ids, family)->get_object()) {
      const auto level = parse_tlp(std::string_view(member.key()));
      if (!level) continue;  // the extension and its property
      const auto marking = tlp_of(*Id::parse(std::string_view(member.value().as_string())));
      ASSERT_TRUE(marking) << member.key();
      EXPECT_EQ(marking->level, *level) << member.key();
      EXPECT_EQ(marking->tlp1, std::string_view(family) == "tlp1_legacy");
      if (!marking->tlp1) EXPECT_EQ(tlp_marking_id(*level).text(), std::string(member.value().as_string()));
    }
  }
}

TEST(Tlp, HasDefinitionsThatAreGoodStix) {
  for (const Tlp level : {Tlp::kClear, Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict, Tlp::kRed}) {
    const auto object = Object::parse(tlp_definition(level));
    ASSERT_TRUE(object) << object.error().text();
    EXPECT_TRUE(validate(*object, Conformance::kLetter).empty()) << tlp_definition(level);
    EXPECT_EQ(tlp_of(object->id())->level, level);
    EXPECT_EQ(string_at(object->json(), "name"), to_string(level));
  }
}

TEST(Tlp, ReadsLevelsAsPeopleWriteThem) {
  EXPECT_EQ(parse_tlp("TLP:AMBER+STRICT"), Tlp::kAmberStrict);
  EXPECT_EQ(parse_tlp("amber+strict"), Tlp::kAmberStrict);
  EXPECT_EQ(parse_tlp("tlp:white"), Tlp::kClear);
  EXPECT_EQ(parse_tlp("Clear"), Tlp::kClear);
  EXPECT_EQ(parse_tlp("RED"), Tlp::kRed);
  for (const char* bad : {"", "tlp:", "TLP:TLP:RED", "amber strict", "redd", " red"})
    EXPECT_FALSE(parse_tlp(bad)) << bad;
  EXPECT_LT(Tlp::kAmber, Tlp::kAmberStrict);
  EXPECT_LT(Tlp::kAmberStrict, Tlp::kRed);
}

TEST(Tlp, IsNotGuessedFromOtherObjects) {
  EXPECT_FALSE(tlp_of(*Id::parse("identity--e828b379-4e03-4974-9ac4-e53a884c97c1")));
  EXPECT_FALSE(tlp_of(*Id::parse(id_of("marking-definition"))));
}

TEST(Selector, SelectsWhatTheStandardsExamplesSelect) {
  const auto object = parse_json(
      R"({"id":"vulnerability--ee916c28-c7a4-4d0d-ad56-a8d357f89fef","type":"vulnerability","name":"CVE-2014-0160",)"
      R"("description":"The (1) TLS...","external_references":[{"source_name":"cve","external_id":"CVE-2014-0160"}],)"
      R"("labels":["heartbleed","has-logo"]})");
  ASSERT_TRUE(object);
  const auto selected = [&](std::string_view selector) -> std::string {
    const auto steps = parse_selector(selector);
    if (!steps) return "broken at " + std::to_string(steps.error().where.offset);
    const Json* value = resolve(*object, *steps);
    return value == nullptr ? "nothing" : to_text(*value);
  };
  EXPECT_EQ(selected("description"), R"("The (1) TLS...")");
  EXPECT_EQ(selected("external_references.[0].source_name"), R"("cve")");
  EXPECT_EQ(selected("labels.[0]"), R"("heartbleed")");
  EXPECT_EQ(selected("labels"), R"(["heartbleed","has-logo"])");
  EXPECT_EQ(selected("id"), R"("vulnerability--ee916c28-c7a4-4d0d-ad56-a8d357f89fef")");
  for (const char* absent : {"pattern", "external_references.[3]", "description.[0]", "labels.name", "labels.[2]"})
    EXPECT_EQ(selected(absent), "nothing") << absent;
  EXPECT_EQ(selected(""), "broken at 0");
  EXPECT_EQ(selected("[0]"), "broken at 0");
  EXPECT_EQ(selected("labels[0]"), "broken at 6");
  EXPECT_EQ(selected("labels.[x]"), "broken at 7");
  EXPECT_EQ(selected("labels.[-1]"), "broken at 7");
  EXPECT_EQ(selected("labels.[01]"), "broken at 7");
  EXPECT_EQ(selected("labels.[9999999999]"), "broken at 7");
  EXPECT_EQ(selected("labels."), "broken at 7");
  EXPECT_EQ(selected("labels..[0]"), "broken at 7");
  EXPECT_EQ(selected("a b"), "broken at 1");
  EXPECT_EQ(selected("labels.[0"), "broken at 7");
  EXPECT_EQ(selected("labels.["), "broken at 7");
}

}  // namespace
}  // namespace bongsu::stix
