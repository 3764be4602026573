// The exercise range as one world: a power grid, a telecommunication network and a railway that live, and need each
// other.
//
//   BONGSU_TRY(World world, World::make(config, 7));
//   world.advance(600);
//   const auto done = world.order({.verb = Verb::kOpen, .target = "lt.substation.kaunas.breaker1", .by =
//   By::kOperator}); if (!done) …                          // "lt.substation.kaunas cannot be reached:
//   lt.circuit.kaunas is down since 00:03:12" world.advance(3600); for (const WorldEvent& e : world.take_events()) … //
//   "lt.node.kaunas: battery empty", cause 17 world.consequences().unserved_mwh;
//
// What needs what (Buldyrev et al. 2010: dependence in both directions; the grid's own cascade is LiveGrid's):
//   a substation is switched from afar, and its data are topical, while its circuit is up
//   a telecom node runs while its bus is live, and then for its battery's hours; a circuit while a route of running
//   nodes is left a generator is dispatched while its circuit or satellite terminal answers: else it goes on as it was,
//   out of control a train enters a segment while it has traction power, signals with power, and their circuit
// Orders: an operator acts from afar through the target's circuit; a crew is there after `crew_s` and needs none; an
// attacker acts as the operator on circuits that are compromised, and by hand as a crew does (cut, power-out,
// radio-stop).
//
// Time is exact: grid events come at tenths of a second, all else when it is due. The state is a function of
// configuration, seed and orders with their times, whatever steps `advance` is called with: advance(20) leaves the same
// bytes as advance(7), advance(13). A World is a value: copy one to keep a moment; `replay` makes any moment again. One
// thread owns it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/range/event.h"
#include "exercise/range/world_config.h"

namespace bongsu::exercise {

inline constexpr double kMaxAdvance_s = 366 * 86'400.0;
inline constexpr std::size_t kMaxWorldOrders = 1'000'000;
inline constexpr double kMostDemand = 5;

enum class ThingKind : std::uint8_t {
  kSubstation,
  kBus,
  kBreaker,
  kBranch,
  kGenerator,  // power; a branch is a line or transformer with a breaker at each end
  kNode,
  kLink,
  kCircuit,
  kTerminal,  // telecom; a cell site is a node
  kStation,
  kSegment,
  kTrain,  // rail
  kDisaster,
};
std::string_view to_string(ThingKind kind);

struct Thing {
  std::string name;  // "lt.substation.kaunas.breaker1"
  ThingKind kind = ThingKind::kBus;
  std::uint32_t index = 0;  // among those of its kind
  Position at;
};

enum class Verb : std::uint8_t {
  kOpen,
  kClose,  // breaker, branch (both ends)
  kTrip,
  kStart,
  kSetPower,    // generator; trip also branch; MW
  kSetVoltage,  // generator; pu
  kShed,
  kRestore,  // bus, substation: the part of its load that is served afterwards, 0 to 1
  kCut,
  kSplice,  // branch, link, segment: broken; mended
  kDegrade,  // link: loses the part `value` of its capacity, until it is mended
  kPowerOut,
  kPowerBack,  // node, station, segment: its supply, whatever the grid does
  kBrick,
  kReflash,  // terminal: its software is wiped; made anew by hand
  kCompromise,
  kExpel,  // circuit, or node (all circuits that begin there): an attacker sits on it; no longer
  kRadioStop,
  kRadioClear,  // anything with a place: trains within `value` km halt (10 if 0)
  kStorm,
  kFlood,
  kSabotage,  // a disaster by name, or one of that kind around a thing, `value`: its strength (0: usual)
  kDemand,    // bus, substation: from the next step on demand is `value` times what it usually is, 0 to kMostDemand
};
std::string_view to_string(Verb verb);  // "set-power"
Result<Verb> verb(std::string_view text);

enum class By : std::uint8_t { kOperator, kCrew, kAttacker };
std::string_view to_string(By by);  // "operator", "crew", "attacker"
Result<By> by(std::string_view text);

struct WorldOrder {
  Verb verb = Verb::kOpen;
  std::string target;
  double value = 0;
  By by = By::kOperator;
  bool operator==(const WorldOrder&) const = default;
};
struct TimedOrder {
  double at_s = 0;
  WorldOrder order;
  bool operator==(const TimedOrder&) const = default;
};

// Totals since second 0, and what is so now. Customers are an estimate from load (settings.customers_per_mw).
struct Consequences {
  double unserved_mwh = 0, served_mwh = 0;
  double customers_out = 0, most_customers_out = 0, customer_hours = 0;
  double uncontrolled_mw = 0, most_uncontrolled_mw = 0, uncontrolled_mwh = 0;  // generation that nobody can steer
  std::size_t circuits_down = 0, most_circuits_down = 0;
  double circuit_hours = 0, calls_lost = 0;
  std::size_t nodes_down = 0, trains_held = 0, trains_arrived = 0;
  double train_minutes = 0;  // of delay, of all trains, also of those under way
  bool operator==(const Consequences&) const = default;
};

struct ServiceState {
  std::string name;
  double availability = 1;  // 0 to 1
  bool operator==(const ServiceState&) const = default;
};

enum class Quantity : std::uint8_t {
  kPosition,  // breaker, branch: 1 closed; node, link, circuit, terminal, segment, generator: 1 up
  kVoltage_kv,
  kFrequency_hz,
  kLoad_mw,
  kDemand_mw,  // bus
  kPower_mw,
  kReactive_mvar,
  kLoading,      // branch (from its first end), breaker (out of its substation), generator
  kSetpoint_mw,  // generator
  kBattery_h,    // node: what is left
  kDelay_min,    // train
};
std::string_view to_string(Quantity quantity);  // "voltage_kv"
Result<Quantity> quantity(std::string_view text);

struct Measured {
  double value = 0;
  bool topical = true;  // false: the circuit is down; the value is the latest that came through
};

class World {
 public:
  // kInvalid names the table, row and name: names that are there twice, couplings to nothing, a grid without a
  // solution.
  static Result<World> make(WorldConfig config, std::uint64_t seed);
  // The moment `until_s` of a world with these orders, each at its time (in their order); the same bytes as living
  // through it.
  static Result<World> replay(const WorldConfig& config, std::uint64_t seed, const std::vector<TimedOrder>& orders,
                              double until_s);

  World(const World& other);
  World& operator=(const World& other);
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;
  ~World();

  const WorldConfig& config() const;
  const std::vector<Thing>& things() const;  // by name
  const Thing* find(std::string_view name) const;

  // kInvalid: makes no sense; kNotFound: no such name; kUnavailable: cannot be reached; kConflict: the process does not
  // allow it now. A crew's orders are accepted here and carried out later; what came of them is an event.
  Result<void> order(const WorldOrder& order);
  // Whether it would be accepted now; changes nothing.
  Result<void> check(const WorldOrder& order) const;
  const std::vector<TimedOrder>& orders() const;  // so far, also those that were refused

  void advance(double seconds);  // 0 to kMaxAdvance_s
  double now_s() const;
  std::vector<WorldEvent> take_events();
  std::uint64_t events_so_far() const;

  Consequences consequences() const;
  std::vector<ServiceState> services() const;  // as configured, in their order
  // kNotFound, or kInvalid: the kind of thing has no such quantity.
  Result<Measured> measure(std::string_view thing, Quantity quantity) const;
  // Whether what belongs to a thing can be seen and ordered from afar now.
  bool reachable(const Thing& thing) const;
  // Whether those who hang on a bus have power from it: it is live, and not all of its load is switched off.
  bool feeds(const Thing& bus) const;

  // Everything that the future depends on, as text: equal worlds have equal text.
  std::string state_text() const;

 private:
  struct Impl;
  explicit World(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::exercise
