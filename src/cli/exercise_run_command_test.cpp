#include "cli/exercise_run_command.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/places_test_support.h"
#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

class ExerciseRunTest : public CommandTest {
 protected:
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::string content(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(dir_ / name, std::ios::binary).rdbuf();
    return out.str();
  }
  static std::string sample(const std::string& name) { return source_dir() + "/samples/exercise/" + name; }
  int play(const std::string& out, std::vector<std::string> scripted = {"good", "slow", "leaky"}) {
    return run(run_exercise_run, ExerciseRunOptions{.scenario = sample("scenarios/lithuania-ukraine.yaml"),
                                                    .out = path(out),
                                                    .world = sample("world-sample/world.toml"),
                                                    .scripted = std::move(scripted),
                                                    .accept_gaps = true,
                                                    .baseline = true});
  }
};

TEST_F(ExerciseRunTest, TheFlagshipIsPlayedScoredAndReported) {
  ASSERT_EQ(play("d1"), 0) << err_;
  EXPECT_NE(out_.find("EXERCISE"), std::string::npos);
  EXPECT_NE(out_.find("inject"), std::string::npos) << out_;
  EXPECT_NE(out_.find("of 100"), std::string::npos);
  const auto card = parse_json(content("d1/score.json"));
  ASSERT_TRUE(card);
  const std::string first = content("d1/score.json");
  ASSERT_EQ(run(run_exercise_score, ExerciseScoreOptions{.dir = path("d1"), .points = true}), 0) << err_;
  EXPECT_NE(out_.find("share-in-time"), std::string::npos);
  EXPECT_TRUE(content("d1/score.json") == first) << "the log alone gives the same card";
  EXPECT_TRUE(content("d1/report.pdf").starts_with("%PDF-")) << "a drill ends with its report";
  ASSERT_EQ(run(run_exercise_report, ExerciseReportOptions{.dir = path("d1")}), 0) << err_;
  const std::string html = content("d1/report.html"), pdf = content("d1/report.pdf"), json = content("d1/report.json");
  EXPECT_TRUE(pdf.starts_with("%PDF-"));
  EXPECT_NE(html.find("Automatic baseline"), std::string::npos);
  EXPECT_TRUE(parse_json(json));
  ASSERT_EQ(run(run_exercise_report, ExerciseReportOptions{.dir = path("d1")}), 0);
  EXPECT_TRUE(content("d1/report.html") == html);
  EXPECT_TRUE(content("d1/report.pdf") == pdf);
  EXPECT_TRUE(content("d1/report.json") == json);
  EXPECT_EQ(play("d1"), 2) << "a drill is not written over";
  EXPECT_NE(err_.find("already"), std::string::npos);
}

TEST_F(ExerciseRunTest, ADrillThatWasBrokenOffGoesOnFromItsDirectoryAloneToTheSameLog) {
  const std::string scripts = file("p.json", R"({"name": "quick", "finds": 1})");
  ASSERT_EQ(run(run_exercise_run, ExerciseRunOptions{.scenario = sample("scenarios/lithuania-ukraine.yaml"),
                                                     .out = path("d"),
                                                     .world = sample("world-sample/world.toml"),
                                                     .scripted = {"good", scripts, "leaky"},
                                                     .seed = 5,
                                                     .accept_gaps = true,
                                                     .quiet = true}),
            0)
      << err_;
  const std::string log = content("d/drill.ndjson"), card = content("d/score.json");
  std::filesystem::remove(scripts);
  for (const std::size_t left : {log.size() / 2 + 3, log.find('\n') + 1, log.size() - 1, log.size(), std::size_t{0}}) {
    std::filesystem::remove(dir_ / "d/score.json");
    std::filesystem::resize_file(dir_ / "d/drill.ndjson", left);
    ASSERT_EQ(run(run_exercise_run, ExerciseRunOptions{.out = path("d"), .quiet = true}), 0) << err_;
    if (left == 0) break;  // nothing was left to say when it began
    EXPECT_TRUE(content("d/drill.ndjson") == log) << "cut after " << left << " bytes";
    EXPECT_TRUE(content("d/score.json") == card) << "cut after " << left << " bytes";
  }
  EXPECT_EQ(run(run_exercise_run, ExerciseRunOptions{.out = path("d"), .seed = 6}), 2);
  EXPECT_NE(err_.find("--seed"), std::string::npos) << err_;
  EXPECT_EQ(run(run_exercise_run, ExerciseRunOptions{.out = path("d"), .scripted = {"silent"}}), 2);
  EXPECT_NE(err_.find("--scripted"), std::string::npos) << err_;
  // Another program's log is not gone on with.
  file("d/drill.ndjson", log);
  const std::string start = content("d/start.json");
  file("d/start.json", start.substr(0, start.find("\"5\"")) + "\"6\"" + start.substr(start.find("\"5\"") + 3));
  EXPECT_EQ(run(run_exercise_run, ExerciseRunOptions{.out = path("d")}), 2);
  EXPECT_NE(err_.find("drill.ndjson:1"), std::string::npos) << err_;
  EXPECT_TRUE(content("d/drill.ndjson") == log) << "and left as it is";
  EXPECT_EQ(run(run_exercise_run, ExerciseRunOptions{.out = path("nowhere")}), 2);
}

TEST_F(ExerciseRunTest, ATornLogIsUsedAsFarAsItIsWhole) {
  ASSERT_EQ(run(run_exercise_run, ExerciseRunOptions{.scenario = sample("scenarios/lithuania-ukraine.yaml"),
                                                     .out = path("d"),
                                                     .scripted = {"good"},
                                                     .quiet = true}),
            0)
      << err_;
  std::filesystem::resize_file(dir_ / "d/drill.ndjson", std::filesystem::file_size(dir_ / "d/drill.ndjson") / 2 + 3);
  EXPECT_EQ(run(run_exercise_score, ExerciseScoreOptions{.dir = path("d")}), 1);
  EXPECT_NE(err_.find("cut off"), std::string::npos) << err_;
  EXPECT_NE(out_.find("of 100"), std::string::npos);
}

TEST_F(ExerciseRunTest, ItemsArePutInByHandAndComeBackAtTheNextDrill) {
  for (const char* name : {"d1", "d2"})
    ASSERT_EQ(run(run_exercise_run, ExerciseRunOptions{.scenario = sample("scenarios/frostygoop-2024.yaml"),
                                                       .out = path(name),
                                                       .scripted = {"slow"},
                                                       .quiet = true}),
              0)
        << err_;
  const auto items = [&](ExerciseItemsOptions o) {
    o.dir = path("d1");
    return run(run_exercise_items, o);
  };
  ASSERT_EQ(items({.add = "A list of phone numbers", .change = {.team = "heat", .owner = "ona"}}), 0) << err_;
  EXPECT_NE(out_.find("heat.by-hand.1"), std::string::npos) << out_;
  ASSERT_EQ(items({.change = {.id = "heat.by-hand.1", .due = "2027-03-01"}}), 0) << err_;
  EXPECT_NE(out_.find("2027-03-01"), std::string::npos) << out_;
  EXPECT_EQ(items({.add = "x", .change = {.team = "nobody"}}), 2);
  EXPECT_NE(err_.find("no team nobody"), std::string::npos) << err_;
  EXPECT_EQ(items({.change = {.owner = "ona"}}), 2);
  EXPECT_NE(err_.find("--id"), std::string::npos) << err_;
  EXPECT_EQ(items({.change = {.id = "heat.by-hand.1", .due = "soon"}}), 2);
  ASSERT_EQ(run(run_exercise_report, ExerciseReportOptions{.dir = path("d1")}), 0) << err_;
  EXPECT_NE(content("d1/report.html").find("A list of phone numbers"), std::string::npos) << "its own report keeps it";
  ASSERT_EQ(run(run_exercise_report, ExerciseReportOptions{.dir = path("d2"), .items = path("d1/items.json")}), 0);
  EXPECT_NE(content("d2/report.html").find("A list of phone numbers"), std::string::npos);
  EXPECT_NE(content("d2/items.json").find("2027-03-01"), std::string::npos);
}

TEST_F(ExerciseRunTest, TroubleIsNamed) {
  const std::string good = sample("scenarios/lithuania-ukraine.yaml");
  EXPECT_EQ(run(run_exercise_run, ExerciseRunOptions{.scenario = path("absent.yaml"), .out = path("x")}), 2);
  EXPECT_EQ(
      run(run_exercise_run, ExerciseRunOptions{.scenario = file("bad.yaml", "name: x\nnmae: y\n"), .out = path("x")}),
      1);
  EXPECT_NE(err_.find("bad.yaml:2"), std::string::npos) << err_;
  EXPECT_EQ(run(run_exercise_run, ExerciseRunOptions{.scenario = good, .out = path("x"), .speed = "warp"}), 2);
  EXPECT_NE(err_.find("warp"), std::string::npos);
  EXPECT_EQ(
      run(run_exercise_run, ExerciseRunOptions{.scenario = good, .out = path("x"), .scripted = {"good,brilliant"}}), 2);
  EXPECT_NE(err_.find("good, slow, leaky"), std::string::npos) << err_;
  EXPECT_EQ(run(run_exercise_run,
                ExerciseRunOptions{.scenario = good, .out = path("x"), .scripted = {file("p.json", R"({"finds":3})")}}),
            2);
  EXPECT_NE(err_.find("p.json: finds"), std::string::npos) << err_;
  EXPECT_EQ(run(run_exercise_run,
                ExerciseRunOptions{.scenario = good, .out = path("x"), .world = sample("world-sample/world.toml")}),
            1);
  EXPECT_NE(err_.find("--accept-gaps"), std::string::npos) << err_;
  EXPECT_FALSE(std::filesystem::exists(path("x"))) << "nothing has begun";
  EXPECT_EQ(run(run_exercise_score, ExerciseScoreOptions{.dir = path("nowhere")}), 2);
  EXPECT_EQ(run(run_exercise_report, ExerciseReportOptions{.dir = path("nowhere")}), 2);
}

}  // namespace
}  // namespace bongsu::cli
