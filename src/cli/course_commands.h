// bongsu course …: courses that a learner goes through by himself, on a laptop.
//
//   bongsu course list
//   bongsu course check samples/exercise/courses/protocols.yaml
//   bongsu course start protocols --dir protocols --learner ana
//   bongsu course show|hint|answer|progress|reset|certificate --dir protocols
//   bongsu course verify protocols/certificate.json --key issuer.pub --dir protocols
//
// The learner's directory: course.yaml and sources/ (what it was started with), course.ndjson (the log),
// tasks/DAY/TASK/ (the files of a task), certificate.json and .pdf. Everything but the log can be made again from it.
// One program at a time works in it.
//
// Exit status: 0 done, right, passed, good; 1 not (a wrong answer, a course with mistakes, a certificate that does not
// hold); 2 trouble.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace bongsu::cli {

// Directories where courses are looked for by name: $BONGSU_COURSES, beside the program, this project's samples.
std::vector<std::string> course_directories();

struct CourseListOptions {
  std::vector<std::string> directories;  // empty: course_directories()
  bool json = false;
};
int run_course_list(const CourseListOptions& options, std::FILE* out, std::FILE* err);

struct CourseCheckOptions {
  std::vector<std::string> courses;
  std::uint64_t seeds = 3;  // learners that it is rehearsed for; 0: the form alone
  bool json = false;
};
int run_course_check(const CourseCheckOptions& options, std::FILE* out, std::FILE* err);

struct CourseStartOptions {
  std::string course, dir,
      learner;  // a file, or the name of a course in course_directories(); learner: the user's name
  std::optional<std::uint64_t> seed;
  bool json = false;
};
int run_course_start(const CourseStartOptions& options, std::FILE* out, std::FILE* err);

struct CourseOptions {
  std::string dir = ".", task;  // empty: the current one
  bool json = false;
};
int run_course_show(const CourseOptions& options, std::FILE* out, std::FILE* err);
int run_course_hint(const CourseOptions& options, std::FILE* out, std::FILE* err);
int run_course_progress(const CourseOptions& options, std::FILE* out, std::FILE* err);

struct CourseAnswerOptions : CourseOptions {
  std::vector<std::string> text;  // joined by blanks
  std::string file;               // or "-"
};
int run_course_answer(const CourseAnswerOptions& options, std::FILE* out, std::FILE* err);

struct CourseResetOptions : CourseOptions {
  bool all = false;  // `task`: a task or a day
};
int run_course_reset(const CourseResetOptions& options, std::FILE* out, std::FILE* err);

struct CourseCertificateOptions : CourseOptions {
  std::string key;  // signing key; none: not signed
};
int run_course_certificate(const CourseCertificateOptions& options, std::FILE* out, std::FILE* err);

struct CourseVerifyOptions {
  std::string certificate, key, dir;  // key: the issuer's public key; dir: the learner's, judged again
  bool json = false;
};
int run_course_verify(const CourseVerifyOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
