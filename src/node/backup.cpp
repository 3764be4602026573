#include "node/backup.h"

#include <fmt/format.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "journal/sqlite/sqlite_journal.h"
#include "link/sealing.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
constexpr const char* kKeyFiles[] = {"ca.pem", "ca.key", "tls.pem", "signing.key", "signing.pub", "master.key"};

Result<void> make_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0) return fail(ErrorCode::kIo, "cannot be made", {.source = path.string()});
  return {};
}

// Everything that was written to the file system of a directory.
Result<void> sync_all(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::syncfs(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced) return fail(ErrorCode::kIo, "cannot be made durable", {.source = directory.string()});
  return {};
}

// Keys and configuration; the journal goes another way.
Result<void> copy_small_files(const DataDir& from, const fs::path& to) {
  BONGSU_TRY_VOID(make_directory(to / "keys"));
  for (const char* name : kKeyFiles) {
    BONGSU_TRY(const std::string content, read_small_file(from.keys_dir() / name));
    BONGSU_TRY_VOID(write_file_atomically(to / "keys" / name, content));
  }
  std::error_code ec;
  if (fs::exists(from.keys_dir() / "lock", ec)) {  // the keys are encrypted: what opens them goes along
    BONGSU_TRY(const std::string lock, read_small_file(from.keys_dir() / "lock"));
    BONGSU_TRY_VOID(write_file_atomically(to / "keys" / "lock", lock));
  }
  for (const auto& file : fs::directory_iterator(from.keys_dir() / "agreed", ec)) {
    fs::create_directory(to / "keys" / "agreed", ec);
    BONGSU_TRY(const std::string secret, read_small_file(file.path()));
    BONGSU_TRY_VOID(write_file_atomically(to / "keys" / "agreed" / file.path().filename(), secret));
  }
  BONGSU_TRY(const std::string config, read_small_file(from.config_file()));
  return write_file_atomically(to / "bongsu.toml", config);
}

}  // namespace

Result<void> backup_node(const DataDir& directory, ledger::Ledger* ledger, const fs::path& target) {
  std::error_code ec;
  if (fs::exists(target, ec)) return fail(ErrorCode::kConflict, "is there already; name a new directory", {.source = target.string()});
  const fs::path building = target.string() + ".new";
  fs::remove_all(building, ec);
  BONGSU_TRY_VOID(make_directory(building));
  Result<void> done = ledger ? ledger->copy_to(building / "ledger") : Result<void>();
  if (done) done = journal::backup_sqlite_journal(directory.root(), building / "journal.db", [](std::uint64_t, std::uint64_t) {});
  if (done) done = copy_small_files(directory, building);
  if (done) done = sync_all(building);
  if (done) {
    fs::rename(building, target, ec);
    if (ec) done = fail(ErrorCode::kIo, ec.message(), {.source = target.string()});
  }
  if (!done) fs::remove_all(building, ec);
  return done;
}

Result<RestoreReport> restore_node(const fs::path& backup, const DataDir& directory, const Clock& clock, Random& random, Log& log) {
  const DataDir source{backup};
  if (!source.exists() || !fs::exists(backup / "journal.db")) return fail(ErrorCode::kNotFound, "is no backup of a node", {.source = backup.string()});
  RestoreReport report;
  std::vector<journal::Removal> removals;
  std::error_code ec;
  if (directory.exists()) {
    // Nobody may write while what was removed since is read.
    {
      BONGSU_TRY(const NodeKeys keys, directory.keys());
      BONGSU_TRY(const auto held, journal::open_sqlite_journal({.directory = directory.root(), .master_key = keys.master}, clock, random, log));
      held->close();
    }
    BONGSU_TRY(removals, journal::removals_after(directory.root(), 0));
    report.had_journal = true;
  }

  const fs::path building = directory.root().string() + ".restoring";
  fs::remove_all(building, ec);
  if (directory.root().has_parent_path()) fs::create_directories(directory.root().parent_path(), ec);
  BONGSU_TRY_VOID(make_directory(building));
  const auto give_up = [&](Error error) -> Result<RestoreReport> {
    fs::remove_all(building, ec);
    return std::unexpected(std::move(error));
  };
  fs::copy_file(backup / "journal.db", building / "journal.db", ec);
  if (ec) return give_up({.code = ErrorCode::kIo, .message = ec.message(), .where = {.source = (backup / "journal.db").string()}});
  if (fs::exists(backup / "ledger", ec)) {
    fs::copy(backup / "ledger", building / "ledger", fs::copy_options::recursive, ec);
    if (ec) return give_up({.code = ErrorCode::kIo, .message = ec.message(), .where = {.source = (backup / "ledger").string()}});
    report.had_ledger = true;
  }
  if (auto copied = copy_small_files(source, building); !copied) return give_up(copied.error());
  {
    const DataDir restored{building};
    auto keys = restored.keys();
    if (!keys) return give_up(keys.error());
    auto journal = journal::open_sqlite_journal({.directory = building, .master_key = keys->master}, clock, random, log);
    if (!journal) return give_up(journal.error());
    if (auto whole = (*journal)->verify([](std::uint64_t, std::uint64_t) {}); !whole) return give_up(whole.error());
    auto repeated = journal::reapply_removals(**journal, removals);
    if (!repeated) return give_up(repeated.error());
    if (auto forgotten = link::forget_keys_of_others(**journal); !forgotten) return give_up(forgotten.error());
    report.removals = *repeated;
    report.last_seq = (*journal)->last_seq();
    (*journal)->close();
  }
  if (auto synced = sync_all(building); !synced) return give_up(synced.error());
  if (fs::exists(directory.root())) {
    report.replaced = fmt::format("{}.before-{}", directory.root().string(), clock.now().seconds);
    fs::rename(directory.root(), report.replaced, ec);
    if (ec) return give_up({.code = ErrorCode::kIo, .message = ec.message(), .where = {.source = directory.root().string()}});
  }
  fs::rename(building, directory.root(), ec);
  if (ec) return give_up({.code = ErrorCode::kIo, .message = ec.message(), .where = {.source = directory.root().string()}});
  return report;
}

}  // namespace bongsu::node
