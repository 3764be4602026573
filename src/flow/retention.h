// Personal data goes after the days that were agreed: from payloads and outboxes (their keys are destroyed), and with
// the journal's erasure from everything that follows it (search, detection, ledger, backups that are restored).
//
//   flow::Retention retention(journal, release, clock, log, {.self = "cert-lt", .own_days = 365});
//   BONGSU_TRY(const bool more, retention.follow());   // what came since: which objects count (personal_data.h)
//   BONGSU_TRY(const auto erased, retention.erase_due(50, [&](const std::string& id) { return also_here(id); }));
//   retention.report()                                  // what is due when
//
// What a partner gave is kept for as many days as the agreement with it says (the least, of several), from when its
// newest version was received here; what this node made, for its own days. Of an object that several gave the earliest
// end counts: its keys go at once, for all. Days that were agreed once hold when the agreement ends. Nothing said:
// nothing is erased.
//
// Which objects count, from whom and since when is kept in the journal's state with the position up to which it was
// read, in one commit: after a crash it goes on there. An erasure is noticed by reading on, so one that was cut short
// behind its commit is not repeated.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "flow/release.h"
#include "journal/journal.h"

namespace bongsu::flow {

inline constexpr std::uint32_t kRetentionPage = 2'000;  // entries read at once
inline constexpr std::size_t kMaxDueListed = 1'000;     // in a report

struct RetentionOptions {
  std::string self;
  std::optional<std::int64_t> own_days;  // nullopt: own data stays
};

struct DueObject {
  std::string object_id, origin;  // whose days end first
  Instant due;
};

struct RetentionReport {
  journal::Seq read = 0, last = 0;  // of the journal: what is not read yet is not counted
  struct Line {
    std::string origin;
    std::optional<std::int64_t> days;  // nullopt: not said, its data stays
    std::uint64_t objects = 0, due = 0;
    std::optional<Instant> next;  // when the next one is due
  };
  std::vector<Line> lines;      // by origin
  std::vector<DueObject> next;  // the first, at most kMaxDueListed
  std::uint64_t erased = 0;     // since this node was made
};

// Safe from any thread; follow and erase_due from one at a time.
class Retention {
 public:
  Retention(journal::Journal& journal, const Release& release, const Clock& clock, Log& log, RetentionOptions options)
      : journal_(journal), release_(release), clock_(clock), log_(log), options_(std::move(options)) {}

  Result<void> load();    // before everything else
  Result<bool> follow();  // one page; whether there may be more
  // At most so many that are due; how many went. `also`: what else holds it here (quarantine, proposals), before its
  // keys go.
  Result<std::size_t> erase_due(std::size_t most,
                                const std::function<Result<void>(const std::string& object_id)>& also);
  Result<RetentionReport> report() const;

 private:
  using Givers = std::map<std::string, std::int64_t>;  // origin → when its newest version was received, µs
  std::optional<std::int64_t> days_of(const std::string& origin) const;                       // under mutex_
  std::optional<DueObject> due_of(const std::string& object_id, const Givers& givers) const;  // under mutex_
  Result<void> remember_days();

  journal::Journal& journal_;
  const Release& release_;
  const Clock& clock_;
  Log& log_;
  const RetentionOptions options_;
  mutable std::mutex mutex_;
  journal::Seq cursor_ = 0;
  journal::Seq must_read_ = 0;  // before anything is erased: the erasures that were made before
  std::uint64_t erased_ = 0;
  std::map<std::string, Givers> objects_;
  std::map<std::string, std::int64_t> agreed_;  // what was last agreed, by partner
};

}  // namespace bongsu::flow
