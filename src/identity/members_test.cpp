#include "identity/members.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace bongsu::identity {
namespace {

Member sample() {
  return {.id = "cert-ua",
          .title = "CERT Україна",
          .country = "UA",
          .link_url = "https://[2001:db8::1]:7443",
          .ca_fingerprint = std::string(64, 'a'),
          .certificate_fingerprint = std::string(64, 'b'),
          .ca_certificate_pem = "-----BEGIN CERTIFICATE-----\n…",
          .signing_key = std::string(64, 'c'),
          .paired = *Instant::parse("2026-11-21T21:00:00.000001Z"),
          .confirmed = true,
          .stopped = true};
}

Json with(Json json, std::string_view key, Json value) {
  json.get_object()[key] = std::move(value);
  return json;
}

TEST(MemberId, IsLowerCaseLettersDigitsAndHyphens) {
  for (const char* good : {"a", "cert-ua", "0x", "a--"}) EXPECT_TRUE(is_member_id(good)) << good;
  EXPECT_TRUE(is_member_id(std::string(63, 'a')));
  for (const char* bad : {"", "-a", "A", "a_b", "a.b", "a b", "é", "a/b"}) EXPECT_FALSE(is_member_id(bad)) << bad;
  EXPECT_FALSE(is_member_id(std::string(64, 'a')));
}

TEST(Member, SurvivesItsJson) {
  const auto back = Member::parse(sample().json());
  ASSERT_TRUE(back);
  EXPECT_EQ(to_text(back->json()), to_text(sample().json()));
  EXPECT_TRUE(back->stopped);
}

TEST(Member, RefusesWhatCannotBeRead) {
  const Json good = sample().json();
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"id", "Cert"},

           {"link_url", "http://a:1"},
           {"link_url", "https://u@a"},
           {"link_url", "https://a/?x"},
           {"link_url", "https://"},
           {"ca_fingerprint", std::string(64, 'A')},
           {"ca_fingerprint", "ab"},
           {"certificate_fingerprint", std::string(63, 'a')},
           {"signing_key", "zz"},
           {"country", "ua"},
           {"country", "UKR"},
           {"paired", "yesterday"},
           {"title", "a\nb"},
           {"title", "abc\u202ecba"},
           {"title", std::string(201, 'x')},
           {"stopped", "true"},

           {"ca_certificate_pem", std::string(kMaxCertificateBytes + 1, 'x')}})
    EXPECT_FALSE(Member::parse(with(good, key, Json(value)))) << key << ' ' << value;
  EXPECT_TRUE(Member::parse(with(good, "link_url", Json(""))));  // it only polls us
}

TEST(Invitation, SurvivesMailProgramsThatWrapLines) {
  const Invitation invitation{.inviter = "cert-lt",
                              .title = "NKSC",
                              .link_url = "https://node.example:7443",
                              .ca_fingerprint = std::string(64, '0'),
                              .token = "bst_0123456789abcdef",
                              .expires = *Instant::parse("2026-11-22T00:00:00Z")};
  std::string text = invitation.text();
  EXPECT_TRUE(text.starts_with("bongsu-invite:1:"));
  for (std::size_t i = 40; i < text.size(); i += 41) text.insert(i, "\r\n ");
  const auto back = Invitation::parse("  " + text + "\n");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), invitation.text());
  EXPECT_EQ(back->token, invitation.token);
}

TEST(Invitation, RefusesEveryTruncationAndForgery) {
  const Invitation invitation{.inviter = "cert-lt",
                              .title = "NKSC",
                              .link_url = "https://node.example:7443",
                              .ca_fingerprint = std::string(64, '0'),
                              .token = "bst_0123456789abcdef",
                              .expires = *Instant::parse("2026-11-22T00:00:00Z")};
  const std::string text = invitation.text();
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(Invitation::parse(text.substr(0, n))) << n;
  EXPECT_FALSE(Invitation::parse("bongsu-invite:2:" + text.substr(16)));
  EXPECT_FALSE(Invitation::parse(text + std::string(5000, 'A')));
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{{"inviter", "A"},
                                                                                             {"url", "http://a"},
                                                                                             {"ca", "00"},
                                                                                             {"token", "short"},
                                                                                             {"expires", "soon"},
                                                                                             {"title", "\u001b[2J"}}) {
    Json json = *parse_json(*from_base64url(text.substr(16)));
    json.get_object()[key] = value;
    EXPECT_FALSE(Invitation::parse("bongsu-invite:1:" + to_base64url(as_bytes(to_text(json))))) << key;
  }
}

}  // namespace
}  // namespace bongsu::identity
