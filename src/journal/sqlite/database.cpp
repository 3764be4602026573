#include "journal/sqlite/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

namespace bongsu::journal::sqlite {
namespace {

ErrorCode code_of(int extended) {
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::kNoSpace;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
      return ErrorCode::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_TOOBIG:
      return ErrorCode::kTooLarge;
    case SQLITE_INTERRUPT:
      return ErrorCode::kCancelled;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kInternal;
  }
}

constexpr int kBusyMs = 5000;

}  // namespace

Database::Database(const std::filesystem::path& file, OpenMode mode, int cache_kib) : name_(file.string()) {
  // Without statistics of memory that nobody reads, SQLite takes no lock of the whole process for each allocation.
  static const int kNoStatistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)kNoStatistics;
  const int flags = (mode == OpenMode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (const int rc = sqlite3_open_v2(name_.c_str(), &db_, flags, nullptr); rc != SQLITE_OK) {
    Error why = error(rc, "open");
    sqlite3_close(db_);
    throw StoreFailure(std::move(why));
  }
  sqlite3_busy_timeout(db_, kBusyMs);
  // A file that somebody changed must not be able to run code or confuse the engine.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  try {
    exec(
        "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;"
        "PRAGMA wal_autocheckpoint=0");
    exec(fmt::format("PRAGMA cache_size=-{}", cache_kib).c_str());
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(db_); }

Error Database::error(int code, std::string_view doing) const {
  Error out;
  out.code = code_of(code);
  out.message = fmt::format("{}: {}", doing, db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code));
  if (out.code == ErrorCode::kIo && db_ != nullptr && sqlite3_system_errno(db_) == ENOSPC)
    out.code = ErrorCode::kNoSpace;
  out.where.source = name_;
  return out;
}

void Database::raise(int code, std::string_view doing) const { throw StoreFailure(error(code, doing)); }

void Database::exec(const char* sql) {
  if (const int rc = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); rc != SQLITE_OK) raise(rc, sql);
}

std::int64_t Database::integer(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.bytes(0)) : std::string();
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }

void Database::on_wal_pages(std::function<void(int)> callback) {
  on_wal_pages_ = std::move(callback);
  sqlite3_wal_hook(
      db_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Database*>(self)->on_wal_pages_(pages);
        return SQLITE_OK;
      },
      this);
}

Database::Checkpoint Database::checkpoint(bool truncate) {
  Checkpoint out;
  const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int rc = sqlite3_wal_checkpoint_v2(db_, nullptr, mode, &out.pages, &out.done);
  if ((rc & 0xff) == SQLITE_BUSY) {
    out.busy = true;
  } else if (rc != SQLITE_OK) {
    raise(rc, "checkpoint");
  }
  return out;
}

void Database::set_busy_timeout(int ms) { sqlite3_busy_timeout(db_, ms); }

Statement::Statement(Database& db, const char* sql) : db_(&db) {
  if (const int rc = sqlite3_prepare_v3(db.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt_, nullptr);
      rc != SQLITE_OK)
    db.raise(rc, sql);
}

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement& Statement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(stmt_, at, value);
  return *this;
}
Statement& Statement::bind_text(int at, std::string_view value) {
  sqlite3_bind_text64(stmt_, at, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_blob(int at, std::string_view value) {
  sqlite3_bind_blob64(stmt_, at, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind_null(int at) {
  sqlite3_bind_null(stmt_, at);
  return *this;
}

bool Statement::step() {
  const int rc = sqlite3_step(stmt_);
  if (rc == SQLITE_ROW) return true;
  if (rc != SQLITE_DONE) {
    Error why = db_->error(rc, sqlite3_sql(stmt_));
    sqlite3_reset(stmt_);
    throw StoreFailure(std::move(why));
  }
  sqlite3_reset(stmt_);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(stmt_); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(stmt_, column); }

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(stmt_, column);
  const int size = sqlite3_column_bytes(stmt_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }
bool Statement::is_integer(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_INTEGER; }
bool Statement::is_blob(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_BLOB; }

}  // namespace bongsu::journal::sqlite
