#include "exercise/range/world_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>

#include "base/text.h"
#include "exercise/range/telecom/tables.h"

namespace bongsu::exercise {
namespace {

using telecom::slug;

constexpr double kAccess_mbps = 100, kTelecontrol_mbps = 0.064, kSignal_mbps = 0.256;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

std::string country_of(std::string_view name) { return std::string(name.substr(0, name.find('.'))); }

// The nearest of `count` things that `fits` allows; the first of equals; kNone.
std::uint32_t nearest(std::size_t count, const Position& at, const std::function<const Position&(std::uint32_t)>& place,
                      const std::function<bool(std::uint32_t)>& fits) {
  std::uint32_t best = kNone;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!fits(i)) continue;
    const double km = distance_km(at, place(i));
    if (km < least) {
      least = km;
      best = i;
    }
  }
  return best;
}

class Maker {
 public:
  explicit Maker(WorldParts parts) : in_(std::move(parts)) {}

  Result<WorldConfig> make() {
    if (in_.power.buses.size() != in_.power.network.buses.size() ||
        in_.power.generators.size() != in_.power.network.generators.size())
      return fail(ErrorCode::kInvalid, "every bus has a place, every generator a name", {.field = "power"});
    out_.name = in_.name;
    out_.settings = in_.settings;
    out_.telecom = in_.telecom;
    out_.rail = in_.rail;
    backbone_ = out_.telecom.nodes.size();
    BONGSU_TRY_VOID(find_centres());
    make_substations();
    name_branches();
    BONGSU_TRY_VOID(add_telecontrol());
    add_cells();
    BONGSU_TRY_VOID(add_generators());
    BONGSU_TRY_VOID(add_satellite_sites());
    BONGSU_TRY_VOID(add_signals());
    add_feeds();
    BONGSU_TRY_VOID(override_couplings());
    add_services();
    out_.power = std::move(in_.power.network);
    out_.disasters = std::move(in_.disasters);
    out_.remarks = std::move(in_.remarks);
    if (!out_.remarks.empty()) out_.remarks += '\n';
    out_.remarks += fmt::format(
        "ESTIMATED couplings: {} substations have a terminal unit and a circuit from their country's control centre; "
        "nodes, stations and tracks are supplied\n"
        "from the nearest substation; batteries of {} h (terminal units), {} h (cell sites), {} h (satellite "
        "terminals); {} calls an hour for each inhabitant;\n"
        "{:.0f} customers for each MW. No statement about any real network.",
        out_.substations.size(), kRtuBattery_h, kCellBattery_h, kTerminalBattery_h, kCallsAnHour,
        out_.settings.customers_per_mw);
    return std::move(out_);
  }

 private:
  std::string unique(std::string base) {
    std::string name = base;
    for (int k = 2; !names_.insert(name).second; ++k) name = fmt::format("{}{}", base, k);
    return name;
  }

  Result<void> find_centres() {
    for (const auto& [country, name] : in_.centres) {
      const auto found = std::ranges::find(out_.telecom.nodes, name, &telecom::Node::name);
      if (found == out_.telecom.nodes.end())
        return fail(ErrorCode::kNotFound, fmt::format("no telecom node is called {}", name),
                    {.field = "centre " + country});
      centre_[lowered(country)] = static_cast<std::uint32_t>(found - out_.telecom.nodes.begin());
      found->exchange = true;
    }
    return {};
  }

  Result<std::uint32_t> centre(const std::string& country) const {
    const auto found = centre_.find(country);
    if (found == centre_.end())
      return fail(ErrorCode::kNotFound, "the country has no control centre", {.field = country});
    return found->second;
  }

  void make_substations() {
    const std::vector<PowerParts::Bus>& buses = in_.power.buses;
    std::map<std::pair<std::string, std::string>, std::uint32_t> index;
    PowerNames& names = out_.power_names;
    for (std::uint32_t i = 0; i < buses.size(); ++i) {
      const std::string country = lowered(buses[i].country);
      const auto [found, fresh] =
          index.emplace(std::pair(country, buses[i].station), static_cast<std::uint32_t>(out_.substations.size()));
      if (fresh) {
        std::string called = buses[i].station;
        if (!in_.power.named_stations) {
          const std::uint32_t at = nearest(
              in_.places.size(), buses[i].at, [&](std::uint32_t k) -> const Position& { return in_.places[k].at; },
              [&](std::uint32_t k) { return lowered(in_.places[k].country) == country; });
          called = at == kNone ? "station" + buses[i].station : in_.places[at].name;
        }
        out_.substations.push_back(
            {.name = unique(fmt::format("{}.substation.{}", country, slug(called))), .at = buses[i].at, .circuit = ""});
        lowest_.push_back(i);
      }
      std::uint32_t& low = lowest_[found->second];
      if (in_.power.network.buses[i].base_kv < in_.power.network.buses[low].base_kv) low = i;
      names.substation_of.push_back(found->second);
      names.buses.push_back(unique(
          fmt::format("{}.bus{:.0f}", out_.substations[found->second].name, in_.power.network.buses[i].base_kv)));
    }
  }

  // "lt.substation.kaunas" → "kaunas".
  static std::string_view short_name(std::string_view name) { return name.substr(name.rfind('.') + 1); }

  void name_branches() {
    for (const power::Branch& b : in_.power.network.branches) {
      const std::uint32_t from = out_.power_names.substation_of[b.from], to = out_.power_names.substation_of[b.to];
      const std::string& name = out_.substations[from].name;
      const std::string base = from == to ? fmt::format("{}.transformer", name)
                                          : fmt::format("{}.line.{}-{}", country_of(name), short_name(name),
                                                        short_name(out_.substations[to].name));
      out_.power_names.branches.push_back(unique(from == to ? base : base + "."));
    }
    // The first of each has no number yet: "lt.line.kaunas-vilnius." is number 1.
    for (std::string& name : out_.power_names.branches)
      if (name.back() == '.') name += '1';
  }

  std::uint32_t nearest_node(const std::string& country, const Position& at) const {
    const auto place = [&](std::uint32_t k) -> const Position& { return out_.telecom.nodes[k].at; };
    const std::uint32_t own = nearest(backbone_, at, place, [&](std::uint32_t k) {
      return !out_.telecom.nodes[k].own_supply && country_of(out_.telecom.nodes[k].name) == country;
    });
    return own != kNone ? own : nearest(backbone_, at, place, [](std::uint32_t) { return true; });
  }

  // A node with its line to the nearest one of the backbone.
  Result<std::uint32_t> add_node(telecom::Node node, const std::string& country, std::string_view part) {
    const std::uint32_t to = nearest_node(country, node.at);
    if (to == kNone)
      return fail(ErrorCode::kNotFound, "there is no telecom network that it could hang on", {.field = node.name});
    const auto made = static_cast<std::uint32_t>(out_.telecom.nodes.size());
    out_.telecom.links.push_back({.name = unique(fmt::format("{}.access.{}", country, part)),
                                  .a = to,
                                  .b = made,
                                  .mbps = kAccess_mbps,
                                  .km = distance_km(node.at, out_.telecom.nodes[to].at)});
    out_.telecom.nodes.push_back(std::move(node));
    return made;
  }

  Result<void> add_telecontrol() {
    for (Substation& s : out_.substations) {
      const std::string country = country_of(s.name), part(short_name(s.name));
      BONGSU_TRY(const std::uint32_t from, centre(country));
      BONGSU_TRY(const std::uint32_t node,
                 add_node({.name = fmt::format("{}.rtu.{}", country, part), .at = s.at, .battery_h = kRtuBattery_h},
                          country, part));
      s.circuit = fmt::format("{}.circuit.{}", country, part);
      out_.telecom.circuits.push_back({.name = s.circuit, .from = from, .to = node, .mbps = kTelecontrol_mbps});
    }
    return {};
  }

  void add_cells() {
    for (const Place& place : in_.places) {
      const std::string country = lowered(place.country);
      const auto exchange = centre_.find(country);
      if (place.thousands <= 0 || exchange == centre_.end()) continue;
      const std::string part = slug(place.name);
      const auto node = add_node({.name = unique(fmt::format("{}.cell.{}", country, part)),
                                  .at = place.at,
                                  .battery_h = kCellBattery_h,
                                  .calls_per_hour = place.thousands * 1000 * kCallsAnHour},
                                 country, "cell-" + part);
      if (node)
        out_.telecom.demands.push_back(
            {.from = *node, .to = exchange->second, .mbps = place.thousands * kMbpsForThousand});
    }
  }

  Result<void> add_generators() {
    const power::Network& n = in_.power.network;
    for (std::uint32_t g = 0; g < n.generators.size(); ++g) {
      const Substation& s = out_.substations[out_.power_names.substation_of[n.generators[g].bus]];
      const std::string country = country_of(s.name),
                        part = fmt::format("{}-{}", short_name(s.name), slug(in_.power.generators[g].name));
      const std::string name = unique(fmt::format("{}.generator.{}", country, part));
      out_.power_names.generators.push_back(name);
      if (in_.power.generators[g].black_start) out_.settings.grid.black_start.push_back(g);
      if (in_.power.satellite.erase(name) == 0 && !in_.power.generators[g].satellite) {
        out_.controls.push_back({name, s.circuit});
        continue;
      }
      const std::string own(short_name(name));
      BONGSU_TRY(
          const std::uint32_t node,
          add_node({.name = fmt::format("{}.plant.{}", country, own), .at = s.at, .battery_h = kTerminalBattery_h},
                   country, "plant-" + own));
      out_.telecom.terminals.push_back({.name = fmt::format("{}.terminal.{}", country, own), .node = node});
      out_.controls.push_back({name, out_.telecom.terminals.back().name});
    }
    if (!in_.power.satellite.empty())
      return fail(ErrorCode::kNotFound, fmt::format("no generator is called {}", *in_.power.satellite.begin()),
                  {.field = "power.satellite"});
    return {};
  }

  Result<void> add_satellite_sites() {
    for (const SatelliteSite& site : in_.terminals) {
      const std::string country = country_of(site.terminal), own(short_name(site.terminal));
      if (site.terminal != fmt::format("{}.terminal.{}", country, own))
        return fail(ErrorCode::kInvalid, fmt::format("{} is not called COUNTRY.terminal.NAME", site.terminal),
                    {.field = "terminal"});
      BONGSU_TRY(const std::uint32_t node,
                 add_node({.name = fmt::format("{}.site.{}", country, own), .at = site.at, .battery_h = kTerminalBattery_h},
                          country, "site-" + own));
      out_.telecom.terminals.push_back({.name = site.terminal, .node = node, .stands_for = site.stands_for});
    }
    return {};
  }

  Result<void> add_signals() {
    for (const rail::Segment& segment : out_.rail.segments) {
      const std::string country = country_of(segment.name);
      BONGSU_TRY(const std::uint32_t from, centre(country));
      const Position middle = between(out_.rail.stations[segment.a].at, out_.rail.stations[segment.b].at, 0.5);
      const std::string circuit =
          fmt::format("{}.signal.{}", country, segment.name.substr(segment.name.find('.', country.size() + 1) + 1));
      out_.telecom.circuits.push_back(
          {.name = circuit, .from = from, .to = nearest_node(country, middle), .mbps = kSignal_mbps});
      out_.signals.push_back({segment.name, circuit});
    }
    return {};
  }

  // The bus of the lowest voltage at the nearest substation, of the same country if it has one.
  std::string nearest_bus(const std::string& country, const Position& at) const {
    const auto place = [&](std::uint32_t k) -> const Position& { return out_.substations[k].at; };
    std::uint32_t best = nearest(out_.substations.size(), at, place,
                                 [&](std::uint32_t k) { return country_of(out_.substations[k].name) == country; });
    if (best == kNone) best = nearest(out_.substations.size(), at, place, [](std::uint32_t) { return true; });
    return best == kNone ? std::string() : out_.power_names.buses[lowest_[best]];
  }

  void add_feeds() {
    const auto feed = [&](const std::string& consumer, const Position& at) {
      if (std::string bus = nearest_bus(country_of(consumer), at); !bus.empty())
        out_.feeds.push_back({consumer, std::move(bus)});
    };
    for (const telecom::Node& node : out_.telecom.nodes)
      if (!node.own_supply) feed(node.name, node.at);
    for (const rail::Station& station : out_.rail.stations) feed(station.name, station.at);
    for (const rail::Segment& s : out_.rail.segments)
      if (s.electric) feed(s.name, between(out_.rail.stations[s.a].at, out_.rail.stations[s.b].at, 0.5));
  }

  Result<void> override_couplings() {
    const auto replace = [](auto& rows, auto key, auto value, const Coupling& c) {
      const auto found = std::ranges::find(rows, c.consumer, key);
      if (found != rows.end())
        (*found).*value = c.from;
      else
        rows.push_back({c.consumer, c.from});
    };
    for (const Coupling& c : in_.couplings) {
      if (c.kind == Coupling::Kind::kFeed) replace(out_.feeds, &Feed::consumer, &Feed::bus, c);
      if (c.kind == Coupling::Kind::kControl) replace(out_.controls, &Control::generator, &Control::by, c);
      if (c.kind == Coupling::Kind::kSignal) replace(out_.signals, &SignalLine::segment, &SignalLine::circuit, c);
    }
    return {};
  }

  void service(std::string name, Service::Kind kind, std::vector<std::string> members) {
    if (!members.empty()) out_.services.push_back({std::move(name), kind, std::move(members)});
  }

  void add_services() {
    const power::Network& n = in_.power.network;
    for (const Place& place : in_.places) {
      const std::string country = lowered(place.country);
      if (place.thousands < kServedThousands || !centre_.contains(country)) continue;
      std::vector<std::string> buses;
      std::uint32_t closest = kNone;
      for (std::uint32_t i = 0; i < n.buses.size(); ++i) {
        if (!(n.buses[i].load_mw > 0)) continue;
        const double km = distance_km(place.at, in_.power.buses[i].at);
        if (km <= kNear_km) buses.push_back(out_.power_names.buses[i]);
        if (closest == kNone || km < distance_km(place.at, in_.power.buses[closest].at)) closest = i;
      }
      if (buses.empty() && closest != kNone) buses.push_back(out_.power_names.buses[closest]);
      service("power " + place.name, Service::Kind::kPower, std::move(buses));
      service("mobile " + place.name, Service::Kind::kMobile, {fmt::format("{}.cell.{}", country, slug(place.name))});
    }
    for (const rail::Line& line : out_.rail.lines) {
      std::vector<std::string> segments;
      for (std::size_t k = 1; k < line.stations.size(); ++k)
        for (const rail::Segment& s : out_.rail.segments)
          if (std::minmax(s.a, s.b) == std::minmax(line.stations[k - 1], line.stations[k])) {
            segments.push_back(s.name);
            break;
          }
      service("rail " + std::string(short_name(line.name)), Service::Kind::kRail, std::move(segments));
    }
    for (const auto& [country, node] : centre_) {
      std::vector<std::string> circuits, generators;
      for (const Substation& s : out_.substations)
        if (country_of(s.name) == country) circuits.push_back(s.circuit);
      for (const std::string& g : out_.power_names.generators)
        if (country_of(g) == country) generators.push_back(g);
      service("telecontrol " + country, Service::Kind::kControl, std::move(circuits));
      service("dispatch " + country, Service::Kind::kControl, std::move(generators));
    }
    for (Service& given : in_.services) out_.services.push_back(std::move(given));
  }

  WorldParts in_;
  WorldConfig out_;
  std::set<std::string> names_;
  std::map<std::string, std::uint32_t> centre_;
  std::vector<std::uint32_t> lowest_;  // by substation: its bus of the lowest voltage
  std::size_t backbone_ = 0;
};

}  // namespace

const Place* find_place(const std::vector<Place>& places, std::string_view country, std::string_view name) {
  const std::string wanted = slug(name);
  for (const Place& place : places) {
    if (lowered(place.country) != lowered(country)) continue;
    if (slug(place.name) == wanted ||
        std::ranges::any_of(place.also, [&](const std::string& other) { return slug(other) == wanted; }))
      return &place;
  }
  return nullptr;
}

Result<WorldConfig> world_of_case(power::Network network) {
  WorldConfig c;
  c.name = network.name;
  c.telecom.nodes = {{.name = "centre", .own_supply = true}};
  for (std::uint32_t i = 0; i < network.buses.size(); ++i) {
    const power::Bus& bus = network.buses[i];
    const std::string name = fmt::format("substation.{}", bus.number);
    c.substations.push_back({.name = name, .at = {}, .circuit = fmt::format("circuit.{}", bus.number)});
    c.telecom.circuits.push_back({.name = c.substations.back().circuit});
    c.power_names.buses.push_back(fmt::format("{}.bus{:.0f}", name, bus.base_kv));
    c.power_names.substation_of.push_back(i);
  }
  std::map<std::pair<std::int64_t, std::int64_t>, int> parallel;
  for (const power::Branch& b : network.branches) {
    const std::int64_t from = network.buses[b.from].number, to = network.buses[b.to].number;
    c.power_names.branches.push_back(fmt::format("line.{}-{}.{}", from, to, ++parallel[{from, to}]));
  }
  std::map<std::int64_t, int> units;
  for (const power::Generator& g : network.generators) {
    const std::int64_t at = network.buses[g.bus].number;
    c.power_names.generators.push_back(fmt::format("generator.{}.{}", at, ++units[at]));
  }
  c.power = std::move(network);
  return c;
}

Result<WorldConfig> make_world(WorldParts parts) { return Maker(std::move(parts)).make(); }

}  // namespace bongsu::exercise
