// Drills: below `exercise`, beside the commands on scenarios.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "cli/exercise_nodes_command.h"
#include "cli/exercise_run_command.h"
#include "cli/flags/flags.h"
#include "cli/flags/program.h"

namespace bongsu::cli {
namespace {

// What only a drill on real nodes has; the rest is as it is for one in this process.
int run_on_nodes(const ExerciseRunOptions& r, ExerciseNodesOptions n, bool scripted) {
  n.scenario = r.scenario;
  n.teams = r.teams;
  n.out = r.out;
  n.world = r.world;
  n.data = r.data;
  n.accept_gaps = r.accept_gaps;
  n.seed = r.seed;
  n.json = r.json;
  n.quiet = r.quiet;
  if (scripted) n.scripted = r.scripted;
  if (r.speed != "max") {
    n.speed = finite_number(r.speed);
    if (!n.speed)
      return report({.code = ErrorCode::kInvalid, .message = "is a number", .where = {.field = "--speed"}}, r.json);
  }
  return run_exercise_nodes(n, stdout, stderr);
}

// "winter-drill" for "drills/winter.yaml", or the first of "winter-drill-2", "winter-drill-3", … that is not there.
std::string new_directory(const std::string& scenario) {
  const std::string stem = std::filesystem::path(scenario).stem().string() + "-drill";
  std::string name = stem;
  std::error_code ignored;
  for (int n = 2; std::filesystem::exists(name, ignored); ++n) name = fmt::format("{}-{}", stem, n);
  return name;
}

}  // namespace

void add_drill(Program& p) {
  auto* exercise = p.app.get_subcommand("exercise");
  static ExerciseRunOptions r;
  auto* run =
      p.command(exercise, "run", "Play a drill: with scripted teams in this process, or on real nodes",
                "  bongsu exercise run samples/exercise/scenarios/lithuania-ukraine.yaml --teams 3 --out drill1\n"
                "  bongsu exercise run drill.yaml --world samples/exercise/world-sample/world.toml --scripted "
                "good,slow --speed 60 --out drill2\n"
                "  bongsu exercise run drill.yaml --nodes --scripted good,slow,people --speed 60 --out drill3\n"
                "  bongsu exercise run --resume drill3 --nodes\n");
  static ExerciseNodesOptions n;
  static bool nodes = false;
  run->add_option("scenario", r.scenario, "Scenario (YAML); with --nodes, none: the one in the directory");
  run->add_option(
      "--out,--resume", r.out,
      "Directory for scenario, log, score and report; none: a new one named for the scenario; with --nodes a "
      "drill goes on there");
  run->add_flag("--nodes", nodes, "On real nodes of this machine, with a desk for people");
  run->add_option("--teams", r.teams,
                  "How many teams play: clones of a scenario's only one, or its own number of them");
  run->add_option("--port", n.port, "With --nodes: of the desk's API; 0: a free one")->capture_default_str();
  run->add_option("--mail", n.mail,
                  "With --nodes: smtp://HOST:PORT that takes the drill's mail; none: it goes to the console");
  run->add_option("--cap-post", n.cap_post, "With --nodes: URL that CAP alerts are posted to, beside the file");
  run->add_flag("--wait", n.wait, "With --nodes: exercise control starts the clock");
  run->add_option("--world", r.world,
                  "The range that every team gets a copy of (world.toml); none: orders to it are refused");
  run->add_option("--data", r.data, "Directory of what the world names and does not lie beside it");
  run->add_flag("--accept-gaps", r.accept_gaps, "Start though the range lacks what the scenario asks of it");
  auto* scripted = run->add_option("--scripted", r.scripted,
                                   "Teams' scripts in turn: good, slow, leaky, silent, baseline, or JSON files; with "
                                   "--nodes also people, who play whatever is not named")
                       ->delimiter(',')
                       ->capture_default_str();
  run->add_option("--speed", r.speed, "Drill seconds a second, or max")->capture_default_str();
  run->add_option("--seed", r.seed, "In place of the scenario's");
  run->add_flag("--baseline", r.baseline, "Let the automatic blue team play it, too, for comparison");
  run->add_flag("--json", r.json, "The log's entries as they come");
  run->add_flag("--quiet", r.quiet, "The scoreboard alone");
  scripted->type_name("NAME,…");
  run->callback([&p, scripted] {
    if (!nodes && !(n.mail.empty() && n.cap_post.empty())) {
      p.exit = report({.code = ErrorCode::kInvalid,
                       .message = "--mail and --cap-post need --nodes: nothing is sent from a "
                                  "drill in this process"},
                      r.json);
      return;
    }
    if (r.out.empty() && r.scenario.empty()) {
      p.exit = report({.code = ErrorCode::kInvalid, .message = "name a scenario, or the directory of a drill"}, r.json);
      return;
    }
    if (r.out.empty()) r.out = new_directory(r.scenario);
    p.exit = nodes ? run_on_nodes(r, n, scripted->count() > 0) : run_exercise_run(r, stdout, stderr);
  });

  static ExerciseScoreOptions s;
  auto* score = p.command(exercise, "score", "Score a drill's log anew", "  bongsu exercise score drill1 --points\n");
  score->add_option("dir", s.dir, "Directory of the drill")->required();
  score->add_flag("--points", s.points, "Every point with its rule and entries");
  score->add_flag("--json", s.json, "The whole card");
  score->callback([&p] { p.exit = run_exercise_score(s, stdout, stderr); });

  static ExerciseReportOptions t;
  auto* report = p.command(exercise, "report", "Write the after-action report: HTML, PDF, JSON, items to get better",
                           "  bongsu exercise report drill2 --before drill1 --items drill1/items.json\n");
  report->add_option("dir", t.dir, "Directory of the drill")->required();
  report->add_option("--before", t.before, "Directory of the teams' last run");
  report->add_option("--items", t.items, "Items of earlier drills; usually those in the directory");
  report->add_flag("!--no-pdf", t.pdf, "HTML and JSON alone");
  report->callback([&p] { p.exit = run_exercise_report(t, stdout, stderr); });
}

}  // namespace bongsu::cli
