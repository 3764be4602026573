#include "node/inputs/spool.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "telemetry/follower.h"
#include "telemetry/line_batch.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() {
    char name[] = "/tmp/bongsu-spool-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~SpoolTest() override { fs::remove_all(root_); }
  std::unique_ptr<Spool> open(std::uint64_t limit = 1000, std::uint64_t file = 101) {
    auto opened = Spool::open({.directory = root_ / "in", .limit_bytes = limit, .file_bytes = file});
    EXPECT_TRUE(opened) << opened.error().text();
    return std::move(*opened);
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(root_ / "in")) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
  }
  static std::string content(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  fs::path root_;
};

TEST_F(SpoolTest, BeginsTheNextFileAndRemovesWhatWasRead) {
  const auto spool = open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(spool->append("0123456789\n", Spool::Keep::kDurable));
  ASSERT_EQ(files().size(), 3U);
  EXPECT_EQ(spool->waiting(), 330U);
  const auto all = files();
  spool->note(all[1].string(), fs::file_size(all[1]));
  spool->note("/elsewhere.log", 10);
  EXPECT_EQ(files().size(), 2U);
  spool->note(all[0].string(), 6);
  spool->note(all[0].string(), 3);
  EXPECT_EQ(spool->waiting(), 330U - 110 - 5);
  spool->note(all[0].string(), 1'000);
  spool->note(all[2].string(), fs::file_size(all[2]));
  EXPECT_EQ(spool->waiting(), 0U);
  EXPECT_EQ(files(), (std::vector<fs::path>{all[2]}));
}

TEST_F(SpoolTest, TakesNoMoreThanItsLimitUntilSomethingWasRead) {
  const auto spool = open(100, 1000);
  ASSERT_TRUE(spool->append(std::string(99, 'x') + "\n", Spool::Keep::kWritten));
  const auto refused = spool->append("y\n", Spool::Keep::kWritten);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  spool->note(files()[0].string(), 101);
  EXPECT_TRUE(spool->append("y\n", Spool::Keep::kWritten));
  spool->note(files()[0].string(), 103);
  // One that is larger than the limit goes through when nothing waits.
  EXPECT_TRUE(spool->append(std::string(300, 'z') + "\n", Spool::Keep::kWritten));
}

TEST_F(SpoolTest, NoLineIsAHeader) {
  const std::pair<const char*, const char*> table[] = {
      {"ts,query,answer\n", "\nts,query,answer\n"},
      {"#separator \\x09\n", "\n #separator \\x09\n"},
      {"a\n#fields\tx\n\n##\nb#\n", "\na\n #fields\tx\n\n ##\nb#\n"},
      {"#\n#\n", "\n #\n #\n"},
      {" #\n", "\n #\n"},
  };
  for (const auto& [lines, expected] : table) {
    const auto spool = open();
    ASSERT_TRUE(spool->append(lines, Spool::Keep::kWritten));
    EXPECT_EQ(content(files().back()), expected);
    EXPECT_EQ(spool->waiting(), std::string_view(expected).size() - 1);
    fs::remove_all(root_ / "in");
  }
  // In each file, and as they are read.
  const auto spool = open(1000, 10);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(spool->append("src,dst,port\n#separator ,\n#fields,a,b\n1,2,3\n", Spool::Keep::kWritten));
  ASSERT_EQ(files().size(), 3U);
  for (const fs::path& path : files()) {
    telemetry::BadLines bad;
    telemetry::Follower follower(path.string(), std::nullopt, bad);
    const auto batch = follower.poll();
    ASSERT_TRUE(batch && *batch);
    telemetry::EventParser parser(bad);
    parser.start(**batch);
    while (const telemetry::EventView* event = parser.next()) EXPECT_EQ(event->format, telemetry::Format::kText);
    EXPECT_EQ(parser.events(), 4U);
  }
}

TEST_F(SpoolTest, GoesOnWithTheFilesOfAnEarlierRunAndEndsTheirLastLine) {
  { ASSERT_TRUE(open()->append("one\n", Spool::Keep::kDurable)); }
  const fs::path first = files()[0];
  std::ofstream(first, std::ios::app) << "half a li";
  std::ofstream(root_ / "in" / "other.txt") << "not ours";
  const auto spool = open();
  EXPECT_EQ(content(first), "\none\nhalf a li\n");
  EXPECT_EQ(spool->waiting(), 14U);
  ASSERT_TRUE(spool->append("two\n", Spool::Keep::kDurable));
  EXPECT_EQ(files().size(), 3U);
  spool->note(first.string(), 15);
  EXPECT_FALSE(fs::exists(first));
  EXPECT_TRUE(fs::exists(root_ / "in" / "other.txt"));
}

}  // namespace
}  // namespace bongsu::node
