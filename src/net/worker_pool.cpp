#include "net/worker_pool.h"

#include <algorithm>
#include <utility>

namespace bongsu::net {

WorkerPool::WorkerPool(std::size_t threads, std::size_t max_queued) : max_queued_(max_queued) {
  threads_.reserve(std::max<std::size_t>(threads, 1));
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queued_.size() >= max_queued_) return false;
    queued_.push_back(std::move(task));
  }
  ready_.notify_one();
  return true;
}

void WorkerPool::submit_urgent(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      urgent_.push_back(std::move(task));
      task = nullptr;
    }
  }
  if (task) return task();
  ready_.notify_one();
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !urgent_.empty() || !queued_.empty(); });
    auto& queue = urgent_.empty() ? queued_ : urgent_;
    if (queue.empty()) return;
    Task task = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it owns may be large or slow to destroy: not under the lock
    lock.lock();
  }
}

}  // namespace bongsu::net
