// Batches of telemetry into a segment that can be hunted in: cuts them into blocks, parses the events, and collects
// their keys for the dictionary.
//
//   BONGSU_TRY(auto writer, store.new_segment());
//   HuntIndexer indexer(std::move(writer), store.seed(), map);
//   indexer.add(batch);                      // as often as there are batches, up to about kSegmentBytes
//   indexer.finish({.created = clock.now(), .covers = …});
//   store.replaced();
//
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "detect/hunt/hunt_keys.h"
#include "detect/key_walk.h"
#include "telemetry/line_batch.h"
#include "telemetry/store/segment.h"

namespace bongsu::detect {

// Small enough that opening the few that hit costs little, large enough that compression finds what repeats.
inline constexpr std::size_t kHuntBlockBytes = 128 * 1024;
// What the dictionary names: a few lines. A segment's are far fewer than kMaxSegmentParts.
inline constexpr std::size_t kHuntPartBytes = 4608;
inline constexpr std::uint64_t kSegmentBytes = 256ULL << 20;  // of lines; then another segment is begun

class HuntIndexer {
 public:
  HuntIndexer(std::unique_ptr<telemetry::SegmentWriter> writer, std::uint64_t seed, telemetry::FieldMapPtr map,
              std::size_t block_bytes = kHuntBlockBytes, std::size_t part_bytes = kHuntPartBytes);

  Result<void> add(const telemetry::LineBatch& batch);
  // Sources and the rules of the keys are filled in.
  Result<void> finish(telemetry::SegmentFacts facts);

  std::uint64_t lines_bytes() const { return writer_->lines_bytes() + builder_.bytes(); }
  std::uint64_t dictionary_bytes() const { return writer_->dictionary_bytes(); }
  // In force behind the last batch.
  const telemetry::TsvHeaderPtr& header() const { return header_; }
  std::uint64_t events() const { return parser_.events(); }
  const telemetry::BadLines& bad() const { return bad_; }

 private:
  friend KeyWalk<HuntIndexer>;
  static constexpr std::size_t kSeenSlots = 1024;

  void key(Kind kind, std::string_view bytes, std::uint64_t hash) {
    const bool address = kind == Kind::kIpv4 || kind == Kind::kIpv6;
    const std::uint64_t value = address ? ordered_key(kind, bytes) : hash;
    // Many keys of a part come again; those that slip through are made one when the dictionary is.
    std::uint64_t& seen = seen_[(value ^ value >> 32) % kSeenSlots];
    if (seen == value && value != 0) return;
    seen = value;
    (address ? ordered_ : hashes_).push_back(value);
  }
  Result<void> flush();

  std::unique_ptr<telemetry::SegmentWriter> writer_;
  KeySelection selection_;
  telemetry::FieldMapPtr map_;
  const std::size_t block_bytes_;
  telemetry::BadLines bad_;
  telemetry::EventParser parser_;
  KeyWalk<HuntIndexer> walk_;
  telemetry::BlockBuilder builder_;
  telemetry::TsvHeaderPtr header_;
  std::set<std::string, std::less<>> sources_;
  std::vector<std::uint64_t> hashes_, ordered_, seen_;
};

}  // namespace bongsu::detect
