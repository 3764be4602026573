#include "exercise/range/rail/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "exercise/csv_table.h"

namespace bongsu::exercise::rail {
namespace {

constexpr double kMost_min = 1440, kMost_km = 2000, kMostTime_s = 48 * 3600;

using Index = std::map<std::string, std::uint32_t, std::less<>>;

Result<double> time_of_day(const CsvRow& row, std::string_view column, double otherwise) {
  const std::string_view text = row.text(column);
  if (text.empty()) return otherwise;
  const std::size_t colon = text.find(':');
  const auto hours = finite_number(text.substr(0, colon)), minutes = colon == std::string_view::npos ? 0.0 : finite_number(text.substr(colon + 1));
  if (!hours || !minutes || *hours < 0 || *minutes < 0 || *minutes >= 60) return row.wrong(column, fmt::format("\"{}\" is no time of the day (5:30)", text));
  const double seconds = *hours * 3600 + *minutes * 60;
  if (seconds > kMostTime_s) return row.wrong(column, "a time lies within two days");
  return seconds;
}

Result<std::uint32_t> station(const CsvRow& row, std::string_view column, const Index& index, std::string_view name) {
  const auto found = index.find(name);
  if (found == index.end()) return row.wrong(column, fmt::format("there is no station \"{}\"", name));
  return found->second;
}

Result<void> add_station(const CsvRow& row, std::string_view name_column, std::string_view lat_column, std::string_view lon_column, std::string_view prefix, Index& index, Network& n) {
  const std::string name(row.text(name_column));
  if (name.empty()) return row.wrong(name_column, "a station has a name");
  if (!index.emplace(name, static_cast<std::uint32_t>(n.stations.size())).second) return row.wrong(name_column, fmt::format("{} is there twice", name));
  BONGSU_TRY(const double lat, row.number(lat_column, 91, -90, 90));
  BONGSU_TRY(const double lon, row.number(lon_column, 181, -180, 180));
  if (!on_earth({lat, lon})) return row.wrong(lat_column, "a station has a position");
  n.stations.push_back({fmt::format("{}station.{}", prefix, name), {lat, lon}});
  return {};
}

Result<void> read_segments(std::string_view text, std::string_view prefix, const Index& index, Network& n) {
  BONGSU_TRY(const CsvTable table, CsvTable::read(text, "segments.csv", {.columns = {"from", "to", "minutes", "km", "tracks", "blocks", "electric"}, .required = {"from", "to"}, .max_rows = kMaxSegments}));
  for (const CsvRow& row : table.rows()) {
    BONGSU_TRY(const std::uint32_t a, station(row, "from", index, row.text("from")));
    BONGSU_TRY(const std::uint32_t b, station(row, "to", index, row.text("to")));
    if (a == b) return row.wrong("to", "a segment joins two stations");
    BONGSU_TRY(const double km, row.number("km", distance_km(n.stations[a].at, n.stations[b].at), 0.1, kMost_km));
    BONGSU_TRY(const double minutes, row.number("minutes", km / kUsual_kmh * 60, 0.1, kMost_min));
    BONGSU_TRY(const auto tracks, row.whole("tracks", 1, 2));
    BONGSU_TRY(const auto blocks, row.whole("blocks", 1, kMaxBlocks));
    BONGSU_TRY(const bool electric, row.yes("electric", true));
    n.segments.push_back({.name = fmt::format("{}segment.{}-{}", prefix, row.text("from"), row.text("to")), .a = a, .b = b, .run_s = minutes * 60,
                          .tracks = static_cast<int>(tracks.value_or(2)), .blocks = static_cast<int>(blocks.value_or(std::max<std::int64_t>(1, std::llround(km / kBlock_km)))), .electric = electric});
  }
  return {};
}

Result<void> read_lines(std::string_view text, std::string_view prefix, const Index& index, Network& n) {
  BONGSU_TRY(const CsvTable table, CsvTable::read(text, "lines.csv", {.columns = {"name", "stations", "headway_min", "first", "last"}, .required = {"name", "stations"}, .max_rows = kMaxLines}));
  for (const CsvRow& row : table.rows()) {
    Line line{.name = fmt::format("{}train.{}", prefix, row.text("name"))};
    for (std::string_view rest = row.text("stations"); !rest.empty();) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      BONGSU_TRY(const std::uint32_t at, station(row, "stations", index, trim(rest.substr(0, end))));
      line.stations.push_back(at);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    BONGSU_TRY(const double headway, row.number("headway_min", line.headway_s / 60, 1, kMost_min));
    line.headway_s = headway * 60;
    BONGSU_TRY(line.first_s, time_of_day(row, "first", line.first_s));
    BONGSU_TRY(line.last_s, time_of_day(row, "last", line.last_s));
    n.lines.push_back(std::move(line));
  }
  return {};
}

Result<void> read_timetable(std::string_view text, std::string_view prefix, const Index& index, Network& n) {
  BONGSU_TRY(const CsvTable table, CsvTable::read(text, "timetable.csv", {.columns = {"train", "station", "time"}, .required = {"train", "station", "time"}, .max_rows = kMaxStops}));
  Index trains;
  for (const CsvRow& row : table.rows()) {
    const std::string_view name = row.text("train");
    const auto [found, fresh] = trains.emplace(name, static_cast<std::uint32_t>(n.trains.size()));
    if (fresh) n.trains.push_back({.name = fmt::format("{}train.{}", prefix, name)});
    BONGSU_TRY(const std::uint32_t at, station(row, "station", index, row.text("station")));
    BONGSU_TRY(const double time, time_of_day(row, "time", -1));
    if (time < 0) return row.wrong("time", "a stop has a time");
    n.trains[found->second].stops.push_back({at, time});
  }
  return {};
}

}  // namespace

Result<Network> read_tables(const RailText& text, std::string_view prefix) {
  Network n;
  Index index;
  if (text.stations.empty()) return n;
  BONGSU_TRY(const CsvTable stations, CsvTable::read(text.stations, "stations.csv", {.columns = {"name", "lat", "lon"}, .required = {"name", "lat", "lon"}, .max_rows = kMaxStations}));
  for (const CsvRow& row : stations.rows()) BONGSU_TRY_VOID(add_station(row, "name", "lat", "lon", prefix, index, n));
  if (!text.segments.empty()) BONGSU_TRY_VOID(read_segments(text.segments, prefix, index, n));
  if (!text.lines.empty()) BONGSU_TRY_VOID(read_lines(text.lines, prefix, index, n));
  if (!text.timetable.empty()) BONGSU_TRY_VOID(read_timetable(text.timetable, prefix, index, n));
  return n;
}

Result<Network> read_lists(std::string_view nodes, std::string_view edges, std::string_view prefix, std::string_view line) {
  Network n;
  Index index;
  BONGSU_TRY(const CsvTable stations, CsvTable::read(nodes, "node_list", {.columns = {"Station", "Latitude", "Longitude"}, .required = {"Station", "Latitude", "Longitude"}, .max_rows = kMaxStations}));
  for (const CsvRow& row : stations.rows()) BONGSU_TRY_VOID(add_station(row, "Station", "Latitude", "Longitude", prefix, index, n));
  BONGSU_TRY(const CsvTable ways, CsvTable::read(edges, "edge_list", {.columns = {"Source", "Target", "Weight"}, .required = {"Source", "Target", "Weight"}, .max_rows = kMaxSegments}));
  Line made{.name = fmt::format("{}train.{}", prefix, line), .headway_s = 600};
  for (const CsvRow& row : ways.rows()) {
    BONGSU_TRY(const std::uint32_t a, station(row, "Source", index, row.text("Source")));
    BONGSU_TRY(const std::uint32_t b, station(row, "Target", index, row.text("Target")));
    if (a == b) return row.wrong("Target", "an edge joins two stations");
    BONGSU_TRY(const double seconds, row.number("Weight", 0, 1, kMost_min * 60));
    n.segments.push_back({.name = fmt::format("{}segment.{}-{}", prefix, row.text("Source"), row.text("Target")), .a = a, .b = b, .run_s = seconds});
    if (made.stations.empty()) made.stations = {a, b};
    else if (made.stations.back() == a) made.stations.push_back(b);
  }
  if (made.stations.size() > 1) n.lines.push_back(std::move(made));
  return n;
}

}  // namespace bongsu::exercise::rail
