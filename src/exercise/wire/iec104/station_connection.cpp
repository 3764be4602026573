#include "exercise/wire/iec104/station_connection.h"

#include <algorithm>
#include <utility>

#include "exercise/wire/iec104/monitored.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

// So many objects with addresses that follow each other are sent as a sequence (SQ = 1).
constexpr std::size_t kWorthASequence = 8;

}  // namespace

StationConnection::StationConnection(Station& station, std::uint64_t id, std::string peer)
    : station_(station),
      id_(id),
      peer_(std::move(peer)),
      link_(Role::kControlled, station.settings_.link, station.clock_),
      own_events_(station.settings_.max_events),
      events_(station.settings_.each_connection ? own_events_ : station.events_) {}

StationConnection::~StationConnection() {
  station_.lost_ += own_events_.lost();
  station_.gone(*this);
}

Result<void> StationConnection::receive(std::string_view bytes) {
  return link_.receive(bytes, [this](std::string_view asdu) -> Result<void> {
    after_start();  // the start may have come in the same bytes
    return station_.take(*this, asdu);
  });
}

void StationConnection::after_start() {
  if (link_.started() == was_started_) return;
  was_started_ = link_.started();
  if (!was_started_) return;
  in_flight_.clear();
  next_event_ = events_.first();
  cyclic_.clear();
  const auto now = station_.clock_.monotonic();
  for (std::size_t i = 0; i < station_.list_.size(); ++i)
    if (const auto& place = station_.list_[i].iec104; place && place->cyclic.count() > 0)
      cyclic_.push_back({i, now + place->cyclic});
  station_.started(*this);
}

// What the other end has acknowledged needs not be kept.
void StationConnection::settle() {
  while (!in_flight_.empty() && in_flight_.front().first <= link_.acknowledged()) {
    events_.forget_before(in_flight_.front().second);
    in_flight_.pop_front();
  }
}

std::string StationConnection::take_output() {
  after_start();
  settle();
  pump();
  return link_.take_output();
}

std::chrono::nanoseconds StationConnection::wake_at() const {
  auto at = link_.wake_at();
  if (link_.started())
    for (const Cyclic& cyclic : cyclic_) at = std::min(at, cyclic.due);
  return at;
}

Result<void> StationConnection::wake() { return link_.tick(); }

Result<void> StationConnection::answer(std::string asdu) {
  if (answers_.size() >= kMaxAnswers)
    return fail(ErrorCode::kTooLarge, "more requests than answers are acknowledged", {.source = peer_});
  answers_.push_back(std::move(asdu));
  return {};
}

void StationConnection::answer_after_events(std::string asdu) {
  if (after_events_.size() < kMaxAnswers) after_events_.emplace_back(events_.end(), std::move(asdu));
}

bool StationConnection::interrogate(Interrogation interrogation) {
  if (interrogations_.size() >= kMaxInterrogations) return false;
  interrogations_.push_back(std::move(interrogation));
  return true;
}

void StationConnection::drop_events() { events_.forget_before(events_.end()); }

void StationConnection::changed(Event event) {
  if (link_.started()) own_events_.push(std::move(event));
}

// Answers first, so that an operator's command is confirmed in a flood of changes; changes before an interrogation's
// data, which are newer; cyclic values last, since newer ones will come.
void StationConnection::pump() {
  while (link_.can_send()) {
    next_event_ = std::max(next_event_, events_.first());
    if (!answers_.empty()) {
      link_.send(answers_.front());
      answers_.pop_front();
    } else if (!after_events_.empty() && after_events_.front().first <= next_event_) {
      link_.send(after_events_.front().second);
      after_events_.pop_front();
    } else if (const auto event = next_event_asdu()) {
      link_.send(*event);
      in_flight_.emplace_back(link_.sent(), next_event_);
    } else if (const auto data = next_interrogation_asdu()) {
      link_.send(*data);
    } else if (const auto cyclic = next_cyclic_asdu()) {
      link_.send(*cyclic);
    } else {
      return;
    }
  }
}

std::string StationConnection::encode(TypeId type, Cause cause, std::vector<Object> objects, bool sequence) const {
  const auto bytes = to_bytes({.type = type,
                               .cause = cause,
                               .common_address = station_.settings_.common_address,
                               .sequence = sequence,
                               .objects = std::move(objects)});
  BONGSU_CHECK(bytes.has_value());
  return *bytes;
}

std::optional<std::string> StationConnection::next_event_asdu() {
  if (next_event_ >= events_.end()) return std::nullopt;
  const PointKind kind = station_.list_[events_.at(next_event_).point].point.kind;
  const Cause cause = events_.at(next_event_).cause;
  const TypeId type = monitored_type(kind, true);
  const std::size_t most = objects_that_fit(type, false);
  std::vector<Object> objects;
  while (next_event_ < events_.end() && objects.size() < most) {
    const Event& event = events_.at(next_event_);
    const PointRow& row = station_.list_[event.point];
    if (row.point.kind != kind || event.cause != cause) break;
    objects.push_back(
        monitored_object(row.iec104->object, kind, event.reading.value, event.reading.quality, event.reading.time));
    ++next_event_;
  }
  return encode(type, cause, std::move(objects));
}

std::optional<std::string> StationConnection::next_interrogation_asdu() {
  if (interrogations_.empty()) return std::nullopt;
  Interrogation& asked = interrogations_.front();
  const std::vector<std::size_t>& order = asked.counters ? station_.counters_ : station_.interrogated_;
  const auto wanted = [&](std::size_t position) {
    return asked.group == 0 || station_.list_[order[position]].iec104->group == asked.group;
  };
  const auto row = [&](std::size_t position) -> const PointRow& { return station_.list_[order[position]]; };
  const auto skip = [&](std::size_t& position) {
    while (position < order.size() && !wanted(position)) ++position;
  };
  // How many from `position` on follow each other by address, all wanted and of one kind.
  const auto run = [&](std::size_t position, std::size_t most) {
    std::size_t length = 1;
    while (length < most && position + length < order.size() && wanted(position + length) &&
           row(position + length).point.kind == row(position).point.kind &&
           row(position + length).iec104->object == row(position).iec104->object + length)
      ++length;
    return length;
  };
  skip(asked.position);
  if (asked.position == order.size()) {
    std::string termination = mirrored(asked.request, Cause::kActivationTermination, false);
    interrogations_.pop_front();
    return termination;
  }
  const PointKind kind = row(asked.position).point.kind;
  const TypeId type = monitored_type(kind, false);
  const auto object = [&](std::size_t position) {
    const std::size_t point = order[position];
    const Reading& reading = station_.points_.read(point);
    Object out =
        monitored_object(row(position).iec104->object, kind, asked.counters ? station_.counter(point) : reading.value,
                         reading.quality, std::nullopt);
    if (asked.counters) out.element.qualifier = station_.counter_sequence_;
    return out;
  };
  std::vector<Object> objects;
  if (const std::size_t length = run(asked.position, objects_that_fit(type, true)); length >= kWorthASequence) {
    for (std::size_t i = 0; i < length; ++i) objects.push_back(object(asked.position + i));
    asked.position += length;
    return encode(type, asked.cause, std::move(objects), true);
  }
  const std::size_t most = objects_that_fit(type, false);
  while (objects.size() < most && asked.position < order.size() && row(asked.position).point.kind == kind) {
    if (!objects.empty() && run(asked.position, kWorthASequence) >= kWorthASequence) break;
    objects.push_back(object(asked.position));
    ++asked.position;
    skip(asked.position);
  }
  return encode(type, asked.cause, std::move(objects));
}

std::optional<std::string> StationConnection::next_cyclic_asdu() {
  const auto now = station_.clock_.monotonic();
  std::optional<PointKind> kind;
  std::vector<Object> objects;
  for (Cyclic& cyclic : cyclic_) {
    if (cyclic.due > now) continue;
    const PointRow& row = station_.list_[cyclic.point];
    if (kind && (row.point.kind != *kind || objects.size() == objects_that_fit(monitored_type(*kind, false), false)))
      continue;
    kind = row.point.kind;
    const Reading& reading = station_.points_.read(cyclic.point);
    objects.push_back(monitored_object(row.iec104->object, *kind, reading.value, reading.quality, std::nullopt));
    while (cyclic.due <= now) cyclic.due += row.iec104->cyclic;
  }
  if (!kind) return std::nullopt;
  return encode(monitored_type(*kind, false), Cause::kPeriodic, std::move(objects));
}

}  // namespace bongsu::exercise::wire::iec104
