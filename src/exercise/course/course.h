// A course as values: days of tasks that a learner solves on generated material, and how each is judged.
//
//   title: Communication protocols
//   days:
//     telecontrol:
//       title: IEC 60870-5-104
//       hours: 7
//       tasks:
//         first-command:
//           title: Who switched?
//           minutes: 45
//           points: 10
//           text: One command in `iec104.log` does not come from the control centre. From which address?
//           teaches: ["attack:T0855", "ecsf:Cyber Incident Responder", "nice:PD-WRL-003"]
//           variables:
//             attacker: {address: 198.51.100.0/24}
//             at: {time: "2027-01-19T07:00:00Z", within: 2h}
//           files:
//             - name: iec104.log
//               background: {count: 300, begin: "2027-01-19T07:00:00Z", length: 3h}
//               lines:
//                 - {template: iec104-command, at: "${at}", mark: attack,
//                    parameters: {source: "${attacker}", station: 10.21.0.4, object: "1100"}}
//           check:
//             answer: [{name: address, is: "${attacker}", as: exact}]
//           hints: [{text: Commands have types that begin with C_., cost: 20}]
//           explanation: …
//           solution: "${attacker}"
//           wrong: ["10.20.9.5"]
//
// What a learner gets follows from course, task, learner, seed and round (words.h), so that two learners' answers
// differ and any of them can be judged again. Texts, parameters, files and expected answers are patterns with
// ${variables} and $(functions). `solution` and `wrong` are the author's proof that the check tells right from wrong:
// `rehearse` (rehearse.h) tries them all.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "exercise/scenario/scenario.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::course {

using scenario::Duration;
using scenario::Reference;
using Texts = std::map<std::string, std::string>;

inline constexpr std::size_t kMaxDays = 30, kMaxTasks = 500, kMaxHints = 20, kMaxVariables = 200, kMaxFiles = 50;
inline constexpr std::size_t kMaxLinesOfFile = 200'000, kMaxFileBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxAnswerBytes = 256 * 1024;  // it stands in the log, escaped

// Exactly one of pick, address, time, value, from with to, hex, word.
struct Variable {
  std::string id;
  std::vector<std::string> pick;  // one of these patterns
  std::string address;            // a host of this IPv4 network
  std::string time;               // a pattern; and up to `within` later, whole seconds
  std::optional<Duration> within;
  std::string value;               // a pattern of the variables before it
  std::optional<double> from, to;  // a number, `step` (1) apart
  double step = 1;
  std::uint32_t hex = 0, word = 0;  // so many digits; so many letters that can be pronounced
  bool operator==(const Variable&) const = default;
};

// ——— files ———

struct Line {
  std::string template_name;  // scenario/vocabulary.h
  Texts parameters;
  std::string at;  // a time
  std::string count = "1";
  Duration every{1000};
  std::string mark;  // what checks call these lines; none: ordinary life
  bool operator==(const Line&) const = default;
};
struct Background {
  std::uint32_t count = 0;
  std::string begin;
  Duration length{std::chrono::hours(1)};
  bool operator==(const Background&) const = default;
};

enum class Protocol : std::uint8_t { kIec104, kModbus };
enum class Form : std::uint8_t { kPcap, kLog, kHex };
std::span<const scenario::Word<Protocol>> words(Protocol);
std::span<const scenario::Word<Form>> words(Form);

// What happens in a recorded session, `after` the step before it. Exactly one of command, set, read, interrogate.
struct Step {
  Duration after{1000};
  std::string command, set;  // a point's name, with `value`: ordered by the client, changed by the process
  std::string read;          // an object address that is asked for, IEC 104 alone
  bool interrogate = false;
  std::string value;
  bool operator==(const Step&) const = default;
};
struct WireSession {
  std::string client, at;  // address, time
  Duration lasts{60'000};
  std::vector<Step> steps;
  bool operator==(const WireSession&) const = default;
};
// A station or controller of these points, and who spoke to it.
struct Recording {
  Protocol protocol{};
  std::string server, points;  // address; a list of points (wire/point_list.h)
  std::uint32_t common_address = 1, unit = 1;
  std::vector<WireSession> sessions;
  Form form = Form::kLog;
  bool operator==(const Recording&) const = default;
};

// Exactly one of text, recording, world; or lines and background.
struct File {
  std::string name;
  std::vector<Line> lines;
  std::optional<Background> background;
  std::string text;
  std::optional<Recording> recording;
  std::string world;  // a world's description beside the course, and what it names; `name` is a folder then
  bool operator==(const File&) const = default;
};

// ——— checks ———

enum class As : std::uint8_t { kText, kExact, kNumber, kTime, kSet, kList, kHex };
std::span<const scenario::Word<As>> words(As);
struct AnswerField {
  std::string name, is;
  As as = As::kText;
  std::string within;  // of numbers; of times a duration
  bool operator==(const AnswerField&) const = default;
};

// Rows by their key; cells that are numbers may differ by `within`.
struct TableCheck {
  std::string key, rows;
  double within = 0;
  bool operator==(const TableCheck&) const = default;
};

// A rule or pattern of the learner's has to hit what is marked in the file (every line, or at least one), and nothing
// else. `again`: also in the same file made anew for somebody else, so that a list of today's values does not do.
struct DetectCheck {
  std::string file, mark;
  bool any = false, again = false;
  bool operator==(const DetectCheck&) const = default;
};

struct BundleObject {
  std::string type;
  Texts has;  // property → pattern of its text (lists: of one element)
  std::uint32_t count = 1;
  bool operator==(const BundleObject&) const = default;
};
struct BundleCheck {
  std::vector<BundleObject> objects;
  std::string tlp;                              // of every object
  std::string state, collection, at;            // policy/state_file.h; released and withheld are decided with it
  std::vector<std::string> released, withheld;  // members
  std::optional<DetectCheck> detects;           // what the bundle's indicators hit together
  bool complete = false;                        // whatever is referred to is in it
  bool operator==(const BundleCheck&) const = default;
};

// What an agreement of the learner's lets flow.
struct FlowCase {
  std::string type, tlp, origin, at, collection;
  bool flows = false;
  std::string about;  // why, for the learner, when it is wrong
  bool operator==(const FlowCase&) const = default;
};
struct AgreementCheck {
  std::string self, partner;
  std::vector<FlowCase> cases;
  bool operator==(const AgreementCheck&) const = default;
};

// A world's measure at the end, or a thing's quantity (range/world.h).
struct Bound {
  std::string measure, thing;
  std::optional<double> least, most;
  bool operator==(const Bound&) const = default;
};
struct OrdersCheck {
  std::string world, before, from, until;  // before: orders (CSV) that happen anyway; times of the range
  std::uint64_t seed = 1;
  std::vector<Bound> bounds;
  bool operator==(const OrdersCheck&) const = default;
};

// The learner's frames, in hexadecimal, are played to a station or controller; afterwards its points are as said, and
// all others as they were.
struct SessionCheck {
  Protocol protocol{};
  std::string points;
  std::uint32_t common_address = 1, unit = 1;
  Texts leaves;
  std::vector<std::string> asks;  // what requests have to be among them: names of types or functions
  bool operator==(const SessionCheck&) const = default;
};

struct Check {  // exactly one
  std::vector<AnswerField> answer;
  std::optional<TableCheck> table;
  std::optional<DetectCheck> sigma, pattern;
  std::optional<BundleCheck> bundle;
  std::optional<AgreementCheck> agreement;
  std::optional<OrdersCheck> orders;
  std::optional<SessionCheck> session;
  bool operator==(const Check&) const = default;
};

struct Hint {
  std::string text;
  double cost = 0;  // percent of the task's points
  bool operator==(const Hint&) const = default;
};

struct Task {
  std::string id, title;
  double minutes = 0, points = 0;
  double wrong_cost = 5;  // percent of the points that a wrong answer costs
  std::string text;
  std::vector<std::string> teaches;
  std::vector<Variable> variables;
  std::vector<File> files;
  Check check;
  std::vector<Hint> hints;
  std::string explanation, solution;
  std::vector<std::string> wrong;
  bool operator==(const Task&) const = default;
};

struct Day {
  std::string id, title, about;
  double hours = 0;
  std::vector<Task> tasks;
  bool operator==(const Day&) const = default;
};

struct Course {
  std::string id, title, description, audience;
  double pass = 60;  // percent of the points; besides, every task has to be solved
  std::vector<Reference> references;
  std::vector<Day> days;

  double hours() const;
  double points() const;
  // "telecontrol.first-command", or the task's name alone where no other day has it; nullptr.
  const Task* find(std::string_view name) const;
  const Day* day_of(const Task& task) const;
  bool operator==(const Course&) const = default;
};

// Every task in order.
std::vector<const Task*> tasks_of(const Course& course);

}  // namespace bongsu::exercise::course
