#include "net/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "net/net_test_support.h"

namespace bongsu::net {
namespace {

using namespace testing_support;

// A server that says exactly what a test wants: one script per connection, on a thread of its own.
class ScriptedServer {
 public:
  using Script = std::function<void(int fd)>;
  explicit ScriptedServer(std::vector<Script> scripts)
      : scripts_(std::move(scripts)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = {.scheme = "http", .host = "127.0.0.1", .port = ntohs(address.sin_port), .target = "/"};
    thread_ = std::thread([this] {
      for (auto& script : scripts_) {
        const int connection = ::accept(fd_, nullptr, nullptr);
        if (connection < 0) return;
        ++connections;
        script(connection);
        ::close(connection);
      }
    });
  }
  ~ScriptedServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  const Url& url() const { return url_; }
  std::atomic<int> connections = 0;

 private:
  std::vector<Script> scripts_;
  int fd_;
  Url url_;
  std::thread thread_;
};

std::string read_request(int fd) {
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    request.append(buffer, static_cast<std::size_t>(got));
  }
  return request;
}

void say(int fd, std::string_view text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

ScriptedServer::Script answering(std::string answer) {
  return [answer](int fd) {
    read_request(fd);
    say(fd, answer);
  };
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(Client, SendsOneWellFormedRequest) {
  std::string seen;
  ScriptedServer s({[&](int fd) {
    seen = read_request(fd);
    say(fd, kOk);
  }});
  Url url = s.url();
  url.target = "/a?b";
  Client client({});
  const auto response = client.send({.method = "POST",
                                     .url = url,
                                     .headers = {{"X-One", "1"}, {"Host", "evil"}, {"Content-Length", "99"}},
                                     .body = "abc"},
                                    20s);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(seen, "POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(url.port) +
                      "\r\nX-One: 1\r\nUser-Agent: bongsu\r\nContent-Length: 3\r\n\r\nabc");
}

TEST(Client, RefusesToSendWhatWouldBeTwoRequests) {
  ScriptedServer s({});
  Client client({});
  Url url = s.url();
  url.target = "/ HTTP/1.1\r\nX: y";
  EXPECT_EQ(client.send({.url = url}, 20s).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client.send({.method = "GET /", .url = s.url()}, 20s).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client.send({.url = s.url(), .headers = {{"X", "a\r\nY: b"}}}, 20s).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client.send({.url = s.url(), .headers = {{"X Y", "a"}}}, 20s).error().code, ErrorCode::kInvalid);
}

TEST(Client, KeepsItsConnectionAndRetriesOnceOnAStaleOne) {
  const auto one_then_close = [](int fd) {
    read_request(fd);
    say(fd, kOk);
    read_request(fd);  // the second request is read and not answered: the client cannot know before
  };
  {
    ScriptedServer s({one_then_close, answering(kOk)});
    Client client({});
    EXPECT_TRUE(client.send({.url = s.url()}, 20s).has_value());
    EXPECT_TRUE(client.send({.url = s.url()}, 20s).has_value()) << "GET is sent again";
    EXPECT_EQ(s.connections, 2);
  }
  {
    ScriptedServer s({one_then_close, answering(kOk)});
    Client client({});
    EXPECT_TRUE(client.send({.url = s.url()}, 20s).has_value());
    const auto post = client.send({.method = "POST", .url = s.url(), .body = "x"}, 20s);
    ASSERT_FALSE(post.has_value()) << "the server may have acted on it";
    EXPECT_EQ(post.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(s.connections, 1);
    EXPECT_TRUE(client.send({.url = s.url()}, 20s).has_value());
  }
  {
    ScriptedServer s({[](int fd) {
                        read_request(fd);
                        say(fd, kOk);
                        read_request(fd);
                        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal");
                      },
                      answering(kOk)});
    Client client({});
    EXPECT_TRUE(client.send({.url = s.url()}, 20s).has_value());
    EXPECT_EQ(client.send({.url = s.url()}, 20s).error().code, ErrorCode::kUnavailable) << "something was received";
    EXPECT_EQ(s.connections, 1);
    EXPECT_TRUE(client.send({.url = s.url()}, 20s).has_value());
  }
}

TEST(Client, DoesNotReuseAConnectionThatTheServerEnds) {
  const char* closing = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
  ScriptedServer s({answering(closing), answering("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
                    answering(std::string(kOk) + "HTTP/1.1 200 OK\r\n"), answering(kOk)});
  Client client({});
  EXPECT_EQ(client.send({.url = s.url()}, 20s).value().body, "ok");
  EXPECT_EQ(client.send({.url = s.url()}, 20s).value().body, "until the end");
  EXPECT_EQ(client.send({.url = s.url()}, 20s).value().body, "ok") << "bytes beyond the answer end the connection";
  EXPECT_EQ(client.send({.url = s.url()}, 20s).value().body, "ok");
  EXPECT_EQ(s.connections, 4);
}

TEST(Client, TellsErrorsApart) {
  const auto error_of = [](std::string answer, ClientOptions options = {}) {
    ScriptedServer s({answering(std::move(answer))});
    Client client(std::move(options));
    const auto response = client.send({.url = s.url()}, 20s);
    EXPECT_FALSE(response.has_value());
    return response ? ErrorCode::kInternal : response.error().code;
  };
  EXPECT_EQ(error_of(""), ErrorCode::kUnavailable);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), ErrorCode::kUnavailable);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), ErrorCode::kUnavailable);
  EXPECT_EQ(error_of("SSH-2.0-OpenSSH\r\n\r\n"), ErrorCode::kInvalid);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), ErrorCode::kInvalid);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", {.max_body_bytes = 10}), ErrorCode::kTooLarge);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'x'), {.max_body_bytes = 10}), ErrorCode::kTooLarge);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'x') + "\r\n\r\n", {.max_header_bytes = 500}),
            ErrorCode::kTooLarge);
}

TEST(Client, GivesUpAtItsDeadline) {
  Flag done;
  ScriptedServer s({[&](int) { done.wait(); }});
  Client client({});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.send({.url = s.url()}, 60ms).error().code, ErrorCode::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  done.set();
}

TEST(Client, DripsOfBytesDoNotExtendADeadlineButKeepAStreamAlive) {
  const auto dripping = [](int fd) {
    read_request(fd);
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 40; ++i) {
      say(fd, "1\r\nx\r\n");
      std::this_thread::sleep_for(10ms);
    }
    say(fd, "0\r\n\r\n");
  };
  ScriptedServer s({dripping, dripping});
  Client client({});
  EXPECT_EQ(client.send({.url = s.url()}, 100ms).error().code, ErrorCode::kTimeout);
  std::string got;
  const auto result = client.stream(
      {.url = s.url()}, 5s, [](const ClientResponse&) { return true; },
      [&](std::string_view data) {
        got += data;
        return true;
      });
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(got, std::string(40, 'x'));
}

TEST(Client, StreamIdleForTooLongTimesOut) {
  Flag done;
  ScriptedServer s({[&](int fd) {
    read_request(fd);
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    done.wait();
  }});
  Client client({});
  std::string got;
  const auto result = client.stream(
      {.url = s.url()}, 60ms, [](const ClientResponse&) { return true; },
      [&](std::string_view data) {
        got += data;
        return true;
      });
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(got, "x") << "what came was handed over at once";
  done.set();
}

TEST(Client, CallbacksMayStopAStream) {
  const auto endless = [](int fd) {
    read_request(fd);
    say(fd, "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (::send(fd, "1\r\nx\r\n", 6, MSG_NOSIGNAL) == 6) {
    }
  };
  ScriptedServer s({endless, endless});
  Client client({});
  int status = 0;
  EXPECT_TRUE(client
                  .stream(
                      {.url = s.url()}, 5s,
                      [&](const ClientResponse& head) {
                        status = head.status;
                        return false;
                      },
                      [](std::string_view) -> bool { throw std::logic_error("no data after a head that was refused"); })
                  .has_value());
  EXPECT_EQ(status, 503);
  int pieces = 0;
  EXPECT_TRUE(client
                  .stream(
                      {.url = s.url()}, 5s, [](const ClientResponse&) { return true; },
                      [&](std::string_view) { return ++pieces < 3; })
                  .has_value());
  EXPECT_EQ(pieces, 3);
}

TEST(Client, CancelEndsTheRunningCallOrTheNext) {
  Flag accepted, done;
  ScriptedServer s({[&](int) {
                      accepted.set();
                      done.wait();
                    },
                    answering(kOk)});
  Client client({});
  std::thread canceller([&] {
    accepted.wait();
    client.cancel();
  });
  EXPECT_EQ(client.send({.url = s.url()}, 20s).error().code, ErrorCode::kCancelled);
  canceller.join();
  done.set();
  EXPECT_EQ(client.send({.url = s.url()}, 20s).value().body, "ok") << "a cancellation counts once";
  client.cancel();
  EXPECT_EQ(client.send({.url = s.url()}, 20s).error().code, ErrorCode::kCancelled)
      << "no call was running: the next one";
}

TEST(Client, HearsAnEarlyRefusalOfALargeBody) {
  RecordingLog log;
  Server server({.max_body_bytes = 1000}, [](Request&&) { return Response::text(200, ""); }, log);
  ASSERT_TRUE(server.start().has_value());
  Client client({});
  const auto response =
      client.send({.method = "POST", .url = url_of(server, "/", "http"), .body = std::string(50'000'000, 'x')}, 20s);
  ASSERT_TRUE(response.has_value()) << response.error().text();
  EXPECT_EQ(response->status, 413);
}

TEST(Client, PlainHttpStaysOnThisMachine) {
  Client client({.connect_timeout = 200ms});
  // 192.0.2.0/24 is for documentation (RFC 5737): were it tried, it would time out.
  EXPECT_EQ(client.send({.url = parse_url("http://192.0.2.1/").value()}, 1s).error().code, ErrorCode::kDenied);
  EXPECT_EQ(client.send({.url = parse_url("http://[2001:db8::1]/").value()}, 1s).error().code, ErrorCode::kDenied);
}

TEST(Client, NobodyThereIsUnavailable) {
  RecordingLog log;
  std::uint16_t port = 0;
  {
    Server server({}, [](Request&&) { return Response::empty(204); }, log);
    ASSERT_TRUE(server.start().has_value());
    port = server.port();
  }
  Client client({});
  EXPECT_EQ(client.send({.url = {.scheme = "http", .host = "127.0.0.1", .port = port, .target = "/"}}, 5s).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(client.send({.url = parse_url("unix:/nonexistent/socket").value()}, 5s).error().code,
            ErrorCode::kUnavailable);
}

TEST(Client, ReachesServersOverIpv6AndByName) {
  RecordingLog log;
  Server server(
      {.address = "::1"},
      [](Request&& r) { return Response::text(200, r.headers.joined("Host") + " " + r.peer.address.substr(0, 6)); },
      log);
  if (!server.start()) GTEST_SKIP() << "skipped: needs IPv6 on loopback";
  Client client({});
  Url url{.scheme = "http", .host = "::1", .port = server.port(), .target = "/"};
  EXPECT_EQ(client.send({.url = url}, 5s).value().body, "[::1]:" + std::to_string(url.port) + " [::1]:");
  url.host = "localhost";  // 127.0.0.1 is tried first and refuses
  EXPECT_EQ(client.send({.url = url}, 5s).value().status, 200);
}

}  // namespace
}  // namespace bongsu::net
