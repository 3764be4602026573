// Status resources of POSTs (TAXII 2.1 §4.3), kept in the journal's state and bounded.
//
// A POST is synchronous here, so a status is written once, complete, and never changes. Its objects are durable before
// and its text is in the answer; so nobody waits for the status: it can be asked for at once, and becomes durable with
// those of other POSTs in a commit of their own (a crash in between costs the statuses of its last moments). The newest
// of each account are kept: for kKeepStatus (the standard asks for 24 hours), and within kMaxStatusesPerAccount and
// kMaxStatusBytesPerAccount, so that one busy account neither fills the disk nor pushes out the statuses of another.
// Only the account that made a request finds its status.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"

namespace bongsu::api {

inline constexpr std::chrono::hours kKeepStatus{48};
inline constexpr std::size_t kMaxStatusesPerAccount = 2000;
inline constexpr std::uint64_t kMaxStatusBytesPerAccount = 32 * 1024 * 1024;
// Beyond these add() waits for the disk, and for so long; what it would add then is not kept, and the log says so.
inline constexpr std::uint64_t kMaxUnwrittenStatusBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxUnwrittenStatuses = 10'000;
inline constexpr std::chrono::seconds kStatusPatience{10};

struct StatusDetail {
  std::string id, version;
  std::string message;  // empty = none
};

struct Status {
  std::string id;  // UUID
  Instant requested;
  std::vector<StatusDetail> successes, failures;
  std::string json() const;  // the resource of §4.3.1, complete
};

// Safe from any thread.
class StatusBook {
 public:
  static Result<std::unique_ptr<StatusBook>> load(journal::Journal& journal, Log& log);
  ~StatusBook();
  void close();  // writes what is not written yet; before the journal closes

  // Found by get() when it returns. `body` is the resource's text.
  void add(std::string_view owner, std::string_view id, const std::string& body, Instant now);
  // kNotFound: no such status, not kept any more, or another account's.
  Result<std::string> get(std::string_view owner, std::string_view id) const;

 private:
  struct Kept {
    std::string id;
    std::int64_t added_us = 0;
    std::uint64_t bytes = 0;
    std::string index_key() const;
  };
  struct Account {
    std::deque<Kept> kept;  // oldest first
    std::uint64_t bytes = 0;
  };
  StatusBook(journal::Journal& journal, Log& log) : journal_(journal), log_(log) {}
  void keep(const std::string& owner, Kept kept);
  void write();  // the thread

  journal::Journal& journal_;
  Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, written_;
  bool stopping_ = false;
  journal::Batch next_;                                        // what the thread writes next
  std::map<std::string, std::string, std::less<>> unwritten_;  // id → body, until it is durable
  std::uint64_t unwritten_bytes_ = 0;
  std::map<std::string, Account, std::less<>> accounts_;
  std::map<std::string, std::string, std::less<>> owner_of_;
  std::thread thread_;
};

}  // namespace bongsu::api
