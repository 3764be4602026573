// From expressions that are true of single events to patterns that are true of several (STIX 2.1 §9.5): the part that
// has a memory.
//
//   PatternSequencer sequencer(set);
//   for each event, in order:
//     sequencer.take(hits, time, event_number, found);      // hits of EventMatcher for this event
//   sequencer.use(newer_set);                               // what was held of patterns that are in both stays
//   if (auto sentence = sequencer.remark()) …               // a bound was hit: what may have been missed
//
// Held are, for each expression of a pattern of several observations, the events that it was true of: time and number,
// kHeldForExpression of them (more where REPEATS asks for more), kHeldAtMost in all. When there is no room, those go
// first that WITHIN rules out; then it depends on the pattern which are kept (earliest on the left of FOLLOWEDBY,
// latest elsewhere), and where that could lose a match it is counted. An event that completes a pattern is reported
// with the others that took part, and these are used up: five more are needed for the next REPEATS 5 TIMES.
//
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detect/pattern/pattern_set.h"

namespace bongsu::detect {

inline constexpr std::size_t kHeldForExpression = 256;
inline constexpr std::size_t kHeldAtMost = 4'000'000;             // 64 bytes each
inline constexpr std::uint64_t kMaxBindingSteps = 20'000;         // to try one event; a few microseconds a hundred
inline constexpr std::uint64_t kMaxEvaluationSteps = 20'000'000;  // of evaluate(): a second or two

struct PatternFound {
  std::uint32_t pattern = 0;
  std::uint64_t ref = 0;
  std::vector<std::uint64_t> events;  // numbers of those that took part, this one last
};

class PatternSequencer {
 public:
  explicit PatternSequencer(PatternSetPtr set);
  ~PatternSequencer();

  void use(PatternSetPtr set);

  // All hits of one event. Times need not rise: FOLLOWEDBY and WITHIN go by the events' own times.
  void take(std::span<const PatternHit> hits, const Instant& time, std::uint64_t event,
            std::vector<PatternFound>& found);

  std::uint64_t held() const;
  std::uint64_t dropped() const;   // events let go that might have completed a pattern
  std::uint64_t given_up() const;  // events for which the search reached kMaxBindingSteps
  // A sentence for a person, once a bound was hit.
  std::optional<std::string> remark() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect
