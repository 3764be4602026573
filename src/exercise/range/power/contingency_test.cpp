#include "exercise/range/power/contingency.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <set>

#include "exercise/range/power/case_test_support.h"
#include "exercise/range/power/islands.h"
#include "exercise/range/power/slow_flow_test_support.h"

namespace bongsu::exercise::power {
namespace {

// Each outage once more: the branch out of the network, and the whole solved anew.
void expect_equal_to_one_by_one(const Network& n, std::size_t every = 1) {
  const FlowResult base = solve_ac(n);
  std::size_t compared = 0, k = 0;
  ContingencyOptions options;
  options.state = [&](const BranchOutage& outage, const std::vector<double>& magnitude, const std::vector<double>& angle) {
    if (k++ % every != 0) return;
    Network without = n;
    without.branches[outage.branch].on = false;
    start_from(without, base);
    const FlowResult flow = solve_ac(without);
    ASSERT_EQ(flow.islands.size() > base.islands.size(), outage.cuts) << n.name << outage.branch;
    if (outage.outcome != Outcome::kSolved) return;
    std::size_t off = 0, low = 0, high = 0, overloads = 0;
    double lowest = 10;
    for (std::size_t i = 0; i < n.buses.size(); ++i) {
      if (base.magnitude_pu[i] == 0) continue;
      if (magnitude[i] == 0) {
        ++off;
        continue;
      }
      EXPECT_NEAR(magnitude[i], flow.magnitude_pu[i], 1e-6) << n.name << outage.branch;
      EXPECT_LT(std::abs(std::remainder(angle[i] - flow.angle_rad[i], 2 * std::numbers::pi)), 1e-6) << n.name << outage.branch;
      lowest = std::min(lowest, magnitude[i]);
      if (base.magnitude_pu[i] >= n.buses[i].min_pu && flow.magnitude_pu[i] < n.buses[i].min_pu - 1e-9) ++low;
      if (base.magnitude_pu[i] <= n.buses[i].max_pu && flow.magnitude_pu[i] > n.buses[i].max_pu + 1e-9) ++high;
    }
    if (outage.cuts && !outage.alone) EXPECT_EQ(off, outage.cut.buses) << n.name << outage.branch;
    EXPECT_EQ(outage.lowest_pu, lowest);
    for (std::size_t b = 0; b < n.branches.size(); ++b) {
      const double rating = n.branches[b].rating_mva;
      if (rating == 0 || magnitude[n.branches[b].from] == 0) continue;
      const auto mva = [](const BranchFlow& f) { return std::max(std::hypot(f.from_mw, f.from_mvar), std::hypot(f.to_mw, f.to_mvar)); };
      if (mva(base.branches[b]) <= rating && mva(flow.branches[b]) > rating * (1 + 1e-7)) ++overloads;
    }
    // Limits that held before: neither more nor fewer of them are broken. Those that were broken may be told as worse.
    std::size_t told[3] = {};
    for (const Violation& v : outage.violations) {
      const bool held = v.kind == Violation::Kind::kLow ? v.base >= v.limit : v.base <= v.limit;
      if (held) ++told[static_cast<int>(v.kind)];
    }
    if (outage.violations.size() < kMaxViolationsTold) {
      EXPECT_EQ(told[0], overloads) << n.name << outage.branch;
      EXPECT_EQ(told[1], low) << n.name << outage.branch;
      EXPECT_EQ(told[2], high) << n.name << outage.branch;
    }
    ++compared;
  };
  const auto report = analyse_contingencies(n, options);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_GT(compared, 0U) << n.name;
}

TEST(Contingencies, EveryOutageEqualsTheNetworkWithoutTheBranch) {
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    Network n = random_network(seed, 8 + static_cast<int>(seed));
    if (!solve_ac(n).solved()) continue;
    for (Bus& b : n.buses) b.min_pu = 0.97;
    for (Branch& b : n.branches) b.rating_mva /= 3;
    expect_equal_to_one_by_one(n);
  }
  expect_equal_to_one_by_one(sample("ring.m"));
  const bool all = std::getenv("BONGSU_LONG") != nullptr;
  for (const std::string& path : shared_cases(all)) {
    const bool small = std::filesystem::file_size(path) < 100'000;
    if (small || all) expect_equal_to_one_by_one(load(path), small ? 3 : 100);
  }
}

TEST(Contingencies, BridgesAreThoseThatDivideTheNetwork) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Network n = random_network(seed, 5 + static_cast<int>(seed));
    if (seed % 3 == 0) n.branches.push_back(n.branches.front());  // a parallel branch is no bridge
    const auto islands = find_islands(n);
    const auto roles = roles_of(n, islands);
    std::vector<double> mw;
    for (const Generator& g : n.generators) mw.push_back(g.p_mw);
    const Bridges bridges = find_bridges(n, roles, mw);
    std::set<std::uint32_t> found;
    for (const Bridge& bridge : bridges.all) {
      found.insert(bridge.branch);
      Network without = n;
      without.branches[bridge.branch].on = false;
      const auto cut = bridges.cut_buses(bridge);
      const std::uint32_t end = bridge.from_side ? n.branches[bridge.branch].from : n.branches[bridge.branch].to;
      double load = 0;
      for (const Island& island : find_islands(without)) {
        if (std::ranges::find(island.buses, end) == island.buses.end()) continue;
        EXPECT_EQ(std::set(cut.begin(), cut.end()), std::set(island.buses.begin(), island.buses.end())) << seed;
        for (const std::uint32_t bus : island.buses) load += n.buses[bus].load_mw;
        EXPECT_NEAR(load, bridge.cut.load_mw, 1e-9) << seed;
      }
    }
    for (std::uint32_t k = 0; k < n.branches.size(); ++k) {
      if (!n.branches[k].on) continue;
      Network without = n;
      without.branches[k].on = false;
      EXPECT_EQ(find_islands(without).size() > islands.size(), found.contains(k)) << seed << " " << k;
    }
  }
}

TEST(Contingencies, WhatIsCutOffIsTold) {
  const auto report = analyse_contingencies(sample("ring.m"));
  ASSERT_TRUE(report);
  ASSERT_EQ(report->outages.size(), 9U) << "the branch that is open cannot go out";
  const BranchOutage& farm = report->outages.back();
  EXPECT_EQ(farm.branch, 9U);
  EXPECT_TRUE(farm.cuts);
  EXPECT_EQ(farm.cut.buses, 1U);
  EXPECT_EQ(farm.cut.load_mw, 15);
  EXPECT_FALSE(farm.cut.can_hold);
  const BranchOutage& weir = report->outages[7];
  EXPECT_TRUE(weir.cuts);
  EXPECT_TRUE(weir.cut.can_hold) << "bus 60 has 60 MW for 20 MW of load";
  EXPECT_FALSE(report->outages[0].cuts);
}

TEST(Contingencies, AnOutageThatNothingCanCarryIsInfeasible) {
  Network n = sample("collapse.m");
  n.buses[2].load_mw = 130;
  n.buses[2].load_mvar = 20;
  n.branches.push_back({.from = 0, .to = 2, .r_pu = 0.03, .x_pu = 0.25, .charging_pu = 0.2});
  n.branches.push_back({.from = 0, .to = 1, .r_pu = 0.02, .x_pu = 0.15});
  n.buses[2].load_mw = 200;
  const auto report = analyse_contingencies(n);
  ASSERT_TRUE(report) << report.error().text();
  int infeasible = 0;
  for (const BranchOutage& outage : report->outages) {
    Network without = n;
    without.branches[outage.branch].on = false;
    EXPECT_EQ(outage.outcome == Outcome::kSolved, solve_ac(without).solved()) << outage.branch;
    if (outage.outcome == Outcome::kSolved) continue;
    ++infeasible;
    EXPECT_TRUE(outage.alone);
    EXPECT_FALSE(outage.reason.empty());
  }
  EXPECT_GT(infeasible, 0);
}

TEST(Contingencies, ProgressCanStopIt) {
  ContingencyOptions options;
  options.progress = [](std::size_t, std::size_t) { return false; };
  const auto report = analyse_contingencies(sample("ring.m"), options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace bongsu::exercise::power
