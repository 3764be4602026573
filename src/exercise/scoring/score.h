// What a drill's log is worth: for each team and inject five times, and points, each of which names its rule and opens
// to its entries. Pure: the same scenario and log give the same card; nothing else goes in.
//
//   const Scorecard card = *score(scenario, read_log(text, file).entries);
//   card.teams[0].total                             // 73.4 of 100
//   for (const Point& p : card.teams[0].points) …   // detect-in-time: "after 4min, of 20min", 10 of 10, entries 81, 93
//
// Only entries that count do (log.h: counting). Times come from traces: an alert on the team's node, an object that
// left, an order the range carried out, probes that answer. Nothing is taken from what a team says of itself, but
// forms, which people grade, and steps of playbooks, which have to be those of the inject's own.
//
// Of 100 points, each kind of deed has its share by the scenario's weights, among the kinds that the scenario asks of
// the team at all; within a kind, points go by the scenario's `score`, among what fell due: an inject that never fired
// asks nothing, nor does what still had time when the drill ended. Rules (rules() has their sentences):
//
//   detect-in-time, …   an expectation: its score if a trace of it lies between starts and expires, else 0
//   playbook-step       an expectation seen by a step of the inject's own playbook: the same
//   nothing-to-restore  a condition to be restored that never failed within the time: asked of nobody
//   share-in-time       for each recipient an equal part, if it got a matching object in time under a label neither
//                       laxer than asked nor one that keeps the recipient out; for indicators times recall (the part
//                       of the inject's that it got) and the team's precision (the part of all it shared that is true)
//   form-graded         an expectation seen by a form: in time, times the part that graders gave
//   judged              an expectation that exercise control judges: the part it gave
//   availability        of each service, as probed: the part of the drill's time that it was up
//   label-violation     costs the scenario's weights.label-violation (5) of the hundred, once for each object and rule,
//                       whoever got it and in whichever versions; less than zero is zero
//
// Two people grade a form: their mean counts if they are no further apart than kGradeBound; else it is open until a
// third grades (then the mean of the nearest two) or exercise control rules. A ruling counts alone; an appeal makes the
// points open until one comes after it. Open points count as 0 and are told.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "exercise/drill/log.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scoring {

inline constexpr double kGradeBound = 0.2;
inline constexpr double kWhole = 100;

enum class Category : std::uint8_t { kDetect, kReport, kShare, kContain, kRestore, kDecide, kAvailability };
inline constexpr std::size_t kCategories = 7;
std::string_view to_string(Category category);
Category category_of(scenario::Act act);  // form, inform and answer count with report

struct Rule {
  std::string_view name, sentence;
};
std::span<const Rule> rules();

struct Point {
  std::string_view rule;  // a name of rules()
  Category category = Category::kDetect;
  std::string inject;                   // empty: none
  std::string about;                    // expectation, share, service, form
  std::string text;                     // a sentence: what was asked, what came
  double most = 0, earned = 0;          // in the scenario's scores; a violation: most 0, earned below 0, of the hundred
  bool open = false;                    // waits for people
  std::vector<std::uint64_t> evidence;  // seqs, ascending
};

// Drill time in milliseconds; nothing: it did not come.
struct Times {
  std::string inject;
  std::int64_t occurrence = 0;
  std::int64_t start_ms = 0;
  std::optional<std::int64_t> detected_ms, shared_ms, contained_ms, restored_ms;
  std::uint64_t start_seq = 0, detected_seq = 0, shared_seq = 0, contained_seq = 0, restored_seq = 0;
  // What the inject asks for or does at all: an inject without physics has nothing to restore.
  bool can_detect = false, can_share = false, can_contain = false, can_restore = false;
};

struct Availability {
  std::string service;
  double part = 1;                                             // of the drill's time
  std::vector<std::pair<std::int64_t, std::int64_t>> down_ms;  // from, until
  std::vector<std::uint64_t> evidence;
};

struct Sharing {  // of one firing's indicators
  std::string inject;
  std::int64_t occurrence = 0;
  std::vector<std::string> right, missed;  // values that left, under whatever label, and those that did not
  double recall = 0;
  bool seen_not_shared = false;  // an alert was there, nothing left, though somebody should have had it
  std::vector<std::uint64_t> evidence;
};
struct Stray {  // a value that was shared and belongs to no inject
  std::string value;
  std::uint64_t seq = 0;
};

struct FormGrade {
  std::uint64_t form = 0;  // seq
  std::string name, inject;
  std::vector<std::pair<std::string, double>> graders;
  std::optional<double> part;  // what counts
  bool appealed = false, open = true;
  std::string text;  // how it came to be, or what it waits for
  std::vector<std::uint64_t> evidence;
};

struct MetricResult {
  std::string metric;
  double earned = 0, most = 0;
  bool open = false;
};
struct EvaluationResult {
  std::string evaluation;
  double earned = 0, most = 0;
  bool passed = false;
  std::vector<std::string> tlos;  // that it speaks for
};

struct CategoryResult {
  Category category = Category::kDetect;
  double earned = 0, most = 0;  // in scores
  double points = 0, of = 0;    // of the hundred
};

struct TeamScore {
  std::string team;
  double total = 0;   // 0 to 100
  bool open = false;  // some point waits for people
  std::vector<CategoryResult> categories;
  std::vector<Point> points;  // by inject in the order of firing, then as the scenario has them
  std::vector<Times> times;
  std::vector<Availability> services;
  std::vector<Sharing> sharing;
  std::vector<Stray> strays;
  double precision = 1;  // of all values that were shared, the part that belongs to some inject
  std::vector<FormGrade> forms;
  std::vector<MetricResult> metrics;
  std::vector<EvaluationResult> evaluations;
  std::size_t violations = 0;
  JsonObject consequences;  // the range's, at the end
};

struct Scorecard {
  std::string scenario, scenario_sha256, label;
  std::uint64_t seed = 0;
  std::int64_t ended_ms = 0;  // or how far the log goes
  bool ended = false;
  std::vector<TeamScore> teams;  // in the scenario's order
};

// kInvalid: the log does not begin with "opened", or is another scenario's.
Result<Scorecard> score(const scenario::Scenario& scenario, std::span<const drill::Entry> log);

Json to_json(const Scorecard& card);
// Only what comparisons need: totals, categories, times. kInvalid names the field.
Result<Scorecard> scorecard_of(const Json& json);

}  // namespace bongsu::exercise::scoring
