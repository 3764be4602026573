// Host names to addresses within a deadline.
#pragma once

#include <sys/socket.h>

#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "net/socket_stream.h"

namespace bongsu::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool is_loopback() const;
};

// "localhost" is always this machine (RFC 6761 §6.3); numeric hosts are not looked up; a path for unix:.
Result<std::vector<SocketAddress>> resolve(const Url& url, Deadline deadline, Canceller& canceller);

// Waits for `events` on `fd`: kTimeout, kCancelled, kIo.
Result<void> wait_for(int fd, short events, Deadline deadline, Canceller& canceller);

}  // namespace bongsu::net
