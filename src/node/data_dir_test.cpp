#include "node/data_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

class DataDirTest : public ::testing::Test {
 protected:
  fs::path root;
  SystemClock clock;
  SystemRandom random;
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bongsu-data-XXXXXX").string();
    root = fs::path(::mkdtemp(pattern.data())) / "node";
  }
  void TearDown() override { fs::remove_all(root.parent_path()); }
  static mode_t mode(const fs::path& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_mode & 0777;
  }
};

TEST_F(DataDirTest, InitMakesAWholeNodeThatOnlyItsOwnerCanRead) {
  const DataDir directory(root);
  ASSERT_TRUE(directory.init({.member = "cert-lt", .title = "CERT \"Lithuania\"", .country = "LT", .names = {}, .base_port = 7000}, clock, random));
  EXPECT_EQ(mode(root), 0700u);
  for (const char* file : {"ca.key", "tls.pem", "signing.key", "master.key"}) EXPECT_EQ(mode(root / "keys" / file), 0600u) << file;
  const auto config = directory.config();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->title, "CERT \"Lithuania\"");
  EXPECT_EQ(config->link_listen, "127.0.0.1:7001");
  const auto keys = directory.keys();
  ASSERT_TRUE(keys) << keys.error().text();
  EXPECT_EQ(crypto::read_certificate(keys->tls.certificate_pem)->subject, "cert-lt");
  EXPECT_EQ(keys->signing.public_key.size(), 32u);
}

TEST_F(DataDirTest, InitTouchesNothingThatIsThere) {
  const DataDir directory(root);
  ASSERT_TRUE(directory.init({.member = "cert-lt", .title = "", .country = "", .names = {}, .base_port = 0}, clock, random));
  const auto before = directory.keys();
  const auto again = directory.init({.member = "cert-ua", .title = "", .country = "", .names = {}, .base_port = 0}, clock, random);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_EQ(directory.keys()->master, before->master);
}

TEST_F(DataDirTest, RefusesBadNamesAndOpenKeys) {
  const DataDir directory(root);
  for (const char* bad : {"", "CERT", "a b", "-x", "über"})
    EXPECT_FALSE(directory.init({.member = bad, .title = "", .country = "", .names = {}, .base_port = 0}, clock, random)) << bad;
  ASSERT_TRUE(directory.init({.member = "a", .title = "", .country = "", .names = {}, .base_port = 0}, clock, random));
  fs::permissions(root / "keys" / "master.key", fs::perms::owner_read | fs::perms::group_read);
  const auto keys = directory.keys();
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().code, ErrorCode::kDenied);
}

TEST_F(DataDirTest, RenewingKeepsTheAuthorityThatPartnersPinned) {
  const DataDir directory(root);
  ASSERT_TRUE(directory.init({.member = "a", .title = "", .country = "", .names = {}, .base_port = 0}, clock, random));
  const auto before = directory.keys();
  ASSERT_TRUE(directory.renew_tls(*directory.config(), clock));
  const auto after = directory.keys();
  EXPECT_EQ(after->ca.certificate_pem, before->ca.certificate_pem);
  EXPECT_NE(after->tls.certificate_pem, before->tls.certificate_pem);
}

TEST_F(DataDirTest, ConfigurationErrorsNameFileLineAndKey) {
  const DataDir directory(root);
  ASSERT_TRUE(directory.init({.member = "a", .title = "", .country = "", .names = {}, .base_port = 0}, clock, random));
  const auto with = [&](const std::string& text) {
    std::ofstream(directory.config_file()) << text;
    const auto config = directory.config();
    return config ? std::string("good") : config.error().text().substr(directory.config_file().string().size());
  };
  EXPECT_EQ(with("[node]\nmember = \"a\"\n[link]\nheartbeet = \"1s\"\n"), ":4: link.heartbeet: there is no such key; the nearest is \"link.heartbeat\"");
  EXPECT_EQ(with("[node]\nmember = \"A B\"\n"), ": node.member: a member's short name is made of a-z, 0-9 and '-'");
  EXPECT_EQ(with("[node]\nmember = \"a\"\n[taxii]\nlisten = \"nowhere\"\n"),
            ": taxii.listen: \"nowhere\" is no address to listen on; write it as 127.0.0.1:6443 or [::1]:6443");
  EXPECT_EQ(with("[node]\nmember = \"a\"\n"), "good");
}

}  // namespace
}  // namespace bongsu::node
