// What the commands that play drills share: scripts by name, times of the drill.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/drill/range_copy.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::cli {

inline constexpr std::size_t kMaxPolicyBytes = 64 * 1024;  // of a script in a file

// Names that may stand together, "good,slow", one by one.
std::vector<std::string> script_names(const std::vector<std::string>& lists);

// The scenario, and its text as a drill keeps it, for as many teams as asked for (scenario/clone_teams.h). kInvalid.
Result<void> with_teams(const std::optional<std::size_t>& teams, exercise::scenario::Scenario& scenario,
                        std::string& yaml);

// The range of a drill, and what the scenario asks of it that it has not.
struct DrillRange {
  exercise::drill::RangeMaker make;
  std::vector<Error> gaps;  // where.source: the world's file
};
// `world` empty: a drill without a range.
Result<DrillRange> drill_range(const std::string& world, const std::string& data,
                               const exercise::scenario::Scenario& scenario, std::uint64_t seed);
// Each gap, and what one may do.
void show_gaps(const std::vector<Error>& gaps, std::FILE* err);

std::string drill_clock(std::int64_t ms);  // "6:05:00"

}  // namespace bongsu::cli
