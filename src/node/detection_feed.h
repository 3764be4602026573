// Keeps the sensor's indicators equal to the journal's: follows the change feed, compiles indicators, sends what
// changed. Values and rules (detect/rule.h) alike.
//
// A projection: its cursor is in memory, and each new sensor process gets all that stands in the journal
// (indicator_reader.h: read and compiled on several threads), then what changes. Nothing of it is stored, so nothing
// that was withdrawn or erased can come back by it. What cannot be compiled (other languages, bytes that do not open,
// rules that the sensor refuses) is counted by reason and shown, never dropped silently. So are rules that are set aside (rules_aside.h).
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/uuid.h"
#include "journal/journal.h"
#include "node/indicator_reader.h"
#include "node/rules_aside.h"
#include "node/sensor/supervisor.h"

namespace bongsu::node {

struct DetectionStatus {
  journal::Seq cursor = 0;
  bool loaded = false;
  std::uint64_t indicators = 0;                     // objects in effect, rules among them
  std::uint64_t rules = 0;                          // of those
  std::map<std::string, std::uint64_t> unsupported; // reason → count
};

class DetectionFeed {
 public:
  DetectionFeed(journal::Journal& journal, IndicatorSink& sensor, RulesAside& aside, const Clock& clock, Log& log);
  ~DetectionFeed();
  void start();
  void stop();
  void sensor_started();   // any thread: begin anew
  // Any thread: the sensor of that generation cannot build these rules.
  void refused(std::uint64_t generation, const RefusedMessage& rules);
  // Any thread: the rule of this entry does harm. It is set aside, durably, and sensors that start from now on do not get it.
  Result<void> set_aside(journal::Seq ref, const std::string& reason);
  DetectionStatus status() const;

 private:
  void run();
  Result<void> load(std::uint64_t generation);
  Result<void> follow(std::uint64_t generation);
  // Removals go first, then additions: what was dropped and put again within one page stands at the end.
  struct Changes {
    std::map<journal::Seq, std::vector<detect::Indicator>> add;
    std::map<journal::Seq, detect::Rule> rules;
    std::vector<std::uint64_t> remove;
    void drop(journal::Seq ref) {
      add.erase(ref);
      rules.erase(ref);
      remove.push_back(ref);
    }
  };
  // An indicator as one member gave it, live or in an exercise: neither takes the other's place.
  struct Given {
    Uuid uuid;
    std::uint32_t giver = 0;  // index in givers_
    bool operator==(const Given&) const = default;
  };
  struct GivenHash {
    std::size_t operator()(const Given& g) const noexcept {
      return UuidHash()(g.uuid) ^ (g.giver * 0x9e3779b97f4a7c15ULL);
    }
  };
  Result<void> take(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes);
  Result<void> take_removal(journal::Snapshot& snapshot, const journal::Entry& entry, const Uuid& uuid,
                            Changes& changes);
  Result<bool> stands(journal::Snapshot& snapshot, const Given& given, journal::Seq seq, std::string_view version_key,
                      Changes& changes);
  void put(ReadIndicator&& read, Changes& changes);
  Result<void> send(std::uint64_t generation, Changes& changes);
  Result<void> of_sensor(Result<void> done);
  std::uint32_t giver_number(const std::string& giver);
  void in_force(journal::Seq seq, bool yes);
  void count_unsupported(std::string reason);  // under mutex_
  bool anew(std::uint64_t generation) const;

  journal::Journal& journal_;
  IndicatorSink& sensor_;
  RulesAside& aside_;
  const Clock& clock_;
  Log& log_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::uint64_t wanted_ = 0;       // generation to serve
  DetectionStatus status_;
  // Who gave which indicator → the newest entry of it, in effect or not (revoked, no pattern of ours): a member
  // replaces and withdraws its own versions only.
  std::unordered_map<Given, journal::Seq, GivenHash> current_;
  std::vector<std::string> givers_;
  std::vector<bool> in_force_;  // by seq: the sensor has values or the rule of this entry
  std::set<journal::Seq> rules_;  // of those, rules; under mutex_
  std::uint64_t in_force_count_ = 0;
  bool sensor_gone_ = false;  // this generation of it
};

}  // namespace bongsu::node
