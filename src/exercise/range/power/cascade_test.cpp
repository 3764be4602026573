#include "exercise/range/power/cascade.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "exercise/range/power/case_test_support.h"
#include "exercise/range/power/slow_flow_test_support.h"
#include "exercise/range/power/slow_grid_test_support.h"

namespace bongsu::exercise::power {
namespace {

// What flows into each bus flows out of it; what is dark carries nothing.
void expect_flows_balance(const LiveGrid& grid, const std::string& where) {
  const Network& n = grid.network();
  const FlowResult& flow = grid.flow();
  std::vector<double> p(n.buses.size(), 0);
  for (std::size_t k = 0; k < n.branches.size(); ++k) {
    p[n.branches[k].from] += flow.branches[k].from_mw;
    p[n.branches[k].to] += flow.branches[k].to_mw;
  }
  for (std::size_t g = 0; g < n.generators.size(); ++g) p[n.generators[g].bus] -= flow.generator_mw[g];
  for (std::uint32_t i = 0; i < n.buses.size(); ++i) {
    const double v = flow.magnitude_pu[i];
    EXPECT_EQ(v > 0, grid.live(i)) << where;
    if (v > 0) p[i] += n.buses[i].load_mw + n.buses[i].shunt_mw * v * v;
    EXPECT_NEAR(p[i], 0, 1e-5) << where << " bus " << n.buses[i].number;
    if (v > 0) EXPECT_NEAR(n.buses[i].load_mw, grid.served_mw(i), 1e-6) << where;
  }
}

Network tight(std::uint64_t seed, int buses) {
  Network n = random_network(seed, buses);
  const FlowResult flow = solve_ac(n);
  // Ratings a little above what flows: an outage overloads something.
  for (std::size_t k = 0; k < n.branches.size(); ++k)
    n.branches[k].rating_mva = std::max(8.0, 1.25 * std::hypot(flow.branches[k].from_mw, flow.branches[k].from_mvar));
  return n;
}

TEST(LiveGrid, EnergyAndFlowAreConservedInCascades) {
  std::size_t cascades = 0, dark = 0, sheds = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    const Network n = tight(seed, 10 + static_cast<int>(seed));
    auto grid = LiveGrid::make(n, {.model = seed % 3 == 0 ? Model::kDc : Model::kAc, .hidden_failure = 0.1}, seed);
    if (!grid) continue;
    SeededRandom random(seed);
    std::size_t events = 0;
    for (int minute = 0; minute < 6; ++minute) {
      const auto k = static_cast<std::uint32_t>(random.below(n.branches.size()));
      (void)grid->order({.kind = Order::Kind::kOpenBranch, .at = k});
      if (minute == 3) (void)grid->order({.kind = Order::Kind::kTripGenerator, .at = static_cast<std::uint32_t>(random.below(n.generators.size()))});
      for (int step = 0; step < 6; ++step) {
        grid->advance(10);
        const std::string where = "seed " + std::to_string(seed) + " at " + std::to_string(grid->now_s());
        expect_flows_balance(*grid, where);
        const Energy e = grid->energy();
        EXPECT_NEAR(e.residue(), 0, 1e-8 * (1 + e.turbines)) << where;
        double demand = 0;
        for (std::uint32_t i = 0; i < n.buses.size(); ++i) demand += grid->demand_mw(i);
        EXPECT_GE(e.unserved, 0) << where;
        EXPECT_NEAR(e.served + e.unserved - e.by_frequency, demand * grid->now_s() / 3600, 1e-8 * (1 + e.served)) << where;
      }
      for (const GridEvent& event : grid->take_events()) {
        events += event.kind == GridEvent::Kind::kOverloadTrip;
        dark += event.kind == GridEvent::Kind::kDark;
        sheds += event.kind == GridEvent::Kind::kFrequencyShed;
      }
    }
    cascades += events > 0;
  }
  EXPECT_GT(cascades, 8U);
  EXPECT_GT(dark, 5U);
  EXPECT_GT(sheds, 0U);
}

TEST(LiveGrid, EqualsTheSlowOneTripByTrip) {
  std::size_t count = 0, compared = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Network n = tight(seed, 8 + static_cast<int>(seed % 12));
    for (Branch& b : n.branches) b.on = true;
    const GridSettings settings{.model = Model::kDc};
    auto fast = LiveGrid::make(n, settings, 1);
    ASSERT_TRUE(fast);
    SlowGrid slow(n, settings);
    SeededRandom random(seed + 99);
    std::vector<SlowGrid::Trip> seen;
    for (int round = 0; round < 5; ++round) {
      const auto k = static_cast<std::uint32_t>(random.below(n.branches.size()));
      if (fast->order({.kind = Order::Kind::kOpenBranch, .at = k})) slow.open(k);
      const auto g = static_cast<std::uint32_t>(random.below(n.generators.size()));
      if (round == 2 && fast->order({.kind = Order::Kind::kTripGenerator, .at = g})) slow.trip(g);
      fast->advance(30);
      slow.advance(30);
      for (const GridEvent& e : fast->take_events()) {
        if (e.kind == GridEvent::Kind::kOverloadTrip) seen.push_back({e.at_s, 'b', e.at});
        if (e.kind == GridEvent::Kind::kGeneratorTrip) seen.push_back({e.at_s, 'g', e.at});
        if (e.kind == GridEvent::Kind::kFrequencyShed) seen.push_back({e.at_s, 's', e.at});
      }
      // Within a tenth of a second the islands' order is nobody's business.
      for (auto* trips : {&seen, &slow.trips})
        std::ranges::sort(*trips, {}, [](const SlowGrid::Trip& t) { return std::tuple(std::lround(t.at_s * 10), t.kind, t.at); });
      ASSERT_EQ(seen.size(), slow.trips.size()) << seed << " round " << round;
      for (std::size_t t = 0; t < seen.size(); ++t) {
        EXPECT_EQ(seen[t].kind, slow.trips[t].kind) << seed;
        EXPECT_EQ(seen[t].at, slow.trips[t].at) << seed;
        EXPECT_NEAR(seen[t].at_s, slow.trips[t].at_s, 0.11) << seed;
      }
      for (std::uint32_t i = 0; i < n.buses.size(); ++i) {
        EXPECT_NEAR(fast->frequency_hz(i), slow.hz[i], 1e-6) << seed << " bus " << i;
        EXPECT_NEAR(fast->served_mw(i), slow.served[i], 1e-5) << seed << " bus " << i;
      }
      ++compared;
    }
    count += seen.size();
  }
  EXPECT_GT(compared, 100U);
  EXPECT_GT(count, 40U);
}

TEST(LiveGrid, TheSameSeedGivesTheSameCascade) {
  const auto run = [](std::uint64_t seed) {
    const Network n = tight(4, 25);
    auto grid = LiveGrid::make(n, {.hidden_failure = 0.3}, seed);
    std::string text;
    for (std::uint32_t k = 0; k < 3; ++k) {
      (void)grid->order({.kind = Order::Kind::kOpenBranch, .at = 5 * k});
      grid->advance(60);
    }
    for (const GridEvent& e : grid->take_events()) text += std::to_string(e.at_s) + " " + e.text + "\n";
    return text;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_FALSE(run(1).empty());
}

TEST(LiveGrid, ARelayWaitsTheTimeOfItsCurve) {
  Network n = sample("collapse.m");
  n.buses[2].load_mw = 100;
  n.buses[2].load_mvar = 0;
  n.branches[1].rating_mva = 50;
  GridSettings settings{.model = Model::kDc};
  auto grid = LiveGrid::make(n, settings, 1);
  ASSERT_TRUE(grid);
  // 100 MW on 50 MVA with pickup at 1.1: 13.5 / (2 / 1.1 - 1) = 16.5 s
  grid->advance(16.3);
  EXPECT_TRUE(grid->take_events().empty());
  grid->advance(0.4);
  const auto events = grid->take_events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].kind, GridEvent::Kind::kOverloadTrip);
  EXPECT_EQ(events[0].text, "branch 2 from bus 2 to bus 3: overloaded to 200 %, tripped");
  EXPECT_FALSE(grid->live(2));
  EXPECT_EQ(grid->served_mw(2), 0);
}

TEST(LiveGrid, LosingGenerationShedsLoadAndFrequencyComesBack) {
  Network n = sample("ring.m");
  auto grid = LiveGrid::make(n, {}, 1);
  ASSERT_TRUE(grid);
  EXPECT_NEAR(grid->frequency_hz(0), 50, 1e-12);
  n.generators[0].p_max_mw = 110;
  grid = LiveGrid::make(n, {}, 1);
  ASSERT_TRUE(grid->order({.kind = Order::Kind::kTripGenerator, .at = 1}));
  ASSERT_TRUE(grid->order({.kind = Order::Kind::kTripGenerator, .at = 2}));
  grid->advance(120);
  bool shed = false;
  for (const GridEvent& e : grid->take_events()) shed = shed || e.kind == GridEvent::Kind::kFrequencyShed;
  EXPECT_TRUE(shed);
  EXPECT_GT(grid->frequency_hz(0), 48.5);
  EXPECT_LT(grid->served_mw(2), 90);
  EXPECT_GT(grid->energy().unserved, 0);
}

TEST(LiveGrid, ADarkNetworkComesBackByBlackStart) {
  Network n = sample("ring.m");
  GridSettings settings{.black_start = {0}};
  auto grid = LiveGrid::make(n, settings, 1);
  ASSERT_TRUE(grid);
  for (const std::uint32_t g : {0U, 1U, 2U, 4U}) ASSERT_TRUE(grid->order({.kind = Order::Kind::kTripGenerator, .at = g}));
  EXPECT_FALSE(grid->live(0));
  EXPECT_FALSE(grid->order({.kind = Order::Kind::kRestore, .at = 2, .value = 1})) << "dark";
  EXPECT_FALSE(grid->order({.kind = Order::Kind::kStart, .at = 1})) << "no black start there";
  for (const Order& order : restoration_order(*grid)) {
    const auto done = grid->order(order);
    ASSERT_TRUE(done) << done.error().text();
    grid->advance(20);
    if (order.kind == Order::Kind::kRestore) EXPECT_GT(grid->frequency_hz(0), 49) << grid->now_s();
  }
  grid->advance(600);
  for (std::uint32_t i = 0; i < n.buses.size(); ++i) {
    EXPECT_TRUE(grid->live(i));
    EXPECT_NEAR(grid->served_mw(i), n.buses[i].load_mw, 0.02 * n.buses[i].load_mw + 0.01) << i;
  }
  EXPECT_NEAR(grid->energy().residue(), 0, 1e-7);
  for (const GridEvent& e : grid->take_events()) EXPECT_NE(e.kind, GridEvent::Kind::kFrequencyShed) << e.text;
}

TEST(LiveGrid, OrdersThatMakeNoSenseAreRefused) {
  auto grid = LiveGrid::make(sample("islands.m"), {}, 1);
  ASSERT_TRUE(grid);
  const auto refused = [&](const Order& o) {
    const auto done = grid->order(o);
    return done ? std::string() : done.error().message;
  };
  EXPECT_EQ(refused({.kind = Order::Kind::kOpenBranch, .at = 99}), "there is no branch 100");
  EXPECT_EQ(refused({.kind = Order::Kind::kCloseBranch, .at = 0}), "branch 1 is closed already");
  EXPECT_EQ(refused({.kind = Order::Kind::kSetPower, .at = 0, .value = 1000}), "generator 1 gives 0 to 60.0 MW");
  EXPECT_EQ(refused({.kind = Order::Kind::kStart, .at = 0}), "generator 1 runs already");
  EXPECT_EQ(refused({.kind = Order::Kind::kRestore, .at = 7, .value = 1}), "bus 8 is dark");
  // Two parts that have drifted apart cannot be joined; in step they can.
  ASSERT_TRUE(grid->order({.kind = Order::Kind::kSetPower, .at = 2, .value = 22}));
  grid->advance(30);
  EXPECT_NE(refused({.kind = Order::Kind::kCloseBranch, .at = 8}).find("not in step"), std::string::npos);
  ASSERT_TRUE(grid->order({.kind = Order::Kind::kSetPower, .at = 2, .value = 16.1}));
  grid->advance(120);
  EXPECT_EQ(refused({.kind = Order::Kind::kCloseBranch, .at = 8}), "");
  grid->advance(60);
  EXPECT_EQ(grid->frequency_hz(0), grid->frequency_hz(5));
  EXPECT_NEAR(grid->energy().residue(), 0, 1e-9);
}

}  // namespace
}  // namespace bongsu::exercise::power
