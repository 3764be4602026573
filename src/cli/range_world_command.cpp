#include "cli/range_world_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/json.h"
#include "cli/terminal.h"
#include "exercise/range/order_file.h"
#include "exercise/range/power/build_grid.h"
#include "exercise/range/world.h"
#include "exercise/range/world_file.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise;

constexpr double kShown_s = 60;  // events are printed at least so often
constexpr std::size_t kMaxOrderBytes = 64 * 1024 * 1024;

int trouble(const Error& error, bool json, std::FILE* out, std::FILE* err) {
  if (json) fmt::print(out, "{}\n", to_text(Json(JsonObject{{"kind", "trouble"}, {"message", error.text()}})));
  else fmt::print(err, "bongsu: {}\n", printable(error.text()));
  return kExitTrouble;
}

std::string clock_text(double seconds) {
  const auto tenths = static_cast<std::int64_t>(std::llround(seconds * 10));
  return fmt::format("{:02}:{:02}:{:02}.{}", tenths / 36000, tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
}

void print_event(const WorldEvent& e, bool json, std::FILE* out) {
  if (json)
    fmt::print(out, "{}\n", to_text(Json(JsonObject{{"kind", to_string(e.kind)}, {"id", e.id}, {"at_s", e.at_s}, {"target", e.target}, {"magnitude", e.magnitude}, {"text", e.text}, {"cause", e.cause}})));
  else fmt::print(out, "{}  #{:<6} {}{}\n", clock_text(e.at_s), e.id, printable(e.text), e.cause == 0 ? "" : fmt::format("  (because of #{})", e.cause));
}

void print_end(const World& world, std::uint64_t seed, bool json, std::FILE* out) {
  const Consequences c = world.consequences();
  if (json) {
    JsonObject services;
    for (const ServiceState& s : world.services()) services[s.name] = s.availability;
    fmt::print(out, "{}\n", to_text(Json(JsonObject{{"kind", "consequences"}, {"world", world.config().name}, {"seed", seed}, {"at_s", world.now_s()}, {"unserved_mwh", c.unserved_mwh},
        {"served_mwh", c.served_mwh}, {"customers_out", c.customers_out}, {"most_customers_out", c.most_customers_out}, {"customer_hours", c.customer_hours},
        {"uncontrolled_mw", c.uncontrolled_mw}, {"most_uncontrolled_mw", c.most_uncontrolled_mw}, {"uncontrolled_mwh", c.uncontrolled_mwh}, {"circuits_down", c.circuits_down},
        {"most_circuits_down", c.most_circuits_down}, {"circuit_hours", c.circuit_hours}, {"calls_lost", c.calls_lost}, {"nodes_down", c.nodes_down}, {"trains_held", c.trains_held},
        {"trains_arrived", c.trains_arrived}, {"train_minutes", c.train_minutes}, {"services", std::move(services)}})));
    return;
  }
  fmt::print(out, "\n{} after {}, seed {}\n", printable(world.config().name), clock_text(world.now_s()), seed);
  fmt::print(out, "power      {:.1f} MWh served, {:.1f} MWh not; {:.0f} customers without now, {:.0f} at most (estimated from load), {:.0f} customer hours\n", c.served_mwh, c.unserved_mwh,
             c.customers_out, c.most_customers_out, c.customer_hours);
  fmt::print(out, "control    {:.1f} MW of generation out of control now, {:.1f} MW at most, {:.1f} MWh\n", c.uncontrolled_mw, c.most_uncontrolled_mw, c.uncontrolled_mwh);
  fmt::print(out, "telecom    {} circuits down now, {} at most, {:.1f} circuit hours; {} nodes down; {:.0f} calls lost\n", c.circuits_down, c.most_circuits_down, c.circuit_hours, c.nodes_down,
             c.calls_lost);
  fmt::print(out, "rail       {} trains arrived, {} held now, {:.0f} minutes late together\n", c.trains_arrived, c.trains_held, c.train_minutes);
  for (const ServiceState& s : world.services())
    if (s.availability < 0.999) fmt::print(out, "  {:>5.1f} %  {}\n", s.availability * 100, printable(s.name));
}

}  // namespace

Result<WorldConfig> load_world(const std::string& file, const std::string& data) {
  BONGSU_TRY(const std::string text, telemetry::read_whole(file, kMaxWorldFileBytes));
  const std::filesystem::path beside = std::filesystem::path(file).parent_path();
  return read_world(text, file, [&](const std::string& name) -> Result<std::string> {
    const std::filesystem::path own = beside / name;
    std::error_code ignored;
    if (data.empty() || std::filesystem::exists(own, ignored)) return telemetry::read_whole(own.string(), power::kMaxGridBytes);
    return telemetry::read_whole((std::filesystem::path(data) / name).string(), power::kMaxGridBytes);
  });
}

int run_range_world(const RangeWorldCommand& c, std::FILE* out, std::FILE* err) {
  const bool json = c.json || !is_terminal(out);
  const auto refuse = [&](const Error& error) { return trouble(error, json, out, err); };
  const auto until = range_time(c.until);
  if (!until) return refuse(until.error());
  std::vector<TimedOrder> orders;
  if (!c.orders.empty()) {
    const auto text = telemetry::read_whole(c.orders, kMaxOrderBytes);
    if (!text) return refuse(text.error());
    auto read = read_orders(*text, c.orders);
    if (!read) return refuse(read.error());
    orders = std::move(*read);
  }
  auto config = load_world(c.file, c.data);
  if (!config) return refuse(config.error());
  if (!config->remarks.empty() && !json) fmt::print(err, "{}\n", for_terminal(config->remarks));
  auto world = World::make(std::move(*config), c.seed);
  if (!world) return refuse(world.error());
  if (c.list) {
    for (const Thing& thing : world->things()) {
      if (json) fmt::print(out, "{}\n", to_text(Json(JsonObject{{"name", thing.name}, {"kind", to_string(thing.kind)}, {"lat", thing.at.lat}, {"lon", thing.at.lon}})));
      else fmt::print(out, "{:<10} {}\n", to_string(thing.kind), printable(thing.name));
    }
    return kExitOk;
  }
  Progress bar("seconds", static_cast<std::uint64_t>(*until));
  std::size_t next = 0;
  const auto print_events = [&] {
    for (const WorldEvent& e : world->take_events()) print_event(e, json, out);
  };
  while (true) {
    while (next < orders.size() && orders[next].at_s <= world->now_s()) (void)world->order(orders[next++].order);  // refusals are events
    print_events();
    if (world->now_s() >= *until) break;
    double to = std::min(*until, (std::floor(world->now_s() / kShown_s) + 1) * kShown_s);
    if (next < orders.size()) to = std::min(to, orders[next].at_s);
    world->advance(to - world->now_s());
    if (!c.quiet) bar.update(static_cast<std::uint64_t>(world->now_s()));
  }
  print_end(*world, c.seed, json, out);
  const Consequences end = world->consequences();
  return end.unserved_mwh > 0 || end.circuit_hours > 0 || end.train_minutes > 0 || end.uncontrolled_mwh > 0 ? kExitNo : kExitOk;
}

}  // namespace bongsu::cli
