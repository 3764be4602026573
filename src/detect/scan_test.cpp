#include "detect/scan.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>

#include "detect/indicator_file.h"
#include "base/places_test_support.h"

namespace bongsu::detect {
namespace {

namespace fs = std::filesystem;

class ScanTest : public testing::Test {
 protected:
  ScanTest() {
    std::string form = (fs::temp_directory_path() / "bongsu-scan-XXXXXX").string();
    dir_ = mkdtemp(form.data());
    const Value value = *normalise(Kind::kIpv4, "198.51.100.7");
    EXPECT_TRUE(engine_.add(7, {&value, 1}, {}, {}, 60, {"indicator--x", "cert-lt", "TLP:GREEN"}));
  }
  ~ScanTest() override { fs::remove_all(dir_); }
  std::string file(const std::string& name, const std::string& content) {
    std::ofstream(dir_ / name, std::ios::binary) << content;
    return (dir_ / name).string();
  }
  ScanResult run(const std::vector<std::string>& files, int jobs = 2) {
    alerts_.clear();
    return scan(engine_, files, {.jobs = jobs}, [&](std::vector<Alert>&& alerts) {
      for (Alert& alert : alerts) alerts_.push_back(std::move(alert));
      return true;
    });
  }
  SystemClock clock_;
  Engine engine_{clock_};
  fs::path dir_;
  std::vector<Alert> alerts_;
};

TEST_F(ScanTest, AlertsCarryEventIndicatorSourceAndPlace) {
  const std::string path = file("a.log", "nothing\n{\"ts\":1.5,\"id.orig_h\":\"198.51.100.7\"}\n");
  const ScanResult result = run({path});
  ASSERT_EQ(alerts_.size(), 1U);
  const Alert& alert = alerts_[0];
  EXPECT_EQ(alert.indicator_id, "indicator--x");
  EXPECT_EQ(alert.indicator_ref, 7U);
  EXPECT_EQ(alert.source, "cert-lt");
  EXPECT_EQ(alert.label, "TLP:GREEN");
  EXPECT_EQ(alert.confidence, 60);
  EXPECT_EQ(alert.field, "id.orig_h");
  EXPECT_EQ(alert.position.line, 2U);
  EXPECT_EQ(alert.position.offset, 8U);
  EXPECT_EQ(alert.event, "{\"ts\":1.5,\"id.orig_h\":\"198.51.100.7\"}");
  EXPECT_EQ(alert.event_time->nanos, 500'000'000);
  EXPECT_EQ(alert.id, alert_id(alert.position, "indicator--x", "id.orig_h"));
  EXPECT_EQ(result.events, 2U);
  EXPECT_EQ(result.alerts, 1U);
}

TEST_F(ScanTest, AlertsComeInTheOrderOfTheLinesHoweverManyWork) {
  std::vector<std::string> files;
  for (int f = 0; f < 3; ++f) {
    std::string text;
    for (int i = 0; i < 60'000; ++i)
      text += i % 37 == 0 ? "{\"src_ip\":\"198.51.100.7\",\"n\":" + std::to_string(i) + "}\n"
                          : "{\"src_ip\":\"192.0.2.1\",\"pad\":\"xxxxxxxxxxxxxxxxxxxx\"}\n";
    files.push_back(file(std::to_string(f) + ".json", text));
  }
  run(files, 1);
  const auto expected = alerts_;
  ASSERT_EQ(expected.size(), 3U * 1622U);
  run(files, 4);
  ASSERT_EQ(alerts_.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(alerts_[i].id, expected[i].id) << i;
}

TEST_F(ScanTest, HostileFilesAreNamedAndTheRestIsMatched) {
  const std::string hit = "{\"src_ip\":\"198.51.100.7\"}\n";
  std::string binary;
  for (unsigned i = 0; i < 300'000; ++i) binary += static_cast<char>(i * 7919u % 251);
  std::string frame(ZSTD_compressBound(hit.size() * 100'000), '\0');
  std::string many;
  for (int i = 0; i < 1000; ++i) many += hit;
  frame.resize(ZSTD_compress(frame.data(), frame.size(), many.data(), many.size(), 3));
  const std::vector<std::string> files = {
      file("binary", binary),
      file("long", std::string(100'000'000, 'x') + "\n" + hit),
      file("deep",
           std::string(10'000, '[') + "\n{\"a\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}\n" + hit),
      file("utf8", "{\"a\":\"\xff\xff\"}\n" + hit),
      file("nul", std::string(5000, '\0') + "\n" + hit),
      file("cut.zst", frame.substr(0, frame.size() - 3)),
      file("not-gzip.gz", "\x1f\x8b nonsense"),
      (dir_ / "absent").string(),
      file("last", hit)};
  const ScanResult result = run(files);
  EXPECT_EQ(result.errors.size(), 3U);
  for (const Error& error : result.errors) EXPECT_FALSE(error.where.source.empty()) << error.message;
  std::set<std::string> sources;
  for (const Alert& alert : alerts_) sources.insert(fs::path(alert.position.source).filename().string());
  for (const char* name : {"long", "deep", "utf8", "nul", "last"}) EXPECT_TRUE(sources.contains(name)) << name;
  EXPECT_GE(result.bad.count(), 3U);
}

TEST_F(ScanTest, StopsWhenTheReaderOfTheAlertsHasGone) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "{\"src_ip\":\"198.51.100.7\"}\n";
  const std::string path = file("x", text);
  int calls = 0;
  const ScanResult result = scan(engine_, {path}, {.jobs = 2}, [&](std::vector<Alert>&&) { return ++calls < 2; });
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(calls, 2);
}

TEST_F(ScanTest, AddedAndRemovedIndicatorsTakeEffectBetweenBatches) {
  telemetry::BadLines bad;
  Engine::Session session(engine_, bad);
  telemetry::LineBatch batch{std::make_shared<const std::string>("s"), "{\"src_ip\":\"203.0.113.5\"}\n", 0, 1, nullptr};
  const Value value = *normalise(Kind::kIpv4, "203.0.113.0/24");
  std::vector<Alert> alerts;
  session.match(batch, alerts);
  EXPECT_TRUE(alerts.empty());
  ASSERT_TRUE(engine_.add(8, {&value, 1}, {}, {}, -1, {"indicator--y", "s", ""}));
  session.match(batch, alerts);
  EXPECT_EQ(alerts.size(), 1U);
  engine_.remove(8);
  session.match(batch, alerts);
  EXPECT_EQ(alerts.size(), 1U);
}

// Known hits in recorded logs, by value.
TEST(RecordedLogs, HoldTheHitsThatAreKnown) {
  const std::string list = shared_data("indicators/real-indicators.tsv.zst"),
                    zeek = shared_data("telemetry/zeek.ndjson.zst");
  const std::string warnings = shared_data("misp/warninglists.tar.zst");
  if (list.empty() || zeek.empty() || warnings.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const SystemClock clock;
  Engine engine(clock);
  IndicatorFiles files(engine.index(), {});
  ASSERT_TRUE(files.load(list));
  engine.set_origins([&](std::uint64_t ref) { return files.origin(ref); });
  auto lists = std::make_shared<WarningLists>();
  ASSERT_TRUE(lists->load(warnings));
  lists->finish();
  engine.set_warning_lists(lists);
  std::map<std::string, int> values;
  int marked = 0;
  const ScanResult result = scan(engine, {zeek}, {.jobs = 2}, [&](std::vector<Alert>&& alerts) {
    for (const Alert& alert : alerts) {
      ++values[alert.value.text];
      marked += !alert.warning_lists.empty();
    }
    return true;
  });
  EXPECT_EQ(result.events, 193'447U);
  EXPECT_EQ(values["googleapis.com"], 592);
  EXPECT_EQ(values["192.36.148.17"], 290);
  EXPECT_EQ(values["72.21.81.200"], 39);
  EXPECT_GT(marked, 500);
  EXPECT_EQ(static_cast<std::uint64_t>(marked), result.warning_listed);
}

}  // namespace
}  // namespace bongsu::detect
