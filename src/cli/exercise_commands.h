// bongsu exercise: scenarios of drills, without any node.
//
//   bongsu exercise check lt-ua-winter.yaml                    every mistake with its place; a summary when there is
//   none bongsu exercise check --attack ics-attack.json drills/*.yaml
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
  bool json = false;                   // NDJSON: mistakes, then a summary for each file
  bool quiet = false;                  // no summary
};
int run_exercise_check(const ExerciseCheckOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
