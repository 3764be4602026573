// A power flow as one would write it on paper: branch currents from the picture of a branch, a Jacobian by differences, dense
// elimination. Shares no line with the fast one. For networks of at most a hundred buses.
#pragma once

#include <optional>
#include <vector>

#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

struct SlowFlow {
  std::vector<double> magnitude_pu, angle_rad;  // 0 where dark
};
// Nothing if it does not converge. `dc`: angles of the linear model.
std::optional<SlowFlow> slow_ac(const Network& network);
std::optional<SlowFlow> slow_dc(const Network& network);

// A random connected network that can be solved: lines, transformers, shifters, shunts, several generators.
Network random_network(std::uint64_t seed, int buses);

}  // namespace bongsu::exercise::power
