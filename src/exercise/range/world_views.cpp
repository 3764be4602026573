// What is seen of a world: totals, services, measurements, and the state as text.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exercise/range/world_impl.h"

namespace bongsu::exercise {

Consequences World::Impl::consequences() const {
  const power::Energy energy = seen().energy();
  const double hours = (now_s - accounted_s) / 3600;
  Consequences c;
  c.unserved_mwh = energy.unserved;
  c.served_mwh = energy.served;
  c.customers_out = customers_out;
  c.most_customers_out = most_customers_out;
  c.customer_hours = customer_hours + customers_out * hours;
  c.uncontrolled_mw = uncontrolled_mw;
  c.most_uncontrolled_mw = most_uncontrolled_mw;
  c.uncontrolled_mwh = uncontrolled_mwh + uncontrolled_mw * hours;
  c.circuits_down = telecom.circuits_down();
  c.most_circuits_down = most_circuits_down;
  c.circuit_hours = telecom.circuit_hours(now_s);
  c.calls_lost = telecom.calls_lost(now_s);
  for (std::uint32_t i = 0; i < telecom.network().nodes.size(); ++i) c.nodes_down += telecom.running(i) ? 0 : 1;
  c.trains_held = rail.held();
  c.trains_arrived = rail.arrived();
  c.train_minutes = rail.train_minutes(now_s);
  return c;
}

double World::Impl::availability(std::size_t service) const {
  const Service& of = setup->config.services[service];
  const power::LiveGrid& now = seen();
  double have = 0, all = 0;
  for (const Thing& thing : setup->members[service]) {
    double weight = 1, part = 0;
    switch (of.kind) {
      case Service::Kind::kPower:
        weight = now.demand_mw(thing.index);
        part = weight > 0 ? std::clamp(now.served_mw(thing.index) / weight, 0.0, 1.0) : 0;
        break;
      case Service::Kind::kMobile:
        weight = setup->config.telecom.nodes[thing.index].calls_per_hour;
        part = telecom.calls_part(thing.index);
        break;
      case Service::Kind::kData:
        part = telecom.data_part(thing.index);
        break;
      case Service::Kind::kRail:
        part = rail.open(thing.index) ? 1 : 0;
        break;
      case Service::Kind::kControl:
        part = (thing.kind == ThingKind::kGenerator ? controlled(thing.index) : reachable(thing)) ? 1 : 0;
        break;
    }
    have += weight * part;
    all += weight;
  }
  return all > 0 ? have / all : 1;
}

double World::Impl::live_value(const Thing& thing, Quantity q) const {
  const power::LiveGrid& now = seen();
  const power::Network& n = now.network();
  const std::uint32_t i = thing.index;
  const auto branch = [&](std::uint32_t k, int end) {
    const power::BranchFlow& f = now.flow().branches[k];
    switch (q) {
      case Quantity::kPower_mw:
        return end == 0 ? f.from_mw : f.to_mw;
      case Quantity::kReactive_mvar:
        return end == 0 ? f.from_mvar : f.to_mvar;
      case Quantity::kLoading:
        return now.loading(k);
      default:
        return now.network().branches[k].on ? 1.0 : 0.0;
    }
  };
  switch (thing.kind) {
    case ThingKind::kBus:
      if (q == Quantity::kVoltage_kv) return now.flow().magnitude_pu[i] * n.buses[i].base_kv;
      if (q == Quantity::kFrequency_hz) return now.frequency_hz(i);
      if (q == Quantity::kLoad_mw) return now.served_mw(i);
      if (q == Quantity::kDemand_mw) return now.demand_mw(i);
      return now.live(i) ? 1 : 0;
    case ThingKind::kBreaker:
      return q == Quantity::kPosition ? closed[i] : branch(setup->breakers[i].branch, setup->breakers[i].end);
    case ThingKind::kBranch:
      return branch(i, 0);
    case ThingKind::kGenerator:
      if (q == Quantity::kPower_mw) return now.turbine_mw(i);
      if (q == Quantity::kReactive_mvar) return now.flow().generator_mvar[i];
      if (q == Quantity::kSetpoint_mw) return now.setpoint_mw(i);
      return n.generators[i].on ? 1 : 0;
    case ThingKind::kNode:
      return q == Quantity::kBattery_h ? telecom.battery_h(i, now_s) : telecom.running(i) ? 1 : 0;
    case ThingKind::kLink:
      return telecom.up(i) ? 1 : 0;
    case ThingKind::kCircuit:
      return telecom.circuit_up(i) ? 1 : 0;
    case ThingKind::kTerminal:
      return telecom.terminal_up(i) ? 1 : 0;
    case ThingKind::kSegment:
      return rail.open(i) ? 1 : 0;
    case ThingKind::kStation:
      return rail.signals(i) ? 1 : 0;
    case ThingKind::kTrain:
      return rail.delay_s(i, now_s) / 60;
    case ThingKind::kSubstation:
      return alive[i];
    case ThingKind::kDisaster:
      return std::ranges::any_of(disasters,
                                 [&](const DisasterUnderWay& one) { return one.disaster.name == thing.name; })
                 ? 1
                 : 0;
  }
  return 0;
}

Result<Measured> World::Impl::measure(const Thing& thing, Quantity q) const {
  using enum Quantity;
  const auto has = [&](std::initializer_list<Quantity> quantities) {
    return std::ranges::find(quantities, q) != quantities.end();
  };
  bool fits = q == kPosition && thing.kind != ThingKind::kTrain;
  switch (thing.kind) {
    case ThingKind::kBus:
      fits = fits || has({kVoltage_kv, kFrequency_hz, kLoad_mw, kDemand_mw});
      break;
    case ThingKind::kBreaker:
    case ThingKind::kBranch:
      fits = fits || has({kPower_mw, kReactive_mvar, kLoading});
      break;
    case ThingKind::kGenerator:
      fits = fits || has({kPower_mw, kReactive_mvar, kSetpoint_mw});
      break;
    case ThingKind::kNode:
      fits = fits || q == kBattery_h;
      break;
    case ThingKind::kTrain:
      fits = q == kDelay_min;
      break;
    default:
      break;
  }
  if (!fits)
    return fail(ErrorCode::kInvalid, fmt::format("a {} has no {}", to_string(thing.kind), to_string(q)),
                {.field = thing.name});
  const auto found = frozen.find({static_cast<std::uint32_t>(setup->find(thing.name) - setup->things.data()), q});
  if (found != frozen.end()) return Measured{found->second, false};
  // A generator with a way of its own may be out of sight while its substation is not.
  const bool topical = thing.kind != ThingKind::kGenerator || controlled(thing.index);
  return Measured{live_value(thing, q), topical};
}

std::string World::Impl::state_text() const {
  std::string out;
  const auto numbers = [&](std::string_view what, auto&& count, auto&& value) {
    fmt::format_to(std::back_inserter(out), "{}", what);
    for (std::uint32_t i = 0; i < count; ++i)
      fmt::format_to(std::back_inserter(out), " {:a}", static_cast<double>(value(i)));
    out += '\n';
  };
  const power::LiveGrid& g = seen();
  const power::Network& n = g.network();
  const power::Energy e = g.energy();
  fmt::format_to(std::back_inserter(out),
                 "now {:a} grid {:a} steps {} dispatched {:a} events {} orders {} crews {} disasters {}\n", now_s,
                 grid.now_s(), steps, dispatched_s, log.last(), orders.size(), crews.size(), disasters.size());
  for (const CrewAtWork& work : crews)
    fmt::format_to(std::back_inserter(out), "crew {:a} {} {}\n", work.due_s, to_string(work.order.verb),
                   work.order.target);
  for (const DisasterUnderWay& one : disasters)
    fmt::format_to(std::back_inserter(out), "disaster {} {:a} {:a} {}\n", one.disaster.name, one.began_s, one.next_s,
                   SeededRandom(one.random).next());
  fmt::format_to(std::back_inserter(out), "energy {:a} {:a} {:a} {:a} {:a} {:a}\n", e.turbines, e.served, e.losses,
                 e.unserved, e.by_frequency, e.kinetic);
  numbers("voltage", n.buses.size(), [&](std::uint32_t i) { return g.flow().magnitude_pu[i]; });
  numbers("angle", n.buses.size(), [&](std::uint32_t i) { return g.flow().angle_rad[i]; });
  numbers("hz", n.buses.size(), [&](std::uint32_t i) { return g.frequency_hz(i); });
  numbers("connected", n.buses.size(), [&](std::uint32_t i) { return g.connected(i); });
  numbers("demand", n.buses.size(), [&](std::uint32_t i) { return g.demand_mw(i); });
  numbers("usual", n.buses.size(), [&](std::uint32_t i) { return demand[i]; });
  numbers("fed", n.buses.size(), [&](std::uint32_t i) { return fed[i] + 2.0 * static_cast<double>(dark_by[i]); });
  numbers("turbine", n.generators.size(), [&](std::uint32_t i) { return g.turbine_mw(i); });
  numbers("setpoint", n.generators.size(), [&](std::uint32_t i) { return g.setpoint_mw(i); });
  numbers("generator", n.generators.size(),
          [&](std::uint32_t i) { return n.generators[i].on + 2 * manual[i] + 4 * in_control[i]; });
  numbers("branch", n.branches.size(),
          [&](std::uint32_t i) { return n.branches[i].on + 2 * static_cast<int>(broken[i] != 0); });
  numbers("relay", n.branches.size(), [&](std::uint32_t i) { return g.relay(i); });
  numbers("breaker", closed.size(), [&](std::uint32_t i) { return closed[i]; });
  numbers("node", telecom.network().nodes.size(),
          [&](std::uint32_t i) { return telecom.running(i) + 2 * telecom.battery_h(i, now_s); });
  numbers("link", telecom.network().links.size(),
          [&](std::uint32_t i) { return telecom.whole(i) + telecom.load_mbps(i); });
  numbers("degraded", telecom.network().links.size(), [&](std::uint32_t i) { return telecom.degraded(i); });
  numbers("circuit", telecom.network().circuits.size(), [&](std::uint32_t i) {
    return telecom.circuit_up(i) + 2 * (circuit_taken[i] != 0) + 4.0 * static_cast<double>(telecom.route(i).size());
  });
  numbers("terminal", telecom.network().terminals.size(),
          [&](std::uint32_t i) { return telecom.terminal_up(i) + 2 * (terminal_taken[i] != 0); });
  numbers("segment", rail.network().segments.size(), [&](std::uint32_t i) {
    double sum = rail.open(i);
    for (const int way : {0, 1})
      for (const std::uint32_t train : rail.trains_on(i, way)) sum = 3 * sum + train;
    return sum;
  });
  numbers("train", rail.trains().size(), [&](std::uint32_t i) {
    return rail.delay_s(i, now_s) + 1e6 * static_cast<int>(rail.state(i)) + rail.position(i, now_s).lat;
  });
  const Consequences c = consequences();
  fmt::format_to(std::back_inserter(out), "totals {:a} {:a} {:a} {:a} {:a} {:a} {:a} {:a} {} {} {} {:a}\n",
                 c.customers_out, c.most_customers_out, c.customer_hours, c.uncontrolled_mw, c.most_uncontrolled_mw,
                 c.uncontrolled_mwh, c.circuit_hours, c.calls_lost, c.nodes_down, c.trains_held, c.trains_arrived,
                 c.train_minutes);
  for (const auto& [key, value] : frozen)
    fmt::format_to(std::back_inserter(out), "frozen {} {} {:a}\n", key.first, to_string(key.second), value);
  return out;
}

}  // namespace bongsu::exercise
