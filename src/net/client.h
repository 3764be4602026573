// A blocking HTTP/1.1 client with deadlines. One Client = one thread at a time; keeps its connection between requests.
//
//   net::Client client(options);
//   auto response = client.send({.method = "GET", .url = url, .headers = {{"Accept", kTaxii}}}, 30s);
//
// stream() holds a response open and hands over pieces as they come (server-sent events). cancel() may be called from
// any thread and makes the running call return kCancelled, or the next one if none is running.
//
// Errors: kUnavailable (nobody there, connection lost), kTimeout, kCancelled, kDenied (the server's certificate is not
// the one expected; http:// beyond loopback), kUnauthenticated (the server refused our certificate), kTooLarge,
// kInvalid (what came is no HTTP; the request's method or fields are malformed).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace bongsu::net {

struct ClientRequest {
  std::string method = "GET";
  Url url;
  Headers headers;
  std::string body;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

struct ClientOptions {
  TlsClientOptions tls;
  std::uint64_t max_body_bytes = 1'073'741'824;
  std::uint32_t max_header_bytes = 65'536;
  std::chrono::milliseconds connect_timeout{10'000};
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The whole exchange within `deadline`. Redirects are not followed: the caller sees 3xx. When a kept connection turns
  // out to be closed before anything was received, GET, HEAD, OPTIONS, PUT and DELETE are sent once more on a new one;
  // other methods return kUnavailable, since the server may have acted.
  Result<ClientResponse> send(const ClientRequest& request, std::chrono::milliseconds deadline);

  // Calls `on_head` once (false = stop), then `on_data` for each piece (false = stop). Returns when the server ended
  // the stream or a callback said stop (good), the connection was cut (kUnavailable), `idle` passed without a byte
  // (kTimeout), or cancel() was called. The body may be of any length.
  Result<void> stream(const ClientRequest& request, std::chrono::milliseconds idle,
                      const std::function<bool(const ClientResponse& head)>& on_head,
                      const std::function<bool(std::string_view data)>& on_data);

  void cancel();
  // SHA-256 of the server's leaf certificate of the last connection; empty before.
  std::string server_fingerprint() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::net
