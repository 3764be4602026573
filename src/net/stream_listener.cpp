#include "net/stream_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "net/listener.h"
#include "net/tls_context.h"

namespace bongsu::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kReceiveBuffer = 4 * 1024 * 1024;  // of UDP: what comes while the disk is busy
constexpr auto kNoDescriptor = 100ms;            // until the next try when the process has none left
constexpr auto kQuiet = 24h;                     // of a listener, which then goes on waiting

enum class Wait { kReady, kTimeout, kStopped };

// Waits for `events`, until the end of `timeout`, or until `stop` is written to (or nothing can be waited for).
Wait wait_for(int fd, short events, int stop, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= 0ms) return Wait::kTimeout;
    pollfd fds[] = {{.fd = fd, .events = events, .revents = 0}, {.fd = stop, .events = POLLIN, .revents = 0}};
    const int n = ::poll(fds, 2, static_cast<int>(left.count()));
    if (n < 0 && errno != EINTR) return Wait::kStopped;
    if (fds[1].revents != 0) return Wait::kStopped;
    if (fds[0].revents != 0) return Wait::kReady;
  }
}

// A connection's bytes, with or without TLS, on a non-blocking socket.
class Stream {
 public:
  Stream(int fd, int stop) : fd_(fd), stop_(stop) {}
  ~Stream() {
    if (ssl_ != nullptr) {
      SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
    ::close(fd_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Result<void> accept_tls(std::shared_ptr<TlsContext> context, std::chrono::milliseconds timeout) {
    context_ = std::move(context);
    ssl_ = SSL_new(context_->native());
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1) return fail(ErrorCode::kInternal, tls_error_text());
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (true) {
      ERR_clear_error();
      const int result = SSL_accept(ssl_);
      if (result == 1) return {};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (!wait_for_tls(result, left))
        return fail(ErrorCode::kUnavailable, "the TLS handshake did not succeed: " + tls_error_text());
    }
  }

  // 0: the end, or nothing came for `timeout`, or stopped.
  std::size_t read(char* out, std::size_t size, std::chrono::milliseconds timeout) {
    while (true) {
      if (ssl_ != nullptr) {
        ERR_clear_error();
        std::size_t got = 0;
        const int result = SSL_read_ex(ssl_, out, size, &got);
        if (result == 1) return got;
        if (!wait_for_tls(result, timeout)) return 0;
        continue;
      }
      const ssize_t n = ::recv(fd_, out, size, 0);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EINTR) continue;
      if (errno != EAGAIN || wait_for(fd_, POLLIN, stop_, timeout) != Wait::kReady) return 0;
    }
  }

 private:
  bool wait_for_tls(int result, std::chrono::milliseconds timeout) {
    const int kind = SSL_get_error(ssl_, result);
    if (kind == SSL_ERROR_WANT_READ) return wait_for(fd_, POLLIN, stop_, timeout) == Wait::kReady;
    if (kind == SSL_ERROR_WANT_WRITE) return wait_for(fd_, POLLOUT, stop_, timeout) == Wait::kReady;
    return false;
  }

  int fd_, stop_;
  SSL* ssl_ = nullptr;
  std::shared_ptr<TlsContext> context_;
};

}  // namespace

struct StreamListener::Impl {
  StreamListenerOptions options;
  Connect connect;
  Log& log;
  Listening listening;
  int stop_event = -1;
  std::thread acceptor;
  std::mutex mutex;
  std::shared_ptr<TlsContext> tls;
  struct Connection {
    std::thread thread;
    std::atomic<bool> done = false;
  };
  std::list<Connection> connections;

  Impl(StreamListenerOptions o, Connect c, Log& l) : options(std::move(o)), connect(std::move(c)), log(l) {}

  void run() {
    while (true) {
      const Wait waited = wait_for(listening.fd, POLLIN, stop_event, kQuiet);
      if (waited == Wait::kStopped) return;
      if (waited == Wait::kTimeout) continue;
      auto accepted = accept_on(listening);
      std::erase_if(connections, [](Connection& c) {
        if (c.done) c.thread.join();
        return c.done.load();
      });
      if (!accepted) {
        log.warn("input.accept", {{"listener", options.name}, {"error", accepted.error().text()}});
        if (accepted.error().code != ErrorCode::kUnavailable) return;
        std::this_thread::sleep_for(kNoDescriptor);
        continue;
      }
      if (accepted->fd < 0) continue;
      if (connections.size() >= options.max_connections) {
        ::close(accepted->fd);
        log.warn("input.refused", {{"listener", options.name},
                                   {"peer", accepted->peer.address},
                                   {"connections", std::to_string(connections.size())}});
        continue;
      }
      Connection& connection = connections.emplace_back();
      connection.thread = std::thread([this, &connection, fd = accepted->fd, peer = std::move(accepted->peer)] {
        serve(fd, peer);
        connection.done = true;
      });
    }
  }

  void serve(int fd, const Peer& peer) {
    Stream stream(fd, stop_event);
    if (options.tls) {
      std::shared_ptr<TlsContext> context;
      {
        const std::lock_guard lock(mutex);
        context = tls;
      }
      if (auto accepted = stream.accept_tls(std::move(context), options.handshake_timeout); !accepted) {
        log.info("input.tls",
                 {{"listener", options.name}, {"peer", peer.address}, {"error", accepted.error().message}});
        return;
      }
    }
    Receive receive = connect(peer);
    const auto buffer = std::make_unique<char[]>(kReadBytes);
    while (true) {
      const std::size_t n = stream.read(buffer.get(), kReadBytes, options.idle_timeout);
      if (auto taken = receive({buffer.get(), n}); !taken) {
        log.warn("input.stream", {{"listener", options.name}, {"peer", peer.address}, {"error", taken.error().text()}});
        return;
      }
      if (n == 0) return;
    }
  }
};

StreamListener::StreamListener(StreamListenerOptions options, Connect connect, Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(connect), log)) {}
StreamListener::~StreamListener() { stop(); }

Result<void> StreamListener::start() {
  if (impl_->options.tls) {
    BONGSU_TRY(impl_->tls, TlsContext::server(*impl_->options.tls));
  }
  BONGSU_TRY(impl_->listening, listen_on(impl_->options.address, impl_->options.port));
  impl_->stop_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl_->stop_event < 0) return fail(ErrorCode::kIo, "no event descriptor");
  impl_->acceptor = std::thread([impl = impl_.get()] { impl->run(); });
  return {};
}

void StreamListener::stop() {
  if (impl_->stop_event < 0) return;
  ::eventfd_write(impl_->stop_event, 1);
  if (impl_->acceptor.joinable()) impl_->acceptor.join();
  for (Impl::Connection& connection : impl_->connections) connection.thread.join();
  impl_->connections.clear();
  ::close(impl_->listening.fd);
  ::close(std::exchange(impl_->stop_event, -1));
}

std::uint16_t StreamListener::port() const { return impl_->listening.port; }

Result<void> StreamListener::replace_tls(const TlsServerOptions& tls) {
  BONGSU_TRY(auto context, TlsContext::server(tls));
  const std::lock_guard lock(impl_->mutex);
  impl_->tls = std::move(context);
  return {};
}

struct DatagramListener::Impl {
  std::string address;
  std::uint16_t port;
  Receive receive;
  int fd = -1, stop_event = -1;
  std::thread thread;

  void run() {
    const auto buffer = std::make_unique<char[]>(kReadBytes);
    while (true) {
      const Wait waited = wait_for(fd, POLLIN, stop_event, kQuiet);
      if (waited == Wait::kStopped) return;
      if (waited == Wait::kTimeout) continue;
      for (int i = 0; i < 1024; ++i) {  // then stop is looked at
        const ssize_t n = ::recv(fd, buffer.get(), kReadBytes, 0);
        if (n < 0) break;
        if (n > 0) receive({buffer.get(), static_cast<std::size_t>(n)});
      }
    }
  }
};

DatagramListener::DatagramListener(std::string address, std::uint16_t port, Receive receive)
    : impl_(std::make_unique<Impl>()) {
  impl_->address = std::move(address);
  impl_->port = port;
  impl_->receive = std::move(receive);
}
DatagramListener::~DatagramListener() { stop(); }

Result<void> DatagramListener::start() {
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  socklen_t size = 0;
  if (inet_pton(AF_INET, impl_->address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(impl_->port);
    size = sizeof v4;
  } else if (inet_pton(AF_INET6, impl_->address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(impl_->port);
    size = sizeof v6;
  } else {
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a numeric address", impl_->address));
  }
  impl_->fd = ::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (impl_->fd < 0) return fail(ErrorCode::kIo, "no socket");
  ::setsockopt(impl_->fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (::bind(impl_->fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    const int number = errno;
    ::close(std::exchange(impl_->fd, -1));
    return fail(number == EADDRINUSE ? ErrorCode::kConflict
                : number == EACCES   ? ErrorCode::kDenied
                                     : ErrorCode::kIo,
                fmt::format("listening on {} port {}: {}", impl_->address, impl_->port,
                            std::generic_category().message(number)));
  }
  ::getsockname(impl_->fd, reinterpret_cast<sockaddr*>(&storage), &size);
  impl_->port = ntohs(storage.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
  impl_->stop_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl_->stop_event < 0) return fail(ErrorCode::kIo, "no event descriptor");
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
  return {};
}

void DatagramListener::stop() {
  if (impl_->stop_event < 0) return;
  ::eventfd_write(impl_->stop_event, 1);
  if (impl_->thread.joinable()) impl_->thread.join();
  ::close(impl_->fd);
  ::close(std::exchange(impl_->stop_event, -1));
}

std::uint16_t DatagramListener::port() const { return impl_->port; }

}  // namespace bongsu::net
