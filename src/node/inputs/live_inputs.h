// Telemetry that others send to this node: syslog over UDP, TCP and TLS, and lines over HTTP.
//
//   POST /events   application/x-ndjson, one event a line (any format that needs no header: neither Zeek's tables nor
//                  CSV); gzip or zstd with Content-Encoding
//   → 200 {"bytes":…}       the lines are durable and will be matched
//   → 503, Retry-After: 1   the sensor is behind: send the same again
//
// Everything goes into the spool that the sensor follows. TCP and TLS senders are held back while it is full; datagrams are
// dropped then, and counted.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "net/server.h"
#include "net/stream_listener.h"
#include "node/config.h"
#include "node/inputs/spool.h"
#include "node/sensor/protocol.h"

namespace bongsu::node {

inline constexpr std::uint64_t kMaxInputBody = 16ULL << 20;          // of one POST
inline constexpr std::size_t kMaxInputUnpacked = 64 * 1024 * 1024;  // of one POST, decompressed

class LiveInputs {
 public:
  // nullptr when the configuration asks for no input.
  static Result<std::unique_ptr<LiveInputs>> open(const NodeConfig& config, const std::filesystem::path& data_directory,
                                                  Log& log);
  ~LiveInputs();

  // `tls` gives the node's own certificate. Adds the addresses to `urls` as input_http, input_syslog_tls and so on.
  Result<void> start(const std::function<net::TlsServerOptions()>& tls, std::map<std::string, std::string>& urls);
  void stop();
  Result<void> replace_tls(const net::TlsServerOptions& tls);

  const std::filesystem::path& directory() const { return spool_->directory(); }
  // The sensor's positions, once they are durable.
  void note(const PositionUpdate& position);
  JsonObject status() const;

  net::Response handle(const net::Request& request);

 private:
  LiveInputs(const NodeConfig& config, std::unique_ptr<Spool> spool, Log& log);
  Result<void> start_stream(const char* name, const std::string& listen, std::optional<net::TlsServerOptions> tls,
                            std::unique_ptr<net::StreamListener>& to, std::map<std::string, std::string>& urls);
  net::StreamListener::Receive receive_stream();
  Result<void> append_waiting(std::string_view lines);

  const NodeConfig& config_;
  std::unique_ptr<Spool> spool_;
  Log& log_;
  std::unique_ptr<net::DatagramListener> udp_;
  std::unique_ptr<net::StreamListener> tcp_, tls_;
  std::unique_ptr<net::Server> http_;
  std::atomic<bool> stopping_ = false, http_tls_ = false;
  std::atomic<std::uint64_t> messages_ = 0, bytes_ = 0, posts_ = 0, dropped_ = 0, refused_ = 0;
};

}  // namespace bongsu::node
