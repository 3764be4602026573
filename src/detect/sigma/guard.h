// What must be found in an event before a rule can be true: the rarest such set of literals that its condition allows.
//
//   Image|endswith: '\rundll32.exe' and CommandLine|contains: 'comsvcs'   →   { "comsvcs" in CommandLine }
//
// Of things joined by AND one is enough to wait for, of things joined by OR every one is needed. How rare a literal is,
// is estimated from its length and from what is known to stand in nearly every event; a wrong estimate costs time, not
// hits.
#pragma once

#include <string>
#include <vector>

#include "detect/sigma/test_match.h"

namespace bongsu::detect::sigma {

struct Clue {
  enum class Kind : std::uint8_t {
    kLiteral,  // stands in the field's folded text
    kWhole,    // is the field's folded text, or its canonical number
    kPresent,  // the field is there
  };
  std::uint32_t atom = 0;  // whose field
  Kind kind = Kind::kLiteral;
  bool at_start = false, at_end = false;
  std::string text;
};

struct Guard {
  bool possible = true;     // false: nothing in particular must be there
  double chance = 0;        // estimate that an event has one of the clues
  std::vector<Clue> clues;  // one of them is in every event for which the rule is true
};

// What one test waits for. `keyword`: in any field.
Guard guard_of(const CompiledTest& test, std::uint32_t atom, bool keyword);
// Children of an AND (the best of them), and of an OR (all of them).
Guard guard_of_all(std::vector<Guard> children);
Guard guard_of_any(std::vector<Guard> children);

}  // namespace bongsu::detect::sigma
