// Rules apart from one another, to find the one that does harm. What is together at work and ends the process, or takes
// too long, is tried in parts; each part is written down (work_slot.h) before it is at work, so that after a crash a
// smaller range is known, until one rule is left.
//
//   RuleTrial trial(rules, map, &slot);
//   trial.build();                                       // parts are built and thrown away
//   std::vector<RuleBuild::Refused> slow = trial.match(event, source, mark);   // and look at an event; those that
//   alone ran into their limit
//
// A process that survives has tried them all.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "detect/rule_book.h"
#include "detect/work_slot.h"
#include "telemetry/event.h"

namespace bongsu::detect {

inline constexpr std::size_t kTrialParts = 32;

class RuleTrial {
 public:
  // Rules of one language, ascending by ref, with the field map that the events are read by.
  RuleTrial(std::vector<Rule> rules, telemetry::FieldMapPtr map, WorkSlot* slot);

  void build();
  std::vector<RuleBuild::Refused> match(const telemetry::EventView& event, const std::string& source,
                                        const EventMark& mark);

 private:
  std::vector<std::span<const Rule>> parts(std::span<const Rule> of) const;
  RuleSetsPtr build(std::span<const Rule> part, const EventMark* mark);

  std::vector<Rule> rules_;
  telemetry::FieldMapPtr map_;
  WorkSlot* slot_;
};

}  // namespace bongsu::detect
