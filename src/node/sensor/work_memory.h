// What the sensor's threads are doing with rules (detect/work_slot.h), in a page that keeper and sensor share, so that
// it can be read when the sensor is dead.
//
//   keeper:  auto memory = WorkMemory::make();  …spawn with memory->fd()…  after the end: memory->crashed_at()
//   sensor:  auto memory = WorkMemory::open(fd);  memory->watch_crashes();  in each thread:
//   memory->enter(WorkThread::kMatching);
//
// A thread that dies says which it was: the handler of its signal writes that down, and nothing else, before the
// process ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "base/result.h"
#include "detect/work_slot.h"

namespace bongsu::node {

enum class WorkThread : std::uint8_t { kMatching, kBuilding, kLookingBack };
inline constexpr std::size_t kWorkThreads = 3;

class WorkMemory {
 public:
  static Result<std::unique_ptr<WorkMemory>> make();
  static Result<std::unique_ptr<WorkMemory>> open(int fd);  // takes the descriptor
  ~WorkMemory();
  WorkMemory(const WorkMemory&) = delete;
  WorkMemory& operator=(const WorkMemory&) = delete;

  int fd() const { return fd_; }
  detect::WorkSlot& slot(WorkThread thread);
  // What the thread that crashed was doing with rules, if that is what it did.
  std::optional<detect::Work> crashed_at() const;
  // What the first thread that is at work with rules is doing, the matching one before the others.
  std::optional<detect::Work> busy() const;
  // Whether any thread has gone on with rules since the last call.
  bool moved();
  // What a thread does that has been at the same step longer than `most`. `now` of a steady clock; to be asked again
  // and again.
  std::optional<detect::Work> stuck_at(std::chrono::steady_clock::time_point now, std::chrono::milliseconds most);

  // In the sensor, once, before its threads begin.
  void watch_crashes();
  // The calling thread is this one from now on, with a stack for the handler.
  void enter(WorkThread thread);

 private:
  struct Shared;
  struct Seen {
    std::uint64_t sequence = 0;
    std::chrono::steady_clock::time_point since{};
  };
  WorkMemory(int fd, Shared* shared) : fd_(fd), shared_(shared) {}
  static Result<std::unique_ptr<WorkMemory>> map(int fd);

  int fd_;
  Shared* shared_;
  Seen seen_[kWorkThreads];
  std::uint64_t steps_ = 0;  // of all, when moved() was asked last
};

}  // namespace bongsu::node
