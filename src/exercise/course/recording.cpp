#include "exercise/course/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "base/text.h"
#include "exercise/wire/iec104/master.h"
#include "exercise/wire/iec104/monitored.h"
#include "exercise/wire/iec104/station.h"
#include "exercise/wire/local_process.h"
#include "exercise/wire/modbus/client.h"
#include "exercise/wire/modbus/server.h"
#include "exercise/wire/record.h"
#include "exercise/wire/sensor_log.h"

namespace bongsu::exercise::course {
namespace {

using namespace wire;
using namespace std::chrono_literals;

constexpr auto kLatency = 2ms;               // of the line, each way
constexpr auto kPoll = 10s;                  // of recorded Modbus clients
constexpr std::size_t kMaxRounds = 100'000;  // of one session
constexpr auto kBetweenFrames = 100ms;       // of a learner's own
constexpr std::size_t kMaxPlayedBytes = 64 * 1024;

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::kInvalid, std::move(message)); }

// A controlled station or a controller, with its process.
struct Far {
  FakeClock clock;
  PointList list;
  Points points;
  LocalProcess process;
  std::unique_ptr<iec104::Station> station;
  std::unique_ptr<modbus::Server> server;

  Far(Protocol protocol, PointList the_list, std::uint16_t common_address, std::uint8_t unit, const Instant& begin)
      : clock(begin), list(std::move(the_list)), points(points_of(list), begin), process(list, points, clock) {
    if (protocol == Protocol::kIec104)
      station = std::make_unique<iec104::Station>(list, points, process,
                                                  iec104::StationSettings{.common_address = common_address}, clock);
    else
      server = std::make_unique<modbus::Server>(list, points, process, modbus::ServerSettings{.unit = unit}, clock);
  }
  std::unique_ptr<net::Session> accept(const std::string& peer) {
    return station ? station->accept(peer) : server->accept(peer);
  }
};

// What is written down of it.
class Writer {
 public:
  Writer(Form form, Protocol protocol, Endpoint client, Endpoint server, const Instant& now)
      : form_(form),
        protocol_(protocol),
        client_(std::move(client)),
        server_(std::move(server)),
        flow_(client_, server_),
        log_(protocol == Protocol::kIec104 ? wire::Protocol::kIec104 : wire::Protocol::kModbus, client_, server_, now) {
    if (form_ == Form::kPcap) out += flow_.open(now);
  }
  void data(Side from, const std::string& bytes, const Instant& now) {
    if (form_ == Form::kPcap) out += flow_.data(from, bytes, now);
    if (form_ == Form::kLog) out += log_.take(from, bytes, now);
    if (form_ == Form::kHex) hex(from, bytes, now);
  }
  void close(const Instant& now) {
    if (form_ == Form::kPcap) out += flow_.close(now);
  }
  std::string out;

 private:
  void hex(Side from, const std::string& bytes, const Instant& now) {
    const auto end_of = [](const Endpoint& e) { return fmt::format("{}:{}", e.address, e.port); };
    const std::string& me = from == Side::kClient ? end_of(client_) : end_of(server_);
    const std::string& other = from == Side::kClient ? end_of(server_) : end_of(client_);
    std::size_t begin = 0;
    while (begin < bytes.size()) {  // our own ends send whole frames
      std::size_t end = begin;
      const bool whole = protocol_ == Protocol::kIec104
                             ? iec104::take_frame(bytes, end).value_or(std::nullopt).has_value()
                             : modbus::take_adu(bytes, end).value_or(std::nullopt).has_value();
      if (!whole) end = bytes.size();
      out += fmt::format("{} {} > {} {}\n", now.text(3), me, other,
                         to_hex(as_bytes(std::string_view(bytes).substr(begin, end - begin))));
      begin = end;
    }
  }

  Form form_;
  Protocol protocol_;
  Endpoint client_, server_;
  RecordedFlow flow_;
  SensorLog log_;
};

struct Near {  // the client
  std::unique_ptr<iec104::Master> master;
  std::unique_ptr<modbus::Client> client;
  net::Session& session() { return master ? static_cast<net::Session&>(*master) : *client; }
};

Result<std::size_t> point_named(const Far& far, std::string_view name) {
  const auto index = far.points.find(name);
  if (!index) return bad(fmt::format("no point is called \"{}\"", name.substr(0, 100)));
  return *index;
}

Result<void> command(Far& far, Near& near, std::size_t index, double value) {
  const PointRow& row = far.list[index];
  if (near.client) {
    BONGSU_TRY_VOID(near.client->write(index, value));
    return {};
  }
  const auto type = iec104::command_type(row.point.kind);
  const auto element = type ? iec104::commanded_element(*type, value) : std::nullopt;
  if (!row.iec104 || !row.iec104->command || !element)
    return bad(fmt::format("\"{}\" cannot be commanded to be {}", row.point.name, value));
  BONGSU_TRY_VOID(near.master->command(
      {.object = *row.iec104->command, .type = *type, .element = *element, .select = row.iec104->select, .time = {}}));
  return {};
}

Result<void> take_step(Far& far, Near& near, const Step& step, const Values& values) {
  if (step.interrogate || !step.read.empty()) {
    if (!near.master) return bad("Modbus clients read all points by themselves");
    if (step.interrogate) return near.master->interrogate();
    BONGSU_TRY(const std::string text, values.fill(step.read));
    const auto address = finite_number(text);
    if (!address || *address < 0 || *address > iec104::kMaxObjectAddress)
      return bad(fmt::format("\"{}\" is no object address", text));
    return near.master->read(static_cast<std::uint32_t>(*address));
  }
  BONGSU_TRY(const std::string name, values.fill(step.command.empty() ? step.set : step.command));
  BONGSU_TRY(const std::string text, values.fill(step.value));
  BONGSU_TRY(const std::size_t index, point_named(far, name));
  const auto value = finite_number(text);
  if (!value) return bad(fmt::format("\"{}\" is no value", text));
  if (!step.command.empty()) return command(far, near, index, *value);
  if (!holds(far.list[index].point.kind, *value)) return bad(fmt::format("{} cannot be {}", name, text));
  far.points.set(index, {.value = *value, .quality = {}, .time = far.clock.now()});
  return {};
}

Result<std::string> record_session(const Recording& r, const WireSession& s, const Values& values, Far& far,
                                   const Endpoint& server) {
  BONGSU_TRY(const std::string address, values.fill(s.client));
  const auto port = static_cast<std::uint16_t>(49'152 + values.number(s.client + s.at) % 16'000);
  const Endpoint client{address, port};
  Writer writer(r.form, r.protocol, client, server, far.clock.now());
  const auto far_end = far.accept(fmt::format("{}:{}", client.address, client.port));
  Near near;
  if (r.protocol == Protocol::kIec104)
    near.master = std::make_unique<iec104::Master>(
        iec104::MasterSettings{.common_address = static_cast<std::uint16_t>(r.common_address)}, far.clock,
        iec104::MasterEvents{});
  else
    near.client = std::make_unique<modbus::Client>(
        far.list, modbus::ClientSettings{.unit = static_cast<std::uint8_t>(r.unit), .poll = kPoll}, far.clock,
        modbus::ClientEvents{});
  const auto exchange = [&]() -> Result<void> {
    for (std::size_t round = 0;; ++round) {
      if (round > kMaxRounds) return bad("the session does not come to rest");
      const std::string to_far = near.session().take_output();
      if (!to_far.empty()) {
        writer.data(Side::kClient, to_far, far.clock.now());
        far.clock.advance(kLatency);
        BONGSU_TRY_VOID(far_end->receive(to_far));
      }
      const std::string to_near = far_end->take_output();
      if (!to_near.empty()) {
        writer.data(Side::kServer, to_near, far.clock.now());
        far.clock.advance(kLatency);
        BONGSU_TRY_VOID(near.session().receive(to_near));
      }
      if (to_far.empty() && to_near.empty()) return {};
    }
  };
  const auto end = far.clock.monotonic() + s.lasts;
  std::size_t next = 0;
  auto due = far.clock.monotonic();
  if (!s.steps.empty()) due += s.steps[0].after;
  for (std::size_t round = 0; far.clock.monotonic() < end; ++round) {
    if (round > kMaxRounds) return bad("the session does not come to its end");
    BONGSU_TRY_VOID(exchange());
    const auto now = far.clock.monotonic();
    auto at = std::min({end, near.session().wake_at(), far_end->wake_at(), far.process.wake_at()});
    if (next < s.steps.size()) at = std::min(at, due);
    if (at > now) far.clock.advance(at - now);
    far.process.wake();
    BONGSU_TRY_VOID(far_end->wake());
    BONGSU_TRY_VOID(near.session().wake());
    if (next < s.steps.size() && far.clock.monotonic() >= due) {
      BONGSU_TRY_VOID(take_step(far, near, s.steps[next], values));
      if (++next < s.steps.size()) due = far.clock.monotonic() + s.steps[next].after;
    }
  }
  BONGSU_TRY_VOID(exchange());
  if (next < s.steps.size()) return bad("the session ends before its last step; let it last longer");
  writer.close(far.clock.now());
  return std::move(writer.out);
}

}  // namespace

Result<std::string> record(const Recording& r, const Values& values) {
  BONGSU_TRY(const std::string text, values.fill(r.points));
  BONGSU_TRY(PointList list, read_point_list(text, "points"));
  BONGSU_TRY(const std::string address, values.fill(r.server));
  const Endpoint server{address, static_cast<std::uint16_t>(r.protocol == Protocol::kIec104 ? 2404 : 502)};
  std::vector<std::pair<Instant, const WireSession*>> sessions;
  for (const WireSession& session : r.sessions) {
    BONGSU_TRY(const Instant at, values.time(session.at));
    sessions.emplace_back(at, &session);
  }
  std::ranges::sort(sessions);  // those of one list: their addresses rise
  if (sessions.empty()) return bad("there is no session");
  Far far(r.protocol, std::move(list), static_cast<std::uint16_t>(r.common_address), static_cast<std::uint8_t>(r.unit),
          sessions.front().first);
  std::string out = r.form == Form::kPcap ? pcap_header() : std::string();
  for (const auto& [at, session] : sessions) {
    if (at < far.clock.now()) return bad("a session begins before the one before it has ended");
    far.clock.advance(at - far.clock.now());
    BONGSU_TRY(const std::string said, record_session(r, *session, values, far, server));
    out += said;
    if (out.size() > kMaxFileBytes) return fail(ErrorCode::kTooLarge, "a recording of more than 64 MiB");
  }
  return out;
}

namespace {

// Everything but hexadecimal digits between comments is left out; 0x and colons too.
Result<std::string> bytes_of(std::string_view frames) {
  std::string digits;
  while (!frames.empty()) {
    const auto end = std::min(frames.find('\n'), frames.size());
    std::string_view line = frames.substr(0, end);
    frames.remove_prefix(std::min(end + 1, frames.size()));
    line = line.substr(0, line.find('#'));
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '0' && i + 1 < line.size() && lower(line[i + 1]) == 'x') {
        ++i;
      } else if (static_cast<unsigned char>(line[i]) > ' ' && line[i] != ':' && line[i] != '-') {
        digits += line[i];
      }
    }
  }
  auto bytes = from_hex(digits);
  if (!bytes) bytes.error().message = "frames are hexadecimal digits, two a byte: " + bytes.error().message;
  if (bytes && bytes->size() > kMaxPlayedBytes) return fail(ErrorCode::kTooLarge, "more than 64 KiB of frames");
  if (bytes && bytes->empty()) return bad("there are no frames");
  return bytes;
}

}  // namespace

Result<Played> play(Protocol protocol, const PointList& list, std::uint16_t common_address, std::uint8_t unit,
                    std::string_view frames) {
  BONGSU_TRY(const std::string bytes, bytes_of(frames));
  Far far(protocol, list, common_address, unit, Instant{1'800'000'000, 0});
  Played out;
  const auto look = [&](std::map<std::string, double>& into) {
    for (std::size_t i = 0; i < far.points.size(); ++i) into[far.points.point(i).name] = far.points.read(i).value;
  };
  look(out.before);
  if (far.station)
    far.station->on_report([&](const iec104::StationReport& report) {
      out.asked.emplace_back(iec104::type_of(report.type).name);
      if (report.outcome.starts_with("refused") || report.outcome.starts_with("unknown"))
        out.refusals.push_back(fmt::format("{}: {}", out.asked.back(), report.outcome));
    });
  else
    far.server->on_report([&](const modbus::ServerReport& report) {
      out.asked.push_back(modbus::function_text(report.function));
      if (report.exception)
        out.refusals.push_back(fmt::format("{}: {}", out.asked.back(), modbus::exception_text(*report.exception)));
    });
  const auto session = far.accept("learner");
  std::size_t begin = 0;
  while (begin < bytes.size()) {
    std::size_t end = begin;
    if (protocol == Protocol::kIec104) {
      BONGSU_TRY(const auto frame, iec104::take_frame(bytes, end));
      if (!frame) return bad(fmt::format("the frame at byte {} is cut off", begin));
    } else {
      BONGSU_TRY(const auto adu, modbus::take_adu(bytes, end));
      if (!adu) return bad(fmt::format("the message at byte {} is cut off", begin));
    }
    BONGSU_TRY_VOID(session->receive(std::string_view(bytes).substr(begin, end - begin)));
    (void)session->take_output();
    begin = end;
    far.clock.advance(kBetweenFrames);
    far.process.wake();
    (void)session->take_output();
  }
  for (auto at = far.process.wake_at(); at != std::chrono::nanoseconds::max(); at = far.process.wake_at()) {
    if (at > far.clock.monotonic()) far.clock.advance(at - far.clock.monotonic());
    far.process.wake();
  }
  look(out.after);
  return out;
}

}  // namespace bongsu::exercise::course
