#include "cli/sigma_commands.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

class SigmaCommandsTest : public CommandTest {};

const char* const kRule = R"(title: Whoami
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '\whoami.exe'
  condition: selection
level: high
tags: [attack.t1033]
)";
const char* const kEvents =
    R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"UtcTime":"2024-05-01 00:00:01.000","Image":"C:\\Windows\\System32\\whoami.exe","User":"a"})"
    "\n"
    R"({"Channel":"Security","EventID":4688,"NewProcessName":"C:\\WINDOWS\\WHOAMI.EXE","SubjectUserName":"a"})"
    "\n"
    R"({"Channel":"Security","EventID":4624,"Image":"C:\\whoami.exe"})"
    "\n";

TEST_F(SigmaCommandsTest, CheckNamesFileLineColumnAndReason) {
  const std::string good = file("rules/good.yml", kRule);
  EXPECT_EQ(run(run_sigma_check, {.rules = {(dir_ / "rules").string()}}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("1 rules"), std::string::npos) << err_;
  file("rules/deep/bad.yml",
       "title: Bad\nlogsource: {product: windows}\ndetection:\n  s:\n    Image|ends: x\n  condition: s and nothing\n");
  file("rules/broken.yaml", "title: [\n");
  file("rules/note.txt", "no rule");
  EXPECT_EQ(run(run_sigma_check, {.rules = {(dir_ / "rules").string()}}), 1);
  EXPECT_NE(out_.find("bad.yml:5:17: detection.s.Image|ends: the modifier \"ends\" is not part of Sigma 2.1\n"),
            std::string::npos)
      << out_;
  EXPECT_NE(out_.find("broken.yaml:2:1: not YAML"), std::string::npos) << out_;
  EXPECT_EQ(run(run_sigma_check, {.rules = {(dir_ / "rules").string()}, .json = true}), 1);
  std::istringstream lines(out_);
  std::vector<Json> all;
  for (std::string line; std::getline(lines, line);) all.push_back(*parse_json(line));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(*string_at(all[0], "status"), "refused");
  EXPECT_EQ(*string_at(all[2], "status"), "summary");
  EXPECT_EQ(run(run_sigma_check, {.rules = {(dir_ / "absent").string()}}), 2);
  fs::create_directories(dir_ / "empty");
  EXPECT_EQ(run(run_sigma_check, {.rules = {(dir_ / "empty").string()}}), 2);
}

TEST_F(SigmaCommandsTest, EvalExitsAsGrepDoes) {
  const std::string rule = file("rule.yml", kRule), events = file("events.json", kEvents),
                    none = file("none.json", "{\"a\":1}\n");
  EXPECT_EQ(run(run_sigma_eval, {.rules = {rule}, .events = {events}}), 0) << err_;
  std::istringstream lines(out_);
  std::vector<Json> hits;
  for (std::string line; std::getline(lines, line);) hits.push_back(*parse_json(line));
  ASSERT_EQ(hits.size(), 2U) << out_;
  EXPECT_EQ(*string_at(hits[0], "rule"), "11111111-1111-4111-8111-111111111111");
  EXPECT_EQ(*string_at(hits[0], "level"), "high");
  EXPECT_NE(to_text(hits[0]).find("\"T1033\""), std::string::npos);
  EXPECT_NE(to_text(hits[1]).find("\"line\":2"), std::string::npos) << "the Security log calls the image otherwise";
  EXPECT_EQ(run(run_sigma_eval, {.rules = {rule}, .events = {none}}), 1) << err_;
  EXPECT_EQ(run(run_sigma_eval, {.rules = {rule}, .events = {(dir_ / "absent").string()}}), 2);
  EXPECT_EQ(run(run_sigma_eval, {.rules = {(dir_ / "absent").string()}, .events = {events}}), 2);
  const std::string bad = file("bad.yml", "title: t\n");
  EXPECT_EQ(run(run_sigma_eval, {.rules = {rule, bad}, .events = {events}}), 2) << "trouble wins over a match";
}

TEST_F(SigmaCommandsTest, EvalTakesCorrelationsPipelinesAndMaps) {
  const std::string rule = file("rule.yml", std::string(kRule) +
                                                "name: whoami\n---\ntitle: Twice\ncorrelation: {type: event_count, "
                                                "rules: [whoami], timespan: 1h, condition: {gte: 2}}\n");
  const std::string events = file("events.json", kEvents);
  EXPECT_EQ(run(run_sigma_eval, {.rules = {rule}, .events = {events}}), 0) << err_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1) << out_;
  EXPECT_NE(out_.find("\"Twice\""), std::string::npos);

  const std::string other =
      file("other.yml",
           "title: t\nlogsource: {product: acme}\ndetection: {s: {CommandLine|expand: '%words%'}, condition: s}\n");
  const std::string pipeline = file("pipeline.yml",
                                    "vars: {words: [evil]}\ntransformations:\n- type: value_placeholders\n- type: "
                                    "field_name_mapping\n  mapping: {CommandLine: Line}\n");
  const std::string map = file("acme.toml",
                               "format = \"json\"\n[field]\n\"x.cmd\" = { role = \"text\", sigma = \"Line\" "
                               "}\n[[logsource]]\nproduct = \"acme\"\nwhen = { \"x.kind\" = \"exec\" }\n");
  const std::string logs = file(
      "acme.json", "{\"x\":{\"kind\":\"exec\",\"cmd\":\"EVIL\"}}\n{\"x\":{\"kind\":\"other\",\"cmd\":\"evil\"}}\n");
  EXPECT_EQ(run(run_sigma_eval, {.rules = {other}, .events = {logs}}), 2) << "a placeholder without a value";
  EXPECT_EQ(run(run_sigma_eval, {.rules = {other}, .events = {logs}, .pipelines = {pipeline}, .maps = {map}}), 0)
      << err_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1) << out_;
  EXPECT_EQ(run(run_sigma_check, {.rules = {other}, .pipelines = {map}}), 2) << "no pipeline";
}

}  // namespace
}  // namespace bongsu::cli
