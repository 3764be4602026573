// What the commands that play drills share: scripts by name, times of the drill.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/drill/baseline.h"

namespace bongsu::cli {

inline constexpr std::size_t kMaxPolicyBytes = 64 * 1024;  // of a script in a file

// Names that may stand together, "good,slow", one by one.
std::vector<std::string> script_names(const std::vector<std::string>& lists);
// A script that the program knows by this name, or a JSON file.
Result<exercise::drill::Policy> script_named(const std::string& name);

std::string drill_clock(std::int64_t ms);  // "6:05:00"

}  // namespace bongsu::cli
