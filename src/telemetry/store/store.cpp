#include "telemetry/store/store.h"

#include <fmt/format.h>

#include <charconv>

namespace bongsu::telemetry {
namespace {

constexpr std::string_view kSegment = ".seg", kSpool = ".spool", kTemporary = ".tmp";

std::string file_name(std::uint64_t number, std::string_view kind) { return fmt::format("{:016x}{}", number, kind); }

std::optional<std::uint64_t> number_of(std::string_view name, std::string_view kind) {
  if (name.size() != 16 + kind.size() || !name.ends_with(kind)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(name.data(), name.data() + 16, number, 16);
  if (ec != std::errc() || end != name.data() + 16 || number == 0) return std::nullopt;
  return number;
}

}  // namespace

Result<std::unique_ptr<TelemetryStore>> TelemetryStore::open(std::unique_ptr<Files> files, StoreOptions options,
                                                             const Clock& clock, Random& random) {
  std::unique_ptr<TelemetryStore> out(new TelemetryStore(std::move(files), options, clock));
  BONGSU_TRY_VOID(out->load(random));
  return out;
}

Result<void> TelemetryStore::load(Random& random) {
  BONGSU_TRY(const auto entries, files_->list());
  std::uint64_t last_segment = 0;
  bool removed = false;
  for (const auto& entry : entries) {
    if (entry.name.ends_with(kTemporary)) {
      // A segment that was not finished: what is in it is in spools still.
      if (options_.read_only) continue;
      BONGSU_TRY_VOID(files_->remove(entry.name));
      removed = true;
    } else if (const auto number = number_of(entry.name, kSegment)) {
      next_ = std::max(next_, *number + 1);
      // Whatever its state: it was whole when it got this name, and its spools were let go.
      last_segment = std::max(last_segment, *number);
      auto segment = SegmentFile::open(*files_, entry.name);
      if (!segment && segment.error().code == ErrorCode::kNotFound && options_.read_only) continue;
      if (!segment) {
        damage_.push_back(std::move(segment).error());
        continue;
      }
      for (const Error& error : (*segment)->damage()) damage_.push_back(error);
      segments_.emplace(*number, std::move(*segment));
    }
  }
  for (const auto& entry : entries) {
    const auto number = number_of(entry.name, kSpool);
    if (!number) continue;
    next_ = std::max(next_, *number + 1);
    last_closed_ = std::max(last_closed_, *number);
    auto spool =
        *number <= last_segment ? Result<SegmentFilePtr>(nullptr) : SegmentFile::open_spool(*files_, entry.name);
    if (options_.read_only && (!spool || *spool == nullptr || (*spool)->blocks().empty())) continue;
    if (!spool && spool.error().code != ErrorCode::kCorrupt) return std::unexpected(spool.error());
    // One that is not even begun holds nothing that was acknowledged.
    if (!spool || *spool == nullptr || (*spool)->blocks().empty()) {
      BONGSU_TRY_VOID(files_->remove(entry.name));
      removed = true;
      continue;
    }
    spools_.emplace(*number, std::move(*spool));
  }
  if (removed) BONGSU_TRY_VOID(files_->sync_directory());

  // One seed for all, so that keys are made once for a hunt. The newest file's, if there is one.
  if (!spools_.empty())
    seed_ = spools_.rbegin()->second->seed();
  else if (!segments_.empty())
    seed_ = segments_.rbegin()->second->seed();
  else
    seed_ = random.next();
  for (const auto& [number, segment] : segments_) note_covers(segment->facts().covers);
  for (const auto& [number, spool] : spools_) note_covers(spool->facts().covers);
  return {};
}

void TelemetryStore::note_covers(const std::vector<Cover>& covers) {
  for (const Cover& cover : covers) covers_.insert_or_assign(cover.stream, cover.position);
}

std::vector<SegmentFilePtr> TelemetryStore::segments() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentFilePtr> out;
  for (const auto& [number, segment] : segments_) out.push_back(segment);
  return out;
}

std::vector<TelemetryStore::Spool> TelemetryStore::spools() const {
  const std::lock_guard lock(mutex_);
  std::vector<Spool> out;
  for (const auto& [number, spool] : spools_) out.push_back({number, spool});
  return out;
}

std::vector<Error> TelemetryStore::damage() const {
  const std::lock_guard lock(mutex_);
  return damage_;
}

std::map<std::string, std::string> TelemetryStore::covers() const {
  const std::lock_guard lock(mutex_);
  return covers_;
}

std::uint64_t TelemetryStore::bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [number, segment] : segments_) sum += segment->size();
  return sum;
}

// The spool's file may end in half a block now: it is closed, and what was on its way is lost.
Result<void> TelemetryStore::give_up(Error error) {
  (void)turn_spool();
  return std::unexpected(std::move(error));
}

Result<void> TelemetryStore::write_block(const std::vector<Cover>& covers, bool commit) {
  if (!spool_) {
    std::uint64_t number;
    {
      const std::lock_guard lock(mutex_);
      number = next_++;
    }
    auto made = BlockFile::create(*files_, file_name(number, kSpool), {.seed = seed_, .zstd_level = kSpoolZstdLevel});
    // The name must be durable before anything in the file is acknowledged.
    Result<void> named = made ? files_->sync_directory() : Result<void>(std::unexpected(made.error()));
    if (!named) {
      (void)files_->remove(file_name(number, kSpool));
      return named;
    }
    spool_.emplace(std::move(*made));
    spool_number_ = number;
  }
  const std::size_t bytes = builder_.bytes();
  const auto added = spool_->add(builder_.take(covers), {.lines_bytes = bytes, .commit = commit});
  if (!added) {
    lost_bytes_ += bytes;
    return std::unexpected(added.error());
  }
  spooled_bytes_ += bytes;
  uncommitted_bytes_ += bytes;
  return {};
}

Result<void> TelemetryStore::append(const LineBatch& batch) {
  BlockBuilder::Cursor cursor;
  while (cursor.at < batch.data.size()) {
    const std::size_t before = cursor.at;
    builder_.add(batch, cursor, options_.spool_block_bytes);
    if (builder_.bytes() >= options_.spool_block_bytes || cursor.at == before)
      if (auto written = write_block({}, false); !written) return give_up(std::move(written).error());
  }
  return {};
}

Result<void> TelemetryStore::commit(const std::vector<Cover>& covers) {
  if (builder_.empty() && covers.empty() && uncommitted_bytes_ == 0) return {};
  if (auto written = write_block(covers, true); !written) return give_up(std::move(written).error());
  if (auto synced = spool_->sync(); !synced) return give_up(std::move(synced).error());
  uncommitted_bytes_ = 0;
  const std::lock_guard lock(mutex_);
  note_covers(covers);
  return {};
}

Result<std::uint64_t> TelemetryStore::turn_spool() {
  lost_bytes_ += uncommitted_bytes_ + builder_.bytes();
  uncommitted_bytes_ = 0;
  (void)builder_.take();
  if (!spool_) return last_closed_;
  spool_.reset();
  spooled_bytes_ = 0;
  last_closed_ = spool_number_;
  auto opened = SegmentFile::open_spool(*files_, file_name(spool_number_, kSpool));
  if (!opened) return std::unexpected(opened.error());
  const std::lock_guard lock(mutex_);
  if (!(*opened)->blocks().empty()) spools_.emplace(spool_number_, std::move(*opened));
  return last_closed_;
}

Result<std::unique_ptr<SegmentWriter>> TelemetryStore::new_segment(std::uint64_t last) {
  const std::lock_guard lock(mutex_);
  replaces_ = last;
  pending_ = last != 0 ? last : next_++;
  if (segments_.contains(pending_))
    return fail(ErrorCode::kConflict, fmt::format("segment {} is there already", file_name(pending_, kSegment)));
  return SegmentWriter::create(*files_, file_name(pending_, kSegment), {.seed = seed_});
}

Result<void> TelemetryStore::replaced() {
  auto opened = SegmentFile::open(*files_, file_name(pending_, kSegment));
  if (!opened) return std::unexpected(opened.error());
  std::vector<std::uint64_t> gone;
  {
    const std::lock_guard lock(mutex_);
    // What it is made of was noted when it was spooled, and more since.
    if (replaces_ == 0) note_covers((*opened)->facts().covers);
    segments_.emplace(pending_, std::move(*opened));
    for (auto at = spools_.begin(); at != spools_.end() && at->first <= replaces_; at = spools_.erase(at))
      gone.push_back(at->first);
  }
  for (const std::uint64_t number : gone) BONGSU_TRY_VOID(files_->remove(file_name(number, kSpool)));
  return gone.empty() ? Result<void>() : files_->sync_directory();
}

Result<TelemetryStore::Retained> TelemetryStore::retain() {
  Retained out;
  const Instant oldest = clock_.now() - options_.keep_for;
  std::uint64_t bytes = this->bytes();
  for (;;) {
    std::string name;
    {
      const std::lock_guard lock(mutex_);
      if (segments_.empty()) break;
      const auto& [number, segment] = *segments_.begin();
      // Without a manifest nobody knows when it was written: it counts as old when the next one is.
      const bool too_old = segment->has_manifest()
                               ? segment->facts().created < oldest
                               : segments_.size() > 1 && std::next(segments_.begin())->second->facts().created < oldest;
      if (!too_old && bytes <= options_.keep_bytes) break;
      name = segment->name();
      out.bytes += segment->size();
      bytes -= segment->size();
      ++out.segments;
      segments_.erase(segments_.begin());
    }
    BONGSU_TRY_VOID(files_->remove(name));
  }
  if (out.segments > 0) BONGSU_TRY_VOID(files_->sync_directory());
  return out;
}

}  // namespace bongsu::telemetry
