// Scenarios of exercises.
#include <cstdio>

#include "cli/exercise_commands.h"
#include "cli/exercise_nodes_command.h"
#include "cli/flags/flags.h"
#include "cli/flags/program.h"

namespace bongsu::cli {

void add_exercise(Program& p) {
  auto* exercise = p.group("exercise", "Scenarios of drills, without any node");
  static ExerciseCheckOptions c;
  auto* check = p.command(exercise, "check", "Name every mistake of a scenario with its place, or say what it comes to",
                          "  bongsu exercise check samples/exercise/scenarios/lithuania-ukraine.yaml\n"
                          "  bongsu exercise check --attack ics-attack.json drills/*.yaml --json\n");
  check->add_option("scenarios", c.scenarios, "Scenarios (YAML); - for standard input")->required();
  check->add_option("--attack", c.attack, "MITRE ATT&CK as a STIX bundle: techniques have to exist; may be given again")
      ->allow_extra_args(false);
  check->add_flag("--json", c.json, "One JSON object a line, also on a terminal");
  check->add_flag("--quiet", c.quiet, "No summary");
  check->callback([&p] { p.exit = run_exercise_check(c, stdout, stderr); });

  static ExerciseNodesOptions n;
  auto* run = p.command(exercise, "run", "Run a drill on real nodes of this machine; again in its directory: go on",
                        "  bongsu exercise run drill.yaml --nodes --scripted good,slow,leaky --speed 60 --out drill1\n"
                        "  bongsu exercise run --nodes --out drill1\n");
  static bool nodes = false;
  run->add_option("scenario", n.scenario, "Scenario (YAML); none: the one in --out");
  run->add_flag("--nodes", nodes, "On real nodes")->required();
  run->add_option("--out,--resume", n.out, "Directory of the drill")->required();
  run->add_option("--teams", n.teams, "How many teams there must be");
  run->add_option("--scripted", n.scripted, "Who plays each team, in turn: good, slow, leaky, silent, baseline, a JSON file, people")
      ->allow_extra_args(false);
  run->add_option("--speed", n.speed, "Seconds of the drill a second");
  run->add_option("--world", n.world, "Of the range: world.toml");
  run->add_option("--data", n.data, "Where the world's tables are");
  run->add_option("--seed", n.seed, "In place of the scenario's");
  run->add_option("--port", n.port, "Of the desk's API; 0: a free one")->capture_default_str();
  run->add_flag("--wait", n.wait, "Exercise control starts the clock");
  run->add_flag("--json", n.json, "One JSON object a line, also on a terminal");
  run->add_flag("--quiet", n.quiet, "No progress");
  run->callback([&p] { p.exit = run_exercise_nodes(n, stdout, stderr); });
}

}  // namespace bongsu::cli
