#include "detect/indicator_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/places_test_support.h"

namespace bongsu::detect {
namespace {

class IndicatorFileTest : public testing::Test {
 protected:
  std::string file(const std::string& text) {
    std::string form = (std::filesystem::temp_directory_path() / "bongsu-list-XXXXXX").string();
    close(mkstemp(form.data()));
    std::ofstream(form, std::ios::binary) << text;
    made_.push_back(form);
    return form;
  }
  ~IndicatorFileTest() override {
    for (const auto& path : made_) std::filesystem::remove(path);
  }
  // "kind value origin" of everything that was loaded.
  std::set<std::string> load(const std::string& text) {
    Index index;
    IndicatorFiles files(index, options_);
    const auto loaded = files.load(file(text));
    EXPECT_TRUE(loaded) << loaded.error().text();
    report_ = files.report();
    std::set<std::string> out;
    index.snapshot()->each([&](const Snapshot::Entry& e) {
      const Origin origin = files.origin(e.ref);
      const auto at = origin.indicator_id.rfind(':');
      out.insert(std::string(to_string(e.kind)) + " " + key_text(e.kind, e.bytes) + " " +
                 (origin.indicator_id.starts_with("list:") ? origin.indicator_id.substr(at + 1) : origin.indicator_id));
      sources_.insert(origin.source);
    });
    return out;
  }
  std::vector<std::string> made_;
  LoadOptions options_;
  LoadReport report_;
  std::set<std::string> sources_;
};

TEST_F(IndicatorFileTest, ReadsPlainListsWithRemarksAndDefangedValues) {
  EXPECT_EQ(
      load("\xef\xbb\xbf# a list\n\nhxxp://evil[.]example/a\r\n198.51.100.7  # scanner\n// x\n; y\nnonsense "
           "here\nevil.example"),
      (std::set<std::string>{"url http://evil.example/a 3", "ipv4-addr 198.51.100.7 4", "domain-name evil.example 8"}));
  ASSERT_EQ(report_.refused.count(), 1U);
  EXPECT_EQ(report_.refused.first()[0].where.line, 7U);
  EXPECT_EQ(report_.guessed[Kind::kIpv4], 1U);
}

TEST_F(IndicatorFileTest, ReadsTablesOfFeedsInEitherOrder) {
  EXPECT_EQ(
      load("ADDR\t198.51.100.7\tfeed-a\nevil.example\tdomain\tfeed-b\nC2\tworse.example\tfeed-a\n"),
      (std::set<std::string>{"ipv4-addr 198.51.100.7 1", "domain-name evil.example 2", "domain-name worse.example 3"}));
  EXPECT_EQ(sources_, (std::set<std::string>{"feed-a", "feed-b"}));
}

TEST_F(IndicatorFileTest, ReadsZeekIntelFiles) {
  EXPECT_EQ(
      load("#fields\tindicator\tindicator_type\tmeta.source\n198.51.100.7\tIntel::ADDR\tours\n"
           "evil.example/x\tIntel::URL\tours\n10.0.0.0/8\tIntel::SUBNET\t-\nCN=x\tIntel::CERT\tours\n"),
      (std::set<std::string>{"ipv4-addr 198.51.100.7 2", "url http://evil.example/x 3", "ipv4-addr 10.0.0.0/8 4"}));
  EXPECT_EQ(report_.refused.count(), 1U);
}

TEST_F(IndicatorFileTest, ReadsCsvByItsFirstColumnOrItsTypeColumn) {
  EXPECT_EQ(
      load("\"198.51.100.7\",\"2026-01-01\",\"scanner\"\ndomain,evil.example,x\nworse.example,hostname\n"),
      (std::set<std::string>{"ipv4-addr 198.51.100.7 1", "domain-name evil.example 2", "domain-name worse.example 3"}));
}

constexpr const char* kBundle = R"({"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[
{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","confidence":90},
{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd31","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":"[domain-name:value = 'gone.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","revoked":true},
{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd32","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":"[domain-name:value = 'weak.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","confidence":10},
{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd33","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern":"[domain-name:value LIKE '%x']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"},
{"type":"identity","spec_version":"2.1","id":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","name":"x"}]})";

TEST_F(IndicatorFileTest, ReadsStixBundlesAndHonoursRevokedAndConfidence) {
  options_.min_confidence = 50;
  EXPECT_EQ(load(kBundle),
            (std::set<std::string>{"domain-name evil.example indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}));
  EXPECT_EQ(report_.revoked, 1U);
  EXPECT_EQ(report_.low_confidence, 1U);
  EXPECT_EQ(report_.other_objects, 1U);
  EXPECT_EQ(report_.rules, 1U);
  EXPECT_EQ(report_.refused.count(), 0U);
}

TEST_F(IndicatorFileTest, ReadsStixPatternsOneALine) {
  EXPECT_EQ(load("[domain-name:value = 'evil.example']\n# a remark\n([domain-name:value LIKE 'a%'])\n[domain-name:value = \n[::1]\n"),
            (std::set<std::string>{"domain-name evil.example 1", "ipv6-addr ::1 5"}));
  EXPECT_EQ(report_.rules, 1U);
  ASSERT_EQ(report_.refused.count(), 1U);
  EXPECT_EQ(report_.refused.first()[0].where.line, 4U);
}

TEST_F(IndicatorFileTest, ReadsTaxiiEnvelopes) {
  std::string envelope(kBundle);
  envelope.replace(0, envelope.find("\"objects\""), "{\"more\":false,");
  EXPECT_EQ(load(envelope).size(), 2U);
}

TEST_F(IndicatorFileTest, BrokenFilesAreNamedAndWhatCameBeforeIsLoaded) {
  Index index;
  IndicatorFiles files(index, {});
  EXPECT_EQ(files.load("/nonexistent").error().code, ErrorCode::kNotFound);
  const std::string whole(kBundle);
  EXPECT_FALSE(files.load(file(whole.substr(0, whole.size() / 2))).has_value());
  std::string binary;
  for (int i = 0; i < 50'000; ++i) binary += static_cast<char>(i * 7919 % 256);
  EXPECT_TRUE(files.load(file(binary)).has_value());
  EXPECT_GT(files.report().refused.count(), 0U);
}

TEST_F(IndicatorFileTest, TheRealListLoadsAsItIs) {
  const std::string path = shared_data("indicators/real-indicators.tsv.zst");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  Index index;
  IndicatorFiles files(index, {});
  ASSERT_TRUE(files.load(path));
  EXPECT_EQ(files.report().indicators + files.report().refused.count(), 450'892U);
  EXPECT_GT(files.report().indicators, 449'000U);
  EXPECT_EQ(files.report().by_kind.at(Kind::kEmail), 1150U);
  for (const auto& [reason, count] : files.report().refused.reasons()) EXPECT_LT(count, 1000U) << reason;
}

}  // namespace
}  // namespace bongsu::detect
