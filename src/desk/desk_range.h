// A team's copy of the range as the desk's API shows it: what hangs together and where it stands (once), and what is
// measured now (often).
//
//   range_plan_json(range.world())     // {"substations": [{"name", "lat", "lon", …}], "buses": [{"name", "kv", …}], …}
//   range_json(range, Sight::kOperators, t.drill.now_ms())
//                                      // {"at_ms", "buses": [[115.3, 50.0, 80.1, 80.1, 1, 1], …], "breakers": [[1, 1],
//                                      …]}
//
// Lists of both have the same order: element 7 of `buses` is the plan's bus 7. Operators see a station that is frozen
// or lost as it was then, and what no circuit reaches as it was when it still did; only the latter is marked.
#pragma once

#include "base/json.h"
#include "exercise/drill/world_range.h"

namespace bongsu::desk {

// substations {name, lat, lon, circuit}; buses {name, kv, substation}; branches {name, from, to: buses, rating_mva (0:
// none), transformer, breakers: [name, name]}; generators {name, bus, most_mw}; nodes {name, lat, lon, battery_h,
// cell}; links {name, a, b: nodes}; circuits {name, from, to: nodes}; terminals {name, node}; stations {name, lat,
// lon}; segments {name, a, b: stations, tracks, electric}; trains [name].
JsonObject range_plan_json(const exercise::World& world);

enum class Sight : std::uint8_t { kOperators, kTruth };

// buses [kv, hz, served MW, demanded MW, live, topical]; branches [MW from its first end, loading 0 to 1, in, topical];
// breakers by branch [closed at its first end, at its second, topical there, topical here]; generators [MW, set point
// MW, on, topical]; nodes [up, battery hours]; links, circuits, terminals, segments: up; trains: minutes late. What is
// true is 1.
JsonObject range_json(const exercise::drill::WorldRange& range, Sight sight, std::int64_t at_ms);

}  // namespace bongsu::desk
