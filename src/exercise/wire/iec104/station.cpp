#include "exercise/wire/iec104/station.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "exercise/wire/iec104/monitored.h"
#include "exercise/wire/iec104/station_connection.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

// Qualifiers: of interrogation (60870-5-101 §7.2.6.22), of counters (§7.2.6.23), of the reset of a process (§7.2.6.27),
// causes of initialisation (§7.2.6.21).
constexpr std::uint8_t kGroup1 = 21, kGroup16 = 36;
constexpr std::uint8_t kCounterGroups = 4, kRead = 0, kFreeze = 1, kFreezeAndReset = 2;
constexpr std::uint8_t kResetAll = 1, kResetEvents = 2;
constexpr std::uint8_t kSwitchedOn = 0, kResetRemotely = 2;
constexpr std::int32_t kTestPattern = 0x55AA;  // §7.2.6.14

bool is_system_command(TypeId type) {
  switch (type) {
    case TypeId::C_IC_NA_1:
    case TypeId::C_CI_NA_1:
    case TypeId::C_RD_NA_1:
    case TypeId::C_CS_NA_1:
    case TypeId::C_TS_NA_1:
    case TypeId::C_TS_TA_1:
    case TypeId::C_RP_NA_1:
      return true;
    default:
      return false;
  }
}
bool may_be_broadcast(TypeId type) {
  return type == TypeId::C_IC_NA_1 || type == TypeId::C_CI_NA_1 || type == TypeId::C_CS_NA_1 ||
         type == TypeId::C_RP_NA_1;
}
bool cause_fits(TypeId type, Cause cause) {
  if (type == TypeId::C_RD_NA_1) return cause == Cause::kRequest;
  if (cause == Cause::kActivation) return true;
  return cause == Cause::kDeactivation && (is_command(type) || type == TypeId::C_IC_NA_1);
}

std::string_view reason(Answer answer) {
  switch (answer) {
    case Answer::kAccepted:
      return "";
    case Answer::kOutOfRange:
      return "refused: out of range";
    case Answer::kInterlocked:
      return "refused: interlocked";
    case Answer::kUnavailable:
      return "refused: nothing can do it";
  }
  return "";
}

// What a command asks of its point; nullopt: a value that isn't permitted.
std::optional<std::pair<double, bool>> asked_of(TypeId type, const Element& e) {
  switch (without_time(type)) {
    case TypeId::C_SC_NA_1:
      return std::pair{static_cast<double>(e.value), false};
    case TypeId::C_DC_NA_1:
      if (e.value != 1 && e.value != 2) return std::nullopt;
      return std::pair{static_cast<double>(e.value), false};
    case TypeId::C_RC_NA_1:
      if (e.value != 1 && e.value != 2) return std::nullopt;
      return std::pair{e.value == 1 ? -1.0 : 1.0, true};
    case TypeId::C_SE_NA_1:
      return std::pair{e.value / kNormalizedOne, false};
    case TypeId::C_SE_NB_1:
      return std::pair{static_cast<double>(e.value), false};
    case TypeId::C_SE_NC_1:
      if (!std::isfinite(e.real())) return std::nullopt;
      return std::pair{static_cast<double>(e.real()), false};
    case TypeId::C_BO_NA_1:
      return std::pair{static_cast<double>(static_cast<std::uint32_t>(e.value)), false};
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<void> check(const StationSettings& s) {
  const auto wrong = [](std::string_view field, std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = std::string(field)});
  };
  if (s.common_address == 0 || s.common_address == kBroadcastAddress)
    return wrong("common_address", "a common address is 1 to 65534");
  if (s.max_events == 0 || s.max_events > kMaxEventBuffer)
    return wrong("max_events", fmt::format("a buffer is of 1 to {} events", kMaxEventBuffer));
  if (s.select_timeout < std::chrono::seconds(1))
    return wrong("select_timeout", "a selection holds for at least one second");
  return check(s.link);
}

void EventBuffer::push(Event event) {
  if (events_.size() == limit_) {
    events_.pop_front();
    ++first_;
    ++lost_;
  }
  events_.push_back(std::move(event));
}

void EventBuffer::forget_before(std::uint64_t number) {
  while (first_ < number && !events_.empty()) {
    events_.pop_front();
    ++first_;
  }
}

Station::Station(const PointList& list, Points& points, Process& process, const StationSettings& settings,
                 const Clock& clock)
    : list_(list),
      points_(points),
      process_(process),
      settings_(settings),
      clock_(clock),
      events_(settings.max_events) {
  BONGSU_CHECK(check(settings).has_value() && list.size() == points.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    reported_.push_back(points.read(i).value);
    reported_quality_.push_back(points.read(i).quality);
    const auto& place = list[i].iec104;
    if (!place) continue;
    by_object_.emplace(place->object, i);
    if (place->command) by_command_.emplace(*place->command, i);
    (list[i].point.kind == PointKind::kCounter ? counters_ : interrogated_).push_back(i);
  }
  for (auto* order : {&interrogated_, &counters_})
    std::sort(order->begin(), order->end(), [&](std::size_t a, std::size_t b) {
      return std::tuple(list[a].point.kind, list[a].iec104->object) <
             std::tuple(list[b].point.kind, list[b].iec104->object);
    });
  points.watch([this, alive = std::weak_ptr(alive_)](std::size_t point, const Reading& reading) {
    if (!alive.expired()) changed(point, reading);
  });
}

Station::~Station() { BONGSU_CHECK(connections_.empty()); }

std::unique_ptr<net::Session> Station::accept(std::string peer) {
  const std::uint64_t id = next_connection_++;
  auto connection = std::make_unique<StationConnection>(*this, id, std::move(peer));
  connections_.emplace(id, connection.get());
  return connection;
}

void Station::gone(StationConnection& connection) {
  connections_.erase(connection.id());
  std::erase_if(selections_, [&](const auto& s) { return s.second.connection == connection.id(); });
}

void Station::started(StationConnection& connection) {
  if (!settings_.each_connection)
    for (const auto& [id, other] : connections_)
      if (other != &connection && other->started()) other->halt();
  if (!std::exchange(announced_, true)) announce(connection, kSwitchedOn);
}

void Station::announce(StationConnection& to, std::uint8_t cause) {
  const auto bytes = to_bytes({.type = TypeId::M_EI_NA_1,
                               .cause = Cause::kInitialised,
                               .common_address = settings_.common_address,
                               .objects = {{.address = 0, .element = {.qualifier = cause}}}});
  // Room is there: nothing was asked yet, or one request makes two answers.
  [[maybe_unused]] const auto room = to.answer(*bytes);
}

void Station::report(const StationConnection& from, const Asdu& asdu, std::string outcome, std::string_view point,
                     double value) {
  if (!report_) return;
  report_({.time = clock_.now(),
           .peer = from.peer(),
           .type = asdu.type,
           .cause = asdu.cause,
           .object = asdu.objects[0].address,
           .point = std::string(point),
           .value = value,
           .select = asdu.objects[0].element.select,
           .outcome = std::move(outcome)});
}

// Changes of the process: to be reported or not.
void Station::changed(std::size_t point, const Reading& reading) {
  const PointRow& row = list_[point];
  if (!row.iec104 || row.point.kind == PointKind::kCounter) return;
  const bool commanded = operations_.contains(point);
  const double distance = std::abs(reading.value - reported_[point]);
  const bool differs = distance > 0 && distance >= row.deadband;
  if (!commanded && !differs && reading.quality == reported_quality_[point]) return;
  reported_[point] = reading.value;
  reported_quality_[point] = reading.quality;
  Event event{.point = point, .reading = reading, .cause = commanded ? Cause::kReturnRemote : Cause::kSpontaneous};
  event.reading.time = event.reading.time + clock_offset_;
  if (!settings_.each_connection) return events_.push(std::move(event));
  for (const auto& [id, connection] : connections_) connection->changed(event);
}

Result<void> Station::take(StationConnection& from, std::string_view bytes) {
  BONGSU_TRY(const AsduHeader header, read_header(bytes));
  const Type* type = type_of(header.type);
  if (type == nullptr || !(is_command(type->id) || is_system_command(type->id)))
    return from.answer(mirrored(bytes, Cause::kUnknownType, true));
  BONGSU_TRY(const Asdu asdu, read_asdu(bytes));
  const auto refuse = [&](Cause cause) {
    report(from, asdu, cause_text(cause));
    return from.answer(mirrored(bytes, cause, true));
  };
  if (!cause_fits(asdu.type, asdu.cause)) return refuse(Cause::kUnknownCause);
  const bool broadcast = asdu.common_address == kBroadcastAddress && may_be_broadcast(asdu.type);
  if (asdu.common_address != settings_.common_address && !broadcast) return refuse(Cause::kUnknownCommonAddress);
  if (!broadcast) return take_known(from, asdu, bytes);
  // Every station answers a request to all with its own address.
  std::string own(bytes);
  own[4] = static_cast<char>(settings_.common_address);
  own[5] = static_cast<char>(settings_.common_address >> 8);
  return take_known(from, asdu, own);
}

Result<void> Station::take_known(StationConnection& from, const Asdu& asdu, std::string_view bytes) {
  if (asdu.objects.size() != 1 || asdu.sequence) {
    report(from, asdu, "refused: not one object");
    return from.answer(mirrored(bytes, Cause::kActivationCon, true));
  }
  if (is_command(asdu.type)) return take_command(from, asdu, bytes);
  if (asdu.type == TypeId::C_RD_NA_1) return take_read(from, asdu, bytes);
  if (asdu.objects[0].address != 0) {
    report(from, asdu, cause_text(Cause::kUnknownObjectAddress));
    return from.answer(mirrored(bytes, Cause::kUnknownObjectAddress, true));
  }
  if (asdu.type == TypeId::C_CS_NA_1) return take_clock(from, asdu, bytes);
  if (asdu.type == TypeId::C_CI_NA_1) return take_counters(from, asdu, bytes);
  return take_system(from, asdu, bytes);
}

Result<void> Station::take_system(StationConnection& from, const Asdu& asdu, std::string_view bytes) {
  const Element& e = asdu.objects[0].element;
  const auto refuse = [&](std::string_view why) {
    report(from, asdu, std::string(why));
    const Cause con = asdu.cause == Cause::kDeactivation ? Cause::kDeactivationCon : Cause::kActivationCon;
    return from.answer(mirrored(bytes, con, true));
  };
  switch (asdu.type) {
    case TypeId::C_IC_NA_1: {
      if (asdu.cause == Cause::kDeactivation) return refuse("refused: interrogations are not stopped");
      const std::uint8_t qoi = e.qualifier;
      if (qoi != kStationInterrogation && (qoi < kGroup1 || qoi > kGroup16)) return refuse("refused: no such group");
      if (!from.interrogate({.request = std::string(bytes),
                             .cause = static_cast<Cause>(qoi),
                             .group = static_cast<std::uint8_t>(qoi - kStationInterrogation)}))
        return refuse("refused: too many interrogations at once");
      break;
    }
    case TypeId::C_TS_NA_1:
      if (e.value != kTestPattern) return refuse("refused: not the test pattern");
      break;
    case TypeId::C_TS_TA_1:
      break;
    case TypeId::C_RP_NA_1:
      if (e.qualifier != kResetAll && e.qualifier != kResetEvents) return refuse("refused: no such reset");
      BONGSU_TRY_VOID(from.answer(mirrored(bytes, Cause::kActivationCon, false)));
      for (const auto& [id, connection] : connections_) connection->drop_events();
      if (e.qualifier == kResetAll) {
        selections_.clear();
        announce(from, kResetRemotely);
      }
      report(from, asdu, "confirmed");
      return {};
    default:
      break;
  }
  report(from, asdu, "confirmed");
  return from.answer(mirrored(bytes, Cause::kActivationCon, false));
}

// The confirmation has the time before the clock was set (as lib60870's guide describes it).
Result<void> Station::take_clock(StationConnection& from, const Asdu& asdu, std::string_view bytes) {
  const auto time = asdu.objects[0].time->invalid ? std::nullopt : instant_of(*asdu.objects[0].time);
  if (!time) {
    report(from, asdu, "refused: no such time");
    return from.answer(mirrored(bytes, Cause::kActivationCon, true));
  }
  Asdu answer = asdu;
  answer.cause = Cause::kActivationCon;
  answer.common_address = settings_.common_address;
  answer.objects[0].time = wire_time(now());
  clock_offset_ = *time - clock_.now();
  report(from, asdu, "confirmed");
  return from.answer(*to_bytes(answer));
}

double Station::counter(std::size_t point) const {
  if (const auto frozen = counter_frozen_.find(point); frozen != counter_frozen_.end()) return frozen->second;
  return counted(point);
}

// A total beyond 32 bits goes round, as a meter's does.
std::int32_t Station::counted(std::size_t point) const {
  const auto base = counter_base_.find(point);
  const auto count = static_cast<std::int64_t>(points_.read(point).value - (base == counter_base_.end() ? 0 : base->second));
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(count));
}

void Station::freeze(std::uint8_t group, std::uint8_t what) {
  for (const std::size_t point : counters_) {
    if (group != 0 && list_[point].iec104->group != group) continue;
    if (what == kFreeze || what == kFreezeAndReset) counter_frozen_[point] = counted(point);
    if (what != kFreeze) counter_base_[point] = points_.read(point).value;
  }
  if (what == kFreeze || what == kFreezeAndReset) counter_sequence_ = (counter_sequence_ + 1) & 0x1F;
}

Result<void> Station::take_counters(StationConnection& from, const Asdu& asdu, std::string_view bytes) {
  const std::uint8_t request = asdu.objects[0].element.qualifier & 0x3F, what = asdu.objects[0].element.qualifier >> 6;
  const bool known = request >= 1 && request <= kAllCounters;
  const std::uint8_t group = request <= kCounterGroups ? request : 0;
  const Interrogation answer{.request = std::string(bytes),
                             .cause = static_cast<Cause>(static_cast<std::uint8_t>(Cause::kCounterRequested) + group),
                             .group = group,
                             .counters = true,
                             .position = what == kRead ? 0 : counters_.size()};
  if (!known || !from.interrogate(answer)) {
    report(from, asdu, known ? "refused: too many interrogations at once" : "refused: no such group");
    return from.answer(mirrored(bytes, Cause::kActivationCon, true));
  }
  if (what != kRead) freeze(group, what);
  report(from, asdu, "confirmed");
  return from.answer(mirrored(bytes, Cause::kActivationCon, false));
}

Result<void> Station::take_read(StationConnection& from, const Asdu& asdu, std::string_view bytes) {
  const auto found = by_object_.find(asdu.objects[0].address);
  if (found == by_object_.end()) {
    report(from, asdu, cause_text(Cause::kUnknownObjectAddress));
    return from.answer(mirrored(bytes, Cause::kUnknownObjectAddress, true));
  }
  const PointRow& row = list_[found->second];
  const Reading& reading = points_.read(found->second);
  const double value = row.point.kind == PointKind::kCounter ? counter(found->second) : reading.value;
  report(from, asdu, "read", row.point.name);
  return from.answer(*to_bytes(
      {.type = monitored_type(row.point.kind, false),
       .cause = Cause::kRequest,
       .originator = asdu.originator,
       .common_address = settings_.common_address,
       .objects = {monitored_object(row.iec104->object, row.point.kind, value, reading.quality, std::nullopt)}}));
}

Result<void> Station::take_command(StationConnection& from, const Asdu& asdu, std::string_view bytes) {
  const Object& object = asdu.objects[0];
  const auto found = by_command_.find(object.address);
  if (found == by_command_.end() || command_type(list_[found->second].point.kind) != without_time(asdu.type)) {
    report(from, asdu, cause_text(Cause::kUnknownObjectAddress));
    return from.answer(mirrored(bytes, Cause::kUnknownObjectAddress, true));
  }
  const std::size_t point = found->second;
  const std::string& name = list_[point].point.name;
  std::erase_if(selections_, [&](const auto& s) { return clock_.monotonic() >= s.second.until; });

  if (asdu.cause == Cause::kDeactivation) {
    const auto selection = selections_.find(point);
    const bool own = selection != selections_.end() && selection->second.connection == from.id();
    if (own) selections_.erase(selection);
    report(from, asdu, own ? "selection cancelled" : "refused: not selected", name);
    return from.answer(mirrored(bytes, Cause::kDeactivationCon, !own));
  }
  const auto asked = asked_of(asdu.type, object.element);
  std::string outcome = "refused: not a permitted value";
  bool operated = false;
  if (asked) {
    const Command command{
        .point = point, .value = asked->first, .relative = asked->second, .from = "iec104 " + from.peer()};
    const Selection wanted{.connection = from.id(),
                           .type = asdu.type,
                           .value = object.element.value,
                           .until = clock_.monotonic() + settings_.select_timeout};
    if (object.element.select) {
      outcome = select(wanted, point, command);
    } else {
      outcome = operate(wanted, point, command);
      operated = outcome.empty();
    }
    if (outcome.empty()) {
      report(from, asdu,
             object.element.select ? "selected"
             : asdu.test           ? "confirmed as a test"
                                   : "confirmed",
             name, asked->first);
      BONGSU_TRY_VOID(from.answer(mirrored(bytes, Cause::kActivationCon, false)));
      if (!operated) return {};
      if (asdu.test) return from.answer(mirrored(bytes, Cause::kActivationTermination, false));
      begin(from, point, command, bytes);
      return {};
    }
  }
  report(from, asdu, outcome, name, asked ? asked->first : 0);
  return from.answer(mirrored(bytes, Cause::kActivationCon, true));
}

std::string Station::select(const Selection& wanted, std::size_t point, const Command& command) {
  const auto other = selections_.find(point);
  if (other != selections_.end() && other->second.connection != wanted.connection)
    return "refused: selected by another";
  if (operations_.contains(point)) return "refused: in operation";
  if (const Answer answer = process_.check(command); answer != Answer::kAccepted) return std::string(reason(answer));
  selections_[point] = wanted;
  return {};
}

std::string Station::operate(const Selection& wanted, std::size_t point, const Command& command) {
  const auto selection = selections_.find(point);
  const bool selected = selection != selections_.end();
  if (selected && selection->second.connection != wanted.connection) return "refused: selected by another";
  if (!selected && list_[point].iec104->select) return "refused: not selected";
  if (selected) {
    const bool same =
        without_time(selection->second.type) == without_time(wanted.type) && selection->second.value == wanted.value;
    selections_.erase(selection);
    if (!same) return "refused: another command than was selected";
  }
  if (operations_.contains(point)) return "refused: in operation";
  return std::string(reason(process_.check(command)));
}

void Station::begin(StationConnection& from, std::size_t point, const Command& command, std::string_view bytes) {
  const std::uint64_t id = next_operation_++;
  operations_.emplace(point, Operation{.id = id, .connection = from.id(), .request = std::string(bytes)});
  const Answer answer = process_.operate(command, [this, point, id, alive = std::weak_ptr(alive_)](bool) {
    if (!alive.expired()) finished(point, id);
  });
  if (answer != Answer::kAccepted) finished(point, id);
}

void Station::finished(std::size_t point, std::uint64_t id) {
  const auto found = operations_.find(point);
  if (found == operations_.end() || found->second.id != id) return;
  const Operation operation = std::move(found->second);
  operations_.erase(found);
  const auto connection = connections_.find(operation.connection);
  if (connection != connections_.end())
    connection->second->answer_after_events(mirrored(operation.request, Cause::kActivationTermination, false));
}

}  // namespace bongsu::exercise::wire::iec104
