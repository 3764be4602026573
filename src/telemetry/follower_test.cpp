#include "telemetry/follower.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace bongsu::telemetry {
namespace {

namespace fs = std::filesystem;

class FollowerTest : public testing::Test {
 protected:
  FollowerTest() {
    std::string form = (fs::temp_directory_path() / "bongsu-follow-XXXXXX").string();
    dir_ = mkdtemp(form.data());
    path_ = (dir_ / "app.log").string();
  }
  ~FollowerTest() override { fs::remove_all(dir_); }

  void append(const std::string& text) { std::ofstream(path_, std::ios::app | std::ios::binary) << text; }
  void write(const std::string& text) { std::ofstream(path_, std::ios::trunc | std::ios::binary) << text; }
  static std::string drain(Follower& follower) {
    std::string out;
    while (true) {
      auto batch = follower.poll();
      EXPECT_TRUE(batch) << batch.error().text();
      if (!batch || !*batch) return out;
      out += (*batch)->data;
    }
  }

  fs::path dir_;
  std::string path_;
  BadLines bad_;
};

TEST_F(FollowerTest, WaitsForTheFileAndHoldsBackALineUntilItsNewlineIsThere) {
  Follower follower(path_, {}, bad_);
  EXPECT_EQ(drain(follower), "");
  append("one\ntw");
  EXPECT_EQ(drain(follower), "one\n");
  EXPECT_EQ(follower.position().offset, 4U);
  EXPECT_EQ(follower.position().line, 2U);
  append("o\n");
  EXPECT_EQ(drain(follower), "two\n");
  EXPECT_EQ(follower.lag(), 0U);
}

TEST_F(FollowerTest, ReadsTheOldFileToItsEndAfterRotation) {
  Follower follower(path_, {}, bad_);
  append("one\n");
  EXPECT_EQ(drain(follower), "one\n");
  append("two\nlast without newline");
  fs::rename(path_, path_ + ".1");
  EXPECT_EQ(drain(follower), "two\n") << "the writer may still be at the old file";
  write("");
  EXPECT_EQ(drain(follower), "");
  std::ofstream(path_ + ".1", std::ios::app) << " until now";
  append("new\n");
  EXPECT_EQ(drain(follower), "last without newline until nownew\n");  // two batches, each of its own file
  EXPECT_EQ(follower.position().line, 2U);
  EXPECT_EQ(follower.counts().rotations, 1U);
}

TEST_F(FollowerTest, ReadsTheRestOfTheOldFileAndTheNewOneInOneGo) {
  Follower follower(path_, {}, bad_);
  append("one\n");
  EXPECT_EQ(drain(follower), "one\n");
  append("two\nthree");
  fs::rename(path_, path_ + ".1");
  append("new\n");
  std::string got = drain(follower);
  EXPECT_EQ(got, "two\nthreenew\n");  // two batches, each of its own file
}

TEST_F(FollowerTest, StartsOverWhenTheFileIsTruncated) {
  Follower follower(path_, {}, bad_);
  append("one\ntwo\nthree\n");
  drain(follower);
  write("a\n");
  EXPECT_EQ(drain(follower), "a\n");
  EXPECT_EQ(follower.counts().truncations, 1U);
}

TEST_F(FollowerTest, NoticesATruncationThatWasOvergrown) {
  Follower follower(path_, {}, bad_);
  append("one\n");
  drain(follower);
  write("another beginning\nand more than there was\n");
  EXPECT_EQ(drain(follower), "another beginning\nand more than there was\n");
}

TEST_F(FollowerTest, ResumesAtTheSavedPositionWithItsZeekHeader) {
  append("#separator \\x09\n#fields\tuid\tid.orig_h\n#types\tstring\taddr\nC1\t192.0.2.1\n");
  Json saved;
  {
    Follower follower(path_, {}, bad_);
    drain(follower);
    saved = follower.position().json();
  }
  append("C2\t192.0.2.2\n");
  const auto position = FollowPosition::parse(saved);
  ASSERT_TRUE(position);
  Follower follower(path_, *position, bad_);
  const auto batch = follower.poll();
  ASSERT_TRUE(batch && *batch);
  EXPECT_EQ((*batch)->data, "C2\t192.0.2.2\n");
  EXPECT_EQ((*batch)->first_line, 5U);
  ASSERT_NE((*batch)->header, nullptr);
  EXPECT_EQ((*batch)->header->columns[1].name, "id.orig_h");
}

TEST_F(FollowerTest, FindsTheRotatedFileAgainAfterARestart) {
  append("one\n");
  FollowPosition saved;
  {
    Follower follower(path_, {}, bad_);
    drain(follower);
    saved = follower.position();
  }
  append("two\n");
  fs::rename(path_, path_ + ".1");
  append("three\n");
  Follower follower(path_, saved, bad_);
  EXPECT_EQ(drain(follower), "two\nthree\n");
}

TEST_F(FollowerTest, AReusedInodeIsNotTakenForTheOldFile) {
  append("one and some more\n");
  FollowPosition saved;
  {
    Follower follower(path_, {}, bad_);
    drain(follower);
    saved = follower.position();
  }
  write("something else altogether, longer than before\n");  // same inode
  Follower follower(path_, saved, bad_);
  EXPECT_EQ(drain(follower), "something else altogether, longer than before\n");
}

TEST_F(FollowerTest, CanStartAtTheEnd) {
  append("old\n");
  Follower follower(path_, {}, bad_, Follower::Start::kEnd);
  EXPECT_EQ(drain(follower), "");
  append("new\n");
  EXPECT_EQ(drain(follower), "new\n");
}

// Writes, rotations and restarts at random; every line comes exactly once and in order.
TEST_F(FollowerTest, LosesNothingAndDoublesNothingOverRotationsAndRestarts) {
  std::mt19937 dice(5);
  std::string written, read;
  std::optional<FollowPosition> saved;
  auto follower = std::make_unique<Follower>(path_, saved, bad_);
  int number = 0, files = 0;
  append(written = std::to_string(number++) + "\n");
  read = drain(*follower);
  saved = follower->position();
  for (int step = 0; step < 2000; ++step) {
    switch (dice() % 8) {
      case 0:
        if (fs::exists(path_)) fs::rename(path_, path_ + "." + std::to_string(++files));
        // A writer makes its new file with the first line; the follower sees every rotation before the next.
        append(std::to_string(number) + "\n");
        written += std::to_string(number++) + "\n";
        read += drain(*follower);
        saved = follower->position();
        break;
      case 1:
        follower = std::make_unique<Follower>(path_, saved, bad_);
        break;
      case 2:
      case 3: {
        const auto batch = follower->poll();
        ASSERT_TRUE(batch);
        if (*batch) read += (*batch)->data;
        saved = follower->position();
        break;
      }
      default:
        append(std::to_string(number) + "\n");
        written += std::to_string(number++) + "\n";
    }
  }
  read += drain(*follower);
  EXPECT_EQ(read, written);
}

TEST_F(FollowerTest, RefusesADirectoryAndABrokenPosition) {
  Follower follower(dir_.string(), {}, bad_);
  EXPECT_FALSE(follower.poll().has_value());
  EXPECT_FALSE(FollowPosition::parse(JsonObject{{"inode", 1}}).has_value());
  EXPECT_FALSE(FollowPosition::parse(JsonArray{}).has_value());
}

}  // namespace
}  // namespace bongsu::telemetry
