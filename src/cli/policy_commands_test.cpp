#include "cli/policy_commands.h"

#include "cli/command_test_support.h"
#include "cli/terminal.h"

namespace bongsu::cli {
namespace {

const std::string kState =
    R"({"type":"bongsu-policy-state","self":"cert-lt","epoch":7,"charter_version":3,"own":{"communities":["all"]},)"
    R"("members":{"cert-ua":{"communities":["all"]}},"agreements":{"cert-ua":[{"id":"00000000-0000-4000-8000-00000000000a",)"
    R"("version":4,"collections":["shared"],"highest_tlp":"amber","types":["*"],"valid_until":"2027-01-01T00:00:00Z"}]}})";

std::string indicator(const std::string& more) {
  return R"({"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
         R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"n",)"
         R"("pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z")" +
         more + "}";
}

class PolicyDecide : public CommandTest {
 protected:
  DecideCommand command(const std::string& more) {
    DecideCommand c;
    c.object = file("object.json", indicator(more));
    c.state = file("state.json", kState);
    c.member = "cert-ua";
    c.at = "2026-06-01T00:00:00Z";
    c.explain = true;
    return c;
  }
};

TEST_F(PolicyDecide, SaysRuleAgreementAndVersion) {
  DecideCommand c = command(R"(,"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"])");
  EXPECT_EQ(run(&decide_on_state_file, c), kExitOk) << err_;
  EXPECT_NE(out_.find("flows to cert-ua"), std::string::npos) << out_;
  EXPECT_NE(out_.find("00000000-0000-4000-8000-00000000000a, version 4"), std::string::npos) << out_;
  EXPECT_NE(out_.find("policy epoch           7"), std::string::npos) << out_;
  c.purpose = "exercise";
  EXPECT_EQ(run(&decide_on_state_file, c), kExitNo);
  EXPECT_NE(out_.find("wrong_purpose"), std::string::npos) << out_;
  c.explain = false;
  c.purpose = "operations";
  c.member = "cert-xx";
  EXPECT_EQ(run(&decide_on_state_file, c), kExitNo);
  EXPECT_EQ(out_, "withhold: withheld: no such member is paired with this node\n");
}

TEST_F(PolicyDecide, RedactsOnlyForACallerThatCan) {
  DecideCommand c = command(
      R"(,"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],"granular_markings":[)"
      R"({"marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","selectors":["name"]}])");
  EXPECT_EQ(run(&decide_on_state_file, c), kExitNo);
  EXPECT_NE(out_.find("tlp_red"), std::string::npos) << out_;
  c.redact = true;
  EXPECT_EQ(run(&decide_on_state_file, c), kExitOk);
  EXPECT_NE(out_.find("left out               name"), std::string::npos) << out_;
}

// Consent to pass on what cert-ee gave, by the agreement with it.
TEST_F(PolicyDecide, ConsentEndsWithItsAgreement) {
  DecideCommand c = command(R"(,"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"])");
  c.origin = "cert-ee";
  const auto state = [&](const std::string& more, const std::string& members = R"("cert-ua":{},"cert-ee":{})") {
    c.state = file("state.json",
                   R"({"type":"bongsu-policy-state","self":"cert-lt","members":{)" + members +
                       R"(},"agreements":{"cert-ua":[{"collections":["shared"],"highest_tlp":"amber","types":["*"],)"
                       R"("valid_until":"2030-01-01T00:00:00Z","onward":true}],"cert-ee":[{"collections":["shared"],)"
                       R"("highest_tlp":"amber","types":["*"],"passes_on":["cert-ua"],)" +
                       more + "}]}}");
    return run(&decide_on_state_file, c);
  };
  EXPECT_EQ(state(R"("valid_until":"2030-01-01T00:00:00Z")"), kExitOk) << out_ << err_;
  for (const char* ended : {R"("valid_until":"2026-05-31T00:00:00Z")",
                            R"("valid_from":"2026-06-02T00:00:00Z","valid_until":"2030-01-01T00:00:00Z")",
                            R"("purposes":["crisis"],"valid_until":"2030-01-01T00:00:00Z")"}) {
    EXPECT_EQ(state(ended), kExitNo) << ended << out_ << err_;
    EXPECT_NE(out_.find("no_consent"), std::string::npos) << out_;
  }
  EXPECT_EQ(state(R"("valid_until":"2030-01-01T00:00:00Z")", R"("cert-ua":{})"), kExitNo) << "of no member";
}

TEST_F(PolicyDecide, ReadsWhatAnObjectSaysOfItself) {
  // What carries the rest of it cannot be left out alone.
  DecideCommand c = command(
      R"(,"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],"granular_markings":[)"
      R"({"marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","selectors":["pattern"]}])");
  c.redact = true;
  EXPECT_EQ(run(&decide_on_state_file, c), kExitNo) << out_;
  // A sighting that names nobody goes to who gave what was sighted, and nobody is known to have.
  c = command("");
  c.object = file("sighting.json",
                  R"({"type":"sighting","spec_version":"2.1","id":"sighting--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
                  R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",)"
                  R"("sighting_of_ref":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","object_marking_refs":[)"
                  R"("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]})");
  EXPECT_EQ(run(&decide_on_state_file, c), kExitNo) << out_;
}

TEST_F(PolicyDecide, OneObjectAndOneDefinitionOfEachId) {
  DecideCommand c = command("");
  const auto bundle = [&](const std::string& objects) {
    c.object =
        file("bundle.json",
             R"({"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[)" + objects + "]}");
    return run(&decide_on_state_file, c);
  };
  const auto definition = [](const std::string& statement) {
    return R"({"type":"marking-definition","spec_version":"2.1","id":"marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",)"
           R"("created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":")" +
           statement + R"("}})";
  };
  EXPECT_NE(bundle(indicator("") + "," + definition("a") + "," + definition("a")), kExitTrouble) << err_;
  EXPECT_EQ(bundle(indicator("") + "," + definition("a") + "," + definition("b")), kExitTrouble);
  EXPECT_NE(err_.find("marking-definition--8e2e2d2b"), std::string::npos) << err_;
  EXPECT_EQ(bundle(indicator("") + "," + indicator(R"(,"confidence":3)")), kExitTrouble);
  EXPECT_NE(err_.find("one object"), std::string::npos) << err_;
}

TEST_F(PolicyDecide, TroubleNamesThePlace) {
  DecideCommand c = command("");
  c.state = file("bad.json", R"({"type":"bongsu-policy-state","self":"cert-lt","members":{"x":{"kind":"?"}}})");
  EXPECT_EQ(run(&decide_on_state_file, c), kExitTrouble);
  EXPECT_NE(err_.find("members.x.kind"), std::string::npos) << err_;
  c = command("");
  c.purpose = "fun";
  EXPECT_EQ(run(&decide_on_state_file, c), kExitTrouble);
}

}  // namespace
}  // namespace bongsu::cli
