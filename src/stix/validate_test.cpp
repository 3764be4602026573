#include "stix/validate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "stix/test_support.h"

namespace bongsu::stix {
namespace {

using Lines = std::vector<std::string>;

// "E property: rule" for errors, "w …" for warnings.
Lines findings(std::string_view text, Conformance conformance = Conformance::kLetter) {
  const auto object = Object::parse(text);
  if (!object) return {fmt::format("refused {}: {}", object.error().where.field, object.error().message)};
  Lines out;
  for (const Finding& f : validate(*object, conformance)) {
    EXPECT_TRUE(f.section.starts_with("STIX 2.1 §")) << f.property;
    out.push_back(fmt::format("{} {}: {}", f.severity == Severity::kError ? "E" : "w", f.property, f.rule));
  }
  return out;
}

// One conforming object of each type, with the properties that the standard requires of it.
struct Specimen {
  const char* type;
  bool versioned;
  std::string properties;
  Lines required;
};

std::vector<Specimen> specimens() {
  const std::string any = "[\"" + id_of("indicator") + "\"]";
  const auto ref = [](const char* type) { return "\"" + id_of(type) + "\""; };
  return {
      {"attack-pattern", true, R"("name":"a")", {"name"}},
      {"campaign",
       true,
       R"("name":"a","first_seen":"2020-01-01T00:00:00Z","last_seen":"2020-01-01T00:00:00Z")",
       {"name"}},
      {"course-of-action", true, R"("name":"a")", {"name"}},
      {"grouping", true, R"("name":"a","context":"unspecified","object_refs":)" + any, {"context", "object_refs"}},
      {"identity", true, R"("name":"a","identity_class":"organization","sectors":["energy"])", {"name"}},
      {"incident", true, R"("name":"a")", {"name"}},
      {"indicator",
       true,
       R"("pattern":"[file:size = 1]","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z")",
       {"pattern", "pattern_type", "valid_from"}},
      {"infrastructure", true, R"("name":"a","infrastructure_types":["botnet"])", {"name"}},
      {"intrusion-set", true, R"("name":"a","resource_level":"team")", {"name"}},
      {"location",
       true,
       R"("latitude":48.8566,"longitude":2,"precision":10.5,"country":"fr","region":"western-europe")",
       {}},
      {"malware", true, R"("is_family":true,"name":"a","sample_refs":[)" + ref("file") + "]", {"is_family"}},
      {"malware-analysis", true, R"("product":"a","result":"benign","sample_ref":)" + ref("artifact"), {"product"}},
      {"note", true, R"("content":"a","object_refs":)" + any, {"content", "object_refs"}},
      {"observed-data",
       true,
       R"("first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:01Z","number_observed":1,"object_refs":[)" +
           ref("file") + "]",
       {"first_observed", "last_observed", "number_observed"}},
      {"opinion", true, R"("opinion":"agree","object_refs":)" + any, {"opinion", "object_refs"}},
      {"report",
       true,
       R"("name":"a","published":"2020-01-01T00:00:00Z","object_refs":)" + any,
       {"name", "published", "object_refs"}},
      {"threat-actor", true, R"("name":"a","roles":["agent"],"personal_motivations":["revenge"])", {"name"}},
      {"tool", true, R"("name":"a","kill_chain_phases":[{"kill_chain_name":"a-b","phase_name":"c"}])", {"name"}},
      {"vulnerability",
       true,
       R"("name":"a","external_references":[{"source_name":"cve","external_id":"CVE-2016-1234"}])",
       {"name"}},
      {"relationship",
       true,
       R"("relationship_type":"uses","source_ref":)" + ref("malware") + R"(,"target_ref":)" + ref("ipv4-addr"),
       {"relationship_type", "source_ref", "target_ref"}},
      {"sighting",
       true,
       R"("sighting_of_ref":)" + ref("indicator") + R"(,"count":0,"summary":false,"where_sighted_refs":[)" +
           ref("location") + "]",
       {"sighting_of_ref"}},
      {"artifact", false, R"("payload_bin":"AAAA","mime_type":"image/jpeg")", {}},
      {"autonomous-system", false, R"("number":15139)", {"number"}},
      {"directory", false, R"("path":"C:\\","contains_refs":[)" + ref("file") + "]", {"path"}},
      {"domain-name", false, R"("value":"example.com")", {"value"}},
      {"email-addr", false, R"("value":"john@example.com")", {"value"}},
      {"email-message", false, R"("is_multipart":false,"body":"a")", {"is_multipart"}},
      {"file", false, R"("name":"a","size":0,"hashes":{"MD5":"79054025255fb1a26e4bc422aef54eb4"})", {}},
      {"ipv4-addr", false, R"("value":"198.51.100.0/24")", {"value"}},
      {"ipv6-addr", false, R"("value":"2001:db8::/96")", {"value"}},
      {"mac-addr", false, R"("value":"d2:fb:49:24:37:18")", {"value"}},
      {"mutex", false, R"("name":"a")", {"name"}},
      {"network-traffic",
       false,
       R"("protocols":["tcp"],"src_port":65535,"src_ref":)" + ref("ipv4-addr"),
       {"protocols"}},
      {"process", false, R"("pid":1)", {}},
      {"software", false, R"("name":"a","languages":["de-CH"])", {"name"}},
      {"url", false, R"("value":"https://example.com/")", {"value"}},
      {"user-account", false, R"("user_id":"1001")", {}},
      {"windows-registry-key",
       false,
       R"("key":"HKEY_LOCAL_MACHINE\\System","values":[{"name":"","data_type":"REG_SZ"}])",
       {}},
      {"x509-certificate", false, R"("serial_number":"36:f7","x509_v3_extensions":{"key_usage":"critical"})", {}},
      {"language-content",
       true,
       R"("object_ref":)" + ref("campaign") + R"(,"contents":{"de":{"name":"Bank Angriff"}})",
       {"object_ref", "contents"}},
      {"extension-definition",
       true,
       R"("name":"a","schema":"a","version":"1.0.0","extension_types":["new-sdo"],"created_by_ref":)" + ref("identity"),
       {"name", "schema", "version", "extension_types", "created_by_ref"}},
  };
}

std::string text_of_specimen(const Specimen& s) {
  return s.versioned ? versioned(s.type, s.properties) : plain(s.type, s.properties);
}

std::string without(std::string_view text, std::string_view property) {
  Json json = *parse_json(text);
  json.as_object().erase(property);
  return to_text(json);
}

std::string with(std::string_view text, std::string_view property, std::string_view value) {
  Json json = *parse_json(text);
  json.as_object()[property] = *parse_json(value);
  return to_text(json);
}

TEST(Validate, PassesOneObjectOfEachTypeWithoutAWord) {
  const auto all = specimens();
  EXPECT_EQ(all.size(), 41u);  // and the marking definitions, below
  for (const Specimen& s : all) EXPECT_EQ(findings(text_of_specimen(s)), Lines{}) << s.type;
  EXPECT_EQ(
      findings(
          R"({"type":"marking-definition","spec_version":"2.1","id":")" + id_of("marking-definition") +
          R"(","created":"2016-08-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"©"}})"),
      Lines{});
}

TEST(Validate, MissesEveryRequiredProperty) {
  for (const Specimen& s : specimens()) {
    Lines required = s.required;
    if (s.versioned) required.insert(required.end(), {"created", "modified", "spec_version"});
    for (const std::string& property : required) {
      const Lines out = findings(without(text_of_specimen(s), property));
      ASSERT_FALSE(out.empty()) << s.type << " without " << property;
      EXPECT_TRUE(out[0].starts_with("E " + property + ": is required for a")) << out[0];
    }
  }
}

TEST(Validate, TellsEveryPropertyOfTheWrongType) {
  for (const Specimen& s : specimens()) {
    const std::string text = text_of_specimen(s);
    const Json json = *parse_json(text);
    for (const auto& member : json.as_object()) {
      const std::string name(member.key());
      if (name == "type" || name == "id") continue;
      for (const char* wrong : {"null", "{\"\":[]}", "[[1]]"}) {
        const Lines out = findings(with(text, name, wrong));
        EXPECT_TRUE(std::ranges::any_of(out,
                                        [&](const std::string& line) {
                                          return line.starts_with("E " + name) || line.starts_with("refused " + name);
                                        }))
            << s.type << "." << name << " = " << wrong;
      }
    }
  }
}

struct Case {
  std::string text;
  Lines expected;
};

void expect(const std::vector<Case>& cases, Conformance conformance = Conformance::kLetter) {
  for (const Case& c : cases) EXPECT_EQ(findings(c.text, conformance), c.expected) << c.text;
}

std::string sdo(std::string_view properties) {
  return versioned("identity", std::string(R"("name":"a",)") + std::string(properties));
}

TEST(Validate, ChecksCommonProperties) {
  expect({
      {sdo(R"("confidence":101)"), {"E confidence: is not in the range 0 to 100"}},
      {sdo(R"("confidence":-1)"), {"E confidence: is not in the range 0 to 100"}},
      {sdo(R"("confidence":50.0)"), {"E confidence: is not an integer"}},
      {sdo(R"("confidence":"50")"), {"E confidence: is not an integer"}},
      {sdo(R"("confidence":18446744073709551615)"), {"E confidence: is beyond 2^53 - 1"}},
      {sdo(R"("lang":"english!")"), {"E lang: is not a language code (RFC 5646)"}},
      {sdo(R"("labels":["a",5])"), {"E labels[1]: is not a string"}},
      {sdo(R"("labels":"a")"), {"E labels: is not a list"}},
      {sdo(R"("labels":[])"), {"E labels: is an empty list; it is left out instead"}},
      {sdo(R"("created_by_ref":")" + id_of("malware") + "\""),
       {"E created_by_ref: refers to a malware; only an identity may stand here"}},
      {sdo(R"("created_by_ref":"me")"), {"E created_by_ref: is not an identifier: type--UUID in lower case"}},
      {sdo(R"("object_marking_refs":[")" + id_of("identity") + "\"]"),
       {"E object_marking_refs[0]: refers to an identity; only a marking-definition may stand here"}},
      {sdo(R"("defanged":true)"), {"E defanged: is not a property of an identity"}},
      {sdo(R"("severity":"high")"), {"E severity: is a name that the standard reserves"}},
      {sdo(R"("x-mine":1)"), {"E x-mine: is not the name of a custom property: 3 to 250 of a-z, 0-9 and _"}},
      {sdo(R"("mine":1)"), {"w mine: is not a property of an identity; a custom one should begin with x_"}},
      {sdo(R"("x_mine":null)"), {"w x_mine: is null, which no type of the standard allows"}},
      {sdo(R"("x_mine":{"Any-Thing":[null,[]]})"), {}},
      {sdo(R"("external_references":[{"source_name":"a"}])"),
       {"E external_references[0].description: one of description, url or external_id is required for an "
        "external-reference"}},
      {sdo(R"("external_references":[{"url":"http://a"}])"),
       {"E external_references[0].source_name: is required for an external-reference"}},
      {sdo(R"("external_references":[{"source_name":"a","url":"http://a","hashes":{"SHA-256":"ab"}}])"),
       {"E external_references[0].hashes.SHA-256: is not a hash by SHA-256"}},
      {sdo(R"("external_references":["a"])"), {"E external_references[0]: is not an object"}},
      {sdo(R"("created_by_ref":null)"), {"E created_by_ref: is not a string"}},
      {R"({"type":"identity","spec_version":"2.2","id":")" + id_of("identity") +
           R"(","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"a"})",
       {"E spec_version: is not 2.1"}},
      {R"({"type":"identity","spec_version":"2.1","id":"identity--0a000000-0000-4000-1000-000000000000","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"a"})",
       {"E id: its UUID is not one of RFC 4122"}},
      {R"({"type":"identity","spec_version":"2.1","id":"identity--0a000000-0000-5000-8000-000000000000","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"a"})",
       {"w id: should have a UUIDv4"}},
      {R"({"type":"identity","spec_version":"2.1","id":")" + id_of("identity") +
           R"(","created":"2020-01-01T00:00:00Z","modified":"2019-01-01T00:00:00.00Z","name":"a"})",
       {"E created: has no milliseconds", "E modified: has no milliseconds", "E modified: is earlier than created"}},
  });
}

TEST(Validate, ChecksGranularMarkings) {
  const auto marked = [](std::string_view marking) {
    return sdo(fmt::format(R"("labels":["a"],"granular_markings":[{}])", marking));
  };
  const std::string red = R"("marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1")";
  expect({
      {marked("{" + red + R"(,"selectors":["name","labels.[0]","granular_markings.[0].selectors"]})"), {}},
      {marked(R"({"lang":"de","selectors":["name"]})"), {}},
      {marked("{" + red + R"(,"lang":"de","selectors":["name"]})"),
       {"E granular_markings[0].marking_ref: must not stand beside lang"}},
      {marked(R"({"selectors":["name"]})"),
       {"E granular_markings[0].lang: one of lang or marking_ref is required for a granular-marking"}},
      {marked("{" + red + R"(,"selectors":["pattern"]})"),
       {"E granular_markings[0].selectors[0]: \"pattern\" selects nothing that the object has"}},
      {marked("{" + red + R"(,"selectors":["labels.[1]"]})"),
       {"E granular_markings[0].selectors[0]: \"labels.[1]\" selects nothing that the object has"}},
      {marked("{" + red + R"(,"selectors":["name","name.[0]","labels.x"]})"),
       {"E granular_markings[0].selectors[1]: \"name.[0]\" selects nothing that the object has",
        "E granular_markings[0].selectors[2]: \"labels.x\" selects nothing that the object has"}},
      {marked("{" + red + R"(,"selectors":["labels[0]"]})"),
       {"E granular_markings[0].selectors[0]: \"labels[0]\": a character that no name in a selector has"}},
      {marked(R"({"lang":"d!","selectors":["name"]})"),
       {"E granular_markings[0].lang: is not a language code (RFC 5646)"}},
      {marked(R"({"marking_ref":")" + id_of("identity") + R"(","selectors":["name"]})"),
       {"E granular_markings[0].marking_ref: refers to an identity; only a marking-definition may stand here"}},
  });
}

TEST(Validate, BoundsWhatSelectorsMayCost) {
  std::string list = "0", selectors = "\"name\"";
  for (int i = 0; i < 50'000; ++i) list += ",0";
  for (int i = 0; i < 5'000; ++i) selectors += ",\"x_list.[49999]\"";
  const Lines out = findings(
      sdo(fmt::format(R"("x_list":[{}],"granular_markings":[{{"lang":"de","selectors":[{}]}}])", list, selectors)));
  EXPECT_EQ(out, Lines{"E granular_markings[0].selectors: selects too far into lists too long to be followed"});
}

TEST(Validate, ChecksTheOrderOfTimes) {
  const auto seen = [](const char* type, const char* later, const char* earlier) {
    std::string properties = R"("name":"a","is_family":false)";
    if (std::string_view(type) == "sighting")
      properties = R"("sighting_of_ref":")" + id_of("indicator") + "\"";
    else if (std::string_view(type) != "malware")
      properties = R"("name":"a")";
    return versioned(type, properties + fmt::format(R"(,"{}":"2019-01-01T00:00:00.5Z","{}":"2019-01-01T00:00:00.51Z")",
                                                    later, earlier));
  };
  for (const char* type : {"campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "sighting"})
    EXPECT_EQ(findings(seen(type, "last_seen", "first_seen")), Lines{"E last_seen: is earlier than first_seen"})
        << type;
  const auto indicator = [](const char* until) {
    return versioned(
        "indicator",
        fmt::format(
            R"("pattern":"[a:b=1]","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z","valid_until":"{}")",
            until));
  };
  const auto relationship = [](const char* stop) {
    return versioned(
        "relationship",
        fmt::format(
            R"("relationship_type":"uses","source_ref":"{}","target_ref":"{}","start_time":"2020-01-01T00:00:00Z","stop_time":"{}")",
            id_of("malware"), id_of("tool"), stop));
  };
  expect({
      {indicator("2020-01-01T00:00:00.000Z"), {"E valid_until: is not later than valid_from"}},
      {indicator("2019-01-01T00:00:00Z"), {"E valid_until: is earlier than valid_from"}},
      {indicator("2020-01-01T00:00:00.0000001Z"), {}},
      {relationship("2020-01-01T00:00:00Z"), {"E stop_time: is not later than start_time"}},
      {plain("network-traffic", R"("protocols":["tcp"],"src_ref":")" + id_of("ipv4-addr") +
                                    R"(","start":"2020-01-01T00:00:00Z","end":"2019-01-01T00:00:00Z")"),
       {"E end: is earlier than start"}},
  });
}

TEST(Validate, ChecksDomainObjects) {
  const auto location = [](const char* p) { return versioned("location", p); };
  const auto indicator = [](const char* p) {
    return versioned("indicator", std::string(R"("valid_from":"2020-01-01T00:00:00Z",)") + p);
  };
  const auto observed = [](const std::string& p) {
    return versioned("observed-data",
                     R"("first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z",)" + p);
  };
  expect({
      {versioned("attack-pattern", R"("name":"a","external_references":[{"source_name":"capec","external_id":"163"}])"),
       {"E external_references[0].external_id: is not of the form CAPEC-[id]"}},
      {versioned("vulnerability",
                 R"("name":"a","external_references":[{"source_name":"cve","external_id":"2016-1234"}])"),
       {"E external_references[0].external_id: is not a CVE identifier"}},
      {versioned("course-of-action", R"("name":"a","action":{})"),
       {"E action: is reserved for a later version of the standard"}},
      {versioned("grouping", R"("context":"mine","object_refs":[])"),
       {"w name: is required for a grouping by Errata 01", "w context: \"mine\" is not a term of grouping-context-ov",
        "E object_refs: is an empty list"}},
      {versioned("grouping", R"("name":"a","context":"unspecified","object_refs":[")" + id_of("bundle") + "\"]"),
       {"E object_refs[0]: refers to a bundle; only a STIX object may stand here"}},
      {versioned("identity", R"("name":"a","identity_class":"Firm")"),
       {"w identity_class: \"Firm\" is not a term of identity-class-ov"}},
      {location(R"("name":"a")"), {"E region: one of region, country or latitude is required for a location"}},
      {location(R"("latitude":48.5)"), {"E longitude: is required where latitude is given"}},
      {location(R"("longitude":2.5,"country":"fr")"), {"E latitude: is required where longitude is given"}},
      {location(R"("country":"fr","precision":5)"),
       {"E latitude: is required where precision is given", "E longitude: is required where precision is given"}},
      {location(R"("latitude":90.1,"longitude":-180.5)"),
       {"E latitude: is not in the range -90 to 90", "E longitude: is not in the range -180 to 180"}},
      {location(R"("latitude":"48.8566","longitude":"2.3522")"),
       {"E latitude: is not a number", "E longitude: is not a number"}},
      {location(R"("country":"France")"), {"w country: should be a code of ISO 3166-1 alpha-2"}},
      {indicator(R"("pattern":"[file:size = ]","pattern_type":"stix")"),
       {"E pattern: at offset 13: a constant expected"}},
      {indicator(R"("pattern":"rule a { condition: true }","pattern_type":"yara")"), {}},
      {indicator(R"("pattern":"anything","pattern_type":"mine")"),
       {"w pattern_type: \"mine\" is not a term of pattern-type-ov"}},
      {versioned("malware", R"("is_family":true)"), {"E name: is required for a malware family"}},
      {versioned("malware", R"("is_family":false)"), {}},
      {versioned("malware", R"("is_family":"yes")"), {"E is_family: is neither true nor false"}},
      {versioned("malware", R"("is_family":false,"sample_refs":[")" + id_of("malware") + "\"]"),
       {"E sample_refs[0]: refers to a malware; only a file or an artifact may stand here"}},
      {versioned("malware", R"("is_family":false,"operating_system_refs":[")" + id_of("tool") + "\"]"),
       {"E operating_system_refs[0]: refers to a tool; only a software object may stand here"}},
      {versioned("malware-analysis", R"("product":"a")"),
       {"E result: one of result or analysis_sco_refs is required for a malware-analysis"}},
      {versioned("malware-analysis", R"("product":"a","analysis_sco_refs":[")" + id_of("malware") + "\"]"),
       {"E analysis_sco_refs[0]: refers to a malware; only an SCO may stand here"}},
      {versioned("tool", R"("name":"a","kill_chain_phases":[{"kill_chain_name":"A B"}])"),
       {"w kill_chain_phases[0].kill_chain_name: should be lower case with hyphens between words",
        "E kill_chain_phases[0].phase_name: is required for a kill-chain-phase"}},
      {versioned("opinion", R"("opinion":"maybe","object_refs":[")" + id_of("note") + "\"]"),
       {"E opinion: \"maybe\" is not a term of opinion-enum"}},
      {observed(R"("number_observed":0,"object_refs":[")" + id_of("file") + "\"]"),
       {"E number_observed: is not in the range 1 to 999999999"}},
      {observed(R"("number_observed":1)"),
       {"E objects: one of objects or object_refs is required for an observed-data"}},
      {observed(R"("number_observed":1,"object_refs":[")" + id_of("relationship") + "\"]"),
       {"E object_refs: refers to no SCO; one at least is required"}},
      {observed(R"("number_observed":1,"object_refs":[")" + id_of("indicator") + R"(",")" + id_of("file") + "\"]"),
       {"E object_refs[0]: refers to an indicator; only an SCO or SRO may stand here"}},
      {observed(R"("number_observed":1,"object_refs":[")" + id_of("x-thing") + "\"]"), {}},
      {observed(
           R"("number_observed":1,"objects":{"0":{"type":"network-traffic","src_ref":"1","protocols":["tcp"]},"1":{"type":"ipv4-addr","value":"1.2.3.4"}})"),
       {"w objects: is deprecated"}},
      {observed(R"("number_observed":1,"objects":{"0":{"src_ref":"7","contains_refs":["0",5]}})"),
       {"w objects: is deprecated", "E objects.0.type: is required for an observable",
        "E objects.0.src_ref: names no object of the container", "E objects.0.contains_refs[1]: is not a string"}},
      {observed(R"("number_observed":1,"objects":{"0":{"type":"file"}},"object_refs":[")" + id_of("file") + "\"]"),
       {"w objects: is deprecated", "E object_refs: must not stand beside objects"}},
  });
}

TEST(Validate, ChecksRelationshipsAndSightings) {
  const auto relationship = [](const char* type, const char* source, const char* target) {
    return versioned("relationship", fmt::format(R"("relationship_type":"{}","source_ref":"{}","target_ref":"{}")",
                                                 type, id_of(source), id_of(target)));
  };
  const auto sighting = [](const std::string& p) { return versioned("sighting", p); };
  expect({
      {relationship("my-own-1", "x-thing", "file"), {}},
      {relationship("Uses_It", "malware", "file"), {"E relationship_type: is made of a-z, 0-9 and hyphens"}},
      {relationship("uses", "sighting", "relationship"),
       {"E source_ref: refers to a sighting; only an SDO or SCO may stand here",
        "E target_ref: refers to a relationship; only an SDO or SCO may stand here"}},
      {relationship("uses", "marking-definition", "language-content"),
       {"E source_ref: refers to a marking-definition; only an SDO or SCO may stand here",
        "E target_ref: refers to a language-content; only an SDO or SCO may stand here"}},
      {relationship("uses", "malware", "bundle"),
       {"E target_ref: refers to a bundle; only an SDO or SCO may stand here"}},
      {sighting(R"("sighting_of_ref":")" + id_of("ipv4-addr") + "\""),
       {"E sighting_of_ref: refers to an ipv4-addr; only an SDO may stand here"}},
      {sighting(R"("sighting_of_ref":")" + id_of("malware") + R"(","count":1000000000)"),
       {"E count: is not in the range 0 to 999999999"}},
      {sighting(R"("sighting_of_ref":")" + id_of("malware") + R"(","summary":"false")"),
       {"w summary: is a string; the standard of 2021 has a boolean here"}},
      {sighting(R"("sighting_of_ref":")" + id_of("malware") + R"(","observed_data_refs":[")" + id_of("file") +
                R"("],"where_sighted_refs":[")" + id_of("tool") + "\"]"),
       {"E observed_data_refs[0]: refers to a file; only observed-data may stand here",
        "E where_sighted_refs[0]: refers to a tool; only an identity or a location may stand here"}},
  });
}

TEST(Validate, ChecksObservables) {
  const std::string ip = id_of("ipv4-addr");
  const auto traffic = [&](const std::string& p) { return plain("network-traffic", R"("protocols":["tcp"],)" + p); };
  expect({
      {plain("artifact", R"("mime_type":"a/b")"),
       {"E payload_bin: one of payload_bin or url is required for an artifact"}},
      {plain("artifact",
             R"("payload_bin":"AAAA","url":"http://a/","hashes":{"MD5":"79054025255fb1a26e4bc422aef54eb4"})"),
       {"E url: must not stand beside payload_bin"}},
      {plain("artifact", R"("url":"http://a/")"), {"E hashes: is required where url is given"}},
      {plain("artifact", R"("payload_bin":"A A=")"), {"E payload_bin: is not base64"}},
      {plain("artifact", R"("payload_bin":"AAAA","decryption_key":"a")"),
       {"E encryption_algorithm: is required where decryption_key is given"}},
      {plain("artifact", R"("payload_bin":"AAAA","encryption_algorithm":"rot13")"),
       {"E encryption_algorithm: \"rot13\" is not a term of encryption-algorithm-enum"}},
      {plain("directory", R"("path":"a","contains_refs":[")" + ip + "\"]"),
       {"E contains_refs[0]: refers to an ipv4-addr; only a file or a directory may stand here"}},
      {plain("domain-name", R"("value":"http://example.com")"), {"E value: is not a domain name (RFC 1034, RFC 5890)"}},
      {plain("domain-name", R"("value":"example[.]com","defanged":true)"), {}},
      {plain("domain-name", R"("value":"a.b","resolves_to_refs":[")" + id_of("mac-addr") + "\"]"),
       {"E resolves_to_refs[0]: refers to a mac-addr; only an ipv4-addr, ipv6-addr or domain-name may stand here"}},
      {plain("email-addr", R"("value":"Jane <jane@example.com>")"),
       {"E value: is not an addr-spec (RFC 5322 §3.4.1), without display name"}},
      {plain("email-message", R"("is_multipart":true,"body":"a")"),
       {"E body: must not stand in a message that is multipart"}},
      {plain("email-message", R"("is_multipart":false,"body_multipart":[{"body":"a"}])"),
       {"E body_multipart: must not stand in a message that is not multipart"}},
      {plain("email-message", R"("is_multipart":true,"body_multipart":[{"content_type":"a/b"}])"),
       {"E body_multipart[0].body: one of body or body_raw_ref is required for an email-mime-part-type"}},
      {plain("email-message", R"("is_multipart":true,"from_ref":")" + ip + "\""),
       {"E from_ref: refers to an ipv4-addr; only an email-addr may stand here"}},
      {plain("email-message",
             R"("is_multipart":false,"additional_header_fields":{"Reply-To":["a",1],"X-Mailer":"Mutt","X-N":5})"),
       {"E additional_header_fields.Reply-To[1]: is not a string",
        "w additional_header_fields.X-Mailer: is a string, not a list of strings",
        "E additional_header_fields.X-N: is not a list of strings"}},
      {plain("file", R"("size":1)"), {"E hashes: one of hashes or name is required for a file"}},
      {plain("file", R"("name":"a","size":-1)"), {"E size: is less than 0"}},
      {plain("file", R"("hashes":{"MD5":"79054025255fb1a26e4bc422aef54eb4"},"name_enc":"windows-1252")"),
       {"E name: is required where name_enc is given"}},
      {plain("file", R"("hashes":{"MD5":"abc","x y":"a","sha256":"a","SHA-1":5})"),
       {"E hashes.MD5: is not a hash by MD5",
        "E hashes.x y: is not the name of a hash: 3 to 250 of a-z, A-Z, 0-9, - and _",
        "w hashes.sha256: is not a term of hash-algorithm-ov", "E hashes.SHA-1: is not a string"}},
      {plain("file", R"("hashes":{})"), {"E hashes: holds no hash"}},
      {plain("file", R"("name":"a","magic_number_hex":"fff")"),
       {"E magic_number_hex: is not an even number of hexadecimal digits"}},
      {plain("file", R"("name":"a","magic_number_hex":"504B")"),
       {"w magic_number_hex: has upper-case hexadecimal digits"}},
      {plain("file", R"("name":"a","parent_directory_ref":")" + id_of("file") + "\""),
       {"E parent_directory_ref: refers to a file; only a directory may stand here"}},
      {plain("file", R"("name":"a","content_ref":")" + id_of("file") + "\""),
       {"E content_ref: refers to a file; only an artifact may stand here"}},
      {plain("ipv4-addr", R"("value":"198.51.100.256")"), {"E value: is neither an IPv4 address nor a CIDR block"}},
      {plain("ipv6-addr", R"("value":"198.51.100.1")"), {"E value: is neither an IPv6 address nor a CIDR block"}},
      {plain("mac-addr", R"("value":"D2:FB:49:24:37:18")"),
       {"E value: is not a lower-case MAC-48 address with colons"}},
      {traffic(R"("src_port":1)"), {"E src_ref: one of src_ref or dst_ref is required for a network-traffic"}},
      {traffic(R"("src_ref":")" + id_of("url") + "\""),
       {"E src_ref: refers to a url; only an ipv4-addr, ipv6-addr, mac-addr or domain-name may stand here"}},
      {traffic(R"("src_ref":")" + ip + R"(","dst_port":65536,"src_packets":-1)"),
       {"E dst_port: is not in the range 0 to 65535", "E src_packets: is less than 0"}},
      {traffic(R"("src_ref":")" + ip + R"(","is_active":true,"end":"2020-01-01T00:00:00Z")"),
       {"E is_active: must be false where end is given"}},
      {traffic(R"("src_ref":")" + ip + R"(","ipfix":{"a":1.5,"b":"x","c":2})"),
       {"E ipfix.a: is neither an integer nor a string"}},
      {traffic(R"("src_ref":")" + ip + R"(","encapsulates_refs":[")" + ip + "\"]"),
       {"E encapsulates_refs[0]: refers to an ipv4-addr; only network-traffic may stand here"}},
      {plain("network-traffic", R"("protocols":[],"src_ref":")" + ip + "\""), {"E protocols: is an empty list"}},
      {plain("process", ""), {"E : a process needs at least one property of its own"}},
      {plain("process", R"("environment_variables":{"A B":"x","PATH":1})"),
       {"E environment_variables.A B: is not a key of a dictionary: 1 to 250 of a-z, A-Z, 0-9, - and _",
        "E environment_variables.PATH: is not a string"}},
      {plain("process", R"("parent_ref":")" + ip + R"(","image_ref":")" + ip + "\""),
       {"E parent_ref: refers to an ipv4-addr; only a process may stand here",
        "E image_ref: refers to an ipv4-addr; only a file may stand here"}},
      {plain("software", R"("name":"a","cpe":"cpe:/a:b","languages":["!"])"),
       {"E cpe: is not a CPE v2.3 entry", "E languages[0]: is not a language code (RFC 5646)"}},
      {plain("url", R"("value":"example.com/a")"), {"E value: is not a URL (RFC 3986)"}},
      {plain("user-account", ""), {"E : a user-account needs at least one property of its own"}},
      {plain("user-account", R"("user_id":1001)"), {"E user_id: is not a string"}},
      {plain("windows-registry-key", ""), {"E : a windows-registry-key needs at least one property of its own"}},
      {plain("windows-registry-key", R"("key":"HKLM\\System")"),
       {"E key: its hive is abbreviated; HKEY_… is written out"}},
      {plain("windows-registry-key", R"("key":"hkey_local_machine\\a","values":[{},{"data_type":"REG_X"}])"),
       {"E values[0]: a windows-registry-value-type needs at least one property of its own",
        "E values[1].data_type: \"REG_X\" is not a term of windows-registry-datatype-enum"}},
      {plain("x509-certificate", R"("x_a":1)"), {"E : a x509-certificate needs at least one property of its own"}},
      {plain("x509-certificate", R"("issuer":"a","x509_v3_extensions":{"x":1})"),
       {"E x509_v3_extensions: a x509-v3-extensions-type needs at least one property of its own"}},
      {plain("mutex", R"("name":"a","labels":["b"],"confidence":5)"),
       {"w labels: is not a property of a mutex", "w confidence: is not a property of a mutex"}},
  });
}

TEST(Validate, ChecksPredefinedExtensions) {
  const auto file = [](const std::string& extension) {
    return plain("file", R"("name":"a","extensions":{)" + extension + "}");
  };
  const auto traffic = [](const std::string& extension) {
    return plain("network-traffic",
                 R"("protocols":["tcp"],"src_ref":")" + id_of("ipv4-addr") + R"(","extensions":{)" + extension + "}");
  };
  const auto process = [](const std::string& extension) {
    return plain("process", R"("extensions":{)" + extension + "}");
  };
  expect({
      {file(R"("archive-ext":{"comment":"a"})"),
       {"E extensions.archive-ext.contains_refs: is required for an archive-ext"}},
      {file(R"("ntfs-ext":{"sid":"1234567"})"), {}},
      {file(R"("ntfs-ext":{"x_a":1})"), {"E extensions.ntfs-ext: a ntfs-ext needs at least one property of its own"}},
      {file(R"("ntfs-ext":{"alternate_data_streams":[{"size":-1}]})"),
       {"E extensions.ntfs-ext.alternate_data_streams[0].size: is less than 0",
        "E extensions.ntfs-ext.alternate_data_streams[0].name: is required for an alternate-data-stream-type"}},
      {file(R"("pdf-ext":{"is_optimized":"no","document_info_dict":{"Title":5}})"),
       {"E extensions.pdf-ext.is_optimized: is neither true nor false",
        "E extensions.pdf-ext.document_info_dict.Title: is not a string"}},
      {file(R"("raster-image-ext":{"image_height":1.5,"exif_tags":{"Make":"Nikon","X":true}})"),
       {"E extensions.raster-image-ext.image_height: is not an integer",
        "E extensions.raster-image-ext.exif_tags.X: is neither an integer nor a string"}},
      {file(R"("windows-pebinary-ext":{"pe_type":"exe"})"),
       {"E extensions.windows-pebinary-ext: a windows-pebinary-ext needs at least one property of its own"}},
      {file(
           R"("windows-pebinary-ext":{"pe_type":"scr","time_date_stamp":"2016-01-22T12:31:12.5Z","optional_header":{},"sections":[{"name":".text","entropy":8.5}]})"),
       {"w extensions.windows-pebinary-ext.pe_type: \"scr\" is not a term of windows-pebinary-type-ov",
        "E extensions.windows-pebinary-ext.optional_header: a windows-pe-optional-header-type needs at least one "
        "property of its own",
        "E extensions.windows-pebinary-ext.sections[0].entropy: is not in the range 0 to 8",
        "E extensions.windows-pebinary-ext.time_date_stamp: is precise to the second, without fractions"}},
      {traffic(R"("http-request-ext":{"request_method":"GET","request_header":{"Host":["a"]}})"),
       {"w extensions.http-request-ext.request_method: should be in lower case",
        "E extensions.http-request-ext.request_value: is required for a http-request-ext"}},
      {traffic(R"("icmp-ext":{"icmp_type_hex":"08"})"),
       {"E extensions.icmp-ext.icmp_code_hex: is required for an icmp-ext"}},
      {traffic(R"("socket-ext":{"address_family":"AF_X","socket_type":"SOCK_DGRAM","options":{"SO_A":"1"}})"),
       {"E extensions.socket-ext.address_family: \"AF_X\" is not a term of network-socket-address-family-enum",
        "E extensions.socket-ext.options.SO_A: is not an integer"}},
      {traffic(R"("tcp-ext":{"src_flags_hex":"0"})"),
       {"E extensions.tcp-ext.src_flags_hex: is not an even number of hexadecimal digits"}},
      {process(R"("windows-process-ext":{"integrity_level":"max","priority":"HIGH"})"),
       {"E extensions.windows-process-ext.integrity_level: \"max\" is not a term of windows-integrity-level-enum",
        "w extensions.windows-process-ext.priority: should end in _CLASS"}},
      {process(R"("windows-service-ext":{"start_type":"x","service_type":"y","service_status":"z"})"),
       {"E extensions.windows-service-ext.start_type: \"x\" is not a term of windows-service-start-type-enum",
        "E extensions.windows-service-ext.service_type: \"y\" is not a term of windows-service-type-enum",
        "E extensions.windows-service-ext.service_status: \"z\" is not a term of windows-service-status-enum"}},
      {plain("user-account", R"("extensions":{"unix-account-ext":{"gid":"a","groups":"wheel"}})"),
       {"E extensions.unix-account-ext.gid: is not an integer", "E extensions.unix-account-ext.groups: is not a list"}},
      {process(R"("ntfs-ext":{"sid":"1"})"), {"E extensions.ntfs-ext: is an extension of a file, not of a process"}},
  });
}

TEST(Validate, AcceptsUnknownTypesPropertiesAndExtensions) {
  const std::string ext = "extension-definition--9c59fd79-4215-4ba2-920d-3e4f320e1e62";
  expect({
      {sdo(R"("extensions":{")" + ext + R"(":{"extension_type":"property-extension","rank":5,"anything":{"A B":[]}}})"),
       {}},
      {sdo(R"("rank":5,"extensions":{")" + ext + R"(":{"extension_type":"toplevel-property-extension"}})"), {}},
      {sdo(R"("extensions":{")" + ext + R"(":{"rank":5}})"),
       {"E extensions." + ext + ".extension_type: is required for an extension"}},
      {sdo(R"("extensions":{")" + ext + R"(":{"extension_type":"mine"}})"),
       {"E extensions." + ext + ".extension_type: \"mine\" is not a term of extension-type-enum"}},
      {sdo(R"("extensions":{")" + ext + R"(":{"extension_type":"property-extension","A-b":1}})"),
       {"E extensions." + ext + ".A-b: is not the name of an extension's property: 3 to 250 of a-z, 0-9 and _"}},
      {sdo(R"("extensions":{"extension-definition--1":{"extension_type":"property-extension"}})"),
       {"E extensions.extension-definition--1: is not the id of an extension definition"}},
      {sdo(R"("extensions":{"x-mine-ext":{"abc":1}})"),
       {"w extensions.x-mine-ext: should be the id of an extension definition"}},
      {sdo(R"("extensions":{"x-mine-ext":5})"), {"E extensions.x-mine-ext: is not an object"}},
      {sdo(R"("extensions":{})"), {"E extensions: is an empty dictionary; it is left out instead"}},
      {plain("file", R"("name":"a","extensions":{"x-example-com-foo":{"foo_val":"foo"}})"),
       {"w extensions.x-example-com-foo: should end in -ext"}},
      {plain("file", R"("name":"a","extensions":{"x-foo-ext":{"foo_val":"foo"}})"), {}},
      {plain("file", R"("name":"a","extensions":{"X_Foo":{"foo_val":"foo"}})"),
       {"E extensions.X_Foo: is not the name of a custom extension: a-z, 0-9 and hyphens"}},
      {versioned("my-favorite-sdo", R"("name":"a","some_property_name1":"b","extensions":{")" + ext +
                                        R"(":{"extension_type":"new-sdo"}})"),
       {}},
      {plain("x-custom", R"("some_custom_stuff":14)"), {}},
      {plain("x-custom", ""), {"E : has no property of its own: a custom object needs one"}},
      {plain("x-custom",
             R"("some_custom_stuff":14,"confidence":500,"created":"2020-01-01T00:00:00.000Z","labels":[5])"),
       {"E confidence: is not in the range 0 to 100", "E labels[0]: is not a string"}},
      {plain("x-ibm-finding", R"("severity":50)"), {"w severity: is a name that the standard reserves"}},
  });
}

TEST(Validate, ChecksMetaObjects) {
  const auto marking = [](const std::string& p,
                          std::string id = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9") {
    return R"({"type":"marking-definition","spec_version":"2.1","id":")" + id +
           R"(","created":"2017-01-20T00:00:00.000Z",)" + p + "}";
  };
  const auto extension = [](const std::string& p) {
    return versioned("extension-definition",
                     R"("name":"a","schema":"a","version":"1","created_by_ref":")" + id_of("identity") + "\"," + p);
  };
  const auto language = [](const std::string& contents) {
    return versioned("language-content", R"("object_ref":")" + id_of("campaign") + R"(","contents":)" + contents);
  };
  expect({
      {marking(R"("name":"TLP:WHITE","definition_type":"tlp","definition":{"tlp":"white"})"), {}},
      {marking(R"("definition_type":"tlp","definition":{"tlp":"red"})"),
       {"E definition.tlp: is not the level of this marking"}},
      {marking(R"("definition_type":"tlp","definition":{"tlp":"white"})", id_of("marking-definition")),
       {"E id: is not one of the four TLP markings of the standard; no others may be made"}},
      {marking(R"("name":"a")"),
       {"E definition_type: is required where there are no extensions",
        "E definition: is required where there are no extensions"}},
      {marking(R"("definition_type":"statement","definition":{"text":"a"})"),
       {"E definition.statement: is required for a statement marking"}},
      {marking(R"("definition_type":"statement","definition":"a")"), {"E definition: is not an object"}},
      {marking(R"("definition_type":"mine","definition":{"a":1})"),
       {"w definition_type: \"mine\" is not a term of the types of marking definition"}},
      {marking(R"("definition_type":"tlp","definition":{"tlp":"white"},"modified":"2020-01-01T00:00:00.000Z")"),
       {"E modified: is not a property of a marking-definition"}},
      {marking(
           R"("definition_type":"tlp","definition":{"tlp":"white"},"object_marking_refs":["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"])"),
       {"E object_marking_refs[0]: a marking definition cannot mark itself"}},
      {extension(R"("extension_types":["new-thing"])"),
       {"E extension_types[0]: \"new-thing\" is not a term of extension-type-enum"}},
      {extension(R"("extension_types":["new-sdo"],"extension_properties":["rank"])"),
       {"E extension_properties: is for extensions of the type toplevel-property-extension only"}},
      {extension(R"("extension_types":["toplevel-property-extension"],"extension_properties":["rank","Ab"])"),
       {"E extension_properties[1]: is not a property name: 3 to 250 of a-z, 0-9 and _"}},
      {extension(R"("extension_types":["new-sdo"],"confidence":5)"),
       {"w confidence: is not a property of an extension-definition"}},
      {language(R"({"de":{"goals":["a",""]},"d!":{"name":"b"}})"),
       {"E contents.d!: is not a key of a dictionary: 1 to 250 of a-z, A-Z, 0-9, - and _",
        "E contents.d!: is not a language code (RFC 5646)"}},
      {language(R"({"de":"name"})"), {"E contents.de: is not an object"}},
      {language("{}"), {"E contents: is an empty dictionary; it is left out instead"}},
  });
}

TEST(Validate, AdmitsWhatHarmsNobodyWithAWarning) {
  expect(
      {
          {sdo(R"("labels":[])"), {"w labels: is an empty list; it is left out instead"}},
          {sdo(R"("x_a":[])"), {"w x_a: is empty; an empty list or dictionary is left out instead"}},
          {R"({"type":"identity","spec_version":"2.1","id":"identity--0a000000-0000-4000-1000-000000000000","created":"2020-01-01T00:00:00Z","modified":"2019-01-01T00:00:00.000Z","name":"a"})",
           {"w id: its UUID is not one of RFC 4122", "w created: has no milliseconds",
            "w modified: is earlier than created"}},
          // Required lists, and everything else, stay required.
          {versioned("note", R"("content":"a","object_refs":[])"), {"E object_refs: is an empty list"}},
      },
      Conformance::kAdmission);
}

TEST(Validate, AdmitsObjectsOfStix20) {
  const std::string indicator =
      R"({"type":"indicator","id":")" + id_of("indicator") +
      R"(","created":"2017-01-01T00:00:00.000Z","modified":"2017-01-01T00:00:00.000Z","labels":["malicious-activity"],"pattern":"[file:size = 1]","valid_from":"2017-01-01T00:00:00Z")";
  const std::string missing = "spec_version: is required for an indicator; an object without it is one of STIX 2.0";
  EXPECT_EQ(findings(indicator + "}", Conformance::kAdmission), Lines{"w " + missing});
  EXPECT_EQ(findings(indicator + "}", Conformance::kLetter),
            (Lines{"E " + missing, "E pattern_type: is required for an indicator"}));
  EXPECT_EQ(findings(indicator + R"(,"spec_version":"2.0"})", Conformance::kAdmission),
            Lines{"w spec_version: is 2.0, not 2.1"});
  // A type that 2.0 did not have cannot be of 2.0.
  EXPECT_EQ(findings(R"({"type":"incident","id":")" + id_of("incident") +
                         R"(","created":"2017-01-01T00:00:00.000Z","modified":"2017-01-01T00:00:00.000Z","name":"a"})",
                     Conformance::kAdmission),
            Lines{"E spec_version: is required for an incident"});
}

TEST(Validate, OrdersFindingsByPlaceWithMissingOnesFirst) {
  EXPECT_EQ(findings(R"({"labels":[5],"type":"malware","confidence":101,"id":")" + id_of("malware") +
                     R"(","spec_version":"2.1","created":"2020-01-01T00:00:00.000Z","x-a":1})"),
            (Lines{"E modified: is required for a malware", "E is_family: is required for a malware",
                   "E labels[0]: is not a string", "E confidence: is not in the range 0 to 100",
                   "E x-a: is not the name of a custom property: 3 to 250 of a-z, 0-9 and _"}));
}

TEST(Validate, StopsAtTheLimitOfFindings) {
  std::string labels = "5";
  for (int i = 0; i < 10'000; ++i) labels += ",5";
  EXPECT_EQ(findings(sdo("\"labels\":[" + labels + "]")).size(), kMaxFindings);
}

}  // namespace
}  // namespace bongsu::stix
