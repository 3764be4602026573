#include "node/sensor/work_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bongsu::node {

struct WorkMemory::Shared {
  std::atomic<std::uint8_t> crashed;  // number of the thread, from 1
  detect::WorkSlot slots[kWorkThreads];
};

namespace {

constexpr std::size_t kBytes = 4096;
constexpr std::size_t kHandlerStack = 64 * 1024;  // a stack that ran over cannot hold its own handler
constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

std::atomic<std::uint8_t>* crashed_thread = nullptr;  // a signal handler has nowhere else to look
thread_local std::uint8_t this_thread = 0;
thread_local std::unique_ptr<std::byte[]> handler_stack;

void on_crash(int signal) {
  if (this_thread != 0) crashed_thread->store(this_thread);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

std::unexpected<Error> failed(const char* what) {
  return fail(ErrorCode::kIo, fmt::format("memory shared with the sensor: {}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<std::unique_ptr<WorkMemory>> WorkMemory::map(int fd) {
  static_assert(sizeof(Shared) <= kBytes);
  struct stat info{};
  void* at = ::fstat(fd, &info) == 0 && info.st_size >= static_cast<off_t>(kBytes)
                 ? ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                 : MAP_FAILED;
  if (at == MAP_FAILED) {
    auto error = failed("mmap");
    ::close(fd);
    return error;
  }
  return std::unique_ptr<WorkMemory>(new WorkMemory(fd, static_cast<Shared*>(at)));
}

Result<std::unique_ptr<WorkMemory>> WorkMemory::make() {
  const int fd = ::memfd_create("bongsu-work", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return failed("memfd_create");
  // Sealed, so that the sensor cannot shrink it under the keeper's eyes.
  if (::ftruncate(fd, kBytes) != 0 || ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    auto error = failed("size");
    ::close(fd);
    return error;
  }
  return map(fd);
}

Result<std::unique_ptr<WorkMemory>> WorkMemory::open(int fd) { return map(fd); }

WorkMemory::~WorkMemory() {
  if (crashed_thread == &shared_->crashed) {
    for (const int signal : kCrashes) ::signal(signal, SIG_DFL);
    crashed_thread = nullptr;
  }
  ::munmap(shared_, kBytes);
  ::close(fd_);
}

detect::WorkSlot& WorkMemory::slot(WorkThread thread) { return shared_->slots[static_cast<std::size_t>(thread)]; }

std::optional<detect::Work> WorkMemory::crashed_at() const {
  const std::size_t thread = shared_->crashed.load();
  if (thread == 0 || thread > kWorkThreads) return std::nullopt;
  return detect::read(shared_->slots[thread - 1]);
}

std::optional<detect::Work> WorkMemory::busy() const {
  for (const auto& slot : shared_->slots)
    if (const auto work = detect::read(slot)) return work;
  return std::nullopt;
}

bool WorkMemory::moved() {
  std::uint64_t steps = 0;
  for (const auto& slot : shared_->slots) steps += slot.sequence.load(std::memory_order_relaxed);
  return steps != std::exchange(steps_, steps);
}

std::optional<detect::Work> WorkMemory::stuck_at(std::chrono::steady_clock::time_point now,
                                                 std::chrono::milliseconds most) {
  for (std::size_t i = 0; i < kWorkThreads; ++i) {
    const auto work = detect::read(shared_->slots[i]);
    const std::uint64_t sequence = shared_->slots[i].sequence.load(std::memory_order_relaxed);
    // Building everything takes as long as there are rules.
    if (!work || work->step == detect::Step::kBuild || seen_[i].sequence != sequence) {
      seen_[i] = {sequence, now};
    } else if (now - seen_[i].since > most) {
      return work;
    }
  }
  return std::nullopt;
}

void WorkMemory::watch_crashes() {
  crashed_thread = &shared_->crashed;
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (const int signal : kCrashes) ::sigaction(signal, &action, nullptr);
}

void WorkMemory::enter(WorkThread thread) {
  if (this_thread != 0) return;
  handler_stack = std::make_unique<std::byte[]>(kHandlerStack);
  const stack_t stack{.ss_sp = handler_stack.get(), .ss_flags = 0, .ss_size = kHandlerStack};
  ::sigaltstack(&stack, nullptr);
  this_thread = static_cast<std::uint8_t>(static_cast<std::uint8_t>(thread) + 1);
}

}  // namespace bongsu::node
