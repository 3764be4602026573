#include "node/warnings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

class WarningsTest : public ::testing::Test {
 protected:
  fs::path root;
  std::unique_ptr<Log> log = make_null_log();
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bongsu-warnings-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(root); }
  void write(const std::string& file, const std::string& name, const std::string& value, int minute) {
    std::ofstream(root / file) << R"({"name":")" << name << R"(","type":"hostname","list":[")" << value << R"("]})";
    fs::last_write_time(root / file, fs::file_time_type(std::chrono::minutes(minute)));
  }
  static std::vector<std::string> names(const Warnings& warnings, const std::string& domain) {
    std::vector<std::string> out;
    for (const auto& hit : warnings.find({detect::Kind::kDomain, domain})) out.push_back(hit.list);
    return out;
  }
  using Names = std::vector<std::string>;
};

TEST_F(WarningsTest, AValueInAListIsNamedWithTheList) {
  write("a.json", "Public names", "google.example", 1);
  write("b.json", "Banks", "bank.example", 1);
  Warnings warnings({root.string()}, *log);
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "www.google.example"), Names{"Public names"});
  EXPECT_EQ(names(warnings, "evil.example"), Names{});
  EXPECT_EQ(warnings.lists(), 2u);
}

TEST_F(WarningsTest, ReadsAgainWhenAFileOfThemChangesAndOnlyThen) {
  write("a.json", "Old", "one.example", 1);
  Warnings warnings({root.string()}, *log);
  EXPECT_TRUE(warnings.look());
  EXPECT_FALSE(warnings.look());
  write("a.json", "New", "two.example", 2);
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "one.example"), Names{});
  EXPECT_EQ(names(warnings, "two.example"), Names{"New"});
  write("b.json", "More", "one.example", 1);
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "one.example"), Names{"More"});
  fs::remove(root / "b.json");
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "one.example"), Names{});
}

TEST_F(WarningsTest, ABrokenOrMissingListCostsItselfOnly) {
  write("a.json", "Good", "one.example", 1);
  std::ofstream(root / "b.json") << R"({"name":"Broken","list":[)";
  Warnings warnings({root.string(), (root / "nowhere").string()}, *log);
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "one.example"), Names{"Good"});
  // While somebody unpacks a new set there is nothing to read for a moment.
  fs::remove(root / "a.json");
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "one.example"), Names{"Good"});
}

TEST_F(WarningsTest, WhoAsksBeforeTheyAreReadWaitsForThem) {
  write("a.json", "Good", "one.example", 1);
  Warnings warnings({root.string()}, *log);
  warnings.start();
  EXPECT_EQ(names(warnings, "one.example"), Names{"Good"});
  warnings.stop();
}

TEST_F(WarningsTest, WhoAsksForManyValuesWaitsOnceForAllOfThem) {
  write("a.json", "Good", "one.example", 1);
  constexpr auto kPatience = std::chrono::milliseconds(100);
  constexpr int kValues = 300;
  Warnings warnings({root.string()}, *log, kPatience);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kValues; ++i) EXPECT_EQ(names(warnings, "one.example"), Names{});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, kPatience);
  EXPECT_LT(took, kPatience * (kValues / 3)) << "not for each value anew";
  EXPECT_EQ(warnings.current(), nullptr);
  EXPECT_TRUE(warnings.look());
  EXPECT_EQ(names(warnings, "one.example"), Names{"Good"});
}

TEST_F(WarningsTest, WithoutListsNothingIsListedAndNobodyWaits) {
  Warnings warnings({}, *log);
  warnings.start();
  EXPECT_EQ(names(warnings, "one.example"), Names{});
}

}  // namespace
}  // namespace bongsu::node
