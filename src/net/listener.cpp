#include "net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace bongsu::net {
namespace {

constexpr int kBacklog = 1024;
constexpr std::string_view kUnix = "unix:";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::unexpected<Error> system_error(std::string_view what) {
  const int number = errno;
  const ErrorCode code = number == EADDRINUSE                     ? ErrorCode::kConflict
                         : (number == EACCES || number == EPERM)  ? ErrorCode::kDenied
                         : number == EADDRNOTAVAIL                ? ErrorCode::kInvalid
                         : (number == EMFILE || number == ENFILE) ? ErrorCode::kUnavailable
                                                                  : ErrorCode::kIo;
  return fail(code, fmt::format("{}: {}", what, std::generic_category().message(number)));
}

// Whether somebody accepts connections on this socket file.
bool is_alive(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return true;  // not known: left alone
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

Result<Listening> listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path[0] != '/' || path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::kInvalid, "unix: is followed by an absolute path of at most 107 bytes",
                {.field = "address"});
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::kConflict, fmt::format("{} is there and not a socket", path));
    if (is_alive(address)) return fail(ErrorCode::kConflict, fmt::format("another program listens on {}", path));
    ::unlink(path.c_str());
  }
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // On Linux the file takes the mode of the unbound socket: there is no moment at which others may connect.
  if (fd.get() < 0 || ::fchmod(fd.get(), 0600) != 0) return system_error("a Unix socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return system_error(fmt::format("listening on {}", path));
  return Listening{.fd = fd.release(), .local = true, .socket_path = path};
}

}  // namespace

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  return fmt::format("{}:{}", text, ntohs(v4.sin_port));
}

Result<Listening> listen_on(const std::string& address, std::uint16_t port) {
  if (address.starts_with(kUnix)) return listen_unix(address.substr(kUnix.size()));
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool loopback = false;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
    loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
    loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  } else {
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a numeric address", address), {.field = "address"});
  }
  Descriptor fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
    return system_error("a socket");
  if (storage.ss_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return system_error(fmt::format("listening on {} port {}", address, port));
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return system_error("a socket's name");
  const std::uint16_t bound = ntohs(storage.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
  return Listening{.fd = fd.release(), .loopback = loopback, .port = bound};
}

Result<Accepted> accept_on(const Listening& listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Descriptor fd(::accept4(listening.fd, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.get() < 0) {
    // The errors of a connection that has gone already are not ours (accept(2)).
    for (const int gone : {EAGAIN, EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, EPERM})
      if (errno == gone) return Accepted{};
    return system_error("accepting a connection");
  }
  Accepted accepted;
  if (listening.local) {
    // The file's mode lets in our own user and root; this holds also where somebody loosened it.
    ucred credentials{};
    socklen_t credentials_size = sizeof credentials;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) != 0 ||
        (credentials.uid != ::geteuid() && credentials.uid != 0))
      return Accepted{};
    accepted.peer = {.address = "local", .local = true};
  } else {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    accepted.peer.address = address_text(address);
  }
  accepted.fd = fd.release();
  return accepted;
}

}  // namespace bongsu::net
