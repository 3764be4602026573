// The telemetry that a node keeps: segments, and the spool that takes what was read last.
//
//   BONGSU_TRY(auto store, TelemetryStore::open(std::move(files), {.keep_bytes = 100ULL << 30}, clock, random));
//   store->append(batch);                          // into memory, and to the spool's file when there is enough
//   store->commit(covers);                         // durable: the batches, and how far they reach
//   store->turn_spool();                           // close the spool: it can be read now, and made a segment of
//   for (auto& spool : store->spools()) …          // read, index, and write what is in them as a segment:
//   BONGSU_TRY(auto writer, store->new_segment(last));   // last: number of the last spool that goes into it
//   … writer->finish(…);
//   store->replaced();                             // it stands; the spools that it was made of go
//   store->retain();                               // what is too old or too much goes, the oldest first
//
// What is where after a crash: once commit() has returned, a batch is in a spool or in a segment, never in both and
// never in neither. A segment bears the number of the last spool that went into it; spools of that number or below are
// removed when the store is opened. What a spool holds behind its last whole block was never acknowledged.
//
// When the disk is full or fails, what was to be stored is lost, counted in lost_bytes(), and storing goes on with a
// new spool as soon as it can: looking for indicators live must not stop for it.
//
// append, commit and turn_spool belong to one thread; new_segment, replaced and retain to one, perhaps another. The
// rest is safe from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "telemetry/store/segment.h"

namespace bongsu::telemetry {

struct StoreOptions {
  std::chrono::seconds keep_for{std::chrono::hours(24 * 30)};  // since the segment was written
  std::uint64_t keep_bytes = 64ULL << 30;                      // of segments; what is spooled comes on top
  std::size_t spool_block_bytes = 1024 * 1024;
  // Somebody else's store, perhaps in use: nothing is removed, nothing may be written.
  bool read_only = false;
};

inline constexpr int kSpoolZstdLevel = 1;

class TelemetryStore {
 public:
  // Opens what is there. A file that cannot be used is named in damage() and left where it is.
  static Result<std::unique_ptr<TelemetryStore>> open(std::unique_ptr<Files> files, StoreOptions options,
                                                      const Clock& clock, Random& random);

  struct Spool {
    std::uint64_t number = 0;
    SegmentFilePtr file;
  };
  std::uint64_t seed() const { return seed_; }
  Files& files() { return *files_; }
  std::vector<SegmentFilePtr> segments() const;  // oldest first
  std::vector<Spool> spools() const;             // closed ones, oldest first
  std::vector<Error> damage() const;
  // How far each stream has been stored.
  std::map<std::string, std::string> covers() const;
  std::uint64_t bytes() const;  // of segments

  Result<void> append(const LineBatch& batch);
  Result<void> commit(const std::vector<Cover>& covers);
  // What was appended and not committed goes along, without being acknowledged. Returns the number of the spool that
  // was closed last, by this call or earlier; 0: none ever.
  Result<std::uint64_t> turn_spool();
  std::uint64_t spooled_bytes() const { return spooled_bytes_; }  // of lines in the open spool
  std::uint64_t lost_bytes() const { return lost_bytes_; }

  // `last`: of the spools that go into it; 0: it takes the place of none.
  Result<std::unique_ptr<SegmentWriter>> new_segment(std::uint64_t last = 0);
  Result<void> replaced();

  struct Retained {
    std::uint64_t segments = 0, bytes = 0;  // removed
  };
  Result<Retained> retain();

 private:
  TelemetryStore(std::unique_ptr<Files> files, StoreOptions options, const Clock& clock)
      : files_(std::move(files)), options_(options), clock_(clock) {}
  Result<void> load(Random& random);
  Result<void> write_block(const std::vector<Cover>& covers, bool commit);
  Result<void> give_up(Error error);
  void note_covers(const std::vector<Cover>& covers);

  std::unique_ptr<Files> files_;
  StoreOptions options_;
  const Clock& clock_;
  std::uint64_t seed_ = 0;

  mutable std::mutex mutex_;  // what follows, up to the blank line
  std::map<std::uint64_t, SegmentFilePtr> segments_, spools_;
  std::vector<Error> damage_;
  std::map<std::string, std::string> covers_;
  std::uint64_t next_ = 1;      // number of the next spool or segment
  std::uint64_t pending_ = 0;   // of the segment that is being written
  std::uint64_t replaces_ = 0;  // the last spool that goes into it

  std::optional<BlockFile> spool_;  // the open one
  std::uint64_t spool_number_ = 0, last_closed_ = 0;
  std::uint64_t spooled_bytes_ = 0, uncommitted_bytes_ = 0, lost_bytes_ = 0;
  BlockBuilder builder_;
};

}  // namespace bongsu::telemetry
