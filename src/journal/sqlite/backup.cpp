// Online backup, and what a restore must repeat.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "journal/sqlite/database.h"
#include "journal/sqlite/file_ops.h"
#include "journal/sqlite/read_connection.h"
#include "journal/sqlite/schema.h"
#include "journal/sqlite/snapshot.h"
#include "journal/sqlite/sqlite_journal.h"

namespace bongsu::journal {
namespace {

using namespace sqlite;

constexpr int kBackupPages = 256;
constexpr int kCacheKib = 1024;

struct Ended {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

// Before statements are made that an earlier schema has no columns for.
void check_file(const std::filesystem::path& file) {
  Database db(file, OpenMode::kReadOnly, kCacheKib);
  check_schema(db);
}

void copy_pages(const std::filesystem::path& from, const std::filesystem::path& to,
                const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  check_file(from);
  ReadConnection source(from);
  source.begin();  // one state of the journal, however long the copy takes; writers go on
  Database target(to, OpenMode::kReadWrite, kCacheKib);
  target.exec("PRAGMA synchronous=OFF");  // synced as a whole at the end
  const std::unique_ptr<sqlite3_backup, Ended> backup(
      sqlite3_backup_init(target.handle(), "main", source.db.handle(), "main"));
  if (!backup) target.raise(sqlite3_errcode(target.handle()), "backup");
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK) {
    rc = sqlite3_backup_step(backup.get(), kBackupPages);
    if (rc != SQLITE_OK && rc != SQLITE_DONE) target.raise(rc, "backup");
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup.get()));
    if (progress) progress(total - static_cast<std::uint64_t>(sqlite3_backup_remaining(backup.get())), total);
  }
}

std::filesystem::path journal_file(const std::filesystem::path& directory) { return directory / kFileName; }

Result<void> must_exist(const std::filesystem::path& file) {
  std::error_code ec;
  if (std::filesystem::is_regular_file(file, ec)) return {};
  return fail(ErrorCode::kNotFound, "there is no journal here", {.source = file.string()});
}

}  // namespace

Result<void> backup_sqlite_journal(const std::filesystem::path& directory, const std::filesystem::path& target,
                                   const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const auto file = journal_file(directory);
  BONGSU_TRY_VOID(must_exist(file));
  const std::filesystem::path partial = target.string() + ".partial";
  const auto remove_partial = [&] {
    std::error_code ec;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(partial.string() + suffix, ec);
  };
  remove_partial();
  const auto copied = guarded([&]() -> Result<void> {
    BONGSU_TRY_VOID(make_private_file(partial));
    copy_pages(file, partial, progress);
    BONGSU_TRY_VOID(sync_path(partial));
    return {};
  });
  if (!copied) {
    remove_partial();
    return copied;
  }
  std::error_code ec;
  std::filesystem::rename(partial, target, ec);
  if (ec) {
    remove_partial();
    return fail(ErrorCode::kIo, "put the backup in place: " + ec.message(), {.source = target.string()});
  }
  remove_partial();
  return sync_path(target.has_parent_path() ? target.parent_path() : std::filesystem::path("."));
}

Result<std::vector<Removal>> removals_after(const std::filesystem::path& directory, Seq after) {
  const auto file = journal_file(directory);
  BONGSU_TRY_VOID(must_exist(file));
  return guarded([&]() -> Result<std::vector<Removal>> {
    std::vector<Removal> out;
    check_file(file);
    auto pool = std::make_shared<ReadPool>(file);
    BONGSU_TRY(auto lease, Result<std::shared_ptr<Lease>>(pool->take({})));
    std::vector<Seq> seqs;
    {
      Statement rows(lease->connection->db, "SELECT seq FROM entries WHERE seq > ?1 AND kind IN (2, 3) ORDER BY seq");
      rows.bind(1, static_cast<std::int64_t>(std::min<Seq>(after, INT64_MAX)));
      while (rows.step()) seqs.push_back(static_cast<Seq>(rows.integer(0)));
    }
    SqliteSnapshot snapshot(pool, nullptr, lease);
    for (const Seq seq : seqs) {
      BONGSU_TRY(Entry entry, snapshot.entry(seq));
      out.push_back({entry.seq, entry.kind, entry.added_us, std::move(entry.collection), std::move(entry.object_id),
                     std::move(entry.version), std::move(entry.version_key), std::move(entry.origin),
                     entry.label == kMayReturn});
    }
    return out;
  });
}

Result<std::uint64_t> reapply_removals(Journal& restored, std::span<const Removal> removals) {
  const Seq last = restored.last_seq();
  std::uint64_t repeated = 0;
  for (const Removal& removal : removals) {
    if (removal.kind == EntryKind::kErasure && !removal.collection.empty()) {
      // One member's copy, and all of it that is as old: what was destroyed is so up to a version.
      Batch batch;
      if (removal.may_return && removal.seq <= last) continue;
      batch.destroy.push_back({.object_id = removal.object_id,
                               .origin = removal.origin,
                               .upto = removal.version_key,
                               .may_return = removal.may_return});
      BONGSU_TRY(const auto receipt, restored.append(batch));
      if (receipt.destroyed.front() == 0) continue;
    } else if (removal.kind == EntryKind::kErasure) {
      BONGSU_TRY(const auto versions, restored.snapshot()->versions({}, removal.object_id));
      const bool readable = std::ranges::any_of(versions, [](const Entry& entry) { return !entry.erased; });
      if (removal.seq <= last && !readable) continue;
      BONGSU_TRY_VOID(restored.erase(removal.object_id, removal.origin));
    } else {
      if (removal.seq <= last) continue;
      Batch batch;
      NewEntry& entry = batch.entries.emplace_back();
      entry.kind = removal.kind;
      entry.collection = removal.collection;
      entry.object_id = removal.object_id;
      entry.version = removal.version;
      entry.version_key = removal.version_key;
      entry.origin = removal.origin;
      BONGSU_TRY_VOID(restored.append(batch));
    }
    ++repeated;
  }
  return repeated;
}

}  // namespace bongsu::journal
