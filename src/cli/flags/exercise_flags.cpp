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
  check->add_option("--world", c.world, "The range that it is for (world.toml): it has to have what is asked of it");
  check->add_option("--data", c.data, "Directory of what the world names and does not lie beside it");
  check->add_flag("--json", c.json, "One JSON object a line, also on a terminal");
  check->add_flag("--quiet", c.quiet, "No summary");
  check->callback([&p] { p.exit = run_exercise_check(c, stdout, stderr); });

  auto* msel = exercise->add_subcommand("msel", "The Master Scenario Events List of those who plan exercises");
  msel->require_subcommand(1);
  static ExerciseMselOptions e;
  auto* out = p.command(msel, "export", "Write a scenario as sheets", "  bongsu exercise msel export drill.yaml -o msel.xlsx\n");
  out->add_option("scenario", e.from, "Scenario (YAML); - for standard input")->required();
  out->add_option("-o,--output", e.to, "List: .xlsx or .csv")->required();
  out->callback([&p] { p.exit = run_exercise_msel_export(e, stdout, stderr); });
  static ExerciseMselOptions i;
  i.to = "-";
  auto* in = p.command(msel, "import", "Read a scenario from sheets",
                       "  bongsu exercise msel import msel.xlsx -o drill.yaml\n"
                       "  bongsu exercise msel import planners.csv --base drill.yaml -o mine.yaml\n");
  in->add_option("list", i.from, "List: .xlsx or .csv")->required();
  in->add_option("--base", i.base, "Scenario that gives what the list does not say");
  in->add_option("-o,--output", i.to, "Scenario (YAML); - for standard output")->capture_default_str();
  in->callback([&p] { p.exit = run_exercise_msel_import(i, stdout, stderr); });
}

}  // namespace bongsu::cli
