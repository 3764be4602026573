#include "desk/desk_range.h"

#include <cmath>

namespace bongsu::desk {

using namespace exercise;

namespace {

// Two digits behind the point: less than any screen shows would be lost, and the text stays short.
Json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  const double hundredths = std::round(value * 100) / 100;
  if (hundredths == std::floor(hundredths)) return static_cast<std::int64_t>(hundredths);
  return hundredths;
}

template <class T, class Make>
JsonArray list(const std::vector<T>& things, Make make) {
  JsonArray out;
  out.reserve(things.size());
  for (std::size_t i = 0; i < things.size(); ++i) out.push_back(make(things[i], i));
  return out;
}

// By their kind and number.
struct Names {
  explicit Names(const World& world) {
    for (const Thing& thing : world.things()) {
      auto& kind = of_kind[static_cast<std::size_t>(thing.kind)];
      if (kind.size() <= thing.index) kind.resize(thing.index + 1);
      kind[thing.index] = thing.name;
    }
  }
  const std::vector<std::string_view>& of(ThingKind kind) const { return of_kind[static_cast<std::size_t>(kind)]; }
  // A branch's breakers follow each other: at its first end, at its second.
  std::string_view breaker(std::size_t branch, std::size_t end) const {
    return of(ThingKind::kBreaker)[2 * branch + end];
  }

 private:
  std::array<std::vector<std::string_view>, static_cast<std::size_t>(ThingKind::kDisaster) + 1> of_kind;
};

struct Read {
  Json value = nullptr;
  bool topical = true;
};

Read read(const World& world, std::string_view name, Quantity quantity) {
  const auto measured = world.measure(name, quantity);
  if (!measured) return {};
  return {rounded(measured->value), measured->topical};
}
Json up(const World& world, std::string_view name) { return read(world, name, Quantity::kPosition).value; }

}  // namespace

JsonObject range_plan_json(const World& world) {
  const WorldConfig& c = world.config();
  const PowerNames& named = c.power_names;
  const Names names(world);
  JsonObject out{{"name", c.name}, {"remarks", c.remarks}};
  out["substations"] = list(c.substations, [](const Substation& s, std::size_t) {
    return JsonObject{{"name", s.name}, {"lat", s.at.lat}, {"lon", s.at.lon}, {"circuit", s.circuit}};
  });
  out["buses"] = list(c.power.buses, [&](const power::Bus& b, std::size_t i) {
    return JsonObject{{"name", named.buses[i]}, {"kv", rounded(b.base_kv)}, {"substation", named.substation_of[i]}};
  });
  out["branches"] = list(c.power.branches, [&](const power::Branch& b, std::size_t i) {
    return JsonObject{{"name", named.branches[i]},
                      {"from", b.from},
                      {"to", b.to},
                      {"rating_mva", rounded(b.rating_mva)},
                      {"transformer", b.ratio != 0 || c.power.buses[b.from].base_kv != c.power.buses[b.to].base_kv},
                      {"breakers", JsonArray{names.breaker(i, 0), names.breaker(i, 1)}}};
  });
  out["generators"] = list(c.power.generators, [&](const power::Generator& g, std::size_t i) {
    return JsonObject{{"name", named.generators[i]}, {"bus", g.bus}, {"most_mw", rounded(g.p_max_mw)}};
  });
  out["nodes"] = list(c.telecom.nodes, [](const telecom::Node& n, std::size_t) {
    return JsonObject{{"name", n.name},
                      {"lat", n.at.lat},
                      {"lon", n.at.lon},
                      {"battery_h", rounded(n.battery_h)},
                      {"cell", n.calls_per_hour > 0}};
  });
  out["links"] = list(c.telecom.links, [](const telecom::Link& l, std::size_t) {
    return JsonObject{{"name", l.name}, {"a", l.a}, {"b", l.b}};
  });
  out["circuits"] = list(c.telecom.circuits, [](const telecom::Circuit& circuit, std::size_t) {
    return JsonObject{{"name", circuit.name}, {"from", circuit.from}, {"to", circuit.to}};
  });
  out["terminals"] = list(c.telecom.terminals, [](const telecom::Terminal& t, std::size_t) {
    return JsonObject{{"name", t.name}, {"node", t.node}};
  });
  out["stations"] = list(c.rail.stations, [](const rail::Station& s, std::size_t) {
    return JsonObject{{"name", s.name}, {"lat", s.at.lat}, {"lon", s.at.lon}};
  });
  out["segments"] = list(c.rail.segments, [](const rail::Segment& s, std::size_t) {
    return JsonObject{{"name", s.name}, {"a", s.a}, {"b", s.b}, {"tracks", s.tracks}, {"electric", s.electric}};
  });
  JsonArray trains;
  for (const std::string_view name : names.of(ThingKind::kTrain)) trains.emplace_back(name);
  out["trains"] = std::move(trains);
  return out;
}

JsonObject range_json(const drill::WorldRange& range, Sight sight, std::int64_t at_ms) {
  const World& now = range.world();
  const WorldConfig& c = now.config();
  const PowerNames& named = c.power_names;
  const Names names(now);
  struct View {
    const World& world;
    bool answers;
  };
  std::vector<View> views;  // by substation
  views.reserve(c.substations.size());
  for (const Substation& s : c.substations)
    views.push_back(sight == Sight::kTruth ? View{now, true} : View{range.seen(s.name), !range.lost(s.name)});
  const auto at_bus = [&](std::uint32_t bus) -> const View& { return views[named.substation_of[bus]]; };

  JsonObject out{{"at_ms", at_ms}};
  out["buses"] = list(c.power.buses, [&](const power::Bus&, std::size_t i) {
    const auto& [world, answers] = at_bus(static_cast<std::uint32_t>(i));
    const std::string& name = named.buses[i];
    const Read live = read(world, name, Quantity::kPosition);
    return JsonArray{read(world, name, Quantity::kVoltage_kv).value,
                     read(world, name, Quantity::kFrequency_hz).value,
                     read(world, name, Quantity::kLoad_mw).value,
                     read(world, name, Quantity::kDemand_mw).value,
                     live.value,
                     answers && live.topical ? 1 : 0};
  });
  JsonArray breakers;
  out["branches"] = list(c.power.branches, [&](const power::Branch& b, std::size_t i) {
    const View &here = at_bus(b.from), &there = at_bus(b.to);
    const Read first = read(here.world, names.breaker(i, 0), Quantity::kPosition);
    const Read second = read(there.world, names.breaker(i, 1), Quantity::kPosition);
    breakers.push_back(JsonArray{first.value, second.value, here.answers && first.topical ? 1 : 0,
                                 there.answers && second.topical ? 1 : 0});
    const Read power = read(here.world, named.branches[i], Quantity::kPower_mw);
    return JsonArray{power.value, read(here.world, named.branches[i], Quantity::kLoading).value,
                     up(here.world, named.branches[i]), here.answers && power.topical ? 1 : 0};
  });
  out["breakers"] = std::move(breakers);
  out["generators"] = list(c.power.generators, [&](const power::Generator& g, std::size_t i) {
    const auto& [world, answers] = at_bus(g.bus);
    const std::string& name = named.generators[i];
    const Read power = read(world, name, Quantity::kPower_mw);
    return JsonArray{power.value, read(world, name, Quantity::kSetpoint_mw).value, up(world, name),
                     answers && power.topical ? 1 : 0};
  });
  out["nodes"] = list(c.telecom.nodes, [&](const telecom::Node& n, std::size_t) {
    return JsonArray{up(now, n.name), read(now, n.name, Quantity::kBattery_h).value};
  });
  const auto ups = [&](const auto& things) {
    return list(things, [&](const auto& thing, std::size_t) { return up(now, thing.name); });
  };
  out["links"] = ups(c.telecom.links);
  out["circuits"] = ups(c.telecom.circuits);
  out["terminals"] = ups(c.telecom.terminals);
  out["segments"] = ups(c.rail.segments);
  out["trains"] = list(names.of(ThingKind::kTrain),
                       [&](std::string_view name, std::size_t) { return read(now, name, Quantity::kDelay_min).value; });
  return out;
}

}  // namespace bongsu::desk
