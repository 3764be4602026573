// A SQLite journal in a directory of its own, for tests of what reads one; its payloads can be damaged as a disk would.
#pragma once

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/sqlite_journal.h"

namespace bongsu::node::test {

class StoredJournal {
 public:
  StoredJournal() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bongsu-node-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
  }
  ~StoredJournal() {
    std::error_code ec;
    std::filesystem::remove_all(directory_, ec);
  }
  StoredJournal(const StoredJournal&) = delete;
  StoredJournal& operator=(const StoredJournal&) = delete;

  std::unique_ptr<journal::Journal> open(const Clock& clock) {
    journal::SqliteOptions options;
    options.directory = directory_;
    options.master_key.fill(7);
    options.reserve_bytes = 0;
    auto opened = journal::open_sqlite_journal(options, clock, random_, *log_);
    if (!opened) throw std::runtime_error(opened.error().text());
    return std::move(*opened);
  }

  const std::filesystem::path& directory() const { return directory_; }

  // Beside the journal, open or not: the key of this entry's payload no longer opens.
  void damage(journal::Seq seq) { change("UPDATE keys SET wrapped = zeroblob(length(wrapped)) WHERE id = {}", seq); }
  void lose_key(journal::Seq seq) { change("DELETE FROM keys WHERE id = {}", seq); }
  void lose_payload(journal::Seq seq) { change("DELETE FROM payloads WHERE id = {}", seq); }

 private:
  void change(std::string_view sql, journal::Seq seq) {
    const std::string id = fmt::format("(SELECT payload FROM entries WHERE seq = {})", seq);
    journal::sqlite::Database db(directory_ / "journal.db", journal::sqlite::OpenMode::kReadWrite, 100);
    db.exec(fmt::format(fmt::runtime(sql), id).c_str());
    if (db.changes() != 1) throw std::runtime_error("there is no such payload");
  }

  std::filesystem::path directory_;
  SystemRandom random_;
  std::unique_ptr<Log> log_ = make_null_log();
};

}  // namespace bongsu::node::test
