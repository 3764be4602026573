#include "cli/match_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

class MatchCommandTest : public testing::Test {
 protected:
  MatchCommandTest() {
    std::string form = (fs::temp_directory_path() / "bongsu-match-XXXXXX").string();
    dir_ = mkdtemp(form.data());
  }
  ~MatchCommandTest() override { fs::remove_all(dir_); }
  std::string file(const std::string& name, const std::string& content) {
    fs::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name, std::ios::binary) << content;
    return (dir_ / name).string();
  }
  int run(const MatchOptions& options) {
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    const int status = run_match(options, out, err);
    out_ = text(out);
    err_ = text(err);
    return status;
  }
  static std::string text(std::FILE* stream) {
    std::string all;
    std::rewind(stream);
    for (int c; (c = std::fgetc(stream)) != EOF;) all += static_cast<char>(c);
    std::fclose(stream);
    return all;
  }
  fs::path dir_;
  std::string out_, err_;
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
