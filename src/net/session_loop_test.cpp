#include "net/session_loop.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bongsu::net {
namespace {

using namespace std::chrono_literals;

// Says back what it hears; "wake" asks for a wake, "end" ends, "flood" answers without limit.
class Echo final : public Session {
 public:
  explicit Echo(const Clock& clock) : clock_(clock) {}
  Result<void> receive(std::string_view bytes) override {
    if (bytes == "wake") wake_at_ = clock_.monotonic() + 20ms;
    flood_ = flood_ || bytes == "flood";
    output_ += bytes;
    if (bytes == "end") return fail(ErrorCode::kInvalid, "it was said to end");
    return {};
  }
  std::string take_output() override {
    if (flood_) return std::string(64 * 1024, 'x');
    return std::exchange(output_, {});
  }
  std::chrono::nanoseconds wake_at() const override { return wake_at_; }
  Result<void> wake() override {
    wake_at_ = std::chrono::nanoseconds::max();
    output_ += "woken";
    return {};
  }

 private:
  const Clock& clock_;
  std::string output_;
  std::chrono::nanoseconds wake_at_ = std::chrono::nanoseconds::max();
  bool flood_ = false;
};

// Says what it is told first, and keeps what it hears; ends after so many bytes.
class Caller final : public Session {
 public:
  Caller(std::string say, std::string& heard, std::size_t enough)
      : say_(std::move(say)), heard_(heard), enough_(enough) {}
  Result<void> receive(std::string_view bytes) override {
    heard_ += bytes;
    if (heard_.size() >= enough_) return fail(ErrorCode::kCancelled, "heard enough");
    return {};
  }
  std::string take_output() override { return std::exchange(say_, {}); }

 private:
  std::string say_;
  std::string& heard_;
  std::size_t enough_;
};

struct Pair {
  SystemClock clock;
  std::vector<std::string> server_ends, client_ends;
  SessionLoop loop{clock};
  std::uint16_t port = 0;

  explicit Pair(SessionListenOptions options = {}) {
    port = *loop.listen(
        options, [this](const std::string&) { return std::make_unique<Echo>(clock); },
        [this](const std::string&, const Error& why) { server_ends.push_back(why.message); });
  }
  void call(std::string say, std::string& heard, std::size_t enough, std::function<void()> then = {}) {
    const auto connected = loop.connect(
        {.host = "127.0.0.1", .port = port},
        [&](const std::string&) { return std::make_unique<Caller>(std::move(say), heard, enough); },
        [this, then](const std::string&, const Error& why) {
          client_ends.push_back(why.message);
          if (then) then();
        });
    ASSERT_TRUE(connected) << connected.error().text();
  }
};

TEST(SessionLoop, CarriesBytesBothWaysAndWakes) {
  Pair pair;
  std::string one, two;
  int left = 2;
  const auto done = [&] {
    if (--left == 0) pair.loop.stop();
  };
  pair.call("hello", one, 5, done);
  pair.call("wake", two, 9, done);
  pair.loop.run();
  EXPECT_EQ(one, "hello");
  EXPECT_EQ(two, "wakewoken");
  EXPECT_EQ(pair.client_ends, (std::vector<std::string>{"heard enough", "heard enough"}));
}

TEST(SessionLoop, AnErrorEndsAConnectionAfterItsLastWords) {
  Pair pair;
  std::string heard;
  pair.call("end", heard, 1000, [&] { pair.loop.stop(); });
  pair.loop.run();
  EXPECT_EQ(heard, "end");
  EXPECT_EQ(pair.server_ends, std::vector<std::string>{"it was said to end"});
  EXPECT_EQ(pair.client_ends, std::vector<std::string>{"the other end closed the connection"});
}

TEST(SessionLoop, WhoeverIsOneTooManyIsClosed) {
  Pair pair({.max_connections = 1});
  std::string one, two;
  pair.call("a", one, 1000);
  pair.call("b", two, 1000, [&] { pair.loop.stop(); });
  pair.loop.run();
  EXPECT_EQ(one, "a");
  EXPECT_EQ(two, "");
  EXPECT_TRUE(pair.server_ends.empty());
}

TEST(SessionLoop, SilenceAndDeafnessHaveAnEnd) {
  Pair pair({.idle_timeout = 50ms, .write_timeout = 50ms});
  std::string heard;
  pair.call("", heard, 1000, [&] { pair.loop.stop(); });
  pair.loop.run();
  EXPECT_EQ(pair.server_ends, std::vector<std::string>{"nothing came from the other end for too long"});

  // One that asks for a flood and reads nothing of it: a plain socket.
  Pair deaf({.write_timeout = 50ms});
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(deaf.port);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::send(fd, "flood", 5, 0), 5);
  deaf.loop.every(10ms, [&] {
    if (!deaf.server_ends.empty()) deaf.loop.stop();
  });
  deaf.loop.run();
  EXPECT_EQ(deaf.server_ends, std::vector<std::string>{"the other end takes nothing"});
  ::close(fd);
}

// "localhost" is 127.0.0.1, then ::1; at the first nobody takes connections any more, so it answers nothing.
TEST(SessionLoop, AnAddressThatDoesNotAnswerLeavesTimeForTheNext) {
  const int full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_TRUE(::bind(full, reinterpret_cast<const sockaddr*>(&address), size) == 0 && ::listen(full, 0) == 0 &&
              ::getsockname(full, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  std::vector<int> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::connect(waiting.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  SystemClock clock;
  SessionLoop loop(clock);
  const auto port = loop.listen({.address = "::1", .port = ntohs(address.sin_port)},
                                [](const std::string&) -> std::unique_ptr<Session> { return nullptr; });
  if (!port) GTEST_SKIP() << "skipped: needs IPv6 on the loopback interface";
  std::string reached;
  const auto wanted = [&](const std::string& peer) -> std::unique_ptr<Session> {
    reached = peer;
    return nullptr;  // it is enough to have got there
  };
  const auto connected = loop.connect({.host = "localhost", .port = *port, .connect_timeout = 1s}, wanted);
  EXPECT_EQ(connected.error().code, ErrorCode::kCancelled) << connected.error().text();
  EXPECT_EQ(reached, "[::1]:" + std::to_string(*port));
  for (const int fd : waiting) ::close(fd);
  ::close(full);
}

TEST(SessionLoop, ListensOnNumericAddressesOnly) {
  SystemClock clock;
  SessionLoop loop(clock);
  EXPECT_EQ(loop.listen({.address = "localhost"}, {}).error().code, ErrorCode::kInvalid);
  const auto port = loop.listen({}, {});
  ASSERT_TRUE(port);
  EXPECT_EQ(loop.listen({.port = *port}, {}).error().code, ErrorCode::kConflict);
  SessionLoop other(clock);
  const auto refused = other.connect({.host = "127.0.0.1", .port = 1, .connect_timeout = 2s}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST(SessionLoop, ReadsInputToItsEndAndCallsAtIntervals) {
  SystemClock clock;
  SessionLoop loop(clock);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::string heard;
  int calls = 0;
  bool ended = false;
  loop.read_from(ends[0], [&](std::string_view bytes) {
    heard += bytes;
    ended = bytes.empty();
  });
  loop.every(5ms, [&] {
    if (++calls == 2) {
      ASSERT_EQ(::write(ends[1], "line\n", 5), 5);
      ::close(ends[1]);
    }
    if (ended) loop.stop();
  });
  loop.run();
  EXPECT_EQ(heard, "line\n");
  EXPECT_GE(calls, 3);
  ::close(ends[0]);
}

TEST(SessionLoop, StopsFromAnotherThread) {
  SystemClock clock;
  SessionLoop loop(clock);
  std::thread thread([&] { loop.run(); });
  std::this_thread::sleep_for(5ms);
  loop.stop();
  thread.join();
}

}  // namespace
}  // namespace bongsu::net
