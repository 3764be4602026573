#include "exercise/range/power/base_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "exercise/range/power/islands.h"

namespace bongsu::exercise::power {

Result<BaseState> BaseState::of(const Network& network, const AcOptions& options) {
  BaseState base;
  base.flow = solve_ac(network, options);
  for (const IslandResult& island : base.flow.islands)
    if (island.outcome != Outcome::kSolved && island.outcome != Outcome::kDark)
      return fail(ErrorCode::kInvalid, fmt::format("the base case has no solution: {}", island.reason));
  if (!base.flow.solved()) return fail(ErrorCode::kInvalid, "the base case is dark: nobody holds the voltage");
  const auto islands = find_islands(network);
  base.roles = roles_of(network, islands);
  for (const Island& island : islands) {
    if (island.references.empty()) continue;
    base.live.buses.insert(base.live.buses.end(), island.buses.begin(), island.buses.end());
    base.live.references.insert(base.live.references.end(), island.references.begin(), island.references.end());
  }
  std::ranges::sort(base.live.buses);
  // At the reference the generators give what the solution says; elsewhere what the case does. (Reactive limits change roles:
  // bases are solved without.)
  base.system = std::make_unique<AcSystem>(network, base.live, base.roles,
                                           AcSystem::Injections{base.flow.generator_mw, base.flow.generator_mvar});
  std::vector<double> magnitude, angle;
  for (const std::uint32_t bus : base.live.buses) {
    magnitude.push_back(base.flow.magnitude_pu[bus]);
    angle.push_back(base.flow.angle_rad[bus]);
  }
  base.system->start(magnitude, angle);
  base.system->mismatch();
  base.system->fill_jacobian();
  if (base.system->unknowns() == 0) return fail(ErrorCode::kInvalid, "the base case has nothing to solve: every voltage is given");
  if (!base.lu.analyse(base.system->starts(), base.system->rows()) || !base.lu.factor(base.system->jacobian()))
    return fail(ErrorCode::kInvalid, "the base case stands on the edge of collapse: its Jacobian is singular");
  return base;
}

}  // namespace bongsu::exercise::power
