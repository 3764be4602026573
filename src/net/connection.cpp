#include "net/connection.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <mutex>

#include "net/http_syntax.h"
#include "net/response_head.h"

namespace bongsu::net {
namespace {

using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable_t<Executor>{});
constexpr std::size_t kSmallReadBytes = 4096;
constexpr std::size_t kBodyReadBytes = 16 * 1024;  // a TLS record
constexpr std::size_t kJoinBytes = 256 * 1024;     // heads and bodies up to this are written as one
constexpr std::size_t kMaxPieceBytes = 64 * 1024 * 1024;
constexpr std::size_t kKeptBytes = 128 * 1024;  // a piece's buffer above this is not kept for the next one
constexpr auto kCloseLimit = 1000ms;
constexpr auto kCloseLimitStopping = 200ms;
constexpr std::size_t kDrainBytes =
    4 * 1024 * 1024;  // read and dropped after an early answer, so that it is not lost in a reset
constexpr auto kNoLimit = std::chrono::milliseconds::max();

constexpr std::string_view kChunkMark = "00000000\r\n";  // leading zeros are part of the grammar (RFC 9112 §7.1)

// Begins a chunk in `out`; what is appended until end_chunk is its data. Nothing is copied.
std::size_t begin_chunk(std::string& out) {
  out += kChunkMark;
  return out.size();
}

// Empty chunks would end the body and are taken back.
void end_chunk(std::string& out, std::size_t data_begin) {
  const std::size_t size = out.size() - data_begin;
  if (size == 0) {
    out.resize(data_begin - kChunkMark.size());
    return;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < 8; ++i) out[data_begin - 3 - i] = kDigits[(size >> (4 * i)) & 15];
  out += "\r\n";
}

std::string error_text(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

// Whether the handler wants the connection closed after its answer.
bool says_close(const Headers& headers) {
  const auto connection = headers.get("Connection");
  return connection && equal_ignoring_case(*connection, "close");
}

// Calls a source; an exception becomes an error.
template <class Call>
Result<bool> guarded(Call call) {
  try {
    return call();
  } catch (...) {
    return fail(ErrorCode::kInternal, "exception: " + error_text(std::current_exception()));
  }
}

}  // namespace

bool ServerShared::may_log_provoked(std::int64_t second) {
  if (log_second_.exchange(second) != second) log_lines_ = 0;
  return log_lines_.fetch_add(1) < kProvokedLogLines;
}

class TailSignal : public std::enable_shared_from_this<TailSignal> {
 public:
  explicit TailSignal(Connection& connection)
      : executor_(connection.loop_.context.get_executor()), connection_(&connection) {}

  void wake() {
    const std::lock_guard lock(mutex_);
    if (connection_ == nullptr || pending_) return;
    pending_ = true;
    asio::post(executor_, [self = shared_from_this()] { self->deliver(); });
  }
  // On the loop's thread: from here on wakes count for the next pull.
  void rearm() {
    const std::lock_guard lock(mutex_);
    pending_ = false;
  }
  // On the loop's thread: no wake reaches the executor any more, which may be gone soon.
  void detach() {
    const std::lock_guard lock(mutex_);
    connection_ = nullptr;
  }

 private:
  void deliver() {
    const std::lock_guard lock(mutex_);
    if (connection_ == nullptr) return;
    connection_->tail_woken_ = true;
    connection_->tail_timer_.cancel();
  }

  std::mutex mutex_;
  Executor executor_;
  Connection* connection_;  // detach() comes before its end
  bool pending_ = false;
};

Connection::Connection(ServerShared& shared, IoLoop& loop, Socket socket, std::shared_ptr<TlsContext> tls, Peer peer)
    : shared_(shared),
      loop_(loop),
      socket_(std::move(socket)),
      tls_context_(std::move(tls)),
      peer_(std::move(peer)),
      parser_({.max_header_bytes = shared.options.max_header_bytes, .max_body_bytes = shared.options.max_body_bytes}),
      deadline_(SteadyClock::time_point::max()),
      tail_timer_(loop.context) {}

Connection::~Connection() {
  release_body();
  shared_.connections.fetch_sub(1);
}

void Connection::start() {
  loop_.connections.push_back(shared_from_this());
  asio::co_spawn(
      loop_.context, [self = shared_from_this()] { return self->run(); },
      [self = shared_from_this()](const std::exception_ptr& error) {
        if (error)
          self->shared_.log.error("net.connection_fault",
                                  {{"name", self->shared_.options.name}, {"error", error_text(error)}});
        boost::system::error_code ignored;
        self->socket_.close(ignored);
        auto& list = self->loop_.connections;
        list.erase(std::remove(list.begin(), list.end(), self), list.end());
      });
}

void Connection::enter(Phase phase, std::chrono::milliseconds limit) {
  phase_ = phase;
  deadline_ = limit == kNoLimit ? SteadyClock::time_point::max() : SteadyClock::now() + limit;
}

void Connection::check_deadline(SteadyClock::time_point now) {
  if (now < deadline_) return;
  deadline_ = SteadyClock::time_point::max();
  timed_out_ = true;
  boost::system::error_code ignored;
  // Half a request gets an answer (408); for everything else there is nobody to talk to.
  if (phase_ == Phase::kHeader || phase_ == Phase::kBody)
    socket_.cancel(ignored);
  else
    socket_.close(ignored);
}

void Connection::begin_stop() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kHandshake || phase_ == Phase::kHeader) cut();
  if (phase_ == Phase::kTail) tail_timer_.cancel();
}

void Connection::cut() {
  cut_ = true;
  boost::system::error_code ignored;
  // A reset drops what the kernel still holds for this peer.
  if (!peer_.local) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  tail_timer_.cancel();
}

bool Connection::shows(const std::string& fingerprint) const {
  return !fingerprint.empty() &&
         (peer_.certificate_fingerprint == fingerprint || peer_.issuer_fingerprint == fingerprint);
}

Awaitable<void> Connection::run() {
  if (tls_context_ && !co_await handshake()) co_return;
  while (co_await read_request()) {
    wants_keep_ = parser_.keep_alive();
    http_1_0_ = parser_.http_1_0();
    Request request = parser_.take();
    request.peer = peer_;
    request.received = first_byte_;
    if (!co_await answer(std::move(request))) break;
    if (shared_.stopping) break;
  }
  release_body();
  if (!cut_ && socket_.is_open()) co_await close_gently();
}

Awaitable<bool> Connection::handshake() {
  enter(Phase::kHandshake, shared_.options.header_timeout);
  SSL* ssl = SSL_new(tls_context_->native());
  if (ssl == nullptr) co_return false;
  tls_.emplace(socket_, ssl);
  const auto [error] = co_await tls_->async_handshake(TlsStream::server, kAwait);
  if (error) {
    if (!shared_.stopping && shared_.may_log_provoked(SystemClock().now().seconds))
      shared_.log.info("net.handshake_failed", {{"name", shared_.options.name},
                                                {"peer", peer_.address},
                                                {"error", timed_out_ ? "timeout" : error.message()}});
    tls_error_text();
    if (!timed_out_ && !cut_) co_await drain();  // the alert says why: it must arrive
    co_return false;
  }
  TlsFacts facts = tls_facts(ssl);
  peer_.tls_version = std::move(facts.version);
  peer_.certificate_fingerprint = std::move(facts.leaf_fingerprint);
  peer_.issuer_fingerprint = std::move(facts.issuer_fingerprint);
  co_return true;
}

// Reads until a request is complete. False: the connection has ended, or an answer that ends it has been written.
Awaitable<bool> Connection::read_request() {
  release_body();
  got_bytes_ = parser_.has_input();
  // The first request has the header's time from accept on; later ones may keep the connection idle before.
  if (got_bytes_) first_byte_ = SystemClock().now();
  const bool waits_long = !got_bytes_ && !first_request_;
  enter(got_bytes_ ? Phase::kHeader : Phase::kIdle,
        waits_long ? shared_.options.idle_timeout : shared_.options.header_timeout);
  first_request_ = false;
  while (true) {
    switch (parser_.advance()) {
      case ParseState::kComplete:
        co_return true;
      case ParseState::kHeader:
        enter(Phase::kBody, shared_.options.body_timeout);
        if (parser_.expects_continue() && !parser_.has_input()) {
          if (!co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
          enter(Phase::kBody, shared_.options.body_timeout);
        }
        break;
      case ParseState::kBad: {
        const ParseError error = parser_.error();
        co_await refuse(error.status, error.message);
        co_return false;
      }
      case ParseState::kNeedMore:
        if (!co_await read_more()) {
          if (timed_out_ && !cut_ && got_bytes_) co_await refuse(408, "the request did not come in time");
          co_return false;
        }
        account_body();
        if (shared_.buffered_bytes.load(std::memory_order_relaxed) > shared_.options.max_buffered_bytes &&
            accounted_ > 0) {
          co_await refuse(503, "too many large requests at once");
          co_return false;
        }
        break;
    }
  }
}

Awaitable<bool> Connection::read_more() {
  const std::size_t wanted = phase_ == Phase::kBody ? kBodyReadBytes : kSmallReadBytes;
  if (read_buffer_.size() < wanted) read_buffer_.resize(wanted);
  const std::size_t size = co_await read_some(read_buffer_.data(), read_buffer_.size());
  if (size == 0 || timed_out_) co_return false;
  if (!got_bytes_) {
    got_bytes_ = true;
    first_byte_ = SystemClock().now();
    const auto from_accept = deadline_;
    enter(Phase::kHeader, shared_.options.header_timeout);
    deadline_ = std::min(deadline_, from_accept);
  } else if (phase_ == Phase::kBody) {
    enter(Phase::kBody, shared_.options.body_timeout);
  }
  parser_.append({read_buffer_.data(), size});
  co_return true;
}

void Connection::account_body() {
  const std::uint64_t now = parser_.body_bytes();
  if (now <= accounted_) return;
  shared_.buffered_bytes.fetch_add(now - accounted_, std::memory_order_relaxed);
  accounted_ = now;
}

void Connection::release_body() {
  shared_.buffered_bytes.fetch_sub(accounted_, std::memory_order_relaxed);
  accounted_ = 0;
}

Awaitable<void> Connection::refuse(int status, std::string message) {
  Response response = Response::text(status, message + "\n");
  if (status == 503) response.headers.add("Retry-After", "1");
  std::string out;
  const auto& body = std::get<std::string>(response.body);
  append_head(out, response, {.keep_alive = false, .content_length = body.size()}, SystemClock().now());
  out += body;
  timed_out_ = false;
  co_await write_all(out);
}

template <class Work>
Awaitable<void> Connection::on_worker(Work work) {
  const Phase before = phase_;
  const auto deadline_before = deadline_;
  if (before != Phase::kTail) enter(Phase::kHandler, kNoLimit);
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [this](auto completion, Work todo) {
        auto done = std::make_shared<decltype(completion)>(std::move(completion));
        shared_.pool.submit_urgent([this, done, todo = std::move(todo)]() mutable {
          todo();
          asio::post(loop_.context, [done = std::move(done)]() mutable { std::move (*done)(); });
        });
      },
      asio::use_awaitable_t<Executor>{}, std::move(work));
  phase_ = before;
  deadline_ = deadline_before;
}

// False: no worker will come free in time.
Awaitable<bool> Connection::handle_on_worker(Request request, Response& response) {
  enter(Phase::kHandler, kNoLimit);
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(bool)>(
      [this, &response](auto completion, Request todo) {
        auto done = std::make_shared<decltype(completion)>(std::move(completion));
        auto work = std::make_shared<Request>(std::move(todo));
        const bool taken = shared_.pool.submit([this, done, work, &response]() mutable {
          try {
            response = shared_.handler(std::move(*work));
          } catch (...) {
            shared_.log.error("net.handler_threw",
                              {{"name", shared_.options.name}, {"error", error_text(std::current_exception())}});
            response = Response::text(500, "internal error\n");
          }
          asio::post(loop_.context, [done = std::move(done)]() mutable { std::move (*done)(true); });
        });
        if (!taken) asio::post(loop_.context, [done]() mutable { std::move (*done)(false); });
      },
      asio::use_awaitable_t<Executor>{}, std::move(request));
}

// False: the connection is to be closed.
Awaitable<bool> Connection::answer(Request request) {
  const bool is_head = request.method == "HEAD";
  Response response;
  if (!co_await handle_on_worker(std::move(request), response)) {
    co_await refuse(503, "the server is busy");
    co_return false;
  }
  if (cut_) co_return false;

  auto* body = std::get_if<std::string>(&response.body);
  auto* source = std::get_if<std::unique_ptr<BodySource>>(&response.body);
  auto* tail = std::get_if<std::unique_ptr<TailSource>>(&response.body);
  const bool bodiless = response.status == 204 || response.status == 304;
  HeadFacts facts;
  facts.keep_alive = wants_keep_ && !shared_.stopping && tail == nullptr && (body != nullptr || !http_1_0_) &&
                     !says_close(response.headers);
  if (body != nullptr && !bodiless) facts.content_length = body->size();
  facts.chunked = body == nullptr && !bodiless && !http_1_0_;
  std::string out;
  if (!append_head(out, response, facts, SystemClock().now())) {
    shared_.log.error("net.bad_response_field", {{"name", shared_.options.name}});
    co_await refuse(500, "internal error");
    co_return false;
  }
  bool good = true;
  if (body != nullptr) {
    const bool send = !is_head && !bodiless;
    const bool join = send && body->size() <= kJoinBytes;
    if (join) out += *body;
    good = co_await write_all(out);
    if (good && send && !join) good = co_await write_all(*body);
  } else if (is_head || bodiless) {
    good = co_await write_all(out);
  } else if (source != nullptr && *source) {
    good = co_await write_source(std::move(out), facts.chunked, *source);
  } else if (tail != nullptr && *tail) {
    co_await write_tail(std::move(out), facts.chunked, *tail);
  } else {
    good = false;  // a source that is null
    cut();
  }
  // Sources may hold snapshots of a database: they are destroyed where they were read.
  if (body == nullptr) co_await on_worker([&response] { response.body = std::string(); });
  co_return good&& facts.keep_alive;
}

Awaitable<bool> Connection::write_source(std::string head, bool chunked, std::unique_ptr<BodySource>& source) {
  std::string out = std::move(head);
  Result<bool> more = true;
  while (*more) {
    const std::size_t begin = chunked ? begin_chunk(out) : out.size();
    co_await on_worker([&] { more = guarded([&] { return source->read(out); }); });
    if (cut_) co_return false;
    if (!more || out.size() - begin > kMaxPieceBytes) {
      shared_.log.warn("net.body_failed", {{"name", shared_.options.name},
                                           {"peer", peer_.address},
                                           {"error", more ? "a piece is larger than 64 MiB" : more.error().message}});
      cut();
      co_return false;
    }
    if (chunked) end_chunk(out, begin);
    if (chunked && !*more) out += "0\r\n\r\n";
    if (!co_await write_all(out)) co_return false;
    if (out.capacity() > kKeptBytes) out = {};
    out.clear();
  }
  co_return true;
}

// Reads while a tail is open, to learn that the peer has gone; what it sends is dropped.
Awaitable<void> Connection::watch_for_end(std::shared_ptr<Connection> self) {
  char dropped[256];
  while (co_await self->read_some(dropped, sizeof dropped) > 0 && !self->tail_ending_) {
  }
  self->tail_peer_gone_ = !self->tail_ending_;
  self->tail_watch_done_ = true;
  self->tail_timer_.cancel();
}

Awaitable<void> Connection::write_tail(std::string head, bool chunked, std::unique_ptr<TailSource>& tail) {
  if (!co_await write_all(head)) co_return;
  enter(Phase::kTail, kNoLimit);
  const auto signal = std::make_shared<TailSignal>(*this);
  asio::co_spawn(loop_.context, watch_for_end(shared_from_this()), asio::detached);
  bool failed = false;
  co_await on_worker([&] {
    failed = !guarded([&]() -> Result<bool> {
      tail->on_ready([signal] { signal->wake(); });
      return true;
    });
  });

  auto last_sent = SteadyClock::now();
  bool heartbeat = false;
  std::string out;
  Result<bool> more = true;
  while (!failed && *more && !shared_.stopping && !cut_ && !tail_peer_gone_) {
    tail_woken_ = false;
    signal->rearm();
    out.clear();
    const std::size_t begin = chunked ? begin_chunk(out) : 0;
    co_await on_worker([&] { more = guarded([&] { return tail->pull(out, heartbeat); }); });
    if (cut_) break;
    failed = !more || out.size() - begin > kMaxPieceBytes;
    if (failed) break;
    const bool anything = out.size() > begin;
    if (chunked) end_chunk(out, begin);
    if (anything) {
      failed = !co_await write_all(out);
      enter(Phase::kTail, kNoLimit);
      last_sent = SteadyClock::now();
      if (out.capacity() > kKeptBytes) out = {};
    } else if (heartbeat) {
      last_sent = SteadyClock::now();  // the source has nothing to say even now: asked again a heartbeat later
    }
    heartbeat = false;
    if (failed || !*more) break;
    while (!tail_woken_ && !heartbeat && !shared_.stopping && !cut_ && !tail_peer_gone_) {
      tail_timer_.expires_at(last_sent + shared_.options.heartbeat);
      const auto [error] = co_await tail_timer_.async_wait(kAwait);
      heartbeat = !error;
    }
  }
  signal->detach();
  if (!more)
    shared_.log.warn("net.tail_failed",
                     {{"name", shared_.options.name}, {"peer", peer_.address}, {"error", more.error().message}});
  if (failed) cut();
  if (!cut_ && !tail_peer_gone_ && chunked) co_await write_all("0\r\n\r\n");
  tail_ending_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);  // ends watch_for_end, so that closing may read
  while (!tail_watch_done_) {
    tail_timer_.expires_at(SteadyClock::time_point::max());
    co_await tail_timer_.async_wait(kAwait);
  }
}

// 0: the end, or an error.
Awaitable<std::size_t> Connection::read_some(char* data, std::size_t size) {
  const auto buffer = asio::buffer(data, size);
  if (tls_) {
    const auto [error, count] = co_await tls_->async_read_some(buffer, kAwait);
    co_return error ? 0 : count;
  }
  const auto [error, count] = co_await socket_.async_read_some(buffer, kAwait);
  co_return error ? 0 : count;
}

Awaitable<bool> Connection::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    enter(phase_ == Phase::kTail ? Phase::kTail : Phase::kWrite, shared_.options.write_timeout);
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    boost::system::error_code error;
    std::size_t count = 0;
    if (tls_)
      std::tie(error, count) = co_await tls_->async_write_some(buffer, kAwait);
    else
      std::tie(error, count) = co_await socket_.async_write_some(buffer, kAwait);
    if (error) {
      boost::system::error_code ignored;
      socket_.close(ignored);
      co_return false;
    }
    bytes.remove_prefix(count);
  }
  deadline_ = SteadyClock::time_point::max();
  co_return true;
}

// Says that we end, then reads for a moment: closing over unread bytes would reset the connection, and the peer could
// lose the answer.
Awaitable<void> Connection::close_gently() {
  enter(Phase::kClosing, shared_.stopping ? kCloseLimitStopping : kCloseLimit);
  if (tls_) {
    co_await tls_->async_shutdown(kAwait);
    tls_error_text();
  }
  co_await drain();
}

Awaitable<void> Connection::drain() {
  enter(Phase::kClosing, shared_.stopping ? kCloseLimitStopping : kCloseLimit);
  boost::system::error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  if (read_buffer_.size() < kBodyReadBytes) read_buffer_.resize(kBodyReadBytes);
  std::size_t drained = 0;
  while (!error && drained < kDrainBytes && socket_.is_open()) {
    std::size_t count = 0;
    std::tie(error, count) = co_await socket_.async_read_some(asio::buffer(read_buffer_), kAwait);
    drained += count;
  }
}

}  // namespace bongsu::net
