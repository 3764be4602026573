#include "node/inputs/live_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "telemetry/byte_source.h"
#include "telemetry/syslog_framing.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kFullWait = 50ms;  // until the next try when the sensor is behind
constexpr auto kStopGrace = 5s;

// Without telling by its time how much of it was right.
bool same(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

net::Response error(int status, std::string_view code, std::string_view message) {
  return net::Response::json(status, to_text(JsonObject{{"error", code}, {"message", message}}));
}

}  // namespace

LiveInputs::LiveInputs(const NodeConfig& config, std::unique_ptr<Spool> spool, Log& log)
    : config_(config), spool_(std::move(spool)), log_(log) {}
LiveInputs::~LiveInputs() { stop(); }

Result<std::unique_ptr<LiveInputs>> LiveInputs::open(const NodeConfig& config, const std::filesystem::path& data_directory,
                                                     Log& log) {
  if (config.input_http.empty() && config.input_syslog_udp.empty() && config.input_syslog_tcp.empty() &&
      config.input_syslog_tls.empty())
    return std::unique_ptr<LiveInputs>();
  BONGSU_TRY(auto spool, Spool::open({.directory = std::filesystem::absolute(data_directory) / "inputs", .limit_bytes = config.input_spool}));
  return std::unique_ptr<LiveInputs>(new LiveInputs(config, std::move(spool), log));
}

Result<void> LiveInputs::start_stream(const char* name, const std::string& listen, std::optional<net::TlsServerOptions> tls,
                                      std::unique_ptr<net::StreamListener>& to, std::map<std::string, std::string>& urls) {
  BONGSU_TRY(const ListenAddress address, parse_listen(listen));
  const bool encrypted = tls.has_value();
  to = std::make_unique<net::StreamListener>(
      net::StreamListenerOptions{.name = name, .address = address.host, .port = address.port, .tls = std::move(tls)},
      [this](const net::Peer&) { return receive_stream(); }, log_);
  if (auto begun = to->start(); !begun) {
    begun.error().where = {.source = fmt::format("input.{}", name), .field = listen};
    return std::unexpected(begun.error());
  }
  urls[fmt::format("input_{}", name)] = fmt::format("{}://{}:{}", encrypted ? "tls" : "tcp", address.host, to->port());
  return {};
}

Result<void> LiveInputs::start(const std::function<net::TlsServerOptions()>& tls, std::map<std::string, std::string>& urls) {
  if (!config_.input_syslog_udp.empty()) {
    BONGSU_TRY(const ListenAddress address, parse_listen(config_.input_syslog_udp));
    udp_ = std::make_unique<net::DatagramListener>(address.host, address.port, [this](std::string_view datagram) {
      std::string line;
      telemetry::append_syslog_line(datagram, line);
      if (line.empty()) return;
      if (spool_->append(line, Spool::Keep::kWritten)) ++messages_, bytes_ += line.size();
      else ++dropped_;
    });
    if (auto begun = udp_->start(); !begun) {
      begun.error().where = {.source = "input.syslog_udp", .field = config_.input_syslog_udp};
      return std::unexpected(begun.error());
    }
    urls["input_syslog_udp"] = fmt::format("udp://{}:{}", address.host, udp_->port());
  }
  if (!config_.input_syslog_tcp.empty())
    BONGSU_TRY_VOID(start_stream("syslog_tcp", config_.input_syslog_tcp, std::nullopt, tcp_, urls));
  if (!config_.input_syslog_tls.empty())
    BONGSU_TRY_VOID(start_stream("syslog_tls", config_.input_syslog_tls, tls(), tls_, urls));
  if (!config_.input_http.empty()) {
    BONGSU_TRY(const ListenAddress address, parse_listen(config_.input_http));
    http_tls_ = address.host != "127.0.0.1" && address.host != "::1";  // plain HTTP stays on this machine
    net::ServerOptions server;
    server.name = "input";
    server.address = address.host;
    server.port = address.port;
    server.max_body_bytes = kMaxInputBody;
    server.max_buffered_bytes = 16 * kMaxInputBody;
    server.workers = static_cast<std::uint32_t>(config_.workers);
    if (http_tls_) server.tls = tls();
    http_ = std::make_unique<net::Server>(std::move(server), [this](net::Request&& request) { return handle(request); }, log_);
    if (auto begun = http_->start(); !begun) {
      begun.error().where = {.source = "input.http", .field = config_.input_http};
      return std::unexpected(begun.error());
    }
    urls["input_http"] = fmt::format("{}://{}:{}/events", http_tls_ ? "https" : "http", address.host, http_->port());
  }
  return {};
}

void LiveInputs::stop() {
  stopping_ = true;
  if (udp_) udp_->stop();
  if (tcp_) tcp_->stop();
  if (tls_) tls_->stop();
  if (http_) http_->stop(kStopGrace);
}

Result<void> LiveInputs::replace_tls(const net::TlsServerOptions& tls) {
  if (tls_) BONGSU_TRY_VOID(tls_->replace_tls(tls));
  if (http_ && http_tls_) BONGSU_TRY_VOID(http_->replace_tls(tls));
  return {};
}

// The sender is held back while the sensor is behind: nothing more of its stream is read.
Result<void> LiveInputs::append_waiting(std::string_view lines) {
  while (true) {
    auto taken = spool_->append(lines, Spool::Keep::kWritten);
    if (taken || taken.error().code != ErrorCode::kUnavailable) return taken;
    if (stopping_) return fail(ErrorCode::kCancelled, "the node stops");
    std::this_thread::sleep_for(kFullWait);
  }
}

net::StreamListener::Receive LiveInputs::receive_stream() {
  return [this, framing = telemetry::SyslogFraming(), lines = std::string()](std::string_view bytes) mutable -> Result<void> {
    lines.clear();
    Result<void> fed;
    if (bytes.empty()) framing.finish(lines);
    else fed = framing.feed(bytes, lines);
    if (!lines.empty()) {
      BONGSU_TRY_VOID(append_waiting(lines));
      messages_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
      bytes_ += lines.size();
    }
    return fed;
  };
}

net::Response LiveInputs::handle(const net::Request& request) {
  if (request.path != "/events") return error(404, "not_found", "events are posted to /events");
  if (request.method != "POST") {
    net::Response response = error(405, "invalid", "events are posted");
    response.headers.set("Allow", "POST");
    return response;
  }
  if (!config_.input_http_token.empty()) {
    const auto given = request.headers.get("Authorization");
    if (!given || !same(*given, "Bearer " + config_.input_http_token)) {
      net::Response response = error(401, "unauthenticated", "Authorization: Bearer and the token of input.http_token");
      response.headers.set("WWW-Authenticate", "Bearer");
      return response;
    }
  }
  const std::string encoding(request.headers.get("Content-Encoding").value_or("identity"));
  std::string unpacked;
  const std::string* lines = &request.body;
  if (encoding == "gzip" || encoding == "zstd") {
    const auto source = telemetry::open_compressed_memory(request.body, "body");
    auto read = telemetry::read_all(*source, kMaxInputUnpacked);
    if (!read) return error(read.error().code == ErrorCode::kTooLarge ? 413 : 400, to_string(read.error().code), read.error().message);
    unpacked = std::move(*read);
    lines = &unpacked;
  } else if (encoding != "identity") {
    return error(415, "unsupported", "Content-Encoding is gzip, zstd or identity");
  }
  if (lines->empty()) return error(400, "invalid", "the body is empty");
  if (!lines->ends_with('\n')) {
    if (lines != &unpacked) unpacked = request.body;
    unpacked += '\n';
    lines = &unpacked;
  }
  if (auto taken = spool_->append(*lines, Spool::Keep::kDurable); !taken) {
    ++refused_;
    net::Response response = error(503, to_string(taken.error().code), taken.error().message);
    response.headers.set("Retry-After", taken.error().code == ErrorCode::kUnavailable ? "1" : "10");
    return response;
  }
  ++posts_;
  bytes_ += lines->size();
  return net::Response::json(200, to_text(JsonObject{{"bytes", lines->size()}}));
}

void LiveInputs::note(const PositionUpdate& position) {
  if (!position.file.starts_with(spool_->directory().native())) return;
  if (const auto json = parse_json(position.position))
    if (const auto offset = int_at(*json, "offset"); offset && *offset > 0) spool_->note(position.file, static_cast<std::uint64_t>(*offset));
}

JsonObject LiveInputs::status() const {
  return {{"messages", messages_.load()}, {"posts", posts_.load()}, {"bytes", bytes_.load()}, {"waiting", spool_->waiting()},
          {"dropped", dropped_.load()},   {"refused", refused_.load()}};
}

}  // namespace bongsu::node
