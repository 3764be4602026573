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
