// A controlled station (RTU): answers interrogations, reports changes, takes commands. IEC 60870-5-101 §7.4 and
// 60870-5-5 say how; 60870-5-104 §5, §10 what connections do.
//
//   Station station(list, points, process, {.common_address = 3}, clock);
//   std::unique_ptr<net::Session> connection = station.accept("198.51.100.7:40001");   // one a TCP connection
//   points.set(7, {…});   // goes out as a spontaneous report, as far as the dead band lets it
//
// What it does:
//   - Interrogation (station, groups 1 to 16), counters (read, freeze, reset), read, clock, test, reset of the process.
//   - Changes with time of the kinds' types (M_SP_TB_1, …), cyclic reports without; counters only when asked for.
//   - Commands: direct or select-before-operate, confirmations, return information, termination. A command with the
//   test
//     bit is confirmed and not carried out.
//   - What it doesn't know comes back with cause 44 to 47, P/N set; what it knows and doesn't do, with a negative
//     confirmation.
//   - Reports wait in a buffer of max_events; when it is full the oldest is dropped and counted (lost_events): whoever
//     missed some has to interrogate. As one redundancy group (the default) all connections share the buffer, one of
//     them is started at a time, and what was sent and not acknowledged is sent again on the next; with each_connection
//     every connection has its own from its STARTDT on.
//
// Not done: files, parameters in the control direction, checks of the age of commands with a time tag.
// Sessions must not outlive the station. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/link.h"
#include "exercise/wire/point_list.h"
#include "exercise/wire/points.h"
#include "net/session.h"

namespace bongsu::exercise::wire::iec104 {

inline constexpr std::size_t kMaxAnswers = 1'000;      // that wait for the window of one connection
inline constexpr std::size_t kMaxInterrogations = 16;  // at once on one connection
inline constexpr std::size_t kMaxEventBuffer = 1'000'000;

struct StationSettings {
  std::uint16_t common_address = 1;  // 1 to 65534
  LinkSettings link;
  std::size_t max_events = 1'000;  // 1 to kMaxEventBuffer
  bool each_connection = false;
  std::chrono::seconds select_timeout{30};
};
Result<void> check(const StationSettings& settings);

struct Event {
  std::size_t point = 0;
  Reading reading;
  Cause cause{};
};
// Numbered from 0; the oldest give way.
class EventBuffer {
 public:
  explicit EventBuffer(std::size_t limit) : limit_(limit) {}
  void push(Event event);
  void forget_before(std::uint64_t number);
  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return first_ + events_.size(); }
  const Event& at(std::uint64_t number) const { return events_[number - first_]; }
  std::uint64_t lost() const { return lost_; }

 private:
  std::size_t limit_;
  std::deque<Event> events_;
  std::uint64_t first_ = 0, lost_ = 0;
};

// What somebody asked of the station, for logs and for who watches the drill.
struct StationReport {
  Instant time;
  std::string peer;
  TypeId type{};
  Cause cause{};
  std::uint32_t object = 0;
  std::string point;  // its name, of commands
  double value = 0;   // of commands
  bool select = false;
  std::string outcome;  // "confirmed", "refused: not selected", "unknown information object address", …
};

class StationConnection;

class Station {
 public:
  // `list` has the points of `points`, in its order; settings are good. All outlive the station.
  Station(const PointList& list, Points& points, Process& process, const StationSettings& settings, const Clock& clock);
  ~Station();
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  std::unique_ptr<net::Session> accept(std::string peer);
  void on_report(std::function<void(const StationReport&)> report) { report_ = std::move(report); }

  Instant now() const { return clock_.now() + clock_offset_; }  // of the station's own clock, which C_CS_NA_1 sets
  std::uint64_t lost_events() const { return lost_ + events_.lost(); }

 private:
  friend class StationConnection;
  struct Selection {
    std::uint64_t connection = 0;
    TypeId type{};
    std::int32_t value = 0;
    std::chrono::nanoseconds until{};
  };
  struct Operation {
    std::uint64_t id = 0, connection = 0;
    std::string request;  // the ASDU
  };

  // What connections hand in.
  Result<void> take(StationConnection& from, std::string_view bytes);
  void started(StationConnection& connection);
  void gone(StationConnection& connection);

  Result<void> take_known(StationConnection& from, const Asdu& asdu, std::string_view bytes);
  Result<void> take_system(StationConnection& from, const Asdu& asdu, std::string_view bytes);
  Result<void> take_clock(StationConnection& from, const Asdu& asdu, std::string_view bytes);
  Result<void> take_counters(StationConnection& from, const Asdu& asdu, std::string_view bytes);
  Result<void> take_read(StationConnection& from, const Asdu& asdu, std::string_view bytes);
  Result<void> take_command(StationConnection& from, const Asdu& asdu, std::string_view bytes);
  // Why not; empty: it can be.
  std::string select(const Selection& wanted, std::size_t point, const Command& command);
  std::string operate(const Selection& wanted, std::size_t point, const Command& command);
  void begin(StationConnection& from, std::size_t point, const Command& command, std::string_view bytes);
  void finished(std::size_t point, std::uint64_t operation);
  void changed(std::size_t point, const Reading& reading);
  void announce(StationConnection& to, std::uint8_t cause);
  void report(const StationConnection& from, const Asdu& asdu, std::string outcome, std::string_view point = {},
              double value = 0);

  // The counter as it is reported.
  double counter(std::size_t point) const;
  std::int32_t counted(std::size_t point) const;  // since it was reset
  void freeze(std::uint8_t group, std::uint8_t what);

  const PointList& list_;
  Points& points_;
  Process& process_;
  StationSettings settings_;
  const Clock& clock_;
  std::function<void(const StationReport&)> report_;
  std::chrono::nanoseconds clock_offset_{0};

  std::unordered_map<std::uint32_t, std::size_t> by_object_, by_command_;
  std::vector<std::size_t> interrogated_, counters_;  // in the order of answers: by type, then address
  std::vector<double> reported_;
  std::vector<Quality> reported_quality_;
  std::unordered_map<std::size_t, double> counter_base_, counter_frozen_;
  std::uint8_t counter_sequence_ = 0;

  EventBuffer events_;
  std::uint64_t lost_ = 0;  // of buffers that are gone
  bool announced_ = false;
  std::uint64_t next_connection_ = 1, next_operation_ = 1;
  std::map<std::uint64_t, StationConnection*> connections_;
  std::unordered_map<std::size_t, Selection> selections_;
  std::unordered_map<std::size_t, Operation> operations_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace bongsu::exercise::wire::iec104
