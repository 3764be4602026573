#include <gtest/gtest.h>

#include "api/console/console_test_support.h"

namespace bongsu::api::console {
namespace {

using test::kIdentity;
using test::TestConsole;

std::string claimed(int number) {
  return R"({"type":"indicator","spec_version":"2.1","id":"indicator--0000000)" + std::to_string(number) +
         R"(-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",)"
         R"("created_by_ref":")" +
         kIdentity +
         R"(","pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"})";
}

TEST(ConsoleQuarantine, ListsShowsAndTakesADecisionWithItsReason) {
  TestConsole t;
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(claimed(1)), stix::Object::parse(claimed(2))};
  ASSERT_EQ(t.admission.admit(objects, {.collection = t.shared, .origin = "cert-ua", .states = {}})->quarantined, 2u);
  EXPECT_EQ(t.send("GET", "/api/v1/quarantine").status, 401);

  t.log_in("rita");
  const Json list = t.json(t.send("GET", "/api/v1/quarantine"));
  EXPECT_EQ(int_at(list, "open"), 2);
  const Json& item = find(list, "items")->get_array().at(0);
  EXPECT_EQ(string_at(item, "member"), "cert-ua");
  EXPECT_EQ(string_at(item, "reason"), "our_identity");
  EXPECT_EQ(bool_at(item, "may_discard"), false);
  const std::string id(*string_at(item, "id")), other(*string_at(find(list, "items")->get_array().at(1), "id"));
  const Json shown = t.json(t.send("GET", "/api/v1/quarantine/" + id));
  EXPECT_NE(string_at(shown, "text")->find(kIdentity), std::string::npos);
  const std::string why = R"({"reason":"asked them"})";
  EXPECT_EQ(t.send("POST", "/api/v1/quarantine/" + id + "/discard", why).status, 403) << "a reader";
  EXPECT_EQ(t.send("GET", "/api/v1/quarantine/none").status, 404);

  t.log_in("olena");
  EXPECT_EQ(t.send("POST", "/api/v1/quarantine/" + id + "/discard", R"({"reason":" "})").status, 400);
  EXPECT_EQ(t.send("POST", "/api/v1/quarantine/" + id + "/admit", why).status, 403) << "in our name: an operator's";
  EXPECT_EQ(t.send("POST", "/api/v1/quarantine/" + id + "/discard", why).status, 200);
  const Json gone = t.json(t.send("GET", "/api/v1/quarantine/" + id));
  EXPECT_EQ(string_at(gone, "state"), "discarded");
  EXPECT_EQ(string_at(gone, "decided_by"), "olena");
  EXPECT_EQ(string_at(gone, "decided_why"), "asked them");
  EXPECT_TRUE(find(gone, "text")->is_null()) << "erased";
  EXPECT_EQ(t.send("POST", "/api/v1/quarantine/" + id + "/discard", why).status, 404) << "once";

  t.log_in("otto");
  EXPECT_EQ(t.send("POST", "/api/v1/quarantine/" + other + "/admit", why).status, 200);
  EXPECT_EQ(t.journal->snapshot()->collection_entries(t.shared, 0, 10)->size(), 1u);
}

TEST(ConsoleQuarantine, ShowsOnlyWhatCameForCollectionsThatTheAccountReads) {
  TestConsole t;
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(claimed(1))};
  ASSERT_EQ(t.admission.admit(objects, {.collection = t.shared, .origin = "cert-ua", .states = {}})->quarantined, 1u);
  auto book = t.accounts.accounts();
  book["rita"].read = {"other"};
  t.accounts.replace(book);
  t.log_in("rita");
  EXPECT_EQ(int_at(t.json(t.send("GET", "/api/v1/quarantine")), "open"), 0);
  EXPECT_EQ(t.send("GET", "/api/v1/quarantine/" + t.quarantine->list().front().id).status, 404);
}

}  // namespace
}  // namespace bongsu::api::console
