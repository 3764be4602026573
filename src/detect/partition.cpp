#include "detect/partition.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "base/result.h"

namespace bongsu::detect {
namespace {

constexpr std::size_t kMapFrom = 64 * 1024;  // larger blocks go back to the system when they are dropped

std::size_t aligned(std::size_t n) { return (n + 7) & ~std::size_t{7}; }

}  // namespace

std::shared_ptr<const Partition> Partition::build(std::span<const IndexEntry> entries, int bits, std::uint64_t number,
                                                  std::uint64_t sequence) {
  BONGSU_CHECK(bits >= kFewestBits && entries.size() < UINT32_MAX);
  std::shared_ptr<Partition> out(new Partition);
  Partition& p = *out;
  const std::size_t n = entries.size();
  const int bucket_bits = std::clamp(static_cast<int>(std::bit_width(n)) - 3, 1, 40 - bits);  // four to eight in each
  const std::size_t buckets = std::size_t{1} << bucket_bits;
  p.size_ = n;
  p.bits_ = bits;
  p.bucket_shift_ = 64 - bucket_bits;
  p.first_bits_ = (number >> (bits - kFewestBits)) << (64 - kFewestBits);
  p.sequence_ = sequence;
  p.filter_words_ = filter::words_for(n);
  std::size_t end = p.filter_words_ * std::size_t{8};
  const auto place = [&](std::size_t bytes) {
    const std::size_t at = end;
    end = aligned(end + bytes);
    return at;
  };
  p.refs_at_ = place(n * 8);
  p.low_at_ = place(n * 4);
  p.tags_at_ = place(n * 4);
  p.validity_at_ = place(n * 4);
  p.directory_at_ = place((buckets + 1) * 4);
  p.high_at_ = place(n);
  p.block_bytes_ = end;
  p.mapped_ = end >= kMapFrom;
  if (p.mapped_) {
    void* block = ::mmap(nullptr, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) throw std::bad_alloc();
    p.block_ = static_cast<char*>(block);
  } else {
    p.block_ = static_cast<char*>(std::calloc(1, end));
    if (p.block_ == nullptr) throw std::bad_alloc();
  }

  auto* directory = p.array<std::uint32_t>(p.directory_at_);
  auto* words = p.array<std::uint64_t>(0);
  for (const IndexEntry& e : entries) {
    ++directory[p.bucket_of(e.hash) + 1];
    const std::uint64_t spread = filter::spread(e.hash);
    words[filter::word(spread, p.filter_words_)] |= filter::bits(spread);
  }
  for (std::size_t b = 1; b <= buckets; ++b) directory[b] += directory[b - 1];
  // Placing moves each bucket's begin to its end; afterwards everything is shifted back by one bucket.
  auto* refs = p.array<std::uint64_t>(p.refs_at_);
  auto* low = p.array<std::uint32_t>(p.low_at_);
  auto* tags = p.array<std::uint32_t>(p.tags_at_);
  auto* validities = p.array<CoarseValidity>(p.validity_at_);
  auto* high = p.array<std::uint8_t>(p.high_at_);
  for (const IndexEntry& e : entries) {
    const std::uint32_t i = directory[p.bucket_of(e.hash)]++;
    refs[i] = e.ref;
    low[i] = static_cast<std::uint32_t>(e.at);
    high[i] = static_cast<std::uint8_t>(e.at >> 32);
    tags[i] = static_cast<std::uint32_t>(e.hash >> 24);
    validities[i] = e.validity;
  }
  for (std::size_t b = buckets; b > 0; --b) directory[b] = directory[b - 1];
  directory[0] = 0;
  return out;
}

Partition::~Partition() {
  if (mapped_)
    ::munmap(block_, block_bytes_);
  else
    std::free(block_);
}

Base::Base(int bits) : bits_(bits), groups_(std::size_t{1} << (bits - kGroupBits)) {
  const auto empty = std::make_shared<const Group>(std::size_t{1} << kGroupBits);
  std::fill(groups_.begin(), groups_.end(), empty);
}

std::shared_ptr<const Base> Base::with(std::uint64_t first, std::span<const PartitionPtr> partitions) const {
  auto out = std::make_shared<Base>(*this);
  std::shared_ptr<Group> group;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const std::uint64_t number = first + i;
    const std::size_t g = static_cast<std::size_t>(number >> kGroupBits);
    if (group == nullptr || (number & ((1U << kGroupBits) - 1)) == 0) {
      group = std::make_shared<Group>(*out->groups_[g]);
      out->groups_[g] = group;
    }
    Slot& slot = (*group)[number & ((1U << kGroupBits) - 1)];
    slot.partition = partitions[i];
    slot.filter = partitions[i] == nullptr ? nullptr : partitions[i]->filter();
    slot.filter_words = partitions[i] == nullptr ? 0 : partitions[i]->filter_words();
  }
  return out;
}

std::size_t Base::memory_bytes() const {
  std::size_t n = sizeof *this + groups_.capacity() * sizeof groups_[0];
  for (const auto& group : groups_) {
    n += group->capacity() * sizeof(Slot);
    for (const Slot& slot : *group)
      if (slot.partition != nullptr) n += slot.partition->memory_bytes();
  }
  return n;
}

}  // namespace bongsu::detect
