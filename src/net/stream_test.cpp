#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "net/net_test_support.h"

namespace bongsu::net {
namespace {

using namespace testing_support;

// `pieces` pieces of `size` bytes; counts what was read.
class Pieces final : public BodySource {
 public:
  Pieces(int pieces, std::size_t size, std::atomic<int>* pulled = nullptr, int fail_at = -1)
      : pieces_(pieces), size_(size), pulled_(pulled), fail_at_(fail_at) {}
  Result<bool> read(std::string& out) override {
    if (pulled_ != nullptr) ++*pulled_;
    if (at_ == fail_at_) return fail(ErrorCode::kIo, "the disk is gone");
    if (at_ == pieces_) return false;
    out.append(size_, static_cast<char>('a' + at_ % 26));
    ++at_;
    return true;
  }

 private:
  int pieces_;
  std::size_t size_;
  std::atomic<int>* pulled_;
  int fail_at_;
  int at_ = 0;
};

// A tail that other threads put lines into.
class Feed {
 public:
  void put(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    if (wake_) wake_();
  }
  void finish() {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    if (wake_) wake_();
  }
  void break_off() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    if (wake_) wake_();
  }
  TailSource::Wake wake_copy() {
    const std::lock_guard lock(mutex_);
    return wake_;
  }

  std::atomic<int> pulls = 0;
  std::atomic<int> overlapping = 0;
  std::atomic<int> destroyed = 0;
  Flag attached;

 private:
  friend class FeedTail;
  std::mutex mutex_;
  std::deque<std::string> lines_;
  bool finished_ = false;
  bool broken_ = false;
  TailSource::Wake wake_;
};

class FeedTail final : public TailSource {
 public:
  explicit FeedTail(Feed& feed) : feed_(feed) {}
  ~FeedTail() override { ++feed_.destroyed; }
  void on_ready(Wake wake) override {
    {
      const std::lock_guard lock(feed_.mutex_);
      feed_.wake_ = std::move(wake);
    }
    feed_.attached.set();
  }
  Result<bool> pull(std::string& out, bool heartbeat) override {
    if (busy_.exchange(true)) ++feed_.overlapping;
    ++feed_.pulls;
    const std::lock_guard lock(feed_.mutex_);
    if (heartbeat) out += ": beat\n\n";
    for (auto& line : feed_.lines_) out += "data: " + line + "\n\n";
    feed_.lines_.clear();
    busy_ = false;
    if (feed_.broken_) return fail(ErrorCode::kIo, "broken");
    return !feed_.finished_;
  }

 private:
  Feed& feed_;
  std::atomic<bool> busy_ = false;
};

struct StreamServer {
  RecordingLog log;
  Server server;
  explicit StreamServer(Handler handler, ServerOptions options = {})
      : server(with_tls(std::move(options)), std::move(handler), log) {
    const auto started = server.start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().text());
  }
  static ServerOptions with_tls(ServerOptions options) {
    options.name = "stream";
    options.tls = server_tls();
    return options;
  }
};

Handler serving(Feed& feed) {
  return [&feed](Request&&) {
    return Response{.headers = {{"Content-Type", "text/event-stream"}}, .body = std::make_unique<FeedTail>(feed)};
  };
}

// Collects a stream on a thread of its own.
struct Listener {
  Client client{client_trusting()};
  std::mutex mutex;
  std::string text;
  Result<void> result;
  std::atomic<bool> done = false;
  std::thread thread;
  explicit Listener(const Server& server, std::chrono::milliseconds idle = 20s) {
    thread = std::thread([this, url = url_of(server), idle] {
      result = client.stream(
          {.url = url}, idle, [](const ClientResponse& head) { return head.status == 200; },
          [this](std::string_view data) {
            const std::lock_guard lock(mutex);
            text += data;
            return true;
          });
      done = true;
    });
  }
  ~Listener() { join(); }
  void join() {
    if (thread.joinable()) thread.join();
  }
  bool got(std::string_view part) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return text.find(part) != std::string::npos;
    });
  }
};

TEST(Bodies, AreWrittenWhileTheyAreRead) {
  StreamServer s([](Request&&) { return Response{.body = std::make_unique<Pieces>(100, 65'536)}; });
  Client client(client_trusting());
  for (int i = 0; i < 2; ++i) {
    const auto response = client.send({.url = url_of(s.server)}, 20s);
    ASSERT_TRUE(response.has_value()) << response.error().text();
    ASSERT_EQ(response->body.size(), 100u * 65'536u);
    EXPECT_EQ(response->body[65'536 * 27], 'b');
    EXPECT_EQ(response->headers.get("Transfer-Encoding"), "chunked");
  }
}

TEST(Bodies, EmptyPiecesAndAnEmptyBodyAreNoEnd) {
  struct Hesitant final : BodySource {
    int at = 0;
    Result<bool> read(std::string& out) override {
      if (at++ % 2 == 0) return true;  // nothing now, more later
      out += "x";
      return at < 8;
    }
  };
  StreamServer s([](Request&& r) -> Response {
    if (r.path == "/empty") return {.body = std::make_unique<Pieces>(0, 0)};
    return {.body = std::make_unique<Hesitant>()};
  });
  Client client(client_trusting());
  EXPECT_EQ(client.send({.url = url_of(s.server)}, 20s).value().body, "xxxx");
  EXPECT_EQ(client.send({.url = url_of(s.server, "/empty")}, 20s).value().body, "");
}

TEST(Bodies, KeepMemoryFlatWhileAQuarterGigabyteFlows) {
  static constexpr std::size_t kPiece = 65'536;
  static constexpr int kPieces = 256 * 1024 * 1024 / kPiece;
  StreamServer s([](Request&&) { return Response{.body = std::make_unique<Pieces>(kPieces, kPiece)}; });
  Client client(client_trusting());
  std::size_t total = 0, most = 0;
  [[maybe_unused]] const std::size_t before = resident_bytes();
  const auto result = client.stream(
      {.url = url_of(s.server)}, 20s, [](const ClientResponse&) { return true; },
      [&](std::string_view data) {
        total += data.size();
        most = std::max(most, resident_bytes());
        return true;
      });
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ(total, kPieces * kPiece);
#ifndef BONGSU_SANITIZED
  EXPECT_LT(most - std::min(most, before), 16u * 1024 * 1024);
#endif
}

TEST(Bodies, AreReadNoFasterThanTheClientTakesThem) {
  std::atomic<int> pulled = 0;
  RecordingLog log;
  Server server(
      {.write_timeout = 100ms},
      [&](Request&&) { return Response{.body = std::make_unique<Pieces>(1'000'000, 65'536, &pulled)}; }, log);
  ASSERT_TRUE(server.start().has_value());
  RawConnection slow(server.port());
  slow.shrink_receive_buffer();
  slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(slow.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  // The client reads no more: the kernel's buffers fill, the source stands still, and in the end the client is cut off.
  EXPECT_TRUE(eventually([&] {
    const int now = pulled;
    std::this_thread::sleep_for(150ms);
    return now == pulled;
  }));
  EXPECT_LT(pulled, 500) << "64 GB were to be read";
  server.stop(0ms);
}

TEST(Bodies, ThatFailCutTheConnection) {
  StreamServer s([](Request&& r) -> Response {
    if (r.path == "/throw") {
      struct Throwing final : BodySource {
        Result<bool> read(std::string&) override { throw std::runtime_error("thrown"); }
      };
      return {.body = std::make_unique<Throwing>()};
    }
    return {.body = std::make_unique<Pieces>(10, 1000, nullptr, r.path == "/late" ? 5 : 0)};
  });
  for (const char* path : {"/late", "/first", "/throw"}) {
    Client client(client_trusting());
    const auto response = client.send({.url = url_of(s.server, path)}, 20s);
    ASSERT_FALSE(response.has_value()) << path;
    EXPECT_EQ(response.error().code, ErrorCode::kUnavailable) << path;
  }
  EXPECT_FALSE(s.log.wait_for("net.body_failed", "the disk is gone").empty());
  EXPECT_FALSE(s.log.wait_for("net.body_failed", "thrown").empty());
}

TEST(Bodies, AreNotReadForHeadAndEndTheConnectionForHttp10) {
  std::atomic<int> pulled = 0;
  RecordingLog log;
  Server server({}, [&](Request&&) { return Response{.body = std::make_unique<Pieces>(2, 3, &pulled)}; }, log);
  ASSERT_TRUE(server.start().has_value());
  RawConnection head(server.port());
  head.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(head.read_all().ends_with("\r\n\r\n"));
  EXPECT_EQ(pulled, 0);
  RawConnection old(server.port());
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string response = old.read_all();
  EXPECT_EQ(response.find("chunked"), std::string::npos);
  EXPECT_TRUE(response.ends_with("\r\n\r\naaabbb"));
}

TEST(LargeUploads, ComeThroughWhole) {
  StreamServer s([](Request&& r) { return Response::text(200, std::to_string(r.body.size())); });
  Client client(client_trusting());
  const std::string body(20'000'000, 'u');
  EXPECT_EQ(client.send({.method = "POST", .url = url_of(s.server), .body = body}, 20s).value().body, "20000000");
}

TEST(Tails, DeliverWhatIsPutFromAnyThread) {
  Feed feed;
  StreamServer s(serving(feed));
  Listener listener(s.server);
  ASSERT_TRUE(feed.attached.wait());
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t)
    writers.emplace_back([&, t] {
      for (int i = 0; i < 250; ++i) feed.put(std::to_string(t) + "." + std::to_string(i));
    });
  for (auto& writer : writers) writer.join();
  feed.put("last");
  EXPECT_TRUE(listener.got("data: last\n\n"));
  feed.finish();
  listener.join();
  EXPECT_TRUE(listener.result.has_value()) << listener.result.error().text();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = listener.text.find("data: ", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 1001u);
  EXPECT_EQ(feed.overlapping, 0);
  EXPECT_TRUE(eventually([&] { return feed.destroyed == 1; }));
}

TEST(Tails, BeatWhenNothingIsSent) {
  Feed feed;
  StreamServer s(serving(feed), {.heartbeat = 20ms});
  Listener listener(s.server);
  EXPECT_TRUE(listener.got(": beat\n\n: beat\n\n: beat\n\n"));
  feed.put("line");
  EXPECT_TRUE(listener.got("data: line\n\n"));
  feed.finish();
}

TEST(Tails, EndAtOnceWhenTheServerStopsAndAreNotPulledAgain) {
  Feed feed;
  StreamServer s(serving(feed));
  Listener listener(s.server);
  ASSERT_TRUE(feed.attached.wait());
  feed.put("line");
  ASSERT_TRUE(listener.got("data: line\n\n"));
  const auto start = std::chrono::steady_clock::now();
  s.server.stop(10s);
  const int pulls = feed.pulls;
  listener.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_TRUE(listener.result.has_value()) << "an end in order: " << listener.result.error().text();
  EXPECT_EQ(feed.destroyed, 1);
  const auto wake = feed.wake_copy();
  wake();  // long after the stream and the server's threads are gone
  wake();
  EXPECT_EQ(feed.pulls, pulls);
}

TEST(Tails, ThatFailAreCut) {
  Feed feed;
  StreamServer s(serving(feed));
  Listener listener(s.server);
  ASSERT_TRUE(feed.attached.wait());
  feed.break_off();
  listener.join();
  ASSERT_FALSE(listener.result.has_value());
  EXPECT_EQ(listener.result.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(s.log.wait_for("net.tail_failed", "broken").empty());
}

TEST(Tails, EndWhenTheClientGoesAway) {
  Feed feed;
  StreamServer s(serving(feed));
  {
    Listener listener(s.server);
    ASSERT_TRUE(feed.attached.wait());
    listener.client.cancel();
    listener.join();
    EXPECT_EQ(listener.result.error().code, ErrorCode::kCancelled);
  }
  EXPECT_TRUE(eventually([&] { return feed.destroyed == 1; })) << "without any line being put";
}

TEST(Tails, AreCutWhenTheirMemberIsDropped) {
  Feed feed;
  RecordingLog log;
  TlsServerOptions tls = server_tls();
  tls.client_certificate = ClientCertificate::kOptional;
  Server server({.tls = tls}, serving(feed), log);
  ASSERT_TRUE(server.start().has_value());
  ClientOptions options = client_trusting();
  options.tls.certificate_pem = client_member().leaf.certificate_pem;
  options.tls.private_key_pem = client_member().leaf.private_key_pem;
  Client client(options);
  std::thread dropper([&] {
    feed.attached.wait();
    server.drop_peer(client_member().leaf_fingerprint);
  });
  const auto result = client.stream(
      {.url = url_of(server)}, 20s, [](const ClientResponse&) { return true; }, [](std::string_view) { return true; });
  dropper.join();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(eventually([&] { return feed.destroyed == 1; }));
}

TEST(Tails, FlowWhileAllWorkersAreBusyWithOneAnother) {
  // Two workers, one of them held by a slow request and more requests queued: the tail still gets its turn first.
  Feed feed;
  Flag release;
  std::atomic<int> slow = 0;
  StreamServer s(
      [&](Request&& r) -> Response {
        if (r.path != "/slow") return serving(feed)(std::move(r));
        ++slow;
        release.wait();
        return Response::text(200, "slow");
      },
      {.workers = 2});
  Listener listener(s.server);
  ASSERT_TRUE(feed.attached.wait());
  std::thread slow_client([&] {
    Client client(client_trusting());
    EXPECT_TRUE(client.send({.url = url_of(s.server, "/slow")}, 20s).has_value());
  });
  ASSERT_TRUE(eventually([&] { return slow == 1; }));
  feed.put("through");
  EXPECT_TRUE(listener.got("data: through\n\n"));
  release.set();
  slow_client.join();
  feed.finish();
}

TEST(Tails, AHundredAtOnceGetEveryLine) {
  std::vector<std::unique_ptr<Feed>> feeds;
  for (int i = 0; i < 100; ++i) feeds.push_back(std::make_unique<Feed>());
  std::atomic<std::size_t> next = 0;
  StreamServer s([&](Request&& r) { return serving(*feeds[next++])(std::move(r)); }, {.io_threads = 2});
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 100; ++i) listeners.push_back(std::make_unique<Listener>(s.server));
  for (auto& feed : feeds) ASSERT_TRUE(feed->attached.wait());
  for (int line = 0; line < 20; ++line)
    for (auto& feed : feeds) feed->put(std::to_string(line));
  for (auto& listener : listeners) EXPECT_TRUE(listener->got("data: 19\n\n"));
  s.server.stop(5s);
  for (auto& feed : feeds) EXPECT_EQ(feed->destroyed, 1);
}

}  // namespace
}  // namespace bongsu::net
