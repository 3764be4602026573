#include "journal/sqlite/wal_keeper.h"

#include <fmt/format.h>

namespace bongsu::journal::sqlite {
namespace {

constexpr int kCacheKib = 256;
constexpr int kScrubTries = 50;
constexpr int kScrubWaitMs = 200;
constexpr std::chrono::milliseconds kIdleCheckpoint{1'000};

}  // namespace

WalKeeper::WalKeeper(const std::filesystem::path& file, std::shared_ptr<ReadPool> pool, const Clock& clock, Log& log,
                     WalLimits limits)
    : pool_(std::move(pool)), clock_(clock), log_(log), limits_(limits), db_(file, OpenMode::kReadWrite, kCacheKib) {
  db_.exec("PRAGMA synchronous=FULL");
  db_.set_busy_timeout(kScrubWaitMs);
  thread_ = std::thread([this] { loop(); });
}

WalKeeper::~WalKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void WalKeeper::note_pages(int pages) {
  {
    const std::lock_guard lock(mutex_);
    dirty_ = true;
    if (pages >= limits_.start_pages) wanted_ = true;
  }
  if (pages >= limits_.start_pages) wake_.notify_one();
  if (pages < limits_.full_pages) return;
  // The writer waits here, so nothing is added meanwhile: a pass completes unless readers stand in the way.
  const std::lock_guard lock(checkpoint_mutex_);
  try {
    const auto first = db_.checkpoint(false);
    if (!first.busy && first.done == first.pages) return;
    if (const std::size_t ended = pool_->expire(clock_.monotonic() - limits_.lease); ended > 0) {
      log_.warn("journal.snapshots_ended",
                {{"count", fmt::format("{}", ended)}, {"log_pages", fmt::format("{}", pages)}});
      db_.checkpoint(false);
    }
  } catch (const StoreFailure& failure) {
    log_.error("journal.checkpoint_failed", {{"error", failure.error.text()}});
  }
}

Result<void> WalKeeper::scrub() {
  return guarded([&]() -> Result<void> {
    const std::lock_guard lock(checkpoint_mutex_);
    for (int i = 0; i < kScrubTries; ++i) {
      if (!db_.checkpoint(true).busy) {
        const std::lock_guard state(mutex_);
        scrub_due_ = false;
        return {};
      }
      pool_->expire(clock_.monotonic() - (i == 0 ? limits_.scrub_grace : std::chrono::milliseconds(0)));
    }
    const std::lock_guard state(mutex_);
    scrub_due_ = true;
    return fail(
        ErrorCode::kUnavailable,
        "the keys are destroyed, but another process reads the journal and holds its old pages; they are cleared "
        "when it ends");
  });
}

void WalKeeper::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kIdleCheckpoint, [&] { return stopping_ || wanted_; });
    if (stopping_ || !(dirty_ || scrub_due_)) continue;
    const bool due = scrub_due_;
    wanted_ = dirty_ = false;
    lock.unlock();
    try {
      if (due) {
        (void)scrub();
      } else {
        const std::lock_guard checkpoint(checkpoint_mutex_);
        db_.checkpoint(false);
      }
    } catch (const StoreFailure& failure) {
      log_.error("journal.checkpoint_failed", {{"error", failure.error.text()}});
    }
    lock.lock();
  }
}

}  // namespace bongsu::journal::sqlite
