// A world's description: a TOML document beside tables and networks in files of their own.
//
//   const auto files = [](const std::string& name) -> Result<std::string> { … };   // relative to the document
//   BONGSU_TRY(WorldConfig config, read_world(toml, "world.toml", files));
//   BONGSU_TRY(World world, World::make(std::move(config), 7));
//
//   name = "aukstaitija"
//   places = "places.csv"                  # name,country,lat,lon,thousands,also        (also: "Kiev;Kyjiv")
//   couplings = "couplings.csv"            # kind,consumer,from                         (kind: feed, control, signal)
//   [power]
//   case = "grid.m"                        # a MATPOWER case, with
//   buses = "buses.csv"                    # bus,country,station,lat,lon                (bus: its number)
//   generators = "generators.csv"          # generator,name,satellite,black_start       (generator: 1, 2, … as in the case)
//   extract = "grid-europe"                # or: a directory of the ENTSO-E extract, with
//   countries = ["LT", "UA"]
//   satellite = ["ua.generator.dnipro-hydro"]  # steered over a satellite terminal, beside wind and sun or the table's
//   [telecom]
//   nodes = "nodes.csv"                    # telecom/tables.h
//   links = "links.csv"
//   country = "LT"
//   [[topology]]                           # and operators' topologies
//   file = "Litnet.graphml"
//   country = "LT"
//   [[rail]]                               # rail/tables.h
//   stations = "stations.csv"              # segments, lines, timetable
//   country = "LT"
//   [[centre]]
//   country = "LT"
//   node = "lt.node.vilnius"
//   [[terminal]]                           # of satellites, beside generators'
//   name = "ua.terminal.field"
//   at = "50.0 36.2"                       # latitude, longitude
//   stands_for = 3000                      # of a network's; 1
//   [[disaster]]
//   name = "lt.storm.january"
//   kind = "storm"                         # storm, flood, sabotage
//   track = ["0 55.7 21.1", "60 55.5 22.5"]  # minutes, latitude, longitude
//   radius_km = 60
//   strength = "38"                        # world_config.h
//   lasts = "2h"
//   [settings]                             # step, dispatch, begins, crew, repair, swing_percent, customers_per_mw
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exercise/range/world_config.h"

namespace bongsu::exercise {

inline constexpr std::size_t kMaxWorldFileBytes = 1024 * 1024, kMaxPlaces = 20'000, kMaxTopologies = 100, kMaxCouplings = 100'000;

using WorldFiles = std::function<Result<std::string>(const std::string& name)>;

// kInvalid names file, line and field.
Result<WorldConfig> read_world(std::string_view toml, std::string_view source, const WorldFiles& files);

}  // namespace bongsu::exercise
