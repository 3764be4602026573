// Drills: below `exercise`, beside the commands on scenarios.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "cli/drill_start.h"
#include "cli/exercise_nodes_command.h"
#include "cli/exercise_run_command.h"
#include "cli/flags/flags.h"
#include "cli/flags/program.h"

namespace bongsu::cli {
namespace {

// What only a drill on real nodes has; the rest is as it is for one in this process.
int run_on_nodes(const ExerciseRunOptions& r, ExerciseNodesOptions n) {
  n.scenario = r.scenario;
  n.teams = r.teams;
  n.out = r.out;
  n.world = r.world;
  n.data = r.data;
  n.accept_gaps = r.accept_gaps;
  n.seed = r.seed;
  n.json = r.json;
  n.quiet = r.quiet;
  n.scripted = r.scripted;
  n.baseline = r.baseline;
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
                "  bongsu exercise run --resume drill3\n");
  static ExerciseNodesOptions n;
  static bool nodes = false;
  run->add_option("scenario", r.scenario, "Scenario (YAML); none: the drill in the directory goes on");
  run->add_option(
      "--out,--resume", r.out,
      "Directory for scenario, log, score and report; none: a new one named for the scenario. A drill that was broken "
      "off goes on there with what it was started with");
  run->add_flag("--nodes", nodes, "On real nodes of this machine, with a desk for people");
  run->add_option("--teams", r.teams,
                  "How many teams play: clones of a scenario's only one, or its own number of them");
  run->add_option("--port", n.port, "With --nodes: of the desk's API; 0: a free one")->capture_default_str();
  run->add_option("--mail", n.mail,
                  "With --nodes: smtp://HOST:PORT that takes the drill's mail; none: it goes to the console");
  run->add_option("--cap-post", n.cap_post, "With --nodes: URL that CAP alerts are posted to, beside the file");
  run->add_flag("--wait", n.wait, "With --nodes: exercise control starts the clock");
  run->add_flag("--exit-at-end", n.exit_at_end,
                "With --nodes: leave when the drill ends, also where people play, whose forms may wait for grades");
  run->add_option("--world", r.world,
                  "The range that every team gets a copy of (world.toml); none: orders to it are refused");
  run->add_option("--data", r.data, "Directory of what the world names and does not lie beside it");
  run->add_flag("--accept-gaps", r.accept_gaps, "Start though the range lacks what the scenario asks of it");
  run->add_option(
         "--scripted", r.scripted,
         fmt::format("Teams' scripts in turn: good, slow, leaky, silent, baseline, or JSON files; none: {}. With "
                     "--nodes also people, who play whatever is not named",
                     kScripts))
      ->delimiter(',')
      ->type_name("NAME,…");
  run->add_option("--speed", r.speed, "Drill seconds a second, or max")->capture_default_str();
  run->add_option("--seed", r.seed, "In place of the scenario's");
  run->add_flag("--baseline", r.baseline, "Let the automatic blue team play it, too, in this process, for comparison");
  run->add_flag("--json", r.json, "The log's entries as they come");
  run->add_flag("--quiet", r.quiet, "The scoreboard alone");
  run->callback([&p] {
    if (r.scenario.empty() && !r.out.empty()) {
      const auto kept = read_start(r.out);
      if (!kept) {
        p.exit = report(kept.error(), r.json);
        return;
      }
      nodes = nodes || (*kept && (*kept)->nodes);
    }
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
    p.exit = nodes ? run_on_nodes(r, n) : run_exercise_run(r, stdout, stderr);
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

  static ExerciseItemsOptions i;
  auto* items =
      p.command(exercise, "items", "List what is to get better; put in an item, or say who does one until when",
                "  bongsu exercise items drill2 --add \"A list of phone numbers\" --team lt-blue --owner ona\n"
                "  bongsu exercise items drill2 --id lt-blue.by-hand.1 --due 2027-03-01 --state done\n");
  items->add_option("dir", i.dir, "Directory of the drill")->required();
  auto* add = items->add_option("--add", i.add, "A new item: what is to get better");
  items->add_option("--id", i.change.id, "The item that is changed")->excludes(add);
  items->add_option("--team", i.change.team, "Whose it is");
  items->add_option("--text", i.change.text, "Its words")->excludes(add);
  items->add_option("--owner", i.change.owner, "Who does it");
  items->add_option("--due", i.change.due, "Until when: 2027-03-01");
  items->add_option("--state", i.change.state, "open, done or again");
  items->add_flag("--json", i.json, "As the file has them");
  items->callback([&p] { p.exit = run_exercise_items(i, stdout, stderr); });
}

}  // namespace bongsu::cli
