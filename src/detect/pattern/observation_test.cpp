#include "detect/pattern/observation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bongsu::detect {
namespace {

using testing::HasSubstr;
using Kind = ObservedValue::Kind;

const std::string kTimes =
    R"("first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:01.5Z","number_observed":3)";

std::string observed(const std::string& rest) { return R"({"type":"observed-data",)" + kTimes + "," + rest + "}"; }

TEST(ObservedData, ValuesAreInTheirNativeFormat) {
  const auto object = read_cyber_object(
      R"({"type":"x","i":7,"u":18446744073709551615,"f":1.5,"b":true,"n":null,"s":"t","payload_bin":"aGk=","a_hex":"6869","bad_hex":"q",
          "src_ref":"1","to_refs":["2","3"],"l":[1,"a"],"d":{"in_hex":"00","hashes":{"MD5":"x"}}})");
  ASSERT_TRUE(object) << object.error().text();
  const auto& p = object->properties;
  EXPECT_EQ(p.find("i")->integer, 7);
  EXPECT_EQ(p.find("u")->kind, Kind::kFloat);
  EXPECT_EQ(p.find("f")->number, 1.5);
  EXPECT_TRUE(p.find("b")->boolean);
  EXPECT_EQ(p.find("n")->kind, Kind::kNull);
  EXPECT_EQ(p.find("s")->text, "t");
  EXPECT_EQ(p.find("payload_bin")->text, "hi");
  EXPECT_EQ(p.find("a_hex")->text, "hi");
  EXPECT_EQ(p.find("a_hex")->kind, Kind::kBinary);
  EXPECT_EQ(p.find("bad_hex")->kind, Kind::kUnreadable);
  EXPECT_EQ(p.find("src_ref")->kind, Kind::kReference);
  EXPECT_EQ(p.find("to_refs")->list[1].text, "3");
  EXPECT_EQ(p.find("to_refs")->list[1].kind, Kind::kReference);
  EXPECT_EQ(p.find("d")->find("in_hex")->kind, Kind::kBinary);
  EXPECT_EQ(p.find("d")->find("hashes")->find("MD5")->kind, Kind::kString);
  EXPECT_EQ(p.find("absent"), nullptr);
}

TEST(ObservedData, AKeyOfADictionaryMayLookLikeASuffix) {
  const auto object = read_cyber_object(
      R"({"type":"process","environment_variables":{"GIT_ref":"main","node_bin":"/usr/bin/node","color_hex":"#ffd800","good_hex":"ff"},"top_ref":"1"})");
  ASSERT_TRUE(object);
  const ObservedValue& d = *object->properties.find("environment_variables");
  EXPECT_EQ(d.find("GIT_ref")->kind, Kind::kReference);
  EXPECT_TRUE(d.find("GIT_ref")->text_otherwise);
  EXPECT_FALSE(object->properties.find("top_ref")->text_otherwise);
  EXPECT_EQ(d.find("node_bin")->kind, Kind::kString);
  EXPECT_EQ(d.find("node_bin")->text, "/usr/bin/node");
  EXPECT_EQ(d.find("color_hex")->text, "#ffd800");
  EXPECT_EQ(d.find("good_hex")->kind, Kind::kBinary);
}

TEST(ObservedData, AMarkOfByteOrderIsPassedOver) {
  const auto data = read_observed_data("\xef\xbb\xbf" + observed(R"("objects":{"0":{"type":"file"}})"), "t");
  ASSERT_TRUE(data);
  EXPECT_EQ(data->observations.size(), 1U);
  const auto broken = read_observed_data("\xef\xbb\xbf{x", "t");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().where.offset, 4U);
}

TEST(ObservedData, IsReadFromEveryShapeThatTheOasisMatcherTakes) {
  const std::string with_objects = observed(R"("objects":{"0":{"type":"file","name":"a"}})");
  const std::string with_refs = observed(R"("object_refs":["file--1","file--9"])");
  const std::string file = R"({"type":"file","id":"file--1","name":"a"})";
  const std::string other = R"({"type":"file","id":"file--2","name":"b"})";
  const std::string bundle =
      R"({"type":"bundle","id":"bundle--1","objects":[)" + file + "," + with_refs + "," + other + "]}";
  struct Case {
    std::string text;
    std::size_t observations, objects;
    std::uint64_t missing;
  };
  const Case table[] = {
      {with_objects, 1, 1, 0},
      {"[" + with_objects + "," + with_objects + "]", 2, 1, 0},
      {with_objects + "\n\n" + with_objects + "\n", 2, 1, 0},
      {bundle, 1, 1, 1},
      {"[" + bundle + "," + bundle + "]", 2, 1, 2},
      {bundle + "\n" + bundle, 2, 1, 2},
      {R"({"objects":[)" + with_refs + "," + file + "]}", 1, 1, 1},
      {"[" + with_refs + "," + file + "]", 1, 1, 1},
      {file + "\n" + with_refs, 1, 1, 1},
      {with_refs, 1, 0, 2},
      {observed(R"("objects":{},"object_refs":["file--1"])") + "\n" + file, 1, 1, 0},
      {R"({"type":"bundle","id":"bundle--1"})", 0, 0, 0},
      {"[]", 0, 0, 0},
      {file, 0, 0, 0},
  };
  for (const Case& c : table) {
    const auto data = read_observed_data(c.text, "t");
    ASSERT_TRUE(data) << c.text << data.error().text();
    EXPECT_EQ(data->bad_count, 0U) << c.text;
    ASSERT_EQ(data->observations.size(), c.observations) << c.text;
    EXPECT_EQ(data->missing_references, c.missing) << c.text;
    if (c.observations == 0) continue;
    EXPECT_EQ(data->observations[0].objects.size(), c.objects) << c.text;
    EXPECT_EQ(data->observations[0].number_observed, 3);
    EXPECT_EQ(data->observations[0].last_observed.text(1), "2020-01-01T00:00:01.5Z");
  }
}

TEST(ObservedData, WhatIsBadCostsItselfAndIsNamed) {
  const std::string good = observed(R"("objects":{"0":{"type":"file"}})");
  struct Case {
    const char* bad;
    const char* field;
  };
  const Case table[] = {
      {R"({"type":"observed-data"})", "[1].first_observed"},
      {R"({"type":"observed-data","first_observed":"yesterday"})", "[1].first_observed"},
      {R"({"type":"observed-data","first_observed":"2020-01-02T00:00:00Z","last_observed":"2020-01-01T00:00:00Z"})",
       "[1].last_observed"},
      {R"({"type":"observed-data","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":0})",
       "[1].number_observed"},
      {R"({"type":"observed-data","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,"objects":{"a":{}}})",
       "[1].objects.a.type"},
      {R"({"type":"observed-data","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,"object_refs":[1]})",
       "[1].object_refs"},
      {R"({"type":"bundle","objects":{}})", "[1].objects"},
      {"7", "[1]"},
  };
  for (const Case& c : table) {
    const auto data = read_observed_data("[" + good + "," + c.bad + "," + good + "]", "feed.json");
    ASSERT_TRUE(data);
    EXPECT_EQ(data->observations.size(), 2U) << c.bad;
    ASSERT_EQ(data->bad_count, 1U) << c.bad;
    EXPECT_EQ(data->bad[0].where.field, c.field) << data->bad[0].text();
    EXPECT_EQ(data->bad[0].where.source, "feed.json");
    EXPECT_THAT(data->bad[0].message, testing::Not(HasSubstr("observed data has"))) << c.bad;
  }
  const auto lines = read_observed_data(good + "\n{broken\n" + good, "feed.ndjson");
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->observations.size(), 2U);
  ASSERT_EQ(lines->bad_count, 1U);
  EXPECT_EQ(lines->bad[0].where.line, 2U);
  EXPECT_FALSE(read_observed_data("{broken", "x"));
  EXPECT_FALSE(read_observed_data(std::string(10'000, '['), "x"));
}

TEST(ObservedData, LimitsHoldWhateverTheInput) {
  std::string many = R"("objects":{)";
  for (std::size_t i = 0; i <= kMaxObservedObjects; ++i)
    many += fmt::format(R"({}"{}":{{"type":"a"}})", i == 0 ? "" : ",", i);
  const auto data = read_observed_data(observed(many + "}"), "x");
  ASSERT_TRUE(data);
  EXPECT_EQ(data->observations.size(), 0U);
  ASSERT_EQ(data->bad_count, 1U);
  EXPECT_EQ(data->bad[0].code, ErrorCode::kTooLarge);
  // A thousand references to one object are one object.
  std::string refs = "[\"a--1\"";
  for (int i = 0; i < 20'000; ++i) refs += ",\"a--1\"";
  const auto same =
      read_observed_data(observed("\"object_refs\":" + refs + "]") + "\n" + R"({"type":"a","id":"a--1"})", "x");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->observations.at(0).objects.size(), 1U);
}

}  // namespace
}  // namespace bongsu::detect
