// Orders with their times, as a CSV document: what a drill does to a world, written down.
//
//   at,verb,target,value,by
//   0:10:00,compromise,lt.node.vilnius,,attacker
//   0:12:30,open,lt.substation.kaunas.breaker1,,attacker
//   1:00:00,splice,lt.link.kaunas-klaipeda,,crew
//
// `at`: hours:minutes:seconds, or seconds; ascending. `by`: operator (if empty), crew, attacker.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/range/world.h"

namespace bongsu::exercise {

// kInvalid, kTooLarge: with line and column. Targets are not looked up: that is the world's.
Result<std::vector<TimedOrder>> read_orders(std::string_view text, std::string_view source);

// "1:30:00", "0:10:00.5", "90" → seconds, up to kMaxAdvance_s; also "90s", "10m", "24h", "7d".
Result<double> range_time(std::string_view text);

}  // namespace bongsu::exercise
