// The archive by itself: what is hunted for and when the mark moves. Crashes of the whole sensor:
// tests/system/hunt_kill_test.cpp.
#include "node/sensor/archive.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() {
    std::string form = (fs::temp_directory_path() / "bongsu-archive-XXXXXX").string();
    dir_ = mkdtemp(form.data());
  }
  ~ArchiveTest() override {
    archive_.reset();
    fs::remove_all(dir_);
  }
  void start(std::vector<PositionUpdate> keeper = {}) {
    archive_.reset();
    messages_ = 0;
    archive_ = std::make_unique<Archive>(
        ArchiveOptions{.directory = dir_.string(),
                       .share_percent = 100,
                       .segment_bytes = 1,
                       .segment_after_ms = 0,
                       .hunt_every_ms = 1},
        nullptr, telemetry::FieldMap::standard(),
        Archive::Hooks{.alerts = [this](std::vector<detect::Alert>&& alerts) -> std::optional<std::uint64_t> {
                         const std::lock_guard lock(mutex_);
                         for (auto& alert : alerts) found_.push_back(alert.indicator_ref);
                         return ++messages_;
                       },
                       .problem = [](const std::string& text) { ADD_FAILURE() << text; }},
        clock_);
    ASSERT_TRUE(archive_->open());
    resumed_ = archive_->resume(keeper);
  }
  void read(std::string lines, const std::string& position) {
    archive_->store({std::make_shared<const std::string>("a.json"), std::move(lines), 0, 1, nullptr},
                    {"a.json", position});
    archive_->commit();
  }
  static detect::Indicator indicator(std::uint64_t ref) {
    return {.ref = ref, .value = {detect::Kind::kIpv4, "198.51.100.7"}};
  }
  // As the matching thread does, until something holds.
  template <class Holds>
  bool until(Holds holds, bool durable = true) {
    for (int i = 0; i < 2000; ++i) {
      archive_->told(messages_);
      if (durable) archive_->durable(messages_);
      if (holds()) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
  std::vector<std::uint64_t> found() {
    const std::lock_guard lock(mutex_);
    return found_;
  }

  fs::path dir_;
  SystemClock clock_;
  std::mutex mutex_;
  std::vector<std::uint64_t> found_;
  std::atomic<std::uint64_t> messages_ = 0;
  std::vector<PositionUpdate> resumed_;
  std::unique_ptr<Archive> archive_;
};

constexpr const char* kLine = "{\"src_ip\":\"198.51.100.7\"}\n";
constexpr const char* kPosition = R"({"device":1,"inode":2,"offset":26,"line":2,"head_bytes":26,"head_hash":3})";

TEST_F(ArchiveTest, LooksBackForWhatIsAdmittedOnceItsAlertsAreDurable) {
  start();
  archive_->loaded();
  read(kLine, kPosition);
  archive_->admitted({indicator(5)});
  ASSERT_TRUE(until([&] { return archive_->stats().hunt_alerts == 1; }, false));
  EXPECT_EQ(archive_->stats().hunts, 0U) << "its alert is not durable yet";
  ASSERT_TRUE(until([&] { return archive_->stats().hunts == 1; }));
  EXPECT_EQ(found(), std::vector<std::uint64_t>{5});
  ASSERT_TRUE(until([&] { return archive_->stats().segments == 1; })) << "what was spooled becomes a segment";

  // After a restart it is not looked for again, a later one is; in the segment now.
  start();
  archive_->admitted({indicator(5), indicator(6)});
  archive_->loaded();
  ASSERT_TRUE(until([&] { return archive_->stats().hunts == 1; }));
  EXPECT_EQ(found(), (std::vector<std::uint64_t>{5, 6}));
}

TEST_F(ArchiveTest, AHuntThatWasNotAcknowledgedIsDoneAgain) {
  start();
  archive_->loaded();
  read(kLine, kPosition);
  archive_->admitted({indicator(5)});
  ASSERT_TRUE(until([&] { return archive_->stats().hunt_alerts == 1; }, false));
  start();
  archive_->admitted({indicator(5)});
  archive_->loaded();
  ASSERT_TRUE(until([&] { return archive_->stats().hunts == 1; }));
  EXPECT_EQ(found(), (std::vector<std::uint64_t>{5, 5})) << "the same alert, by its id";
}

TEST_F(ArchiveTest, WhatIsWithdrawnMeanwhileIsNotLookedFor) {
  start();
  read(kLine, kPosition);
  archive_->admitted({indicator(5), indicator(6)});
  archive_->withdrawn({5});
  archive_->loaded();
  ASSERT_TRUE(until([&] { return archive_->stats().hunts == 1; }));
  EXPECT_EQ(found(), std::vector<std::uint64_t>{6});
}

TEST_F(ArchiveTest, FollowingGoesOnWhereTheStoreEndsAndSpoolsAreMatchedAgainOnlyIfTheKeeperIsBehind) {
  start();
  read(kLine, kPosition);
  start();
  ASSERT_EQ(resumed_.size(), 1U);
  EXPECT_EQ(resumed_[0].position, kPosition);
  int again = 0;
  archive_->replay({}, [&](const telemetry::LineBatch& batch) { again += batch.data == kLine; });
  EXPECT_EQ(again, 1);
  start({{"a.json", kPosition}});
  archive_->replay({{"a.json", kPosition}}, [&](const telemetry::LineBatch&) { ++again; });
  EXPECT_EQ(again, 1) << "the keeper knows it all";
  // A keeper that is ahead in the same file: storing had failed.
  const std::string ahead = R"({"device":1,"inode":2,"offset":100,"line":9,"head_bytes":26,"head_hash":3})";
  start({{"a.json", ahead}});
  EXPECT_EQ(resumed_.at(0).position, ahead);
  // Another file of that name: the store knows better.
  start({{"a.json", R"({"device":1,"inode":9,"offset":100,"line":9,"head_bytes":26,"head_hash":4})"}});
  EXPECT_EQ(resumed_.at(0).position, kPosition);
}

TEST_F(ArchiveTest, AFileThatIsReadOnceAgainIsStoredOnce) {
  const std::string file = (dir_ / "x.json.gz").string();
  std::ofstream(file) << "whatever";
  const auto part = [&](std::string data, std::uint64_t offset, std::uint64_t line) {
    archive_->store({std::make_shared<const std::string>(file), std::move(data), offset, line, nullptr}, {file, ""});
    archive_->commit();
  };
  start();
  part("one\ntwo\n", 0, 1);
  start();
  part("one\n", 0, 1);
  part("two\nthree\n", 4, 2);  // cut in the middle
  part("four\n", 14, 4);
  std::string all;
  archive_->loaded();
  ASSERT_TRUE(until([&] { return archive_->stats().segments >= 1 || archive_->stats().spooled_bytes == 0; }));
  archive_.reset();
  SystemRandom random;
  auto store =
      telemetry::TelemetryStore::open(*telemetry::open_directory(dir_.string()), {.read_only = true}, clock_, random);
  ASSERT_TRUE(store);
  auto files = (*store)->segments();
  for (auto& spool : (*store)->spools()) files.push_back(spool.file);
  for (const auto& one : files)
    for (std::size_t i = 0; i < one->blocks().size(); ++i) {
      const auto block = one->read(i);
      ASSERT_TRUE(block);
      for (const auto& run : block->runs) {
        if (run.data.starts_with("three")) EXPECT_EQ(run.first_line, 3U);
        all += run.data;
      }
    }
  EXPECT_EQ(all, "one\ntwo\nthree\nfour\n");
}

}  // namespace
}  // namespace bongsu::node
