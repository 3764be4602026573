#include "exercise/range/points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bongsu::exercise {
namespace {

using wire::Answer;
using wire::Command;
using wire::PointKind;

constexpr std::uint32_t kFirstPosition = 1, kFirstMeasured = 5001, kFirstSetpoint = 9001, kCommands = 10'000;  // object addresses
constexpr std::size_t kMostOfAKind = 4000;

bool of(std::string_view name, std::string_view substation) { return name.starts_with(substation) && name.size() > substation.size() && name[substation.size()] == '.'; }

}  // namespace

Result<wire::PointList> points_of(const World& world, std::string_view substation) {
  const Thing* site = world.find(substation);
  if (site == nullptr || site->kind != ThingKind::kSubstation)
    return fail(ErrorCode::kNotFound, "there is no such substation", {.field = std::string(substation.substr(0, 128))});
  const WorldConfig& c = world.config();
  wire::PointList list;
  std::uint32_t positions = 0, measured = 0, setpoints = 0, registers = 0;
  const auto position = [&](const std::string& name) {
    list.push_back({.point = {.name = name + ".position", .kind = PointKind::kDouble, .unit = "", .value = 1},
                    .iec104 = wire::Iec104Place{.object = kFirstPosition + positions, .command = kCommands + positions, .select = true, .group = 1},
                    .modbus = wire::ModbusPlace{.table = wire::Table::kCoil, .address = static_cast<std::uint16_t>(positions)}});
    ++positions;
  };
  const auto value = [&](const std::string& name, Quantity quantity, std::string_view unit, double deadband) {
    list.push_back({.point = {.name = fmt::format("{}.{}", name, to_string(quantity)), .kind = PointKind::kReal, .unit = std::string(unit)},
                    .deadband = deadband,
                    .iec104 = wire::Iec104Place{.object = kFirstMeasured + measured++, .command = {}, .group = 2},
                    .modbus = wire::ModbusPlace{.table = wire::Table::kInput, .address = static_cast<std::uint16_t>(registers), .format = wire::RegisterFormat::kF32}});
    registers += 2;
  };
  std::vector<const Thing*> breakers;
  for (const Thing& thing : world.things())
    if (thing.kind == ThingKind::kBreaker && of(thing.name, substation)) breakers.push_back(&thing);
  std::ranges::sort(breakers, {}, &Thing::index);
  if (breakers.size() > kMostOfAKind) return fail(ErrorCode::kTooLarge, fmt::format("more than {} breakers", kMostOfAKind), {.field = std::string(substation)});
  for (const Thing* breaker : breakers) {
    position(breaker->name);
    value(breaker->name, Quantity::kPower_mw, "MW", 0.5);
    value(breaker->name, Quantity::kReactive_mvar, "MVAr", 0.5);
  }
  for (std::uint32_t i = 0; i < c.power.buses.size(); ++i) {
    if (c.power_names.substation_of[i] != site->index) continue;
    value(c.power_names.buses[i], Quantity::kVoltage_kv, "kV", 0.1);
    value(c.power_names.buses[i], Quantity::kFrequency_hz, "Hz", 0.01);
    value(c.power_names.buses[i], Quantity::kLoad_mw, "MW", 0.5);
  }
  for (std::uint32_t g = 0; g < c.power.generators.size(); ++g) {
    if (c.power_names.substation_of[c.power.generators[g].bus] != site->index) continue;
    const std::string& name = c.power_names.generators[g];
    position(name);
    value(name, Quantity::kPower_mw, "MW", 0.5);
    list.push_back({.point = {.name = name + ".setpoint_mw", .kind = PointKind::kReal, .unit = "MW"},
                    .deadband = 0.1,
                    .iec104 = wire::Iec104Place{.object = kFirstSetpoint + setpoints, .command = kCommands + kFirstSetpoint + setpoints, .group = 3},
                    .modbus = wire::ModbusPlace{.table = wire::Table::kHolding, .address = static_cast<std::uint16_t>(2 * setpoints), .format = wire::RegisterFormat::kF32},
                    .min = 0,
                    .max = c.power.generators[g].p_max_mw});
    ++setpoints;
  }
  if (setpoints > kMostOfAKind || measured > kMostOfAKind || positions > kMostOfAKind)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} points of a kind", kMostOfAKind), {.field = std::string(substation)});
  return list;
}

Result<std::unique_ptr<WorldProcess>> WorldProcess::make(World& world, const wire::PointList& list, wire::Points& points, const Clock& clock) {
  BONGSU_CHECK(points.size() == list.size());
  std::unique_ptr<WorldProcess> process(new WorldProcess(world, list, points, clock));
  for (const wire::PointRow& row : list) {
    const std::string& name = row.point.name;
    const auto wrong = [&](std::string message) { return fail(ErrorCode::kInvalid, std::move(message), {.field = name}); };
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return wrong("a point of a world is called THING.QUANTITY");
    const auto what = quantity(std::string_view(name).substr(dot + 1));
    if (!what) return wrong(fmt::format("\"{}\" {}", name.substr(dot + 1), what.error().message));
    const Thing* thing = world.find(name.substr(0, dot));
    if (thing == nullptr) return wrong(fmt::format("the world has nothing called {}", name.substr(0, dot)));
    if (const auto has = world.measure(thing->name, *what); !has) return wrong(has.error().message);
    const bool position = *what == Quantity::kPosition;
    if (position != (row.point.kind == PointKind::kSingle || row.point.kind == PointKind::kDouble)) return wrong("a position is a single or double point, and nothing else is one");
    if (!position && row.point.kind != PointKind::kReal) return wrong("a measured value is a real point");
    process->bound_.push_back({thing->name, thing->kind, *what});
  }
  process->refresh();
  return process;
}

wire::Reading WorldProcess::reading(std::size_t point) const {
  const Binding& bound = bound_[point];
  const auto measured = world_.measure(bound.thing, bound.quantity);
  BONGSU_CHECK(measured.has_value());  // make() asked for each of them
  double value = measured->value;
  if (list_[point].point.kind == PointKind::kDouble) value += 1;  // 1 off, 2 on
  wire::Reading reading{.value = value, .quality = {}, .time = clock_.now()};
  reading.quality.not_topical = !measured->topical;
  if (!wire::holds(list_[point].point.kind, reading.value)) {
    reading.value = points_.read(point).value;
    reading.quality.invalid = true;
  }
  return reading;
}

void WorldProcess::refresh() {
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    const wire::Reading now = reading(i);
    const wire::Reading& before = points_.read(i);
    if (now.value != before.value || !(now.quality == before.quality)) points_.set(i, now);
  }
}

std::optional<WorldOrder> WorldProcess::order_of(const Command& command) const {
  const Binding& bound = bound_[command.point];
  if (command.relative) return std::nullopt;
  const bool on = command.value == (list_[command.point].point.kind == PointKind::kDouble ? 2 : 1);
  if (bound.quantity == Quantity::kPosition && (bound.kind == ThingKind::kBreaker || bound.kind == ThingKind::kBranch))
    return WorldOrder{.verb = on ? Verb::kClose : Verb::kOpen, .target = bound.thing};
  if (bound.quantity == Quantity::kPosition && bound.kind == ThingKind::kGenerator) return WorldOrder{.verb = on ? Verb::kStart : Verb::kTrip, .target = bound.thing};
  if (bound.quantity == Quantity::kSetpoint_mw) return WorldOrder{.verb = Verb::kSetPower, .target = bound.thing, .value = command.value};
  return std::nullopt;
}

Answer WorldProcess::answer(const Result<void>& done) {
  if (done) return Answer::kAccepted;
  refusal_ = done.error().message;
  if (done.error().code == ErrorCode::kInvalid) return Answer::kOutOfRange;
  return done.error().code == ErrorCode::kConflict ? Answer::kInterlocked : Answer::kUnavailable;
}

Answer WorldProcess::check(const Command& command) {
  const wire::PointRow& row = list_[command.point];
  const auto order = order_of(command);
  if (!order) {
    refusal_ = fmt::format("{} takes no commands", row.point.name);
    return Answer::kUnavailable;
  }
  if (command.value < row.min || command.value > row.max || !wire::holds(row.point.kind, command.value) ||
      (row.point.kind == PointKind::kDouble && command.value != 1 && command.value != 2)) {
    refusal_ = fmt::format("{} is out of range", command.value);
    return Answer::kOutOfRange;
  }
  return answer(world_.check(*order));
}

Answer WorldProcess::operate(const Command& command, Done done) {
  // In range and known: the world is asked once, by the order itself, so that what it refuses stands among its events.
  const wire::PointRow& row = list_[command.point];
  const auto order = order_of(command);
  if (!order || command.value < row.min || command.value > row.max || !wire::holds(row.point.kind, command.value)) return check(command);
  const Answer said = answer(world_.order(*order));
  if (said != Answer::kAccepted) return said;
  refresh();
  done(true);
  return said;
}

}  // namespace bongsu::exercise
