// Logging in by passkey and by certificate, end to end behind the console's interface.
#include <gtest/gtest.h>

#include "api/console/console_test_support.h"
#include "base/bytes.h"
#include "identity/authenticator_test_support.h"

namespace bongsu::api::console::test {
namespace {

std::string coded(std::string_view bytes) { return to_base64url(as_bytes(bytes)); }

struct Passkeys : TestConsole {
  identity::test::Authenticator device;
  Passkeys() { device.origin = "https://node.example:8443"; }

  Json begin(const std::string& path) { return json(send("POST", "/api/v1/" + path, "{}")); }
  static std::string challenge_of(const Json& options) { return *from_base64url(*string_at(options, "challenge")); }
  net::Response add(const std::string& name = "laptop") {
    const std::string challenge = challenge_of(begin("passkeys/options"));
    return send("POST", "/api/v1/passkeys",
                to_text(JsonObject{{"name", name},
                                   {"client_data", coded(device.client_data("webauthn.create", challenge))},
                                   {"attestation_object", coded(device.attestation())}}));
  }
  std::string handle(const std::string& account) {
    return *from_base64url(accounts.accounts().at(account).user_handle);
  }
  std::string answer_to(const std::string& challenge, const std::string& user) {
    const std::string data = device.client_data("webauthn.get", challenge);
    return to_text(JsonObject{{"id", coded("cred")},
                              {"client_data", coded(data)},
                              {"authenticator_data", coded(device.assertion())},
                              {"signature", coded(device.signature(data))},
                              {"user_handle", coded(user)}});
  }
  net::Response enter(const std::string& user) {
    cookie.clear();
    ++device.counter;
    return send("POST", "/api/v1/session/passkey", answer_to(challenge_of(begin("session/passkey/options")), user));
  }
};

TEST(ConsolePasskeys, OneIsAddedLogsInAndIsRemoved) {
  Passkeys t;
  t.log_in("olena");
  const Json options = t.begin("passkeys/options");
  EXPECT_EQ(string_at(options, "rp_id"), "node.example");
  EXPECT_EQ(from_base64url(*string_at(options, "user_id"))->size(), 32U);
  ASSERT_EQ(t.add().status, 200);
  EXPECT_EQ(t.add().status, 409) << "the same again";
  const auto in = t.enter(t.handle("olena"));
  ASSERT_EQ(in.status, 200) << t.text(in);
  EXPECT_EQ(string_at(t.json(in), "account"), "olena");
  const std::string set(*in.headers.get("Set-Cookie"));
  t.cookie = set.substr(0, set.find(';'));
  EXPECT_EQ(t.send("GET", "/api/v1/overview").status, 200);
  EXPECT_EQ(t.accounts.accounts().at("olena").passkeys.at(0).counter, 2U);
  // The account as it is stored has it, too.
  const auto stored = identity::Account::parse(t.accounts.accounts().at("olena").json());
  ASSERT_TRUE(stored) << stored.error().text();
  EXPECT_EQ(stored->passkeys, t.accounts.accounts().at("olena").passkeys);
  EXPECT_EQ(t.send("DELETE", "/api/v1/passkeys/" + coded("cred")).status, 200);
  EXPECT_EQ(t.send("DELETE", "/api/v1/passkeys/" + coded("cred")).status, 404);
  EXPECT_EQ(t.enter(t.handle("olena")).status, 401);
}

TEST(ConsolePasskeys, EveryRefusedLogInSaysTheSame) {
  Passkeys t;
  t.log_in("otto");
  t.begin("passkeys/options");  // otto has a handle, but no passkey
  t.log_in("olena");
  ASSERT_EQ(t.add().status, 200);
  const std::string olena = t.handle("olena");
  const std::string good = t.text(t.enter(std::string(32, 'x')));
  EXPECT_NE(good.find("opens no account"), std::string::npos);
  const auto same = [&](const net::Response& response, const char* why) {
    EXPECT_EQ(response.status, 401) << why;
    EXPECT_EQ(t.text(response), good) << why;
  };
  same(t.enter(t.handle("otto")), "another account's handle");
  {
    Passkeys other;
    std::swap(t.device.key, other.device.key);
    same(t.enter(olena), "another key");
    std::swap(t.device.key, other.device.key);
  }
  t.device.flags = 0x01;
  same(t.enter(olena), "not verified");
  t.device.flags = 0x05;
  // A challenge that nobody gave out, one for another purpose, one that is too old, one that was used.
  const auto with = [&](const std::string& challenge) {
    ++t.device.counter;
    return t.send("POST", "/api/v1/session/passkey", t.answer_to(challenge, olena));
  };
  same(with(std::string(32, 'c')), "a made-up challenge");
  t.clock.advance(std::chrono::minutes(2));  // the brake on wrong log-ins
  t.log_in("olena");
  const std::string other = t.challenge_of(t.begin("passkeys/options"));
  same(with(other), "a challenge for adding one");
  const std::string old = t.challenge_of(t.begin("session/passkey/options"));
  t.clock.advance(identity::kChallengeLifetime);
  same(with(old), "too old");
  const std::string once = t.challenge_of(t.begin("session/passkey/options"));
  EXPECT_EQ(with(once).status, 200);
  same(with(once), "used");
  auto book = t.accounts.accounts();
  book.at("olena").disabled = true;
  t.accounts.replace(std::move(book));
  same(t.enter(olena), "disabled");
}

TEST(ConsolePasskeys, BelongToTheNameOfTheConsoleOnly) {
  Passkeys t;
  t.log_in("olena");
  const auto response = t.send("POST", "/api/v1/passkeys/options", "{}",
                               {{"Host", "evil.example:8443"}, {"Origin", "https://evil.example:8443"}});
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(t.send("POST", "/api/v1/passkeys/options", "{}",
                   {{"Host", "node.example.evil:8443"}, {"Origin", "https://node.example.evil:8443"}})
                .status,
            403);
  t.device.origin = "https://node.example";
  EXPECT_EQ(t.add().status, 403) << "the page's port is part of its origin";
}

TEST(ConsoleCertificate, OneOfTheAccountsLogsInAndNoOther) {
  TestConsole t;
  auto book = t.accounts.accounts();
  book.at("olena").certificate_fingerprints = {std::string(64, 'a')};
  book.at("guest").certificate_fingerprints = {std::string(64, 'b')};
  t.accounts.replace(std::move(book));
  const auto enter = [&](const std::string& fingerprint) {
    net::Request request{.method = "POST", .path = "/api/v1/session/certificate"};
    request.headers = {{"Host", "node.example:8443"},
                       {"Origin", "https://node.example:8443"},
                       {"X-Bongsu-Console", "1"},
                       {"Content-Type", "application/json"}};
    request.body = "{}";
    request.peer = {.address = "192.0.2.7:40000", .certificate_fingerprint = fingerprint, .tls_version = "TLSv1.3"};
    return t.api->handle(std::move(request));
  };
  const auto in = enter(std::string(64, 'a'));
  ASSERT_EQ(in.status, 200);
  EXPECT_TRUE(in.headers.get("Set-Cookie"));
  EXPECT_EQ(enter("").status, 401);
  EXPECT_EQ(enter(std::string(64, 'c')).status, 401);
  EXPECT_EQ(enter(std::string(64, 'b')).status, 401) << "another member's";
  const Json ways = t.json(t.send("GET", "/api/v1/session/ways"));
  EXPECT_TRUE(*bool_at(ways, "passkey"));
  EXPECT_FALSE(*bool_at(ways, "certificate"));
}

}  // namespace
}  // namespace bongsu::api::console::test
