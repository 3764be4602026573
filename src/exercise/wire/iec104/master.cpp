#include "exercise/wire/iec104/master.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exercise/wire/iec104/monitored.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

bool is_unknown(Cause cause) { return cause >= Cause::kUnknownType && cause <= Cause::kUnknownObjectAddress; }

}  // namespace

std::string_view to_string(CommandPhase phase) {
  switch (phase) {
    case CommandPhase::kSelected:
      return "selected";
    case CommandPhase::kConfirmed:
      return "confirmed";
    case CommandPhase::kDone:
      return "done";
    case CommandPhase::kRefused:
      return "refused";
    case CommandPhase::kTimeout:
      return "timeout";
    case CommandPhase::kLost:
      return "lost";
  }
  return "?";
}

Master::Master(const MasterSettings& settings, const Clock& clock, MasterEvents events)
    : settings_(settings), clock_(clock), events_(std::move(events)), link_(Role::kControlling, settings.link, clock) {
  link_.start();
}

Master::~Master() {
  for (const Running& running : std::exchange(commands_, {}))
    tell(running.id, CommandPhase::kLost, "the connection ended before the command did");
}

void Master::tell(std::uint64_t id, CommandPhase phase, std::string text) {
  if (events_.on_command) events_.on_command(id, {.phase = phase, .text = std::move(text)});
}

void Master::notice(const std::string& what) const {
  if (events_.on_notice) events_.on_notice(what);
}

Result<void> Master::request(TypeId type, Cause cause, Object object, std::string what) {
  if (waiting_.size() + pending_.size() >= kMaxCommands)
    return fail(ErrorCode::kTooLarge, fmt::format("{} requests wait already", kMaxCommands));
  BONGSU_TRY(std::string bytes, to_bytes({.type = type,
                                          .cause = cause,
                                          .originator = settings_.originator,
                                          .common_address = settings_.common_address,
                                          .objects = {std::move(object)}}));
  waiting_.push_back(std::move(bytes));
  if (cause == Cause::kActivation)
    pending_.push_back(
        {.type = type, .what = std::move(what), .until = clock_.monotonic() + settings_.confirm_timeout});
  return {};
}

Result<void> Master::interrogate(std::uint8_t qualifier) {
  return request(TypeId::C_IC_NA_1, Cause::kActivation, {.element = {.qualifier = qualifier}}, "interrogation");
}
Result<void> Master::ask_counters(std::uint8_t qualifier) {
  return request(TypeId::C_CI_NA_1, Cause::kActivation, {.element = {.qualifier = qualifier}}, "counter interrogation");
}
Result<void> Master::read(std::uint32_t object) {
  return request(TypeId::C_RD_NA_1, Cause::kRequest, {.address = object}, "read");
}
Result<void> Master::set_clock() {
  return request(TypeId::C_CS_NA_1, Cause::kActivation, {.time = wire_time(clock_.now())}, "clock synchronisation");
}

Result<std::uint64_t> Master::command(const CommandOrder& order) {
  if (commands_.size() >= kMaxCommands)
    return fail(ErrorCode::kTooLarge, fmt::format("{} commands wait already", kMaxCommands));
  if (!is_command(order.type))
    return fail(ErrorCode::kInvalid, fmt::format("{} is not a command to a process point",
                                                 type_name(static_cast<std::uint8_t>(order.type))));
  if (order.select && without_time(order.type) == TypeId::C_BO_NA_1)
    return fail(ErrorCode::kInvalid, "bitstring commands have no selection");
  Object object{.address = order.object, .element = order.element};
  if (order.time) object.time = wire_time(*order.time);
  const auto bytes = to_bytes({.type = order.type, .cause = Cause::kActivation, .objects = {object}});
  if (!bytes) return std::unexpected(bytes.error());
  const std::uint64_t id = next_id_++;
  commands_.push_back({.id = id, .order = order, .until = std::chrono::nanoseconds::max()});
  begin_commands();
  return id;
}

// Starts those whose object has no other one running before them.
void Master::begin_commands() {
  if (!link_.started()) return;
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    if (commands_[i].step != Step::kWaiting) continue;
    const bool first =
        std::none_of(commands_.begin(), commands_.begin() + static_cast<std::ptrdiff_t>(i),
                     [&](const Running& other) { return other.order.object == commands_[i].order.object; });
    if (first) send_command(commands_[i], commands_[i].order.select);
  }
}

void Master::send_command(Running& running, bool select) {
  Object object{.address = running.order.object, .element = running.order.element};
  object.element.select = select;
  if (running.order.time) object.time = wire_time(*running.order.time);
  waiting_.push_back(*to_bytes({.type = running.order.type,
                                .cause = Cause::kActivation,
                                .originator = settings_.originator,
                                .common_address = settings_.common_address,
                                .objects = {object}}));
  running.step = select ? Step::kSelecting : Step::kOperating;
  running.until = clock_.monotonic() + settings_.confirm_timeout;
}

Result<void> Master::receive(std::string_view bytes) {
  auto taken = link_.receive(bytes, [this](std::string_view asdu) -> Result<void> {
    after_start();
    return take(asdu);
  });
  after_start();
  return taken;
}

void Master::after_start() {
  if (link_.started() == was_started_) return;
  was_started_ = link_.started();
  if (!was_started_) return;
  if (events_.on_started) events_.on_started();
  // Nothing waits yet, so there is room.
  if (settings_.set_clock) static_cast<void>(set_clock());
  if (settings_.interrogate) static_cast<void>(interrogate());
  if (settings_.counters) static_cast<void>(ask_counters());
  if (settings_.interrogate_every.count() > 0) next_interrogation_ = clock_.monotonic() + settings_.interrogate_every;
  begin_commands();
}

Result<void> Master::take(std::string_view bytes) {
  BONGSU_TRY(const AsduHeader header, read_header(bytes));
  const Type* type = type_of(header.type);
  if (type == nullptr) {
    notice(fmt::format("{} was received and isn't read", type_name(header.type)));
    return {};
  }
  BONGSU_TRY(const Asdu asdu, read_asdu(bytes));
  if (asdu.type == TypeId::M_EI_NA_1) {
    notice("the station was initialised");
    if (settings_.interrogate && pending_.empty()) return interrogate();
  } else if (asdu.type < TypeId::C_SC_NA_1) {
    take_values(asdu, *type);
  } else if (is_command(asdu.type)) {
    take_command_answer(asdu);
  } else {
    take_answer(asdu);
  }
  return {};
}

void Master::take_values(const Asdu& asdu, const Type& type) {
  if (!events_.on_value) return;
  for (const Object& object : asdu.objects) {
    const auto value = value_of(type, object.element);
    if (!value) continue;
    Observed out{.common_address = asdu.common_address,
                 .object = object.address,
                 .type = asdu.type,
                 .cause = asdu.cause,
                 .value = *value,
                 .quality = quality_of(type, object.element),
                 .in_transition = type.shape == Shape::kStep && object.element.qualifier != 0};
    if (object.time && type.time == TimeKind::kCp56 && !object.time->invalid) out.time = instant_of(*object.time);
    events_.on_value(out);
  }
}

void Master::take_answer(const Asdu& asdu) {
  const auto found =
      std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) { return p.type == asdu.type; });
  if (found == pending_.end()) {
    if (is_unknown(asdu.cause)) notice(fmt::format("{}: {}", type_of(asdu.type).name, cause_text(asdu.cause)));
    return;
  }
  const bool goes_on = asdu.type == TypeId::C_IC_NA_1 || asdu.type == TypeId::C_CI_NA_1;
  if (is_unknown(asdu.cause) || asdu.negative) {
    notice(fmt::format("{} was refused: {}", found->what,
                       asdu.negative && !is_unknown(asdu.cause) ? "negative confirmation" : cause_text(asdu.cause)));
    pending_.erase(found);
  } else if (asdu.cause == Cause::kActivationTermination || (asdu.cause == Cause::kActivationCon && !goes_on)) {
    notice(found->what + " finished");
    pending_.erase(found);
  } else if (asdu.cause == Cause::kActivationCon) {
    found->confirmed = true;
    found->until = clock_.monotonic() + settings_.finish_timeout;
  }
}

void Master::take_command_answer(const Asdu& asdu) {
  const auto found = std::find_if(commands_.begin(), commands_.end(), [&](const Running& r) {
    return r.step != Step::kWaiting && r.order.type == asdu.type && r.order.object == asdu.objects[0].address;
  });
  if (found == commands_.end()) return;
  const std::uint64_t id = found->id;
  const bool selecting = found->step == Step::kSelecting;
  const auto end = [&](CommandPhase phase, std::string text) {
    commands_.erase(found);
    begin_commands();
    tell(id, phase, std::move(text));
  };
  if (is_unknown(asdu.cause)) return end(CommandPhase::kRefused, cause_text(asdu.cause));
  if (asdu.cause == Cause::kActivationCon) {
    if (asdu.objects[0].element.select != selecting) return;
    if (asdu.negative)
      return end(CommandPhase::kRefused,
                 selecting ? "the selection was not confirmed" : "the command was not confirmed");
    if (selecting) {
      send_command(*found, false);
      return tell(id, CommandPhase::kSelected, "");
    }
    if (found->step != Step::kOperating) return;
    found->step = Step::kFinishing;
    found->until = clock_.monotonic() + settings_.finish_timeout;
    return tell(id, CommandPhase::kConfirmed, "");
  }
  if (asdu.cause == Cause::kActivationTermination && found->step == Step::kFinishing) end(CommandPhase::kDone, "");
}

std::string Master::take_output() {
  while (!waiting_.empty() && link_.can_send()) {
    link_.send(waiting_.front());
    waiting_.pop_front();
  }
  return link_.take_output();
}

std::chrono::nanoseconds Master::wake_at() const {
  auto at = std::min(link_.wake_at(), next_interrogation_);
  for (const Pending& pending : pending_) at = std::min(at, pending.until);
  for (const Running& running : commands_) at = std::min(at, running.until);
  return at;
}

Result<void> Master::wake() {
  BONGSU_TRY_VOID(link_.tick());
  const auto now = clock_.monotonic();
  while (!pending_.empty()) {
    const auto late = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) { return p.until <= now; });
    if (late == pending_.end()) break;
    notice(fmt::format("{} was not {} in time", late->what, late->confirmed ? "finished" : "confirmed"));
    pending_.erase(late);
  }
  for (std::size_t i = 0; i < commands_.size();) {
    if (commands_[i].until > now) {
      ++i;
      continue;
    }
    const Running late = commands_[i];
    commands_.erase(commands_.begin() + static_cast<std::ptrdiff_t>(i));
    tell(late.id, CommandPhase::kTimeout,
         late.step == Step::kFinishing ? "not terminated in time" : "not confirmed in time");
  }
  begin_commands();
  if (next_interrogation_ <= now) {
    next_interrogation_ = now + settings_.interrogate_every;
    if (link_.started() && pending_.empty()) BONGSU_TRY_VOID(interrogate());
  }
  return {};
}

}  // namespace bongsu::exercise::wire::iec104
