// A list of points as a CSV document (RFC 4180): what a station or controller has, and where it is on the wire.
//
//   name,kind,unit,value,ioa,command,select,deadband,cyclic_s,group,modbus,format,scale,min,max,operate_ms
//   vilnius.cb1,double,,2,100,1100,yes,,,1,coil:0,,,,,500
//   vilnius.u1,real,kV,112.4,200,,,0.5,10,2,input:0,i16,10,,,
//   vilnius.setpoint,real,MW,50,201,1201,no,,,,holding:0,f32,,0,120,
//
// The first line names the columns, in any order; only name and kind must be there. Lines that begin with # are
// comments. Cells may be empty.
//
//   kind        single, double, step, bits, normalized, scaled, real, counter (points.h)
//   value       at the beginning; 0 (double: 1, off)
//   ioa         IEC 104: information object address, 1 to 16777215
//   command     IEC 104: the address that takes commands; the command's type follows from the kind
//   select      yes: only after a selection (select before operate); no
//   deadband    report when the value differs this much from the one that was reported; 0: every change
//   cyclic_s    IEC 104: report every so many seconds, too
//   group       interrogation group 1 to 16 (of counters: 1 to 4)
//   modbus      coil:N, discrete:N, input:N, holding:N; coils and holding registers can be written
//   format      of registers: u16 (also for what has no sign), i16, u32, i32, f32; 32 bits take two registers, the
//               upper half first, with _swapped the lower half first. Default: i16 for scaled and step, f32 for real
//               and normalized, u32 for bits, i32 for counter, u16 for the rest
//   scale       register = value × scale; 1
//   min, max    what a command may ask for
//   operate_ms  how long a command takes; 0
#pragma once

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/wire/points.h"

namespace bongsu::exercise::wire {

inline constexpr std::size_t kMaxPointListBytes = 16 * 1024 * 1024, kMaxPointNameBytes = 128;
inline constexpr std::int64_t kMaxOperateMs = 600'000, kMaxCyclicSeconds = 86'400;

struct Iec104Place {
  std::uint32_t object = 0;
  std::optional<std::uint32_t> command;
  bool select = false;
  std::chrono::seconds cyclic{0};  // 0: not
  std::uint8_t group = 0;          // 0: of no group
};

enum class Table : std::uint8_t { kCoil, kDiscrete, kInput, kHolding };
std::string_view to_string(Table table);
constexpr bool is_bit(Table table) { return table == Table::kCoil || table == Table::kDiscrete; }
enum class RegisterFormat : std::uint8_t { kU16, kI16, kU32, kI32, kF32 };
struct ModbusPlace {
  Table table{};
  std::uint16_t address = 0;
  RegisterFormat format = RegisterFormat::kU16;
  bool swapped = false;  // the lower half first
  double scale = 1;
  std::uint16_t registers() const { return format >= RegisterFormat::kU32 ? 2 : 1; }
};

struct PointRow {
  Point point;
  double deadband = 0;
  std::optional<Iec104Place> iec104;
  std::optional<ModbusPlace> modbus;
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();
  std::chrono::milliseconds operate{0};
};
using PointList = std::vector<PointRow>;

// kInvalid, kTooLarge: with line and column. Names and addresses are different.
Result<PointList> read_point_list(std::string_view text, std::string_view source);

std::vector<Point> points_of(const PointList& list);

}  // namespace bongsu::exercise::wire
