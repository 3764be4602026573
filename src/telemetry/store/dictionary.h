// The dictionary of a segment: which parts of its parts hold a key. Keys are 64-bit numbers whose meaning is the
// caller's.
//
//   DictionaryBuilder builder;
//   builder.add(part, hashes, ordered);                  // part by part; repeated keys are fine
//   std::string bytes = builder.finish(parts);
//
//   BONGSU_TRY(auto dictionary, KeyDictionary::open(bytes));
//   dictionary.find(sorted_hashes, [&](std::size_t which, auto& parts) { … });
//   dictionary.find_range(low, high, [&](auto& parts) { … });
//
// Two kinds. *Hashes* are looked up one by one; kKeyBits of each are kept, so that now and then (once in 10^8 look-ups
// at a million keys) a part is named that does not hold the key: what is found is looked at anyway. *Ordered* keys are
// kept whole and looked up by range (addresses of a network). README.md has the bytes.
//
// Reading is safe from several threads, and safe on any bytes: what cannot be is kCorrupt or finds nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::telemetry {

inline constexpr unsigned kKeyBits = 48;
inline constexpr std::size_t kMaxSegmentParts = 65'535;
inline constexpr std::size_t kMaxDictionaryBytes = std::size_t{1} << 30;

class DictionaryBuilder {
 public:
  // `part` does not fall from call to call.
  void add(std::uint32_t part, std::span<const std::uint64_t> hashes, std::span<const std::uint64_t> ordered);
  std::string finish(std::uint32_t parts);
  std::size_t memory_bytes() const { return (hashes_.capacity() + ordered_.capacity() * 2) * 8; }

 private:
  std::vector<std::uint64_t> hashes_;                             // kKeyBits of the key, 16 of the part
  std::vector<std::pair<std::uint64_t, std::uint32_t>> ordered_;  // key, part
};

class KeyDictionary {
 public:
  // `bytes` are kept. `parts`: how many the segment has; numbers beyond are not given out.
  static Result<KeyDictionary> open(std::string bytes, std::uint32_t parts);

  std::size_t keys() const { return keys_; }
  std::size_t ordered_keys() const { return ordered_; }
  std::size_t memory_bytes() const { return bytes_.size(); }

  // `hashes` rise. Calls found(index into hashes, parts) for each that is there; `parts` is a span that rises.
  template <class Found>
  void find(std::span<const std::uint64_t> hashes, Found&& found) const {
    if (keys_ == 0) return;
    std::vector<std::uint32_t> parts;
    constexpr std::size_t kAhead = 12;  // look-ups whose bucket is on its way from memory
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (i + kAhead < hashes.size()) prefetch(hashes[i + kAhead]);
      const std::size_t at = position(hashes[i]);
      if (at == kNone) continue;
      postings(bucket_of(hashes[i]), at, parts);
      if (!parts.empty()) found(i, std::span<const std::uint32_t>(parts));
    }
  }
  // Keys from `low` to `high`, both included.
  template <class Found>
  void find_range(std::uint64_t low, std::uint64_t high, Found&& found) const {
    std::vector<std::uint32_t> parts;
    for (std::size_t i = lower_bound(low); i < ordered_ && ordered_key(i) <= high; ++i) {
      ordered_postings(i, parts);
      if (!parts.empty()) found(std::span<const std::uint32_t>(parts));
    }
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  struct Bucket {
    std::uint32_t first_key = 0;  // number of its first key
    std::uint32_t postings = 0;   // where the lists of its keys begin
  };

  KeyDictionary() = default;
  std::size_t bucket_of(std::uint64_t hash) const {
    return bucket_bits_ == 0 ? 0 : static_cast<std::size_t>(hash >> (64 - bucket_bits_));
  }
  Bucket bucket(std::size_t i) const {
    Bucket out;
    std::memcpy(&out, bytes_.data() + directory_ + i * sizeof(Bucket), sizeof out);
    return out;
  }
  // The low bits of key `i`. The packed bits are followed by eight bytes of padding.
  std::uint64_t low_bits(std::size_t i) const {
    const std::uint64_t bit = static_cast<std::uint64_t>(i) * low_bits_;
    std::uint64_t word;
    std::memcpy(&word, bytes_.data() + packed_ + bit / 8, sizeof word);
    return word >> (bit % 8) & ((std::uint64_t{1} << low_bits_) - 1);
  }
  std::uint64_t ordered_key(std::size_t i) const {
    std::uint64_t key;
    std::memcpy(&key, bytes_.data() + ordered_at_ + i * sizeof key, sizeof key);
    return key;
  }
  void prefetch(std::uint64_t hash) const {
    const std::size_t b = bucket_of(hash);
    // About where the bucket's keys are, without waiting for the directory: hashes are spread evenly.
    const auto guess = static_cast<std::size_t>(static_cast<unsigned __int128>(hash) * keys_ >> 64);
    __builtin_prefetch(bytes_.data() + directory_ + b * sizeof(Bucket));
    __builtin_prefetch(bytes_.data() + packed_ + guess * low_bits_ / 8);
  }
  std::size_t position(std::uint64_t hash) const {
    const std::size_t b = bucket_of(hash);
    const std::size_t begin = bucket(b).first_key, end = bucket(b + 1).first_key;
    const std::uint64_t low = hash >> (64 - kKeyBits) & ((std::uint64_t{1} << low_bits_) - 1);
    for (std::size_t i = begin; i < end && i < keys_; ++i) {
      const std::uint64_t here = low_bits(i);
      if (here >= low) return here == low ? i : kNone;
    }
    return kNone;
  }
  std::size_t lower_bound(std::uint64_t key) const;
  void postings(std::size_t bucket, std::size_t key, std::vector<std::uint32_t>& out) const;
  void ordered_postings(std::size_t key, std::vector<std::uint32_t>& out) const;
  bool read_list(std::string_view& in, std::vector<std::uint32_t>* out) const;

  std::string bytes_;
  std::uint32_t parts_ = 0;
  unsigned bucket_bits_ = 0, low_bits_ = 0;
  std::size_t keys_ = 0, ordered_ = 0;
  std::size_t directory_ = 0, packed_ = 0, ordered_at_ = 0, ordered_lists_ = 0;  // offsets
  std::size_t postings_ = 0;
};

}  // namespace bongsu::telemetry
