#include "cli/match_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

class MatchCommandTest : public CommandTest {
 protected:
  int run(const MatchOptions& options) { return CommandTest::run(run_match, options); }
};

TEST_F(MatchCommandTest, ExitsAsGrepDoes) {
  const std::string list = file("list.txt", "198.51.100.7\n"),
                    hit = file("hit.json", "{\"src_ip\":\"198.51.100.7\"}\n");
  const std::string none = file("none.json", "{\"src_ip\":\"192.0.2.1\"}\n");
  EXPECT_EQ(run({.indicators = {list}, .logs = {hit}}), 0) << err_;
  EXPECT_EQ(run({.indicators = {list}, .logs = {none}}), 1) << err_;
  EXPECT_EQ(run({.indicators = {list}, .logs = {hit, (dir_ / "absent").string()}}), 2);
  EXPECT_NE(err_.find("absent"), std::string::npos);
  EXPECT_EQ(run({.indicators = {(dir_ / "absent").string()}, .logs = {hit}}), 2);
  EXPECT_EQ(run({.indicators = {}, .logs = {hit}}), 2);
  EXPECT_EQ(run({.indicators = {file("empty", "# nothing\n")}, .logs = {hit}}), 2);
}

TEST_F(MatchCommandTest, LooksForRulesOfEachLanguageTogether) {
  const std::string patterns = file("patterns.txt", "# one a line\n[domain-name:value = 'first.example'] FOLLOWEDBY [domain-name:value = 'second.example']\n");
  const std::string sigma = file("sigma/a.yml", "title: Odd query\nid: 6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001\nlogsource: { product: acme }\n"
                                                "detection: { s: { ask|endswith: second.example }, condition: s }\nlevel: low\n");
  const std::string yara = file("a.yar", "rule words { strings: $a = \"thirty-two bytes of text and then some more\" condition: $a }");
  const std::string log = file("log.json", "{\"query\":\"first.example\",\"ts\":1}\n{\"query\":\"second.example\",\"ts\":2,\"ask\":\"the second.example\"}\n"
                                           "{\"Message\":\"there are thirty-two bytes of text and then some more\"}\n");
  ASSERT_EQ(run({.patterns = {patterns}, .sigma = {(dir_ / "sigma").string()}, .yara = {yara}, .logs = {log}}), 0) << err_;
  std::istringstream lines(out_);
  std::vector<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    const auto json = parse_json(line);
    ASSERT_TRUE(json.has_value()) << line;
    seen.emplace_back(*string_at(*find(*json, "rule"), "language"));
    if (seen.back() == "sigma") EXPECT_EQ(string_at(*json, "indicator"), "sigma:6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001");
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"sigma", "stix", "yara"})) << out_ << err_;
  EXPECT_NE(err_.find("Rules: 1 STIX patterns, 1 Sigma, 1 YARA"), std::string::npos) << err_;
  EXPECT_EQ(run({.sigma = {(dir_ / "sigma").string()}, .logs = {file("none.json", "{\"ask\":\"nothing\"}\n")}}), 1) << err_;
  EXPECT_EQ(run({.sigma = {file("bad.yml", "title: none\n")}, .logs = {log}}), 2);
}

TEST_F(MatchCommandTest, ReadsFieldsByTheUsersMap) {
  const std::string list = file("list.txt", "evil.example\n"), log = file("log.json", "{\"asked\":{\"name\":\"www.evil.example\"}}\n");
  EXPECT_EQ(run({.indicators = {list}, .logs = {log}}), 1) << "a field that nobody knows";
  const std::string map = file("map.toml", "format = \"json\"\n[field]\n\"asked.name\" = \"host\"\n");
  EXPECT_EQ(run({.indicators = {list}, .maps = {map}, .logs = {log}}), 0) << err_;
  EXPECT_EQ(run({.indicators = {list}, .maps = {file("bad.toml", "[field]\n")}, .logs = {log}}), 2);
  EXPECT_NE(err_.find("bad.toml"), std::string::npos);
}

TEST_F(MatchCommandTest, WritesOneAlertALineAndASummary) {
  const std::string list = file("list.txt", "evil.example\nnot anything\n");
  file("logs/a/x.json", "{\"query\":\"a.evil.example\"}\n{broken\n");
  file("logs/b.log", "asked for b.evil.example\n");
  file("logs/.hidden", "c.evil.example\n");
  const std::string lists = file("wl/list.json", R"({"name":"known","type":"hostname","list":["evil.example"]})");
  EXPECT_EQ(run({.indicators = {list}, .warning_lists = {(dir_ / "wl").string()}, .logs = {(dir_ / "logs").string()}}),
            0)
      << err_;
  std::istringstream lines(out_);
  std::vector<Json> alerts;
  for (std::string line; std::getline(lines, line);) {
    const auto json = parse_json(line);
    ASSERT_TRUE(json.has_value()) << line;
    alerts.push_back(*json);
  }
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(*string_at(alerts[0], "indicator"), "list:list.txt:1");
  EXPECT_EQ(*string_at(alerts[0], "field"), "query");
  EXPECT_EQ(*string_at(alerts[1], "field"), "text");
  EXPECT_NE(find(alerts[0], "warning_lists"), nullptr) << "marked, not hidden";
  for (const char* part : {"Indicators: 1", "refused: 1", "list.txt:2", "Warning lists: 1", "Events: 2",
                           "bad lines, not matched: 1", "x.json:2", "Alerts: 2, of them 2 on a warning list"})
    EXPECT_NE(err_.find(part), std::string::npos) << part << " in\n" << err_;
}

TEST_F(MatchCommandTest, StrictTakesARefusedIndicatorForTrouble) {
  const std::string list = file("list.txt", "198.51.100.7\nnot anything\n"), log = file("x", "198.51.100.7\n");
  EXPECT_EQ(run({.indicators = {list}, .logs = {log}}), 0);
  EXPECT_EQ(run({.indicators = {list}, .logs = {log}, .strict = true}), 2);
}

TEST_F(MatchCommandTest, ControlCharactersOfALogDoNotReachTheTerminal) {
  const std::string list = file("list.txt", "\x1b[31mred\n198.51.100.7\n");
  EXPECT_EQ(run({.indicators = {list}, .logs = {file("x", "198.51.100.7\n")}}), 0);
  EXPECT_EQ(err_.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace bongsu::cli
