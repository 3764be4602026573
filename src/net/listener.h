// Listening sockets by hand: TCP on a numeric address, or a Unix socket with mode 0600.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace bongsu::net {

struct Listening {
  int fd = -1;            // non-blocking, close-on-exec; the caller closes it
  bool local = false;     // a Unix socket
  bool loopback = false;  // a TCP address of this machine only
  std::uint16_t port = 0;
  std::string socket_path;  // to be removed at the end; empty for TCP
};

// kInvalid, kConflict (somebody listens there), kDenied, kIo. A socket file that nobody listens on is replaced.
Result<Listening> listen_on(const std::string& address, std::uint16_t port);

struct Accepted {
  int fd = -1;  // -1: nobody there now
  Peer peer;
};
// kUnavailable when the process has no descriptor left, kIo when the listening socket is broken.
Result<Accepted> accept_on(const Listening& listening);

std::string address_text(const sockaddr_storage& address);  // "192.0.2.7:6443", "[2001:db8::7]:6443"

}  // namespace bongsu::net
