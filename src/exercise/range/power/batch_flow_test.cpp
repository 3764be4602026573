#include "exercise/range/power/batch_flow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "exercise/range/power/base_state.h"
#include "exercise/range/power/case_test_support.h"
#include "exercise/range/power/lanes.h"
#include "exercise/range/power/slow_flow_test_support.h"

namespace bongsu::exercise::power {
namespace {

struct Scenarios {
  std::vector<std::vector<double>> mw, mvar;
  std::vector<Loads> loads;
};
Scenarios scenarios(const Network& n, std::size_t count, double spread, std::uint64_t seed) {
  SeededRandom random(seed);
  Scenarios s;
  for (std::size_t k = 0; k < count; ++k) {
    s.mw.emplace_back();
    s.mvar.emplace_back();
    for (const Bus& b : n.buses) {
      s.mw.back().push_back(b.load_mw * (1 - spread + 2 * spread * static_cast<double>(random.below(1'000'001)) / 1e6));
      s.mvar.back().push_back(b.load_mvar * (1 - spread + 2 * spread * static_cast<double>(random.below(1'000'001)) / 1e6));
    }
  }
  for (std::size_t k = 0; k < count; ++k) s.loads.push_back({s.mw[k], s.mvar[k]});
  return s;
}

void expect_equal_to_newton(const Network& n, double spread, std::size_t count, std::uint64_t seed) {
  auto batch = BatchFlow::make(n);
  ASSERT_TRUE(batch) << batch.error().text();
  const Scenarios s = scenarios(n, count, spread, seed);
  std::vector<Voltages> answers(count);
  batch->solve(s.loads, answers);
  for (std::size_t k = 0; k < count; ++k) {
    Network own = n;
    for (std::size_t i = 0; i < n.buses.size(); ++i) {
      own.buses[i].load_mw = s.mw[k][i];
      own.buses[i].load_mvar = s.mvar[k][i];
    }
    const FlowResult flow = solve_ac(own);
    ASSERT_EQ(answers[k].solved, flow.solved()) << n.name << seed;
    if (!flow.solved()) continue;
    for (std::size_t i = 0; i < n.buses.size(); ++i) {
      EXPECT_NEAR(answers[k].magnitude_pu[i], flow.magnitude_pu[i], 1e-7) << n.name << seed;
      EXPECT_LT(std::abs(std::remainder(answers[k].angle_rad[i] - flow.angle_rad[i], 2 * M_PI)), 1e-7) << n.name << seed;
    }
  }
}

TEST(BatchFlow, EqualsNewtonOnRandomNetworksAndSamples) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Network n = random_network(seed, 6 + static_cast<int>(seed));
    if (!solve_ac(n).solved()) continue;
    expect_equal_to_newton(n, 0.05, 11, seed);
  }
  expect_equal_to_newton(sample("ring.m"), 0.3, 17, 1);
  expect_equal_to_newton(sample("islands.m"), 0.5, 8, 2);
  for (const std::string& path : shared_cases(false)) expect_equal_to_newton(load(path), 0.05, 8, 3);
}

TEST(BatchFlow, WhatTheBasesFactorsDoNotReachIsSolvedAlone) {
  Network n = sample("collapse.m");
  n.buses[2].load_mw = 10;
  n.buses[2].load_mvar = 0;
  auto batch = BatchFlow::make(n);
  ASSERT_TRUE(batch);
  const std::vector<double> near_mw{0, 0, 130}, near_mvar{0, 0, 20}, far_mw{0, 0, 260}, far_mvar{0, 0, 80};
  const Loads loads[] = {{near_mw, near_mvar}, {far_mw, far_mvar}};
  Voltages answers[2];
  batch->solve(loads, answers);
  EXPECT_FALSE(answers[1].solved);
  EXPECT_GE(batch->solved_alone(), 1U);
  n.buses[2].load_mw = 130;
  n.buses[2].load_mvar = 20;
  const FlowResult flow = solve_ac(n);
  ASSERT_TRUE(answers[0].solved && flow.solved());
  EXPECT_NEAR(answers[0].magnitude_pu[2], flow.magnitude_pu[2], 1e-6);
}

TEST(BatchFlow, AnAnswerDoesNotDependOnItsCompany) {
  const Network n = random_network(5, 18);
  auto batch = BatchFlow::make(n);
  ASSERT_TRUE(batch);
  const Scenarios s = scenarios(n, 9, 0.2, 4);
  std::vector<Voltages> together(9), one(1);
  batch->solve(s.loads, together);
  for (std::size_t k = 0; k < 9; ++k) {
    batch->solve(std::span(s.loads).subspan(k, 1), one);
    EXPECT_EQ(one[0].magnitude_pu, together[k].magnitude_pu);
    EXPECT_EQ(one[0].angle_rad, together[k].angle_rad);
    EXPECT_EQ(one[0].iterations, together[k].iterations);
  }
}

TEST(BatchFlow, EveryKernelGivesTheSameBits) {
  const Network n = random_network(7, 25);
  auto base = BaseState::of(n, {});
  ASSERT_TRUE(base);
  const LaneNetwork lanes = LaneNetwork::of(*base->system, base->lu);
  std::vector<std::vector<double>> states;
  for (const LaneKernel* kernel : lane_kernels()) {
    LaneState s(lanes, *base->system);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      s.go.v[lane] = lane == 3 ? 0 : 1;
      for (std::size_t i = 0; i < s.given_p.size(); ++i) s.given_p[i].v[lane] *= 1 + 0.01 * static_cast<double>(lane);
    }
    for (int round = 0; round < 4; ++round) {
      kernel->mismatch(lanes, s);
      kernel->solve(lanes.lu, s.x);
      kernel->step(lanes, s);
    }
    std::vector<double> all;
    for (const auto* v : {&s.angle, &s.magnitude})
      for (const Lane& lane : *v) all.insert(all.end(), lane.v, lane.v + kLanes);
    for (const Voltage& v : s.voltage) all.insert(all.end(), v.e.v, v.e.v + kLanes);
    states.push_back(all);
  }
  for (const auto& one : states) EXPECT_EQ(std::memcmp(one.data(), states[0].data(), one.size() * sizeof(double)), 0);
}

// Our triangular solution beside KLU's.
TEST(BatchFlow, TheFactorsAsRowsSolveWhatKluSolves) {
  const Network n = random_network(3, 20);
  auto base = BaseState::of(n, {});
  ASSERT_TRUE(base);
  const LuRows lu = base->lu.rows();
  SeededRandom random(2);
  std::vector<double> b(static_cast<std::size_t>(lu.size));
  for (double& one : b) one = static_cast<double>(random.below(1000)) - 500;
  std::vector<Lane> x(b.size());
  for (std::size_t k = 0; k < b.size(); ++k) x[k].v[0] = b[static_cast<std::size_t>(lu.pivot_row[k])] * lu.row_scale[k];
  lane_kernel().solve(lu, x);
  base->lu.solve(b);
  for (std::size_t k = 0; k < b.size(); ++k) EXPECT_NEAR(x[k].v[0], b[static_cast<std::size_t>(lu.column[k])], 1e-9 * (1 + std::abs(x[k].v[0])));
}

TEST(BatchFlow, ABaseWithoutSolutionSaysWhy) {
  const auto batch = BatchFlow::make(sample("collapse.m"));
  ASSERT_FALSE(batch);
  EXPECT_NE(batch.error().text().find("the base case has no solution: no operating point"), std::string::npos);
}

}  // namespace
}  // namespace bongsu::exercise::power
