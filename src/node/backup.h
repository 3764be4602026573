// Backup of a running node into a directory, and a node made from it.
//
//   BONGSU_TRY_VOID(backup_node(directory, ledger, "/mnt/backup/2026-11-21"));
//   BONGSU_TRY(const auto report, restore_node("/mnt/backup/2026-11-21", directory, clock, random, log));
//
// A backup holds the ledger, the journal (with prekeys and what partners gave to seal to), the keys, agreed secrets and the
// configuration: it is as secret as the node. The ledger is copied first, so that it never tells more than the journal; the
// rest of it follows from the journal. node/README.md says what is not in it. What was deleted or erased after it was made
// must not come back: restoring over a directory that still has its journal repeats those removals before anything is served, and says how many.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "ledger/ledger.h"
#include "base/result.h"
#include "node/data_dir.h"

namespace bongsu::node {

// `ledger`: of this node, nullptr if it has none. `target` must not exist; it is there whole or not at all.
Result<void> backup_node(const DataDir& directory, ledger::Ledger* ledger, const std::filesystem::path& target);

struct RestoreReport {
  std::uint64_t last_seq = 0;
  std::uint64_t removals = 0;       // deletions and erasures repeated
  bool had_ledger = false;          // in the backup
  bool had_journal = false;         // false: nothing was there to learn later removals from
  std::filesystem::path replaced;   // where the directory that was there went; empty: none was
};
// kConflict when a node is running in `directory`; kNotFound, kCorrupt for what is no backup.
Result<RestoreReport> restore_node(const std::filesystem::path& backup, const DataDir& directory, const Clock& clock, Random& random, Log& log);

}  // namespace bongsu::node
