#include "policy/charter.h"

#include <gtest/gtest.h>

#include <functional>

#include "policy/charter_test_support.h"
#include "policy/charter_trust.h"

namespace bongsu::policy {
namespace {

using test::at;
using test::CharterWorld;

std::string edited(const SignedCharter& document, std::string_view from, std::string_view to) {
  std::string text = document.text();
  const std::size_t found = text.find(from);
  EXPECT_NE(found, std::string::npos) << from;
  return text.replace(found, from.size(), to);
}

TEST(Charter, ReadsBackWhatItWrote) {
  CharterWorld w;
  const SignedCharter document = w.sign(w.first(), {"lt", "ee"});
  const auto read = parse_signed_charter(document.text());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, document);
  EXPECT_EQ(read->charter.digest(), document.charter.digest());
  EXPECT_EQ(read->charter.text(), *to_canonical_text(document.charter.json()));
}

TEST(Charter, IsReadStrictly) {
  CharterWorld w;
  const SignedCharter document = w.sign(w.first(), {"lt", "ee"});
  const struct {
    std::string_view from, to, message;
  } kCases[] = {
      {"\"type\": \"bongsu-charter\"", "\"type\": \"agreement\"", "type: is \"bongsu-charter\""},
      {"\"format\": 1", "\"format\": 2", "format: is 2: this program reads format 1 only"},
      {"\"threshold\": 2", "\"threshold\": 0", "threshold: is a whole number from 1 to 64"},
      {"\"threshold\": 2", "\"threshold\": 4", "threshold: is at most the number of sponsors, 3"},
      {"\"threshold\": 2", "\"threshold\": 2, \"comment\": \"\"",
       "comment: is not known here: a signed document holds nothing that its reader skips"},
      {"\"version\": 1", "\"version\": 1.0", "version: is a whole number from 1 to 1000000"},
      {"\"version\": 1", "\"version\": 2", "previous: is the SHA-256 of the version before; empty in version 1 only"},
      {"2028-01-01T00:00:00Z", "2028-01-01T00:00:00.0Z",
       "expires: is a time in UTC to the second: 2027-01-01T00:00:00Z"},
      {"2028-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "expires: is later than issued"},
      {"\"nation\": \"ee\"", "\"nation\": \"lt\"",
       "sponsors[1].nation: stands here twice or out of order: a sponsor is one, whatever keys it has"},
      {"\"member\": \"cert-ee\"", "\"member\": \"cert-lu\"",
       "members[1].member: is out of order: the list is in the order of its names"},
      {"\"member\": \"cert-ee\"", "\"member\": \"cert-lt\"", "members[1].member: stands here twice"},
      {"\"clearance\": \"confidential\"", "\"clearance\": \"cosmic\"",
       "members[0].clearance: is one of unclassified, restricted, confidential, secret, top-secret"},
      {"\"kind\": \"civil\"", "\"kind\": \"admin\"", "members[0].kind: is one of civil, military, operator"},
      {"\"communities\": [\n          \"energy\"", "\"communities\": [\n          \"water\"",
       "members.cert-ee.communities: \"water\" is not among the charter's communities"},
      {"\"removed\": []", "\"removed\": [{\"member\": \"cert-lt\", \"version\": 2}]",
       "members.cert-lt: was removed: the name of a former member is never given again"},
      {"\"cert-ee\",\n              \"cert-lt\"", "\"cert-lt\",\n              \"cert-ee\"",
       "groups[0].versions[0].members: is a set: in the order of its names"},
      {"\"cert-ee\",\n              \"cert-lt\"", "\"cert-ee\",\n              \"cert-xx\"",
       "groups.BALT: \"cert-xx\" is not a member and never was"},
      {"HEMLIG/SECRET", "HEMLIG/RESTRICTED",
       "equivalences[3].marking: is out of order or named twice: rows stand in the order of nation, kind, marking"},
  };
  for (const auto& c : kCases) {
    const auto read = parse_signed_charter(edited(document, c.from, c.to));
    ASSERT_FALSE(read) << c.message;
    EXPECT_EQ(read.error().text(), c.message);
  }
  // A key has one holder.
  Charter shared = w.first();
  shared.members["cert-lt"].keys = shared.members["cert-ee"].keys;
  const auto refused = Charter::parse(shared.json());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("is cert-ee's too: a key has one holder"), std::string::npos)
      << refused.error().text();
}

TEST(Charter, EndlessDataIsRefusedBeforeItIsRead) {
  const auto read = parse_signed_charter(std::string(kMaxCharterBytes + 1, ' '));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(read.error().message.starts_with("endless data")) << read.error().message;
  CharterWorld w;
  SignedCharter many = w.sign(w.first(), {"lt"});
  many.signatures.resize(kMaxCharterSignatures + 1, many.signatures.front());
  EXPECT_EQ(parse_signed_charter(many.text()).error().code, ErrorCode::kTooLarge);
  const auto trusted = trust_first(w.sign(w.first(), {"lt", "ee"}), "", w.now);
  EXPECT_FALSE(trusted);
  const std::vector<SignedCharter> chain(kMaxCharterChain + 1, many);
  const auto far = advance(TrustedCharter{.document = many, .latest_seen = w.now}, chain, w.now);
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().where.field, "endless-data");
}

TEST(Charter, SignaturesAreCollectedApartAndPutTogether) {
  CharterWorld w;
  const Charter charter = w.first();
  const SignedCharter a = w.sign(charter, {"lt"}), b = w.sign(charter, {"ee"});
  const auto merged = merge_signatures(a, b);
  ASSERT_TRUE(merged);
  EXPECT_EQ(*merged, w.sign(charter, {"lt", "ee"}));
  EXPECT_EQ(*merge_signatures(*merged, a), *merged);
  Charter other = charter;
  other.title = "Another";
  const auto mixed = merge_signatures(a, w.sign(other, {"ee"}));
  ASSERT_FALSE(mixed);
  EXPECT_TRUE(mixed.error().message.starts_with("mix and match")) << mixed.error().message;
  SignedCharter moved = a;
  moved.signatures = w.sign(other, {"lt"}).signatures;
  EXPECT_EQ(merge_signatures(a, moved).error().message,
            "the signature by the key " + moved.signatures.front().key.substr(0, 12) + "… does not fit");
}

// R5: "community" is an explicit set.
TEST(Charter, R5CommunitiesAreExplicitSets) {
  CharterWorld w;
  const Charter c = w.first();
  EXPECT_EQ(c.community("energy"), (std::set<MemberId>{"cert-ee", "cert-lt", "mil-ua"}));
  EXPECT_EQ(c.community("finance"), std::set<MemberId>{});  // nobody, not everybody
  EXPECT_EQ(c.community("water"), std::set<MemberId>{});
  EXPECT_EQ(c.community(""), std::set<MemberId>{});
}

// R6: equivalence is of a nation and a kind of authority; a round trip never lowers.
TEST(Charter, R6EquivalencePerNationAndAuthorityNeverLowersOnTheWayBack) {
  CharterWorld w;
  Charter c = w.first();
  using Kind = CharterMember::Kind;
  EXPECT_EQ(c.rank_of("se", Kind::kMilitary, "HEMLIG/SECRET"), 3);
  EXPECT_EQ(c.rank_of("se", Kind::kCivil, "HEMLIG"), 3);
  EXPECT_EQ(c.rank_of("se", Kind::kCivil, "HEMLIG/SECRET"), std::nullopt);  // the other authorities' row
  EXPECT_EQ(c.rank_of("no", Kind::kCivil, "HEMMELIG"), std::nullopt);   // no row, and none is taken from a neighbour
  EXPECT_EQ(c.marking_for("se", Kind::kMilitary, 2), "HEMLIG/SECRET");  // not lower, if not equal
  EXPECT_EQ(c.marking_for("se", Kind::kMilitary, 4), std::nullopt);
  EXPECT_EQ(c.marking_for("be", Kind::kCivil, 1),
            "CONFIDENTIEL");  // Belgium has no national RESTRICTED: protected higher
  SeededRandom random(6);
  for (int i = 0; i < 2000; ++i) {
    c.equivalences.clear();
    for (int k = 0; k < 6; ++k)
      c.equivalences[{k % 2 == 0 ? "aa" : "bb", static_cast<Kind>(random.below(3)),
                      std::string(1, static_cast<char>('a' + random.below(4)))}] =
          static_cast<std::uint8_t>(random.below(5));
    for (const auto& [row, rank] : c.equivalences)
      for (const char* other : {"aa", "bb"})
        for (const Kind kind : {Kind::kCivil, Kind::kMilitary, Kind::kOperator}) {
          const auto there = c.marking_for(other, kind, rank);
          if (!there) continue;
          const std::uint8_t arrived = *c.rank_of(other, kind, *there);
          EXPECT_GE(arrived, rank);
          if (const auto back = c.marking_for(row.nation, row.kind, arrived)) {
            EXPECT_GE(*c.rank_of(row.nation, row.kind, *back), rank);
          }
        }
  }
}

// R7: who was in the group then.
TEST(Charter, R7GroupsKeepWhoWasInThemThen) {
  CharterWorld w;
  Charter c = w.first();
  c.groups["BALT"].versions.push_back(
      {.valid_from = at("2027-06-01T00:00:00Z"), .members = {"cert-ee", "cert-lt", "mil-ua"}});
  ASSERT_TRUE(Charter::parse(c.json()));
  EXPECT_EQ(c.group_at("BALT", at("2019-12-31T23:59:59Z")), nullptr);
  EXPECT_FALSE(c.group_at("BALT", at("2027-05-31T23:59:59Z"))->contains("mil-ua"));
  EXPECT_TRUE(c.group_at("BALT", at("2027-06-01T00:00:00Z"))->contains("mil-ua"));
  EXPECT_EQ(c.group_at("NATO", w.now), nullptr);
}

}  // namespace
}  // namespace bongsu::policy
