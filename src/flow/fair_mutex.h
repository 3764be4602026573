// A shared mutex whose exclusive side is not starved: who waits for it holds up those who come after.
//
//   FairSharedMutex mutex;
//   const std::shared_lock reading(mutex);    const std::unique_lock alone(mutex);
//
// std::shared_mutex prefers readers here, and a node that is busy always has one.
#pragma once

#include <mutex>
#include <shared_mutex>

namespace bongsu::flow {

class FairSharedMutex {
 public:
  void lock() {
    const std::lock_guard turn(turn_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    const std::lock_guard turn(turn_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  std::mutex turn_;
  std::shared_mutex mutex_;
};

}  // namespace bongsu::flow
