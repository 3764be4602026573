#include "net/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "net/net_test_support.h"

namespace bongsu::net {
namespace {

using namespace testing_support;

// A server without TLS on loopback, so that tests can say anything to it.
struct PlainServer {
  RecordingLog log;
  Server server;
  explicit PlainServer(Handler handler, ServerOptions options = {})
      : server(named(std::move(options)), std::move(handler), log) {
    const auto started = server.start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().text());
  }
  static ServerOptions named(ServerOptions options) {
    options.name = "test";
    return options;
  }
  std::string exchange(std::string_view raw) const {
    RawConnection connection(server.port());
    connection.send(raw);
    return connection.read_all();
  }
};

Response echo(Request&& request) {
  return Response::text(200, request.method + " " + request.path + "?" + request.query + " [" + request.body + "]");
}

int status_of(std::string_view response) {
  return response.starts_with("HTTP/1.1 ") && response.size() > 12 ? std::stoi(std::string(response.substr(9, 3))) : 0;
}

std::string body_of(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string() : std::string(response.substr(end + 4));
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++count;
  return count;
}

TEST(Server, AnswersWithDateAndLengthAndKeepsTheConnection) {
  PlainServer s(echo);
  RawConnection connection(s.server.port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connection.send("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"));
    const std::string head = connection.read_until("\r\n\r\n");
    EXPECT_EQ(status_of(head), 200);
    EXPECT_NE(head.find("\r\nDate: "), std::string::npos);
    EXPECT_NE(head.find(" GMT\r\n"), std::string::npos);
    EXPECT_NE(head.find("\r\nContent-Length: 17\r\n"), std::string::npos) << head;
    EXPECT_EQ(head.find("Connection:"), std::string::npos);
    EXPECT_EQ(connection.read_until("]"), "POST /a?b=c [xyz]");
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  PlainServer s([](Request&& request) {
    if (request.path == "/1") std::this_thread::sleep_for(20ms);  // the first is the slowest, and still the first
    return Response::text(200, request.path);
  });
  RawConnection connection(s.server.port());
  connection.send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\n");
  const std::string all = connection.read_all();
  EXPECT_EQ(count_of(all, "HTTP/1.1 200"), 3u);
  EXPECT_LT(all.find("/1"), all.find("/2"));
  EXPECT_LT(all.find("/2"), all.find("/3"));
  EXPECT_EQ(count_of(all, "Connection: close"), 1u);
}

TEST(Server, RefusesWithTheRightStatusAndCloses) {
  ServerOptions options{.max_body_bytes = 1000, .max_header_bytes = 2000};
  PlainServer s(echo, options);
  const std::pair<std::string, int> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" + std::string(2'000'000, 'x'), 413},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
  };
  for (const auto& [raw, status] : cases) {
    const std::string response = s.exchange(raw);
    EXPECT_EQ(status_of(response), status) << raw.substr(0, 100) << " → " << response.substr(0, 100);
    EXPECT_NE(response.find("\r\nConnection: close\r\n"), std::string::npos);
  }
}

TEST(Server, SaysContinueOnlyWhenAsked) {
  PlainServer s(echo);
  RawConnection connection(s.server.port());
  connection.send(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(connection.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  connection.send("abc");
  const std::string response = connection.read_all();
  EXPECT_EQ(status_of(response), 200);
  EXPECT_NE(response.find("[abc]"), std::string::npos);
  EXPECT_EQ(count_of(s.exchange("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
                                "3\r\nConnection: close\r\n\r\nabc"),
                     "100 Continue"),
            0u);
}

TEST(Server, HeadGetsTheHeadAndNoBody) {
  PlainServer s([](Request&&) { return Response::text(200, "twelve bytes"); });
  const std::string response = s.exchange("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(response.find("Content-Length: 12\r\n"), std::string::npos);
  EXPECT_EQ(body_of(response), "");
}

TEST(Server, NoContentHasNeitherBodyNorLength) {
  PlainServer s([](Request&& request) { return Response::text(request.path == "/204" ? 204 : 304, "not to be sent"); });
  for (const char* path : {"/204", "/304"}) {
    const std::string response =
        s.exchange(std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(response), path == std::string("/204") ? 204 : 304);
    EXPECT_EQ(response.find("Content-Length"), std::string::npos);
    EXPECT_EQ(body_of(response), "");
  }
}

TEST(Server, HandlerThatThrowsAnswers500AndTheServerGoesOn) {
  PlainServer s([](Request&& request) -> Response {
    if (request.path == "/std") throw std::runtime_error("broken");
    if (request.path == "/int") throw 42;
    return Response::text(200, "well");
  });
  EXPECT_EQ(status_of(s.exchange("GET /std HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), 500);
  EXPECT_EQ(status_of(s.exchange("GET /int HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), 500);
  EXPECT_EQ(status_of(s.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), 200);
  EXPECT_FALSE(s.log.wait_for("net.handler_threw", "broken").empty());
}

TEST(Server, FieldsOfTheHandlerCannotSplitTheResponse) {
  PlainServer s([](Request&& request) {
    Response response = Response::text(200, "body");
    if (request.path == "/value") response.headers.add("X", "a\r\nSet-Cookie: evil");
    if (request.path == "/name") response.headers.add("X: y\r\nZ", "a");
    if (request.path == "/framing") {
      response.headers.add("Content-Length", "0");
      response.headers.add("Transfer-Encoding", "chunked");
    }
    return response;
  });
  EXPECT_EQ(status_of(s.exchange("GET /value HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), 500);
  EXPECT_EQ(status_of(s.exchange("GET /name HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), 500);
  const std::string framed = s.exchange("GET /framing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(count_of(framed, "Content-Length"), 1u);
  EXPECT_EQ(count_of(framed, "Transfer-Encoding"), 0u);
  EXPECT_EQ(body_of(framed), "body");
}

TEST(Server, HalfARequestGets408AndAnEmptyConnectionIsClosed) {
  PlainServer s(echo, {.header_timeout = 60ms, .body_timeout = 60ms, .idle_timeout = 60ms});
  EXPECT_EQ(s.exchange(""), "") << "nothing said, nothing answered";
  EXPECT_EQ(status_of(s.exchange("GET / HTTP/1.1\r\nHos")), 408);
  EXPECT_EQ(status_of(s.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")), 408);
  const std::string kept = s.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_of(kept), 200);
  EXPECT_EQ(count_of(kept, "HTTP/1.1"), 1u) << "an idle kept connection is closed without a word";
}

TEST(Server, ADripOfHeaderBytesDoesNotExtendTheDeadline) {
  PlainServer s(echo, {.header_timeout = 150ms});
  RawConnection connection(s.server.port());
  const auto start = std::chrono::steady_clock::now();
  std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  while (connection.send(request)) {
    request = "x";
    std::this_thread::sleep_for(5ms);
    if (std::chrono::steady_clock::now() - start > 10s) break;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(Server, QueueThatIsFullAnswers503WithRetryAfter) {
  Flag release;
  std::atomic<int> running = 0;
  PlainServer s(
      [&](Request&&) {
        ++running;
        release.wait();
        return Response::text(200, "late");
      },
      {.workers = 1, .max_queued_requests = 1});
  RawConnection first(s.server.port());
  first.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return running == 1; }));
  // One more waits in the queue; of the others every one is refused.
  std::vector<std::unique_ptr<RawConnection>> more;
  for (int i = 0; i < 5; ++i) {
    more.push_back(std::make_unique<RawConnection>(s.server.port()));
    more.back()->send("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
  std::atomic<int> refused = 0, served = 0;
  std::vector<std::thread> readers;
  for (auto& connection : more)
    readers.emplace_back([&] {
      const std::string response = connection->read_all();
      if (status_of(response) == 503 && response.find("Retry-After: 1\r\n") != std::string::npos) ++refused;
      if (status_of(response) == 200) ++served;
    });
  EXPECT_TRUE(eventually([&] { return refused == 4; }));
  release.set();
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(served, 1);
  EXPECT_EQ(status_of(first.read_all()), 200);
}

TEST(Server, ConnectionsBeyondTheLimitAreClosedAtOnce) {
  PlainServer s(echo, {.max_connections = 2});
  RawConnection a(s.server.port()), b(s.server.port());
  a.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  b.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_of(a.read_until("]")), 200);
  EXPECT_EQ(status_of(b.read_until("]")), 200);
  EXPECT_EQ(s.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
}

TEST(Server, BodiesOfAllConnectionsTogetherHaveALimit) {
  Flag entered, release;
  PlainServer s(
      [&](Request&& request) {
        entered.set();
        release.wait();
        return Response::text(200, std::to_string(request.body.size()));
      },
      {.max_buffered_bytes = 300'000});
  const auto post = [](std::size_t bytes) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\nConnection: close\r\n\r\n" +
           std::string(bytes, 'x');
  };
  RawConnection holder(s.server.port());
  holder.send(post(200'000));
  entered.wait();  // the first body is held now
  EXPECT_EQ(status_of(s.exchange(post(150'000))), 503);
  release.set();
  EXPECT_EQ(status_of(holder.read_all()), 200);
  EXPECT_EQ(status_of(s.exchange(post(200'000))), 200) << "what was held is given back";
}

TEST(Server, StopLetsRunningRequestsFinishAndTakesNoNewOnes) {
  Flag entered, release;
  PlainServer s([&](Request&&) {
    entered.set();
    release.wait();
    return Response::text(200, "finished");
  });
  RawConnection busy(s.server.port());
  busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  RawConnection idle(s.server.port());
  ASSERT_TRUE(entered.wait());
  std::thread stopper([&] { s.server.stop(10s); });
  EXPECT_EQ(idle.read_all(), "") << "idle connections end at once";
  EXPECT_TRUE(eventually([&] { return RawConnection(s.server.port()).fd() < 0; })) << "nobody listens any more";
  release.set();
  const std::string response = busy.read_all();
  EXPECT_EQ(status_of(response), 200);
  EXPECT_EQ(body_of(response), "finished");
  EXPECT_NE(response.find("Connection: close"), std::string::npos);
  stopper.join();
}

TEST(Server, StopCutsWhatDoesNotFinishInTime) {
  Flag entered, release;
  PlainServer s([&](Request&&) {
    entered.set();
    release.wait();
    return Response::text(200, "too late");
  });
  RawConnection busy(s.server.port());
  busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(entered.wait());
  std::thread stopper([&] { s.server.stop(20ms); });
  EXPECT_EQ(busy.read_all(), "");
  release.set();
  stopper.join();
}

TEST(Server, AHundredClientsAtOnceAllGetTheirOwnAnswers) {
  for (const std::uint32_t io_threads : {1u, 2u}) {
    PlainServer s(echo, {.io_threads = io_threads});
    std::atomic<int> good = 0;
    std::vector<std::thread> clients;
    for (int c = 0; c < 100; ++c) {
      clients.emplace_back([&, c] {
        Client client({});
        for (int i = 0; i < 10; ++i) {
          const std::string body = std::to_string(c) + ":" + std::to_string(i);
          const auto response =
              client.send({.method = "POST", .url = url_of(s.server, "/x", "http"), .body = body}, 60s);
          good += response && response->status == 200 && response->body == "POST /x? [" + body + "]";
        }
      });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(good, 1000);
  }
}

struct TempDir {
  std::filesystem::path path;
  TempDir() {
    char name[] = "/tmp/bongsu-net-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
};

TEST(Server, UnixSocketIsForItsOwnerAndGoesWithTheServer) {
  const TempDir dir;
  const std::string path = dir.path / "admin.sock";
  std::string address;
  bool local = false;
  {
    PlainServer s(
        [&](Request&& request) {
          address = request.peer.address;
          local = request.peer.local;
          return echo(std::move(request));
        },
        {.address = "unix:" + path});
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    Client client({});
    const auto response = client.send({.url = parse_url("unix:" + path + ":/status?x").value()}, 10s);
    ASSERT_TRUE(response.has_value()) << response.error().text();
    EXPECT_EQ(response->body, "GET /status?x []");
    EXPECT_TRUE(local);
    EXPECT_EQ(address, "local");
    RecordingLog log;
    Server second({.address = "unix:" + path}, echo, log);
    EXPECT_EQ(second.start().error().code, ErrorCode::kConflict) << "somebody listens there";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Server, ReplacesASocketFileThatNobodyListensOnAndNothingElse) {
  const TempDir dir;
  const std::string path = dir.path / "admin.sock";
  {
    // A process that died: its file stays.
    RecordingLog log;
    Server dead({.address = "unix:" + path}, echo, log);
    ASSERT_TRUE(dead.start());
    std::filesystem::rename(path, dir.path / "kept");
    dead.stop(0ms);
    std::filesystem::rename(dir.path / "kept", path);
  }
  {
    PlainServer s(echo, {.address = "unix:" + path});
  }
  {
    std::FILE* file = std::fopen(path.c_str(), "w");
    std::fclose(file);
  }
  RecordingLog log;
  Server over_file({.address = "unix:" + path}, echo, log);
  EXPECT_EQ(over_file.start().error().code, ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::exists(path)) << "a file of somebody else is left alone";
}

TEST(Server, RefusesAddressesThatWouldExposePlainHttp) {
  RecordingLog log;
  EXPECT_EQ(Server({.address = "0.0.0.0"}, echo, log).start().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Server({.address = "::"}, echo, log).start().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Server({.address = "localhost"}, echo, log).start().error().code, ErrorCode::kInvalid) << "not numeric";
  EXPECT_EQ(Server({.address = "unix:relative"}, echo, log).start().error().code, ErrorCode::kInvalid);
  PlainServer s(echo);
  EXPECT_EQ(Server({.address = "127.0.0.1", .port = s.server.port()}, echo, log).start().error().code,
            ErrorCode::kConflict);
}

}  // namespace
}  // namespace bongsu::net
