#include "policy/label.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "policy/policy_test_support.h"
#include "stix/validate.h"

namespace bongsu::policy {
namespace {

using stix::Tlp;

constexpr std::string_view kRed2 = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
constexpr std::string_view kGreen2 = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
constexpr std::string_view kClear2 = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
constexpr std::string_view kAmber2 = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
constexpr std::string_view kWhite1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9";
constexpr std::string_view kAmber1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";
constexpr std::string_view kCustom = "marking-definition--4a0042fe-8b88-40fe-9600-dfa128ce6fbd";
constexpr std::string_view kOther = "marking-definition--5b0042fe-8b88-40fe-9600-dfa128ce6fbe";

std::string indicator(std::string_view more) {
  return R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
         R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"n","labels":["a","b"],)"
         R"("pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z")" +
         std::string(more) + "}";
}

std::string refs(std::initializer_list<std::string_view> ids) {
  std::string out = R"(,"object_marking_refs":[)";
  for (const auto id : ids) out += (out.back() == '[' ? "\"" : ",\"") + std::string(id) + '"';
  return out + ']';
}

std::string granular(std::string_view id, std::string_view selector) {
  return R"({"marking_ref":")" + std::string(id) + R"(","selectors":[")" + std::string(selector) + R"("]})";
}

class Labels : public testing::Test {
 protected:
  void define(std::string_view id, std::string_view body) {
    const auto parsed =
        parse_json(R"({"type":"marking-definition","spec_version":"2.1","created":"2026-01-01T00:00:00.000Z")" +
                   std::string(body) + "}");
    ASSERT_TRUE(parsed) << parsed.error().text();
    known_[std::string(id)] = *parsed;
  }
  Label label(const std::string& text, Tlp fallback = Tlp::kAmberStrict) {
    const auto object = stix::Object::parse(text);
    EXPECT_TRUE(object) << object.error().text() << "\n" << text;
    if (!object) return {};
    return label_of(
        *object,
        [this](const stix::Id& id) -> const Json* {
          const auto found = known_.find(id.text());
          return found == known_.end() ? nullptr : &found->second;
        },
        fallback);
  }
  std::map<std::string, Json> known_;
};

TEST_F(Labels, DanglingMarkingDenies) { EXPECT_TRUE(label(indicator(refs({kCustom}))).unknown); }

TEST_F(Labels, DanglingMarkingDeniesBesideAnUnderstoodOne) {
  const Label l = label(indicator(refs({kClear2, kCustom})));
  EXPECT_TRUE(l.unknown);
  EXPECT_EQ(l.tlp, Tlp::kClear);
}

TEST_F(Labels, MarkingDefinitionOfAnotherTypeDenies) {
  define(kCustom, R"(,"definition_type":"iep","definition":{"iep":"x"})");
  EXPECT_TRUE(label(indicator(refs({kGreen2, kCustom}))).unknown);
}

TEST_F(Labels, SecondTlpDefinitionUnderAnotherIdDenies) {
  define(kCustom, R"(,"definition_type":"tlp","definition":{"tlp":"white"})");
  EXPECT_TRUE(label(indicator(refs({kCustom}))).unknown);
}

TEST_F(Labels, UnknownExtensionDeniesEvenBesideAStatement) {
  define(
      kCustom,
      R"(,"definition_type":"statement","definition":{"statement":"Copyright"},)"
      R"("extensions":{"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce":{"extension_type":"property-extension"}})");
  EXPECT_TRUE(label(indicator(refs({kGreen2, kCustom}))).unknown);
}

TEST_F(Labels, DefinitionWithoutAnyContentDenies) {
  define(kCustom, "");
  EXPECT_TRUE(label(indicator(refs({kGreen2, kCustom}))).unknown);
  define(kCustom, R"(,"extensions":{})");
  EXPECT_TRUE(label(indicator(refs({kGreen2, kCustom}))).unknown);
}

TEST_F(Labels, StatementMarkingIsNeutral) {
  define(kCustom, R"(,"definition_type":"statement","definition":{"statement":"Copyright 2026"})");
  const Label l = label(indicator(refs({kGreen2, kCustom})));
  EXPECT_EQ(l, (Label{.tlp = Tlp::kGreen, .marked = true}));
}

TEST_F(Labels, FallbackStandsInOnlyWhenNoTlpMarkingIsThere) {
  EXPECT_EQ(label(indicator(""), Tlp::kAmber), (Label{.tlp = Tlp::kAmber}));
  EXPECT_EQ(label(indicator(refs({kClear2})), Tlp::kAmber), (Label{.tlp = Tlp::kClear, .marked = true}));
  define(kCustom, R"(,"definition_type":"statement","definition":{"statement":"x"})");
  EXPECT_EQ(label(indicator(refs({kCustom})), Tlp::kRed), (Label{.tlp = Tlp::kRed}));
}

TEST_F(Labels, EveryMarkingHasToBeSatisfiedNotAnyOfThem) {
  define(kCustom, R"(,"extensions":{"extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31":)"
                  R"({"extension_type":"property-extension","members":["cert-a","cert-b"]}})");
  define(kOther, R"(,"extensions":{"extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31":)"
                 R"({"extension_type":"property-extension","members":["cert-b","cert-c"]}})");
  const Label l = label(indicator(refs({kGreen2, kCustom, kOther})));
  EXPECT_EQ(l.releasable_to, (std::set<MemberId>{"cert-b"}));
}

TEST_F(Labels, TwoTlpMarkingsAreJoined) {
  EXPECT_EQ(label(indicator(refs({kGreen2, kAmber2}))).tlp, Tlp::kAmber);
  EXPECT_EQ(label(indicator(refs({kAmber2, kGreen2}))).tlp, Tlp::kAmber);
  EXPECT_EQ(label(indicator(refs({kWhite1, kRed2}))).tlp, Tlp::kRed);
}

TEST_F(Labels, Tlp1WhiteIsClearAndTlp1AmberIsAmberStrict) {
  EXPECT_EQ(label(indicator(refs({kWhite1}))), (Label{.tlp = Tlp::kClear, .marked = true}));
  EXPECT_EQ(label(indicator(refs({kAmber1}))), (Label{.tlp = Tlp::kAmberStrict, .marked = true}));
  EXPECT_EQ(label(indicator(refs({kAmber2}))), (Label{.tlp = Tlp::kAmber, .marked = true}));
}

TEST_F(Labels, EmptyReleasableToListIsNobodyNotEverybody) {
  define(kCustom, R"(,"extensions":{"extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31":)"
                  R"({"extension_type":"property-extension","members":[]}})");
  const Label l = label(indicator(refs({kClear2, kCustom})));
  ASSERT_TRUE(l.releasable_to);
  EXPECT_TRUE(l.releasable_to->empty());
  EXPECT_FALSE(l.unknown);
}

TEST_F(Labels, ReleasableToListThatCannotBeReadDenies) {
  for (const char* body : {R"({"extension_type":"property-extension"})", R"({"members":"cert-a"})",
                           R"({"members":[1]})", R"({"members":["Not A Member"]})", R"({"members":["*"]})", R"([])"}) {
    define(kCustom,
           std::string(R"(,"extensions":{"extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31":)") + body + "}");
    EXPECT_TRUE(label(indicator(refs({kClear2, kCustom}))).unknown) << body;
  }
}

TEST_F(Labels, GranularMarkingStricterThanTheObjectIsJoinedAndItsSelectorsKept) {
  const Label l = label(indicator(refs({kGreen2}) + R"(,"granular_markings":[)" + granular(kRed2, "labels.[1]") + "," +
                                  granular(kClear2, "name") + "]"));
  EXPECT_EQ(l.tlp, Tlp::kRed);
  EXPECT_EQ(l.redact, (std::set<std::string>{"labels.[1]"}));
  EXPECT_TRUE(l.marked);
}

TEST_F(Labels, GranularTlpDoesNotStandInForTheObjectsOwn) {
  const Label l = label(indicator(R"(,"granular_markings":[)" + granular(kClear2, "name") + "]"), Tlp::kAmber);
  EXPECT_EQ(l.tlp, Tlp::kAmber);
  EXPECT_FALSE(l.marked);
  EXPECT_TRUE(l.redact.empty());
}

TEST_F(Labels, GranularMarkingThatIsUnknownDenies) {
  const Label l = label(indicator(refs({kGreen2}) + R"(,"granular_markings":[)" + granular(kCustom, "name") + "]"));
  EXPECT_TRUE(l.unknown);
  EXPECT_EQ(l.redact, (std::set<std::string>{"name"}));
}

TEST_F(Labels, SelectorThatSelectsNothingDenies) {
  for (const char* selector : {"description", "labels.[7]", "labels.x", "name.[0]", "labels..", ""})
    EXPECT_TRUE(
        label(indicator(refs({kGreen2}) + R"(,"granular_markings":[)" + granular(kAmber2, selector) + "]")).unknown)
        << selector;
}

TEST_F(Labels, LanguageOnlyGranularMarkingMarksNothing) {
  const Label l = label(indicator(refs({kGreen2}) + R"(,"granular_markings":[{"lang":"de","selectors":["name"]}])"));
  EXPECT_EQ(l, (Label{.tlp = Tlp::kGreen, .marked = true}));
}

TEST_F(Labels, OurReleasableToMarkingReadsBackAndIsDeterministic) {
  const Instant created{1'795'000'000, 0};
  const std::string text = make_releasable_to_marking({"cert-b", "cert-a"}, "cert-self", created);
  EXPECT_EQ(text, make_releasable_to_marking({"cert-a", "cert-b"}, "cert-self", created));
  EXPECT_NE(text, make_releasable_to_marking({"cert-a"}, "cert-self", created));
  const auto object = stix::Object::parse(text);
  ASSERT_TRUE(object) << object.error().text();
  EXPECT_EQ(object->id().uuid.version(), 5);
  known_[object->id_text()] = object->json();
  EXPECT_EQ(label(indicator(refs({kGreen2, object->id_text()}))).releasable_to,
            (std::set<MemberId>{"cert-a", "cert-b"}));
  // The definition itself goes to those whom it names and to nobody else.
  EXPECT_EQ(label(text), (Label{.tlp = Tlp::kClear, .releasable_to = std::set<MemberId>{"cert-a", "cert-b"}}));
}

TEST_F(Labels, StatementDefinitionItselfHasTheFallback) {
  const Label l = label(
      R"({"type":"marking-definition","spec_version":"2.1","id":")" + std::string(kCustom) +
          R"(","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"x"}})",
      Tlp::kAmber);
  EXPECT_EQ(l, (Label{.tlp = Tlp::kAmber}));
}

TEST(Schemas, ThePublishedExtensionDefinitionIsTheOneInUse) {
  std::ifstream file(BONGSU_SOURCE_DIR "/docs/schemas/releasable-to.extension-definition.json");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto bundle = parse_json(text);
  ASSERT_TRUE(bundle) << bundle.error().text();
  bool found = false;
  for (const Json& json : find(*bundle, "objects")->as_array()) {
    const auto object = stix::Object::parse(to_text(json));
    ASSERT_TRUE(object) << object.error().text();
    EXPECT_TRUE(stix::validate(*object).empty()) << object->id_text();
    found = found || object->id_text() == kReleasableToExtension;
  }
  EXPECT_TRUE(found);
  const auto marking = stix::Object::parse(make_releasable_to_marking({"cert-a"}, "cert-b", Instant{1'795'219'200, 0}));
  EXPECT_FALSE(stix::has_errors(stix::validate(*marking)));
}

TEST(Label, TextReadsBackAndHasOneFormForEachValue) {
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Label label = test::random_label(random);
    const auto back = Label::parse(label.text());
    ASSERT_TRUE(back) << label.text() << ": " << back.error().text();
    EXPECT_EQ(*back, label);
    EXPECT_EQ(label.text().find('\n'), std::string::npos);
  }
  EXPECT_EQ((Label{.tlp = Tlp::kAmberStrict,
                   .releasable_to = std::set<MemberId>{},
                   .unknown = true,
                   .marked = true,
                   .redact = {"a b"},
                   .reveals = {"cert-x"}})
                .text(),
            "amber+strict marked to: unknown redact:a%20b reveals:cert-x");
}

TEST(Label, TextThatIsNotALabelIsRefused) {
  for (const char* text : {"",
                           " ",
                           "white",
                           "TLP:RED",
                           "green ",
                           " green",
                           "green  marked",
                           "green marked marked",
                           "green unknown marked",
                           "green to:b,a",
                           "green to:a,a",
                           "green to:,",
                           "green to:A",
                           "green to:*",
                           "green redact:",
                           "green redact:a%2",
                           "green redact:a%20%",
                           "green redact:%61",
                           "green redact:a b",
                           "green redact:%GG",
                           "green redact:%AA",
                           "green reveals:",
                           "green reveals:a, b",
                           "green to",
                           "green markedx",
                           "green\nmarked"})
    EXPECT_FALSE(Label::parse(text)) << text;
  EXPECT_EQ(Label::parse(std::string(kMaxLabelText + 1, 'a')).error().code, ErrorCode::kTooLarge);
}

TEST(Label, JoinIsCommutativeAssociativeIdempotentAndAnUpperBound) {
  SeededRandom random(11);
  for (int i = 0; i < 20'000; ++i) {
    const Label a = test::random_label(random), b = test::random_label(random), c = test::random_label(random);
    EXPECT_EQ(join(a, b), join(b, a));
    EXPECT_EQ(join(join(a, b), c), join(a, join(b, c)));
    EXPECT_EQ(join(a, a), a);
    EXPECT_TRUE(at_most(a, join(a, b)));
    EXPECT_TRUE(at_most(a, deny_all()) || !a.reveals.empty());
    if (at_most(a, b)) {  // least: what is joined with something stricter is that
      Label joined = join(a, b);
      joined.marked = b.marked;
      joined.redact = b.redact;
      EXPECT_EQ(joined, b);
    }
  }
}

}  // namespace
}  // namespace bongsu::policy
