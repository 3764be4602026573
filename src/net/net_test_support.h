// What the tests of this module share: certificates, a server that runs, raw sockets.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/keys.h"
#include "net/client.h"
#include "net/server.h"

namespace bongsu::net::testing_support {

using namespace std::chrono_literals;

// A member with its authority and one leaf for localhost, made once.
struct Member {
  crypto::Identity ca;
  crypto::Identity leaf;
  std::string ca_fingerprint;
  std::string leaf_fingerprint;
};
Member make_member(const std::string& name, Instant at = SystemClock().now(), std::chrono::seconds lifetime = 24h);
const Member& server_member();
const Member& client_member();

// Lines that a server logged, to wait for.
class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) override;
  // The line with this event that contains `text` in a field; waits for it; empty after ten seconds.
  std::string wait_for(std::string_view event, std::string_view text = {});

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

// One condition that threads wait for.
class Flag {
 public:
  void set();
  bool wait(std::chrono::milliseconds limit = 20s);
  bool is_set();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// Waits until `condition` holds, looking again every millisecond; false after twenty seconds.
bool eventually(const std::function<bool()>& condition);

TlsServerOptions server_tls(const Member& member = server_member());
ClientOptions client_trusting(const Member& member = server_member());

// A plain TCP connection to 127.0.0.1 that says what a browser would not.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool send(std::string_view bytes);
  void finish();  // no more from us
  std::string read_until(
      std::string_view end);  // up to and with `end`; what there is if the connection ends or 20 s pass
  std::string read_all() { return read_until({}); }  // until the other side ends
  void shrink_receive_buffer();
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  std::string rest_;
};

Url url_of(const Server& server, const std::string& target = "/", const std::string& scheme = "https");
double thread_cpu_seconds();
double process_cpu_seconds();
std::size_t resident_bytes();

}  // namespace bongsu::net::testing_support
