#include "exercise/range/power/ac_flow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "exercise/range/power/case_test_support.h"
#include "exercise/range/power/dc_flow.h"
#include "exercise/range/power/slow_flow_test_support.h"

namespace bongsu::exercise::power {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

double between(double a, double b) { return std::abs(std::remainder(a - b, 2 * std::numbers::pi)); }

std::vector<std::vector<double>> table(const std::string& path) {
  std::vector<std::vector<double>> rows;
  std::istringstream in(text_of(path));
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(std::stod(cell));
  }
  return rows;
}

// What leaves each bus into branches and shunts is what generators give beyond the load there.
void expect_balance(const Network& n, const FlowResult& flow, double tolerance_mva) {
  std::vector<double> p(n.buses.size(), 0), q(n.buses.size(), 0);
  for (std::size_t i = 0; i < n.buses.size(); ++i) {
    const double square = flow.magnitude_pu[i] * flow.magnitude_pu[i];
    if (square == 0) continue;
    p[i] += n.buses[i].load_mw + n.buses[i].shunt_mw * square;
    q[i] += n.buses[i].load_mvar - n.buses[i].shunt_mvar * square;
  }
  for (std::size_t k = 0; k < n.branches.size(); ++k) {
    p[n.branches[k].from] += flow.branches[k].from_mw;
    q[n.branches[k].from] += flow.branches[k].from_mvar;
    p[n.branches[k].to] += flow.branches[k].to_mw;
    q[n.branches[k].to] += flow.branches[k].to_mvar;
  }
  for (std::size_t g = 0; g < n.generators.size(); ++g) {
    p[n.generators[g].bus] -= flow.generator_mw[g];
    q[n.generators[g].bus] -= flow.generator_mvar[g];
  }
  for (std::size_t i = 0; i < n.buses.size(); ++i) {
    EXPECT_NEAR(p[i], 0, tolerance_mva) << "bus " << n.buses[i].number;
    EXPECT_NEAR(q[i], 0, tolerance_mva) << "bus " << n.buses[i].number;
  }
}

TEST(AcFlow, EveryCaseEqualsMatpowersSolution) {
  const auto cases = shared_cases();
  if (cases.empty()) GTEST_SKIP() << "skipped: needs shared data (exercise/power)";
  for (const std::string& path : cases) {
    const std::filesystem::path file(path);
    const std::string reference = (file.parent_path() / "reference" / file.stem()).string();
    const Network n = load(path);
    const FlowResult ac = solve_ac(n);
    ASSERT_TRUE(ac.solved()) << path << ": " << ac.islands.front().reason;
    const auto dc = solve_dc(n);
    ASSERT_TRUE(dc) << dc.error().text();
    const auto buses = table(reference + ".csv"), branches = table(reference + "_br.csv");
    ASSERT_EQ(buses.size(), n.buses.size());
    ASSERT_EQ(branches.size(), n.branches.size());
    double worst = 0;
    for (std::size_t i = 0; i < buses.size(); ++i) {
      ASSERT_EQ(buses[i][0], static_cast<double>(n.buses[i].number));
      worst = std::max({worst, std::abs(ac.magnitude_pu[i] - buses[i][2]), between(ac.angle_rad[i], buses[i][3] * kDegree),
                        between(dc->angle_rad[i], buses[i][4] * kDegree)});
    }
    EXPECT_LT(worst, 1e-8) << path;
    worst = 0;
    for (std::size_t k = 0; k < branches.size(); ++k) {
      const BranchFlow& f = ac.branches[k];
      const double mine[] = {f.from_mw, f.from_mvar, f.to_mw, f.to_mvar, dc->branches[k].from_mw};
      for (int c = 0; c < 5; ++c) worst = std::max(worst, std::abs(mine[c] - branches[k][3 + c]) / n.base_mva);
    }
    EXPECT_LT(worst, 1e-8) << path;
    expect_balance(n, ac, 1e-6);
  }
}

TEST(AcFlow, EqualsASlowSolutionOnRandomNetworks) {
  int solved = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Network n = random_network(seed, 4 + static_cast<int>(seed % 15));
    const auto slow = slow_ac(n);
    const FlowResult fast = solve_ac(n);
    if (!slow) continue;
    ++solved;
    ASSERT_TRUE(fast.solved()) << seed << fast.islands.front().reason;
    for (std::size_t i = 0; i < n.buses.size(); ++i) {
      EXPECT_NEAR(fast.magnitude_pu[i], slow->magnitude_pu[i], 1e-9) << seed;
      EXPECT_LT(between(fast.angle_rad[i], slow->angle_rad[i]), 1e-9) << seed;
    }
    expect_balance(n, fast, 1e-7);
    const auto linear = slow_dc(n);
    const auto dc = solve_dc(n);
    ASSERT_TRUE(linear && dc);
    for (std::size_t i = 0; i < n.buses.size(); ++i) EXPECT_NEAR(dc->angle_rad[i], linear->angle_rad[i], 1e-10) << seed;
  }
  EXPECT_GT(solved, 50);
}

TEST(AcFlow, OurSamplesEqualTheSlowSolution) {
  for (const char* name : {"ring.m", "islands.m"}) {
    const Network n = sample(name);
    const auto slow = slow_ac(n);
    ASSERT_TRUE(slow);
    for (const Start start : {Start::kCase, Start::kFlat}) {
      const FlowResult fast = solve_ac(n, {.start = start});
      ASSERT_TRUE(fast.solved());
      // A flat start has the reference at 0.
      const double turn = start == Start::kFlat && std::string(name) == "islands.m" ? 5 * kDegree : 0;
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(fast.magnitude_pu[i], slow->magnitude_pu[i], 1e-9) << name;
        EXPECT_NEAR(fast.angle_rad[i] + turn, slow->angle_rad[i], 1e-9) << name;
      }
    }
  }
}

TEST(AcFlow, IslandsAreToldApart) {
  const Network n = sample("islands.m");
  const FlowResult flow = solve_ac(n);
  ASSERT_EQ(flow.islands.size(), 3U);
  EXPECT_TRUE(flow.solved());
  EXPECT_EQ(flow.islands[0].references, std::vector<std::int64_t>{1});
  EXPECT_FALSE(flow.islands[0].chosen);
  EXPECT_EQ(flow.islands[1].references, std::vector<std::int64_t>{5});
  EXPECT_TRUE(flow.islands[1].chosen);
  EXPECT_EQ(flow.islands[2].outcome, Outcome::kDark);
  EXPECT_EQ(flow.islands[2].reason, "no generator is in service");
  EXPECT_EQ(flow.islands[2].load_mw, 7);
  EXPECT_EQ(flow.island_of[9], -1);
  EXPECT_EQ(flow.magnitude_pu[8], 0);
  EXPECT_NEAR(flow.islands[0].generation_mw, flow.islands[0].load_mw + flow.islands[0].losses_mw, 1e-7);
}

TEST(AcFlow, WhatCannotBeCarriedIsInfeasibleWithAReason) {
  Network n = sample("collapse.m");
  FlowResult flow = solve_ac(n);
  EXPECT_FALSE(flow.solved());
  EXPECT_EQ(flow.islands[0].outcome, Outcome::kInfeasible);
  EXPECT_NE(flow.islands[0].reason.find("no operating point"), std::string::npos) << flow.islands[0].reason;
  EXPECT_NE(flow.islands[0].reason.find("at bus "), std::string::npos);
  // A third of it flows.
  n.buses[2].load_mw /= 3;
  n.buses[2].load_mvar /= 3;
  EXPECT_TRUE(solve_ac(n).solved());
  n = sample("collapse.m");
  n.generators[0].p_max_mw = 200;
  flow = solve_ac(n);
  EXPECT_NE(flow.islands[0].reason.find("260.0 MW of load, but generators in service can give 200.0 MW"), std::string::npos) << flow.islands[0].reason;
}

TEST(AcFlow, AReferenceBeyondItsLimitsIsRemarked) {
  Network n = sample("ring.m");
  n.generators[0].p_max_mw = 90;
  const FlowResult flow = solve_ac(n);
  ASSERT_EQ(flow.islands[0].remarks.size(), 1U);
  EXPECT_NE(flow.islands[0].remarks[0].find("the reference generator at bus 10 gives"), std::string::npos);
}

// runpf's way with reactive limits, step by step on the slow solver: violators become negative load at a load bus.
std::optional<SlowFlow> slow_limits(Network n, std::vector<std::size_t>& limited) {
  while (true) {
    const auto flow = slow_ac(n);
    if (!flow) return std::nullopt;
    const auto flows = branch_flows(n, flow->magnitude_pu, flow->angle_rad);
    std::vector<double> need(n.buses.size()), need_p(n.buses.size());
    for (std::size_t i = 0; i < need.size(); ++i) {
      need[i] = n.buses[i].load_mvar - n.buses[i].shunt_mvar * flow->magnitude_pu[i] * flow->magnitude_pu[i];
      need_p[i] = n.buses[i].load_mw + n.buses[i].shunt_mw * flow->magnitude_pu[i] * flow->magnitude_pu[i];
    }
    for (std::size_t k = 0; k < flows.size(); ++k) {
      need[n.branches[k].from] += flows[k].from_mvar;
      need[n.branches[k].to] += flows[k].to_mvar;
      need_p[n.branches[k].from] += flows[k].from_mw;
      need_p[n.branches[k].to] += flows[k].to_mw;
    }
    bool changed = false;
    std::vector<Generator> before = n.generators;
    for (std::size_t g = 0; g < before.size(); ++g) {
      if (!before[g].on || n.buses[before[g].bus].kind == BusKind::kLoad) continue;
      double least = 0, most = 0, others = 0;
      for (const Generator& other : before) {
        if (other.bus != before[g].bus || !other.on) continue;
        least += other.q_min_mvar;
        most += other.q_max_mvar;
        if (&other != &before[g]) others += other.p_mw;
      }
      const double share = (need[before[g].bus] - least) / (most - least);
      const double q = before[g].q_min_mvar + share * (before[g].q_max_mvar - before[g].q_min_mvar);
      if (q <= before[g].q_max_mvar + 5e-6 && q >= before[g].q_min_mvar - 5e-6) continue;
      limited.push_back(g);
      changed = true;
      n.generators[g].on = false;
      n.buses[before[g].bus].load_mvar -= q > before[g].q_max_mvar ? before[g].q_max_mvar : before[g].q_min_mvar;
      n.buses[before[g].bus].load_mw -= n.buses[before[g].bus].kind == BusKind::kReference ? need_p[before[g].bus] - others : before[g].p_mw;
    }
    if (!changed) return flow;
    bool reference = false;
    for (std::size_t i = 0; i < n.buses.size(); ++i) {
      bool on = false;
      for (const Generator& g : n.generators) on = on || (g.on && g.bus == i);
      if (!on) n.buses[i].kind = BusKind::kLoad;
      reference = reference || n.buses[i].kind == BusKind::kReference;
    }
    if (reference) continue;
    for (Bus& b : n.buses)
      if (b.kind == BusKind::kVoltage) {
        b.kind = BusKind::kReference;
        b.angle_deg = flow->angle_rad[static_cast<std::size_t>(&b - n.buses.data())] / kDegree;
        break;
      }
  }
}

TEST(AcFlow, ReactiveLimitsAreHeldAsRunpfHoldsThem) {
  int limited_cases = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Network n = seed == 0 ? sample("ring.m") : random_network(seed, 12);
    // One generator a bus, so that a bus has one limit; limits so narrow that some bind.
    std::vector<char> taken(n.buses.size(), 0);
    for (Generator& g : n.generators) {
      g.on = g.on && taken[g.bus] == 0;
      if (g.on) taken[g.bus] = 1;
      if (seed != 0 && g.bus != 0) {
        g.q_max_mvar /= 3;
        g.q_min_mvar /= 3;
      }
    }
    const FlowResult fast = solve_ac(n, {.enforce_q_limits = true});
    if (!fast.solved()) continue;
    std::vector<std::size_t> limited;
    const auto slow = slow_limits(n, limited);
    ASSERT_TRUE(slow) << seed;
    EXPECT_EQ(std::vector<std::size_t>(fast.limited.begin(), fast.limited.end()).size(), limited.size()) << seed;
    if (!limited.empty()) ++limited_cases;
    const double turn = fast.angle_rad[0] - slow->angle_rad[0];
    for (std::size_t i = 0; i < n.buses.size(); ++i) {
      EXPECT_NEAR(fast.magnitude_pu[i], slow->magnitude_pu[i], 1e-8) << seed;
      EXPECT_LT(between(fast.angle_rad[i], slow->angle_rad[i] + turn), 1e-8) << seed;
    }
    for (std::size_t g = 0; g < n.generators.size(); ++g) {
      if (!n.generators[g].on) continue;
      EXPECT_LE(fast.generator_mvar[g], n.generators[g].q_max_mvar + 1e-5) << seed;
      EXPECT_GE(fast.generator_mvar[g], n.generators[g].q_min_mvar - 1e-5) << seed;
    }
    expect_balance(n, fast, 1e-6);
  }
  EXPECT_GT(limited_cases, 10);
}

TEST(AcFlow, ALimitThatNobodyCanKeepIsInfeasible) {
  Network n = sample("ring.m");
  for (Generator& g : n.generators) {
    g.q_max_mvar = 5;
    g.q_min_mvar = -5;
  }
  const FlowResult flow = solve_ac(n, {.enforce_q_limits = true});
  EXPECT_EQ(flow.islands[0].outcome, Outcome::kInfeasible);
  EXPECT_NE(flow.islands[0].reason.find("reactive limit"), std::string::npos) << flow.islands[0].reason;
}

TEST(AcFlow, AllOfSharedCasesHoldTheirLimits) {
  const auto cases = shared_cases(false);
  if (cases.empty()) GTEST_SKIP() << "skipped: needs shared data (exercise/power)";
  for (const std::string& path : cases) {
    const Network n = load(path);
    const FlowResult flow = solve_ac(n, {.enforce_q_limits = true});
    if (!flow.solved()) {
      EXPECT_FALSE(flow.islands[0].reason.empty()) << path;
      continue;
    }
    for (std::size_t g = 0; g < n.generators.size(); ++g)
      if (n.generators[g].on) EXPECT_LE(flow.generator_mvar[g], n.generators[g].q_max_mvar + 1e-4) << path << g;
    expect_balance(n, flow, 1e-5);
  }
}

TEST(DcFlow, ABranchWithoutReactanceIsNamed) {
  Network n = sample("ring.m");
  n.branches[4].x_pu = 0;
  const auto flow = solve_dc(n);
  ASSERT_FALSE(flow);
  EXPECT_EQ(flow.error().text(), "branch(5, 4): the branch from bus 30 to bus 40 has no reactance: a DC flow cannot carry it");
}

}  // namespace
}  // namespace bongsu::exercise::power
