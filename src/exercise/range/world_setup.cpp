#include "exercise/range/world_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "exercise/range/rail/live.h"
#include "exercise/range/telecom/live.h"

namespace bongsu::exercise {
namespace {

std::unexpected<Error> wrong(std::string_view table, std::size_t row, std::string_view name, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = fmt::format("{}[{}] {}", table, row, name)});
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxThingNameBytes && std::ranges::all_of(name, [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7F && c != ',' && c != '"';
  });
}

Result<void> check(const WorldSettings& s) {
  const auto refuse = [](std::string message, std::string field) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = "settings." + field});
  };
  if (!(s.step_s >= 0.1 && s.step_s <= 3600)) return refuse("a step is 0.1 to 3600 s", "step_s");
  if (!(s.dispatch_s == 0 || (s.dispatch_s >= s.step_s && s.dispatch_s <= 86'400)))
    return refuse("dispatch comes with a step at the soonest, daily at the latest", "dispatch_s");
  if (!(s.swing >= 0 && s.swing < 1)) return refuse("demand swings by a part below 1", "swing");
  if (!(s.begins_s >= 0 && s.begins_s < 86'400)) return refuse("a day has 86,400 s", "begins_s");
  if (!(s.crew_s >= 0 && s.crew_s <= 30 * 86'400.0)) return refuse("a crew is there within 30 days", "crew_s");
  if (!(s.repair_s >= 0 && s.repair_s <= 30 * 86'400.0)) return refuse("a repair lasts up to 30 days", "repair_s");
  if (!(s.customers_per_mw >= 0 && s.customers_per_mw <= 1e6))
    return refuse("customers for each MW are 0 to a million", "customers_per_mw");
  return {};
}

Result<void> check(const std::vector<Disaster>& disasters) {
  if (disasters.size() > kMaxDisasters)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} disasters", kMaxDisasters), {.field = "disasters"});
  for (std::size_t i = 0; i < disasters.size(); ++i) {
    const Disaster& d = disasters[i];
    if (d.track.empty() || d.track.size() > kMaxTrack)
      return wrong("disasters", i, d.name, fmt::format("a track has 1 to {} points", kMaxTrack));
    for (std::size_t k = 0; k < d.track.size(); ++k)
      if (!on_earth(d.track[k].at) || !(d.track[k].after_s >= 0 && d.track[k].after_s <= kMaxAdvance_s) ||
          (k > 0 && d.track[k].after_s < d.track[k - 1].after_s))
        return wrong("disasters", i, d.name, "a track goes on in time, on Earth");
    if (!(d.radius_km > 0 && d.radius_km <= 20'000) || !(d.strength >= 0 && d.strength <= 200) ||
        !(d.lasts_s > 0 && d.lasts_s <= kMaxAdvance_s))
      return wrong("disasters", i, d.name, "radius, strength or duration is out of range");
  }
  return {};
}

}  // namespace

void WorldSetup::add(ThingKind kind, std::string name, Position at) {
  auto& of_kind = names_[static_cast<std::size_t>(kind)];
  things.push_back({name, kind, static_cast<std::uint32_t>(of_kind.size()), at});
  of_kind.push_back(std::move(name));
}

const Thing* WorldSetup::find(std::string_view name) const {
  const auto found =
      std::ranges::lower_bound(things, name, {}, [](const Thing& thing) { return std::string_view(thing.name); });
  return found == things.end() || found->name != name ? nullptr : &*found;
}

const Thing* WorldSetup::find(ThingKind kind, std::string_view name) const {
  const Thing* thing = find(name);
  return thing != nullptr && thing->kind == kind ? thing : nullptr;
}

Result<void> WorldSetup::name_things() {
  const WorldConfig& c = config;
  const power::Network& n = c.power;
  const PowerNames& names = c.power_names;
  if (names.buses.size() != n.buses.size() || names.branches.size() != n.branches.size() ||
      names.generators.size() != n.generators.size() || names.substation_of.size() != n.buses.size())
    return fail(ErrorCode::kInvalid, "every bus, branch and generator has a name, and every bus a substation",
                {.field = "power_names"});
  for (std::size_t i = 0; i < c.substations.size(); ++i) {
    if (!on_earth(c.substations[i].at))
      return wrong("substations", i, c.substations[i].name, "stands nowhere on Earth");
    add(ThingKind::kSubstation, c.substations[i].name, c.substations[i].at);
  }
  buses_of.resize(c.substations.size());
  const auto place = [&](std::uint32_t bus) { return c.substations[names.substation_of[bus]].at; };
  for (std::uint32_t i = 0; i < n.buses.size(); ++i) {
    if (names.substation_of[i] >= c.substations.size())
      return wrong("power_names.substation_of", i, names.buses[i], "there is no such substation");
    buses_of[names.substation_of[i]].push_back(i);
    add(ThingKind::kBus, names.buses[i], place(i));
  }
  std::vector<std::uint32_t> count(c.substations.size(), 0);
  for (std::uint32_t k = 0; k < n.branches.size(); ++k) {
    const power::Branch& b = n.branches[k];
    add(ThingKind::kBranch, names.branches[k], between(place(b.from), place(b.to), 0.5));
    for (const int end : {0, 1}) {
      const std::uint32_t bus = end == 0 ? b.from : b.to, substation = names.substation_of[bus];
      breaker_at[end].push_back(static_cast<std::uint32_t>(breakers.size()));
      breakers.push_back({k, substation, end});
      add(ThingKind::kBreaker, fmt::format("{}.breaker{}", c.substations[substation].name, ++count[substation]),
          place(bus));
    }
  }
  for (std::uint32_t g = 0; g < n.generators.size(); ++g)
    add(ThingKind::kGenerator, names.generators[g], place(n.generators[g].bus));
  const telecom::Network& t = c.telecom;
  for (const telecom::Node& node : t.nodes) add(ThingKind::kNode, node.name, node.at);
  for (const telecom::Link& link : t.links)
    add(ThingKind::kLink, link.name, between(t.nodes[link.a].at, t.nodes[link.b].at, 0.5));
  for (const telecom::Circuit& circuit : t.circuits) add(ThingKind::kCircuit, circuit.name, t.nodes[circuit.to].at);
  for (const telecom::Terminal& terminal : t.terminals)
    add(ThingKind::kTerminal, terminal.name, t.nodes[terminal.node].at);
  const rail::Network& r = c.rail;
  for (const rail::Station& station : r.stations) add(ThingKind::kStation, station.name, station.at);
  for (const rail::Segment& segment : r.segments)
    add(ThingKind::kSegment, segment.name, between(r.stations[segment.a].at, r.stations[segment.b].at, 0.5));
  for (const rail::Train& train : trains) add(ThingKind::kTrain, train.name, r.stations[train.stops[0].station].at);
  for (const Disaster& disaster : c.disasters) add(ThingKind::kDisaster, disaster.name, disaster.track[0].at);
  if (things.size() > kMaxThings)
    return fail(ErrorCode::kTooLarge, fmt::format("a world has at most {} things", kMaxThings));
  std::ranges::sort(things, {}, &Thing::name);
  for (std::size_t i = 0; i < things.size(); ++i) {
    if (!good_name(things[i].name))
      return fail(
          ErrorCode::kInvalid,
          fmt::format("a name is 1 to {} characters without blanks, commas and quotes", kMaxThingNameBytes),
          {.field = fmt::format("{} \"{}\"", to_string(things[i].kind), things[i].name.substr(0, kMaxThingNameBytes))});
    if (i > 0 && things[i].name == things[i - 1].name)
      return fail(ErrorCode::kInvalid,
                  fmt::format("the name is there twice: a {} and a {}", to_string(things[i - 1].kind),
                              to_string(things[i].kind)),
                  {.field = things[i].name});
  }
  return {};
}

Result<void> WorldSetup::couple() {
  const WorldConfig& c = config;
  for (std::size_t i = 0; i < c.substations.size(); ++i) {
    const std::string& circuit = c.substations[i].circuit;
    const Thing* found = find(ThingKind::kCircuit, circuit);
    if (found == nullptr && !circuit.empty())
      return wrong("substations", i, c.substations[i].name, fmt::format("there is no circuit {}", circuit));
    circuit_of.push_back(found == nullptr ? kNothing : found->index);
  }
  control_of.resize(c.power.generators.size());
  for (std::size_t i = 0; i < c.controls.size(); ++i) {
    const Control& one = c.controls[i];
    const Thing* generator = find(ThingKind::kGenerator, one.generator);
    const Thing* by = find(one.by);
    if (generator == nullptr) return wrong("controls", i, one.generator, "there is no such generator");
    if (by == nullptr || (by->kind != ThingKind::kCircuit && by->kind != ThingKind::kTerminal))
      return wrong("controls", i, one.by, "there is no such circuit or terminal");
    ControlPath& path = control_of[generator->index];
    if (path.kind != ControlPath::Kind::kOnSite)
      return wrong("controls", i, one.generator, "the generator is there twice");
    path = {by->kind == ThingKind::kCircuit ? ControlPath::Kind::kCircuit : ControlPath::Kind::kTerminal, by->index};
  }
  node_bus.assign(c.telecom.nodes.size(), kNothing);
  traction_bus.assign(c.rail.segments.size(), kNothing);
  signal_bus.assign(c.rail.stations.size(), kNothing);
  segment_circuit.assign(c.rail.segments.size(), kNothing);
  for (std::size_t i = 0; i < c.feeds.size(); ++i) {
    const Feed& one = c.feeds[i];
    const Thing* bus = find(ThingKind::kBus, one.bus);
    if (bus == nullptr) return wrong("feeds", i, one.consumer, fmt::format("there is no bus {}", one.bus));
    const Thing* consumer = find(one.consumer);
    std::vector<std::uint32_t>* of = nullptr;
    if (consumer != nullptr && consumer->kind == ThingKind::kNode) of = &node_bus;
    if (consumer != nullptr && consumer->kind == ThingKind::kSegment) of = &traction_bus;
    if (consumer != nullptr && consumer->kind == ThingKind::kStation) of = &signal_bus;
    if (of == nullptr) return wrong("feeds", i, one.consumer, "there is no such node, segment or station");
    if ((*of)[consumer->index] != kNothing) return wrong("feeds", i, one.consumer, "the consumer is there twice");
    (*of)[consumer->index] = bus->index;
  }
  for (std::size_t i = 0; i < c.signals.size(); ++i) {
    const Thing* segment = find(ThingKind::kSegment, c.signals[i].segment);
    const Thing* circuit = find(ThingKind::kCircuit, c.signals[i].circuit);
    if (segment == nullptr || circuit == nullptr)
      return wrong("signals", i, c.signals[i].segment, "there is no such segment, or no such circuit");
    if (segment_circuit[segment->index] != kNothing)
      return wrong("signals", i, c.signals[i].segment, "the segment is there twice");
    segment_circuit[segment->index] = circuit->index;
  }
  return {};
}

Result<void> WorldSetup::resolve_services() {
  if (config.services.size() > kMaxServices)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} services", kMaxServices), {.field = "services"});
  for (std::size_t i = 0; i < config.services.size(); ++i) {
    const Service& service = config.services[i];
    std::vector<Thing>& out = members.emplace_back();
    if (service.members.empty()) return wrong("services", i, service.name, "a service has members");
    for (const std::string& name : service.members) {
      const Thing* thing = find(name);
      const auto is = [&](std::initializer_list<ThingKind> kinds) {
        return thing != nullptr && std::ranges::find(kinds, thing->kind) != kinds.end();
      };
      bool fits = false;
      switch (service.kind) {
        case Service::Kind::kPower:
          fits = is({ThingKind::kBus});
          break;
        case Service::Kind::kMobile:
        case Service::Kind::kData:
          fits = is({ThingKind::kNode});
          break;
        case Service::Kind::kRail:
          fits = is({ThingKind::kSegment});
          break;
        case Service::Kind::kControl:
          fits = is({ThingKind::kCircuit, ThingKind::kTerminal, ThingKind::kGenerator});
          break;
      }
      if (!fits)
        return wrong("services", i, service.name,
                     fmt::format("{} is nothing that this kind of service is made of", name));
      out.push_back(*thing);
    }
  }
  return {};
}

Result<WorldSetup> WorldSetup::of(WorldConfig given) {
  WorldSetup s;
  BONGSU_TRY_VOID(check(given.settings));
  BONGSU_TRY_VOID(check(given.disasters));
  BONGSU_TRY_VOID(telecom::check(given.telecom));
  BONGSU_TRY_VOID(rail::check(given.rail));
  BONGSU_TRY(s.trains, rail::timetable(given.rail));
  s.config = std::move(given);
  s.names_.resize(static_cast<std::size_t>(ThingKind::kDisaster) + 1);
  BONGSU_TRY_VOID(s.name_things());
  BONGSU_TRY_VOID(s.couple());
  BONGSU_TRY_VOID(s.resolve_services());
  const power::Network& n = s.config.power;
  std::vector<std::uint32_t> parent(n.buses.size());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root = [&](std::uint32_t bus) {
    while (parent[bus] != bus) bus = parent[bus] = parent[parent[bus]];
    return bus;
  };
  for (const power::Branch& b : n.branches) {
    const auto [low, high] = std::minmax({root(b.from), root(b.to)});  // values: of two, it would be references
    parent[high] = low;
  }
  s.part_of.resize(n.buses.size());
  for (std::uint32_t i = 0; i < n.buses.size(); ++i) s.part_of[i] = root(i) == i ? s.parts++ : s.part_of[root(i)];
  return s;
}

}  // namespace bongsu::exercise
