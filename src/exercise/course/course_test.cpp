#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/bytes.h"
#include "base/hash.h"
#include "exercise/course/certificate.h"
#include "exercise/course/read.h"
#include "exercise/course/recording.h"
#include "exercise/course/rehearse.h"

namespace bongsu::exercise::course {
namespace {

using testing::HasSubstr;

// A course of one day, with what is put into its only task.
std::string course_with(std::string_view more, std::string_view check = "answer: [{name: a, is: \"${x}\"}]") {
  return fmt::format(R"(id: c
title: C
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
        text: "find ${{x}}"
        teaches: ["attack:T0855"]
        hints: [{{text: "it is ${{x}}", cost: 50}}]
        explanation: e
        solution: "${{x}}"
        wrong: ["no"]
        check: {{{}}}
{})",
                     check, more);
}
const std::string kX = "        variables: {x: {hex: 8}}\n";

class NoEngines final : public Engines {
  Result<std::vector<std::uint64_t>> sigma(std::string_view, std::string_view) const override {
    return fail(ErrorCode::kUnsupported, "none");
  }
  Result<std::vector<std::uint64_t>> patterns(std::span<const std::string> patterns,
                                              std::string_view log) const override {
    // Lines that have the pattern in them.
    std::vector<std::uint64_t> out;
    std::uint64_t line = 0;
    while (!log.empty()) {
      ++line;
      const auto end = std::min(log.find('\n'), log.size());
      if (log.substr(0, end).find(patterns[0]) != log.npos) out.push_back(line);
      log.remove_prefix(std::min(end + 1, log.size()));
    }
    return out;
  }
};
Result<std::string> no_sources(const std::string& name) { return fail(ErrorCode::kNotFound, "no", {.source = name}); }

Course good(const std::string& text) {
  auto read = read_course(text, "c.yaml");
  if (read) return std::move(*read);
  for (const Error& e : read.error().list) ADD_FAILURE() << e.text();
  return {};
}
std::string mistake(const std::string& text) {
  const auto read = read_course(text, "c.yaml");
  return read ? "" : read.error().list.front().text();
}
Verdict verdict(const Course& course, std::string_view answer, const Seat& seat) {
  const auto v = judge(course.days[0].tasks[0], seat, answer, no_sources, NoEngines());
  EXPECT_TRUE(v) << v.error().text();
  return v.value_or(Verdict{});
}
const Seat kSeat{.course = "c", .learner = "ana", .seed = 1, .round = 1};
std::string filled(const Course& course, const std::string& pattern, const Seat& seat = kSeat) {
  return *Values::draw(course.days[0].tasks[0], seat)->fill(pattern);
}

TEST(CourseReading, EachMistakeIsNamedWithItsPlace) {
  struct Case {
    std::string text, said;
  };
  const Case cases[] = {
      {"", "a course is one YAML document"},
      {"id: c", "`audience` is missing"},
      {course_with("        variabels: {}\n"), "the nearest is `variables`"},
      {course_with(""), "no variable \"x\""},
      {course_with("        variables: {x: {hex: 8, word: 3}}\n"), "exactly one of pick"},
      {course_with("        variables: {x: {value: \"${y}\"}, y: {hex: 2}}\n"), "no variable \"y\" before it"},
      {course_with("        variables: {x: {address: 10.0.0.1/24}}\n"), "no IPv4 network"},
      {course_with("        variables: {x: {value: \"$(launch 1)\"}}\n"), "there is no function $(launch …)"},
      {course_with("        variables: {x: {value: \"$(sum a)\"}}\n"), "is no number"},
      {course_with("        variables: {x: {value: \"$(sum 1\"}}\n"), "not closed"},
      {course_with(kX + "        files: [{name: ../up, text: a}]\n"), "begins with no dot"},
      {course_with(kX + "        files: [{name: a, text: a}, {name: a, text: b}]\n"), "two files have this name"},
      {course_with(kX + "        files: [{name: a, lines: [{template: zeek-dsn, at: x, parameters: {}}]}]\n"),
       "the nearest is `zeek-dns`"},
      {course_with(kX + "        files: [{name: a, lines: [{template: zeek-dns, at: x, parameters: {source: y}}]}]\n"),
       "needs `query`"},
      {course_with(kX, "answer: [{name: a, is: b}], table: {key: a, rows: b}"), "exactly one of answer"},
      {course_with(kX, "sigma: {file: a, mark: b}"), "no such file of telemetry"},
      {course_with(kX, "orders: {world: w, before: b, from: 1h, until: 2h, bounds: [{measure: money, most: 1}]}"),
       "no such measure"},
      {course_with(kX, "bundle: {objects: [{type: a}], tlp: \"TLP:PURPLE\"}"), "not a label"},
  };
  for (const Case& c : cases) EXPECT_THAT(mistake(c.text), HasSubstr(c.said)) << c.text;
  EXPECT_THAT(mistake(course_with("        variables: {x: {hex: 8, word: 3}}\n")), HasSubstr("c.yaml:21"));
  EXPECT_EQ(mistake(course_with(kX)), "");
}

TEST(CourseReading, WhatIsTaughtHasANameThatExists) {
  EXPECT_EQ(teaching_wrong("attack:T0855"), "");
  EXPECT_EQ(teaching_wrong("nice:PD-WRL-003"), "");
  EXPECT_EQ(teaching_wrong("ecsf:Cyber Incident Responder"), "");
  for (const char* bad : {"", "attack", "attack:", "attack:855", "nice:PD-WRL-3", "ecsf:Cyber Hero", "x:y"})
    EXPECT_NE(teaching_wrong(bad), "") << bad;
}

TEST(CourseValues, FollowFromTheSeatAndDifferBetweenSeats) {
  const Course course =
      good(course_with("        variables: {x: {hex: 16}, a: {address: 10.1.2.0/30}, b: {address: 10.1.2.0/30}}\n"));
  const std::string all = "${x} ${a} ${b} $(uuid u)";
  const std::string one = filled(course, all);
  EXPECT_EQ(one, filled(course, all));
  EXPECT_NE(filled(course, "${a}"), filled(course, "${b}")) << "two addresses of two there are";
  for (const Seat& other :
       {Seat{"c", "ben", 1, 1}, Seat{"c", "ana", 2, 1}, Seat{"c", "ana", 1, 2}, Seat{"d", "ana", 1, 1}})
    EXPECT_NE(one, filled(course, all, other));
}

TEST(CourseValues, FunctionsAreExact) {
  const Course course = good(course_with(kX));
  const std::pair<const char*, const char*> cases[] = {
      {"$(sum 1 2.5 3)", "6.5"},
      {"$(minus 3 5)", "-2"},
      {"$(product 2 $(quotient 9 3))", "6"},
      {"$(later 2027-01-31T23:59:30Z 90s)", "2027-02-01T00:01:00Z"},
      {"$(earlier 2027-03-01T00:00:00Z 1s)", "2027-02-28T23:59:59Z"},
      {"$(month-later 2027-01-31T10:00:00Z)", "2027-02-28T10:00:00Z"},
      {"$(month-later 2027-12-05T10:00:00Z)", "2028-01-05T10:00:00Z"},
      {"$(choose 1 a b c)", "b"},
      {"$(phrase $(choose 0 one~more no))", "one more"},
      {"$(hex 255 4)", "00ff"},
      {"$(registers f32 50)", "0x4248,0x0000"},
      {"$(registers f32_swapped 50)", "0x0000,0x4248"},
      {"$(iec104 u=startdt-act)", "680407000000"},
      {"$(iec104 type=C_DC_NA_1 cause=6 ca=3 ioa=1100 value=2 select=yes tx=1)", "680e020000002e01060003004c040082"},
      {"$(modbus function=6 unit=1 tx=1 address=4 values=50)", "000100000006010600040032"},
      {"$(modbus function=16 unit=2 tx=7 address=1 values=$(registers f32 50))",
       "00070000000b02100001000204"
       "42480000"},
  };
  for (const auto& [pattern, text] : cases) EXPECT_EQ(filled(course, pattern), text) << pattern;
  const Values values = *Values::draw(course.days[0].tasks[0], kSeat);
  for (const char* bad :
       {"$(choose 3 a b c)", "$(quotient 1 0)", "$(month-later soon)", "$(modbus function=6 values=70000)",
        "$(modbus function=3 address=1 count=126)", "$(iec104 type=X)", "$()", "${", "$(later 2027-01-01T00:00:00Z 5)"})
    EXPECT_FALSE(values.fill(bad)) << bad;
}

TEST(CourseJudging, FieldsAreComparedByWhatTheyAre) {
  const auto one = [](std::string_view field, std::string_view answer) {
    return verdict(good(course_with(kX, fmt::format("answer: [{}]", field))), answer, kSeat).right;
  };
  EXPECT_TRUE(one("{name: a, is: Kaunas North}", "  kaunas   north "));
  EXPECT_TRUE(one("{name: a, is: Kaunas}", "A = kaunas"));
  EXPECT_FALSE(one("{name: a, is: Kaunas, as: exact}", "kaunas"));
  EXPECT_FALSE(one("{name: a, is: Kaunas}", ""));
  EXPECT_TRUE(one("{name: a, is: \"1.5\", as: number, within: \"0.1\"}", "1.59"));
  EXPECT_FALSE(one("{name: a, is: \"1.5\", as: number, within: \"0.1\"}", "1.7"));
  EXPECT_FALSE(one("{name: a, is: \"1.5\", as: number, within: \"0.1\"}", "nan"));
  EXPECT_TRUE(one("{name: a, is: \"2027-01-19T07:00:00Z\", as: time, within: 2s}", "2027-01-19 09:00:01+02:00"));
  EXPECT_FALSE(one("{name: a, is: \"2027-01-19T07:00:00Z\", as: time, within: 2s}", "2027-01-19 07:00:03"));
  EXPECT_TRUE(one("{name: a, is: \"b,a\", as: set}", "A, B, a"));
  EXPECT_FALSE(one("{name: a, is: \"b,a\", as: list}", "a,b"));
  EXPECT_TRUE(one("{name: a, is: 0a0b, as: hex}", "0x0A 0B"));
  const Course two = good(course_with(kX, "answer: [{name: a, is: x}, {name: b, is: y}]"));
  EXPECT_TRUE(verdict(two, "b=y\na: =;a=x", kSeat).right);
  const Verdict half = verdict(two, "a=x; b=z", kSeat);
  EXPECT_FALSE(half.right);
  EXPECT_THAT(half.said, HasSubstr("1 of 2 are right. Not right: b."));
  EXPECT_FALSE(verdict(two, std::string(kMaxAnswerBytes + 1, 'a'), kSeat).right);
}

TEST(CourseJudging, TablesAreComparedByTheirKey) {
  const Course course = good(course_with(kX, R"(table: {key: k, within: 0.5, rows: "k,v\na,1\nb,x\n"})"));
  EXPECT_TRUE(verdict(course, "v,k\nX,B\n1.4,A\n", kSeat).right);
  for (const char* bad : {"", "k,v\n", "k,v\na,1\n", "k,v\na,1\nb,y\n", "k,v\na,2\nb,x\n", "k,v\na,1\nb,x\nc,1\n",
                          "k,v\na,1\na,1\nb,x\n", "k\na\nb\n"})
    EXPECT_FALSE(verdict(course, bad, kSeat).right) << bad;
}

constexpr const char* kLines =
    "        variables: {x: {word: 12}}\n"
    "        files: [{name: l, background: {count: 20, begin: \"2027-01-19T07:00:00Z\"}, lines: [{template: zeek-dns, "
    "at: "
    "\"2027-01-19T07:10:00Z\", count: \"2\", mark: m, parameters: {source: 10.0.0.1, query: \"${x}.example\"}}]}]\n";

TEST(CourseJudging, DetectionHitsWhatIsMarkedAndNothingElse) {
  const Course course = good(course_with(kLines, "pattern: {file: l, mark: m}"));
  EXPECT_TRUE(verdict(course, filled(course, "${x}.example"), kSeat).right);
  const Verdict all = verdict(course, "_path", kSeat);
  EXPECT_FALSE(all.right);
  EXPECT_THAT(all.said, HasSubstr("2 of 2 lines that matter are hit, and"));
  EXPECT_FALSE(verdict(course, "nothing", kSeat).right);
  const Course again = good(course_with(kLines, "pattern: {file: l, mark: m, again: true}"));
  EXPECT_THAT(verdict(again, filled(again, "${x}.example"), kSeat).said, HasSubstr("other addresses"));
  EXPECT_TRUE(verdict(again, "10.0.0.1", kSeat).right) << "what is the same in every seat holds";
}

TEST(CourseRecording, TheSameSeatGivesTheSameBytes) {
  const std::string files = kX +
                            "        files: [{name: s, recording: {protocol: iec104, server: 10.0.0.1, form: FORM, "
                            "points: \"name,kind,value,ioa,command,select,"
                            "operate_ms\\ncb,double,2,1,2,yes,300\\n\", sessions: [{client: 10.0.0.2, at: "
                            "\"2027-01-19T07:00:00Z\", steps: [{command: cb, "
                            "value: \"1\"}, {read: \"1\"}, {set: cb, value: \"2\"}]}]}}]\n";
  for (const std::string form : {"pcap", "log", "hex"}) {
    std::string own = files;
    own.replace(own.find("FORM"), 4, form);
    const Course course = good(course_with(own));
    const Task& task = course.days[0].tasks[0];
    const Values values = *Values::draw(task, kSeat);
    const auto a = make_files(task, values, no_sources), b = make_files(task, values, no_sources);
    ASSERT_TRUE(a) << a.error().text();
    EXPECT_EQ((*a)[0].bytes, (*b)[0].bytes);
    EXPECT_GT((*a)[0].bytes.size(), 500U) << form;
    if (form == "log") EXPECT_THAT((*a)[0].bytes, HasSubstr("C_DC_NA_1"));
  }
}

TEST(CourseRecording, AStepThatNobodyTakesIsAMistake) {
  const std::string files =
      kX +
      "        files: [{name: s, recording: {protocol: iec104, server: 10.0.0.1, points: "
      "\"name,kind,ioa\\nu,real,1\\n\", sessions: "
      "[{client: 10.0.0.2, at: \"2027-01-19T07:00:00Z\", steps: [{command: u, value: \"1\"}]}]}}]\n";
  const Course course = good(course_with(files));
  const auto problems = rehearse(course, no_sources, NoEngines(), 1);
  ASSERT_EQ(problems.count, 1U);
  EXPECT_THAT(problems.list[0].text(), HasSubstr("cannot be commanded"));
}

TEST(CourseSession, FramesAreTakenByARealStation) {
  const Course course = good(course_with(
      kX,
      R"(session: {protocol: iec104, points: "name,kind,value,ioa,command,select\ncb,double,2,1,11,yes\n", leaves: {cb: "1"}})"));
  const std::string start = "$(iec104 u=startdt-act)",
                    select = "$(iec104 type=C_DC_NA_1 ioa=11 value=1 select=yes tx=0)",
                    operate = "$(iec104 type=C_DC_NA_1 ioa=11 value=1 tx=1)";
  EXPECT_TRUE(verdict(course, filled(course, start + " # begin\n" + select + "\n" + operate), kSeat).right);
  EXPECT_THAT(verdict(course, filled(course, select + operate), kSeat).said, HasSubstr("hung up"));
  EXPECT_FALSE(verdict(course, filled(course, start + select), kSeat).right);
  EXPECT_FALSE(verdict(course, filled(course, start + operate), kSeat).right);
  for (const char* bad : {"", "zz", "68", "680e", "# nothing", "00"})
    EXPECT_FALSE(verdict(course, bad, kSeat).right) << bad;
}

TEST(CourseRehearsal, ACheckThatCannotTellRightFromWrongIsAMistake) {
  EXPECT_EQ(rehearse(good(course_with(kX)), no_sources, NoEngines(), 3).count, 0U);
  const Course lax = good(course_with(kX, "answer: [{name: a, is: \"no\"}]"));
  EXPECT_THAT(rehearse(lax, no_sources, NoEngines(), 1).list.at(0).text(), HasSubstr("it is judged wrong"));
  const Course same = good(course_with("        variables: {x: {pick: [a]}}\n"));
  EXPECT_THAT(rehearse(same, no_sources, NoEngines(), 2).list.at(0).text(), HasSubstr("the same for everybody"));
}

// ——— the log ———

struct Way {
  Course course = good(course_with(
      kX +
      "      u:\n        title: U\n        minutes: 5\n        points: 30\n        text: t\n        teaches: "
      "[\"nice:PD-WRL-003\"]\n        hints: [{text: h, cost: 10}]\n        explanation: e\n        solution: yes\n"
      "        wrong: [\"no\"]\n        check: {answer: [{name: a, is: \"yes\"}]}\n"));
  std::string sha = to_hex(sha256("course"));
  std::vector<drill::Entry> log = {started(course, sha, "ana", ~0ULL, Instant{1'800'000'000, 0})};
  Instant now{1'800'000'000, 0};

  Progress progress() const {
    auto p = progress_of(course, sha, log);
    EXPECT_TRUE(p) << p.error().text();
    return p.value_or(Progress{});
  }
  void answer(std::string_view task, std::string_view text) {
    now = now + std::chrono::seconds(60);
    const Progress p = progress();
    const TaskState& state = *p.find(course.find(task));
    const Verdict v = *judge(*state.task, p.seat(state), text, no_sources, NoEngines());
    log.push_back(answered(p, state, text, v, log.size() + 1, now));
  }
  std::string solution() const {
    const Progress p = progress();
    return *Values::draw(*p.tasks[0].task, p.seat(p.tasks[0]))->fill("${x}");
  }
};

TEST(CourseProgress, HintsAndWrongAnswersCostAndAResetBeginsAnew) {
  Way way;
  EXPECT_EQ(way.progress().seed, ~0ULL);
  EXPECT_EQ(way.progress().current()->name, "one.t");
  const std::string first = way.solution();
  way.answer("t", "wrong");
  way.log.push_back(hint_taken(way.progress(), way.progress().tasks[0], way.log.size() + 1, way.now));
  way.answer("t", first);
  EXPECT_DOUBLE_EQ(way.progress().points(), 4.5) << "10 points less 50 % and 5 %";
  way.answer("one.u", "yes");
  EXPECT_TRUE(way.progress().passed());
  EXPECT_TRUE(judge_again(way.course, way.sha, way.log, no_sources, NoEngines()));
  const Progress p = way.progress();
  const TaskState* state = &p.tasks[0];
  way.log.push_back(resets(p, std::span(&state, 1), way.log.size() + 1, way.now));
  EXPECT_EQ(way.progress().current()->name, "one.t");
  EXPECT_NE(way.solution(), first) << "the old answer is no answer";
  EXPECT_EQ(way.progress().hints, 1U) << "what was ever taken is told";
}

TEST(CourseProgress, ALogThatCannotHaveBeenIsRefused) {
  const auto refused = [](const std::function<void(Way&)>& change) {
    Way way;
    way.answer("t", "wrong");
    way.answer("t", way.solution());
    change(way);
    return !progress_of(way.course, way.sha, way.log);
  };
  EXPECT_FALSE(refused([](Way&) {}));
  EXPECT_TRUE(refused([](Way& w) { w.log.erase(w.log.begin()); }));
  EXPECT_TRUE(refused([](Way& w) { w.log.clear(); }));
  EXPECT_TRUE(refused([](Way& w) { w.sha[0] = 'x'; }));
  EXPECT_TRUE(refused([](Way& w) { w.log[1].team = "ben"; }));
  EXPECT_TRUE(refused([](Way& w) { w.log[1].data["task"] = "one.z"; }));
  EXPECT_TRUE(refused([](Way& w) { w.log[1].data["round"] = 2; }));
  EXPECT_TRUE(refused([](Way& w) { w.log.push_back(w.log.back()); })) << "answered after it was solved";
  EXPECT_TRUE(refused([](Way& w) { w.log[0].data["seed"] = "-1"; }));
}

TEST(CourseProgress, AVerdictThatWasForgedShowsWhenItIsJudgedAgain) {
  Way way;
  way.answer("t", "wrong");
  way.log[1].data["right"] = true;
  EXPECT_TRUE(progress_of(way.course, way.sha, way.log));
  const auto again = judge_again(way.course, way.sha, way.log, no_sources, NoEngines());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("entry 2"));
}

TEST(CourseCertificate, IsGivenForAPassedCourseAloneAndSaysWhatTheLogSays) {
  Way way;
  const auto make = [&] {
    return make_certificate(way.course, way.progress(), std::string(64, 'a'), way.log.size(), way.now);
  };
  EXPECT_FALSE(make());
  way.answer("u", "yes");
  way.answer("t", way.solution());
  const auto certificate = make();
  ASSERT_TRUE(certificate) << certificate.error().text();
  const std::string statement = *statement_of(*certificate);
  Json marked = *certificate;
  put_signature(marked, {.key = std::string(32, 'k'), .value = std::string(64, 'v')});
  EXPECT_EQ(*statement_of(marked), statement) << "a signature is over everything but itself";
  EXPECT_EQ((*signature_of(marked))->value, std::string(64, 'v'));
  marked.as_object()["learner"] = "ben";
  EXPECT_NE(*statement_of(marked), statement);
  EXPECT_TRUE(page_of(*certificate));
  for (const char* bad : {"{}", "[]", "{\"type\":\"x\"}", "{\"type\":\"bongsu-course-certificate\"}"})
    EXPECT_FALSE(page_of(*parse_json(bad))) << bad;
}

}  // namespace
}  // namespace bongsu::exercise::course
