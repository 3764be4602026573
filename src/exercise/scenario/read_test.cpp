#include "exercise/scenario/read.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "exercise/scenario/random_scenario_test_support.h"
#include "exercise/scenario/write.h"

namespace bongsu::exercise::scenario {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A small drill with nothing wrong.
constexpr std::string_view kGood = R"(name: Small drill
exercise:
  id: small
  start: 2027-01-19T07:00:00Z
  time-zone: Europe/Vilnius
  duration: 6h
  label: TLP:AMBER
range: {power: {countries: [LT, UA]}, telecom: [litnet]}
services:
  mail: {entity: lt-blue, probe: reach, target: vilnius, complaints: [No mail since this morning.], score: 5}
entities:
  white: {role: White}
  red: {role: Red}
  lt-blue:
    role: Blue
    member: cert-lt
    nation: lt
    entities: {soc: {name: Watch floor, tlos: [see]}}
  ua-blue: {role: Blue, member: cert-ua, nation: ua}
conditions:
  dark: {range: {quantity: load-served, target: LT, is: below, value: 90}, holds: 2min}
  silent: {act: {team: lt-blue, did: report, inject: breakers, done: false, within: 30min}}
  both: {all: [dark, silent]}
metrics:
  m: {type: Manual, max-score: 10, artifact: true}
  lit: {type: Conditional, condition: dark, max-score: 5}
evaluations: {e: {metrics: [m, lit], min-score: 50}}
tlos: {see: {evaluation: e}}
goals: {g: {tlos: [see]}}
injects:
  breakers:
    from-entity: red
    to-entities: [lt-blue]
    tlos: [see]
    ttp: [T0855, T1059.001]
    deliver:
      - {via: console, roles: [Blue], subject: Alarm, text: "CB-1 open, no command of ours."}
    physics: [{kind: breaker-open, target: vilnius.cb1}]
    telemetry:
      - template: iec104-command
        parameters: {source: 192.0.2.7, station: vilnius, object: "1100"}
        count: 3
        every: 10s
    indicators: [{id: c2, type: ipv4-addr, value: 192.0.2.7}]
    expectations:
      - {id: seen, act: detect, score: 10, expires: 20min, seen: {as: alert}, metric: m}
    share: [{id: warn, what: indicators, to: [ua-blue], label: TLP:AMBER, by: 45min, score: 20}]
    response: playbook--6c9eb38c-5c2f-4f5c-8d1c-2d2b0a9f5b3e
  nudge:
    from-entity: white
    to-entities: [lt-blue]
    when: {conditions: [silent], chance: 0.5, delay: 5min}
    deliver: [{via: mail, roles: [Blue], subject: Report, text: What is going on}]
events:
  wave: {injects: [breakers]}
  hurry: {conditions: [dark], injects: [nudge]}
scripts:
  day: {start-time: 0, end-time: 6h, events: {wave: 30min, hurry: 1h}}
stories: {main: {scripts: [day]}}
)";

std::string replaced(std::string_view what, std::string_view with) {
  std::string text(kGood);
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  text.replace(at, what.size(), with);
  return text;
}

// "line: field: reason", one a line.
std::string said(const std::expected<Scenario, Problems>& read) {
  if (read) return "good";
  std::string out;
  for (const Error& e : read.error().list) out += fmt::format("{}: {}: {}\n", e.where.line, e.where.field, e.message);
  return out;
}
std::string said(std::string_view text, const Techniques* techniques = nullptr) {
  return said(read_scenario(text, "drill.yaml", techniques));
}

TEST(ScenarioReader, AGoodDrillIsRead) {
  const auto read = read_scenario(kGood, "drill.yaml");
  ASSERT_TRUE(read) << said(read);
  EXPECT_EQ(read->exercise.duration, Duration(6h));
  EXPECT_EQ(read->exercise.label.tlp, stix::Tlp::kAmber);
  ASSERT_EQ(read->entities.size(), 5U);
  EXPECT_EQ(read->entities[3].id, "lt-blue.soc");
  EXPECT_EQ(read->conditions[1].act->did, Act::kReport);
  EXPECT_FALSE(read->conditions[1].act->done);
  EXPECT_TRUE(read->evaluations[0].min_score.percentage);
  EXPECT_EQ(read->injects[0].telemetry[0].parameters.at("object"), "1100");
  EXPECT_EQ(read->injects[1].when.chance, 0.5);
  EXPECT_EQ(read->scripts[0].events[1].at, Duration(1h));
}

TEST(ScenarioReader, WhatIsNoScenarioIsRefused) {
  EXPECT_THAT(said(""), HasSubstr("here are 0"));
  EXPECT_THAT(said("a: 1\n---\na: 2\n"), HasSubstr("here are 2"));
  EXPECT_THAT(said("[1, 2]"), HasSubstr("a map is expected here, not a list"));
  EXPECT_THAT(said("name: \xff"), HasSubstr("not UTF-8"));
  EXPECT_THAT(said("name: {"), HasSubstr("not YAML"));
  EXPECT_THAT(said("name: a\nname: b\n"), HasSubstr("comes twice"));
}

TEST(ScenarioReader, EachMistakeIsToldOnceWithItsLine) {
  // What is written, what it becomes, line of the error, what it says. Each alone gives exactly one error.
  struct Case {
    std::string_view what, with;
    int line;
    std::string_view says;
  };
  const Case cases[] = {
      {"name: Small drill\n", "", 1, "`name` is missing"},
      {"  id: small", "  id: Small Drill", 3, "a short name"},
      {"duration: 6h", "duration: 360", 6, "needs a unit: 360s, 360min or 360h?"},
      {"duration: 6h", "duration: six hours", 6, "\"six hours\" is not a duration"},
      {"label: TLP:AMBER", "label: TLP:ORANGE", 7, "\"TLP:ORANGE\" is no label"},
      {"start: 2027-01-19T07:00:00Z", "start: tomorrow", 4, "is not a time as"},
      {"Europe/Vilnius", "Europe Vilnius", 5, "no time zone"},
      {"countries: [LT, UA]", "countries: [LT, Ukraine]", 8, "\"Ukraine\" is no country of two capital letters"},
      {"countries: [LT, UA]", "countries: [LT], sample: small", 8, "exactly one of"},
      {"telecom: [litnet]", "telecoms: [litnet]", 8, "there is no such key; the nearest is `telecom`"},
      {"telecom: [litnet]", "telecom: [[litnet]]", 8, "text is expected here, not a list"},
      {"probe: reach", "probe: rech", 10, "no probe of the vocabulary; the nearest is \"reach\""},
      {"entity: lt-blue, ", "", 10, "need an `entity`"},
      {"soc: {name: Watch floor", "soc: {role: Pink, name: Watch floor", 18, "\"Pink\" is not one of Blue, Red, White"},
      {"    member: cert-lt\n", "", 14, "`member: cert-…` is missing"},
      {"member: cert-ua", "member: cert-lt", 19, "\"cert-lt\" plays \"lt-blue\" already"},
      {"tlos: [see]}}", "tlos: [sea]}}", 18, "no learning objective is called \"sea\"; the nearest is \"see\""},
      {"quantity: load-served", "quantity: load-eaten", 21, "no quantity of the vocabulary"},
      {"done: false, within: 30min", "done: false", 22, "`within` is missing"},
      {"both: {all: [dark, silent]}", "both: {}", 23, "exactly one of `range`, `service`"},
      {"both: {all: [dark, silent]}", "both: {all: [dark, both]}", 23,
       "made of itself: conditions.both → conditions.both"},
      {"all: [dark, silent]", "all: [dark, silence]", 23,
       "no condition is called \"silence\"; the nearest is \"silent\""},
      {"artifact: true", "condition: dark", 25, "a manual metric has no condition"},
      {"lit: {type: Conditional, condition: dark, ", "lit: {type: Conditional, ", 26,
       "a conditional metric has a condition"},
      {"min-score: 50", "min-score: 150", 27, "at most 100"},
      {"min-score: 50", "min-score: {absolute: 16}", 27, "its metrics give 15 points at most"},
      {"from-entity: red", "from-entity: rad", 32, "no entity is called \"rad\"; the nearest is \"red\""},
      {"ttp: [T0855, T1059.001]", "ttp: [T0855, T1059.01]", 35, "\"T1059.01\" is no technique"},
      {"via: console", "via: fax", 37, "\"fax\" is not one of console, mail, taxii, cap"},
      {"text: \"CB-1 open, no command of ours.\"", "text: \"\"", 37, "what do they read?"},
      {"kind: breaker-open", "kind: breaker-opened", 38,
       "no effect of the vocabulary; the nearest is \"breaker-open\""},
      {"target: vilnius.cb1", "target: vilnius.cb1, value: 3", 38, "\"breaker-open\" has no value"},
      {"kind: breaker-open", "kind: load-shed", 38, "\"load-shed\" has a value, in %"},
      {"{kind: breaker-open, target: vilnius.cb1}", "{kind: load-shed, target: LT, value: 120}", 38,
       "120 is not from 0 to 100"},
      {"template: iec104-command", "template: iec-104-command", 40, "no template of the vocabulary"},
      {", object: \"1100\"", "", 41, "\"iec104-command\" needs `object`"},
      {"object: \"1100\"", "object: \"1100\", colour: red", 41, "\"iec104-command\" has no `colour`"},
      {"        every: 10s\n", "", 40, "some time apart"},
      {"type: ipv4-addr, value: 192.0.2.7", "pattern: \"[ipv4-addr:value = ]\"", 44, "no STIX pattern"},
      {"type: ipv4-addr, value", "type: ipv4, value", 44, "\"ipv4\" is no type of indicator"},
      {"expires: 20min", "starts: 30min, expires: 20min", 46, "expires after 20min, before it can start after 30min"},
      {"act: detect, score", "act: notice, score", 46, "\"notice\" is not one of detect"},
      {"seen: {as: alert}", "seen: {as: form}", 46, "\"form\" needs `of`"},
      {"seen: {as: alert}", "seen: {as: order, of: breaker-oben}", 46, "no effect of the vocabulary"},
      {"score: 10, expires", "score: -10, expires", 46, "whole number from 0"},
      {"score: 10, expires", "expires", 46, "`score` is missing"},
      {"to: [ua-blue]", "to: [pl-blue]", 47, "no team is called \"pl-blue\"; the nearest is \"lt-blue\""},
      {"to: [ua-blue]", "to: [white]", 47, "\"white\" is no blue team"},
      {"to: [ua-blue]", "to: [lt-blue]", 47, "shares nothing with itself"},
      {"label: TLP:AMBER, by", "label: TLP:RED, by", 47, "named persons only"},
      {"by: 45min", "by: 6h", 47, "that is 30min after the drill's end"},
      {"playbook--6c9eb38c-5c2f-4f5c-8d1c-2d2b0a9f5b3e", "playbook--6c9eb38c", 48, "a playbook is"},
      {"chance: 0.5", "chance: 1.5", 52, "1.5 is no chance: from 0 to 1"},
      {"subject: Report, ", "", 53, "what goes by mail has a subject"},
      {"hurry: {conditions: [dark], injects: [nudge]}", "hurry: {injects: [breakers]}", 49,
       "it never comes: no event has it"},
      {", hurry: 1h", "", 56, "it never comes: no script has it"},
      {"wave: 30min", "wave: 7h", 58, "is not between the script's start and end"},
      {"start-time: 0,", "start-time: 6h 1min,", 58, "the end comes after the start"},
      {"stories: {main: {scripts: [day]}}", "stories: {main: {speed: 0.5, scripts: [day]}}", 59,
       "0.5 is not from 1 to 1000"},
      {"stories: {main: {scripts: [day]}}", "stories: {main: {scripts: [day, day]}}", 59, "\"day\" comes twice"},
      {"name: Small drill\n", "name: Small drill\nnodes: {vm: {type: VM}}\n", 2,
       "`nodes` of SDL has no meaning here: virtual machines"},
      {"    tlos: [see]\n    ttp", "    source: package\n    ttp", 34,
       "`source` of SDL has no meaning here: no packages"},
  };
  for (const Case& c : cases) {
    const auto read = read_scenario(replaced(c.what, c.with), "drill.yaml");
    ASSERT_FALSE(read) << c.with;
    const std::string all = said(read);
    EXPECT_THAT(all, HasSubstr(c.says)) << c.with;
    // A missing start makes the event come before it, too: that one mistake has two faces.
    const std::size_t expected = c.says == "the end comes after the start" ? 3 : 1;
    EXPECT_EQ(read.error().count, expected) << c.with << "\n" << all;
    EXPECT_EQ(read.error().list[0].where.line, c.line) << all;
    EXPECT_EQ(read.error().list[0].where.source, "drill.yaml");
  }
}

TEST(ScenarioReader, TwentyKindsOfMistakesGetTwentyErrors) {
  std::string text(kGood);
  const std::pair<std::string_view, std::string_view> mistakes[] = {
      {"telecom: [litnet]", "telecoms: [litnet]"},                      // unknown key
      {"duration: 6h", "duration: 6h\n  seed: many"},                   // wrong type
      {"label: TLP:AMBER", "label: TLP:ORANGE"},                        // no label
      {"probe: reach", "probe: rech"},                                  // vocabulary
      {"member: cert-ua", "member: cert-lt"},                           // two teams, one member
      {"tlos: [see]}}", "tlos: [sea]}}"},                               // dangling
      {"holds: 2min", "holds: 2"},                                      // no unit
      {"all: [dark, silent]", "all: [dark, both]"},                     // cycle
      {"artifact: true", "condition: dark"},                            // against SDL's rules
      {"min-score: 50", "min-score: 150"},                              // percentage
      {"T1059.001", "TA0001"},                                          // no technique
      {"via: console", "via: fax"},                                     // no channel
      {"kind: breaker-open, ", ""},                                     // missing
      {"object: \"1100\"", "colour: red, object: \"1100\""},            // parameter
      {"value: 192.0.2.7}", "value: \"\"}"},                            // nothing to look for
      {"expires: 20min", "starts: 30min, expires: 20min"},              // expires before it starts
      {"to: [ua-blue]", "to: [ee-blue]"},                               // to a team that is not in it
      {"by: 45min", "by: 9h"},                                          // after the end
      {"chance: 0.5", "chance: 2"},                                     // no chance
      {"subject: Report, ", ""},                                        // a mail without subject
      {"injects: [breakers]", "injects: [breakers], source: package"},  // SDL of machines
      {"events: {wave: 30min", "events: {wave: 8h"},                    // outside its script
      {"hurry: {conditions: [dark], injects: [nudge]}\n", "hurry: {injects: [nudge]}\n  never: {injects: [nudge]}\n"},
  };
  for (const auto& [what, with] : mistakes) {
    const auto at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    text.replace(at, what.size(), with);
  }
  const auto read = read_scenario(text, "drill.yaml");
  ASSERT_FALSE(read);
  // The wave that comes after its script also comes after the drill: its share is then not judged a second time.
  EXPECT_EQ(read.error().count, std::size(mistakes) - 1) << said(read);
  std::uint64_t line = 0;
  for (const Error& e : read.error().list) {
    EXPECT_GE(e.where.line, line);
    line = e.where.line;
    EXPECT_FALSE(e.message.empty());
  }
}

TEST(ScenarioReader, AnInjectThatWaitsForItsOwnAbsenceNeverComes) {
  EXPECT_THAT(
      said(replaced("inject: breakers, done", "inject: nudge, done")),
      HasSubstr("it waits for what only comes after it: conditions.silent → injects.nudge → conditions.silent"));
}

TEST(ScenarioReader, TechniquesAreHeldAgainstATableOfTheirKindOnly) {
  const auto table = Techniques::read(
      R"({"type":"bundle","objects":[
        {"type":"attack-pattern","external_references":[{"source_name":"mitre-attack","external_id":"T0800"}]},
        {"type":"attack-pattern","revoked":true,"external_references":[{"source_name":"mitre-attack","external_id":"T0855"}]}]})",
      "table.json");
  ASSERT_TRUE(table);
  EXPECT_EQ(said(kGood, &*table), "35: injects.breakers.ttp[0]: ATT&CK has withdrawn T0855\n")
      << "T1059.001 is of another table";
  EXPECT_THAT(said(replaced("T0855", "T0856"), &*table), HasSubstr("ATT&CK has no technique T0856"));
  EXPECT_FALSE(Techniques::read("{\"objects\":[]}", "table.json"));
  EXPECT_FALSE(Techniques::read("{", "table.json"));
}

TEST(ScenarioReader, ProblemsAreBoundedAndAllCounted) {
  std::string text(kGood);
  for (int i = 0; i < 500; ++i) text += fmt::format("k{}: 1\n", i);
  const auto read = read_scenario(text, "drill.yaml");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().count, 500U);
  EXPECT_EQ(read.error().list.size(), kMaxProblems);
}

TEST(ScenarioReader, EventsThatComeTooOftenAreRefusedNotWorkedOut) {
  std::string days = "day";
  for (int i = 0; i < 60'000; ++i) days += ", day";
  EXPECT_THAT(said(replaced("scripts: [day]", fmt::format("scripts: [{}]", days))), HasSubstr("comes twice"));
  const auto read = read_scenario(replaced("scripts: [day]", fmt::format("scripts: [{}]", days)), "drill.yaml");
  EXPECT_EQ(read.error().count, 60'001U) << "each that comes twice, and the whole";
}

TEST(ScenarioWriter, WhatIsWrittenIsReadAgain) {
  const auto read = read_scenario(kGood, "drill.yaml");
  ASSERT_TRUE(read);
  const std::string text = write_scenario(*read);
  const auto again = read_scenario(text, "again.yaml");
  ASSERT_TRUE(again) << said(again) << text;
  EXPECT_EQ(*again, *read) << text;
  EXPECT_EQ(write_scenario(*again), text);
}

TEST(ScenarioWriter, AnyScenarioComesBackEqual) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const Scenario scenario = RandomScenario(seed).make();
    const std::string text = write_scenario(scenario);
    const auto again = parse_scenario(text, "again.yaml");
    ASSERT_TRUE(again) << seed << "\n" << said(again) << text;
    ASSERT_TRUE(*again == scenario) << seed;
  }
}

TEST(ScenarioWriter, TextsOfSeveralLinesStandAsTheyAreRead) {
  Scenario s = *read_scenario(kGood, "drill.yaml");
  s.injects[0].deliver[0].text = "Увага!\n\n  Повітряна тривога.\n";
  const std::string text = write_scenario(s);
  EXPECT_THAT(text, HasSubstr("        text: |\n          Увага!\n\n            Повітряна тривога.\n"));
  EXPECT_EQ(*read_scenario(text, "again.yaml"), s);
}

}  // namespace
}  // namespace bongsu::exercise::scenario
