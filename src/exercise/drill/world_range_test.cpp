#include "exercise/drill/world_range.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/places_test_support.h"
#include "exercise/drill/drill.h"
#include "exercise/drill/range_gaps.h"
#include "exercise/range/world_file.h"
#include "exercise/scenario/read.h"

namespace bongsu::exercise::drill {
namespace {

Result<std::string> file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "no such file", {.source = path});
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

const WorldConfig& sample() {
  static const WorldConfig config = [] {
    const std::string dir = source_dir() + "/samples/exercise/world-sample/";
    return *read_world(*file_text(dir + "world.toml"), "world.toml",
                       [&](const std::string& name) { return file_text(dir + name); });
  }();
  return config;
}

class WorldRangeTest : public testing::Test {
 protected:
  WorldRange range_{*World::make(sample(), 7)};
  std::string first(ThingKind kind) const {
    for (const Thing& thing : range_.world().things())
      if (thing.kind == kind) return thing.name;
    return {};
  }
  bool event(const std::string& target, std::string_view kind) {
    const auto events = range_.take_events();
    return std::ranges::any_of(events, [&](const RangeEvent& e) { return e.target == target && e.kind == kind; });
  }
};

TEST_F(WorldRangeTest, RedOpensABreakerAndTheTeamClosesIt) {
  const std::string breaker = first(ThingKind::kBreaker);
  const auto id = range_.order({.kind = "breaker-open", .target = breaker});
  ASSERT_TRUE(id) << id.error().text();
  EXPECT_GT(*id, 0U);
  EXPECT_EQ(range_.world().measure(breaker, Quantity::kPosition)->value, 0);
  range_.advance_to(60'000);
  EXPECT_FALSE(range_.order({.kind = "breaker-open", .target = breaker})) << "it is open";
  const auto closed = range_.order({.kind = "breaker-close", .target = breaker, .by = Hand::kTeam});
  EXPECT_TRUE(closed) << closed.error().text();
  EXPECT_EQ(range_.world().measure(breaker, Quantity::kPosition)->value, 1);
}

TEST_F(WorldRangeTest, ASubstationGoesDarkAndThatIsMeasured) {
  const std::string station = "lt.substation.kaunas";
  ASSERT_NE(range_.world().find(station), nullptr);
  EXPECT_NEAR(*range_.measure("load-served", "LT"), 100, 0.5);
  const auto dark = range_.order({.kind = "substation-dark", .target = station});
  ASSERT_TRUE(dark) << dark.error().text();
  range_.advance_to(600'000);
  EXPECT_LT(*range_.measure("load-served", "LT"), 99);
  EXPECT_GT(*range_.measure("load-lost", ""), 0);
  EXPECT_GT(range_.consequences().at("unserved_mwh").to_number<double>(), 0);
  EXPECT_TRUE(event(station, "dark"));
}

TEST_F(WorldRangeTest, ProbesSeeWhatServicesStandOn) {
  scenario::Service portal{
      .id = "portal", .depends_on = {"lt.node.vilnius"}, .probe = "http", .target = "https://portal.example"};
  scenario::Service control{.id = "control", .probe = "control", .target = "lt.substation.kaunas"};
  scenario::Service heat{.id = "heat", .probe = "heat", .target = "lt.heat.old-town"};
  EXPECT_TRUE(range_.probe(portal).up);
  EXPECT_TRUE(range_.probe(control).up);
  EXPECT_TRUE(range_.probe(heat).up);
  ASSERT_TRUE(range_.order({.kind = "site-power-out", .target = "lt.node.vilnius"}));
  ASSERT_TRUE(range_.order({.kind = "rtu-lost", .target = "lt.substation.kaunas"}));
  ASSERT_TRUE(range_.order({.kind = "heat-station-stop", .target = "lt.heat.old-town"}));
  EXPECT_NE(range_.probe(control).why.find("answers nobody"), std::string::npos);
  EXPECT_EQ(
      range_.order({.kind = "breaker-open", .target = "lt.substation.kaunas.breaker1", .by = Hand::kTeam}).error().code,
      ErrorCode::kUnavailable);
  EXPECT_FALSE(range_.probe(heat).up);
  range_.advance_to(24 * 3'600'000);
  EXPECT_FALSE(range_.probe(portal).up) << "its battery is empty";
  ASSERT_TRUE(range_.order({.kind = "rtu-back", .target = "lt.substation.kaunas", .by = Hand::kTeam}));
  ASSERT_TRUE(range_.order({.kind = "heat-station-start", .target = "lt.heat.old-town", .by = Hand::kTeam}));
  EXPECT_TRUE(range_.probe(heat).up);
}

TEST_F(WorldRangeTest, AFrozenViewShowsWhatWasAndALostStationsLastWord) {
  const std::string kaunas = "lt.substation.kaunas", breaker = kaunas + ".breaker1";
  const auto position = [&](const std::string& station, const std::string& thing) {
    return range_.seen(station).measure(thing, Quantity::kPosition)->value;
  };
  range_.advance_to(60'000);
  ASSERT_TRUE(range_.order({.kind = "view-frozen", .target = kaunas}));
  ASSERT_TRUE(range_.order({.kind = "breaker-open", .target = breaker}));
  range_.advance_to(120'000);
  EXPECT_EQ(range_.world().measure(breaker, Quantity::kPosition)->value, 0);
  EXPECT_EQ(position(kaunas, breaker), 1);
  EXPECT_TRUE(range_.frozen(kaunas));
  ASSERT_TRUE(range_.order({.kind = "rtu-lost", .target = kaunas}));
  EXPECT_EQ(position(kaunas, breaker), 1) << "it was frozen before it fell silent";
  ASSERT_TRUE(range_.order({.kind = "rtu-back", .target = kaunas, .by = Hand::kTeam}));
  EXPECT_EQ(position(kaunas, breaker), 0);

  const std::string alytus = "lt.substation.alytus";
  ASSERT_TRUE(range_.order({.kind = "rtu-lost", .target = alytus}));
  ASSERT_TRUE(range_.order({.kind = "breaker-open", .target = alytus + ".breaker1"}));
  EXPECT_EQ(position(alytus, alytus + ".breaker1"), 1);
  EXPECT_EQ(range_.seen(kaunas).now_s(), range_.world().now_s()) << "others are seen as they are";
}

TEST_F(WorldRangeTest, WhatTheRangeHasNotIsRefusedWithASentence) {
  EXPECT_EQ(range_.order({.kind = "breaker-open", .target = "lt.substation.nowhere.breaker1"}).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(range_.order({.kind = "temperature", .target = "XX", .value = -20}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(range_.order({.kind = "rtu-lost", .target = "LT"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(range_.measure("homes-heated", "").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(range_.measure("load-served", "XX").error().code, ErrorCode::kNotFound);
}

TEST_F(WorldRangeTest, ALinkIsCutAtOnceAndMendedByACrewWhoNeedTime) {
  const std::string link = first(ThingKind::kLink);
  ASSERT_TRUE(range_.order({.kind = "telecom-link-cut", .target = link}));
  EXPECT_EQ(range_.world().measure(link, Quantity::kPosition)->value, 0);
  ASSERT_TRUE(range_.order({.kind = "telecom-link-repair", .target = link, .by = Hand::kTeam}));
  EXPECT_TRUE(event(link, "crew-sent"));
  range_.advance_to(12 * 3'600'000);
  EXPECT_EQ(range_.world().measure(link, Quantity::kPosition)->value, 1);
}

TEST_F(WorldRangeTest, ADegradedLinkCarriesLessAndItsCircuitsGoOnUntilACrewMendsIt) {
  const std::string link = "lt.link.alytus-kaunas";  // the town's only one
  const scenario::Service calls{.id = "calls", .probe = "phone", .target = "Alytus"};
  ASSERT_NE(range_.world().find(link), nullptr);
  ASSERT_TRUE(range_.order({.kind = "telecom-link-degrade", .target = link, .value = 10}));
  range_.advance_to(60'000);
  EXPECT_TRUE(range_.probe(calls).up);
  ASSERT_TRUE(range_.order({.kind = "telecom-link-degrade", .target = link, .value = 100}));
  range_.advance_to(120'000);
  EXPECT_FALSE(range_.probe(calls).up);
  EXPECT_EQ(range_.world().consequences().circuits_down, 0U);
  ASSERT_TRUE(range_.order({.kind = "telecom-link-repair", .target = link, .by = Hand::kTeam}));
  EXPECT_FALSE(range_.probe(calls).up) << "the crew is on its way";
  range_.advance_to(12 * 3'600'000);
  EXPECT_TRUE(range_.probe(calls).up);
  EXPECT_FALSE(range_.order({.kind = "telecom-link-degrade", .target = link, .value = 101}));
}

TEST_F(WorldRangeTest, FrostAndWhatPeopleUseMoveDemand) {
  WorldRange usual(range_.world());
  const std::string kaunas = "lt.substation.kaunas.bus110", klaipeda = "lt.substation.klaipeda.bus110";
  std::int64_t now = 0;
  const auto part = [&](const std::string& bus) {
    now += 60'000;
    range_.advance_to(now);
    usual.advance_to(now);
    return range_.world().measure(bus, Quantity::kDemand_mw)->value /
           usual.world().measure(bus, Quantity::kDemand_mw)->value;
  };
  EXPECT_NEAR(part(kaunas), 1, 1e-9);
  ASSERT_TRUE(range_.order({.kind = "temperature", .target = "LT", .value = -20}));
  EXPECT_NEAR(part(kaunas), 1.2, 1e-9);
  ASSERT_TRUE(range_.order({.kind = "load-scale", .target = "lt.substation.kaunas", .value = 50}));
  EXPECT_NEAR(part(kaunas), 0.6, 1e-9) << "both";
  EXPECT_NEAR(part(klaipeda), 1.2, 1e-9);
  ASSERT_TRUE(range_.order({.kind = "temperature", .target = "LT", .value = 5}));
  EXPECT_NEAR(part(kaunas), 0.5, 1e-9) << "warmth takes nothing away";
  ASSERT_TRUE(range_.order({.kind = "load-scale", .target = "lt.substation.kaunas", .value = 100, .by = Hand::kFate}));
  EXPECT_NEAR(part(kaunas), 1, 1e-9);
  // A moment is made again, bit by bit.
  const World& world = range_.world();
  EXPECT_EQ(World::replay(world.config(), 7, world.orders(), world.now_s())->state_text(), world.state_text());
}

TEST_F(WorldRangeTest, WindOfACountryIsItsStorms) {
  const auto blows = range_.order({.kind = "wind", .target = "LT", .value = 45, .by = Hand::kRed});
  ASSERT_TRUE(blows) << blows.error().text();
  EXPECT_TRUE(event("lt.storm.west", "disaster"));
  EXPECT_EQ(range_.order({.kind = "wind", .target = "LV", .value = 45}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(range_.order({.kind = "wind", .target = "LT", .value = 0}).error().message,
            "a storm of this range ends by itself");
}

TEST(RangeGaps, WhatTheWorldLacksIsToldWithItsPlaceAndHowItStandsIsNoGap) {
  const World world = *World::make(sample(), 7);
  const std::string breaker = "lt.substation.kaunas.breaker1";
  scenario::Scenario s;
  s.services = {
      {.id = "web", .depends_on = {"lt.node.vilnius", "mail", "lt.node.none"}, .probe = "http", .target = "u"},
      {.id = "mail", .probe = "mail", .target = "a@b.example"},
      {.id = "line", .probe = "trains", .target = "lt.segment.none"},
      {.id = "heat", .probe = "heat", .target = "lt.heat.any"},
      {.id = "calls", .probe = "phone", .target = "Kaunas"},
      {.id = "all", .probe = "phone", .target = "LT"},
      {.id = "nobody", .probe = "phone", .target = "Nowhere"}};
  s.conditions = {{.id = "here", .range = scenario::RangeTest{.quantity = "load-served", .target = "LT"}},
                  {.id = "there", .range = scenario::RangeTest{.quantity = "load-served", .target = "XX"}}};
  scenario::Inject inject{.id = "i"};
  inject.physics = {{.kind = "breaker-open", .target = breaker, .lasts = std::chrono::minutes(5)},
                    {.kind = "breaker-close", .target = breaker},  // it is closed
                    {.kind = "breaker-open", .target = "lt.node.vilnius"},
                    {.kind = "temperature", .target = "XX", .value = -20},
                    {.kind = "wind", .target = "LT", .value = 40, .lasts = std::chrono::hours(1)},
                    {.kind = "service-down", .target = "web"}};
  inject.expectations = {
      {.id = "a", .seen = {.as = scenario::Seen::kOrder, .of = "breaker-close", .target = breaker}},
      {.id = "b",
       .seen = {.as = scenario::Seen::kOrder, .of = "breaker-close", .target = "lt.substation.none.breaker1"}}};
  s.injects = {inject};
  std::vector<std::string> told;
  for (const Error& gap : range_gaps(s, world)) told.push_back(gap.text());
  EXPECT_EQ(told,
            (std::vector<std::string>{
                "services.web.depends-on[2]: there is nothing of this name: lt.node.none",
                "services.line.target: there is nothing of this name: lt.segment.none",
                "services.nobody.target: no town of this name has a mobile network: Nowhere",
                "conditions.there.range: the range has no bus of XX",
                "injects.i.physics[2].target: a node cannot be told open: lt.node.vilnius",
                "injects.i.physics[3].target: the range has no bus of XX",
                "injects.i.physics[4].lasts: a storm of this range ends by itself: LT",
                "injects.i.expectations[1].seen.target: there is nothing of this name: lt.substation.none.breaker1",
            }));
}

TEST(RangeGaps, TheFlagshipsWorldHasWhatItNames) {
  const std::string data = shared_data("exercise");
  if (data.empty()) GTEST_SKIP() << "skipped: needs shared data (exercise)";
  const std::string dir = source_dir() + "/samples/exercise/world-lt-ua/";
  const auto config =
      read_world(*file_text(dir + "with-poland.toml"), "with-poland.toml", [&](const std::string& name) {
        auto own = file_text(dir + name);
        return own ? own : file_text(data + "/" + name);
      });
  ASSERT_TRUE(config) << config.error().text();
  const std::string yaml = source_dir() + "/samples/exercise/scenarios/lithuania-ukraine.yaml";
  const auto flagship = scenario::read_scenario(*file_text(yaml), yaml);
  ASSERT_TRUE(flagship);
  for (const Error& gap : range_gaps(*flagship, *World::make(*config, 7))) ADD_FAILURE() << gap.text();
}

TEST(WorldRanges, EveryTeamHasTheSameWorldToItself) {
  const auto make = world_ranges(sample(), 7);
  ASSERT_TRUE(make) << make.error().text();
  auto a = *(*make)("a"), b = *(*make)("b");
  ASSERT_TRUE(a->order({.kind = "substation-dark", .target = "lt.substation.kaunas"}));
  a->advance_to(600'000);
  b->advance_to(600'000);
  EXPECT_LT(*a->measure("load-served", ""), *b->measure("load-served", ""));
}

}  // namespace
}  // namespace bongsu::exercise::drill
