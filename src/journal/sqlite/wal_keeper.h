// Keeps the write-ahead log small: checkpoints on a thread of its own, at the latest when the log has kStartPages;
// beyond kFullPages the writer waits for one, and snapshots that stand in the way for longer than their lease are
// ended.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/read_connection.h"

namespace bongsu::journal::sqlite {

struct WalLimits {
  int start_pages = 2'000;                       // of 8 KiB: 16 MiB
  int full_pages = 16'000;                       // 128 MiB
  std::chrono::milliseconds lease{30'000};       // a snapshot may be as old when the log is full
  std::chrono::milliseconds scrub_grace{1'000};  // and this old when something was erased
};

class WalKeeper {
 public:
  WalKeeper(const std::filesystem::path& file, std::shared_ptr<ReadPool> pool, const Clock& clock, Log& log,
            WalLimits limits);
  ~WalKeeper();

  // From the writer, after each commit.
  void note_pages(int pages);
  // Writes the log into the file and empties it, so that nothing that was overwritten is left in either.
  // kUnavailable: another process reads (a backup); tried again by the thread until done.
  Result<void> scrub();

 private:
  void loop();

  std::shared_ptr<ReadPool> pool_;
  const Clock& clock_;
  Log& log_;
  const WalLimits limits_;
  std::mutex checkpoint_mutex_;
  Database db_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool wanted_ = false, dirty_ = false, scrub_due_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace bongsu::journal::sqlite
