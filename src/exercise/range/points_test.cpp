#include "exercise/range/points.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/clock.h"
#include "exercise/range/world_builder.h"
#include "exercise/range/world_test_support.h"
#include "exercise/wire/iec104/master.h"
#include "exercise/wire/iec104/station.h"

namespace bongsu::exercise {
namespace {

namespace iec104 = wire::iec104;

struct Bound {
  World world = live_world(sample_world());
  FakeClock clock;
  wire::PointList list;
  std::unique_ptr<wire::Points> points;
  std::unique_ptr<WorldProcess> process;

  explicit Bound(std::string_view substation) {
    list = points_of(world, substation).value();
    points = std::make_unique<wire::Points>(wire::points_of(list), clock.now());
    process = WorldProcess::make(world, list, *points, clock).value();
  }
  wire::Reading read(std::string_view name) const { return points->read(points->find(name).value()); }
  wire::Answer operate(std::string_view name, double value) {
    bool done = false;
    const wire::Answer answer = process->operate({.point = points->find(name).value(), .value = value, .from = "test"}, [&](bool ok) { done = ok; });
    EXPECT_EQ(done, answer == wire::Answer::kAccepted);
    return answer;
  }
};

TEST(WorldPoints, ASubstationsPointsShowItsWorld) {
  Bound b("lt.substation.klaipeda");
  EXPECT_EQ(b.read("lt.substation.klaipeda.breaker1.position").value, 2);
  EXPECT_NEAR(b.read("lt.substation.klaipeda.bus110.voltage_kv").value, 112.2, 3);
  EXPECT_NEAR(b.read("lt.substation.klaipeda.bus110.frequency_hz").value, 50, 0.01);
  EXPECT_GT(b.read("lt.generator.klaipeda-wind.power_mw").value, 90);
  std::set<std::uint32_t> objects;
  for (const wire::PointRow& row : b.list) EXPECT_TRUE(objects.insert(row.iec104->object).second) << row.point.name;
  EXPECT_EQ(points_of(b.world, "lt.substation.none").error().code, ErrorCode::kNotFound);
}

TEST(WorldPoints, CommandsBecomeOrdersAndRefusalsHaveTheirReason) {
  Bound b("lt.substation.klaipeda");
  EXPECT_EQ(b.operate("lt.substation.klaipeda.breaker1.position", 2), wire::Answer::kInterlocked);
  EXPECT_EQ(b.process->refusal(), "lt.substation.klaipeda.breaker1 is closed already");
  EXPECT_EQ(b.operate("lt.substation.klaipeda.breaker1.position", 1), wire::Answer::kAccepted);
  EXPECT_EQ(b.read("lt.substation.klaipeda.breaker1.position").value, 1);
  EXPECT_EQ(b.operate("lt.generator.klaipeda-cogeneration.setpoint_mw", 151), wire::Answer::kOutOfRange);
  EXPECT_EQ(b.operate("lt.generator.klaipeda-cogeneration.setpoint_mw", 100), wire::Answer::kAccepted);
  EXPECT_EQ(b.operate("lt.substation.klaipeda.bus110.voltage_kv", 100), wire::Answer::kUnavailable);
  EXPECT_EQ(b.world.orders().size(), 3U) << "what never became an order is none";
  for (const char* link : {"lt.link.kaunas-klaipeda", "lt.link.klaipeda-siauliai"}) ASSERT_TRUE(b.world.order({.verb = Verb::kCut, .target = link, .by = By::kAttacker}));
  b.world.advance(10);
  b.process->refresh();
  EXPECT_TRUE(b.read("lt.substation.klaipeda.bus110.voltage_kv").quality.not_topical);
  EXPECT_EQ(b.process->check({.point = 0, .value = 2, .from = ""}), wire::Answer::kUnavailable);
  EXPECT_EQ(b.operate("lt.substation.klaipeda.breaker1.position", 2), wire::Answer::kUnavailable);
  EXPECT_NE(b.process->refusal().find("lt.circuit.klaipeda is down"), std::string::npos);
}

TEST(WorldPoints, ListsOfOnesOwnAreCheckedByName) {
  World world = live_world(sample_world());
  FakeClock clock;
  const auto error = [&](std::string name, wire::PointKind kind) {
    const wire::PointList list{{.point = {.name = std::move(name), .kind = kind, .unit = "", .value = kind == wire::PointKind::kDouble ? 1.0 : 0}}};
    wire::Points points(wire::points_of(list), clock.now());
    const auto made = WorldProcess::make(world, list, points, clock);
    return made ? std::string() : made.error().text();
  };
  EXPECT_EQ(error("lt.node.vilnius.position", wire::PointKind::kSingle), "");
  EXPECT_EQ(error("lt.node.vilnius.battery_h", wire::PointKind::kReal), "");
  EXPECT_EQ(error("lt.node.nowhere.position", wire::PointKind::kSingle), "lt.node.nowhere.position: the world has nothing called lt.node.nowhere");
  EXPECT_EQ(error("lt.node.vilnius.voltage_kv", wire::PointKind::kReal), "lt.node.vilnius.voltage_kv: a node has no voltage_kv");
  EXPECT_EQ(error("u1", wire::PointKind::kReal), "u1: a point of a world is called THING.QUANTITY");
  EXPECT_EQ(error("lt.node.vilnius.position", wire::PointKind::kReal), "lt.node.vilnius.position: a position is a single or double point, and nothing else is one");
}

// Bytes on the wire, both ways: an operator's command over IEC 104 opens a breaker of the world, and the change comes back.
TEST(WorldPoints, AnOperatorOverIec104OpensABreakerOfTheWorld) {
  Bound b("lt.substation.kaunas");
  iec104::Station station(b.list, *b.points, *b.process, {}, b.clock);
  std::map<std::uint32_t, double> seen;
  std::string ended;
  iec104::Master master({}, b.clock, {.on_started = {}, .on_value = [&](const iec104::Observed& v) { seen[v.object] = v.value; },
                                      .on_command = [&](std::uint64_t, const iec104::CommandState& s) { if (s.last()) ended = std::string(to_string(s.phase)); }, .on_notice = {}});
  auto session = station.accept("test");
  const auto talk = [&] {
    for (int k = 0; k < 20; ++k) {
      if (const std::string bytes = master.take_output(); !bytes.empty()) ASSERT_TRUE(session->receive(bytes));
      if (const std::string bytes = session->take_output(); !bytes.empty()) ASSERT_TRUE(master.receive(bytes));
    }
  };
  talk();
  ASSERT_EQ(seen[1], 2) << "the interrogation showed breaker 1 closed";
  ASSERT_TRUE(master.command({.object = 10'000, .type = iec104::TypeId::C_DC_NA_1, .element = {.value = 1}, .select = true}));
  talk();
  EXPECT_EQ(ended, "done");
  EXPECT_EQ(seen[1], 1);
  EXPECT_EQ(b.world.measure("lt.substation.kaunas.breaker1", Quantity::kPosition)->value, 0);
  EXPECT_EQ(b.world.orders().size(), 1U);
}

TEST(WorldPoints, AGridAloneIsAWorldToo) {
  auto config = world_of_case(power::sample("ring.m"));
  ASSERT_TRUE(config);
  World world = live_world(std::move(*config));
  world.advance(60);
  EXPECT_TRUE(world.order({.verb = Verb::kOpen, .target = "substation.20.breaker1"}));
  EXPECT_GT(points_of(world, "substation.20")->size(), 10U);
}

}  // namespace
}  // namespace bongsu::exercise
