#include <gtest/gtest.h>

#include "api/console/console_test_support.h"

namespace bongsu::api::console {
namespace {

using test::TestConsole;

// An object of this node that was RED for olena and otto, and that olena wants to be GREEN.
struct Waiting : TestConsole {
  static std::string object(int version, const std::string& marking) {
    return R"({"type":"indicator","spec_version":"2.1","id":"indicator--00000001-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:0)" +
           std::to_string(version) +
           R"(.000Z","pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":[")" +
           marking + "\"]}";
  }
  std::string put(int version, stix::Tlp tlp) {
    const std::vector<Result<stix::Object>> objects{
        stix::Object::parse(object(version, stix::tlp_marking_id(tlp).text()))};
    const auto report = admission.admit(objects, {.collection = shared,
                                                  .origin = "cert-lt",
                                                  .fallback = stix::Tlp::kGreen,
                                                  .persons = {"cert-lt/olena", "cert-lt/otto"},
                                                  .by = "olena",
                                                  .why = "for the partners"});
    EXPECT_TRUE(report);
    return report->items.front().message;
  }
  Waiting() {
    EXPECT_EQ(put(1, stix::Tlp::kRed), "");
    EXPECT_NE(put(2, stix::Tlp::kGreen).find("second person"), std::string::npos);
    id = approvals->list().front().id;
  }
  std::string decision(const std::string& sha256, const std::string& reason = "agreed") const {
    return R"({"reason":")" + reason + R"(","sha256":")" + sha256 + "\"}";
  }
  std::size_t versions() {
    return journal->snapshot()->versions(shared, "indicator--00000001-1111-4111-8111-111111111111")->size();
  }
  std::string id;
};

TEST(ConsoleApprovals, ShowsWhatChangesToThoseWhoMayDecideAndNobodyElse) {
  Waiting t;
  EXPECT_EQ(t.send("GET", "/api/v1/approvals").status, 401);
  t.log_in("rita");
  const Json nothing = t.json(t.send("GET", "/api/v1/approvals"));
  EXPECT_EQ(int_at(nothing, "open"), 0);
  EXPECT_EQ(t.send("GET", "/api/v1/approvals/" + t.id).status, 404);
  EXPECT_EQ(t.send("POST", "/api/v1/approvals/" + t.id + "/refuse", t.decision("")).status, 404);
  t.log_in("otto");
  const Json list = t.json(t.send("GET", "/api/v1/approvals"));
  EXPECT_EQ(bool_at(list, "four_eyes"), true);
  const Json& item = find(list, "items")->get_array().at(0);
  EXPECT_EQ(bool_at(item, "may_approve"), true);
  const Json& change = find(item, "changes")->get_array().at(0);
  EXPECT_EQ(string_at(change, "before"), "TLP:RED");
  EXPECT_EQ(string_at(change, "after"), "TLP:GREEN");
  EXPECT_NE(string_at(t.json(t.send("GET", "/api/v1/approvals/" + t.id)), "text")->find("198.51.100.7"),
            std::string::npos);
}

TEST(ConsoleApprovals, WhoProposedItIsToldWhyHeDoesNotApproveIt) {
  Waiting t;
  t.log_in("olena");
  const Json item = t.json(t.send("GET", "/api/v1/approvals/" + t.id));
  EXPECT_EQ(bool_at(item, "may_approve"), false);
  EXPECT_EQ(bool_at(item, "may_refuse"), true);
  const std::string sha256(*string_at(item, "sha256"));
  EXPECT_EQ(t.send("POST", "/api/v1/approvals/" + t.id + "/approve", t.decision(sha256)).status, 403);
  EXPECT_EQ(t.versions(), 1u);
}

TEST(ConsoleApprovals, ApprovesWhatWasShownOnceAndWithAReason) {
  Waiting t;
  t.log_in("otto");
  const std::string sha256(*string_at(t.json(t.send("GET", "/api/v1/approvals/" + t.id)), "sha256"));
  const std::string path = "/api/v1/approvals/" + t.id + "/approve";
  EXPECT_EQ(t.send("POST", path, t.decision(sha256, " ")).status, 400);
  EXPECT_EQ(t.send("POST", path, t.decision("")).status, 409);
  EXPECT_EQ(t.send("POST", path, t.decision(std::string(64, '0'))).status, 409);
  EXPECT_EQ(t.versions(), 1u);
  const auto done = t.send("POST", path, t.decision(sha256));
  EXPECT_EQ(done.status, 200) << t.text(done);
  EXPECT_EQ(string_at(t.json(done), "state"), "executed");
  EXPECT_EQ(t.versions(), 2u);
  EXPECT_EQ(t.send("POST", path, t.decision(sha256)).status, 409) << "once";
  EXPECT_TRUE(find(t.json(t.send("GET", "/api/v1/approvals/" + t.id)), "text")->is_null()) << "its bytes are erased";
}

}  // namespace
}  // namespace bongsu::api::console
