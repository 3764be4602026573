#include "cli/pattern_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"

namespace bongsu::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kBundle = R"({"type":"bundle","id":"bundle--1","objects":[
  {"type":"observed-data","id":"observed-data--1","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z",
   "number_observed":1,"object_refs":["ipv4-addr--1"]},
  {"type":"observed-data","id":"observed-data--2","first_observed":"2020-01-01T00:01:00Z","last_observed":"2020-01-01T00:01:00Z",
   "number_observed":1,"objects":{"0":{"type":"file","name":"a.exe"}}},
  {"type":"ipv4-addr","id":"ipv4-addr--1","value":"198.51.100.7"},
  {"type":"ipv4-addr","id":"ipv4-addr--2","value":"203.0.113.9"}]})";

class PatternCommands : public testing::Test {
 protected:
  PatternCommands() { std::filesystem::create_directories(folder_); }
  ~PatternCommands() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }
  template <class Run>
  int capture(Run run) {
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    const int exit = run(out, err);
    out_ = content(out);
    err_ = content(err);
    return exit;
  }
  int check(const std::string& pattern, bool json = false) {
    return capture([&](auto* out, auto* err) { return run_pattern_check({pattern, json}, out, err); });
  }
  int eval(const std::string& pattern, const std::string& observed, bool json = false) {
    return capture(
        [&](auto* out, auto* err) { return run_pattern_eval({pattern, {observed}, json, false}, out, err); });
  }
  static std::string content(std::FILE* file) {
    std::rewind(file);
    std::string text;
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
    std::fclose(file);
    return text;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("bongsu-pattern-" + std::to_string(::getpid()));
  std::string out_, err_;
};

TEST_F(PatternCommands, CheckIsSilentAboutAGoodPattern) {
  EXPECT_EQ(check("[file:name = 'a.exe'] REPEATS 5 TIMES WITHIN 10 SECONDS"), 0);
  EXPECT_EQ(out_ + err_, "");
  EXPECT_EQ(check("@" + file("p", "[file:name = 'a.exe']\n")), 0);
}

TEST_F(PatternCommands, CheckPutsACaretUnderThePlace) {
  EXPECT_EQ(check("[file:name == 'a.exe']"), 2);
  EXPECT_EQ(
      err_,
      "bongsu: the pattern is bad at character 13: a constant expected\n  [file:name == 'a.exe']\n              ^\n");
  EXPECT_EQ(check("[file:name = '\xc3\xa9' AND]"), 2);
  EXPECT_THAT(err_, HasSubstr("\n                      ^\n"));
  EXPECT_EQ(check("[a:b = 1] AND\n[c:d MATCHES '(x']"), 2);
  EXPECT_THAT(err_, HasSubstr("\n  [c:d MATCHES '(x']\n                ^\n"));
  EXPECT_EQ(check("[file:name = 'a'" + std::string(100'000, ' ') + "x"), 2);
  EXPECT_LT(err_.size(), 600U);
}

TEST_F(PatternCommands, CheckSaysThePlaceAsJson) {
  EXPECT_EQ(check("[file:name MATCHES '(a)\\\\1']", true), 2);
  const auto line = parse_json(out_);
  ASSERT_TRUE(line);
  EXPECT_EQ(string_at(*line, "kind"), "error");
  EXPECT_EQ(int_at(*line, "offset"), 23);  // of \\1
  EXPECT_EQ(int_at(*line, "character"), 24);
}

TEST_F(PatternCommands, ThePlaceIsCountedFromTheFilesBeginning) {
  const std::string text = "\n\n  [a:b = '\xc3\xa9'] AND\n  [c:d == 1]\n";
  EXPECT_EQ(check("@" + file("p", text)), 2);
  EXPECT_THAT(err_, HasSubstr("at character 29 (line 4, column 9): "));
  EXPECT_EQ(check("@" + file("p", text), true), 2);
  auto line = parse_json(out_);
  ASSERT_TRUE(line);
  EXPECT_EQ(int_at(*line, "offset"), static_cast<std::int64_t>(text.find("== ") + 1));
  EXPECT_EQ(int_at(*line, "character"), 29);
  EXPECT_EQ(int_at(*line, "line"), 4);
  EXPECT_EQ(int_at(*line, "column"), 9);
  // A mark of byte order is passed over.
  EXPECT_EQ(check("@" + file("p", "\xef\xbb\xbf[a:b = 1]\n")), 0);
  EXPECT_EQ(check("@" + file("p", "\xef\xbb\xbf" + text), true), 2);
  line = parse_json(out_);
  ASSERT_TRUE(line);
  EXPECT_EQ(int_at(*line, "offset"), static_cast<std::int64_t>(text.find("== ") + 4));
  EXPECT_EQ(int_at(*line, "character"), 29);
}

TEST_F(PatternCommands, HostilePatternsAreRefusedWithASentence) {
  EXPECT_EQ(check("[file:name MATCHES '((a{100}){100}){100}']"), 2);
  EXPECT_THAT(err_, HasSubstr("linear time"));
  EXPECT_EQ(check("[" + std::string(10'000, '(')), 2);
  EXPECT_EQ(check("[a:b = '" + std::string(1 << 20, 'x') + "']"), 2);
  EXPECT_EQ(check("[a:b = 1] REPEATS 9007199254740991 TIMES"), 2);
  std::string deep = "[a:b = 1]";
  for (int i = 0; i < 60; ++i) deep = "(" + deep + ") REPEATS 2 TIMES";
  EXPECT_EQ(check(deep), 2);
  EXPECT_THAT(err_, HasSubstr("10000 observations"));
}

TEST_F(PatternCommands, EvalNamesTheObservedDataThatMatched) {
  const std::string bundle = file("bundle.json", kBundle);
  EXPECT_EQ(eval("[file:name = 'a.exe']", bundle), 0);
  EXPECT_EQ(out_, "2020-01-01T00:01:00.000000Z observed-data--2\n");
  EXPECT_EQ(eval("[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [file:name = 'a.exe']", bundle, true), 0);
  EXPECT_THAT(out_, HasSubstr(R"("observed_data":["observed-data--1","observed-data--2"])"));
}

TEST_F(PatternCommands, EvalLooksOnlyAtObjectsThatObservedDataNames) {
  const std::string bundle = file("bundle.json", kBundle);
  EXPECT_EQ(eval("[ipv4-addr:value = '203.0.113.9']", bundle), 1);
  EXPECT_EQ(eval("[observed-data:number_observed = 1]", bundle), 1);
  EXPECT_EQ(out_ + err_, "");
}

TEST_F(PatternCommands, EvalReadsArraysAndLines) {
  const std::string one =
      R"({"type":"observed-data","id":"observed-data--3","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":2,"objects":{"0":{"type":"a","v":1}}})";
  EXPECT_EQ(eval("[a:v = 1] REPEATS 4 TIMES", file("array.json", "[" + one + "," + one + "]")), 0);
  EXPECT_EQ(eval("[a:v = 1] REPEATS 4 TIMES", file("lines.ndjson", one + "\n\n" + one + "\n")), 0);
  EXPECT_EQ(eval("[a:v = 1] REPEATS 5 TIMES", file("lines.ndjson", one + "\n\n" + one + "\n")), 1);
}

TEST_F(PatternCommands, EvalSaysWhatItCouldNotReadAndGoesOn) {
  const std::string bad =
      R"({"type":"observed-data","first_observed":"2020-01-02T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,"objects":{}})";
  const std::string path = file("bad.json", "[" + bad + "]");
  EXPECT_EQ(eval("[a:v = 1]", path), 2);
  EXPECT_THAT(err_, HasSubstr("[0].last_observed"));
  EXPECT_EQ(eval("[a:v = 1]", file("broken.json", "{")), 2);
  EXPECT_EQ(eval("[a:v = 1]", (folder_ / "absent.json").string()), 2);
  EXPECT_EQ(eval("[a:v = ", file("empty.json", "[]")), 2);
  EXPECT_EQ(eval("[a:v = 1]", file("empty.json", "[]")), 1);
}

TEST_F(PatternCommands, EvalWritesOneObjectWithEveryPlace) {
  const std::string good =
      R"({"type":"observed-data","id":"observed-data--3","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"a","v":1}}})";
  const std::string broken = file("broken.json", "{\"a\":");
  EXPECT_EQ(eval("[a:v = 1]", broken, true), 2);
  auto line = parse_json(out_);
  ASSERT_TRUE(line) << out_;
  EXPECT_EQ(string_at(*line, "kind"), "trouble");
  EXPECT_EQ(string_at(*line, "file"), broken);
  EXPECT_TRUE(int_at(*line, "offset"));
  EXPECT_EQ(find(*line, "line"), nullptr);
  EXPECT_EQ(find(*line, "field"), nullptr);

  const std::string mixed = file("mixed.ndjson", good + "\n{broken\n" + R"({"type":"observed-data"})" + "\n");
  EXPECT_EQ(eval("[a:v = 2]", mixed, true), 2);
  line = parse_json(out_);
  ASSERT_TRUE(line) << out_;
  EXPECT_EQ(string_at(*line, "kind"), "trouble");
  EXPECT_EQ(int_at(*line, "line"), 2);
  ASSERT_NE(find(*line, "bad"), nullptr);
  EXPECT_EQ(find(*line, "bad")->as_array().size(), 2U);
  EXPECT_EQ(int_at(find(*line, "bad")->as_array()[1], "line"), 3);
  EXPECT_EQ(string_at(find(*line, "bad")->as_array()[1], "field"), "first_observed");
  EXPECT_EQ(eval("[a:v = 1]", mixed, true), 0);
  line = parse_json(out_);
  ASSERT_TRUE(line) << out_;
  EXPECT_EQ(string_at(*line, "kind"), "match");
  EXPECT_EQ(int_at(*line, "bad_count"), 2);
  EXPECT_EQ(eval("[a:v = 1]", (folder_ / "absent.json").string(), true), 2);
  EXPECT_TRUE(parse_json(out_)) << out_;
}

TEST_F(PatternCommands, EvalWarnsOfWhatIsNotThere) {
  const std::string dangling = file(
      "dangling.json",
      R"({"type":"observed-data","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,"object_refs":["file--1"]})");
  EXPECT_EQ(eval("[a:v = 1]", dangling), 1);
  EXPECT_THAT(err_, StartsWith("bongsu: warning: 1 object_refs"));
  EXPECT_EQ(eval("[a:v = 1]", dangling, true), 1);
  EXPECT_THAT(out_, HasSubstr(R"("missing_references":1)"));
  EXPECT_EQ(eval("[a:v = 1]", file("empty.json", "[]")), 1);
  EXPECT_THAT(err_, StartsWith("bongsu: warning: there is no observed data"));
  EXPECT_EQ(eval("[a:v = 1]", file("empty.json", "[]"), true), 1);
  EXPECT_THAT(out_, HasSubstr(R"("observations":0)"));
}

}  // namespace
}  // namespace bongsu::cli
