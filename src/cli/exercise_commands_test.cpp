#include "cli/exercise_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/json.h"
#include "base/places_test_support.h"
#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

using testing::HasSubstr;

class ExerciseCommandsTest : public CommandTest {};

constexpr const char* kBroken = R"(name: Broken
exercise: {id: broken, start: 2027-01-19T07:00:00Z, duration: 6, label: TLP:AMBER}
entities: {white: {role: White}, lt: {role: Blue, member: cert-lt}}
injects: {a: {from-entity: white, to-entities: [lt], deliver: [{via: console, roles: [Blue], text: "x"}], ttp: [T0001]}}
events: {e: {injects: [a]}}
scripts: {s: {start-time: 0, end-time: 1h, events: {e: 5min}}}
stories: {main: {scripts: [s]}}
)";
constexpr const char* kTable =
    R"({"type":"bundle","objects":[{"type":"attack-pattern","external_references":[{"source_name":"mitre-attack","external_id":"T0855"}]}]})";

TEST_F(ExerciseCommandsTest, MistakesAreNamedWithTheirPlace) {
  const std::string path = file("broken.yaml", kBroken);
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {path}}), 1);
  EXPECT_EQ(out_, path + ":2:63: exercise.duration: a duration needs a unit: 6s, 6min or 6h?\n");
  EXPECT_THAT(err_, HasSubstr("1 mistakes"));
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {path}, .attack = {file("attack.json", kTable)}}), 1);
  EXPECT_THAT(out_, HasSubstr("injects.a.ttp[0]: ATT&CK has no technique T0001"));
}

TEST_F(ExerciseCommandsTest, MistakesAreJsonForPrograms) {
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {file("broken.yaml", kBroken)}, .json = true}), 1);
  std::istringstream lines(out_);
  std::string line;
  std::getline(lines, line);
  const Json first = *parse_json(line);
  EXPECT_EQ(string_at(first, "field"), "exercise.duration");
  EXPECT_EQ(int_at(first, "line"), 2);
  std::getline(lines, line);
  EXPECT_EQ(int_at(*parse_json(line), "mistakes"), 1);
}

TEST_F(ExerciseCommandsTest, AGoodOneIsSummedUp) {
  std::string good = kBroken;
  good.replace(good.find("duration: 6"), 11, "duration: 6h");
  const std::string path = file("good.yaml", good);
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {path}}), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("1 injects: 1 timed, 0 on conditions"));
  EXPECT_THAT(out_, HasSubstr("lt (cert-lt): 1 injects, 0 expectations, 0 points"));
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {path}, .quiet = true}), 0);
  EXPECT_EQ(out_, "");
}

TEST_F(ExerciseCommandsTest, WhatTheRangeLacksIsAMistakeBeforeTheDrillStarts) {
  const std::string drills = source_dir() + "/samples/exercise/";
  const std::string flagship = drills + "scenarios/lithuania-ukraine.yaml", world = drills + "world-sample/world.toml";
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {flagship}, .world = world}), 1);
  EXPECT_THAT(out_,
              HasSubstr("lithuania-ukraine.yaml: injects.substations-ua.physics[0].target: there is nothing of this "
                        "name: ua.substation.lviv.breaker1"));
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {drills + "three-members.yaml"}, .world = world}), 0) << out_;
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {flagship}, .world = "/nowhere.toml"}), 2);
}

TEST_F(ExerciseCommandsTest, AListGoesOutAndComesBackTheSame) {
  const std::string drill = source_dir() + "/samples/exercise/scenarios/lithuania-ukraine.yaml";
  for (const char* name : {"msel.xlsx", "msel.csv"}) {
    const std::string list = (dir_ / name).string(), yaml = (dir_ / "again.yaml").string();
    ASSERT_EQ(run(run_exercise_msel_export, {.from = drill, .to = list}), 0) << err_;
    ASSERT_EQ(run(run_exercise_msel_import, {.from = list, .to = yaml}), 0) << err_;
    ASSERT_EQ(run(run_exercise_msel_import, {.from = list, .to = "-"}), 0) << err_;
    const std::string first = out_;
    ASSERT_EQ(run(run_exercise_msel_export, {.from = yaml, .to = list}), 0) << err_;
    ASSERT_EQ(run(run_exercise_msel_import, {.from = list, .to = "-"}), 0) << err_;
    EXPECT_EQ(out_, first);
  }
}

TEST_F(ExerciseCommandsTest, AListThatIsNoneIsRefused) {
  EXPECT_EQ(run(run_exercise_msel_import, {.from = file("a.txt", "x"), .to = "-"}), 2);
  EXPECT_THAT(err_, HasSubstr("ends in .xlsx or .csv"));
  EXPECT_EQ(run(run_exercise_msel_import, {.from = file("a.xlsx", "x"), .to = "-"}), 2);
  EXPECT_THAT(err_, HasSubstr("no zip archive"));
  EXPECT_EQ(run(run_exercise_msel_import, {.from = file("a.csv", "Event #,DTG\r\n1,190630ZJAN27\r\n"), .to = "-"}), 1);
  EXPECT_THAT(err_, HasSubstr("a.csv!MSEL:2:2: DTG: a list alone needs a scenario"));
  EXPECT_EQ(run(run_exercise_msel_export, {.from = file("broken.yaml", kBroken), .to = (dir_ / "x.csv").string()}), 1);
  EXPECT_THAT(err_, HasSubstr("needs a unit"));
}

TEST_F(ExerciseCommandsTest, WhatCannotBeReadIsTrouble) {
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {"/nowhere/drill.yaml"}}), 2);
  EXPECT_THAT(err_, HasSubstr("bongsu exercise check:"));
  EXPECT_EQ(run(run_exercise_check, {.scenarios = {file("a.yaml", kBroken)}, .attack = {file("b.json", "{}")}}), 2);
}

}  // namespace
}  // namespace bongsu::cli
