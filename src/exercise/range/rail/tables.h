// Railways from tables: stations, segments and lines as CSV, and the lists of stations and edges that line data sets come as.
//
//   stations.csv   name,lat,lon
//   segments.csv   from,to,minutes,km,tracks,blocks,electric  minutes or km (then at kUsual_kmh); tracks 1 or 2; a block for each kBlock_km,
//                                                             if it isn't said; electric yes or no
//   lines.csv      name,stations,headway_min,first,last      stations: "vilnius;kaunas;klaipeda"; times of the day: 5:30
//   timetable.csv  train,station,time                        one row a stop, in order: single trains instead of lines
//
//   BONGSU_TRY(const rail::Network n, rail::read_tables({stations, segments, lines}, "lt."));   // names: lt.station.vilnius, lt.segment.…
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "exercise/range/rail/network.h"

namespace bongsu::exercise::rail {

inline constexpr double kUsual_kmh = 90, kBlock_km = 8;

struct RailText {
  std::string_view stations, segments, lines, timetable;  // empty: none
};

// kInvalid names table, line and column.
Result<Network> read_tables(const RailText& text, std::string_view prefix);

// "Station,Latitude,Longitude" and "Source,Target,Weight", where a weight is the running time in seconds. One line over all stations, in
// the order of edges, as far as they follow each other.
Result<Network> read_lists(std::string_view nodes, std::string_view edges, std::string_view prefix, std::string_view line);

}  // namespace bongsu::exercise::rail
