#include "detect/segment.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"
#include "detect/key.h"

namespace bongsu::detect {
namespace {

std::uint64_t hash_of(const Validity& v) {
  std::int64_t parts[4] = {v.from ? v.from->seconds : INT64_MIN, v.from ? v.from->nanos : 0,
                           v.until ? v.until->seconds : INT64_MIN, v.until ? v.until->nanos : 0};
  return hash64({reinterpret_cast<const char*>(parts), sizeof parts});
}

}  // namespace

Segment::Entry Segment::at(std::size_t i) const {
  const Packed& p = entries_[i];
  const std::uint64_t offset = static_cast<std::uint64_t>(p.offset_high) << 32 | p.offset_low;
  return {static_cast<std::uint64_t>(p.ref_high) << 32 | p.ref_low, static_cast<Kind>(p.kind),
          static_cast<int>(p.confidence) - 1, std::string_view(blob_).substr(offset, p.size), &validities_[p.validity]};
}

std::size_t Segment::memory_bytes() const {
  return sizeof *this + entries_.capacity() * sizeof(Packed) + tags_.capacity() * 2 + directory_.capacity() * 4 +
         filter_.capacity() * 8 + blob_.capacity() + validities_.capacity() * sizeof(Validity);
}

void SegmentBuilder::reserve(std::size_t entries) { items_.reserve(entries); }

std::uint32_t SegmentBuilder::intern(const Validity& validity) {
  if (dictionary_.size() < validities_.size() * 2 + 8) {
    dictionary_.assign(std::bit_ceil(validities_.size() * 4 + 16), UINT32_MAX);
    for (std::uint32_t k = 0; k < validities_.size(); ++k) {
      std::size_t i = hash_of(validities_[k]) & (dictionary_.size() - 1);
      while (dictionary_[i] != UINT32_MAX) i = (i + 1) & (dictionary_.size() - 1);
      dictionary_[i] = k;
    }
  }
  std::size_t i = hash_of(validity) & (dictionary_.size() - 1);
  for (; dictionary_[i] != UINT32_MAX; i = (i + 1) & (dictionary_.size() - 1))
    if (validities_[dictionary_[i]] == validity) return dictionary_[i];
  dictionary_[i] = static_cast<std::uint32_t>(validities_.size());
  validities_.push_back(validity);
  return dictionary_[i];
}

bool SegmentBuilder::add(std::uint64_t hash, Kind kind, std::string_view bytes, std::uint64_t ref, int confidence,
                         const Validity& validity) {
  if (items_.size() >= kMaxEntries || bytes.size() > kMaxValueBytes || blob_.size() >= (1ULL << 40) - kMaxValueBytes ||
      validities_.size() >= kMaxValidities)
    return false;
  Segment::Packed p{};
  p.offset_low = static_cast<std::uint32_t>(blob_.size());
  p.offset_high = static_cast<std::uint8_t>(blob_.size() >> 32);
  p.size = static_cast<std::uint16_t>(bytes.size());
  p.kind = static_cast<std::uint8_t>(kind);
  p.ref_low = static_cast<std::uint32_t>(ref);
  p.ref_high = static_cast<std::uint32_t>(ref >> 32);
  p.validity = intern(validity) & 0xffffff;
  p.confidence = static_cast<std::uint8_t>(std::clamp(confidence, -1, 100) + 1);
  blob_.append(bytes);
  items_.push_back({hash, p});
  return true;
}

std::shared_ptr<const Segment> SegmentBuilder::finish(std::uint64_t sequence) {
  auto out = std::make_shared<Segment>();
  out->sequence_ = sequence;
  // Equal hashes keep the order in which they were added: that of their bytes.
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    if (a.packed.offset_high != b.packed.offset_high) return a.packed.offset_high < b.packed.offset_high;
    return a.packed.offset_low < b.packed.offset_low;
  });
  const std::size_t n = items_.size();
  const int bucket_bits = std::max(1, static_cast<int>(std::bit_width(n)) - 2);  // two to four entries each
  out->bucket_shift_ = 64 - bucket_bits;
  const std::size_t buckets = std::size_t{1} << bucket_bits;
  out->directory_.assign(buckets + 1, 0);
  const std::size_t words = std::bit_ceil(std::max<std::size_t>(n / 4, 16));  // 16 to 32 bits an entry
  out->filter_.assign(words, 0);
  out->filter_mask_ = words - 1;
  out->entries_.reserve(n);
  out->tags_.reserve(n);
  out->blob_ = std::move(blob_);
  out->blob_.shrink_to_fit();
  out->validities_ = std::move(validities_);
  for (const Item& item : items_) {
    out->entries_.push_back(item.packed);
    out->tags_.push_back(static_cast<std::uint16_t>(item.hash));
    ++out->directory_[(item.hash >> out->bucket_shift_) + 1];
    out->filter_[(item.hash >> 20) & out->filter_mask_] |= Segment::filter_bits(item.hash);
    ++out->counts_[item.packed.kind];
  }
  for (std::size_t b = 1; b <= buckets; ++b) out->directory_[b] += out->directory_[b - 1];
  items_ = {};
  for (std::size_t i = 0; i < n; ++i) {
    const Segment::Entry entry = out->at(i);
    if (entry.kind == Kind::kIpv4 || entry.kind == Kind::kIpv6)
      out->prefixes_[entry.kind == Kind::kIpv6].set(static_cast<std::uint8_t>(entry.bytes.back()));
    if (entry.kind == Kind::kFilePath && is_path_suffix(entry.bytes)) out->path_suffixes_ = true;
  }
  return out;
}

}  // namespace bongsu::detect
