#include "cli/course_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "base/places_test_support.h"
#include "cli/command_test_support.h"
#include "cli/course_engines.h"
#include "cli/course_files.h"
#include "cli/signed_files.h"
#include "exercise/course/rehearse.h"
#include "exercise/scenario/check.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::string> library() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(source_dir() + "/samples/exercise/courses"))
    out.push_back(entry.path().string());
  std::ranges::sort(out);
  return out;
}

TEST(CourseLibrary, EverySolutionIsRightAndEveryWrongAnswerWrongForSeveralLearners) {
  ASSERT_EQ(library().size(), 3U);
  const std::uint64_t seeds = std::getenv("BONGSU_LONG") != nullptr ? 40 : 4;
  for (const std::string& file : library()) {
    const auto loaded = load_course(file);
    ASSERT_TRUE(loaded) << loaded.error().text();
    for (const Error& problem :
         exercise::course::rehearse(loaded->course, sources_beside(file), DetectEngines(), seeds).list)
      ADD_FAILURE() << file << ": " << problem.text();
  }
}

TEST(CourseLibrary, CoursesAreAsLongAsTheirNamesSay) {
  for (const std::string& file : library()) {
    const auto loaded = load_course(file);
    ASSERT_TRUE(loaded) << loaded.error().text();
    const auto& days = loaded->course.days;
    EXPECT_EQ(days.size(), file.ends_with("critical-systems.yaml") ? 5U
                           : file.ends_with("cross-border.yaml")   ? 3U
                                                                   : 2U);
    for (const auto& day : days) {
      EXPECT_GE(day.tasks.size(), 4U) << day.title;
      double minutes = 0;
      for (const auto& task : day.tasks) minutes += task.minutes;
      EXPECT_GE(minutes, day.hours * 60 * 0.6) << day.title << ": a day is filled";
    }
  }
}

TEST(CourseLibrary, ItsTechniquesOfControlSystemsExist) {
  const std::string path = shared_data("exercise/attack-ics.stix.json");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const auto text = telemetry::read_whole(path, exercise::scenario::kMaxTableBytes);
  ASSERT_TRUE(text);
  const auto techniques = exercise::scenario::Techniques::read(*text, path);
  ASSERT_TRUE(techniques) << techniques.error().text();
  for (const std::string& file : library())
    for (const auto* task : exercise::course::tasks_of(load_course(file)->course))
      for (const std::string& teaches : task->teaches)
        if (const std::string id = teaches.starts_with("attack:") ? teaches.substr(7) : "";
            !id.empty() && techniques->covers(id))
          EXPECT_TRUE(techniques->known.contains(id)) << file << ": " << task->id << ": " << id;
}

constexpr const char* kSmall = R"(id: small
title: Small
description: d
audience: a
days:
  one:
    title: One
    hours: 1
    tasks:
      t:
        title: T
        minutes: 10
        points: 10
        text: "what is in file.txt?"
        teaches: ["nice:PD-WRL-003"]
        variables: {x: {hex: 8}}
        files: [{name: file.txt, text: "${x}\n"}]
        check: {answer: [{name: a, is: "${x}", as: hex}]}
        hints: [{text: "cat", cost: 10}]
        explanation: "that is it"
        solution: "${x}"
        wrong: ["no"]
)";

class CourseCommandsTest : public CommandTest {
 protected:
  void begin() {
    ASSERT_EQ(
        run(run_course_start, {.course = file("small.yaml", kSmall), .dir = at("c"), .learner = "ana", .seed = 5}), 0)
        << err_;
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  std::string content(const std::string& name) const { return read_small_file(dir_ / name).value_or(""); }
  int answer(const std::string& text) {
    CourseAnswerOptions o;
    o.dir = at("c");
    o.text = {text};
    return run(run_course_answer, o);
  }
  CourseOptions here() const { return {.dir = at("c")}; }
};

TEST_F(CourseCommandsTest, ALearnerGoesThroughACourseToACertificateThatHolds) {
  begin();
  EXPECT_EQ(run(run_course_show, here()), 0);
  EXPECT_THAT(out_, HasSubstr("what is in file.txt?"));
  EXPECT_EQ(answer("12345678"), 1);
  EXPECT_EQ(run(run_course_hint, here()), 0);
  EXPECT_EQ(run(run_course_hint, here()), 2) << "there is one hint";
  CourseCertificateOptions c;
  c.dir = at("c");
  EXPECT_EQ(run(run_course_certificate, c), 1);
  EXPECT_FALSE(fs::exists(at("c/certificate.json")));
  EXPECT_EQ(answer(content("c/tasks/one/t/file.txt")), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("that is it"));
  EXPECT_EQ(answer("again"), 2) << "it is solved";
  ASSERT_TRUE(make_key_file(at("issuer")));
  c.key = at("issuer");
  EXPECT_EQ(run(run_course_certificate, c), 0) << err_;
  EXPECT_TRUE(content("c/certificate.pdf").starts_with("%PDF"));
  CourseVerifyOptions v{.certificate = at("c/certificate.json"), .key = at("issuer.pub"), .dir = at("c")};
  EXPECT_EQ(run(run_course_verify, v), 0) << out_ << err_;
  // Another issuer, another name, another log.
  ASSERT_TRUE(make_key_file(at("other")));
  EXPECT_EQ(run(run_course_verify, {.certificate = v.certificate, .key = at("other.pub")}), 1);
  std::string forged = content("c/certificate.json");
  forged.replace(forged.find("\"ana\""), 5, "\"ben\"");
  EXPECT_EQ(run(run_course_verify, {.certificate = file("forged.json", forged)}), 1);
  Json bare = *parse_json(forged);
  bare.as_object().erase("signature");
  EXPECT_EQ(run(run_course_verify, {.certificate = file("bare.json", to_text(bare))}), 0)
      << "nothing speaks against it but the log";
  EXPECT_EQ(run(run_course_verify, {.certificate = at("bare.json"), .dir = at("c")}), 1);
  EXPECT_EQ(run(run_course_verify, {.certificate = at("bare.json"), .key = at("issuer.pub")}), 1)
      << "nobody has signed it";
}

TEST_F(CourseCommandsTest, AResetMakesTheTaskAnew) {
  begin();
  const std::string first = content("c/tasks/one/t/file.txt");
  EXPECT_EQ(answer(first), 0);
  CourseResetOptions r;
  r.dir = at("c");
  EXPECT_EQ(run(run_course_reset, r), 2) << "what?";
  r.task = "one";
  EXPECT_EQ(run(run_course_reset, r), 0);
  EXPECT_NE(content("c/tasks/one/t/file.txt"), first);
  EXPECT_EQ(answer(first), 1);
}

TEST_F(CourseCommandsTest, ACrashLosesNothingAndAChangeIsNoticed) {
  begin();
  EXPECT_EQ(answer("no"), 1);
  const std::string log = content("c/course.ndjson");
  file("c/course.ndjson", log + "{\"at\":12,\"da");
  EXPECT_EQ(answer("no"), 1) << "a line that was cut off is overwritten: " << err_;
  EXPECT_THAT(content("c/course.ndjson"), HasSubstr("\"seq\":3"));
  std::string changed = log;
  changed.replace(changed.find("\"right\":false"), 13, "\"right\":true");
  file("c/course.ndjson", changed);
  EXPECT_EQ(run(run_course_progress, here()), 2);
  EXPECT_THAT(err_, HasSubstr("course.ndjson:2"));
  file("c/course.ndjson", log);
  file("c/course.yaml", std::string(kSmall) + "# easier\n");
  EXPECT_EQ(run(run_course_progress, here()), 2);
  EXPECT_THAT(err_, HasSubstr("another version of the course"));
}

TEST_F(CourseCommandsTest, TroubleIsNamed) {
  begin();
  EXPECT_EQ(run(run_course_start, {.course = at("small.yaml"), .dir = at("c")}), 2) << "there is one already";
  EXPECT_EQ(run(run_course_start, {.course = "nonesuch", .dir = at("d")}), 2);
  EXPECT_THAT(err_, HasSubstr("course list"));
  EXPECT_EQ(run(run_course_show, {.dir = at("nowhere")}), 2);
  EXPECT_EQ(run(run_course_show, {.dir = at("c"), .task = "z"}), 2);
  EXPECT_EQ(answer("\xff"), 2) << "no text";
  const std::string broken = file("broken.yaml", std::string(kSmall) + "        hint: x\n");
  EXPECT_EQ(run(run_course_check, {.courses = {broken}}), 1);
  EXPECT_THAT(out_, HasSubstr("broken.yaml:23"));
}

}  // namespace
}  // namespace bongsu::cli
