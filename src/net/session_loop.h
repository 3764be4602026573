// Sessions on sockets: one thread that listens, connects, reads, writes and wakes.
//
//   net::SessionLoop loop(clock);
//   BONGSU_TRY(const std::uint16_t port, loop.listen({.address = "127.0.0.1", .port = 2404},
//                                                    [&](const std::string& peer) { return station.accept(peer); }));
//   loop.every(100ms, [&] { … });
//   loop.run();             // until stop(), which any thread and any callback may call
//
// Sessions, timers and input share the thread, so what they share needs no lock. Each round takes what came, wakes what
// is due and then asks every session for output. A session is asked for more only when what it gave before has gone to
// the kernel, and is not read meanwhile: whoever doesn't take answers is not listened to either, and is cut after
// write_timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/session.h"

namespace bongsu::net {

struct SessionListenOptions {
  std::string address = "127.0.0.1";                // numeric; loopback unless somebody says otherwise
  std::uint16_t port = 0;                           // 0: any
  std::size_t max_connections = 64;                 // of this listener; further ones are closed at once
  std::chrono::milliseconds idle_timeout{600'000};  // without a byte from the other end
  std::chrono::milliseconds write_timeout{30'000};
};
struct SessionConnectOptions {
  std::string host;  // numeric or a name
  std::uint16_t port = 0;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds idle_timeout{600'000};
  std::chrono::milliseconds write_timeout{30'000};
};

// What went over a connection, for whoever records it. `from_client`: from the end that connected.
struct SessionTap {
  std::function<void(std::uint64_t connection, const std::string& client, const std::string& server)> on_open;
  std::function<void(std::uint64_t connection, bool from_client, std::string_view bytes)> on_data;
  std::function<void(std::uint64_t connection)> on_close;
};

class SessionLoop {
 public:
  // nullptr: not wanted, the connection is closed. `peer` is "address:port".
  using Accept = std::function<std::unique_ptr<Session>(const std::string& peer)>;
  // Why a connection ended; an Error of kUnavailable when the other end closed it.
  using Ended = std::function<void(const std::string& peer, const Error& why)>;

  explicit SessionLoop(const Clock& clock);
  ~SessionLoop();  // close_all()
  SessionLoop(const SessionLoop&) = delete;
  SessionLoop& operator=(const SessionLoop&) = delete;

  // The port. kInvalid, kConflict, kDenied, kIo.
  Result<std::uint16_t> listen(const SessionListenOptions& options, Accept accept, Ended ended = {});
  // Connects and waits for it (resolving included); only before run() or from a callback. The session is the loop's.
  Result<void> connect(const SessionConnectOptions& options, Accept accept, Ended ended = {});
  // Bytes of a pipe, terminal or file; nothing at its end. Not closed.
  void read_from(int fd, std::function<void(std::string_view bytes)> take);
  void every(std::chrono::milliseconds interval, std::function<void()> call);
  void tap(SessionTap tap);  // before there are connections

  void run();
  void stop();
  // Every connection, and tells their Ended: before what sessions and callbacks stand on goes away.
  void close_all();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::net
