#include "journal/sqlite/sqlite_fixture_test_support.h"

#include <stdlib.h>
#include <unistd.h>

namespace bongsu::journal {

TemporaryDirectory::TemporaryDirectory() {
  // In memory where there is such a place: most tests commit a thousand times, and what a disk keeps is the kill test's
  // matter.
  const std::filesystem::path memory = "/dev/shm";
  const auto base = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  std::string pattern = (base / "bongsu-journal-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ec;
  std::filesystem::remove_all(path_, ec);
}

SqliteFixture::SqliteFixture(SqliteOptions given) : options(std::move(given)), log_(make_null_log()) {
  options.directory = directory_.path() / "data";
  options.master_key.fill(7);
  options.reserve_bytes = 0;
  reopen();
}

Result<std::unique_ptr<Journal>> SqliteFixture::open() { return open_sqlite_journal(options, clock, random_, *log_); }

void SqliteFixture::close() { journal_.reset(); }

void SqliteFixture::reopen() {
  journal_.reset();
  auto opened = open();
  if (!opened) throw std::runtime_error(opened.error().text());
  journal_ = std::move(*opened);
}

}  // namespace bongsu::journal
