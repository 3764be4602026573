// Events of telemetry against a set of patterns that was built for them (PatternSet::Builder(map)).
//
//   EventMatcher matcher(set);                  // one a thread
//   while (const auto* event = parser.next()) {
//     hits.clear();
//     matcher.match(*event, hits);              // small values, no state from event to event
//   }
//
// The parser must have been made with the set's map, or with one that has more rows (ids keep their meaning), and must
// emit the set's fields (FieldMapBuilder::want). An event is one observation.
#pragma once

#include <memory>
#include <vector>

#include "detect/pattern/pattern_set.h"
#include "telemetry/event.h"

namespace bongsu::detect {

class EventMatcher {
 public:
  explicit EventMatcher(PatternSetPtr set);
  ~EventMatcher();

  // Appends what is true of the event, each expression once.
  void match(const telemetry::EventView& event, std::vector<PatternHit>& hits);

  std::uint64_t evaluated() const;  // expressions that a trigger brought up, so far
  std::uint64_t left_out() const;   // values beyond kMaxEventValues of one field of an event

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect
