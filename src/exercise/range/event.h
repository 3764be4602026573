// What happens in a world, and because of what: each event names the one that led to it, so that an after-action report can follow a
// chain from a dark ward back to the breaker that somebody opened.
//
//   EventLog log;
//   const auto cut = log.add(12.5, WorldEventKind::kLinkDown, "lt.link.kaunas-vilnius", 0, "… is cut", order_id);
//   log.add(12.5, WorldEventKind::kCircuitDown, "lt.circuit.kaunas", 0, "… has no route", cut);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bongsu::exercise {

inline constexpr std::size_t kMaxPendingEvents = 1'000'000;  // that nobody took: later ones keep their numbers and are not kept

enum class WorldEventKind : std::uint8_t {
  kOrdered,
  kRefused,
  kCrewSent,
  kDone,  // orders; kDone: by a crew
  kTripped,
  kShed,
  kDark,
  kLive,
  kSplit,  // grid; dark and live: substations, or with no name a whole part
  kOnBattery,
  kNodeDown,
  kNodeUp,
  kLinkDown,
  kLinkUp,
  kCircuitDown,
  kCircuitUp,
  kTerminalDown,
  kTerminalUp,
  kControlLost,
  kControlBack,  // generators; magnitude MW
  kSegmentClosed,
  kSegmentOpen,
  kTrainHeld,
  kTrainMoves,
  kTrainArrived,  // magnitude of an arrival: minutes late
  kBroken,
  kMended,
  kDisaster,
};
std::string_view to_string(WorldEventKind kind);  // "circuit-down"

struct WorldEvent {
  std::uint64_t id = 0;  // 1, 2, … in the order of times
  double at_s = 0;
  WorldEventKind kind = WorldEventKind::kOrdered;
  std::string target;       // a thing's name; empty: the whole
  double magnitude = 0;     // MW, minutes; what the kind says
  std::string text;         // a sentence
  std::uint64_t cause = 0;  // the event that led to it; 0: none in this world
  bool operator==(const WorldEvent&) const = default;
};

class EventLog {
 public:
  std::uint64_t add(double at_s, WorldEventKind kind, std::string target, double magnitude, std::string text, std::uint64_t cause) {
    ++last_;
    if (pending_.size() < kMaxPendingEvents)
      pending_.push_back({last_, at_s, kind, std::move(target), magnitude, std::move(text), cause});
    return last_;
  }
  std::vector<WorldEvent> take() { return std::exchange(pending_, {}); }
  std::uint64_t last() const { return last_; }

 private:
  std::vector<WorldEvent> pending_;
  std::uint64_t last_ = 0;
};

}  // namespace bongsu::exercise
