// What a scenario asks of a range that has it not: names that the world does not know, words that it does not do. Told
// before a drill starts, where it can still be mended; during the drill such an order is refused, and the log says why.
//
//   for (const Error& gap : range_gaps(scenario, *World::make(config, seed)))
//     print(gap.text());   // "injects.storm.physics[0].target: there is nothing of this name: lt.substation.nowhere"
//
// Looked at: effects and what undoes them by itself, orders that are expected, conditions on the range, what services
// hang on and are probed at. What a range refuses only for how it stands at its beginning (a breaker that is closed
// already) is no gap.
#pragma once

#include <vector>

#include "base/result.h"
#include "exercise/range/world.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {

// In the scenario's order; where.field is the path in the scenario.
std::vector<Error> range_gaps(const scenario::Scenario& scenario, const World& world);

}  // namespace bongsu::exercise::drill
