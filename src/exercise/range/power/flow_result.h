// What a power flow answers: voltages, flows, generators, and of each island how it went.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bongsu::exercise::power {

enum class Outcome : std::uint8_t {
  kSolved,
  kDark,        // nobody holds the voltage: no generator, or none that regulates
  kInfeasible,  // no operating point could be reached: more is asked for than generators or lines can give
  kDiverged,    // neither a solution nor a reason that there is none, within the iterations allowed
};
std::string_view to_string(Outcome outcome);  // "solved", "dark", "infeasible", "diverged"

struct IslandResult {
  std::size_t buses = 0;
  std::vector<std::int64_t> references;  // numbers of buses
  bool chosen = false;                   // the reference is not the case's
  Outcome outcome = Outcome::kSolved;
  std::string reason;                    // a sentence, when not solved
  int iterations = 0;
  double mismatch_pu = 0;
  std::int64_t worst_bus = 0;            // where the mismatch is, 0 = nowhere
  double load_mw = 0, generation_mw = 0, losses_mw = 0;
  std::vector<std::string> remarks;      // e.g. the reference gives more than it can
};

struct BranchFlow {
  double from_mw = 0, from_mvar = 0, to_mw = 0, to_mvar = 0;  // into the branch
};

struct FlowResult {
  std::vector<IslandResult> islands;     // largest first
  std::vector<int> island_of;            // by bus; -1 = isolated
  std::vector<double> magnitude_pu, angle_rad;  // by bus; 0 where it is dark
  std::vector<BranchFlow> branches;
  std::vector<double> generator_mw, generator_mvar;
  std::vector<std::uint32_t> limited;    // generators held at a reactive limit, in that order

  bool solved() const;  // every island that is not dark, and there is one
};

}  // namespace bongsu::exercise::power
