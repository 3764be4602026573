#include "policy/agreement.h"

#include <gtest/gtest.h>

#include "policy/policy_test_support.h"

namespace bongsu::policy {
namespace {

constexpr std::string_view kGood = R"(partner     = "cert-ua"
collections = ["shared", "sightings"]
highest_tlp = "amber"
types       = ["indicator", "malware"]
valid_from  = 2026-11-21T00:00:00Z
valid_until = 2027-11-21T02:00:00+02:00
onward      = true
)";

std::string replaced(std::string_view line_start, std::string_view with) {
  std::string text(kGood);
  const std::size_t at = text.find(line_start);
  const std::size_t end = text.find('\n', at);
  return text.substr(0, at) + std::string(with) + text.substr(end);
}

TEST(Agreements, ReadEveryKey) {
  const auto a = parse_agreement(kGood, "a.toml");
  ASSERT_TRUE(a) << a.error().text();
  EXPECT_EQ(a->partner, "cert-ua");
  EXPECT_EQ(a->collections, (std::vector<std::string>{"shared", "sightings"}));
  EXPECT_EQ(a->highest_tlp, stix::Tlp::kAmber);
  EXPECT_EQ(a->types, (std::set<std::string>{"indicator", "malware"}));
  EXPECT_EQ(a->valid_from->text(0), "2026-11-21T00:00:00Z");
  EXPECT_EQ(a->valid_until.text(0), "2027-11-21T00:00:00Z");
  EXPECT_TRUE(a->onward);
}

TEST(Agreements, ErrorsNameSourceLineKeyAndRule) {
  const struct {
    std::string text;
    std::string expected;
  } kCases[] = {
      {replaced("partner", "partner = \"Not Good\""),
       "a.toml:1: partner: \"Not Good\" is not a member's name: lower-case letters, digits and -, at most 63"},
      {replaced("partner", "partner = 7"), "a.toml:1: partner: is a text in quotes"},
      {replaced("partner", ""), "a.toml: partner: is required in an agreement"},
      {replaced("collections", "collections = [\"*\"]"),
       "a.toml:2: collections: \"*\" is not a collection's alias or id (an agreement names each one; there is no "
       "wildcard)"},
      {replaced("collections", "collections = [\"a\", \"a\"]"), "a.toml:2: collections: \"a\" is named twice"},
      {replaced("collections", "collections = \"a\""), "a.toml:2: collections: is a list: [\"…\"]"},
      {replaced("collections", "collection = [\"a\"]"),
       "a.toml:2: collection: is not a key of an agreement; the nearest is \"collections\""},
      {replaced("highest_tlp", "highest_tlp = \"red\""),
       "a.toml:3: highest_tlp: cannot be \"red\": TLP:RED goes to named persons only, by a signed agreement "
       "(red_to_persons)"},
      {replaced("highest_tlp", "highest_tlp = \"white\""),
       "a.toml:3: highest_tlp: \"white\" is not one of clear, green, amber, amber+strict"},
      {replaced("highest_tlp", "highest_ltp = \"green\""),
       "a.toml:3: highest_ltp: is not a key of an agreement; the nearest is \"highest_tlp\""},
      {replaced("types", "types = [\"*\", \"indicator\"]"), "a.toml:4: types: \"*\" stands alone: it means every type"},
      {replaced("types", "types = [\"Indicator\"]"), "a.toml:4: types: \"Indicator\" is not a STIX type"},
      {replaced("types", "types = [\"indicator\", 3]"), "a.toml:4: types: holds texts in quotes only"},
      {replaced("valid_from", "valid_from = 2028-01-01T00:00:00Z"),
       "a.toml:6: valid_until: has to be later than valid_from"},
      {replaced("valid_until", "valid_until = 2027-11-21T00:00:00"),
       "a.toml:6: valid_until: needs its offset from UTC: write Z at its end"},
      {replaced("valid_until", "valid_until = \"2027-11-21T00:00:00Z\""),
       "a.toml:6: valid_until: is a date and time without quotes: 2027-11-21T00:00:00Z"},
      {replaced("valid_until", "valid_until = 2027-11-21"),
       "a.toml:6: valid_until: is a date and time without quotes: 2027-11-21T00:00:00Z"},
      {replaced("valid_until", ""), "a.toml: valid_until: is required in an agreement"},
      {replaced("onward", "onward = \"yes\""), "a.toml:7: onward: is true or false"},
      {replaced("onward", "passes_on = \"*\""), "a.toml:7: passes_on: is a list: [\"…\"]"},
      {replaced("onward", "passes_on = [\"Cert A\"]"),
       "a.toml:7: passes_on: \"Cert A\" is not a member's name: lower-case letters, digits and -, at most 63"},
      {replaced("onward", "passes_on = [\"*\", \"cert-a\"]"),
       "a.toml:7: passes_on: \"*\" stands alone: it means everybody"},
  };
  for (const auto& c : kCases) {
    const auto a = parse_agreement(c.text, "a.toml");
    ASSERT_FALSE(a) << c.text;
    EXPECT_EQ(a.error().text(), c.expected);
    EXPECT_EQ(a.error().code, ErrorCode::kInvalid);
  }
}

TEST(Agreements, BrokenTomlNamesItsLine) {
  const auto a = parse_agreement("partner = \"x\"\ncollections = [\n", "b.toml");
  ASSERT_FALSE(a);
  EXPECT_GE(a.error().where.line, 2U);
  EXPECT_FALSE(parse_agreement("partner = \"a\"\npartner = \"b\"\n", "b.toml"));
  EXPECT_EQ(parse_agreement(std::string(kMaxAgreementBytes + 1, '#'), "b.toml").error().code, ErrorCode::kTooLarge);
  EXPECT_FALSE(parse_agreement(std::string(20'000, '['), "b.toml"));
}

TEST(Agreements, OtherThanAsciiStandsInCommentsOnly) {
  EXPECT_TRUE(parse_agreement(replaced("onward", "onward = true  # f\xc3\xbcr sp\xc3\xa4ter"), "a"));
  EXPECT_FALSE(parse_agreement(replaced("partner", "partner = \"cert-\xc3\xbc\""), "a"));
  const auto key = parse_agreement(replaced("onward", "part\xef\xb3\xbf = true"), "a");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().where.line, 7U);
}

TEST(Agreements, EmptyListsStayEmpty) {
  const auto a = parse_agreement(replaced("types", "types = []"), "a.toml");
  ASSERT_TRUE(a) << a.error().text();
  EXPECT_TRUE(a->types.empty());
  EXPECT_NE(explain(*a).find("No type of object may flow"), std::string::npos);
  const auto b = parse_agreement(replaced("collections", "collections = []"), "a.toml");
  ASSERT_TRUE(b) << b.error().text();
  EXPECT_NE(explain(*b).find("Nothing flows to cert-ua"), std::string::npos);
}

TEST(Agreements, TomlReadsBack) {
  SeededRandom random(3);
  for (int i = 0; i < 2'000; ++i) {
    Agreement a = test::random_agreement(random, "cert-a");
    if (i % 2 == 0) a.purposes = {Purpose::kExercise};
    if (i % 3 == 0) a.purposes.insert(Purpose::kCrisis);
    if (i % 50 == 0) a.purposes.clear();
    const auto back = parse_agreement(to_toml(a), "x");
    ASSERT_TRUE(back) << to_toml(a) << back.error().text();
    EXPECT_EQ(*back, a);
  }
}

TEST(Agreements, TermsLeaveOutThePartnerAndTheOrderOfCollections) {
  Agreement a = *parse_agreement(kGood, "a");
  Agreement b = a;
  b.partner = "cert-lt";
  std::ranges::reverse(b.collections);
  EXPECT_EQ(a.terms(), b.terms());
  b.onward = false;
  EXPECT_NE(a.terms(), b.terms());
}

TEST(Agreements, ExplainSaysEveryClauseInWords) {
  EXPECT_EQ(
      explain(*parse_agreement(kGood, "a")),
      "cert-ua may read the collections shared, sightings.\n"
      "Only objects of these types may flow: indicator, malware; marking definitions travel with what they mark.\n"
      "Nothing above TLP:AMBER may flow.\n"
      "What third members gave us may flow on to cert-ua.\n"
      "What cert-ua gave us is passed on to nobody.\n"
      "It begins at 2026-11-21T00:00:00Z.\n"
      "It ends at 2027-11-21T00:00:00Z; after that nothing flows.\n");
  const auto passing = [](std::string_view to) {
    return explain(*parse_agreement(std::string(kGood) + "passes_on = " + std::string(to) + "\n", "a"));
  };
  EXPECT_NE(
      passing("[\"cert-lt\", \"cert-ee\"]").find("What cert-ua gave us may be passed on to cert-ee and cert-lt.\n"),
      std::string::npos);
  EXPECT_NE(passing("[\"*\"]").find("What cert-ua gave us may be passed on to any member, up to TLP:GREEN.\n"),
            std::string::npos);
  EXPECT_NE(passing("[]").find("What cert-ua gave us is passed on to nobody.\n"), std::string::npos);
  Agreement drill = *parse_agreement(std::string(kGood) + "purposes = [\"operations\", \"exercise\"]\n", "a");
  EXPECT_EQ(drill.purposes, (std::set{Purpose::kOperations, Purpose::kExercise}));
  EXPECT_NE(explain(drill).find("It is for operations and exercise.\n"), std::string::npos);
  EXPECT_EQ(parse_agreement(std::string(kGood) + "purposes = [\"war\"]\n", "a").error().message,
            "\"war\" is not one of operations, exercise, crisis");
}

}  // namespace
}  // namespace bongsu::policy
