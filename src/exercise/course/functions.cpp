#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>

#include "base/bytes.h"
#include "base/text.h"
#include "exercise/course/values.h"
#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/frame.h"
#include "exercise/wire/modbus/pdu.h"
#include "exercise/wire/modbus/registers.h"

namespace bongsu::exercise::course {
namespace {

using Arguments = std::vector<std::string_view>;
using Named = std::map<std::string_view, std::string_view>;

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::kInvalid, std::move(message)); }

Result<double> number_of(std::string_view text) {
  const auto value = finite_number(text);
  if (!value) return bad(fmt::format("\"{}\" is no number", text.substr(0, 60)));
  return *value;
}

template <class T>
Result<T> whole_of(std::string_view text, T least, T most) {
  const bool hex = text.starts_with("0x");
  T value = 0;
  const std::string_view digits = hex ? text.substr(2) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < least || value > most)
    return bad(fmt::format("\"{}\" is no whole number from {} to {}", text.substr(0, 60), least, most));
  return value;
}

Result<std::string> fold(const Arguments& a, double (*with)(double, double)) {
  BONGSU_TRY(double total, number_of(a[0]));
  for (std::size_t i = 1; i < a.size(); ++i) {
    BONGSU_TRY(const double next, number_of(a[i]));
    total = with(total, next);
  }
  if (!std::isfinite(total)) return bad("the result is no number");
  return fmt::format("{:.10g}", total);
}

Result<Instant> instant_of(std::string_view text) {
  const auto instant = Instant::parse(text);
  if (!instant) return bad(fmt::format("\"{}\" is no time as 2027-01-19T07:00:00Z", text.substr(0, 60)));
  return *instant;
}

Result<std::string> moved(const Arguments& a, int way) {
  BONGSU_TRY(const Instant at, instant_of(a[0]));
  const auto by = scenario::parse_duration(a[1]);
  if (!by) return bad(fmt::format("\"{}\" is no duration as 90s", a[1].substr(0, 60)));
  const Instant then = at + std::chrono::nanoseconds(*by) * way;
  return then.text(then.nanos == 0 ? 0 : 3);
}

// The same day and time of the next month; where it has no such day, its last (as Regulation 1182/71 Art. 3 has it).
Result<std::string> month_later(const Arguments& a) {
  BONGSU_TRY(const Instant at, instant_of(a[0]));
  using namespace std::chrono;
  const sys_days day = floor<days>(sys_seconds(seconds(at.seconds)));
  const seconds clock = seconds(at.seconds) - day.time_since_epoch();
  year_month_day date = year_month_day(day) + months(1);
  if (!date.ok()) date = date.year() / date.month() / last;
  return Instant{(sys_days(date).time_since_epoch() + clock).count(), at.nanos}.text(0);
}

Result<std::string> choose(const Arguments& a) {
  BONGSU_TRY(const std::uint64_t n, whole_of<std::uint64_t>(a[0], 0, a.size() - 2));
  return std::string(a[n + 1]);
}

// Phrases stand in functions with ~ for their blanks.
Result<std::string> phrase(const Arguments& a) {
  std::string out(a[0]);
  std::ranges::replace(out, '~', ' ');
  return out;
}

Result<std::string> hex(const Arguments& a) {
  BONGSU_TRY(const std::uint64_t value, whole_of<std::uint64_t>(a[0], 0, ~0ULL));
  BONGSU_TRY(const int digits, whole_of<int>(a[1], 1, 16));
  return fmt::format("{:0{}x}", value, digits);
}

Result<std::string> registers(const Arguments& a) {
  using namespace wire;
  static const std::map<std::string_view, RegisterFormat> kFormats = {{"u16", RegisterFormat::kU16},
                                                                      {"i16", RegisterFormat::kI16},
                                                                      {"u32", RegisterFormat::kU32},
                                                                      {"i32", RegisterFormat::kI32},
                                                                      {"f32", RegisterFormat::kF32}};
  std::string_view name = a[0];
  ModbusPlace place{.table = Table::kHolding};
  place.swapped = name.ends_with("_swapped");
  if (place.swapped) name.remove_suffix(8);
  const auto format = kFormats.find(name);
  if (format == kFormats.end()) return bad(fmt::format("\"{}\" is no format of registers", name.substr(0, 60)));
  place.format = format->second;
  BONGSU_TRY(const double value, number_of(a[1]));
  std::string out;
  for (const std::uint16_t r : modbus::to_registers(place, value))
    out += fmt::format("{}0x{:04x}", out.empty() ? "" : ",", r);
  return out;
}

Result<Named> named(const Arguments& a, std::initializer_list<std::string_view> known) {
  Named out;
  for (const std::string_view argument : a) {
    const auto equals = argument.find('=');
    const std::string_view key = argument.substr(0, equals);
    if (equals == argument.npos || std::ranges::find(known, key) == known.end())
      return bad(fmt::format("\"{}\" is none of {}=", argument.substr(0, 60), fmt::join(known, "=, ")));
    out[key] = argument.substr(equals + 1);
  }
  return out;
}
template <class T>
Result<T> whole_at(const Named& of, std::string_view key, T otherwise, T least, T most) {
  const auto found = of.find(key);
  if (found == of.end()) return otherwise;
  return whole_of<T>(found->second, least, most);
}

Result<std::string> iec104(const Arguments& a) {
  using namespace wire::iec104;
  BONGSU_TRY(const Named n, named(a, {"u", "s", "type", "cause", "ca", "ioa", "value", "select", "tx", "rx", "time"}));
  if (const auto u = n.find("u"); u != n.end()) {
    for (const Function f : {Function::kStartAct, Function::kStartCon, Function::kStopAct, Function::kStopCon,
                             Function::kTestAct, Function::kTestCon}) {
      std::string name = lowered(to_string(f));
      std::ranges::replace(name, ' ', '-');
      if (name == u->second) return to_hex(as_bytes(unnumbered_frame(f)));
    }
    return bad(fmt::format("\"{}\" is none of startdt-act, startdt-con, …", u->second.substr(0, 60)));
  }
  constexpr std::uint16_t kMost = kSequenceModulus - 1;
  if (n.contains("s")) {
    BONGSU_TRY(const auto number, whole_at<std::uint16_t>(n, "s", 0, 0, kMost));
    return to_hex(as_bytes(supervisory_frame(number)));
  }
  const Type* type = nullptr;
  for (int id = 0; id < 256; ++id)
    if (const Type* one = type_of(static_cast<std::uint8_t>(id));
        one != nullptr && n.contains("type") && one->name == n.at("type"))
      type = one;
  if (type == nullptr) return bad("type= names no type of IEC 60870-5-101 as C_DC_NA_1");
  BONGSU_TRY(const auto cause, whole_at<unsigned>(n, "cause", 6, 1, 47));
  BONGSU_TRY(const auto common, whole_at<std::uint16_t>(n, "ca", 1, 1, 65'535));
  BONGSU_TRY(const auto address, whole_at<std::uint32_t>(n, "ioa", 0, 0, kMaxObjectAddress));
  BONGSU_TRY(const auto tx, whole_at<std::uint16_t>(n, "tx", 0, 0, kMost));
  BONGSU_TRY(const auto rx, whole_at<std::uint16_t>(n, "rx", 0, 0, kMost));
  Object object{.address = address, .element = {}, .time = std::nullopt};
  BONGSU_TRY(const double value, number_of(n.contains("value") ? n.at("value") : "0"));
  const bool real = type->shape == Shape::kReal || type->shape == Shape::kSetReal;
  if (real) {
    object.element = Element::of_real(static_cast<float>(value));
  } else if (type->shape == Shape::kQualifier) {
    object.element.qualifier = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
  } else {
    object.element.value = static_cast<std::int32_t>(std::clamp(value, -2147483648.0, 2147483647.0));
  }
  object.element.select = n.contains("select") && n.at("select") == "yes";
  if (type->time != TimeKind::kNone) {
    BONGSU_TRY(const Instant at, bongsu::exercise::course::instant_of(n.contains("time") ? n.at("time") : ""));
    object.time = wire_time(at);
  }
  BONGSU_TRY(const std::string bytes,
             to_bytes(Asdu{
                 .type = type->id, .cause = static_cast<Cause>(cause), .common_address = common, .objects = {object}}));
  return to_hex(as_bytes(information_frame(tx, rx, bytes)));
}

Result<std::string> modbus_request(const Arguments& a) {
  using namespace wire::modbus;
  BONGSU_TRY(const Named n, named(a, {"function", "unit", "tx", "address", "count", "values"}));
  Request request;
  BONGSU_TRY(const auto function, whole_at<unsigned>(n, "function", 0, 1, 23));
  BONGSU_TRY(const auto unit, whole_at<unsigned>(n, "unit", 1, 0, 255));
  BONGSU_TRY(const auto tx, whole_at<std::uint16_t>(n, "tx", 1, 0, 65'535));
  BONGSU_TRY(request.address, whole_at<std::uint16_t>(n, "address", 0, 0, 65'535));
  BONGSU_TRY(request.count, whole_at<std::uint16_t>(n, "count", 0, 0, 65'535));
  request.function = static_cast<Function>(function);
  const bool reads = function >= 1 && function <= 4,
             writes = function == 5 || function == 6 || function == 15 || function == 16;
  if (!reads && !writes) return bad("function= is one of 1 to 6, 15, 16");
  if (n.contains("values")) {
    std::string_view rest = n.at("values");
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      BONGSU_TRY(const auto value, whole_of<std::uint16_t>(rest.substr(0, comma), 0, 65'535));
      request.values.push_back(value);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  const std::size_t most = function == 15 ? kMaxWriteBits : function == 16 ? kMaxWriteRegisters : 1;
  if (reads ? request.count < 1 || request.count > (function <= 2 ? kMaxReadBits : kMaxReadRegisters) ||
                  !request.values.empty()
            : request.values.empty() || request.values.size() > most || request.count != 0)
    return bad("count= goes with reads, values= with writes, within the function's limits");
  const bool bits = function == 5 || function == 15;
  if (bits && std::ranges::any_of(request.values, [](std::uint16_t v) { return v > 1; }))
    return bad("a coil is 0 or 1");
  return to_hex(as_bytes(to_bytes(tx, static_cast<std::uint8_t>(unit), to_pdu(request))));
}

struct FunctionOf {
  std::string_view name;
  std::size_t least, most;  // arguments
  Result<std::string> (*run)(const Arguments&);
};
constexpr std::size_t kMany = 1000;
constexpr FunctionOf kFunctions[] = {
    {"sum", 1, kMany, [](const Arguments& a) { return fold(a, [](double x, double y) { return x + y; }); }},
    {"minus", 2, 2, [](const Arguments& a) { return fold(a, [](double x, double y) { return x - y; }); }},
    {"product", 1, kMany, [](const Arguments& a) { return fold(a, [](double x, double y) { return x * y; }); }},
    {"quotient", 2, 2, [](const Arguments& a) { return fold(a, [](double x, double y) { return x / y; }); }},
    {"later", 2, 2, [](const Arguments& a) { return moved(a, 1); }},
    {"earlier", 2, 2, [](const Arguments& a) { return moved(a, -1); }},
    {"month-later", 1, 1, month_later},
    {"choose", 2, kMany, choose},
    {"phrase", 1, 1, phrase},
    {"hex", 2, 2, hex},
    {"registers", 2, 2, registers},
    {"iec104", 1, 20, iec104},
    {"modbus", 1, 20, modbus_request},
};

}  // namespace

Result<std::string> call(std::string_view name, const Arguments& arguments) {
  const auto* found = std::ranges::find(kFunctions, name, &FunctionOf::name);
  if (found == std::end(kFunctions)) return bad(fmt::format("there is no function $({} …)", name.substr(0, 60)));
  if (arguments.size() < found->least || arguments.size() > found->most)
    return bad(fmt::format("$({} …) does not take {} words", name, arguments.size()));
  auto out = found->run(arguments);
  if (!out) out.error().message = fmt::format("$({} …): {}", name, out.error().message);
  return out;
}

}  // namespace bongsu::exercise::course
