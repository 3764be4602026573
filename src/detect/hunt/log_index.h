// Log files that can be hunted in without reading them again: a store for each, in a cache directory, brought up to
// date when a file grew or changed.
//
//   BONGSU_TRY(auto index, LogIndex::open("/var/log/zeek/.bongsu-hunt", clock, random));
//   BONGSU_TRY(auto updated, index->update("/var/log/zeek/conn.log", "conn.log", {}));
//   BONGSU_TRY(auto log, index->find("conn.log"));           // its segments
//
// A file is known by a key (its path below the directory, so that the whole may be moved). It is unchanged when size,
// time of change and inode are as they were; it grew when the bytes before the place where indexing stopped are the
// same at their beginning and end: then only what is new is read. Everything else, and any change of a compressed file,
// means reading it from the start. The lines themselves are kept, compressed, beside the index: what was found is
// opened there.
//
// A crash leaves whole segments: indexing goes on behind the last one. One process at a time updates (a lock); update()
// is safe from several threads for different files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "telemetry/bad_lines.h"
#include "telemetry/store/store.h"

namespace bongsu::detect {

// As many segments a file may have before it is indexed anew as one.
inline constexpr std::size_t kMaxLogSegments = 64;

class LogIndex {
 public:
  // `update`: takes the lock; kUnavailable when another process has it.
  static Result<std::unique_ptr<LogIndex>> open(const std::string& directory, const Clock& clock, Random& random,
                                                bool update = true);
  ~LogIndex();

  struct Updated {
    std::uint64_t read = 0;  // bytes of lines
    bool anew = false;       // from its beginning
    telemetry::BadLines bad;
  };
  // kNotFound, kIo, kCorrupt of the log: what could be read before is indexed. `note` is told how many bytes of the
  // file were read.
  Result<Updated> update(const std::string& path, const std::string& key,
                         const std::function<void(std::uint64_t)>& note, const std::atomic<bool>* stop = nullptr,
                         std::uint64_t segment_bytes = 0);

  struct Log {
    std::unique_ptr<telemetry::TelemetryStore> store;
    std::vector<telemetry::SegmentFilePtr> segments;
  };
  // kNotFound: not indexed.
  Result<Log> find(const std::string& key) const;
  // Every store that is there.
  Result<std::vector<Log>> all() const;

 private:
  LogIndex(std::string directory, const Clock& clock) : directory_(std::move(directory)), clock_(clock) {}
  Result<void> read_seed(Random& random);
  std::string directory_of(const std::string& key) const;

  std::string directory_;
  const Clock& clock_;
  std::uint64_t seed_ = 0;  // one for the stores of all files, so that keys are made once for a hunt
  int lock_ = -1;
};

}  // namespace bongsu::detect
