// A railway as values: stations, segments between them with their blocks, lines with trains.
//
//   rail::Network n;
//   n.stations = {{.name = "lt.station.vilnius"}, {.name = "lt.station.kaunas"}};
//   n.segments = {{.name = "lt.segment.kaunas-vilnius", .a = 1, .b = 0, .run_s = 4200}};
//   n.lines = {{.name = "lt.line.vilnius-kaunas", .stations = {0, 1}, .headway_s = 3600, .first_s = 5 * 3600, .last_s =
//   23 * 3600}};
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exercise/range/place.h"

namespace bongsu::exercise::rail {

inline constexpr std::size_t kMaxStations = 20'000, kMaxSegments = 50'000, kMaxLines = 2'000, kMaxTrains = 20'000,
                             kMaxStops = 2'000'000;
inline constexpr int kMaxBlocks = 1'000;

struct Station {
  std::string name;
  Position at;
  bool operator==(const Station&) const = default;
};

// A row of equal blocks, each for one train. `tracks` 2: a row in each direction; 1: one row, for one direction at a time.
struct Segment {
  std::string name;
  std::uint32_t a = 0, b = 0;
  double run_s = 0;
  int tracks = 2, blocks = 1;
  bool electric = true;  // trains need traction power
  bool operator==(const Segment&) const = default;
};

// Trains in both directions from first to last departure; a station after the other joined by a segment.
struct Line {
  std::string name;
  std::vector<std::uint32_t> stations;
  double headway_s = 3600, first_s = 5 * 3600.0, last_s = 23 * 3600.0;  // of departures, in seconds of the day
  double dwell_s = 60;
  bool operator==(const Line&) const = default;
};

// One train's way by a timetable: at each station when it is due to leave (at the last: to arrive).
struct Stop {
  std::uint32_t station = 0;
  double at_s = 0;
  bool operator==(const Stop&) const = default;
};
struct Train {
  std::string name;
  std::vector<Stop> stops;
  bool operator==(const Train&) const = default;
};

struct Network {
  std::vector<Station> stations;
  std::vector<Segment> segments;
  std::vector<Line> lines;
  std::vector<Train> trains;  // beside those of lines
  bool operator==(const Network&) const = default;
};

}  // namespace bongsu::exercise::rail
