#include "exercise/range/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"
#include "exercise/range/order_file.h"
#include "exercise/range/slow_world_test_support.h"
#include "exercise/range/world_test_support.h"

namespace bongsu::exercise {
namespace {

TEST(World, TheSampleLivesADayWithoutAnybody) {
  World world = live_world(sample_world());
  world.advance(86'400);
  for (const WorldEvent& e : world.take_events()) ADD_FAILURE() << e.at_s << " " << e.text;
  const Consequences c = world.consequences();
  EXPECT_EQ(c.unserved_mwh, 0);
  EXPECT_GT(c.served_mwh, 10'000);
  EXPECT_EQ(c.train_minutes, 0);
  EXPECT_EQ(c.circuits_down, 0U);
  for (const ServiceState& s : world.services()) EXPECT_GT(s.availability, 0.99) << s.name;
}


std::string refused(World& world, const WorldOrder& order) {
  const auto done = world.order(order);
  return done ? "" : done.error().message;
}

bool happened(const std::vector<WorldEvent>& events, WorldEventKind kind, std::string_view target) {
  return std::ranges::any_of(events, [&](const WorldEvent& e) { return e.kind == kind && e.target == target; });
}

// The chain of causes from an event back to its first, as targets.
std::vector<std::string> chain(const std::vector<WorldEvent>& events, WorldEventKind kind, std::string_view target) {
  std::vector<std::string> out;
  auto at = std::ranges::find_if(events, [&](const WorldEvent& e) { return e.kind == kind && e.target == target; });
  while (at != events.end()) {
    out.push_back(std::string(to_string(at->kind)) + " " + at->target);
    at = std::ranges::find(events, at->cause, &WorldEvent::id);
  }
  return out;
}

TEST(World, WithoutItsCircuitASubstationIsSwitchedByACrewAlone) {
  World world = live_world(sample_world());
  world.advance(100);
  ASSERT_EQ(refused(world, {.verb = Verb::kCut, .target = "lt.link.kaunas-klaipeda", .by = By::kAttacker}), "");
  ASSERT_EQ(refused(world, {.verb = Verb::kCut, .target = "lt.link.klaipeda-siauliai", .by = By::kAttacker}), "");
  world.advance(32);
  EXPECT_EQ(refused(world, {.verb = Verb::kOpen, .target = "lt.substation.klaipeda.breaker1"}),
            "lt.substation.klaipeda cannot be reached: lt.circuit.klaipeda is down since 00:01:40");
  EXPECT_FALSE(world.measure("lt.substation.klaipeda.bus110", Quantity::kVoltage_kv)->topical);
  EXPECT_TRUE(world.measure("lt.substation.kaunas.bus110", Quantity::kVoltage_kv)->topical);
  const double seen = world.measure("lt.substation.klaipeda.breaker1", Quantity::kPosition)->value;
  ASSERT_EQ(refused(world, {.verb = Verb::kOpen, .target = "lt.substation.klaipeda.breaker1", .by = By::kCrew}), "");
  world.advance(1799);
  EXPECT_EQ(world.measure("lt.line.kaunas-klaipeda.1", Quantity::kPosition)->value, 1);
  world.advance(1);
  EXPECT_EQ(world.measure("lt.line.kaunas-klaipeda.1", Quantity::kPosition)->value, 0) << "seen from Kaunas";
  EXPECT_EQ(world.measure("lt.substation.klaipeda.breaker1", Quantity::kPosition)->value, seen) << "the screen shows what came last";
  const auto events = world.take_events();
  EXPECT_EQ(chain(events, WorldEventKind::kControlLost, "lt.generator.klaipeda-cogeneration"),
            (std::vector<std::string>{"control-lost lt.generator.klaipeda-cogeneration", "circuit-down lt.circuit.klaipeda", "link-down lt.link.klaipeda-siauliai", "ordered lt.link.klaipeda-siauliai"}));
  EXPECT_EQ(chain(events, WorldEventKind::kRefused, "lt.substation.klaipeda.breaker1").at(1), "circuit-down lt.circuit.klaipeda");
}

TEST(World, AnAttackerActsAsTheOperatorOnCircuitsThatAreTaken) {
  World world = live_world(sample_world());
  const WorldOrder open{.verb = Verb::kOpen, .target = "lt.substation.kaunas.breaker1", .by = By::kAttacker};
  EXPECT_EQ(refused(world, open), "lt.circuit.kaunas is not in the attacker's hands");
  ASSERT_EQ(refused(world, {.verb = Verb::kCompromise, .target = "lt.circuit.kaunas", .by = By::kAttacker}), "");
  EXPECT_EQ(refused(world, open), "");
  EXPECT_EQ(refused(world, open), "lt.substation.kaunas.breaker1 is open already");
  ASSERT_EQ(refused(world, {.verb = Verb::kExpel, .target = "lt.node.vilnius"}), "");
  EXPECT_EQ(refused(world, {.verb = Verb::kClose, .target = open.target, .by = By::kAttacker}), "lt.circuit.kaunas is not in the attacker's hands");
  EXPECT_EQ(refused(world, {.verb = Verb::kClose, .target = open.target}), "");
}

TEST(World, WipedTerminalsLeaveWindFarmsTurningOutOfControl) {
  World world = live_world(sample_world());
  const double mw = world.measure("lt.generator.klaipeda-wind", Quantity::kPower_mw)->value;
  ASSERT_EQ(refused(world, {.verb = Verb::kBrick, .target = "lt.terminal.klaipeda-wind", .by = By::kAttacker}), "");
  EXPECT_NEAR(world.consequences().uncontrolled_mw, mw, 1e-9);
  EXPECT_EQ(refused(world, {.verb = Verb::kSetPower, .target = "lt.generator.klaipeda-wind", .value = 10}),
            "lt.generator.klaipeda-wind cannot be reached: lt.terminal.klaipeda-wind does not answer");
  world.advance(3600);
  EXPECT_GT(world.measure("lt.generator.klaipeda-wind", Quantity::kPower_mw)->value, 0.9 * mw) << "it goes on as it was";
  EXPECT_NEAR(world.consequences().uncontrolled_mwh, mw, 0.1 * mw);
  ASSERT_EQ(refused(world, {.verb = Verb::kReflash, .target = "lt.terminal.klaipeda-wind", .by = By::kCrew}), "");
  world.advance(5 * 3600);
  EXPECT_EQ(world.consequences().uncontrolled_mw, 0);
  EXPECT_EQ(refused(world, {.verb = Verb::kSetPower, .target = "lt.generator.klaipeda-wind", .value = 50}), "");
}

TEST(World, ADarkTownLosesItsCellSiteWithItsBatteryAndItsTrainsAtOnce) {
  World world = live_world(sample_world());
  world.advance(6 * 3600);
  for (int k = 1; k <= 3; ++k) (void)world.order({.verb = Verb::kCut, .target = "lt.line.klaipeda-siauliai." + std::to_string(k), .by = By::kAttacker});
  ASSERT_EQ(refused(world, {.verb = Verb::kCut, .target = "lt.line.kaunas-klaipeda.1", .by = By::kAttacker}), "");
  for (const char* generator : {"lt.generator.klaipeda-wind", "lt.generator.klaipeda-cogeneration"}) (void)world.order({.verb = Verb::kTrip, .target = generator});
  world.advance(60);
  const auto service = [&](std::string_view name) {
    for (const ServiceState& s : world.services())
      if (s.name == name) return s.availability;
    return -1.0;
  };
  EXPECT_EQ(service("power Klaipeda"), 0);
  EXPECT_EQ(service("mobile Klaipeda"), 1) << "on its battery";
  EXPECT_EQ(world.measure("lt.segment.siauliai-klaipeda", Quantity::kPosition)->value, 0);
  EXPECT_EQ(refused(world, {.verb = Verb::kRestore, .target = "lt.substation.klaipeda"}).find("lt.substation.klaipeda.bus"), 0U) << "dark";
  world.advance(7200);
  EXPECT_EQ(service("mobile Klaipeda"), 0);
  const Consequences c = world.consequences();
  EXPECT_NEAR(c.customers_out, 90 * 1200, 1e-6);
  EXPECT_GT(c.unserved_mwh, 100);
  EXPECT_GT(c.calls_lost, 0);
  EXPECT_GT(c.train_minutes, 0);
  const auto events = world.take_events();
  const auto why = chain(events, WorldEventKind::kNodeDown, "lt.cell.klaipeda");
  ASSERT_GE(why.size(), 4U);
  EXPECT_EQ(why[1], "on-battery lt.cell.klaipeda");
  EXPECT_EQ(why[2], "dark lt.substation.klaipeda");
  EXPECT_EQ(why.back().substr(0, 8), "ordered ");
  EXPECT_TRUE(happened(events, WorldEventKind::kTrainHeld, "lt.train.vilnius-klaipeda.1") || c.trains_held > 0);
  // A crew mends the line, operators close it and bring load back.
  ASSERT_EQ(refused(world, {.verb = Verb::kSplice, .target = "lt.line.kaunas-klaipeda.1", .by = By::kCrew}), "");
  world.advance(1800 + 4 * 3600);
  EXPECT_EQ(refused(world, {.verb = Verb::kClose, .target = "lt.line.kaunas-klaipeda.1"}), "");
  EXPECT_EQ(refused(world, {.verb = Verb::kRestore, .target = "lt.substation.klaipeda"}), "");
  world.advance(600);
  EXPECT_GT(service("power Klaipeda"), 0.95);
  EXPECT_EQ(service("mobile Klaipeda"), 1);
  EXPECT_EQ(world.consequences().customers_out, 0);
}

TEST(World, OrdersThatMakeNoSenseAreRefusedWithTheirReason) {
  World world = live_world(sample_world());
  EXPECT_EQ(refused(world, {.verb = Verb::kOpen, .target = "lt.nothing"}), "there is nothing of this name");
  EXPECT_EQ(refused(world, {.verb = Verb::kOpen, .target = "lt.node.vilnius"}), "a node cannot be told open");
  EXPECT_EQ(refused(world, {.verb = Verb::kCut, .target = "lt.link.kaunas-klaipeda"}), "cut is nothing that an operator from afar does");
  EXPECT_EQ(refused(world, {.verb = Verb::kSplice, .target = "lt.link.kaunas-klaipeda", .by = By::kAttacker}), "splice is nothing that an attacker does");
  EXPECT_EQ(refused(world, {.verb = Verb::kSetPower, .target = "lt.generator.vilnius-thermal", .value = std::nan("")}), "a value must be finite");
  EXPECT_EQ(refused(world, {.verb = Verb::kSetPower, .target = "lt.generator.vilnius-thermal", .value = 1e6}).find("lt.generator.vilnius-thermal: generator 1 gives"), 0U);
  EXPECT_EQ(refused(world, {.verb = Verb::kFlood, .target = "lt.storm.west"}), "this disaster is a storm");
  EXPECT_EQ(refused(world, {.verb = Verb::kOpen, .target = std::string(10'000, 'x')}).substr(0, 18), "a name has at most");
  const std::size_t orders = world.orders().size();
  EXPECT_TRUE(world.check({.verb = Verb::kOpen, .target = "lt.substation.kaunas.breaker1"}));
  EXPECT_EQ(world.orders().size(), orders) << "asking leaves nothing behind";
}

TEST(World, ABranchIsOpenWhileEitherOfItsBreakersIs) {
  World world = live_world(sample_world());
  const auto on = [&] { return world.measure("lt.line.kaunas-klaipeda.1", Quantity::kPosition)->value == 1; };
  std::string ends[2];
  for (const Thing& thing : world.things())
    if (thing.kind == ThingKind::kBreaker && thing.name.starts_with("lt.substation.klaipeda.")) {
      World copy = world;
      ASSERT_TRUE(copy.order({.verb = Verb::kOpen, .target = thing.name}));
      if (copy.measure("lt.line.kaunas-klaipeda.1", Quantity::kPosition)->value == 0) ends[0] = thing.name;
    } else if (thing.kind == ThingKind::kBreaker && thing.name.starts_with("lt.substation.kaunas.")) {
      World copy = world;
      ASSERT_TRUE(copy.order({.verb = Verb::kOpen, .target = thing.name}));
      if (copy.measure("lt.line.kaunas-klaipeda.1", Quantity::kPosition)->value == 0) ends[1] = thing.name;
    }
  ASSERT_FALSE(ends[0].empty() || ends[1].empty());
  for (const std::string& end : ends) ASSERT_TRUE(world.order({.verb = Verb::kOpen, .target = end}));
  ASSERT_TRUE(world.order({.verb = Verb::kClose, .target = ends[0]}));
  EXPECT_FALSE(on());
  ASSERT_TRUE(world.order({.verb = Verb::kClose, .target = ends[1]}));
  EXPECT_TRUE(on());
}

// -- the same bytes ----------------------------------------------------------------------------------------------------

WorldOrder random_order(SeededRandom& random, const World& world) {
  static constexpr Verb kVerbs[] = {Verb::kOpen, Verb::kClose, Verb::kOpen, Verb::kTrip, Verb::kStart, Verb::kSetPower, Verb::kShed, Verb::kRestore, Verb::kCut, Verb::kCut, Verb::kSplice,
                                    Verb::kPowerOut, Verb::kPowerBack, Verb::kBrick, Verb::kReflash, Verb::kCompromise, Verb::kExpel, Verb::kRadioStop, Verb::kRadioClear};
  const auto& things = world.things();
  WorldOrder last;
  for (int tries = 0; tries < 30; ++tries) {  // mostly ones that can be done
    last = {.verb = kVerbs[random.below(std::size(kVerbs))], .target = things[random.below(things.size())].name, .value = static_cast<double>(random.below(3)) / 2, .by = static_cast<By>(random.below(3))};
    if (last.verb == Verb::kRadioStop || last.verb == Verb::kRadioClear) last.value = 5;
    if (world.check(last)) break;
  }
  return last;
}

TEST(World, HoweverTimeIsCutAndReplayedTheBytesAreTheSame) {
  std::size_t events = 0, compared = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    SeededRandom random(seed + 50);
    const WorldConfig config = random_world(random, true);
    auto made = World::make(config, seed);
    if (!made) continue;  // no operating point
    World fine = *made, coarse = *made;
    std::vector<WorldEvent> fine_events, coarse_events;
    const auto take = [](World& world, std::vector<WorldEvent>& into) {
      for (WorldEvent& e : world.take_events()) into.push_back(std::move(e));
    };
    for (int step = 0; step < 25; ++step) {
      // Awkward cuts: sevenths of a second, and now and then a look.
      const double length = static_cast<double>(1 + random.below(400)) / 7;
      const double until = coarse.now_s() + length;
      coarse.advance(length);
      const int cuts = static_cast<int>(1 + random.below(9));
      for (int k = 0; k < cuts; ++k) {
        const double left = until - fine.now_s();
        fine.advance(k + 1 == cuts ? left : left * static_cast<double>(random.below(100)) / 100);
        (void)fine.consequences();
      }
      if (fine.now_s() != coarse.now_s()) continue;  // rounding of the sum; meets again at the next
      const WorldOrder order = random_order(random, coarse);
      ASSERT_EQ(coarse.order(order).has_value(), fine.order(order).has_value()) << seed;
      ASSERT_EQ(coarse.state_text(), fine.state_text()) << seed << " step " << step;
      ++compared;
    }
    take(fine, fine_events);
    take(coarse, coarse_events);
    if (fine.orders() == coarse.orders()) EXPECT_EQ(fine_events, coarse_events) << seed;
    auto again = World::replay(config, seed, coarse.orders(), coarse.now_s());
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(again->state_text(), coarse.state_text()) << seed;
    EXPECT_EQ(again->take_events(), coarse_events);
    // Back to a moment in the middle: the same as a copy that was kept there goes on to be.
    const double half = coarse.orders()[coarse.orders().size() / 2].at_s;
    auto middle = World::replay(config, seed, coarse.orders(), half);
    ASSERT_TRUE(middle);
    World kept = *middle;
    for (World* world : {&*middle, &kept}) world->advance(500);
    EXPECT_EQ(middle->state_text(), kept.state_text());
    events += coarse_events.size();
  }
  EXPECT_GT(events, 300U);
  EXPECT_GT(compared, 150U);
}

TEST(World, AnotherSeedIsAnotherStormAndTheSameSeedTheSame) {
  const auto run = [](std::uint64_t seed) {
    World world = live_world(sample_world(), seed);
    EXPECT_TRUE(world.order({.verb = Verb::kStorm, .target = "lt.storm.west"}));
    EXPECT_TRUE(world.order({.verb = Verb::kSabotage, .target = "lt.sabotage.links", .by = By::kAttacker}));
    world.advance(4 * 3600);
    std::string text;
    for (const WorldEvent& e : world.take_events()) text += std::to_string(e.at_s) + " " + e.text + "\n";
    return text;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
  EXPECT_NE(run(1).find("is broken by lt.storm.west"), std::string::npos);
}

// -- couplings ---------------------------------------------------------------------------------------------------------

TEST(World, NoCouplingIsEverViolated) {
  std::size_t done = 0, dark = 0, down = 0, closed = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    SeededRandom random(seed + 900);
    const bool batteries = seed % 2 == 1;
    const WorldConfig config = random_world(random, batteries);
    auto made = World::make(config, seed);
    if (!made) continue;
    World world = std::move(*made);
    SlowWorld slow(config);
    double unserved = 0;
    for (int step = 0; step < 40; ++step) {
      WorldOrder order = random_order(random, world);
      if (order.by == By::kCrew) order.by = By::kOperator;  // crews come later: SlowWorld knows of orders that are done
      if (order.verb == Verb::kRadioStop || order.verb == Verb::kSplice) continue;
      if (world.order(order)) {
        slow.note(order);
        ++done;
      }
      for (const double seconds : {0.0, 0.3, 7.7, 60.0}) {
        world.advance(seconds);
        const auto broken = slow.broken_rules(world, !batteries);
        ASSERT_TRUE(broken.empty()) << "seed " << seed << " at " << world.now_s() << " after " << to_string(order.verb) << " " << order.target << ": " << broken.front();
      }
      const Consequences c = world.consequences();
      ASSERT_GE(c.unserved_mwh, unserved - 1e-12);
      unserved = c.unserved_mwh;
      down += c.circuits_down;
    }
    for (const WorldEvent& e : world.take_events()) {
      ASSERT_LT(e.cause, e.id) << "a cause comes before what it causes";
      dark += e.kind == WorldEventKind::kDark;
      closed += e.kind == WorldEventKind::kSegmentClosed;
    }
  }
  EXPECT_GT(done, 200U);
  EXPECT_GT(dark, 20U);
  EXPECT_GT(down, 100U);
  EXPECT_GT(closed, 30U);
}

TEST(World, CouplingsToNothingAreNamed) {
  const auto error = [](auto change) {
    WorldConfig c = sample_world();
    change(c);
    const auto world = World::make(std::move(c), 1);
    return world ? std::string() : world.error().text();
  };
  EXPECT_EQ(error([](WorldConfig& c) { c.feeds[0].bus = "lt.bus.none"; }), "feeds[0] lt.node.vilnius: there is no bus lt.bus.none");
  EXPECT_EQ(error([](WorldConfig& c) { c.controls[1].by = "x"; }), "controls[1] x: there is no such circuit or terminal");
  EXPECT_EQ(error([](WorldConfig& c) { c.telecom.nodes[1].name = c.telecom.nodes[0].name; }), "lt.node.vilnius: the name is there twice: a node and a node");
  EXPECT_EQ(error([](WorldConfig& c) { c.settings.step_s = 0; }), "settings.step_s: a step is 0.1 to 3600 s");
  EXPECT_EQ(error([](WorldConfig& c) { c.substations[2].name = "with blank"; }).find("substation \"with blank\": a name is"), 0U);
  EXPECT_EQ(error([](WorldConfig& c) { c.services[0].members = {"lt.node.vilnius"}; }), "services[0] power Vilnius: lt.node.vilnius is nothing that this kind of service is made of");
}

TEST(World, LithuaniaAndUkraineLiveFromTheSharedData) {
  const std::string data = shared_data("exercise");
  if (data.empty()) GTEST_SKIP() << "skipped: needs shared data (exercise)";
  auto config = read_world_at(source_dir() + "/samples/exercise/world-lt-ua/world.toml", data);
  ASSERT_TRUE(config) << config.error().text();
  World world = live_world(std::move(*config));
  EXPECT_NE(world.find("lt.substation.kaunas"), nullptr);
  EXPECT_NE(world.find("ua.node.lviv"), nullptr);
  ASSERT_TRUE(world.order({.verb = Verb::kStorm, .target = "lt.storm.west"}));
  world.advance(3600);
  EXPECT_GT(world.consequences().served_mwh, 5000);
}

TEST(WorldFiles, MistakesAreNamedWithFileLineAndField) {
  const auto read = [](const std::string& toml, const std::map<std::string, std::string>& files) {
    const auto config = read_world(toml, "w.toml", [&](const std::string& name) -> Result<std::string> {
      const auto found = files.find(name);
      if (found == files.end()) return fail(ErrorCode::kNotFound, "there is no such file", {.source = name});
      return found->second;
    });
    return config ? std::string() : config.error().text();
  };
  EXPECT_EQ(read("name = \"x\"\n", {}), "w.toml: power: a world has one grid: a case or an extract");
  EXPECT_NE(read("nmae = \"x\"\n", {}).find("nmae"), std::string::npos);
  EXPECT_EQ(read("name = \"x\"\n[power]\ncase = \"g.m\"\n", {}), "g.m: there is no such file");
  const std::string grid = power::text_of(source_dir() + "/samples/exercise/ring.m");
  EXPECT_EQ(read("name = \"x\"\n[power]\ncase = \"g.m\"\nbuses = \"b.csv\"\n", {{"g.m", grid}, {"b.csv", "bus,country,station,lat,lon\n99,LT,a,55,24\n"}}), "b.csv:2: bus: the case has no such bus");
  EXPECT_EQ(read("name = \"x\"\nplaces = \"p.csv\"\n", {{"p.csv", "name,country,lat,lon\nA,LT,55,\n"}}), "p.csv:2: lat: a position is needed");
}

TEST(WorldFiles, OrdersHaveTimesAndVerbs) {
  const auto orders = read_orders("at,verb,target,value,by\n0:10:00,open,a.b,,\n700.5,set-power,g,12.5,attacker\n", "o.csv");
  ASSERT_TRUE(orders) << orders.error().text();
  EXPECT_EQ((*orders)[1], (TimedOrder{700.5, {Verb::kSetPower, "g", 12.5, By::kAttacker}}));
  EXPECT_EQ(read_orders("at,verb,target\n1:60:00,open,a\n", "o").error().text(), "o:2: at: \"1:60:00\" is no time: 1:30:00, 90, 10m, 24h");
  EXPECT_EQ(read_orders("at,verb,target\n9,open,a\n8,open,a\n", "o").error().text(), "o:3: at: orders are in the order of their times");
  EXPECT_NE(read_orders("at,verb,target\n9,opne,a\n", "o").error().text().find("is none of open, close"), std::string::npos);
}

}  // namespace
}  // namespace bongsu::exercise
