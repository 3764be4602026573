// Correlations (Sigma correlation rules specification): what SigmaMatcher found, in the order of events, to final hits.
//
//   SigmaSequencer sequencer(set);
//   sequencer.take(matches, {batch.source, event.offset, event.line, time}, hits);
//   sequencer.finish(hits);                            // no more events: windows that are still open are judged
//
// Time is that of the events. A window is `timespan` long, both ends included. Two kinds of condition:
//
// - What can only become true by more events (gt and gte of a count, a number of different values, a sum; gt, gte of a
//   maximum; lt, lte of a minimum; temporal without "not" and with gt, gte; temporal_ordered) is judged at every event
//   over the window that ends with it, and hits at once. The events that made the hit are then spent: the next hit
//   needs others.
// - Everything else (lt, lte, eq, neq, ranges, averages, medians, percentiles, shares, "not") needs the whole window.
// It opens
//   with the first event of a group and is judged when time has passed its end.
//
// An event that matches several of a correlation's rules is one event: it is counted once, its number is taken once,
// and it is one step of an ordered correlation. For `temporal` it stands for each of the rules that it matches.
//
// An event without one of the group-by fields belongs to no group. Values of group-by fields are compared without case.
// Memory is bounded: the group that was touched longest ago is forgotten first, and counted.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "detect/sigma/set.h"

namespace bongsu::detect::sigma {

inline constexpr std::size_t kMaxWindowGroups = 100'000;   // of all correlations together
inline constexpr std::size_t kMaxWindowEntries = 500'000;  // events that groups hold, together
inline constexpr std::size_t kMaxGroupEntries = 100'000;   // events of one group
inline constexpr std::size_t kMaxHitEvents = 100;          // that a hit names beside its last
inline constexpr std::size_t kMaxGroupValueBytes = 1024;   // of one value; longer ones are cut

struct EventPlace {
  std::shared_ptr<const std::string> source;
  std::uint64_t offset = 0, line = 0;
  Instant time;
};

struct SigmaHit {
  bool correlation = false;
  std::uint32_t index = 0;                                 // among SigmaSet::rules(), or correlations()
  EventPlace at;                                           // the event, or the last that took part
  std::vector<EventPlace> events;                          // the others, the earliest first; at most kMaxHitEvents
  std::vector<std::pair<std::string, std::string>> group;  // group-by field → value
};

class SigmaSequencer {
 public:
  explicit SigmaSequencer(SigmaSetPtr set);
  ~SigmaSequencer();
  SigmaSequencer(SigmaSequencer&&) noexcept;

  // From now on another set. What is held of correlations that are the same in both stays, but for those that other
  // correlations refer to.
  void use(SigmaSetPtr set);

  // Appends hits: rules that speak for themselves, and correlations that are complete.
  void take(const std::vector<SigmaMatch>& matches, const EventPlace& place, std::vector<SigmaHit>& hits);
  void finish(std::vector<SigmaHit>& hits);

  struct Counters {
    std::uint64_t without_group = 0;  // events that lack a group-by field
    std::uint64_t without_value = 0;  // events whose field has no (number as) value
    std::uint64_t late = 0;           // events older than their window
    std::uint64_t forgotten = 0;      // groups and events that a bound cost
  };
  const Counters& counters() const;
  std::size_t groups() const;  // that are held now

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect::sigma
