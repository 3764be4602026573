// A SQLite journal in a directory of its own, removed afterwards.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "journal/contract_test_support.h"
#include "journal/sqlite/sqlite_journal.h"

namespace bongsu::journal {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class SqliteFixture final : public JournalFixture {
 public:
  explicit SqliteFixture(SqliteOptions options = {});
  Journal& journal() override { return *journal_; }
  bool durable() const override { return true; }
  void reopen() override;
  void close();
  Result<std::unique_ptr<Journal>> open();
  const std::filesystem::path& directory() const { return directory_.path(); }
  SqliteOptions options;

 private:
  TemporaryDirectory directory_;
  SystemRandom random_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace bongsu::journal
