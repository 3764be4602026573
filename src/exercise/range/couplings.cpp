// What follows from what: the grid's events and switched loads reach telecom and rail, circuits reach substations, generators and signals.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exercise/range/world_impl.h"

namespace bongsu::exercise {

// The grid tells of branches and buses by number; what they are called, and what led to it, is known here.
void World::Impl::tell_grid_events() {
  const power::Network& n = setup->config.power;
  for (const power::GridEvent& e : grid.take_events()) {
    using Kind = power::GridEvent::Kind;
    const auto part = [&](std::uint32_t bus) -> std::uint64_t& { return changed_by[setup->part_of[bus]]; };
    switch (e.kind) {
      case Kind::kOrdered:
        break;  // the world's order is an event already
      case Kind::kOverloadTrip:
      case Kind::kHiddenTrip: {
        for (const int end : {0, 1}) closed[setup->breaker_at[end][e.at]] = 0;
        std::uint64_t& last = part(n.branches[e.at].from);
        last = log.add(now_s, WorldEventKind::kTripped, name(ThingKind::kBranch, e.at), 0, fmt::format("{}: {}", name(ThingKind::kBranch, e.at), e.text), last);
        break;
      }
      case Kind::kGeneratorTrip: {
        std::uint64_t& last = part(n.generators[e.at].bus);
        last = log.add(now_s, WorldEventKind::kTripped, name(ThingKind::kGenerator, e.at), e.mw, fmt::format("{}: {}", name(ThingKind::kGenerator, e.at), e.text), last);
        break;
      }
      case Kind::kFrequencyShed:
      case Kind::kVoltageShed:
      case Kind::kDark: {
        std::uint64_t& last = part(e.at);
        last = log.add(now_s, e.kind == Kind::kDark ? WorldEventKind::kDark : WorldEventKind::kShed, "", e.mw,
                       fmt::format("from {} on: {}", name(ThingKind::kBus, e.at), e.text), last);
        break;
      }
      case Kind::kSplit:
        log.add(now_s, WorldEventKind::kSplit, "", 0, e.text, *std::ranges::max_element(changed_by));
        break;
    }
  }
}

void World::Impl::tell_dark_and_live() {
  for (std::uint32_t s = 0; s < alive.size(); ++s) {
    const std::vector<std::uint32_t>& buses = setup->buses_of[s];
    if (buses.empty()) continue;
    const bool live = std::ranges::any_of(buses, [&](std::uint32_t bus) { return grid.live(bus); });
    if (std::exchange(alive[s], live ? 1 : 0) == (live ? 1 : 0)) continue;
    double mw = 0;
    for (const std::uint32_t bus : buses) mw += grid.demand_mw(bus);
    const std::string& called = name(ThingKind::kSubstation, s);
    const std::uint64_t cause = changed_by[setup->part_of[buses.front()]];
    const std::uint64_t told = live ? log.add(now_s, WorldEventKind::kLive, called, mw, fmt::format("{} is live again", called), cause)
                                    : log.add(now_s, WorldEventKind::kDark, called, mw, fmt::format("{} is dark: {:.1f} MW of demand", called, mw), cause);
    for (const std::uint32_t bus : buses) dark_by[bus] = told;
  }
}

// Who hangs on a bus has power while it is live and its load is not switched off whole.
void World::Impl::supply() {
  std::vector<char> changed(fed.size(), 0);
  for (std::uint32_t bus = 0; bus < fed.size(); ++bus) {
    const bool feeds = grid.live(bus) && (grid.connected(bus) > 0 || grid.demand_mw(bus) == 0);
    if (std::exchange(fed[bus], feeds ? 1 : 0) == (feeds ? 1 : 0)) continue;
    changed[bus] = 1;
    const std::uint64_t last = changed_by[setup->part_of[bus]];
    dark_by[bus] = std::max(dark_by[bus], last);
  }
  const auto moved = [&](std::uint32_t bus) { return bus != kNothing && changed[bus] != 0; };
  for (std::uint32_t i = 0; i < setup->node_bus.size(); ++i)
    if (const std::uint32_t bus = setup->node_bus[i]; moved(bus)) telecom.set_supply(i, fed[bus] != 0, dark_by[bus]);
  for (std::uint32_t k = 0; k < setup->traction_bus.size(); ++k)
    if (const std::uint32_t bus = setup->traction_bus[k]; moved(bus)) rail.set_traction(k, fed[bus] != 0, dark_by[bus]);
  for (std::uint32_t i = 0; i < setup->signal_bus.size(); ++i)
    if (const std::uint32_t bus = setup->signal_bus[i]; moved(bus)) rail.set_signals(i, fed[bus] != 0, dark_by[bus]);
}

// Circuits and terminals as they are now: substations in sight, generators in control, signals that reach their room.
void World::Impl::control() {
  for (std::uint32_t s = 0; s < reachable_substation.size(); ++s) {
    const bool reach = substation_reachable(s);
    if (std::exchange(reachable_substation[s], reach ? 1 : 0) == (reach ? 1 : 0)) continue;
    freeze(s);
  }
  for (std::uint32_t g = 0; g < in_control.size(); ++g) {
    const bool now = controlled(g);
    if (std::exchange(in_control[g], now ? 1 : 0) == (now ? 1 : 0)) continue;
    const ControlPath& path = setup->control_of[g];
    const std::uint64_t cause = path.kind == ControlPath::Kind::kCircuit ? telecom.circuit_event(path.at) : telecom.terminal_event(path.at);
    const double mw = grid.turbine_mw(g);
    const std::string& called = name(ThingKind::kGenerator, g);
    if (now) log.add(now_s, WorldEventKind::kControlBack, called, mw, fmt::format("{} can be steered again", called), cause);
    else log.add(now_s, WorldEventKind::kControlLost, called, mw, fmt::format("{} is out of control with {:.1f} MW", called, mw), cause);
  }
  for (std::uint32_t k = 0; k < setup->segment_circuit.size(); ++k)
    if (const std::uint32_t circuit = setup->segment_circuit[k]; circuit != kNothing && telecom.circuit_up(circuit) != rail.circuit(k))
      rail.set_circuit(k, telecom.circuit_up(circuit), telecom.circuit_event(circuit));
}

// What was seen last stays on the screens of a substation that is out of sight.
void World::Impl::freeze(std::uint32_t substation_index) {
  const bool out_of_sight = reachable_substation[substation_index] == 0;
  const auto keep = [&](ThingKind kind, std::uint32_t index, std::initializer_list<Quantity> quantities) {
    const Thing* thing = setup->find(name(kind, index));
    const auto place = static_cast<std::uint32_t>(thing - setup->things.data());
    for (const Quantity q : quantities) {
      if (out_of_sight) frozen[{place, q}] = live_value(*thing, q);
      else frozen.erase({place, q});
    }
  };
  for (const std::uint32_t bus : setup->buses_of[substation_index]) keep(ThingKind::kBus, bus, {Quantity::kPosition, Quantity::kVoltage_kv, Quantity::kFrequency_hz, Quantity::kLoad_mw, Quantity::kDemand_mw});
  for (std::uint32_t b = 0; b < setup->breakers.size(); ++b) {
    const Breaker& breaker = setup->breakers[b];
    if (breaker.substation != substation_index) continue;
    keep(ThingKind::kBreaker, b, {Quantity::kPosition, Quantity::kPower_mw, Quantity::kReactive_mvar, Quantity::kLoading});
    if (breaker.end == 0) keep(ThingKind::kBranch, breaker.branch, {Quantity::kPosition, Quantity::kPower_mw, Quantity::kReactive_mvar, Quantity::kLoading});
  }
  for (std::uint32_t g = 0; g < setup->control_of.size(); ++g)
    if (substation(setup->config.power.generators[g].bus) == substation_index)
      keep(ThingKind::kGenerator, g, {Quantity::kPosition, Quantity::kPower_mw, Quantity::kReactive_mvar, Quantity::kSetpoint_mw});
}

void World::Impl::note_rates() {
  const power::Network& n = setup->config.power;
  double out = 0;
  for (std::uint32_t i = 0; i < n.buses.size(); ++i)
    if (n.buses[i].load_mw > 0) out += n.buses[i].load_mw * (grid.live(i) ? 1 - grid.connected(i) : 1);
  customers_out = out * setup->config.settings.customers_per_mw;
  uncontrolled_mw = 0;
  for (std::uint32_t g = 0; g < in_control.size(); ++g)
    if (in_control[g] == 0) uncontrolled_mw += grid.turbine_mw(g);
  most_customers_out = std::max(most_customers_out, customers_out);
  most_uncontrolled_mw = std::max(most_uncontrolled_mw, uncontrolled_mw);
  most_circuits_down = std::max(most_circuits_down, telecom.circuits_down());
}

void World::Impl::conclude(bool grid_changed) {
  if (grid_changed || grid.any_events()) {
    tell_grid_events();
    tell_dark_and_live();
    supply();
  }
  telecom.settle(now_s, log);
  control();
  rail.settle(now_s, log);
  note_rates();
}

}  // namespace bongsu::exercise
