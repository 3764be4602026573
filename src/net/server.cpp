#include "net/server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/connection.h"
#include "net/listener.h"

namespace bongsu::net {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kMaxIoThreads = 16;
constexpr int kAcceptsAtOnce = 64;
constexpr auto kAcceptPause = 100ms;  // when the process has no descriptor left

using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;

// One I/O thread: its connections, and a clock that looks at their deadlines. Setting a deadline is then one store,
// where a timer for each read and write would cost more than parsing the request.
struct LoopThread {
  explicit LoopThread(std::chrono::milliseconds every)
      : sweep_every(every), sweeper(loop.context), guard(loop.context.get_executor()) {}

  void sweep() {
    sweeper.expires_after(sweep_every);
    sweeper.async_wait([this](const boost::system::error_code& error) {
      if (error || ended) return;
      const auto now = SteadyClock::now();
      for (const auto& connection : loop.connections) connection->check_deadline(now);
      sweep();
    });
  }

  const std::chrono::milliseconds sweep_every;
  bool ended = false;  // of the loop's thread: a sweep whose time had come when it was cancelled must not begin the next
  IoLoop loop;
  Timer sweeper;
  asio::executor_work_guard<Executor> guard;
  std::thread thread;
};

// Fine enough for the shortest deadline, coarse enough to cost nothing.
std::chrono::milliseconds sweep_interval(const ServerOptions& o) {
  const auto shortest = std::min({o.header_timeout, o.body_timeout, o.idle_timeout, o.write_timeout});
  return std::clamp(shortest / 8, 5ms, 250ms);
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, Handler handler, Log& log) : shared(std::move(options), std::move(handler), log) {}

  void wait_for_connection();
  void accept_some();
  void adopt(int fd, Peer peer);
  template <class Each>
  void on_each_connection(Each each);

  ServerShared shared;
  std::mutex loops_mutex;  // guards `loops` against its end while drop_peer runs
  std::mutex tls_mutex;
  std::shared_ptr<TlsContext> tls;
  Listening listening;
  std::vector<std::unique_ptr<LoopThread>> loops;
  std::size_t next_loop = 0;
  std::optional<asio::posix::basic_stream_descriptor<Executor>> acceptor;  // of the first loop
  std::optional<Timer> accept_pause;
  bool started = false;
  bool stopped = false;
};

Server::Server(ServerOptions options, Handler handler, Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), log)) {}

Server::~Server() { stop(0ms); }

Result<void> Server::start() {
  BONGSU_CHECK(!impl_->started);
  const ServerOptions& options = impl_->shared.options;
  if (options.tls) {
    BONGSU_TRY(impl_->tls, TlsContext::server(*options.tls));
  }
  BONGSU_TRY(impl_->listening, listen_on(options.address, options.port));
  const Listening& listening = impl_->listening;
  if ((listening.local && options.tls) || (!options.tls && !listening.local && !listening.loopback)) {
    ::close(listening.fd);
    if (!listening.socket_path.empty()) ::unlink(listening.socket_path.c_str());
    return fail(
        ErrorCode::kInvalid,
        listening.local ? "a Unix socket is served without TLS" : "plain HTTP is served on loopback addresses only",
        {.field = "address"});
  }
  impl_->started = true;
  const std::uint32_t threads = std::clamp<std::uint32_t>(options.io_threads, 1, kMaxIoThreads);
  for (std::uint32_t i = 0; i < threads; ++i) {
    impl_->loops.push_back(std::make_unique<LoopThread>(sweep_interval(options)));
    impl_->loops.back()->sweep();
  }
  auto& first = impl_->loops.front()->loop.context;
  impl_->acceptor.emplace(first, listening.fd);
  impl_->accept_pause.emplace(first);
  impl_->wait_for_connection();
  for (auto& loop : impl_->loops) loop->thread = std::thread([context = &loop->loop.context] { context->run(); });
  impl_->shared.log.info("net.listening", {{"name", options.name},
                                           {"address", options.address},
                                           {"port", std::to_string(listening.port)},
                                           {"tls", options.tls ? "yes" : "no"}});
  return {};
}

void Server::Impl::wait_for_connection() {
  acceptor->async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
    if (!error) accept_some();
  });
}

void Server::Impl::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce && !shared.stopping; ++i) {
    auto accepted = accept_on(listening);
    if (!accepted) {
      shared.log.error("net.accept_failed", {{"name", shared.options.name}, {"error", accepted.error().message}});
      accept_pause->expires_after(kAcceptPause);
      accept_pause->async_wait([this](const boost::system::error_code& error) {
        if (!error && !shared.stopping) wait_for_connection();
      });
      return;
    }
    if (accepted->fd < 0) break;
    adopt(accepted->fd, std::move(accepted->peer));
  }
  if (!shared.stopping) wait_for_connection();
}

void Server::Impl::adopt(int fd, Peer peer) {
  if (shared.connections.load() >= shared.options.max_connections) {
    ::close(fd);
    return;
  }
  shared.connections.fetch_add(1);  // the connection's destructor takes it back
  IoLoop& loop = loops[next_loop++ % loops.size()]->loop;
  std::shared_ptr<TlsContext> context;
  {
    const std::lock_guard lock(tls_mutex);
    context = tls;
  }
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  Socket socket(loop.context);
  boost::system::error_code error;
  socket.assign(asio::generic::stream_protocol(address.ss_family, 0), fd, error);
  if (error) {
    ::close(fd);
    shared.connections.fetch_sub(1);
    return;
  }
  auto connection = std::make_shared<Connection>(shared, loop, std::move(socket), std::move(context), std::move(peer));
  // A connection that comes while the server stops is dropped here, on its own thread, where begin_stop runs too.
  asio::post(loop.context, [this, connection = std::move(connection)] {
    if (!shared.stopping) connection->start();
  });
}

// Runs `each` for every connection, on the connection's own thread, some time soon.
template <class Each>
void Server::Impl::on_each_connection(Each each) {
  for (auto& thread : loops) {
    asio::post(thread->loop.context, [loop = &thread->loop, each] {
      const auto connections = loop->connections;  // `each` may end some
      for (const auto& connection : connections) each(*connection);
    });
  }
}

std::uint16_t Server::port() const { return impl_->listening.port; }

void Server::stop(std::chrono::milliseconds grace) {
  if (!impl_->started || impl_->stopped) return;
  impl_->stopped = true;
  ServerShared& shared = impl_->shared;
  shared.stopping = true;
  asio::post(impl_->loops.front()->loop.context, [this] {
    boost::system::error_code ignored;
    impl_->acceptor->close(ignored);
    impl_->accept_pause->cancel();
  });
  if (!impl_->listening.socket_path.empty()) ::unlink(impl_->listening.socket_path.c_str());
  impl_->on_each_connection([](Connection& connection) { connection.begin_stop(); });

  const auto wait_for_none = [&](SteadyClock::time_point until) {
    std::uint32_t left = shared.connections.load();
    while (left != 0 && SteadyClock::now() < until) {
      std::this_thread::sleep_for(1ms);
      left = shared.connections.load();
    }
    return left == 0;
  };
  if (!wait_for_none(SteadyClock::now() + grace)) {
    impl_->on_each_connection([](Connection& connection) { connection.cut(); });
    wait_for_none(SteadyClock::time_point::max());
  }
  shared.pool.stop();
  for (auto& loop : impl_->loops) {
    asio::post(loop->loop.context, [thread = loop.get()] {
      thread->ended = true;
      thread->sweeper.cancel();
      thread->guard.reset();
    });
  }
  for (auto& loop : impl_->loops) loop->thread.join();
  impl_->acceptor.reset();
  impl_->accept_pause.reset();
  {
    const std::lock_guard lock(impl_->loops_mutex);
    impl_->loops.clear();
  }
  shared.log.info("net.stopped", {{"name", shared.options.name}});
}

Result<void> Server::replace_tls(const TlsServerOptions& tls) {
  if (!impl_->shared.options.tls) return fail(ErrorCode::kInvalid, "this server speaks no TLS");
  BONGSU_TRY(auto context, TlsContext::server(tls));
  const std::lock_guard lock(impl_->tls_mutex);
  impl_->tls = std::move(context);
  return {};
}

void Server::drop_peer(const std::string& certificate_fingerprint) {
  const std::lock_guard lock(impl_->loops_mutex);
  impl_->on_each_connection([certificate_fingerprint](Connection& connection) {
    if (connection.shows(certificate_fingerprint)) connection.cut();
  });
}

}  // namespace bongsu::net
