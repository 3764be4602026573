// How much does the journal cost beside SQLite itself? Durable ingest against raw inserts of the same rows and indices,
// pages with payloads, look-ups, and the time to start.
//
//   build/bench/bench/journal_bench [objects=200000] [directory]
//   build/bench/bench/journal_bench --rows FILE --batch N DIRECTORY
//
// The second form is the yardstick alone, for benchmarks that drive a whole node (ingest.mjs): FILE has a line for each
// object, "id TAB version TAB bytes of the payload". Prints JSON: objects, seconds, seconds of CPU.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/uuid.h"
#include "cpu_time.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/schema.h"
#include "journal/sqlite/sqlite_journal.h"
#include "journal/version_code.h"

namespace bongsu {
namespace {

namespace fs = std::filesystem;
using journal::sqlite::Database;
using journal::sqlite::OpenMode;
using journal::sqlite::Statement;

constexpr std::size_t kBatch = 1000;
constexpr std::size_t kPayload = 1300;
const char* const kTypes[] = {"indicator", "malware",     "attack-pattern", "relationship",
                              "ipv4-addr", "domain-name", "sighting"};

struct Measured {
  double wall = 0, cpu = 0;
};

template <class Body>
Measured measure(Body&& body) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu = bench::cpu_seconds(RUSAGE_SELF);
  body();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          bench::cpu_seconds(RUSAGE_SELF) - cpu};
}

void show(std::string_view what, double count, const Measured& m) {
  fmt::print("{:<44} {:>9.0f}/s  {:>9.0f} per CPU-second  {:>7.2f} µs of CPU each\n", what, count / m.wall,
             count / m.cpu, m.cpu / count * 1e6);
  std::fflush(stdout);
}

struct Row {
  std::string id, version_key;
  std::size_t payload = kPayload;
};

std::vector<std::string> make_ids(std::size_t count) {
  SeededRandom random(11);
  std::vector<std::string> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(fmt::format("{}--{}", kTypes[random.below(std::size(kTypes))], Uuid::random(random).text()));
  return ids;
}

std::string version_key(std::size_t i) {
  return fmt::format("2024-{:02}-{:02}T{:02}:{:02}:{:02}.123", 1 + i % 12, 1 + i / 12 % 28, i / 336 % 24, i / 8064 % 60,
                     i % 60);
}

std::string body(const std::string& id, std::size_t i) {
  std::string text = fmt::format(R"({{"type":"x","id":"{}","n":{},"pad":")", id, i);
  text.append(kPayload - text.size() - 2, static_cast<char>('a' + i % 26));
  return text + "\"}";
}

// The yardstick: the same tables and indices, rows of the same size, prepared statements, one transaction and one fsync
// a batch, nothing else.
Measured raw_sqlite(const fs::path& directory, const std::vector<Row>& rows, std::size_t batch) {
  fs::create_directories(directory);
  Database db(directory / "raw.db", OpenMode::kReadWrite, 64 * 1024);
  db.exec("PRAGMA page_size=8192");
  db.text("PRAGMA journal_mode=WAL");
  db.exec("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2000");
  journal::sqlite::create_or_check_schema(db);
  Statement entry(db, "INSERT INTO entries VALUES(?1, 1, ?2, 1, ?3, ?4, ?5, 3, 2, 3, 4, ?6, 0, ?1)");
  Statement payload(db, "INSERT INTO payloads VALUES(?1, ?2, NULL)");
  Statement key(db, "INSERT INTO keys VALUES(?1, ?2)");
  Statement outbox(db, "INSERT INTO outbox VALUES(?1, 1, ?2, ?3, ?4, ?5, ?6, 3, 19, ?2)");
  SystemRandom random;
  std::size_t longest = 0;
  for (const Row& row : rows) longest = std::max(longest, row.payload);
  std::string bytes(longest + 16, '\0'), wrapped(60, '\0'), hash(32, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return measure([&] {
    std::int64_t seq = 0;
    for (std::size_t from = 0; from < rows.size(); from += batch) {
      db.exec("BEGIN IMMEDIATE");
      for (std::size_t i = from; i < std::min(rows.size(), from + batch); ++i) {
        ++seq;
        const auto code = journal::split_object_id(rows[i].id);
        const std::string version = journal::encode_version_key(rows[i].version_key);
        const std::string_view object(reinterpret_cast<const char*>(code.uuid->bytes.data()), 16);
        const auto type = static_cast<std::int64_t>(code.type.size());
        payload.bind(1, seq).bind_blob(2, std::string_view(bytes).substr(0, rows[i].payload + 16)).run();
        key.bind(1, seq).bind_blob(2, wrapped).run();
        entry.bind(1, seq)
            .bind(2, 1'767'225'600'000'000 + seq)
            .bind(3, type)
            .bind_blob(4, object)
            .bind_blob(5, version)
            .bind_blob(6, hash)
            .run();
        outbox.bind(1, journal::sqlite::row_id(1, static_cast<journal::Pos>(seq)))
            .bind(2, seq)
            .bind(3, 1'767'225'600'000'000 + seq)
            .bind(4, type);
        outbox.bind_blob(5, object).bind_blob(6, version).run();
      }
      db.exec("COMMIT");
    }
  });
}

journal::Batch make_batch(const std::vector<std::string>& ids, std::size_t from, journal::ViewId view) {
  journal::Batch batch;
  for (std::size_t i = from; i < std::min(ids.size(), from + kBatch); ++i) {
    journal::NewEntry entry;
    entry.collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
    entry.object_id = ids[i];
    entry.version_key = version_key(i);
    entry.version = entry.version_key + "Z";
    entry.origin = "cert-lt";
    entry.label = "tlp:green";
    entry.payload = body(ids[i], i);
    entry.releases.push_back({view, std::nullopt});
    batch.entries.push_back(std::move(entry));
  }
  return batch;
}

std::size_t resident_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::strtoul(line.c_str() + 6, nullptr, 10);
  return 0;
}

void must(bool good, const char* what) {
  if (good) return;
  fmt::print(stderr, "journal_bench: {}\n", what);
  std::exit(2);
}

// Batches are made beforehand in portions, so that making them is not measured.
Measured ingest(journal::Journal& journal, const std::vector<std::string>& ids, journal::ViewId view,
                unsigned callers) {
  Measured total;
  const std::size_t portion = 20 * kBatch;
  for (std::size_t from = 0; from < ids.size(); from += portion) {
    std::vector<journal::Batch> batches;
    for (std::size_t at = from; at < std::min(ids.size(), from + portion); at += kBatch)
      batches.push_back(make_batch(ids, at, view));
    const Measured m = measure([&] {
      std::atomic<std::size_t> next{0};
      std::vector<std::thread> threads;
      for (unsigned c = 0; c < callers; ++c)
        threads.emplace_back([&] {
          for (std::size_t i = next++; i < batches.size(); i = next++)
            must(journal.append(batches[i]).has_value(), "append failed");
        });
      for (auto& thread : threads) thread.join();
    });
    total.wall += m.wall;
    total.cpu += m.cpu;
  }
  return total;
}

int run(std::size_t count, const fs::path& directory) {
  const auto ids = make_ids(count);
  const auto n = static_cast<double>(count);
  SystemClock clock;
  SystemRandom random;
  const auto log = make_null_log();
  fmt::print("{} objects of {} bytes, batches of {}, in {}\n", count, kPayload, kBatch, directory.string());

  std::vector<Row> rows;
  for (std::size_t i = 0; i < ids.size(); ++i) rows.push_back({ids[i], version_key(i)});
  const Measured raw = raw_sqlite(directory / "raw", rows, kBatch);
  show("raw SQLite, same rows and indices", n, raw);
  fs::remove_all(directory / "raw");

  journal::SqliteOptions options;
  options.master_key.fill(1);
  for (const unsigned callers : {1U, 4U}) {
    options.directory = directory / fmt::format("journal{}", callers);
    auto journal = journal::open_sqlite_journal(options, clock, random, *log);
    must(journal.has_value(), "open failed");
    const auto view = (*journal)->create_view("91a7b528-80eb-42ed-a74d-c6fbd5a26116", "k", 0, false);
    const Measured m = ingest(**journal, ids, view->id, callers);
    show(fmt::format("journal, {} caller{}", callers, callers == 1 ? "" : "s"), n, m);
    fmt::print("{:<44} {:>9.2f} of raw's rate, {:.2f} of its CPU\n", "", raw.wall / m.wall, m.cpu / raw.cpu);
    if (callers == 4) break;
    (*journal)->close();
    journal->reset();
    fs::remove_all(options.directory);
  }

  std::unique_ptr<journal::Journal> journal;
  const Measured start = measure([&] {
    auto opened = journal::open_sqlite_journal(options, clock, random, *log);
    must(opened.has_value(), "open failed");
    journal = std::move(*opened);
    must(journal->last_seq() == count, "objects are missing");
    must(journal->snapshot()->page({.view = 1, .limit = 1}).has_value(), "no page");
  });
  fmt::print("{:<44} {:>9.1f} ms\n", "start to first page", start.wall * 1000);

  for (const bool by_type : {false, true}) {
    std::size_t rows = 0, bytes = 0, first_kib = 0, most_kib = 0;
    const Measured walk = measure([&] {
      journal::OutboxQuery query{.view = 1};
      if (by_type) query.types = {"indicator", "malware"};
      for (bool more = true; more;) {
        const auto snapshot = journal->snapshot();
        const auto page = snapshot->page(query);
        must(page.has_value(), "page failed");
        for (const auto& row : page->rows) bytes += snapshot->released_payload(1, row.pos)->size();
        rows += page->rows.size();
        more = page->more;
        if (!page->rows.empty()) query.after = page->rows.back().pos;
        if (rows >= 10'000 && first_kib == 0) first_kib = resident_kib();
        most_kib = std::max(most_kib, resident_kib());
      }
    });
    must(by_type || (rows == count && bytes == count * kPayload), "the walk did not see everything");
    show(by_type ? "pages of 1000 with payloads, two types" : "pages of 1000 with payloads", static_cast<double>(rows),
         walk);
    fmt::print("{:<44} {:>9} KiB after 10,000 rows, {} KiB at most\n", "  resident", first_kib, most_kib);
  }

  SeededRandom dice(5);
  constexpr std::size_t kLookups = 20'000;
  const auto snapshot = journal->snapshot();
  std::vector<double> times;
  const Measured lookups = measure([&] {
    for (std::size_t i = 0; i < kLookups; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      must(snapshot->versions({}, ids[dice.below(ids.size())])->size() == 1, "an object is missing");
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
  });
  std::sort(times.begin(), times.end());
  show("look-up by id", kLookups, lookups);
  fmt::print("{:<44} {:>9.1f} µs at the 99th percentile\n", "", times[times.size() * 99 / 100] * 1e6);
  const auto stats = journal->stats();
  fmt::print("{:<44} {:>9.0f} MB, {:.0f} bytes an object\n", "file", static_cast<double>(stats->bytes) / 1e6,
             static_cast<double>(stats->bytes) / n);
  journal.reset();
  fs::remove_all(options.directory);
  return 0;
}

int run_rows(const fs::path& file, std::size_t batch, const fs::path& directory) {
  std::vector<Row> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find('\t'), second = line.find('\t', first + 1);
    must(second != std::string::npos, "a line of the rows is not \"id TAB version TAB bytes\"");
    rows.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1),
                    std::strtoull(line.c_str() + second + 1, nullptr, 10)});
  }
  must(!rows.empty() && batch > 0, "there are no rows, or batches of none");
  const Measured raw = raw_sqlite(directory, rows, batch);
  fs::remove_all(directory);
  fmt::print("{{\"objects\":{},\"wall_s\":{},\"cpu_s\":{}}}\n", rows.size(), raw.wall, raw.cpu);
  return 0;
}

}  // namespace
}  // namespace bongsu

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[1]) == "--rows" && std::string_view(argv[3]) == "--batch")
    return bongsu::run_rows(argv[2], std::strtoull(argv[4], nullptr, 10), argv[5]);
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  const std::filesystem::path directory =
      argc > 2 ? std::filesystem::path(argv[2]) : std::filesystem::temp_directory_path() / "bongsu-journal-bench";
  std::filesystem::create_directories(directory);
  return bongsu::run(count == 0 ? 200'000 : count, directory);
}
