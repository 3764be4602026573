// One blue team's scenario for several: each gets the same, on a range of its own, and may warn the others.
//
//   BONGSU_TRY(const Scenario three, clone_teams(one, 3));   // "blue" becomes "blue-1", "blue-2", "blue-3"
//
// Copied are the team with what is within it, its services with what is done to them, its telemetry; what asks
// something of the team asks it of each. What speaks of one team's deed or service in a condition can't be said of each
// of several, and is refused with its place.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

inline constexpr std::size_t kMaxClones = 64;

// The scenario itself where it has `count` teams already. kInvalid: it can't be cloned, and why.
Result<Scenario> clone_teams(const Scenario& scenario, std::size_t count);

}  // namespace bongsu::exercise::scenario
