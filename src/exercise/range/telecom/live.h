// A telecommunication network that lives: nodes run on the grid, then on batteries, then not; circuits and traffic find their way
// through what is left.
//
//   BONGSU_TRY(LiveTelecom live, LiveTelecom::make(network));
//   live.set_supply(3, false, cause);      // its bus is dark
//   live.settle(now_s, log);               // "on battery", and what follows from it
//   … at live.next_s(): live.settle(live.next_s(), log);   // "battery empty"; circuits have no route
//
// Inputs only note what is so; `settle` draws the conclusions at a moment, in this order: supplies, batteries, nodes, routes, terminals.
// Traffic goes the shortest route (routes.h). Circuits have their capacity for themselves; demands share what is left of each link in
// proportion, and get what the narrowest link on their way leaves them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "exercise/range/event.h"
#include "exercise/range/telecom/network.h"
#include "exercise/range/telecom/routes.h"

namespace bongsu::exercise::telecom {

// kInvalid names what: an end that is no node, a number out of its range; kTooLarge.
Result<void> check(const Network& network);

class LiveTelecom {
 public:
  static Result<LiveTelecom> make(Network network);

  // Inputs; `cause` is the event that led to them.
  void set_supply(std::uint32_t node, bool live, std::uint64_t cause);   // the grid's
  void set_switched(std::uint32_t node, bool on, std::uint64_t cause);   // power-out, power-back
  void set_cut(std::uint32_t link, bool cut, std::uint64_t cause);
  void set_degraded(std::uint32_t link, double part);  // that it loses of its capacity
  void set_bricked(std::uint32_t terminal, bool bricked, std::uint64_t cause);
  void settle(double now_s, EventLog& log);
  double next_s() const;  // when the next battery is empty; infinity: none is under way

  const Network& network() const { return n_; }
  bool supplied(std::uint32_t node) const { return n_.nodes[node].own_supply || (nodes_[node].live && nodes_[node].switched); }
  bool running(std::uint32_t node) const { return usable_.node[node] != 0; }
  bool switched(std::uint32_t node) const { return nodes_[node].switched; }
  bool whole(std::uint32_t link) const { return !links_[link].cut; }
  bool up(std::uint32_t link) const;     // whole, and both ends run
  double degraded(std::uint32_t link) const { return links_[link].lost; }
  bool circuit_up(std::uint32_t circuit) const { return circuits_[circuit].up; }
  bool bricked(std::uint32_t terminal) const { return terminals_[terminal].bricked; }
  bool terminal_up(std::uint32_t terminal) const { return terminals_[terminal].up; }
  // The event that put it into the state it is in; 0: it was so from the beginning.
  std::uint64_t node_event(std::uint32_t node) const { return nodes_[node].event; }
  std::uint64_t circuit_event(std::uint32_t circuit) const { return circuits_[circuit].event; }
  std::uint64_t terminal_event(std::uint32_t terminal) const { return terminals_[terminal].event; }
  double circuit_since_s(std::uint32_t circuit) const { return circuits_[circuit].since_s; }
  // Links in their order from `from` on; empty where there is none.
  const std::vector<std::uint32_t>& route(std::uint32_t circuit) const { return circuits_[circuit].route; }

  double battery_h(std::uint32_t node, double now_s) const;  // what is left
  double load_mbps(std::uint32_t link) const { return links_[link].load; }  // demands that want to go there
  double reserved_mbps(std::uint32_t link) const { return links_[link].reserved; }
  double delivered_mbps(std::uint32_t demand) const { return delivered_[demand]; }
  // Part of a node's traffic that gets through, 1 without any; 0 where it doesn't run.
  double data_part(std::uint32_t node) const;
  // Part of a cell site's calls that can be made: it runs, reaches an exchange, and its traffic gets through.
  double calls_part(std::uint32_t node) const;

  std::size_t circuits_down() const { return down_; }
  double circuit_hours(double now_s) const;  // of circuits that were down
  double calls_lost(double now_s) const;

 private:
  explicit LiveTelecom(Network network);
  struct NodeState {
    bool live = true, switched = true, on_battery = false;
    double charge_h = 0, since_s = 0;  // at that time
    double empty_s = 0;                // when on battery
    std::uint64_t cause = 0, event = 0;
  };
  struct LinkState {
    bool cut = false;
    double lost = 0;  // part of its capacity
    std::uint64_t cause = 0, event = 0;
    double load = 0, reserved = 0;
  };
  struct CircuitState {
    bool up = true;
    std::uint64_t event = 0;
    double since_s = 0;
    std::vector<std::uint32_t> route;
  };
  struct TerminalState {
    bool bricked = false, up = true;
    std::uint64_t cause = 0, event = 0;
  };
  bool settle_nodes(double now_s, EventLog& log);
  void settle_terminals(double now_s, EventLog& log);
  void reroute(double now_s, EventLog& log);
  void find_exchanges();
  std::uint64_t why_no_route(const CircuitState& circuit, const Circuit& of) const;
  void account(double now_s);

  Network n_;
  std::vector<std::vector<std::uint32_t>> at_;
  Usable usable_;
  std::vector<NodeState> nodes_;
  std::vector<LinkState> links_;
  std::vector<CircuitState> circuits_;
  std::vector<TerminalState> terminals_;
  std::vector<double> delivered_, wanted_at_, delivered_at_;  // by demand; by node
  std::vector<char> reaches_exchange_;                        // by node
  std::vector<std::uint32_t> sources_;                        // of circuits and demands, ascending
  std::vector<std::vector<std::uint32_t>> circuits_of_, demands_of_;  // by source
  bool first_ = true, shares_change_ = false;
  std::uint64_t mended_by_ = 0;  // the latest event that may have opened a way again
  std::size_t down_ = 0;
  double accounted_s_ = 0, circuit_hours_ = 0, calls_lost_ = 0, lost_calls_per_hour_ = 0;
};

}  // namespace bongsu::exercise::telecom
