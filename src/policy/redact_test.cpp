#include "policy/redact.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "policy/redact_test_support.h"
#include "stix/marking.h"
#include "stix/object.h"
#include "stix/sco_id.h"
#include "stix/validate.h"

namespace bongsu::policy {
namespace {

constexpr std::string_view kMarking = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

std::string malware(std::string_view more) {
  return R"({"type":"malware","spec_version":"2.1","id":"malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
         R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","is_family":false)" +
         std::string(more) + "}";
}

std::string marked(std::initializer_list<std::string_view> selectors) {
  std::string out = R"(,"granular_markings":[{"marking_ref":")" + std::string(kMarking) + R"(","selectors":[)";
  for (const auto selector : selectors) out += (out.back() == '[' ? "\"" : ",\"") + std::string(selector) + '"';
  return out + "]}]";
}

Json body(const Redacted& copy) {
  EXPECT_TRUE(copy.json) << copy.why;
  return copy.json ? *parse_json(*copy.json) : Json(JsonObject{});
}

TEST(LeakRules, G1_SelectorThatSelectsNothingWithholdsTheObject) {
  for (const char* selector : {"description", "labels.[7]", "labels.x", "name.[0]", "labels..", "", "[0]"})
    EXPECT_FALSE(redact(malware(R"(,"name":"Quux","labels":["one"])"), {selector}).json) << selector;
  EXPECT_TRUE(redact(malware(R"(,"name":"Quux","labels":["one"])"), {"labels.[0]"}).json);
}

TEST(LeakRules, G1_SelectingAListOrDictionarySelectsAllBelow) {
  const Json copy =
      body(redact(malware(R"(,"name":"Quux","x_deep":{"a":[{"b":"inner-value"}],"c":"other-value"})"), {"x_deep"}));
  EXPECT_EQ(find(copy, "x_deep"), nullptr);
  EXPECT_EQ(body(redact(malware(R"(,"x_deep":{"a":[{"b":"inner-value"}],"c":"other-value"})"), {"x_deep.a"})),
            *parse_json(malware(R"(,"x_deep":{"c":"other-value"})")));
}

TEST(LeakRules, G3_ListsMoveUpAndTheOtherSelectorsWithThem) {
  const std::string text =
      malware(R"(,"labels":["first-label","second-label","third-label"])" + marked({"labels.[1]", "labels.[2]"}));
  const Json copy = body(redact(text, {"labels.[1]"}));
  EXPECT_EQ(copy.at("labels"), (JsonArray{"first-label", "third-label"}));
  EXPECT_EQ(copy.at("granular_markings").at(0).at("selectors"), JsonArray{"labels.[1]"});
}

TEST(LeakRules, G3_TheEntryThatNamedItGoes) {
  EXPECT_EQ(find(body(redact(malware(R"(,"name":"Quux")" + marked({"name"})), {"name"})), "granular_markings"),
            nullptr);
  const Json copy =
      body(redact(malware(R"(,"labels":["only-label"],"name":"Quux")" + marked({"labels", "name"})), {"labels.[0]"}));
  EXPECT_EQ(find(copy, "labels"), nullptr) << "an empty list cannot stand (STIX 2.1 §2.8)";
  EXPECT_EQ(copy.at("granular_markings").at(0).at("selectors"), JsonArray{"name"});
}

TEST(LeakRules, G3_RequiredPropertiesWithholdTheWhole) {
  EXPECT_FALSE(redact(malware(R"(,"name":"Quux")"), {"is_family"}).json);
  for (const char* fixed : {"id", "type", "spec_version", "created", "modified"})
    EXPECT_FALSE(redact(malware(R"(,"name":"Quux")"), {fixed}).json) << fixed;
  EXPECT_FALSE(
      redact(malware(R"(,"created_by_ref":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")"), {"created_by_ref"})
          .json);
  EXPECT_FALSE(
      redact(malware(R"(,"object_marking_refs":[")" + std::string(kMarking) + "\"]"), {"object_marking_refs"}).json);
}

TEST(LeakRules, G5_MarkingsOfLanguageAreKeptAndMoved) {
  const std::string text = malware(
      R"(,"labels":["first-label","zweites-label"],"name":"Quux","granular_markings":[{"lang":"de","selectors":["labels.[1]"]}])");
  const Json copy = body(redact(text, {"labels.[0]"}));
  EXPECT_EQ(copy.at("granular_markings").at(0).at("lang"), "de");
  EXPECT_EQ(copy.at("granular_markings").at(0).at("selectors"), JsonArray{"labels.[0]"});
}

TEST(LeakRules, D4_EchoesGoWithTheValue) {
  const std::string secret = "198.51.100.77";
  for (
      const std::string echo :
      {R"("description":"seen at 198.51.100.77 twice")", R"("x_note":{"deep":["198[.]51[.]100[.]77"]})",
       R"("x_url":"http://198%2e51.100.77/x")", R"("x_map":{"198.51.100.77":"keyed"})",
       R"("external_references":[{"source_name":"scan","description":"198.51.100.77"}])",
       R"("extensions":{"extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31":{"extension_type":"property-extension","v":"x198.51.100.77"}})",
       R"("aliases":["X-198.51.100.77"])"}) {
    const Redacted copy = redact(malware(R"(,"name":"Quux","x_host":"198.51.100.77",)" + echo), {"x_host"});
    if (!copy.json) continue;
    EXPECT_EQ(copy.json->find("198"), std::string::npos) << *copy.json;
    EXPECT_NE(copy.json->find("Quux"), std::string::npos);
  }
  // In another case, and what can be looked up inside a longer text.
  const Json copy = body(redact(
      malware(R"(,"name":"Quux","x_a":"Call c2.Evil.example now","x_b":"C2.EVIL.EXAMPLE","x_c":"stays")"), {"x_a"}));
  EXPECT_EQ(find(copy, "x_b"), nullptr);
  EXPECT_NE(find(copy, "x_c"), nullptr);
  // A pattern cannot lose its value: the indicator goes as a whole.
  EXPECT_FALSE(
      redact(
          R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
          R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"198.51.100.77",)"
          R"("pattern":"[ipv4-addr:value = '198.51.100.77']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"})",
          {"name"})
          .json);
}

std::string sco(std::string text) {
  const auto id = stix::deterministic_id(*parse_json(text));
  return text.insert(1, R"("id":")" + (*id)->text() + R"(","spec_version":"2.1",)");
}

TEST(LeakRules, D4_AnIdThatCanBeComputedFromTheValueIsReplacedOrWithheld) {
  EXPECT_FALSE(
      redact(sco(R"({"type":"ipv4-addr","value":"198.51.100.77"})"), {"value"}, {.reference = {}, .pseudonym_key = "k"})
          .json)
      << "its value is required";
  const std::string file = sco(R"({"type":"file","name":"secret-name.exe","size":77})");
  EXPECT_FALSE(redact(file, {"name"}).json) << "no key for a pseudonym";
  // Something has to be left of a file.
  const std::string hashed = sco(
      R"({"type":"file","name":"secret-name.exe","hashes":{"SHA-256":"fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db"}})");
  const Redacted a = redact(hashed, {"name"}, {.reference = {}, .pseudonym_key = "for cert-a"});
  const Redacted b = redact(hashed, {"name"}, {.reference = {}, .pseudonym_key = "for cert-b"});
  ASSERT_TRUE(a.json && b.json) << a.why;
  EXPECT_NE(a.id, b.id) << "recipients cannot compare";
  EXPECT_EQ(a.id, pseudonym(stix::Object::parse(hashed)->id_text(), "for cert-a"));
  EXPECT_EQ(stix::Object::parse(*a.json)->id().uuid.version(), 4);
  EXPECT_EQ(stix::Object::parse(*a.json)->id_text(), a.id);
  // Others that refer to it say the pseudonym; ids that follow from the value go.
  const std::string id =
      (*stix::deterministic_id(*parse_json(R"({"type":"ipv4-addr","value":"198.51.100.77"})")))->text();
  const Json copy =
      body(redact(malware(R"(,"x_host":"198.51.100.77","sample_refs":[")" + id + R"("],"name":"Quux")"), {"x_host"}));
  EXPECT_EQ(find(copy, "sample_refs"), nullptr);
}

TEST(LeakRules, D3_ReferencesToWhatIsHiddenGoFromListsAndWithholdWhereTheyAreRequired) {
  const std::string hidden = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
                    shown = "malware--9e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
  const RedactOptions options{.reference = [&](std::string_view id) -> std::optional<std::string> {
    if (id == hidden) return std::nullopt;
    if (id == shown) return "malware--00000000-0000-4000-8000-000000000001";
    return std::string(id);
  }};
  const std::string head =
      R"("spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",)";
  const std::string report = R"({"type":"report","id":"report--5e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)" + head +
                             R"("name":"Quarter","published":"2026-01-01T00:00:00Z","description":"see )" +
                             hidden.substr(11) + R"(","object_refs":[")" + hidden + "\",\"" + shown + "\"]" +
                             marked({"object_refs.[1]"}) + "}";
  const Redacted copy = redact(report, {}, options);
  const Json json = body(copy);
  EXPECT_EQ(json.at("object_refs"), JsonArray{"malware--00000000-0000-4000-8000-000000000001"});
  EXPECT_EQ(json.at("granular_markings").at(0).at("selectors"), JsonArray{"object_refs.[0]"});
  EXPECT_EQ(find(json, "description"), nullptr) << "an id is data wherever it stands";
  EXPECT_FALSE(redact(R"({"type":"relationship","id":"relationship--7e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)" + head +
                          R"("relationship_type":"indicates","source_ref":")" + hidden + R"(","target_ref":")" + shown +
                          "\"}",
                      {}, options)
                   .json);
  EXPECT_FALSE(redact(malware(R"(,"created_by_ref":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd30")"), {},
                      {.reference = [](std::string_view) -> std::optional<std::string> { return std::nullopt; }})
                   .json);
}

// ── Properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

std::string word(Random& random) {
  std::string out = "v";
  for (int i = 0; i < 9; ++i) out += static_cast<char>('a' + random.below(26));
  return out;
}

Json random_value(Random& random, int depth, std::vector<std::string>& places, const std::string& here) {
  if (!here.empty()) places.push_back(here);
  if (depth == 0 || random.below(3) == 0) return Json(word(random));
  if (random.below(2) == 0) {
    JsonArray out;
    for (std::uint64_t i = 0, n = 1 + random.below(3); i < n; ++i)
      out.push_back(random_value(random, depth - 1, places, here + ".[" + std::to_string(i) + "]"));
    return out;
  }
  JsonObject out;
  for (std::uint64_t i = 0, n = 1 + random.below(3); i < n; ++i) {
    const std::string key = "k" + std::to_string(i);
    out[key] = random_value(random, depth - 1, places, here + "." + key);
  }
  return out;
}

void leaves(const Json& value, std::set<std::string>& out) {
  if (value.is_string()) out.emplace(std::string_view(value.get_string()));
  if (value.is_object())
    for (const auto& member : value.get_object()) leaves(member.value(), out);
  if (value.is_array())
    for (const Json& item : value.get_array()) leaves(item, out);
}

TEST(Redaction, EqualsTheSlowTwinAndNoLeftOutValueShowsInTheBytes) {
  SeededRandom random(20261126);
  int with_echo = 0, withheld = 0;
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::string> places;
    JsonObject json = parse_json(malware(R"(,"name":"Quux")"))->as_object();
    for (std::uint64_t p = 0, n = 1 + random.below(3); p < n; ++p) {
      const std::string name = "x_p" + std::to_string(p);
      json[name] = random_value(random, 3, places, name);
    }
    JsonArray selectors;
    for (const auto& place : places)
      if (random.below(4) == 0) selectors.emplace_back(place);
    if (!selectors.empty())
      json["granular_markings"] = JsonArray{JsonObject{{"marking_ref", kMarking}, {"selectors", selectors}}};
    std::set<std::string> chosen;
    for (const auto& place : places)
      if (random.below(5) == 0) chosen.insert(place);
    std::set<std::string> secret;
    for (const auto& selector : chosen) leaves(*stix::resolve(Json(json), *stix::parse_selector(selector)), secret);

    const Redacted copy = redact(to_text(json), chosen);
    ASSERT_TRUE(copy.json) << copy.why << "\n" << to_text(json);
    ASSERT_EQ(*parse_json(*copy.json), test::without(json, chosen)) << to_text(json);
    for (const auto& value : secret)
      ASSERT_EQ(copy.json->find(value), std::string::npos) << value << "\n" << *copy.json;

    // The same with echoes sown into other places.
    if (secret.empty()) continue;
    json["x_echo"] = JsonArray{"a " + *secret.begin() + " b", "clean-entry"};
    json["description"] = *secret.rbegin();
    if (random.below(8) == 0) json["created_by_ref"] = *secret.begin();
    const Redacted echoed = redact(to_text(json), chosen);
    if (!echoed.json) {
      ++withheld;
      continue;
    }
    ++with_echo;
    for (const auto& value : secret) ASSERT_EQ(echoed.json->find(value), std::string::npos) << value;
    ASSERT_NE(echoed.json->find("clean-entry"), std::string::npos);
    ASSERT_FALSE(stix::has_errors(stix::validate(*stix::Object::parse(*echoed.json))));
  }
  EXPECT_GT(with_echo, 1'000);
  EXPECT_GT(withheld, 50);
}

}  // namespace
}  // namespace bongsu::policy
