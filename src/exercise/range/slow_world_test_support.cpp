#include "exercise/range/slow_world_test_support.h"

#include <algorithm>

namespace bongsu::exercise {

WorldConfig random_world(SeededRandom& random, bool batteries) {
  const auto chance = [&](std::uint64_t in) { return random.below(in) == 0; };
  const auto pick = [&](std::size_t count) { return static_cast<std::uint32_t>(random.below(count)); };
  const auto number = [](std::string_view name, std::size_t i) { return std::string(name) + std::to_string(i); };
  WorldConfig c;
  c.name = "random";
  const std::uint32_t count = 5 + pick(8);
  double load = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const double mw = chance(5) ? 0 : static_cast<double>(10 + pick(30));
    load += mw;
    c.power.buses.push_back({.number = i + 1, .load_mw = mw, .load_mvar = mw / 5, .base_kv = 110});
    c.power_names.buses.push_back(number("sub", i) + ".bus");
    c.power_names.substation_of.push_back(i);
    c.substations.push_back({.name = number("sub", i), .at = {55 + 0.1 * static_cast<double>(pick(10)), 24 + 0.1 * i}, .circuit = chance(6) ? "" : number("circuit", i)});
  }
  const auto branch = [&](std::uint32_t a, std::uint32_t b) {
    c.power_names.branches.push_back(number("line", c.power.branches.size()));
    c.power.branches.push_back({.from = a, .to = b, .r_pu = 0.01, .x_pu = 0.06, .charging_pu = 0.01, .rating_mva = static_cast<double>(40 + pick(80))});
  };
  for (std::uint32_t i = 0; i < count; ++i) branch(i, (i + 1) % count);
  for (int k = 0; k < 3; ++k)
    if (const std::uint32_t a = pick(count), b = pick(count); a != b) branch(a, b);
  const std::uint32_t generators = 2 + pick(3);
  for (std::uint32_t g = 0; g < generators; ++g) {
    const std::uint32_t at = pick(count);
    c.power.buses[at].kind = power::BusKind::kVoltage;
    const double most = load * 1.6 / generators;
    c.power.generators.push_back({.bus = at, .p_mw = load * 1.02 / generators, .q_max_mvar = most, .q_min_mvar = -most, .setpoint_pu = 1.02, .base_mva = most, .p_max_mw = most});
    c.power_names.generators.push_back(number("generator", g));
  }
  c.power.buses[c.power.generators[0].bus].kind = power::BusKind::kReference;
  for (std::uint32_t i = 0; i < count; ++i) {
    c.telecom.nodes.push_back({.name = number("node", i), .at = c.substations[i].at, .battery_h = batteries ? 0.01 * static_cast<double>(pick(60)) : 0, .recharge_h = 1,
                               .calls_per_hour = chance(2) ? 600.0 : 0, .exchange = chance(3), .own_supply = chance(6)});
    if (!c.telecom.nodes.back().own_supply) c.feeds.push_back({number("node", i), number("sub", pick(count)) + ".bus"});
  }
  for (std::uint32_t k = 0; k + 1 < count + 4; ++k) {
    const std::uint32_t a = k + 1 < count ? k : pick(count), b = k + 1 < count ? k + 1 : pick(count);
    c.telecom.links.push_back({.name = number("link", k), .a = a, .b = b, .mbps = 10, .km = static_cast<double>(pick(5))});
  }
  const std::uint32_t centre = pick(count);
  for (std::uint32_t i = 0; i < count; ++i) c.telecom.circuits.push_back({.name = number("circuit", i), .from = centre, .to = i});
  for (int d = 0; d < 4; ++d) c.telecom.demands.push_back({pick(count), pick(count), static_cast<double>(pick(10))});
  c.telecom.terminals = {{.name = "terminal0", .node = pick(count)}};
  c.controls = {{"generator0", "circuit0"}, {"generator1", "terminal0"}};
  for (std::uint32_t i = 0; i < 4; ++i) {
    c.rail.stations.push_back({.name = number("station", i), .at = c.substations[i].at});
    c.feeds.push_back({number("station", i), number("sub", pick(count)) + ".bus"});
    if (i == 0) continue;
    c.rail.segments.push_back({.name = number("segment", i), .a = i - 1, .b = i, .run_s = 300, .tracks = chance(2) ? 1 : 2, .electric = chance(2)});
    if (c.rail.segments.back().electric) c.feeds.push_back({number("segment", i), number("sub", pick(count)) + ".bus"});
    c.signals.push_back({number("segment", i), number("circuit", pick(count))});
  }
  c.rail.lines = {{.name = "train", .stations = {0, 1, 2, 3}, .headway_s = 900, .first_s = 0, .last_s = 20 * 3600}};
  c.services = {{"power", Service::Kind::kPower, {"sub0.bus", "sub1.bus"}}, {"rail", Service::Kind::kRail, {"segment1"}}};
  c.settings.crew_s = 120;
  c.settings.repair_s = 300;
  return c;
}

void SlowWorld::note(const WorldOrder& o) {
  const auto put = [&](std::vector<std::string>& list, bool in) {
    if (in) list.push_back(o.target);
    else std::erase(list, o.target);
  };
  if (o.verb == Verb::kCut || o.verb == Verb::kSplice) put(cut_, o.verb == Verb::kCut);
  if (o.verb == Verb::kPowerOut || o.verb == Verb::kPowerBack) {
    std::erase(switched_off_, o.target);
    put(switched_off_, o.verb == Verb::kPowerOut);
  }
  if (o.verb == Verb::kBrick || o.verb == Verb::kReflash) put(bricked_, o.verb == Verb::kBrick);
}

double SlowWorld::seen(const World& world, const std::string& name, Quantity quantity) const {
  const auto value = world.measure(name, quantity);
  return value ? value->value : -1;
}

std::vector<char> SlowWorld::reached(std::uint32_t from, const std::vector<char>& running) const {
  std::vector<char> out(running.size(), 0);
  out[from] = running[from];
  for (std::size_t round = 0; round < running.size(); ++round)
    for (const telecom::Link& link : c_.telecom.links) {
      if (std::ranges::find(cut_, link.name) != cut_.end() || running[link.a] == 0 || running[link.b] == 0) continue;
      if (out[link.a] != 0 || out[link.b] != 0) out[link.a] = out[link.b] = 1;
    }
  return out;
}

std::vector<std::string> SlowWorld::broken_rules(const World& world, bool exact) const {
  std::vector<std::string> broken;
  const auto has = [](const std::vector<std::string>& list, const std::string& name) { return std::ranges::find(list, name) != list.end(); };
  // The grid's truth comes from outside of the couplings: a bus feeds while something is served there, or nothing is wanted and it is live.
  const auto fed = [&](const std::string& consumer) {
    for (const Feed& feed : c_.feeds)
      if (feed.consumer == consumer) return world.feeds(*world.find(feed.bus));
    return true;
  };
  const auto supplied = [&](const std::string& name) { return fed(name) && !has(switched_off_, name); };
  std::vector<char> running;
  for (const telecom::Node& node : c_.telecom.nodes) {
    const bool is = seen(world, node.name) == 1, power = node.own_supply || supplied(node.name);
    if (power && !is) broken.push_back(node.name + " has power and does not run");
    if (!power && is && (exact || !(seen(world, node.name, Quantity::kBattery_h) > 0))) broken.push_back(node.name + " runs on nothing");
    running.push_back(is);
  }
  const auto circuit_up = [&](const std::string& name) { return seen(world, name) == 1; };
  for (const telecom::Circuit& circuit : c_.telecom.circuits)
    if (circuit_up(circuit.name) != (reached(circuit.from, running)[circuit.to] != 0)) broken.push_back(circuit.name + " is not what its network is");
  for (const telecom::Terminal& terminal : c_.telecom.terminals)
    if ((seen(world, terminal.name) == 1) != (running[terminal.node] != 0 && !has(bricked_, terminal.name))) broken.push_back(terminal.name + " is not what its power and software are");
  for (const Substation& s : c_.substations) {
    const bool reach = !s.circuit.empty() && circuit_up(s.circuit);
    if (world.reachable(*world.find(s.name)) != reach) broken.push_back(s.name + " is reached without its circuit, or not with it");
    const WorldOrder open{.verb = Verb::kOpen, .target = s.name + ".breaker1"};
    const auto done = world.check(open);
    if (!reach && (done || done.error().code != ErrorCode::kUnavailable)) broken.push_back(s.name + " is switched from afar without a circuit");
    if (reach && !done && done.error().code != ErrorCode::kConflict) broken.push_back(s.name + ": " + done.error().text());
    const auto measured = world.measure(s.name + ".bus", Quantity::kVoltage_kv);
    if (measured && measured->topical != reach) broken.push_back(s.name + " shows data as fresh that are not, or the other way");
  }
  for (const Control& control : c_.controls)
    if (world.reachable(*world.find(control.generator)) != circuit_up(control.by)) broken.push_back(control.generator + " obeys without " + control.by);
  for (std::size_t k = 0; k < c_.rail.segments.size(); ++k) {
    const rail::Segment& s = c_.rail.segments[k];
    bool open = !has(cut_, s.name) && supplied(c_.rail.stations[s.a].name) && supplied(c_.rail.stations[s.b].name) && (!s.electric || supplied(s.name));
    for (const SignalLine& line : c_.signals)
      if (line.segment == s.name) open = open && circuit_up(line.circuit);
    if ((seen(world, s.name) == 1) != open) broken.push_back(s.name + " is open where it may not, or the other way");
  }
  for (std::size_t k = 0; k < c_.power.branches.size(); ++k) {
    const std::string& name = c_.power_names.branches[k];
    const auto position = world.measure(name, Quantity::kPosition);
    if (has(cut_, name) && position->topical && position->value == 1) broken.push_back(name + " carries and is broken");
  }
  return broken;
}

}  // namespace bongsu::exercise
