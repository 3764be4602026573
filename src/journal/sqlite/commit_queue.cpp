#include "journal/sqlite/commit_queue.h"

#include <sys/prctl.h>

namespace bongsu::journal::sqlite {

CommitQueue::CommitQueue(Writer& writer, Hooks hooks)
    : writer_(writer), hooks_(std::move(hooks)), thread_([this] { loop(); }) {}

CommitQueue::~CommitQueue() { close(); }

void CommitQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  room_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> CommitQueue::run(Job job) {
  Waiting waiting{&job, {}, false};
  std::unique_lock lock(mutex_);
  // A job larger than the queue's bytes goes in when the queue is empty.
  room_.wait(lock, [&] {
    return closing_ || (queue_.size() < kQueueJobs && (queue_.empty() || queued_bytes_ + job.bytes <= kQueueBytes));
  });
  if (closing_) return fail(ErrorCode::kCancelled, "the journal is closed");
  queue_.push_back(&waiting);
  queued_bytes_ += job.bytes;
  work_.notify_one();
  done_.wait(lock, [&] { return waiting.done; });
  return std::move(waiting.result);
}

void CommitQueue::loop() {
  ::prctl(PR_SET_NAME, "bongsu-journal");  // for top -H and perf
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;  // closing, and all is written
    std::deque<Waiting*> group;
    std::size_t bytes = 0;
    while (!queue_.empty() && group.size() < kGroupJobs &&
           (group.empty() || bytes + queue_.front()->job->bytes <= kGroupBytes)) {
      bytes += queue_.front()->job->bytes;
      group.push_back(queue_.front());
      queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    lock.unlock();
    room_.notify_all();
    commit(group);
    lock.lock();
  }
}

void CommitQueue::finish(const std::deque<Waiting*>& jobs) {
  {
    const std::lock_guard lock(mutex_);
    for (Waiting* waiting : jobs) waiting->done = true;
  }
  done_.notify_all();
}

void CommitQueue::commit(std::deque<Waiting*>& group) {
  if (const auto space = hooks_.check_space(); !space) {
    std::deque<Waiting*> refused, going;
    for (Waiting* waiting : group) {
      if (!waiting->job->may_use_reserve) waiting->result = std::unexpected(space.error());
      (waiting->job->may_use_reserve ? going : refused).push_back(waiting);
    }
    finish(refused);
    group = std::move(going);
    if (group.empty()) return;
  }
  if (try_together(group)) {
    finish(group);
    return;
  }
  for (Waiting* waiting : group) {
    if (group.size() > 1) try_together({waiting});
    finish({waiting});
  }
}

bool CommitQueue::try_together(const std::deque<Waiting*>& jobs) {
  const auto written = guarded([&]() -> Result<void> {
    writer_.begin();
    for (Waiting* waiting : jobs) waiting->result = waiting->job->apply(writer_);
    writer_.commit();
    return {};
  });
  if (!written) {
    writer_.rollback();
    if (jobs.size() == 1) jobs.front()->result = std::unexpected(written.error());
    return false;
  }
  hooks_.committed();
  for (Waiting* waiting : jobs)
    if (waiting->result && waiting->job->after_commit) waiting->result = waiting->job->after_commit();
  return true;
}

}  // namespace bongsu::journal::sqlite
