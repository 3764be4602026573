// An immutable part of the index: what is looked for under the hashes that begin with the same bits.
//
// An entry is 21 bytes: 8 of ref, 5 of place in the value store, 4 of hash, 4 of coarse validity; with the filter
// (16 bits) and the directory (half a byte) it costs 23.5. Entries lie in buckets of about eight in the order of their
// hashes. Of a hash the upper 40 bits count here: the first eight are the partition's, 32 are kept.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "detect/value_store.h"

namespace bongsu::detect {

struct IndexEntry {
  std::uint64_t hash = 0;  // the upper 40 bits count
  std::uint64_t ref = 0;
  std::uint64_t at = 0;  // in the value store
  CoarseValidity validity;
};

// Filters over hashes: one 64-bit word and four of its bits for each.
namespace filter {
inline std::uint64_t spread(std::uint64_t hash) { return (hash >> 24) * 0x9e3779b97f4a7c15ULL; }
inline std::size_t word(std::uint64_t spread, std::uint32_t words) {
  return static_cast<std::size_t>((spread >> 32) * words >> 32);
}
inline std::uint64_t bits(std::uint64_t spread) {
  return 1ULL << (spread & 63) | 1ULL << (spread >> 6 & 63) | 1ULL << (spread >> 12 & 63) | 1ULL << (spread >> 18 & 63);
}
inline std::uint32_t words_for(std::size_t entries) { return static_cast<std::uint32_t>(entries / 4 + 1); }
}  // namespace filter

class Partition {
 public:
  static constexpr int kFewestBits = 8;  // of the hash, that all entries of a partition have in common

  // `bits` leading bits of every hash are `number`. `sequence`: removals up to that moment are already done.
  static std::shared_ptr<const Partition> build(std::span<const IndexEntry> entries, int bits, std::uint64_t number,
                                                std::uint64_t sequence);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  std::size_t size() const { return size_; }
  std::uint64_t sequence() const { return sequence_; }
  std::size_t memory_bytes() const { return sizeof *this + block_bytes_; }
  const std::uint64_t* filter() const { return reinterpret_cast<const std::uint64_t*>(block_); }
  std::uint32_t filter_words() const { return filter_words_; }

  // Calls found(entry) for each entry whose hash is the same in its upper 40 bits.
  template <class Found>
  void find(std::uint64_t hash, Found&& found) const {
    const std::size_t bucket = bucket_of(hash);
    const auto tag = static_cast<std::uint32_t>(hash >> 24);
    const std::uint32_t* directory = array<std::uint32_t>(directory_at_);
    const std::uint32_t* tags = array<std::uint32_t>(tags_at_);
    for (std::uint32_t i = directory[bucket]; i < directory[bucket + 1]; ++i)
      if (tags[i] == tag) found(at(i));
  }
  IndexEntry at(std::size_t i) const {
    IndexEntry out;
    out.hash = first_bits_ | static_cast<std::uint64_t>(array<std::uint32_t>(tags_at_)[i]) << 24;
    out.ref = array<std::uint64_t>(refs_at_)[i];
    out.at = static_cast<std::uint64_t>(array<std::uint8_t>(high_at_)[i]) << 32 | array<std::uint32_t>(low_at_)[i];
    out.validity = array<CoarseValidity>(validity_at_)[i];
    return out;
  }

 private:
  Partition() = default;
  std::size_t bucket_of(std::uint64_t hash) const { return static_cast<std::size_t>((hash << bits_) >> bucket_shift_); }
  template <class T>
  T* array(std::size_t at) const {
    return reinterpret_cast<T*>(block_ + at);
  }

  char* block_ = nullptr;  // filter, refs, places, tags, validities, directory
  std::size_t block_bytes_ = 0;
  bool mapped_ = false;
  std::uint32_t filter_words_ = 0;
  int bits_ = 0, bucket_shift_ = 63;
  std::size_t refs_at_ = 0, low_at_ = 0, tags_at_ = 0, validity_at_ = 0, directory_at_ = 0, high_at_ = 0;
  std::size_t size_ = 0;
  std::uint64_t first_bits_ = 0;
  std::uint64_t sequence_ = 0;
};
using PartitionPtr = std::shared_ptr<const Partition>;

// All partitions of one moment, in groups, so that putting another in its place copies little.
class Base {
 public:
  struct Slot {
    const std::uint64_t* filter = nullptr;
    std::uint32_t filter_words = 0;
    PartitionPtr partition;  // nullptr: nothing there
  };
  static constexpr int kGroupBits = 6;
  using Group = std::vector<Slot>;

  explicit Base(int bits);
  // The same with other partitions from `first` on.
  std::shared_ptr<const Base> with(std::uint64_t first, std::span<const PartitionPtr> partitions) const;

  int bits() const { return bits_; }
  std::uint64_t count() const { return 1ULL << bits_; }
  const Slot& slot(std::uint64_t hash) const {
    const std::uint64_t number = hash >> (64 - bits_);
    return (*groups_[number >> kGroupBits])[number & ((1U << kGroupBits) - 1)];
  }
  const Partition* partition(std::uint64_t number) const {
    return (*groups_[number >> kGroupBits])[number & ((1U << kGroupBits) - 1)].partition.get();
  }
  static bool may_hold(const Slot& slot, std::uint64_t hash) {
    if (slot.filter_words == 0) return false;
    const std::uint64_t spread = filter::spread(hash), bits = filter::bits(spread);
    return (slot.filter[filter::word(spread, slot.filter_words)] & bits) == bits;
  }
  std::size_t memory_bytes() const;

 private:
  int bits_;
  std::vector<std::shared_ptr<const Group>> groups_;
};
using BasePtr = std::shared_ptr<const Base>;

}  // namespace bongsu::detect
