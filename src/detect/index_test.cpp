#include "detect/index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace bongsu::detect {
namespace {

Indicator ip(std::uint64_t ref, const std::string& text) { return {ref, *normalise(Kind::kIpv4, text), {}, {}, -1}; }
Indicator domain(std::uint64_t ref, const std::string& text) {
  return {ref, *normalise(Kind::kDomain, text), {}, {}, -1};
}

std::set<std::uint64_t> refs(const Snapshot& snapshot, const Value& value) {
  std::set<std::uint64_t> out;
  const std::string bytes = *key_bytes(value);
  snapshot.find(key_hash(snapshot.keys.seeds, value.kind, bytes), value.kind, bytes,
                [&](const Snapshot::Entry& entry) { out.insert(entry.ref); });
  return out;
}
std::set<std::uint64_t> refs(const Index& index, const std::string& address) {
  return refs(*index.snapshot(), *normalise(Kind::kIpv4, address));
}

TEST(Index, FindsEveryIndicatorOfAValue) {
  Index index;
  ASSERT_TRUE(index.add(std::vector{ip(1, "192.0.2.1"), ip(2, "192.0.2.1"), ip(3, "192.0.2.2"), ip(2, "192.0.2.3")}));
  EXPECT_EQ(refs(index, "192.0.2.1"), (std::set<std::uint64_t>{1, 2}));
  EXPECT_EQ(refs(index, "192.0.2.3"), (std::set<std::uint64_t>{2}));
  EXPECT_EQ(refs(index, "192.0.2.4"), (std::set<std::uint64_t>{}));
}

TEST(Index, KeepsKindsApart) {
  Index index;
  ASSERT_TRUE(index.add(
      std::vector<Indicator>{{1, {Kind::kMutex, "x"}, {}, {}, -1}, {2, {Kind::kUserAgent, "x"}, {}, {}, -1}}));
  EXPECT_EQ(refs(*index.snapshot(), {Kind::kMutex, "x"}), (std::set<std::uint64_t>{1}));
  EXPECT_EQ(refs(*index.snapshot(), {Kind::kUserAgent, "x"}), (std::set<std::uint64_t>{2}));
}

TEST(Index, RemovesAllValuesOfARefAndTakesItAgain) {
  Index index;
  ASSERT_TRUE(index.add(std::vector{ip(1, "192.0.2.1"), ip(1, "192.0.2.2"), ip(2, "192.0.2.1")}));
  const std::uint64_t one = 1;
  index.remove({&one, 1});
  EXPECT_EQ(refs(index, "192.0.2.1"), (std::set<std::uint64_t>{2}));
  EXPECT_EQ(refs(index, "192.0.2.2"), (std::set<std::uint64_t>{}));
  ASSERT_TRUE(index.add(std::vector{ip(1, "192.0.2.9")}));
  EXPECT_EQ(refs(index, "192.0.2.9"), (std::set<std::uint64_t>{1}));
  EXPECT_EQ(refs(index, "192.0.2.2"), (std::set<std::uint64_t>{}));
}

TEST(Index, ASnapshotIsOneMoment) {
  Index index;
  ASSERT_TRUE(index.add(std::vector{ip(1, "192.0.2.1")}));
  const auto before = index.snapshot();
  ASSERT_TRUE(index.add(std::vector{ip(2, "192.0.2.1")}));
  const std::uint64_t one = 1;
  index.remove({&one, 1});
  const Value value = *normalise(Kind::kIpv4, "192.0.2.1");
  EXPECT_EQ(refs(*before, value), (std::set<std::uint64_t>{1}));
  EXPECT_EQ(refs(*index.snapshot(), value), (std::set<std::uint64_t>{2}));
  ASSERT_TRUE(index.replace(2, std::vector{ip(2, "192.0.2.5")}));
  EXPECT_EQ(refs(*index.snapshot(), value), (std::set<std::uint64_t>{}));
  EXPECT_EQ(refs(index, "192.0.2.5"), (std::set<std::uint64_t>{2}));
}

TEST(Index, RefusesValuesThatAreNotInNormalForm) {
  Index index;
  EXPECT_EQ(index.add(std::vector<Indicator>{{1, {Kind::kIpv4, "nonsense"}, {}, {}, -1}}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(index.size(), 0U);
}

void agrees_with_a_map(const std::string& values_directory) {
  std::mt19937 dice(11);
  Index index(IndexOptions{.values_directory = values_directory, .seed = 3});
  std::map<std::uint64_t, std::set<std::string>> model;  // ref → addresses
  for (int step = 0; step < 4000; ++step) {
    const std::uint64_t ref = dice() % 300;
    switch (dice() % 5) {
      case 0:
        index.remove({&ref, 1});
        model.erase(ref);
        break;
      case 1: {
        const std::string address = "192.0.2." + std::to_string(dice() % 64);
        ASSERT_TRUE(index.replace(ref, std::vector{ip(ref, address)}));
        model[ref] = {address};
        break;
      }
      default: {
        std::vector<Indicator> batch;
        for (std::uint32_t n = dice() % 40; n > 0; --n) {
          const std::uint64_t r = dice() % 300;
          const std::string address = "192.0.2." + std::to_string(dice() % 64);
          batch.push_back(ip(r, address));
          model[r].insert(address);
        }
        if (dice() % 4 == 0) {
          ASSERT_TRUE(index.load(batch));
          if (dice() % 2 == 0) index.finish_load();
        } else {
          ASSERT_TRUE(index.add(batch));
        }
      }
    }
    if (step % 50 != 0) continue;
    index.finish_load();
    for (int i = 0; i < 64; ++i) {
      const std::string address = "192.0.2." + std::to_string(i);
      std::set<std::uint64_t> expected;
      for (const auto& [r, addresses] : model)
        if (addresses.contains(address)) expected.insert(r);
      ASSERT_EQ(refs(index, address), expected) << "step " << step << " " << address;
    }
  }
}

TEST(Index, AgreesWithAMapOverRandomAddsAndRemoves) {
  agrees_with_a_map("");
  agrees_with_a_map("/var/tmp");
}

TEST(Index, SaysWhenItsFileCannotBeMade) {
  Index index(IndexOptions{.values_directory = "/nonexistent/values", .seed = {}});
  const auto added = index.add(std::vector{ip(1, "192.0.2.1")});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::kIo);
  EXPECT_EQ(added.error().where.source, "/nonexistent/values");
  EXPECT_TRUE(refs(index, "192.0.2.1").empty());
}

// Partitions are split several times and values are moved to new files while everything stays findable, whatever
// validity, kind and length it has.
TEST(Index, KeepsEverythingWhileItGrowsAndForgets) {
  for (const std::string directory : {"", "/var/tmp"}) {
    Index index(IndexOptions{.values_directory = directory, .seed = 9});
    constexpr std::uint64_t kAll = 60'000;
    const auto make = [](std::uint64_t ref) {
      Indicator out{ref, {}, {}, {}, static_cast<int>(ref % 102) - 1};
      out.confidence = std::min(out.confidence, 100);
      switch (ref % 3) {
        case 0:
          out.value = {Kind::kDomain, "n" + std::to_string(ref) + ".example"};
          break;
        case 1:
          out.value = {Kind::kText, std::string(300 + ref % 500, 'x') + std::to_string(ref)};
          break;
        default:
          out.value = {Kind::kMutex, std::to_string(ref)};
      }
      if (ref % 5 == 0) out.valid_from = Instant{static_cast<std::int64_t>(1'600'000'000 + ref), 7};
      if (ref % 7 == 0) out.valid_until = Instant{static_cast<std::int64_t>(1'700'000'000 + ref), 9};
      return out;
    };
    for (std::uint64_t begin = 0; begin < kAll; begin += 1000) {
      std::vector<Indicator> batch;
      std::vector<std::uint64_t> gone;
      for (std::uint64_t ref = begin; ref < begin + 1000; ++ref) {
        batch.push_back(make(ref));
        if (ref % 4 != 0) gone.push_back(ref);
      }
      ASSERT_TRUE(index.add(batch));
      index.remove(gone);
    }
    const auto snapshot = index.snapshot();
    for (std::uint64_t ref = 0; ref < kAll; ref += 7) {
      const Indicator expected = make(ref);
      const std::string bytes = *key_bytes(expected.value);
      int found = 0;
      snapshot->find(key_hash(snapshot->keys.seeds, expected.value.kind, bytes), expected.value.kind, bytes,
                     [&](const Snapshot::Entry& entry) {
                       ++found;
                       EXPECT_EQ(entry.ref, ref);
                       EXPECT_EQ(entry.confidence, expected.confidence);
                       EXPECT_EQ(entry.validity, (Validity{expected.valid_from, expected.valid_until}));
                     });
      ASSERT_EQ(found, ref % 4 == 0 ? 1 : 0) << ref;
    }
    std::size_t live = 0;
    snapshot->each([&](const Snapshot::Entry&) { ++live; });
    EXPECT_EQ(live, kAll / 4);
    EXPECT_LT(index.size(), kAll / 4 + 6000) << "what was removed is dropped on the way";
    EXPECT_EQ(snapshot->unreadable->load(), 0U);
    if (directory.empty()) EXPECT_LT(index.memory_bytes(), 60U << 20) << "its values, too";
  }
}

// Matching threads see the lasting indicators in every snapshot, whatever is added and removed meanwhile.
TEST(Index, AddsAndRemovesWhileOthersMatch) {
  Index index;
  std::vector<Indicator> lasting;
  for (std::uint64_t i = 0; i < 2000; ++i)
    lasting.push_back(domain(i, "host" + std::to_string(i) + ".lasting.example"));
  ASSERT_TRUE(index.add(lasting));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> looked{0}, missed{0}, ghosts{0};
  std::vector<std::thread> readers;
  for (unsigned t = 0; t < 2; ++t)
    readers.emplace_back([&, t] {
      std::mt19937 dice(t);
      while (!stop.load()) {
        const auto snapshot = index.snapshot();
        for (int i = 0; i < 20; ++i) {
          const std::uint64_t ref = dice() % 2000;
          if (!refs(*snapshot, lasting[ref].value).contains(ref)) ++missed;
          ++looked;
        }
        if (!refs(*snapshot, {Kind::kDomain, "never.example"}).empty()) ++ghosts;
      }
    });
  std::uint64_t next = 10'000;
  for (int round = 0; round < 300; ++round) {
    std::vector<Indicator> batch;
    std::vector<std::uint64_t> gone;
    for (int i = 0; i < 20; ++i) {
      batch.push_back(domain(next, "passing" + std::to_string(next) + ".example"));
      gone.push_back(next++);
    }
    ASSERT_TRUE(index.add(batch));
    ASSERT_FALSE(refs(*index.snapshot(), batch[7].value).empty());
    index.remove(gone);
    ASSERT_TRUE(refs(*index.snapshot(), batch[7].value).empty());
  }
  while (looked.load() < 10'000) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(missed.load(), 0U);
  EXPECT_EQ(ghosts.load(), 0U);
  EXPECT_LT(index.size(), 2000U + 4000U) << "what was removed is forgotten in the end";
}

// Reload under load: ten thousand in and ten thousand out a second; nothing is missed, nothing shows after its removal.
// BONGSU_LONG=1: for a minute on top of ten million.
TEST(Index, MissesNothingWhileThousandsComeAndGo) {
  const bool full = std::getenv("BONGSU_LONG") != nullptr;
  const std::uint64_t lasting = full ? 10'000'000 : 100'000;
  const std::uint64_t rounds = full ? 6'000 : 150;  // of 10 ms each
  const auto name = [](std::uint64_t n) { return Value{Kind::kDomain, "host" + std::to_string(n) + ".example"}; };
  Index index(IndexOptions{.values_directory = "/var/tmp", .seed = {}});
  std::vector<Indicator> piece;
  for (std::uint64_t n = 0; n < lasting; ++n) {
    piece.push_back({n, name(n), {}, {}, -1});
    if (piece.size() == 8192 || n + 1 == lasting) {
      ASSERT_TRUE(index.load(piece));
      piece.clear();
    }
  }
  index.finish_load();
  ASSERT_EQ(index.size(), lasting);

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> added{lasting}, removed{lasting}, looked{0}, missed{0}, ghosts{0};
  std::thread reader([&] {
    std::mt19937_64 dice(1);
    while (!stop.load()) {
      const std::uint64_t newest = added.load(), gone = removed.load();
      const auto snapshot = index.snapshot();
      for (int i = 0; i < 50; ++i) {
        const std::uint64_t n = dice() % lasting;
        if (!refs(*snapshot, name(n)).contains(n)) ++missed;
      }
      if (newest > lasting && removed.load() < newest && !refs(*snapshot, name(newest - 1)).contains(newest - 1) &&
          removed.load() < newest)
        ++missed;
      if (gone > lasting && !refs(*snapshot, name(gone - 1)).empty()) ++ghosts;
      ++looked;
    }
  });
  std::uint64_t next = lasting;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    if (full) std::this_thread::sleep_until(begin + std::chrono::milliseconds(10 * round));
    std::vector<Indicator> batch;
    std::vector<std::uint64_t> gone;
    for (std::uint64_t n = next; n < next + 100; ++n) {
      batch.push_back({n, name(n), {}, {}, -1});
      if (n >= lasting + 1000) gone.push_back(n - 1000);
    }
    ASSERT_TRUE(index.add(batch));
    next += 100;
    added = next;
    index.remove(gone);
    if (!gone.empty()) removed = next - 1000;
  }
  while (looked.load() < 100) std::this_thread::yield();
  stop = true;
  reader.join();
  EXPECT_EQ(missed.load(), 0U);
  EXPECT_EQ(ghosts.load(), 0U);
  EXPECT_LT(index.size(), lasting + lasting / 32 + 16'000);
  if (full) EXPECT_LT(index.memory_bytes(), lasting * 30);
}

TEST(Index, CostsLessThanThirtyBytesAnEntryBesideTheValues) {
  Index index;
  std::vector<Indicator> many;
  for (std::uint64_t i = 0; i < 200'000; ++i)
    many.push_back({i,
                    {Kind::kIpv4, Address{{10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                                           static_cast<std::uint8_t>(i)}}
                                      .text()},
                    {},
                    {},
                    50});
  ASSERT_TRUE(index.add(many));
  EXPECT_LT(index.memory_bytes(), 200'000U * (24 + 10) + 100'000U);  // ten: a value and its head, in memory
}

}  // namespace
}  // namespace bongsu::detect
