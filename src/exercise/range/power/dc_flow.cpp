#include "exercise/range/power/dc_flow.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numbers>

#include "exercise/range/power/islands.h"
#include "exercise/range/power/sparse_lu.h"

namespace bongsu::exercise::power {
namespace {

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

double susceptance(const Branch& branch) { return 1 / branch.x_pu / (branch.ratio == 0 ? 1 : branch.ratio); }

// Symmetric; one island without its references.
bool solve_angles(const Network& network, const Island& island, std::vector<int>& at, std::vector<double>& injection_pu,
                  const std::vector<std::vector<std::uint32_t>>& branches_of, std::vector<double>& angle) {
  std::vector<std::uint32_t> unknown;
  for (const std::uint32_t bus : island.buses) at[bus] = -1;
  for (const std::uint32_t bus : island.buses) {
    bool given = false;
    for (const std::uint32_t one : island.references) given = given || one == bus;
    if (given) {
      angle[bus] = radians(network.buses[bus].angle_deg);
      continue;
    }
    at[bus] = static_cast<int>(unknown.size());
    unknown.push_back(bus);
  }
  if (unknown.empty()) return true;
  std::vector<int> starts{0}, rows;
  std::vector<double> values, b;
  std::map<int, double> column;
  for (const std::uint32_t bus : unknown) {
    column.clear();
    double right = injection_pu[bus], own = 0;
    for (const std::uint32_t k : branches_of[bus]) {
      const Branch& branch = network.branches[k];
      const double s = susceptance(branch);
      const std::uint32_t other = branch.from == bus ? branch.to : branch.from;
      own += s;
      if (at[other] >= 0) column[at[other]] -= s;
      else right += s * angle[other];
    }
    column[at[bus]] += own;
    for (const auto& [row, value] : column) {
      rows.push_back(row);
      values.push_back(value);
    }
    starts.push_back(static_cast<int>(rows.size()));
    b.push_back(right);
  }
  SparseLu lu;
  if (!lu.analyse(std::move(starts), std::move(rows)) || !lu.factor(values)) return false;
  lu.solve(b);
  for (std::size_t i = 0; i < unknown.size(); ++i) angle[unknown[i]] = b[i];
  return true;
}

}  // namespace

Result<FlowResult> solve_dc(const Network& network) {
  for (std::size_t k = 0; k < network.branches.size(); ++k) {
    const Branch& b = network.branches[k];
    if (in_service(network, b) && b.x_pu == 0)
      return fail(ErrorCode::kInvalid,
                  fmt::format("the branch from bus {} to bus {} has no reactance: a DC flow cannot carry it",
                              network.buses[b.from].number, network.buses[b.to].number),
                  {.field = fmt::format("branch({}, 4)", k + 1)});
  }
  FlowResult r;
  const std::size_t count = network.buses.size();
  r.island_of.assign(count, -1);
  r.magnitude_pu.assign(count, 0);
  r.angle_rad.assign(count, 0);
  r.branches.assign(network.branches.size(), {});
  r.generator_mw.assign(network.generators.size(), 0);
  r.generator_mvar.assign(network.generators.size(), 0);
  const auto islands = find_islands(network);

  // Load, shunts and phase shifters as injections.
  std::vector<double> injection(count, 0);
  std::vector<std::vector<std::uint32_t>> branches_of(count), generators_of(count);
  for (std::size_t i = 0; i < count; ++i)
    injection[i] = -(network.buses[i].load_mw + network.buses[i].shunt_mw) / network.base_mva;
  for (std::uint32_t g = 0; g < network.generators.size(); ++g) {
    const Generator& one = network.generators[g];
    if (!in_service(network, one)) continue;
    injection[one.bus] += one.p_mw / network.base_mva;
    generators_of[one.bus].push_back(g);
    r.generator_mw[g] = one.p_mw;
  }
  for (std::uint32_t k = 0; k < network.branches.size(); ++k) {
    const Branch& b = network.branches[k];
    if (!in_service(network, b)) continue;
    branches_of[b.from].push_back(k);
    branches_of[b.to].push_back(k);
    const double shifted = -susceptance(b) * radians(b.shift_deg);
    injection[b.from] -= shifted;
    injection[b.to] += shifted;
  }

  std::vector<int> at(count, -1);
  for (std::size_t n = 0; n < islands.size(); ++n) {
    const Island& island = islands[n];
    IslandResult one = begun(network, island);
    for (const std::uint32_t bus : island.buses) {
      r.island_of[bus] = static_cast<int>(n);
      one.load_mw += network.buses[bus].load_mw + network.buses[bus].shunt_mw;
    }
    if (one.outcome == Outcome::kSolved &&
        !solve_angles(network, island, at, injection, branches_of, r.angle_rad)) {
      one.outcome = Outcome::kInfeasible;
      one.reason = "the susceptances make a singular matrix: reactances cancel out";
      for (const std::uint32_t bus : island.buses) r.angle_rad[bus] = 0;
    }
    const bool live = one.outcome == Outcome::kSolved;
    for (const std::uint32_t bus : island.buses) {
      if (live) r.magnitude_pu[bus] = 1;
      else for (const std::uint32_t g : generators_of[bus]) r.generator_mw[g] = 0;
    }
    r.islands.push_back(std::move(one));
  }
  for (std::size_t k = 0; k < network.branches.size(); ++k) {
    const Branch& b = network.branches[k];
    if (!in_service(network, b) || r.magnitude_pu[b.from] == 0) continue;
    const double flow = (r.angle_rad[b.from] - r.angle_rad[b.to] - radians(b.shift_deg)) * susceptance(b) * network.base_mva;
    r.branches[k] = {flow, 0, -flow, 0};
  }
  // The reference takes what is left at its bus: what flows away beyond what was given.
  for (std::size_t n = 0; n < islands.size(); ++n) {
    if (r.islands[n].outcome != Outcome::kSolved) continue;
    for (const std::uint32_t bus : islands[n].references) {
      double rest = network.buses[bus].load_mw + network.buses[bus].shunt_mw;
      for (const std::uint32_t k : branches_of[bus])
        rest += network.branches[k].from == bus ? r.branches[k].from_mw : r.branches[k].to_mw;
      const auto& here = generators_of[bus];
      for (std::size_t g = 1; g < here.size(); ++g) rest -= r.generator_mw[here[g]];
      r.generator_mw[here.front()] = rest;
    }
    for (const std::uint32_t bus : islands[n].buses)
      for (const std::uint32_t g : generators_of[bus]) r.islands[n].generation_mw += r.generator_mw[g];
  }
  return r;
}

}  // namespace bongsu::exercise::power
