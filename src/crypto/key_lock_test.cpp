#include "crypto/key_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "crypto/pkcs11.h"

namespace bongsu::crypto {
namespace {

TEST(KeyLock, OpensByItsPassphraseOnly) {
  SeededRandom random(1);
  const Key256 key = fresh_key(random);
  const KeyLock lock = KeyLock::with_passphrase("correct horse battery", key, random).value();
  const KeyLock read = KeyLock::parse(lock.text()).value();
  EXPECT_EQ(read.open_with_passphrase("correct horse battery").value(), key);
  EXPECT_EQ(read.open_with_passphrase("correct horse batterz").error().code, ErrorCode::kDenied);
  EXPECT_EQ(read.open_with_passphrase("").error().code, ErrorCode::kDenied);
  EXPECT_EQ(lock.text().find(to_hex(key)), std::string::npos);
  EXPECT_EQ(KeyLock::with_passphrase("too short", key, random).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(KeyLock::with_passphrase(std::string(2000, 'x'), key, random).error().code, ErrorCode::kInvalid);
  const std::string text = lock.text();
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[]"), std::string(5000, ' '),
        std::string(R"({"version":1,"by":"passphrase","salt":"AAAA","log2_n":16,"wrapped":"AAAA"})"),
        std::string(text).replace(text.find("16"), 2, "31"), std::string(text).replace(text.find("16"), 2, "02"),
        std::string(text).replace(text.find("passphrase"), 10, "prophecies")})
    EXPECT_EQ(KeyLock::parse(bad).error().code, ErrorCode::kCorrupt) << bad.substr(0, 80);
}

TEST(KeyLock, ProtectsEachFileUnderItsOwnName) {
  SeededRandom random(2);
  const Key256 key = fresh_key(random);
  const std::string file = protect_key(key, "ca.key", "the secret", random);
  EXPECT_TRUE(is_protected_key(file));
  EXPECT_FALSE(is_protected_key("-----BEGIN PRIVATE KEY-----"));
  EXPECT_EQ(unprotect_key(key, "ca.key", file).value(), "the secret");
  EXPECT_EQ(unprotect_key(key, "tls.key", file).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unprotect_key(fresh_key(random), "ca.key", file).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unprotect_key(key, "ca.key", "bongsu-key:1:AAAA").error().code, ErrorCode::kCorrupt);
  for (std::size_t i = 0; i + 1 < file.size(); ++i) {
    std::string changed = file;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(unprotect_key(key, "ca.key", changed)) << i;
  }
}

// A token of SoftHSM's in a directory of its own.
class SoftHsm : public testing::Test {
 protected:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(kModule)) return;
    directory() = std::filesystem::temp_directory_path() / ("bongsu-softhsm-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory() / "tokens");
    std::ofstream(directory() / "softhsm2.conf") << "directories.tokendir = " << (directory() / "tokens").string()
                                                 << "\nobjectstore.backend = file\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (directory() / "softhsm2.conf").c_str(), 1);
    ASSERT_EQ(std::system("softhsm2-util --init-token --free --label bongsu --pin 1234 --so-pin 5678 >/dev/null"), 0);
  }
  static void TearDownTestSuite() {
    std::error_code ec;
    if (!directory().empty()) std::filesystem::remove_all(directory(), ec);
  }
  void SetUp() override {
    if (directory().empty()) GTEST_SKIP() << "skipped: needs SoftHSM (softhsm2)";
  }
  static Pkcs11Options options() { return {.module = kModule, .token = "bongsu", .pin = "1234"}; }
  static std::filesystem::path& directory() {
    static std::filesystem::path path;
    return path;
  }
};

TEST_F(SoftHsm, LocksKeysAndSignsByOneThatCannotBeTakenOut) {
  SeededRandom random(3);
  const Key256 key = fresh_key(random);
  const SigningKey signing = make_signing_key().value();
  std::string wrapped;
  {
    const auto token = Pkcs11Token::open(options()).value();
    EXPECT_EQ(token->wrap(key, random).error().code, ErrorCode::kNotFound) << "no lock yet";
    ASSERT_TRUE(token->make_lock());
    ASSERT_TRUE(token->make_lock()) << "twice is once";
    wrapped = token->wrap(key, random).value();
    EXPECT_EQ(token->unwrap(wrapped).value(), key);
    std::string changed = wrapped;
    changed[30] = static_cast<char>(changed[30] ^ 1);
    EXPECT_EQ(token->unwrap(changed).error().code, ErrorCode::kDenied);
    EXPECT_EQ(token->signer(signing.public_key).error().code, ErrorCode::kNotFound);
    ASSERT_TRUE(token->can_sign());
    const auto imported = token->import_signing_key(signing);
    ASSERT_TRUE(imported) << imported.error().text();
  }
  const auto token = Pkcs11Token::open(options()).value();  // another process, as it were
  EXPECT_EQ(token->unwrap(wrapped).value(), key);
  SigningKey by_token{.public_key = signing.public_key};
  by_token.token = token->signer(signing.public_key).value();
  const std::string signature = sign(by_token, "message").value();
  EXPECT_TRUE(verify(signing.public_key, "message", signature));
  EXPECT_EQ(signature, sign(signing, "message").value()) << "Ed25519 is deterministic (RFC 8032 §5.1.6)";
  EXPECT_EQ(token->signer(make_signing_key().value().public_key).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(token->import_signing_key(make_signing_key().value())) << "a new key replaces the old one";
  EXPECT_EQ(token->signer(signing.public_key).error().code, ErrorCode::kConflict);
}

TEST_F(SoftHsm, SaysWhatIsWrong) {
  Pkcs11Options wrong = options();
  wrong.pin = "4321";
  EXPECT_EQ(Pkcs11Token::open(wrong).error().code, ErrorCode::kDenied);
  wrong = options();
  wrong.token = "other";
  EXPECT_EQ(Pkcs11Token::open(wrong).error().code, ErrorCode::kNotFound);
  wrong.module = "/usr/lib/no-such-module.so";
  EXPECT_EQ(Pkcs11Token::open(wrong).error().code, ErrorCode::kNotFound);
  wrong.module = "libsofthsm2.so";
  EXPECT_EQ(Pkcs11Token::open(wrong).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bongsu::crypto
