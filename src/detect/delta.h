// What changed lately: tables that one thread writes and others read at the same time, without locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "detect/partition.h"

namespace bongsu::detect {

// Removed refs with the sequence number of each removal.
class Removed {
 public:
  explicit Removed(std::size_t capacity);
  bool insert(std::uint64_t ref, std::uint64_t sequence);  // false: full
  // The number of the last removal of that ref up to `limit`; 0 = none.
  std::uint64_t find(std::uint64_t ref, std::uint64_t limit) const;
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size() / 2; }
  std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }
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

// Added entries, each with the sequence number of its addition.
class Delta {
 public:
  Delta(std::size_t capacity, std::shared_ptr<const ValueStore> store);
  bool insert(const IndexEntry& entry, std::uint64_t sequence);  // false: full

  bool may_hold(std::uint64_t hash) const {
    const std::uint64_t spread = filter::spread(hash), bits = filter::bits(spread);
    return (filter_[filter::word(spread, words_)].load(std::memory_order_relaxed) & bits) == bits;
  }
  // Calls found(entry, sequence) for each entry of that hash that was added up to `limit`.
  template <class Found>
  void find(std::uint64_t hash, std::uint64_t limit, Found&& found) const {
    for (std::size_t i = home(hash);; i = (i + 1) & (slots_.size() - 1)) {
      const std::uint64_t sequence = slots_[i].sequence.load(std::memory_order_acquire);
      if (sequence == 0) return;
      if (sequence <= limit && slots_[i].entry.hash == hash) found(slots_[i].entry, sequence);
    }
  }
  // Each entry, with its sequence number; in the writing thread, or when nobody writes any more.
  template <class Each>
  void each(Each&& visit) const {
    for (const Slot& slot : slots_)
      if (const auto sequence = slot.sequence.load(std::memory_order_acquire)) visit(slot.entry, sequence);
  }
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::size_t capacity() const { return slots_.size() / 2; }
  std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot) + filter_.size() * 8; }
  const std::shared_ptr<const ValueStore>& store() const { return store_; }

 private:
  struct Slot {
    std::atomic<std::uint64_t> sequence{0};  // 0 = free; published last
    IndexEntry entry;
  };
  std::size_t home(std::uint64_t hash) const {
    return static_cast<std::size_t>((hash >> 20) * 0xd6e8feb86659fd93ULL >> 32) & (slots_.size() - 1);
  }
  std::vector<Slot> slots_;
  std::vector<std::atomic<std::uint64_t>> filter_;
  std::uint32_t words_;
  std::atomic<std::size_t> size_{0};
  std::shared_ptr<const ValueStore> store_;
};

}  // namespace bongsu::detect
