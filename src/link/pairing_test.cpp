#include "link/pairing.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "link/link_test_support.h"

namespace bongsu::link {
namespace {

using namespace test;
using namespace std::chrono_literals;

// A node's identity with real keys: made once, key generation is slow.
struct Side {
  explicit Side(const std::string& id) {
    const SystemClock clock;
    ca = *crypto::make_ca(id, std::chrono::hours(24 * 365), clock);
    own.signing_key = *crypto::make_signing_key();
    own.member = {.id = id,
                  .title = "Title of " + id,
                  .link_url = "https://" + id + ".example:6444",
                  .ca_fingerprint = crypto::read_certificate(ca.certificate_pem)->fingerprint,
                  .ca_certificate_pem = ca.certificate_pem,
                  .signing_key = to_hex(as_bytes(own.signing_key.public_key))};
  }
  crypto::Identity ca;
  OwnIdentity own;
};
const Side& lt() {
  static const Side side("cert-lt");
  return side;
}
const Side& ua() {
  static const Side side("cert-ua");
  return side;
}
const Side& mallory() {
  static const Side side("cert-xx");
  return side;
}

struct Pairing : testing::Test {
  Pairing()
      : clock(SystemClock().now()),
        journal(journal::make_memory_journal(clock, random)),
        book(*journal, clock, random) {
    server = std::make_unique<PairingServer>(book, lt().own, clock, *log,
                                             [&](const identity::Member& m) { paired.push_back(m.id); });
    invitation = *book.invite(lt().own.member, 1h, "");
  }
  net::Response post(const std::string& body, const Side& by, const std::string& address = "192.0.2.1:5000") {
    net::Request request{.method = "POST", .path = "/link/v1/pair", .body = body};
    request.peer.address = address;
    request.peer.certificate_fingerprint = std::string(64, 'e');
    request.peer.issuer_fingerprint = by.own.member.ca_fingerprint;
    EXPECT_TRUE(PairingServer::is_for(request));
    return server->handle(std::move(request));
  }
  static std::string body_of(const net::Response& response) { return std::get<std::string>(response.body); }

  FakeClock clock;
  SeededRandom random{11};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal;
  PairingBook book;
  std::unique_ptr<PairingServer> server;
  identity::Invitation invitation;
  std::vector<std::string> paired;
};

TEST_F(Pairing, ExchangesIdentitiesOnce) {
  const auto answer = post(*make_pair_request(invitation, ua().own), ua());
  ASSERT_EQ(answer.status, 200) << body_of(answer);
  const auto inviter = read_pair_answer(invitation, ua().own, answer.status, body_of(answer), clock);
  ASSERT_TRUE(inviter) << inviter.error().text();
  EXPECT_EQ(inviter->id, "cert-lt");
  EXPECT_EQ(inviter->ca_fingerprint, lt().own.member.ca_fingerprint);
  EXPECT_EQ(inviter->signing_key, lt().own.member.signing_key);
  const auto members = book.members();
  ASSERT_TRUE(members && members->contains("cert-ua"));
  const auto& member = members->at("cert-ua");
  EXPECT_EQ(member.ca_fingerprint, ua().own.member.ca_fingerprint);
  EXPECT_EQ(member.link_url, ua().own.member.link_url);
  EXPECT_FALSE(member.confirmed);  // until people have compared fingerprints
  EXPECT_EQ(paired, std::vector<std::string>{"cert-ua"});
  EXPECT_TRUE(book.open_invitations()->empty());
  // Replayed, by the same or by another.
  EXPECT_EQ(post(*make_pair_request(invitation, ua().own), ua()).status, 403);
  EXPECT_EQ(post(*make_pair_request(invitation, mallory().own), mallory()).status, 403);
  EXPECT_EQ(book.members()->size(), 1u);
}

TEST_F(Pairing, SaysTheSameOfEveryTokenThatDoesNotWork) {
  identity::Invitation wrong = invitation;
  wrong.token = "bst_0123456789abcdef0123456789abcdef0123456789a";
  const auto unknown = post(*make_pair_request(wrong, ua().own), ua());
  EXPECT_EQ(unknown.status, 403);
  clock.advance(2h);
  const auto expired = post(*make_pair_request(invitation, ua().own), ua());
  EXPECT_EQ(expired.status, 403);
  EXPECT_EQ(body_of(expired), body_of(unknown));
  EXPECT_TRUE(book.members()->empty());
}

TEST_F(Pairing, RefusesWhoCannotProveWhatItSends) {
  const std::string good = *make_pair_request(invitation, ua().own);
  // The connection's certificate is of another authority.
  EXPECT_EQ(post(good, mallory()).status, 403);
  // Somebody else's authority with one's own certificate.
  OwnIdentity liar = mallory().own;
  liar.member.ca_certificate_pem = ua().own.member.ca_certificate_pem;
  liar.member.ca_fingerprint = ua().own.member.ca_fingerprint;
  EXPECT_EQ(post(*make_pair_request(invitation, liar), mallory()).status, 403);
  // A signing key that one does not hold.
  OwnIdentity thief = mallory().own;
  thief.member.signing_key = ua().own.member.signing_key;
  EXPECT_EQ(post(*make_pair_request(invitation, thief), mallory()).status, 403);
  // Fields changed on the way.
  for (const char* field : {"id", "link_url", "signing_key"}) {
    Json changed = *parse_json(good);
    changed.at("member").get_object()[field] =
        std::string(field) == "signing_key" ? std::string(64, '0') : std::string("https://x");
    if (std::string(field) == "id") changed.at("member").get_object()[field] = "cert-kr";
    const int status = post(to_text(changed), ua()).status;
    EXPECT_TRUE(status == 403 || status == 422) << field << ' ' << status;
  }
  // No certificate at all.
  net::Request bare{.method = "POST", .path = "/link/v1/pair", .body = good};
  bare.peer.address = "192.0.2.7:1";
  EXPECT_EQ(server->handle(std::move(bare)).status, 403);
  EXPECT_TRUE(book.members()->empty());
  // None of this used the invitation up.
  EXPECT_EQ(post(good, ua(), "192.0.2.8:1").status, 200);
}

TEST_F(Pairing, AnswerFromSomebodyElseIsNotBelieved) {
  const auto answer = post(*make_pair_request(invitation, ua().own), ua());
  const std::string good = body_of(answer);
  ASSERT_TRUE(read_pair_answer(invitation, ua().own, 200, good, clock));
  PairingBook other_book(*journal, clock, random);
  auto second = *other_book.invite(mallory().own.member, 1h, "");
  PairingServer impostor(other_book, mallory().own, clock, *log);
  net::Request request{.method = "POST", .path = "/link/v1/pair", .body = *make_pair_request(second, ua().own)};
  request.peer = {
      .address = "192.0.2.9:1", .certificate_fingerprint = "e", .issuer_fingerprint = ua().own.member.ca_fingerprint};
  (void)journal->append({.states = {{"members", "cert-ua", std::nullopt}}});
  const auto from_impostor = impostor.handle(std::move(request));
  ASSERT_EQ(from_impostor.status, 200);
  EXPECT_FALSE(read_pair_answer(invitation, ua().own, 200, body_of(from_impostor), clock));
  Json changed = *parse_json(good);
  changed.at("member").get_object()["signing_key"] = mallory().own.member.signing_key;
  EXPECT_FALSE(read_pair_answer(invitation, ua().own, 200, to_text(changed), clock));
  for (const char* bad : {"", "{}", "[]", R"({"member":null})", R"({"member":{}})"})
    EXPECT_FALSE(read_pair_answer(invitation, ua().own, 200, bad, clock)) << bad;
  EXPECT_EQ(read_pair_answer(invitation, ua().own, 403, R"({"message":"no"})", clock).error().code, ErrorCode::kDenied);
}

TEST_F(Pairing, KnownMemberIsNotReplacedByAnotherAuthority) {
  ASSERT_EQ(post(*make_pair_request(invitation, ua().own), ua()).status, 200);
  invitation = *book.invite(lt().own.member, 1h, "");
  OwnIdentity impostor = mallory().own;
  impostor.member.id = "cert-ua";
  // In the words of a wrong token, and once: D9, who is paired here is nobody else's to learn.
  const auto taken = post(*make_pair_request(invitation, impostor), mallory());
  const auto again = post(*make_pair_request(invitation, impostor), mallory());
  EXPECT_EQ(taken.status, 403);
  EXPECT_EQ(body_of(taken), body_of(again));
  EXPECT_EQ(post(*make_pair_request(invitation, mallory().own), mallory()).status, 403) << "a second name for one invitation";
  EXPECT_EQ(book.members()->at("cert-ua").ca_fingerprint, ua().own.member.ca_fingerprint);
  // Nor does it become two members, or this node itself.
  OwnIdentity renamed = ua().own;
  renamed.member.id = "cert-zz";
  invitation = *book.invite(lt().own.member, 1h, "");
  EXPECT_EQ(post(*make_pair_request(invitation, renamed), ua()).status, 403);
  EXPECT_FALSE(book.members()->contains("cert-zz"));
  invitation = *book.invite(lt().own.member, 1h, "");
  OwnIdentity us = mallory().own;
  us.member.id = "cert-lt";
  EXPECT_EQ(post(*make_pair_request(invitation, us), mallory()).status, 409);
  // The same one again is an update; what people decided about it stays.
  ASSERT_TRUE(book.update("cert-ua", [](identity::Member& m) { m.confirmed = m.stopped = true; }));
  OwnIdentity moved = ua().own;
  moved.member.link_url = "https://new.example:1";
  EXPECT_EQ(post(*make_pair_request(invitation, moved), ua()).status, 200);
  const auto member = book.members()->at("cert-ua");
  EXPECT_EQ(member.link_url, "https://new.example:1");
  EXPECT_TRUE(member.confirmed && member.stopped);
}

TEST_F(Pairing, InvitationForOneMemberIsOfNoUseToAnother) {
  invitation = *book.invite(lt().own.member, 1h, "cert-ua");
  EXPECT_EQ(post(*make_pair_request(invitation, mallory().own), mallory()).status, 403);
  EXPECT_EQ(post(*make_pair_request(invitation, ua().own), ua()).status, 200);
}

TEST_F(Pairing, IsLimitedByAddress) {
  for (int i = 0; i < kPairAttemptsPerMinute; ++i)
    EXPECT_EQ(post("{}", ua(), fmt::format("192.0.2.1:{}", 1000 + i)).status, 403);
  EXPECT_EQ(post("{}", ua(), "192.0.2.1:9").status, 429);
  EXPECT_EQ(post("{}", ua(), "192.0.2.2:9").status, 403);
  clock.advance(61s);
  EXPECT_EQ(post("{}", ua(), "192.0.2.1:9").status, 403);
  EXPECT_EQ(post(std::string(kMaxPairBytes + 1, ' '), ua()).status, 413);
  EXPECT_EQ(post("{", ua()).status, 400);
}

TEST_F(Pairing, InvitationsLiveForSevenDaysAtMost) {
  EXPECT_FALSE(book.invite(lt().own.member, 0s, ""));
  EXPECT_FALSE(book.invite(lt().own.member, 24h * 8, ""));
  EXPECT_FALSE(book.invite(lt().own.member, 1h, "Not An Id"));
  identity::Member nowhere = lt().own.member;
  nowhere.link_url.clear();
  EXPECT_FALSE(book.invite(nowhere, 1h, ""));
  EXPECT_EQ(book.open_invitations()->size(), 1u);
  clock.advance(2h);
  EXPECT_TRUE(book.open_invitations()->empty());
}

TEST(PartnerDirectory, KnowsMembersByTheirAuthorityAlone) {
  PartnerDirectory directory;
  identity::Member a{.id = "cert-ua", .ca_fingerprint = ca_of("a")}, b{.id = "cert-lt", .ca_fingerprint = ca_of("b")};
  directory.replace({{"cert-ua", a}, {"cert-lt", b}});
  EXPECT_EQ(directory.member_of({.certificate_fingerprint = "x", .issuer_fingerprint = ca_of("a")}), "cert-ua");
  EXPECT_FALSE(directory.member_of({.certificate_fingerprint = "x"}));
  EXPECT_FALSE(directory.member_of({.issuer_fingerprint = ca_of("a")}));
  EXPECT_FALSE(directory.member_of({.certificate_fingerprint = ca_of("a"), .issuer_fingerprint = ca_of("c")}));
  EXPECT_TRUE(directory.is_pinned(ca_of("b")));
  b.ca_fingerprint = ca_of("a");
  directory.replace({{"cert-ua", a}, {"cert-lt", b}});
  EXPECT_FALSE(directory.member_of({.certificate_fingerprint = "x", .issuer_fingerprint = ca_of("a")}));
}

}  // namespace
}  // namespace bongsu::link
