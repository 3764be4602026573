#include "policy/charter_trust.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "base/places_test_support.h"
#include "policy/charter_test_support.h"

namespace bongsu::policy {
namespace {

using test::at;
using test::CharterWorld;

// One attack: what is brought to a node that trusts `v1` and `v2`, and what it says.
struct Attack {
  std::string name, refusal;
  std::function<Result<TrustedCharter>()> attempt;
};

class CharterAttacks : public testing::Test {
 protected:
  CharterAttacks() {
    v1 = w.sign(w.first(), {"ee", "lt", "ua"});
    trusted1 = *trust_first(v1, v1.charter.digest(), w.now);
    c2 = w.next(v1.charter);
    c2.title = "Second";
    v2 = w.sign(c2, {"lt", "ua"});
    const auto second = advance(trusted1, v2, now2);
    EXPECT_TRUE(second) << second.error().text();
    trusted2 = *second;
  }
  // The third version with one change, signed by these.
  SignedCharter third(const std::function<void(Charter&)>& change,
                      const std::vector<std::string>& nations = {"ee", "lt"}) const {
    Charter c = w.next(c2);
    change(c);
    return w.sign(c, nations);
  }
  Result<TrustedCharter> bring(const SignedCharter& document) const { return advance(trusted2, document, now3); }

  CharterWorld w;
  Instant now2 = w.now + std::chrono::hours{24}, now3 = w.now + std::chrono::hours{48};
  SignedCharter v1, v2;
  Charter c2;
  TrustedCharter trusted1, trusted2;
};

// What is refused, by name.
TEST_F(CharterAttacks, AreRefusedEachWithItsOwnReason) {
  const auto none = [](Charter&) {};
  crypto::SigningKey mallory = *crypto::make_signing_key();
  const CharterApplication applied = w.application(c2, "grid-lv");
  const auto admitted = [&](const std::function<void(CharterMember&)>& change) {
    return third([&](Charter& c) {
      EXPECT_TRUE(admit_member(c, applied, w.probation(c), 0, {}));
      change(c.members.at("grid-lv"));
    });
  };
  const std::vector<Attack> attacks = {
      {"roll-back: an old version is brought again", "roll-back: this is version 1, and version 2 is trusted already",
       [&] { return bring(v1); }},
      {"roll-back: within a chain", "roll-back: this is version 2, and version 3 is trusted already",
       [&] { return advance(trusted2, std::vector{third(none), v2}, now3); }},
      {"equivocation: two texts of one version", "equivocation: this is another text of version 2",
       [&] {
         Charter other = c2;
         other.title = "Also second";
         return bring(w.sign(other, {"ee", "lt", "ua"}));
       }},
      {"gap: a version is left out", "gap: version 4 cannot be judged without version 3",
       [&] { return bring(w.sign(w.next(w.next(c2)), {"ee", "lt", "ua"})); }},
      {"fast-forward: the highest number there is", "gap: version 1000000",
       [&] { return bring(third([](Charter& c) { c.version = kMaxCharterVersion; })); }},
      {"freeze: an expired version is kept before the node",
       "freeze: version 3 of the charter expired at 2027-06-01T00:00:00Z",
       [&] {
         return advance(trusted2, third([](Charter& c) { c.expires = at("2027-06-01T00:00:00Z"); }),
                        at("2027-06-01T00:00:00Z"));
       }},
      {"freeze: the next version was issued before this one",
       "freeze: version 3 was issued at 2026-01-01T00:00:00Z, before version 2",
       [&] { return bring(third([](Charter& c) { c.issued = at("2026-01-01T00:00:00Z"); })); }},
      {"clock back: an expired charter is made valid again", "clock: the clock says 2026-12-01T00:00:00Z, but",
       [&] { return advance(trusted2, third(none), at("2026-12-01T00:00:00Z")); }},
      {"clock: a version from the future",
       "clock: version 3 was issued at 2027-05-01T00:00:00Z, and the clock here says",
       [&] { return bring(third([](Charter& c) { c.issued = at("2027-05-01T00:00:00Z"); })); }},
      {"key compromise below the threshold: one sponsor's key",
       "old-threshold: version 3 needs signatures of 2 of the 3 sponsors of version 2; lt signed",
       [&] { return bring(third([&](Charter& c) { c.threshold = 1; }, {"lt"})); }},
      {"key compromise below the threshold: the thief makes himself sponsor",
       "old-threshold: version 3 needs signatures of 2 of the 3 sponsors of version 2; lt signed; 1 by keys that are "
       "no sponsor's of version 2",
       [&] {
         SignedCharter d = third(
             [&](Charter& c) {
               c.threshold = 1;
               c.sponsors = {{.nation = "xx", .title = "M", .keys = {CharterWorld::hex(mallory)}}};
               c.members = {};
               for (const auto& [id, m] : c2.members) c.removed[id] = 3;
             },
             {"lt"});
         EXPECT_TRUE(sign_charter(d, mallory));
         return bring(d);
       }},
      {"duplicates: one key signs twice",
       "old-threshold: version 3 needs signatures of 2 of the 3 sponsors of version 2; lt signed",
       [&] {
         SignedCharter d = third(none, {"lt"});
         d.signatures.push_back(d.signatures.front());
         d.signatures.push_back(d.signatures.front());
         return bring(d);
       }},
      {"no signature at all",
       "old-threshold: version 3 needs signatures of 2 of the 3 sponsors of version 2; none signed",
       [&] { return bring(third(none, {})); }},
      {"mix and match: signatures of another text",
       "old-threshold: version 3 needs signatures of 2 of the 3 sponsors of version 2; lt signed; 1 signature(s) by "
       "their keys do not fit this text",
       [&] {
         SignedCharter d = third(none, {"lt"});
         const SignedCharter other = third([](Charter& c) { c.title = "Other"; }, {"ee"});
         d.signatures.push_back(other.signatures.front());
         return bring(d);
       }},
      {"mix and match: a signature under another key's name", "old-threshold:",
       [&] {
         SignedCharter d = third(none, {"lt", "ee"});
         std::swap(d.signatures[0].key, d.signatures[1].key);
         return bring(d);
       }},
      {"mix and match: another charter of the same sponsors",
       "mix-and-match: this is the charter \"nordic\", not \"baltic\"",
       [&] { return bring(third([](Charter& c) { c.id = "nordic"; })); }},
      {"mix and match: the successor of another version 2", "mix-and-match: version 3 follows another version 2",
       [&] { return bring(third([&](Charter& c) { c.previous = v1.charter.digest(); })); }},
      {"the new sponsors did not sign",
       "new-threshold: version 3 needs signatures of 3 of the 3 sponsors of version 3; ee, lt signed",
       [&] { return bring(third([](Charter& c) { c.threshold = 3; })); }},
      {"new keys that nobody showed to hold",
       "new-threshold: version 3 needs signatures of 2 of the 3 sponsors of version 3; ua signed; 1 by keys",
       [&] {
         return bring(third([&](Charter& c) { c.sponsors[0].keys = {CharterWorld::hex(mallory)}; }, {"ee", "ua"}));
       }},
      {"history: a member vanishes", "history: cert-lt vanished",
       [&] {
         return bring(third([](Charter& c) {
           c.members.erase("cert-lt");
           c.groups.clear();
         }));
       }},
      {"history: a group's past is rewritten", "history: who was in the group BALT before",
       [&] { return bring(third([](Charter& c) { c.groups["BALT"].versions[0].members.insert("mil-ua"); })); }},
      {"history: a group's past is dropped", "history: who was in the group BALT before",
       [&] { return bring(third([](Charter& c) { c.groups.clear(); })); }},
      {"history: a new group in the past", "history: the group FVEY is new and begins before",
       [&] {
         return bring(third([](Charter& c) {
           c.groups["FVEY"] = {.id = "0b1f1c9e-97a4-4a5f-8b7e-6a5a3a0c1d22",
                               .versions = {{.valid_from = at("2021-01-01T00:00:00Z"), .members = {"mil-ua"}}}};
         }));
       }},
      {"history: somebody is named as removed who never was there", "history: cert-xx is named as removed",
       [&] { return bring(third([](Charter& c) { c.removed["cert-xx"] = 3; })); }},
      {"admission: nobody invited", "admission: grid-lv is new and no sponsor invited it",
       [&] { return bring(admitted([](CharterMember& m) { m.invitation.reset(); })); }},
      {"admission: an invitation for another member", "admission: the invitation of grid-lv is for another member",
       [&] { return bring(admitted([](CharterMember& m) { m.invitation->member = "grid-ee"; })); }},
      {"admission: an invitation by nobody", "admission: who invited grid-lv is no sponsor",
       [&] { return bring(admitted([&](CharterMember& m) { m.invitation->key = CharterWorld::hex(mallory); })); }},
      {"admission: a forged invitation", "admission: the signature of the invitation of grid-lv does not fit",
       [&] { return bring(admitted([](CharterMember& m) { m.invitation->expires = at("2027-12-31T00:00:00Z"); })); }},
      {"admission: a higher role than it was invited to", "admission: the invitation of grid-lv is for another member",
       [&] {
         return bring(admitted([](CharterMember& m) { m.role = CharterMember::Role::kContributingParticipant; }));
       }},
      {"admission: without probation", "admission: grid-lv is new: it begins on probation",
       [&] { return bring(admitted([](CharterMember& m) { m.probation.reset(); })); }},
      {"proof: another one's key is listed", "proof: nothing shows that cert-ee holds the key",
       [&] { return bring(third([&](Charter& c) { c.members["cert-ee"].keys = {CharterWorld::hex(mallory)}; })); }},
      {"proof: another authority is pinned", "proof: nothing shows that cert-ee holds the key",
       [&] { return bring(third([&](Charter& c) { c.members["cert-ee"].ca_fingerprint = std::string(64, '0'); })); }},
      {"proof: a proof of another charter", "proof: nothing shows that grid-lv holds the key",
       [&] {
         return bring(admitted(
             [&](CharterMember& m) { m.proofs = {*prove_key("nordic", "grid-lv", m, w.member_keys["grid-lv"])}; }));
       }},
      {"pin: another first charter", "pin: the digest of this charter is",
       [&] { return trust_first(v1, v2.charter.digest(), w.now); }},
      {"first: signed by too few",
       "new-threshold: version 1 needs signatures of 2 of the 3 sponsors of version 1; ee signed",
       [&] { return trust_first(w.sign(v1.charter, {"ee"}), v1.charter.digest(), w.now); }},
      {"first: expired", "freeze: version 1 of the charter expired",
       [&] { return trust_first(v1, v1.charter.digest(), at("2028-01-01T00:00:00Z")); }},
  };
  const TrustedCharter before = trusted2;
  for (const auto& attack : attacks) {
    const auto outcome = attack.attempt();
    ASSERT_FALSE(outcome) << attack.name;
    EXPECT_TRUE(outcome.error().message.starts_with(attack.refusal)) << attack.name << ": " << outcome.error().message;
    EXPECT_TRUE(outcome.error().message.starts_with(outcome.error().where.field + ":")) << attack.name;
    EXPECT_EQ(trusted2, before) << attack.name;
  }
  // And what is none of them goes through.
  const auto good = bring(third(none));
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(good->charter().version, 3);
  EXPECT_EQ(*bring(v2), trusted2) << "the same version again changes nothing";
}

// The corpus of the fuzz program was made and signed by another program (Python's json and cryptography modules).
TEST(Charter, IsReadAndVerifiedAsAnotherImplementationSignedIt) {
  const auto file = [](std::string_view name) {
    std::ifstream in(source_dir() + "/src/policy/fuzz/charter_corpus/" + std::string(name));
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto document = parse_signed_charter(file("charter.json"));
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_EQ(count_sponsors(document->charter, *document).nations, (std::vector<std::string>{"ee", "lt"}));
  const auto trusted = trust_first(*document, document->charter.digest(), document->charter.issued);
  ASSERT_TRUE(trusted) << trusted.error().text();
  const auto application = CharterApplication::parse(file("application.json"));
  ASSERT_TRUE(application) << application.error().text();
  Charter draft = next_version(document->charter, document->charter.issued, document->charter.expires);
  draft.members.erase("grid-lv");
  const Probation probation{.until = draft.expires, .highest_tlp = stix::Tlp::kGreen, .highest_rank = 0};
  const auto admitted = admit_member(draft, *application, probation, 0, {});
  EXPECT_TRUE(admitted) << admitted.error().text();
}

TEST_F(CharterAttacks, AThresholdOfSponsorsCanReplaceStolenKeys) {
  // LT's key is stolen: EE and UA replace it, and LT's new key signs too (the new threshold could do without it).
  const crypto::SigningKey fresh = *crypto::make_signing_key();
  SignedCharter d = third([&](Charter& c) { c.sponsors[1].keys = {CharterWorld::hex(fresh)}; }, {"ee", "ua"});
  const auto replaced = bring(d);
  ASSERT_TRUE(replaced) << replaced.error().text();
  Charter fourth = w.next(d.charter);
  const auto stolen = advance(*replaced, w.sign(fourth, {"lt", "ee"}), now3 + std::chrono::hours{24});
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().where.field, "old-threshold");
}

TEST_F(CharterAttacks, ManyKeysOfOneSponsorCountOnce) {
  const crypto::SigningKey second = *crypto::make_signing_key();
  SignedCharter d = third([&](Charter& c) { c.sponsors[1].keys.push_back(CharterWorld::hex(second)); });
  const auto trusted = bring(d);
  ASSERT_TRUE(trusted) << trusted.error().text();
  SignedCharter e = w.sign(w.next(d.charter), {"lt"});
  ASSERT_TRUE(sign_charter(e, second));
  EXPECT_EQ(count_sponsors(d.charter, e).nations, std::vector<std::string>{"lt"});
  EXPECT_EQ(advance(*trusted, e, now3 + std::chrono::hours{24}).error().where.field, "old-threshold");
}

TEST_F(CharterAttacks, AVersionInBetweenMayHaveExpiredTheLastMayNot) {
  const SignedCharter expired = third([](Charter& c) { c.expires = at("2027-02-01T00:00:00Z"); });
  Charter fourth = w.next(expired.charter);
  fourth.expires = at("2029-01-01T00:00:00Z");
  const Instant later = at("2027-03-01T00:00:00Z");
  EXPECT_EQ(advance(trusted2, expired, later).error().where.field, "freeze");
  const auto both = advance(trusted2, std::vector{expired, w.sign(fourth, {"ee", "ua"})}, later);
  ASSERT_TRUE(both) << both.error().text();
  EXPECT_EQ(both->charter().version, 4);
}

TEST_F(CharterAttacks, TrustIsKeptAndLooksAtItsClock) {
  const auto kept = TrustedCharter::parse(trusted2.text());
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(*kept, trusted2);
  EXPECT_TRUE(kept->in_force(now3));
  EXPECT_EQ(kept->in_force(at("2028-01-01T00:00:00Z")).error().where.field, "freeze");
  EXPECT_EQ(kept->in_force(w.now - std::chrono::hours{1}).error().where.field, "clock");
  TrustedCharter later = *kept;
  later.saw(now3);
  EXPECT_EQ(later.in_force(now2).error().where.field, "clock");
  later.saw(now2);
  EXPECT_EQ(later.latest_seen, now3);
  // What was changed on disk is not trusted.
  std::string text = trusted2.text();
  text.replace(text.find("Second"), 6, "Third!");
  EXPECT_EQ(TrustedCharter::parse(text).error().code, ErrorCode::kCorrupt);
}

TEST_F(CharterAttacks, AdmissionGoesFromInvitationToProbationToMember) {
  const CharterApplication applied = w.application(c2, "grid-lv");
  ASSERT_EQ(*CharterApplication::parse(applied.text()), applied);
  Charter third = w.next(c2);
  ASSERT_TRUE(admit_member(third, applied, w.probation(third), 1, {"energy"}));
  const auto on_probation = bring(w.sign(third, {"ee", "ua"}));
  ASSERT_TRUE(on_probation) << on_probation.error().text();
  EXPECT_EQ(on_probation->charter().members.at("grid-lv").probation->highest_tlp, stix::Tlp::kGreen);
  EXPECT_EQ(admit_member(third, applied, w.probation(third), 1, {}).error().code, ErrorCode::kConflict);

  // The ceiling stays until its time is over.
  Charter early = w.next(third);
  early.members.at("grid-lv").probation.reset();
  EXPECT_EQ(advance(*on_probation, w.sign(early, {"ee", "ua"}), now3 + std::chrono::hours{24}).error().message,
            "admission: grid-lv is on probation until " + w.probation(third).until.text(0) +
                ": its ceiling stays until then");
  const Charter over = next_version(third, w.probation(third).until, third.expires);
  EXPECT_FALSE(over.members.at("grid-lv").probation);
  EXPECT_TRUE(advance(*on_probation, w.sign(over, {"ee", "ua"}), over.issued));

  // A candidate that does not hold the key it names.
  CharterApplication stolen = applied;
  stolen.keys = v1.charter.members.at("mil-ua").keys;
  Charter tried = w.next(c2);
  const Charter before = tried;
  EXPECT_EQ(admit_member(tried, stolen, w.probation(tried), 1, {}).error().where.field, "proof");
  EXPECT_EQ(tried, before);
}

TEST_F(CharterAttacks, AMemberChangesItsKeysByProvingTheNewOnes) {
  const crypto::SigningKey fresh = *crypto::make_signing_key();
  const CharterMember& was = c2.members.at("mil-ua");
  CharterApplication renewal{.charter = "baltic",
                             .member = "mil-ua",
                             .nation = "ua",
                             .title = "Renamed",
                             .kind = was.kind,
                             .role = was.role,
                             .ca_fingerprint = std::string(64, 'a'),
                             .keys = {},
                             .proofs = {},
                             .invitation = std::nullopt};
  const auto signed_renewal = apply_for_membership(renewal, fresh);
  ASSERT_TRUE(signed_renewal) << signed_renewal.error().text();
  Charter third = w.next(c2);
  ASSERT_TRUE(admit_member(third, *signed_renewal, w.probation(third), 0, {}));
  const CharterMember& is = third.members.at("mil-ua");
  EXPECT_EQ(is.keys, std::vector<std::string>{CharterWorld::hex(fresh)});
  EXPECT_EQ(is.clearance, was.clearance);
  EXPECT_FALSE(is.probation);
  EXPECT_TRUE(bring(w.sign(third, {"ee", "lt"})));
  // Nobody comes in by that door.
  renewal.member = "mil-lv";
  EXPECT_EQ(admit_member(third, *apply_for_membership(renewal, *crypto::make_signing_key()), w.probation(third), 0, {})
                .error()
                .message,
            "admission: mil-lv is new and no sponsor invited it");
}

TEST_F(CharterAttacks, ARemovedMemberStaysInThePastAndItsNameIsGone) {
  Charter third = w.next(c2);
  EXPECT_EQ(remove_member(third, "cert-xx").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(remove_member(third, "cert-lt"));
  const auto trusted = bring(w.sign(third, {"ee", "ua"}));
  ASSERT_TRUE(trusted) << trusted.error().text();
  EXPECT_EQ(trusted->charter().removed.at("cert-lt"), 3);
  EXPECT_TRUE(third.group_at("BALT", at("2026-01-01T00:00:00Z"))->contains("cert-lt"));
  EXPECT_FALSE(third.group_at("BALT", third.issued)->contains("cert-lt"));
  Charter again = w.next(third);
  again.removed.erase("cert-lt");
  again.members["cert-lt"] = c2.members.at("cert-lt");
  const auto back = advance(*trusted, w.sign(again, {"ee", "ua"}), now3 + std::chrono::hours{24});
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().where.field, "history");
}

}  // namespace
}  // namespace bongsu::policy
