// The indicators that are looked for, by value: one thread adds and removes while others match.
//
//   Index index;
//   index.add(indicators);                        // in force for every snapshot taken from now on
//   auto snapshot = index.snapshot();             // what a matcher uses, for a batch of events say
//   index.remove({&ref, 1});                      // likewise
//
// The index is a list of immutable segments, each at least eight times as large as the next, and a set of removed refs.
// Adding makes a small segment, publishes it, and then joins segments of like size; matchers go on with what they hold
// meanwhile. So the cost of an addition is that of its own batch, now and then that of joining (which the adding thread
// pays, matching ones do not), and memory is bounded by twice the live entries while the largest segments are joined.
//
// add and remove: any thread, one at a time inside. snapshot and everything on a snapshot: any thread, without waiting
// for a writer (a pointer is copied under a lock that is held for nothing else).
#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"
#include "detect/indicator.h"
#include "detect/key.h"
#include "detect/key_walk.h"
#include "detect/segment.h"

namespace bongsu::detect {

// Removed refs with the sequence number of each removal. One writer, readers without locks.
class Removed {
 public:
  explicit Removed(std::size_t capacity);
  bool insert(std::uint64_t ref, std::uint64_t sequence);  // false: full
  // The number of the last removal of that ref up to `limit`; 0 = none.
  std::uint64_t find(std::uint64_t ref, std::uint64_t limit) const;
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size() / 2; }
  template <class Each>
  void each(Each&& visit) const {
    for (const Slot& slot : slots_)
      if (const auto sequence = slot.sequence.load(std::memory_order_relaxed))
        visit(slot.ref.load(std::memory_order_relaxed), sequence);
  }

 private:
  struct Slot {
    std::atomic<std::uint64_t> sequence{0};  // 0 = free; published last
    std::atomic<std::uint64_t> ref{0};
  };
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

// The index at one moment: what is added or removed later does not show.
struct Snapshot {
  KeySelection keys;  // kinds with entries, removed ones that are still there included
  std::uint64_t sequence = 0;
  std::vector<std::shared_ptr<const Segment>> segments;  // large to small
  std::shared_ptr<const Removed> removed;
  // Calls found(entry) for each live entry of that key. Validity in time is the caller's to check.
  template <class Found>
  void find(std::uint64_t hash, Kind kind, std::string_view bytes, Found&& found) const {
    for (const auto& segment : segments)
      segment->find(hash, kind, bytes, [&](const Segment::Entry& entry) {
        if (removed->find(entry.ref, sequence) < segment->sequence()) found(entry);
      });
  }
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

class Index {
 public:
  Index();  // a random seed
  explicit Index(std::uint64_t seed);

  // A ref may have several values; adding a ref again adds to it (remove it first to replace it). Values that are not
  // in normal form are kInvalid and nothing of the batch is added. kTooLarge at the limits of SegmentBuilder.
  Result<void> add(std::span<const Indicator> indicators);
  void remove(std::span<const std::uint64_t> refs);
  // Removes the ref and adds the indicators at one moment.
  Result<void> replace(std::uint64_t ref, std::span<const Indicator> indicators);
  void clear();

  SnapshotPtr snapshot() const;
  std::size_t size() const;  // entries, removed ones that are still there included
  std::size_t memory_bytes() const;

 private:
  Result<SegmentBuilder> build(std::span<const Indicator> indicators) const;
  void mark_removed(std::uint64_t ref);
  void forget_removed();
  void publish();
  void join_segments();
  void rebuild();
  std::shared_ptr<const Segment> join(std::span<const std::shared_ptr<const Segment>> segments) const;

  const Seeds seeds_;
  mutable std::mutex writer_;
  std::vector<std::shared_ptr<const Segment>> segments_;
  std::shared_ptr<Removed> removed_;
  std::uint64_t sequence_ = 0;
  mutable std::mutex published_mutex_;
  SnapshotPtr published_;
};

}  // namespace bongsu::detect
