#include "link/misp_map.h"

#include <gtest/gtest.h>

#include <set>

#include "link/misp_types.h"
#include "stix/object.h"
#include "stix/pattern.h"
#include "stix/validate.h"

namespace bongsu::link {
namespace {

using formats::MispDistribution;
using stix::Tlp;

TEST(MispLabel, IsTheStrictestOfFeedTagsAndDistribution) {
  struct Case {
    MispLabel outer;
    std::vector<std::string> tags;
    MispDistribution distribution;
    MispLabel expected;
  };
  const MispLabel clear{Tlp::kClear, false}, green{Tlp::kGreen, false}, amber{Tlp::kAmber, false};
  for (const Case& c : std::initializer_list<Case>{
           {clear, {}, MispDistribution::kAbsent, clear},
           {clear, {"tlp:white"}, MispDistribution::kAll, clear},
           {clear, {"TLP:Green"}, MispDistribution::kInherit, green},
           {green, {"tlp:clear"}, MispDistribution::kAll, green},  // never wider than the feed
           {green, {"tlp:white", "tlp:amber"}, MispDistribution::kAll, amber},
           {green, {"tlp:amber+strict"}, MispDistribution::kAll, {Tlp::kAmberStrict, false}},
           {green, {"tlp:red"}, MispDistribution::kAll, {Tlp::kRed, false}},
           {clear,
            {"tlp:ex:chr"},
            MispDistribution::kAll,
            {Tlp::kAmberStrict, false}},  // a restriction that we do not know
           {clear, {"tlp:unclear"}, MispDistribution::kAll, {Tlp::kAmberStrict, false}},
           {clear, {"infoblox", "not-tlp:red"}, MispDistribution::kAll, clear},
           {clear, {}, MispDistribution::kConnected, {Tlp::kAmber, true}},
           {clear, {}, MispDistribution::kCommunity, {Tlp::kAmberStrict, true}},
           {clear, {"tlp:white"}, MispDistribution::kOrganisation, {Tlp::kAmberStrict, true}},
           {clear, {}, MispDistribution::kSharingGroup, {Tlp::kAmberStrict, true}},
           {clear, {}, MispDistribution::kUnknown, {Tlp::kAmberStrict, true}},
           {{Tlp::kRed, true}, {"tlp:white"}, MispDistribution::kAll, {Tlp::kRed, true}},
       })
    EXPECT_EQ(misp_label(c.outer, c.tags, c.distribution), c.expected)
        << (c.tags.empty() ? "-" : c.tags[0]) << ' ' << int(c.distribution);
}

TEST(MispTypes, BecomePatternsThatParse) {
  for (const auto& [type, value, pattern] : std::initializer_list<std::tuple<const char*, const char*, const char*>>{
           {"domain", "evil.example", "[domain-name:value = 'evil.example']"},
           {"hostname", " a.example ", "[domain-name:value = 'a.example']"},
           {"ip-dst", "198.51.100.7", "[ipv4-addr:value = '198.51.100.7']"},
           {"ip-src", "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']"},
           {"ip-dst|port", "198.51.100.7|443",
            "[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 443]"},
           {"ip-src|port", "198.51.100.7|1",
            "[network-traffic:src_ref.value = '198.51.100.7' AND network-traffic:src_port = 1]"},
           {"hostname|port", "a.example|80",
            "[network-traffic:dst_ref.value = 'a.example' AND network-traffic:dst_port = 80]"},
           {"domain|ip", "a.example|198.51.100.7",
            "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.7']"},
           {"url", "http://a.example/it's", "[url:value = 'http://a.example/it\\'s']"},
           {"email-src", "a@b.example", "[email-addr:value = 'a@b.example']"},
           {"md5", "d41d8cd98f00b204e9800998ecf8427e", "[file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e']"},
           {"filename", "a|b.exe", "[file:name = 'a|b.exe']"},
           {"filename|sha256", "odd|name.exe|00ff", "[file:hashes.'SHA-256' = '00ff']"},
           {"malware-sample", "x.exe|d41d8cd98f00b204e9800998ecf8427e",
            "[file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e']"},
           {"regkey|value", "HKLM\\Run|evil.exe",
            "[windows-registry-key:key = 'HKLM\\\\Run' AND windows-registry-key:values[*].data = 'evil.exe']"},
           {"AS", "AS64496", "[autonomous-system:number = 64496]"},
           {"x509-fingerprint-sha1", "00", "[x509-certificate:hashes.'SHA-1' = '00']"},
           {"user-agent", "Mozilla",
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Mozilla']"},
       }) {
    const auto made = misp_pattern(type, value);
    ASSERT_TRUE(made) << type;
    EXPECT_EQ(*made, pattern) << type;
    EXPECT_TRUE(stix::parse_pattern(*made)) << type;
  }
  for (const auto& [type, value, code] : std::initializer_list<std::tuple<const char*, const char*, ErrorCode>>{
           {"btc", "1A1z", ErrorCode::kUnsupported},
           {"text", "x", ErrorCode::kUnsupported},
           {"", "x", ErrorCode::kUnsupported},
           {"domain", " ", ErrorCode::kInvalid},
           {"ip-dst|port", "198.51.100.7", ErrorCode::kInvalid},
           {"ip-dst|port", "198.51.100.7|70000", ErrorCode::kInvalid},
           {"ip-dst|port", "198.51.100.7|x", ErrorCode::kInvalid},
           {"AS", "ASX", ErrorCode::kInvalid},
           {"AS", "-1", ErrorCode::kInvalid},
           {"filename|md5", "a|", ErrorCode::kInvalid}})
    EXPECT_EQ(misp_pattern(type, value).error().code, code) << type;
}

formats::MispEvent event_of(const std::string& attributes, const std::string& more = "") {
  formats::MispProblems problems;
  auto event = formats::parse_misp_event(
      R"({"Event":{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"1600000000","published":true,"info":"An event",
          "Orgc":{"uuid":"55f6ea5e-2c60-40e5-964f-47a8950d210f","name":"CIRCL"},"threat_level_id":"1","date":"2020-09-13")" +
          more + R"(,"Attribute":[)" + attributes + "]}}",
      problems);
  EXPECT_TRUE(event);
  return *event;
}

std::string attribute(unsigned number, const std::string& type, const std::string& value, bool to_ids,
                      const std::string& more = "") {
  char uuid[37];
  std::snprintf(uuid, sizeof uuid, "%08x-cd20-458b-84fd-109ec0a83869", number);
  return R"({"uuid":")" + std::string(uuid) + R"(","type":")" + type + R"(","category":"Network activity","value":)" +
         to_text(Json(value)) + R"(,"to_ids":)" + (to_ids ? "true" : "false") + R"(,"timestamp":"1600000001")" + more +
         "}";
}

void expect_conforming(const MappedEvent& mapped) {
  std::set<std::string> before;
  for (const auto& object : mapped.objects) {
    const auto parsed = stix::Object::parse(text_of(object, "2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"));
    ASSERT_TRUE(parsed) << parsed.error().text();
    for (const auto& finding : stix::validate(*parsed))
      EXPECT_NE(finding.severity, stix::Severity::kError)
          << object.id() << ' ' << finding.property << ' ' << finding.rule;
    before.insert(object.id());
  }
}

const JsonObject* find_object(const MappedEvent& mapped, const std::string& id) {
  for (const auto& object : mapped.objects)
    if (object.id() == id) return &object.body;
  return nullptr;
}

TEST(MispMap, AccountsForEveryAttributeOnce) {
  const auto mapped = map_misp_event(
      event_of(
          attribute(1, "domain", "evil.example", true, R"(,"comment":"seen","Tag":[{"name":"kill-chain:c2"}])") + "," +
          attribute(2, "ip-dst", "198.51.100.7", false) + "," + attribute(3, "btc", "1A1zP1", true) + "," +
          attribute(4, "vulnerability", "CVE-2020-1472", false) + "," +
          attribute(5, "yara", "rule x { condition: true }", true) + "," + attribute(6, "md5", "not a hash", false) +
          "," + attribute(7, "domain", "gone.example", true, R"(,"deleted":true)") + "," +
          attribute(8, "comment", "just words", false) + "," + attribute(9, "ip-dst|port", "198.51.100.7|443", false) +
          "," + attribute(10, "AS", "x", true) + "," + attribute(11, "campaign-name", "Sunburst", false)),
      {.feed_label = Tlp::kGreen, .self = "cert-lt"});
  expect_conforming(mapped);
  EXPECT_EQ(mapped.attributes, 11u);
  EXPECT_EQ(mapped.indicators, 2u);
  EXPECT_EQ(mapped.observed, 1u);
  EXPECT_EQ(mapped.vulnerabilities, 1u);
  EXPECT_EQ(mapped.others, 1u);
  EXPECT_EQ(mapped.kept_as_they_are, 5u);
  EXPECT_EQ(mapped.deleted_attributes, 1u);
  EXPECT_EQ(mapped.problems.count, 2u);  // "not a hash" and "x" are not what they say
  const auto* kept = find_object(mapped, "x-misp-attribute--0000000a-cd20-458b-84fd-109ec0a83869");
  ASSERT_TRUE(kept);
  EXPECT_EQ(string_at(Json(*kept), "x_misp_value"), "x");
  const auto* indicator = find_object(mapped, "indicator--00000001-cd20-458b-84fd-109ec0a83869");
  ASSERT_TRUE(indicator);
  EXPECT_EQ(string_at(Json(*indicator), "description"), "seen");
  EXPECT_NE(to_text(indicator->at("labels")).find("kill-chain:c2"), std::string::npos);
  const auto* report = find_object(mapped, mapped.report_id);
  ASSERT_TRUE(report);
  // Nine attributes with an object of their own, and one observable beside them.
  EXPECT_EQ(report->at("object_refs").get_array().size(), 11u);
  EXPECT_NE(to_text(report->at("labels")).find("misp:threat_level"), std::string::npos);
}

TEST(MispMap, SameEventGivesTheSameObjects) {
  const auto event = event_of(attribute(1, "domain", "evil.example", false) + "," + attribute(2, "md5", "x", true));
  const auto once = map_misp_event(event, {.feed_label = Tlp::kGreen, .self = "cert-lt"});
  const auto again = map_misp_event(event, {.feed_label = Tlp::kGreen, .self = "cert-lt"});
  ASSERT_EQ(once.objects.size(), again.objects.size());
  for (std::size_t i = 0; i < once.objects.size(); ++i)
    EXPECT_EQ(to_text(once.objects[i].body), to_text(again.objects[i].body));
}

TEST(MispMap, RestrictedAttributeIsMarkedAndSoIsEverythingAboutIt) {
  const auto mapped =
      map_misp_event(event_of(attribute(1, "domain", "a.example", true) + "," +
                                  attribute(2, "domain", "b.example", true, R"(,"distribution":"0")") + "," +
                                  attribute(3, "domain", "c.example", true, R"(,"Tag":[{"name":"tlp:red"}])"),
                              R"(,"distribution":"3","Tag":[{"name":"tlp:green"}])"),
                     {.feed_label = Tlp::kClear, .self = "cert-lt"});
  expect_conforming(mapped);
  const auto markings = [&](const char* id) {
    const auto* object = find_object(mapped, id);
    return object ? to_text(object->at("object_marking_refs")) : "";
  };
  const std::string green = stix::tlp_marking_id(Tlp::kGreen).text(),
                    strict = stix::tlp_marking_id(Tlp::kAmberStrict).text();
  EXPECT_EQ(markings("indicator--00000001-cd20-458b-84fd-109ec0a83869"), "[\"" + green + "\"]");
  const std::string second = markings("indicator--00000002-cd20-458b-84fd-109ec0a83869");
  EXPECT_NE(second.find(strict), std::string::npos);
  EXPECT_EQ(mapped.objects[0].body.at("type"), "marking-definition");  // before what it marks
  EXPECT_NE(second.find(mapped.objects[0].id()), std::string::npos);
  EXPECT_NE(markings("indicator--00000003-cd20-458b-84fd-109ec0a83869").find(stix::tlp_marking_id(Tlp::kRed).text()),
            std::string::npos);
  EXPECT_EQ(markings(mapped.report_id.c_str()), "[\"" + green + "\"]");
  // The author of an event that is stricter than the feed is another object than that of open events.
  const auto open = map_misp_event(event_of(attribute(1, "domain", "a.example", true)),
                                   {.feed_label = Tlp::kClear, .self = "cert-lt"});
  EXPECT_TRUE(find_object(open, "identity--55f6ea5e-2c60-40e5-964f-47a8950d210f"));
  EXPECT_FALSE(find_object(mapped, "identity--55f6ea5e-2c60-40e5-964f-47a8950d210f"));
}

TEST(MispMap, KeepsObjectsGalaxiesAndTexts) {
  formats::MispProblems problems;
  const auto event = formats::parse_misp_event(
      R"({"Event":{"uuid":"57f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"1600000000","published":false,"info":"x",
      "Galaxy":[{"type":"mitre-attack-pattern","GalaxyCluster":[{"uuid":"dcaa092b-7de9-4a21-977f-7fcb77e89c48","value":"Token - T1134",
        "tag_name":"misp-galaxy:mitre-attack-pattern=\"Token - T1134\""}]},{"type":"sector","GalaxyCluster":[{"value":"Energy"}]}],
      "Object":[{"uuid":"67f4f6d9-cd20-458b-84fd-109ec0a83869","timestamp":"1","name":"file","meta-category":"file",
        "Attribute":[)" +
          attribute(1, "sha256", std::string(64, 'a'), true, R"(,"object_relation":"sha256")") + "," +
          attribute(2, "size-in-bytes", "12", false) +
          R"(],"ObjectReference":[{"referenced_uuid":"x","relationship_type":"drops"}]}],
      "EventReport":[{"uuid":"77f4f6d9-cd20-458b-84fd-109ec0a83869","name":"Story","content":"words","timestamp":"2"}]}})",
      problems);
  ASSERT_TRUE(event);
  EXPECT_EQ(problems.count, 0u);
  const auto mapped = map_misp_event(*event, {.feed_label = Tlp::kGreen, .self = "cert-lt"});
  expect_conforming(mapped);
  EXPECT_EQ(mapped.problems.count, 0u);
  EXPECT_TRUE(find_object(mapped, "attack-pattern--dcaa092b-7de9-4a21-977f-7fcb77e89c48"));
  const auto* object = find_object(mapped, "x-misp-object--67f4f6d9-cd20-458b-84fd-109ec0a83869");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("object_refs").get_array().size(), 2u);
  EXPECT_NE(to_text(*object).find("drops"), std::string::npos);
  EXPECT_TRUE(find_object(mapped, "note--77f4f6d9-cd20-458b-84fd-109ec0a83869"));
  EXPECT_EQ(mapped.report_id, "grouping--57f4f6d9-cd20-458b-84fd-109ec0a83869");
  EXPECT_EQ(mapped.indicators + mapped.kept_as_they_are, 2u);
}

}  // namespace
}  // namespace bongsu::link
