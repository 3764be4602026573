#include "net/net_test_support.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace bongsu::net::testing_support {

Member make_member(const std::string& name, Instant at, std::chrono::seconds lifetime) {
  const FakeClock clock(at);
  Member member;
  member.ca = crypto::make_ca(name, 24h * 365 * 10, clock).value();
  member.leaf =
      crypto::issue(member.ca, {.common_name = name, .names = {"localhost", "127.0.0.1", "::1"}, .lifetime = lifetime},
                    clock)
          .value();
  member.ca_fingerprint = crypto::read_certificate(member.ca.certificate_pem).value().fingerprint;
  member.leaf_fingerprint = crypto::read_certificate(member.leaf.certificate_pem).value().fingerprint;
  return member;
}

const Member& server_member() {
  static const Member member = make_member("cert-server");
  return member;
}

const Member& client_member() {
  static const Member member = make_member("cert-client");
  return member;
}

void RecordingLog::write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) {
  std::string line(event);
  for (const auto& [name, value] : fields) line.append(" ").append(name).append("=").append(value);
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

std::string RecordingLog::wait_for(std::string_view event, std::string_view text) {
  std::unique_lock lock(mutex_);
  std::string found;
  changed_.wait_for(lock, 10s, [&] {
    for (const auto& line : lines_)
      if (line.starts_with(event) && line.find(text) != std::string::npos) found = line;
    return !found.empty();
  });
  return found;
}

void Flag::set() {
  const std::lock_guard lock(mutex_);
  set_ = true;
  changed_.notify_all();
}

bool Flag::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return set_; });
}

bool Flag::is_set() { return wait(0ms); }

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TlsServerOptions server_tls(const Member& member) {
  return {.certificate_pem = member.leaf.certificate_pem, .private_key_pem = member.leaf.private_key_pem};
}

ClientOptions client_trusting(const Member& member) {
  return {.tls = {.pinned_fingerprints = {member.ca_fingerprint}}};
}

RawConnection::RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawConnection::finish() { ::shutdown(fd_, SHUT_WR); }

std::string RawConnection::read_until(std::string_view end) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (true) {
    const std::size_t at = end.empty() ? std::string::npos : rest_.find(end);
    if (at != std::string::npos) {
      std::string out = rest_.substr(0, at + end.size());
      rest_.erase(0, at + end.size());
      return out;
    }
    pollfd poller{fd_, POLLIN, 0};
    char buffer[16'384];
    const bool late = std::chrono::steady_clock::now() > until;
    const ssize_t got = late || ::poll(&poller, 1, 20'000) <= 0 ? 0 : ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return std::exchange(rest_, {});
    rest_.append(buffer, static_cast<std::size_t>(got));
  }
}

void RawConnection::shrink_receive_buffer() {
  const int size = 4096;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

Url url_of(const Server& server, const std::string& target, const std::string& scheme) {
  return {.scheme = scheme, .host = "127.0.0.1", .port = server.port(), .target = target};
}

namespace {
double seconds_of(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
}  // namespace

double thread_cpu_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }
double process_cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace bongsu::net::testing_support
