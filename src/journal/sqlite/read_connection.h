// A read-only connection with the statements of snapshots, and the pool and leases around it.
//
// A snapshot holds a read transaction, and with it pages in the write-ahead log. So that one forgotten snapshot cannot
// make the log grow for ever, each lives under a lease that the keeper of the log may end: the snapshot then answers
// kUnavailable.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "journal/sqlite/database.h"
#include "journal/sqlite/dictionary.h"

namespace bongsu::journal::sqlite {

class ReadConnection {
 public:
  explicit ReadConnection(const std::filesystem::path& file);
  void begin();  // the snapshot is taken here
  void end() noexcept;

  Database db;
  Dictionary dict;
  Statement pin, view, entry, entries, objects, entries_of, entries_of_all, collection_entries, outbox_row, tail,
      object_rows, version_rows, class_count, payload, states, state, views;

  // Cursors of a merge need several statements of one text.
  std::list<Statement> by_class, by_type, by_version;
  Statement& class_cursor(std::size_t index);
  Statement& type_cursor(std::size_t index);
  Statement& version_cursor(std::size_t index);
};

struct Lease {
  std::mutex mutex;                            // held while the connection is used
  std::unique_ptr<ReadConnection> connection;  // null: ended
  std::chrono::nanoseconds since{0};
};

class ReadPool {
 public:
  explicit ReadPool(std::filesystem::path file) : file_(std::move(file)) {}

  // An open read transaction. kUnavailable: kMaxSnapshots are open. Throws StoreFailure.
  std::shared_ptr<Lease> take(std::chrono::nanoseconds now);
  void give_back(const std::shared_ptr<Lease>& lease);
  // Ends the leases that began at this time or before; returns how many.
  std::size_t expire(std::chrono::nanoseconds before);

  static constexpr std::size_t kMaxSnapshots = 256;
  static constexpr std::size_t kIdle = 8;

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ReadConnection>> idle_;
  std::set<std::shared_ptr<Lease>> leases_;
};

}  // namespace bongsu::journal::sqlite
