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

// A granular marking that stays must not tell what went: by what it says, or by a selector that is named for it.
TEST(LeakRules, G3_MarkingsThatStayDoNotEchoWhatIsGone) {
  const auto with = [&](std::string_view entry) {
    return redact(malware(R"(,"name":"Quux","x_host":"c2.evil.example","x_map":{"beta":"2"},"granular_markings":[)" +
                          std::string(entry) + "]"),
                  {"x_host"});
  };
  const std::string ref = R"("marking_ref":")" + std::string(kMarking) + R"(",)";
  EXPECT_TRUE(with("{" + ref + R"("selectors":["name"]})").json);
  EXPECT_FALSE(with("{" + ref + R"("selectors":["name"],"x_why":"hides c2[.]evil.example"})").json);
  EXPECT_FALSE(with("{" + ref + R"("selectors":["name"],"x_why":[{"C2.Evil.example":1}]})").json);
  // The entry that goes with its selectors takes with it what it says.
  EXPECT_TRUE(with("{" + ref + R"("selectors":["x_host"],"x_why":"c2.evil.example"})").json);
  // The marking's own id is a value, too, where it is what is hidden.
  EXPECT_FALSE(redact(malware(R"(,"name":"Quux","x_host":"e828b379-4e03-4974-9ac4-e53a884c97c1")" + marked({"name"})),
                      {"x_host"})
                   .json);
  const Json copy = body(
      redact(malware(R"(,"x_host":"beta","x_map":{"x_beta":"2"},"name":"Quux")" + marked({"x_map.x_beta", "name"})),
             {"x_host"}));
  EXPECT_EQ(copy.at("granular_markings").at(0).at("selectors"), JsonArray{"name"}) << "a selector named for the value";
}

TEST(LeakRules, D4_AnIdThatIsLeftOutIsFoundWhereSomethingRefersToIt) {
  const std::string id = "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd31";
  EXPECT_FALSE(redact(malware(R"(,"x_by":"made by )" + id + R"(!","created_by_ref":")" + id + '"'), {"x_by"}).json);
  const Json copy = body(redact(malware(R"(,"x_by":")" + id + R"(","x_ref":")" + id + R"(","name":"Quux")"), {"x_by"}));
  EXPECT_EQ(find(copy, "x_ref"), nullptr);
}

TEST(LeakRules, G3_TheEndOfItsValidityIsNotLeftOut) {
  EXPECT_FALSE(redact(malware(R"(,"name":"Quux","revoked":true)"), {"revoked"}).json);
  EXPECT_FALSE(
      redact(R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
             R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"n",)"
             R"("pattern":"[ipv4-addr:value = '198.51.100.77']","pattern_type":"stix",)"
             R"("valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-02-01T00:00:00Z"})",
             {"valid_until"})
          .json);
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

// Fields for people's eyes say again what a reference says: in lists of their own, in sentences, in extensions.
TEST(LeakRules, D5_ReadableShadowsFollowTheirReferences) {
  const std::string sighter = "identity--5b1d9e0c-7c64-4f0b-8c55-0b7a2f6d9e31", uuid = sighter.substr(10);
  const auto sighting = [&](const std::string& shadow) {
    return R"({"type":"sighting","spec_version":"2.1","id":"sighting--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
           R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","confidence":42,)"
           R"("sighting_of_ref":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","where_sighted_refs":[")" +
           sighter + R"("],)" + shadow + "}";
  };
  for (const std::string& shadow :
       std::vector<std::string>{R"("x_where_sighted_values":[")" + sighter + R"("])",
                                R"("description":"first at )" + sighter + R"( in Vilnius")",
                                R"("x_seen_by":{")" + sighter + R"(":"energy"})",
                                R"("x_link":"https://intel.example/)" + uuid + R"(/events")"}) {
    const Redacted copy = redact(sighting(shadow), {"where_sighted_refs"});
    ASSERT_TRUE(copy.json) << shadow << ": " << copy.why;
    EXPECT_EQ(copy.json->find(uuid), std::string::npos) << *copy.json;
    EXPECT_NE(copy.json->find("42"), std::string::npos);
  }
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

TEST(Redaction, FindsEveryEchoThatASearchForEachValueFinds) {
  SeededRandom random(20261127);
  const auto word = [&](std::uint64_t most) {
    std::string out;
    for (std::uint64_t i = 0, n = 1 + random.below(most); i < n; ++i) out += "ab1."[random.below(4)];
    return out;
  };
  int shown = 0, kept = 0;
  for (int i = 0; i < 4'000; ++i) {
    std::string text = R"(,"name":"Quux")";
    std::set<std::string> selectors;
    std::vector<std::string> secrets;
    for (std::uint64_t k = 0, n = 1 + random.below(4); k < n; ++k) {
      secrets.push_back(word(7));
      const std::string name = "x_s" + std::to_string(k);
      text += ",\"" + name + "\":\"" + secrets.back() + '"';
      selectors.insert(name);
    }
    const std::string other = word(14);
    const Redacted copy = redact(malware(text + R"(,"x_other":")" + other + '"'), selectors);
    const bool echo = std::ranges::any_of(secrets, [&](const auto& value) { return test::shows(value, other); });
    // Numbers of the standard's own properties may be echoes of so short values, too.
    if (!copy.json) continue;
    ASSERT_EQ(copy.json->find("x_other") == std::string::npos, echo) << other << "\n" << text;
    ++(echo ? shown : kept);
  }
  EXPECT_GT(shown, 300);
  EXPECT_GT(kept, 300);
}

// Two thousand values in two megabytes of text: a search for each is four thousand million steps.
TEST(Redaction, ManyValuesInAMuchLargerObject) {
  std::string text = R"(,"name":"Quux","x_hidden":[)";
  for (int i = 0; i < 2'000; ++i)
    text += (i == 0 ? "\"" : ",\"") + ("198.51.100.7-host-" + std::to_string(10'000 + i)) + '"';
  text += R"(],"x_list":[)";
  for (int i = 0; i < 30'000; ++i)
    text += (i == 0 ? "\"" : ",\"") + ("198.51.100.7-hast-" + std::to_string(i) + " and much more that is said of it") +
            '"';
  text += R"(,"seen with 198.51.100.7-host-11234"])" + marked({"x_list.[29999]", "x_hidden.[3]"});
  const Redacted copy = redact(malware(text), {"x_hidden"});
  ASSERT_TRUE(copy.json) << copy.why;
  const Json json = *parse_json(*copy.json);
  EXPECT_EQ(json.at("x_list").as_array().size(), 30'000U);
  EXPECT_EQ(json.at("granular_markings").at(0).at("selectors"), JsonArray{"x_list.[29999]"});
}

// ── Parts that can go ────────────────────────────────────────────────────────────────────────────────────────────────

LabelPart part_of(std::set<std::string> selectors, stix::Tlp tlp) {
  return {.selectors = std::move(selectors), .label = {.tlp = tlp}};
}
Label in_parts(std::vector<LabelPart> parts) {
  Label label = {.tlp = stix::Tlp::kGreen, .marked = true};
  const Label own = label;
  for (const auto& part : parts) {
    label = join(label, part.label);
    label.redact.insert(part.selectors.begin(), part.selectors.end());
  }
  label.marked = true;
  label.parts = {{.selectors = {}, .label = own}};
  std::ranges::sort(parts, {}, [](const LabelPart& part) { return part.label.text(); });
  for (auto& part : parts) label.parts.push_back(std::move(part));
  return label;
}

TEST(Separation, PartsThatCannotGoAreTheObjectsOwn) {
  const std::string text = malware(R"(,"name":"Quux","x_a":"first-value","x_b":"other-value")");
  const Label good = in_parts({part_of({"x_a"}, stix::Tlp::kAmber), part_of({"x_b"}, stix::Tlp::kAmberStrict)});
  EXPECT_EQ(separate(good, text), good);

  // A required property caps the object; the other part stays apart.
  const Label required =
      in_parts({part_of({"is_family"}, stix::Tlp::kAmber), part_of({"x_b"}, stix::Tlp::kAmberStrict)});
  Label settled = separate(required, text);
  ASSERT_EQ(settled.parts.size(), 2U);
  EXPECT_EQ(settled.parts[0].label.tlp, stix::Tlp::kAmber);
  EXPECT_EQ(settled.parts[1].selectors, std::set<std::string>{"x_b"});
  EXPECT_EQ(settled.tlp, stix::Tlp::kAmberStrict);
  EXPECT_EQ(settled.redact, std::set<std::string>{"x_b"});
  EXPECT_EQ(Label::parse(settled.text()).value(), settled) << "it stands in the journal";

  // What the stricter own part covers is no part any more.
  const Label both = in_parts({part_of({"is_family"}, stix::Tlp::kAmberStrict), part_of({"x_b"}, stix::Tlp::kAmber)});
  settled = separate(both, text);
  EXPECT_TRUE(settled.parts.empty());
  EXPECT_EQ(settled.tlp, stix::Tlp::kAmberStrict);

  // An echo where nothing can be taken away: the author's id.
  const std::string echo = malware(
      R"(,"x_a":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd31","created_by_ref":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd31")");
  EXPECT_TRUE(separate(in_parts({part_of({"x_a"}, stix::Tlp::kAmber)}), echo).parts.empty());
  // The value of an address is what it is; the name of a file can be found from its id.
  const std::string address = sco(R"({"type":"ipv4-addr","value":"198.51.100.77"})");
  EXPECT_TRUE(separate(in_parts({part_of({"value"}, stix::Tlp::kAmber)}), address).parts.empty());
  const std::string file = sco(R"({"type":"file","name":"secret-name.exe","x_note":"a remark"})");
  EXPECT_TRUE(separate(in_parts({part_of({"name"}, stix::Tlp::kAmber)}), file).parts.empty());
  EXPECT_EQ(separate(in_parts({part_of({"x_note"}, stix::Tlp::kAmber)}), file).parts.size(), 2U);
}

TEST(Separation, WhateverIsSelectedByPartsCanBeLeftOut) {
  SeededRandom random(20261128);
  int apart = 0, own = 0;
  for (int i = 0; i < 400; ++i) {
    std::string text = R"(,"name":"Quux")";
    std::vector<LabelPart> parts;
    static constexpr const char* kPlaces[] = {"x_a",        "x_b",   "name", "is_family", "created_by_ref",
                                              "labels.[0]", "labels"};
    text += R"(,"x_a":"value-of-a","x_b":")" + std::string(random.below(2) == 0 ? "value-of-a" : "value-of-b") + '"';
    text +=
        R"(,"labels":["one-label","other-label"],"created_by_ref":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd31")";
    for (const auto tlp : {stix::Tlp::kAmber, stix::Tlp::kAmberStrict, stix::Tlp::kRed})
      if (random.below(2) == 0) parts.push_back(part_of({kPlaces[random.below(std::size(kPlaces))]}, tlp));
    if (parts.empty()) continue;
    const Label before = in_parts(parts), after = separate(before, malware(text));
    const auto strictest = [](const Label& label) { return std::tuple(label.tlp, label.releasable_to, label.unknown); };
    ASSERT_EQ(strictest(before), strictest(after)) << "the join of all is what it was";
    if (after.parts.empty()) {
      ++own;
      continue;
    }
    ++apart;
    for (unsigned subset = 1; subset < 1U << (after.parts.size() - 1); ++subset) {
      std::set<std::string> selectors;
      for (std::size_t p = 1; p < after.parts.size(); ++p)
        if ((subset >> (p - 1) & 1) != 0)
          selectors.insert(after.parts[p].selectors.begin(), after.parts[p].selectors.end());
      ASSERT_TRUE(redact(malware(text), selectors).json) << after.text();
    }
  }
  EXPECT_GT(apart, 50);
  EXPECT_GT(own, 50);
}

}  // namespace
}  // namespace bongsu::policy
