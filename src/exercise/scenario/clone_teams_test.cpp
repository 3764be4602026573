#include "exercise/scenario/clone_teams.h"

#include <gtest/gtest.h>

#include "exercise/scenario/read.h"
#include "exercise/scenario/write.h"

namespace bongsu::exercise::scenario {
namespace {

const char* const kOne = R"(name: One team
exercise: {id: one, start: 2027-01-19T06:00:00Z, duration: 1h, label: TLP:AMBER}
services:
  web: {entity: blue, probe: http, target: "https://a.example/", depends-on: [dns], score: 10}
  dns: {entity: blue, probe: dns, target: a.example}
entities:
  white: {name: Control, role: White}
  red: {name: Red, role: Red}
  blue: {name: Town, role: Blue, member: town, nation: lt, entities: {soc: {name: Watch floor}}}
injects:
  flood:
    from-entity: red
    to-entities: [blue]
    physics: [{kind: service-down, target: web, lasts: 10min}]
    telemetry: [{template: zeek-dns, team: blue, parameters: {source: 10.0.0.1, query: evil.example}}]
    expectations: [{id: seen, act: detect, score: 10, expires: 20min, teams: [blue], seen: {as: alert}}]
events: {e: {injects: [flood]}}
scripts: {s: {start-time: 0, end-time: 1h, events: {e: 5min}}}
stories: {m: {scripts: [s]}}
)";

Scenario one(const std::string& yaml = kOne) {
  auto read = read_scenario(yaml, "one.yaml");
  if (!read)
    for (const Error& e : read.error().list) ADD_FAILURE() << e.text();
  return read ? *read : Scenario{};
}

TEST(CloneTeams, EachCloneHasItsServicesEffectsAndExpectations) {
  const auto three = clone_teams(one(), 3);
  ASSERT_TRUE(three) << three.error().text();
  ASSERT_NE(find(three->entities, "blue-2.soc"), nullptr);
  EXPECT_EQ(find(three->entities, "blue-3")->member, "town-3");
  EXPECT_EQ(find(three->entities, "blue"), nullptr);
  EXPECT_EQ(find(three->services, "web-2")->depends_on, std::vector<std::string>{"dns-2"});
  const Inject& flood = three->injects[0];
  EXPECT_EQ(flood.to_entities, (std::vector<std::string>{"blue-1", "blue-2", "blue-3"}));
  ASSERT_EQ(flood.physics.size(), 3U);
  EXPECT_EQ(flood.physics[2].target, "web-3");
  EXPECT_EQ(flood.telemetry[1].team, "blue-2");
  EXPECT_EQ(flood.expectations[0].teams.size(), 3U);
  // It is a scenario like any other.
  const auto again = read_scenario(write_scenario(*three), "three.yaml");
  ASSERT_TRUE(again) << again.error().list.front().text();
  EXPECT_EQ(*again, *three);
}

TEST(CloneTeams, TeamsOfItsOwnArePlayedAsTheyAreAndNoOtherNumber) {
  const auto three = *clone_teams(one(), 3);
  EXPECT_EQ(*clone_teams(three, 3), three);
  EXPECT_EQ(
      clone_teams(three, 2).error().message,
      "the scenario has 3 teams with parts of their own (blue-1, blue-2, blue-3): it is played by 3, and only one "
      "team's scenario can be cloned");
  EXPECT_EQ(clone_teams(one(), 0).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(clone_teams(one(), kMaxClones + 1).error().code, ErrorCode::kInvalid);
}

TEST(CloneTeams, WhatSpeaksOfOneTeamIsRefusedWithItsPlace) {
  Scenario deed = one();
  deed.conditions = {{.id = "done", .act = ActTest{.team = "blue", .did = Act::kShare}}};
  EXPECT_EQ(clone_teams(deed, 2).error().text(),
            "conditions.done.act: it is about one team's deed: blue can't be cloned");
  Scenario down = one();
  down.conditions = {{.id = "down", .service = ServiceTest{.of = "web"}}};
  EXPECT_EQ(clone_teams(down, 2).error().where.field, "conditions.down.service");
  Scenario share = one();
  share.injects[0].share = {{.id = "warn", .to = {"blue"}}};
  EXPECT_EQ(clone_teams(share, 2).error().where.field, "injects.flood.share.warn");
}

}  // namespace
}  // namespace bongsu::exercise::scenario
