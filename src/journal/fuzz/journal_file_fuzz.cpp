// A damaged journal.db must give errors, never a crash: a good small file is patched by the input, opened, read,
// verified and written to.
#include <fstream>
#include <algorithm>
#include <sstream>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "journal/sqlite/sqlite_journal.h"

namespace {

using namespace bongsu;
using namespace bongsu::journal;

SystemClock system_clock;
SystemRandom system_random;
const std::unique_ptr<Log> null_log = make_null_log();
const std::filesystem::path directory =
    std::filesystem::path(std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp") /
    ("bongsu-journal-fuzz-" + std::to_string(system_random.next()));

Result<std::unique_ptr<Journal>> open() {
  SqliteOptions options;
  options.directory = directory;
  options.reserve_bytes = 0;
  return open_sqlite_journal(options, system_clock, system_random, *null_log);
}

Batch batch(int n) {
  Batch out;
  for (int i = 0; i < 8; ++i) {
    NewEntry& entry = out.entries.emplace_back();
    entry.collection = "c1";
    entry.object_id = "indicator--00000000-0000-4000-8000-00000000000" + std::to_string(i);
    entry.version_key = "2024-01-01T00:00:0" + std::to_string(n % 10);
    entry.version = entry.version_key + "Z";
    entry.payload = std::string(static_cast<std::size_t>(100 + 40 * i), 'p');
    entry.releases = {{1, i == 3 ? std::optional<std::string>("redacted") : std::nullopt}};
  }
  out.states = {{"s", "k", "v"}};
  return out;
}

const std::string& good_file() {
  static const std::string bytes = [] {
    {
      auto journal = open().value();
      (void)journal->create_view("c1", "k", 0, false);
      for (int n = 0; n < 3; ++n) (void)journal->append(batch(n));
    }
    std::ostringstream out;
    out << std::ifstream(directory / "journal.db", std::ios::binary).rdbuf();
    return out.str();
  }();
  return bytes;
}

}  // namespace

// The input is a list of patches: two bytes of place in units of 16 bytes (wrapping), one of offset and length, then
// the new bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string file = good_file();
  while (size >= 4) {
    std::size_t at = (data[0] | static_cast<std::size_t>(data[1]) << 8) * 16 + (data[2] & 15);
    std::size_t length = std::min<std::size_t>(1 + (data[2] >> 4), size - 3);
    for (std::size_t i = 0; i < length; ++i) file[(at + i) % file.size()] = static_cast<char>(data[3 + i]);
    data += 3 + length;
    size -= 3 + length;
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove((directory / "journal.db").string() + suffix);
  std::ofstream(directory / "journal.db", std::ios::binary | std::ios::trunc) << file;
  auto journal = open();
  if (!journal) return 0;
  const auto snapshot = (*journal)->snapshot();
  (void)snapshot->entries(0, 100);
  for (Seq seq = 0; seq < 26; ++seq) (void)snapshot->payload(seq);
  (void)snapshot->versions({}, "indicator--00000000-0000-4000-8000-000000000001");
  (void)snapshot->page({.view = 1, .added_after_us = 1, .types = {"indicator"}, .limit = 50});
  (void)snapshot->page({.view = 1, .all = true, .version_keys = {"2024-01-01T00:00:01"}});
  (void)snapshot->page({.view = 1, .ids = {"indicator--00000000-0000-4000-8000-000000000001"}, .first = true});
  (void)snapshot->tail(1, 0, 100);
  for (Pos pos = 0; pos < 26; ++pos) (void)snapshot->released_payload(1, pos);
  (void)(*journal)->views();
  (void)(*journal)->states("s");
  (void)(*journal)->verify({});
  Batch more = batch(7);
  more.epoch = (*journal)->epoch();
  (void)(*journal)->append(more);
  (void)(*journal)->create_view("c1", "copy", 1, true);
  (void)(*journal)->erase("indicator--00000000-0000-4000-8000-000000000001", "me");
  return 0;
}
