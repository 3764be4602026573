// The embedded journal: one SQLite file (WAL, synchronous=FULL), one writer thread with group commit, short readers.
// See journal/README.md for the schema and its reasons.
#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "journal/journal.h"

namespace bongsu::journal {

struct SqliteOptions {
  std::filesystem::path directory;                     // journal.db lives here; created if absent
  crypto::Key256 master_key{};                         // wraps payload keys
  std::uint64_t reserve_bytes = 64 * 1024 * 1024;      // appends fail with kNoSpace below this much free space
};

// kCorrupt names what is wrong; kConflict if another process has it open; kUnsupported for a schema newer than this program.
Result<std::unique_ptr<Journal>> open_sqlite_journal(const SqliteOptions& options, const Clock& clock, Random& random, Log& log);

// Online copy while the journal is in use (SQLite's backup API), whole or absent at `target`. `progress(done, total)` pages.
Result<void> backup_sqlite_journal(const std::filesystem::path& directory, const std::filesystem::path& target,
                                   const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace bongsu::journal
