#include "exercise/course/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "exercise/course/fields.h"
#include "exercise/course/judge.h"
#include "exercise/scenario/block_reader.h"
#include "exercise/scenario/write.h"

namespace bongsu::exercise::course {
namespace {

constexpr double kMostHours = 24, kMostMinutes = 24 * 60, kMostPoints = 1'000;
constexpr std::size_t kMaxVariableBytes = 40;

constexpr std::array<std::string_view, 12> kProfiles = {"Chief Information Security Officer (CISO)",
                                                        "Cyber Incident Responder",
                                                        "Cyber Legal, Policy and Compliance Officer",
                                                        "Cyber Threat Intelligence Specialist",
                                                        "Cybersecurity Architect",
                                                        "Cybersecurity Auditor",
                                                        "Cybersecurity Educator",
                                                        "Cybersecurity Implementer",
                                                        "Cybersecurity Researcher",
                                                        "Cybersecurity Risk Manager",
                                                        "Digital Forensics Investigator",
                                                        "Penetration Tester"};

bool is_work_role(std::string_view id) {  // "PD-WRL-003"
  return id.size() == 10 && id.substr(2, 5) == "-WRL-" && std::ranges::all_of(id.substr(7), is_digit) &&
         std::ranges::all_of(id.substr(0, 2), [](char c) { return c >= 'A' && c <= 'Z'; });
}

class Checker {
 public:
  Checker(const Course& course, Problems& problems) : course_(course), problems_(problems) {}

  void run() {
    if (!scenario::is_id(course_.id)) add("id", "a name has letters, digits, - and _, a letter or digit first");
    if (course_.title.empty()) add("title", "a title is wanted");
    within("pass", course_.pass, 0, 100);
    if (course_.days.empty() || course_.days.size() > kMaxDays)
      add("days", fmt::format("there are 1 to {} days", kMaxDays));
    std::size_t tasks = 0;
    for (const Day& day : course_.days) {
      const std::string path = "days." + day.id;
      within(path + ".hours", day.hours, 0.5, kMostHours);
      if (day.tasks.empty()) add(path + ".tasks", "a day has a task");
      double minutes = 0;
      for (const Task& task : day.tasks) {
        check_task(task, path + ".tasks." + task.id);
        minutes += task.minutes;
      }
      if (minutes > day.hours * 60)
        add(path + ".hours", fmt::format("its tasks take {:g} minutes, the day has {:g}", minutes, day.hours * 60));
      tasks += day.tasks.size();
    }
    if (tasks > kMaxTasks) add("days", fmt::format("more than {} tasks", kMaxTasks));
  }

 private:
  void add(std::string path, std::string message) {
    if (!problems_.at(path)) problems_.add(std::move(path), std::move(message));
  }
  void within(const std::string& path, double value, double least, double most) {
    if (!(value >= least && value <= most)) add(path, fmt::format("is a number from {:g} to {:g}", least, most));
  }

  void check_task(const Task& task, const std::string& path) {
    within(path + ".minutes", task.minutes, 1, kMostMinutes);
    within(path + ".points", task.points, 1, kMostPoints);
    within(path + ".wrong-cost", task.wrong_cost, 0, 100);
    for (std::size_t i = 0; i < task.teaches.size(); ++i)
      if (std::string wrong = teaching_wrong(task.teaches[i]); !wrong.empty())
        add(fmt::format("{}.teaches[{}]", path, i), std::move(wrong));
    if (task.teaches.empty()) add(path + ".teaches", "says what the task teaches");
    check_hints(task, path);
    if (task.solution.empty()) add(path + ".solution", "a task has a solution, by which its check is tried");
    if (task.wrong.empty()) add(path + ".wrong", "a task has at least one wrong answer, by which its check is tried");
    check_variables(task, path);
    check_files(task, path);
    check_check(task, path + ".check");
  }

  void check_hints(const Task& task, const std::string& path) {
    double cost = 0;
    for (std::size_t i = 0; i < task.hints.size(); ++i) {
      within(fmt::format("{}.hints[{}].cost", path, i), task.hints[i].cost, 0, 100);
      cost += task.hints[i].cost;
    }
    if (cost > 100) add(path + ".hints", fmt::format("hints cost {:g} percent together, 100 at most", cost));
    if (task.hints.empty() || task.hints.size() > kMaxHints)
      add(path + ".hints", fmt::format("there are 1 to {} hints", kMaxHints));
  }

  void check_variables(const Task& task, const std::string& path) {
    if (task.variables.size() > kMaxVariables)
      return add(path + ".variables", fmt::format("more than {}", kMaxVariables));
    for (const Variable& v : task.variables) {
      const std::string at = fmt::format("{}.variables.{}", path, v.id);
      if (v.id.size() > kMaxVariableBytes)
        add(at, fmt::format("a variable's name has at most {} bytes", kMaxVariableBytes));
      const int ways = !v.pick.empty() + !v.address.empty() + !v.time.empty() + !v.value.empty() +
                       (v.from.has_value() || v.to.has_value()) + (v.hex > 0) + (v.word > 0);
      if (ways != 1) add(at, "exactly one of pick, address, time, value, from with to, hex and word is wanted");
      if (v.from.has_value() != v.to.has_value()) add(at, "from and to belong together");
      if (v.within && v.time.empty()) add(at + ".within", "belongs to a time");
      if (v.hex > 1024 || v.word > 40) add(at, "hex has at most 1024 digits, word at most 40 letters");
    }
    if (problems_.count > 0) return;
    // Whether they refer to each other as they may shows when they are drawn.
    const auto values = Values::draw(task, {.course = course_.id, .learner = "check", .seed = 1, .round = 1});
    if (!values) return add(path + "." + values.error().where.field, values.error().message);
    const auto fills = [&](const std::string& field, const std::string& pattern) {
      if (const auto text = values->fill(pattern); !text) add(path + "." + field, text.error().message);
    };
    fills("text", task.text);
    fills("explanation", task.explanation);
    fills("solution", task.solution);
    for (std::size_t i = 0; i < task.hints.size(); ++i) fills(fmt::format("hints[{}].text", i), task.hints[i].text);
    for (std::size_t i = 0; i < task.wrong.size(); ++i) fills(fmt::format("wrong[{}]", i), task.wrong[i]);
  }

  void check_files(const Task& task, const std::string& path) {
    std::set<std::string> names;
    if (task.files.size() > kMaxFiles) add(path + ".files", fmt::format("more than {}", kMaxFiles));
    for (std::size_t i = 0; i < task.files.size(); ++i) {
      const File& file = task.files[i];
      const std::string at = fmt::format("{}.files[{}]", path, i);
      if (!is_file_name(file.name))
        add(at + ".name",
            "a file's name has letters, digits, -, _ and ., folders divided by /, and begins with no dot");
      if (!names.insert(file.name).second) add(at + ".name", "two files have this name");
      const int ways = (!file.lines.empty() || file.background.has_value()) + !file.text.empty() +
                       file.recording.has_value() + !file.world.empty();
      if (ways != 1) add(at, "exactly one of lines (with background), text, recording and world is wanted");
      if (file.background && file.background->count > kMaxLinesOfFile)
        add(at + ".background.count", fmt::format("at most {}", kMaxLinesOfFile));
      for (std::size_t k = 0; k < file.lines.size(); ++k) check_line(file.lines[k], fmt::format("{}.lines[{}]", at, k));
      if (file.recording) check_recording(*file.recording, at + ".recording");
    }
  }

  void check_line(const Line& line, const std::string& at) {
    const scenario::Template* known = scenario::template_of(line.template_name);
    if (known == nullptr) {
      std::vector<std::string> names;
      for (const scenario::Template& one : scenario::templates()) names.emplace_back(one.name);
      const std::string near = nearest(line.template_name, names);
      return add(at + ".template", near.empty() ? "there is no such template"
                                                : fmt::format("there is no such template; the nearest is `{}`", near));
    }
    for (const std::string_view required : known->required)
      if (!line.parameters.contains(std::string(required)))
        add(at + ".parameters", fmt::format("{} needs `{}`", known->name, required));
    for (const auto& [key, _] : line.parameters)
      if (std::ranges::find(known->required, key) == known->required.end() &&
          std::ranges::find(known->optional, key) == known->optional.end())
        add(fmt::format("{}.parameters.{}", at, key), fmt::format("{} has no such parameter", known->name));
  }

  void check_recording(const Recording& r, const std::string& at) {
    check_addresses(r.common_address, r.unit, at);
    for (std::size_t i = 0; i < r.sessions.size(); ++i)
      for (std::size_t k = 0; k < r.sessions[i].steps.size(); ++k) {
        const Step& step = r.sessions[i].steps[k];
        const std::string path = fmt::format("{}.sessions[{}].steps[{}]", at, i, k);
        if (!step.command.empty() + !step.set.empty() + !step.read.empty() + step.interrogate != 1)
          add(path, "exactly one of command, set, read and interrogate is wanted");
        if ((!step.command.empty() || !step.set.empty()) == step.value.empty())
          add(path + ".value", "goes with command and set, and with nothing else");
      }
    if (r.sessions.empty()) add(at + ".sessions", "there is at least one session");
  }
  void check_addresses(std::uint32_t common_address, std::uint32_t unit, const std::string& at) {
    if (common_address < 1 || common_address > 65'534) add(at + ".common-address", "is 1 to 65534");
    if (unit < 1 || unit > 247) add(at + ".unit", "is 1 to 247");
  }

  void check_check(const Task& task, const std::string& at) {
    const Check& c = task.check;
    const int ways = !c.answer.empty() + c.table.has_value() + c.sigma.has_value() + c.pattern.has_value() +
                     c.bundle.has_value() + c.agreement.has_value() + c.orders.has_value() + c.session.has_value();
    if (ways != 1)
      return add(at, "exactly one of answer, table, sigma, pattern, bundle, agreement, orders and session is wanted");
    std::set<std::string> names;
    for (std::size_t i = 0; i < c.answer.size(); ++i) {
      const AnswerField& field = c.answer[i];
      if (field.name.empty() || field.name.find_first_of("=;\n") != std::string::npos ||
          !names.insert(lowered(field.name)).second)
        add(fmt::format("{}.answer[{}].name", at, i), "a name of its own without = and ;");
      if (!field.within.empty() && field.as != As::kNumber && field.as != As::kTime)
        add(fmt::format("{}.answer[{}].within", at, i), "belongs to numbers and times");
    }
    if (c.sigma) check_detection(*c.sigma, task, at + ".sigma");
    if (c.pattern) check_detection(*c.pattern, task, at + ".pattern");
    if (c.bundle) check_bundle(*c.bundle, task, at + ".bundle");
    if (c.agreement) check_agreement(*c.agreement, at + ".agreement");
    if (c.orders)
      for (std::size_t i = 0; i < c.orders->bounds.size(); ++i) {
        const Bound& bound = c.orders->bounds[i];
        const std::string path = fmt::format("{}.orders.bounds[{}]", at, i);
        if (bound.thing.empty() && std::ranges::find(measures(), std::string_view(bound.measure)) == measures().end())
          add(path + ".measure", fmt::format("there is no such measure; there are {}", fmt::join(measures(), ", ")));
        if (!bound.least && !bound.most) add(path, "a bound has least, or most");
      }
    if (c.orders && c.orders->bounds.empty()) add(at + ".orders.bounds", "there is at least one bound");
    if (c.session) {
      check_addresses(c.session->common_address, c.session->unit, at + ".session");
      if (c.session->leaves.empty() && c.session->asks.empty()) add(at + ".session", "says what it leaves or asks");
    }
  }
  void check_detection(const DetectCheck& check, const Task& task, const std::string& at) {
    const auto file = std::ranges::find(task.files, check.file, &File::name);
    if (file == task.files.end() || file->lines.empty()) return add(at + ".file", "there is no such file of telemetry");
    if (std::ranges::find(file->lines, check.mark, &Line::mark) == file->lines.end() || check.mark.empty())
      add(at + ".mark", "no line of the file bears this mark");
  }
  void check_bundle(const BundleCheck& check, const Task& task, const std::string& at) {
    if (!check.tlp.empty())
      if (const auto label = scenario::parse_label(check.tlp); !label) add(at + ".tlp", label.error().message);
    const bool decides = !check.state.empty();
    if (decides == (check.released.empty() && check.withheld.empty()))
      add(at + ".state", "goes with members that it is released to, or withheld from");
    if (decides && (check.collection.empty() || check.at.empty())) add(at + ".state", "needs collection and at");
    if (check.detects) check_detection(*check.detects, task, at + ".detects");
    if (check.objects.empty()) add(at + ".objects", "there is at least one object");
  }
  void check_agreement(const AgreementCheck& check, const std::string& at) {
    if (check.cases.empty()) add(at + ".cases", "there is at least one case");
    for (std::size_t i = 0; i < check.cases.size(); ++i)
      if (const auto label = scenario::parse_label(check.cases[i].tlp); !label)
        add(fmt::format("{}.cases[{}].tlp", at, i), label.error().message);
  }

  const Course& course_;
  Problems& problems_;
};

}  // namespace

std::string teaching_wrong(std::string_view teaches) {
  const auto colon = teaches.find(':');
  const std::string_view what = teaches.substr(0, colon),
                         id = colon == teaches.npos ? std::string_view() : teaches.substr(colon + 1);
  if (what == "attack") return scenario::is_technique(id) ? "" : "a technique of ATT&CK is named as T0855 or T1059.001";
  if (what == "nice") return is_work_role(id) ? "" : "a work role of NICE is named as PD-WRL-003";
  if (what == "ecsf")
    return std::ranges::find(kProfiles, id) != kProfiles.end()
               ? ""
               : fmt::format("there is no such profile in the ECSF; there are {}", fmt::join(kProfiles, "; "));
  return "begins with attack:, ecsf: or nice:";
}

std::expected<Course, Problems> read_course(std::string_view text, const std::string& source) {
  const auto root = scenario::one_document(text, source, "a course");
  if (!root) return std::unexpected(root.error());
  scenario::Reading reading{.problems = {}, .foreign = {}, .places = {}};
  Course course;
  scenario::read_block(*root, "", course, reading);
  if (reading.problems.count == 0) Checker(course, reading.problems).run();
  if (reading.problems.count == 0) return course;
  return std::unexpected(scenario::located(std::move(reading), [&](formats::Place place, const std::string& path) {
    return formats::at(source, place, path);
  }));
}

}  // namespace bongsu::exercise::course
