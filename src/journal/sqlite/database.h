// One SQLite connection and its statements, for use inside this module.
//
// Failures are thrown as StoreFailure and caught where the module's public functions end (`guarded`).
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bongsu::journal::sqlite {

struct StoreFailure final : std::exception {
  explicit StoreFailure(Error e) : error(std::move(e)) {}
  const char* what() const noexcept override { return error.message.c_str(); }
  Error error;
};

// Calls `body` (which returns Result<T>) and turns a StoreFailure into its error.
template <class Body>
auto guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const StoreFailure& failure) {
    return std::unexpected(failure.error);
  } catch (const std::exception& other) {
    return std::unexpected(Error{ErrorCode::kInternal, other.what(), {}});
  }
}

enum class OpenMode { kReadWrite, kReadOnly };

class Database {
 public:
  // Opens the file and sets what every connection of ours has (no schema tricks, cell checks, no memory map). Throws.
  Database(const std::filesystem::path& file, OpenMode mode, int cache_kib);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void exec(const char* sql);  // one or more statements without results
  std::int64_t integer(const char* sql);
  std::string text(const char* sql);
  std::int64_t changes() const;
  // Called after each commit of this connection with the number of pages in the write-ahead log.
  void on_wal_pages(std::function<void(int)> callback);
  struct Checkpoint {
    bool busy = false;
    int pages = 0, done = 0;  // in the log; of them in the file now
  };
  Checkpoint checkpoint(bool truncate);  // truncate: waits for readers (busy timeout), leaves an empty log
  void set_busy_timeout(int ms);
  sqlite3* handle() const { return db_; }
  const std::string& name() const { return name_; }

  // The error of the last call, as ours: kNoSpace, kCorrupt, kIo, … `doing` says what failed.
  Error error(int code, std::string_view doing) const;
  [[noreturn]] void raise(int code, std::string_view doing) const;

 private:
  sqlite3* db_ = nullptr;
  std::string name_;
  std::function<void(int)> on_wal_pages_;
};

// A prepared statement. Text and blobs are bound by reference: they must live until the statement was run or reset.
class Statement {
 public:
  Statement(Database& db, const char* sql);
  ~Statement();
  Statement(Statement&& other) noexcept : db_(other.db_), stmt_(std::exchange(other.stmt_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;

  Statement& bind(int at, std::int64_t value);
  Statement& bind_text(int at, std::string_view value);
  Statement& bind_blob(int at, std::string_view value);
  Statement& bind_null(int at);

  bool step();  // true: a row is there; false: done (and reset)
  void run();   // steps to the end and resets
  void reset();

  std::int64_t integer(int column) const;
  std::string_view bytes(int column) const;  // text or blob; valid until the next step or reset
  bool is_null(int column) const;
  bool is_integer(int column) const;
  bool is_blob(int column) const;

 private:
  Database* db_;
  sqlite3_stmt* stmt_ = nullptr;
};

// Resets a statement when the reading of it ends, however it ends: an open statement would hold its read lock.
class Rows {
 public:
  explicit Rows(Statement& statement) : statement_(statement) {}
  ~Rows() { statement_.reset(); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  bool next() { return statement_.step(); }

 private:
  Statement& statement_;
};

}  // namespace bongsu::journal::sqlite
