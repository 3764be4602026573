#include "cli/exercise_nodes_command.h"

#include <gtest/gtest.h>

#include "cli/command_test_support.h"
#include "cli/drill_start.h"

namespace bongsu::cli {
namespace {

// A drill that can't start where one team must play: it has two.
std::string scenario(const std::string& id, bool third) {
  return "name: " + id + "\nexercise: {id: " + id +
         ", start: 2027-01-19T07:00:00Z, time-zone: Europe/Vilnius, duration: 1h, label: TLP:AMBER, speed: {least: 1, "
         "most: 60}}\n"
         "entities:\n  lt-blue: {name: CERT-LT, role: Blue, member: cert-lt}\n"
         "  ua-blue: {name: CERT-UA, role: Blue, member: cert-ua}\n" +
         (third ? "  pl-blue: {name: CSIRT-PL, role: Blue, member: csirt-pl}\n" : "") +
         "  white: {name: Exercise control, role: White}\n"
         "injects:\n  brief: {name: Brief, from-entity: white, to-entities: [lt-blue], deliver: [{via: console, roles: "
         "[Blue], subject: Look, text: "
         "Go}]}\nevents: {one: {injects: [brief]}}\n"
         "scripts: {day: {start-time: 0s, end-time: 1h, speed: 1, events: {one: 1min}}}\nstories: {main: {scripts: "
         "[day]}}\n";
}

class ExerciseNodesTest : public CommandTest {
 protected:
  int start(const std::string& named, std::optional<std::size_t> teams = 1) {
    return run(run_exercise_nodes,
               ExerciseNodesOptions{.scenario = named, .out = (dir_ / "drill").string(), .teams = teams});
  }
};

TEST_F(ExerciseNodesTest, AStartThatFailedDoesNotKeepItsScenario) {
  EXPECT_EQ(start(file("two.yaml", scenario("two", false))), 2);
  EXPECT_NE(err_.find("the scenario has 2 teams"), std::string::npos) << err_;
  EXPECT_EQ(start(file("three.yaml", scenario("three", true))), 2);
  EXPECT_NE(err_.find("the scenario has 3 teams"), std::string::npos) << err_;
  EXPECT_EQ(start(""), 2);
  EXPECT_NE(err_.find("name a scenario"), std::string::npos) << err_;
}

TEST_F(ExerciseNodesTest, ADrillGoesOnWithWhatItWasStartedWithAndRefusesAnythingElse) {
  file("drill/drill.ndjson", "");
  file("drill/scenario.yaml", scenario("two", false));
  const std::string policy = R"({"name": "quick", "finds": 1})";
  file("p.json", policy);
  const auto start = start_of({.nodes = true,
                               .seed = 9007199254740993,
                               .speed = 30,
                               .port = 4711,
                               .mail = "smtp://127.0.0.1:2525",
                               .exit_at_end = true},
                              {"good", (dir_ / "p.json").string()});
  ASSERT_TRUE(start) << start.error().text();
  ASSERT_TRUE(write_start(dir_ / "drill", *start));
  const auto kept = read_start(dir_ / "drill");
  ASSERT_TRUE(kept && *kept) << "it is there";
  EXPECT_EQ((*kept)->scripts, start->scripts);
  EXPECT_EQ((*kept)->scripts[1].policy, policy) << "with its text, wherever the file goes";
  EXPECT_EQ((*kept)->seed, 9007199254740993);
  EXPECT_EQ((*kept)->port, 4711);
  EXPECT_EQ((*kept)->mail, "smtp://127.0.0.1:2525");
  EXPECT_TRUE((*kept)->exit_at_end && (*kept)->nodes && !(*kept)->wait);
  const auto again = [&](ExerciseNodesOptions o) {
    o.out = (dir_ / "drill").string();
    EXPECT_EQ(run(run_exercise_nodes, o), 2);
    return err_;
  };
  EXPECT_NE(again({.scripted = {"slow"}}).find("--scripted"), std::string::npos) << err_;
  EXPECT_NE(err_.find("good,"), std::string::npos) << "it says what it began with: " << err_;
  EXPECT_NE(again({.seed = 8}).find("9007199254740993"), std::string::npos) << err_;
  EXPECT_NE(again({.speed = 31}).find("speed 30"), std::string::npos) << err_;
  const std::string world = file("w.toml", "");
  EXPECT_NE(again({.world = world}).find("--world"), std::string::npos) << err_;
  file("drill/start.json", "{\"format\":1}");
  EXPECT_NE(again({}).find("start.json: nodes"), std::string::npos) << err_;
}

TEST_F(ExerciseNodesTest, ADrillThatHasBegunRefusesAnotherScenarioAndTakesItsOwnAgain) {
  file("drill/drill.ndjson", "");
  file("drill/scenario.yaml", scenario("two", false));
  EXPECT_EQ(start(file("other.yaml", scenario("other", false)), std::nullopt), 2);
  EXPECT_NE(err_.find("another scenario"), std::string::npos) << err_;
  for (const std::string& own : {file("same.yaml", "# the same\n" + scenario("two", false)), std::string()}) {
    EXPECT_EQ(start(own), 2);
    EXPECT_NE(err_.find("the scenario has 2 teams"), std::string::npos) << err_;
  }
}

}  // namespace
}  // namespace bongsu::cli
