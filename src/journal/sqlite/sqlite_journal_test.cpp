#include "journal/sqlite/sqlite_journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "base/bytes.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/schema.h"
#include "journal/sqlite/sqlite_fixture_test_support.h"

namespace bongsu::journal {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract,
                         testing::Values(ContractBackend{"sqlite", [] { return std::make_unique<SqliteFixture>(); }}),
                         backend_name);

TEST(SqliteJournal, AnswersAsTheMemoryJournalDoesUnderRandomOperations) {
#ifdef BONGSU_SANITIZED
  constexpr unsigned kOperations = 2'000;
#else
  constexpr unsigned kOperations = 10'000;
#endif
  for (const std::uint64_t seed : {1, 2}) {
    SqliteFixture fixture;
    SeededRandom random(seed);
    const auto twin = make_memory_journal(fixture.clock, random);
    run_differential(*twin, fixture.journal(), seed, kOperations);
  }
}

constexpr char kSecret[] = "PLAINTEXT-THAT-MUST-NOT-STAY-d41d8cd98f00";

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every byte of the journal's files.
std::string all_files(const std::filesystem::path& directory) {
  std::string out;
  for (const auto& file : std::filesystem::directory_iterator(directory)) out += slurp(file.path());
  return out;
}

Receipt append(Journal& journal, std::vector<NewEntry> entries) {
  Batch batch;
  batch.epoch = journal.epoch();
  batch.entries = std::move(entries);
  auto receipt = journal.append(batch);
  EXPECT_TRUE(receipt) << receipt.error().text();
  return receipt.value_or(Receipt{});
}

NewEntry secret(unsigned n, std::vector<ViewId> views = {}) {
  NewEntry entry = test_object(test_id("indicator", n), 1, std::move(views));
  entry.payload += std::string(900 + n % 700, 'x') + kSecret;
  return entry;
}

// Sealed payloads and wrapped keys as they lie in the file.
std::vector<std::string> stored_bytes(const std::filesystem::path& directory) {
  sqlite::Database db(directory / "journal.db", sqlite::OpenMode::kReadOnly, 100);
  std::vector<std::string> out;
  for (const char* sql :
       {"SELECT sealed FROM payloads ORDER BY id", "SELECT wrapped FROM keys WHERE id > 0 ORDER BY id"}) {
    sqlite::Statement rows(db, sql);
    while (rows.step()) out.emplace_back(rows.bytes(0));
  }
  return out;
}

TEST(SqliteJournal, NeverWritesAPayloadInClear) {
  SqliteFixture fixture;
  const ViewId view = fixture.journal().create_view("c1", "k", 0, false)->id;
  NewEntry entry = secret(1, {view});
  entry.releases[0].payload = std::string("redacted ") + kSecret;
  append(fixture.journal(), {entry});
  EXPECT_EQ(all_files(fixture.directory() / "data").find(kSecret), std::string::npos);
}

TEST(SqliteJournal, LeavesNothingOfAnErasedObjectInItsFiles) {
  SqliteFixture fixture;
  const auto data = fixture.directory() / "data";
  const ViewId view = fixture.journal().create_view("c1", "k", 0, false)->id;
  SeededRandom random(3);
  // Many objects, so that pages split; variants too; erased in random order, so that what a neighbour left behind would
  // show.
  std::vector<unsigned> left;
  for (unsigned n = 0; n < 300; ++n) {
    NewEntry entry = secret(n, {view});
    if (n % 5 == 0) entry.releases[0].payload = std::string("redacted ") + kSecret;
    append(fixture.journal(), {entry});
    left.push_back(n);
  }
  const auto sealed = stored_bytes(data);
  ASSERT_EQ(sealed.size(), 2 * (300U + 60U));
  while (left.size() > 150) {
    const auto at = random.below(left.size());
    ASSERT_TRUE(fixture.journal().erase(test_id("indicator", left[at]), "me"));
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
  }
  const std::string now = all_files(data);
  std::set<std::string> still;
  for (auto& bytes : stored_bytes(data)) still.insert(std::move(bytes));
  unsigned gone = 0;
  for (const std::string& bytes : sealed) {
    const bool kept = still.contains(bytes);
    gone += kept ? 0 : 1;
    // Any part of it would do to an attacker: the middle is looked for.
    EXPECT_EQ(now.find(bytes.substr(bytes.size() / 4, bytes.size() / 2)) != std::string::npos, kept);
  }
  EXPECT_GE(gone, 300U);
  EXPECT_TRUE(fixture.journal().verify({}));
}

TEST(SqliteJournal, EndsASnapshotThatWouldKeepErasedPages) {
  SqliteFixture fixture;
  const auto data = fixture.directory() / "data";
  append(fixture.journal(), {secret(1), secret(2)});
  const auto sealed = stored_bytes(data);
  const auto snapshot = fixture.journal().snapshot();
  ASSERT_TRUE(snapshot->payload(1));
  ASSERT_TRUE(fixture.journal().erase(test_id("indicator", 1), "me"));
  EXPECT_EQ(snapshot->payload(2).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(all_files(data).find(sealed[0]), std::string::npos);
  EXPECT_TRUE(fixture.journal().snapshot()->payload(2));
}

TEST(SqliteJournal, KeepsItsLogWithinBoundsWhenASnapshotIsForgotten) {
  SqliteOptions options;
  options.max_log_bytes = 2 * 1024 * 1024;
  SqliteFixture fixture(options);
  append(fixture.journal(), {secret(0)});
  const auto forgotten = fixture.journal().snapshot();
  const auto log = fixture.directory() / "data" / "journal.db-wal";
  std::uintmax_t largest = 0;
  for (unsigned n = 1; n < 400; ++n) {
    std::vector<NewEntry> entries;
    for (unsigned i = 0; i < 20; ++i) entries.push_back(secret(n * 100 + i));
    append(fixture.journal(), std::move(entries));
    largest = std::max(largest, std::filesystem::file_size(log));
    fixture.clock.advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(forgotten->payload(1).error().code, ErrorCode::kUnavailable);
  EXPECT_LT(largest, 16U * 1024 * 1024) << "30 leases' seconds of writing, and the limit";
}

TEST(SqliteJournal, IsOpenInOneProcessOnly) {
  SqliteFixture fixture;
  EXPECT_EQ(fixture.open().error().code, ErrorCode::kConflict);
  fixture.close();
  EXPECT_TRUE(fixture.open());
}

TEST(SqliteJournal, RefusesAnotherMasterKey) {
  SqliteFixture fixture;
  fixture.close();
  fixture.options.master_key.fill(8);
  EXPECT_EQ(fixture.open().error().code, ErrorCode::kDenied);
}

TEST(SqliteJournal, RefusesANewerSchemaAndFilesThatAreNotItsOwn) {
  SqliteFixture fixture;
  fixture.close();
  const auto file = fixture.directory() / "data" / "journal.db";
  {
    sqlite::Database db(file, sqlite::OpenMode::kReadWrite, 100);
    db.exec(fmt::format("PRAGMA user_version={}", sqlite::kSchemaVersion + 1).c_str());
  }
  EXPECT_EQ(fixture.open().error().code, ErrorCode::kUnsupported);
  {
    sqlite::Database db(file, sqlite::OpenMode::kReadWrite, 100);
    db.exec(fmt::format("PRAGMA user_version={}; DROP INDEX outbox_version", sqlite::kSchemaVersion).c_str());
  }
  const auto damaged = fixture.open();
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(damaged.error().where.field, "outbox_version");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
  std::ofstream(file)
      << "this is no database, but it is long enough to be looked at as one, if it were one at all, which it is not";
  EXPECT_EQ(fixture.open().error().code, ErrorCode::kCorrupt);
}

TEST(SqliteJournal, BringsAFileOfTheFirstSchemaUpToDate) {
  SqliteFixture fixture;
  NewEntry entry = secret(1);
  append(fixture.journal(), {entry});
  fixture.close();
  const auto file = fixture.directory() / "data" / "journal.db";
  const auto first_schema = [&](const char* and_then) {
    sqlite::Database db(file, sqlite::OpenMode::kReadWrite, 100);
    db.exec("ALTER TABLE payloads DROP COLUMN proof; ALTER TABLE entries DROP COLUMN destroyed; PRAGMA user_version=1");
    db.exec(and_then);
  };
  first_schema("SELECT 1");
  EXPECT_EQ(removals_after(fixture.directory() / "data", 0).error().code, ErrorCode::kUnsupported);
  fixture.reopen();
  EXPECT_EQ(fixture.journal().snapshot()->content(1)->payload, entry.payload);
  EXPECT_EQ(fixture.journal().snapshot()->content(1)->proof, "");
  NewEntry proven = secret(2);
  proven.proof = "who made it";
  append(fixture.journal(), {proven});
  EXPECT_EQ(fixture.journal().snapshot()->content(2)->proof, "who made it");
  EXPECT_TRUE(fixture.journal().verify({}));
  fixture.close();
  // A file that was changed stays as it is.
  first_schema("DROP INDEX outbox_version");
  EXPECT_EQ(fixture.open().error().where.field, "outbox_version");
  sqlite::Database db(file, sqlite::OpenMode::kReadOnly, 100);
  EXPECT_EQ(db.integer("PRAGMA user_version"), 1);
}

TEST(SqliteJournal, BringsAFileWhoseErasuresNameNoEntryUpToDate) {
  SqliteFixture fixture;
  Batch batch;
  for (unsigned n = 1; n <= 2; ++n) {
    NewEntry entry = secret(n);
    entry.origin = "cert-ua";
    append(fixture.journal(), {entry});
    batch.destroy = {{entry.object_id, "cert-ua", ""}};
    ASSERT_TRUE(fixture.journal().append(batch));
    if (n == 2) break;
    fixture.close();
    {
      sqlite::Database db(fixture.directory() / "data" / "journal.db", sqlite::OpenMode::kReadWrite, 100);
      db.exec("ALTER TABLE entries DROP COLUMN destroyed; PRAGMA user_version=2");
    }
    fixture.reopen();
  }
  EXPECT_EQ(fixture.journal().snapshot()->entry(2)->destroyed, 0U);
  EXPECT_EQ(fixture.journal().snapshot()->entry(4)->destroyed, 3U);
  EXPECT_TRUE(fixture.journal().verify({}));
}

TEST(SqliteJournal, FindsDamageWhereItIs) {
  SqliteFixture fixture;
  const ViewId view = fixture.journal().create_view("c1", "k", 0, false)->id;
  std::vector<NewEntry> entries;
  for (unsigned n = 0; n < 50; ++n) entries.push_back(secret(n, {view}));
  append(fixture.journal(), std::move(entries));
  fixture.close();
  const auto file = fixture.directory() / "data" / "journal.db";
  const std::string good = slurp(file);
  const auto expect_bad = [&](const char* sql, const std::string& field) {
    {
      sqlite::Database db(file, sqlite::OpenMode::kReadWrite, 100);
      db.exec(sql);
    }
    fixture.reopen();
    const auto verified = fixture.journal().verify({});
    ASSERT_FALSE(verified) << sql;
    EXPECT_EQ(verified.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(verified.error().where.field, field) << sql << ": " << verified.error().text();
    fixture.close();
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << good;
  };
  expect_bad("DELETE FROM entries WHERE seq = 7", "entries");
  expect_bad("UPDATE entries SET added_us = added_us - 100 WHERE seq = 7", "entries");
  expect_bad("UPDATE payloads SET sealed = (SELECT sealed FROM payloads WHERE id = 2) WHERE id = 3", "payloads");
  // What is proof and what is payload is bound as well.
  expect_bad("UPDATE payloads SET proof = 4 WHERE id = 3", "payloads");
  expect_bad("UPDATE keys SET wrapped = zeroblob(60) WHERE id = 4", "payloads");
  expect_bad("DELETE FROM payloads WHERE id = 5", "payloads");
  expect_bad("DELETE FROM outbox WHERE seq = 8", "outbox");
  expect_bad("UPDATE outbox SET class = class & ~1 WHERE seq = 8", "outbox");
  expect_bad("UPDATE outbox SET seq = 9 WHERE seq = 8", "outbox");
  fixture.reopen();
  std::uint64_t last = 0, total = 0;
  EXPECT_TRUE(fixture.journal().verify([&](std::uint64_t done, std::uint64_t all) {
    EXPECT_GE(done, last);
    last = done;
    total = all;
  }));
  EXPECT_EQ(last, total);
}

TEST(SqliteJournal, ReadsTheObjectsBesideOneWhosePayloadDoesNotOpen) {
  SqliteFixture fixture;
  std::vector<NewEntry> entries;
  for (unsigned n = 0; n < 9; ++n) entries.push_back(secret(n));
  append(fixture.journal(), std::move(entries));
  ASSERT_TRUE(fixture.journal().erase(test_id("indicator", 8), "me"));  // the ninth: erased is not damaged
  fixture.close();
  {
    sqlite::Database db(fixture.directory() / "data" / "journal.db", sqlite::OpenMode::kReadWrite, 100);
    for (const char* sql :
         {"UPDATE keys SET wrapped = zeroblob(length(wrapped)) WHERE id = (SELECT payload FROM entries WHERE seq = 2)",
          "UPDATE payloads SET sealed = zeroblob(length(sealed)) WHERE id = (SELECT payload FROM entries WHERE seq = "
          "4)",
          "DELETE FROM payloads WHERE id = (SELECT payload FROM entries WHERE seq = 5)",
          "DELETE FROM keys WHERE id = (SELECT payload FROM entries WHERE seq = 7)"}) {
      db.exec(sql);
      ASSERT_EQ(db.changes(), 1) << sql;
    }
  }
  fixture.reopen();
  const auto snapshot = fixture.journal().snapshot();
  std::vector<Seq> opened, damaged;
  const auto read = snapshot->objects("indicator", 0, 100, [&](Entry&& entry, Result<std::string>&& payload) {
    EXPECT_EQ(entry.object_id, test_id("indicator", static_cast<unsigned>(entry.seq - 1)));
    if (payload) {
      EXPECT_EQ(sha256(*payload), entry.hash);
    } else {
      EXPECT_EQ(payload.error().code, ErrorCode::kCorrupt);
      EXPECT_EQ(payload.error().where.field, "payloads");
    }
    (payload ? opened : damaged).push_back(entry.seq);
    return true;
  });
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_THAT(opened, testing::ElementsAre(1, 3, 6, 8));
  EXPECT_THAT(damaged, testing::ElementsAre(2, 4, 5, 7));
  for (const Seq seq : damaged) EXPECT_EQ(snapshot->payload(seq).error().code, ErrorCode::kCorrupt);
}

TEST(SqliteJournal, ReadsTheObjectsOfATypeInTheOrderOfTheEntriesByKey) {
  SqliteFixture fixture;
  append(fixture.journal(), {secret(1)});
  sqlite::Database db(fixture.directory() / "data" / "journal.db", sqlite::OpenMode::kReadOnly, 100);
  sqlite::Statement rows(db,
                         "EXPLAIN QUERY PLAN SELECT e.seq, p.sealed, k.wrapped FROM entries e LEFT JOIN payloads p ON "
                         "p.id = e.payload LEFT JOIN keys k ON k.id = e.payload WHERE e.seq > ?1 AND e.seq <= ?2 AND "
                         "e.type = ?3 AND e.kind = 1 AND e.flags = 0 ORDER BY e.seq");
  std::vector<std::string> plan;
  while (rows.step()) plan.emplace_back(rows.bytes(3));
  ASSERT_EQ(plan.size(), 3U);
  EXPECT_TRUE(plan[0].starts_with("SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)")) << plan[0];
  EXPECT_TRUE(plan[1].starts_with("SEARCH p USING INTEGER PRIMARY KEY (rowid=?)")) << plan[1];
  EXPECT_TRUE(plan[2].starts_with("SEARCH k USING INTEGER PRIMARY KEY (rowid=?)")) << plan[2];
}

TEST(SqliteJournal, SaysThatTheDiskIsFullAndGoesOnReading) {
  SqliteOptions options;
  options.max_bytes = 512 * 1024;
  SqliteFixture fixture(options);
  const ViewId view = fixture.journal().create_view("c1", "k", 0, false)->id;
  Seq written = 0;
  for (unsigned n = 0;; ++n) {
    Batch batch;
    batch.entries = {secret(n, {view}), secret(10'000 + n, {view})};
    const auto receipt = fixture.journal().append(batch);
    if (!receipt) {
      EXPECT_EQ(receipt.error().code, ErrorCode::kNoSpace) << receipt.error().text();
      break;
    }
    ASSERT_LT(n, 1000U);
    written = receipt->entries.back().seq;
  }
  EXPECT_EQ(fixture.journal().last_seq(), written) << "nothing of the batch that failed";
  EXPECT_TRUE(fixture.journal().snapshot()->payload(written));
  EXPECT_TRUE(fixture.journal().verify({}));
  fixture.options.max_bytes = 0;
  fixture.reopen();
  EXPECT_EQ(append(fixture.journal(), {secret(99'999, {view})}).entries.at(0).seq, written + 1);
}

TEST(SqliteJournal, StopsAdmittingBelowTheReserveButStillErasesAndStops) {
  SqliteFixture fixture;
  append(fixture.journal(), {secret(1)});
  fixture.options.reserve_bytes = UINT64_MAX;
  fixture.reopen();
  Batch batch;
  batch.entries = {secret(2)};
  EXPECT_EQ(fixture.journal().append(batch).error().code, ErrorCode::kNoSpace);
  EXPECT_TRUE(fixture.journal().snapshot()->payload(1));
  EXPECT_TRUE(fixture.journal().set_epoch(1));
  EXPECT_TRUE(fixture.journal().erase(test_id("indicator", 1), "me"));
}

TEST(SqliteJournal, WalksAMillionthPageAsFastAsTheFirstByIndexForEveryFilter) {
  SqliteFixture fixture;
  sqlite::Database db(fixture.directory() / "data" / "journal.db", sqlite::OpenMode::kReadOnly, 100);
  const auto plan = [&](const std::string& sql) {
    sqlite::Statement rows(db, ("EXPLAIN QUERY PLAN " + sql).c_str());
    std::string out;
    while (rows.step()) out += std::string(rows.bytes(3)) + ";";
    return out;
  };
  const std::string select = "SELECT * FROM outbox INDEXED BY ";
  // The range over rid is part of the search, and there is no sorting.
  EXPECT_EQ(plan(select + "outbox_class WHERE view=?1 AND class=?2 AND rid>?3 ORDER BY rid"),
            "SEARCH outbox USING INDEX outbox_class (view=? AND class=? AND rowid>?);");
  EXPECT_EQ(plan(select + "outbox_type WHERE view=?1 AND class=?2 AND rid>?3 AND type=?4 ORDER BY rid"),
            "SEARCH outbox USING INDEX outbox_type (view=? AND type=? AND class=? AND rowid>?);");
  EXPECT_EQ(plan(select + "outbox_version WHERE view=?1 AND version=?2 AND rid>?3 ORDER BY rid"),
            "SEARCH outbox USING INDEX outbox_version (view=? AND version=? AND rowid>?);");
  EXPECT_EQ(plan(select + "outbox_object WHERE view=?1 AND object=?2 ORDER BY version DESC, rid DESC"),
            "SEARCH outbox USING INDEX outbox_object (view=? AND object=?);");
}

TEST(SqliteJournal, IsBackedUpWhileItIsWritten) {
  SqliteFixture fixture;
  const auto target = fixture.directory() / "backup.db";
  const ViewId view = fixture.journal().create_view("c1", "k", 0, false)->id;
  for (unsigned n = 0; n < 300; ++n) append(fixture.journal(), {secret(n, {view})});
  unsigned during = 0;
  Seq copied = fixture.journal().last_seq();
  ASSERT_TRUE(backup_sqlite_journal(fixture.directory() / "data", target, [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_LE(done, total);
    EXPECT_FALSE(std::filesystem::exists(target)) << "whole or absent";
    append(fixture.journal(), {secret(1000 + during++, {view})});
  }));
  EXPECT_GT(during, 0U);
  ASSERT_TRUE(fixture.journal().erase(test_id("indicator", 5), "me"));
  NewEntry deletion;
  deletion.kind = EntryKind::kDeletion;
  deletion.collection = "c1";
  deletion.object_id = test_id("indicator", 6);
  append(fixture.journal(), {deletion});
  EXPECT_FALSE(std::filesystem::exists(target.string() + ".partial"));

  SqliteFixture restored;
  restored.close();
  for (const char* suffix : {"-wal", "-shm"})
    std::filesystem::remove((restored.directory() / "data" / "journal.db").string() + suffix);
  std::filesystem::copy_file(target, restored.directory() / "data" / "journal.db",
                             std::filesystem::copy_options::overwrite_existing);
  restored.reopen();
  EXPECT_EQ(restored.journal().last_seq(), copied);
  EXPECT_TRUE(restored.journal().verify({}));
  EXPECT_TRUE(restored.journal().snapshot()->payload(6)) << "the backup is older than the erasure";

  const auto removals = removals_after(fixture.directory() / "data", 0);
  ASSERT_TRUE(removals) << removals.error().text();
  ASSERT_EQ(removals->size(), 2U);
  EXPECT_EQ(reapply_removals(restored.journal(), *removals).value(), 2U);
  EXPECT_EQ(restored.journal().snapshot()->payload(6).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(restored.journal().snapshot()->versions("c1", deletion.object_id)->empty());
  fixture.close();
  EXPECT_EQ(removals_after(fixture.directory() / "data", copied)->size(), 2U) << "also when nobody has it open";
  EXPECT_TRUE(backup_sqlite_journal(fixture.directory() / "data", target, {}));
  EXPECT_EQ(backup_sqlite_journal(fixture.directory() / "none", target, {}).error().code, ErrorCode::kNotFound);
}

TEST(SqliteJournal, TellsWhyItCannotBeOpened) {
  SqliteFixture fixture;
  fixture.close();
  fixture.options.directory = fixture.directory() / "data" / "journal.db" / "below-a-file";
  const auto opened = fixture.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace bongsu::journal
