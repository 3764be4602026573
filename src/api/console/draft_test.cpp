#include "api/console/draft.h"

#include <gtest/gtest.h>

#include "stix/validate.h"

namespace bongsu::api::console {
namespace {

const ConsoleNode kNode{
    .self = "cert-lt", .title = "CERT Lithuania", .identity_id = "identity--c0ffee00-1111-4111-8111-111111111111"};
const Instant kNow{1'767'225'600, 123'456'789};

std::vector<PastedValue> pasted(std::string_view text, std::optional<detect::Kind> kind = std::nullopt) {
  auto out = read_pasted(text, kind);
  EXPECT_TRUE(out) << out.error().text();
  return out ? std::move(*out) : std::vector<PastedValue>();
}

TEST(Pasted, ValuesAreRefangedGuessedAndTakenApart) {
  const auto values = pasted(
      "hxxp://Evil[.]example/a\n\n# a remark\n203.0.113[.]7, 198.51.100.0/24\t44D88612FEA8A8F36DE82E1278ABB02F\r\n");
  ASSERT_EQ(values.size(), 4u);
  EXPECT_EQ(values[0].value->kind, detect::Kind::kUrl);
  EXPECT_EQ(values[0].value->text, "http://evil.example/a");
  EXPECT_EQ(values[0].raw, "hxxp://Evil[.]example/a");
  EXPECT_EQ(values[1].pattern, "[ipv4-addr:value = '203.0.113.7']");
  EXPECT_EQ(values[2].pattern, "[ipv4-addr:value ISSUBSET '198.51.100.0/24']");
  EXPECT_EQ(values[3].value->kind, detect::Kind::kMd5);
  EXPECT_EQ(values[3].pattern, "[file:hashes.MD5 = '44d88612fea8a8f36de82e1278abb02f']");
}

TEST(Pasted, WhatIsNoValueSaysWhyAndTheRestIsTaken) {
  const auto values = pasted("what is 203.0.113.7");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_FALSE(values[0].value);
  EXPECT_FALSE(values[0].error.empty());
  EXPECT_TRUE(values[2].value);
}

TEST(Pasted, TheSameValueTwiceIsMarkedWhateverItsWriting) {
  const auto values = pasted("evil.example\nEVIL[.]example");
  ASSERT_EQ(values.size(), 2u);
  EXPECT_FALSE(values[0].repeated);
  EXPECT_TRUE(values[1].repeated);
}

TEST(Pasted, AKindChosenByHandWins) {
  const auto values = pasted("evil.example", detect::Kind::kFileName);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].pattern, "[file:name = 'evil.example']");
}

TEST(Pasted, ARegistryKeyKeepsItsBackslashes) {
  const auto values = pasted(R"(HKEY_LOCAL_MACHINE\Software\.NETFramework)", detect::Kind::kRegistryKey);
  ASSERT_EQ(values.size(), 1u);
  ASSERT_TRUE(values[0].value) << values[0].error;
  EXPECT_NE(values[0].value->text.find("\\."), std::string::npos) << values[0].value->text;
}

TEST(Pasted, MoreThanTheLimitIsRefused) {
  std::string text;
  for (std::size_t i = 0; i <= kConsoleMaxValues; ++i) text += "a" + std::to_string(i) + ".example\n";
  const auto out = read_pasted(text, std::nullopt);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::kTooLarge);
}

Result<Draft> draft_of(std::string_view json) { return parse_draft(*parse_json(json)); }

TEST(Drafts, BrokenOnesNameTheField) {
  const std::pair<const char*, const char*> table[] = {
      {R"({})", "values"},
      {R"({"values":[]})", "values"},
      {R"({"values":[1]})", "values[0]"},
      {R"({"values":[{"kind":"nonsense","text":"a"}]})", "values[0].kind"},
      {R"({"values":[{"kind":"ipv4-addr","text":"300.1.1.1"}]})", "values[0].text"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}]})", "collection"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c"})", "tlp"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"pink"})", "tlp"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"red","releasable_to":"x"})",
       "releasable_to"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"red","confidence":101})",
       "confidence"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"red","valid_until":"soon"})",
       "valid_until"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"red","indicator_types":[1]})",
       "indicator_types"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"red","together":1})", "together"},
      {R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"red","name":7})", "name"},
  };
  for (const auto& [json, field] : table) {
    const auto draft = draft_of(json);
    ASSERT_FALSE(draft) << json;
    EXPECT_EQ(draft.error().where.field, field) << json;
  }
  EXPECT_FALSE(parse_draft(Json(1)));
}

TEST(Drafts, AnEmptyReleasableToListIsNobodyAndNullIsNotRestricted) {
  const std::string head = R"({"values":[{"kind":"ipv4-addr","text":"1.2.3.4"}],"collection":"c","tlp":"green")";
  EXPECT_FALSE(draft_of(head + "}")->releasable_to);
  EXPECT_FALSE(draft_of(head + R"(,"releasable_to":null})")->releasable_to);
  ASSERT_TRUE(draft_of(head + R"(,"releasable_to":[]})")->releasable_to);
  EXPECT_TRUE(draft_of(head + R"(,"releasable_to":[]})")->releasable_to->empty());
}

TEST(Composing, EveryPublishableKindMakesAValidIndicatorThatThisNodeMatchesItself) {
  SeededRandom random(3);
  const std::pair<detect::Kind, const char*> table[] = {
      {detect::Kind::kIpv4, "203.0.113.7"},
      {detect::Kind::kIpv4, "203.0.113.0/24"},
      {detect::Kind::kIpv6, "2001:db8::1"},
      {detect::Kind::kIpv6, "2001:db8::/32"},
      {detect::Kind::kDomain, "evil.example"},
      {detect::Kind::kUrl, "http://evil.example/it's"},
      {detect::Kind::kEmail, "a@evil.example"},
      {detect::Kind::kMd5, "44d88612fea8a8f36de82e1278abb02f"},
      {detect::Kind::kSha1, "3395856ce81f2b7382dee72602f798b642f14140"},
      {detect::Kind::kSha256, "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"},
      {detect::Kind::kMac, "02:00:5e:10:00:01"},
      {detect::Kind::kFileName, "evil's.exe"},
      {detect::Kind::kRegistryKey, "HKEY_LOCAL_MACHINE\\Software\\Evil"},
      {detect::Kind::kMutex, "Global\\evil"},
      {detect::Kind::kUserAgent, "Evil/1.0 (x)"}};
  for (const auto& [kind, text] : table) {
    const auto value = detect::normalise(kind, text);
    ASSERT_TRUE(value) << text << ": " << value.error().text();
    const auto composed = compose({.values = {*value}, .collection = "c", .tlp = stix::Tlp::kAmber, .confidence = 80},
                                  kNode, "", kNow, random);
    ASSERT_TRUE(composed) << text << ": " << composed.error().text();
    const auto findings = stix::validate(composed->indicators[0]);
    EXPECT_FALSE(stix::has_errors(findings)) << composed->indicators[0].bytes();
    EXPECT_EQ(composed->label.tlp, stix::Tlp::kAmber);
    EXPECT_FALSE(composed->label.unknown);
  }
}

TEST(Composing, ValuesGoTogetherOrApart) {
  SeededRandom random(3);
  Draft draft{.values = {{detect::Kind::kDomain, "a.example"}, {detect::Kind::kIpv4, "203.0.113.7"}},
              .name = "Sandfly",
              .collection = "c"};
  auto apart = compose(draft, kNode, "", kNow, random);
  ASSERT_TRUE(apart);
  ASSERT_EQ(apart->indicators.size(), 2u);
  EXPECT_NE(apart->indicators[0].id(), apart->indicators[1].id());
  EXPECT_EQ(apart->indicators[0].id().uuid.version(), 4);
  EXPECT_EQ(string_at(apart->indicators[0].json(), "name"), "Sandfly: a.example");
  draft.together = true;
  auto together = compose(draft, kNode, "", kNow, random);
  ASSERT_TRUE(together);
  ASSERT_EQ(together->indicators.size(), 1u);
  EXPECT_EQ(string_at(together->indicators[0].json(), "pattern"),
            "[domain-name:value = 'a.example' OR ipv4-addr:value = '203.0.113.7']");
}

TEST(Composing, NamedRecipientsBecomeAMarkingThatGoesFirstAndTheLabelHasThem) {
  SeededRandom random(3);
  const auto composed = compose({.values = {{detect::Kind::kDomain, "a.example"}},
                                 .collection = "c",
                                 .tlp = stix::Tlp::kGreen,
                                 .releasable_to = {{"cert-ua"}}},
                                kNode, "", kNow, random);
  ASSERT_TRUE(composed) << composed.error().text();
  ASSERT_EQ(composed->markings.size(), 1u);
  EXPECT_EQ(composed->markings[0].type(), "marking-definition");
  EXPECT_EQ(composed->indicators[0].object_markings().size(), 2u);
  EXPECT_FALSE(composed->label.unknown);
  EXPECT_EQ(composed->label.releasable_to, std::set<std::string>{"cert-ua"});
}

TEST(Composing, KindsWithoutAPlaceInStixAreRefusedInWords) {
  SeededRandom random(3);
  const auto composed =
      compose({.values = {{detect::Kind::kJa3, "e7d705a3286e19ea42f587b344ee6865"}}, .collection = "c"}, kNode, "",
              kNow, random);
  ASSERT_FALSE(composed);
  EXPECT_EQ(composed.error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(
      compose({.values = {{detect::Kind::kDomain, "a.example"}}, .valid_until = kNow}, kNode, "", kNow, random));
}

TEST(Composing, InAnExerciseIndicatorsHoldWhateverTheDrillsClockSays) {
  SeededRandom random(3);
  Draft draft{.values = {{detect::Kind::kDomain, "a.example"}}, .collection = "c", .tlp = stix::Tlp::kAmber};
  const std::string drill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  const auto composed = compose(draft, kNode, drill, kNow, random);
  ASSERT_TRUE(composed) << composed.error().text();
  EXPECT_EQ(composed->label.exercises, std::set<std::string>{drill});
  EXPECT_FALSE(stix::has_errors(stix::validate(composed->indicators[0])));
  const auto compiled = detect::compile(composed->indicators[0]);
  ASSERT_TRUE(compiled) << compiled.error().text();
  ASSERT_TRUE(compiled->valid_from);
  EXPECT_LT(*compiled->valid_from, *Instant::parse("2021-01-01T00:00:00Z")) << "drills replay old attacks, too";
  EXPECT_FALSE(compiled->valid_until);
  draft.valid_until = Instant{kNow.seconds + 86'400, 0};
  const auto ends = compose(draft, kNode, drill, kNow, random);
  ASSERT_FALSE(ends) << "an end by this node's clock would lie before a drill that plays later";
  EXPECT_EQ(ends.error().where.field, "valid_until");
  EXPECT_EQ(*detect::compile(compose(draft, kNode, "", kNow, random)->indicators[0])->valid_from,
            *Instant::parse(kNow.text(3)))
      << "a live one holds from now";
}

TEST(Revoking, MakesALaterVersionEvenWhenTheClockWentBackAndKeepsTheRest) {
  SeededRandom random(3);
  const auto composed =
      compose({.values = {{detect::Kind::kDomain, "a.example"}}, .collection = "c"}, kNode, "", kNow, random);
  const stix::Object& before = composed->indicators[0];
  const auto after = revoke(before, Instant{kNow.seconds - 3'600, 0});
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_TRUE(after->revoked());
  EXPECT_GT(*after->modified(), *before.modified());
  EXPECT_EQ(after->id(), before.id());
  EXPECT_EQ(after->object_markings(), before.object_markings());
  EXPECT_FALSE(stix::has_errors(stix::validate(*after)));
  EXPECT_EQ(revoke(*after, kNow).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace bongsu::api::console
