// Where the index keeps the values themselves: written once, read only to confirm a hit. In a file without a name, so
// that ten million values cost no memory, or in memory.
//
//   BONGSU_TRY(auto store, ValueStore::open("/var/tmp"));     // "" = in memory
//   BONGSU_TRY(const std::uint64_t at, store->append(Kind::kDomain, "evil.example", 80, validity));
//   BONGSU_TRY_VOID(store->flush());                          // before others may read it
//   std::string scratch;
//   ValueStore::Record record;
//   if (store->read(at, scratch, record)) …                   // views into scratch, or into the store
//
// append and flush: one thread at a time. read: any thread, also while others append, for places that were flushed
// before the reader heard of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "detect/indicator.h"

namespace bongsu::detect {

struct Validity {
  std::optional<Instant> from, until;  // until is exclusive
  bool at(const Instant& time) const { return (!from || *from <= time) && (!until || time < *until); }
  auto operator<=>(const Validity&) const = default;
};

// The same in units of 65,536 seconds, for a first look: what it rules out is out, the rest is for Validity to say.
struct CoarseValidity {
  static constexpr std::uint16_t kOpen = UINT16_MAX;
  std::uint16_t from = 0, until = kOpen;

  static std::uint16_t of(const Instant& time);  // before 1970: 0; after the year 2106: kOpen
  static CoarseValidity of(const Validity& validity);
  bool always() const { return from == 0 && until == kOpen; }
  bool may_be_at(std::uint16_t time) const { return from <= time && time <= until; }
};

class ValueStore {
 public:
  static constexpr std::uint64_t kMaxBytes = 1ULL << 40;

  struct Record {
    Kind kind = Kind::kText;
    int confidence = -1;
    Validity validity;
    std::string_view bytes;  // as in key.h
    std::size_t stored = 0;  // bytes in the store, head included
  };

  // A file in the directory that vanishes with the store; "" keeps everything in memory. kIo.
  static Result<std::shared_ptr<ValueStore>> open(const std::string& directory);
  // Where such files usually go: $TMPDIR, else /var/tmp; "" when that cannot be written to.
  static std::string usual_directory();
  ~ValueStore();
  ValueStore(const ValueStore&) = delete;
  ValueStore& operator=(const ValueStore&) = delete;

  // The place of the record. kTooLarge at kMaxBytes, kIo.
  Result<std::uint64_t> append(Kind kind, std::string_view bytes, int confidence, const Validity& validity);
  Result<void> flush();
  // False: there is no room for so many bytes.
  bool reserve(std::uint64_t bytes);
  // False: it cannot be read (the disk fails).
  bool read(std::uint64_t at, std::string& scratch, Record& out) const;

  std::uint64_t bytes() const { return end_; }
  std::uint64_t memory_bytes() const { return fd_ >= 0 ? waiting_.capacity() : end_; }

 private:
  ValueStore() = default;
  char* chunk_at(std::uint64_t at) const;

  // In memory: chunks of 64 KiB, 128 KiB, …; the system gives their pages when they are first written.
  static constexpr int kFirstChunkLog = 16;
  static constexpr int kChunks = 25;
  std::array<std::atomic<char*>, kChunks> chunks_{};

  int fd_ = -1;
  std::string waiting_;        // not yet in the file
  std::uint64_t written_ = 0;  // in the file
  std::uint64_t end_ = 0;
};

}  // namespace bongsu::detect
