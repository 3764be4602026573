// Documents, conditions, collections and pipelines: what is read, and what is refused with which place.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "detect/sigma/condition.h"
#include "detect/sigma/sigma_test_support.h"

namespace bongsu::detect::sigma {
namespace {

// A condition as text with every bracket.
std::string show(const Condition& c) {
  using Kind = Condition::Kind;
  switch (c.kind) {
    case Kind::kName:
      return c.name;
    case Kind::kNot:
      return "not " + show(c.children[0]);
    case Kind::kOneOf:
    case Kind::kAllOf:
      return (c.kind == Kind::kOneOf ? "1 of " : "all of ") + (c.name.empty() ? "them" : c.name);
    default: {
      std::string out = "(";
      for (std::size_t i = 0; i < c.children.size(); ++i)
        out += (i == 0 ? "" : c.kind == Kind::kAnd ? " and " : " or ") + show(c.children[i]);
      return out + ")";
    }
  }
}

TEST(SigmaConditions, BindAsTheSpecificationSays) {
  const std::pair<const char*, const char*> kGood[] = {
      {"selection", "selection"},
      {"a or b and not c", "(a or (b and not c))"},
      {"not a and b", "(not a and b)"},
      {"not (a or b)", "not (a or b)"},
      {"not not a", "not not a"},
      {"(a or b) and c", "((a or b) and c)"},
      {"a and b and c or d", "((a and b and c) or d)"},
      {"1 of them", "1 of them"},
      {"all of selection_*", "all of selection_*"},
      {"any of sel*tion and not 1 of filter_*", "(1 of sel*tion and not 1 of filter_*)"},
      {"A AND NOT b OR 1 OF them", "((A and not b) or 1 of them)"},
      {"1 of selection-a*", "1 of selection-a*"},
      {"not 1 of filter_main_* and selection", "(not 1 of filter_main_* and selection)"},
      {"all and 1", "(all and 1)"},
      {"  a\n  and\n  b ", "(a and b)"},
  };
  for (const auto& [text, expected] : kGood) {
    const auto parsed = parse_condition(text);
    ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error().message;
    EXPECT_EQ(show(*parsed), expected);
  }
  const struct {
    const char* text;
    std::size_t offset;
    const char* reason;
  } kBad[] = {
      {"", 0, "ends where"},
      {"a and", 5, "ends where"},
      {"a b", 2, "\"and\" or \"or\" was expected"},
      {"(a", 2, "closing bracket was expected"},
      {"a)", 1, "closing bracket too many"},
      {"a | count() > 5", 2, "\"and\" or \"or\""},
      {"| count()", 0, "no longer part of Sigma"},
      {"2 of them", 0, "only \"1 of\""},
      {"a of them", 0, "follows 1, any or all"},
      {"1 of", 4, "\"them\" or a pattern"},
      {"selection_*", 0, "behind \"1 of\""},
      {"a and or b", 6, "instead of \"or\""},
      {"a and $b", 6, "cannot stand here"},
  };
  for (const auto& one : kBad) {
    const auto parsed = parse_condition(one.text);
    ASSERT_FALSE(parsed.has_value()) << one.text;
    EXPECT_NE(parsed.error().message.find(one.reason), std::string::npos) << one.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed.error().where.offset, one.offset) << one.text;
  }
  EXPECT_FALSE(parse_condition(std::string(1000, '(') + "a").has_value());
  EXPECT_FALSE(parse_condition(std::string(100'000, 'a')).has_value());
}

TEST(SigmaConditions, PatternsNameIdentifiersButNotThoseWithAnUnderscoreInFront) {
  EXPECT_TRUE(pattern_names("", "anything"));
  EXPECT_FALSE(pattern_names("", "_hidden"));
  EXPECT_FALSE(pattern_names("*", "_hidden"));
  EXPECT_TRUE(pattern_names("sel*", "selection"));
  EXPECT_TRUE(pattern_names("*a*b*", "xaxxbx"));
  EXPECT_FALSE(pattern_names("sel*x", "selection"));
  EXPECT_FALSE(pattern_names("sel", "selection"));
}

const char* const kRest = "logsource: {product: test}\ndetection: {s: {F: x}, condition: s}\n";

TEST(SigmaReader, NamesWhatIsWrongWithItsPlace) {
  const struct {
    std::string text;
    const char* reason;
    std::uint64_t line;
  } kBad[] = {
      {"a: [", "not YAML", 1},
      {"title: t\ntitle: u\n", "comes twice", 2},
      {"- a\n", "is a map", 1},
      {"title: t\n", "neither a rule", 1},
      {kRest, "a title is needed", 1},
      {"title: t\ndetection: {s: {F: x}, condition: s}\n", "a log source is needed", 1},
      {"title: t\nlogsource: {}\ndetection: {s: {F: x}, condition: s}\n", "names a product", 2},
      {"title: t\nlogsource: {product: x}\ndetection:\n  s: {F: x}\n", "a condition is needed", 4},
      {"title: t\nlogsource: {product: x}\ndetection:\n  condition: s\n", "no search identifier", 4},
      {"title: t\nlogsource: {product: x}\ndetection:\n  s: {F: x}\n  condition: s and tt\n",
       "\"tt\", which is not defined", 5},
      {"title: t\nlogsource: {product: x}\ndetection:\n  s: {F: x}\n  condition: 1 of tt*\n",
       "no search identifier is named", 5},
      {"title: t\nlogsource: {product: x}\ndetection:\n  s: {}\n  condition: s\n", "an empty selection", 4},
      {"title: t\nlogsource: {product: x}\ndetection:\n  s: {F: x}\n  timeframe: 5m\n  condition: s\n",
       "belongs to a correlation rule", 5},
      {"title: t\nlevel: urgent\n" + std::string(kRest), "a level is", 2},
      {"title: t\nstatus: new\n" + std::string(kRest), "a status is", 2},
      {"title: t\nid: [a]\n" + std::string(kRest), "a text was expected", 2},
      {"title: " + std::string(2000, 'x') + "\n" + kRest, "at most 256 characters", 1},
      {"action: repeat\ntitle: t\n", "no rule before", 1},
      {"action: jump\ntitle: t\n", "no such action", 1},
      {"title: t\ndetection: {}\ncorrelation: {}\n", "has one of", 1},
      {"title: t\nlogsource: {product: x}\nfilter: {s: {F: x}, condition: s}\n", "the rules are needed", 3},
      {"a: &a [*a]\n", "not complete", 1},
      {std::string(200, '['), "nested more than", 1},
      {std::string("a: ") + std::string(100, '[') + std::string(100, ']'), "deep", 1},
      {std::string(formats::kMaxYamlBytes + 1, ' '), "bytes; at most", 0},
  };
  for (const auto& one : kBad) {
    const ReadFile read = read_sigma(one.text, "f.yml");
    ASSERT_EQ(read.errors.size(), 1U) << one.text.substr(0, 300);
    EXPECT_NE(read.errors[0].message.find(one.reason), std::string::npos)
        << one.text.substr(0, 300) << ": " << read.errors[0].text();
    EXPECT_EQ(read.errors[0].where.source, "f.yml");
    EXPECT_EQ(read.errors[0].where.line, one.line) << read.errors[0].text();
    EXPECT_TRUE(read.documents.empty());
  }
}

TEST(SigmaReader, AnAliasBombIsAnErrorAndCostsNothing) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k == 0 ? "" : ", ") + before;
    text += "]\n";
  }
  const ReadFile read = read_sigma(text, "bomb.yml");
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].code, ErrorCode::kTooLarge);
  EXPECT_NE(read.errors[0].message.find("aliases"), std::string::npos) << read.errors[0].text();
}

TEST(SigmaReader, AFileOfAHundredMegabytesIsRefusedUnread) {
  const auto path = std::filesystem::temp_directory_path() / ("bongsu-large-" + std::to_string(::getpid()) + ".yml");
  std::ofstream(path).close();
  std::filesystem::resize_file(path, 100 * 1024 * 1024);  // sparse
  Collection collection;
  EXPECT_TRUE(collection.load(path.string()).has_value());
  std::filesystem::remove(path);
  const RuleSet rules = std::move(collection).finish();
  ASSERT_EQ(rules.errors.size(), 1U);
  EXPECT_EQ(rules.errors[0].code, ErrorCode::kTooLarge);
}

TEST(SigmaReader, JoinsDocumentsOfOldFiles) {
  const TestSet set = compile_text(R"(action: global
title: Global
logsource: {product: test}
detection: {condition: s}
---
detection: {s: {F: a}}
---
title: Second
detection: {s: {F: b}}
---
action: repeat
detection: {s: {G: c}}
---
action: reset
---
title: Alone
logsource: {product: test}
detection: {s: {F: d}, condition: s}
)");
  ASSERT_TRUE(set.report.errors.empty()) << set.report.errors[0].text();
  ASSERT_EQ(set.set->rules().size(), 4U);
  EXPECT_EQ(set.set->rules()[0].title, "Global");
  EXPECT_EQ(set.set->rules()[2].title, "Second");
  const std::string events = "{\"F\":\"a\"}\n{\"F\":\"b\"}\n{\"F\":\"b\",\"G\":\"c\"}\n{\"F\":\"d\"}\n";
  EXPECT_EQ(matched_lines(set, events, 0), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(matched_lines(set, events, 1), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(matched_lines(set, events, 2), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(matched_lines(set, events, 3), (std::vector<std::uint64_t>{4}));
}

TEST(SigmaReader, DocumentsMadeFromOneMayHaveItsId) {
  const TestSet set = compile_text(
      "action: global\ntitle: t\nid: 929a690e-bef0-4204-a928-ef5e620d6fcc\ndetection: {s: {F: a}, condition: s}\n---\n"
      "logsource: {product: test}\n---\nlogsource: {product: other}\n---\ntitle: c\ncorrelation: {type: event_count, "
      "rules: [929a690e-bef0-4204-a928-ef5e620d6fcc], timespan: 1m, condition: {gte: 1}}\n");
  EXPECT_TRUE(set.report.errors.empty()) << set.report.errors[0].text();
  EXPECT_EQ(set.report.rules, 2U);
  EXPECT_EQ(set.report.correlations, 1U) << "global is for rules";
}

TEST(SigmaReader, OneBadDocumentCostsItselfOnly) {
  const TestSet set =
      compile_text("title: bad\n---\ntitle: good\nid: i\n" + std::string(kRest) + "---\ntitle: again\nid: i\n" + kRest);
  EXPECT_EQ(set.report.rules, 1U);
  ASSERT_EQ(set.report.errors.size(), 2U);
  EXPECT_EQ(set.report.errors[1].code, ErrorCode::kConflict) << "the same id";
}

// --- rules as a whole

struct WholeCase {
  const char* name;
  const char* detection;
  const char* events;  // separated by spaces between objects
  std::vector<std::uint64_t> hits;
};

TEST(SigmaRules, SelectionsListsAndKeywords) {
  const WholeCase kCases[] = {
      {"a map is an AND", "s: {F: a, G: b}\n  condition: s", "{\"F\":\"a\",\"G\":\"b\"}\n{\"F\":\"a\"}\n", {1}},
      {"a list of maps is an OR",
       "s: [{F: a}, {G: b, H: c}]\n  condition: s",
       "{\"F\":\"a\"}\n{\"G\":\"b\"}\n{\"G\":\"b\",\"H\":\"c\"}\n",
       {1, 3}},
      {"keywords stand anywhere in any text",
       "s: [event::clear, 'b*d']\n  condition: s",
       "{\"x\":\"xEVENT::CLEARx\"}\n{\"n\":{\"m\":[\"1\",\"abcde\"]}}\n{\"x\":\"no\"}\n",
       {1, 2}},
      {"keywords in lines of text",
       "s: [Failed password]\n  condition: s",
       "May 1 host sshd[1]: Failed password for root\nMay 1 host sshd[1]: Accepted\n",
       {1}},
      {"a single keyword", "s: evil\n  condition: s", "{\"x\":\"so evil\"}\n", {1}},
      {"all keywords", "s: {'|all': [a1, b2]}\n  condition: s", "{\"x\":\"a1\",\"y\":\"b2\"}\n{\"x\":\"a1\"}\n", {1}},
      {"keywords as regular expressions",
       "s: {'|re': 'a[0-9]'}\n  condition: s",
       "{\"x\":\"za7\"}\n{\"x\":\"A7\"}\n",
       {1}},
      {"a list with keywords and maps",
       "s: [evil, {F: a}]\n  condition: s",
       "{\"x\":\"evil\"}\n{\"F\":\"A\"}\n{\"F\":\"b\"}\n",
       {1, 2}},
      {"several conditions are an OR",
       "a: {F: a}\n  b: {F: b}\n  condition: [a, b]",
       "{\"F\":\"a\"}\n{\"F\":\"b\"}\n{\"F\":\"c\"}\n",
       {1, 2}},
      {"not null",
       "s: {E: 1}\n  f: {P: null}\n  condition: s and not f",
       "{\"E\":1,\"P\":\"x\"}\n{\"E\":1}\n{\"E\":1,\"P\":null}\n",
       {1}},
      {"1 of them leaves out those with an underscore",
       "s: {F: a}\n  _t: {F: b}\n  condition: 1 of them",
       "{\"F\":\"a\"}\n{\"F\":\"b\"}\n",
       {1}},
      {"all of a pattern",
       "s_1: {F: a}\n  s_2: {G: b}\n  t: {H: c}\n  condition: all of s_*",
       "{\"F\":\"a\",\"G\":\"b\"}\n{\"F\":\"a\",\"H\":\"c\"}\n",
       {1}},
  };
  for (const WholeCase& one : kCases) {
    const TestSet set =
        compile_text("title: t\nlogsource:\n  product: test\ndetection:\n  " + std::string(one.detection) + "\n");
    ASSERT_TRUE(set.report.errors.empty()) << one.name << ": " << set.report.errors[0].text();
    EXPECT_EQ(matched_lines(set, one.events), one.hits) << one.name;
  }
}

TEST(SigmaRules, LogSourcesTellWhichEventsAreLookedAt) {
  const auto hits = [](const char* source, const std::string& events) {
    const TestSet set =
        compile_text("title: t\nlogsource: {" + std::string(source) + "}\ndetection: {s: {User: a}, condition: s}\n");
    EXPECT_TRUE(set.report.errors.empty());
    return matched_lines(set, events);
  };
  const std::string events =
      "{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\"User\":\"a\"}\n"
      "{\"log_name\":\"Microsoft-Windows-Sysmon/Operational\",\"event_id\":1,\"event_data\":{\"User\":\"a\"}}\n"
      "{\"Event\":{\"System\":{\"Channel\":\"microsoft-windows-sysmon/"
      "operational\",\"EventID\":{\"#text\":\"1\"}},\"EventData\":{\"User\":\"a\"}}}\n"
      "{\"Channel\":\"Security\",\"EventID\":4688,\"SubjectUserName\":\"a\"}\n"
      "{\"Channel\":\"Security\",\"EventID\":4624,\"User\":\"a\"}\n"
      "{\"unknown\":\"thing\",\"User\":\"a\"}\n"
      "{\"_path\":\"ftp\",\"uid\":\"C1\",\"User\":\"a\"}\n";
  using Lines = std::vector<std::uint64_t>;
  EXPECT_EQ(hits("product: windows, category: process_creation", events), (Lines{1, 2, 3, 4}));
  EXPECT_EQ(hits("category: process_creation", events), (Lines{1, 2, 3, 4}));
  EXPECT_EQ(hits("product: windows, service: security", events), (Lines{5}));
  EXPECT_EQ(hits("product: windows", events), (Lines{1, 2, 3, 5}));
  EXPECT_EQ(hits("product: windows, service: unheard_of", events), (Lines{1, 2, 3, 5}))
      << "the nearest declared source";
  EXPECT_EQ(hits("product: unheard_of, service: thing", events), (Lines{6})) << "events that no declared product claims";
  EXPECT_EQ(hits("product: zeek, service: ftp", events), (Lines{7}));
}

TEST(SigmaRules, FiltersAreAddedToTheRulesTheyName) {
  const TestSet set = compile_text(R"(title: R
id: r1
logsource: {product: test, category: c}
detection: {s: {F: a}, condition: s}
---
title: Other
id: r2
logsource: {product: test}
detection: {s: {F: a}, condition: s}
---
title: Not the administrators
logsource: {product: test}
filter:
  rules: [r1]
  selection: {User|startswith: adm_}
  condition: not 1 of sel*
---
title: Everywhere in c
logsource: {category: c}
filter:
  rules: any
  s: {G: x}
  condition: not s
---
title: Nowhere
logsource: {product: test}
filter: {rules: [zz], s: {G: x}, condition: s}
)");
  ASSERT_EQ(set.report.errors.size(), 1U);
  EXPECT_NE(set.report.errors[0].message.find("applies to no rule"), std::string::npos);
  const std::string events =
      "{\"F\":\"a\",\"User\":\"adm_1\"}\n{\"F\":\"a\",\"User\":\"x\"}\n{\"F\":\"a\",\"G\":\"x\"}\n";
  EXPECT_EQ(matched_lines(set, events, 0), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(matched_lines(set, events, 1), (std::vector<std::uint64_t>{1, 2, 3}));
}

// --- pipelines

struct PipelineCase {
  const char* name;
  const char* pipeline;
  const char* detection;
  const char* events;
  std::vector<std::uint64_t> hits;
};

TEST(SigmaRules, AFilterThatNamesNoRuleIsRefused) {
  const std::string rule = "title: t\nlogsource: {product: test}\ndetection: {s: {F: a}, condition: s}\n---\n";
  const auto filter = [](const std::string& rules) {
    return "title: f\nlogsource: {product: test}\nfilter:\n  rules:" + rules + "\n  s: {F: a}\n  condition: not s\n";
  };
  for (const char* rules : {"", " ~", " []", " null"}) {
    const TestSet set = compile_text(rule + filter(rules));
    ASSERT_EQ(set.report.errors.size(), 1U) << rules;
    EXPECT_NE(set.report.errors[0].text().find("this names no rule"), std::string::npos) << set.report.errors[0].text();
    EXPECT_EQ(matched_lines(set, "{\"F\":\"a\"}\n"), (std::vector<std::uint64_t>{1})) << rules;
  }
  for (const char* rules : {" any", " [any]", " Any"}) {
    const TestSet set = compile_text(rule + filter(rules));
    ASSERT_TRUE(set.report.errors.empty()) << rules;
    EXPECT_TRUE(matched_lines(set, "{\"F\":\"a\"}\n").empty()) << rules;
  }
}

TEST(SigmaRules, FieldsBehindContainersThatAddNothing) {
  const std::string shapes =
      R"({"winlog":{"channel":"Security","event_id":1,"event_data":{"Foo":"x"}}}
{"winlog.channel":"Security","winlog.event_id":1,"winlog.event_data.Foo":"x"}
{"Event":{"System":{"Channel":"Security","EventID":1},"EventData":{"Foo":"x"}}}
{"Event":{"System":{"Channel":"Security","EventID":1},"EventData.Foo":"x"}}
{"Channel":"Security","EventID":1,"Foo":"x"}
{"Channel":"Security","EventID":1,"Bar":{"Foo":"x"}}
)";
  for (const char* field : {"Foo", "winlog.event_data.Foo", "Event.EventData.Foo", "event_data.Foo"}) {
    const TestSet set = compile_text("title: t\nlogsource: {product: windows, service: security}\ndetection:\n  s: {" +
                                     std::string(field) + ": x}\n  condition: s\n");
    ASSERT_TRUE(set.report.errors.empty()) << field;
    EXPECT_EQ(matched_lines(set, shapes), (std::vector<std::uint64_t>{1, 2, 3, 4, 5})) << field;
  }
  // The events that Winlogbeat's modules make, and other converters' names.
  const TestSet ecs = compile_text(
      "title: t\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: {Image|endswith: "
      "'\\cmd.exe'}\n  condition: s\n");
  EXPECT_EQ(
      matched_lines(
          ecs,
          R"({"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":1},"process":{"executable":"C:\\cmd.exe"}}
)"),
      (std::vector<std::uint64_t>{1}));
  const TestSet provider = compile_text(
      "title: t\nlogsource: {product: windows}\ndetection:\n  s: {Provider_Name: p, Execution_ProcessID: 7}\n  "
      "condition: s\n");
  EXPECT_EQ(matched_lines(provider,
                          R"({"Event":{"System":{"Channel":"a","Provider":{"@Name":"p"},"Execution":{"@ProcessID":7}}}}
{"Event":{"System":{"Channel":"a","Provider_attributes":{"Name":"p"},"Execution_attributes":{"ProcessID":7}}}}
{"Event":{"System":{"Channel":"a","Provider":{"Name":"p"},"Execution":{"ProcessID":7}}}}
)"),
            (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(SigmaPipelines, ChangeRules) {
  const PipelineCase kCases[] = {
      {"a field",
       "transformations: [{type: field_name_mapping, mapping: {F: A.B}}]",
       "s: {F: a}\n  condition: s",
       "{\"A\":{\"B\":\"a\"}}\n{\"F\":\"a\"}\n",
       {1}},
      {"a field to several",
       "transformations: [{type: field_name_mapping, mapping: {F: [G, H]}}]",
       "s: {F: a}\n  condition: s",
       "{\"G\":\"a\"}\n{\"H\":\"a\"}\n{\"F\":\"a\"}\n",
       {1, 2}},
      {"negated: none of the several",
       "transformations: [{type: field_name_mapping, mapping: {F: [G, H]}}]",
       "s: {F|neq: a}\n  condition: s",
       "{\"G\":\"a\"}\n{\"H\":\"b\"}\n",
       {2}},
      {"names in fieldref, too",
       "transformations: [{type: field_name_mapping, mapping: {F: G, O: P}}]",
       "s: {F|fieldref: O}\n  condition: s",
       "{\"G\":\"a\",\"P\":\"a\"}\n",
       {1}},
      {"prefixes of names",
       "transformations: [{type: field_name_prefix_mapping, mapping: {win.: w.}}]",
       "s: {win.x: a}\n  condition: s",
       "{\"w\":{\"x\":\"a\"}}\n",
       {1}},
      {"a prefix and a suffix",
       "transformations: [{type: field_name_prefix, prefix: p.}, {type: field_name_suffix, suffix: .s}]",
       "s: {F: a}\n  condition: s",
       "{\"p.F.s\":\"a\"}\n",
       {1}},
      {"drop",
       "transformations: [{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [G]}]}]",
       "s: {F: a, G: b}\n  condition: s",
       "{\"F\":\"a\"}\n",
       {1}},
      {"add a condition",
       "transformations: [{type: add_condition, conditions: {H: '$product'}, template: true}]",
       "s_1: {F: a}\n  condition: 1 of s_*",
       "{\"F\":\"a\"}\n{\"F\":\"a\",\"H\":\"test\"}\n",
       {2}},
      {"add a condition, negated",
       "transformations: [{type: add_condition, name: s_x, negated: true, conditions: {H: [x, y]}}]",
       "s_1: {F: a}\n  condition: all of s_*",
       "{\"F\":\"a\",\"H\":\"y\"}\n{\"F\":\"a\"}\n",
       {2}},
      {"change the log source",
       "transformations: [{type: change_logsource, product: zeek, service: dns}]",
       "s: {query: a}\n  condition: s",
       "{\"_path\":\"dns\",\"query\":\"a\"}\n{\"query\":\"a\"}\n",
       {1}},
      {"values for placeholders",
       "vars: {adm: [root, 'a*']}\ntransformations: [{type: value_placeholders}]",
       "s: {F|expand: 'x%adm%'}\n  condition: s",
       "{\"F\":\"xroot\"}\n{\"F\":\"xab\"}\n{\"F\":\"x%adm%\"}\n",
       {1, 2}},
      {"wildcards for the other placeholders",
       "vars: {a: one}\ntransformations: [{type: value_placeholders, include: [a]}, {type: wildcard_placeholders}]",
       "s: {F|expand: '%a%-%b%'}\n  condition: s",
       "{\"F\":\"one-two\"}\n{\"F\":\"x-two\"}\n",
       {1}},
      {"without expand a placeholder is text",
       "transformations: []",
       "s: {F: '%a%'}\n  condition: s",
       "{\"F\":\"%a%\"}\n",
       {1}},
      {"an escaped percent sign",
       "vars: {name: x}\ntransformations: [{type: value_placeholders}]",
       "s: {F|expand: '\\%plain%name%'}\n  condition: s",
       "{\"F\":\"%plainx\"}\n",
       {1}},
      {"replace in strings",
       "transformations: [{type: replace_string, regex: '^C:', replacement: '*'}]",
       "s: {F: 'C:\\x'}\n  condition: s",
       "{\"F\":\"D:\\\\x\"}\n",
       {1}},
      {"replace, groups, plain parts only",
       "transformations: [{type: replace_string, regex: '(b)(c)', replacement: '\\2\\1', skip_special: true}]",
       "s: {F: 'a*bc'}\n  condition: s",
       "{\"F\":\"a-cb\"}\n",
       {1}},
      {"map strings",
       "transformations: [{type: map_string, mapping: {a: [b, c]}}]",
       "s: {F: a}\n  condition: s",
       "{\"F\":\"a\"}\n{\"F\":\"b\"}\n{\"F\":\"c\"}\n",
       {2, 3}},
      {"set a value, convert one",
       "transformations: [{type: set_value, value: 5, detection_item_conditions: [{type: match_string, cond: any, "
       "pattern: five}]}]",
       "s: {F: five, G: x}\n  condition: s",
       "{\"F\":5.0,\"G\":\"x\"}\n",
       {1}},
      {"convert a type",
       "transformations: [{type: convert_type, target_type: num}]",
       "s: {F: '5'}\n  condition: s",
       "{\"F\":\"5.0\"}\n",
       {1}},
      {"state, and conditions on it",
       "transformations: [{type: set_state, key: k, val: v}, {type: field_name_mapping, mapping: {F: G}, "
       "rule_conditions: [{type: processing_state, key: k, val: v}]}]",
       "s: {F: a}\n  condition: s",
       "{\"G\":\"a\"}\n",
       {1}},
      {"items that were applied",
       "transformations: [{id: one, type: field_name_mapping, mapping: {F: G}}, {type: field_name_suffix, suffix: x, "
       "field_name_conditions: [{type: processing_item_applied, processing_item_id: one}]}]",
       "s: {F: a, H: b}\n  condition: s",
       "{\"Gx\":\"a\",\"H\":\"b\"}\n",
       {1}},
      {"replace_string leaves what it does not match as it is",
       "transformations: [{type: replace_string, regex: 'x(?P<n>y)', replacement: 'z\\g<n>'}]",
       "s: {F: ['a\\b\\\\*', 'xy\\q', 'a\\*b', '\\\\share\\d']}\n  condition: s",
       R"({"F":"a\\b\\c"}
{"F":"zy\\q"}
{"F":"a*b"}
{"F":"\\share\\d"}
{"F":"aXb"}
)",
       {1, 2, 3, 4}},
      {"replace_string keeps a backslash before a wildcard apart from an escaped one",
       "transformations: [{type: replace_string, regex: x, replacement: y}]",
       "s: {F: ['x\\a\\\\*', 'xb\\*', 'xc\\\\\\*']}\n  condition: s",
       R"({"F":"y\\a\\k"}
{"F":"yb*"}
{"F":"yc\\*"}
{"F":"yb1"}
{"F":"yc\\1"}
)",
       {1, 2, 3}},
      {"replace_string beside wildcards, whose result is read anew or not",
       "transformations: [{type: replace_string, regex: x, replacement: 'y*', skip_special: true, interpret_special: "
       "true, field_name_conditions: [{type: include_fields, fields: [F]}]}, {type: replace_string, regex: x, "
       "replacement: 'y*', skip_special: true, field_name_conditions: [{type: include_fields, fields: [G]}]}]",
       "s: {F: 'x*z'}\n  t: {G: 'x*z'}\n  condition: 1 of them",
       "{\"F\":\"y1z\"}\n{\"G\":\"y1z\"}\n{\"G\":\"y*1z\"}\n",
       {1, 3}},
      {"placeholders beside replace_string",
       "vars: {p: [q]}\ntransformations: [{type: replace_string, regex: x, replacement: y}, {type: "
       "value_placeholders}]",
       "s: {F|expand: 'x%p%'}\n  condition: s",
       "{\"F\":\"yq\"}\n{\"F\":\"xq\"}\n",
       {1}},
      {"a number that is forced to be text",
       "transformations: [{type: set_value, value: 5, force_type: str}]",
       "s: {F: a}\n  condition: s",
       "{\"F\":\"5\"}\n{\"F\":\"5.0\"}\n",
       {1}},
      {"states compared as numbers",
       "transformations: [{type: set_state, key: k, val: 10}, {type: field_name_mapping, mapping: {F: G}, "
       "rule_conditions: [{type: processing_state, key: k, val: 9, op: gt}]}]",
       "s: {F: a}\n  condition: s",
       "{\"G\":\"a\"}\n{\"F\":\"a\"}\n",
       {1}},
      {"rule conditions joined by or, and negated",
       "transformations: [{type: field_name_mapping, mapping: {F: G}, rule_cond_op: or, rule_cond_not: true, "
       "rule_conditions: [{type: logsource, product: windows}, {type: tag, tag: no}]}]",
       "s: {F: a}\n  condition: s",
       "{\"G\":\"a\"}\n",
       {1}},
      {"rule conditions by an expression",
       "transformations: [{type: field_name_mapping, mapping: {F: G}, rule_cond_expr: p and not (t or i), "
       "rule_conditions: {p: {type: contains_field, field: F}, t: {type: rule_attribute, attribute: level, op: gte, "
       "value: high}, i: {type: is_sigma_correlation_rule}}}]",
       "s: {F: a}\n  condition: s",
       "{\"G\":\"a\"}\n",
       {1}},
      {"fields by expression",
       "transformations: [{type: field_name_prefix, prefix: x, field_name_conditions: [{type: include_fields, fields: "
       "['[FG]$'], mode: re}]}]",
       "s: {F: a, FG: b}\n  condition: s",
       "{\"xF\":\"a\",\"FG\":\"b\"}\n",
       {1}},
      {"wildcards and null as conditions",
       "transformations: [{type: drop_detection_item, detection_item_cond_op: or, detection_item_conditions: [{type: "
       "contains_wildcard, cond: any}, {type: is_null, cond: all}]}]",
       "s: {F: 'a*', G: null, H: x}\n  condition: s",
       "{\"G\":1,\"H\":\"x\"}\n",
       {1}},
  };
  for (const PipelineCase& one : kCases) {
    const TestSet set = compile_text(
        "title: t\nlevel: low\nlogsource:\n  product: test\ndetection:\n  " + std::string(one.detection) + "\n",
        one.pipeline);
    ASSERT_TRUE(set.report.errors.empty()) << one.name << ": " << set.report.errors[0].text();
    ASSERT_TRUE(set.report.waiting.empty()) << one.name;
    EXPECT_EQ(matched_lines(set, one.events), one.hits) << one.name;
  }
}

TEST(SigmaPipelines, ACorrelationWhoseFieldBecomesTooLongCostsItselfOnly) {
  const TestSet set = compile_text(
      "title: t\nname: r\nlogsource: {product: test}\ndetection: {s: {F: a}, condition: s}\n---\ntitle: c\n"
      "correlation: {type: event_count, rules: [r], group-by: [User], timespan: 1m, condition: {gte: 2}}\n---\n"
      "title: good\nlogsource: {product: test}\ndetection: {s: {F: b}, condition: s}\n",
      "transformations: [{type: field_name_mapping, mapping: {User: " + std::string(300, 'z') + "}}]");
  ASSERT_EQ(set.report.errors.size(), 1U);
  EXPECT_NE(set.report.errors[0].message.find("too long"), std::string::npos) << set.report.errors[0].text();
  EXPECT_EQ(set.report.rules, 2U);
  EXPECT_EQ(matched_lines(set, "{\"F\":\"b\"}\n", 1), (std::vector<std::uint64_t>{1}));
}

TEST(SigmaPipelines, RunByPriorityAndChangeCorrelationsToo) {
  Collection collection;
  collection.add_pipeline(
      *Pipeline::read("priority: 20\ntransformations: [{type: field_name_mapping, mapping: {G: H}}]\n", "late.yml"));
  collection.add_pipeline(*Pipeline::read(
      "priority: 10\ntransformations: [{type: field_name_mapping, mapping: {F: G, User: user.name}}]\n", "early.yml"));
  collection.add(
      "title: t\nname: r\nlogsource: {product: test}\ndetection: {s: {F: a}, condition: s}\n---\ntitle: "
      "c\ncorrelation: {type: event_count, rules: [r], group-by: [User], timespan: 1m, condition: {gte: 2}}\n",
      "r.yml");
  const TestSet set = compile_rules(std::move(collection).finish());
  ASSERT_TRUE(set.report.errors.empty());
  EXPECT_EQ(matched_lines(set, "{\"H\":\"a\"}\n{\"G\":\"a\"}\n"), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(set.set->value_names(), (std::vector<std::string>{"user.name"}));
}

TEST(SigmaPipelines, RefuseByName) {
  const std::pair<const char*, const char*> kBad[] = {
      {"transformations: [{type: query_expression_placeholders}]",
       "\"query_expression_placeholders\" is not supported"},
      {"transformations: [{type: nest, items: []}]", "\"nest\" is not supported"},
      {"postprocessing: []", "\"postprocessing\" is not supported"},
      {"transformations: [{type: set_state, key: k}]", "is needed here"},
      {"transformations: [{type: field_name_mapping}]", "a map is needed"},
      {"transformations: [{type: replace_string, regex: '(', replacement: x}]", "cannot be taken"},
      {"transformations: [{type: replace_string, regex: 'a', replacement: '\\2'}]", "replacement"},
      {"transformations: [{type: set_value, value: x, rule_conditions: [{type: sunny}]}]",
       "the condition \"sunny\" is not supported"},
      {"transformations: [{type: set_value, value: x, rule_cond_expr: a, rule_conditions: {b: {type: is_sigma_rule}}}]",
       "no condition \"a\""},
      {"transformations: [{type: set_value, value: x, rule_condition: []}]", "has no option \"rule_condition\""},
      {"transformations: [{type: field_name_prefix, prefix: x, mapping: {}}]", "has no option \"mapping\""},
      {"transformations: [{type: set_value, value: x, rule_conditions: [{type: logsource, produkt: x}]}]",
       "has no option \"produkt\""},
      {"transformations: [{type: set_value, value: x, field_name_conditions: [{type: include_fields, fields: [F], "
       "mode: "
       "regex}]}]",
       "plain or re was expected"},
      {"transformations: [{type: set_value, value: x, rule_conditions: [{type: rule_attribute, attribute: level, "
       "value: "
       "hihg}]}]",
       "no level: \"hihg\""},
      {"transformations: [{type: set_value, value: x, force_type: num}]", "no number: \"x\""},
      {"transformations: [{type: replace_string, regex: a, replacement: '\\g<no>'}]", "no group that can be put in"},
      {"vars: {p: [null]}", "null is no value"},
      {"[]", "a pipeline is one map"},
      {"priority: high", "a number was expected"},
  };
  for (const auto& [text, reason] : kBad) {
    const auto read = Pipeline::read(text, "p.yml");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_NE(read.error().text().find(reason), std::string::npos) << read.error().text();
    EXPECT_EQ(read.error().where.source, "p.yml");
  }
  const std::pair<const char*, const char*> kFail[] = {
      {"transformations: [{type: rule_failure, message: no such source, rule_conditions: [{type: logsource, product: "
       "test}]}]",
       "no such source"},
      {"transformations: [{type: detection_item_failure, message: no such field, field_name_conditions: [{type: "
       "include_fields, fields: [F]}]}]",
       "no such field"},
      {"transformations: [{type: value_placeholders}]", "%p% has no value"},
      {"transformations: [{type: drop_detection_item}]", "leaves nothing"},
  };
  for (const auto& [text, reason] : kFail) {
    const TestSet set =
        compile_text("title: t\nlogsource: {product: test}\ndetection: {s: {F|expand: '%p%'}, condition: s}\n", text);
    ASSERT_EQ(set.report.errors.size(), 1U) << text;
    EXPECT_NE(set.report.errors[0].message.find(reason), std::string::npos) << set.report.errors[0].text();
    EXPECT_EQ(set.report.rules, 0U);
  }
  const TestSet waiting =
      compile_text("title: t\nlogsource: {product: test}\ndetection: {s: {F|expand: '%p%'}, condition: s}\n");
  EXPECT_EQ(waiting.report.waiting.size(), 1U) << "well-formed, but not looked for until there are values";
}

}  // namespace
}  // namespace bongsu::detect::sigma
