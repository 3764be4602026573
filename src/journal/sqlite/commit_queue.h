// Group commit: many threads wait, one writes. Everything that waits when the writer comes round goes into one
// transaction and one fsync.
//
// A job that fails while writing costs the others nothing: the group is rolled back and each job is tried alone.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "journal/sqlite/writer.h"

namespace bongsu::journal::sqlite {

struct Job {
  std::function<Result<void>(Writer&)> apply;  // refuses before it writes, or throws
  std::size_t bytes = 0;
  bool may_use_reserve = false;                // goes on when the disk is below the reserve
  std::function<Result<void>()> after_commit;  // on the writer's thread, before the caller goes on
};

class CommitQueue {
 public:
  struct Hooks {
    std::function<Result<void>()> check_space;  // before a group
    std::function<void()> committed;            // after each commit, before callers go on
  };
  CommitQueue(Writer& writer, Hooks hooks);
  ~CommitQueue();

  // Blocks until the job is durable or failed; also while the queue is full. kCancelled after close().
  Result<void> run(Job job);
  // Waits for what is in the queue, then stops.
  void close();

 private:
  struct Waiting {
    Job* job;
    Result<void> result;
    bool done = false;
  };
  void loop();
  void commit(std::deque<Waiting*>& group);
  bool try_together(const std::deque<Waiting*>& jobs);  // false: rolled back, the only job has its error
  void finish(const std::deque<Waiting*>& jobs);

  static constexpr std::size_t kQueueBytes = 64 * 1024 * 1024;
  static constexpr std::size_t kQueueJobs = 4096;
  static constexpr std::size_t kGroupBytes = 32 * 1024 * 1024;
  static constexpr std::size_t kGroupJobs = 1024;

  Writer& writer_;
  Hooks hooks_;
  std::mutex mutex_;
  std::condition_variable work_, room_, done_;
  std::deque<Waiting*> queue_;
  std::size_t queued_bytes_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace bongsu::journal::sqlite
