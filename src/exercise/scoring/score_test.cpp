#include "exercise/scoring/score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "exercise/drill/drill.h"
#include "exercise/drill/drill_test_support.h"

namespace bongsu::exercise::scoring {
namespace {

using namespace drill;
constexpr std::int64_t kMin = 60'000;

// A log written by hand: what happened, with nothing that a drill would have to come to.
class Log {
 public:
  explicit Log(scenario::Scenario scenario = small_scenario()) : scenario_(std::move(scenario)) {
    auto begun = Drill::open(scenario_, {}, switch_ranges(), *Instant::parse("2026-12-01T09:00:00Z"));
    entries_ = begun->step.entries;
  }
  std::uint64_t add(Entry entry) {
    entry.seq = entries_.size() + 1;
    entries_.push_back(std::move(entry));
    return entries_.back().seq;
  }
  std::uint64_t fired(std::int64_t at, const char* inject, const char* team, int occurrence = 0) {
    return add({.at_ms = at, .kind = Kind::kFired, .team = team, .ref = inject, .data = {{"occurrence", occurrence}}});
  }
  std::uint64_t input(std::int64_t at, const Input& input) {
    Entry entry = *entry_of(input);
    entry.at_ms = at;
    return add(std::move(entry));
  }
  std::uint64_t alert(std::int64_t at, const char* team) {
    return input(at, Evidence{.as = As::kAlert,
                              .team = team,
                              .object = "alert--1",
                              .patterns = {"[domain-name:value = 'EVIL.example']"}});
  }
  std::uint64_t share(std::int64_t at, const char* team, const char* to,
                      std::vector<std::string> patterns = {kName, kAddress}, const char* label = "amber marked") {
    return input(at, Evidence{.as = As::kShared,
                              .team = team,
                              .object = "indicator--1",
                              .type = "indicator",
                              .patterns = std::move(patterns),
                              .to = {to},
                              .label = label});
  }
  std::uint64_t form(std::int64_t at, const char* team) {
    return input(at, Evidence{.as = As::kForm, .team = team, .object = "f", .type = "sitrep"});
  }
  std::uint64_t probe(std::int64_t at, const char* team, const char* service, bool up, JsonArray injects = {}) {
    JsonObject data = {{"up", up}};
    if (!up) data["injects"] = std::move(injects);
    return add({.at_ms = at, .kind = Kind::kProbe, .team = team, .ref = service, .data = std::move(data)});
  }
  std::uint64_t order(std::int64_t at, const char* team, const char* kind, const char* target, bool accepted = true) {
    return add({.at_ms = at,
                .kind = Kind::kOrder,
                .team = team,
                .ref = target,
                .data = {{"kind", kind}, {"by", "team"}, {"accepted", accepted}}});
  }
  std::uint64_t condition(std::int64_t at, const char* team, const char* name, bool holds) {
    return add({.at_ms = at, .kind = Kind::kCondition, .team = team, .ref = name, .data = {{"holds", holds}}});
  }
  void end(std::int64_t at) { add({.at_ms = at, .kind = Kind::kControl, .ref = "end", .data = {{"clock", true}}}); }

  Scorecard card() const {
    auto card = score(scenario_, entries_);
    EXPECT_TRUE(card) << card.error().text();
    return *card;
  }
  TeamScore lt() const { return card().teams.at(0); }

  static constexpr const char* kName = "[domain-name:value = 'evil.example']";
  static constexpr const char* kAddress = "[ipv4-addr:value = '203.0.113.9']";
  scenario::Scenario scenario_;
  std::vector<Entry> entries_;
};

const Point& point(const TeamScore& team, std::string_view about) {
  const auto found = std::ranges::find(team.points, about, &Point::about);
  if (found == team.points.end()) {
    ADD_FAILURE() << "no point about " << about;
    static const Point kNone;
    return kNone;
  }
  return *found;
}
using Seqs = std::vector<std::uint64_t>;

TEST(Score, ADeedCountsFromItsFirstTraceWithinItsTime) {
  struct Case {
    std::int64_t alert_at;
    double earned;
  };
  // phish comes at 10 min; it has to be seen within 20.
  for (const Case& c :
       {Case{9 * kMin, 0}, Case{10 * kMin, 10}, Case{30 * kMin, 10}, Case{30 * kMin + 1, 0}, Case{100 * kMin, 0}}) {
    Log log;
    const auto fired = log.fired(10 * kMin, "phish", "lt-blue");
    const auto alert = log.alert(c.alert_at, "lt-blue");
    log.end(120 * kMin);
    const TeamScore lt = log.lt();
    const Point& seen = point(lt, "seen");
    EXPECT_EQ(seen.earned, c.earned) << c.alert_at;
    EXPECT_EQ(seen.most, 10);
    EXPECT_EQ(seen.rule, "detect-in-time");
    if (c.earned > 0) EXPECT_EQ(seen.evidence, (Seqs{fired, alert}));
    ASSERT_EQ(lt.times.size(), 1U);
    EXPECT_EQ(lt.times[0].detected_ms, c.alert_at < 10 * kMin ? std::nullopt : std::optional(c.alert_at));
  }
}

TEST(Score, AnotherTeamsDeedIsItsOwn) {
  Log log;
  log.fired(10 * kMin, "phish", "lt-blue");
  log.alert(11 * kMin, "ua-blue");
  log.input(11 * kMin,
            Evidence{.as = As::kAlert, .team = "lt-blue", .patterns = {"[domain-name:value = 'good.example']"}});
  log.end(120 * kMin);
  EXPECT_EQ(point(log.lt(), "seen").earned, 0);
}

TEST(Score, ARuleWithoutValuesIsTiedByTheRecordsTime) {
  for (const std::int64_t record : {11 * kMin + 30'000, 11 * kMin + 30'001}) {
    Log log;
    log.fired(10 * kMin, "phish", "lt-blue");
    log.input(12 * kMin, Evidence{.as = As::kAlert, .team = "lt-blue", .object = "rule", .telemetry_ms = record});
    log.end(120 * kMin);
    EXPECT_EQ(point(log.lt(), "seen").earned, record == 11 * kMin + 30'000 ? 10 : 0);
  }
}

TEST(Score, SharingIsWorthWhatGotThereTrueAndRightlyLabelledInTime) {
  struct Case {
    const char* what;
    std::int64_t at;
    std::vector<std::string> patterns;
    const char* label;
    double earned;
  };
  const std::string name = Log::kName, address = Log::kAddress, wrong = "[ipv4-addr:value = '192.0.2.1']";
  for (const Case& c :
       {Case{"all", 20 * kMin, {name, address}, "amber marked", 20},
        Case{"half", 20 * kMin, {name}, "amber marked", 10},
        Case{"all in one pattern",
             20 * kMin,
             {"[domain-name:value = 'evil.example' OR ipv4-addr:value='203.0.113.9']"},
             "amber marked",
             20},
        Case{"with as much that is wrong", 20 * kMin, {name, address, wrong, "[file:name = 'x']"}, "amber marked", 10},
        Case{"late", 55 * kMin + 1, {name, address}, "amber marked", 0},
        Case{"at the last moment", 55 * kMin, {name, address}, "amber marked", 20},
        Case{"stricter", 20 * kMin, {name, address}, "amber marked to:cert-ua", 20},
        Case{"laxer", 20 * kMin, {name, address}, "green marked", 0},
        Case{"so strict that nobody gets it", 20 * kMin, {name, address}, "amber marked to:cert-pl", 0},
        Case{"red without names", 20 * kMin, {name, address}, "red marked", 0},
        Case{"without a label", 20 * kMin, {name, address}, "", 0}}) {
    Log log;
    log.fired(10 * kMin, "phish", "lt-blue");
    log.share(c.at, "lt-blue", "ua-blue", c.patterns, c.label);
    log.end(120 * kMin);
    EXPECT_NEAR(point(log.lt(), "warn").earned, c.earned, 1e-9) << c.what << ": " << point(log.lt(), "warn").text;
  }
  Log log;
  log.fired(10 * kMin, "phish", "lt-blue");
  log.share(20 * kMin, "lt-blue", "pl-blue");
  log.end(120 * kMin);
  EXPECT_EQ(point(log.lt(), "warn").earned, 0) << "to somebody else";
  EXPECT_TRUE(log.lt().times[0].shared_ms) << "though it was shared";
}

TEST(Score, WhatComesInPiecesAddsUp) {
  Log log;
  const auto fired = log.fired(10 * kMin, "phish", "lt-blue");
  const auto first = log.share(20 * kMin, "lt-blue", "ua-blue", {Log::kName});
  const auto second = log.share(30 * kMin, "lt-blue", "ua-blue", {Log::kAddress});
  log.end(120 * kMin);
  EXPECT_EQ(point(log.lt(), "warn").earned, 20);
  EXPECT_EQ(point(log.lt(), "warn").evidence, (Seqs{fired, first, second}));
}

TEST(Score, SeenAndNotSharedIsToldWithTheAlert) {
  Log log;
  log.fired(10 * kMin, "phish", "lt-blue");
  log.alert(12 * kMin, "lt-blue");
  log.fired(10 * kMin, "phish", "ua-blue");
  log.alert(12 * kMin, "ua-blue");
  log.end(120 * kMin);
  EXPECT_TRUE(log.card().teams[0].sharing.at(0).seen_not_shared);
  EXPECT_FALSE(log.card().teams[1].sharing.at(0).seen_not_shared) << "nobody asked ua-blue to";
  EXPECT_EQ(log.lt().sharing[0].missed.size(), 2U);
}

TEST(Score, ContainedIsWhatTheRangeCarriedOut) {
  Log log;
  log.fired(20 * kMin, "open", "lt-blue");
  log.order(25 * kMin, "lt-blue", "breaker-close", "cb1", false);
  log.order(26 * kMin, "lt-blue", "breaker-close", "cb2");
  const auto done = log.order(27 * kMin, "lt-blue", "breaker-close", "cb1");
  log.end(120 * kMin);
  EXPECT_EQ(point(log.lt(), "closed").earned, 10);
  EXPECT_EQ(log.lt().times[0].contained_ms, 27 * kMin);
  EXPECT_EQ(log.lt().times[0].contained_seq, done);
}

TEST(Score, RestoredIsWhenTheLastServiceAnswersAgain) {
  Log log;
  log.fired(20 * kMin, "open", "lt-blue");
  log.probe(0, "lt-blue", "portal", true);
  log.probe(21 * kMin, "lt-blue", "portal", false, {"open"});
  log.probe(22 * kMin, "lt-blue", "phones", false, {"open"});
  log.probe(31 * kMin, "lt-blue", "portal", true);
  EXPECT_FALSE(log.lt().times[0].restored_ms);
  const auto last = log.probe(42 * kMin, "lt-blue", "phones", true);
  log.end(100 * kMin);
  const TeamScore lt = log.lt();
  EXPECT_EQ(lt.times[0].restored_ms, 42 * kMin);
  EXPECT_EQ(lt.times[0].restored_seq, last);
  EXPECT_NEAR(point(lt, "portal").earned, 20 * 0.9, 1e-9);
  EXPECT_NEAR(point(lt, "phones").earned, 10 * 0.8, 1e-9);
  EXPECT_EQ(lt.services[0].down_ms, (std::vector<std::pair<std::int64_t, std::int64_t>>{{21 * kMin, 31 * kMin}}));
}

TEST(Score, AConditionCountsFromTheMomentThatItMay) {
  // power-back: from 1 to 40 min after open (at 20).
  struct Case {
    std::vector<std::pair<std::int64_t, bool>> changes;
    std::optional<std::int64_t> at;
    double most = 15;
  };
  for (const Case& c :
       {Case{{{0, true}, {20 * kMin, false}, {35 * kMin, true}}, 35 * kMin},
        Case{{{0, true}, {20 * kMin, false}, {20 * kMin + 1, true}}, 21 * kMin},  // it counts from a minute on
        Case{{{0, true}, {20 * kMin, false}, {20 * kMin + 1, true}, {20 * kMin + 2, false}}, std::nullopt},
        Case{{{0, true}, {20 * kMin, false}}, std::nullopt}, Case{{}, std::nullopt},
        Case{{{25 * kMin, true}}, 25 * kMin},  // it had failed before
        Case{{{0, true}, {22 * kMin, false}}, std::nullopt},
        Case{{{0, true}, {22 * kMin, false}, {30 * kMin, true}}, 30 * kMin},
        Case{{{0, true}, {20 * kMin, false}, {61 * kMin, true}}, std::nullopt},
        // Nothing to restore: it never failed, or only when the time was over.
        Case{{{0, true}}, std::nullopt, 0}, Case{{{20 * kMin, true}}, std::nullopt, 0},
        Case{{{0, true}, {60 * kMin, false}, {61 * kMin, true}}, std::nullopt, 0}}) {
    Log log;
    std::size_t next = 0;
    for (; next < c.changes.size() && c.changes[next].first < 20 * kMin; ++next)
      log.condition(c.changes[next].first, "lt-blue", "powered", c.changes[next].second);
    log.fired(20 * kMin, "open", "lt-blue");
    for (; next < c.changes.size(); ++next)
      log.condition(c.changes[next].first, "lt-blue", "powered", c.changes[next].second);
    log.end(120 * kMin);
    const TeamScore lt = log.lt();
    const Point& back = point(lt, "power-back");
    EXPECT_EQ(back.earned, c.at ? 15 : 0);
    EXPECT_EQ(back.most, c.most) << back.text;
    EXPECT_EQ(back.rule, c.most == 0 ? "nothing-to-restore" : "restore-in-time");
    EXPECT_EQ(back.text.find("nothing to restore") != std::string::npos, c.most == 0) << back.text;
    const bool late = !c.at && c.changes.size() > 2 && c.changes.back().first > 60 * kMin && c.most > 0;
    EXPECT_EQ(lt.times[0].restored_ms, late ? std::optional(c.changes.back().first) : c.at);
    EXPECT_EQ(lt.times[0].can_restore, c.most > 0);
  }
}

TEST(Score, AStepCountsOnlyOfThePlaybookThatTheInjectNames) {
  auto scenario = small_scenario();
  scenario.injects[0].response = "playbook--5a2d4d0a-9a3c-4f0e-8d3b-5d7c0f4f8a10";
  scenario.injects[0].expectations.push_back({.id = "isolated",
                                              .act = scenario::Act::kContain,
                                              .score = 10,
                                              .expires = scenario::Duration(20 * kMin),
                                              .seen = {.as = scenario::Seen::kPlaybook, .of = "isolate-host"}});
  struct Case {
    const char* playbook;
    const char* step;
    bool counts;
  };
  for (const Case& c : {Case{"playbook--5a2d4d0a-9a3c-4f0e-8d3b-5d7c0f4f8a10", "isolate-host", true},
                        Case{"playbook--5a2d4d0a-9a3c-4f0e-8d3b-5d7c0f4f8a10", "block-host", false},
                        Case{"playbook--0d6b1b0e-3c0f-4d3d-8a6f-6f0a52c1e7aa", "isolate-host", false},
                        Case{"", "isolate-host", false}}) {
    Log log(scenario);
    log.fired(10 * kMin, "phish", "lt-blue");
    const auto step = log.input(
        12 * kMin,
        Evidence{.as = As::kPlaybook, .team = "lt-blue", .object = c.playbook, .type = c.step, .inject = "phish"});
    log.end(120 * kMin);
    const TeamScore lt = log.lt();
    const Point& isolated = point(lt, "isolated");
    EXPECT_EQ(isolated.rule, "playbook-step");
    EXPECT_EQ(isolated.earned, c.counts ? 10 : 0) << isolated.text;
    EXPECT_EQ(lt.times[0].contained_ms.has_value(), c.counts);
    const bool other = !c.counts && std::string_view(c.step) == "isolate-host";
    EXPECT_EQ(isolated.text.find("not the inject's playbook") != std::string::npos, other) << isolated.text;
    if (c.counts || other) EXPECT_EQ(isolated.evidence.back(), step) << "the point opens to what was done";
  }
}

TEST(Score, TwoGradersAThirdAndExerciseControl) {
  struct Case {
    std::vector<std::pair<const char*, double>> grades;
    std::optional<double> ruling;
    bool appeal = false;
    std::optional<double> part;  // nothing: open
  };
  for (const Case& c :
       {Case{{}, {}, false, {}}, Case{{{"a", 1}}, {}, false, {}}, Case{{{"a", 1}, {"a", 0.9}}, {}, false, {}},
        Case{{{"a", 0.8}, {"b", 0.6}}, {}, false, 0.7}, Case{{{"a", 0.2}, {"a", 0.8}, {"b", 0.6}}, {}, false, 0.7},
        Case{{{"a", 0.9}, {"b", 0.5}}, {}, false, {}}, Case{{{"a", 0.9}, {"b", 0.5}, {"c", 0.6}}, {}, false, 0.55},
        Case{{{"a", 0.9}, {"b", 0.5}, {"c", 0.7}}, {}, false, 0.8}, Case{{{"a", 0.9}, {"b", 0.5}}, 0.4, false, 0.4},
        Case{{{"a", 0.5}, {"b", 0.5}}, {}, true, {}}, Case{{{"a", 0.5}, {"b", 0.5}}, 0.9, true, 0.9}}) {
    Log log;
    log.fired(10 * kMin, "phish", "lt-blue");
    const auto form = log.form(20 * kMin, "lt-blue");
    log.end(120 * kMin);
    for (const auto& [by, part] : c.grades) log.input(120 * kMin, Grade{.form = form, .by = by, .part = part});
    if (c.appeal) log.input(120 * kMin, Appeal{.form = form, .team = "lt-blue"});
    if (c.ruling) log.input(120 * kMin, Ruling{.form = form, .by = "white", .part = *c.ruling});
    const TeamScore lt = log.lt();
    const Point& sitrep = point(lt, "sitrep");
    EXPECT_NEAR(sitrep.earned, 20 * c.part.value_or(0), 1e-9) << sitrep.text;
    EXPECT_EQ(sitrep.open, !c.part) << sitrep.text;
    EXPECT_EQ(sitrep.rule, "form-graded");
    EXPECT_EQ(lt.forms.at(0).appealed, c.appeal);
    EXPECT_EQ(lt.open, !c.part);
    EXPECT_EQ(sitrep.evidence.size(), 2 + c.grades.size() + (c.appeal ? 1 : 0) + (c.ruling ? 1 : 0));
  }
}

TEST(Score, ALateFormIsWorthNothingHoweverGood) {
  Log log;
  log.fired(10 * kMin, "phish", "lt-blue");
  const auto form = log.form(71 * kMin, "lt-blue");
  log.end(120 * kMin);
  for (const char* by : {"a", "b"}) log.input(120 * kMin, Grade{.form = form, .by = by, .part = 1});
  EXPECT_EQ(point(log.lt(), "sitrep").earned, 0);
  EXPECT_FALSE(point(log.lt(), "sitrep").open);
}

TEST(Score, TheHundredIsSharedByWeightAmongWhatIsAsked) {
  auto scenario = small_scenario();
  scenario.exercise.weights = {
      .detect = 3, .report = 1, .share = 2, .contain = 9, .restore = 9, .decide = 9, .availability = 4};
  Log log(scenario);
  log.fired(10 * kMin, "phish", "lt-blue");
  log.alert(11 * kMin, "lt-blue");
  log.share(12 * kMin, "lt-blue", "ua-blue", {Log::kName});
  log.end(120 * kMin);
  const TeamScore lt = log.lt();
  ASSERT_EQ(lt.categories.size(), 4U) << "open never fired: nothing to contain";
  // detect 30 of 30, report 0 of 10, share half of 20, availability 40 of 40
  EXPECT_NEAR(lt.total, 30 + 0 + 10 + 40, 1e-9);
  log.add({.at_ms = 13 * kMin,
           .kind = Kind::kViolation,
           .team = "lt-blue",
           .ref = "indicator--1",
           .data = {{"rule", "no-label"}, {"evidence", 4}}});
  EXPECT_NEAR(log.lt().total, 80 - 5, 1e-9) << "unless the scenario says what it costs";
  for (int i = 0; i < 40; ++i)
    log.add({.at_ms = 13 * kMin, .kind = Kind::kViolation, .team = "lt-blue", .ref = "x" + std::to_string(i)});
  EXPECT_EQ(log.lt().total, 0);
  EXPECT_EQ(log.lt().violations, 41U);
}

TEST(Score, OneWrongLabelCostsOnceForEachRuleHoweverManyGotItInHoweverManyVersions) {
  auto scenario = small_scenario();
  scenario.exercise.weights.label_violation = 2.5;
  Log log(scenario);
  log.fired(10 * kMin, "phish", "lt-blue");
  std::vector<std::uint64_t> seqs;
  for (const char* rule : {"no-label", "outside"})
    for (const std::uint64_t evidence : {1U, 2U})
      seqs.push_back(log.add({.at_ms = 13 * kMin,
                              .kind = Kind::kViolation,
                              .team = "lt-blue",
                              .ref = "indicator--1",
                              .data = {{"rule", rule}, {"evidence", evidence}}}));
  log.end(120 * kMin);
  const TeamScore lt = log.lt();
  EXPECT_EQ(lt.violations, 2U);
  std::vector<const Point*> points;
  for (const Point& p : lt.points)
    if (p.rule == "label-violation") points.push_back(&p);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]->earned, -2.5);
  EXPECT_EQ(points[0]->evidence, (std::vector<std::uint64_t>{1, 2, seqs[0], seqs[1]})) << "with all that tells of it";
}

TEST(Score, WhatStillHadTimeWhenTheDrillEndedIsNotAsked) {
  Log log;
  log.fired(10 * kMin, "phish", "lt-blue");
  log.alert(11 * kMin, "lt-blue");
  log.end(20 * kMin);
  EXPECT_EQ(point(log.lt(), "seen").earned, 10);
  EXPECT_EQ(point(log.lt(), "sitrep").most, 0);
  EXPECT_EQ(point(log.lt(), "warn").most, 0);
  EXPECT_NEAR(log.lt().total, 100, 1e-9);
}

TEST(Score, WhatAJumpUndidIsWorthNothing) {
  Log log;
  log.fired(10 * kMin, "phish", "lt-blue");
  log.alert(11 * kMin, "lt-blue");
  Entry jump = *entry_of(Control{.verb = Verb::kJumpBack, .to_ms = 10 * kMin});
  jump.at_ms = 10 * kMin;
  log.add(jump);
  log.end(120 * kMin);
  EXPECT_EQ(point(log.lt(), "seen").earned, 0);
}

TEST(Score, MetricsAndEvaluationsComeFromThePoints) {
  auto scenario = small_scenario();
  scenario.metrics = {
      {.id = "watch", .max_score = 40},
      {.id = "light", .type = scenario::Metric::Type::kConditional, .condition = "powered", .max_score = 60},
      {.id = "mood", .max_score = 10}};
  scenario.evaluations = {{.id = "all", .metrics = {"watch", "light"}, .min_score = {.percentage = true, .value = 70}},
                          {.id = "some", .metrics = {"mood"}, .min_score = {.percentage = false, .value = 5}}};
  scenario.tlos = {{.id = "see", .evaluation = "all"}};
  scenario.injects[0].expectations[0].metric = "watch";
  Log log(scenario);
  log.condition(0, "lt-blue", "powered", true);
  log.fired(10 * kMin, "phish", "lt-blue");
  log.alert(11 * kMin, "lt-blue");
  log.condition(60 * kMin, "lt-blue", "powered", false);
  log.input(61 * kMin, Evidence{.as = As::kJudged, .team = "lt-blue", .expectation = "mood", .value = 0.5});
  log.end(120 * kMin);
  const TeamScore lt = log.lt();
  EXPECT_NEAR(lt.metrics[0].earned, 40, 1e-9);
  EXPECT_NEAR(lt.metrics[1].earned, 30, 1e-9);
  EXPECT_NEAR(lt.metrics[2].earned, 5, 1e-9);
  EXPECT_TRUE(lt.evaluations[0].passed) << "70 of 100";
  EXPECT_EQ(lt.evaluations[0].tlos, std::vector<std::string>{"see"});
  EXPECT_TRUE(lt.evaluations[1].passed);
}

TEST(Score, TheOrderOfOneMomentsEntriesDoesNotMatter) {
  std::mt19937 random(5);
  const auto make = [&](bool shuffled) {
    Log log;
    std::vector<std::function<void()>> moment = {
        [&] { log.fired(10 * kMin, "phish", "lt-blue"); },
        [&] { log.alert(10 * kMin, "lt-blue"); },
        [&] { log.share(10 * kMin, "lt-blue", "ua-blue", {Log::kName}); },
        [&] { log.share(10 * kMin, "lt-blue", "ua-blue", {Log::kAddress}, "green marked"); },
        [&] { log.fired(10 * kMin, "open", "lt-blue"); },
        [&] { log.form(10 * kMin, "lt-blue"); },
        [&] { log.order(10 * kMin, "lt-blue", "breaker-close", "cb1"); },
        [&] { log.probe(10 * kMin, "lt-blue", "portal", false, {"open"}); }};
    if (shuffled) std::ranges::shuffle(moment, random);
    for (const auto& it : moment) it();
    log.end(120 * kMin);
    return log.card();
  };
  const Scorecard first = make(false);
  const auto figures = [](const Scorecard& card) {
    std::vector<std::string> out;
    for (const Point& p : card.teams[0].points) out.push_back(p.text + " " + std::to_string(p.earned));
    return out;
  };
  for (int i = 0; i < 200; ++i) {
    const Scorecard again = make(true);
    EXPECT_EQ(again.teams[0].total, first.teams[0].total);
    EXPECT_EQ(figures(again), figures(first));
  }
}

TEST(Score, EveryPointOpensToEntriesAndARuleThatHasASentence) {
  auto begun = Drill::open(small_scenario(), {.background = scenario::Duration(0)}, switch_ranges(),
                           *Instant::parse("2026-12-01T09:00:00Z"));
  std::vector<Entry> log = begun->step.entries;
  const auto keep = [&](const Step& step) { log.insert(log.end(), step.entries.begin(), step.entries.end()); };
  const Instant start = *Instant::parse("2026-12-01T09:00:00Z");
  keep(*begun->drill.take(Control{.verb = Verb::kStart}, start));
  keep(begun->drill.advance(start + std::chrono::hours(3)));
  const auto card = score(small_scenario(), log);
  ASSERT_TRUE(card) << card.error().text();
  EXPECT_TRUE(card->ended);
  for (const TeamScore& team : card->teams) {
    EXPECT_GE(team.points.size(), 6U);
    for (const Point& p : team.points) {
      EXPECT_FALSE(p.evidence.empty()) << p.text;
      EXPECT_TRUE(std::ranges::is_sorted(p.evidence));
      for (const std::uint64_t seq : p.evidence) EXPECT_TRUE(seq >= 1 && seq <= log.size());
      EXPECT_TRUE(std::ranges::any_of(rules(), [&](const Rule& rule) { return rule.name == p.rule; })) << p.rule;
      EXPECT_LE(p.earned, p.most);
    }
  }
  EXPECT_FALSE(card->teams[0].consequences.empty());
  // What comparisons need comes back from the file.
  const auto text = to_canonical_text(to_json(*card));
  ASSERT_TRUE(text) << text.error().text();
  const auto back = scorecard_of(*parse_json(*text));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->teams.size(), card->teams.size());
  EXPECT_NEAR(back->teams[1].total, card->teams[1].total, 1e-6);
  EXPECT_EQ(back->teams[0].times.at(0).start_ms, card->teams[0].times.at(0).start_ms);
  EXPECT_EQ(scorecard_of(*parse_json("{}")).error().where.field, "card.scenario");
}

TEST(Score, AnotherScenariosLogIsRefused) {
  Log log;
  auto other = small_scenario();
  other.name = "Summer";
  EXPECT_EQ(score(other, log.entries_).error().where.field, "scenario_sha256");
  EXPECT_EQ(score(other, {}).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bongsu::exercise::scoring
