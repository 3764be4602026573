#include "ledger/store.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "ledger/ledger_test_support.h"

namespace bongsu::ledger {
namespace {

std::unique_ptr<Store> must_open(Files& files, std::uint64_t segment_bytes = 1 << 20) {
  OpenReport report;
  auto store = Store::open(files, test_options(segment_bytes), report);
  EXPECT_TRUE(store) << store.error().text();
  return store ? std::move(*store) : nullptr;
}

std::vector<std::string> leaves(std::uint64_t count, std::uint64_t first = 0) {
  std::vector<std::string> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(test_entry(first + i).leaf);
  return out;
}

// Everything that a log says of itself, against the slow twin.
void expect_log(const Store& store, const std::string& log, std::uint64_t count, SeededRandom& random) {
  const auto expected = leaves(count);
  ASSERT_TRUE(store.head(log));
  ASSERT_EQ(store.head(log)->size, count);
  const Hash root = slow_root(expected, 0, count);
  ASSERT_EQ(store.head(log)->root, root);
  ASSERT_TRUE(store.verify(log)) << store.verify(log).error().text();
  for (int i = 0; i < 12; ++i) {
    const std::uint64_t size = 1 + random.below(count), index = random.below(size);
    EXPECT_EQ(*store.root_at(log, size), slow_root(expected, 0, size));
    EXPECT_EQ(*store.inclusion(log, index, size), slow_path(index, expected, 0, size));
    EXPECT_EQ(*store.consistency(log, size, count), slow_consistency(size, expected, 0, count, true));
    EXPECT_EQ(*store.entry(log, index), expected[index]);
    const auto opening = store.opening(log, index);
    ASSERT_TRUE(opening) << opening.error().text();
    EXPECT_TRUE(check_opening(*Leaf::parse(expected[index]), *opening));
  }
}

TEST(Store, GrowsSettlesAndOpensAgain) {
  MemoryFiles files;
  SeededRandom random(3);
  auto store = must_open(files);
  std::uint64_t size = 0;
  for (const std::uint64_t count : {1, 2, 250, 3, 256, 700, 1}) {
    Group group = test_group("node", size, count);
    ASSERT_TRUE(store->commit(group));
    EXPECT_EQ(group.logs[0].first, size);
    size += count;
    expect_log(*store, "node", size, random);
    if (count == 3 || count == 700) {
      ASSERT_TRUE(store->settle());
      expect_log(*store, "node", size, random);
    }
    store = must_open(files);
    ASSERT_NE(store, nullptr);
    expect_log(*store, "node", size, random);
    EXPECT_EQ(store->cursor("source/node"), std::to_string(size));
  }
  // What is served is what the specification says, and every width of a partial tile that was ever published.
  ASSERT_TRUE(store->settle());
  EXPECT_EQ(store->resource("node", {.level = 0, .index = 0})->size(), 8192u);
  for (const unsigned width : {1u, 100u, 189u}) {
    EXPECT_EQ(store->resource("node", {.level = 0, .index = 4, .width = width})->size(), width * 32);
    EXPECT_EQ(parse_bundle(*store->resource("node", {.entries = true, .index = 4, .width = width}), width)->front(), leaves(1025).back());
  }
  EXPECT_EQ(store->resource("node", {.level = 0, .index = 4, .width = 190}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(files.files().count("logs/node/tile/0/000"), 1u);
  EXPECT_EQ(files.files().count("logs/node/tile/entries/004.p/189"), 1u);
  EXPECT_EQ(files.files().count("logs/node/tile/entries/000.p/1"), 0u);
}

TEST(Store, LongLogsHaveTilesOfTilesAndProofsThroughThem) {
  MemoryFiles files;
  auto store = must_open(files);
  Tree tree;
  std::vector<Hash> roots(1, empty_root());
  constexpr std::uint64_t kSize = 66'000;
  for (std::uint64_t at = 0; at < kSize; at += 1'000) {
    Group group = test_group("node", at, 1'000);
    for (const auto& entry : group.logs[0].entries) {
      tree.append(leaf_hash(entry.leaf));
      roots.push_back(tree.root());
    }
    ASSERT_TRUE(store->commit(group));
    if (at % 10'000 == 0) ASSERT_TRUE(store->settle());
  }
  ASSERT_TRUE(store->settle());
  store = must_open(files);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(files.files().count("logs/node/tile/2/000.p/1"), 1u);
  SeededRandom random(5);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t size = 1 + random.below(kSize), index = random.below(size);
    EXPECT_TRUE(verify_inclusion(index, size, leaf_hash(*store->entry("node", index)), *store->inclusion("node", index, size), roots[size]));
    if (size < kSize) EXPECT_TRUE(verify_consistency(size, kSize, roots[size], roots[kSize], *store->consistency("node", size, kSize)));
  }
}

// One scripted life: three logs that grow, are settled, cosigned, erased from. Returns how many entries of each were acknowledged.
std::map<std::string, std::uint64_t> live(Files& files, std::uint64_t seed, bool& opened) {
  std::map<std::string, std::uint64_t> durable;
  OpenReport report;
  auto store = Store::open(files, test_options(), report);
  opened = store.has_value();
  if (!store) return durable;
  SeededRandom random(seed);
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& log : (*store)->logs())
    if (const auto head = (*store)->head(log)) durable[log] = sizes[log] = head->size;
  for (int step = 0; step < 14; ++step) {
    Group group;
    for (const char* log : {"node", "pair/cert-ua", "pair/cert-fi"}) {
      if (random.below(3) == 0) continue;
      Group one = test_group(log, sizes[log], 1 + random.below(200));
      sizes[log] += one.logs[0].entries.size();
      group.logs.push_back(std::move(one.logs[0]));
      group.cursors.insert(one.cursors.begin(), one.cursors.end());
    }
    if (!(*store)->commit(group)) return durable;
    durable = sizes;
    if (step % 5 == 3 && !(*store)->settle(step == 8)) return durable;
    if (step == 6 && !(*store)->put_cosigned("node", *(*store)->checkpoint("node"))) return durable;
  }
  return durable;
}

TEST(Store, ALossOfPowerAtEveryWriteLosesNothingThatWasAcknowledged) {
  const std::uint64_t step = std::getenv("BONGSU_LONG") != nullptr ? 1 : 3;
  std::uint64_t crashes = 0;
  bool finished = false;
  for (std::uint64_t at = 1; !finished; at += step, ++crashes) {
    MemoryFiles files;
    files.fail_at(at, at);
    bool opened = false;
    const auto durable = live(files, 11, opened);
    finished = files.writes() < at;
    files.recover();
    OpenReport report;
    const auto store = Store::open(files, test_options(), report);
    ASSERT_TRUE(store) << "write " << at << ": " << store.error().text();
    for (const auto& [log, size] : durable) {
      const auto head = (*store)->head(log);
      ASSERT_TRUE(head || size == 0) << log << " at write " << at;
      if (!head) continue;
      ASSERT_GE(head->size, size) << log << " at write " << at;
      ASSERT_TRUE((*store)->verify(log)) << "write " << at << (*store)->verify(log).error().text();
      // A group is there as a whole with its cursor, or not at all.
      EXPECT_EQ((*store)->cursor("source/" + log), std::to_string(head->size)) << log << " at write " << at;
      const auto expected = leaves(head->size);
      ASSERT_EQ(head->root, slow_root(expected, 0, head->size)) << log << " at write " << at;
    }
    // And it lives on from there, what is settled later with what was half settled before.
    bool again = false;
    live(files, 12, again);
    EXPECT_TRUE(again);
    const auto later = Store::open(files, test_options(), report);
    ASSERT_TRUE(later) << "write " << at << ": " << later.error().text();
    ASSERT_TRUE((*later)->settle());
    for (const auto& log : (*later)->logs())
      if ((*later)->head(log)) ASSERT_TRUE((*later)->verify(log)) << "write " << at << (*later)->verify(log).error().text();
  }
  EXPECT_GT(crashes, 50 / step);
}

TEST(Store, EveryDamagedFileIsNamedAtOpening) {
  MemoryFiles files;
  {
    auto store = must_open(files);
    for (const std::uint64_t at : {0, 300, 600}) {
      Group group = test_group("node", at, 300);
      group.logs.push_back(test_group("pair/cert-ua", at / 10, 30).logs[0]);
      ASSERT_TRUE(store->commit(group));
      if (at == 300) {
        ASSERT_TRUE(store->settle());
        ASSERT_TRUE(store->put_cosigned("node", *store->checkpoint("node")));
      }
    }
    Group last = test_group("node", 900, 5);
    ASSERT_TRUE(store->commit(last));
  }
  const auto whole = files.files();
  ASSERT_GT(whole.size(), 12u);
  SeededRandom random(9);
  for (const auto& [path, bytes] : whole) {
    if (bytes.empty()) continue;
    for (int i = 0; i < 6; ++i) {
      files.files() = whole;
      // The end of the log ahead may be a write that was cut off: that is another test.
      std::size_t at = i == 0 ? 0 : i == 1 ? bytes.size() - 1 : random.below(bytes.size());
      if (path.starts_with("wal/")) at %= bytes.size() * 3 / 4;
      auto& damaged = files.files()[path];
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
      OpenReport report;
      const auto store = Store::open(files, test_options(), report);
      if (store) {
        // An opening's subject is not covered by the leaf; a length that reads as a cut-off end is reported as that.
        EXPECT_TRUE(path.find("openings/") != std::string::npos || report.torn_file == path) << path << " at " << at;
        continue;
      }
      EXPECT_TRUE(store.error().code == ErrorCode::kCorrupt) << path << ": " << store.error().text();
      EXPECT_FALSE(store.error().where.source.empty());
    }
    files.files() = whole;
    files.files().erase(path);
    OpenReport report;
    const auto store = Store::open(files, test_options(), report);
    // Without the file of a cosigned checkpoint nothing is wrong with a log; nor without the newest segment, unless what it held was
    // cosigned (the test below).
    if (path.ends_with("cosigned") || path.starts_with("wal/")) continue;
    ASSERT_FALSE(store) << path << " was not missed";
    EXPECT_EQ(store.error().code, ErrorCode::kCorrupt) << path << store.error().text();
  }
}

TEST(Store, AnEndThatIsLostAfterItWasCosignedIsNoTornWrite) {
  MemoryFiles files;
  {
    auto store = must_open(files);
    Group group = test_group("pair/cert-ua", 0, 10);
    ASSERT_TRUE(store->commit(group));
    group = test_group("pair/cert-ua", 10, 2);
    ASSERT_TRUE(store->commit(group));
    ASSERT_TRUE(store->put_cosigned("pair/cert-ua", *store->checkpoint("pair/cert-ua")));
  }
  auto& wal = files.files().at("wal/00000001");
  wal.resize(wal.size() - 1);
  OpenReport report;
  const auto store = Store::open(files, test_options(), report);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(store.error().message.find("12 entries"), std::string::npos) << store.error().text();
}

TEST(Store, ErasingLeavesNoSaltAndNoContentAnywhere) {
  MemoryFiles files;
  auto store = must_open(files);
  Group group;
  for (const char* log : {"node", "pair/cert-ua"}) {
    LogAddition addition{.log = log, .first = 0, .entries = {}};
    for (std::uint64_t i = 0; i < 300; ++i) addition.entries.push_back(test_entry(i, i % 100 == 7 ? "indicator--gone" : "indicator--stays"));
    group.logs.push_back(std::move(addition));
  }
  const std::string salt(as_text(group.logs[0].entries[107].opening.salt));
  ASSERT_TRUE(store->commit(group));
  const auto erased = store->erase("indicator--gone");
  ASSERT_TRUE(erased) << erased.error().text();
  EXPECT_EQ(*erased, 6u);
  EXPECT_EQ(*store->erase("indicator--gone"), 0u);
  for (const auto& [path, bytes] : files.files()) {
    EXPECT_EQ(bytes.find(salt), std::string::npos) << path;
    EXPECT_EQ(bytes.find(R"({"number":107})"), std::string::npos) << path;
    EXPECT_EQ(bytes.find("indicator--gone"), std::string::npos) << path;
  }
  store = must_open(files);
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(store->opening("node", 107)->erased);
  EXPECT_FALSE(store->opening("node", 108)->erased);
  // The log itself is what it was.
  EXPECT_EQ(store->head("node")->root, slow_root(leaves(300), 0, 300));
  EXPECT_TRUE(store->verify("node"));
}

TEST(Store, AnErasureThatWasCutOffIsFinishedWhenItIsAskedForAgain) {
  for (std::uint64_t cut = 1;; ++cut) {
    MemoryFiles files;
    {
      auto store = must_open(files);
      Group group{.logs = {{.log = "node", .first = 0, .entries = {test_entry(0), test_entry(1, "indicator--gone"), test_entry(2)}}}, .cursors = {}};
      ASSERT_TRUE(store->commit(group));
      files.fail_at(files.writes() + cut, cut);
      if (store->erase("indicator--gone")) break;
    }
    files.recover();
    auto store = must_open(files);
    ASSERT_NE(store, nullptr) << cut;
    ASSERT_TRUE(store->erase("indicator--gone"));
    for (const auto& [path, bytes] : files.files()) EXPECT_EQ(bytes.find(R"({"number":1})"), std::string::npos) << path << " " << cut;
    EXPECT_TRUE(store->opening("node", 1)->erased);
    EXPECT_TRUE(check_opening(*Leaf::parse(*store->entry("node", 2)), *store->opening("node", 2)));
  }
}

TEST(Ledger, ManyCallersShareGroupsAndEachGetsItsPlace) {
  const auto log = make_null_log();
  SystemRandom random;
  auto files = std::make_unique<MemoryFiles>();
  MemoryFiles& memory = *files;
  {
    auto ledger = Ledger::open(std::move(files), {.member = "cert-lt", .key = test_key(), .salt = {}, .segment_bytes = 20'000}, random, *log);
    ASSERT_TRUE(ledger) << ledger.error().text();
    std::vector<std::thread> callers;
    std::mutex mutex;
    std::set<std::pair<std::string, std::uint64_t>> places;
    for (int t = 0; t < 4; ++t)
      callers.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i) {
          const Event event{.kind = "log-in", .time = Instant::from_micros(i), .details = {{"t", t}, {"i", i}}, .subject = {}};
          const auto at = t % 2 == 0 ? (*ledger)->record(event) : (*ledger)->record_pair("cert-ua", event);
          ASSERT_TRUE(at) << at.error().text();
          const auto opening = (*ledger)->store().opening(at->log, at->index);
          ASSERT_TRUE(opening);
          EXPECT_EQ(opening->content, *to_canonical_text(event.details));
          const std::lock_guard lock(mutex);
          EXPECT_TRUE(places.emplace(at->log, at->index).second);
        }
      });
    for (auto& caller : callers) caller.join();
    EXPECT_EQ((*ledger)->store().head("node")->size, 200u);
    EXPECT_EQ((*ledger)->store().head("pair/cert-ua")->size, 200u);
    for (const auto& [name, index] : places) {
      const auto proof = (*ledger)->store().proof(name, index);
      ASSERT_TRUE(proof) << proof.error().text();
      const VerifierKey key = log_key("cert-lt", name, test_key().public_key);
      EXPECT_TRUE(proof->verify(*(*ledger)->store().entry(name, index), {&key, 1}));
    }
    EXPECT_LT(memory.writes(), 2'000u);
    EXPECT_TRUE((*ledger)->store().verify("node"));
  }
}

TEST(Ledger, ACopyIsWholeWhileOthersRecord) {
  const auto log = make_null_log();
  SystemRandom random;
  const std::filesystem::path top = std::filesystem::temp_directory_path() / fmt::format("bongsu-copy-{}", random.next());
  std::filesystem::create_directories(top);
  const auto event = [](int i) {
    return Event{.kind = "log-in", .time = Instant::from_micros(i), .details = {{"i", i}}, .subject = {}};
  };
  {
    auto opened = Ledger::open(top / "live", {.member = "cert-lt", .key = test_key(), .salt = {}, .segment_bytes = 20'000}, random, *log);
    ASSERT_TRUE(opened) << opened.error().text();
    const auto& ledger = *opened;
    std::atomic<bool> stop = false;
    std::thread writer([&] {
      for (int i = 0; !stop; ++i) ASSERT_TRUE(ledger->record_all({{.log = i % 2 ? "node" : "pair/cert-ua", .event = event(i)}}, {{"journal", std::to_string(i)}}));
    });
    for (int copy = 0; copy < 5; ++copy) {
      while (ledger->store().head("node").value_or(Head{}).size < 100U * static_cast<unsigned>(copy + 1)) std::this_thread::yield();
      const auto to = top / std::to_string(copy);
      ASSERT_TRUE(ledger->copy_to(to));
      // It opens as if the power had failed just then, with all its hashes and the cursor that goes with its entries.
      auto copied = Ledger::open(to, {.member = "cert-lt", .key = test_key(), .salt = {}}, random, *log);
      ASSERT_TRUE(copied) << copied.error().text();
      const std::uint64_t entries = (*copied)->store().head("node")->size + (*copied)->store().head("pair/cert-ua")->size;
      EXPECT_GE(entries, 200U * static_cast<unsigned>(copy + 1) - 2);
      EXPECT_EQ((*copied)->store().cursor("journal"), std::to_string(entries - 1));
      ASSERT_TRUE((*copied)->record(event(0))) << "and goes on";
    }
    stop = true;
    writer.join();
  }
  std::filesystem::remove_all(top);
}

TEST(Ledger, AFailedDiskStopsItWithAReason) {
  const auto log = make_null_log();
  SystemRandom random;
  auto files = std::make_unique<MemoryFiles>();
  MemoryFiles& memory = *files;
  auto ledger = *Ledger::open(std::move(files), {.member = "cert-lt", .key = test_key(), .salt = {}}, random, *log);
  ASSERT_TRUE(ledger->record({.kind = "log-in", .time = {}, .details = {}, .subject = {}}));
  memory.fail_at(memory.writes() + 1, 1);
  EXPECT_FALSE(ledger->record({.kind = "log-in", .time = {}, .details = {}, .subject = {}}));
  memory.recover();
  const auto later = ledger->record({.kind = "log-in", .time = {}, .details = {}, .subject = {}});
  ASSERT_FALSE(later) << "a write after a failed one could stand behind half a group";
  EXPECT_NE(later.error().message.find("stopped"), std::string::npos);
  EXPECT_EQ(ledger->store().head("node")->size, 1u);
}

}  // namespace
}  // namespace bongsu::ledger
