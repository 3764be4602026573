// Courses.
#include <cstdio>

#include "cli/course_commands.h"
#include "cli/flags/flags.h"
#include "cli/flags/program.h"

namespace bongsu::cli {

void add_course(Program& p) {
  auto* course = p.group("course", "Training courses of checked tasks, for a learner on a laptop");
  const auto in_directory = [](CLI::App* sub, CourseOptions& o) {
    sub->add_option("--dir", o.dir, "The learner's directory")->capture_default_str();
    sub->add_flag("--json", o.json, "Machine-readable output");
  };

  static CourseListOptions l;
  auto* list = p.command(course, "list", "Courses that are here", "  bongsu course list\n");
  list->add_option("directories", l.directories, "Where to look; none: $BONGSU_COURSES and what came with the program");
  list->add_flag("--json", l.json, "Machine-readable output");
  list->callback([&p] { p.exit = run_course_list(l, stdout, stderr); });

  static CourseCheckOptions c;
  auto* check = p.command(course, "check", "Is a course without mistakes, and do its checks tell right from wrong?",
                          "  bongsu course check samples/exercise/courses/protocols.yaml\n");
  check->add_option("courses", c.courses, "Courses (YAML)")->required();
  check->add_option("--seeds", c.seeds, "Learners that it is rehearsed for; 0: look at its form alone")
      ->capture_default_str();
  check->add_flag("--json", c.json, "Machine-readable output");
  check->callback([&p] { p.exit = run_course_check(c, stdout, stderr); });

  static CourseStartOptions s;
  auto* start =
      p.command(course, "start", "Begin a course", "  bongsu course start protocols --dir protocols --learner ana\n");
  start->add_option("course", s.course, "A course's name, or its file")->required();
  start->add_option("--dir", s.dir, "Directory for what the learner gets and does")->required();
  start->add_option("--learner", s.learner, "Name on the certificate; the user's if there is none");
  start->add_option("--seed", s.seed,
                    "What the material is made from, beside the learner's name; random if there is none");
  start->add_flag("--json", s.json, "Machine-readable output");
  start->callback([&p] { p.exit = run_course_start(s, stdout, stderr); });

  static CourseOptions w;
  auto* show = p.command(course, "show", "The task to solve now, or another", "  bongsu course show --dir protocols\n");
  show->add_option("task", w.task, "TASK or DAY.TASK");
  in_directory(show, w);
  show->callback([&p] { p.exit = run_course_show(w, stdout, stderr); });

  static CourseOptions h;
  auto* hint = p.command(course, "hint", "The next hint; it costs the part of the points that `show` names",
                         "  bongsu course hint --dir protocols\n");
  hint->add_option("--task", h.task, "TASK or DAY.TASK; none: the current one");
  in_directory(hint, h);
  hint->callback([&p] { p.exit = run_course_hint(h, stdout, stderr); });

  static CourseAnswerOptions a;
  auto* answer = p.command(course, "answer", "Answer a task; a wrong answer costs a little",
                           "  bongsu course answer --dir protocols 198.51.100.7\n"
                           "  bongsu course answer --dir protocols 'address=198.51.100.7; time=2027-01-19T07:31:00Z'\n"
                           "  bongsu course answer --dir protocols --file rule.yml\n");
  answer->add_option("text", a.text, "The answer");
  answer->add_option("--file", a.file, "A file that is the answer; - is standard input");
  answer->add_option("--task", a.task, "TASK or DAY.TASK; none: the current one");
  in_directory(answer, a);
  answer->callback([&p] { p.exit = run_course_answer(a, stdout, stderr); });

  static CourseOptions g;
  auto* progress = p.command(course, "progress", "How far it is", "  bongsu course progress --dir protocols\n");
  in_directory(progress, g);
  progress->callback([&p] { p.exit = run_course_progress(g, stdout, stderr); });

  static CourseResetOptions r;
  auto* reset = p.command(course, "reset", "Begin a task, a day or everything anew, with new material",
                          "  bongsu course reset --dir protocols first-command\n"
                          "  bongsu course reset --dir protocols --all\n");
  reset->add_option("what", r.task, "TASK, DAY.TASK or DAY");
  reset->add_flag("--all", r.all, "The whole course");
  in_directory(reset, r);
  reset->callback([&p] { p.exit = run_course_reset(r, stdout, stderr); });

  static CourseCertificateOptions t;
  auto* certificate = p.command(course, "certificate", "The certificate of a course that was passed: PDF and JSON",
                                "  bongsu course certificate --dir protocols --key issuer.key\n");
  certificate->add_option("--key", t.key, "Sign with this Ed25519 key (charter key, or a node's keys/signing.key)");
  in_directory(certificate, t);
  certificate->callback([&p] { p.exit = run_course_certificate(t, stdout, stderr); });

  static CourseVerifyOptions v;
  auto* verify = p.command(course, "verify", "Does a certificate hold?",
                           "  bongsu course verify certificate.json --key issuer.key.pub --dir protocols\n");
  verify->add_option("certificate", v.certificate, "The JSON form")->required();
  verify->add_option("--key", v.key, "The issuer's public key (hexadecimal, in a file)");
  verify->add_option("--dir", v.dir, "The learner's directory: its answers are judged again");
  verify->add_flag("--json", v.json, "Machine-readable output");
  verify->callback([&p] { p.exit = run_course_verify(v, stdout, stderr); });
}

}  // namespace bongsu::cli
