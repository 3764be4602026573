// A blocking connection with deadlines and cancellation: TCP or Unix socket, with or without TLS. The client's
// transport.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "net/tls_context.h"

namespace bongsu::net {

using Deadline = std::chrono::steady_clock::time_point;

// Ends the waiting of one thread from another one.
class Canceller {
 public:
  Canceller();
  ~Canceller();
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

  void cancel();                  // any thread
  bool take();                    // whether cancel() was called since the last take()
  int fd() const { return fd_; }  // readable while cancelled

 private:
  int fd_;
};

class SocketStream {
 public:
  // `canceller` outlives the stream. `tls` is used for https only.
  static Result<std::unique_ptr<SocketStream>> connect(const Url& url, const std::shared_ptr<TlsContext>& tls,
                                                       Deadline deadline, Canceller& canceller);
  ~SocketStream();
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  // kTimeout, kCancelled; kUnavailable when the other end is gone.
  Result<std::size_t> read(char* data, std::size_t size, Deadline deadline);  // 0: ended in order
  Result<void> write(std::string_view data, Deadline deadline);
  // Whether something can be read now, be it data or the end: on an idle connection the sign that it is of no more use.
  bool readable_now();
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  SocketStream(int fd, Canceller& canceller) : fd_(fd), canceller_(canceller) {}
  Result<void> start_tls(const Url& url, const std::shared_ptr<TlsContext>& tls, Deadline deadline);
  Result<void> wait(short events, Deadline deadline);
  Result<void> wait_for_tls(int result, std::string_view what, Deadline deadline);

  int fd_;
  Canceller& canceller_;
  std::shared_ptr<TlsContext> tls_context_;
  SSL* ssl_ = nullptr;
  std::string fingerprint_;
};

}  // namespace bongsu::net
