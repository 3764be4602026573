#include "identity/oidc.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/random.h"
#include "crypto/keys.h"
#include "identity/oidc_login.h"

namespace bongsu::identity {
namespace {

using namespace std::chrono_literals;

// Made by node:crypto, for the claims of Provider::claims.
const std::string kRS256Key =
    R"({"kty":"RSA","n":"zOsaja-AXwpfd_KVgCziso_-uDHnyqWyI2JyFKZD-XojyqnwQSR0DjGZKSMnIH_ynE-vKGxsq_27_P)"
    R"(LP-IJqxxWMVA7tVg575S4hWuBB9wBr9qUcScTOqMzwZb6r33wDBJ_oBEyf0MhiCwCVAX3LwCydak10xJkKOClo2NI6p4CZiP)"
    R"(Vad-nqAYdzS1EAsb61Qfgmvj8wKiydgbB5JIOduzLXHtOyvRGUEu11_uKncWQxeh5tg6uTIF8ivBqHm19OagOs17EFNp3SHw)"
    R"(TjfAREWztjiHIx9vPpBCWw5U0RCqlwMEGgghtS7POyFZ5qHTBSO4QF4PleE5RbF9EtFxPoIQ","e":"AQAB","kid":"RS25)"
    R"(6","alg":"RS256","use":"sig"})";
const std::string kRS256Token =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6IlJTMjU2In0.eyJpc3MiOiJodHRwczovL29wLmV4YW1wbGUiLCJhdWQiOiJib25nc3Ui)"
    R"(LCJzdWIiOiJ1LTEiLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyNTkwMCwibm9uY2UiOiJuLTEiLCJwcmVmZXJyZWRf)"
    R"(dXNlcm5hbWUiOiJvbGVuYSJ9.ddeuHgrhFrrdhtd4MzNgPZctVCVGoxCXnIsOpplH1ds-vd7d0Oi4dc_EHGAj3TMRbPvdygl)"
    R"(gzHrxPk5Qy6BKf8PnakV7BFNz3k910t1SvhJpCcdU3elEvmTVWpuQttYw2B2_F1kZzTT5K6t84JM7GF86HzCQxtBrk2chw9v)"
    R"(FPFZHlX-pC--Xe2U_YGf3Ug3G-IRWIREylSWXIW_DRDIfcqvso_xOqs7zDW_sw-UvUJVqtVZX0A4wt9eVfXt1ifixtJCev84)"
    R"(wWJpxYSEvGehEwEuLnogXxW8chuTRwbqwA7r1jExMUIsjqYcT6LmHvtTryOVPaetk73_FOeGIr8Bkyg)";

const std::string kES256Key =
    R"({"kty":"EC","x":"cF7eFOm4yneLhlZ1QjPcbXl7rJjGU8hTgK-j89xztSA","y":"PcM2AIQK60wNjILKo97KcobONtmAk)"
    R"(92Da6aBqcuGUxE","crv":"P-256","kid":"ES256","alg":"ES256","use":"sig"})";
const std::string kES256Token =
    R"(eyJhbGciOiJFUzI1NiIsImtpZCI6IkVTMjU2In0.eyJpc3MiOiJodHRwczovL29wLmV4YW1wbGUiLCJhdWQiOiJib25nc3Ui)"
    R"(LCJzdWIiOiJ1LTEiLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyNTkwMCwibm9uY2UiOiJuLTEiLCJwcmVmZXJyZWRf)"
    R"(dXNlcm5hbWUiOiJvbGVuYSJ9.6xco_JLU2u-yHQ3op279NcxIq9WXUDwtWKdTIG5i_XBmU93jmHi0JRhCNnXngQHMTBzFaFh)"
    R"(sWRUB9Ea5jksK_Q)";

constexpr Instant kNow{1'767'225'610, 0};
const OidcSettings kSettings{
    .issuer = "https://op.example", .client_id = "bongsu", .client_secret = "s3cret &", .claim = "preferred_username"};

std::string coded(std::string_view text) { return to_base64url(as_bytes(text)); }

// A provider that signs by Ed25519 and lies as it is told.
struct Provider {
  crypto::SigningKey key = *crypto::make_signing_key();
  JsonObject header{{"alg", "EdDSA"}, {"kid", "k1"}};
  JsonObject claims{{"iss", "https://op.example"},  {"aud", "bongsu"},      {"sub", "u-1"},
                    {"iat", 1'767'225'600},         {"exp", 1'767'225'900}, {"nonce", "n-1"},
                    {"preferred_username", "olena"}};
  JsonObject document{{"issuer", "https://op.example"},
                      {"authorization_endpoint", "https://op.example/auth"},
                      {"token_endpoint", "https://op.example/token"},
                      {"jwks_uri", "https://op.example/jwks"},
                      {"response_types_supported", JsonArray{"code"}},
                      {"code_challenge_methods_supported", JsonArray{"S256"}}};

  std::string jwk(std::string_view kid = "k1") const {
    return R"({"kty":"OKP","crv":"Ed25519","use":"sig","kid":")" + std::string(kid) + R"(","x":")" +
           coded(key.public_key) + "\"}";
  }
  std::vector<OidcKey> keys() const { return *read_jwks("{\"keys\":[" + jwk() + "]}"); }
  std::string token() const {
    const std::string text = coded(to_text(header)) + '.' + coded(to_text(claims));
    return text + '.' + coded(*crypto::sign(key, text));
  }
  Result<Json> check(Instant now = kNow, std::string_view nonce = "n-1") const {
    return validate_id_token(token(), keys(), kSettings, nonce, now);
  }
  std::string refused_for(Instant now = kNow) const {
    const auto done = check(now);
    EXPECT_FALSE(done) << to_text(claims);
    return done ? "accepted" : done.error().where.field;
  }
};

TEST(IdToken, OneThatIsGoodInEveryFieldNamesTheAccount) {
  const Provider p;
  const auto claims = p.check();
  ASSERT_TRUE(claims) << claims.error().text();
  EXPECT_EQ(*account_of(*claims, kSettings), "olena");
}

TEST(IdToken, EachAlgorithmOfTheListIsCheckedAndARightKeyOfAnotherIsNone) {
  const auto keys = *read_jwks("{\"keys\":[" + kRS256Key + ',' + kES256Key + "]}");
  ASSERT_EQ(keys.size(), 2u);
  for (const std::string& token : {kRS256Token, kES256Token}) {
    const auto good = validate_id_token(token, keys, kSettings, "n-1", kNow);
    EXPECT_TRUE(good) << good.error().text();
    for (const std::size_t at : {token.rfind('.') + 5, token.find('.') + 9}) {
      std::string other = token;
      other[at] = other[at] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(validate_id_token(other, keys, kSettings, "n-1", kNow));
    }
  }
  const std::string other_kid = kES256Token.substr(kES256Token.find('.'));
  EXPECT_FALSE(validate_id_token(coded(R"({"alg":"ES256","kid":"RS256"})") + other_kid, keys, kSettings, "n-1", kNow));
}

TEST(IdToken, UnsignedAndSignedByASecretAreRefused) {
  for (const char* alg : {"none", "None", "", "HS256", "RS384", "ES512", "PS256"}) {
    Provider p;
    p.header["alg"] = alg;
    EXPECT_EQ(p.refused_for(), "alg") << alg;
    const std::string text = coded(to_text(p.header)) + '.' + coded(to_text(p.claims));
    EXPECT_FALSE(validate_id_token(text + '.', p.keys(), kSettings, "n-1", kNow)) << alg;
  }
  Provider p;
  p.header.erase("alg");
  EXPECT_EQ(p.refused_for(), "alg");
}

TEST(IdToken, AKeyThatTheTokenBringsAlongIsNotUsed) {
  const Provider honest;
  Provider liar;
  liar.header["jwk"] = *parse_json(liar.jwk());
  liar.header["jku"] = "https://evil.example/jwks";
  const auto done = validate_id_token(liar.token(), honest.keys(), kSettings, "n-1", kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().where.field, "signature");
  liar.header["kid"] = "k2";
  EXPECT_EQ(validate_id_token(liar.token(), honest.keys(), kSettings, "n-1", kNow).error().code, ErrorCode::kNotFound);
  liar.header["kid"] = 7;
  EXPECT_EQ(liar.refused_for(), "kid");
  liar.header["kid"] = "k1";
  liar.header["crit"] = JsonArray{"exp"};
  EXPECT_EQ(liar.refused_for(), "crit");
}

TEST(IdToken, WithoutKidOneKeyIsClearAndTwoAreNot) {
  Provider p;
  p.header.erase("kid");
  EXPECT_TRUE(p.check());
  const auto two = *read_jwks("{\"keys\":[" + p.jwk("a") + ',' + p.jwk("b") + "]}");
  EXPECT_EQ(validate_id_token(p.token(), two, kSettings, "n-1", kNow).error().where.field, "kid");
}

TEST(IdToken, EachClaimThatIsAnothersIsRefusedByItsName) {
  const std::vector<JsonObject> lies{{{"iss", "https://op.example/"}},
                                     {{"iss", "https://OP.example"}},
                                     {{"iss", nullptr}},
                                     {{"iss", JsonArray{"https://op.example"}}},
                                     {{"aud", "other"}},
                                     {{"aud", JsonArray{}}},
                                     {{"aud", JsonArray{"bongsu", "other"}}},
                                     {{"aud", 1}},
                                     {{"aud", nullptr}},
                                     {{"azp", "other"}},
                                     {{"azp", 1}},
                                     {{"exp", 1'767'225'000}},
                                     {{"exp", "1767225900"}},
                                     {{"exp", nullptr}},
                                     {{"exp", -1}},
                                     {{"iat", 1'767'229'000}},
                                     {{"iat", 1'767'220'000}},
                                     {{"iat", nullptr}},
                                     {{"iat", "now"}},
                                     {{"nbf", 1'767'229'000}},
                                     {{"nbf", "soon"}},
                                     {{"nonce", "n-2"}},
                                     {{"nonce", ""}},
                                     {{"nonce", nullptr}},
                                     {{"nonce", 1}},
                                     {{"sub", ""}},
                                     {{"sub", nullptr}},
                                     {{"sub", std::string(256, 's')}}};
  for (const JsonObject& lie : lies) {
    const std::string claim(lie.begin()->key());
    const Json& value = lie.begin()->value();
    Provider p;
    p.claims[claim] = value;
    EXPECT_EQ(p.refused_for(), claim) << to_text(value);
  }
  for (const char* claim : {"iss", "aud", "exp", "iat", "nonce", "sub"}) {
    Provider p;
    p.claims.erase(claim);
    EXPECT_EQ(p.refused_for(), claim) << "left out";
  }
  Provider p;
  p.claims["aud"] = JsonArray{"bongsu"};
  p.claims["azp"] = "bongsu";
  EXPECT_TRUE(p.check());
  EXPECT_FALSE(p.check(kNow, "")) << "no nonce was sent";
}

TEST(IdToken, ClocksMayDifferByTwoMinutesAndNotByMore) {
  const Provider p;
  EXPECT_TRUE(p.check({1'767'225'900 + 119, 0}));
  EXPECT_EQ(p.refused_for({1'767'225'900 + 120, 0}), "exp");
  EXPECT_TRUE(p.check({1'767'225'600 - 120, 0}));
  EXPECT_EQ(p.refused_for({1'767'225'600 - 121, 0}), "iat");
}

TEST(IdToken, WhatIsNoTokenIsRefused) {
  const Provider p;
  const std::string good = p.token();
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), good + ".x.y", good.substr(0, good.rfind('.')), "!" + good,
        good + "=", coded("[]") + good.substr(good.find('.')), std::string(kMaxIdTokenBytes + 1, 'a')})
    EXPECT_FALSE(validate_id_token(text, p.keys(), kSettings, "n-1", kNow)) << text.substr(0, 80);
  // Two claims of one name mean two things.
  const std::string text =
      coded(to_text(p.header)) + '.' + coded(R"({"iss":"https://op.example","iss":"https://op.example"})");
  EXPECT_FALSE(validate_id_token(text + '.' + coded(*crypto::sign(p.key, text)), p.keys(), kSettings, "n-1", kNow));
}

TEST(OidcProvider, ADocumentOfAnotherIssuerOrWithoutTlsOrPkceIsRefused) {
  const Provider p;
  ASSERT_TRUE(read_provider(to_text(p.document), "https://op.example"));
  const std::vector<JsonObject> lies{{{"issuer", "https://evil.example"}},
                                     {{"issuer", "https://op.example/"}},
                                     {{"token_endpoint", "http://op.example/token"}},
                                     {{"token_endpoint", nullptr}},
                                     {{"authorization_endpoint", "javascript:alert(1)"}},
                                     {{"authorization_endpoint", "https://op.example/#x"}},
                                     {{"jwks_uri", "http://localhost.evil.example/"}},
                                     {{"jwks_uri", "file:///etc/passwd"}},
                                     {{"response_types_supported", JsonArray{"id_token"}}},
                                     {{"code_challenge_methods_supported", JsonArray{"plain"}}}};
  for (const JsonObject& lie : lies) {
    const std::string key(lie.begin()->key());
    const Json& value = lie.begin()->value();
    JsonObject document = p.document;
    document[key] = value;
    const auto read = read_provider(to_text(document), "https://op.example");
    ASSERT_FALSE(read) << key << to_text(value);
    EXPECT_EQ(read.error().where.field, key);
  }
}

TEST(OidcKeys, OnlyThoseForSignaturesByTheListCount) {
  EXPECT_FALSE(read_jwks("[]"));
  EXPECT_FALSE(read_jwks("nonsense"));
  const Provider p;
  const auto keys = *read_jwks(
      R"({"keys":[{"kty":"oct","k":"AAAA"},{"kty":"OKP","crv":"X25519","x":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},1,)" +
      p.jwk() + R"(,{"kty":"OKP","crv":"Ed25519","use":"enc","x":")" + coded(p.key.public_key) +
      R"("},{"kty":"OKP","crv":"Ed25519","alg":"RS256","x":")" + coded(p.key.public_key) + "\"}]}");
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].kid, "k1");
}

// RFC 7636 appendix B.
TEST(Pkce, ChallengeIsThatOfTheSpecification) {
  EXPECT_EQ(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(OidcAccount, AnAddressCountsWhenVerifiedAndAListNamesAccountsItself) {
  OidcSettings by_mail{
      .issuer = "i", .client_id = "c", .client_secret = {}, .claim = "email", .accounts = {{"o@x.example", "olena"}}};
  EXPECT_EQ(account_of(JsonObject{{"email", "o@x.example"}}, by_mail).error().where.field, "email_verified");
  EXPECT_EQ(account_of(JsonObject{{"email", "o@x.example"}, {"email_verified", "true"}}, by_mail).error().where.field,
            "email_verified");
  EXPECT_EQ(*account_of(JsonObject{{"email", "o@x.example"}, {"email_verified", true}}, by_mail), "olena");
  EXPECT_FALSE(account_of(JsonObject{{"email", "other@x.example"}, {"email_verified", true}}, by_mail));
  EXPECT_FALSE(account_of(JsonObject{{"preferred_username", 7}}, kSettings));
}

// The whole way, with a provider in the place of the network.
struct LogIn {
  Provider provider;
  FakeClock clock;
  SeededRandom random{11};
  std::vector<OidcFetch> asked;
  bool down = false, other_keys = false;
  OidcLogin login{kSettings, [this](const OidcFetch& ask) { return answer(ask); }, clock, random};
  OidcLogin::Begun begun;

  LogIn() {
    clock.jump_to(kNow);
    begun = *login.begin("https://node.example:6445/");
    provider.claims["nonce"] = parameter("nonce");
  }
  Result<std::string> answer(const OidcFetch& ask) {
    asked.push_back(ask);
    if (down) return fail(ErrorCode::kUnavailable, "nobody there");
    if (ask.url.ends_with("/.well-known/openid-configuration")) return to_text(provider.document);
    if (ask.url.ends_with("/jwks")) return "{\"keys\":[" + provider.jwk(other_keys ? "old" : "k1") + "]}";
    return to_text(JsonObject{{"token_type", "Bearer"}, {"access_token", "x"}, {"id_token", provider.token()}});
  }
  std::string parameter(const std::string& name) const {
    const std::size_t at = begun.url.find(name + "=") + name.size() + 1;
    return begun.url.substr(at, begun.url.find('&', at) - at);
  }
  Result<std::string> finish(std::optional<std::string_view> iss = std::nullopt) {
    return login.finish(begun.binding, parameter("state"), "c0de", iss);
  }
};

TEST(OidcLogin, AsksForACodeWithPkceAndTakesItToTheProviderOnce) {
  LogIn l;
  EXPECT_TRUE(
      l.begun.url.starts_with("https://op.example/"
                              "auth?response_type=code&scope=openid%20profile&client_id=bongsu&redirect_uri=https%3A%"
                              "2F%2Fnode.example%3A6445%2F&"));
  const auto account = l.finish();
  ASSERT_TRUE(account) << account.error().text();
  EXPECT_EQ(*account, "olena");
  const OidcFetch& token = l.asked.back();
  EXPECT_EQ(token.url, "https://op.example/token");
  EXPECT_EQ(token.authorization, "Basic " + to_base64(as_bytes("bongsu:s3cret%20%26")));
  const std::size_t at = token.form.find("code_verifier=") + 14;
  EXPECT_EQ(pkce_challenge(token.form.substr(at)), l.parameter("code_challenge"));
  EXPECT_TRUE(token.form.starts_with(
      "grant_type=authorization_code&code=c0de&redirect_uri=https%3A%2F%2Fnode.example%3A6445%2F&"));
  const auto again = l.finish();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().where.field, "state");
}

TEST(OidcLogin, AnAnswerForAnotherBrowserIsRefusedAndUsesTheStateUp) {
  LogIn l;
  EXPECT_EQ(l.login.finish("", l.parameter("state"), "c0de", std::nullopt).error().where.field, "state");
  EXPECT_EQ(l.finish().error().where.field, "state");
  LogIn m;
  const auto other = *m.login.begin("https://node.example:6445/");
  EXPECT_FALSE(m.login.finish(other.binding, m.parameter("state"), "c0de", std::nullopt)) << "another log-in's cookie";
  LogIn n;
  n.clock.advance(10min);
  EXPECT_EQ(n.finish().error().where.field, "state") << "ten minutes";
  EXPECT_FALSE(n.login.finish(n.begun.binding, "", "", std::nullopt));
}

TEST(OidcLogin, AnAnswerOfAnotherProviderIsNotTakenToThisOne) {
  LogIn l;
  EXPECT_EQ(l.finish("https://evil.example").error().where.field, "iss");
  LogIn m;
  EXPECT_TRUE(m.finish("https://op.example"));
  LogIn n;
  n.provider.document["authorization_response_iss_parameter_supported"] = true;
  n.clock.advance(2h);
  n.begun = *n.login.begin("https://node.example:6445/");
  EXPECT_EQ(n.finish().error().where.field, "iss") << "it says that it always says so";
}

TEST(OidcLogin, ChangedKeysAreFetchedAnewAndNotForEveryLie) {
  LogIn l;
  l.other_keys = true;
  l.clock.advance(2h);
  l.begun = *l.login.begin("https://node.example:6445/");
  l.provider.claims["nonce"] = l.parameter("nonce");
  l.provider.claims["iat"] = l.clock.now().seconds;
  l.provider.claims["exp"] = l.clock.now().seconds + 300;
  l.other_keys = false;
  const std::size_t before = l.asked.size();
  EXPECT_FALSE(l.finish()) << "within a minute of the last look";
  EXPECT_EQ(l.asked.size(), before + 1) << "the code alone";
  l.clock.advance(61s);
  l.begun = *l.login.begin("https://node.example:6445/");
  l.provider.claims["nonce"] = l.parameter("nonce");
  EXPECT_TRUE(l.finish());
}

TEST(OidcLogin, NoErrorHoldsTheSecretTheCodeOrTheToken) {
  LogIn l;
  l.provider.claims["aud"] = "other";
  const auto done = l.finish();
  ASSERT_FALSE(done);
  for (const std::string& word : {std::string("s3cret"), std::string("c0de"), l.provider.token().substr(0, 20)})
    EXPECT_EQ(done.error().text().find(word), std::string::npos);
  LogIn m;
  m.down = true;
  EXPECT_EQ(m.finish().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace bongsu::identity
