#include "journal/sqlite/read_connection.h"

#include <fmt/format.h>

namespace bongsu::journal::sqlite {
namespace {

constexpr int kCacheKib = 4 * 1024;

// Columns of every statement over outboxes: see page_query.cpp.
constexpr const char* kRow = "rid, seq, added_us, type, object, version, form, class, payload";
constexpr const char* kEntry =
    "seq, kind, added_us, collection, type, object, dedupe, form, spec, origin, label, hash, flags, payload, destroyed";

std::string rows(const char* rest) { return fmt::format("SELECT {} FROM outbox {}", kRow, rest); }
std::string entries_where(const char* rest) { return fmt::format("SELECT {} FROM entries {}", kEntry, rest); }

Statement& cursor(std::list<Statement>& pool, std::size_t index, Database& db, const char* rest) {
  while (pool.size() <= index) pool.emplace_back(db, rows(rest).c_str());
  return *std::next(pool.begin(), static_cast<std::ptrdiff_t>(index));
}

}  // namespace

ReadConnection::ReadConnection(const std::filesystem::path& file)
    : db(file, OpenMode::kReadOnly, kCacheKib),
      dict(db, false),
      pin(db, "SELECT value FROM meta WHERE key = 'epoch'"),
      view(db, "SELECT last FROM views WHERE id = ?1"),
      entry(db, entries_where("WHERE seq = ?1").c_str()),
      entries(db, entries_where("WHERE seq > ?1 ORDER BY seq LIMIT ?2").c_str()),
      // The row id drives, as the left side of an outer join does: the other tables are asked by key. An entry whose
      // payload or key is missing is not passed over.
      objects(db, fmt::format("SELECT {}, p.sealed, k.wrapped, p.proof FROM entries e LEFT JOIN payloads p ON p.id = e.payload "
                              "LEFT JOIN keys k ON k.id = e.payload WHERE e.seq > ?1 AND e.seq <= ?2 AND e.type = ?3 "
                              "AND e.kind = 1 AND e.flags = 0 ORDER BY e.seq",
                              kEntry)
                      .c_str()),
      entries_of(db, entries_where(
                         "INDEXED BY entries_object WHERE object = ?1 AND type = ?2 AND collection = ?3 AND kind = 1 "
                         "AND flags & 2 = 0")
                         .c_str()),
      entries_of_all(
          db, entries_where("INDEXED BY entries_object WHERE object = ?1 AND type = ?2 AND kind = 1 AND flags & 2 = 0")
                  .c_str()),
      collection_entries(
          db, entries_where("INDEXED BY entries_collection WHERE collection = ?1 AND seq > ?2 AND kind = 1 AND "
                            "flags = 0 ORDER BY seq LIMIT ?3")
                  .c_str()),
      outbox_row(db, rows("WHERE rid = ?1").c_str()),
      tail(db, rows("WHERE rid > ?1 AND rid <= ?2 ORDER BY rid LIMIT ?3").c_str()),
      object_rows(db, rows("INDEXED BY outbox_object WHERE view = ?1 AND object = ?2 ORDER BY version, rid").c_str()),
      version_rows(
          db, rows("INDEXED BY outbox_object WHERE view = ?1 AND object = ?2 AND version = ?3 ORDER BY rid").c_str()),
      class_count(db, "SELECT count(*) FROM outbox INDEXED BY outbox_class WHERE view = ?1 AND class = ?2"),
      payload(db, "SELECT p.sealed, k.wrapped, p.proof FROM payloads p JOIN keys k ON k.id = p.id WHERE p.id = ?1"),
      states(db, "SELECT key, value FROM state WHERE space = ?1 ORDER BY key"),
      state(db, "SELECT value FROM state WHERE space = ?1 AND key = ?2"),
      views(db, "SELECT id, collection, key, last FROM views ORDER BY id") {}

Statement& ReadConnection::class_cursor(std::size_t index) {
  return cursor(by_class, index, db,
                "INDEXED BY outbox_class WHERE view = ?1 AND class = ?2 AND rid > ?3 ORDER BY rid");
}
Statement& ReadConnection::type_cursor(std::size_t index) {
  return cursor(by_type, index, db,
                "INDEXED BY outbox_type WHERE view = ?1 AND class = ?2 AND rid > ?3 AND type = ?4 ORDER BY rid");
}
Statement& ReadConnection::version_cursor(std::size_t index) {
  return cursor(by_version, index, db,
                "INDEXED BY outbox_version WHERE view = ?1 AND version = ?2 AND rid > ?3 ORDER BY rid");
}

void ReadConnection::begin() {
  db.exec("BEGIN");
  const Rows once(pin);
  pin.step();
}

void ReadConnection::end() noexcept {
  try {
    db.exec("ROLLBACK");
  } catch (const StoreFailure&) {
  }
}

std::shared_ptr<Lease> ReadPool::take(std::chrono::nanoseconds now) {
  auto lease = std::make_shared<Lease>();
  lease->since = now;
  {
    const std::lock_guard lock(mutex_);
    if (leases_.size() >= kMaxSnapshots)
      throw StoreFailure(
          Error{ErrorCode::kUnavailable, fmt::format("{} snapshots are open already", kMaxSnapshots), {}});
    if (!idle_.empty()) {
      lease->connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!lease->connection) lease->connection = std::make_unique<ReadConnection>(file_);
  lease->connection->begin();
  const std::lock_guard lock(mutex_);
  leases_.insert(lease);
  return lease;
}

void ReadPool::give_back(const std::shared_ptr<Lease>& lease) {
  std::unique_ptr<ReadConnection> connection;
  {
    const std::lock_guard lock(lease->mutex);
    connection = std::move(lease->connection);
    if (connection) connection->end();
  }
  const std::lock_guard lock(mutex_);
  leases_.erase(lease);
  if (connection && idle_.size() < kIdle) idle_.push_back(std::move(connection));
}

std::size_t ReadPool::expire(std::chrono::nanoseconds before) {
  std::vector<std::shared_ptr<Lease>> old;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& lease : leases_)
      if (lease->since <= before) old.push_back(lease);
  }
  std::size_t ended = 0;
  for (const auto& lease : old) {
    const std::lock_guard lock(lease->mutex);
    if (!lease->connection) continue;
    lease->connection->end();
    lease->connection.reset();
    ++ended;
  }
  return ended;
}

}  // namespace bongsu::journal::sqlite
