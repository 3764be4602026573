#include "net/session_loop.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "net/listener.h"
#include "net/resolve.h"

namespace bongsu::net {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr auto kNoDescriptor = 100ms;  // until the next try when the process has none left
constexpr nanoseconds kLongest = 10s;  // of one wait, so that a clock that jumps is noticed

std::string errno_text() { return std::generic_category().message(errno); }

std::string name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  return ask(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0 ? address_text(storage) : "?";
}

}  // namespace

struct SessionLoop::Impl {
  struct Listener {
    Listening listening;
    SessionListenOptions options;
    Accept accept;
    Ended ended;
    std::size_t open = 0;
    nanoseconds paused_until{0};
  };
  struct Connection {
    std::uint64_t id = 0;
    int fd = -1;
    std::string peer;
    Listener* listener = nullptr;
    std::unique_ptr<Session> session;
    Ended ended;
    nanoseconds idle_timeout{}, write_timeout{};
    std::string output;
    std::size_t written = 0;
    nanoseconds last_read{}, last_write{};
    std::optional<Error> end;  // once it has one, what is left is written, then it closes
    bool broken = false;       // nothing can be written any more
    bool drained = false;      // asked for its output for the last time
    bool pending() const { return written < output.size(); }
  };
  struct Timer {
    nanoseconds interval{}, due{};
    std::function<void()> call;
  };
  struct Input {
    int fd = -1;
    std::function<void(std::string_view)> take;
    bool open = true;
  };

  explicit Impl(const Clock& the_clock) : clock(the_clock) {}
  ~Impl() {
    close_all();
    for (Listener& l : listeners) ::close(l.listening.fd);
  }

  const Clock& clock;
  std::list<Listener> listeners;
  std::list<Connection> connections;
  std::list<Timer> timers;
  std::list<Input> inputs;
  SessionTap tap;
  Canceller canceller;
  std::atomic<bool> stopping = false;
  std::uint64_t next_id = 1;
  std::array<char, kReadBytes> buffer{};

  void add(int fd, std::string peer, std::unique_ptr<Session> session, Listener* listener, Ended ended,
           nanoseconds idle, nanoseconds write) {
    const auto now = clock.monotonic();
    Connection& c = connections.emplace_back();
    c.id = next_id++;
    c.fd = fd;
    c.peer = std::move(peer);
    c.listener = listener;
    c.session = std::move(session);
    c.ended = std::move(ended);
    c.idle_timeout = idle;
    c.write_timeout = write;
    c.last_read = c.last_write = now;
    if (listener != nullptr) ++listener->open;
    const std::string own = name_of(fd, ::getsockname);
    if (tap.on_open) tap.on_open(c.id, listener != nullptr ? c.peer : own, listener != nullptr ? own : c.peer);
  }

  void close(Connection& c, const Error& why) {
    if (c.fd < 0) return;
    ::close(std::exchange(c.fd, -1));
    if (c.listener != nullptr) --c.listener->open;
    c.session.reset();
    if (tap.on_close) tap.on_close(c.id);
    if (c.ended) c.ended(c.peer, why);
  }

  void close_all() {
    for (Connection& c : connections) close(c, {.code = ErrorCode::kCancelled, .message = "stopped"});
    connections.clear();
  }

  void accept_from(Listener& listener) {
    const auto accepted = accept_on(listener.listening);
    if (!accepted) {
      listener.paused_until = clock.monotonic() + kNoDescriptor;
      return;
    }
    if (accepted->fd < 0) return;
    std::unique_ptr<Session> session;
    if (listener.open < listener.options.max_connections) session = listener.accept(accepted->peer.address);
    if (!session) {
      ::close(accepted->fd);
      return;
    }
    add(accepted->fd, accepted->peer.address, std::move(session), &listener, listener.ended,
        listener.options.idle_timeout, listener.options.write_timeout);
  }

  void end(Connection& c, Error why, bool broken = false) {
    if (!c.end) c.end = std::move(why);
    c.broken = c.broken || broken;
  }

  void read(Connection& c) {
    const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno != EAGAIN && errno != EINTR)
        end(c, {.code = ErrorCode::kUnavailable, .message = "reading: " + errno_text()}, true);
      return;
    }
    if (got == 0) return end(c, {.code = ErrorCode::kUnavailable, .message = "the other end closed the connection"});
    c.last_read = clock.monotonic();
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (tap.on_data) tap.on_data(c.id, c.listener != nullptr, bytes);
    if (auto taken = c.session->receive(bytes); !taken) end(c, std::move(taken).error());
  }

  void write(Connection& c) {
    while (!c.broken) {
      if (!c.pending()) {
        if (c.end && std::exchange(c.drained, true)) return;
        c.output = c.session->take_output();
        c.written = 0;
        if (c.output.empty()) return;
        c.last_write = clock.monotonic();
        if (tap.on_data) tap.on_data(c.id, c.listener == nullptr, c.output);
      }
      const ssize_t sent = ::send(c.fd, c.output.data() + c.written, c.output.size() - c.written, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0) return end(c, {.code = ErrorCode::kUnavailable, .message = "writing: " + errno_text()}, true);
      c.written += static_cast<std::size_t>(sent);
      c.last_write = clock.monotonic();
    }
  }

  // What is due now, of one connection.
  void wake(Connection& c) {
    const auto now = clock.monotonic();
    if (!c.end && c.session->wake_at() <= now)
      if (auto woken = c.session->wake(); !woken) end(c, std::move(woken).error());
    if (c.pending() && now - c.last_write >= c.write_timeout)
      end(c, {.code = ErrorCode::kTimeout, .message = "the other end takes nothing"}, true);
    else if (!c.end && now - c.last_read >= c.idle_timeout)
      end(c, {.code = ErrorCode::kTimeout, .message = "nothing came from the other end for too long"});
  }

  nanoseconds next_wake() const {
    const auto now = clock.monotonic();
    auto at = now + kLongest;
    for (const Timer& t : timers) at = std::min(at, t.due);
    for (const Listener& l : listeners)
      if (l.paused_until > now) at = std::min(at, l.paused_until);
    for (const Connection& c : connections) {
      if (c.pending()) at = std::min(at, c.last_write + c.write_timeout);
      if (c.end) continue;
      at = std::min({at, c.session->wake_at(), c.last_read + c.idle_timeout});
    }
    return at;
  }

  // One round: wait, take what came, wake what is due, send.
  void round() {
    std::vector<pollfd> fds{{.fd = canceller.fd(), .events = POLLIN, .revents = 0}};
    std::vector<std::function<void()>> ready{[] {}};
    const auto now = clock.monotonic();
    for (Listener& l : listeners) {
      if (l.paused_until > now) continue;
      fds.push_back({.fd = l.listening.fd, .events = POLLIN, .revents = 0});
      ready.emplace_back([this, &l] { accept_from(l); });
    }
    for (Connection& c : connections) {
      fds.push_back({.fd = c.fd, .events = static_cast<short>(c.pending() ? POLLOUT : POLLIN), .revents = 0});
      ready.emplace_back([this, &c] {
        if (!c.pending() && !c.end) read(c);
      });
    }
    for (Input& i : inputs) {
      if (!i.open) continue;
      fds.push_back({.fd = i.fd, .events = POLLIN, .revents = 0});
      ready.emplace_back([this, &i] {
        const ssize_t got = ::read(i.fd, buffer.data(), buffer.size());
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        i.open = got > 0;
        i.take({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
      });
    }
    const auto left = std::max<nanoseconds>(next_wake() - now, 0ns);
    const timespec timeout{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    if (::ppoll(fds.data(), fds.size(), &timeout, nullptr) > 0) {
      for (std::size_t i = 1; i < fds.size(); ++i)
        if (fds[i].revents != 0) ready[i]();
    }
    for (Timer& t : timers) {
      if (t.due > clock.monotonic()) continue;
      t.due = clock.monotonic() + t.interval;
      t.call();
    }
    for (Connection& c : connections) wake(c);
    for (Connection& c : connections) write(c);
    for (auto c = connections.begin(); c != connections.end();) {
      if (c->end && (c->broken || !c->pending())) {
        close(*c, *c->end);
        c = connections.erase(c);
      } else {
        ++c;
      }
    }
  }
};

SessionLoop::SessionLoop(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
SessionLoop::~SessionLoop() = default;

Result<std::uint16_t> SessionLoop::listen(const SessionListenOptions& options, Accept accept, Ended ended) {
  BONGSU_TRY(Listening listening, listen_on(options.address, options.port));
  Impl::Listener& listener = impl_->listeners.emplace_back();
  listener.listening = std::move(listening);
  listener.options = options;
  listener.accept = std::move(accept);
  listener.ended = std::move(ended);
  return listener.listening.port;
}

Result<void> SessionLoop::connect(const SessionConnectOptions& options, Accept accept, Ended ended) {
  const Deadline deadline = std::chrono::steady_clock::now() + options.connect_timeout;
  const std::string peer = fmt::format("{}:{}", options.host, options.port);
  BONGSU_TRY(const auto addresses,
             resolve(Url{.scheme = "tcp", .host = options.host, .port = options.port}, deadline, impl_->canceller));
  Error last{.code = ErrorCode::kUnavailable, .message = "no address"};
  std::size_t left = addresses.size();
  for (const SocketAddress& address : addresses) {
    // An address that does not answer leaves its share of the time to those behind it.
    const Deadline now = std::chrono::steady_clock::now();
    const Deadline until = now + (std::max(deadline, now) - now) / left--;
    const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fail(ErrorCode::kIo, "a socket: " + errno_text());
    int error = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      if (auto waited = wait_for(fd, POLLOUT, until, impl_->canceller); !waited) {
        ::close(fd);
        last = std::move(waited).error();
        if (last.code == ErrorCode::kTimeout) continue;
        break;
      }
      socklen_t size = sizeof error;
      if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
    if (error != 0) {
      last.code = ErrorCode::kUnavailable;
      last.message = "connecting: " + std::generic_category().message(error);
      ::close(fd);
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::string name = name_of(fd, ::getpeername);
    auto session = accept(name);
    if (!session) {
      ::close(fd);
      return fail(ErrorCode::kCancelled, "the connection is not wanted any more");
    }
    impl_->add(fd, name, std::move(session), nullptr, std::move(ended), options.idle_timeout, options.write_timeout);
    return {};
  }
  last.where.source = peer;
  return std::unexpected(std::move(last));
}

void SessionLoop::read_from(int fd, std::function<void(std::string_view)> take) {
  impl_->inputs.push_back({.fd = fd, .take = std::move(take)});
}

void SessionLoop::every(std::chrono::milliseconds interval, std::function<void()> call) {
  impl_->timers.push_back({.interval = interval, .due = impl_->clock.monotonic() + interval, .call = std::move(call)});
}

void SessionLoop::tap(SessionTap tap) { impl_->tap = std::move(tap); }

void SessionLoop::run() {
  while (!impl_->stopping) impl_->round();
}

void SessionLoop::stop() {
  impl_->stopping = true;
  impl_->canceller.cancel();
}

void SessionLoop::close_all() { impl_->close_all(); }

}  // namespace bongsu::net
