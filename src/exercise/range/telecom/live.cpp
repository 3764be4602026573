#include "exercise/range/telecom/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace bongsu::exercise::telecom {
namespace {

constexpr double kFarFuture = std::numeric_limits<double>::infinity();
constexpr double kMaxHours = 10'000, kMaxMbps = 1e9, kMaxKm = 50'000, kMaxCalls = 1e9;

bool within(double value, double most) { return std::isfinite(value) && value >= 0 && value <= most; }

}  // namespace

Result<void> check(const Network& n) {
  const auto wrong = [](std::string_view table, std::size_t row, const std::string& name, std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = fmt::format("{}[{}] {}", table, row, name)});
  };
  if (n.nodes.size() > kMaxNodes || n.links.size() > kMaxLinks || n.circuits.size() > kMaxCircuits ||
      n.terminals.size() > kMaxCircuits || n.demands.size() > kMaxDemands)
    return fail(ErrorCode::kTooLarge, fmt::format("a network has at most {} nodes, {} links, {} circuits, {} demands",
                                                  kMaxNodes, kMaxLinks, kMaxCircuits, kMaxDemands));
  const auto is_node = [&](std::uint32_t node) { return node < n.nodes.size(); };
  for (std::size_t i = 0; i < n.nodes.size(); ++i) {
    const Node& one = n.nodes[i];
    if (!within(one.battery_h, kMaxHours) || !within(one.recharge_h, kMaxHours) ||
        !within(one.calls_per_hour, kMaxCalls))
      return wrong("nodes", i, one.name, "hours lie between 0 and 10,000, calls between 0 and a milliard");
    if (!on_earth(one.at)) return wrong("nodes", i, one.name, "a position is -90 to 90 and -180 to 180 degrees");
  }
  for (std::size_t i = 0; i < n.links.size(); ++i) {
    const Link& one = n.links[i];
    if (!is_node(one.a) || !is_node(one.b)) return wrong("links", i, one.name, "an end is no node");
    if (!within(one.mbps, kMaxMbps) || !within(one.km, kMaxKm))
      return wrong("links", i, one.name, "capacity or length is out of range");
  }
  for (std::size_t i = 0; i < n.circuits.size(); ++i) {
    const Circuit& one = n.circuits[i];
    if (!is_node(one.from) || !is_node(one.to)) return wrong("circuits", i, one.name, "an end is no node");
    if (!within(one.mbps, kMaxMbps)) return wrong("circuits", i, one.name, "capacity is out of range");
  }
  for (std::size_t i = 0; i < n.terminals.size(); ++i)
    if (!is_node(n.terminals[i].node)) return wrong("terminals", i, n.terminals[i].name, "stands at no node");
  for (std::size_t i = 0; i < n.demands.size(); ++i)
    if (!is_node(n.demands[i].from) || !is_node(n.demands[i].to) || !within(n.demands[i].mbps, kMaxMbps))
      return wrong("demands", i, "", "an end is no node, or the traffic is out of range");
  return {};
}

LiveTelecom::LiveTelecom(Network network) : n_(std::move(network)), at_(links_at(n_)) {
  usable_.node.assign(n_.nodes.size(), 1);
  usable_.link.assign(n_.links.size(), 1);
  nodes_.resize(n_.nodes.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].charge_h = n_.nodes[i].battery_h;
  links_.resize(n_.links.size());
  circuits_.resize(n_.circuits.size());
  terminals_.resize(n_.terminals.size());
  delivered_.assign(n_.demands.size(), 0);
  reaches_exchange_.assign(n_.nodes.size(), 0);
  wanted_at_.assign(n_.nodes.size(), 0);
  delivered_at_ = wanted_at_;
  for (const Demand& d : n_.demands) {
    wanted_at_[d.from] += d.mbps;
    wanted_at_[d.to] += d.mbps;
  }
  for (const Circuit& c : n_.circuits) sources_.push_back(c.from);
  for (const Demand& d : n_.demands) sources_.push_back(d.from);
  std::ranges::sort(sources_);
  const auto twice = std::ranges::unique(sources_);
  sources_.erase(twice.begin(), twice.end());
  const auto source = [&](std::uint32_t node) {
    return static_cast<std::size_t>(std::ranges::lower_bound(sources_, node) - sources_.begin());
  };
  circuits_of_.resize(sources_.size());
  demands_of_.resize(sources_.size());
  for (std::uint32_t c = 0; c < n_.circuits.size(); ++c) circuits_of_[source(n_.circuits[c].from)].push_back(c);
  for (std::uint32_t d = 0; d < n_.demands.size(); ++d) demands_of_[source(n_.demands[d].from)].push_back(d);
}

Result<LiveTelecom> LiveTelecom::make(Network network) {
  BONGSU_TRY_VOID(check(network));
  LiveTelecom live(std::move(network));
  EventLog unheard;  // what is down from the beginning happened before this world
  live.settle(0, unheard);
  live.first_ = false;
  for (CircuitState& circuit : live.circuits_) circuit.event = 0;
  return live;
}

void LiveTelecom::set_supply(std::uint32_t node, bool live, std::uint64_t cause) {
  nodes_[node].live = live;
  nodes_[node].cause = cause;
}

void LiveTelecom::set_switched(std::uint32_t node, bool on, std::uint64_t cause) {
  nodes_[node].switched = on;
  nodes_[node].cause = cause;
}

void LiveTelecom::set_cut(std::uint32_t link, bool cut, std::uint64_t cause) {
  links_[link].cut = cut;
  links_[link].cause = cause;
}

void LiveTelecom::set_degraded(std::uint32_t link, double part) {
  if (links_[link].lost == part) return;
  links_[link].lost = part;
  shares_change_ = true;
}

void LiveTelecom::set_bricked(std::uint32_t terminal, bool bricked, std::uint64_t cause) {
  terminals_[terminal].bricked = bricked;
  terminals_[terminal].cause = cause;
}

bool LiveTelecom::up(std::uint32_t link) const {
  return whole(link) && running(n_.links[link].a) && running(n_.links[link].b);
}

double LiveTelecom::battery_h(std::uint32_t node, double now_s) const {
  const NodeState& state = nodes_[node];
  const Node& of = n_.nodes[node];
  const double hours = (now_s - state.since_s) / 3600;
  if (state.on_battery) return std::max(0.0, state.charge_h - hours);
  if (!running(node)) return state.charge_h;
  return of.recharge_h > 0 ? std::min(of.battery_h, state.charge_h + hours * of.battery_h / of.recharge_h)
                           : of.battery_h;
}

// Supplies come and go, batteries empty. True when a node stopped or started.
bool LiveTelecom::settle_nodes(double now_s, EventLog& log) {
  bool changed = false;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    NodeState& state = nodes_[i];
    const std::string& name = n_.nodes[i].name;
    if (supplied(i)) {
      if (!state.on_battery && running(i)) continue;
      state.charge_h = battery_h(i, now_s);
      state.since_s = now_s;
      state.on_battery = false;
      if (running(i)) continue;
      usable_.node[i] = 1;
      state.event = mended_by_ = log.add(now_s, WorldEventKind::kNodeUp, name, 0,
                                         fmt::format("{} has power again and runs", name), state.cause);
      changed = true;
      continue;
    }
    if (!running(i)) continue;
    if (!state.on_battery) {
      state.charge_h = battery_h(i, now_s);
      state.since_s = now_s;
      state.on_battery = true;
      state.empty_s = now_s + state.charge_h * 3600;
      if (state.charge_h > 0)
        state.event = log.add(now_s, WorldEventKind::kOnBattery, name, state.charge_h,
                              fmt::format("{} has lost its supply; its battery lasts {:.1f} h", name, state.charge_h),
                              state.cause);
    }
    if (now_s < state.empty_s) continue;
    const bool had_battery = state.charge_h > 0;
    state.charge_h = 0;
    state.since_s = now_s;
    state.on_battery = false;
    usable_.node[i] = 0;
    state.event = log.add(now_s, WorldEventKind::kNodeDown, name, 0,
                          fmt::format("{} is down: {}", name, had_battery ? "its battery is empty" : "no supply"),
                          had_battery ? state.event : state.cause);
    changed = true;
  }
  return changed;
}

void LiveTelecom::settle_terminals(double now_s, EventLog& log) {
  for (std::uint32_t i = 0; i < terminals_.size(); ++i) {
    TerminalState& state = terminals_[i];
    const std::uint32_t node = n_.terminals[i].node;
    const bool up = !state.bricked && running(node);
    if (up == state.up) continue;
    state.up = up;
    const std::string& name = n_.terminals[i].name;
    if (up)
      state.event = log.add(now_s, WorldEventKind::kTerminalUp, name, 0, fmt::format("{} answers again", name),
                            running(node) && state.cause > nodes_[node].event ? state.cause : nodes_[node].event);
    else
      state.event =
          log.add(now_s, WorldEventKind::kTerminalDown, name, 0,
                  fmt::format("{} does not answer: {}", name, state.bricked ? "its software is wiped" : "no power"),
                  state.bricked ? state.cause : nodes_[node].event);
  }
}

// What broke the way that it had: the first such thing from its beginning on.
std::uint64_t LiveTelecom::why_no_route(const CircuitState& circuit, const Circuit& of) const {
  if (!running(of.from)) return nodes_[of.from].event;
  std::uint32_t node = of.from;
  for (const std::uint32_t k : circuit.route) {
    if (!whole(k)) return links_[k].event;
    const Link& link = n_.links[k];
    node = link.a == node ? link.b : link.a;
    if (!running(node)) return nodes_[node].event;
  }
  return running(of.to) ? 0 : nodes_[of.to].event;
}

void LiveTelecom::reroute(double now_s, EventLog& log) {
  for (LinkState& link : links_) link.load = link.reserved = 0;
  std::vector<std::vector<std::uint32_t>> ways(n_.demands.size());
  std::vector<char> reached(n_.demands.size(), 0);
  down_ = 0;
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    const RouteTree tree = routes_from(n_, at_, sources_[s], usable_);
    for (const std::uint32_t c : circuits_of_[s]) {
      CircuitState& state = circuits_[c];
      const Circuit& of = n_.circuits[c];
      const bool up = tree.reaches(of.to);
      if (up != state.up) {
        state.since_s = now_s;
        state.up = up;
        state.event =
            up ? log.add(now_s, WorldEventKind::kCircuitUp, of.name, 0, fmt::format("{} is up", of.name), mended_by_)
               : log.add(now_s, WorldEventKind::kCircuitDown, of.name, 0,
                         fmt::format("{} is down: no way is left", of.name), why_no_route(state, of));
      }
      if (!up) {
        ++down_;
        continue;  // its last way stays noted: why_no_route never asks for it again, and it is shown to nobody
      }
      state.route = tree.route_to(n_, of.to);
      for (const std::uint32_t k : state.route) links_[k].reserved += of.mbps;
    }
    for (const std::uint32_t d : demands_of_[s]) {
      reached[d] = tree.reaches(n_.demands[d].to) ? 1 : 0;
      if (reached[d] == 0) continue;
      ways[d] = tree.route_to(n_, n_.demands[d].to);
      for (const std::uint32_t k : ways[d]) links_[k].load += n_.demands[d].mbps;
    }
  }
  for (CircuitState& circuit : circuits_)
    if (!circuit.up) circuit.route.clear();
  std::ranges::fill(delivered_at_, 0);
  for (std::uint32_t d = 0; d < n_.demands.size(); ++d) {
    const Demand& of = n_.demands[d];
    double part = reached[d];
    for (const std::uint32_t k : ways[d])
      part = std::min(part, std::max(0.0, n_.links[k].mbps * (1 - links_[k].lost) - links_[k].reserved) /
                                std::max(links_[k].load, 1e-12));
    delivered_[d] = of.mbps * part;
    delivered_at_[of.from] += delivered_[d];
    delivered_at_[of.to] += delivered_[d];
  }
  find_exchanges();
}

// Which cell sites reach an exchange: outwards from all exchanges that run.
void LiveTelecom::find_exchanges() {
  std::ranges::fill(reaches_exchange_, 0);
  std::vector<std::uint32_t> front;
  for (std::uint32_t i = 0; i < n_.nodes.size(); ++i)
    if (n_.nodes[i].exchange && running(i)) {
      reaches_exchange_[i] = 1;
      front.push_back(i);
    }
  for (std::size_t k = 0; k < front.size(); ++k)
    for (const std::uint32_t link : at_[front[k]]) {
      const std::uint32_t other = n_.links[link].a == front[k] ? n_.links[link].b : n_.links[link].a;
      if (!up(link) || reaches_exchange_[other] != 0) continue;
      reaches_exchange_[other] = 1;
      front.push_back(other);
    }
  lost_calls_per_hour_ = 0;
  for (std::uint32_t i = 0; i < n_.nodes.size(); ++i)
    lost_calls_per_hour_ += n_.nodes[i].calls_per_hour * (1 - calls_part(i));
}

double LiveTelecom::data_part(std::uint32_t node) const {
  if (!running(node)) return 0;
  return wanted_at_[node] > 0 ? delivered_at_[node] / wanted_at_[node] : 1;
}

double LiveTelecom::calls_part(std::uint32_t node) const { return reaches_exchange_[node] != 0 ? data_part(node) : 0; }

void LiveTelecom::account(double now_s) {
  circuit_hours_ = circuit_hours(now_s);
  calls_lost_ = calls_lost(now_s);
  accounted_s_ = now_s;
}

double LiveTelecom::circuit_hours(double now_s) const {
  return circuit_hours_ + static_cast<double>(down_) * (now_s - accounted_s_) / 3600;
}

double LiveTelecom::calls_lost(double now_s) const {
  return calls_lost_ + lost_calls_per_hour_ * (now_s - accounted_s_) / 3600;
}

void LiveTelecom::settle(double now_s, EventLog& log) {
  bool changed = settle_nodes(now_s, log) || first_ || std::exchange(shares_change_, false);
  for (std::uint32_t k = 0; k < links_.size(); ++k) {
    LinkState& state = links_[k];
    const char usable = state.cut ? 0 : 1;
    if (usable == usable_.link[k]) continue;
    usable_.link[k] = usable;
    changed = true;
    const std::string& name = n_.links[k].name;
    state.event = log.add(now_s, usable != 0 ? WorldEventKind::kLinkUp : WorldEventKind::kLinkDown, name, 0,
                          fmt::format("{} is {}", name, usable != 0 ? "whole again" : "cut"), state.cause);
    if (usable != 0) mended_by_ = state.event;
  }
  if (changed) {
    account(now_s);
    reroute(now_s, log);
  }
  settle_terminals(now_s, log);
}

double LiveTelecom::next_s() const {
  double next = kFarFuture;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].on_battery) next = std::min(next, nodes_[i].empty_s);
  return next;
}

}  // namespace bongsu::exercise::telecom
