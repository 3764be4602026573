#include "cli/yara_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class YaraCommandTest : public CommandTest {};

TEST_F(YaraCommandTest, CheckNamesWhatIsBadAndGoesOn) {
  const std::string good = file("r/good.yar", "rule a { condition: true }\n");
  EXPECT_EQ(run<YaraCheckOptions>(run_yara_check, {.rules = {good}}), 0);
  file("r/bad.yar", "rule b { condition: true }\nrule c { condition: nothing }\n");
  EXPECT_EQ(run<YaraCheckOptions>(run_yara_check, {.rules = {dir_ / "r"}}), 1);
  EXPECT_EQ(out_, "bad.yar:2: rule c: undefined identifier \"nothing\"\n");
  EXPECT_THAT(err_, HasSubstr("2 rules"));
  EXPECT_EQ(run<YaraCheckOptions>(run_yara_check, {.rules = {dir_ / "r"}, .json = true}), 1);
  const auto first = parse_json(out_.substr(0, out_.find('\n')));
  ASSERT_TRUE(first);
  EXPECT_EQ(int_at(*first, "line"), 2);
  EXPECT_EQ(run<YaraCheckOptions>(run_yara_check, {.rules = {good, dir_ / "absent"}}), 2);
  EXPECT_EQ(run<YaraCheckOptions>(run_yara_check, {.rules = {file("none.yar", "")}}), 2);
}

TEST_F(YaraCommandTest, ScanTellsHitsInTheOrderOfFilesAndEndsAsGrepDoes) {
  const std::string rules =
      file("r.yar", "rule evil : t { meta: score = 90 strings: $a = \"bad\\xff\" condition: $a }\n");
  std::string expected;
  for (int i = 100; i < 600; ++i) {
    const std::string path = file("t/" + std::to_string(i), i % 7 == 0 ? "a bad\xff" : "good");
    if (i % 7 == 0) expected += path + "\n";
  }
  file("t/.hidden/x", "good");
  ASSERT_EQ(::mkfifo((dir_ / "t/fifo").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", dir_ / "t/link");
  EXPECT_EQ(run<YaraScanOptions>(run_yara_scan, {.rules = {rules}, .paths = {dir_ / "t"}, .jobs = 3}), 0);
  std::string files;
  std::size_t at = 0;
  for (std::size_t end; (end = out_.find('\n', at)) != out_.npos; at = end + 1) {
    const auto hit = parse_json(out_.substr(at, end - at));
    ASSERT_TRUE(hit);
    files += std::string(*string_at(*hit, "file")) + "\n";
    EXPECT_EQ(string_at(*hit, "level"), "high");
    EXPECT_EQ(string_at(find(*hit, "strings")->as_array()[0], "data_hex"), "626164ff");
  }
  EXPECT_EQ(files, expected);
  EXPECT_THAT(err_, HasSubstr("2 left out"));

  EXPECT_EQ(run<YaraScanOptions>(run_yara_scan, {.rules = {rules}, .paths = {file("clean", "good")}}), 1);
  EXPECT_EQ(run<YaraScanOptions>(run_yara_scan, {.rules = {rules}, .paths = {file("clean", "good"), dir_ / "absent"}}),
            2);
  EXPECT_EQ(run<YaraScanOptions>(run_yara_scan, {.rules = {rules}, .paths = {"/dev/zero"}}), 1);
  EXPECT_THAT(err_, HasSubstr("a device"));
  EXPECT_EQ(run<YaraScanOptions>(run_yara_scan, {.rules = {rules}, .paths = {dir_ / "t"}, .defines = {"nothing"}}), 2);
}

}  // namespace
}  // namespace bongsu::cli
