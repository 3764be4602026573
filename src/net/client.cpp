#include "net/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "net/http_parser.h"
#include "net/http_syntax.h"
#include "net/socket_stream.h"

namespace bongsu::net {
namespace {

using SteadyNow = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kWriteBytes = 64 * 1024;

// From now on; waits without end are cut to a year, which the clock can express.
Deadline deadline_in(std::chrono::milliseconds time) {
  return SteadyNow::now() + std::min<std::chrono::milliseconds>(time, std::chrono::hours(24 * 366));
}

bool is_idempotent(std::string_view method) {  // RFC 9110 §9.2.2
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

bool is_ours(std::string_view name) {
  for (const char* ours : {"host", "content-length", "transfer-encoding", "connection", "expect"})
    if (equal_ignoring_case(name, ours)) return true;
  return false;
}

std::string host_field(const Url& url) {
  if (url.scheme == "unix") return "localhost";
  const bool brackets = url.host.find(':') != std::string::npos;
  const bool default_port = url.port == (url.scheme == "https" ? 443 : 80);
  return fmt::format("{}{}{}{}", brackets ? "[" : "", url.host, brackets ? "]" : "",
                     default_port ? "" : fmt::format(":{}", url.port));
}

Result<std::string> request_head(const ClientRequest& request) {
  const auto target_char = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!is_token(request.method)) return fail(ErrorCode::kInvalid, "the request's method is malformed");
  if (!request.url.target.starts_with('/') ||
      !std::all_of(request.url.target.begin(), request.url.target.end(), target_char))
    return fail(ErrorCode::kInvalid, "the request's target is malformed");
  std::string head =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.url.target, host_field(request.url));
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value))
      return fail(ErrorCode::kInvalid,
                  fmt::format("the request's field {} is malformed", is_token(name) ? name : "name"));
    if (!is_ours(name)) head.append(name).append(": ").append(value).append("\r\n");
  }
  if (!request.headers.get("User-Agent")) head += "User-Agent: bongsu\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH")
    head += fmt::format("Content-Length: {}\r\n", request.body.size());
  head += "\r\n";
  return head;
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions o) : options(std::move(o)) {}

  // One request and its response on the current connection. `wait` gives the deadline of each read. `received` tells
  // whether a byte of the response came.
  struct Exchange {
    const ClientRequest& request;
    std::function<Deadline()> wait;
    std::function<bool(const ClientResponse&)> on_head;
    std::function<bool(std::string)> on_data;
    std::uint64_t max_body_bytes;
    bool received = false;
  };

  Result<void> connect(const Url& url, Deadline deadline);
  Result<void> run(Exchange& exchange);
  Result<void> write_request(const ClientRequest& request, const std::function<Deadline()>& wait);
  Result<void> read_response(Exchange& exchange);
  Result<void> read_piece(ResponseParser& parser, Exchange& exchange, bool& ended);

  ClientOptions options;
  std::shared_ptr<TlsContext> tls;
  std::unique_ptr<SocketStream> stream;
  std::string connected_to;  // scheme, host and port of `stream`
  Canceller canceller;
  std::string buffer;
  mutable std::mutex mutex;  // guards fingerprint, which other threads may ask for
  std::string fingerprint;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

void Client::cancel() { impl_->canceller.cancel(); }

std::string Client::server_fingerprint() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->fingerprint;
}

Result<void> Client::Impl::connect(const Url& url, Deadline deadline) {
  if (url.scheme == "https" && !tls) {
    BONGSU_TRY(tls, TlsContext::client(options.tls));
  }
  const Deadline connect_by = std::min(deadline, deadline_in(options.connect_timeout));
  BONGSU_TRY(stream, SocketStream::connect(url, tls, connect_by, canceller));
  connected_to = fmt::format("{} {} {}", url.scheme, url.host, url.port);
  const std::lock_guard lock(mutex);
  fingerprint = stream->fingerprint();
  return {};
}

// Large bodies go in pieces, with a look for an early answer between them: a server that refuses reads no further.
Result<void> Client::Impl::write_request(const ClientRequest& request, const std::function<Deadline()>& wait) {
  BONGSU_TRY(std::string head, request_head(request));
  std::string_view body = request.body;
  if (body.size() <= kWriteBytes) {
    head += body;
    return stream->write(head, wait());
  }
  BONGSU_TRY_VOID(stream->write(head, wait()));
  while (!body.empty() && !stream->readable_now()) {
    BONGSU_TRY_VOID(stream->write(body.substr(0, kWriteBytes), wait()));
    body.remove_prefix(std::min(body.size(), kWriteBytes));
  }
  if (!body.empty()) connected_to.clear();  // half a request: the connection is of no use for another one
  return {};
}

Result<void> Client::Impl::read_piece(ResponseParser& parser, Exchange& exchange, bool& ended) {
  if (buffer.empty()) buffer.resize(kReadBytes);
  BONGSU_TRY(const std::size_t got, stream->read(buffer.data(), buffer.size(), exchange.wait()));
  ended = got == 0;
  if (!ended) {
    exchange.received = true;
    parser.append({buffer.data(), got});
  }
  return {};
}

Result<void> Client::Impl::read_response(Exchange& exchange) {
  ResponseParser parser({.max_header_bytes = options.max_header_bytes, .max_body_bytes = exchange.max_body_bytes});
  parser.expect(exchange.request.method == "HEAD");
  while (true) {
    ParseState state = parser.advance();
    if (state == ParseState::kNeedMore) {
      if (std::string piece = parser.take_body(); !piece.empty() && !exchange.on_data(std::move(piece))) {
        stream.reset();
        return {};
      }
      bool ended = false;
      BONGSU_TRY_VOID(read_piece(parser, exchange, ended));
      if (!ended) continue;
      state = parser.end_of_input();
      if (state == ParseState::kBad) return fail(ErrorCode::kUnavailable, parser.error().message);
    }
    if (state == ParseState::kBad)
      return fail(
          parser.error().status == 413 || parser.error().status == 431 ? ErrorCode::kTooLarge : ErrorCode::kInvalid,
          fmt::format("the server's answer: {}", parser.error().message));
    if (state == ParseState::kHeader) {
      if (exchange.on_head({.status = parser.status(), .headers = parser.headers(), .body = {}})) continue;
      stream.reset();
      return {};
    }
    if (std::string piece = parser.take_body(); !piece.empty()) exchange.on_data(std::move(piece));
    if (!parser.keep_alive() || parser.has_input() || connected_to.empty()) stream.reset();
    return {};
  }
}

Result<void> Client::Impl::run(Exchange& exchange) {
  const Url& url = exchange.request.url;
  const bool reusable = stream && connected_to == fmt::format("{} {} {}", url.scheme, url.host, url.port);
  if (!reusable || stream->readable_now()) stream.reset();
  bool reused = stream != nullptr;
  while (true) {
    if (!stream) BONGSU_TRY_VOID(connect(url, exchange.wait()));
    auto written = write_request(exchange.request, exchange.wait);
    // A server that refuses answers and closes while we write: what it said counts more than that writing failed.
    auto done = written || written.error().code == ErrorCode::kUnavailable ? read_response(exchange) : written;
    if (!written || !done) stream.reset();
    if (done) return {};
    const bool stale = reused && !exchange.received && done.error().code == ErrorCode::kUnavailable;
    if (!stale || !is_idempotent(exchange.request.method)) {
      if (done.error().where.source.empty()) done.error().where.source = url.text();
      return written || exchange.received || done.error().code != ErrorCode::kUnavailable ? done : written;
    }
    reused = false;
  }
}

Result<ClientResponse> Client::send(const ClientRequest& request, std::chrono::milliseconds deadline) {
  const Deadline until = deadline_in(deadline);
  ClientResponse response;
  Impl::Exchange exchange{.request = request,
                          .wait = [until] { return until; },
                          .on_head =
                              [&](const ClientResponse& head) {
                                response.status = head.status;
                                response.headers = head.headers;
                                return true;
                              },
                          .on_data =
                              [&](std::string piece) {
                                response.body.empty() ? response.body = std::move(piece) : response.body += piece;
                                return true;
                              },
                          .max_body_bytes = impl_->options.max_body_bytes};
  BONGSU_TRY_VOID(impl_->run(exchange));
  return response;
}

Result<void> Client::stream(const ClientRequest& request, std::chrono::milliseconds idle,
                            const std::function<bool(const ClientResponse& head)>& on_head,
                            const std::function<bool(std::string_view data)>& on_data) {
  Impl::Exchange exchange{.request = request,
                          .wait = [idle] { return deadline_in(idle); },
                          .on_head = on_head,
                          .on_data = [&](const std::string& piece) { return on_data(piece); },
                          .max_body_bytes = UINT64_MAX};
  return impl_->run(exchange);
}

}  // namespace bongsu::net
