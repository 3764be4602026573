// AC power flow: Newton's method in polar form on sparse LU factors, island by island.
//
//   const FlowResult flow = solve_ac(network, {.enforce_q_limits = true});
//   if (!flow.solved()) for (const auto& island : flow.islands) say(island.reason);
//
// The rules are those of MATPOWER's runpf (manual, chapter 4), so that either can check the other: generators' set-points at reference
// and voltage buses (the last generator of a bus counts), reactive power shared by ranges, limits enforced on request by
// turning violators into load buses, a new reference if the old one is among them and the angles turned back at the end.
// Where runpf gives up, we go on: islands are solved apart and each has its own reference; Newton that diverges is tried again with
// damped steps, from the given start and from a DC solution, which either finds the operating point or the point where nothing
// comes nearer to one: that is what "infeasible" means here.
#pragma once

#include "base/result.h"
#include "exercise/range/power/flow_result.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

enum class Start : std::uint8_t { kCase, kFlat };

struct AcOptions {
  double tolerance_pu = 1e-10;  // largest mismatch left
  int max_iterations = 20;
  bool enforce_q_limits = false;
  Start start = Start::kCase;
  // When Newton's method diverges: how many damped steps, and whether from a DC solution too. Fewer make "diverged" of some that would
  // be "solved" or "infeasible".
  int damped_iterations = 100;
  bool second_start = true;
};

FlowResult solve_ac(const Network& network, const AcOptions& options = {});

// The solution's voltages become the network's, where its next solution starts; buses that are dark in it keep theirs.
void start_from(Network& network, const FlowResult& solution);

// By voltages: the flow on each branch, in MW and MVAr.
std::vector<BranchFlow> branch_flows(const Network& network, const std::vector<double>& magnitude_pu, const std::vector<double>& angle_rad);

}  // namespace bongsu::exercise::power
