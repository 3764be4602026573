#include "detect/rule_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "detect/engine.h"

namespace bongsu::detect {
namespace {

constexpr const char* kShell = R"(title: Odd shell
id: 6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001
logsource: { category: process_creation, product: windows }
detection:
  selection: { Image|endswith: '\powershell.exe', CommandLine|contains: '-enc ' }
  condition: selection
level: high
tags: [attack.t1059.001]
)";
constexpr const char* kMarker = R"(rule marker { strings: $a = "bongsu-marker-4711-and-more-than-thirty-two-bytes" condition: $a })";
constexpr const char* kOrder =
    "([domain-name:value = 'first.example'] FOLLOWEDBY [domain-name:value = 'second.example']) WITHIN 300 SECONDS";

Rule rule(std::uint64_t ref, Language language, std::string text) {
  return {.ref = ref, .language = language, .text = std::move(text)};
}

class Rules : public testing::Test {
 protected:
  RuleBuild add(std::vector<Rule> rules) {
    EXPECT_TRUE(engine.rules().add(rules));
    return engine.rules().build();
  }
  void remove(std::uint64_t ref) {
    engine.remove(ref);
    engine.rules().build();
  }
  std::vector<Alert> match(const std::string& lines) {
    telemetry::LineBatch batch{source, lines, offset, next_line, nullptr};
    offset += lines.size();
    next_line += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    std::vector<Alert> alerts;
    session.match(batch, alerts);
    return alerts;
  }
  // The refs that raised an alert, in order.
  std::vector<std::uint64_t> refs(const std::string& lines) {
    std::vector<std::uint64_t> out;
    for (const Alert& alert : match(lines)) out.push_back(alert.indicator_ref);
    return out;
  }
  static std::string dns(const char* name, int minute) {
    return std::string(R"({"ts":"2026-01-01T00:)") + (minute < 10 ? "0" : "") + std::to_string(minute) +
           R"(:00Z","query":")" + name + "\"}\n";
  }
  static std::string process(const char* image, const std::string& command) {
    return std::string(R"({"UtcTime":"2026-01-01 00:00:00.000","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":")") +
           image + R"(","CommandLine":")" + command + "\"}\n";
  }

  FakeClock clock;
  Engine engine{clock};
  telemetry::BadLines bad;
  Engine::Session session{engine, bad};
  std::shared_ptr<const std::string> source = std::make_shared<const std::string>("a.ndjson");
  std::uint64_t offset = 0, next_line = 1;
};

using Refs = std::vector<std::uint64_t>;

TEST_F(Rules, OfEachLanguageRaiseAlertsThatNameThem) {
  const RuleBuild done = add({rule(1, Language::kStix, kOrder), rule(2, Language::kSigma, kShell), rule(3, Language::kYara, kMarker)});
  EXPECT_TRUE(done.refused.empty()) << done.refused.front().error.text();
  EXPECT_EQ(done.patterns + done.sigma + done.yara, 3U);
  EXPECT_EQ(refs(dns("second.example", 0) + dns("first.example", 1)), Refs{});
  const auto alerts = match(dns("second.example", 2) + process("C:\\\\Windows\\\\powershell.exe", "powershell -ENC abc") +
                            process("C:\\\\a.exe", "a.exe bongsu-marker-4711-and-more-than-thirty-two-bytes"));
  ASSERT_EQ(alerts.size(), 3U);
  EXPECT_EQ(alerts[0].rule->language, "stix");
  EXPECT_EQ(alerts[0].rule->name, kOrder);
  ASSERT_EQ(alerts[0].rule->events.size(), 1U);
  EXPECT_EQ(alerts[0].rule->events[0].line, 2U);
  EXPECT_EQ(alerts[0].position.line, 3U);
  EXPECT_EQ(alerts[1].indicator_ref, 2U);
  EXPECT_EQ(alerts[1].rule->name, "Odd shell");
  EXPECT_EQ(alerts[1].rule->level, "high");
  EXPECT_EQ(alerts[1].rule->techniques, std::vector<std::string>{"T1059.001"});
  EXPECT_EQ(alerts[2].rule->name, "marker");
  EXPECT_EQ(alerts[2].field, "CommandLine");
  EXPECT_NE(alerts[0].id, alerts[1].id);
}

TEST_F(Rules, WhatIsHeldOfAPatternOutlivesOtherRulesComingAndGoing) {
  add({rule(1, Language::kStix, kOrder)});
  EXPECT_EQ(refs(dns("first.example", 1)), Refs{});
  add({rule(5, Language::kStix, "[domain-name:value = 'x.example' AND domain-name:value = 'x.example']"), rule(2, Language::kSigma, kShell)});
  remove(5);
  EXPECT_EQ(refs(dns("second.example", 2)), Refs{1});
  EXPECT_EQ(refs(dns("second.example", 3)), Refs{}) << "the first event is used up";
}

TEST_F(Rules, AreReplacedAndWithdrawnByTheirRef) {
  add({rule(1, Language::kStix, "[domain-name:value LIKE 'a%.example']")});
  EXPECT_EQ(refs(dns("a1.example", 1) + dns("b1.example", 1)), Refs{1});
  add({rule(1, Language::kStix, "[domain-name:value LIKE 'b%.example']")});
  EXPECT_EQ(refs(dns("a1.example", 2) + dns("b1.example", 2) + dns("b2.example", 2)), (Refs{1, 1}));
  add({rule(1, Language::kSigma, kShell)});
  EXPECT_EQ(refs(dns("b1.example", 3) + process("C:\\\\powershell.exe", "powershell -enc abc")), Refs{1});
  remove(1);
  EXPECT_EQ(refs(dns("b1.example", 4) + process("C:\\\\powershell.exe", "powershell -enc abc")), Refs{});
  EXPECT_TRUE(engine.rules().sets()->empty());
  EXPECT_FALSE(engine.rules().changed());
}

TEST_F(Rules, ThatAreNoGoodAreNamedAndCostThemselvesOnly) {
  const RuleBuild done = add({rule(1, Language::kStix, "[domain-name:value LIKE 'a%.example']"), rule(2, Language::kStix, "[domain-name:value MATCHES '(']"),
                              rule(3, Language::kSigma, "title: no detection\n"), rule(4, Language::kSigma, kShell), rule(5, Language::kSigma, "# nothing\n"),
                              rule(6, Language::kYara, "rule broken { condition: nothing }"), rule(7, Language::kYara, kMarker), rule(8, Language::kYara, "")});
  std::set<std::uint64_t> refused;
  for (const auto& one : done.refused) {
    EXPECT_TRUE(refused.insert(one.ref).second);
    EXPECT_FALSE(one.error.message.empty());
    EXPECT_EQ(one.error.text().find("indicator:"), std::string::npos) << one.error.text();
  }
  EXPECT_EQ(refused, (std::set<std::uint64_t>{2, 3, 5, 6, 8}));
  EXPECT_TRUE(done.errors.empty());
  EXPECT_EQ(refs(dns("a1.example", 1) + process("C:\\\\powershell.exe", "powershell -enc abc")), (Refs{1, 4}));
  // They are not tried again.
  EXPECT_TRUE(add({rule(9, Language::kStix, "[domain-name:value LIKE 'c%.example']")}).refused.empty());
  EXPECT_EQ(engine.rules().size(), 4U);
}

TEST_F(Rules, OfOneMemberDoNotReachThoseOfAnother) {
  // A filter for every rule, a correlation over somebody else's rule, the same id: each stays in its own text.
  const std::string filter = R"(title: mine
logsource: { category: process_creation, product: windows }
detection: { s: { Image: never }, condition: s }
---
title: filter
logsource: { category: process_creation, product: windows }
filter: { rules: any, sel: { Image: never }, condition: sel }
)";
  const std::string correlation = R"(title: silence
correlation: { type: event_count, rules: [ 6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001 ], timespan: 1h, condition: { gte: 1000000000 } }
)";
  std::string squatter(kShell);
  squatter.replace(squatter.find("powershell.exe"), 14, "never.exe");
  const RuleBuild done = add({rule(1, Language::kSigma, filter), rule(2, Language::kSigma, correlation), rule(3, Language::kSigma, squatter), rule(4, Language::kSigma, kShell)});
  ASSERT_EQ(done.refused.size(), 1U) << "the correlation alone";
  EXPECT_EQ(done.refused[0].ref, 2U);
  EXPECT_EQ(refs(process("C:\\\\powershell.exe", "powershell -enc abc")), Refs{4});
}

TEST_F(Rules, ThatCannotBeBuiltLeaveTheOthersInForce) {
  std::string fields = "title: many\nlogsource: { product: windows }\ndetection:\n  s:\n";
  for (int i = 0; i < 600; ++i) fields += "    f" + std::to_string(i) + ": a\n";
  fields += "  condition: s\n";
  const RuleBuild done = add({rule(1, Language::kSigma, kShell), rule(2, Language::kSigma, fields),
                              rule(3, Language::kSigma, std::string(kShell) + "---\ntitle: c\ncorrelation: { type: event_count, rules: [ 6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001 ], group-by: [ '' ], timespan: 1h, condition: { gte: 2 } }\n")});
  std::set<std::uint64_t> refused;
  for (const auto& one : done.refused) refused.insert(one.ref);
  EXPECT_EQ(refused, (std::set<std::uint64_t>{2, 3}));
  EXPECT_EQ(refs(process("C:\\\\powershell.exe", "powershell -enc abc")).front(), 1U);
}

TEST_F(Rules, CorrelationsOfTheSameNameOutliveABuild) {
  std::string twice(kShell);
  for (int i = 0; i < 2; ++i)
    twice += "---\ntitle: pair\ncorrelation: { type: event_count, rules: [ 6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001 ], group-by: [ Image ], timespan: 1h, condition: { gte: 2 } }\n";
  add({rule(1, Language::kSigma, twice)});
  const std::string event = process("C:\\\\powershell.exe", "powershell -enc abc");
  EXPECT_EQ(refs(event), Refs{});
  std::string other(kShell);
  other.replace(other.find("powershell.exe"), 14, "never.exe");
  add({rule(2, Language::kSigma, other)});
  EXPECT_FALSE(refs(event + event).empty());
}

TEST_F(Rules, AreInForceFromUntil) {
  Rule early = rule(1, Language::kSigma, kShell), late = early, pattern = rule(3, Language::kStix, "[domain-name:value LIKE 'a%.example']");
  early.valid_until = Instant::parse("2025-12-31T00:00:00Z");
  late.ref = 2;
  late.text.replace(late.text.find("a001"), 4, "a002");
  late.valid_from = Instant::parse("2025-12-31T00:00:00Z");
  pattern.valid_until = Instant::parse("2026-01-01T00:05:00Z");
  add({early, late, pattern});
  EXPECT_EQ(refs(process("C:\\\\powershell.exe", "powershell -enc abc")), Refs{2});
  EXPECT_EQ(refs(dns("a1.example", 4) + dns("a2.example", 5)), Refs{3});
}

TEST_F(Rules, OfFilesAreKnownByTheirOwnIds) {
  const std::string directory = testing::TempDir() + "/rule_book";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/shell.yml") << kShell;
  std::ofstream(directory + "/bad.yml") << "title: bad\nlogsource: 7\n";
  ASSERT_TRUE(engine.rules().load(Language::kSigma, directory));
  const RuleBuild done = engine.rules().build();
  ASSERT_EQ(done.errors.size(), 1U);
  EXPECT_NE(done.errors[0].text().find("bad.yml"), std::string::npos);
  const auto alerts = match(process("C:\\\\powershell.exe", "powershell -enc abc"));
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].indicator_id, "sigma:6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001");
  EXPECT_EQ(alerts[0].indicator_ref, 0U);
  EXPECT_NE(alerts[0].source.find("shell.yml"), std::string::npos);
  EXPECT_FALSE(engine.rules().load(Language::kStix, directory));
}

}  // namespace
}  // namespace bongsu::detect
