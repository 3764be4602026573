// A fixed number of threads that run handlers and pull bodies.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bongsu::net {

class WorkerPool {
 public:
  using Task = std::function<void()>;  // must not throw

  // `max_queued`: requests that may wait for a thread.
  WorkerPool(std::size_t threads, std::size_t max_queued);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // A new request: false when the queue is full.
  bool submit(Task task);
  // Work on an answer that has begun (its number is bounded by the connections): always taken, and before new requests,
  // so that streams flow while slow handlers queue up. After stop() it runs on the calling thread.
  void submit_urgent(Task task);
  // Runs what is queued, then joins.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Task> urgent_;
  std::deque<Task> queued_;
  const std::size_t max_queued_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bongsu::net
