#include "net/resolve.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

namespace bongsu::net {
namespace {

constexpr std::size_t kMaxAddresses = 16;

SocketAddress v4(const in_addr& address, std::uint16_t port) {
  SocketAddress out;
  auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
  in.sin_family = AF_INET;
  in.sin_addr = address;
  in.sin_port = htons(port);
  out.size = sizeof in;
  return out;
}

SocketAddress v6(const in6_addr& address, std::uint16_t port) {
  SocketAddress out;
  auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
  in.sin6_family = AF_INET6;
  in.sin6_addr = address;
  in.sin6_port = htons(port);
  out.size = sizeof in;
  return out;
}

// getaddrinfo knows no deadline: it runs on a thread of its own, which nobody waits for longer than the caller may.
struct Lookup {
  explicit Lookup(std::string name) : host(std::move(name)), done_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Lookup() { ::close(done_fd); }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  const std::string host;
  const int done_fd;
  std::mutex mutex;
  int error = 0;
  std::vector<SocketAddress> addresses;
};

void look_up(Lookup& lookup) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(lookup.host.c_str(), nullptr, &hints, &found);
  const std::lock_guard lock(lookup.mutex);
  lookup.error = error;
  for (const addrinfo* a = error == 0 ? found : nullptr; a != nullptr && lookup.addresses.size() < kMaxAddresses;
       a = a->ai_next) {
    if (a->ai_addrlen > sizeof(sockaddr_storage)) continue;
    SocketAddress address;
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    address.size = a->ai_addrlen;
    lookup.addresses.push_back(address);
  }
  if (error == 0) ::freeaddrinfo(found);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(lookup.done_fd, &one, sizeof one);
}

}  // namespace

bool SocketAddress::is_loopback() const {
  if (storage.ss_family == AF_UNIX) return true;
  if (storage.ss_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr) >> 24) == 127;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr) != 0;
}

Result<void> wait_for(int fd, short events, Deadline deadline, Canceller& canceller) {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return fail(ErrorCode::kTimeout, "the deadline has passed");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<Deadline::duration>(deadline - now, std::chrono::hours(1)));
    pollfd fds[2] = {{fd, events, 0}, {canceller.fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR)
      return fail(ErrorCode::kIo, fmt::format("poll: {}", std::generic_category().message(errno)));
    if (ready <= 0) continue;
    if (fds[1].revents != 0 && canceller.take()) return fail(ErrorCode::kCancelled, "stopped on request");
    if (fds[0].revents != 0) return {};
  }
}

Result<std::vector<SocketAddress>> resolve(const Url& url, Deadline deadline, Canceller& canceller) {
  std::vector<SocketAddress> addresses;
  if (url.scheme == "unix") {
    SocketAddress address;
    auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
    un.sun_family = AF_UNIX;
    if (url.host.empty() || url.host.size() >= sizeof un.sun_path)
      return fail(ErrorCode::kInvalid, "the path of a socket has 1 to 107 bytes");
    std::memcpy(un.sun_path, url.host.c_str(), url.host.size() + 1);
    address.size = sizeof un;
    addresses.push_back(address);
    return addresses;
  }
  in_addr address4{};
  in6_addr address6{};
  if (inet_pton(AF_INET, url.host.c_str(), &address4) == 1) {
    addresses.push_back(v4(address4, url.port));
    return addresses;
  }
  if (inet_pton(AF_INET6, url.host.c_str(), &address6) == 1) {
    addresses.push_back(v6(address6, url.port));
    return addresses;
  }
  if (url.host == "localhost" || url.host.ends_with(".localhost")) {
    address4.s_addr = htonl(INADDR_LOOPBACK);
    addresses.push_back(v4(address4, url.port));
    addresses.push_back(v6(in6addr_loopback, url.port));
    return addresses;
  }
  const auto lookup = std::make_shared<Lookup>(url.host);
  std::thread([lookup] { look_up(*lookup); }).detach();
  BONGSU_TRY_VOID(wait_for(lookup->done_fd, POLLIN, deadline, canceller));
  const std::lock_guard lock(lookup->mutex);
  if (lookup->addresses.empty())
    return fail(ErrorCode::kUnavailable, fmt::format("no address for {}: {}", url.host, gai_strerror(lookup->error)));
  for (auto& address : lookup->addresses) {
    if (address.storage.ss_family == AF_INET)
      reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(url.port);
    if (address.storage.ss_family == AF_INET6)
      reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(url.port);
  }
  return lookup->addresses;
}

}  // namespace bongsu::net
