// A TLS HTTP/1.1 server (RFC 9112) on a few I/O threads and a bounded pool of workers.
//
//   net::Server server(options, [&](net::Request&& r) { return api.handle(std::move(r)); }, log);
//   BONGSU_TRY_VOID(server.start());     // binds; port 0 picks one
//   server.port();
//   server.stop(5s);                     // no new requests; the running ones finish; tails are closed at once
//
// start, stop and port may be called from any one thread; the handler runs on workers, several at a time. replace_tls
// and drop_peer may be called from any thread, also from a handler; stop may not be called from a handler.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace bongsu::net {

struct ServerOptions {
  std::string name;                   // for logs: "taxii", "link", "console"
  std::string address = "127.0.0.1";  // numeric address, or "unix:/path/to/socket" (mode 0600, no TLS)
  std::uint16_t port = 0;
  std::optional<TlsServerOptions> tls;  // nullopt: plain HTTP, allowed on loopback and Unix sockets only
  std::uint32_t io_threads = 1;         // connections are spread over them
  std::uint32_t workers = 4;
  std::uint32_t max_connections = 1024;              // further ones are closed at once
  std::uint32_t max_queued_requests = 256;           // beyond: 503 with Retry-After
  std::uint64_t max_body_bytes = 104'857'600;        // beyond: 413
  std::uint64_t max_buffered_bytes = 1'073'741'824;  // request bodies held for all connections together; beyond: 503
  std::uint32_t max_header_bytes = 65'536;           // beyond: 431
  std::chrono::milliseconds header_timeout{10'000};  // from accept or end of the last response to the end of the header
  std::chrono::milliseconds body_timeout{60'000};    // without progress
  std::chrono::milliseconds idle_timeout{60'000};    // keep-alive
  std::chrono::milliseconds write_timeout{30'000};   // without progress: slow readers are cut off
  std::chrono::milliseconds heartbeat{10'000};       // tails
};

class Server {
 public:
  Server(ServerOptions options, Handler handler, Log& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // kInvalid: address or certificates unusable, or plain HTTP beyond loopback; kConflict: another program listens
  // there; kIo.
  Result<void> start();
  std::uint16_t port() const;
  // Closes idle connections and tails at once, lets answers that have begun finish within `grace`, cuts the rest, and
  // waits for handlers that run: a handler must end by itself. A second call, or one before start(), does nothing.
  void stop(std::chrono::milliseconds grace);
  // Takes new certificates without dropping connections (key rotation).
  Result<void> replace_tls(const TlsServerOptions& tls);
  // Cuts every connection whose peer shows this certificate or one issued by it (release stop); what was not sent is
  // lost.
  void drop_peer(const std::string& certificate_fingerprint);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::net
