#include "exercise/drill/world_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "exercise/drill/log.h"

namespace bongsu::exercise::drill {
namespace {

constexpr double kHalf = 0.5;  // a service of the world counts as up from this availability on
// ESTIMATED: what electric heating adds to demand for each degree of frost.
constexpr double kDemandForADegree = 0.01;

// Scenario's words for what a world's verb does to one thing.
struct Word {
  std::string_view kind;
  Verb verb;
};
constexpr Word kWords[] = {
    {"breaker-open", Verb::kOpen},
    {"breaker-close", Verb::kClose},
    {"branch-fail", Verb::kCut},
    {"branch-repair", Verb::kSplice},
    {"generator-trip", Verb::kTrip},
    {"generator-start", Verb::kStart},
    {"generator-set", Verb::kSetPower},
    {"site-power-out", Verb::kPowerOut},
    {"site-power-on", Verb::kPowerBack},
    {"telecom-link-cut", Verb::kCut},
    {"telecom-link-repair", Verb::kSplice},
    {"telecom-node-down", Verb::kPowerOut},
    {"telecom-node-up", Verb::kPowerBack},
    {"rail-line-close", Verb::kCut},
    {"rail-line-open", Verb::kSplice},
    {"rail-radio-stop", Verb::kRadioStop},
    {"rail-radio-clear", Verb::kRadioClear},
};

bool is_country(const std::string& target) { return target.size() == 2 && target.find('.') == std::string::npos; }

// "lt.substation.kaunas" of "lt.substation.kaunas.breaker1".
bool within(const std::string& thing, const std::string& station) {
  return thing == station ||
         (thing.size() > station.size() && thing.starts_with(station) && thing[station.size()] == '.');
}

bool hands_alone(Verb verb) { return verb == Verb::kSplice || verb == Verb::kPowerBack || verb == Verb::kReflash; }

}  // namespace

std::vector<const Thing*> WorldRange::of(ThingKind kind, const std::string& target) const {
  std::vector<const Thing*> out;
  const std::string prefix = is_country(target) ? lowered(target) + '.' : target;
  for (const Thing& thing : world_.things())
    if (thing.kind == kind &&
        (target.empty() || thing.name == target || (is_country(target) && thing.name.starts_with(prefix))))
      out.push_back(&thing);
  return out;
}

const std::string* WorldRange::circuit_of(const std::string& target) const {
  for (const Control& control : world_.config().controls)
    if (control.generator == target) return &control.by;
  for (const Substation& substation : world_.config().substations)
    if (within(target, substation.name)) return &substation.circuit;
  // Buses and branches bear names of their own.
  const PowerNames& names = world_.config().power_names;
  const auto at_bus = [&](std::uint32_t bus) { return &world_.config().substations[names.substation_of[bus]].circuit; };
  if (const auto bus = std::ranges::find(names.buses, target); bus != names.buses.end())
    return at_bus(static_cast<std::uint32_t>(bus - names.buses.begin()));
  if (const auto g = std::ranges::find(names.generators, target); g != names.generators.end())
    return at_bus(world_.config().power.generators[static_cast<std::size_t>(g - names.generators.begin())].bus);
  return nullptr;
}

void WorldRange::collect() {
  for (const WorldEvent& event : world_.take_events())
    events_.push_back({.id = event.id,
                       .cause = event.cause,
                       .at_ms = std::llround(event.at_s * 1000),
                       .kind = std::string(to_string(event.kind)),
                       .target = event.target,
                       .text = event.text,
                       .magnitude = event.magnitude});
}

Result<std::uint64_t> WorldRange::give(const WorldOrder& order) {
  collect();
  const std::size_t before = events_.size();
  const auto done = world_.order(order);
  collect();
  if (!done) return std::unexpected(done.error());
  for (std::size_t i = before; i < events_.size(); ++i)
    if (events_[i].kind == to_string(WorldEventKind::kOrdered)) return events_[i].id;
  return 0;
}

Result<std::uint64_t> WorldRange::give_as(WorldOrder order, Hand by, bool crew) {
  if (order.verb == Verb::kStorm || order.verb == Verb::kFlood || order.verb == Verb::kSabotage) return give(order);
  if (by == Hand::kRed) {
    order.by = By::kAttacker;
    auto done = give(order);
    if (done || done.error().code != ErrorCode::kDenied) return done;
    const std::string* circuit = circuit_of(order.target);
    // What an attacker never does (closing, mending) is the operators' in a red inject, too: a false order.
    if (circuit != nullptr && !circuit->empty() &&
        give({.verb = Verb::kCompromise, .target = *circuit, .by = By::kAttacker})) {
      done = give(order);
      if (done || done.error().code != ErrorCode::kDenied) return done;
    }
    order.by = hands_alone(order.verb) ? By::kCrew : By::kOperator;
    return give(order);
  }
  if (by == Hand::kTeam)
    for (const auto& [station, _] : lost_)
      if (!crew && within(order.target, station))
        return fail(ErrorCode::kUnavailable, fmt::format("{} answers nobody", station), {.field = order.target});
  order.by = crew || hands_alone(order.verb) ? By::kCrew : By::kOperator;
  return give(order);
}

Result<std::uint64_t> WorldRange::give_all(const std::vector<std::string>& targets, WorldOrder order, Hand by,
                                           bool crew) {
  std::optional<std::uint64_t> first;
  Result<std::uint64_t> last =
      fail(ErrorCode::kNotFound, fmt::format("the range has nothing of the kind called {}", order.target),
           {.field = order.target});
  for (const std::string& target : targets) {
    order.target = target;
    last = give_as(order, by, crew);
    if (last && !first) first = *last;
  }
  if (first) return *first;
  return last;
}

// What only this copy knows. kUnsupported: it does not, either.
Result<std::uint64_t> WorldRange::own(const RangeOrder& order) {
  const auto known_station = [&]() -> Result<void> {
    if (const Thing* thing = world_.find(order.target); thing != nullptr && thing->kind == ThingKind::kSubstation)
      return {};
    return fail(ErrorCode::kNotFound, fmt::format("there is no substation {}", order.target), {.field = order.target});
  };
  if (order.kind == "rtu-lost" || order.kind == "view-frozen" || order.kind == "rtu-back") {
    BONGSU_TRY_VOID(known_station());
    if (order.kind == "rtu-lost") lost_.try_emplace(order.target, world_);
    if (order.kind == "view-frozen") frozen_.try_emplace(order.target, world_);
    if (order.kind == "rtu-back") {
      lost_.erase(order.target);
      frozen_.erase(order.target);
    }
    return 0;
  }
  if (order.kind == "heat-station-stop") return cold_.insert(order.target), 0;
  if (order.kind == "heat-station-start") return cold_.erase(order.target), 0;
  return fail(ErrorCode::kUnsupported, fmt::format("this range does not do {}", order.kind), {.field = order.target});
}

// What people use, and what the cold adds to it, on every bus that one of them concerns.
Result<std::uint64_t> WorldRange::demand(const RangeOrder& order) {
  std::vector<const Thing*> buses;
  for (const Thing* bus : of(ThingKind::kBus, ""))
    if (is_country(order.target) ? bus->name.starts_with(lowered(order.target) + '.') : within(bus->name, order.target))
      buses.push_back(bus);
  if (buses.empty())
    return fail(ErrorCode::kNotFound, fmt::format("the range has no bus of {}", order.target), {.field = order.target});
  std::optional<std::uint64_t> first;
  for (const Thing* bus : buses) {
    Use& use = use_[bus->name];
    (order.kind == "temperature" ? use.degrees : use.part) =
        order.kind == "temperature" ? order.value.value_or(0) : order.value.value_or(100) / 100;
    const double cold = 1 + kDemandForADegree * std::max(0.0, -use.degrees);
    BONGSU_TRY(const std::uint64_t id,
               give({.verb = Verb::kDemand, .target = bus->name, .value = std::min(use.part * cold, kMostDemand)}));
    if (!first) first = id;
  }
  return *first;
}

Result<std::uint64_t> WorldRange::order(const RangeOrder& order) {
  const double value = order.value.value_or(0);
  for (const Word& word : kWords)
    if (word.kind == order.kind)
      return give_as({.verb = word.verb, .target = order.target, .value = value}, order.by, order.crew);
  const auto names = [](const std::vector<const Thing*>& things, std::size_t most) {
    std::vector<std::string> out;
    for (const Thing* thing : things)
      if (out.size() < most) out.push_back(thing->name);
    return out;
  };
  constexpr std::size_t kAll = static_cast<std::size_t>(-1);
  if (order.kind == "load-shed") {
    std::vector<std::string> targets =
        is_country(order.target) ? names(of(ThingKind::kBus, order.target), kAll) : std::vector{order.target};
    const WorldOrder shed{
        .verb = value == 0 ? Verb::kRestore : Verb::kShed, .target = order.target, .value = 1 - value / 100};
    return give_all(targets, shed, order.by, order.crew);
  }
  if (order.kind == "load-scale" || order.kind == "temperature") return demand(order);
  if (order.kind == "telecom-link-degrade")
    return give_as({.verb = Verb::kDegrade, .target = order.target, .value = value / 100}, Hand::kRed, false);
  if (order.kind == "substation-dark") {
    std::vector<std::string> breakers;
    for (const Thing* thing : of(ThingKind::kBreaker, ""))
      if (within(thing->name, order.target)) breakers.push_back(thing->name);
    return give_all(breakers, {.verb = Verb::kOpen, .target = order.target}, order.by, order.crew);
  }
  if (order.kind == "satellite-terminals-down" || order.kind == "satellite-terminals-up") {
    const bool down = order.kind.ends_with("down");
    // Each stands for so many of its network; a count beyond what there is means all.
    std::vector<std::string> terminals;
    double counted = 0;
    const auto all = of(ThingKind::kTerminal, order.target);
    for (const Thing* t : all) {
      if (alive(*t) != down || counted >= std::max(value, 1.0)) continue;
      terminals.push_back(t->name);
      counted += world_.config().telecom.terminals[t->index].stands_for;
    }
    if (terminals.empty() && !all.empty())
      return fail(ErrorCode::kConflict,
                  fmt::format("all terminals of {} are {} already", order.target, down ? "down" : "up"),
                  {.field = order.target});
    return give_all(terminals, {.verb = down ? Verb::kBrick : Verb::kReflash, .target = order.target}, order.by,
                    order.crew);
  }
  if (order.kind == "wind") {
    if (value <= 0)
      return fail(ErrorCode::kUnsupported, "a storm of this range ends by itself", {.field = order.target});
    std::vector<std::string> storms;
    for (const Thing* thing : of(ThingKind::kDisaster, order.target))
      if (world_.config().disasters[thing->index].kind == Disaster::Kind::kStorm) storms.push_back(thing->name);
    return give_all(storms, {.verb = Verb::kStorm, .target = order.target, .value = value}, order.by, order.crew);
  }
  return own(order);
}

const World& WorldRange::seen(const std::string& station) const {
  // Whichever happened first: what is frozen shows nothing newer, and who answers nobody can't be frozen.
  const auto frozen = frozen_.find(station), lost = lost_.find(station);
  if (frozen == frozen_.end()) return lost == lost_.end() ? world_ : lost->second;
  return lost != lost_.end() && lost->second.now_s() < frozen->second.now_s() ? lost->second : frozen->second;
}

void WorldRange::advance_to(std::int64_t at_ms) {
  const double seconds = static_cast<double>(at_ms) / 1000 - world_.now_s();
  if (seconds > 0) world_.advance(seconds);
}

std::vector<RangeEvent> WorldRange::take_events() {
  collect();
  return std::exchange(events_, {});
}

bool WorldRange::alive(const Thing& thing) const {
  const auto position = world_.measure(thing.name, bongsu::exercise::Quantity::kPosition);
  return !position || position->value > 0;
}

double WorldRange::sum(const std::vector<const Thing*>& things, bongsu::exercise::Quantity quantity) const {
  double total = 0;
  for (const Thing* thing : things)
    if (const auto measured = world_.measure(thing->name, quantity)) total += measured->value;
  return total;
}

Result<double> WorldRange::measure(const std::string& quantity, const std::string& target) {
  using Q = bongsu::exercise::Quantity;
  const auto part_alive = [&](ThingKind kind) -> Result<double> {
    const auto things = of(kind, target);
    if (things.empty())
      return fail(ErrorCode::kNotFound, fmt::format("the range has none for {} of {}", quantity, target));
    return 100.0 * static_cast<double>(std::ranges::count_if(things, [&](const Thing* t) { return alive(*t); })) /
           static_cast<double>(things.size());
  };
  if (quantity == "load-served" || quantity == "load-lost") {
    const auto buses = of(ThingKind::kBus, target);
    if (buses.empty()) return fail(ErrorCode::kNotFound, fmt::format("the range has no bus of {}", target));
    const double demand = sum(buses, Q::kDemand_mw), served = sum(buses, Q::kLoad_mw);
    if (quantity == "load-lost") return std::max(0.0, demand - served);
    return demand > 0 ? 100 * served / demand : 100.0;
  }
  if (quantity == "frequency" || quantity == "voltage") {
    const auto buses = of(ThingKind::kBus, target);
    if (buses.empty()) return fail(ErrorCode::kNotFound, fmt::format("the range has no bus of {}", target));
    if (quantity == "frequency") return sum({buses.front()}, Q::kFrequency_hz);
    return sum({buses.front()}, Q::kVoltage_kv) / world_.config().power.buses[buses.front()->index].base_kv;
  }
  if (quantity == "line-loading") {
    BONGSU_TRY(const Measured measured, world_.measure(target, Q::kLoading));
    return 100 * measured.value;
  }
  if (quantity == "telecom-reach" || quantity == "sites-powered") return part_alive(ThingKind::kNode);
  if (quantity == "satellite-terminals") {
    const auto terminals = of(ThingKind::kTerminal, target);
    double count = 0;
    for (const Thing* t : terminals)
      if (alive(*t)) count += world_.config().telecom.terminals[t->index].stands_for;
    return count;
  }
  if (quantity == "trains-stopped" && (target.empty() || is_country(target)))
    return static_cast<double>(world_.consequences().trains_held);
  return fail(ErrorCode::kUnsupported,
              fmt::format("this range does not measure {} of {}", quantity, target.empty() ? "everything" : target));
}

ProbeAnswer WorldRange::probe(const scenario::Service& service) {
  const auto trouble = [&](const std::string& name) -> std::string {
    const Thing* thing = world_.find(name);
    if (thing == nullptr) return cold_.contains(name) ? name + " gives no heat" : "";
    if (thing->kind == ThingKind::kSubstation) {
      if (service.probe != "control") return {};
      if (lost_.contains(name)) return name + " answers nobody";
      return world_.reachable(*thing) ? "" : name + " cannot be reached";
    }
    return alive(*thing) ? "" : name + " is down";
  };
  for (const std::string& on : service.depends_on)
    if (const std::string why = trouble(on); !why.empty()) return {false, why};
  if (const std::string why = trouble(service.target); !why.empty()) return {false, why};
  if (service.probe == "phone" && is_country(service.target)) {
    // Most of the country's cells.
    const auto nodes = of(ThingKind::kNode, service.target);
    const auto up = std::ranges::count_if(nodes, [&](const Thing* t) { return alive(*t); });
    if (!nodes.empty() && static_cast<double>(up) < kHalf * static_cast<double>(nodes.size()))
      return {false, fmt::format("{} of {} nodes work", up, nodes.size())};
  }
  const std::string mobile = service.probe == "phone" ? kMobile + service.target : service.target;
  for (const ServiceState& state : world_.services())
    if ((state.name == service.target || state.name == service.name || state.name == mobile) &&
        state.availability < kHalf)
      return {false, fmt::format("{} works for {:.0f} of 100", state.name, state.availability * 100)};
  return {};
}

JsonObject WorldRange::consequences() {
  const Consequences c = world_.consequences();
  JsonObject out;
  const auto put = [&](const char* name, double value) {
    const double rounded = std::round(value * 1000) / 1000;
    if (rounded != 0) out[name] = json_number(rounded);
  };
  put("unserved_mwh", c.unserved_mwh);
  put("customers_out", std::round(c.customers_out));
  put("most_customers_out", std::round(c.most_customers_out));
  put("customer_hours", c.customer_hours);
  put("uncontrolled_mw", c.uncontrolled_mw);
  put("uncontrolled_mwh", c.uncontrolled_mwh);
  put("circuits_down", static_cast<double>(c.circuits_down));
  put("circuit_hours", c.circuit_hours);
  put("calls_lost", std::round(c.calls_lost));
  put("nodes_down", static_cast<double>(c.nodes_down));
  put("trains_held", static_cast<double>(c.trains_held));
  put("train_minutes", c.train_minutes);
  return out;
}

RangeMaker world_ranges(World world) {
  const auto shared = std::make_shared<const World>(std::move(world));
  return [shared](const std::string&) -> Result<std::unique_ptr<RangeCopy>> {
    return std::make_unique<WorldRange>(*shared);
  };
}

Result<RangeMaker> world_ranges(const WorldConfig& config, std::uint64_t seed) {
  BONGSU_TRY(World world, World::make(config, seed));
  return world_ranges(std::move(world));
}

}  // namespace bongsu::exercise::drill
