// One connection of the server: one coroutine on one I/O thread. For connection.cpp and server.cpp only.
#pragma once

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/http_parser.h"
#include "net/server.h"
#include "net/tls_context.h"
#include "net/worker_pool.h"

namespace bongsu::net {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using SteadyClock = std::chrono::steady_clock;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;

// What all connections of one server share.
struct ServerShared {
  ServerShared(ServerOptions o, Handler h, Log& l)
      : options(std::move(o)), handler(std::move(h)), log(l), pool(options.workers, options.max_queued_requests) {}

  const ServerOptions options;
  const Handler handler;
  Log& log;
  WorkerPool pool;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> buffered_bytes{0};
  std::atomic<std::uint32_t> connections{0};

  // Whether a line that strangers can provoke may be logged: at most kProvokedLogLines a second.
  bool may_log_provoked(std::int64_t second);

 private:
  std::atomic<std::int64_t> log_second_{0};
  std::atomic<std::uint32_t> log_lines_{0};
};
inline constexpr std::uint32_t kProvokedLogLines = 20;

class Connection;

// The connections of one I/O thread; only that thread touches the list.
struct IoLoop {
  asio::io_context context{1};
  std::vector<std::shared_ptr<Connection>> connections;
};

// Wakes a tail from any thread; outlives the connection in the hands of the source.
class TailSignal;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerShared& shared, IoLoop& loop, Socket socket, std::shared_ptr<TlsContext> tls, Peer peer);
  ~Connection();

  // All on the loop's thread.
  void start();
  void check_deadline(SteadyClock::time_point now);
  void begin_stop();  // idle connections and tails end; answers that have begun are finished
  void cut();         // at once; what was not sent is lost
  bool shows(const std::string& fingerprint) const;

 private:
  friend class TailSignal;
  enum class Phase { kHandshake, kIdle, kHeader, kBody, kHandler, kWrite, kTail, kClosing };
  using TlsStream = asio::ssl::stream<Socket&>;

  Awaitable<void> run();
  Awaitable<bool> handshake();
  Awaitable<bool> read_request();
  Awaitable<bool> read_more();
  Awaitable<void> refuse(int status, std::string message);
  Awaitable<bool> answer(Request request);
  Awaitable<bool> write_source(std::string head, bool chunked, std::unique_ptr<BodySource>& source);
  Awaitable<void> write_tail(std::string head, bool chunked, std::unique_ptr<TailSource>& tail);
  Awaitable<void> watch_for_end(std::shared_ptr<Connection> self);
  Awaitable<std::size_t> read_some(char* data, std::size_t size);
  Awaitable<bool> write_all(std::string_view bytes);
  Awaitable<void> close_gently();
  Awaitable<void> drain();
  // Runs `work` on a worker and comes back to this thread.
  template <class Work>
  Awaitable<void> on_worker(Work work);
  Awaitable<bool> handle_on_worker(Request request, Response& response);

  void enter(Phase phase, std::chrono::milliseconds limit);
  void account_body();
  void release_body();

  ServerShared& shared_;
  IoLoop& loop_;
  Socket socket_;
  std::shared_ptr<TlsContext> tls_context_;
  std::optional<TlsStream> tls_;
  Peer peer_;
  RequestParser parser_;
  std::string read_buffer_;
  Instant first_byte_;
  Phase phase_ = Phase::kHandshake;
  SteadyClock::time_point deadline_;
  bool timed_out_ = false;
  bool cut_ = false;
  bool got_bytes_ = false;
  bool first_request_ = true;
  bool wants_keep_ = false;  // of the request that is being answered
  bool http_1_0_ = false;
  std::uint64_t accounted_ = 0;
  // While a tail is open.
  asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor> tail_timer_;
  bool tail_woken_ = false;
  bool tail_peer_gone_ = false;
  bool tail_ending_ = false;
  bool tail_watch_done_ = false;
};

}  // namespace bongsu::net
