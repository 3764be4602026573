#include "cli/stix_commands.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"

namespace bongsu::cli {
namespace {

constexpr const char* kGood =
    R"({"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"})";

// Files that live as long as the test, and what a command wrote.
class StixCommands : public testing::Test {
 protected:
  StixCommands() { std::filesystem::create_directories(folder_); }
  ~StixCommands() override { std::filesystem::remove_all(folder_); }

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
  int validate(StixValidateOptions options) {
    return capture([&](std::FILE* out, std::FILE* err) { return run_stix_validate(options, out, err); });
  }
  int id(StixIdOptions options) {
    return capture([&](std::FILE* out, std::FILE* err) { return run_stix_id(options, out, err); });
  }

  static std::string content(std::FILE* file) {
    std::rewind(file);
    std::string text;
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
    std::fclose(file);
    return text;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("bongsu-stix-" + std::to_string(::getpid()));
  std::string out_, err_;
};

TEST_F(StixCommands, ValidateNamesIdPropertyRuleAndPlace) {
  const std::string path =
      file("bad.json", std::string("[\n") + kGood + ",\n" +
                           R"({"type":"url","id":"url--47c3cf9a-5027-5bf0-997a-017c7edc7c55"})" + "\n]");
  EXPECT_EQ(validate({.files = {path}}), 1);
  EXPECT_EQ(out_,
            path + ":3: url--47c3cf9a-5027-5bf0-997a-017c7edc7c55: value: is required for a url (STIX 2.1 §6.15.1)\n");
  EXPECT_EQ(err_, path + ": 2 objects, 1 bad\n");

  EXPECT_EQ(validate({.files = {path}, .json = true}), 1);
  const auto finding = parse_json(out_.substr(0, out_.find('\n')));
  ASSERT_TRUE(finding) << out_;
  EXPECT_EQ(string_at(*finding, "kind"), "error");
  EXPECT_EQ(string_at(*finding, "property"), "value");
  EXPECT_EQ(int_at(*finding, "line"), 3);
  const auto summary = parse_json(out_.substr(out_.find('\n') + 1));
  ASSERT_TRUE(summary) << out_;
  EXPECT_EQ(int_at(*summary, "objects"), 2);
  EXPECT_EQ(int_at(*summary, "bad"), 1);
}

TEST_F(StixCommands, ValidateNamesObjectsThatCannotBeRead) {
  const std::string path = file("bad.json", std::string("[{\"type\":\"url\",\"id\":\"url--1\"},") + kGood + ",7]");
  EXPECT_EQ(validate({.files = {path}}), 1);
  EXPECT_NE(out_.find(":1: url--1: id: "), std::string::npos) << out_;
  EXPECT_NE(out_.find("(no id): an element of the list is not an object"), std::string::npos) << out_;
}

TEST_F(StixCommands, ValidateAnswersWithItsExitStatus) {
  const std::string good = file("good.json", kGood), broken = file("broken.json", "hello"),
                    cut = file("cut.json", std::string("[") + kGood), empty = file("empty.json", "");
  EXPECT_EQ(validate({.files = {good}}), 0);
  EXPECT_EQ(out_, "");
  for (const std::string& trouble : {broken, cut, empty, good + ".absent"}) {
    EXPECT_EQ(validate({.files = {trouble, good}}), 2) << trouble;
    EXPECT_NE(err_.find(trouble), std::string::npos) << err_;
  }
}

TEST_F(StixCommands, ValidateRemarksOnABundleWithoutId) {
  const std::string path = file("bundle.json", std::string(R"({"type":"bundle","objects":[)") + kGood + "]}");
  EXPECT_EQ(validate({.files = {path}}), 1);
  EXPECT_NE(out_.find("(no id): id: a bundle needs an id"), std::string::npos) << out_;
}

TEST_F(StixCommands, ValidateShowsWarningsWhenAsked) {
  const std::string path = file(
      "warn.json", R"({"type":"file","id":"file--0a58d0c1-59e6-5afd-8252-dcd3f13e5622","hashes":{"sha256":"00"}})");
  EXPECT_EQ(validate({.files = {path}}), 0);
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("1 with warnings"), std::string::npos);
  EXPECT_EQ(validate({.files = {path}, .warnings = true}), 0);
  EXPECT_NE(out_.find("warning: hashes.sha256: is not a term of hash-algorithm-ov"), std::string::npos) << out_;
}

TEST_F(StixCommands, ValidateReadsCompressedFiles) {
  const std::string path = (folder_ / "good.json.gz").string();
  gzFile gz = gzopen(path.c_str(), "wb");
  gzputs(gz, kGood);
  gzclose(gz);
  EXPECT_EQ(validate({.files = {path}}), 0);
  EXPECT_NE(err_.find("1 object, 0 bad"), std::string::npos) << err_;
}

TEST_F(StixCommands, IdTellsWhetherTheIdIsTheDeterministicOne) {
  const std::string path =
      file("ids.json",
           std::string(kGood) + "\n" +
               R"({"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-4a82-a950-b5bc3caf07c4","value":"198.51.100.3"})" +
               "\n" + R"({"type":"ipv4-addr","value":"198.51.100.3"})" + "\n" +
               R"({"type":"process","id":"process--65a99d8a-e5b2-44bb-8311-963a580ee9a1","pid":1})");
  EXPECT_EQ(id({.files = {path}}), 0);
  const std::string own = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4";
  EXPECT_EQ(out_, own + "\n" + own + "  differs from ipv4-addr--28bb3599-77cd-4a82-a950-b5bc3caf07c4\n" + own + "\n" +
                      "process--65a99d8a-e5b2-44bb-8311-963a580ee9a1  no contributing property: a UUIDv4 is due\n");
  const std::string wrong =
      file("wrong.json",
           R"({"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c5","value":"198.51.100.3"})");
  EXPECT_EQ(id({.files = {wrong}, .json = true}), 1);
  const auto line = parse_json(out_);
  ASSERT_TRUE(line) << out_;
  EXPECT_EQ(string_at(*line, "deterministic_id"), own);
  EXPECT_EQ(bool_at(*line, "same"), false);
}

}  // namespace
}  // namespace bongsu::cli
