// Kills a sensor with SIGKILL at random moments while it reads, stores, indexes and looks back, many times, and looks
// for anything lost or stored twice.
//
// This process stands in for the keeper: it holds positions and alerts (what it has committed is what it gives the next
// sensor), admits further indicators now and then, and lets logs grow. After half of the kills it reads what was still
// on its way; after the others that is lost, as when the keeper dies as well. In the end every line must be stored
// exactly once, every segment must verify, and every indicator must have hit every line that it matches, whether the
// line came after it or long before.
//
// BONGSU_HUNT_KILLS: how often (50 with BONGSU_LONG, else 8). BONGSU_KILL_SEED: of the moments (1).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/random.h"
#include "net/frame_channel.h"
#include "node/sensor/protocol.h"
#include "node/sensor/sensor_process.h"
#include "telemetry/follower.h"
#include "telemetry/store/store.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kIndicators = 50;
constexpr unsigned kLongestLifeMs = 700;

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* set = std::getenv(name);
  return set == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(set, nullptr, 10));
}

std::string line_of(std::uint64_t i) {
  std::string pad(static_cast<std::size_t>(i * 7919 % 400), 'p');
  return fmt::format("{{\"n\":{},\"src_ip\":\"198.51.100.{}\",\"pad\":\"{}\"}}\n", i, i % kIndicators, pad);
}

class Keeper {
 public:
  explicit Keeper(const fs::path& base, unsigned seed) : base_(base), dice_(seed) {
    fs::create_directories(base_ / "logs");
    for (std::uint64_t ref = 1; ref <= kIndicators / 2; ++ref) admit();
    // One that is read once, larger than a batch.
    std::string lines;
    for (int i = 0; i < 12'000; ++i) lines += write_down("once.json.zst", lines.size());
    std::string packed(ZSTD_compressBound(lines.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), lines.data(), lines.size(), 1));
    std::ofstream(path("once.json.zst"), std::ios::binary) << packed;
  }

  // A sensor's life: until `life` has passed, then it is killed; or until it has done all that there is to do.
  void live(std::chrono::milliseconds life, bool to_the_end) {
    auto pair = net::FrameChannel::socket_pair();
    ASSERT_TRUE(pair);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pair->first);
      ::_exit(run_sensor_process(pair->second));
    }
    ::close(pair->second);
    net::FrameChannel channel(pair->first);
    const auto send = [&](Down type, std::string_view payload) {
      (void)channel.write(static_cast<std::uint8_t>(type), payload, 5s);
    };
    StartMessage start{.sources = {{.path = (base_ / "logs").string()}},
                       .positions = {},
                       .warning_lists = {},
                       .archive = {.directory = (base_ / "telemetry").string(),
                                   .share_percent = 100,
                                   .segment_bytes = 200'000,
                                   .segment_after_ms = 400,
                                   .commit_every_ms = 15,
                                   .hunt_every_ms = 40},
                       .user = "",
                       .sandbox = false};
    for (const auto& [file, position] : positions_) start.positions.push_back({file, position});
    send(Down::kStart, to_text(start.json()));
    std::uint64_t durable = 0;
    ended_ = false;
    const auto take = [&](const net::Frame& frame) {
      switch (static_cast<Up>(frame.type)) {
        case Up::kReady:
          send(Down::kAdd, pack_indicators(admitted_));
          send(Down::kLoaded, "");
          break;
        case Up::kAlerts: {
          auto message = AlertsMessage::parse(frame.payload);
          ASSERT_TRUE(message);
          for (const auto& alert : message->alerts)
            alerts_.emplace(alert.position.source, alert.position.offset, alert.indicator_ref);
          hunted_ += message->hunted ? message->alerts.size() : 0;
          for (auto& update : message->positions) positions_.insert_or_assign(update.file, update.position);
          ++durable;
          std::string bytes(sizeof durable, '\0');
          std::memcpy(bytes.data(), &durable, sizeof durable);
          send(Down::kDurable, bytes);
          break;
        }
        case Up::kStats:
          stats_ = *SensorStats::parse(frame.payload);
          break;
        case Up::kProblem:
          ADD_FAILURE() << "the sensor says: " << frame.payload;
          break;
        default:
          break;
      }
    };
    const auto end = SteadyClock::now() + life;
    auto next_lines = SteadyClock::now();
    while (SteadyClock::now() < end && !testing::Test::HasFailure()) {
      if (!to_the_end && SteadyClock::now() >= next_lines) {
        next_lines += 10ms;
        grow();
        if (admitted_.size() < kIndicators && dice_.below(40) == 0) {
          admit();
          send(Down::kAdd, pack_indicators({admitted_.back()}));
        }
      }
      if (to_the_end && all_done()) break;
      if (auto frame = channel.read(5ms))
        take(*frame);
      else if (frame.error().code != ErrorCode::kTimeout)
        break;
    }
    if (to_the_end) {
      EXPECT_TRUE(all_done()) << alerts_.size() << " alerts of " << expected_.size() << ", " << stats_.archive.waiting
                              << " indicators wait, " << stats_.archive.hunting << " are hunted, " << unread();
      channel.shutdown();
    } else {
      ::kill(child, SIGKILL);
      // Half of the time the keeper lives, and commits what had been sent.
      if (dice_.below(2) == 0)
        while (auto frame = channel.read(100ms)) take(*frame);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (to_the_end)
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    else
      EXPECT_TRUE(WIFSIGNALED(status)) << "the sensor ended by itself";
  }

  void admit_the_rest() {
    while (admitted_.size() < kIndicators) admit();
  }

  // Every line is stored once, every segment whole, every hit was told.
  void check(bool all) {
    const SystemClock clock;
    SystemRandom random;
    auto store = telemetry::TelemetryStore::open(*telemetry::open_directory((base_ / "telemetry").string()),
                                                 {.read_only = true}, clock, random);
    ASSERT_TRUE(store) << store.error().text();
    EXPECT_TRUE((*store)->damage().empty());
    std::vector<telemetry::SegmentFilePtr> files = (*store)->segments();
    segments_ = files.size();
    for (const auto& segment : files)
      for (const Error& error : segment->verify()) ADD_FAILURE() << error.text();
    for (auto& spool : (*store)->spools()) files.push_back(std::move(spool.file));
    std::map<std::pair<std::string, std::uint64_t>, int> stored;
    for (const auto& file : files)
      for (std::size_t i = 0; i < file->blocks().size(); ++i) {
        const auto block = file->read(i);
        ASSERT_TRUE(block) << block.error().text();
        for (const auto& run : block->runs) {
          std::uint64_t offset = run.offset;
          std::string_view rest = run.data;
          while (!rest.empty()) {
            const std::size_t size = rest.find('\n') + 1;
            const auto at = lines_.find({*run.source, offset});
            if (at == lines_.end() || at->second != rest.substr(0, size))
              ADD_FAILURE() << "not a line of the log: " << *run.source << " at " << offset;
            if (++stored[{*run.source, offset}] > 1)
              ADD_FAILURE() << "stored twice: " << *run.source << " at " << offset;
            offset += size;
            rest.remove_prefix(size);
          }
        }
      }
    if (!all) return;
    EXPECT_EQ(stored.size(), lines_.size()) << "lines are lost";
    EXPECT_EQ(alerts_, expected_);
  }

  void talk() const {
    fmt::print("{} lines, {} alerts of {}, {} segments, {} spooled, mark after {} hunts\n", lines_.size(),
               alerts_.size(), expected_.size(), segments_, stats_.archive.spooled_bytes, stats_.archive.hunts);
  }
  std::size_t lines() const { return lines_.size(); }
  std::size_t segments() const { return segments_; }
  std::uint64_t hunted() const { return hunted_; }

 private:
  std::string path(const std::string& name) const { return (base_ / "logs" / name).string(); }
  std::string write_down(const std::string& name, std::uint64_t offset) {
    const std::uint64_t i = next_line_++;
    std::string line = line_of(i);
    lines_.emplace(std::pair(path(name), offset), line);
    expected_.emplace(path(name), offset, i % kIndicators + 1);
    return line;
  }
  void grow() {
    const std::string name = fmt::format("{}.json", dice_.below(3));
    std::uint64_t& size = sizes_[path(name)];
    std::ofstream out(path(name), std::ios::binary | std::ios::app);
    for (std::uint64_t n = dice_.below(dice_.below(20) == 0 ? 3000 : 40); n > 0; --n) {
      const std::string line = write_down(name, size);
      out << line;
      size += line.size();
    }
  }
  void admit() {
    const std::uint64_t ref = admitted_.size() + 1;
    admitted_.push_back({.ref = ref, .value = {detect::Kind::kIpv4, fmt::format("198.51.100.{}", ref - 1)}});
  }
  // What all_done() waits for, for people.
  std::string unread() const {
    std::string out;
    for (const auto& [file, size] : sizes_) {
      const auto at = positions_.find(file);
      out += fmt::format("{} of {} bytes: {}; ", file, size, at == positions_.end() ? "not begun" : at->second);
    }
    return out + (alerts_ == expected_ ? "alerts as expected" : "other alerts than expected");
  }

  bool all_done() const {
    for (const auto& [file, size] : sizes_) {
      const auto at = positions_.find(file);
      const auto json = at == positions_.end() ? Result<Json>(fail(ErrorCode::kNotFound, "")) : parse_json(at->second);
      const auto position = json ? telemetry::FollowPosition::parse(*json)
                                 : Result<telemetry::FollowPosition>(fail(ErrorCode::kNotFound, ""));
      if (!position || position->offset != size) return false;
    }
    return positions_.contains(path("once.json.zst")) && alerts_ == expected_ && stats_.archive.waiting == 0 &&
           stats_.archive.hunting == 0 && stats_.archive.segments > 0;
  }

  fs::path base_;
  SeededRandom dice_;
  std::vector<detect::Indicator> admitted_;
  std::uint64_t next_line_ = 0;
  std::map<std::string, std::uint64_t> sizes_;
  std::map<std::pair<std::string, std::uint64_t>, std::string> lines_;
  std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> expected_, alerts_;
  std::map<std::string, std::string> positions_;
  SensorStats stats_;
  bool ended_ = false;
  std::size_t segments_ = 0;
  std::uint64_t hunted_ = 0;
};

TEST(HuntKill, EveryLineIsStoredOnceAndEveryIndicatorFindsThem) {
  const bool thorough = std::getenv("BONGSU_LONG") != nullptr;
  const unsigned kills = from_environment("BONGSU_HUNT_KILLS", thorough ? 50 : 8);
  const unsigned seed = from_environment("BONGSU_KILL_SEED", 1);
  std::string pattern = (fs::temp_directory_path() / "bongsu-hunt-kill-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  SeededRandom dice(seed + 1000);
  Keeper keeper(pattern, seed);
  for (unsigned kill = 0; kill < kills && !HasFailure(); ++kill) {
    keeper.live(std::chrono::milliseconds(20 + dice.below(kLongestLifeMs)), false);
    keeper.check(false);
    if (std::getenv("BONGSU_HUNT_TALK") != nullptr) keeper.talk();
  }
  keeper.admit_the_rest();
  if (!HasFailure()) keeper.live(60s, true);
  if (!HasFailure()) keeper.check(true);
  EXPECT_GT(keeper.segments(), 0U) << "nothing was indexed";
  EXPECT_GT(keeper.hunted(), 0U) << "nothing was looked back for";
  fmt::print("{} kills, {} lines, {} segments, {} alerts by looking back\n", kills, keeper.lines(), keeper.segments(),
             keeper.hunted());
  fs::remove_all(pattern);
}

}  // namespace
}  // namespace bongsu::node
