// One event, one indicator: does it match?
#include "detect/matcher.h"

#include <gtest/gtest.h>

#include "telemetry/line_batch.h"

namespace bongsu::detect {
namespace {

const Instant kNow = *Instant::parse("2026-11-21T21:00:00Z");

// "field:matched" of each hit.
std::vector<std::string> match(const std::vector<Indicator>& indicators, const std::string& line) {
  Index index;
  EXPECT_TRUE(index.add(indicators));
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad);
  telemetry::LineBatch batch{std::make_shared<const std::string>("log"), line, 0, 1, nullptr};
  parser.start(batch);
  Matcher matcher;
  matcher.use(index.snapshot());
  std::vector<std::string> out;
  while (const auto* event = parser.next()) {
    std::vector<Hit> hits;
    matcher.match(*event, kNow, hits);
    for (const Hit& hit : hits) out.push_back(hit.field + ":" + hit.matched);
  }
  EXPECT_EQ(bad.count(), 0U) << line;
  return out;
}
std::vector<std::string> match(Kind kind, const std::string& value, const std::string& line) {
  const auto normal = normalise(kind, value);
  EXPECT_TRUE(normal.has_value()) << value;
  return match({{1, *normal, {}, {}, -1}}, line);
}
using Hits = std::vector<std::string>;

TEST(Matcher, ADomainMatchesItselfAndItsSubdomainsInHostFieldsOnly) {
  EXPECT_EQ(match(Kind::kDomain, "evil.example", R"({"query":"evil.example"})"), Hits{"query:evil.example"});
  EXPECT_EQ(match(Kind::kDomain, "evil.example", R"({"query":"A.b.EVIL.example."})"), Hits{"query:A.b.EVIL.example."});
  EXPECT_EQ(match(Kind::kDomain, "evil.example", R"({"host":"evil.example:8080"})"), Hits{"host:evil.example:8080"});
  EXPECT_EQ(match(Kind::kDomain, "evil.example", R"({"tls":{"sni":"x.evil.example"}})"),
            Hits{"tls.sni:x.evil.example"});
  EXPECT_EQ(match(Kind::kDomain, "evil.example", R"({"referrer":"http://x.evil.example/y"})"),
            Hits{"referrer:http://x.evil.example/y"});
  for (const char* other :
       {R"({"query":"notevil.example"})", R"({"query":"evil.example.org"})", R"({"query":"example"})",
        R"({"unknown":"evil.example"})", R"({"user_agent":"evil.example"})"})
    EXPECT_EQ(match(Kind::kDomain, "evil.example", other), Hits{}) << other;
}

TEST(Matcher, AnAddressMatchesInItsBlockAndByShapeInUnknownFields) {
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.0/24", R"({"id.resp_h":"198.51.100.200"})"),
            Hits{"id.resp_h:198.51.100.200"});
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.0/24", R"({"id.resp_h":"198.51.101.1"})"), Hits{});
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", R"({"unknown":"198.51.100.7"})"), Hits{"unknown:198.51.100.7"});
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", R"({"unknown":"at 198.51.100.7"})"), Hits{});
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", R"({"QueryResults":"type: 5 a.example;::ffff:198.51.100.7;"})"),
            Hits{"QueryResults:::ffff:198.51.100.7"});
  EXPECT_EQ(match(Kind::kIpv6, "2001:db8::/32", R"({"SourceIp":"2001:0DB8:0:0::5"})"),
            Hits{"SourceIp:2001:0DB8:0:0::5"});
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", R"({"xff":"203.0.113.1, 198.51.100.7"})"),
            Hits{"xff:203.0.113.1, 198.51.100.7"});
}

TEST(Matcher, AUrlMatchesByItsNormalFormAndOutOfHostAndTarget) {
  EXPECT_EQ(match(Kind::kUrl, "http://evil.example/a?b", R"({"host":"EVIL.example","uri":"/x/../a?b","id.resp_p":80})"),
            Hits{"uri:http://EVIL.example/x/../a?b"});
  EXPECT_EQ(match(Kind::kUrl, "http://evil.example:8080/a", R"({"host":"evil.example","uri":"/a","id.resp_p":8080})"),
            Hits{"uri:http://evil.example:8080/a"});
  EXPECT_EQ(
      match(Kind::kUrl, "http://evil.example/a", R"({"http":{"hostname":"evil.example","url":"/a"},"dest_port":80})"),
      Hits{"http.url:http://evil.example/a"});
  EXPECT_EQ(match(Kind::kUrl, "http://evil.example/a", R"({"uri":"http://evil.example/a","host":"proxy"})"),
            Hits{"uri:http://evil.example/a"});
  EXPECT_EQ(match(Kind::kUrl, "http://evil.example/a", R"({"host":"evil.example","uri":"/ab"})"), Hits{});
}

TEST(Matcher, HashesMatchInAnyCaseAndImportHashesAreNoFileHashes) {
  const std::string md5 = "d41d8cd98f00b204e9800998ecf8427e";
  EXPECT_EQ(match(Kind::kMd5, md5, R"({"md5":"D41D8CD98F00B204E9800998ECF8427E"})").size(), 1U);
  EXPECT_EQ(match(Kind::kMd5, md5, R"({"Hashes":"SHA1=00,MD5=D41D8CD98F00B204E9800998ECF8427E,IMPHASH=0"})").size(),
            1U);
  EXPECT_EQ(match(Kind::kMd5, md5, R"({"Hashes":"SHA1=00,IMPHASH=D41D8CD98F00B204E9800998ECF8427E"})"), Hits{});
  EXPECT_EQ(match(Kind::kMd5, md5, R"({"whatever":"d41d8cd98f00b204e9800998ecf8427e"})").size(), 1U);
  EXPECT_EQ(match(Kind::kJa3, md5, R"({"ja3":"d41d8cd98f00b204e9800998ecf8427e"})").size(), 1U);
  EXPECT_EQ(match(Kind::kMd5, md5, R"({"ja3":"d41d8cd98f00b204e9800998ecf8427e"})"), Hits{});
}

TEST(Matcher, FileNamesPathsRegistryKeysMutexesAndAgentsMatchWhole) {
  EXPECT_EQ(match(Kind::kFileName, "evil.exe", R"({"Image":"C:\\Temp\\EVIL.exe"})").size(), 1U);
  EXPECT_EQ(match(Kind::kFileName, "evil.exe", R"({"Image":"C:\\Temp\\notevil.exe"})").size(), 0U);
  EXPECT_EQ(match(Kind::kFilePath, "C:\\Temp\\evil.exe", R"({"Image":"c:\\temp\\evil.exe"})").size(), 1U);
  EXPECT_EQ(match(Kind::kFilePath, "\\temp\\evil.exe", R"({"Image":"D:\\x\\Temp\\evil.exe"})").size(), 1U);
  EXPECT_EQ(match(Kind::kFilePath, "\\temp\\evil.exe", R"({"Image":"D:\\xtemp\\evil.exe"})").size(), 0U);
  EXPECT_EQ(match(Kind::kRegistryKey, "HKLM\\Soft\\Run", R"({"TargetObject":"HKLM\\SOFT\\Run\\value"})").size(), 1U);
  EXPECT_EQ(match(Kind::kRegistryKey, "HKLM\\Soft", R"({"TargetObject":"HKLM\\SOFT\\Run\\value"})").size(), 0U);
  EXPECT_EQ(match(Kind::kMutex, "X", R"({"MutantName":"\\Sessions\\1\\BaseNamedObjects\\X"})").size(), 1U);
  EXPECT_EQ(match(Kind::kUserAgent, "Evil/1.0", R"({"user_agent":"Evil/1.0"})").size(), 1U);
  EXPECT_EQ(match(Kind::kUserAgent, "Evil/1.0", R"({"user_agent":"Evil/1.0 x"})").size(), 0U);
  EXPECT_EQ(match(Kind::kEmail, "m@evil.example", R"({"mailfrom":"M <m@EVIL.example>"})"),
            Hits{"mailfrom:m@EVIL.example"});
  EXPECT_EQ(match(Kind::kMac, "00:0d:3a:13:e3:69", R"({"orig_l2_addr":"00:0D:3A:13:E3:69"})").size(), 1U);
  EXPECT_EQ(match(Kind::kText, "exactly", R"({"anything":"exactly"})").size(), 1U);
}

TEST(Matcher, FindsValuesInPlainTextByTokens) {
  const std::string line =
      "Nov 21 fw: DROP src=198.51.100.7:4711 (GET http://evil.example/a), to <m@evil.example>; md5:"
      "d41d8cd98f00b204e9800998ecf8427e ran evil.exe.";
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", line), Hits{"text:198.51.100.7"});
  EXPECT_EQ(match(Kind::kUrl, "http://evil.example/a", line), Hits{"text:http://evil.example/a"});
  EXPECT_EQ(match(Kind::kDomain, "evil.example", line), Hits{"text:http://evil.example/a"});
  EXPECT_EQ(match(Kind::kEmail, "m@evil.example", line), Hits{"text:m@evil.example"});
  EXPECT_EQ(match(Kind::kMd5, "d41d8cd98f00b204e9800998ecf8427e", line).size(), 1U);
  EXPECT_EQ(match(Kind::kFileName, "evil.exe", line), Hits{"text:evil.exe"});
  EXPECT_EQ(match(Kind::kIpv4, "4.0.0.0", "Assembly Version=4.0.0.0"), Hits{});
  EXPECT_EQ(match(Kind::kIpv4, "4.0.0.0", "from 4.0.0.0"), Hits{"text:4.0.0.0"});
}

TEST(Matcher, TextIsSilentAboutWhatATypedFieldSaidAlready) {
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", R"({"Message":"from 198.51.100.7","SourceIp":"198.51.100.7"})"),
            Hits{"SourceIp:198.51.100.7"});
  EXPECT_EQ(match(Kind::kIpv4, "198.51.100.7", R"({"Message":"198.51.100.7 198.51.100.7"})"),
            Hits{"Message:198.51.100.7"});
}

TEST(Matcher, ValidityIsHeldAgainstTheEventsTimeElseAgainstNow) {
  Indicator indicator{1,
                      {Kind::kIpv4, "198.51.100.7"},
                      Instant::parse("2020-01-01T00:00:00Z"),
                      Instant::parse("2021-01-01T00:00:00Z"),
                      -1};
  const auto hit = [&](const std::string& time) {
    return !match({indicator}, R"({"src_ip":"198.51.100.7")" + time + "}").empty();
  };
  EXPECT_TRUE(hit(R"(,"timestamp":"2020-01-01T00:00:00Z")"));
  EXPECT_FALSE(hit(R"(,"timestamp":"2019-12-31T23:59:59.999Z")"));
  EXPECT_TRUE(hit(R"(,"timestamp":"2020-12-31T23:59:59.999Z")"));
  EXPECT_FALSE(hit(R"(,"timestamp":"2021-01-01T00:00:00Z")")) << "until is exclusive";
  EXPECT_FALSE(hit("")) << "now is 2026";
  indicator.valid_until.reset();
  EXPECT_TRUE(hit(""));
}

TEST(Matcher, AnEventWithTooManyHitsIsCutAndCounted) {
  std::vector<Indicator> many;
  for (std::uint64_t i = 0; i < kMaxHitsPerEvent + 5; ++i)
    many.push_back({i, {Kind::kIpv4, "198.51.100.7"}, {}, {}, -1});
  EXPECT_EQ(match(many, R"({"src_ip":"198.51.100.7"})").size(), kMaxHitsPerEvent);
}

}  // namespace
}  // namespace bongsu::detect
