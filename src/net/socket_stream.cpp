#include "net/socket_stream.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "net/resolve.h"

namespace bongsu::net {

using namespace std::chrono_literals;

namespace {

std::string errno_text(int number) { return std::generic_category().message(number); }

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that is gone would end the process by SIGPIPE.
int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t count = ::send(fd, data, size, MSG_NOSIGNAL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) BIO_set_retry_write(bio);
    return 0;
  }
  *written = static_cast<std::size_t>(count);
  return 1;
}

int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t count = ::recv(fd, data, size, 0);
  if (count <= 0) {
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    if (count == 0) errno = 0;
    return 0;
  }
  *got = static_cast<std::size_t>(count);
  return 1;
}

long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* socket_bio(int fd) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "bongsu socket");
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_ctrl(made, bio_ctrl);
    return made;
  }();
  BIO* bio = BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

// TLS alerts about certificates (RFC 8446 §6.2): 42 bad_certificate … 46 unknown, 48 unknown_ca, 49 access_denied,
// 116 certificate_required. OpenSSL reports a received alert as reason 1000 + its number.
bool refuses_certificate(unsigned long error) {
  const int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
  return (alert >= 42 && alert <= 46) || alert == 48 || alert == 49 || alert == 116;
}

bool is_address(const std::string& host) {
  in6_addr buffer;
  return inet_pton(AF_INET, host.c_str(), &buffer) == 1 || inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

}  // namespace

Canceller::Canceller() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { BONGSU_CHECK(fd_ >= 0); }
Canceller::~Canceller() { ::close(fd_); }

void Canceller::cancel() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

bool Canceller::take() {
  std::uint64_t count = 0;
  return ::read(fd_, &count, sizeof count) == sizeof count;
}

SocketStream::~SocketStream() {
  if (ssl_ != nullptr) {
    SSL_shutdown(ssl_);  // says that we end; does not wait
    ERR_clear_error();
    SSL_free(ssl_);
  }
  ::close(fd_);
}

Result<void> SocketStream::wait(short events, Deadline deadline) { return wait_for(fd_, events, deadline, canceller_); }

Result<std::unique_ptr<SocketStream>> SocketStream::connect(const Url& url, const std::shared_ptr<TlsContext>& tls,
                                                            Deadline deadline, Canceller& canceller) {
  BONGSU_TRY(const auto addresses, resolve(url, deadline, canceller));
  if (url.scheme == "http" &&
      !std::all_of(addresses.begin(), addresses.end(), [](const auto& a) { return a.is_loopback(); }))
    return fail(ErrorCode::kDenied, "plain http:// goes to loopback addresses only; use https://",
                {.source = url.text()});

  Error last{.code = ErrorCode::kUnavailable, .message = "no address"};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const SocketAddress& address = addresses[i];
    const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
      last.message = fmt::format("a socket: {}", errno_text(errno));
      continue;
    }
    std::unique_ptr<SocketStream> stream(new SocketStream(fd, canceller));
    // Each address gets its part of the time, so that one that swallows packets does not take it all.
    const auto now = std::chrono::steady_clock::now();
    const Deadline part =
        std::min(deadline, now + std::max<Deadline::duration>((deadline - now) / (addresses.size() - i), 100ms));
    int error = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      if (auto waited = stream->wait(POLLOUT, part); !waited) {
        last = std::move(waited).error();
        if (last.code == ErrorCode::kCancelled) break;
        continue;
      }
      socklen_t size = sizeof error;
      if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
    if (error != 0) {
      last = {.code = ErrorCode::kUnavailable, .message = fmt::format("connecting: {}", errno_text(error))};
      continue;
    }
    const int on = 1;
    if (address.storage.ss_family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (url.scheme == "https") {
      if (auto started = stream->start_tls(url, tls, deadline); !started) {
        started.error().where.source = url.text();
        return std::unexpected(std::move(started).error());
      }
    }
    return stream;
  }
  last.where.source = url.text();
  return std::unexpected(std::move(last));
}

Result<void> SocketStream::start_tls(const Url& url, const std::shared_ptr<TlsContext>& tls, Deadline deadline) {
  tls_context_ = tls;
  ssl_ = SSL_new(tls->native());
  BIO* bio = ssl_ == nullptr ? nullptr : socket_bio(fd_);
  if (bio == nullptr) return fail(ErrorCode::kInternal, tls_error_text());
  SSL_set_bio(ssl_, bio, bio);
  const bool numeric = is_address(url.host);
  if (!numeric) SSL_set_tlsext_host_name(ssl_, url.host.c_str());
  if (!tls->pins_servers()) {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), url.host.c_str())
                            : SSL_set1_host(ssl_, url.host.c_str());
    if (set != 1) return fail(ErrorCode::kInternal, tls_error_text());
  }
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_);
    if (result == 1) break;
    const long verified = SSL_get_verify_result(ssl_);
    const int kind = SSL_get_error(ssl_, result);
    if (kind == SSL_ERROR_SSL && verified != X509_V_OK) {
      ERR_clear_error();
      return fail(ErrorCode::kDenied,
                  tls->pins_servers() && verified == X509_V_ERR_CERT_UNTRUSTED
                      ? std::string("the server's certificate is not the one that is pinned")
                      : fmt::format("the server's certificate: {}", X509_verify_cert_error_string(verified)));
    }
    BONGSU_TRY_VOID(wait_for_tls(result, "TLS handshake", deadline));
  }
  fingerprint_ = tls_facts(ssl_).leaf_fingerprint;
  return {};
}

// After a call that returned `result`: waits for what OpenSSL wants, or tells what is wrong.
Result<void> SocketStream::wait_for_tls(int result, std::string_view what, Deadline deadline) {
  const int kind = SSL_get_error(ssl_, result);
  if (kind == SSL_ERROR_WANT_READ) return wait(POLLIN, deadline);
  if (kind == SSL_ERROR_WANT_WRITE) return wait(POLLOUT, deadline);
  const int number = errno;
  const unsigned long error = ERR_peek_error();
  const bool refused = refuses_certificate(error);
  const std::string text = kind == SSL_ERROR_SYSCALL || error == 0
                               ? (number == 0 ? std::string("the connection ended") : errno_text(number))
                               : tls_error_text();
  ERR_clear_error();
  if (refused) return fail(ErrorCode::kUnauthenticated, fmt::format("the server refused our certificate: {}", text));
  return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", what, text));
}

Result<std::size_t> SocketStream::read(char* data, std::size_t size, Deadline deadline) {
  while (true) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      errno = 0;
      std::size_t got = 0;
      const int result = SSL_read_ex(ssl_, data, size, &got);
      if (result == 1) return got;
      if (SSL_get_error(ssl_, result) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      BONGSU_TRY_VOID(wait_for_tls(result, "reading", deadline));
      continue;
    }
    const ssize_t got = ::recv(fd_, data, size, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR)
      return fail(ErrorCode::kUnavailable, fmt::format("reading: {}", errno_text(errno)));
    BONGSU_TRY_VOID(wait(POLLIN, deadline));
  }
}

Result<void> SocketStream::write(std::string_view data, Deadline deadline) {
  while (!data.empty()) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      errno = 0;
      std::size_t written = 0;
      const int result = SSL_write_ex(ssl_, data.data(), data.size(), &written);
      if (result == 1)
        data.remove_prefix(written);
      else
        BONGSU_TRY_VOID(wait_for_tls(result, "writing", deadline));
      continue;
    }
    const ssize_t written = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
    if (written >= 0) {
      data.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR)
      return fail(ErrorCode::kUnavailable, fmt::format("writing: {}", errno_text(errno)));
    BONGSU_TRY_VOID(wait(POLLOUT, deadline));
  }
  return {};
}

bool SocketStream::readable_now() {
  char byte = 0;
  if (ssl_ != nullptr) {
    // Session tickets make the socket readable and are no data: only OpenSSL can tell.
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_peek_ex(ssl_, &byte, 1, &got);
    const bool nothing = result != 1 && SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return !nothing;
  }
  return ::recv(fd_, &byte, 1, MSG_PEEK) >= 0 || (errno != EAGAIN && errno != EINTR);
}

}  // namespace bongsu::net
