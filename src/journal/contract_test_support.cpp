#include "journal/contract_test_support.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "journal/version_code.h"

namespace bongsu::journal {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = AppendedEntry::Outcome;
using Presence = Snapshot::Presence;

std::string test_id(const std::string& type, unsigned n) {
  return fmt::format("{}--00000000-0000-4000-8000-{:012x}", type, n);
}

NewEntry test_object(const std::string& id, int version, std::vector<ViewId> views, const std::string& collection) {
  NewEntry entry;
  entry.collection = collection;
  entry.object_id = id;
  if (version >= 0) {
    entry.version_key = fmt::format("2024-01-01T00:{:02}:{:02}", version / 60, version % 60);
    entry.version = entry.version_key + ".000Z";
  }
  entry.origin = "cert-lt";
  entry.label = "tlp:green";
  entry.payload = fmt::format(R"({{"id":"{}","v":{}}})", id, version);
  for (const ViewId view : views) entry.releases.push_back({view, std::nullopt});
  return entry;
}

ViewId JournalContract::view(const std::string& collection, const std::string& key) {
  auto made = journal().create_view(collection, key, 0, false);
  EXPECT_TRUE(made) << made.error().text();
  return made ? made->id : 0;
}

Receipt JournalContract::append(Batch batch) {
  batch.epoch = journal().epoch();
  auto receipt = journal().append(batch);
  EXPECT_TRUE(receipt) << receipt.error().text();
  return receipt.value_or(Receipt{std::vector<AppendedEntry>(batch.entries.size())});
}

AppendedEntry JournalContract::admit(const NewEntry& entry) {
  Batch batch;
  batch.entries.push_back(entry);
  return append(batch).entries.at(0);
}

std::vector<OutboxRow> JournalContract::rows(const OutboxQuery& query) {
  auto page = journal().snapshot()->page(query);
  EXPECT_TRUE(page) << page.error().text();
  return page ? page->rows : std::vector<OutboxRow>();
}

std::vector<Pos> JournalContract::positions(const OutboxQuery& query) {
  std::vector<Pos> out;
  for (const OutboxRow& row : rows(query)) out.push_back(row.pos);
  return out;
}

std::string describe(const Entry& e) {
  return fmt::format("{} {} {} c={} id={} v={} k={} s={} o={} l={} h={} e={} d={}", e.seq, static_cast<int>(e.kind),
                     e.added_us, e.collection, e.object_id, e.version, e.version_key, e.spec_version, e.origin, e.label,
                     to_hex(e.hash), e.erased, e.destroyed);
}

std::string describe(const OutboxPage& page) {
  std::string out;
  for (const OutboxRow& row : page.rows)
    out += fmt::format("[{} {} {} {} {} {}{}]", row.pos, row.seq, row.added_us, row.object_id, row.version,
                       row.spec_version, row.withdrawn ? " W" : "");
  return out + (page.more ? "+" : ".");
}

namespace {

NewEntry deletion(const std::string& id, const NewEntry* version = nullptr, const std::string& collection = "c1") {
  NewEntry entry;
  entry.kind = EntryKind::kDeletion;
  entry.collection = collection;
  entry.object_id = id;
  if (version != nullptr) {
    entry.version = version->version;
    entry.version_key = version->version_key;
  }
  return entry;
}

TEST_P(JournalContract, NumbersEntriesWithoutGapsAndKeepsWhatTheySay) {
  NewEntry entry = test_object(test_id("indicator", 1), 5);
  entry.version = "2024-01-01T00:00:05.000000Z";
  entry.payload = std::string("bytes \0 and \xff", 13);
  EXPECT_EQ(journal().last_seq(), 0U);
  const AppendedEntry first = admit(entry);
  EXPECT_EQ(first.seq, 1U);
  EXPECT_EQ(first.outcome, Outcome::kNew);
  EXPECT_EQ(admit(test_object(test_id("malware", 2), 1)).seq, 2U);
  EXPECT_EQ(journal().last_seq(), 2U);

  const auto snapshot = journal().snapshot();
  const auto kept = snapshot->entry(1);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->object_id, entry.object_id);
  EXPECT_EQ(kept->version, entry.version);
  EXPECT_EQ(kept->version_key, entry.version_key);
  EXPECT_EQ(kept->collection, "c1");
  EXPECT_EQ(kept->origin, "cert-lt");
  EXPECT_EQ(kept->label, "tlp:green");
  EXPECT_EQ(kept->spec_version, "2.1");
  EXPECT_EQ(kept->added_us, first.added_us);
  EXPECT_EQ(kept->hash, sha256(entry.payload));
  EXPECT_FALSE(kept->erased);
  EXPECT_EQ(snapshot->payload(1).value(), entry.payload);
  EXPECT_EQ(snapshot->entry(3).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(snapshot->payload(3).error().code, ErrorCode::kNotFound);
}

TEST_P(JournalContract, KeepsIdentifiersAndVersionsOfAnyForm) {
  const std::vector<std::string> ids = {"indicator--2A1B0C3D-0000-4000-8000-000000000001", "alert",
                                        "x-type--not-a-uuid", "--odd"};
  for (const std::string& id : ids) {
    NewEntry entry = test_object(id, 1);
    entry.version = "as written";
    entry.version_key = "no timestamp";
    const Seq seq = admit(entry).seq;
    const Entry kept = journal().snapshot()->entry(seq).value();
    EXPECT_EQ(kept.object_id, id);
    EXPECT_EQ(kept.version, "as written");
    EXPECT_EQ(kept.version_key, "no timestamp");
    EXPECT_EQ(journal().snapshot()->payload(seq).value(), entry.payload);
    EXPECT_EQ(journal().snapshot()->versions("c1", id)->size(), 1U);
  }
}

TEST_P(JournalContract, FindsDuplicatesByVersionAndRefusesOtherBytes) {
  const NewEntry entry = test_object(test_id("indicator", 1), 5);
  const AppendedEntry first = admit(entry);
  const AppendedEntry again = admit(entry);
  EXPECT_EQ(again.outcome, Outcome::kDuplicate);
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(again.added_us, first.added_us);
  NewEntry other = entry;
  other.payload += " ";
  EXPECT_EQ(admit(other).outcome, Outcome::kOtherBytes);
  other = entry;
  other.collection = "c2";
  EXPECT_EQ(admit(other).outcome, Outcome::kNew);
  EXPECT_EQ(journal().last_seq(), 2U);
  EXPECT_EQ(journal().snapshot()->payload(first.seq).value(), entry.payload);
}

TEST_P(JournalContract, WhatStandsApartIsNoDuplicateAndSurvivesADeletion) {
  const ViewId v = view("c1");
  for (const int version : {5, -1}) {
    NewEntry entry = test_object(test_id("indicator", static_cast<unsigned>(10 + version)), version, {v});
    const Seq first = admit(entry).seq;
    entry.apart = {first};
    const AppendedEntry second = admit(entry);
    ASSERT_EQ(second.outcome, Outcome::kNew);
    EXPECT_EQ(admit(entry).seq, second.seq) << "of the others it is one";
    EXPECT_EQ(journal().snapshot()->versions("c1", entry.object_id)->size(), 2U);
    const Entry stored = journal().snapshot()->entry(second.seq).value();
    NewEntry deletion{.kind = EntryKind::kDeletion,
                      .collection = "c1",
                      .object_id = entry.object_id,
                      .version = stored.version,
                      .version_key = stored.version_key};
    deletion.apart = {first};
    append({.entries = {deletion}});
    const auto left = journal().snapshot()->versions("c1", entry.object_id).value();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].seq, first);
    EXPECT_EQ(journal().snapshot()->presence(v, first).value(), Snapshot::Presence::kVisible);
    EXPECT_EQ(journal().snapshot()->presence(v, second.seq).value(), Snapshot::Presence::kWithdrawn);
  }
}

TEST_P(JournalContract, FindsDuplicatesWithinOneBatch) {
  Batch batch;
  const NewEntry entry = test_object(test_id("indicator", 1), 5);
  batch.entries = {entry, entry, test_object(test_id("indicator", 1), 6)};
  const Receipt receipt = append(batch);
  EXPECT_EQ(receipt.entries[1].outcome, Outcome::kDuplicate);
  EXPECT_EQ(receipt.entries[1].seq, 1U);
  EXPECT_EQ(receipt.entries[2].seq, 2U);
}

TEST_P(JournalContract, GivesAnObjectWithoutVersionItsDateAddedAsVersionAndComparesItByItsBytes) {
  NewEntry address = test_object(test_id("ipv4-addr", 1), -1);
  const AppendedEntry first = admit(address);
  EXPECT_EQ(admit(address).outcome, Outcome::kDuplicate);
  address.payload += " ";
  EXPECT_EQ(admit(address).outcome, Outcome::kNew);
  const auto versions = journal().snapshot()->versions("c1", address.object_id).value();
  ASSERT_EQ(versions.size(), 2U);
  EXPECT_EQ(versions[0].version, Instant::from_micros(first.added_us).text(6));
  EXPECT_EQ(versions[0].version, "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(versions[0].version_key, "2026-01-01T00:00:00");
}

TEST_P(JournalContract, AddsStrictlyLaterWhateverTheClockDoes) {
  const ViewId v = view("c1");
  std::int64_t last = 0;
  for (unsigned i = 0; i < 20; ++i) {
    if (i == 5) fixture_->clock.jump_to({1'000, 0});
    if (i == 10) fixture_->clock.jump_to({1'900'000'000, 0});
    const AppendedEntry made = admit(test_object(test_id("indicator", i), 1, {v}));
    EXPECT_GT(made.added_us, last);
    last = made.added_us;
  }
  if (fixture_->durable()) {
    fixture_->clock.jump_to({2'000, 0});
    fixture_->reopen();
    EXPECT_GT(admit(test_object(test_id("indicator", 100), 1, {v})).added_us, last);
  }
}

// D9: whether, and how much, others got in the same microsecond does not show.
TEST_P(JournalContract, DatesOfAViewAreItsOwnWhateverElseIsAdded) {
  const ViewId a = view("c1", "a"), b = view("c1", "b");
  const std::int64_t now = fixture_->clock.now().micros();
  admit(test_object(test_id("indicator", 1), 1, {b}));
  admit(test_object(test_id("indicator", 2), 1));
  admit(test_object(test_id("indicator", 3), 1, {a}));
  admit(test_object(test_id("ipv4-addr", 1), -1, {a, b}));
  Batch batch;
  batch.outbox = {{.view = b, .release = {2}}};
  append(batch);
  batch.outbox = {{.view = a, .release = {1}}};
  append(batch);
  fixture_->clock.jump_to(Instant::from_micros(now - 5'000'000));
  admit(test_object(test_id("indicator", 4), 1, {b}));
  admit(test_object(test_id("indicator", 5), 1, {a}));
  const auto dates = [&](ViewId v) {
    std::vector<std::int64_t> out;
    for (const OutboxRow& row : rows({.view = v, .all = true})) out.push_back(row.added_us - now);
    return out;
  };
  EXPECT_THAT(dates(a), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(dates(b), ElementsAre(0, 1, 2, 3));
  // Which includes the version of an object without one: the date at which it came there.
  const auto address = rows({.view = a, .types = {"ipv4-addr"}});
  ASSERT_EQ(address.size(), 1U);
  EXPECT_EQ(address[0].version, Instant::from_micros(address[0].added_us).text(6));
  EXPECT_THAT(positions({.view = a, .last = false, .version_keys = {added_version(now + 1).key}}), ElementsAre(2));
  if (!fixture_->durable()) return;
  fixture_->reopen();
  admit(test_object(test_id("indicator", 6), 1, {a}));
  EXPECT_THAT(dates(a), ElementsAre(0, 1, 2, 3, 4));
}

TEST_P(JournalContract, CountsWithdrawnRows) {
  const ViewId a = view("c1", "a"), b = view("c1", "b");
  for (unsigned i = 0; i < 4; ++i) admit(test_object(test_id("indicator", i), 1, {a, b}));
  admit(test_object(test_id("ipv4-addr", 1), -1, {a}));
  Batch batch;
  batch.outbox = {{.view = a, .withdraw = {2, 5}}};
  append(batch);
  admit(deletion(test_id("indicator", 3)));
  ASSERT_TRUE(journal().erase(test_id("indicator", 0), "self"));
  EXPECT_EQ(journal().snapshot()->withdrawn_count(a).value(), 4U);
  EXPECT_EQ(journal().snapshot()->withdrawn_count(b).value(), 2U);
}

TEST_P(JournalContract, RefusesAReleaseUnderAStaleEpochAndWritesNothing) {
  const ViewId v = view("c1");
  ASSERT_TRUE(journal().set_epoch(7));
  Batch batch;
  batch.epoch = 6;
  batch.entries = {test_object(test_id("indicator", 1), 1, {v})};
  batch.states = {{"s", "k", "v"}};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kConflict);
  EXPECT_EQ(journal().last_seq(), 0U);
  EXPECT_EQ(journal().state("s", "k").value(), std::nullopt);
  batch.epoch = 7;
  EXPECT_TRUE(journal().append(batch));
  EXPECT_EQ(journal().set_epoch(7).error().code, ErrorCode::kConflict);
  Batch change;
  change.epoch = 6;
  change.outbox = {{.view = v, .withdraw = {1}}};
  EXPECT_TRUE(journal().append(change)) << "taking something away is right under any epoch";
  change.outbox = {{.view = v, .release = {1}}};
  EXPECT_EQ(journal().append(change).error().code, ErrorCode::kConflict);
}

TEST_P(JournalContract, RefusesWhatCannotBeReleased) {
  const ViewId v = view("c1");
  Batch batch;
  batch.entries = {test_object(test_id("indicator", 1), 1, {v + 1})};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid) << "no such view";
  batch.entries = {test_object(test_id("indicator", 1), 1, {v}, "c2")};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid) << "view of another collection";
  batch.entries = {test_object(test_id("alert", 1), -1, {v})};
  batch.entries[0].kind = EntryKind::kAlert;
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid) << "an alert never leaves";
  batch.entries.clear();
  batch.outbox = {{.view = v, .release = {1}}};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid) << "no such entry";
  EXPECT_EQ(journal().last_seq(), 0U);
  EXPECT_THAT(rows({.view = v}), IsEmpty());
}

TEST_P(JournalContract, PagesAViewInOrderOfPositionWithTheDateItWasAdded) {
  const ViewId a = view("c1", "a"), b = view("c1", "b");
  for (unsigned i = 0; i < 10; ++i)
    admit(test_object(test_id("indicator", i), 1, i % 2 == 0 ? std::vector{a, b} : std::vector{a}));
  EXPECT_THAT(positions({.view = b}), ElementsAre(1, 2, 3, 4, 5));
  auto page = journal().snapshot()->page({.view = a, .after = 3, .limit = 4}).value();
  EXPECT_EQ(page.rows.size(), 4U);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.rows[0].pos, 4U);
  EXPECT_EQ(page.rows[0].added_us, journal().snapshot()->entry(page.rows[0].seq)->added_us);
  EXPECT_THAT(positions({.view = a, .added_after_us = page.rows[3].added_us}), ElementsAre(8, 9, 10));
  EXPECT_THAT(positions({.view = a, .added_after_us = page.rows[3].added_us - 1}), ElementsAre(7, 8, 9, 10));
  page = journal().snapshot()->page({.view = a, .after = 6, .limit = 4}).value();
  EXPECT_FALSE(page.more);
  EXPECT_EQ(journal().snapshot()->page({.view = 99}).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(positions({.view = a, .after = ~std::uint64_t{0}}), IsEmpty());
}

TEST_P(JournalContract, ChoosesLastFirstAllAndExactVersionsAmongThoseVisible) {
  const ViewId v = view("c1");
  const std::string id = test_id("indicator", 1);
  for (const int version : {20, 10, 40, 30}) admit(test_object(id, version, {v}));  // positions 1 to 4
  admit(test_object(id, 50));                                                       // not released
  admit(test_object(test_id("malware", 2), 5, {v}));                                // position 5
  EXPECT_THAT(positions({.view = v}), ElementsAre(3, 5));
  EXPECT_THAT(positions({.view = v, .last = false, .first = true}), ElementsAre(2, 5));
  EXPECT_THAT(positions({.view = v, .last = true, .first = true}), ElementsAre(2, 3, 5));
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(1, 2, 3, 4, 5));
  const std::string key = "2024-01-01T00:00:20";
  EXPECT_THAT(positions({.view = v, .last = false, .version_keys = {key}}), ElementsAre(1));
  EXPECT_THAT(positions({.view = v, .last = true, .version_keys = {key}}), ElementsAre(1, 3, 5));
  EXPECT_THAT(positions({.view = v, .ids = {id}, .last = false, .first = true, .version_keys = {key}}),
              ElementsAre(1, 2));
  EXPECT_THAT(positions({.view = v, .last = false, .version_keys = {"2024-01-01T00:00:50"}}), IsEmpty());
  Batch batch;
  batch.outbox = {{.view = v, .withdraw = {3}}};  // version 40
  append(batch);
  EXPECT_THAT(positions({.view = v}), ElementsAre(4, 5));
  batch.outbox = {{.view = v, .release = {3}}};
  append(batch);
  EXPECT_THAT(positions({.view = v}), ElementsAre(5, 6)) << "visible again, appended";
}

TEST_P(JournalContract, FiltersByIdTypeAndSpecVersionTogether) {
  const ViewId v = view("c1");
  for (unsigned i = 0; i < 12; ++i) {
    NewEntry entry = test_object(test_id(i % 3 == 0 ? "indicator" : i % 3 == 1 ? "malware" : "tool", i), 1, {v});
    if (i >= 6) entry.spec_version = "2.0";
    admit(entry);
  }
  EXPECT_THAT(positions({.view = v, .types = {"indicator", "tool"}, .limit = 3}), ElementsAre(1, 3, 4));
  EXPECT_THAT(positions({.view = v, .types = {"indicator"}, .spec_versions = {"2.0"}}), ElementsAre(7, 10));
  EXPECT_THAT(positions({.view = v, .spec_versions = {"2.1"}, .limit = 2}), ElementsAre(1, 2));
  EXPECT_THAT(positions({.view = v, .types = {"no-such"}}), IsEmpty());
  EXPECT_THAT(positions({.view = v, .spec_versions = {"3.0"}}), IsEmpty());
  EXPECT_THAT(positions({.view = v, .ids = {test_id("malware", 4), test_id("indicator", 0), test_id("tool", 77)}}),
              ElementsAre(1, 5));
  EXPECT_THAT(positions({.view = v, .ids = {test_id("malware", 4)}, .types = {"tool"}}), IsEmpty());
  EXPECT_THAT(positions({.view = v, .ids = {test_id("malware", 4), test_id("malware", 4)}}), ElementsAre(5));
}

TEST_P(JournalContract, ShowsTheLatestSpecVersionOfAnObjectUnlessOthersAreAskedFor) {
  const ViewId v = view("c1");
  const std::string id = test_id("indicator", 1);
  const auto put = [&](int version, const char* spec) {
    NewEntry entry = test_object(id, version, {v});
    entry.spec_version = spec;
    return admit(entry).seq;
  };
  put(10, "2.0");
  put(20, "2.0");
  const Seq newer = put(15, "2.1");
  EXPECT_THAT(positions({.view = v}), ElementsAre(3));
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(3));
  EXPECT_THAT(positions({.view = v, .spec_versions = {"2.0"}}), ElementsAre(2));
  EXPECT_THAT(positions({.view = v, .spec_versions = {"2.0"}, .last = false, .first = true}), ElementsAre(1));
  EXPECT_THAT(positions({.view = v, .spec_versions = {"2.0", "2.1"}}), ElementsAre(2));
  EXPECT_THAT(positions({.view = v, .ids = {id}, .spec_versions = {"2.0", "2.1"}, .all = true}), ElementsAre(1, 2, 3));
  EXPECT_THAT(positions({.view = v, .last = false, .version_keys = {"2024-01-01T00:00:10"}}), ElementsAre(1));
  Batch batch;
  batch.outbox = {{.view = v, .withdraw = {newer}}};
  append(batch);
  EXPECT_THAT(positions({.view = v}), ElementsAre(2));
  EXPECT_THAT(positions({.view = v, .last = false, .first = true}), ElementsAre(1));
}

TEST_P(JournalContract, ReleasesLaterWithAFreshDateAddedAndSkipsWhatIsVisible) {
  const ViewId a = view("c1", "a"), b = view("c1", "b");
  std::vector<Seq> seqs;
  for (unsigned i = 0; i < 4; ++i) seqs.push_back(admit(test_object(test_id("indicator", i), 1, {a})).seq);
  Batch batch;
  batch.outbox = {{.view = b, .release = {4, 2, 2, 1}}};
  append(batch);
  const auto page = rows({.view = b});
  ASSERT_EQ(page.size(), 3U);
  EXPECT_EQ(page[0].seq, 4U);
  EXPECT_EQ(page[1].seq, 2U);
  std::int64_t last = 0;
  for (const OutboxRow& row : page) {
    EXPECT_GT(row.added_us, last);
    last = row.added_us;
  }
  batch.outbox = {{.view = b, .release = {4}}};
  append(batch);
  EXPECT_EQ(rows({.view = b}).size(), 3U);
}

TEST_P(JournalContract, WithdrawnRowsStayInTheTailAndNowhereElse) {
  const ViewId v = view("c1");
  for (unsigned i = 0; i < 3; ++i) admit(test_object(test_id("indicator", i), 1, {v}));
  Batch batch;
  batch.outbox = {{.view = v, .withdraw = {2, 77}}};
  append(batch);
  const auto snapshot = journal().snapshot();
  EXPECT_THAT(positions({.view = v}), ElementsAre(1, 3));
  const auto tail = snapshot->tail(v, 0, 10).value();
  ASSERT_EQ(tail.rows.size(), 3U);
  EXPECT_FALSE(tail.rows[0].withdrawn);
  EXPECT_TRUE(tail.rows[1].withdrawn);
  EXPECT_EQ(snapshot->presence(v, 1).value(), Presence::kVisible);
  EXPECT_EQ(snapshot->presence(v, 2).value(), Presence::kWithdrawn);
  EXPECT_EQ(snapshot->presence(v, 9).value(), Presence::kNever);
  EXPECT_EQ(snapshot->released_payload(v, 2).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(snapshot->released_payload(v, 3));
  const auto part = snapshot->tail(v, 1, 1).value();
  EXPECT_EQ(part.rows.at(0).pos, 2U);
  EXPECT_TRUE(part.more);
}

TEST_P(JournalContract, FindsWithdrawnRowsAmongMany) {
  const ViewId v = view("c1"), other = view("c1", "other");
  for (unsigned i = 0; i < 9; ++i) admit(test_object(test_id("indicator", i), 1, {v, other}));
  Batch batch;
  batch.outbox = {{.view = v, .withdraw = {2, 5, 8}}, {.view = other, .withdraw = {3}}};
  append(batch);
  const auto snapshot = journal().snapshot();
  const auto gone = [&](Pos after, std::uint32_t limit) {
    const OutboxPage page = snapshot->withdrawn(v, after, limit).value();
    std::vector<Pos> out;
    for (const OutboxRow& row : page.rows) {
      EXPECT_TRUE(row.withdrawn);
      EXPECT_EQ(row.object_id, test_id("indicator", static_cast<unsigned>(row.pos) - 1));
      out.push_back(row.pos);
    }
    return std::pair(out, page.more);
  };
  EXPECT_EQ(gone(0, 10), std::pair(std::vector<Pos>({2, 5, 8}), false));
  EXPECT_EQ(gone(0, 2), std::pair(std::vector<Pos>({2, 5}), true));
  EXPECT_EQ(gone(5, 10), std::pair(std::vector<Pos>({8}), false));
  EXPECT_EQ(gone(100, 10), std::pair(std::vector<Pos>(), false));
}

TEST_P(JournalContract, GivesEachViewItsOwnRedactedPayload) {
  const ViewId a = view("c1", "a"), b = view("c1", "b");
  NewEntry entry = test_object(test_id("indicator", 1), 1);
  entry.releases = {{a, std::nullopt}, {b, "redacted"}, {b, "second is ignored"}};
  admit(entry);
  const auto snapshot = journal().snapshot();
  EXPECT_EQ(snapshot->released_payload(a, 1).value(), entry.payload);
  EXPECT_EQ(snapshot->released_payload(b, 1).value(), "redacted");
  EXPECT_EQ(rows({.view = b}).size(), 1U);
  const ViewId c = journal().create_view("c1", "c", b, false)->id;
  EXPECT_EQ(journal().snapshot()->released_payload(c, 1).value(), "redacted");
  ASSERT_TRUE(journal().erase(entry.object_id, "cert-lt"));
  EXPECT_EQ(journal().snapshot()->released_payload(b, 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(journal().snapshot()->released_payload(c, 1).error().code, ErrorCode::kNotFound);
}

TEST_P(JournalContract, KeepsAProofBesideThePayloadAndErasesItWithIt) {
  const ViewId a = view("c1", "a"), b = view("c1", "b"), c = view("c1", "c");
  NewEntry entry = test_object(test_id("indicator", 1), 1);
  entry.proof = std::string("proof \0 of all", 14);
  entry.releases = {
      {.view = a}, {.view = b, .payload = "redacted", .proof = "proof of a part"}, {.view = c, .payload = "r"}};
  admit(entry);
  NewEntry unsigned_one = test_object(test_id("indicator", 2), 1);
  unsigned_one.releases = {{.view = a}};
  admit(unsigned_one);
  {
    const auto snapshot = journal().snapshot();
    EXPECT_EQ(snapshot->content(1)->payload, entry.payload);
    EXPECT_EQ(snapshot->content(1)->proof, entry.proof);
    EXPECT_EQ(snapshot->payload(1).value(), entry.payload);
    EXPECT_EQ(snapshot->entry(1)->hash, sha256(entry.payload));
    EXPECT_EQ(snapshot->content(2)->proof, "");
    EXPECT_EQ(snapshot->released(a, 1)->proof, entry.proof);
    EXPECT_EQ(snapshot->released(b, 1)->payload, "redacted");
    EXPECT_EQ(snapshot->released(b, 1)->proof, "proof of a part");
    EXPECT_EQ(snapshot->released(c, 1)->proof, "");
    EXPECT_EQ(snapshot->released(a, 2)->proof, "");
  }
  Batch change;
  change.outbox.push_back(
      {.view = c, .withdraw = {1}, .redacted = {{.seq = 1, .payload = "less", .proof = "of less"}}});
  ASSERT_TRUE(journal().append(change));
  EXPECT_EQ(journal().snapshot()->released(c, 2)->payload, "less");
  EXPECT_EQ(journal().snapshot()->released(c, 2)->proof, "of less");
  EXPECT_TRUE(journal().verify({}));
  ASSERT_TRUE(journal().erase(entry.object_id, "self"));
  EXPECT_EQ(journal().snapshot()->content(1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(journal().snapshot()->released(b, 1).error().code, ErrorCode::kNotFound);

  NewEntry bad = test_object(test_id("indicator", 3), 1);
  bad.proof.resize(kMaxProofBytes + 1);
  Batch batch;
  batch.entries = {bad};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kTooLarge);
  bad.proof = "p";
  bad.payload.clear();
  batch.entries = {bad};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid);
}

TEST_P(JournalContract, KeepsWhatIsInQuarantineOutOfEverythingThatIsAskedForObjects) {
  NewEntry kept = test_object(test_id("quarantine", 5), 1);
  kept.kind = EntryKind::kQuarantined;
  kept.version.clear();
  kept.version_key.clear();
  admit(kept);
  admit(kept);  // not compared with one another
  const auto snapshot = journal().snapshot();
  EXPECT_EQ(journal().last_seq(), 2U);
  EXPECT_TRUE(snapshot->versions("", kept.object_id)->empty());
  EXPECT_TRUE(snapshot->collection_entries(kept.collection, 0, 10)->empty());
  ASSERT_TRUE(snapshot->objects("quarantine", 0, 10, [](Entry&&, Result<std::string>&&) {
    ADD_FAILURE();
    return true;
  }));
  EXPECT_EQ(snapshot->payload(2).value(), kept.payload);
  kept.releases = {{.view = view("c1", "v")}};
  Batch batch;
  batch.entries = {kept};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(journal().erase(kept.object_id, "self"));
  EXPECT_EQ(journal().snapshot()->payload(1).error().code, ErrorCode::kNotFound);
}

TEST_P(JournalContract, ReplacesWhatAViewShowsByARedactedVariantAndBack) {
  const ViewId a = view("c1", "a"), b = view("c1", "b");
  NewEntry entry = test_object(test_id("indicator", 1), 1, {a, b});
  const Seq seq = admit(entry).seq;
  const Seq unversioned = admit(test_object(test_id("ipv4-addr", 2), -1, {a})).seq;
  EXPECT_EQ(journal().snapshot()->position(a, seq).value(), 1U);
  EXPECT_EQ(journal().snapshot()->position(a, 99).value(), 0U);
  Batch batch;
  batch.epoch = journal().epoch();
  batch.outbox = {{.view = a,
                   .withdraw = {seq, unversioned},
                   .redacted = {{seq, "less"}, {unversioned, "nothing"}, {seq, "is visible already"}}}};
  append(batch);
  const auto snapshot = journal().snapshot();
  EXPECT_THAT(positions({.view = a}), ElementsAre(3, 4));
  EXPECT_EQ(snapshot->position(a, seq).value(), 3U);
  const auto all = snapshot->rows_of(a, snapshot->entry(seq)->object_id).value();
  EXPECT_THAT(all, testing::Contains(testing::AllOf(testing::Field(&OutboxRow::pos, 1U), testing::Field(&OutboxRow::withdrawn, true))));
  EXPECT_THAT(all, testing::Contains(testing::AllOf(testing::Field(&OutboxRow::pos, 3U), testing::Field(&OutboxRow::withdrawn, false))));
  EXPECT_EQ(snapshot->released_payload(a, 3).value(), "less");
  EXPECT_EQ(snapshot->released_payload(a, 4).value(), "nothing");
  EXPECT_EQ(snapshot->released_payload(a, 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(snapshot->released_payload(b, 1).value(), entry.payload);
  batch.outbox = {{.view = a, .release = {seq}, .withdraw = {seq}}};
  append(batch);
  EXPECT_EQ(journal().snapshot()->released_payload(a, 5).value(), entry.payload);
  EXPECT_EQ(journal().snapshot()->position(b, unversioned).value(), 0U);
  ASSERT_TRUE(journal().verify(nullptr)) << "what was redacted opens under its own context";
  batch.outbox = {{.view = a, .redacted = {{99, "no such entry"}}}};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid);
  batch.epoch += 1;
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kConflict);
}

TEST_P(JournalContract, DeletesOneVersionOrAllFromOneCollectionOnly) {
  const ViewId a = view("c1", "a"), b = view("c1", "b"), other = view("c2", "a");
  const std::string id = test_id("indicator", 1);
  const NewEntry second = test_object(id, 20, {a, b});
  admit(test_object(id, 10, {a, b}));
  admit(second);
  admit(test_object(id, 10, {other}, "c2"));
  admit(deletion(id, &second));
  EXPECT_THAT(positions({.view = a}), ElementsAre(1));
  EXPECT_THAT(positions({.view = b, .all = true}), ElementsAre(1));
  EXPECT_EQ(journal().snapshot()->versions("c1", id)->size(), 1U);
  EXPECT_EQ(journal().snapshot()->versions("", id)->size(), 2U);
  EXPECT_EQ(journal().snapshot()->collection_entries("c1", 0, 10)->size(), 1U);
  EXPECT_EQ(admit(second).outcome, Outcome::kNew) << "a deleted version may come again";
  EXPECT_THAT(positions({.view = a}), ElementsAre(3));
  admit(deletion(id));
  EXPECT_THAT(positions({.view = a, .all = true}), IsEmpty());
  EXPECT_THAT(positions({.view = other}), ElementsAre(1));
  EXPECT_THAT(*journal().snapshot()->versions("c1", id), IsEmpty());
  Batch batch;
  batch.outbox = {{.view = a, .release = {1}}};
  append(batch);
  EXPECT_THAT(positions({.view = a, .all = true}), IsEmpty()) << "a deleted version is not released again";
  const Entry kept = journal().snapshot()->entry(1).value();
  EXPECT_EQ(kept.object_id, id) << "the entry stays for ever";
}

TEST_P(JournalContract, DeletesAnObjectWithoutVersionByItsDateAdded) {
  const ViewId v = view("c1");
  NewEntry address = test_object(test_id("ipv4-addr", 1), -1, {v});
  admit(address);
  fixture_->clock.advance(std::chrono::seconds(1));
  address.payload += " ";
  admit(address);
  const auto versions = journal().snapshot()->versions("c1", address.object_id).value();
  NewEntry remove = deletion(address.object_id);
  remove.version = versions[0].version;
  remove.version_key = versions[0].version_key;
  admit(remove);
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(2));
  EXPECT_EQ(rows({.view = v})[0].version, versions[1].version);
  EXPECT_FALSE(versions[1].versioned);
}

TEST_P(JournalContract, ErasesEveryVersionEverywhereAndKeepsItAway) {
  const ViewId v = view("c1"), other = view("c2");
  const std::string id = test_id("indicator", 1);
  const NewEntry first = test_object(id, 10, {v});
  admit(first);
  admit(test_object(id, 20, {v}));
  admit(test_object(id, 10, {other}, "c2"));
  admit(test_object(test_id("indicator", 2), 1, {v}));
  const Seq erasure = journal().erase(id, "cert-ua").value();
  const auto snapshot = journal().snapshot();
  for (const Seq seq : {1U, 2U, 3U}) {
    EXPECT_EQ(snapshot->payload(seq).error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(snapshot->entry(seq)->erased);
  }
  EXPECT_EQ(snapshot->payload(4).value(), test_object(test_id("indicator", 2), 1).payload);
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(3));
  EXPECT_EQ(snapshot->presence(other, 3).value(), Presence::kWithdrawn);
  EXPECT_EQ(snapshot->released_payload(v, 1).error().code, ErrorCode::kNotFound);
  const Entry entry = snapshot->entry(erasure).value();
  EXPECT_EQ(entry.kind, EntryKind::kErasure);
  EXPECT_EQ(entry.object_id, id);
  EXPECT_EQ(entry.origin, "cert-ua");
  EXPECT_EQ(admit(first).outcome, Outcome::kDuplicate) << "an erased version does not come back";
  admit(deletion(id));
  EXPECT_EQ(admit(first).outcome, Outcome::kDuplicate);
  EXPECT_EQ(journal().last_seq(), 6U);
  Batch batch;
  batch.outbox = {{.view = v, .release = {1}}};
  append(batch);
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(3));
  EXPECT_TRUE(journal().verify({}));
}

TEST_P(JournalContract, DestroysTheCopiesOfOneMemberUpToAVersionInOneCommit) {
  const ViewId v = view("c1"), other = view("c2");
  const std::string id = test_id("indicator", 1);
  NewEntry mine = test_object(id, 1, {v}), newer = test_object(id, 2, {v}), newest = test_object(id, 3, {v});
  const Seq first = admit(mine).seq, second = admit(newer).seq, third = admit(newest).seq;
  NewEntry foreign = test_object(id, 1, {other});
  foreign.collection = "c2";
  foreign.origin = "cert-other";
  const Seq kept = admit(foreign).seq;
  Batch batch;
  batch.entries.push_back({.kind = EntryKind::kDeletion, .collection = "c1", .object_id = id});
  batch.entries.back().version = mine.version;
  batch.entries.back().version_key = mine.version_key;
  append(batch);
  batch.entries.clear();
  batch.states = {{"recall", "x", "y"}};
  batch.destroy = {{id, mine.origin, newer.version_key}, {id, "nobody", ""}, {test_id("malware", 7), mine.origin, ""}};
  const auto receipt = journal().append(batch);
  ASSERT_TRUE(receipt) << receipt.error().text();
  EXPECT_THAT(receipt->destroyed, ElementsAre(2, 0, 0)) << "the deleted version, too";
  const auto snapshot = journal().snapshot();
  EXPECT_EQ(snapshot->payload(first).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(snapshot->payload(second).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(snapshot->payload(third)) << "a newer version is another decision";
  EXPECT_TRUE(snapshot->payload(kept)) << "somebody else's copy";
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(3));
  EXPECT_THAT(positions({.view = other, .all = true}), ElementsAre(1));
  EXPECT_EQ(snapshot->released_payload(v, 2).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(journal().state("recall", "x").value(), "y");
  const auto told = snapshot->entries(kept + 1, 10).value();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].kind, EntryKind::kErasure);
  EXPECT_EQ(told[0].collection, "c1");
  EXPECT_EQ(told[0].version, mine.version);
  EXPECT_EQ(told[0].origin, mine.origin);
  EXPECT_EQ(told[0].destroyed, first);
  EXPECT_EQ(told[1].destroyed, second);
  EXPECT_EQ(admit(newer).outcome, Outcome::kDuplicate) << "a destroyed version does not come back";
  EXPECT_EQ(admit(mine).outcome, Outcome::kDuplicate);
  batch.destroy = {{id, mine.origin, ""}};
  EXPECT_THAT(journal().append(batch)->destroyed, ElementsAre(1));
  EXPECT_TRUE(journal().verify({}));
  batch.destroy = {{"", mine.origin, ""}};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kInvalid);
}

TEST_P(JournalContract, WhatWasDestroyedUpToADecisionMayComeAgainUntilItIsDestroyedForGood) {
  const ViewId v = view("c1");
  const std::string id = test_id("indicator", 1);
  NewEntry older = test_object(id, 1, {v}), newer = test_object(id, 2, {v});
  const Seq first = admit(older).seq, second = admit(newer).seq;
  Batch batch;
  batch.destroy = {{.object_id = id, .origin = older.origin, .upto = newer.version_key, .may_return = true, .keep = {newer.version_key}}};
  EXPECT_THAT(journal().append(batch)->destroyed, ElementsAre(1));
  EXPECT_EQ(journal().snapshot()->payload(first).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(journal().snapshot()->payload(second)) << "kept: decided later";
  EXPECT_EQ(journal().snapshot()->versions("c1", id)->size(), 1U);
  const auto again = admit(older);
  EXPECT_EQ(again.outcome, Outcome::kNew);
  EXPECT_TRUE(journal().snapshot()->payload(again.seq));
  EXPECT_THAT(positions({.view = v, .all = true}), ElementsAre(2, 3));
  // A copy that was replaced is not what is kept.
  Batch replaced;
  replaced.entries.push_back({.kind = EntryKind::kDeletion, .collection = "c1", .object_id = id});
  replaced.entries.back().version = newer.version;
  replaced.entries.back().version_key = newer.version_key;
  append(replaced);
  EXPECT_THAT(journal().append(batch)->destroyed, ElementsAre(2)) << "the older one, and the copy that was deleted";
  EXPECT_EQ(admit(newer).outcome, Outcome::kNew);
  batch.destroy = {{.object_id = id, .origin = older.origin, .upto = newer.version_key}};
  EXPECT_THAT(journal().append(batch)->destroyed, ElementsAre(1));
  EXPECT_EQ(admit(older).outcome, Outcome::kDuplicate) << "for good";
  EXPECT_EQ(admit(newer).outcome, Outcome::kDuplicate);
  EXPECT_TRUE(journal().verify({}));
}

TEST_P(JournalContract, CopiesAViewAtTheSamePositionsOrCompact) {
  const ViewId v = view("c1", "a");
  for (unsigned i = 0; i < 4; ++i) admit(test_object(test_id("indicator", i), 1, {v}));
  Batch batch;
  batch.outbox = {{.view = v, .withdraw = {2}}};
  append(batch);
  const View same = journal().create_view("c1", "b", v, false).value();
  const View compact = journal().create_view("c1", "c", v, true).value();
  EXPECT_EQ(same.last, 4U);
  EXPECT_EQ(compact.last, 3U);
  EXPECT_THAT(positions({.view = same.id}), ElementsAre(1, 3, 4));
  EXPECT_THAT(positions({.view = compact.id}), ElementsAre(1, 2, 3));
  EXPECT_EQ(rows({.view = compact.id})[1].seq, 3U);
  admit(test_object(test_id("indicator", 1), 2, {same.id, compact.id}));
  EXPECT_THAT(positions({.view = same.id}), ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(positions({.view = v}), ElementsAre(1, 3, 4)) << "copies go their own way";
  EXPECT_EQ(journal().create_view("c1", "b", 0, false)->id, same.id) << "one live view for a key";
  EXPECT_EQ(journal().create_view("c2", "x", v, false).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(journal().create_view("c1", "x", 99, false).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(journal().rename_view(v, "z"));
  EXPECT_EQ(journal().rename_view(v, "b").error().code, ErrorCode::kConflict);
  EXPECT_EQ(journal().rename_view(99, "q").error().code, ErrorCode::kNotFound);
  const auto views = journal().views().value();
  ASSERT_EQ(views.size(), 3U);
  EXPECT_EQ(views[0].key, "z");
  EXPECT_EQ(views[0].last, 4U);
  EXPECT_EQ(views[2].collection, "c1");
}

TEST_P(JournalContract, WritesStateWithTheBatchOrNotAtAll) {
  Batch batch;
  batch.states = {{"links", "b", "2"}, {"links", "a", std::string("1\0x", 3)}, {"other", "a", "3"}};
  append(batch);
  EXPECT_EQ(journal().state("links", "a").value(), std::string("1\0x", 3));
  const auto all = journal().states("links").value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].first, "a");
  batch.states = {{"links", "a", std::nullopt}, {"links", "b", ""}, {"links", "none", std::nullopt}};
  append(batch);
  EXPECT_EQ(journal().state("links", "a").value(), std::nullopt);
  EXPECT_EQ(journal().state("links", "b").value(), "");
}

TEST_P(JournalContract, ChangesTheLabelOfAnObjectWithItsRowsAndNothingElseOfIt) {
  const ViewId v = view("c1");
  admit(test_object(test_id("indicator", 1), 1, {v}));
  admit(test_object(test_id("indicator", 2), 1, {v}));
  admit(deletion(test_id("indicator", 2)));
  const auto before = journal().snapshot();
  const Entry was = before->entry(1).value();
  Batch batch;
  batch.labels = {{1, "another label"}, {1, "tlp:red"}};
  batch.outbox = {{.view = v, .withdraw = {1}}};
  append(batch);
  const auto after = journal().snapshot();
  Entry is = after->entry(1).value();
  EXPECT_EQ(is.label, "tlp:red") << "the last of one batch";
  EXPECT_EQ(after->versions("c1", test_id("indicator", 1))->at(0).label, "tlp:red");
  EXPECT_EQ(after->entries(0, 1)->at(0).label, "tlp:red");
  EXPECT_TRUE(after->page({.view = v})->rows.empty());
  EXPECT_EQ(before->entry(1)->label, was.label) << "a snapshot sees one moment";
  EXPECT_EQ(is.hash, was.hash);
  EXPECT_EQ(is.version, was.version);
  EXPECT_EQ(journal().last_seq(), 3U) << "no entry of its own";
  // Deletions have no label that anybody is asked for, and what is not there has none.
  for (const Seq seq : {Seq{3}, Seq{4}, Seq{0}}) {
    Batch wrong;
    wrong.labels = {{2, "never"}, {seq, "never"}};
    const auto refused = journal().append(wrong);
    ASSERT_FALSE(refused) << seq;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  }
  EXPECT_NE(journal().snapshot()->entry(2)->label, "never") << "nothing of a batch that is refused is written";
}

TEST_P(JournalContract, ASnapshotSeesOneMoment) {
  const ViewId v = view("c1");
  admit(test_object(test_id("indicator", 1), 1, {v}));
  const auto before = journal().snapshot();
  admit(test_object(test_id("indicator", 1), 2, {v}));
  admit(deletion(test_id("indicator", 1)));
  EXPECT_EQ(before->entries(0, 10)->size(), 1U);
  EXPECT_EQ(before->page({.view = v})->rows.size(), 1U);
  EXPECT_TRUE(before->released_payload(v, 1));
  EXPECT_EQ(before->presence(v, 1).value(), Presence::kVisible);
  EXPECT_EQ(journal().snapshot()->entries(0, 10)->size(), 3U);
}

TEST_P(JournalContract, FeedsEntriesFromAnySequenceNumber) {
  for (unsigned i = 0; i < 10; ++i) admit(test_object(test_id("indicator", i), 1, {}, i % 2 == 0 ? "c1" : "c2"));
  const auto feed = journal().snapshot()->entries(7, 2).value();
  ASSERT_EQ(feed.size(), 2U);
  EXPECT_EQ(feed[0].seq, 8U);
  const auto of = journal().snapshot()->collection_entries("c2", 4, 2).value();
  ASSERT_EQ(of.size(), 2U);
  EXPECT_EQ(of[0].seq, 6U);
  EXPECT_EQ(of[1].seq, 8U);
  EXPECT_TRUE(journal().snapshot()->entries(~std::uint64_t{0}, 5)->empty());
}

TEST_P(JournalContract, ReadsTheObjectsOfOneTypeThatAreThere) {
  const auto read = [&](std::string_view type, Seq after, Seq upto, std::size_t most = 100) {
    std::vector<Seq> seqs;
    EXPECT_TRUE(journal().snapshot()->objects(type, after, upto, [&](Entry&& entry, Result<std::string>&& payload) {
      EXPECT_EQ(payload.value(), journal().snapshot()->payload(entry.seq).value());
      EXPECT_EQ(entry.object_id, journal().snapshot()->entry(entry.seq)->object_id);
      EXPECT_EQ(entry.version, journal().snapshot()->entry(entry.seq)->version);
      EXPECT_EQ(entry.label, "tlp:green");
      seqs.push_back(entry.seq);
      return seqs.size() < most;
    }));
    return seqs;
  };
  EXPECT_THAT(read("indicator", 0, 100), IsEmpty());
  admit(test_object(test_id("indicator", 1), 1, {}));        // 1
  admit(test_object(test_id("malware", 2), 1, {}));          // 2
  admit(test_object(test_id("indicator", 1), 2, {}, "c2"));  // 3
  admit(test_object(test_id("indicator", 3), 1, {}));        // 4
  admit(test_object(test_id("ipv4-addr", 4), -1, {}));       // 5
  admit(test_object(test_id("indicator", 5), 1, {}));        // 6
  EXPECT_THAT(read("indicator", 0, 100), ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(read("indicator", 1, 4), ElementsAre(3, 4));
  EXPECT_THAT(read("indicator", 0, 100, 2), ElementsAre(1, 3));
  EXPECT_THAT(read("ipv4-addr", 0, ~Seq{0}), ElementsAre(5));
  EXPECT_THAT(read("indicator", ~Seq{0}, ~Seq{0}), IsEmpty());
  EXPECT_THAT(read("nothing", 0, 100), IsEmpty());
  admit(deletion(test_id("indicator", 3)));
  EXPECT_THAT(read("indicator", 0, 100), ElementsAre(1, 3, 6));
  ASSERT_TRUE(journal().erase(test_id("indicator", 1), "cert-lt"));
  EXPECT_THAT(read("indicator", 0, 100), ElementsAre(6));
}

TEST_P(JournalContract, WakesThoseWhoWait) {
  EXPECT_EQ(journal().wait_beyond(0, std::chrono::milliseconds(1)), 0U);
  std::atomic<Seq> told{0};
  journal().on_commit([&](Seq seq) { told = seq; });
  std::thread waiting([&] { EXPECT_GE(journal().wait_beyond(0, std::chrono::seconds(60)), 1U); });
  admit(test_object(test_id("indicator", 1), 1));
  waiting.join();
  EXPECT_EQ(told, 1U);
  std::thread closing([&] { EXPECT_EQ(journal().wait_beyond(1, std::chrono::seconds(60)), 1U); });
  journal().close();
  closing.join();
}

TEST_P(JournalContract, AnswersCancelledAfterClose) {
  const ViewId v = view("c1");
  journal().close();
  journal().close();
  EXPECT_EQ(journal().append({}).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(journal().set_epoch(9).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(journal().erase("x--y", "me").error().code, ErrorCode::kCancelled);
  EXPECT_EQ(journal().snapshot()->page({.view = v}).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(journal().state("a", "b").error().code, ErrorCode::kCancelled);
}

TEST_P(JournalContract, RefusesBatchesBeyondItsLimits) {
  Batch batch;
  batch.entries.resize(kMaxBatchEntries + 1, test_object(test_id("indicator", 1), 1));
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kTooLarge);
  batch.entries.clear();
  batch.outbox = {{.view = 1, .release = std::vector<Seq>(kMaxOutboxChanges + 1, 1)}};
  EXPECT_EQ(journal().append(batch).error().code, ErrorCode::kTooLarge);
}

TEST_P(JournalContract, ServesManyWritersAndReadersAtOnce) {
  constexpr unsigned kWriters = 4, kEach = 60;
  const ViewId v = view("c1");
  std::atomic<bool> writing{true};
  std::vector<std::thread> threads;
  for (unsigned w = 0; w < kWriters; ++w)
    threads.emplace_back([&, w] {
      for (unsigned i = 0; i < kEach; ++i) {
        Batch batch;
        batch.entries = {test_object(test_id("indicator", w * 1000 + i), 1, {v}),
                         test_object(test_id("malware", i), static_cast<int>(w), {v})};
        batch.states = {{"writers", fmt::format("{}", w), fmt::format("{}", i)}};
        const auto receipt = journal().append(batch);
        ASSERT_TRUE(receipt) << receipt.error().text();
        const auto snapshot = journal().snapshot();
        EXPECT_EQ(snapshot->payload(receipt->entries[0].seq).value(), batch.entries[0].payload);
      }
    });
  std::vector<std::thread> readers;
  for (unsigned r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      while (writing) {
        const auto snapshot = journal().snapshot();
        const auto page = snapshot->page({.view = v, .all = true, .limit = 100'000});
        ASSERT_TRUE(page) << page.error().text();
        std::int64_t added = 0;
        for (std::size_t i = 0; i < page->rows.size(); ++i) {
          EXPECT_EQ(page->rows[i].pos, i + 1);
          EXPECT_GT(page->rows[i].added_us, added);
          added = page->rows[i].added_us;
        }
        if (!page->rows.empty()) {
          EXPECT_TRUE(snapshot->released_payload(v, page->rows.back().pos));
        }
        EXPECT_EQ(snapshot->entries(0, 100'000)->size(), page->rows.size());
      }
    });
  for (auto& thread : threads) thread.join();
  writing = false;
  for (auto& thread : readers) thread.join();
  EXPECT_EQ(journal().last_seq(), kWriters * kEach * 2);
  EXPECT_EQ(rows({.view = v, .limit = 100'000}).size(), kWriters * kEach + kEach);
  EXPECT_TRUE(journal().verify({}));
}

TEST_P(JournalContract, HasEverythingAfterReopening) {
  if (!fixture_->durable()) GTEST_SKIP() << "this backend keeps nothing";
  const ViewId v = view("c1");
  const NewEntry entry = test_object(test_id("indicator", 1), 1, {v});
  admit(entry);
  Batch batch;
  batch.states = {{"s", "k", "v"}};
  append(batch);
  ASSERT_TRUE(journal().set_epoch(5));
  fixture_->reopen();
  EXPECT_EQ(journal().epoch(), 5U);
  EXPECT_EQ(journal().last_seq(), 1U);
  EXPECT_EQ(journal().state("s", "k").value(), "v");
  EXPECT_EQ(journal().snapshot()->released_payload(v, 1).value(), entry.payload);
  EXPECT_EQ(admit(entry).outcome, Outcome::kDuplicate);
  EXPECT_EQ(admit(test_object(test_id("indicator", 2), 1, {v})).seq, 2U);
  EXPECT_THAT(positions({.view = v}), ElementsAre(1, 2));
  EXPECT_TRUE(journal().verify({}));
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(JournalContract);

}  // namespace bongsu::journal
