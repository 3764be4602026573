// A conversation over one connection, without the connection: bytes come in, bytes go out, and at times it wants to be
// woken. State machines of protocols implement it; net::SessionLoop runs many of them on one thread; tests and
// simulators pass bytes by hand.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::net {

class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  // Bytes as they came, in pieces of any size. An error ends the connection; what take_output() has then is still sent.
  virtual Result<void> receive(std::string_view bytes) = 0;
  // What is to be sent, at most once; asked for after every other call, and only when what was sent before has gone to
  // the kernel.
  virtual std::string take_output() = 0;
  // Monotonic time of the next wake(), which may come early; max() for never.
  virtual std::chrono::nanoseconds wake_at() const { return std::chrono::nanoseconds::max(); }
  virtual Result<void> wake() { return {}; }
};

}  // namespace bongsu::net
