// A network that lives: time passes, protection acts, parts fall dark, operators switch. Deterministic under a seed.
//
//   SeededRandom random(7);
//   LiveGrid grid(network, {}, random);
//   grid.order({.kind = Order::Kind::kOpenBranch, .at = 12});     // a breaker opens
//   grid.advance(10);                                           // seconds
//   for (const GridEvent& event : grid.take_events()) …            // "branch 14: overloaded to 131 %, tripped"
//
// What acts, and by which rule:
//   overload      each rated branch has an inverse-time relay: it trips after t = kTimeMultiplier · 13.5 / (I / pickup − 1) seconds
//                 ("very inverse", IEC 60255-151), a moving total that falls again below pickup
//   frequency     one for each island: H, governors with droop and a time constant, load that falls with frequency; stages of
//                 load shedding, then generators' own limits below and above (49, 48.8, … Hz: EU 2017/2196, annex)
//   voltage       load shedding in steps at buses that stay low; an island without an operating point sheds where it is worst, and after
//                 kMaxSheddings goes dark
//   hidden faults when a branch trips by its relay, each branch beside it trips too with hidden_failure (OPA's model of misoperation)
// Flows are AC at the end of every step and after every event, or DC (`Model::kDc`) for cascades by the thousand.
//
// Energy: what turbines give, less load served, losses and shunts, is what the rotating masses gain. `energy()` holds both sides.
// Black start: order kStart on a generator with `black_start` in a dark part makes it live; then branches are closed to others and to
// load, in steps. `restoration_order` proposes such a sequence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

enum class Model : std::uint8_t { kAc, kDc };

struct SheddingStage {
  double below_hz, delay_s, part;  // of the load that an island had before the first stage
};
struct GridSettings {
  Model model = Model::kAc;
  double nominal_hz = 50;
  double pickup = 1.1;             // of a branch's rating
  double time_multiplier = 1;
  double inertia_s = 5;            // stored energy of a generator at nominal frequency, of its p_max
  double droop = 0.05, governor_s = 4, load_damping = 1;  // 1 % of frequency changes load by load_damping %
  std::vector<SheddingStage> shedding = {{49.0, 0.3, 0.08}, {48.8, 0.3, 0.08}, {48.6, 0.3, 0.08}, {48.4, 0.3, 0.08}, {48.2, 0.3, 0.08}, {48.0, 0.3, 0.08}};
  double under_hz = 47.5, over_hz = 51.5, generator_delay_s = 0.5;
  double low_pu = 0.85, low_delay_s = 3, low_part = 0.1;   // under-voltage shedding, step by step
  double hidden_failure = 0;
  std::vector<std::uint32_t> black_start;                  // generators that can start without a network
};

struct Order {
  enum class Kind : std::uint8_t { kOpenBranch, kCloseBranch, kTripGenerator, kStart, kSetPower, kSetVoltage, kShed, kRestore };
  Kind kind = Kind::kOpenBranch;
  std::uint32_t at = 0;   // branch, generator, or bus (kShed, kRestore)
  double value = 0;       // MW, pu, or the part of the bus's load that is served afterwards
};

struct GridEvent {
  enum class Kind : std::uint8_t { kOrdered, kOverloadTrip, kHiddenTrip, kFrequencyShed, kVoltageShed, kGeneratorTrip, kDark, kSplit };
  double at_s = 0;
  Kind kind = Kind::kOrdered;
  std::uint32_t at = 0;   // branch, generator, bus
  double mw = 0;          // load shed or lost
  std::string text;
};

struct Energy {  // MWh since the beginning
  double turbines = 0, served = 0, losses = 0, shunts = 0;
  double kinetic = 0, kinetic_at_first = 0;  // stored in rotating masses
  double kinetic_left = 0;                   // taken along by machines that tripped, less what started ones brought
  double unserved = 0;     // of demand that is switched off or dark
  double by_frequency = 0;  // taken by load above its demand at high frequency; below 0: less than its demand at low frequency
                            // served + unserved - by_frequency is the demand
  // What conservation leaves: 0 but for rounding.
  double residue() const { return turbines - served - losses - shunts - (kinetic - kinetic_at_first) - kinetic_left; }
};

class LiveGrid {
 public:
  // The seed is for hidden failures alone. kInvalid: the network has no solution to begin with.
  static Result<LiveGrid> make(const Network& network, const GridSettings& settings, std::uint64_t seed);

  // kInvalid with a sentence: no such branch, already open, the two sides are not in step, …
  Result<void> order(const Order& order);
  void advance(double seconds);
  // Up to that time, or to the first tenth of a second in which something happens; the time that it came to. Slices of a tenth are the
  // same wherever `until_s` is, so that a shorter call which meets an event leaves the same state as a longer one.
  double run_to_event(double until_s);
  static constexpr double kSlice_s = 0.1;  // of the frequency's differential equation, and when protection looks

  double now_s() const { return now_s_; }
  const FlowResult& flow() const { return flow_; }  // of the latest moment; dark islands are dark in it
  const Network& network() const { return n_; }     // with switches, loads and set-points of now
  const GridSettings& settings() const { return settings_; }
  bool live(std::uint32_t bus) const { return part_of_[bus] >= 0; }
  double frequency_hz(std::uint32_t bus) const;     // 0 where dark
  double served_mw(std::uint32_t bus) const;
  double demand_mw(std::uint32_t bus) const { return demand_mw_[bus]; }
  double turbine_mw(std::uint32_t generator) const { return turbine_mw_[generator]; }
  void set_demand(std::uint32_t bus, double mw, double mvar);
  // As kSetPower, without an event: for dispatch that goes on all day. 0 to p_max_mw.
  void set_point(std::uint32_t generator, double mw) { setpoint_mw_[generator] = mw; }
  double setpoint_mw(std::uint32_t generator) const { return setpoint_mw_[generator]; }
  double connected(std::uint32_t bus) const { return connected_[bus]; }  // the part of its load that is switched in; 0 where dark
  double loading(std::uint32_t branch) const { return n_.branches[branch].on ? loading_[branch] : 0; }  // of its rating, as its relay sees it; 0: no rating
  Energy energy() const;
  std::vector<GridEvent> take_events();
  double relay(std::uint32_t branch) const { return relay_[branch]; }  // its moving total; 1: it trips
  bool any_events() const { return !events_.empty(); }

 private:
  LiveGrid(const Network& network, const GridSettings& settings, std::uint64_t seed);
  struct Part {  // a live island
    std::vector<std::uint32_t> buses, generators;
    double hz = 0, inertia_mws = 0, stored_mws = 0;  // inertia: stored at nominal frequency
    double load_mw = 0, losses_mw = 0, shunts_mw = 0;
    std::vector<double> below_s;  // time below each stage of shedding
    std::size_t stage = 0;
    double out_of_range_s = 0;
  };
  void event(GridEvent::Kind kind, std::uint32_t at, double mw, std::string text);
  void find_parts();
  void solve();
  void settle();
  bool slice(double seconds);
  void integrate(Part& part, double seconds);
  bool frequency_acts(Part& part, double seconds);
  bool relays_act(double seconds);
  bool voltage_acts(double seconds);
  bool quiet() const;
  double away(double hz) const;         // from the nominal frequency, in parts of it
  double load_factor(double hz) const;  // what load becomes with the frequency
  double load_now(const Part& part) const;
  double missing_now(const Part& part) const;  // load, losses and shunts less what turbines give
  double connected_mw(std::uint32_t bus) const;
  double connected_mw(const Part& part) const;
  double inertia_mws(std::uint32_t generator) const;  // stored at nominal frequency
  double stored_mws(std::uint32_t generator) const;   // at its own
  double governors_aim(std::uint32_t generator, double hz) const;
  bool sags(std::uint32_t bus) const;
  void trip_branch(std::uint32_t branch, GridEvent::Kind kind, std::string text);
  void trip_generator(std::uint32_t generator, std::string text);
  void leave(std::uint32_t generator);
  double shed(const Part& part, double mw);
  double loading_of(std::uint32_t branch) const;  // computed

  Network n_;
  GridSettings settings_;
  SeededRandom random_;
  double now_s_ = 0;
  std::vector<double> demand_mw_, demand_mvar_, connected_;  // by bus: wanted, and the part of it that is switched in
  std::vector<double> turbine_mw_, setpoint_mw_, hz_;        // by generator
  std::vector<double> relay_, low_s_;                        // by branch: moving total; by bus: time below low_pu
  std::vector<double> loading_;                              // by branch, at the latest solution
  std::vector<Part> parts_;
  std::vector<int> part_of_;                                 // by bus, -1: dark
  FlowResult flow_;
  AcMemory memory_;
  std::string collapse_;                                     // why parts that go dark next had no operating point
  Energy energy_;
  std::vector<GridEvent> events_;
  bool changed_ = true, started_ = false;
};

// A sequence that brings dark parts back: everything there open, black-start generators first, branches by hops to the next bus, power
// stations as they are reached, load in steps of at most a twentieth of the capacity that runs, set-points with it.
std::vector<Order> restoration_order(const LiveGrid& grid);

}  // namespace bongsu::exercise::power
