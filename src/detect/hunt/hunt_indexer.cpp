#include "detect/hunt/hunt_indexer.h"

#include <algorithm>

namespace bongsu::detect {

using telemetry::BlockFacts;
using telemetry::EventView;
using telemetry::LineBatch;

HuntIndexer::HuntIndexer(std::unique_ptr<telemetry::SegmentWriter> writer, std::uint64_t seed,
                         telemetry::FieldMapPtr map, std::size_t block_bytes, std::size_t part_bytes)
    : writer_(std::move(writer)),
      selection_(KeySelection::everything(Seeds(seed))),
      map_(std::move(map)),
      block_bytes_(block_bytes),
      parser_(bad_, map_),
      walk_(*this),
      builder_(part_bytes),
      seen_(kSeenSlots) {
  walk_.select(selection_);
}

Result<void> HuntIndexer::add(const LineBatch& batch) {
  telemetry::BlockBuilder::Cursor cursor;
  while (cursor.at < batch.data.size()) {
    const std::size_t before = cursor.at;
    builder_.add(batch, cursor, block_bytes_);
    if (builder_.bytes() >= block_bytes_ || cursor.at == before) BONGSU_TRY_VOID(flush());
  }
  header_ = cursor.header;
  return {};
}

Result<void> HuntIndexer::flush() {
  if (builder_.empty()) return {};
  BlockFacts facts{.lines_bytes = builder_.bytes(), .untimed = false, .first_s = 1, .last_s = 0};
  const std::uint64_t events = parser_.events();
  const auto runs = builder_.runs();
  std::size_t in_part = 0, part = 0;
  for (const LineBatch& run : runs) {
    if (in_part == 0) {
      hashes_.clear();
      ordered_.clear();
      std::ranges::fill(seen_, 0);
    }
    if (!sources_.contains(*run.source)) sources_.insert(*run.source);
    parser_.start(run);
    while (const EventView* event = parser_.next()) {
      facts.formats |= 1U << static_cast<unsigned>(event->format);
      if (const auto time = event->time()) {
        const bool first = facts.first_s > facts.last_s;
        facts.first_s = first ? time->seconds : std::min(facts.first_s, time->seconds);
        facts.last_s = first ? time->seconds : std::max(facts.last_s, time->seconds);
      } else {
        facts.untimed = true;
      }
      walk_.walk(*event);
    }
    if (++in_part < builder_.parts()[part]) continue;
    BONGSU_TRY_VOID(writer_->part(builder_.parts()[part], hashes_, ordered_));
    ++part;
    in_part = 0;
  }
  facts.events = static_cast<std::uint32_t>(parser_.events() - events);
  return writer_->add(builder_.take(), facts);
}

Result<void> HuntIndexer::finish(telemetry::SegmentFacts facts) {
  BONGSU_TRY_VOID(flush());
  facts.keyed_by = hunt_keyed_by(*map_);
  facts.sources.assign(sources_.begin(), sources_.end());
  return writer_->finish(std::move(facts));
}

}  // namespace bongsu::detect
