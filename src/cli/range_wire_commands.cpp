#include "cli/range_wire_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "cli/range_wire_io.h"
#include "cli/range_world_command.h"
#include "cli/terminal.h"
#include "exercise/range/points.h"
#include "exercise/wire/iec104/station.h"
#include "exercise/wire/local_process.h"
#include "exercise/wire/modbus/server.h"

namespace bongsu::cli {

using namespace exercise::wire;
using namespace std::chrono_literals;

namespace {

constexpr auto kProcessStep = 10ms;                       // how exactly commands end
constexpr auto kWorldStep = 100ms;                        // how often a world's values are shown
constexpr double kMostSpeed = 3600, kMostBehind_s = 600;  // world seconds that one step makes up for

// What both simulators stand on.
struct Stand {
  std::FILE *out, *err;
  bool json;
  SystemClock clock;
  PointList list;
  std::unique_ptr<Points> points;
  std::unique_ptr<Process> process;
  std::optional<exercise::World> world;
  double speed = 1;
  std::chrono::nanoseconds lived{0};  // monotonic: up to where the world has come
  net::SessionLoop loop{clock};
  std::unique_ptr<Recorder> recorder;

  Stand(std::FILE* the_out, std::FILE* the_err, bool wants_json)
      : out(the_out), err(the_err), json(wants_json || !is_terminal(the_out)) {}

  Result<void> prepare(const std::string& list_path, const RangeLife& life, const std::string& record,
                       const std::string& log, Protocol protocol, bool input) {
    if (life.world.empty()) {
      if (list_path.empty())
        return fail(ErrorCode::kInvalid, "a list of points, or a world, is needed", {.field = "points"});
      BONGSU_TRY(list, load_point_list(list_path));
      points = std::make_unique<Points>(points_of(list), clock.now());
      auto own = std::make_unique<LocalProcess>(list, *points, clock);
      loop.every(kProcessStep, [local = own.get()] { local->wake(); });
      process = std::move(own);
    } else {
      if (input) return fail(ErrorCode::kInvalid, "a world sets its points itself", {.field = "input"});
      BONGSU_TRY_VOID(bring_to_life(list_path, life));
    }
    if (!record.empty() || !log.empty()) {
      BONGSU_TRY(recorder, Recorder::open(record, log, protocol, loop, clock));
    }
    stop_on_signal(loop);
    if (input)
      read_lines(loop, [this](const std::string* line) {
        if (line == nullptr) return;
        if (const auto done = set_point(*line, *points, clock); !done)
          fmt::print(err, "bongsu: standard input: {}\n", for_terminal(done.error().text()));
      });
    return {};
  }
  Result<void> bring_to_life(const std::string& list_path, const RangeLife& life) {
    if (!(life.speed > 0 && life.speed <= kMostSpeed))
      return fail(ErrorCode::kInvalid, fmt::format("time passes up to {} times as fast", kMostSpeed),
                  {.field = "speed"});
    if (list_path.empty() == life.substation.empty())
      return fail(ErrorCode::kInvalid, "one of --points and --substation says what of the world is shown",
                  {.field = "substation"});
    BONGSU_TRY(auto config, load_world(life.world, life.data));
    BONGSU_TRY(world, exercise::World::make(std::move(config), life.seed));
    speed = life.speed;
    if (list_path.empty()) {
      BONGSU_TRY(list, exercise::points_of(*world, life.substation));
    } else {
      BONGSU_TRY(list, load_point_list(list_path));
    }
    points = std::make_unique<Points>(points_of(list), clock.now());
    BONGSU_TRY(auto bound, exercise::WorldProcess::make(*world, list, *points, clock));
    lived = clock.monotonic();
    loop.every(kWorldStep, [this, live = bound.get()] {
      const auto now = clock.monotonic();
      // After a long sleep of this machine the world goes on from where it was, not all at once.
      world->advance(std::min(speed * std::chrono::duration<double>(now - lived).count(), kMostBehind_s));
      lived = now;
      live->refresh();
      for (const exercise::WorldEvent& e : world->take_events())
        say_line({{"time", clock.now().text(3)},
                  {"event", "range"},
                  {"kind", to_string(e.kind)},
                  {"id", e.id},
                  {"at_s", e.at_s},
                  {"target", e.target},
                  {"text", e.text},
                  {"cause", e.cause}},
                 e.text);
    });
    process = std::move(bound);
    return {};
  }
  Result<std::uint16_t> listen(const std::string& address, std::size_t connections, net::SessionLoop::Accept accept) {
    BONGSU_TRY(const Endpoint endpoint, parse_endpoint(address));
    const auto connected = [this, accept = std::move(accept)](const std::string& peer) {
      say_event("connected", peer, "");
      return accept(peer);
    };
    return loop.listen(
        {.address = endpoint.address, .port = endpoint.port, .max_connections = connections}, connected,
        [this](const std::string& peer, const Error& why) { say_event("disconnected", peer, why.message); });
  }
  void say_line(const JsonObject& object, const std::string& text) {
    if (json)
      fmt::print(out, "{}\n", to_text(object));
    else
      fmt::print(out, "{} {}\n", clock.now().text(3).substr(11, 12), printable(text));
    std::fflush(out);
  }
  void say_event(const std::string& event, const std::string& peer, const std::string& why) {
    JsonObject object{{"time", clock.now().text(3)}, {"event", event}, {"peer", peer}};
    if (!why.empty()) object["reason"] = why;
    say_line(object, fmt::format("{} {}{}{}", peer, event, why.empty() ? "" : ": ", why));
  }
  void say_listening(std::string_view protocol, const std::string& address, std::uint16_t port) {
    const std::string where = fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
    say_line({{"time", clock.now().text(3)},
              {"event", "listening"},
              {"protocol", protocol},
              {"address", where},
              {"points", list.size()}},
             fmt::format("{} on {}, {} points; Ctrl-C ends it", protocol, where, list.size()));
  }
};

template <class Place>
bool any_place(const PointList& list, std::optional<Place> PointRow::* place) {
  return std::any_of(list.begin(), list.end(), [&](const PointRow& row) { return (row.*place).has_value(); });
}

}  // namespace

int run_range_rtu(const RangeRtuOptions& o, std::FILE* out, std::FILE* err) {
  Stand stand(out, err, o.json);
  const iec104::StationSettings settings{.common_address = o.common_address,
                                         .link = {.k = o.k,
                                                  .w = o.w,
                                                  .t1 = std::chrono::seconds(o.t1),
                                                  .t2 = std::chrono::seconds(o.t2),
                                                  .t3 = std::chrono::seconds(o.t3)},
                                         .max_events = o.max_events,
                                         .each_connection = o.each_connection,
                                         .select_timeout = std::chrono::seconds(o.select_timeout)};
  if (const auto checked = check(settings); !checked) return report(checked.error(), o.json);
  if (const auto prepared = stand.prepare(o.points, o.life, o.record, o.log, Protocol::kIec104, o.input); !prepared)
    return report(prepared.error(), o.json);
  if (!any_place(stand.list, &PointRow::iec104))
    return report(
        {.code = ErrorCode::kInvalid, .message = "no point has an ioa", .where = {.source = o.points, .field = "ioa"}},
        o.json);

  iec104::Station station(stand.list, *stand.points, *stand.process, settings, stand.clock);
  station.on_report([&](const iec104::StationReport& r) {
    JsonObject object{{"time", r.time.text(3)},
                      {"event", "request"},
                      {"peer", r.peer},
                      {"type", iec104::type_of(r.type).name},
                      {"cause", iec104::cause_text(r.cause)},
                      {"object", r.object}};
    if (!r.point.empty()) {
      object["point"] = r.point;
      put_value(object, r.value);
      object["select"] = r.select;
    }
    object["outcome"] = r.outcome;
    stand.say_line(object, r.point.empty()
                               ? fmt::format("{} {} {}: {}", r.peer, iec104::type_of(r.type).name, r.object, r.outcome)
                               : fmt::format("{} {}{} {} ({}) = {}: {}", r.peer, r.select ? "select " : "",
                                             iec104::type_of(r.type).name, r.point, r.object, r.value, r.outcome));
  });
  const auto port =
      stand.listen(o.listen, o.max_connections, [&](const std::string& peer) { return station.accept(peer); });
  if (!port) return report(port.error(), o.json);
  stand.say_listening("iec104", o.listen, *port);
  stand.loop.run();
  stand.loop.close_all();  // the station outlives its sessions
  if (station.lost_events() > 0)
    fmt::print(err, "bongsu: {} changes found no room in the event buffer\n", station.lost_events());
  return kExitOk;
}

int run_range_plc(const RangePlcOptions& o, std::FILE* out, std::FILE* err) {
  Stand stand(out, err, o.json);
  if (o.unit > 255)
    return report({.code = ErrorCode::kInvalid, .message = "a unit is 1 to 247", .where = {.field = "unit"}}, o.json);
  const modbus::ServerSettings settings{.unit = static_cast<std::uint8_t>(o.unit),
                                        .vendor = o.vendor,
                                        .product = o.product,
                                        .revision = o.revision,
                                        .model = o.model};
  if (const auto checked = check(settings); !checked) return report(checked.error(), o.json);
  if (const auto prepared = stand.prepare(o.points, o.life, o.record, o.log, Protocol::kModbus, o.input); !prepared)
    return report(prepared.error(), o.json);
  if (!any_place(stand.list, &PointRow::modbus))
    return report({.code = ErrorCode::kInvalid,
                   .message = "no point has a Modbus address",
                   .where = {.source = o.points, .field = "modbus"}},
                  o.json);

  modbus::Server server(stand.list, *stand.points, *stand.process, settings, stand.clock);
  server.on_report([&](const modbus::ServerReport& r) {
    // Reads come every second from every client: what changes something, or was refused, is worth a line.
    if (r.written.empty() && !r.exception) return;
    JsonObject object{{"time", r.time.text(3)}, {"event", "request"},     {"peer", r.peer},
                      {"unit", r.unit},         {"function", r.function}, {"name", modbus::function_text(r.function)},
                      {"address", r.address},   {"count", r.count}};
    JsonObject written;
    std::string text;
    for (const auto& [name, value] : r.written) {
      written[name] = value;
      text += fmt::format(" {} = {}", name, value);
    }
    if (!written.empty()) object["written"] = written;
    const std::string outcome = r.exception ? modbus::exception_text(*r.exception) : "done";
    object["outcome"] = outcome;
    stand.say_line(object,
                   fmt::format("{} {} {}{}: {}", r.peer, modbus::function_text(r.function), r.address, text, outcome));
  });
  const auto port =
      stand.listen(o.listen, o.max_connections, [&](const std::string& peer) { return server.accept(peer); });
  if (!port) return report(port.error(), o.json);
  stand.say_listening("modbus", o.listen, *port);
  stand.loop.run();
  stand.loop.close_all();
  return kExitOk;
}

}  // namespace bongsu::cli
