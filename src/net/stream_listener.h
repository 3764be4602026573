// Bytes that others send: TCP or TLS connections, and UDP datagrams, without a protocol above them.
//
//   net::StreamListener listener({.name = "syslog", .port = 6514, .tls = tls}, [&](const net::Peer& peer) {
//     return [session = Session(peer)](std::string_view bytes) mutable -> Result<bool> { return session.take(bytes); };
//   }, log);
//   BONGSU_TRY_VOID(listener.start());
//   listener.stop();
//
// One thread a connection, kMaxConnections at most; further ones are closed at once. The receiver is called on that
// thread: while it waits nothing more is read, and TCP holds the sender back. It is called with nothing at the end of
// the stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace bongsu::net {

struct StreamListenerOptions {
  std::string name;                   // for logs
  std::string address = "127.0.0.1";  // numeric
  std::uint16_t port = 0;             // 0: any
  std::optional<TlsServerOptions> tls;
  std::uint32_t max_connections = 256;
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds idle_timeout{600'000};
};

class StreamListener {
 public:
  using Receive = std::function<Result<void>(std::string_view bytes)>;  // an error ends the connection
  using Connect = std::function<Receive(const Peer& peer)>;

  StreamListener(StreamListenerOptions options, Connect connect, Log& log);
  ~StreamListener();
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;

  // As Server::start.
  Result<void> start();
  void stop();
  std::uint16_t port() const;
  Result<void> replace_tls(const TlsServerOptions& tls);  // for new connections

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// UDP on one thread. `receive` gets datagrams as they come.
class DatagramListener {
 public:
  using Receive = std::function<void(std::string_view datagram)>;

  DatagramListener(std::string address, std::uint16_t port, Receive receive);
  ~DatagramListener();
  DatagramListener(const DatagramListener&) = delete;
  DatagramListener& operator=(const DatagramListener&) = delete;

  Result<void> start();  // kInvalid, kConflict, kDenied, kIo
  void stop();
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::net
