#include "journal/sqlite/schema.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string>

namespace bongsu::journal::sqlite {
namespace {

struct Item {
  const char* name;
  const char* sql;
};

// Compared with sqlite_schema word for word when a file is opened.
constexpr std::array kItems = {
    Item{"meta", "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID"},
    Item{"dict", "CREATE TABLE dict(id INTEGER PRIMARY KEY, space INTEGER NOT NULL, text TEXT NOT NULL) STRICT"},
    Item{"dict_text", "CREATE UNIQUE INDEX dict_text ON dict(space, text)"},
    // What an erasure destroyed. The column came with schema 3.
    Item{"entries",
         "CREATE TABLE entries(seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, added_us INTEGER NOT NULL, "
         "collection INTEGER NOT NULL, type INTEGER NOT NULL, object ANY NOT NULL, dedupe BLOB NOT NULL, form ANY, "
         "spec INTEGER NOT NULL, origin INTEGER NOT NULL, label INTEGER NOT NULL, hash BLOB NOT NULL, "
         "flags INTEGER NOT NULL, payload INTEGER, destroyed INTEGER) STRICT"},
    Item{"entries_object", "CREATE INDEX entries_object ON entries(object, type, collection, dedupe)"},
    Item{"entries_collection", "CREATE INDEX entries_collection ON entries(collection) WHERE kind = 1 AND flags = 0"},
    // The last so many bytes of what is sealed are its proof. The column came with schema 2.
    Item{"payloads", "CREATE TABLE payloads(id INTEGER PRIMARY KEY, sealed BLOB NOT NULL, proof INTEGER) STRICT"},
    Item{"keys", "CREATE TABLE keys(id INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT"},
    Item{"views",
         "CREATE TABLE views(id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, key TEXT NOT NULL, "
         "last INTEGER NOT NULL) STRICT"},
    Item{"views_key", "CREATE UNIQUE INDEX views_key ON views(collection, key)"},
    Item{"outbox",
         "CREATE TABLE outbox(rid INTEGER PRIMARY KEY, view INTEGER NOT NULL, seq INTEGER NOT NULL, "
         "added_us INTEGER NOT NULL, type INTEGER NOT NULL, object ANY NOT NULL, version BLOB NOT NULL, form ANY, "
         "class INTEGER NOT NULL, payload INTEGER) STRICT"},
    Item{"outbox_class", "CREATE INDEX outbox_class ON outbox(view, class)"},
    Item{"outbox_type", "CREATE INDEX outbox_type ON outbox(view, type, class)"},
    Item{"outbox_object", "CREATE INDEX outbox_object ON outbox(view, object, version)"},
    Item{"outbox_version", "CREATE INDEX outbox_version ON outbox(view, version)"},
    Item{"state",
         "CREATE TABLE state(space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, "
         "PRIMARY KEY(space, key)) STRICT, WITHOUT ROWID"},
    Item{"erased",
         "CREATE TABLE erased(object_id TEXT PRIMARY KEY, erased_us INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT, "
         "WITHOUT ROWID"},
};

[[noreturn]] void refuse(const Database& db, ErrorCode code, std::string message, std::string field = {}) {
  throw StoreFailure(Error{code, std::move(message), {.source = db.name(), .field = std::move(field)}});
}

void check_items(Database& db) {
  std::map<std::string, std::string> found;
  Statement rows(db, "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'");
  while (rows.step()) found.emplace(rows.bytes(0), rows.bytes(1));
  for (const Item& item : kItems) {
    const auto it = found.find(item.name);
    if (it == found.end() || it->second != item.sql)
      refuse(db, ErrorCode::kCorrupt, fmt::format("the definition of {} was changed or is missing", item.name),
             item.name);
  }
  if (found.size() != kItems.size()) refuse(db, ErrorCode::kCorrupt, "the journal has tables that are not its own");
}

// Checks whose file it is; gives its version.
std::int64_t check_version(Database& db) {
  const std::int64_t application = db.integer("PRAGMA application_id");
  const std::int64_t version = db.integer("PRAGMA user_version");
  if (application != kApplicationId) refuse(db, ErrorCode::kCorrupt, "this file is not a journal of Bongsu");
  if (version > kSchemaVersion)
    refuse(
        db, ErrorCode::kUnsupported,
        fmt::format("the journal has schema {}, this program knows {}: use a newer Bongsu", version, kSchemaVersion));
  if (version < 1) refuse(db, ErrorCode::kCorrupt, "the journal has no schema version", "user_version");
  return version;
}

// What is not as it was left is found by check_items behind it, which ends the transaction without a trace.
void migrate(Database& db, std::int64_t from) {
  db.exec("BEGIN IMMEDIATE");
  try {
    if (from < 2) db.exec("ALTER TABLE payloads ADD COLUMN proof INTEGER");
    db.exec("ALTER TABLE entries ADD COLUMN destroyed INTEGER");
    check_items(db);
    db.exec(fmt::format("PRAGMA user_version={}", kSchemaVersion).c_str());
    db.exec("COMMIT");
  } catch (const StoreFailure&) {
    db.exec("ROLLBACK");
    throw;
  }
}

}  // namespace

void check_schema(Database& db) {
  if (const std::int64_t version = check_version(db); version < kSchemaVersion)
    refuse(db, ErrorCode::kUnsupported,
           fmt::format(
               "the journal has schema {}, this program has {}: start the node once, it is brought up to date then",
               version, kSchemaVersion));
  check_items(db);
}

void create_or_check_schema(Database& db) {
  if (db.integer("PRAGMA application_id") != 0 || db.integer("SELECT count(*) FROM sqlite_schema") != 0) {
    if (const std::int64_t version = check_version(db); version < kSchemaVersion) migrate(db, version);
    check_items(db);
    return;
  }
  db.exec("BEGIN IMMEDIATE");
  for (const Item& item : kItems) db.exec(item.sql);
  db.exec("INSERT INTO meta VALUES('epoch', 0)");
  db.exec(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kSchemaVersion).c_str());
  db.exec("COMMIT");
}

}  // namespace bongsu::journal::sqlite
