#include "detect/index.h"

#include <malloc.h>

#include <algorithm>
#include <bit>
#include <random>

namespace bongsu::detect {
namespace {

constexpr std::size_t kFewestChanges = 4096;         // before the delta is merged
constexpr std::size_t kChangesPart = 64;             // of the base
constexpr std::size_t kFirstDelta = 256;             // capacity
constexpr std::size_t kFirstRemoved = 1024;          // capacity of the set of removed refs
constexpr std::size_t kPartitionEntries = 8192;      // at most, on average
constexpr std::uint64_t kLeastGarbage = 128 * 1024;  // bytes, before values are moved
constexpr std::size_t kLeastLoad = 256 * 1024;       // entries that are merged at once while loading
constexpr std::uint32_t kAhead = 12;                 // entries of a run that are fetched before they are needed
constexpr std::uint64_t kPublishEach = 64;           // partitions, while a bulk is merged

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

int bits_for(std::size_t entries) {
  const std::size_t partitions = std::bit_ceil(std::max<std::size_t>(1, entries / kPartitionEntries));
  return std::max(Partition::kFewestBits, static_cast<int>(std::bit_width(partitions)) - 1);
}

}  // namespace

// --- a moment

bool Snapshot::read(const IndexEntry& entry, const ValueStore& store, std::string& scratch, Entry& out) const {
  ValueStore::Record record;
  if (!store.read(entry.at, scratch, record)) {
    unreadable->fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  out = {entry.ref, record.kind, record.confidence, record.bytes, record.validity};
  return true;
}

void Snapshot::each(const std::function<void(const Entry&)>& visit) const {
  std::string scratch;
  Entry out;
  const auto show = [&](const IndexEntry& entry, std::uint64_t added, const ValueStore& store) {
    if (is_live(entry.ref, added) && read(entry, store, scratch, out)) visit(out);
  };
  const auto show_base = [&](const Base& b, const ValueStore& store) {
    for (std::uint64_t number = 0; number < b.count(); ++number)
      if (const Partition* partition = b.partition(number))
        for (std::size_t i = 0; i < partition->size(); ++i) show(partition->at(i), partition->sequence(), store);
  };
  show_base(*base, *base_store);  // without the partitions that were merged
  if (next != nullptr) show_base(*next, *next_store);
  if (frozen != nullptr)
    frozen->each([&](const IndexEntry& entry, std::uint64_t added) {
      if (!is_merged(entry.hash)) show(entry, added, *frozen->store());
    });
  if (delta != nullptr)
    delta->each([&](const IndexEntry& entry, std::uint64_t added) {
      if (added <= sequence) show(entry, added, *delta->store());
    });
}

std::size_t Snapshot::memory_bytes() const {
  std::size_t n = sizeof *this + base->memory_bytes() + removed->memory_bytes();
  if (base_store != nullptr) n += base_store->memory_bytes();
  if (next != nullptr) n += next->memory_bytes();
  if (next_store != nullptr && next_store != base_store) n += next_store->memory_bytes();
  if (delta != nullptr) n += delta->memory_bytes();
  if (frozen != nullptr) n += frozen->memory_bytes();
  return n;
}

// --- what there is

void Index::Counts::count(Kind kind, std::string_view bytes, int by) {
  const auto add = static_cast<std::uint64_t>(static_cast<std::int64_t>(by));
  of[static_cast<std::size_t>(kind)] += add;
  if (kind == Kind::kIpv4) v4[std::min<std::uint8_t>(static_cast<std::uint8_t>(bytes.back()), 32)] += add;
  if (kind == Kind::kIpv6) v6[std::min<std::uint8_t>(static_cast<std::uint8_t>(bytes.back()), 128)] += add;
  if (kind == Kind::kFilePath && is_path_suffix(bytes)) path_suffixes += add;
}

Index::Index(IndexOptions options)
    : options_(std::move(options)),
      seeds_(options_.seed ? *options_.seed : random_seed()),
      base_(std::make_shared<const Base>(Partition::kFewestBits)),
      removed_(std::make_shared<Removed>(kFirstRemoved)),
      unreadable_(std::make_shared<std::atomic<std::uint64_t>>(0)) {
  publish();
}

SnapshotPtr Index::snapshot() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

void Index::publish() {
  auto next = std::make_shared<Snapshot>();
  KeySelection& keys = next->keys;
  keys.seeds = seeds_;
  for (std::size_t k = 0; k < kKinds; ++k)
    if (counts_.of[k] > 0) keys.want(static_cast<Kind>(k));
  keys.v4_whole = counts_.v4[32] > 0;
  keys.v6_whole = counts_.v6[128] > 0;
  if (counts_.of[static_cast<std::size_t>(Kind::kIpv4)] > counts_.v4[32])
    for (int p = 31; p >= 0; --p)
      if (counts_.v4[p] > 0) keys.v4_prefixes.push_back(p);
  if (counts_.of[static_cast<std::size_t>(Kind::kIpv6)] > counts_.v6[128])
    for (int p = 127; p >= 0; --p)
      if (counts_.v6[p] > 0) keys.v6_prefixes.push_back(p);
  keys.path_suffixes = counts_.path_suffixes > 0;
  next->sequence = sequence_;
  next->additions = additions_;
  next->entries = entries_;
  next->base = base_;
  next->next = next_;
  next->merged = merged_;
  next->base_store = base_store_;
  next->next_store = store_;
  next->delta = delta_;
  next->frozen = frozen_;
  next->removed = removed_;
  next->unreadable = unreadable_;
  SnapshotPtr old = std::move(next);
  {
    const std::lock_guard lock(published_mutex_);
    std::swap(published_, old);
  }
  // The old snapshot, if it was the last, is freed here, outside the lock.
}

// --- adding and removing

Result<void> Index::open_store() {
  if (store_ != nullptr) return {};
  BONGSU_TRY(store_, ValueStore::open(options_.values_directory));
  base_store_ = store_;
  return {};
}

// Puts the values into the store; the entries are nowhere yet.
Result<void> Index::prepare(std::span<const Indicator> indicators, std::vector<IndexEntry>& out) {
  BONGSU_TRY_VOID(open_store());
  if (entries_ + loading_.size() + indicators.size() > kMaxEntries)
    return fail(ErrorCode::kTooLarge, "the index is full");
  const std::size_t before = out.size();
  const std::uint64_t bytes_before = store_->bytes();
  std::string scratch;
  const auto put = [&](const Indicator& indicator) -> Result<void> {
    const Kind kind = indicator.value.kind;
    const std::string_view bytes = key_bytes(indicator.value, scratch);
    if (bytes.empty())
      return fail(ErrorCode::kInvalid, "a value that is not in its normal form", {.field = indicator.value.text});
    const Validity validity{indicator.valid_from, indicator.valid_until};
    BONGSU_TRY(const std::uint64_t at, store_->append(kind, bytes, indicator.confidence, validity));
    counts_.count(kind, bytes, 1);
    out.push_back({key_hash(seeds_, kind, bytes), indicator.ref, at, CoarseValidity::of(validity)});
    return {};
  };
  Result<void> done;
  for (const Indicator& indicator : indicators)
    if (done = put(indicator); !done) break;
  if (done) done = store_->flush();
  if (!done) {
    for (std::size_t i = before; i < out.size(); ++i)
      counts_.count(indicators[i - before].value.kind, key_bytes(indicators[i - before].value, scratch), -1);
    out.resize(before);
    garbage_ += store_->bytes() - bytes_before;
  }
  return done;
}

Result<void> Index::add(std::span<const Indicator> indicators) {
  if (indicators.empty()) return {};
  const std::lock_guard lock(writer_);
  std::vector<IndexEntry> entries;
  entries.reserve(indicators.size());
  BONGSU_TRY_VOID(prepare(indicators, entries));
  if (entries.size() >= kBulk) {
    insert_bulk(std::move(entries));
    return {};
  }
  ++sequence_;
  insert(entries);
  publish();
  after(entries.size());
  return {};
}

Result<void> Index::replace(std::uint64_t ref, std::span<const Indicator> indicators) {
  const std::lock_guard lock(writer_);
  if (!loading_.empty()) insert_bulk(std::exchange(loading_, {}));
  std::vector<IndexEntry> entries;
  BONGSU_TRY_VOID(prepare(indicators, entries));
  ++sequence_;
  mark_removed(ref);
  ++sequence_;
  insert(entries);
  publish();
  after(entries.size() + 1);
  return {};
}

void Index::remove(std::span<const std::uint64_t> refs) {
  if (refs.empty()) return;
  const std::lock_guard lock(writer_);
  if (!loading_.empty()) insert_bulk(std::exchange(loading_, {}));
  ++sequence_;
  for (const std::uint64_t ref : refs) mark_removed(ref);
  publish();
  after(refs.size());
}

Result<void> Index::load(std::span<const Indicator> indicators) {
  const std::lock_guard lock(writer_);
  BONGSU_TRY_VOID(prepare(indicators, loading_));
  const std::size_t full = std::max(kLeastLoad, entries_);
  if (loading_.size() >= kLeastLoad / 2) loading_.reserve(full + indicators.size());  // it is a long list
  if (loading_.size() >= full) insert_bulk(std::exchange(loading_, {}));
  return {};
}

void Index::finish_load() {
  const std::lock_guard lock(writer_);
  if (!loading_.empty()) insert_bulk(std::exchange(loading_, {}));
#ifdef __GLIBC__
  if (entries_ >= kBulk) ::malloc_trim(0);  // what loading held goes back to the system
#endif
}

void Index::insert(const std::vector<IndexEntry>& entries) {
  if (entries.empty()) return;
  const std::size_t need = entries.size() + (delta_ == nullptr ? 0 : delta_->size());
  if (delta_ == nullptr || need > delta_->capacity()) {
    auto larger = std::make_shared<Delta>(std::max(kFirstDelta, std::bit_ceil(need)), store_);
    if (delta_ != nullptr)
      delta_->each([&](const IndexEntry& entry, std::uint64_t added) { larger->insert(entry, added); });
    delta_ = std::move(larger);
  }
  for (const IndexEntry& entry : entries) delta_->insert(entry, sequence_);
  entries_ += entries.size();
  ++additions_;
}

void Index::insert_bulk(std::vector<IndexEntry>&& entries) {
  finish_merge();
  ++sequence_;
  entries_ += entries.size();
  begin_merge(std::move(entries));
  while (merged_ < base_->count()) {
    merge_one();
    ++additions_;
    if (merged_ % kPublishEach == 0) publish();
  }
  end_merge();
  ++additions_;
  publish();
}

void Index::mark_removed(std::uint64_t ref) {
  if (removed_->insert(ref, sequence_)) return;
  auto larger = std::make_shared<Removed>(removed_->capacity() * 2);
  removed_->each([&](std::uint64_t r, std::uint64_t s) { larger->insert(r, s); });
  larger->insert(ref, sequence_);
  removed_ = std::move(larger);
}

void Index::clear() {
  const std::lock_guard lock(writer_);
  base_ = std::make_shared<const Base>(Partition::kFewestBits);
  next_ = nullptr;
  merged_ = 0;
  delta_ = frozen_ = nullptr;
  merge_.reset();
  loading_ = {};
  removed_ = std::make_shared<Removed>(kFirstRemoved);
  counts_ = {};
  entries_ = 0;
  garbage_ = 0;
  store_ = base_store_ = nullptr;
  publish();
}

// --- merging

std::size_t Index::change_limit() const { return std::max(kFewestChanges, entries_ / kChangesPart); }

// The share of the work of merging that belongs to so many changes.
void Index::after(std::size_t changes) {
  const std::size_t limit = change_limit();
  const bool many_added = delta_ != nullptr && delta_->size() >= limit;
  if (merge_ && many_added) finish_merge();  // behind, since much came at once
  if (!merge_) {
    if (!many_added && removed_->size() < limit) return;
    begin_merge({});
  }
  std::size_t steps = 1 + changes * base_->count() * 2 / limit;
  while (merge_ && steps-- > 0) {
    merge_one();
    if (merged_ == base_->count()) end_merge();
  }
  publish();
}

void Index::begin_merge(std::vector<IndexEntry>&& run) {
  merge_ = std::make_unique<Merge>();
  Merge& m = *merge_;
  m.sequence = sequence_;
  m.run = std::move(run);
  const std::uint64_t used = store_ == nullptr ? 0 : store_->bytes();
  if (m.run.empty() && loading_.empty() && garbage_ > std::max(kLeastGarbage, used / 2)) {
    // Room for what is alive is taken first, so that moving cannot fail half way.
    if (auto fresh = ValueStore::open(options_.values_directory); fresh && (*fresh)->reserve(used - garbage_)) {
      m.move_values = true;
      store_ = std::move(*fresh);
      garbage_ = 0;
    }
  }
  frozen_ = std::move(delta_);
  delta_ = nullptr;
  if (frozen_ != nullptr)
    frozen_->each([&](const IndexEntry& entry, std::uint64_t added) {
      m.run.push_back(entry);
      m.added.push_back(added);
    });
  const int shift = 64 - base_->bits();
  m.begins.assign(base_->count() + 1, 0);
  for (const IndexEntry& entry : m.run) ++m.begins[(entry.hash >> shift) + 1];
  for (std::size_t i = 1; i < m.begins.size(); ++i) m.begins[i] += m.begins[i - 1];
  m.order.resize(m.run.size());
  std::vector<std::uint32_t> at(m.begins.begin(), m.begins.end() - 1);
  for (std::uint32_t i = 0; i < m.run.size(); ++i) m.order[at[m.run[i].hash >> shift]++] = i;
  merged_ = 0;
  next_ = std::make_shared<const Base>(std::max(base_->bits(), bits_for(entries_)));
}

// The next partition that has anything in it, with its part of the run.
void Index::merge_one() {
  Merge& m = *merge_;
  while (merged_ < base_->count() && base_->partition(merged_) == nullptr && m.begins[merged_] == m.begins[merged_ + 1])
    ++merged_;
  if (merged_ == base_->count()) return;
  m.part.clear();
  const bool removals = removed_->size() > 0;
  if (const Partition* old = base_->partition(merged_))
    for (std::size_t i = 0; i < old->size(); ++i) {
      const IndexEntry entry = old->at(i);
      if (removals && removed_->find(entry.ref, m.sequence) >= old->sequence())
        forget(entry, *base_store_);
      else
        m.part.push_back(entry);
    }
  const std::size_t unseen = m.run.size() - m.added.size();
  for (std::uint32_t k = m.begins[merged_]; k < m.begins[merged_ + 1]; ++k) {
    const std::uint32_t i = m.order[k];
    if (k + kAhead < m.order.size()) __builtin_prefetch(&m.run[m.order[k + kAhead]]);
    if (i >= unseen && removals && removed_->find(m.run[i].ref, m.sequence) >= m.added[i - unseen])
      forget(m.run[i], *frozen_->store());
    else
      m.part.push_back(m.run[i]);
  }
  if (m.move_values) {
    std::string scratch;
    for (IndexEntry& entry : m.part) {
      ValueStore::Record record;
      BONGSU_CHECK(base_store_->read(entry.at, scratch, record));
      auto at = store_->append(record.kind, record.bytes, record.confidence, record.validity);
      BONGSU_CHECK(at.has_value());
      entry.at = *at;
    }
    BONGSU_CHECK(store_->flush().has_value());
  }
  const int split = next_->bits() - base_->bits();
  std::vector<PartitionPtr> fresh(std::size_t{1} << split);
  if (split == 0) {
    if (!m.part.empty()) fresh[0] = Partition::build(m.part, next_->bits(), merged_, m.sequence);
  } else {
    for (std::uint64_t piece = 0; piece < fresh.size(); ++piece) {
      const std::uint64_t number = (merged_ << split) + piece;
      m.pieces.clear();
      for (const IndexEntry& entry : m.part)
        if (entry.hash >> (64 - next_->bits()) == number) m.pieces.push_back(entry);
      if (!m.pieces.empty()) fresh[piece] = Partition::build(m.pieces, next_->bits(), number, m.sequence);
    }
  }
  next_ = next_->with(merged_ << split, fresh);
  const PartitionPtr none[1] = {};
  base_ = base_->with(merged_, none);
  ++merged_;
}

void Index::finish_merge() {
  if (!merge_) return;
  while (merged_ < base_->count()) merge_one();
  end_merge();
}

void Index::end_merge() {
  base_ = std::move(next_);
  next_ = nullptr;
  base_store_ = store_;
  merged_ = 0;
  frozen_ = nullptr;
  const std::uint64_t done = merge_->sequence;
  merge_.reset();
  std::size_t left = 0;
  removed_->each([&](std::uint64_t, std::uint64_t sequence) { left += sequence > done; });
  auto fewer = std::make_shared<Removed>(std::max(kFirstRemoved, left * 2));
  removed_->each([&](std::uint64_t ref, std::uint64_t sequence) {
    if (sequence > done) fewer->insert(ref, sequence);
  });
  removed_ = std::move(fewer);
}

void Index::forget(const IndexEntry& entry, const ValueStore& store) {
  --entries_;
  std::string scratch;
  ValueStore::Record record;
  if (!store.read(entry.at, scratch, record)) {
    unreadable_->fetch_add(1, std::memory_order_relaxed);
    return;
  }
  counts_.count(record.kind, record.bytes, -1);
  // While values are moved, what is left behind is gone with its store.
  if (&store == store_.get()) garbage_ += record.stored;
}

}  // namespace bongsu::detect
