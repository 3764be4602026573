// What the sensor keeps of the telemetry that it reads, and the looking back into it: every line goes into a store
// (telemetry/store), every newly admitted indicator and rule is hunted for in it, in the background, at a bounded share of
// the machine: indicators by the dictionaries, rules by reading everything.
//
//   Archive archive(options, warning_lists, map, {.alerts = …, .problem = …}, clock);
//   archive.open();                                   // inside the sandbox
//   positions = archive.resume(positions);            // where following goes on
//   archive.replay(positions_of_keeper, match);       // what may have been read without its alerts becoming durable
//   matching thread, batch by batch:  match; archive.store(batch);
//   … and before positions are told:  archive.commit(positions); tell; archive.told(messages_sent);
//   reading thread: archive.admitted(indicators); archive.withdrawn(refs); archive.loaded(); archive.durable(messages);
//
// docs/decisions/0006-stored-telemetry-and-positions.md says why nothing is lost and nothing is stored twice. In short:
// a line is durable here before its position is told to the keeper, following goes on where the store ends, lines stay
// in spools until the keeper has made their alerts durable, and spools are matched again after a crash (alerts have the
// same ids). An indicator has been hunted for when the alerts of its hunt are durable; only then does the mark move.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "detect/engine.h"
#include "detect/hunt/hunter.h"
#include "node/sensor/protocol.h"
#include "telemetry/store/store.h"

namespace bongsu::node {

inline constexpr std::size_t kMaxWaitingIndicators =
    4'000'000;  // for their hunt; what is more is said, and hunted for at the next start

class Archive {
 public:
  struct Hooks {
    // Sends alerts up. The number of alert messages sent so far, this one included; nullopt: the keeper is gone.
    std::function<std::optional<std::uint64_t>(std::vector<detect::Alert>&&)> alerts;
    std::function<void(const std::string&)> problem;
    // The looking-back thread, before an engine of rules is at work in it; and what it found that alone ran into its limit.
    std::function<void(detect::Engine&)> watch;
    std::function<void(const std::vector<detect::RuleBuild::Refused>&)> too_slow;
  };
  Archive(ArchiveOptions options, std::shared_ptr<const detect::WarningLists> lists, telemetry::FieldMapPtr map, Hooks hooks,
          const Clock& clock);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  Result<void> open();

  // The keeper's positions, those of files that the store knows better replaced.
  std::vector<PositionUpdate> resume(std::vector<PositionUpdate> positions);
  // Calls `match` for the lines of the spools, unless all that the store knows was durable at the keeper.
  void replay(const std::vector<PositionUpdate>& keeper, const std::function<void(const telemetry::LineBatch&)>& match);

  // Matching thread. `after`: of the file, empty while a file that is read once is being read.
  void store(const telemetry::LineBatch& batch, const PositionUpdate& after);
  void commit();
  void told(std::uint64_t messages);

  // Reading thread.
  void admitted(const std::vector<detect::Indicator>& indicators);
  // A rule is in force a moment after it was admitted; no hunt begins in between.
  void admitted(const std::vector<detect::Rule>& rules);
  void rules_in_force();  // any thread: all that were admitted so far
  void withdrawn(const std::vector<std::uint64_t>& refs);
  void loaded();
  void durable(std::uint64_t messages);

  void stop();  // ends a hunt and the writing of a segment; they are begun anew next time
  ArchiveStats stats() const;

 private:
  void run();
  void seal();
  void hunt();
  bool hunt_in(detect::Engine& engine, const std::vector<telemetry::SegmentFilePtr>& files,
               const std::map<std::uint64_t, detect::HuntKeys>* keys, std::uint64_t& sent);
  bool wait_durable(std::uint64_t messages);
  Result<void> write_mark(std::uint64_t ref);
  std::uint64_t read_mark() const;
  void problem(const Error& error);

  const ArchiveOptions options_;
  std::shared_ptr<const detect::WarningLists> lists_;
  telemetry::FieldMapPtr map_;  // that events are read by
  Hooks hooks_;
  const Clock& clock_;
  SystemRandom random_;
  std::unique_ptr<telemetry::TelemetryStore> store_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;

  // Of the matching thread.
  std::map<std::string, std::string> uncommitted_;  // stream → position behind what was stored
  struct Partly {
    std::uint64_t to = 0;
    std::string identity;
  };
  std::map<std::string, Partly> partly_;  // files that are read once, stored up to there before a crash
  std::chrono::steady_clock::time_point spool_began_{};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool loaded_ = false;
  std::uint64_t mark_ = 0;  // entries up to it have been hunted for
  bool overflowed_ = false;
  std::vector<detect::Indicator> waiting_;
  std::map<std::uint64_t, detect::Rule> waiting_rules_;  // by ref
  bool rules_pending_ = false;  // admitted, not in force yet
  std::unordered_set<std::uint64_t> withdrawn_;   // while somebody waits or is hunted for
  bool turn_wanted_ = false;                      // by a hunt: what was matched so far must be readable
  std::map<std::uint64_t, std::uint64_t> needs_;  // closed spool → messages that must be durable
  std::uint64_t durable_ = 0;
  std::string last_problem_;

  std::optional<std::uint64_t> replayed_;  // messages that were sent when the spools of before had been matched again
  std::chrono::steady_clock::time_point sealed_ = std::chrono::steady_clock::now();

  std::atomic<std::uint64_t> hunts_ = 0, hunting_ = 0, hunt_alerts_ = 0, hunt_files_ = 0, hunt_files_done_ = 0;
  std::atomic<std::uint64_t> lost_ = 0, spooled_ = 0;
};

}  // namespace bongsu::node
