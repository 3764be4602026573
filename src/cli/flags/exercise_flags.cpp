// Scenarios of exercises.
#include <cstdio>

#include "cli/exercise_commands.h"
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
}

}  // namespace bongsu::cli
