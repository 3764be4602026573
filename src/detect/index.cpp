#include "detect/index.h"

#include <algorithm>
#include <bit>
#include <random>

namespace bongsu::detect {
namespace {

constexpr std::size_t kRatio = 8;            // of neighbouring segments
constexpr std::size_t kFirstRemoved = 1024;  // capacity of the set of removed refs

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

std::size_t slot_of(std::uint64_t ref, std::size_t slots) {
  return static_cast<std::size_t>((ref * 0x9e3779b97f4a7c15ULL) >> 20) & (slots - 1);
}

}  // namespace

Removed::Removed(std::size_t capacity) : slots_(std::bit_ceil(std::max<std::size_t>(capacity, 16)) * 2) {}

bool Removed::insert(std::uint64_t ref, std::uint64_t sequence) {
  if (size_ >= capacity()) return false;
  std::size_t i = slot_of(ref, slots_.size());
  while (slots_[i].sequence.load(std::memory_order_relaxed) != 0) i = (i + 1) & (slots_.size() - 1);
  slots_[i].ref.store(ref, std::memory_order_relaxed);
  slots_[i].sequence.store(sequence, std::memory_order_release);
  ++size_;
  return true;
}

std::uint64_t Removed::find(std::uint64_t ref, std::uint64_t limit) const {
  std::uint64_t last = 0;
  for (std::size_t i = slot_of(ref, slots_.size());; i = (i + 1) & (slots_.size() - 1)) {
    const std::uint64_t sequence = slots_[i].sequence.load(std::memory_order_acquire);
    if (sequence == 0) return last;
    if (sequence > last && sequence <= limit && slots_[i].ref.load(std::memory_order_relaxed) == ref) last = sequence;
  }
}

Index::Index() : Index(random_seed()) {}

Index::Index(std::uint64_t seed) : seeds_(seed), removed_(std::make_shared<Removed>(kFirstRemoved)) { publish(); }

SnapshotPtr Index::snapshot() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

std::size_t Index::size() const {
  std::size_t n = 0;
  for (const auto& segment : snapshot()->segments) n += segment->size();
  return n;
}

std::size_t Index::memory_bytes() const {
  const auto now = snapshot();
  std::size_t n = now->removed->capacity() * 32;
  for (const auto& segment : now->segments) n += segment->memory_bytes();
  return n;
}

void Index::publish() {
  auto next = std::make_shared<Snapshot>();
  next->keys.seeds = seeds_;
  next->sequence = sequence_;
  next->segments = segments_;
  next->removed = removed_;
  std::bitset<129> v4, v6;
  for (const auto& segment : segments_) {
    for (std::size_t k = 0; k < kKinds; ++k)
      if (segment->count(static_cast<Kind>(k)) > 0) next->keys.want(static_cast<Kind>(k));
    v4 |= segment->prefixes(Kind::kIpv4);
    v6 |= segment->prefixes(Kind::kIpv6);
    next->keys.path_suffixes = next->keys.path_suffixes || segment->has_path_suffixes();
  }
  for (int p = 31; p >= 0; --p)
    if (v4[static_cast<std::size_t>(p)]) next->keys.v4_prefixes.push_back(p);
  for (int p = 127; p >= 0; --p)
    if (v6[static_cast<std::size_t>(p)]) next->keys.v6_prefixes.push_back(p);
  next->keys.v4_whole = v4[32];
  next->keys.v6_whole = v6[128];
  SnapshotPtr old = std::move(next);
  {
    const std::lock_guard lock(published_mutex_);
    std::swap(published_, old);
  }
  // The old snapshot, if it was the last, is freed here, outside the lock.
}

Result<SegmentBuilder> Index::build(std::span<const Indicator> indicators) const {
  SegmentBuilder builder;
  builder.reserve(indicators.size());
  for (const Indicator& indicator : indicators) {
    const auto bytes = key_bytes(indicator.value);
    if (!bytes)
      return fail(ErrorCode::kInvalid, "a value that is not in its normal form", {.field = indicator.value.text});
    if (!builder.add(key_hash(seeds_, indicator.value.kind, *bytes), indicator.value.kind, *bytes, indicator.ref,
                     indicator.confidence, {indicator.valid_from, indicator.valid_until}))
      return fail(ErrorCode::kTooLarge, "the index is full");
  }
  return builder;
}

Result<void> Index::add(std::span<const Indicator> indicators) {
  if (indicators.empty()) return {};
  BONGSU_TRY(SegmentBuilder builder, build(indicators));
  const std::lock_guard lock(writer_);
  const std::uint64_t sequence = ++sequence_;
  segments_.push_back(builder.finish(sequence));
  publish();  // in force before the slow part
  join_segments();
  return {};
}

Result<void> Index::replace(std::uint64_t ref, std::span<const Indicator> indicators) {
  BONGSU_TRY(SegmentBuilder builder, build(indicators));
  const std::lock_guard lock(writer_);
  ++sequence_;
  mark_removed(ref);
  const std::uint64_t sequence = ++sequence_;
  if (builder.size() > 0) segments_.push_back(builder.finish(sequence));
  publish();
  if (builder.size() > 0) join_segments();
  forget_removed();
  return {};
}

void Index::remove(std::span<const std::uint64_t> refs) {
  if (refs.empty()) return;
  const std::lock_guard lock(writer_);
  ++sequence_;
  for (const std::uint64_t ref : refs) mark_removed(ref);
  publish();
  forget_removed();
}

void Index::mark_removed(std::uint64_t ref) {
  if (removed_->insert(ref, sequence_)) return;
  auto larger = std::make_shared<Removed>(removed_->capacity() * 2);
  removed_->each([&](std::uint64_t r, std::uint64_t s) { larger->insert(r, s); });
  larger->insert(ref, sequence_);
  removed_ = std::move(larger);
}

// When many are removed, the segments are written anew without them.
void Index::forget_removed() {
  std::size_t entries = 0;
  for (const auto& segment : segments_) entries += segment->size();
  if (removed_->size() > std::max(kFirstRemoved, entries / 8)) rebuild();
}

void Index::clear() {
  const std::lock_guard lock(writer_);
  segments_.clear();
  removed_ = std::make_shared<Removed>(kFirstRemoved);
  publish();
}

std::shared_ptr<const Segment> Index::join(std::span<const std::shared_ptr<const Segment>> segments) const {
  SegmentBuilder builder;
  std::size_t total = 0;
  std::uint64_t sequence = 0;
  for (const auto& segment : segments) total += segment->size();
  builder.reserve(total);
  for (const auto& segment : segments) {
    sequence = std::max(sequence, segment->sequence());
    for (std::size_t i = 0; i < segment->size(); ++i) {
      const Segment::Entry e = segment->at(i);
      if (removed_->find(e.ref, sequence_) >= segment->sequence()) continue;
      builder.add(key_hash(seeds_, e.kind, e.bytes), e.kind, e.bytes, e.ref, e.confidence, *e.validity);
    }
  }
  return builder.finish(sequence);
}

// Keeps each segment at least kRatio times as large as the next.
void Index::join_segments() {
  std::size_t first = segments_.size() - 1;
  std::size_t size = segments_.back()->size();
  while (first > 0 && segments_[first - 1]->size() < kRatio * size) size += segments_[--first]->size();
  if (first == segments_.size() - 1) return;
  auto joined = join(std::span(segments_).subspan(first));
  segments_.resize(first);
  if (joined->size() > 0) segments_.push_back(std::move(joined));
  publish();
}

// Joins everything and forgets what was removed.
void Index::rebuild() {
  auto joined = join(segments_);
  segments_.clear();
  if (joined->size() > 0) segments_.push_back(std::move(joined));
  removed_ = std::make_shared<Removed>(kFirstRemoved);
  publish();
}

}  // namespace bongsu::detect
