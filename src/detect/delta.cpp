#include "detect/delta.h"

#include <algorithm>
#include <bit>

namespace bongsu::detect {
namespace {

std::size_t slot_of(std::uint64_t ref, std::size_t slots) {
  return static_cast<std::size_t>((ref * 0x9e3779b97f4a7c15ULL) >> 20) & (slots - 1);
}
std::size_t slots_for(std::size_t capacity) { return std::bit_ceil(std::max<std::size_t>(capacity, 16)) * 2; }

}  // namespace

Removed::Removed(std::size_t capacity) : slots_(slots_for(capacity)) {}

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

Delta::Delta(std::size_t capacity, std::shared_ptr<const ValueStore> store)
    : slots_(slots_for(capacity)),
      filter_(filter::words_for(slots_.size() / 2)),
      words_(filter::words_for(slots_.size() / 2)),
      store_(std::move(store)) {}

bool Delta::insert(const IndexEntry& entry, std::uint64_t sequence) {
  if (size() >= capacity()) return false;
  std::size_t i = home(entry.hash);
  while (slots_[i].sequence.load(std::memory_order_relaxed) != 0) i = (i + 1) & (slots_.size() - 1);
  const std::uint64_t spread = filter::spread(entry.hash);
  filter_[filter::word(spread, words_)].fetch_or(filter::bits(spread), std::memory_order_relaxed);
  slots_[i].entry = entry;
  slots_[i].sequence.store(sequence, std::memory_order_release);
  size_.store(size() + 1, std::memory_order_relaxed);
  return true;
}

}  // namespace bongsu::detect
