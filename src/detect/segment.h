// An immutable part of the index: a filter, a table by hash, and the values' bytes.
//
// Entries lie in the order of their hashes; a small directory says where those of each range of hashes begin, and 16
// bits of each hash stand apart, so that a look-up that passes the filter touches three or four cache lines. Beside the
// values' own bytes an entry costs about 25 bytes: 20 of its own, 2 of hash, 2 of filter, 1 of directory.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "detect/indicator.h"

namespace bongsu::detect {

struct Validity {
  std::optional<Instant> from, until;  // until is exclusive
  bool at(const Instant& time) const { return (!from || *from <= time) && (!until || time < *until); }
  auto operator<=>(const Validity&) const = default;
};

class Segment {
 public:
  struct Entry {
    std::uint64_t ref;
    Kind kind;
    int confidence;
    std::string_view bytes;  // see key.h
    const Validity* validity;
  };

  std::size_t size() const { return entries_.size(); }
  std::uint64_t sequence() const { return sequence_; }
  std::size_t count(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  // Prefix lengths of the address blocks and addresses in here.
  const std::bitset<129>& prefixes(Kind kind) const { return prefixes_[kind == Kind::kIpv6]; }
  bool has_path_suffixes() const { return path_suffixes_; }
  std::size_t memory_bytes() const;

  bool may_hold(std::uint64_t hash) const {
    const std::uint64_t word = filter_[(hash >> 20) & filter_mask_];
    const std::uint64_t bits = filter_bits(hash);
    return (word & bits) == bits;
  }
  // Calls found(entry) for each entry of that key.
  template <class Found>
  void find(std::uint64_t hash, Kind kind, std::string_view bytes, Found&& found) const {
    if (!may_hold(hash)) return;
    const std::size_t bucket = static_cast<std::size_t>(hash >> bucket_shift_);
    const auto tag = static_cast<std::uint16_t>(hash);
    for (std::uint32_t i = directory_[bucket]; i < directory_[bucket + 1]; ++i) {
      if (tags_[i] != tag) continue;
      const Entry entry = at(i);
      if (entry.kind == kind && entry.bytes == bytes) found(entry);
    }
  }
  Entry at(std::size_t i) const;

 private:
  friend class SegmentBuilder;
  struct Packed {
    std::uint32_t offset_low;
    std::uint16_t size;
    std::uint8_t offset_high;
    std::uint8_t kind;
    std::uint32_t ref_low, ref_high;
    std::uint32_t validity : 24;
    std::uint32_t confidence : 8;  // + 1
  };
  static_assert(sizeof(Packed) == 20);

  static std::uint64_t filter_bits(std::uint64_t hash) {
    return 1ULL << (hash & 63) | 1ULL << (hash >> 6 & 63) | 1ULL << (hash >> 12 & 63) | 1ULL << (hash >> 50 & 63);
  }

  std::uint64_t sequence_ = 0;
  std::vector<Packed> entries_;
  std::vector<std::uint16_t> tags_;
  std::vector<std::uint32_t> directory_;
  int bucket_shift_ = 63;
  std::vector<std::uint64_t> filter_;
  std::uint64_t filter_mask_ = 0;
  std::string blob_;
  std::vector<Validity> validities_;
  std::size_t counts_[kKinds] = {};
  std::bitset<129> prefixes_[2];
  bool path_suffixes_ = false;
};

class SegmentBuilder {
 public:
  static constexpr std::size_t kMaxEntries = 200'000'000;
  static constexpr std::size_t kMaxValidities = (1U << 24) - 1;

  void reserve(std::size_t entries);
  // False when a limit of the form is reached.
  bool add(std::uint64_t hash, Kind kind, std::string_view bytes, std::uint64_t ref, int confidence,
           const Validity& validity);
  std::size_t size() const { return items_.size(); }
  std::shared_ptr<const Segment> finish(std::uint64_t sequence);

 private:
  struct Item {
    std::uint64_t hash;
    Segment::Packed packed;
  };
  std::vector<Item> items_;
  std::string blob_;
  std::vector<Validity> validities_;
  std::vector<std::pair<Validity, std::uint32_t>> recent_;  // of the dictionary: most lists have few
  std::vector<std::uint32_t> dictionary_;                   // open table over validities_
  std::uint32_t intern(const Validity& validity);
};

}  // namespace bongsu::detect
