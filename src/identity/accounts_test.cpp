#include "identity/accounts.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace bongsu::identity {
namespace {

using namespace std::chrono_literals;

class AccountBookTest : public testing::Test {
 protected:
  AccountBookTest() {
    Account olena{.name = "olena", .member = "cert-ua", .role = Role::kAnalyst};
    static const std::string hash = crypto::hash_password("korrekt horse: battery", random_);  // slow on purpose: once
    olena.password_hash = hash;
    olena.read = {"shared"};
    accounts_["olena"] = olena;
    Account robot{.name = "robot", .member = "cert-lt", .role = Role::kReader};
    robot.token_digests = {crypto::token_digest("bst_secret-of-the-robot")};
    robot.certificate_fingerprints = {std::string(64, 'a')};
    robot.read = {"*"};
    accounts_["robot"] = robot;
    book_.replace(accounts_);
  }
  std::string basic(std::string_view pair) { return "Basic " + to_base64(as_bytes(pair)); }

  SeededRandom random_{7};
  FakeClock clock_;
  AccountBook book_{clock_, random_};
  std::map<std::string, Account> accounts_;
};

TEST_F(AccountBookTest, RefusesEveryMalformedAuthorizationInTheSameWords) {
  const std::string expected = book_.by_token("no such token").error().message;
  const std::string right = to_base64(as_bytes("olena:korrekt horse: battery"));
  for (const std::string& header :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Bearer "), "Digest " + right, right,
        "Basic" + right, "Basic " + right + "=", basic("olena"), basic(":korrekt horse: battery"), basic("olena:"),
        basic("Olena:korrekt horse: battery"), basic("olena:korrekt horse: battery\n"),
        basic(std::string("olena:\0x", 8)), basic("nobody:korrekt horse: battery"), basic("robot:"),
        std::string("Bearer bst_secret-of-the-robo"), "Basic " + std::string(100'000, 'A')}) {
    const auto answer = book_.by_authorization(header);
    ASSERT_FALSE(answer) << header;
    EXPECT_EQ(answer.error().code, ErrorCode::kUnauthenticated) << header;
    EXPECT_EQ(answer.error().message, expected) << header;
  }
}

TEST_F(AccountBookTest, KnowsPasswordsTokensAndCertificates) {
  const auto person = book_.by_authorization(basic("olena:korrekt horse: battery"));  // a colon in the password
  ASSERT_TRUE(person);
  EXPECT_EQ(person->member, "cert-ua");
  EXPECT_TRUE(person->may_read("shared"));
  EXPECT_FALSE(person->may_read("other"));
  EXPECT_FALSE(person->may_write("shared"));
  EXPECT_FALSE(person->link);
  const auto robot = book_.by_authorization("bEARER   bst_secret-of-the-robot");
  ASSERT_TRUE(robot);
  EXPECT_TRUE(robot->may_read("anything"));
  EXPECT_EQ(book_.by_certificate(std::string(64, 'a'))->account, "robot");
  EXPECT_FALSE(book_.by_certificate(std::string(64, 'b')));
  EXPECT_FALSE(book_.by_certificate(""));
}

TEST_F(AccountBookTest, CredentialOfTwoAccountsIsNobodys) {
  accounts_["olena"].certificate_fingerprints = {std::string(64, 'a')};
  accounts_["olena"].token_digests = accounts_["robot"].token_digests;
  book_.replace(accounts_);
  EXPECT_FALSE(book_.by_certificate(std::string(64, 'a')));
  EXPECT_FALSE(book_.by_token("bst_secret-of-the-robot"));
}

TEST_F(AccountBookTest, DisabledAccountIsOutAtOnceAlsoWhenItsPasswordIsRemembered) {
  ASSERT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
  accounts_["olena"].disabled = accounts_["robot"].disabled = true;
  book_.replace(accounts_);
  EXPECT_FALSE(book_.by_basic("olena", "korrekt horse: battery"));
  EXPECT_FALSE(book_.by_token("bst_secret-of-the-robot"));
  EXPECT_FALSE(book_.by_certificate(std::string(64, 'a')));
}

TEST_F(AccountBookTest, ChangedPasswordEndsWhatIsRemembered) {
  ASSERT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
  accounts_["olena"].password_hash = crypto::hash_password("new", random_);
  book_.replace(accounts_);
  EXPECT_FALSE(book_.by_basic("olena", "korrekt horse: battery"));
  EXPECT_TRUE(book_.by_basic("olena", "new"));
}

TEST_F(AccountBookTest, RememberedPairIsCheckedWithoutTheSlowHash) {
  ASSERT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);  // a thousand slow hashes take a minute
}

TEST_F(AccountBookTest, GuessingIsSlowedAndDoesNotLockOutWhoIsRemembered) {
  ASSERT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
  for (int i = 0; i < kFreeFailures; ++i)
    EXPECT_EQ(book_.by_basic("olena", "guess").error().code, ErrorCode::kUnauthenticated);
  const auto blocked = book_.by_basic("olena", "guess");
  EXPECT_EQ(blocked.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(blocked.error().message.find("1 s"), std::string::npos);
  EXPECT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
  clock_.advance(1001ms);
  EXPECT_EQ(book_.by_basic("olena", "guess").error().code, ErrorCode::kUnauthenticated);
  clock_.advance(1001ms);
  EXPECT_EQ(book_.by_basic("olena", "guess").error().code, ErrorCode::kUnavailable);  // two seconds now
  clock_.advance(1001ms);
  EXPECT_EQ(book_.by_basic("olena", "guess").error().code, ErrorCode::kUnauthenticated);
  clock_.advance(20min);  // forgotten, and so is the remembered pair
  EXPECT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
}

TEST_F(AccountBookTest, NamesWithoutAnAccountAreSlowedAlike) {
  for (int i = 0; i < kFreeFailures; ++i) EXPECT_FALSE(book_.by_basic("ghost", "guess"));
  EXPECT_EQ(book_.by_basic("ghost", "guess").error().code, ErrorCode::kUnavailable);
}

TEST_F(AccountBookTest, IsSafeFromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3; ++i) {
        if (t == 0) book_.replace(accounts_);
        EXPECT_TRUE(book_.by_basic("olena", "korrekt horse: battery"));
        EXPECT_TRUE(book_.by_token("bst_secret-of-the-robot"));
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST(Account, SurvivesItsJsonAndRefusesWhatCannotBeRead) {
  Account account{.name = "a.b-c_1", .member = "cert-lt", .role = Role::kOperator};
  account.password_hash = "scrypt$…";
  account.token_digests = {"d1", "d2"};
  account.read = {"*"};
  account.write = {"x"};
  account.disabled = true;
  const auto back = Account::parse(account.json());
  ASSERT_TRUE(back);
  EXPECT_EQ(to_text(back->json()), to_text(account.json()));
  for (const char* bad :
       {"{}", "[]", R"({"name":"A","member":"m","role":"reader"})", R"({"name":"a","member":"","role":"reader"})",
        R"({"name":"a","member":"m","role":"root"})", R"({"name":"a","member":"m","role":"reader","read":"*"})",
        R"({"name":"a","member":"m","role":"reader","read":[1]})",
        R"({"name":"a","member":"m","role":"reader","disabled":"true"})"})
    EXPECT_FALSE(Account::parse(*parse_json(bad))) << bad;
}

}  // namespace
}  // namespace bongsu::identity
