#include "node/key_protection.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "base/bytes.h"
#include "crypto/origin.h"
#include "ledger/ledger.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

class KeyProtection : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bongsu-lock-XXXXXX").string();
    top = ::mkdtemp(pattern.data());
    ::unsetenv("CREDENTIALS_DIRECTORY");
    ASSERT_TRUE(directory().init({.member = "cert-lt", .base_port = 0}, clock, random));
    plain = directory().keys().value();
  }
  void TearDown() override { fs::remove_all(top); }
  DataDir directory() const { return DataDir(top / "node"); }
  void write(const fs::path& file, std::string_view text, int mode = 0600) const {
    std::ofstream(file) << text;
    ::chmod(file.c_str(), static_cast<mode_t>(mode));
  }
  // Adds to bongsu.toml, in front of its first section.
  NodeConfig configured(const std::string& keys) const {
    const std::string old = read_small_file(directory().config_file()).value();
    EXPECT_TRUE(write_file_atomically(directory().config_file(),
                                      "[keys]\n" + keys + "\n" + old.substr(std::min(old.size(), old.find("[node]")))));
    return directory().config().value();
  }
  // All of the key directory's files in a row.
  std::string on_disk() const {
    std::string all;
    for (const auto& file : fs::directory_iterator(directory().keys_dir())) all += read_small_file(file.path()).value();
    return all;
  }
  fs::path top;
  SystemClock clock;
  SystemRandom random;
  NodeKeys plain;
};

TEST_F(KeyProtection, APassphraseLocksEveryPrivateKeyAndOpensThemAgain) {
  write(top / "passphrase", "correct horse battery staple\n");
  const NodeConfig config = configured("passphrase_file = \"" + (top / "passphrase").string() + "\"");
  const auto report = protect_keys(directory(), config, {}, random);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->files.size(), 4u);
  const std::string all = on_disk();
  EXPECT_EQ(all.find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(all.find(to_hex(plain.master)), std::string::npos);
  const auto keys = directory().keys();
  ASSERT_TRUE(keys) << keys.error().text();
  EXPECT_EQ(keys->master, plain.master);
  EXPECT_EQ(keys->ca.private_key_pem, plain.ca.private_key_pem);
  EXPECT_EQ(keys->tls.private_key_pem, plain.tls.private_key_pem);
  EXPECT_EQ(keys->signing.private_key_pem, plain.signing.private_key_pem);

  ASSERT_TRUE(directory().renew_tls(config, clock, &*keys));
  EXPECT_EQ(on_disk().find("PRIVATE KEY"), std::string::npos) << "a renewed key is encrypted, too";
  EXPECT_NE(directory().keys()->tls.private_key_pem, plain.tls.private_key_pem);
  EXPECT_TRUE(protect_keys(directory(), config, {}, random)->files.empty()) << "twice is once";

  ASSERT_EQ(unprotect_keys(directory(), config)->size(), 4u);
  EXPECT_FALSE(fs::exists(directory().keys_dir() / "lock"));
  EXPECT_EQ(directory().keys()->ca.private_key_pem, plain.ca.private_key_pem);
}

TEST_F(KeyProtection, AnotherPassphraseOrNoneIsSaidPlainly) {
  write(top / "passphrase", "correct horse battery staple");
  (void)protect_keys(directory(), configured("passphrase_file = \"" + (top / "passphrase").string() + "\""), {}, random)
      .value();
  write(top / "passphrase", "wrong horse battery staple");
  EXPECT_EQ(directory().keys().error().code, ErrorCode::kDenied);
  write(top / "passphrase", "correct horse battery staple", 0644);
  EXPECT_EQ(directory().keys().error().code, ErrorCode::kDenied) << "open to others";
  (void)configured("passphrase_file = \"\"");
  const auto nobody = directory().keys();
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().message.find("correct"), std::string::npos);
  // As a service manager gives it.
  fs::create_directory(top / "credentials");
  write(top / "credentials" / "bongsu-passphrase", "correct horse battery staple\n");
  ::setenv("CREDENTIALS_DIRECTORY", (top / "credentials").c_str(), 1);
  EXPECT_EQ(directory().keys().value().master, plain.master);
  fs::remove(directory().keys_dir() / "lock");
  EXPECT_EQ(directory().keys().error().code, ErrorCode::kCorrupt) << "encrypted keys without their lock";
}

TEST_F(KeyProtection, AProtectionThatWasCutOffGoesOn) {
  write(top / "passphrase", "correct horse battery staple");
  const NodeConfig config = configured("passphrase_file = \"" + (top / "passphrase").string() + "\"");
  const std::string ca = read_small_file(directory().keys_dir() / "ca.key").value();
  (void)protect_keys(directory(), config, {}, random).value();
  ASSERT_TRUE(write_file_atomically(directory().keys_dir() / "ca.key", ca));  // as if the power had failed before it
  EXPECT_EQ(directory().keys()->ca.private_key_pem, plain.ca.private_key_pem);
  EXPECT_EQ(protect_keys(directory(), config, {}, random)->files, std::vector<std::string>{"ca.key"});
}

TEST_F(KeyProtection, ATokenLocksTheKeysAndSigns) {
  constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
  if (!fs::exists(kModule)) GTEST_SKIP() << "skipped: needs SoftHSM (softhsm2)";
  fs::create_directories(top / "tokens");
  write(top / "softhsm2.conf",
        "directories.tokendir = " + (top / "tokens").string() + "\nobjectstore.backend = file\nlog.level = ERROR\n");
  ::setenv("SOFTHSM2_CONF", (top / "softhsm2.conf").c_str(), 1);
  ASSERT_EQ(std::system("softhsm2-util --init-token --free --label node --pin 123456 --so-pin 567890 >/dev/null"), 0);
  write(top / "pin", "123456\n");
  const NodeConfig config = configured("pkcs11_module = \"" + std::string(kModule) +
                                       "\"\npkcs11_token = \"node\"\npin_file = \"" + (top / "pin").string() + "\"");
  const auto report = protect_keys(directory(), config, {.by = ProtectOptions::By::kToken}, random);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->signing_in_token) << report->note;
  EXPECT_EQ(on_disk().find("PRIVATE KEY"), std::string::npos);
  const auto keys = directory().keys();
  ASSERT_TRUE(keys) << keys.error().text();
  EXPECT_EQ(keys->master, plain.master);
  EXPECT_TRUE(keys->signing.private_key_pem.empty());
  EXPECT_TRUE(crypto::verify(plain.signing.public_key, "m", crypto::sign(keys->signing, "m").value()));
  // Proofs of origin and the ledger are signed by it as well.
  const std::vector<std::string_view> objects{R"({"type":"indicator"})"};
  const auto proofs =
      crypto::OriginSigner::make("cert-lt", keys->signing).value().sign(objects, {}, clock.now(), random);
  ASSERT_TRUE(proofs) << proofs.error().text();
  EXPECT_EQ(crypto::verify_origin(crypto::OriginProof::parse(proofs->front()).value(), objects.front(),
                                  plain.signing.public_key),
            crypto::OriginFault::kNone);
  const auto log = make_null_log();
  auto ledger =
      ledger::Ledger::open(top / "ledger", {.member = "cert-lt", .key = keys->signing, .salt = {}}, random, *log);
  ASSERT_TRUE(ledger) << ledger.error().text();
  ASSERT_TRUE((*ledger)->record({.kind = "test", .time = clock.now()}));
  EXPECT_TRUE((*ledger)->store().checkpoint(ledger::kNodeLog));
  EXPECT_EQ(unprotect_keys(directory(), config).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(protect_keys(directory(), config, {}, random).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace bongsu::node
