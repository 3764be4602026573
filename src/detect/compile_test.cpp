#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "detect/indicator.h"

namespace bongsu::detect {
namespace {

stix::Object indicator(const std::string& pattern, const std::string& more = "") {
  std::string text =
      R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
      R"("created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":)";
  append_json_string(text, pattern);
  text += R"(,"pattern_type":"stix","valid_from":"2026-01-02T03:04:05.678Z")" + more + "}";
  auto object = stix::Object::parse(text);
  EXPECT_TRUE(object.has_value()) << (object ? "" : object.error().text());
  return *object;
}

TEST(Compile, TakesEqualitiesJoinedByOr) {
  const auto compiled = compile(
      indicator("[ipv4-addr:value = '198.51.100.0/24' OR domain-name:value IN ('Evil.example', 'worse.example')] OR "
                "[file:hashes.'SHA-256' = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855' OR "
                "file:name = 'X.exe']",
                R"(,"valid_until":"2027-01-01T00:00:00Z","confidence":80)"));
  ASSERT_TRUE(compiled.has_value()) << compiled.error().text();
  EXPECT_EQ(compiled->values,
            (std::vector<Value>{{Kind::kIpv4, "198.51.100.0/24"},
                                {Kind::kDomain, "evil.example"},
                                {Kind::kDomain, "worse.example"},
                                {Kind::kSha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                                {Kind::kFileName, "x.exe"}}));
  EXPECT_EQ(compiled->valid_from->text(3), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(compiled->valid_until->text(0), "2027-01-01T00:00:00Z");
  EXPECT_EQ(compiled->confidence, 80);
  EXPECT_FALSE(compiled->revoked);
}

TEST(Compile, SaysThatAnIndicatorIsRevoked) {
  EXPECT_TRUE(compile(indicator("[url:value = 'http://evil.example/']", R"(,"revoked":true)"))->revoked);
}

TEST(Compile, TakesIssubsetOfAddressesAndNetworkTraffic) {
  EXPECT_EQ(compile(indicator("[ipv4-addr:value ISSUBSET '10.0.0.0/8']"))->values[0].text, "10.0.0.0/8");
  EXPECT_EQ(compile(indicator("[network-traffic:dst_ref.value = '198.51.100.7']"))->values[0].kind, Kind::kIpv4);
  EXPECT_EQ(compile(indicator("[network-traffic:dst_ref.value = 'evil.example']"))->values[0].kind, Kind::kDomain);
}

TEST(Compile, WhatIsNoListOfValuesIsARule) {
  for (const char* pattern :
       {"[file:name = 'evil.exe' AND file:size = 5]", "[domain-name:value LIKE '%.example']",
        "[domain-name:value MATCHES 'evil']", "[domain-name:value != 'evil.example']",
        "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.8']",
        "[ipv4-addr:value = '198.51.100.7'] REPEATS 5 TIMES", "[domain-name:value NOT = 'evil.example']",
        "[process:pid = 5]", "[file:hashes.SSDEEP = '3:abc']", "[x-thing:value = 'a']",
        "[ipv4-addr:value = '198.51.100.7'] OR [process:pid = 5]"}) {
    const auto compiled = compile(indicator(pattern, R"(,"confidence":40)"));
    ASSERT_TRUE(compiled.has_value()) << pattern << ": " << compiled.error().text();
    EXPECT_EQ(compiled->rule_language, Language::kStix) << pattern;
    EXPECT_EQ(compiled->rule_text, pattern);
    EXPECT_TRUE(compiled->values.empty()) << pattern;
    EXPECT_EQ(compiled->confidence, 40);
    EXPECT_TRUE(compiled->valid_from.has_value());
  }
  EXPECT_FALSE(compile(indicator("[ipv4-addr:value = '198.51.100.7']"))->rule_language.has_value());
  EXPECT_EQ(compile(indicator("[ipv4-addr:value = '198.51.100.7'")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(compile(indicator("[ipv4-addr:value = 'evil.example']")).error().code, ErrorCode::kInvalid);
}

// By kind, values as feeds write them; the hostile ones hold what ends a literal or a pattern.
const std::vector<std::pair<Kind, const char*>> kAsWritten = {
    {Kind::kIpv4, "198.51.100.7"},
    {Kind::kIpv4, "198.51.100.99/24"},
    {Kind::kIpv6, "2001:DB8::0007"},
    {Kind::kIpv6, "2001:db8:1::/48"},
    {Kind::kDomain, "Evil.Example."},
    {Kind::kDomain, "b\u00fccher.example"},
    {Kind::kUrl, "HTTP://Evil.example/a'b\\c?q='] OR [domain-name:value = 'x.example"},
    {Kind::kEmail, "O'Neill@Evil.example"},
    {Kind::kMd5, "44D88612FEA8A8F36DE82E1278ABB02F"},
    {Kind::kSha1, "3395856CE81F2B7382DEE72602F798B642F14140"},
    {Kind::kSha256, "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"},
    {Kind::kSha512,
     "CF83E1357EEFB8BDF1542850D66D8007D620E4050B5715DC83F4A921D36CE9CE47D0D13C5D85F2B0FF8318D2877EEC2F63B931BD47417A81"
     "A538327AF927DA3E"},
    {Kind::kMac, "00-1A-2B-3C-4D-5E"},
    {Kind::kFileName, "Rechnung 'neu'.EXE"},
    {Kind::kFilePath, "C:\\Windows\\Temp\\a.exe"},
    {Kind::kRegistryKey, "HKLM\\Software\\it's\\Run\\"},
    {Kind::kMutex, "Global\\{a'b\\}"},
    {Kind::kUserAgent, "Mozilla/5.0 (it's; \\x) \"q\""},
    {Kind::kJa3, "E7D705A3286E19EA42F587B344EE6865"},
    {Kind::kText, "anything"},
};

TEST(PatternOf, EveryKindCompilesBackToItsValueOrIsRefused) {
  std::set<Kind> seen, refused;
  for (const auto& [kind, text] : kAsWritten) {
    const auto value = normalise(kind, text);
    ASSERT_TRUE(value.has_value()) << text << ": " << value.error().text();
    ASSERT_EQ(value->kind, kind) << text;
    seen.insert(kind);
    const auto pattern = pattern_of(*value);
    if (!pattern) {
      EXPECT_EQ(pattern.error().code, ErrorCode::kUnsupported);
      EXPECT_THAT(pattern.error().message, testing::HasSubstr(to_string(kind)));
      refused.insert(kind);
      continue;
    }
    const auto compiled = compile(indicator(*pattern));
    ASSERT_TRUE(compiled.has_value()) << *pattern << ": " << compiled.error().text();
    EXPECT_EQ(compiled->values, std::vector<Value>{*value}) << *pattern;
  }
  EXPECT_EQ(seen.size(), kKinds);
  EXPECT_EQ(refused, (std::set<Kind>{Kind::kFilePath, Kind::kJa3, Kind::kText}));
}

TEST(PatternOf, WritesAsTheStandardDoes) {
  const auto written = [](Kind kind, std::string text) { return pattern_of({kind, std::move(text)}).value(); };
  EXPECT_EQ(written(Kind::kMd5, "44d88612fea8a8f36de82e1278abb02f"),
            "[file:hashes.MD5 = '44d88612fea8a8f36de82e1278abb02f']");
  EXPECT_EQ(written(Kind::kSha1, "3395856ce81f2b7382dee72602f798b642f14140"),
            "[file:hashes.'SHA-1' = '3395856ce81f2b7382dee72602f798b642f14140']");
  EXPECT_EQ(written(Kind::kIpv4, "198.51.100.7"), "[ipv4-addr:value = '198.51.100.7']");
  EXPECT_EQ(written(Kind::kIpv4, "198.51.100.0/24"), "[ipv4-addr:value ISSUBSET '198.51.100.0/24']");
  EXPECT_EQ(written(Kind::kIpv6, "2001:db8::/32"), "[ipv6-addr:value ISSUBSET '2001:db8::/32']");
  EXPECT_EQ(written(Kind::kUrl, "http://evil.example/a"), "[url:value = 'http://evil.example/a']");
  EXPECT_EQ(written(Kind::kMutex, "a'b\\c"), "[mutex:name = 'a\\'b\\\\c']");
}

TEST(Compile, TakesRulesOfSigmaAndYaraAndNamesOtherLanguages) {
  const auto of_type = [](const char* pattern_type) {
    const auto object = stix::Object::parse(
        R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
        R"("created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":"any text","pattern_type":")" +
        std::string(pattern_type) + R"(","valid_from":"2026-01-01T00:00:00Z"})");
    EXPECT_TRUE(object.has_value());
    return compile(*object);
  };
  EXPECT_EQ(of_type("sigma")->rule_language, Language::kSigma);
  EXPECT_EQ(of_type("yara")->rule_language, Language::kYara);
  EXPECT_EQ(of_type("yara")->rule_text, "any text");
  for (const char* other : {"snort", "suricata", "pcre"}) EXPECT_EQ(of_type(other).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace bongsu::detect
