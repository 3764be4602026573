// bongsu exercise run|score|report: a drill played by scripts in one process, what it is worth, and what is said of it.
//
//   bongsu exercise run samples/exercise/scenarios/lithuania-ukraine.yaml --scripted good,slow,leaky --out drill1
//   bongsu exercise run SCENARIO --world samples/exercise/world-sample/world.toml --speed 60 --out drill2
//   bongsu exercise score drill1
//   bongsu exercise report drill2 --before drill1 --items drill1/items.json
//   bongsu exercise items drill2 --add "A list of phone numbers" --team lt-blue --owner ona --due 2027-03-01
//
//   bongsu exercise run --resume drill2                  one that was broken off: it goes on to the same log
//
// A drill's directory holds start.json (what it was started with: drill_start.h), scenario.yaml, drill.ndjson (the
// log), score.json, baseline.json (the automatic blue team, on request), and the report: report.html, report.pdf,
// report.json and items.json.
//
// Exit status: 0 done; 1 the scenario has mistakes or asks what the world lacks, or the log is torn (what is whole was
// used); 2 trouble.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/drill/drill.h"
#include "exercise/report/items.h"

namespace bongsu::cli {

inline constexpr const char* kScripts = "good,slow,leaky";

struct ExerciseRunOptions {
  std::string scenario, out;          // no scenario: `out` has a drill, which goes on
  std::string world, data;            // world.toml and its data; none: every order to the range is refused
  std::string speed = "max";          // drill seconds a second
  std::vector<std::string> scripted;  // policies by name or JSON file, in turn; none: kScripts
  std::optional<std::size_t> teams;   // clones of the only team; where there are several, their number
  std::optional<std::uint64_t> seed;
  bool accept_gaps = false;  // start though the world lacks what the scenario asks of it
  bool baseline = false, json = false, quiet = false;
};
int run_exercise_run(const ExerciseRunOptions& options, std::FILE* out, std::FILE* err);

// The automatic blue team's drill of the same scenario, scored: into DIR/baseline.json.
Result<void> write_baseline(const std::string& dir, const exercise::scenario::Scenario& scenario,
                            const exercise::drill::RangeMaker& make, const exercise::drill::Settings& settings);

struct ExerciseScoreOptions {
  std::string dir;
  bool json = false, points = false;  // points: each with its entries
};
int run_exercise_score(const ExerciseScoreOptions& options, std::FILE* out, std::FILE* err);

struct ExerciseReportOptions {
  std::string dir, before, items;  // before: the directory of the teams' last run
  bool pdf = true;
};
int run_exercise_report(const ExerciseReportOptions& options, std::FILE* out, std::FILE* err);

// Lists a drill's items to get better, after one was added or changed. The drill's report is to be made anew after it.
struct ExerciseItemsOptions {
  std::string dir;
  std::string add;  // the text of a new one
  exercise::report::ItemChange change;
  bool json = false;
};
int run_exercise_items(const ExerciseItemsOptions& options, std::FILE* out, std::FILE* err);

// A report without telling: the files that were written. A torn log is said on `err`.
struct WrittenReport {
  std::vector<std::string> files;
  bool torn = false;
};
Result<WrittenReport> write_report(const ExerciseReportOptions& options, std::FILE* err);

}  // namespace bongsu::cli
