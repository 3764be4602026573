// Keeps the sensor's indicators equal to the journal's: follows the change feed, compiles indicators, sends what changed.
//
// A projection: its cursor is in memory, and each new sensor process gets everything from the journal's beginning. What cannot be compiled (temporal
// patterns, other languages) is counted by reason and shown, never dropped silently.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "base/uuid.h"
#include "journal/journal.h"
#include "node/sensor/supervisor.h"

namespace bongsu::node {

struct DetectionStatus {
  journal::Seq cursor = 0;
  bool loaded = false;
  std::uint64_t indicators = 0;                     // objects in effect
  std::map<std::string, std::uint64_t> unsupported; // reason → count
};

class DetectionFeed {
 public:
  DetectionFeed(journal::Journal& journal, IndicatorSink& sensor, Log& log);
  ~DetectionFeed();
  void start();
  void stop();
  void sensor_started();   // any thread: begin anew
  DetectionStatus status() const;

 private:
  void run();
  Result<void> load(std::uint64_t generation);
  Result<void> follow(std::uint64_t generation);
  // Removals go first, then additions: what was dropped and put again within one page stands at the end.
  struct Changes {
    std::map<journal::Seq, std::vector<detect::Indicator>> add;
    std::vector<std::uint64_t> remove;
    void drop(journal::Seq ref) {
      add.erase(ref);
      remove.push_back(ref);
    }
  };
  Result<void> take(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes);
  Result<void> put(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes);
  Result<void> send(std::uint64_t generation, Changes& changes);
  bool anew(std::uint64_t generation) const;

  journal::Journal& journal_;
  IndicatorSink& sensor_;
  Log& log_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::uint64_t wanted_ = 0;       // generation to serve
  DetectionStatus status_;
  // Indicator → who gave it → the newest entry of it, in effect or not (revoked, no pattern of ours): a member replaces and withdraws its own
  // versions only.
  std::unordered_map<Uuid, std::map<std::string, journal::Seq>, UuidHash> current_;
  std::unordered_set<journal::Seq> in_force_;  // entries whose values the sensor has
};

}  // namespace bongsu::node
