#include "exercise/range/world_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <span>

#include "base/config.h"
#include "base/text.h"
#include "exercise/csv_table.h"
#include "exercise/range/power/build_grid.h"
#include "exercise/range/power/matpower.h"
#include "exercise/range/rail/tables.h"
#include "exercise/range/telecom/graphml.h"
#include "exercise/range/telecom/tables.h"
#include "exercise/range/world_builder.h"

namespace bongsu::exercise {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

struct TopologyEntry {
  std::string file, country;
};
struct RailEntry {
  std::string stations, segments, lines, timetable, country;
};
struct CentreEntry {
  std::string country, node;
};
struct DisasterEntry {
  std::string name, kind = "storm", strength;
  std::vector<std::string> track;
  std::int64_t radius_km = 60;
  milliseconds lasts = 2h;
};
struct TerminalEntry {
  std::string name, at;
  std::int64_t stands_for = 1;
};
struct ServiceEntry {
  std::string name, kind = "power";
  std::vector<std::string> members;
};

struct Document {
  std::string name, places, couplings;
  std::string grid_case, buses, generators, extract;
  std::vector<std::string> countries, satellite;
  std::string nodes, links, telecom_country;
  std::vector<TopologyEntry> topologies;
  std::vector<RailEntry> rails;
  std::vector<CentreEntry> centres;
  std::vector<TerminalEntry> terminals;
  std::vector<DisasterEntry> disasters;
  std::vector<ServiceEntry> services;
  milliseconds step = 10s, dispatch = 5min, begins = 0ms, crew = 30min, repair = 4h;
  std::int64_t swing_percent = 15, customers_per_mw = 1200;

  Result<void> read(std::string_view toml, std::string_view source) {
    ConfigSchema s;
    s.text("name", name, "What the world is called.").required();
    s.text("places", places, "Towns: name, country, lat, lon, thousands, also.");
    s.text("couplings", couplings, "Couplings that replace the nearest one's: kind, consumer, from.");
    s.section("power", "The grid: a case with tables of places, or an extract.");
    s.text("power.case", grid_case, "A MATPOWER case.");
    s.text("power.buses", buses, "Where its buses are: bus, country, station, lat, lon.");
    s.text("power.generators", generators, "What its generators are called: generator, name, satellite, black_start.");
    s.text("power.extract", extract, "A directory of the ENTSO-E extract.");
    s.texts("power.countries", countries, "Which countries of the extract.");
    s.texts("power.satellite", satellite,
            "Generators by name that are steered over a satellite terminal, beside the extract's wind and sun.");
    s.section("telecom", "A telecommunication network from tables.");
    s.text("telecom.nodes", nodes, "Nodes.");
    s.text("telecom.links", links, "Links.");
    s.text("telecom.country", telecom_country, "Whose it is.");
    s.tables<TopologyEntry>("topology", topologies, "An operator's topology.", [](ConfigSchema& t, TopologyEntry& e) {
      t.text("file", e.file, "GraphML.").required();
      t.text("country", e.country, "Where its places are.").required();
    });
    s.tables<RailEntry>("rail", rails, "A railway from tables.", [](ConfigSchema& t, RailEntry& e) {
      t.text("stations", e.stations, "Stations.").required();
      t.text("segments", e.segments, "Segments.").required();
      t.text("lines", e.lines, "Lines with headways.");
      t.text("timetable", e.timetable, "Single trains.");
      t.text("country", e.country, "Whose it is.").required();
    });
    s.tables<CentreEntry>("centre", centres, "A country's control centre.", [](ConfigSchema& t, CentreEntry& e) {
      t.text("country", e.country, "Of which country.").required();
      t.text("node", e.node, "The telecom node where it is.").required();
    });
    s.tables<TerminalEntry>("terminal", terminals, "A satellite terminal.", [](ConfigSchema& t, TerminalEntry& e) {
      t.text("name", e.name, "Its name.").required();
      t.text("at", e.at, "Where it is: latitude, longitude.").required();
      t.number("stands_for", e.stands_for, 1, 10'000'000, "How many it stands for.");
    });
    s.tables<DisasterEntry>("disaster", disasters, "A disaster that may come.", [](ConfigSchema& t, DisasterEntry& e) {
      t.text("name", e.name, "Its name.").required();
      t.choice("kind", e.kind, {"storm", "flood", "sabotage"}, "What it is.");
      t.texts("track", e.track, "Where its middle is: minutes, latitude, longitude.").required();
      t.number("radius_km", e.radius_km, 1, 20'000, "How far it reaches.");
      t.text("strength", e.strength, "Gusts in m/s; of others the part that fails in an hour.").required();
      t.duration("lasts", e.lasts, 1min, std::chrono::hours(24 * 30), "How long.");
    });
    s.tables<ServiceEntry>(
        "service", services, "A service beside those that are made.", [](ConfigSchema& t, ServiceEntry& e) {
          t.text("name", e.name, "Its name.").required();
          t.choice("kind", e.kind, {"power", "mobile", "data", "rail", "control"}, "What it is made of.");
          t.texts("members", e.members, "Names of things.").required();
        });
    s.section("settings", "Time and estimates.");
    s.duration("settings.step", step, 100ms, 1h, "Flows are solved at least this often.");
    s.duration("settings.dispatch", dispatch, 0ms, 24h, "Operators set generators to demand this often; 0: never.");
    s.duration("settings.begins", begins, 0ms, 24h - 1ms, "Time of day at the beginning.");
    s.duration("settings.crew", crew, 0ms, std::chrono::hours(24 * 30), "Until a crew is on site.");
    s.duration("settings.repair", repair, 0ms, std::chrono::hours(24 * 30), "What it needs to mend something.");
    s.number("settings.swing_percent", swing_percent, 0, 99, "Of demand over a day.");
    s.number("settings.customers_per_mw", customers_per_mw, 0, 1'000'000, "An estimate.");
    return s.read(toml, source);
  }
};

double seconds(milliseconds d) { return static_cast<double>(d.count()) / 1000; }

class Loader {
 public:
  Loader(std::string_view source, const WorldFiles& files) : source_(source), files_(files) {}

  Result<WorldConfig> load(std::string_view toml) {
    if (toml.size() > kMaxWorldFileBytes)
      return wrong("", fmt::format("a world has at most {} bytes", kMaxWorldFileBytes), ErrorCode::kTooLarge);
    BONGSU_TRY_VOID(d_.read(toml, source_));
    parts_.name = d_.name;
    BONGSU_TRY_VOID(read_places());
    BONGSU_TRY_VOID(read_power());
    BONGSU_TRY_VOID(read_telecom());
    BONGSU_TRY_VOID(read_rail());
    BONGSU_TRY_VOID(read_couplings());
    BONGSU_TRY_VOID(read_terminals());
    BONGSU_TRY_VOID(read_disasters());
    for (const CentreEntry& e : d_.centres)
      if (!parts_.centres.emplace(lowered(e.country), e.node).second)
        return wrong("centre", fmt::format("{} has two centres", e.country));
    for (ServiceEntry& e : d_.services) {
      const Service::Kind kind = e.kind == "power"    ? Service::Kind::kPower
                                 : e.kind == "mobile" ? Service::Kind::kMobile
                                 : e.kind == "data"   ? Service::Kind::kData
                                 : e.kind == "rail"   ? Service::Kind::kRail
                                                      : Service::Kind::kControl;
      parts_.services.push_back({e.name, kind, std::move(e.members)});
    }
    parts_.settings = {.step_s = seconds(d_.step),
                       .dispatch_s = seconds(d_.dispatch),
                       .swing = static_cast<double>(d_.swing_percent) / 100,
                       .begins_s = seconds(d_.begins),
                       .crew_s = seconds(d_.crew),
                       .repair_s = seconds(d_.repair),
                       .customers_per_mw = static_cast<double>(d_.customers_per_mw)};
    return make_world(std::move(parts_));
  }

 private:
  std::unexpected<Error> wrong(std::string field, std::string message, ErrorCode code = ErrorCode::kInvalid) const {
    return fail(code, std::move(message), {.source = std::string(source_), .field = std::move(field)});
  }

  // Empty for an empty name.
  Result<std::string> text(const std::string& name) const {
    return name.empty() ? Result<std::string>("") : files_(name);
  }

  Result<Position> position(const CsvRow& row) const {
    BONGSU_TRY(const double lat, row.number("lat", 91, -90, 90));
    BONGSU_TRY(const double lon, row.number("lon", 181, -180, 180));
    if (!on_earth({lat, lon})) return row.wrong("lat", "a position is needed");
    return Position{lat, lon};
  }

  Result<void> read_places() {
    if (d_.places.empty()) return {};
    BONGSU_TRY(const std::string content, files_(d_.places));
    BONGSU_TRY(const CsvTable table, CsvTable::read(content, d_.places,
                                                    {.columns = {"name", "country", "lat", "lon", "thousands", "also"},
                                                     .required = {"name", "country", "lat", "lon"},
                                                     .max_rows = kMaxPlaces,
                                                     .things = "places"}));
    for (const CsvRow& row : table.rows()) {
      Place place{.name = std::string(row.text("name")), .country = std::string(row.text("country"))};
      if (telecom::slug(place.name).empty() || place.country.empty())
        return row.wrong("name", "a place has a name and a country");
      BONGSU_TRY(place.at, position(row));
      BONGSU_TRY(place.thousands, row.number("thousands", 0, 0, 50'000));
      for (std::string_view rest = row.text("also"); !rest.empty();) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        place.also.emplace_back(trim(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      parts_.places.push_back(std::move(place));
    }
    return {};
  }

  Result<void> read_power() {
    if (d_.grid_case.empty() == d_.extract.empty()) return wrong("power", "a world has one grid: a case or an extract");
    parts_.power.satellite = {d_.satellite.begin(), d_.satellite.end()};
    return d_.extract.empty() ? read_case_with_tables() : read_extract();
  }

  Result<void> read_case_with_tables() {
    BONGSU_TRY(const std::string content, files_(d_.grid_case));
    BONGSU_TRY(parts_.power.network, power::read_case(content, d_.grid_case));
    const power::Network& n = parts_.power.network;
    if (d_.buses.empty()) return wrong("power.buses", "a case needs a table of where its buses are");
    BONGSU_TRY(const std::string bus_text, files_(d_.buses));
    BONGSU_TRY(const CsvTable buses, CsvTable::read(bus_text, d_.buses,
                                                    {.columns = {"bus", "country", "station", "lat", "lon"},
                                                     .required = {"bus", "country", "station", "lat", "lon"},
                                                     .max_rows = power::kMaxBuses,
                                                     .things = "buses"}));
    std::map<std::int64_t, std::uint32_t> index;
    for (std::uint32_t i = 0; i < n.buses.size(); ++i) index.emplace(n.buses[i].number, i);
    parts_.power.buses.resize(n.buses.size());
    parts_.power.named_stations = true;
    std::size_t known = 0;
    for (const CsvRow& row : buses.rows()) {
      BONGSU_TRY(const auto number, row.whole("bus", 0, 1'000'000'000));
      const auto found = number ? index.find(*number) : index.end();
      if (found == index.end()) return row.wrong("bus", "the case has no such bus");
      PowerParts::Bus& bus = parts_.power.buses[found->second];
      if (!bus.country.empty()) return row.wrong("bus", "the bus is there twice");
      bus.country = row.text("country");
      bus.station = row.text("station");
      if (bus.country.empty() || telecom::slug(bus.station).empty())
        return row.wrong("station", "a bus has a country and a station");
      BONGSU_TRY(bus.at, position(row));
      ++known;
    }
    if (known != n.buses.size())
      return wrong("power.buses",
                   fmt::format("{} tells of {} buses, and the case has {}", d_.buses, known, n.buses.size()));
    parts_.power.generators.resize(n.generators.size(), {.name = "unit"});
    if (d_.generators.empty()) return {};
    BONGSU_TRY(const std::string generator_text, files_(d_.generators));
    BONGSU_TRY(const CsvTable generators, CsvTable::read(generator_text, d_.generators,
                                                         {.columns = {"generator", "name", "satellite", "black_start"},
                                                          .required = {"generator", "name"},
                                                          .max_rows = power::kMaxGenerators,
                                                          .things = "generators"}));
    for (const CsvRow& row : generators.rows()) {
      BONGSU_TRY(const auto number, row.whole("generator", 1, static_cast<std::int64_t>(n.generators.size())));
      if (!number) return row.wrong("generator", "is its number in the case");
      if (telecom::slug(row.text("name")).empty()) return row.wrong("name", "a generator has a name");
      parts_.power.generators[static_cast<std::size_t>(*number - 1)] = {.name = std::string(row.text("name"))};
      BONGSU_TRY(parts_.power.generators[static_cast<std::size_t>(*number - 1)].satellite, row.yes("satellite", false));
      BONGSU_TRY(parts_.power.generators[static_cast<std::size_t>(*number - 1)].black_start,
                 row.yes("black_start", false));
    }
    return {};
  }

  Result<void> read_extract() {
    std::string content[4];
    const char* const names[] = {"buses.csv", "lines.csv", "transformers.csv", "generators.csv"};
    for (int k = 0; k < 4; ++k) {
      BONGSU_TRY(content[k], files_(d_.extract + "/" + names[k]));
    }
    BONGSU_TRY(power::BuiltGrid built, power::build_grid({content[0], content[1], content[2], content[3]},
                                                         {.countries = d_.countries, .load_mw = {}}));
    for (std::size_t i = 0; i < built.network.buses.size(); ++i)
      parts_.power.buses.push_back({built.country[i], built.station[i], built.at[i]});
    for (const std::string& technology : built.technology)
      parts_.power.generators.push_back({technology, technology == "Wind farm" || technology == "Solar photovoltaic",
                                         technology.starts_with("Hydro")});
    parts_.power.network = std::move(built.network);
    parts_.remarks = std::move(built.remarks);
    return {};
  }

  void add(telecom::Network more) {
    const auto shift = static_cast<std::uint32_t>(parts_.telecom.nodes.size());
    for (telecom::Link& link : more.links) {
      link.a += shift;
      link.b += shift;
    }
    std::ranges::move(more.nodes, std::back_inserter(parts_.telecom.nodes));
    std::ranges::move(more.links, std::back_inserter(parts_.telecom.links));
  }

  Result<void> read_telecom() {
    if (!d_.nodes.empty()) {
      BONGSU_TRY(const std::string nodes, files_(d_.nodes));
      BONGSU_TRY(const std::string links, text(d_.links));
      BONGSU_TRY(telecom::Network n, telecom::read_tables(nodes, links, lowered(d_.telecom_country) + "."));
      add(std::move(n));
    }
    if (d_.topologies.size() > kMaxTopologies)
      return wrong("topology", fmt::format("more than {} topologies", kMaxTopologies), ErrorCode::kTooLarge);
    for (const TopologyEntry& e : d_.topologies) {
      BONGSU_TRY(const std::string content, files_(e.file));
      BONGSU_TRY(const telecom::Topology topology, telecom::read_graphml(content, e.file));
      add(telecom::on_the_map(topology, lowered(e.country) + ".",
                              [&](std::string_view label) -> std::optional<Position> {
                                const Place* place = find_place(parts_.places, e.country, label);
                                return place == nullptr ? std::nullopt : std::optional(place->at);
                              }));
    }
    return {};
  }

  Result<void> read_rail() {
    for (const RailEntry& e : d_.rails) {
      BONGSU_TRY(const std::string stations, files_(e.stations));
      BONGSU_TRY(const std::string segments, files_(e.segments));
      BONGSU_TRY(const std::string lines, text(e.lines));
      BONGSU_TRY(const std::string timetable, text(e.timetable));
      BONGSU_TRY(rail::Network n, rail::read_tables({stations, segments, lines, timetable}, lowered(e.country) + "."));
      rail::Network& all = parts_.rail;
      const auto shift = static_cast<std::uint32_t>(all.stations.size());
      for (rail::Segment& s : n.segments) {
        s.a += shift;
        s.b += shift;
      }
      for (rail::Line& line : n.lines)
        for (std::uint32_t& at : line.stations) at += shift;
      for (rail::Train& train : n.trains)
        for (rail::Stop& stop : train.stops) stop.station += shift;
      std::ranges::move(n.stations, std::back_inserter(all.stations));
      std::ranges::move(n.segments, std::back_inserter(all.segments));
      std::ranges::move(n.lines, std::back_inserter(all.lines));
      std::ranges::move(n.trains, std::back_inserter(all.trains));
    }
    return {};
  }

  Result<void> read_couplings() {
    if (d_.couplings.empty()) return {};
    BONGSU_TRY(const std::string content, files_(d_.couplings));
    BONGSU_TRY(const CsvTable table, CsvTable::read(content, d_.couplings,
                                                    {.columns = {"kind", "consumer", "from"},
                                                     .required = {"kind", "consumer", "from"},
                                                     .max_rows = kMaxCouplings,
                                                     .things = "couplings"}));
    for (const CsvRow& row : table.rows()) {
      const std::string_view kind = row.text("kind");
      if (kind != "feed" && kind != "control" && kind != "signal")
        return row.wrong("kind", fmt::format("\"{}\" is not feed, control or signal", kind));
      parts_.couplings.push_back({kind == "feed"      ? Coupling::Kind::kFeed
                                  : kind == "control" ? Coupling::Kind::kControl
                                                      : Coupling::Kind::kSignal,
                                  std::string(row.text("consumer")), std::string(row.text("from"))});
    }
    return {};
  }

  // "50.0 36.2": as many numbers as `out` has; false: it is something else.
  static bool numbers_of(std::string_view text, std::span<double> out) {
    std::string_view rest = trim(text);
    for (double& value : out) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      const auto number = finite_number(rest.substr(0, end));
      if (!number) return false;
      value = *number;
      rest = trim(rest.substr(end));
    }
    return rest.empty();
  }

  Result<void> read_terminals() {
    for (const TerminalEntry& e : d_.terminals) {
      double at[2] = {};
      if (!numbers_of(e.at, at) || !on_earth({at[0], at[1]}))
        return wrong("terminal.at", fmt::format("\"{}\" is not LATITUDE LONGITUDE", e.at));
      parts_.terminals.push_back({e.name, {at[0], at[1]}, static_cast<std::uint32_t>(e.stands_for)});
    }
    return {};
  }

  Result<void> read_disasters() {
    for (const DisasterEntry& e : d_.disasters) {
      Disaster out{.name = e.name, .radius_km = static_cast<double>(e.radius_km), .lasts_s = seconds(e.lasts)};
      out.kind = e.kind == "storm"   ? Disaster::Kind::kStorm
                 : e.kind == "flood" ? Disaster::Kind::kFlood
                                     : Disaster::Kind::kSabotage;
      const auto strength = finite_number(e.strength);
      if (!strength) return wrong("disaster.strength", fmt::format("\"{}\" is not a number", e.strength));
      out.strength = *strength;
      for (const std::string& point : e.track) {
        double values[3] = {};
        if (!numbers_of(point, values))
          return wrong("disaster.track", fmt::format("\"{}\" is not MINUTES LATITUDE LONGITUDE", point));
        out.track.push_back({values[0] * 60, {values[1], values[2]}});
      }
      parts_.disasters.push_back(std::move(out));
    }
    return {};
  }

  std::string_view source_;
  const WorldFiles& files_;
  Document d_;
  WorldParts parts_;
};

}  // namespace

Result<WorldConfig> read_world(std::string_view toml, std::string_view source, const WorldFiles& files) {
  return Loader(source, files).load(toml);
}

}  // namespace bongsu::exercise
