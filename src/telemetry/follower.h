// A log file that others write: its new lines, across rotation and truncation, resumable after a crash.
//
//   Follower follower("/var/log/zeek/conn.log", saved_position, bad);
//   while (running) {
//     BONGSU_TRY(auto batch, follower.poll());      // at most one batch; nullopt: nothing new
//     if (batch) { match(*batch); save(follower.position()); }   // position: after this batch
//     else wait a little;
//   }
//
// A line is handed out when its newline is there. Rotation by rename and create: the old file is read to its end first
// (its last line even without newline) and until there is something in the new one, then the new one from its
// beginning. Truncation in place (copytruncate): a file that became shorter than what was read, or that begins
// otherwise than it did, starts over. After a restart a file that was renamed meanwhile is looked for in its folder by
// inode and read to its end. A file that does not exist yet is waited for. Compressed files are not followed. Zeek
// headers are read again from the top of the file when following resumes in its middle.
//
// Sans threads: one thread at a time; poll() never waits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "telemetry/batch_reader.h"
#include "telemetry/line_batch.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kFollowHeadBytes = 256;

// Which file (device and inode, and a hash of its first bytes, for inodes come again) and the first byte of it that has
// not been handed out.
struct FollowPosition {
  std::uint64_t device = 0, inode = 0;  // 0: none yet
  std::uint64_t offset = 0;
  std::uint64_t line = 1;
  std::uint64_t head_bytes = 0, head_hash = 0;  // of the first head_bytes ≤ kFollowHeadBytes

  Json json() const;
  static Result<FollowPosition> parse(const Json& json);
  bool operator==(const FollowPosition&) const = default;
};

class Follower {
 public:
  // Where to begin when nothing was saved.
  enum class Start { kBeginning, kEnd };

  Follower(std::string path, std::optional<FollowPosition> saved, BadLines& bad, Start start = Start::kBeginning);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // kIo when the file is there but cannot be read; try again later.
  Result<std::optional<LineBatch>> poll();
  // What to save once the last batch is dealt with.
  const FollowPosition& position() const { return position_; }
  const std::string& path() const { return path_; }
  // Bytes behind the end of the file, for a gauge; 0 when unknown.
  std::uint64_t lag() const;
  struct Counts {
    std::uint64_t rotations = 0, truncations = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  Result<bool> open();
  Result<bool> open_path(const std::string& path);
  std::string renamed_path() const;
  bool head_matches(const FollowPosition& position) const;
  void note_head();
  void start_over();
  void close();
  TsvHeaderPtr header_before(std::uint64_t offset) const;

  std::string path_;
  std::optional<FollowPosition> saved_;
  Start start_;
  LineCutter cutter_;
  FollowPosition position_;
  int fd_ = -1;
  std::uint64_t read_to_ = 0;
  std::uint64_t seen_size_ = 0;
  Counts counts_;
};

}  // namespace bongsu::telemetry
