#include "policy/label.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "base/places_test_support.h"
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
  EXPECT_EQ(label(indicator(refs({kAmber1}))), (Label{.tlp = Tlp::kAmberStrict, .marked = true, .tlp1_amber = true}));
  EXPECT_FALSE(
      label(indicator(refs({kAmber1, "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"}))).tlp1_amber);
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

// Whoever may not see what it marks would learn from it that the compartment exists, who issued it and when.
TEST_F(Labels, D9_ADefinitionGoesToThoseAloneWhoMaySeeWhatItMarks) {
  const auto definition = [&](const Label& says) {
    return label(make_label_marking(says, "cert-self", Instant{1'767'225'600, 0}).value(), Tlp::kAmberStrict);
  };
  const std::vector<Label> all = {{.tlp = Tlp::kClear, .rank = ClassRank::kSecret},
                                  {.tlp = Tlp::kClear, .national = {{"se", Authority::kMilitary, "HEMLIG/SECRET"}}},
                                  {.tlp = Tlp::kClear, .categories = {"CRYPTO-X"}},
                                  {.tlp = Tlp::kClear, .caveats = {"EYES"}},
                                  {.tlp = Tlp::kClear, .originator_controlled = true},
                                  {.tlp = Tlp::kClear, .persons = std::set<std::string>{"cert-a/olena"}}};
  for (const Label& says : all) EXPECT_EQ(definition(says), says) << says.text();
  // Of itself these say nothing about recipients: they are for the collection's readers.
  EXPECT_EQ(definition({.tlp = Tlp::kClear, .pap = stix::Pap::kRed}), (Label{.tlp = Tlp::kAmberStrict}));
  EXPECT_EQ(definition({.tlp = Tlp::kClear, .expires = Instant{1'800'000'000, 0}}), (Label{.tlp = Tlp::kAmberStrict}));
  const std::set<std::string> drill{"0e0e1b3c-520d-4a7d-9a3e-8e415bd27710"};
  EXPECT_EQ(definition({.tlp = Tlp::kClear, .exercises = drill}),
            (Label{.tlp = Tlp::kAmberStrict, .exercises = drill}));
  // And what is not understood marks what nobody gets.
  EXPECT_TRUE(label(R"({"type":"marking-definition","spec_version":"2.1","id":")" + std::string(kCustom) +
                    R"(","created":"2026-01-01T00:00:00.000Z","extensions":{"extension-definition--)"
                    R"(3a65884d-005a-4290-8335-cb2d778a83ce":{"extension_type":"property-extension"}}})")
                  .unknown);
}

TEST_F(Labels, StatementDefinitionItselfHasTheFallback) {
  const Label l = label(
      R"({"type":"marking-definition","spec_version":"2.1","id":")" + std::string(kCustom) +
          R"(","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"x"}})",
      Tlp::kAmber);
  EXPECT_EQ(l, (Label{.tlp = Tlp::kAmber}));
}

TEST_F(Labels, PapMarkingsSayWhatMayBeDoneNotWhoMayHaveIt) {
  constexpr std::string_view kPapAmber = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab";
  constexpr std::string_view kPapWhite = "marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730";
  EXPECT_EQ(label(indicator(refs({kGreen2, kPapAmber, kPapWhite}))),
            (Label{.tlp = Tlp::kGreen, .marked = true, .pap = stix::Pap::kAmber}));
  EXPECT_EQ(label(indicator(refs({kPapWhite})), Tlp::kAmber), (Label{.tlp = Tlp::kAmber}));
}

constexpr std::string_view kGroup = "6f0e1b3c-520d-4a7d-9a3e-8e415bd27710";
constexpr std::string_view kVersion = "00112233445566778899aabbccddeeff";

std::string extension(std::string_view body) {
  return R"(,"extensions":{"extension-definition--8c2f5a17-94d3-4b6e-a1f8-3e60d7c9b254":{"extension_type":)"
         R"("property-extension",)" +
         std::string(body) + "}}";
}

TEST_F(Labels, OurExtensionCarriesEverythingThatTheLatticeKnows) {
  define(kCustom,
         extension(
             R"("issued_by":"cert-se","classification":{"rank":"secret","nation":"se","authority":"military","level":)"
             R"("HEMLIG/SECRET"},"releasable_to":{"members":["cert-lt"],"groups":[{"name":"Nordic","id":")" +
             std::string(kGroup) + R"(","version":")" + std::string(kVersion) +
             R"("}]},"categories":["CRYPTO"],"originator_controlled":true,"caveats":["EYES ONLY"],)"
             R"("persons":["cert-lt/jonas"],"pap":"red","expires":"2027-01-01T00:00:00Z",)"
             R"("exercises":["0e0e1b3c-520d-4a7d-9a3e-8e415bd27710"])"));
  const Label expected{.tlp = Tlp::kGreen,
                       .marked = true,
                       .rank = ClassRank::kSecret,
                       .national = {{"se", Authority::kMilitary, "HEMLIG/SECRET"}},
                       .pap = stix::Pap::kRed,
                       .clauses = {{{"cert-lt"}, {{std::string(kGroup), std::string(kVersion)}}}},
                       .categories = {"CRYPTO"},
                       .originator_controlled = true,
                       .caveats = {"EYES ONLY"},
                       .persons = std::set<std::string>{"cert-lt/jonas"},
                       .expires = Instant{1'798'761'600, 0},
                       .exercises = {"0e0e1b3c-520d-4a7d-9a3e-8e415bd27710"}};
  EXPECT_EQ(label(indicator(refs({kGreen2, kCustom}))), expected);
  EXPECT_EQ(expected.text(),
            "green marked class:secret national:se/military/HEMLIG%2fSECRET pap:red "
            "groups:cert-lt|6f0e1b3c-520d-4a7d-9a3e-8e415bd27710@00112233445566778899aabbccddeeff categories:CRYPTO "
            "orcon caveats:EYES%20ONLY persons:cert-lt/jonas expires:2027-01-01T00:00:00Z "
            "exercises:0e0e1b3c-520d-4a7d-9a3e-8e415bd27710");
  // What we write ourselves means the same, is valid STIX, and its definition goes only to those whom it names.
  Label said = expected;
  said.tlp = Tlp::kClear;
  said.marked = false;
  const auto text = make_label_marking(said, "cert-se", Instant{1'795'000'000, 0});
  ASSERT_TRUE(text) << text.error().text();
  const auto object = stix::Object::parse(*text);
  EXPECT_FALSE(stix::has_errors(stix::validate(*object)));
  known_[object->id_text()] = object->json();
  EXPECT_EQ(label(indicator(refs({kGreen2, object->id_text()}))), expected);
  Label its = said;
  its.pap = stix::Pap::kClear;
  its.expires.reset();
  EXPECT_EQ(label(*text), its)
      << "whoever may see nothing that it marks does not see it; one that names a drill stays in it";
  EXPECT_FALSE(make_label_marking(expected, "cert-se", {})) << "a TLP stands in a marking of its own";
  EXPECT_FALSE(make_label_marking(bottom(), "cert-se", {}));
}

TEST_F(Labels, ExtensionThatCannotBeReadWhollyDenies) {
  for (const std::string body : {R"("x":1)",
                                 R"("issued_by":"cert-a")",
                                 R"("categories":[])",
                                 R"("categories":["a"],"x":1)",
                                 R"("caveats":"a")",
                                 R"("categories":[""])",
                                 R"("persons":["olena"])",
                                 R"("persons":"cert-a/olena")",
                                 R"("pap":"blue")",
                                 R"("expires":"tomorrow")",
                                 R"("originator_controlled":"yes")",
                                 R"("classification":{})",
                                 R"("classification":{"rank":"cosmic"})",
                                 R"("classification":{"rank":"secret","nation":"se"})",
                                 R"("classification":{"rank":"secret","x":1})",
                                 R"("releasable_to":{})",
                                 R"("releasable_to":["cert-a"])",
                                 R"("releasable_to":{"groups":["NATO"]})",
                                 R"("releasable_to":{"groups":[{"name":"NATO"}]})",
                                 R"("releasable_to":{"groups":[{"id":"7","version":"1"}]})"}) {
    define(kCustom, extension(body));
    EXPECT_TRUE(label(indicator(refs({kClear2, kCustom}))).unknown) << body;
  }
  define(kCustom, extension(R"("releasable_to":{"groups":[]})"));
  EXPECT_EQ(label(indicator(refs({kClear2, kCustom}))).releasable_to, std::set<MemberId>{}) << "nobody, not everybody";
  define(kCustom, extension(R"("persons":[])"));
  EXPECT_EQ(label(indicator(refs({kClear2, kCustom}))).persons, std::set<std::string>{}) << "nobody, not everybody";
}

TEST_F(Labels, GranularPartsAreKeptApartFromTheObjectsOwnLabel) {
  const Label l = label(indicator(refs({kGreen2}) + R"(,"granular_markings":[)" + granular(kRed2, "labels.[1]") + "," +
                                  granular(kRed2, "name") + "," + granular(kCustom, "pattern") + "]"));
  EXPECT_EQ(l.tlp, Tlp::kRed);
  ASSERT_EQ(l.parts.size(), 3U);
  EXPECT_EQ(l.parts[0].label, (Label{.tlp = Tlp::kGreen, .marked = true}));
  EXPECT_TRUE(l.parts[0].selectors.empty());
  EXPECT_EQ(l.parts[1].selectors, std::set<std::string>{"pattern"});
  EXPECT_TRUE(l.parts[1].label.unknown);
  EXPECT_EQ(l.parts[2].selectors, (std::set<std::string>{"labels.[1]", "name"}));
  EXPECT_EQ(l.parts[2].label.tlp, Tlp::kRed);
  const auto back = Label::parse(l.text());
  ASSERT_TRUE(back) << l.text();
  EXPECT_EQ(*back, l);
  // A selector that selects nothing is about the object as a whole.
  EXPECT_TRUE(label(indicator(refs({kGreen2}) + R"(,"granular_markings":[)" + granular(kRed2, "name") + "," +
                              granular(kRed2, "labels.[9]") + "]"))
                  .parts[0]
                  .label.unknown);
}

TEST_F(Labels, TooManyDifferentPartsAreOneWhole) {
  std::string markings;
  for (std::size_t i = 0; i <= kMaxLabelParts; ++i) {
    const std::string id = "marking-definition--5b0042fe-8b88-40fe-9600-" + std::to_string(100'000'000'000 + i);
    define(id, extension(R"("categories":["c)" + std::to_string(i) + R"("])"));
    markings += (i > 0 ? "," : "") + granular(id, "name");
  }
  const Label l = label(indicator(refs({kGreen2}) + R"(,"granular_markings":[)" + markings + "]"));
  EXPECT_EQ(l.categories.size(), kMaxLabelParts + 1);
  EXPECT_EQ(l.redact, std::set<std::string>{"name"});
  EXPECT_TRUE(l.parts.empty());
}

TEST(SharedData, KnownMarkingDefinitionsAreUnderstoodAndTheOthersDeny) {
  std::ifstream file(shared_data("trust/markings.json"));
  if (!file) GTEST_SKIP() << "skipped: needs shared data";
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto json = parse_json(text);
  ASSERT_TRUE(json);
  const auto label_with = [](std::string_view id, const Json* definition) {
    const auto object = stix::Object::parse(indicator(refs({id})));
    return label_of(*object, [&](const stix::Id&) { return definition; }, Tlp::kAmberStrict);
  };
  std::size_t known = 0;
  for (const auto& [group, prefix] : {std::pair{"tlp2", "TLP:"}, {"tlp1_legacy", "TLP:"}, {"pap", "PAP:"}}) {
    for (const auto& [name, id] : find(*json, group)->as_object()) {
      if (!id.is_string() || !std::string_view(id.get_string()).starts_with("marking-definition--")) continue;
      const Label l = label_with(id.get_string(), nullptr);
      EXPECT_FALSE(l.unknown) << group << ' ' << std::string_view(name);
      if (prefix == std::string_view("PAP:"))
        EXPECT_EQ(l.pap, stix::parse_pap(name)) << std::string_view(name);
      else if (group == std::string_view("tlp1_legacy") && name == "amber")
        EXPECT_TRUE(l.tlp == Tlp::kAmberStrict && l.tlp1_amber);
      else
        EXPECT_EQ(l.tlp, stix::parse_tlp(name)) << std::string_view(name);
      ++known;
    }
  }
  EXPECT_EQ(known, 14U);
  for (const char* group : {"iep2", "acs_us_gov", "cui_us"}) {
    const auto definition = parse_json(R"({"type":"marking-definition","extensions":{")" +
                                       std::string(string_at(*find(*json, group), "extension").value_or("")) +
                                       R"(":{"extension_type":"property-extension","tlp":"white"}}})");
    EXPECT_TRUE(label_with(kCustom, &*definition).unknown) << group;
  }
}

TEST(Schemas, ThePublishedExtensionDefinitionsAreThoseInUse) {
  for (const auto& [name, id] : {std::pair{"releasable-to", kReleasableToExtension}, {"label", kLabelExtension}}) {
    std::ifstream file(source_dir() + "/docs/schemas/" + name + ".extension-definition.json");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto bundle = parse_json(text);
    ASSERT_TRUE(bundle) << name << ": " << bundle.error().text();
    bool found = false;
    for (const Json& json : find(*bundle, "objects")->as_array()) {
      const auto object = stix::Object::parse(to_text(json));
      ASSERT_TRUE(object) << object.error().text();
      EXPECT_TRUE(stix::validate(*object).empty()) << object->id_text();
      found = found || object->id_text() == id;
    }
    EXPECT_TRUE(found) << name;
    std::ifstream schema(source_dir() + "/docs/schemas/" + name + ".json");
    EXPECT_TRUE(parse_json(std::string((std::istreambuf_iterator<char>(schema)), std::istreambuf_iterator<char>())));
  }
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
                           "green\nmarked",
                           "amber tlp1",
                           "green class:unclassified",
                           "green class:",
                           "green national:",
                           "green national:se/secret",
                           "green national:SE/civil/x",
                           "green national:se/other/x",
                           "green pap:clear",
                           "green pap:red marked",
                           "green groups:",
                           "green groups:cert-a",
                           "green groups:nato@1",
                           "green groups:6F0E1B3C-520D-4A7D-9A3E-8E415BD27710@00112233445566778899aabbccddeeff",
                           "green groups:6f0e1b3c-520d-4a7d-9a3e-8e415bd27710@00112233445566778899aabbccddeef",
                           "green to:a groups:a|6f0e1b3c-520d-4a7d-9a3e-8e415bd27710@00112233445566778899aabbccddeeff",
                           "green categories:",
                           "green exercises:",
                           "green exercises:x",
                           "green exercises:0E0E1B3C-520D-4A7D-9A3E-8E415BD27710",
                           "green exercises:0e0e1b3c-520d-4a7d-9a3e-8e415bd27711,0e0e1b3c-520d-4a7d-9a3e-8e415bd27710",
                           "green categories:b,a",
                           "green orcon orcon",
                           "green persons:a",
                           "green expires:2027-01-01T00:00:00.0Z",
                           "green expires:2027-01-01",
                           "green own:green",
                           "green parts:green=name",
                           "green own:green parts:green=",
                           "green own:green parts:red=a,green=a",
                           "green own:green parts:green=b;a",
                           "green own:green%20own:green parts:green=a"})
    EXPECT_FALSE(Label::parse(text)) << text;
  EXPECT_EQ(Label::parse(std::string(kMaxLabelText + 1, 'a')).error().code, ErrorCode::kTooLarge);
}

// What at_most compares.
Label compared(Label label) {
  label.marked = false;
  return whole(std::move(label));
}

TEST(Label, JoinIsCommutativeAssociativeIdempotentAndAnUpperBound) {
  SeededRandom random(11);
  int with_parts = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Label a = test::random_label(random), b = test::random_label(random), c = test::random_label(random);
    ASSERT_EQ(join(a, b), join(b, a)) << a.text() << "\n" << b.text();
    ASSERT_EQ(join(join(a, b), c), join(a, join(b, c))) << a.text() << "\n" << b.text() << "\n" << c.text();
    ASSERT_EQ(join(a, a), a) << a.text();
    ASSERT_EQ(join(a, bottom()), a) << a.text();
    ASSERT_TRUE(at_most(a, join(a, b))) << a.text() << "\n" << b.text();
    ASSERT_TRUE(at_most(bottom(), a));
    if (at_most(a, b)) ASSERT_EQ(compared(join(a, b)), compared(b)) << "least";
    if (at_most(a, b) && at_most(b, c)) ASSERT_TRUE(at_most(a, c));
    with_parts += join(a, b).parts.empty() ? 0 : 1;
  }
  EXPECT_GT(with_parts, 1'000);
}

TEST(Label, MeetIsALowerBoundAndAbsorbs) {
  SeededRandom random(12);
  int below = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Label a = test::random_label(random), b = test::random_label(random), c = test::random_label(random);
    ASSERT_EQ(meet(a, b), meet(b, a));
    ASSERT_EQ(compared(meet(meet(a, b), c)), compared(meet(a, meet(b, c)))) << a.text() << "\n"
                                                                            << b.text() << "\n"
                                                                            << c.text();
    ASSERT_EQ(compared(meet(a, a)), compared(a));
    ASSERT_TRUE(at_most(meet(a, b), a)) << a.text() << "\n" << b.text();
    ASSERT_EQ(compared(join(a, meet(a, b))), compared(a)) << a.text() << "\n" << b.text();
    ASSERT_EQ(compared(meet(a, join(a, b))), compared(a)) << a.text() << "\n" << b.text();
    if (at_most(c, a) && at_most(c, b)) {
      ++below;
      ASSERT_TRUE(at_most(c, meet(a, b))) << "greatest";
    }
  }
  EXPECT_GT(below, 5);
}

TEST(Label, TheWholeIsTheJoinOfItsParts) {
  SeededRandom random(13);
  for (int i = 0; i < 5'000; ++i) {
    const Label label = join(test::random_label(random), test::random_label(random));
    if (label.parts.empty()) continue;
    Label joined = label.parts.front().label;
    for (const LabelPart& part : label.parts) joined = join(joined, part.label);
    ASSERT_EQ(compared(joined), compared(label)) << label.text();
  }
}

TEST(Label, TextsOfTheFirstFormStillRead) {
  EXPECT_EQ(*Label::parse("amber+strict marked to:cert-a,cert-b unknown redact:name reveals:cert-c"),
            (Label{.tlp = Tlp::kAmberStrict,
                   .releasable_to = std::set<MemberId>{"cert-a", "cert-b"},
                   .unknown = true,
                   .marked = true,
                   .redact = {"name"},
                   .reveals = {"cert-c"}}));
}

TEST(Exercises, WhatIsDerivedFromADrillIsADrills) {
  const std::string drill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710", other = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27711";
  Label of_drill = bottom(), of_other = bottom();
  of_drill.exercises = {drill};
  of_other.exercises = {other};
  EXPECT_EQ(join(bottom(), of_drill), of_drill);
  EXPECT_EQ(join(of_other, of_drill).exercises, (std::set{drill, other}));
  EXPECT_EQ(meet(of_other, of_drill), bottom());
  EXPECT_TRUE(at_most(bottom(), of_drill));
  EXPECT_FALSE(at_most(of_drill, bottom()));
  EXPECT_FALSE(at_most(of_drill, of_other));
}

}  // namespace
}  // namespace bongsu::policy
