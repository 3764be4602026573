// bongsu exercise: scenarios of drills, without any node.
//
//   bongsu exercise check lt-ua-winter.yaml                    every mistake with its place; a summary when there is
//   none bongsu exercise check --attack ics-attack.json drills/*.yaml
//   bongsu exercise check --world world.toml drill.yaml       what the scenario asks of a range that has it not
//
// Exit status: 0 all good, 1 some are not, 2 trouble (no such file, a table that cannot be read).
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct ExerciseCheckOptions {
  std::vector<std::string> scenarios;  // YAML files; "-": standard input
  std::vector<std::string> attack;     // STIX bundles of MITRE ATT&CK: their techniques have to exist
  std::string world, data;             // world.toml and its data: the range has to have what is asked of it
  bool json = false;                   // NDJSON: mistakes, then a summary for each file
  bool quiet = false;                  // no summary
};
int run_exercise_check(const ExerciseCheckOptions& options, std::FILE* out, std::FILE* err);

struct ExerciseMselOptions {
  std::string from;  // export: a scenario; import: a list, .xlsx or .csv
  std::string to;    // export: .xlsx or .csv; import: a scenario; "-": standard output
  std::string base;  // import: the scenario that gives what the list does not say
};
int run_exercise_msel_export(const ExerciseMselOptions& options, std::FILE* out, std::FILE* err);
int run_exercise_msel_import(const ExerciseMselOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
