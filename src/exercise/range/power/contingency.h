// N-1: what happens when one branch goes out, for every branch, and which limits are then broken.
//
//   BONGSU_TRY(const ContingencyReport report, analyse_contingencies(network));
//   for (const BranchOutage& outage : report.outages) …
//
// All outages are solved as AC flows, none is screened away. They start at the solved base and keep its factors: a branch that is out
// changes at most four rows of the Jacobian, which the matrix inversion lemma puts right (compensation: Alsac, Stott, Tinney 1983), and
// eight outages share a vector register (lanes.h). What does not come near quickly is solved by Newton's method, alone.
//
// A branch that cuts the network in two (a bridge) is told apart exactly, by depth-first search: the side without a reference is cut off,
// and the other is solved. If the larger side loses its reference, it takes another, as solve_ac does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

inline constexpr std::size_t kMaxViolationsTold = 64;  // of one outage; the rest is counted

struct Violation {
  enum class Kind : std::uint8_t { kOverload, kLow, kHigh };
  Kind kind = Kind::kOverload;
  std::uint32_t at = 0;  // branch or bus
  double value = 0, limit = 0;  // MVA, or pu
  double base = 0;       // the same before the outage
};

// The side without a reference.
struct CutOff {
  std::size_t buses = 0;
  double load_mw = 0;
  double generation_mw = 0, capacity_mw = 0;
  bool can_hold = false;  // a generator that regulates voltage, and enough of them for the load: it may live on as an island
};

struct BranchOutage {
  std::uint32_t branch = 0;
  Outcome outcome = Outcome::kSolved;  // of the side with the reference
  std::string reason;                  // when not solved
  bool cuts = false;
  CutOff cut;
  bool alone = false;                  // solved by Newton's method, not from the base's factors
  int iterations = 0;
  double mismatch_pu = 0;
  // Limits that the outage breaks, or breaks by more than one hundredth of the limit more than before.
  std::size_t overloads = 0, low = 0, high = 0;
  std::vector<Violation> violations;   // worst first
  double lowest_pu = 0;
  std::uint32_t lowest_bus = 0;
};

struct ContingencyReport {
  FlowResult base;
  std::vector<BranchOutage> outages;  // of every branch in service between live buses, by branch
  std::vector<Violation> base_violations;
  std::uint64_t solved_alone = 0;
};

struct ContingencyOptions {
  double tolerance_pu = 1e-8;
  int max_iterations = 30;
  // Called now and then with what is done and all there is; false stops (kCancelled).
  std::function<bool(std::size_t, std::size_t)> progress;
  // For those who want the states themselves: by bus, 0 where dark or cut off. Called in the order of outages within a group, groups in order.
  std::function<void(const BranchOutage&, const std::vector<double>& magnitude_pu, const std::vector<double>& angle_rad)> state;
};

// kInvalid: the base case has no solution.
Result<ContingencyReport> analyse_contingencies(const Network& network, const ContingencyOptions& options = {});

// Branches in service whose loss divides their island, with the side that has no reference (empty if both have).
struct Bridge {
  std::uint32_t branch = 0;
  bool from_side = false;        // the end of `branch` that is cut off is its from end
  bool both_live = false;        // both sides have a reference
  bool larger_side = false;      // more load is cut off than stays, and a voltage bus is there
  CutOff cut;
  std::uint32_t first = 0, last = 0;  // the far side in the search's order
  bool complement = false;            // the cut side is everything of the island but that
};
struct Bridges {
  std::vector<Bridge> all;             // by branch
  std::vector<std::uint32_t> order;    // buses as the search met them
  std::vector<std::uint32_t> island_first, island_last;  // by position in order: the island's part of it
  std::vector<std::uint32_t> cut_buses(const Bridge& bridge) const;
};
Bridges find_bridges(const Network& network, const std::vector<BusKind>& roles, const std::vector<double>& generator_mw);

}  // namespace bongsu::exercise::power
