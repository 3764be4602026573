// The indicators that are looked for, by value: one thread adds and removes while others match.
//
//   Index index;                                  // or Index({.values_directory = "/var/tmp"})
//   index.add(indicators);                        // in force for every snapshot taken from now on
//   auto snapshot = index.snapshot();             // what a matcher uses, for a batch of events say
//   index.remove({&ref, 1});                      // likewise
//
// Three parts: the base, which is cut by the leading bits of the hashes into immutable partitions of about 4,000 to
// 8,000 entries; the delta, a table of what was added since; and the set of refs that were removed since. When the
// delta holds a sixty-fourth of the base, or as many refs are removed, it is frozen, and every later addition and
// removal merges a few partitions with it, dropping what was removed: so no call ever does more than its own share, and
// beside the index itself there are never more than a few partitions twice. Matchers go on with what they hold
// meanwhile.
//
// An entry costs 23.5 bytes, and up to two more for delta and removals; the values themselves lie in a file without a
// name (values_directory), or in memory. They are read only to confirm a hit.
//
// add, remove, replace, clear: any thread, one at a time inside. snapshot and everything on a snapshot: any thread,
// without waiting for a writer (a pointer is copied under a lock that is held for nothing else).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"
#include "detect/delta.h"
#include "detect/indicator.h"
#include "detect/key.h"
#include "detect/key_walk.h"
#include "detect/partition.h"
#include "detect/value_store.h"

namespace bongsu::detect {

// The index at one moment: what is added or removed later does not show. (Additions of more than kBulk entries show
// partition by partition while they last.)
struct Snapshot {
  struct Entry {
    std::uint64_t ref;
    Kind kind;
    int confidence;
    std::string_view bytes;  // see key.h; good for the call
    Validity validity;
  };

  KeySelection keys;  // kinds with entries, removed ones that are still there included
  std::uint64_t sequence = 0;
  BasePtr base, next;        // next: where merging has come to, by the numbers of the base's partitions
  std::uint64_t merged = 0;  // below it next holds, and the frozen delta is in it
  std::shared_ptr<const ValueStore> base_store, next_store;
  std::shared_ptr<const Delta> delta, frozen;  // may be nullptr
  std::shared_ptr<const Removed> removed;
  // Another number when something was added: until then a key that had no entry has none.
  std::uint64_t additions = 0;
  std::size_t entries = 0;  // removed ones that are still there included

  // Could an entry stand under this hash? Wrong only in saying yes.
  bool may_hold(std::uint64_t hash) const {
    const Base& b = is_merged(hash) ? *next : *base;
    if (Base::may_hold(b.slot(hash), hash)) return true;
    if (delta != nullptr && delta->may_hold(hash)) return true;
    return frozen != nullptr && frozen->may_hold(hash);
  }
  // Calls found(entry) for each live entry of that key that accept() takes by its coarse validity. When accept is not
  // asked, no entry stands under that hash, nor will one before `additions` changes.
  template <class Accept, class Found>
  void find(std::uint64_t hash, Kind kind, std::string_view bytes, Accept&& accept, Found&& found) const {
    search(hash, kind, bytes, accept, found);
  }
  // Every live entry of the key, whatever its validity.
  template <class Found>
  void find(std::uint64_t hash, Kind kind, std::string_view bytes, Found&& found) const {
    search(hash, kind, bytes, [](CoarseValidity) { return true; }, found);
  }
  // Every live entry there is, in no order.
  void each(const std::function<void(const Entry&)>& visit) const;

  std::size_t memory_bytes() const;

  // Entries that could not be confirmed because their values could not be read; never, unless a disk fails.
  std::shared_ptr<std::atomic<std::uint64_t>> unreadable;

 private:
  bool is_merged(std::uint64_t hash) const {
    return next != nullptr && (merged == base->count() || hash >> (64 - base->bits()) < merged);
  }
  bool is_live(std::uint64_t ref, std::uint64_t added) const { return removed->find(ref, sequence) < added; }
  bool read(const IndexEntry& entry, const ValueStore& store, std::string& scratch, Entry& out) const;

  template <class Accept, class Found>
  void search(std::uint64_t hash, Kind kind, std::string_view bytes, Accept&& accept, Found& found) const {
    std::string scratch;
    const auto look = [&](const IndexEntry& entry, std::uint64_t added, const ValueStore& store) {
      Entry out;
      if (accept(entry.validity) && is_live(entry.ref, added) && read(entry, store, scratch, out) && out.kind == kind &&
          out.bytes == bytes)
        found(static_cast<const Entry&>(out));
    };
    const bool done = is_merged(hash);
    const Base::Slot& slot = (done ? *next : *base).slot(hash);
    if (Base::may_hold(slot, hash))
      slot.partition->find(hash, [&](const IndexEntry& entry) {
        look(entry, slot.partition->sequence(), done ? *next_store : *base_store);
      });
    for (const Delta* d : {done ? nullptr : frozen.get(), delta.get()})
      if (d != nullptr && d->may_hold(hash))
        d->find(hash, sequence, [&](const IndexEntry& entry, std::uint64_t added) { look(entry, added, *d->store()); });
  }
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct IndexOptions {
  std::string values_directory;       // where the file of the values is made; "": they stay in memory
  std::optional<std::uint64_t> seed;  // of the hashes; random if not given
};

class Index {
 public:
  static constexpr std::size_t kMaxEntries = 200'000'000;
  static constexpr std::size_t kBulk = 65'536;  // so many at once go straight into the base

  Index() : Index(IndexOptions{}) {}
  explicit Index(std::uint64_t seed) : Index(IndexOptions{{}, seed}) {}
  // When the directory cannot be written to, add says so.
  explicit Index(IndexOptions options);

  // A ref may have several values; adding a ref again adds to it (remove it first to replace it). Values that are not
  // in normal form are kInvalid and nothing of the batch is added. kTooLarge at kMaxEntries, kIo when values cannot be
  // written.
  Result<void> add(std::span<const Indicator> indicators);
  void remove(std::span<const std::uint64_t> refs);
  // Removes the ref and adds the indicators at one moment.
  Result<void> replace(std::uint64_t ref, std::span<const Indicator> indicators);
  // As add, for long lists in pieces: in force at the latest when finish_load returns, often before.
  Result<void> load(std::span<const Indicator> indicators);
  void finish_load();
  void clear();

  SnapshotPtr snapshot() const;
  std::size_t size() const { return snapshot()->entries; }  // removed ones that are still there included
  std::size_t memory_bytes() const { return snapshot()->memory_bytes(); }

 private:
  struct Counts {  // of the entries that are there
    std::uint64_t of[kKinds] = {};
    std::uint64_t v4[33] = {}, v6[129] = {};
    std::uint64_t path_suffixes = 0;
    void count(Kind kind, std::string_view bytes, int by);
  };
  // A pass over all partitions.
  struct Merge {
    std::uint64_t sequence = 0;            // the moment up to which it takes in what happened
    std::vector<IndexEntry> run;           // what comes in: first what was never visible, then the frozen delta
    std::vector<std::uint64_t> added;      // when, of the latter
    std::vector<std::uint32_t> order;      // of the run, by the base's partitions
    std::vector<std::uint32_t> begins;     // of each partition in `order`
    bool move_values = false;              // into a new store, without what nothing points to
    std::vector<IndexEntry> part, pieces;  // scratch
  };

  Result<void> prepare(std::span<const Indicator> indicators, std::vector<IndexEntry>& out);
  void insert(const std::vector<IndexEntry>& entries);
  void insert_bulk(std::vector<IndexEntry>&& entries);
  void mark_removed(std::uint64_t ref);
  std::size_t change_limit() const;
  void after(std::size_t changes);
  void begin_merge(std::vector<IndexEntry>&& run);
  void merge_one();
  void finish_merge();
  void end_merge();
  void forget(const IndexEntry& entry, const ValueStore& store);
  Result<void> open_store();
  void publish();

  const IndexOptions options_;
  const Seeds seeds_;
  mutable std::mutex writer_;
  Counts counts_;
  std::size_t entries_ = 0;
  std::uint64_t garbage_ = 0;  // bytes of the store that nothing points to any more
  std::vector<IndexEntry> loading_;
  std::uint64_t sequence_ = 0, additions_ = 0;
  std::shared_ptr<ValueStore> store_;  // what is added goes here
  BasePtr base_, next_;
  std::shared_ptr<ValueStore> base_store_;  // another than store_ while values are moved
  std::shared_ptr<Delta> delta_, frozen_;
  std::shared_ptr<Removed> removed_;
  std::unique_ptr<Merge> merge_;
  std::uint64_t merged_ = 0;
  std::shared_ptr<std::atomic<std::uint64_t>> unreadable_;

  mutable std::mutex published_mutex_;
  SnapshotPtr published_;
};

}  // namespace bongsu::detect
