// Networks from and to MATPOWER case files (format version 2; MATPOWER User's Manual, appendix B).
//
//   BONGSU_TRY(power::Network grid, power::read_case(text, "case118.m"));
//   write(power::write_case(grid));
//
// Read: mpc.version, mpc.baseMVA, the first columns of mpc.bus, mpc.gen and mpc.branch, mpc.bus_name; comments, "..."
// at a line's end, rows that end with ";" or with the line. Other fields (gencost, …) are skipped. Some cases convert
// units at their end: scalars (`Vbase = mpc.bus(1, BASE_KV) * 1e3;`) and columns
// (`mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);`) are computed, with + - * / ^, parentheses,
// sqrt, sin, cos, acos and pi. What is none of this is an error with its line: a case is data, not a program.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

inline constexpr std::size_t kMaxCaseBytes = 128ULL * 1024 * 1024, kMaxCaseColumns = 64, kMaxExpressionDepth = 32;

// Errors name line and field: kInvalid, kUnsupported (version 1, statements that are programs), kTooLarge.
Result<Network> read_case(std::string_view text, const std::string& source);

// A case that read_case and MATPOWER read; what `read_case` gives for it equals `network`, bit by bit.
// `remarks` stand as comments at its head, one a line.
std::string write_case(const Network& network, std::string_view remarks = {});

}  // namespace bongsu::exercise::power
