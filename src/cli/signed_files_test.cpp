#include "cli/signed_files.h"

#include <gmock/gmock.h>

#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

class ReservedFiles : public CommandTest {
 protected:
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(dir_), {}));
  }
};

TEST_F(ReservedFiles, AreMadeBeforeAndHoldWhatIsKept) {
  auto place = ReservedFile::make(path("x"), 1000);
  ASSERT_TRUE(place) << place.error().text();
  EXPECT_FALSE(std::filesystem::exists(path("x")));
  ASSERT_TRUE(place->keep("content", stdout));
  EXPECT_EQ(read_document(path("x"), 100), "content");
  EXPECT_EQ(files(), 1U);
}

TEST_F(ReservedFiles, LeaveNothingAndReplaceNothingWhenNothingIsKept) {
  file("x", "before");
  ASSERT_TRUE(ReservedFile::make(path("x"), 1000));
  EXPECT_EQ(read_document(path("x"), 100), "before");
  EXPECT_EQ(files(), 1U);
}

TEST_F(ReservedFiles, AreRefusedWhereNothingCanBeWritten) {
  for (const std::string& where : {path("no/such/x"), dir_.string()}) {
    const auto place = ReservedFile::make(where, 10);
    ASSERT_FALSE(place) << where;
    EXPECT_EQ(place.error().where.source, where);
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(ReservedFiles, ADirectoryIsNoDocument) {
  const auto read = read_document(dir_.string(), 100);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().where.source, dir_.string());
  EXPECT_THAT(read.error().message, testing::HasSubstr("directory"));
}

}  // namespace
}  // namespace bongsu::cli
