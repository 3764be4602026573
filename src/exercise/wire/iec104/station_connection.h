// One connection of a station: what waits to be sent on it, and in which order. Part of station.h.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "exercise/wire/iec104/station.h"

namespace bongsu::exercise::wire::iec104 {

// An interrogation that is being answered, a window at a time.
struct Interrogation {
  std::string request;     // the ASDU, for its termination
  Cause cause{};           // of the data
  std::uint8_t group = 0;  // 0: all
  bool counters = false;
  std::size_t position = 0;
};

class StationConnection final : public net::Session {
 public:
  StationConnection(Station& station, std::uint64_t id, std::string peer);
  ~StationConnection() override;

  Result<void> receive(std::string_view bytes) override;
  std::string take_output() override;
  std::chrono::nanoseconds wake_at() const override;
  Result<void> wake() override;

  std::uint64_t id() const { return id_; }
  const std::string& peer() const { return peer_; }
  bool started() const { return link_.started(); }
  // Also when it is started again within the same bytes, that is a start of its own.
  void halt() {
    link_.halt();
    was_started_ = false;
  }

  Result<void> answer(std::string asdu);          // kTooLarge: beyond kMaxAnswers
  void answer_after_events(std::string asdu);     // when what is in the event buffer now has been sent
  bool interrogate(Interrogation interrogation);  // false: too many at once
  void drop_events();
  void changed(Event event);  // with a buffer of its own

 private:
  struct Cyclic {
    std::size_t point = 0;
    std::chrono::nanoseconds due{};
  };

  void after_start();
  void settle();
  void pump();
  std::optional<std::string> next_event_asdu();
  std::optional<std::string> next_interrogation_asdu();
  std::optional<std::string> next_cyclic_asdu();
  std::string encode(TypeId type, Cause cause, std::vector<Object> objects, bool sequence = false) const;

  Station& station_;
  std::uint64_t id_;
  std::string peer_;
  Link link_;
  bool was_started_ = false;
  std::deque<std::string> answers_;
  std::deque<std::pair<std::uint64_t, std::string>> after_events_;
  std::deque<Interrogation> interrogations_;
  EventBuffer own_events_;
  EventBuffer& events_;
  std::uint64_t next_event_ = 0;
  std::deque<std::pair<std::uint64_t, std::uint64_t>>
      in_flight_;  // I frames sent by then; events before this were in them
  std::vector<Cyclic> cyclic_;
};

}  // namespace bongsu::exercise::wire::iec104
