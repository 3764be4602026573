// Correlations: a table of cases from the correlation rules specification.
#include "detect/sigma/sequencer.h"

#include <gtest/gtest.h>

#include "detect/sigma/sigma_test_support.h"

namespace bongsu::detect::sigma {
namespace {

// Base rules a, b, c: `do: a` and so on.
const char* const kBase = R"(
title: A
name: a
logsource: {product: test}
detection: {s: {do: a}, condition: s}
---
title: B
name: b
id: 22222222-2222-4222-8222-222222222222
logsource: {product: test}
detection: {s: {do: b}, condition: s}
---
title: C
name: c
logsource: {product: test}
detection: {s: {do: c}, condition: s}
---
)";

std::string second(int s) {
  const int minutes = s / 60;
  char out[40];
  std::snprintf(out, sizeof out, "2024-05-01T%02d:%02d:%02dZ", minutes / 60, minutes % 60, s % 60);
  return out;
}

// "0 a u=x v=1" → an event at second 0 with do=a, u=x, v=1.
std::string event_of(const std::string& text) {
  std::istringstream words(text);
  std::string time, action, pair;
  words >> time >> action;
  std::string out = "{\"timestamp\":\"" + second(std::stoi(time)) + "\",\"do\":\"" + action + "\"";
  while (words >> pair) {
    const auto equals = pair.find('=');
    std::string value = "\"" + pair.substr(equals + 1) + "\"";
    if (pair[equals + 1] == '[') {  // "v=[p,q]" is a list
      value = "[\"" + pair.substr(equals + 2, pair.size() - equals - 3) + "\"]";
      for (std::size_t comma = value.find(','); comma != value.npos; comma = value.find(',', comma + 3))
        value.replace(comma, 1, "\",\"");
    }
    out += ",\"" + pair.substr(0, equals) + "\":" + value;
  }
  return out + "}\n";
}

std::string show(const TestSet& set, const SigmaHit& hit) {
  std::string out =
      hit.correlation ? set.set->correlations()[hit.index].correlation.title : set.set->rules()[hit.index].title;
  out += "@" + std::to_string(hit.at.line);
  if (!hit.events.empty()) {
    out += "<";
    for (const EventPlace& place : hit.events)
      out += (&place == &hit.events[0] ? "" : ",") + std::to_string(place.line);
  }
  for (const auto& [field, value] : hit.group) out += " " + field + "=" + value;
  return out;
}

std::vector<std::string> run(const TestSet& set, const std::vector<std::string>& events,
                             SigmaSequencer::Counters* counters = nullptr) {
  std::string lines;
  for (const std::string& event : events) lines += event_of(event);
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, set.map);
  const auto batch = batch_of(lines);
  parser.start(batch);
  SigmaMatcher matcher;
  EXPECT_TRUE(matcher.use(set.set).has_value());
  SigmaSequencer sequencer(set.set);
  std::vector<SigmaMatch> matches;
  std::vector<SigmaHit> hits;
  while (const auto* event = parser.next()) {
    matcher.match(*event, matches);
    sequencer.take(matches, {batch.source, event->offset, event->line, *event->time()}, hits);
  }
  sequencer.finish(hits);
  if (counters != nullptr) *counters = sequencer.counters();
  std::vector<std::string> out;
  for (const SigmaHit& hit : hits) out.push_back(show(set, hit));
  return out;
}

struct Case {
  const char* name;
  const char* rules;  // behind the base rules
  std::vector<std::string> events, hits;
};

const Case kCases[] = {
    {"event_count hits when the count is reached, and spends its events",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gte: 3}}\n",
     {"0 a u=x", "1 a u=x", "2 a u=y", "3 a u=x", "4 a u=x", "5 a u=x", "6 a u=x"},
     {"X@4<1,2 u=x", "X@7<5,6 u=x"}},
    {"event_count counts in a window that slides, both ends included",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gt: 1}}\n",
     {"0 a u=x", "11 a u=x", "21 a u=x"},
     {"X@3<2 u=x"}},
    {"event_count over several rules; group-by values are compared without case",
     "title: X\ncorrelation: {type: event_count, rules: [a, 22222222-2222-4222-8222-222222222222], group-by: [u], "
     "timespan: 1m, condition: {gte: 2}}\n",
     {"0 a u=x", "1 b u=X"},
     {"X@2<1 u=x"}},
    {"event_count with lt needs the whole window",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {lt: 3}}\n",
     {"0 a u=x", "1 a u=x", "2 a u=y", "3 a u=y", "4 a u=y", "30 b u=z"},
     {"X@2<1 u=x"}},
    {"event_count eq, at the end of all events",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {eq: 2}}\n",
     {"0 a u=x", "1 a u=x"},
     {"X@2<1 u=x"}},
    {"event_count of a range",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gt: 1, lte: "
     "2}}\n",
     {"0 a u=x", "1 a u=x", "2 a u=x", "0 a u=y", "10 a u=y", "100 a u=z"},
     {"X@5<4 u=y"}},
    {"no group-by: one group",
     "title: X\ncorrelation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 2}}\n",
     {"0 a u=x", "1 a"},
     {"X@2<1"}},
    {"group-by of two fields is an AND",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u, v], timespan: 1h, condition: {gte: 2}}\n",
     {"0 a u=x v=1", "1 a u=x v=2", "2 a u=x v=1", "3 a u=x"},
     {"X@3<1 u=x v=1"}},
    {"value_count counts distinct values",
     "title: X\ncorrelation: {type: value_count, rules: [a], group-by: [u], timespan: 1m, condition: {gte: 3, field: "
     "v}}\n",
     {"0 a u=x v=1", "1 a u=x v=1", "2 a u=x v=2", "3 a u=x", "4 a u=x v=3"},
     {"X@5<1,2,3 u=x"}},
    {"value_count forgets values that leave the window",
     "title: X\ncorrelation: {type: value_count, rules: [a], group-by: [u], timespan: 10s, condition: {gte: 2, field: "
     "v}}\n",
     {"0 a u=x v=1", "20 a u=x v=2", "21 a u=x v=2", "22 a u=x v=3"},
     {"X@4<2,3 u=x"}},
    {"value_count of two fields counts pairs",
     "title: X\ncorrelation: {type: value_count, rules: [a], timespan: 1m, condition: {gte: 2, field: [u, v]}}\n",
     {"0 a u=x v=1", "1 a u=x v=1", "2 a u=y v=1"},
     {"X@3<1,2"}},
    {"temporal: every rule, in any order, in the same group",
     "title: X\ncorrelation: {type: temporal, rules: [a, b], group-by: [u], timespan: 5s}\n",
     {"0 b u=x", "1 a u=y", "3 a u=x", "20 a u=x", "26 b u=x", "30 a u=x"},
     {"X@3<1 u=x", "X@6<5 u=x"}},
    {"temporal with a count of different rules",
     "title: X\ncorrelation: {type: temporal, rules: [a, b, c], group-by: [u], timespan: 5s, condition: {gte: 2}}\n",
     {"0 a u=x", "1 a u=x", "2 c u=x"},
     {"X@3<2 u=x"}},
    {"temporal by an expression",
     "title: X\ncorrelation: {type: temporal, group-by: [u], timespan: 5s, condition: a and (b OR c)}\n",
     {"0 a u=x", "1 c u=x"},
     {"X@2<1 u=x"}},
    {"temporal with not needs the whole window",
     "title: X\ncorrelation: {type: temporal, group-by: [u], timespan: 5s, condition: a and not b}\n",
     {"0 a u=x", "1 b u=x", "2 a u=y", "30 c u=z"},
     {"X@3 u=y"}},
    {"temporal_ordered takes the order of the rules",
     "title: X\ncorrelation: {type: temporal_ordered, rules: [a, b, c], group-by: [u], timespan: 10s}\n",
     {"0 b u=x", "1 a u=x", "2 c u=x", "3 b u=x", "4 a u=x", "5 c u=x"},
     {"X@6<2,4 u=x"}},
    {"temporal_ordered: the chain that began last is the one that fits",
     "title: X\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [u], timespan: 10s}\n",
     {"0 a u=x", "8 a u=x", "15 b u=x"},
     {"X@3<2 u=x"}},
    {"temporal_ordered: too late",
     "title: X\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [u], timespan: 10s}\n",
     {"0 a u=x", "11 b u=x"},
     {}},
    {"temporal_ordered with two of three",
     "title: X\ncorrelation: {type: temporal_ordered, rules: [a, b, c], group-by: [u], timespan: 10s, condition: {gte: "
     "2}}\n",
     {"0 b u=x", "1 a u=x", "2 c u=x"},
     {"X@3<2 u=x"}},
    {"value_sum",
     "title: X\ncorrelation: {type: value_sum, rules: [a], group-by: [u], timespan: 10s, condition: {gt: 10, field: "
     "v}}\n",
     {"0 a u=x v=6", "1 a u=x v=4", "2 a u=x v=none", "3 a u=x v=0.5"},
     {"X@4<1,2 u=x"}},
    {"value_avg is of the whole window",
     "title: X\ncorrelation: {type: value_avg, rules: [a], group-by: [u], timespan: 10s, condition: {gt: 5, field: "
     "v}}\n",
     {"0 a u=x v=100", "1 a u=y v=100", "2 a u=x v=-100", "3 a u=x v=1"},
     {"X@2 u=y"}},
    {"value_min and value_max",
     "title: L\ncorrelation: {type: value_min, rules: [a], group-by: [u], timespan: 10s, condition: {lt: 2, field: "
     "v}}\n---\n"
     "title: H\ncorrelation: {type: value_max, rules: [a], group-by: [u], timespan: 10s, condition: {gte: 9, field: "
     "v}}\n",
     {"0 a u=x v=5", "1 a u=x v=1", "2 a u=x v=9"},
     {"L@2<1 u=x", "H@3<1,2 u=x"}},
    {"value_median",
     "title: X\ncorrelation: {type: value_median, rules: [a], group-by: [u], timespan: 10s, condition: {eq: 2.5, "
     "field: v}}\n",
     {"0 a u=x v=1", "1 a u=x v=2", "2 a u=x v=3", "3 a u=x v=100"},
     {"X@4<1,2,3 u=x"}},
    {"value_percentile: the value at a percentile",
     "title: X\ncorrelation: {type: value_percentile, rules: [a], group-by: [u], timespan: 1m, condition: {gte: 4, "
     "field: v, percentile: 75}}\n",
     {"0 a u=x v=1", "1 a u=x v=2", "2 a u=x v=4", "3 a u=x v=9", "4 a u=y v=1", "5 a u=y v=2", "6 a u=y v=3",
      "7 a u=y v=9"},
     {"X@4<1,2,3 u=x"}},
    {"value_percentile without one: a value's share of the events",
     "title: X\ncorrelation: {type: value_percentile, rules: [a], group-by: [u], timespan: 24h, condition: {lte: 25, "
     "field: v}}\n",
     {"0 a u=x v=p", "1 a u=x v=p", "2 a u=x v=p", "3 a u=x v=q", "4 a u=y v=p", "5 a u=y v=q"},
     {"X@4<1,2,3 u=x"}},
    {"aliases: one value under different names",
     "title: X\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  group-by: [inner, remote]\n  timespan: 10s\n  "
     "aliases:\n"
     "    inner: {a: dst, b: src}\n    remote: {a: src, b: dst}\n",
     {"0 a src=1 dst=2", "1 b src=1 dst=2", "2 b src=2 dst=1"},
     {"X@3<1 inner=2 remote=1"}},
    {"chained: many failures, then a success (the specification's example)",
     "title: X\ncorrelation: {type: temporal_ordered, rules: [many, b], group-by: [u], timespan: 10m}\n---\n"
     "title: M\nname: many\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10m, condition: "
     "{gte: 3}}\n",
     {"0 a u=x", "1 a u=x", "2 b u=x", "3 a u=x", "4 b u=y", "5 b u=x"},
     {"X@6<4 u=x"}},
    {"chained: the outer groups by its own fields",
     "title: X\ncorrelation: {type: temporal_ordered, rules: [many, b], group-by: [u], timespan: 10m}\n---\n"
     "title: M\nname: many\ncorrelation: {type: event_count, rules: [a], group-by: [h], timespan: 10m, condition: "
     "{gte: 2}}\n",
     {"0 a u=y h=1", "1 a u=x h=1", "2 b u=y", "3 b u=x"},
     {"X@4<2 u=x"}},
    {"generate lets the rules speak for themselves",
     "title: X\ncorrelation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 2}, generate: true}\n",
     {"0 a", "1 a", "2 b"},
     {"A@1", "A@2", "X@2<1", "B@3"}},
    {"an event that matches two of the rules is counted once",
     "title: E\nname: e\nlogsource: {product: test}\ndetection: {s: {u: '*'}, condition: s}\n---\n"
     "title: X\ncorrelation: {type: event_count, rules: [a, e], group-by: [u], timespan: 10s, condition: {gte: 3}}\n",
     {"0 a u=x", "1 a u=x", "2 b u=x", "3 a u=x", "4 a u=x", "5 a u=x"},
     {"X@3<1,2 u=x", "X@6<4,5 u=x"}},
    {"its number is taken once",
     "title: E\nname: e\nlogsource: {product: test}\ndetection: {s: {u: '*'}, condition: s}\n---\n"
     "title: X\ncorrelation: {type: value_sum, rules: [e, a], timespan: 10s, condition: {field: v, gte: 20}}\n---\n"
     "title: Y\ncorrelation: {type: value_avg, rules: [e, a], timespan: 10s, condition: {field: v, gte: 10}}\n",
     {"0 a u=x v=12", "1 b u=x v=6"},
     {}},
    {"an event that completes a hit is spent, also for the other rules that it matches",
     "title: E\nname: e\nlogsource: {product: test}\ndetection: {s: {u: '*'}, condition: s}\n---\n"
     "title: X\ncorrelation: {type: value_count, rules: [a, e], timespan: 10s, condition: {field: v, gte: 2}}\n",
     {"0 a u=x v=1", "1 a u=x v=2", "2 b u=x v=3", "3 b u=x v=4"},
     {"X@2<1", "X@4<3"}},
    {"temporal: one event stands for each rule that it matches",
     "title: E\nname: e\nlogsource: {product: test}\ndetection: {s: {u: '*'}, condition: s}\n---\n"
     "title: X\ncorrelation: {type: temporal, rules: [a, e], timespan: 10s}\n",
     {"0 a u=x"},
     {"X@1"}},
    {"temporal_ordered: one event is one step, whichever rule's file comes first",
     "title: E\nname: e\nlogsource: {product: test}\ndetection: {s: {u: '*'}, condition: s}\n---\n"
     "title: X\ncorrelation: {type: temporal_ordered, rules: [a, e], timespan: 10s}\n---\n"
     "title: Y\ncorrelation: {type: temporal_ordered, rules: [e, a], timespan: 10s}\n",
     {"0 a u=x", "1 a u=x"},
     {"X@2<1", "Y@2<1"}},
    {"rules are named by a UUID in either case",
     "title: X\ncorrelation: {type: event_count, rules: [22222222-2222-4222-8222-222222222222], timespan: 10s, "
     "condition: {gte: 2}}\n---\ntitle: D\nid: ABCDEFAB-1111-4111-8111-111111111111\nlogsource: {product: test}\n"
     "detection: {s: {do: d}, condition: s}\n---\ntitle: Y\ncorrelation: {type: event_count, rules: "
     "[abcdefab-1111-4111-8111-111111111111], timespan: 10s, condition: {gte: 2}}\n",
     {"0 d", "1 b", "2 d", "3 b"},
     {"Y@3<1", "X@4<2"}},
    {"value_count counts every value of a field that has several",
     "title: X\ncorrelation: {type: value_count, rules: [a], timespan: 10s, condition: {field: v, gte: 3}}\n",
     {"0 a v=[p,q]", "1 a v=[Q,p]", "2 a v=[r]", "3 a v=[x,y,z]"},
     {"X@3<1,2", "X@4"}},
    {"events that come late by their time still count",
     "title: X\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gte: 3}}\n",
     {"10 a u=x", "5 a u=x", "7 a u=x"},
     {"X@1<2,3 u=x"}},
};

TEST(SigmaCorrelations, TableOfCases) {
  for (const Case& one : kCases) {
    std::string rules = kBase + std::string(one.rules);
    const TestSet set = compile_text(rules);
    ASSERT_TRUE(set.report.errors.empty()) << one.name << ": " << set.report.errors[0].text();
    std::vector<std::string> hits = run(set, one.events);
    // Base rules that no correlation refers to speak; only the case of `generate` looks at them.
    if (std::string(one.rules).find("generate") == std::string::npos)
      std::erase_if(hits, [](const std::string& hit) {
        return hit.starts_with("A@") || hit.starts_with("B@") || hit.starts_with("C@");
      });
    EXPECT_EQ(hits, one.hits) << one.name;
  }
}

TEST(SigmaCorrelations, WhatIsWrongIsNamed) {
  const struct {
    const char* rule;
    const char* reason;
  } kWrong[] = {
      {"type: event_counts, rules: [a], timespan: 1m, condition: {gte: 1}", "no type of correlation"},
      {"type: event_count, rules: [zz], timespan: 1m, condition: {gte: 1}", "no rule with the id or name \"zz\""},
      {"type: event_count, rules: [self], timespan: 1m, condition: {gte: 1}", "refers to itself"},
      {"type: event_count, timespan: 1m, condition: {gte: 1}", "at least one rule"},
      {"type: event_count, rules: [a], timespan: 1 minute, condition: {gte: 1}", "a timespan is a number"},
      {"type: event_count, rules: [a], timespan: 0s, condition: {gte: 1}", "a timespan is a number"},
      {"type: event_count, rules: [a], condition: {gte: 1}", "a timespan is needed"},
      {"type: event_count, rules: [a], timespan: 1m", "a condition is needed"},
      {"type: event_count, rules: [a], timespan: 1m, condition: {gte: many}", "a number was expected"},
      {"type: event_count, rules: [a], timespan: 1m, condition: a and b", "only temporal and temporal_ordered"},
      {"type: value_count, rules: [a], timespan: 1m, condition: {gte: 1}", "needs the field"},
      {"type: temporal, rules: [a, b], timespan: 1m, condition: a", "does not come in the condition"},
      {"type: temporal, rules: [a], timespan: 1m, condition: a and b", "not among the rules"},
      {"type: temporal_ordered, rules: [a, b], timespan: 1m, condition: a and not b", "temporal_ordered"},
      {"type: temporal_ordered, rules: [a, b], timespan: 1m, condition: {lt: 2}", "temporal_ordered"},
      {"type: event_count, rules: [a], timespan: 1m, condition: {gte: 1}, window: sliding",
       "not an attribute of a correlation"},
      {"type: temporal, rules: [a, b], group-by: [x], timespan: 1m, aliases: {x: {zz: f}}", "which is no rule"},
      {"type: value_percentile, rules: [a], timespan: 1m, condition: {gte: 1, field: v, percentile: 101}",
       "from 0 to 100"},
  };
  for (const auto& one : kWrong) {
    const TestSet set = compile_text(kBase + std::string("title: X\nname: self\ncorrelation: {") + one.rule + "}\n");
    ASSERT_EQ(set.report.errors.size(), 1U) << one.rule;
    EXPECT_NE(set.report.errors[0].message.find(one.reason), std::string::npos) << set.report.errors[0].text();
    EXPECT_GT(set.report.errors[0].where.line, 15U);
  }
}

TEST(SigmaCorrelations, MemoryStaysBoundedAndWhatThatCostIsCounted) {
  const TestSet set = compile_text(kBase + std::string("title: X\ncorrelation: {type: event_count, rules: [a], "
                                                       "group-by: [u], timespan: 1d, condition: {gte: 1000000}}\n---\n"
                                                       "title: Y\ncorrelation: {type: event_count, rules: [a], "
                                                       "group-by: [u], timespan: 1d, condition: {eq: 1000000}}\n"));
  SigmaSequencer sequencer(set.set);
  std::vector<SigmaHit> hits;
  const auto source = std::make_shared<const std::string>("x");
  for (std::uint64_t i = 0; i < 150'000; ++i)
    sequencer.take({{0, {std::to_string(i)}}},
                   {source, i, i, Instant{static_cast<std::int64_t>(1'700'000'000 + i / 100), 0}}, hits);
  EXPECT_LE(sequencer.groups(), kMaxWindowGroups);
  EXPECT_EQ(sequencer.counters().forgotten, 300'000 - kMaxWindowGroups);
  sequencer.take({{0, {std::nullopt}}}, {source, 0, 0, Instant{1'700'100'000, 0}}, hits);
  EXPECT_EQ(sequencer.counters().without_group, 2U);
  EXPECT_TRUE(hits.empty());
}

}  // namespace
}  // namespace bongsu::detect::sigma
