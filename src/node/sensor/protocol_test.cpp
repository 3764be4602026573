#include "node/sensor/protocol.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace bongsu::node {
namespace {

TEST(SensorProtocol, IndicatorsSurviveTheTrip) {
  const std::vector<detect::Indicator> indicators = {
      {.ref = 1, .value = {detect::Kind::kDomain, "evil.example"}, .valid_from = Instant{5, 6}, .valid_until = {}, .confidence = 90},
      {.ref = UINT64_MAX, .value = {detect::Kind::kText, std::string("a\0b", 3)}, .valid_from = {}, .valid_until = Instant{-1, 999'999'999}, .confidence = -1},
      {.ref = 0, .value = {detect::Kind::kIpv4, ""}, .valid_from = {}, .valid_until = {}, .confidence = 0},
  };
  const auto back = unpack_indicators(pack_indicators(indicators));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), indicators.size());
  for (std::size_t i = 0; i < indicators.size(); ++i) {
    EXPECT_EQ((*back)[i].ref, indicators[i].ref);
    EXPECT_EQ((*back)[i].value.text, indicators[i].value.text);
    EXPECT_EQ((*back)[i].value.kind, indicators[i].value.kind);
    EXPECT_EQ((*back)[i].valid_from, indicators[i].valid_from);
    EXPECT_EQ((*back)[i].valid_until, indicators[i].valid_until);
    EXPECT_EQ((*back)[i].confidence, indicators[i].confidence);
  }
  EXPECT_EQ(unpack_refs(pack_refs({1, 2, UINT64_MAX})), (std::vector<std::uint64_t>{1, 2, UINT64_MAX}));
}

TEST(SensorProtocol, RulesAndRefusalsSurviveTheTrip) {
  const std::vector<detect::Rule> rules = {{.ref = 7, .language = detect::Language::kSigma, .text = "title: a\nb: \xff", .valid_from = Instant{1, 2}, .valid_until = {}, .confidence = 50},
                                           {.ref = 8, .language = detect::Language::kYara, .text = "", .valid_from = {}, .valid_until = Instant{3, 4}, .confidence = -1}};
  const std::string packed = pack_rules(rules);
  const auto back = unpack_rules(packed);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ(pack_rules(*back), packed);
  EXPECT_EQ((*back)[0].language, detect::Language::kSigma);
  EXPECT_EQ((*back)[0].text, rules[0].text);
  std::string forged = packed;
  forged[8] = detect::kLanguages;
  EXPECT_FALSE(unpack_rules(forged));

  const auto refused = RefusedMessage::parse(RefusedMessage{.rules = {{7, "line 3: \xff \"no\"", false}, {8, std::string(10'000, 'x'), true}}}.text());
  ASSERT_TRUE(refused) << refused.error().text();
  EXPECT_EQ(refused->rules.at(0).ref, 7u);
  EXPECT_TRUE(refused->rules.at(0).reason.starts_with("line 3: "));
  EXPECT_EQ(refused->rules.at(1).reason.size(), kRefusedReasonBytes);
  for (const char* bad : {"", "{}", R"({"rules":[{}]})", R"({"rules":[{"reason":"a"}]})"}) EXPECT_FALSE(RefusedMessage::parse(bad)) << bad;
}

TEST(SensorProtocol, CutAndForgedBytesAreRefused) {
  const std::string whole = pack_indicators({{.ref = 1, .value = {detect::Kind::kUrl, "http://a/"}, .valid_from = Instant{1, 1}, .valid_until = {}, .confidence = 1}});
  for (std::size_t n = 1; n < whole.size(); ++n) EXPECT_FALSE(unpack_indicators(std::string_view(whole).substr(0, n))) << n;
  std::string forged = whole;
  forged[8] = 99;  // kind
  EXPECT_FALSE(unpack_indicators(forged));
  EXPECT_FALSE(unpack_refs("1234567"));
  for (const char* bad : {"", "[]", "{}", R"({"alerts":[{}],"positions":[]})", R"({"alerts":[],"positions":[{"file":1}]})", R"({"alerts":{},"positions":[]})"})
    EXPECT_FALSE(AlertsMessage::parse(bad)) << bad;
}

TEST(SensorProtocol, StartAndStatsSurviveTheTrip) {
  const StartMessage start{.sources = {{.path = "/var/log/zeek", .from_start = false}}, .positions = {{.file = "/var/log/zeek/a", .position = "{}"}}, .warning_lists = {"/lists"}, .maps = {"/maps/a.toml"}, .user = "nobody", .sandbox = true};
  const auto back = StartMessage::parse(to_text(start.json()));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->sources.size(), 1u);
  ASSERT_EQ(back->positions.size(), 1u);
  EXPECT_EQ(back->positions[0].file, "/var/log/zeek/a");
  EXPECT_FALSE(back->sources[0].from_start);
  EXPECT_EQ(back->warning_lists, start.warning_lists);
  EXPECT_EQ(back->maps, start.maps);
  const auto stats = SensorStats::parse(SensorStats{.events = 7, .bytes = 8, .bad_lines = 1, .indicators = 2, .alerts = 3, .files = 4}.text());
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->events, 7u);
  EXPECT_EQ(stats->files, 4u);
}

}  // namespace
}  // namespace bongsu::node
