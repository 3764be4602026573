#include "node/sensor/work_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
using detect::EventMark;
using detect::Language;
using detect::Step;

constexpr EventMark kEvent{11, 22};

// Runs `body` in a child that shares the memory; how it ended.
int in_child(WorkMemory& memory, const std::function<void(WorkMemory&)>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, 2);
    auto mine = WorkMemory::open(::dup(memory.fd()));
    if (!mine) ::_exit(99);
    (*mine)->watch_crashes();
    body(**mine);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

[[maybe_unused, gnu::noinline]] std::uint64_t deep(std::uint64_t n) {
  volatile char frame[4096];
  frame[n % sizeof frame] = static_cast<char>(n);
  return n == 0 ? 0 : deep(n + 1) + static_cast<std::uint64_t>(frame[0]);
}

void in_thread(WorkMemory& memory, WorkThread thread, const std::function<void()>& crash) {
  std::thread([&] {
    memory.enter(thread);
    memory.slot(thread).begin(Step::kMatch, Language::kYara, &kEvent);
    crash();
  }).join();
}

TEST(WorkMemory, NamesWhatTheThreadThatCrashedWasDoingAndNotTheOthers) {
  const std::pair<int, std::function<void()>> crashes[] = {
      {SIGSEGV, [] { ::raise(SIGSEGV); }}, {SIGABRT, [] { std::abort(); }},     {SIGFPE, [] { ::raise(SIGFPE); }},
      {SIGBUS, [] { ::raise(SIGBUS); }},   {SIGABRT, [] { std::terminate(); }},
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
      {SIGSEGV, [] { deep(1); }},
#endif
  };
  for (const auto& [signal, crash] : crashes) {
    auto memory = WorkMemory::make();
    ASSERT_TRUE(memory) << memory.error().text();
    const int status = in_child(**memory, [&](WorkMemory& mine) {
      mine.slot(WorkThread::kMatching).begin(Step::kBuild, Language::kSigma, nullptr);
      in_thread(mine, WorkThread::kLookingBack, crash);
    });
    ASSERT_TRUE(WIFSIGNALED(status)) << signal;
    EXPECT_EQ(WTERMSIG(status), signal);
    const auto work = (*memory)->crashed_at();
    ASSERT_TRUE(work) << signal;
    EXPECT_EQ(*work, (detect::Work{.step = Step::kMatch, .language = Language::kYara, .event = kEvent}));
  }
}

TEST(WorkMemory, ACrashOfAThreadThatIsNotAtWorkWithRulesIsNoRules) {
  auto memory = *WorkMemory::make();
  EXPECT_TRUE(WIFSIGNALED(in_child(*memory, [](WorkMemory& mine) {
    mine.slot(WorkThread::kMatching).begin(Step::kMatch, Language::kYara, &kEvent);
    std::abort();  // the main thread
  })));
  EXPECT_FALSE(memory->crashed_at());
  auto other = *WorkMemory::make();
  EXPECT_TRUE(WIFSIGNALED(in_child(*other, [](WorkMemory& mine) {
    in_thread(mine, WorkThread::kMatching, [&] {
      mine.slot(WorkThread::kMatching).rest();
      std::abort();
    });
  })));
  EXPECT_FALSE(other->crashed_at());
}

TEST(WorkMemory, AKilledProcessAccusesNobody) {
  auto memory = *WorkMemory::make();
  EXPECT_TRUE(WIFSIGNALED(in_child(
      *memory, [](WorkMemory& mine) { in_thread(mine, WorkThread::kMatching, [] { ::kill(::getpid(), SIGKILL); }); })));
  EXPECT_FALSE(memory->crashed_at());
  EXPECT_TRUE(memory->busy());
}

TEST(WorkMemory, ANonsenseSlotIsNotBelieved) {
  auto memory = *WorkMemory::make();
  auto& slot = memory->slot(WorkThread::kMatching);
  slot.begin(Step::kMatch, Language::kYara, &kEvent);
  EXPECT_TRUE(memory->busy());
  slot.step = 200;
  EXPECT_FALSE(memory->busy());
  slot.begin(Step::kTry, Language::kYara, nullptr, {5, 4});
  EXPECT_FALSE(memory->busy());
  slot.begin(Step::kTry, Language::kYara, nullptr);
  slot.language = 77;
  EXPECT_FALSE(memory->busy());
}

TEST(WorkMemory, AStepThatDoesNotEndIsSeenButNotTheBuildingOfEverything) {
  auto memory = *WorkMemory::make();
  const std::chrono::steady_clock::time_point begin{};
  EXPECT_FALSE(memory->moved());
  auto& slot = memory->slot(WorkThread::kBuilding);
  slot.begin(Step::kBuild, Language::kYara, nullptr);
  EXPECT_TRUE(memory->moved());
  EXPECT_FALSE(memory->moved());
  EXPECT_FALSE(memory->stuck_at(begin, 10s));
  EXPECT_FALSE(memory->stuck_at(begin + 100s, 10s));
  slot.begin(Step::kMatch, Language::kYara, &kEvent);
  EXPECT_FALSE(memory->stuck_at(begin + 101s, 10s));
  EXPECT_FALSE(memory->stuck_at(begin + 111s, 10s));
  EXPECT_EQ(memory->stuck_at(begin + 112s, 10s)->event, kEvent);
  slot.begin(Step::kMatch, Language::kYara, &kEvent);
  EXPECT_FALSE(memory->stuck_at(begin + 113s, 10s)) << "it went on";
  slot.rest();
  EXPECT_FALSE(memory->stuck_at(begin + 200s, 10s));
}

TEST(WorkMemory, TheSensorCannotShrinkItUnderTheKeeper) {
  auto memory = *WorkMemory::make();
  EXPECT_NE(::ftruncate(memory->fd(), 0), 0);
  const int small = ::open("/dev/null", O_RDWR);
  EXPECT_FALSE(WorkMemory::open(small)) << "what is no such memory is refused";
}

}  // namespace
}  // namespace bongsu::node
