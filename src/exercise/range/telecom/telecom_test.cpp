#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/random.h"
#include "exercise/range/power/case_test_support.h"
#include "exercise/range/telecom/graphml.h"
#include "exercise/range/telecom/live.h"
#include "exercise/range/telecom/tables.h"

namespace bongsu::exercise::telecom {
namespace {

using power::text_of;

// -- routes ------------------------------------------------------------------------------------------------------------

// The rule of routes.h said slowly: lengths by going through all links until nothing gets shorter (Bellman and Ford), then at each node the
// lowest link that such a route ends with.
RouteTree slow_routes(const Network& n, std::uint32_t source, const Usable& usable) {
  RouteTree t{.source = source};
  t.length_m.assign(n.nodes.size(), RouteTree::kFar);
  t.hops.assign(n.nodes.size(), 0);
  t.by.assign(n.nodes.size(), RouteTree::kNone);
  if (usable.node[source] == 0) return t;
  t.length_m[source] = 0;
  const auto each = [&](auto&& what) {
    for (std::uint32_t k = 0; k < n.links.size(); ++k) {
      if (usable.link[k] == 0 || usable.node[n.links[k].a] == 0 || usable.node[n.links[k].b] == 0) continue;
      what(k, n.links[k].a, n.links[k].b);
      what(k, n.links[k].b, n.links[k].a);
    }
  };
  for (bool moved = true; std::exchange(moved, false);)
    each([&](std::uint32_t k, std::uint32_t a, std::uint32_t b) {
      if (t.length_m[a] == RouteTree::kFar) return;
      const std::pair way{t.length_m[a] + metres(n.links[k]), t.hops[a] + 1};
      if (way >= std::pair{t.length_m[b], t.hops[b]}) return;
      std::tie(t.length_m[b], t.hops[b]) = way;
      moved = true;
    });
  each([&](std::uint32_t k, std::uint32_t a, std::uint32_t b) {
    if (t.length_m[a] == RouteTree::kFar || b == source) return;
    if (t.length_m[a] + metres(n.links[k]) == t.length_m[b] && t.hops[a] + 1 == t.hops[b]) t.by[b] = std::min(t.by[b], k);
  });
  return t;
}

Network random_network(SeededRandom& random) {
  Network n;
  const auto count = static_cast<std::uint32_t>(2 + random.below(14));
  for (std::uint32_t i = 0; i < count; ++i)
    n.nodes.push_back({.name = "n" + std::to_string(i), .battery_h = random.below(3) == 0 ? 0 : static_cast<double>(random.below(5)), .calls_per_hour = random.below(2) == 0 ? 0.0 : 60.0,
                       .exchange = random.below(4) == 0, .own_supply = random.below(8) == 0});
  const std::uint64_t links = random.below(3 * count);
  // Few lengths, so that ties are many; parallel links and loops among them.
  for (std::uint64_t k = 0; k < links; ++k)
    n.links.push_back({.name = "l" + std::to_string(k), .a = static_cast<std::uint32_t>(random.below(count)), .b = static_cast<std::uint32_t>(random.below(count)),
                       .mbps = static_cast<double>(1 + random.below(20)), .km = static_cast<double>(random.below(4))});
  for (int c = 0; c < 6; ++c) n.circuits.push_back({.name = "c" + std::to_string(c), .from = static_cast<std::uint32_t>(random.below(count)), .to = static_cast<std::uint32_t>(random.below(count)), .mbps = 0.5});
  for (int d = 0; d < 6; ++d) n.demands.push_back({static_cast<std::uint32_t>(random.below(count)), static_cast<std::uint32_t>(random.below(count)), static_cast<double>(random.below(10))});
  for (int t = 0; t < 2; ++t) n.terminals.push_back({.name = "t" + std::to_string(t), .node = static_cast<std::uint32_t>(random.below(count))});
  return n;
}

TEST(Routes, EqualTheSlowOnesTieByTie) {
  std::size_t ties = 0, compared = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SeededRandom random(seed);
    const Network n = random_network(random);
    const auto at = links_at(n);
    Usable usable;
    for (std::size_t i = 0; i < n.nodes.size(); ++i) usable.node.push_back(random.below(6) != 0);
    for (std::size_t i = 0; i < n.links.size(); ++i) usable.link.push_back(random.below(6) != 0);
    for (std::uint32_t source = 0; source < n.nodes.size(); ++source) {
      const RouteTree fast = routes_from(n, at, source, usable), slow = slow_routes(n, source, usable);
      ASSERT_EQ(fast.length_m, slow.length_m) << seed;
      ASSERT_EQ(fast.hops, slow.hops) << seed;
      ASSERT_EQ(fast.by, slow.by) << seed;
      for (std::uint32_t to = 0; to < n.nodes.size(); ++to) {
        if (!fast.reaches(to)) continue;
        std::uint64_t length = 0;
        std::uint32_t here = source;
        for (const std::uint32_t k : fast.route_to(n, to)) {
          length += metres(n.links[k]);
          here = n.links[k].a == here ? n.links[k].b : n.links[k].a;
        }
        ASSERT_EQ(here, to);
        ASSERT_EQ(length, fast.length_m[to]);
        ++compared;
      }
    }
    for (std::size_t i = 1; i < n.links.size(); ++i) ties += metres(n.links[i]) == metres(n.links[i - 1]);
  }
  EXPECT_GT(compared, 5000U);
  EXPECT_GT(ties, 1000U);
}

// -- life --------------------------------------------------------------------------------------------------------------

Network line() {
  Network n;
  n.nodes = {{.name = "a", .battery_h = 2}, {.name = "b", .battery_h = 1, .recharge_h = 4}, {.name = "c", .battery_h = 0}};
  n.links = {{.name = "ab", .a = 0, .b = 1, .mbps = 10, .km = 5}, {.name = "bc", .a = 1, .b = 2, .mbps = 10, .km = 5}};
  n.circuits = {{.name = "ac", .from = 0, .to = 2}};
  n.terminals = {{.name = "t", .node = 1}};
  return n;
}

TEST(LiveTelecom, ANodeLivesOnItsBatteryAndTakesItsCircuitsAlongWhenItIsEmpty) {
  auto live = LiveTelecom::make(line());
  ASSERT_TRUE(live);
  EventLog log;
  const std::uint64_t dark = log.add(100, WorldEventKind::kDark, "bus", 0, "dark", 0);
  live->set_supply(1, false, dark);
  live->settle(100, log);
  EXPECT_TRUE(live->circuit_up(0));
  EXPECT_EQ(live->next_s(), 100 + 3600);
  EXPECT_NEAR(live->battery_h(1, 100 + 1800), 0.5, 1e-12);
  live->settle(3699.9, log);
  EXPECT_TRUE(live->circuit_up(0));
  live->settle(live->next_s(), log);
  EXPECT_FALSE(live->running(1));
  EXPECT_FALSE(live->circuit_up(0));
  EXPECT_FALSE(live->terminal_up(0));
  const auto events = log.take();
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[1].kind, WorldEventKind::kOnBattery);
  EXPECT_EQ(events[1].cause, dark);
  EXPECT_EQ(events[2].kind, WorldEventKind::kNodeDown);
  EXPECT_EQ(events[2].cause, events[1].id);
  EXPECT_EQ(events[3].kind, WorldEventKind::kCircuitDown);
  EXPECT_EQ(events[3].cause, events[2].id);
  EXPECT_EQ(events[4].kind, WorldEventKind::kTerminalDown);
  EXPECT_NEAR(live->circuit_hours(3700 + 1800), 0.5, 1e-12);
  live->set_supply(1, true, dark);
  live->settle(5500, log);
  EXPECT_TRUE(live->circuit_up(0));
  EXPECT_NEAR(live->battery_h(1, 5500 + 7200), 0.5, 1e-12) << "half of it in half of four hours";
  live->set_supply(1, false, dark);
  live->settle(5500 + 7200, log);
  EXPECT_NEAR(live->next_s(), 5500 + 7200 + 1800, 1e-9);
}

TEST(LiveTelecom, WithoutABatteryANodeStopsAtOnceAndATerminalOnlyWhenItsOwnPowerOrSoftwareGoes) {
  auto live = LiveTelecom::make(line());
  EventLog log;
  live->set_supply(2, false, 0);
  live->set_cut(0, true, 0);
  live->settle(1, log);
  EXPECT_FALSE(live->running(2));
  EXPECT_TRUE(live->terminal_up(0)) << "a satellite needs no link on the ground";
  live->set_bricked(0, true, 0);
  live->settle(2, log);
  EXPECT_FALSE(live->terminal_up(0));
  live->set_bricked(0, false, 0);
  live->settle(3, log);
  EXPECT_TRUE(live->terminal_up(0));
}

TEST(LiveTelecom, DemandsShareWhatCircuitsLeaveInProportion) {
  Network n = line();
  n.circuits[0].mbps = 2;
  n.demands = {{0, 2, 12}, {1, 2, 4}};
  auto live = LiveTelecom::make(n);
  ASSERT_TRUE(live);
  EXPECT_NEAR(live->delivered_mbps(0), 6, 1e-12) << "8 of 16 Mbit/s go over the second link";
  EXPECT_NEAR(live->delivered_mbps(1), 2, 1e-12);
  EXPECT_NEAR(live->data_part(0), 0.5, 1e-12);
}

// At every moment of random lives: what is down carries nothing, and everything is what the slow rules say.
TEST(LiveTelecom, NothingThatIsDownCarriesAnything) {
  std::size_t down = 0, moved = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SeededRandom random(seed + 1000);
    const Network n = random_network(random);
    auto made = LiveTelecom::make(n);
    ASSERT_TRUE(made);
    LiveTelecom live = *made;
    EventLog log;
    std::vector<double> charge;  // by the slow way: hours that are left, moved on in steps
    for (const Node& node : n.nodes) charge.push_back(node.battery_h);
    std::vector<char> supplied(n.nodes.size(), 1), cut(n.links.size(), 0), runs(n.nodes.size(), 1);
    double now = 0, lost_hours = 0;
    std::size_t circuits_down = live.circuits_down();
    for (int step = 0; step < 60; ++step) {
      const double until = now + 900;
      while (live.next_s() <= until) live.settle(live.next_s(), log);
      for (std::size_t i = 0; i < n.nodes.size(); ++i) {
        if (!supplied[i] && runs[i]) charge[i] = std::max(0.0, charge[i] - 0.25);
        if (supplied[i]) charge[i] = std::min(n.nodes[i].battery_h, charge[i] + 0.25 * n.nodes[i].battery_h / n.nodes[i].recharge_h);
        runs[i] = supplied[i] || (runs[i] && charge[i] > 1e-9);
      }
      now = until;
      const auto node = static_cast<std::uint32_t>(random.below(n.nodes.size()));
      if (!n.nodes[node].own_supply && random.below(2) == 0) {
        supplied[node] = !supplied[node];
        live.set_supply(node, supplied[node] != 0, 0);
        runs[node] = supplied[node] || (runs[node] && charge[node] > 1e-9);
      }
      if (!n.links.empty()) {
        const auto link = static_cast<std::uint32_t>(random.below(n.links.size()));
        cut[link] = !cut[link];
        live.set_cut(link, cut[link] != 0, 0);
      }
      live.settle(now, log);
      Usable usable;
      for (std::uint32_t i = 0; i < n.nodes.size(); ++i) {
        ASSERT_EQ(live.running(i), runs[i] != 0) << seed << " node " << i << " at " << now;
        ASSERT_NEAR(live.battery_h(i, now), charge[i], 1e-6) << seed << " node " << i << " at " << now;
        usable.node.push_back(runs[i]);
      }
      for (const char c : cut) usable.link.push_back(c == 0);
      for (std::uint32_t c = 0; c < n.circuits.size(); ++c) {
        const RouteTree slow = slow_routes(n, n.circuits[c].from, usable);
        ASSERT_EQ(live.circuit_up(c), slow.reaches(n.circuits[c].to)) << seed;
        if (!live.circuit_up(c)) {
          ASSERT_TRUE(live.route(c).empty());
          continue;
        }
        ASSERT_EQ(live.route(c), slow.route_to(n, n.circuits[c].to));
        for (const std::uint32_t k : live.route(c)) ASSERT_TRUE(live.up(k)) << "a circuit goes over what is down";
      }
      for (std::uint32_t k = 0; k < n.links.size(); ++k)
        if (!live.up(k)) ASSERT_EQ(live.load_mbps(k) + live.reserved_mbps(k), 0) << seed;
      for (std::uint32_t d = 0; d < n.demands.size(); ++d) ASSERT_LE(live.delivered_mbps(d), n.demands[d].mbps + 1e-12);
      down += live.circuits_down();
      moved += live.circuits_down() != circuits_down;
      circuits_down = live.circuits_down();
      ASSERT_GE(live.circuit_hours(now), lost_hours);
      lost_hours = live.circuit_hours(now);
    }
  }
  EXPECT_GT(down, 1000U);
  EXPECT_GT(moved, 500U);
}

TEST(LiveTelecom, WrongNetworksAreNamed) {
  Network n = line();
  n.links[1].b = 9;
  EXPECT_EQ(LiveTelecom::make(n).error().text(), "links[1] bc: an end is no node");
  n = line();
  n.nodes[0].battery_h = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(LiveTelecom::make(n));
}

// -- GraphML -----------------------------------------------------------------------------------------------------------

const char* const kGraphml =
    "<?xml version=\"1.0\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" xmlns:y=\"http://www.yworks.com/xml/graphml\">\n"
    "<key attr.name=\"label\" for=\"node\" id=\"d1\"/><key attr.name=\"Latitude\" for=\"node\" id=\"d2\"/><key attr.name=\"Longitude\" for=\"node\" id=\"d3\"/>\n"
    "<key attr.name=\"label\" for=\"edge\" id=\"e1\"/><key attr.name=\"Network\" for=\"graph\" id=\"g1\"/><key for=\"node\" id=\"y1\"/>\n"
    "<graph edgedefault=\"undirected\"><data key=\"g1\">Own</data>\n"
    "<node id=\"n0\"><data key=\"d1\">A</data><data key=\"d2\">54.7</data><data key=\"d3\">25.3</data></node>\n"
    "<node id=\"n1\"><data key=\"y1\"><y:ShapeNode><y:NodeLabel> B <y:x/></y:NodeLabel></y:ShapeNode></data></node>\n"
    "<edge source=\"n0\" target=\"n1\"><data key=\"e1\">2 x 10 Gbps</data></edge></graph></graphml>";

TEST(Graphml, NodesLabelsPositionsAndSpeeds) {
  const auto t = read_graphml(kGraphml, "own");
  ASSERT_TRUE(t) << t.error().text();
  EXPECT_EQ(t->network, "Own");
  ASSERT_EQ(t->nodes.size(), 2U);
  EXPECT_EQ(t->nodes[0].at, (Position{54.7, 25.3}));
  EXPECT_EQ(t->nodes[1].label, "B");
  EXPECT_EQ(t->edges[0].mbps, 20'000);
}

TEST(Graphml, MistakesAreNamedWithTheirLine) {
  const auto error = [](std::string from, const std::string& to) {
    std::string text = kGraphml;
    text.replace(text.find(from), from.size(), to);
    const auto t = read_graphml(text, "g");
    return t ? std::string() : t.error().text();
  };
  EXPECT_EQ(error("target=\"n1\"", "target=\"n7\""), "g:8: no node has the id \"n7\" of an edge's target");
  EXPECT_EQ(error("id=\"n1\"", "id=\"n0\""), "g:7: the id \"n0\" is there twice");
  EXPECT_EQ(error(">54.7<", ">154.7<"), "g:6: node n0 stands nowhere on Earth");
  EXPECT_EQ(error("<graph edge", "<grape edge").substr(0, 4), "g:8:") << "tags that do not fit";
  EXPECT_NE(error("<?xml version=\"1.0\"?>", "<!DOCTYPE x>").find("document type"), std::string::npos);
}

TEST(Graphml, SpeedsAsOperatorsWriteThem) {
  EXPECT_EQ(speed_mbps("20Mb/s"), 20);
  EXPECT_EQ(speed_mbps("less than 100 Mbps"), 100);
  EXPECT_EQ(speed_mbps("4*10Gb/s"), 40'000);
  EXPECT_EQ(speed_mbps("2.5 Gbps"), 2500);
  EXPECT_EQ(speed_mbps("STM-4"), 622.08);
  EXPECT_EQ(speed_mbps("International connectivity to GEANT2"), std::nullopt);
  EXPECT_EQ(speed_mbps("1.0"), std::nullopt);
  EXPECT_EQ(speed_mbps("1e999 Gbps"), std::nullopt);
  EXPECT_EQ(speed_mbps(""), std::nullopt);
}

TEST(Graphml, TheTopologyZoosNetworksAreRead) {
  const std::string dir = shared_data("exercise/telecom");
  if (dir.empty()) GTEST_SKIP() << "skipped: needs shared data (exercise/telecom)";
  for (const auto& [file, nodes, edges] : {std::tuple("Litnet", 43U, 43U), {"Uran", 24U, 24U}, {"Geant2012", 40U, 61U}, {"Latnet", 69U, 74U}, {"Eenet", 13U, 16U}, {"PionierL3", 38U, 51U}}) {
    const auto t = read_graphml(text_of(dir + "/" + file + ".graphml"), file);
    ASSERT_TRUE(t) << t.error().text();
    EXPECT_EQ(t->nodes.size(), nodes) << file;
    EXPECT_GE(t->edges.size(), edges) << file;
    const Network n = on_the_map(*t, "x.", [](std::string_view) { return Position{}; });
    EXPECT_TRUE(LiveTelecom::make(n)) << file;
  }
  const auto litnet = read_graphml(text_of(dir + "/Litnet.graphml"), "Litnet");
  EXPECT_EQ(litnet->nodes[24].label, "Vilnius");
  EXPECT_EQ(litnet->edges[0].mbps, 20);
}

}  // namespace
}  // namespace bongsu::exercise::telecom
