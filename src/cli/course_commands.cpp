#include "cli/course_commands.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/bytes.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/course_engines.h"
#include "cli/course_files.h"
#include "cli/exercise_commands.h"
#include "cli/signed_files.h"
#include "cli/terminal.h"
#include "exercise/course/certificate.h"
#include "exercise/course/rehearse.h"
#include "formats/utf8.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise;
namespace fs = std::filesystem;

constexpr std::size_t kBarCells = 30;

// Text for people where it goes to a terminal, JSON elsewhere.
struct Page {
  std::FILE* out;
  bool json, colour;
  Page(std::FILE* to, bool wants_json)
      : out(to), json(wants_json || !is_terminal(to)), colour(!json && std::getenv("NO_COLOR") == nullptr) {}

  std::string styled(std::string_view style, std::string_view text) const {
    return colour ? fmt::format("\033[{}m{}\033[0m", style, for_terminal(text)) : for_terminal(text);
  }
  std::string bold(std::string_view text) const { return styled("1", text); }
  std::string faint(std::string_view text) const { return styled("2", text); }
  std::string good(std::string_view text) const { return styled("32", text); }
  std::string bad(std::string_view text) const { return styled("31", text); }
  void line(std::string_view text = {}) const { fmt::print(out, "{}\n", text); }
  void put(const Json& value) const { fmt::print(out, "{}\n", to_text(value)); }
};

Result<const course::TaskState*> state_named(const CourseFiles& files, const std::string& name) {
  const course::Progress& progress = files.progress();
  if (name.empty()) {
    if (const auto* current = progress.current()) return current;
    return fail(ErrorCode::kNotFound, "every task is solved: bongsu course certificate");
  }
  const course::TaskState* found = progress.find(files.course().find(name));
  if (found == nullptr)
    return fail(ErrorCode::kNotFound, fmt::format("no task is called \"{}\", or several are", name));
  return found;
}

std::string next_of(const CourseFiles& files, std::string_view command) {
  return fmt::format("bongsu course {} --dir {}", command, files.dir().string());
}

// Of what is checked, how to hand it in.
std::string_view asked_of(const course::Check& check) {
  if (!check.answer.empty()) return "answer TEXT";
  return "answer --file FILE";
}

Result<std::string> filled(const CourseFiles& files, const course::TaskState& state, const std::string& pattern) {
  BONGSU_TRY(const course::Values values, course::Values::draw(*state.task, files.progress().seat(state)));
  return values.fill(pattern);
}

Result<void> show(const CourseFiles& files, const course::TaskState& state, const Page& page) {
  const course::Task& task = *state.task;
  const course::Day& day = *files.course().day_of(task);
  BONGSU_TRY(const course::Values values, course::Values::draw(task, files.progress().seat(state)));
  BONGSU_TRY(const std::string text, values.fill(task.text));
  BONGSU_TRY(const auto names, files.lay_out(state));
  std::vector<std::string> hints;
  for (std::size_t i = 0; i < state.hints; ++i) {
    BONGSU_TRY(std::string hint, values.fill(task.hints[i].text));
    hints.push_back(std::move(hint));
  }
  std::string explanation;
  if (state.solved) {
    BONGSU_TRY(explanation, values.fill(task.explanation));
  }
  const double left =
      state.solved
          ? state.points()
          : course::TaskState{.task = &task, .hints = state.hints, .wrong = state.wrong, .solved = true}.points();
  if (page.json) {
    JsonObject out{{"task", state.name},
                   {"title", task.title},
                   {"day", day.title},
                   {"minutes", task.minutes},
                   {"points", task.points},
                   {"worth", left},
                   {"solved", state.solved},
                   {"wrong", state.wrong},
                   {"text", text},
                   {"teaches", JsonArray(task.teaches.begin(), task.teaches.end())},
                   {"files", JsonArray(names.begin(), names.end())},
                   {"hints", JsonArray(hints.begin(), hints.end())},
                   {"hints_left", task.hints.size() - state.hints},
                   {"hand_in", asked_of(task.check)}};
    if (!task.check.answer.empty()) {
      JsonArray fields;
      for (const course::AnswerField& field : task.check.answer) fields.emplace_back(field.name);
      out["fields"] = std::move(fields);
    }
    if (state.solved) out["explanation"] = explanation;
    page.put(out);
    return {};
  }
  page.line(page.faint(fmt::format("{} · {}", files.course().title, day.title)));
  page.line(page.bold(task.title));
  page.line(page.faint(fmt::format("{} · about {:g} minutes · worth {:.1f} of {:g} points{}", state.name, task.minutes,
                                   left, task.points, state.solved ? " · solved" : "")));
  page.line();
  page.line(for_terminal(trim(text)));
  page.line();
  for (const std::string& name : names) page.line("  " + page.styled("36", name));
  if (!names.empty()) page.line();
  for (std::size_t i = 0; i < hints.size(); ++i)
    page.line(page.styled("33", fmt::format("Hint {}: {}", i + 1, hints[i])));
  if (!hints.empty()) page.line();
  page.line(page.faint(fmt::format("Teaches {}", fmt::join(task.teaches, " · "))));
  if (state.solved) {
    page.line();
    page.line(page.good("Solved. ") + for_terminal(trim(explanation)));
    return {};
  }
  if (task.check.answer.size() > 1) {
    std::string form;
    for (const course::AnswerField& field : task.check.answer)
      form += fmt::format("{}{}=…", form.empty() ? "" : "; ", field.name);
    page.line(page.faint("Answer: '" + form + "'"));
  }
  page.line(page.faint(next_of(files, asked_of(task.check))));
  if (state.hints < task.hints.size())
    page.line(page.faint(fmt::format("{}   (costs {:g} % of the points; {} left)", next_of(files, "hint"),
                                     task.hints[state.hints].cost, task.hints.size() - state.hints)));
  return {};
}

Result<std::string> learner_of(const std::string& given) {
  std::string name = given;
  if (name.empty())
    if (const passwd* user = getpwuid(getuid())) name = user->pw_name;
  if (name.empty() || name.size() > course::kMaxLearnerBytes || !formats::is_utf8(name) ||
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < ' '; }))
    return fail(ErrorCode::kInvalid, fmt::format("a name has 1 to {} bytes of text", course::kMaxLearnerBytes),
                {.field = "--learner"});
  return name;
}

Result<std::string> course_file(const std::string& name) {
  std::error_code ignored;
  if (name.find('/') != name.npos || name.ends_with(".yaml") || fs::is_regular_file(name, ignored)) return name;
  for (const std::string& directory : course_directories())
    if (const fs::path file = fs::path(directory) / (name + ".yaml"); fs::exists(file, ignored)) return file.string();
  return fail(ErrorCode::kNotFound, fmt::format("no course is called \"{}\": bongsu course list", name));
}

// "[##########----------]"
std::string bar(double part) {
  const auto full = static_cast<std::size_t>(std::lround(std::clamp(part, 0.0, 1.0) * static_cast<double>(kBarCells)));
  std::string out;
  for (std::size_t i = 0; i < kBarCells; ++i) out += i < full ? "█" : "░";
  return out;
}

// Runs `with` on the directory's course; its trouble is told.
template <class With>
int with_course(const CourseOptions& o, std::FILE* out, std::FILE* err, With with) {
  const Page page(out, o.json);
  auto files = CourseFiles::open(o.dir);
  if (!files) return trouble(files.error(), o.json, err);
  const Result<int> done = with(*files, page);
  if (!done) return trouble(done.error(), o.json, err);
  return *done;
}

}  // namespace

std::vector<std::string> course_directories() {
  std::vector<std::string> out;
  if (const char* own = std::getenv("BONGSU_COURSES")) out.emplace_back(own);
  std::error_code failed;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", failed); !failed)
    out.push_back((program.parent_path().parent_path() / "share/bongsu/courses").string());
  out.emplace_back("samples/exercise/courses");
  return out;
}

int run_course_list(const CourseListOptions& o, std::FILE* out, std::FILE* err) {
  const Page page(out, o.json);
  std::vector<fs::path> found;
  for (const std::string& directory : o.directories.empty() ? course_directories() : o.directories) {
    std::error_code failed;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed))
      if (it->path().extension() == ".yaml") found.push_back(it->path());
  }
  std::ranges::sort(found);
  int exit = found.empty() ? kExitNo : kExitOk;
  if (found.empty()) fmt::print(err, "bongsu: no course is here; name a directory, or set BONGSU_COURSES\n");
  for (const fs::path& file : found) {
    const auto loaded = load_course(file.string());
    if (!loaded) {
      exit = trouble(loaded.error(), o.json, err);
      continue;
    }
    const course::Course& c = loaded->course;
    const std::size_t tasks = course::tasks_of(c).size();
    if (page.json)
      page.put(JsonObject{{"id", c.id},
                          {"title", c.title},
                          {"file", file.string()},
                          {"days", c.days.size()},
                          {"hours", c.hours()},
                          {"tasks", tasks},
                          {"points", c.points()},
                          {"description", c.description}});
    else
      page.line(fmt::format("{}  {} days, {:g} hours, {} tasks\n  {}\n  {}", page.bold(c.title), c.days.size(),
                            c.hours(), tasks, for_terminal(trim(c.description)),
                            page.faint(fmt::format("bongsu course start {} --dir {}", file.stem().string(), c.id))));
  }
  return exit;
}

int run_course_check(const CourseCheckOptions& o, std::FILE* out, std::FILE* err) {
  int exit = kExitOk;
  for (const std::string& file : o.courses) {
    scenario::Problems problems;
    const auto loaded = load_course(file, &problems);
    if (!loaded && problems.count == 0) return trouble(loaded.error(), o.json, err);
    if (loaded && o.seeds > 0)
      problems = course::rehearse(loaded->course, sources_beside(file), DetectEngines(), o.seeds);
    for (Error& problem : problems.list)
      if (problem.where.source.empty()) problem.where.source = file;
    show_problems(out, problems, file, o.json);
    const std::size_t tasks = loaded ? course::tasks_of(loaded->course).size() : 0;
    if (o.json)
      fmt::print(out, "{}\n",
                 to_text(Json(JsonObject{{"status", "summary"},
                                         {"file", file},
                                         {"mistakes", problems.count},
                                         {"tasks", tasks},
                                         {"seeds", o.seeds}})));
    else if (problems.count > 0)
      fmt::print(err, "{}: {} mistakes\n", file, problems.count);
    else
      fmt::print(out, "{}: {} days, {:g} hours, {} tasks, {:g} points; {}\n", printable(loaded->course.title),
                 loaded->course.days.size(), loaded->course.hours(), tasks, loaded->course.points(),
                 o.seeds > 0 ? fmt::format("solutions right and wrong answers wrong for {} learners", o.seeds)
                             : "not rehearsed");
    if (problems.count > 0) exit = kExitNo;
  }
  return exit;
}

int run_course_start(const CourseStartOptions& o, std::FILE* out, std::FILE* err) {
  const Page page(out, o.json);
  const auto begin = [&]() -> Result<void> {
    BONGSU_TRY(const std::string file, course_file(o.course));
    BONGSU_TRY(const std::string learner, learner_of(o.learner));
    const std::uint64_t seed = o.seed ? *o.seed : SystemRandom().next();
    BONGSU_TRY(const CourseFiles files, CourseFiles::start(file, o.dir, learner, seed, SystemClock().now()));
    if (page.json)
      page.put(JsonObject{{"course", files.course().id},
                          {"learner", learner},
                          {"seed", std::to_string(seed)},
                          {"dir", o.dir},
                          {"task", files.progress().current()->name}});
    else
      page.line(fmt::format("{} begins for {}: {} days, {:g} hours.\n", page.bold(files.course().title),
                            for_terminal(learner), files.course().days.size(), files.course().hours()));
    if (!page.json) return show(files, *files.progress().current(), page);
    BONGSU_TRY_VOID(files.lay_out(*files.progress().current()));
    return {};
  };
  const auto done = begin();
  return done ? kExitOk : trouble(done.error(), o.json, err);
}

int run_course_show(const CourseOptions& o, std::FILE* out, std::FILE* err) {
  return with_course(o, out, err, [&](CourseFiles& files, const Page& page) -> Result<int> {
    BONGSU_TRY(const auto* state, state_named(files, o.task));
    BONGSU_TRY_VOID(show(files, *state, page));
    return kExitOk;
  });
}

int run_course_hint(const CourseOptions& o, std::FILE* out, std::FILE* err) {
  return with_course(o, out, err, [&](CourseFiles& files, const Page& page) -> Result<int> {
    BONGSU_TRY(const auto* state, state_named(files, o.task));
    if (state->solved) return fail(ErrorCode::kConflict, "the task is solved already");
    if (state->hints >= state->task->hints.size()) return fail(ErrorCode::kNotFound, "there is no further hint");
    const course::Hint& next = state->task->hints[state->hints];
    BONGSU_TRY(const std::string text, filled(files, *state, next.text));
    const std::size_t number = state->hints + 1, of = state->task->hints.size();
    BONGSU_TRY_VOID(files.append(course::hint_taken(files.progress(), *state, files.next_seq(), SystemClock().now())));
    if (page.json)
      page.put(JsonObject{{"hint", number}, {"of", of}, {"cost", next.cost}, {"text", text}});
    else
      page.line(page.styled("33", fmt::format("Hint {} of {} (costs {:g} %): {}", number, of, next.cost, text)));
    return kExitOk;
  });
}

int run_course_answer(const CourseAnswerOptions& o, std::FILE* out, std::FILE* err) {
  return with_course(o, out, err, [&](CourseFiles& files, const Page& page) -> Result<int> {
    BONGSU_TRY(const auto* state, state_named(files, o.task));
    if (state->solved)
      return fail(ErrorCode::kConflict, "the task is solved already; bongsu course reset begins it anew");
    if (o.text.empty() == o.file.empty()) return fail(ErrorCode::kInvalid, "an answer is a text, or --file FILE");
    std::string answer = fmt::format("{}", fmt::join(o.text, " "));
    if (!o.file.empty()) {
      BONGSU_TRY(answer, read_document(o.file, course::kMaxAnswerBytes));
    }
    if (answer.size() > course::kMaxAnswerBytes || !formats::is_utf8(answer))
      return fail(ErrorCode::kInvalid,
                  fmt::format("an answer is UTF-8 text of at most {} bytes", course::kMaxAnswerBytes));
    const std::string name = state->name;
    BONGSU_TRY(const course::Verdict verdict,
               course::judge(*state->task, files.progress().seat(*state), answer, files.sources(), DetectEngines()));
    BONGSU_TRY_VOID(files.append(
        course::answered(files.progress(), *state, answer, verdict, files.next_seq(), SystemClock().now())));
    BONGSU_TRY(state, state_named(files, name));
    BONGSU_TRY(const std::string explanation, filled(files, *state, state->task->explanation));
    if (page.json) {
      JsonObject told{{"task", name}, {"right", verdict.right}, {"said", verdict.said}, {"points", state->points()}};
      if (verdict.right) told["explanation"] = explanation;
      page.put(told);
    } else if (verdict.right) {
      page.line(page.good(verdict.said) + fmt::format(" {:.1f} of {:g} points.", state->points(), state->task->points));
      page.line();
      page.line(for_terminal(trim(explanation)));
      page.line();
      page.line(page.faint(next_of(files, files.progress().current() != nullptr ? "show" : "certificate")));
    } else {
      page.line(page.bad(verdict.said));
    }
    return verdict.right ? kExitOk : kExitNo;
  });
}

int run_course_progress(const CourseOptions& o, std::FILE* out, std::FILE* err) {
  return with_course(o, out, err, [&](CourseFiles& files, const Page& page) -> Result<int> {
    const course::Progress& p = files.progress();
    JsonArray days;
    if (!page.json) page.line(fmt::format("{}  {}", page.bold(files.course().title), page.faint(p.learner)));
    for (const course::Day& day : files.course().days) {
      std::size_t solved = 0;
      double points = 0, of = 0;
      JsonArray tasks;
      for (const course::Task& task : day.tasks) {
        const course::TaskState& state = *p.find(&task);
        solved += state.solved ? 1 : 0;
        points += state.points();
        of += task.points;
        tasks.push_back(JsonObject{{"task", state.name},
                                   {"solved", state.solved},
                                   {"points", state.points()},
                                   {"of", task.points},
                                   {"hints", state.hints},
                                   {"wrong", state.wrong},
                                   {"round", state.round}});
      }
      if (page.json) {
        days.push_back(JsonObject{{"day", day.id},
                                  {"title", day.title},
                                  {"solved", solved},
                                  {"of", day.tasks.size()},
                                  {"points", points},
                                  {"points_of", of},
                                  {"tasks", std::move(tasks)}});
        continue;
      }
      const std::string cells = bar(static_cast<double>(solved) / static_cast<double>(day.tasks.size()));
      page.line(fmt::format("{}  {}/{} tasks  {:5.1f}/{:g} points  {}",
                            solved == day.tasks.size() ? page.good(cells) : page.styled("36", cells), solved,
                            day.tasks.size(), points, of, for_terminal(day.title)));
    }
    if (page.json)
      page.put(JsonObject{{"course", files.course().id},
                          {"learner", p.learner},
                          {"points", p.points()},
                          {"of", p.of},
                          {"pass", p.pass},
                          {"passed", p.passed()},
                          {"hints", p.hints},
                          {"wrong", p.wrong},
                          {"resets", p.resets},
                          {"days", std::move(days)}});
    else
      page.line(fmt::format("{:.1f} of {:g} points ({:g} % pass), {} hints, {} wrong answers{}", p.points(), p.of,
                            p.pass, p.hints, p.wrong, p.passed() ? page.good("; passed") : ""));
    return kExitOk;
  });
}

int run_course_reset(const CourseResetOptions& o, std::FILE* out, std::FILE* err) {
  return with_course(o, out, err, [&](CourseFiles& files, const Page& page) -> Result<int> {
    std::vector<const course::TaskState*> states;
    const auto day = std::ranges::find(files.course().days, o.task, &course::Day::id);
    for (const course::TaskState& state : files.progress().tasks)
      if (o.all || (day != files.course().days.end() && files.course().day_of(*state.task) == &*day))
        states.push_back(&state);
    if (states.empty()) {
      if (o.task.empty()) return fail(ErrorCode::kInvalid, "name a task or a day, or say --all");
      BONGSU_TRY(const auto* state, state_named(files, o.task));
      states.push_back(state);
    }
    std::vector<std::string> names;
    for (const auto* state : states) names.push_back(state->name);
    BONGSU_TRY_VOID(files.append(course::resets(files.progress(), states, files.next_seq(), SystemClock().now())));
    for (const std::string& name : names) {
      BONGSU_TRY(const auto* state, state_named(files, name));
      // Only what is made is taken away: a learner's own files stay.
      BONGSU_TRY_VOID(files.lay_out(*state, true));
    }
    if (page.json)
      page.put(JsonObject{{"reset", JsonArray(names.begin(), names.end())}});
    else
      page.line(fmt::format("{} begin anew, with new material.",
                            names.size() == 1 ? names[0] : fmt::format("{} tasks", names.size())));
    return kExitOk;
  });
}

int run_course_certificate(const CourseCertificateOptions& o, std::FILE* out, std::FILE* err) {
  return with_course(o, out, err, [&](CourseFiles& files, const Page& page) -> Result<int> {
    const Instant now = SystemClock().now();
    auto made =
        course::make_certificate(files.course(), files.progress(), files.last_hash(), files.entries().size(), now);
    if (!made && made.error().code == ErrorCode::kConflict) {
      if (page.json)
        page.put(JsonObject{{"passed", false}, {"reason", made.error().message}});
      else
        page.line(page.bad("Not passed yet: " + made.error().message + "."));
      return kExitNo;
    }
    BONGSU_TRY(Json certificate, std::move(made));
    if (!o.key.empty()) {
      BONGSU_TRY(const crypto::SigningKey key, read_key_file(o.key));
      BONGSU_TRY(const std::string statement, course::statement_of(certificate));
      BONGSU_TRY(const std::string value, crypto::sign(key, statement));
      course::put_signature(certificate, {.key = key.public_key, .value = value});
    }
    BONGSU_TRY(const report::Document document, course::page_of(certificate));
    BONGSU_TRY(const std::string pdf, report::to_pdf(document, now));
    const fs::path json_file = files.dir() / "certificate.json", pdf_file = files.dir() / "certificate.pdf";
    BONGSU_TRY_VOID(write_file_atomically(json_file, to_pretty_text(certificate) + "\n"));
    BONGSU_TRY_VOID(write_file_atomically(pdf_file, pdf));
    if (page.json)
      page.put(JsonObject{
          {"passed", true}, {"json", json_file.string()}, {"pdf", pdf_file.string()}, {"signed", !o.key.empty()}});
    else
      page.line(fmt::format("{} {} and {}", page.good("Passed."), json_file.string(), pdf_file.string()));
    return kExitOk;
  });
}

int run_course_verify(const CourseVerifyOptions& o, std::FILE* out, std::FILE* err) {
  const Page page(out, o.json);
  const auto look = [&]() -> Result<std::string> {  // empty: it holds
    BONGSU_TRY(const std::string text, read_document(o.certificate, course::kMaxCertificateBytes));
    BONGSU_TRY(const Json certificate, in_file(parse_json(text), o.certificate));
    BONGSU_TRY(const std::string statement, in_file(course::statement_of(certificate), o.certificate));
    BONGSU_TRY(const auto signature, in_file(course::signature_of(certificate), o.certificate));
    if (signature && !crypto::verify(signature->key, statement, signature->value))
      return "the signature does not fit: it was changed after it was signed";
    if (!o.key.empty()) {
      BONGSU_TRY(const std::string hex, read_document(o.key, course::kMaxCertificateBytes));
      BONGSU_TRY(const std::string key, in_file(from_hex(trim(hex)), o.key));
      if (!signature) return "nobody has signed it";
      if (signature->key != key) return "it was signed with another key than this one";
    }
    if (o.dir.empty()) return "";
    BONGSU_TRY(const CourseFiles files, CourseFiles::open(o.dir));
    if (const auto again = course::judge_again(files.course(), files.course_sha256(), files.entries(), files.sources(),
                                               DetectEngines());
        !again)
      return again.error().message;
    const Json* log = find(certificate, "log");
    const auto count = log == nullptr ? std::nullopt : int_at(*log, "entries");
    if (!count || *count < 1 || static_cast<std::size_t>(*count) > files.entries().size())
      return "the log is shorter than the certificate says";
    // What the learner did after it was issued is no matter.
    const auto entries = std::span(files.entries()).first(static_cast<std::size_t>(*count));
    drill::LogWriter writer;
    for (const drill::Entry& entry : entries) (void)writer.line(entry);
    BONGSU_TRY(const course::Progress progress, course::progress_of(files.course(), files.course_sha256(), entries));
    const auto issued = Instant::parse(string_at(certificate, "issued").value_or(""));
    if (!issued) return "it does not say when it was issued";
    const auto own = course::make_certificate(files.course(), progress, writer.last_hash(), entries.size(), *issued);
    if (!own) return own.error().message;
    BONGSU_TRY(const std::string expected, course::statement_of(*own));
    if (expected != statement) return "it does not say what the log says";
    return "";
  };
  const auto why = look();
  if (!why) return trouble(why.error(), o.json, err);
  if (page.json)
    page.put(JsonObject{{"holds", why->empty()},
                        {"reason", *why},
                        {"signature_checked_with", o.key},
                        {"log_judged_again", !o.dir.empty()}});
  else if (!why->empty())
    page.line(page.bad("It does not hold: " + *why + "."));
  else
    page.line(page.good("It holds.") + (o.key.empty() ? " Whose key signed it was not asked (--key)." : "") +
              (o.dir.empty() ? " The log was not looked at (--dir)." : " Every answer was judged again."));
  return why->empty() ? kExitOk : kExitNo;
}

}  // namespace bongsu::cli
