#include "formats/misp.h"

#include <gtest/gtest.h>

namespace bongsu::formats {
namespace {

constexpr const char* kUuid = "57f4f6d9-cd20-458b-84fd-109ec0a83869";

TEST(MispEvent, ReadsNumbersAndBooleansInEveryFormThatMispWrote) {
  for (const char* text :
       {R"({"Event":{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"1603642920","published":true,
                               "threat_level_id":"1","distribution":"3","publish_timestamp":"0","Attribute":[
                               {"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","type":"domain","value":"a.example","to_ids":true,
                                "timestamp":"1603642920","distribution":"5","deleted":false}]}})",
        R"({"uuid":"57F4F6D9-CD20-458B-84FD-109EC0A83869","timestamp":1603642920,"published":"1",
                               "threat_level_id":1,"distribution":3,"publish_timestamp":0,"Attribute":[
                               {"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","type":"domain","value":"a.example","to_ids":"1",
                                "timestamp":1603642920,"distribution":5,"deleted":"0"}]})"}) {
    MispProblems problems;
    const auto event = parse_misp_event(text, problems);
    ASSERT_TRUE(event) << text;
    EXPECT_EQ(problems.count, 0u);
    EXPECT_EQ(event->uuid.text(), kUuid);
    EXPECT_EQ(event->timestamp, (Instant{1603642920, 0}));
    EXPECT_TRUE(event->published);
    EXPECT_EQ(event->threat_level, 1);
    EXPECT_FALSE(event->publish_timestamp);
    EXPECT_EQ(event->distribution, MispDistribution::kAll);
    ASSERT_EQ(event->attributes.size(), 1u);
    EXPECT_TRUE(event->attributes[0].to_ids);
    EXPECT_FALSE(event->attributes[0].deleted);
    EXPECT_EQ(event->attributes[0].distribution, MispDistribution::kInherit);
  }
}

TEST(MispEvent, BadPartCostsOnlyItself) {
  MispProblems problems;
  const auto event =
      parse_misp_event(R"({"Event":{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"1","distribution":"9",
    "Tag":[{"name":"tlp:amber"},{},7],"Galaxy":[{"type":"tool","GalaxyCluster":[{"value":"X","uuid":"no"},{}]}],
    "Attribute":[{"type":"md5"},"x",{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"soon","type":"md5"},
                 {"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"-1","type":"md5"},
                 {"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"99999999999999","type":"md5"},
                 {"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"2","type":"md5","value":"kept"}],
    "Object":[{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"3","name":"file","Attribute":[{"uuid":"?"}],
               "ObjectReference":[{"referenced_uuid":"u","relationship_type":"drops"}]},{}],
    "EventReport":[{"uuid":"x"}],"ShadowAttribute":[{},{}]}})",
                       problems);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->tags, std::vector<std::string>{"tlp:amber"});
  EXPECT_EQ(event->distribution, MispDistribution::kUnknown);
  ASSERT_EQ(event->attributes.size(), 1u);
  EXPECT_EQ(event->attributes[0].value, "kept");
  ASSERT_EQ(event->objects.size(), 1u);
  EXPECT_EQ(event->objects[0].references.at(0).relationship_type, "drops");
  ASSERT_EQ(event->clusters.size(), 1u);
  EXPECT_EQ(event->proposals, 2u);
  EXPECT_EQ(problems.count, 11u);
  EXPECT_EQ(problems.first[0].path, "Tag[1]");
}

TEST(MispEvent, WithoutIdentityIsRefused) {
  for (const char* bad : {"", "[]", "{", "{}", R"({"Event":{}})", R"({"Event":{"uuid":"x","timestamp":"1"}})",
                          R"({"Event":{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869"}})"}) {
    MispProblems problems;
    const auto event = parse_misp_event(bad, problems);
    ASSERT_FALSE(event) << bad;
    EXPECT_EQ(event.error().code, ErrorCode::kInvalid);
  }
}

TEST(MispManifest, NamesWhatItCannotRead) {
  MispProblems problems;
  const auto manifest = parse_misp_manifest(R"({"57f4f6d9-cd20-458b-84fd-109ec0a83869":{"info":"a","timestamp":"12"},
    "x":{"timestamp":"1"},"57f4f6d9-cd20-458b-84fd-109ec0a83860":7,"57f4f6d9-cd20-458b-84fd-109ec0a83861":{}})",
                                            problems);
  ASSERT_TRUE(manifest);
  ASSERT_EQ(manifest->size(), 1u);
  EXPECT_EQ(manifest->begin()->second.timestamp.seconds, 12);
  EXPECT_EQ(problems.count, 3u);
}

}  // namespace
}  // namespace bongsu::formats
