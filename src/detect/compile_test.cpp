#include <gtest/gtest.h>

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

TEST(Compile, NamesWhatItCannotMatch) {
  for (const char* pattern :
       {"[file:name = 'evil.exe' AND file:size = 5]", "[domain-name:value LIKE '%.example']",
        "[domain-name:value MATCHES 'evil']", "[domain-name:value != 'evil.example']",
        "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.8']",
        "[ipv4-addr:value = '198.51.100.7'] REPEATS 5 TIMES", "[domain-name:value NOT = 'evil.example']",
        "[process:pid = 5]", "[file:hashes.SSDEEP = '3:abc']", "[x-thing:value = 'a']"}) {
    const auto compiled = compile(indicator(pattern));
    ASSERT_FALSE(compiled.has_value()) << pattern;
    EXPECT_NE(compiled.error().message, "") << pattern;
    EXPECT_EQ(compiled.error().code, ErrorCode::kUnsupported) << pattern << ": " << compiled.error().message;
  }
  EXPECT_EQ(compile(indicator("[ipv4-addr:value = '198.51.100.7'")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(compile(indicator("[ipv4-addr:value = 'evil.example']")).error().code, ErrorCode::kInvalid);
}

TEST(Compile, PatternsOfOtherLanguagesAreUnsupported) {
  const auto object = stix::Object::parse(
      R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
      R"("created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":"alert tcp any any","pattern_type":"snort","valid_from":"2026-01-01T00:00:00Z"})");
  ASSERT_TRUE(object.has_value());
  EXPECT_EQ(compile(*object).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace bongsu::detect
