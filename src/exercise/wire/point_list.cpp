#include "exercise/wire/point_list.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "exercise/csv_table.h"
#include "exercise/wire/iec104/asdu.h"

namespace bongsu::exercise::wire {
namespace {

constexpr std::string_view kColumns[] = {"name",   "kind",     "unit",     "value",     "ioa",    "command",
                                         "select", "deadband", "cyclic_s", "group",     "modbus", "format",
                                         "scale",  "min",      "max",      "operate_ms"};
constexpr std::string_view kTables[] = {"coil", "discrete", "input", "holding"};

bool printable_name(std::string_view name) {
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7F || c == ',' || c == '"') return false;
  return !name.empty() && name.size() <= kMaxPointNameBytes;
}

RegisterFormat usual_format(PointKind kind) {
  switch (kind) {
    case PointKind::kStep:
    case PointKind::kScaled:
      return RegisterFormat::kI16;
    case PointKind::kReal:
    case PointKind::kNormalized:
      return RegisterFormat::kF32;
    case PointKind::kBits:
      return RegisterFormat::kU32;
    case PointKind::kCounter:
      return RegisterFormat::kI32;
    case PointKind::kSingle:
    case PointKind::kDouble:
      break;
  }
  return RegisterFormat::kU16;
}

Result<std::optional<ModbusPlace>> read_modbus(const CsvRow& row, PointKind kind) {
  const std::string_view cell = row.text("modbus");
  if (cell.empty()) {
    for (const std::string_view column : {"format", "scale"})
      if (!row.text(column).empty()) return row.wrong(column, "there is no Modbus address that it could be for");
    return std::nullopt;
  }
  const std::size_t colon = cell.find(':');
  ModbusPlace place;
  std::size_t table = 0;
  while (table < std::size(kTables) && kTables[table] != cell.substr(0, colon)) ++table;
  if (colon == std::string_view::npos || table == std::size(kTables))
    return row.wrong("modbus", fmt::format("\"{}\" is not coil:N, discrete:N, input:N or holding:N", cell));
  place.table = static_cast<Table>(table);
  const auto [end, error] = std::from_chars(cell.data() + colon + 1, cell.data() + cell.size(), place.address);
  if (error != std::errc{} || end != cell.data() + cell.size()) return row.wrong("modbus", "the address is 0 to 65535");
  std::string_view format = row.text("format");
  if (is_bit(place.table)) {
    if (kind != PointKind::kSingle && kind != PointKind::kDouble)
      return row.wrong("modbus", fmt::format("a {} is more than one bit", to_string(kind)));
    if (!format.empty() || !row.text("scale").empty()) return row.wrong("format", "one bit has no format and no scale");
    return place;
  }
  place.format = usual_format(kind);
  if (constexpr std::string_view suffix = "_swapped"; format.ends_with(suffix)) {
    place.swapped = true;
    format.remove_suffix(suffix.size());
  }
  if (format == "u16")
    place.format = RegisterFormat::kU16;
  else if (format == "i16")
    place.format = RegisterFormat::kI16;
  else if (format == "u32")
    place.format = RegisterFormat::kU32;
  else if (format == "i32")
    place.format = RegisterFormat::kI32;
  else if (format == "f32")
    place.format = RegisterFormat::kF32;
  else if (!format.empty() || (place.swapped && row.text("format") != "_swapped"))
    return row.wrong("format", fmt::format("\"{}\" is not u16, i16, u32, i32 or f32", row.text("format")));
  if (place.swapped && place.registers() == 1) return row.wrong("format", "one register has no halves to swap");
  if (place.address + place.registers() > 65536) return row.wrong("modbus", "the second register is beyond 65535");
  BONGSU_TRY(place.scale, row.number("scale", 1, -1e9, 1e9));
  if (place.scale == 0) return row.wrong("scale", "0 loses the value");
  return place;
}

Result<std::optional<Iec104Place>> read_iec104(const CsvRow& row, PointKind kind) {
  BONGSU_TRY(const auto object, row.whole("ioa", 1, iec104::kMaxObjectAddress));
  if (!object) {
    for (const std::string_view column : {"command", "select", "cyclic_s", "group"})
      if (!row.text(column).empty()) return row.wrong(column, "there is no ioa that it could be for");
    return std::nullopt;
  }
  Iec104Place place{.object = static_cast<std::uint32_t>(*object)};
  BONGSU_TRY(const auto command, row.whole("command", 1, iec104::kMaxObjectAddress));
  if (command) {
    if (kind == PointKind::kCounter) return row.wrong("command", "counters take no commands");
    place.command = static_cast<std::uint32_t>(*command);
  }
  BONGSU_TRY(place.select, row.yes("select", false));
  if (place.select && !command) return row.wrong("select", "there is no command to select");
  if (place.select && kind == PointKind::kBits) return row.wrong("select", "bitstring commands have no selection");
  BONGSU_TRY(const auto cyclic, row.whole("cyclic_s", 1, kMaxCyclicSeconds));
  if (cyclic) place.cyclic = std::chrono::seconds(*cyclic);
  BONGSU_TRY(const auto group, row.whole("group", 1, kind == PointKind::kCounter ? 4 : 16));
  if (group) place.group = static_cast<std::uint8_t>(*group);
  return place;
}

Result<PointRow> read_row(const CsvRow& row) {
  PointRow out;
  const std::string_view name = row.text("name");
  if (!printable_name(name))
    return row.wrong("name",
                     fmt::format("a name is 1 to {} characters without blanks, commas and quotes", kMaxPointNameBytes));
  const auto kind = point_kind(row.text("kind"));
  if (!kind)
    return row.wrong(
        "kind",
        fmt::format("\"{}\" is not single, double, step, bits, normalized, scaled, real or counter", row.text("kind")));
  out.point = {.name = std::string(name), .kind = *kind, .unit = std::string(row.text("unit"))};
  constexpr double kAny = std::numeric_limits<double>::max();
  BONGSU_TRY(out.point.value, row.number("value", *kind == PointKind::kDouble ? 1 : 0, -kAny, kAny));
  if (!holds(*kind, out.point.value))
    return row.wrong("value", fmt::format("a {} can't be {}", to_string(*kind), out.point.value));
  BONGSU_TRY(out.deadband, row.number("deadband", 0, 0, kAny));
  BONGSU_TRY(out.min, row.number("min", out.min, -kAny, kAny));
  BONGSU_TRY(out.max, row.number("max", out.max, -kAny, kAny));
  if (out.min > out.max) return row.wrong("max", "max is less than min");
  BONGSU_TRY(const auto operate, row.whole("operate_ms", 0, kMaxOperateMs));
  if (operate) out.operate = std::chrono::milliseconds(*operate);
  BONGSU_TRY(out.iec104, read_iec104(row, *kind));
  BONGSU_TRY(out.modbus, read_modbus(row, *kind));
  return out;
}

}  // namespace

std::string_view to_string(Table table) { return kTables[static_cast<std::size_t>(table)]; }

Result<PointList> read_point_list(std::string_view text, std::string_view source) {
  BONGSU_TRY(const CsvTable table, CsvTable::read(text, source,
                                                  {.columns = {std::begin(kColumns), std::end(kColumns)},
                                                   .required = {"name", "kind"},
                                                   .max_bytes = kMaxPointListBytes,
                                                   .max_rows = kMaxPoints,
                                                   .things = "points"}));
  PointList out;
  std::set<std::string> names;
  std::set<std::uint32_t> objects, commands;
  std::set<std::pair<Table, std::uint32_t>> modbus;
  for (const CsvRow& line : table.rows()) {
    BONGSU_TRY(auto row, read_row(line));
    if (!names.insert(row.point.name).second) return line.wrong("name", fmt::format("{} is there twice", row.point.name));
    if (row.iec104) {
      if (!objects.insert(row.iec104->object).second)
        return line.wrong("ioa", fmt::format("{} is another point's", row.iec104->object));
      if (row.iec104->command && !commands.insert(*row.iec104->command).second)
        return line.wrong("command", fmt::format("{} is another point's", *row.iec104->command));
    }
    if (row.modbus)
      for (std::uint32_t i = 0; i < row.modbus->registers(); ++i)
        if (!modbus.insert({row.modbus->table, row.modbus->address + i}).second)
          return line.wrong("modbus",
                            fmt::format("{}:{} is another point's", to_string(row.modbus->table), row.modbus->address + i));
    out.push_back(std::move(row));
  }
  return out;
}

std::vector<Point> points_of(const PointList& list) {
  std::vector<Point> out;
  out.reserve(list.size());
  for (const PointRow& row : list) out.push_back(row.point);
  return out;
}

}  // namespace bongsu::exercise::wire
