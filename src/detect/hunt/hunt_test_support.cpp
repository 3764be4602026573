#include "detect/hunt/hunt_test_support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bongsu::detect {
namespace {

using telemetry::LineBatch;

class Borrowed final : public telemetry::Files {
 public:
  explicit Borrowed(telemetry::Files& files) : files_(files) {}
  Result<std::vector<Entry>> list() const override { return files_.list(); }
  Result<std::unique_ptr<telemetry::AppendFile>> create(const std::string& name) override {
    return files_.create(name);
  }
  Result<std::unique_ptr<telemetry::ReadFile>> open(const std::string& name) const override {
    return files_.open(name);
  }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> remove(const std::string& name) override { return files_.remove(name); }
  Result<void> sync_directory() override { return files_.sync_directory(); }
  std::string path(const std::string& name) const override { return files_.path(name); }

 private:
  telemetry::Files& files_;
};

void fill(Engine& engine, const std::vector<Indicator>& indicators) {
  EXPECT_TRUE(engine.add(indicators));
  engine.set_origins(
      [](std::uint64_t ref) { return Origin{.indicator_id = fmt::format("list:{}", ref), .source = "test"}; });
}

}  // namespace

StoredTelemetry::StoredTelemetry(const std::vector<std::vector<LineBatch>>& segments, std::size_t block_bytes,
                                 telemetry::FieldMapPtr map) {
  reopen();
  for (const auto& batches : segments) {
    auto writer = store->new_segment();
    EXPECT_TRUE(writer);
    HuntIndexer indexer(std::move(*writer), store->seed(), map, block_bytes, block_bytes / 8);
    for (const LineBatch& batch : batches) EXPECT_TRUE(indexer.add(batch));
    EXPECT_TRUE(indexer.finish({.created = clock.now()}));
    EXPECT_TRUE(store->replaced());
  }
}

void StoredTelemetry::reopen() {
  SeededRandom random(11);
  auto opened = telemetry::TelemetryStore::open(std::make_unique<Borrowed>(files), {}, clock, random);
  EXPECT_TRUE(opened) << opened.error().text();
  store = std::move(*opened);
}

std::multiset<std::string> hunted(const StoredTelemetry& stored, const std::vector<Indicator>& indicators,
                                  bool with_keys, HuntResult* result, HuntQuery query) {
  Engine engine(stored.clock);
  fill(engine, indicators);
  HuntKeys keys(stored.store->seed());
  EXPECT_TRUE(keys.add(indicators));
  keys.sort();
  if (with_keys) query.keys = &keys;
  std::multiset<std::string> out;
  const HuntResult done = hunt(engine, query, stored.store->segments(), {}, [&](std::vector<Alert>&& alerts) {
    for (const Alert& alert : alerts) out.insert(alert.id);
    return true;
  });
  EXPECT_EQ(done.alerts, out.size());
  if (result != nullptr) *result = done;
  return out;
}

std::multiset<std::string> matched_live(const std::vector<LineBatch>& batches,
                                        const std::vector<Indicator>& indicators) {
  const FakeClock clock;
  Engine engine(clock);
  fill(engine, indicators);
  telemetry::BadLines bad;
  Engine::Session session(engine, bad);
  std::multiset<std::string> out;
  for (const LineBatch& batch : batches) {
    std::vector<Alert> alerts;
    session.match(batch, alerts);
    for (const Alert& alert : alerts) out.insert(alert.id);
  }
  return out;
}

}  // namespace bongsu::detect
