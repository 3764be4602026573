// Orders: who may do what to which thing, whether it can be reached, and what then happens.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exercise/range/world_impl.h"

namespace bongsu::exercise {
namespace {

constexpr double kRadio_km = 10, kMostRadio_km = 500;

std::string clock(double seconds) {
  const auto all = static_cast<std::int64_t>(seconds);
  return fmt::format("{:02}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

bool one_of(ThingKind kind, std::initializer_list<ThingKind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

bool fits(Verb verb, ThingKind kind) {
  using enum ThingKind;
  switch (verb) {
    case Verb::kOpen:
    case Verb::kClose:
      return one_of(kind, {kBreaker, kBranch});
    case Verb::kTrip:
      return one_of(kind, {kGenerator, kBranch});
    case Verb::kStart:
    case Verb::kSetPower:
    case Verb::kSetVoltage:
      return kind == kGenerator;
    case Verb::kShed:
    case Verb::kRestore:
      return one_of(kind, {kBus, kSubstation});
    case Verb::kDemand:
      return one_of(kind, {kBus, kSubstation});
    case Verb::kDegrade:
      return kind == kLink;
    case Verb::kCut:
    case Verb::kSplice:
      return one_of(kind, {kBranch, kLink, kSegment});
    case Verb::kPowerOut:
    case Verb::kPowerBack:
      return one_of(kind, {kNode, kStation, kSegment});
    case Verb::kBrick:
    case Verb::kReflash:
      return kind == kTerminal;
    case Verb::kCompromise:
    case Verb::kExpel:
      return one_of(kind, {kCircuit, kTerminal, kNode});
    case Verb::kRadioStop:
    case Verb::kRadioClear:
    case Verb::kStorm:
    case Verb::kFlood:
    case Verb::kSabotage:
      return true;
  }
  return false;
}

// What goes over the target's control circuit.
bool from_afar(Verb verb) {
  switch (verb) {
    case Verb::kOpen:
    case Verb::kClose:
    case Verb::kTrip:
    case Verb::kStart:
    case Verb::kSetPower:
    case Verb::kSetVoltage:
    case Verb::kShed:
    case Verb::kRestore:
      return true;
    default:
      return false;
  }
}

bool for_operators(Verb verb) {
  return from_afar(verb) || verb == Verb::kExpel || verb == Verb::kRadioStop || verb == Verb::kRadioClear;
}
bool for_crews(Verb verb) {
  return from_afar(verb) || verb == Verb::kSplice || verb == Verb::kPowerBack || verb == Verb::kReflash ||
         verb == Verb::kExpel;
}
bool for_attackers(Verb verb) {
  return from_afar(verb) || verb == Verb::kCut || verb == Verb::kDegrade || verb == Verb::kPowerOut ||
         verb == Verb::kBrick || verb == Verb::kCompromise || verb == Verb::kRadioStop;
}
bool of_nature(Verb verb) { return verb == Verb::kStorm || verb == Verb::kFlood || verb == Verb::kSabotage; }
bool needs_hours(Verb verb) { return verb == Verb::kSplice || verb == Verb::kReflash; }

std::unexpected<Error> refuse(const std::string& field, std::string message, ErrorCode code = ErrorCode::kConflict) {
  return fail(code, std::move(message), {.field = field});
}

}  // namespace

bool World::Impl::substation_reachable(std::uint32_t s) const {
  return setup->circuit_of[s] != kNothing && telecom.circuit_up(setup->circuit_of[s]);
}

bool World::Impl::controlled(std::uint32_t g) const {
  const ControlPath& path = setup->control_of[g];
  if (path.kind == ControlPath::Kind::kCircuit) return telecom.circuit_up(path.at);
  return path.kind == ControlPath::Kind::kOnSite || telecom.terminal_up(path.at);
}

bool World::Impl::reachable(const Thing& thing) const {
  const power::Network& n = setup->config.power;
  switch (thing.kind) {
    case ThingKind::kSubstation:
      return substation_reachable(thing.index);
    case ThingKind::kBus:
      return substation_reachable(substation(thing.index));
    case ThingKind::kBreaker:
      return substation_reachable(setup->breakers[thing.index].substation);
    case ThingKind::kBranch:
      return substation_reachable(substation(n.branches[thing.index].from)) &&
             substation_reachable(substation(n.branches[thing.index].to));
    case ThingKind::kGenerator:
      // One without a way of its own is steered over its substation's.
      return setup->control_of[thing.index].kind == ControlPath::Kind::kOnSite
                 ? substation_reachable(substation(n.generators[thing.index].bus))
                 : controlled(thing.index);
    case ThingKind::kCircuit:
      return telecom.circuit_up(thing.index);
    case ThingKind::kTerminal:
      return telecom.terminal_up(thing.index);
    default:
      return true;
  }
}

// Each way that an order to the thing takes: is it up, and for an attacker: is it theirs?
Result<void> World::Impl::reach_by(const Thing& thing, By by, std::uint64_t& why) const {
  const power::Network& n = setup->config.power;
  const auto circuit = [&](std::uint32_t c, const std::string& what) -> Result<void> {
    if (c == kNothing)
      return refuse(thing.name, fmt::format("{} has no telecontrol: only staff on site switches there", what),
                    ErrorCode::kUnavailable);
    const std::string& called = name(ThingKind::kCircuit, c);
    if (!telecom.circuit_up(c)) {
      why = telecom.circuit_event(c);
      return refuse(
          thing.name,
          fmt::format("{} cannot be reached: {} is down since {}", what, called, clock(telecom.circuit_since_s(c))),
          ErrorCode::kUnavailable);
    }
    if (by == By::kAttacker && circuit_taken[c] == 0)
      return refuse(thing.name, fmt::format("{} is not in the attacker's hands", called), ErrorCode::kDenied);
    return {};
  };
  const auto of_substation = [&](std::uint32_t s) {
    return circuit(setup->circuit_of[s], name(ThingKind::kSubstation, s));
  };
  switch (thing.kind) {
    case ThingKind::kSubstation:
      return of_substation(thing.index);
    case ThingKind::kBus:
      return of_substation(substation(thing.index));
    case ThingKind::kBreaker:
      return of_substation(setup->breakers[thing.index].substation);
    case ThingKind::kBranch:
      BONGSU_TRY_VOID(of_substation(substation(n.branches[thing.index].from)));
      return of_substation(substation(n.branches[thing.index].to));
    case ThingKind::kGenerator: {
      const ControlPath& path = setup->control_of[thing.index];
      if (path.kind == ControlPath::Kind::kOnSite) return of_substation(substation(n.generators[thing.index].bus));
      if (path.kind == ControlPath::Kind::kCircuit) return circuit(path.at, thing.name);
      const std::string& called = name(ThingKind::kTerminal, path.at);
      if (!telecom.terminal_up(path.at)) {
        why = telecom.terminal_event(path.at);
        return refuse(thing.name, fmt::format("{} cannot be reached: {} does not answer", thing.name, called),
                      ErrorCode::kUnavailable);
      }
      if (by == By::kAttacker && terminal_taken[path.at] == 0)
        return refuse(thing.name, fmt::format("{} is not in the attacker's hands", called), ErrorCode::kDenied);
      return {};
    }
    default:
      return {};
  }
}

Result<void> World::Impl::permitted(const WorldOrder& o, const Thing& thing, std::uint64_t& why) const {
  if (!std::isfinite(o.value)) return refuse(thing.name, "a value must be finite", ErrorCode::kInvalid);
  if (!fits(o.verb, thing.kind))
    return refuse(thing.name, fmt::format("a {} cannot be told {}", to_string(thing.kind), to_string(o.verb)),
                  ErrorCode::kInvalid);
  if (o.verb == Verb::kDegrade && !(o.value >= 0 && o.value <= 1))
    return refuse(thing.name, "a link loses 0 to 1 of its capacity", ErrorCode::kInvalid);
  if (o.verb == Verb::kDemand) {  // what people do
    if (!(o.value >= 0 && o.value <= kMostDemand))
      return refuse(thing.name, fmt::format("demand is 0 to {:g} times the usual", kMostDemand), ErrorCode::kInvalid);
    return {};
  }
  if (of_nature(o.verb)) {
    if (o.value < 0 || o.value > 200) return refuse(thing.name, "a strength is 0 to 200", ErrorCode::kInvalid);
    if (thing.kind != ThingKind::kDisaster) return {};
    const auto kind = setup->config.disasters[thing.index].kind;
    const Verb meant = kind == Disaster::Kind::kStorm   ? Verb::kStorm
                       : kind == Disaster::Kind::kFlood ? Verb::kFlood
                                                        : Verb::kSabotage;
    return meant == o.verb
               ? Result<void>()
               : refuse(thing.name, fmt::format("this disaster is a {}", to_string(meant)), ErrorCode::kInvalid);
  }
  const bool may = o.by == By::kOperator ? for_operators(o.verb)
                   : o.by == By::kCrew   ? for_crews(o.verb)
                                         : for_attackers(o.verb);
  if (!may)
    return refuse(thing.name,
                  fmt::format("{} is nothing that {} does", to_string(o.verb),
                              o.by == By::kOperator ? "an operator from afar"
                              : o.by == By::kCrew   ? "a crew"
                                                    : "an attacker"),
                  ErrorCode::kDenied);
  if ((o.verb == Verb::kRadioStop || o.verb == Verb::kRadioClear) && (o.value < 0 || o.value > kMostRadio_km))
    return refuse(thing.name, fmt::format("a radio reaches 0 to {} km", kMostRadio_km), ErrorCode::kInvalid);
  if (o.by == By::kCrew || !from_afar(o.verb)) return {};
  return reach_by(thing, o.by, why);
}

Result<void> World::Impl::order(const WorldOrder& o) {
  if (orders.size() >= kMaxWorldOrders)
    return refuse(o.target.substr(0, kMaxThingNameBytes), fmt::format("a world takes {} orders", kMaxWorldOrders),
                  ErrorCode::kTooLarge);
  if (o.target.size() > kMaxThingNameBytes)
    return refuse("target", fmt::format("a name has at most {} characters", kMaxThingNameBytes), ErrorCode::kInvalid);
  commit();
  orders.push_back({now_s, o});
  const std::string words = fmt::format("{}: {} {}{}", to_string(o.by), to_string(o.verb), o.target,
                                        o.value != 0 ? fmt::format(" {:g}", o.value) : "");
  const auto told = [&](Error error, std::uint64_t cause) {
    log.add(now_s, WorldEventKind::kRefused, o.target, o.value, fmt::format("{}: refused: {}", words, error.message),
            cause);
    return std::unexpected(std::move(error));
  };
  const Thing* thing = setup->find(o.target);
  if (thing == nullptr)
    return told(
        {.code = ErrorCode::kNotFound, .message = "there is nothing of this name", .where = {.field = o.target}}, 0);
  std::uint64_t why = 0;
  if (auto may = permitted(o, *thing, why); !may) return told(std::move(may).error(), why);
  const std::uint64_t id = log.add(now_s, WorldEventKind::kOrdered, o.target, o.value, words, 0);
  if (o.by == By::kCrew) {
    const WorldSettings& s = setup->config.settings;
    const double due_s = now_s + s.crew_s + (needs_hours(o.verb) ? s.repair_s : 0);
    const std::uint64_t sent = log.add(now_s, WorldEventKind::kCrewSent, o.target, (due_s - now_s) / 60,
                                       fmt::format("a crew is sent to {}; done at {}", o.target, clock(due_s)), id);
    crews.push_back({due_s, o, sent});
    return {};
  }
  auto done = carry_out(o, *thing, id);
  if (!done) return told(std::move(done).error(), id);
  conclude(true);
  return {};
}

void World::Impl::crew_done(const CrewAtWork& work) {
  const std::uint64_t id =
      log.add(now_s, WorldEventKind::kDone, work.order.target, work.order.value,
              fmt::format("the crew: {} {}", to_string(work.order.verb), work.order.target), work.cause);
  if (const auto done = carry_out(work.order, *setup->find(work.order.target), id); !done)
    log.add(now_s, WorldEventKind::kRefused, work.order.target, work.order.value,
            fmt::format("the crew at {} cannot: {}", work.order.target, done.error().message), id);
  conclude(true);
}

Result<void> World::Impl::grid_order(const power::Order& o, const std::string& called, std::uint32_t bus,
                                     std::uint64_t cause) {
  if (auto done = grid.order(o); !done) return refuse(called, fmt::format("{}: {}", called, done.error().message));
  changed_by[setup->part_of[bus]] = cause;
  return {};
}

Result<void> World::Impl::switch_breaker(std::uint32_t b, bool close) {
  const Breaker& breaker = setup->breakers[b];
  const std::string& called = name(ThingKind::kBreaker, b);
  if ((closed[b] != 0) == close)
    return refuse(called, fmt::format("{} is {} already", called, close ? "closed" : "open"));
  if (close && broken[breaker.branch] != 0)
    return refuse(called, fmt::format("{} is broken", name(ThingKind::kBranch, breaker.branch)));
  const bool other = closed[setup->breaker_at[1 - breaker.end][breaker.branch]] != 0;
  if (other) {  // the branch follows; otherwise it is open at its other end, and stays so
    const auto kind = close ? power::Order::Kind::kCloseBranch : power::Order::Kind::kOpenBranch;
    if (auto done = grid.order({.kind = kind, .at = breaker.branch}); !done)
      return refuse(called, fmt::format("{}: {}", called, done.error().message));
  }
  closed[b] = close ? 1 : 0;
  return {};
}

Result<void> World::Impl::switch_branch(std::uint32_t branch, bool close) {
  const std::uint32_t ends[2] = {setup->breaker_at[0][branch], setup->breaker_at[1][branch]};
  const char before[2] = {closed[ends[0]], closed[ends[1]]};
  bool any = false;
  for (const std::uint32_t b : ends) {
    if ((closed[b] != 0) == close) continue;
    any = true;
    if (auto done = switch_breaker(b, close); !done) {
      for (const int end : {0, 1}) closed[ends[end]] = before[end];
      return done;
    }
  }
  if (!any)
    return refuse(name(ThingKind::kBranch, branch),
                  fmt::format("{} is {} already", name(ThingKind::kBranch, branch), close ? "closed" : "open"));
  return {};
}

// A fault: protection opens both ends.
void World::Impl::break_branch(std::uint32_t branch, std::uint64_t cause) {
  broken[branch] = cause;
  for (const int end : {0, 1}) closed[setup->breaker_at[end][branch]] = 0;
  if (grid.network().branches[branch].on) (void)grid.order({.kind = power::Order::Kind::kOpenBranch, .at = branch});
  changed_by[setup->part_of[setup->config.power.branches[branch].from]] = cause;
}

Result<void> World::Impl::carry_out(const WorldOrder& o, const Thing& thing, std::uint64_t cause) {
  using power::Order;
  const power::Network& n = setup->config.power;
  const auto at_bus = [&](std::uint32_t bus) -> std::uint64_t& { return changed_by[setup->part_of[bus]]; };
  const auto already = [&](std::string_view what) {
    return refuse(thing.name, fmt::format("{} is {} already", thing.name, what));
  };
  switch (o.verb) {
    case Verb::kOpen:
    case Verb::kClose:
      if (thing.kind == ThingKind::kBreaker) {
        BONGSU_TRY_VOID(switch_breaker(thing.index, o.verb == Verb::kClose));
        at_bus(n.branches[setup->breakers[thing.index].branch].from) = cause;
      } else {
        BONGSU_TRY_VOID(switch_branch(thing.index, o.verb == Verb::kClose));
        at_bus(n.branches[thing.index].from) = cause;
      }
      return {};
    case Verb::kTrip:
      if (thing.kind == ThingKind::kGenerator)
        return grid_order({.kind = Order::Kind::kTripGenerator, .at = thing.index}, thing.name,
                          n.generators[thing.index].bus, cause);
      BONGSU_TRY_VOID(switch_branch(thing.index, false));
      at_bus(n.branches[thing.index].from) = cause;
      return {};
    case Verb::kStart:
      BONGSU_TRY_VOID(grid_order({.kind = Order::Kind::kStart, .at = thing.index}, thing.name,
                                 n.generators[thing.index].bus, cause));
      manual[thing.index] = 0;
      return {};
    case Verb::kSetPower:
      BONGSU_TRY_VOID(grid_order({.kind = Order::Kind::kSetPower, .at = thing.index, .value = o.value}, thing.name,
                                 n.generators[thing.index].bus, cause));
      manual[thing.index] = 1;
      return {};
    case Verb::kSetVoltage:
      return grid_order({.kind = Order::Kind::kSetVoltage, .at = thing.index, .value = o.value}, thing.name,
                        n.generators[thing.index].bus, cause);
    case Verb::kShed:
    case Verb::kRestore: {
      const bool restore = o.verb == Verb::kRestore;
      const double part = restore && o.value == 0 ? 1 : o.value;  // restore without a number: all of it
      const std::vector<std::uint32_t> buses =
          thing.kind == ThingKind::kBus ? std::vector{thing.index} : setup->buses_of[thing.index];
      Result<void> first;
      bool any = false;
      for (const std::uint32_t bus : buses) {
        auto done = grid_order({.kind = restore ? Order::Kind::kRestore : Order::Kind::kShed, .at = bus, .value = part},
                               name(ThingKind::kBus, bus), bus, cause);
        any = any || done;
        if (!done && first) first = std::move(done);
      }
      return any             ? Result<void>()
             : buses.empty() ? refuse(thing.name, fmt::format("{} has no bus", thing.name))
                             : first;
    }
    case Verb::kCut:
      if (thing.kind == ThingKind::kBranch) {
        if (broken[thing.index] != 0) return already("broken");
        break_branch(thing.index, log.add(now_s, WorldEventKind::kBroken, thing.name, 0,
                                          fmt::format("{} is broken", thing.name), cause));
      } else if (thing.kind == ThingKind::kLink) {
        if (!telecom.whole(thing.index)) return already("cut");
        telecom.set_cut(thing.index, true, cause);
      } else {
        if (rail.cut(thing.index)) return already("broken");
        rail.set_cut(thing.index, true, cause);
      }
      return {};
    case Verb::kSplice:
      if (thing.kind == ThingKind::kBranch) {
        if (broken[thing.index] == 0) return already("whole");
        broken[thing.index] = 0;
        log.add(now_s, WorldEventKind::kMended, thing.name, 0,
                fmt::format("{} is mended; its breakers are open", thing.name), cause);
      } else if (thing.kind == ThingKind::kLink) {
        if (telecom.whole(thing.index) && telecom.degraded(thing.index) == 0) return already("whole");
        telecom.set_cut(thing.index, false, cause);
        telecom.set_degraded(thing.index, 0);
      } else {
        if (!rail.cut(thing.index)) return already("whole");
        rail.set_cut(thing.index, false, cause);
      }
      return {};
    case Verb::kDegrade:
      telecom.set_degraded(thing.index, o.value);
      return {};
    case Verb::kDemand:
      for (const std::uint32_t bus :
           thing.kind == ThingKind::kBus ? std::vector{thing.index} : setup->buses_of[thing.index])
        demand[bus] = o.value;
      return {};
    case Verb::kPowerOut:
    case Verb::kPowerBack: {
      const bool on = o.verb == Verb::kPowerBack;
      if (thing.kind == ThingKind::kNode)
        telecom.set_switched(thing.index, on, cause);
      else if (thing.kind == ThingKind::kStation)
        rail.set_switched(thing.index, on, cause);
      else
        rail.set_traction_switched(thing.index, on, cause);
      return {};
    }
    case Verb::kBrick:
    case Verb::kReflash:
      if (telecom.bricked(thing.index) == (o.verb == Verb::kBrick))
        return already(o.verb == Verb::kBrick ? "wiped" : "sound");
      telecom.set_bricked(thing.index, o.verb == Verb::kBrick, cause);
      return {};
    case Verb::kCompromise:
    case Verb::kExpel: {
      const std::uint64_t mark = o.verb == Verb::kCompromise ? cause : 0;
      if (thing.kind == ThingKind::kCircuit) circuit_taken[thing.index] = mark;
      if (thing.kind == ThingKind::kTerminal) terminal_taken[thing.index] = mark;
      if (thing.kind == ThingKind::kNode)
        for (std::uint32_t c = 0; c < circuit_taken.size(); ++c)
          if (setup->config.telecom.circuits[c].from == thing.index) circuit_taken[c] = mark;
      return {};
    }
    case Verb::kRadioStop:
      rail.radio_stop(thing.at, o.value == 0 ? kRadio_km : o.value, cause);
      return {};
    case Verb::kRadioClear:
      if (rail.radio_clear(thing.at, o.value == 0 ? kRadio_km : o.value, cause) == 0)
        return refuse(thing.name, "no radio stop was sent from there");
      return {};
    case Verb::kStorm:
    case Verb::kFlood:
    case Verb::kSabotage:
      let_loose(o, thing, cause);
      return {};
  }
  return {};
}

}  // namespace bongsu::exercise
