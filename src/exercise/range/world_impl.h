// What a world is made of inside: the networks that live, and how a moment follows from the one before. Internal to range/.
//
// The grid stands at the latest commit: a step's end, an event, or an order. A moment between steps is looked at on a copy of it (`shown`),
// which is thrown away: so nothing depends on when somebody looked. Rail and telecom go from event to event and need no copy.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "exercise/range/power/cascade.h"
#include "exercise/range/rail/live.h"
#include "exercise/range/telecom/live.h"
#include "exercise/range/world.h"
#include "exercise/range/world_setup.h"

namespace bongsu::exercise {

struct World::Impl {
  struct CrewAtWork {
    double due_s;
    WorldOrder order;
    std::uint64_t cause;
  };
  struct DisasterUnderWay {
    Disaster disaster;
    double began_s, next_s;
    SeededRandom random;
    std::uint64_t cause;
  };

  Impl(std::shared_ptr<const WorldSetup> the_setup, std::uint64_t the_seed, power::LiveGrid the_grid, telecom::LiveTelecom the_telecom, rail::LiveRail the_rail);

  // -- time (world.cpp)
  void advance_to(double target_s);
  void commit();                 // the grid comes to now
  double next_stop() const;      // when something is due; after the grid's time
  void reach(double until_s);    // to then, or to an event before
  void account(double at_s);     // what has been so since the last time counts
  void due(double at_s);         // batteries, crews, disasters, steps
  void step(double at_s);        // demand and dispatch
  void dispatch();
  // -- what follows from what (couplings.cpp)
  void conclude(bool grid_changed);
  void tell_grid_events();
  void tell_dark_and_live();
  void supply();
  void control();
  void note_rates();
  void freeze(std::uint32_t substation);
  // -- orders (world_orders.cpp)
  Result<void> order(const WorldOrder& order);
  Result<void> permitted(const WorldOrder& order, const Thing& thing, std::uint64_t& why) const;
  Result<void> reach_by(const Thing& thing, By by, std::uint64_t& why) const;
  Result<void> carry_out(const WorldOrder& order, const Thing& thing, std::uint64_t cause);
  Result<void> switch_breaker(std::uint32_t breaker, bool close);
  Result<void> switch_branch(std::uint32_t branch, bool close);
  Result<void> grid_order(const power::Order& order, const std::string& name, std::uint32_t bus, std::uint64_t cause);
  void break_branch(std::uint32_t branch, std::uint64_t cause);
  void crew_done(const CrewAtWork& work);
  // -- disasters (disasters.cpp)
  void let_loose(const WorldOrder& order, const Thing& thing, std::uint64_t cause);
  void strike(DisasterUnderWay& disaster, double at_s);
  // -- what is seen (world_views.cpp)
  const power::LiveGrid& seen() const { return shown ? *shown : grid; }
  Consequences consequences() const;
  double availability(std::size_t service) const;
  double live_value(const Thing& thing, Quantity quantity) const;
  Result<Measured> measure(const Thing& thing, Quantity quantity) const;
  bool substation_reachable(std::uint32_t substation) const;
  bool controlled(std::uint32_t generator) const;
  bool reachable(const Thing& thing) const;
  std::string state_text() const;

  const std::string& name(ThingKind kind, std::uint32_t index) const { return setup->name(kind, index); }
  std::uint32_t substation(std::uint32_t bus) const { return setup->config.power_names.substation_of[bus]; }
  double level(double at_s) const;  // of demand, by the time of day

  std::shared_ptr<const WorldSetup> setup;
  std::uint64_t seed;
  power::LiveGrid grid;
  std::optional<power::LiveGrid> shown;
  telecom::LiveTelecom telecom;
  rail::LiveRail rail;
  EventLog log;
  double now_s = 0;
  std::int64_t steps = 0;               // done
  double dispatched_s = 0;
  std::vector<TimedOrder> orders;
  std::vector<CrewAtWork> crews;
  std::vector<DisasterUnderWay> disasters;
  std::uint64_t disasters_begun = 0;

  std::vector<char> closed;                              // by breaker
  std::vector<std::uint64_t> broken;                     // by branch: what broke it; 0: whole
  std::vector<char> manual;                              // by generator: somebody set it by hand
  std::vector<double> demand;                            // by bus: of what is usual
  std::vector<std::uint64_t> circuit_taken, terminal_taken;  // the event of their compromise; 0
  std::vector<std::uint64_t> changed_by;                 // by part of the grid: the latest event that changed it
  std::vector<char> alive, fed;                          // by substation; by bus: it supplies those who hang on it
  std::vector<std::uint64_t> dark_by;                    // by bus: why it does not
  std::vector<char> in_control;                          // by generator
  std::vector<char> reachable_substation;
  std::map<std::pair<std::uint32_t, Quantity>, double> frozen;  // by place among things: what was seen last

  // Totals, and how fast they grow since `accounted_s`.
  double accounted_s = 0, customer_hours = 0, uncontrolled_mwh = 0;
  double customers_out = 0, uncontrolled_mw = 0, most_customers_out = 0, most_uncontrolled_mw = 0;
  std::size_t most_circuits_down = 0;
};

}  // namespace bongsu::exercise
