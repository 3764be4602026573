// The embedded journal: one SQLite file (WAL, synchronous=FULL), one writer thread with group commit, short readers.
// See journal/README.md for the schema and its reasons.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "journal/journal.h"

namespace bongsu::journal {

struct SqliteOptions {
  std::filesystem::path directory;                 // journal.db lives here; created if absent
  crypto::Key256 master_key{};                     // wraps payload keys
  std::uint64_t reserve_bytes = 64 * 1024 * 1024;  // appends fail with kNoSpace below this much free space
  std::uint64_t max_bytes = 0;                     // of journal.db: appends beyond it fail with kNoSpace; 0 = no limit
  std::uint64_t max_log_bytes =
      128 * 1024 * 1024;  // of the write-ahead log, before snapshots older than their lease are ended
  std::chrono::milliseconds snapshot_lease{30'000};
};

// kCorrupt names what is wrong; kConflict if another process has it open; kUnsupported for a schema newer than this
// program; kDenied when the master key is not the journal's.
Result<std::unique_ptr<Journal>> open_sqlite_journal(const SqliteOptions& options, const Clock& clock, Random& random,
                                                     Log& log);

// Online copy while the journal is in use (SQLite's backup API), whole or absent at `target` (a file). `progress(done,
// total)` pages.
Result<void> backup_sqlite_journal(const std::filesystem::path& directory, const std::filesystem::path& target,
                                   const std::function<void(std::uint64_t, std::uint64_t)>& progress);

// What must stay gone when an older backup is restored: a deletion (recall) or an erasure, as the journal recorded it.
struct Removal {
  Seq seq = 0;
  EntryKind kind = EntryKind::kErasure;  // kDeletion or kErasure
  std::int64_t at_us = 0;
  std::string collection;  // of a deletion
  std::string object_id, version, version_key;
  std::string origin;
  bool may_return = false;  // destroyed up to a decision: the same version may have come again since
};

// The removals after `after` in the journal of this directory, oldest first. Reads beside a running node, and a journal
// that is not open.
//
//   bongsu restore:  removals = removals_after(old_directory, 0)      (or from a copy kept elsewhere)
//                    put the backup in place, open it
//                    reapply_removals(*journal, removals)             before anything is served
Result<std::vector<Removal>> removals_after(const std::filesystem::path& directory, Seq after);

// Repeats in a restored journal the removals that came after it was backed up (seq beyond its last_seq() at the call);
// an erasure also when it is older but the object is readable here. Returns how many were repeated.
Result<std::uint64_t> reapply_removals(Journal& restored, std::span<const Removal> removals);

}  // namespace bongsu::journal
