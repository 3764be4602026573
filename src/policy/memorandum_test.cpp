#include "policy/memorandum.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "policy/charter_state.h"
#include "policy/charter_test_support.h"
#include "policy/compiled_policy.h"

namespace bongsu::policy {
namespace {

using test::at;
using test::CharterWorld;

constexpr std::string_view kText = R"(agreement   = "6f6d2c1e-97a4-4a5f-8b7e-6a5a3a0c1d22"
version     = 1
title       = "Energy"
charter     = "baltic"
parties     = ["cert-lt", "mil-ua"]
valid_from  = 2027-01-01T00:00:00Z
valid_until = 2027-12-01T00:00:00Z
notice_days = 90

[[permit]]
from        = ["cert-lt"]
to          = ["mil-ua"]
collections = ["shared"]
types       = ["*"]
highest_tlp = "amber"
highest_class = "restricted"
sectors     = ["energy"]
purposes    = ["operations", "crisis"]
passes_on   = ["cert-ee"]
widens      = true
tlp1_amber  = "amber"
personal_data_days = 30

[[permit]]
from        = ["mil-ua"]
to          = ["cert-lt"]
collections = ["sightings"]
types       = ["sighting", "indicator"]
highest_tlp = "green"

[[deny]]
from        = ["cert-lt"]
types       = ["malware"]
)";

std::string replaced(std::string_view from, std::string_view to, std::string_view in = kText) {
  std::string text(in);
  const std::size_t found = text.find(from);
  EXPECT_NE(found, std::string::npos) << from;
  return text.replace(found, from.size(), to);
}

struct Signed : CharterWorld {
  Charter charter = first();
  SignedMemorandum both(std::string_view toml = kText) const {
    SignedMemorandum out = *unsigned_memorandum(toml, "m.toml");
    for (const auto& party : out.terms.parties) EXPECT_TRUE(sign_memorandum(out, party, member_keys.at(party)));
    return out;
  }
  TrustedCharter trusted() const { return {.document = sign(charter, {"ee", "lt"}), .latest_seen = issued}; }
};

TEST(Memoranda, ReadBackWhatTheyWrite) {
  const auto m = parse_memorandum(kText, "m.toml");
  ASSERT_TRUE(m) << m.error().text();
  const auto again = parse_memorandum(to_toml(*m), "again");
  ASSERT_TRUE(again) << again.error().text() << to_toml(*m);
  EXPECT_EQ(*again, *m);
  EXPECT_TRUE(is_memorandum(kText));
  EXPECT_FALSE(is_memorandum("partner = \"cert-ua\"\n"));
  const Signed w;
  const SignedMemorandum document = w.both();
  EXPECT_EQ(*parse_signed_memorandum(document.text(), "m.json"), document);
}

TEST(Memoranda, ErrorsNameSourceLinePathAndRule) {
  const struct {
    std::string_view from, to, message;
  } kCases[] = {
      {"\"6f6d2c1e-", "\"6F6D2C1E-", "m.toml:1: agreement: is a UUID in lower case"},
      {"version     = 1", "version     = 2",
       "m.toml: previous: is the SHA-256 of the version before: in every version but the first"},
      {"parties     = [\"cert-lt\", \"mil-ua\"]", "parties     = [\"cert-lt\"]", "m.toml:5: parties: are at least two"},
      {"2027-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "m.toml:7: valid_until: has to be later than valid_from"},
      {"2027-12-01T00:00:00Z", "2027-12-01T00:00:00",
       "m.toml:7: valid_until: needs its offset from UTC: write Z at its end"},
      {"notice_days = 90", "notice_days = -1", "m.toml:8: notice_days: is a whole number from 0 to 36500"},
      {"to          = [\"mil-ua\"]", "to          = [\"cert-ee\"]",
       "m.toml:12: permit[0].to: \"cert-ee\" is not among the parties"},
      {"to          = [\"mil-ua\"]", "to          = []", "m.toml:12: permit[0].to: names at least one party"},
      {"collections = [\"shared\"]", "collections = [\"*\"]",
       "m.toml:13: permit[0].collections: \"*\" is not a collection's alias or id (an agreement names each one; there "
       "is no wildcard)"},
      {"highest_tlp = \"amber\"", "highest_tlp = \"red\"",
       "m.toml:15: permit[0].highest_tlp: cannot be \"red\": TLP:RED goes to named persons only (red_to_persons)"},
      {"widens      = true", "widen       = true",
       "m.toml:20: permit[0].widen: is not known here: a signed document holds nothing that its reader skips"},
      {"types       = [\"malware\"]", "types       = [\"*\"]", "m.toml:33: deny[0].types: \"*\" is not a STIX type"},
      {"\"operations\", \"crisis\"", "\"war\"",
       "m.toml:18: permit[0].purposes: \"war\" is not one of operations, exercise, crisis"},
  };
  for (const auto& c : kCases) {
    const auto read = parse_memorandum(replaced(c.from, c.to), "m.toml");
    ASSERT_FALSE(read) << c.message;
    EXPECT_EQ(read.error().text(), c.message);
  }
}

TEST(Memoranda, AreReadableByALawyer) {
  EXPECT_EQ(explain(*parse_memorandum(kText, "m")),
            R"(Agreement 6f6d2c1e-97a4-4a5f-8b7e-6a5a3a0c1d22, version 1

"Energy", under the charter baltic.
Its parties are cert-lt and mil-ua.
It is valid from 2027-01-01T00:00:00Z until 2027-12-01T00:00:00Z.
Any party may end it by a notice of 90 days.

1. cert-lt may give mil-ua objects of every type from the collection shared, up to TLP:AMBER and classified at most restricted, for the purposes of operations and crisis. Only what concerns the sector energy. Nothing of a special category. What third members gave is not included. The receiver may pass it on to cert-ee. The receiver may widen to whom it may be released, in the giver's name. TLP 1's AMBER of the giver means AMBER. Sightings do not say who saw it: those that other nodes made do not flow. TLP:RED is not given. Personal data is erased after 30 days.

2. mil-ua may give cert-lt objects of type indicator or sighting from the collection sightings, up to TLP:GREEN and not classified, for the purpose of operations. Nothing of a special category. What third members gave is not included. The receiver passes nothing of it on. Only the giver may widen to whom it may be released. TLP 1's AMBER of the giver counts as AMBER+STRICT. Sightings do not say who saw it: those that other nodes made do not flow. TLP:RED is not given.

3. Whatever is permitted above, cert-lt shall not give objects of type malware.

What no clause permits does not flow; what one clause forbids does not flow, whatever others permit.
)");
}

TEST(Memoranda, DifferClauseByClause) {
  const auto before = *parse_memorandum(kText, "m");
  const auto after = *parse_memorandum(replaced("types       = [\"malware\"]", "types       = [\"malware\", \"tool\"]",
                                                replaced("notice_days = 90", "notice_days = 30")),
                                       "m");
  EXPECT_EQ(differences(before, before), std::vector<std::string>{});
  EXPECT_EQ(differences(before, after),
            (std::vector<std::string>{
                "- Any party may end it by a notice of 90 days.",
                "- Whatever is permitted above, cert-lt shall not give objects of type malware.",
                "+ Any party may end it by a notice of 30 days.",
                "+ Whatever is permitted above, cert-lt shall not give objects of type malware or tool."}));
}

TEST(Memoranda, AreInForceOnlySignedByEveryPartyWithACharterKey) {
  Signed w;
  const SignedMemorandum both = w.both();
  EXPECT_TRUE(verify_memorandum(both, w.charter));
  const auto refused = [&](const SignedMemorandum& document, const Charter& charter) {
    return verify_memorandum(document, charter).error().message;
  };
  SignedMemorandum one = *unsigned_memorandum(kText, "m");
  EXPECT_EQ(refused(one, w.charter),
            "signature: cert-lt did not sign this text with a key that the charter lists for it");
  ASSERT_TRUE(sign_memorandum(one, "cert-lt", w.member_keys["cert-lt"]));
  EXPECT_EQ(refused(one, w.charter),
            "signature: mil-ua did not sign this text with a key that the charter lists for it");
  SignedMemorandum forged = one;
  ASSERT_TRUE(sign_memorandum(forged, "mil-ua", w.member_keys["cert-lt"]));  // in its name, with another key
  EXPECT_EQ(refused(forged, w.charter),
            "signature: mil-ua did not sign this text with a key that the charter lists for it");
  SignedMemorandum changed = both;
  changed.toml = replaced("highest_tlp = \"amber\"", "highest_tlp = \"green\"");
  EXPECT_EQ(refused(changed, w.charter),
            "signature: cert-lt did not sign this text with a key that the charter lists for it");
  Charter other = w.charter;
  other.id = "nordic";
  EXPECT_EQ(refused(both, other), "mix-and-match: the agreement is under the charter \"baltic\", not \"nordic\"");
  Charter without = w.next(w.charter);
  ASSERT_TRUE(remove_member(without, "mil-ua"));
  EXPECT_EQ(refused(both, without), "party: mil-ua was removed by version 2 of the charter");
  Charter rekeyed = w.charter;
  rekeyed.members["mil-ua"].keys = {CharterWorld::hex(*crypto::make_signing_key())};
  EXPECT_EQ(refused(both, rekeyed),
            "signature: mil-ua did not sign this text with a key that the charter lists for it");
  EXPECT_EQ(sign_memorandum(one, "cert-ee", w.member_keys["cert-ee"]).error().message,
            "\"cert-ee\" is not a party to this agreement");
  // Signed apart, put together.
  SignedMemorandum two = *unsigned_memorandum(kText, "m");
  ASSERT_TRUE(sign_memorandum(two, "mil-ua", w.member_keys["mil-ua"]));
  EXPECT_EQ(*merge_memoranda(one, two), both);
  EXPECT_TRUE(merge_memoranda(one, changed).error().message.starts_with("mix and match"));
}

TEST(Memoranda, VersionsGoUpOneByOneAndNoticesEndThem) {
  Signed w;
  const SignedMemorandum first = w.both();
  const auto version = [&](int number, const std::string& previous, std::string_view title = "Energy") {
    return w.both(replaced("version     = 1", fmt::format("version     = {}\nprevious    = \"{}\"", number, previous),
                           replaced("\"Energy\"", fmt::format("\"{}\"", title))));
  };
  const SignedMemorandum second = version(2, first.digest());
  const auto next = advance_memorandum(first, second, w.charter);
  ASSERT_TRUE(next) << next.error().text();
  const struct {
    SignedMemorandum document;
    std::string_view refusal;
  } kCases[] = {
      {first, "roll-back"},
      {version(2, first.digest(), "Another"), "equivocation"},
      {version(4, second.digest()), "gap"},
      {version(3, first.digest()), "mix-and-match"},
      {w.both(replaced("6f6d2c1e", "7f6d2c1e")), "mix-and-match"},
  };
  for (const auto& c : kCases) {
    const auto refused = advance_memorandum(*next, c.document, w.charter);
    ASSERT_FALSE(refused) << c.refusal;
    EXPECT_EQ(refused.error().where.field, c.refusal);
  }
  // Notice: after the days that were agreed, not earlier.
  SignedMemorandum ended = second;
  ASSERT_TRUE(give_notice(ended, "mil-ua", at("2027-03-01T12:00:00Z"), w.member_keys["mil-ua"]));
  EXPECT_TRUE(verify_memorandum(ended, w.charter));
  EXPECT_EQ(end_of(ended).text(0), "2027-05-30T12:00:00Z");
  EXPECT_EQ(end_of(*advance_memorandum(*next, ended, w.charter)).text(0), "2027-05-30T12:00:00Z");
  SignedMemorandum early = ended;
  early.notices[0].ends = early.notices[0].given;
  EXPECT_EQ(verify_memorandum(early, w.charter).error().where.field, "notice");
}

ObjectFacts object_of(const std::string& type, stix::Tlp tlp) {
  ObjectFacts out{
      .object_id = type + "--x", .type = type, .collection = "shared", .origin = "cert-lt", .label = bottom()};
  out.label.tlp = tlp;
  return out;
}

TEST(Trust, UnderACharterOnlySignedAgreementsCount) {
  Signed w;
  PolicyState state;
  state.self = "cert-lt";
  state.members = {{"mil-ua", {}}, {"cert-xx", {}}};
  Agreement local;
  local.partner = "cert-xx";
  local.collections = {"shared"};
  local.types = {"*"};
  local.valid_until = at("2030-01-01T00:00:00Z");
  state.agreements = {{"cert-xx", local}};
  const std::vector<SignedMemorandum> signed_ones = {w.both()};
  apply_trust(state, w.trusted(), signed_ones, w.now);
  EXPECT_EQ(state.charter_version, 1u);
  EXPECT_FALSE(state.members.contains("cert-xx")) << "paired, but no member by the charter";
  EXPECT_FALSE(state.agreements.contains("cert-xx"));
  EXPECT_EQ(state.members.at("mil-ua").nation, "ua");
  EXPECT_EQ(state.members.at("mil-ua").kind, Authority::kMilitary);
  EXPECT_EQ(state.own.role, Role::kSponsoringNation);
  ASSERT_TRUE(state.agreements.contains("mil-ua"));
  EXPECT_EQ(state.agreements.at("mil-ua").direction, Direction::kToPartner);
  EXPECT_TRUE(state.further.empty());
  // What cert-lt gave, mil-ua may pass on to cert-ee; mil-ua lets nothing of its own be passed on.
  EXPECT_EQ(state.agreements.at("mil-ua").passes_on, std::set<MemberId>{});
  PolicyState other;
  other.self = "mil-ua";
  apply_trust(other, w.trusted(), signed_ones, w.now);
  EXPECT_EQ(other.agreements.at("cert-lt").collections, std::vector<std::string>{"sightings"});
  EXPECT_EQ(other.agreements.at("cert-lt").passes_on, std::set<MemberId>{"cert-ee"});
  EXPECT_TRUE(other.agreements.at("cert-lt").tlp1_amber_is_amber);
  EXPECT_TRUE(other.agreements.at("cert-lt").widens);
  EXPECT_EQ(other.agreements.at("cert-lt").personal_data_days, 30);
  apply_trust(other, w.trusted(), signed_ones, at("2027-12-01T00:00:00Z"));
  EXPECT_EQ(other.agreements.at("cert-lt").passes_on, std::set<MemberId>{}) << "consent ends with the agreement";

  // What is for crises alone consents while one lasts, and to nothing else.
  const std::vector<SignedMemorandum> for_crises = {
      w.both(replaced(R"(purposes    = ["operations", "crisis"])", R"(purposes    = ["crisis"])"))};
  for (const bool crisis : {true, false}) {
    apply_trust(other, w.trusted(), for_crises, w.now, crisis);
    const Agreement& with = other.agreements.at("cert-lt");
    EXPECT_EQ(with.passes_on, crisis ? std::set<MemberId>{"cert-ee"} : std::set<MemberId>{});
    EXPECT_EQ(with.widens, crisis);
    EXPECT_EQ(with.tlp1_amber_is_amber, crisis);
    EXPECT_EQ(with.personal_data_days, 30) << "what was given is erased all the same";
  }

  SignedMemorandum one = *unsigned_memorandum(kText, "m");
  ASSERT_TRUE(sign_memorandum(one, "cert-lt", w.member_keys["cert-lt"]));
  apply_trust(state, w.trusted(), std::vector{one}, w.now);
  EXPECT_TRUE(state.agreements.at("mil-ua").collections.empty()) << "one party's signature is not enough to permit";

  // Neither after the charter's end nor while the clock is behind what was seen.
  apply_trust(state, w.trusted(), signed_ones, at("2028-01-01T00:00:00Z"));
  EXPECT_TRUE(state.agreements.empty());
  apply_trust(state, w.trusted(), signed_ones, w.issued - std::chrono::hours{1});
  EXPECT_TRUE(state.agreements.empty());
}

TEST(Trust, DenyClausesOverridePermits) {
  Signed w;
  PolicyState state;
  state.self = "cert-lt";
  apply_trust(state, w.trusted(), std::vector{w.both()}, w.now);
  const auto why = [&](const ObjectFacts& facts) {
    return decide(facts, "mil-ua", Purpose::kOperations, state, w.now).reasons;
  };
  EXPECT_EQ(std::ranges::count(why(object_of("malware", stix::Tlp::kClear)), Reason::kDenyClause), 1);
  EXPECT_EQ(std::ranges::count(why(object_of("indicator", stix::Tlp::kClear)), Reason::kDenyClause), 0);
  EXPECT_EQ(decide(object_of("malware", stix::Tlp::kClear), "mil-ua", Purpose::kOperations, state, w.now).verdict,
            Verdict::kWithhold);

  // The engine for many decisions says the same, for each purpose.
  const CompiledPolicy compiled(state);
  for (std::uint32_t m = 0; m < compiled.members().size(); ++m)
    for (const char* type : {"malware", "indicator"})
      for (const Purpose purpose : {Purpose::kOperations, Purpose::kExercise, Purpose::kCrisis}) {
        const ObjectFacts facts = object_of(type, stix::Tlp::kClear);
        EXPECT_EQ(reasons_of(compiled.decide(compiled.compile(facts), m, purpose, w.now)),
                  decide(facts, compiled.members()[m], purpose, state, w.now).reasons)
            << type << " to " << compiled.members()[m];
      }

  // Each attribute, and all of them together: what is not named matches anything.
  ObjectFacts secret = object_of("tool", stix::Tlp::kAmber);
  secret.label.rank = ClassRank::kSecret;
  secret.label.categories = {"SIGINT"};
  const auto denial = [](auto change) {
    Denial d;
    change(d);
    return d;
  };
  const struct {
    Denial denial;
    bool tool, plain;  // `secret`, and a clear indicator
  } kCases[] = {
      {Denial{}, true, true},
      {denial([](Denial& d) { d.types = {"tool"}; }), true, false},
      {denial([](Denial& d) { d.types = std::set<std::string>{}; }), false, false},
      {denial([](Denial& d) { d.collections = {"other"}; }), false, false},
      {denial([](Denial& d) { d.purposes = {Purpose::kExercise}; }), false, false},
      {denial([](Denial& d) { d.categories = {"SIGINT", "HUMINT"}; }), true, false},
      {denial([](Denial& d) { d.tlp_from = stix::Tlp::kAmber; }), true, false},
      {denial([](Denial& d) { d.class_from = ClassRank::kConfidential; }), true, false},
      {denial([](Denial& d) { d.class_from = ClassRank::kTopSecret; }), false, false},
      {denial([](Denial& d) { d.types = {"tool"}, d.tlp_from = stix::Tlp::kAmberStrict; }), false, false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(matches(c.denial, secret, Purpose::kOperations), c.tool);
    EXPECT_EQ(matches(c.denial, object_of("indicator", stix::Tlp::kClear), Purpose::kOperations), c.plain);
  }
}

// A key that changes, or a party that leaves, must not open what was denied.
TEST(Trust, WhatAnAgreementDeniesStaysDeniedWhenItNoLongerVerifies) {
  Signed w;
  const std::string denying =
      replaced(R"([[permit]]
from        = ["cert-lt"])",
               R"([[permit]]
from        = ["cert-ee"])",
               replaced(R"(parties     = ["cert-lt", "mil-ua"])", R"(parties     = ["cert-ee", "cert-lt", "mil-ua"])"));
  const std::string permitting =
      replaced("6f6d2c1e", "7f6d2c1e",
               replaced("sectors     = [\"energy\"]\n", "", kText.substr(0, kText.find("[[deny]]"))));
  const std::vector<SignedMemorandum> both = {w.both(denying), w.both(permitting)};
  PolicyState state;
  state.self = "cert-lt";
  const auto verdict = [&](const char* type, Instant now) {
    apply_trust(state, w.trusted(), both, now);
    return decide(object_of(type, stix::Tlp::kClear), "mil-ua", Purpose::kOperations, state, now).verdict;
  };
  ASSERT_EQ(verdict("malware", w.now), Verdict::kWithhold);
  ASSERT_EQ(verdict("indicator", w.now), Verdict::kRelease);

  // A third party of the agreement that denies gets another key: its signature does not count any more.
  const std::string old_key = w.charter.members["cert-ee"].keys.front();
  w.charter.members["cert-ee"] =
      w.member("cert-ee", "ee", CharterMember::Kind::kCivil, CharterMember::Role::kSponsoringNation);
  ASSERT_NE(w.charter.members["cert-ee"].keys.front(), old_key);
  ASSERT_FALSE(verify_memorandum(both[0], w.charter));
  EXPECT_EQ(verdict("malware", w.now), Verdict::kWithhold);
  EXPECT_EQ(verdict("indicator", w.now), Verdict::kRelease) << "what the other one permits flows on";
  // It is removed altogether.
  w.charter.members.erase("cert-ee");
  w.charter.groups.clear();
  EXPECT_EQ(verdict("malware", w.now), Verdict::kWithhold);
  // It ends as it was agreed to: then both do.
  EXPECT_EQ(verdict("indicator", at("2027-12-01T00:00:00Z")), Verdict::kWithhold);
  // Alone, it permits nothing.
  apply_trust(state, w.trusted(), std::vector{both[0]}, w.now);
  EXPECT_EQ(decide(object_of("indicator", stix::Tlp::kClear), "mil-ua", Purpose::kOperations, state, w.now).verdict,
            Verdict::kWithhold);
}

TEST(Memoranda, SignaturesOfStrangersAreKeptByNoWayIn) {
  Signed w;
  const SignedMemorandum clean = w.both();
  SignedMemorandum first = clean;
  const crypto::SigningKey stranger = *crypto::make_signing_key();
  ASSERT_TRUE(sign_memorandum(first, "mil-ua", stranger));  // in a party's name, by a key that it has not
  first.signatures.push_back(first.signatures.front());
  first.signatures.back().signature.signature = std::string(128, '0');
  ASSERT_GT(first.signatures.size(), clean.signatures.size());
  ASSERT_TRUE(verify_memorandum(first, w.charter));
  EXPECT_EQ(with_proven_signatures(first, w.charter), clean);
  EXPECT_EQ(advance_memorandum(clean, first, w.charter)->signatures, clean.signatures);
  SignedMemorandum second =
      w.both(replaced("version     = 1", fmt::format("version     = 2\nprevious    = \"{}\"", clean.digest())));
  const SignedMemorandum wanted = second;
  ASSERT_TRUE(sign_memorandum(second, "cert-lt", stranger));
  EXPECT_EQ(*advance_memorandum(clean, second, w.charter), wanted);
}

// R8: only the originator, or whom an agreement names as its delegate, widens.
TEST(Trust, R8OnlyTheOriginatorOrItsDelegateWidens) {
  Signed w;
  const std::vector<SignedMemorandum> all = {w.both()};
  EXPECT_TRUE(may_widen(all, w.charter, "cert-lt", "cert-lt", w.now));
  EXPECT_TRUE(may_widen(all, w.charter, "cert-lt", "mil-ua", w.now));
  EXPECT_FALSE(may_widen(all, w.charter, "mil-ua", "cert-lt", w.now)) << "the other way was not agreed";
  EXPECT_FALSE(may_widen(all, w.charter, "cert-lt", "cert-ee", w.now));
  EXPECT_FALSE(may_widen(all, w.charter, "cert-lt", "mil-ua", at("2027-12-01T00:00:00Z"))) << "ended";
  SignedMemorandum one = *unsigned_memorandum(kText, "m");
  ASSERT_TRUE(sign_memorandum(one, "mil-ua", w.member_keys["mil-ua"]));
  EXPECT_FALSE(may_widen(std::vector{one}, w.charter, "cert-lt", "mil-ua", w.now)) << "the delegate alone says so";
  EXPECT_FALSE(may_widen({}, w.charter, "cert-xx", "cert-xx", w.now)) << "no member";
}

// V7: from its removal on, a member gets nothing.
TEST(Trust, V7ARemovedMemberGetsNothingFromThatVersionOn) {
  Signed w;
  PolicyState state;
  state.self = "cert-lt";
  state.members = {{"mil-ua", {}}};
  const std::vector<SignedMemorandum> all = {
      w.both(replaced("highest_class = \"restricted\"\nsectors     = [\"energy\"]\n", ""))};
  apply_trust(state, w.trusted(), all, w.now);
  const ObjectFacts facts = object_of("indicator", stix::Tlp::kGreen);
  EXPECT_EQ(decide(facts, "mil-ua", Purpose::kOperations, state, w.now).verdict, Verdict::kRelease);
  EXPECT_EQ(may_read("shared", "mil-ua", state, w.now).verdict, Verdict::kRelease);

  Charter second = w.next(w.charter);
  ASSERT_TRUE(remove_member(second, "mil-ua"));
  const auto trusted = advance(w.trusted(), w.sign(second, {"ee", "lt"}), second.issued);
  ASSERT_TRUE(trusted) << trusted.error().text();
  state.members["mil-ua"] = {};  // it is still paired
  apply_trust(state, *trusted, all, second.issued);
  EXPECT_EQ(state.charter_version, 2u);
  const Decision after = decide(facts, "mil-ua", Purpose::kOperations, state, second.issued);
  EXPECT_EQ(after.verdict, Verdict::kWithhold);
  EXPECT_EQ(after.reasons.front(), Reason::kUnknownMember);
  EXPECT_EQ(may_read("shared", "mil-ua", state, second.issued).verdict, Verdict::kWithhold);
}

// R7: a group has the version that a label names, and the present one.
TEST(Trust, R7GroupsGoIntoTheStateWithAllTheirVersions) {
  Signed w;
  w.charter.groups["BALT"].versions.push_back(
      {.valid_from = at("2027-06-01T00:00:00Z"), .members = {"cert-ee", "cert-lt", "mil-ua"}});
  PolicyState state;
  state.self = "cert-lt";
  apply_trust(state, w.trusted(), {}, w.now);
  const std::string id = w.charter.groups["BALT"].id;
  const Group now = state.groups.at(id);
  EXPECT_EQ(now.name, "BALT");
  EXPECT_EQ(now.versions.size(), 2u);
  EXPECT_EQ(now.current, group_version(id, 1, {"cert-ee", "cert-lt"}));
  apply_trust(state, w.trusted(), {}, at("2027-06-01T00:00:00Z"));
  EXPECT_EQ(state.groups.at(id).current, group_version(id, 2, {"cert-ee", "cert-lt", "mil-ua"}));
  EXPECT_TRUE(state.groups.at(id).versions.contains(now.current)) << "what was marked then is still read by it";
  EXPECT_EQ(state.equivalences.at({"se", Authority::kMilitary}).levels.at("HEMLIG/SECRET"), ClassRank::kSecret);
}

TEST(Trust, ProbationIsACeilingUntilItsDay) {
  Signed w;
  w.charter.members["mil-ua"].probation =
      Probation{.until = at("2027-04-01T00:00:00Z"), .highest_tlp = stix::Tlp::kGreen, .highest_rank = 0};
  PolicyState state;
  state.self = "cert-lt";
  apply_trust(state, w.trusted(), {}, w.now);
  ASSERT_TRUE(state.members.at("mil-ua").ceiling);
  EXPECT_EQ(state.members.at("mil-ua").ceiling->tlp, stix::Tlp::kGreen);
  apply_trust(state, w.trusted(), {}, at("2027-04-01T00:00:00Z"));
  EXPECT_FALSE(state.members.at("mil-ua").ceiling);
}

}  // namespace
}  // namespace bongsu::policy
