// The ledger of a node: what it did, provably, in one log for the node and one for each partner.
//
//   BONGSU_TRY(auto ledger, Ledger::open(directory, {.member = "cert-lt", .key = signing_key}, random, log));
//   BONGSU_TRY(const Placed at, ledger->record({.kind = "log-in", .time = now, .details = {{"account", "olena"}}}));
//   BONGSU_TRY_VOID(ledger->record_pair("cert-ua", {.kind = "release", .time = now, .details = …, .subject = object_id}));
//   BONGSU_TRY(const Proof proof, ledger->store().proof(at.log, at.index));
//
// The node log is for the node and the auditors that it names. The log of a pair holds only what both members know: what was
// released to that member, taken back from it, received from it. Its size, times and entries are functions of that alone, so
// that it tells a partner nothing of others. Callers put nothing into its details that the partner does not see anyway.
//
// Whatever returns is durable. Many callers share one fsync. Safe from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "ledger/store.h"

namespace bongsu::ledger {

inline constexpr std::size_t kMaxQueuedBytes = 32 * 1024 * 1024;  // beyond: callers wait
inline constexpr std::size_t kMaxEventsAtOnce = 10'000;

struct LedgerOptions {
  std::string member;
  crypto::SigningKey key;
  // Salt of the next leaf of a log; unset: 32 bytes of `random`. A simulator gives each log a stream of its own.
  std::function<Salt(std::string_view log)> salt;
  std::uint64_t segment_bytes = 8 * 1024 * 1024;
  std::uint64_t check_at_open = 200'000;
};

struct Placed {
  std::string log;
  std::uint64_t index = 0;
};

class Ledger {
 public:
  // kCorrupt names what is damaged; kConflict: another process has it.
  static Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& directory, LedgerOptions options, Random& random, Log& log);
  static Result<std::unique_ptr<Ledger>> open(std::unique_ptr<Files> files, LedgerOptions options, Random& random, Log& log);
  ~Ledger();  // settles

  Result<Placed> record(const Event& event);
  Result<Placed> record_pair(std::string_view member, const Event& event);

  // Many events and the cursors of the source that they come from, all or nothing. A source that asks for its cursor after a
  // crash goes on exactly where it was. Places in the order of the events.
  struct Addressed {
    std::string log;
    Event event;
  };
  Result<std::vector<Placed>> record_all(std::vector<Addressed> events, std::map<std::string, std::string> cursors);

  // Destroys the salts and contents of every leaf about a subject, or of those that `which` says yes to. How many there
  // were.
  Result<std::uint64_t> erase(std::string_view subject, const WhichLeaves& which = {});
  Result<void> settle();
  Result<void> put_cosigned(std::string_view log, const Note& note);
  // Everything as it is between two groups, into a new directory; what is recorded meanwhile waits. Synced by the caller.
  Result<void> copy_to(const std::filesystem::path& directory);

  const Store& store() const { return *store_; }
  const std::string& member() const { return options_.member; }
  // Called after each group, on the writer's thread; must return at once.
  void on_commit(std::function<void()> callback);

 private:
  struct Job;
  Ledger(std::unique_ptr<Files> files, LedgerOptions options, Random& random, Log& log)
      : files_(std::move(files)), options_(std::move(options)), random_(random), log_(log) {}
  Result<std::shared_ptr<Job>> make(std::vector<Addressed> events, std::map<std::string, std::string> cursors);
  void submit(const std::shared_ptr<Job>& job);
  void wait(const std::shared_ptr<Job>& job);
  Result<void> alone(const std::function<Result<void>(Store&)>& work);
  void write();
  void commit(std::vector<std::shared_ptr<Job>> jobs);
  void settle_beside();

  const std::unique_ptr<Files> files_;
  const LedgerOptions options_;
  Random& random_;
  Log& log_;
  std::unique_ptr<Store> store_;
  std::mutex random_mutex_;

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::function<void()> on_commit_;
  std::thread writer_;

  // The one settling beside commits; joined by the writer before anything else that writes tiles.
  std::thread settler_;
  std::mutex settler_mutex_;
  bool settled_ = false;
};

}  // namespace bongsu::ledger
