#include "api/console/session.h"

#include <gtest/gtest.h>

namespace bongsu::api::console {
namespace {

using namespace std::chrono_literals;

struct SessionsTest : testing::Test {
  FakeClock clock;
  SeededRandom random{1};
};

TEST_F(SessionsTest, ASecretStandsForItsAccountUntilItIsClosed) {
  Sessions sessions(clock, random, {});
  const std::string a = sessions.open("olena"), b = sessions.open("jonas");
  EXPECT_EQ(a.size(), 43u);  // 256 bits in base64url
  EXPECT_NE(a, b);
  EXPECT_EQ(sessions.account_of(a), "olena");
  EXPECT_EQ(sessions.account_of(b), "jonas");
  sessions.close(a);
  EXPECT_EQ(sessions.account_of(a), std::nullopt);
  EXPECT_EQ(sessions.account_of(""), std::nullopt);
  EXPECT_EQ(sessions.account_of("guess"), std::nullopt);
}

TEST_F(SessionsTest, IdleSessionsEndAndActivityKeepsThemUntilTheAbsoluteLimit) {
  Sessions sessions(clock, random, {.idle = 1h, .absolute = 3h});
  const std::string idle = sessions.open("a"), busy = sessions.open("b");
  for (int i = 0; i < 5; ++i) {
    clock.advance(35min);
    EXPECT_EQ(sessions.account_of(busy), "b") << i;
  }
  EXPECT_EQ(sessions.account_of(idle), std::nullopt);
  clock.advance(10min);
  EXPECT_EQ(sessions.account_of(busy), std::nullopt) << "a session that is used all the time ends too";
}

TEST_F(SessionsTest, TheWallClockMayJumpWithoutEndingSessions) {
  Sessions sessions(clock, random, {});
  const std::string secret = sessions.open("a");
  clock.jump_to(Instant{4'000'000'000, 0});
  EXPECT_EQ(sessions.account_of(secret), "a");
}

TEST_F(SessionsTest, TheNumberOfSessionsIsBoundedAndTheOldestGoes) {
  Sessions sessions(clock, random, {.max_sessions = 3, .max_per_account = 2});
  const std::string first = sessions.open("a");
  clock.advance(1s);
  const std::string second = sessions.open("a");
  clock.advance(1s);
  const std::string third = sessions.open("a");
  EXPECT_EQ(sessions.account_of(first), std::nullopt);
  EXPECT_EQ(sessions.account_of(second), "a");
  clock.advance(1s);
  sessions.open("b");
  clock.advance(1s);
  sessions.open("c");
  EXPECT_EQ(sessions.size(), 3u);
  EXPECT_EQ(sessions.account_of(second), std::nullopt);
  EXPECT_EQ(sessions.account_of(third), "a");
}

TEST_F(SessionsTest, AnAddressThatGuessesIsSlowedForAMinuteAndOthersAreNot) {
  Sessions sessions(clock, random, {.failures_per_minute = 3, .max_addresses = 2});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(sessions.may_try("192.0.2.1"));
    sessions.failed("192.0.2.1");
  }
  EXPECT_FALSE(sessions.may_try("192.0.2.1"));
  EXPECT_TRUE(sessions.may_try("192.0.2.2"));
  clock.advance(61s);
  EXPECT_TRUE(sessions.may_try("192.0.2.1"));
  for (int i = 0; i < 100; ++i) sessions.failed("198.51.100." + std::to_string(i));  // bounded: no growth, no crash
  sessions.sweep();
}

TEST(SessionCookie, IsFoundAmongOthersAndRefusedWhenPlantedTwice) {
  EXPECT_EQ(session_cookie("__Host-bongsu=abc"), "abc");
  EXPECT_EQ(session_cookie("a=b; __Host-bongsu=abc; c=d"), "abc");
  EXPECT_EQ(session_cookie("__Host-bongsu=abc; __Host-bongsu=def"), std::nullopt);
  EXPECT_EQ(session_cookie("__Host-bongsuX=abc"), std::nullopt);
  EXPECT_EQ(session_cookie("__Host-bongsu"), std::nullopt);
  EXPECT_EQ(session_cookie(""), std::nullopt);
  EXPECT_EQ(session_cookie(";;; ;"), std::nullopt);
}

TEST(SessionCookie, IsOutOfReachOfScriptsOtherSitesAndPlainText) {
  const std::string set = set_session_cookie("s", 12h);
  for (const auto* part : {"__Host-bongsu=s;", "Path=/;", "Max-Age=43200", "Secure", "HttpOnly", "SameSite=Strict"})
    EXPECT_NE(set.find(part), std::string::npos) << part;
  EXPECT_EQ(set.find("Domain"), std::string::npos);
}

}  // namespace
}  // namespace bongsu::api::console
