#include "cli/range_wire_io.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <memory>

#include "base/text.h"
#include "node/service.h"

namespace bongsu::cli {

using namespace exercise::wire;

namespace {

struct QualityWord {
  std::string_view word;
  bool Quality::* bit;
};
constexpr QualityWord kQualityWords[] = {{"invalid", &Quality::invalid},
                                         {"not_topical", &Quality::not_topical},
                                         {"substituted", &Quality::substituted},
                                         {"blocked", &Quality::blocked},
                                         {"overflow", &Quality::overflow}};

Endpoint endpoint_of(const std::string& text) {
  const auto endpoint = parse_endpoint(text);
  return endpoint ? *endpoint : Endpoint{};
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Endpoint out;
  if (colon != std::string_view::npos) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), out.port);
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
      host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
      host = {};
    out.address = host;
    if (error == std::errc{} && end == text.data() + text.size() && !host.empty()) return out;
  }
  return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not ADDRESS:PORT (IPv6 in brackets)", text));
}

Result<PointList> load_point_list(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "the list of points can't be read", {.source = path});
  std::string text(kMaxPointListBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return read_point_list(text, path);
}

void stop_on_signal(net::SessionLoop& loop) {
  node::block_stop_signals();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd >= 0) loop.read_from(fd, [&loop](std::string_view) { loop.stop(); });
}

void read_lines(net::SessionLoop& loop, std::function<void(const std::string*)> take) {
  loop.read_from(STDIN_FILENO,
                 [take = std::move(take), buffer = std::string(), skipping = false](std::string_view bytes) mutable {
                   const bool end = bytes.empty();
                   buffer += bytes;
                   if (end && !buffer.empty()) buffer += '\n';
                   std::size_t begin = 0;
                   for (std::size_t at; (at = buffer.find('\n', begin)) != std::string::npos; begin = at + 1) {
                     const std::string line(trim(std::string_view(buffer).substr(begin, at - begin)));
                     if (!std::exchange(skipping, false) && !line.empty()) take(&line);
                   }
                   buffer.erase(0, begin);
                   if (buffer.size() > kMaxInputLineBytes) {  // the rest of it is left out, too
                     buffer.clear();
                     skipping = true;
                   }
                   if (end) take(nullptr);
                 });
}

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& capture, const std::string& log, Protocol protocol,
                                                 net::SessionLoop& loop, const Clock& clock) {
  auto out = std::make_unique<Recorder>();
  Recorder* r = out.get();
  for (const auto& [path, file] : {std::pair{&capture, &r->capture_}, {&log, &r->log_}}) {
    if (path->empty()) continue;
    file->open(*path, std::ios::binary | std::ios::trunc);
    if (file == &r->capture_) *file << pcap_header() << std::flush;
    if (!*file) return fail(ErrorCode::kIo, "the recording can't be written", {.source = *path});
  }
  loop.tap({.on_open =
                [r, protocol, &clock](std::uint64_t id, const std::string& client, const std::string& server) {
                  const Endpoint from = endpoint_of(client), to = endpoint_of(server);
                  const auto [flow, added] = r->flows_.emplace(
                      id, Flow{.packets = RecordedFlow(from, to), .log = SensorLog(protocol, from, to, clock.now())});
                  if (r->capture_.is_open()) r->capture_ << flow->second.packets.open(clock.now()) << std::flush;
                },
            .on_data =
                [r, &clock](std::uint64_t id, bool from_client, std::string_view bytes) {
                  const auto flow = r->flows_.find(id);
                  if (flow == r->flows_.end()) return;
                  const Side side = from_client ? Side::kClient : Side::kServer;
                  if (r->capture_.is_open())
                    r->capture_ << flow->second.packets.data(side, bytes, clock.now()) << std::flush;
                  if (r->log_.is_open()) r->log_ << flow->second.log.take(side, bytes, clock.now()) << std::flush;
                },
            .on_close =
                [r, &clock](std::uint64_t id) {
                  const auto flow = r->flows_.find(id);
                  if (flow == r->flows_.end()) return;
                  if (r->capture_.is_open()) r->capture_ << flow->second.packets.close(clock.now()) << std::flush;
                  r->flows_.erase(flow);
                }});
  return out;
}

Result<void> set_point(std::string_view line, Points& points, const Clock& clock) {
  BONGSU_TRY(const Json json, parse_json(line));
  const auto name = string_at(json, "point");
  if (!name) return fail(ErrorCode::kInvalid, "\"point\" names a point", {.field = "point"});
  const auto point = points.find(*name);
  if (!point)
    return fail(ErrorCode::kNotFound, fmt::format("{} is not a point of the list", *name), {.field = "point"});
  Reading reading = points.read(*point);
  reading.time = clock.now();
  if (const Json* value = find(json, "value")) {
    if (!value->is_number()) return fail(ErrorCode::kInvalid, "\"value\" is a number", {.field = "value"});
    reading.value = value->to_number<double>();
    const PointKind kind = points.point(*point).kind;
    if (!holds(kind, reading.value))
      return fail(ErrorCode::kInvalid, fmt::format("a {} can't be {}", to_string(kind), reading.value),
                  {.field = "value"});
  }
  if (const Json* quality = find(json, "quality")) {
    if (!quality->is_array()) return fail(ErrorCode::kInvalid, "\"quality\" is a list of words", {.field = "quality"});
    reading.quality = {};
    for (const Json& word : quality->get_array()) {
      bool known = false;
      for (const QualityWord& q : kQualityWords)
        if (word.is_string() && word.get_string() == q.word) reading.quality.*q.bit = known = true;
      if (!known)
        return fail(ErrorCode::kInvalid, "a quality is invalid, not_topical, substituted, blocked or overflow",
                    {.field = "quality"});
    }
  }
  points.set(*point, reading);
  return {};
}

std::string quality_words(const Quality& quality) {
  std::string out;
  for (const QualityWord& q : kQualityWords)
    if (quality.*q.bit) out += fmt::format("{}{}", out.empty() ? "" : " ", q.word);
  return out;
}

void put_value(JsonObject& out, double value) {
  if (!std::isfinite(value))
    out["value"] = nullptr;
  else if (value == std::floor(value) && std::abs(value) < 9e15)
    out["value"] = static_cast<std::int64_t>(value);
  else
    out["value"] = value;
}

}  // namespace bongsu::cli
