// Groups and suppressions as an account may see them.
#include "api/console/console_test_support.h"

namespace bongsu::api::console {
namespace {

using test::TestConsole;

// Vilma may read only the shared collection; indicator 1 lies there, indicator 2 in a secret one.
struct Fixture : TestConsole {
  std::string secret =
      collections->add({.alias = "secret", .title = "Secret", .fallback = stix::Tlp::kRed}, random)->id;
  journal::Seq open_seq = put(1, shared), secret_seq = put(2, secret);

  Fixture() {
    auto book = accounts.accounts();
    tokens["vilma"] = crypto::fresh_token(random);
    book["vilma"] = {.name = "vilma",
                     .member = "cert-lt",
                     .role = identity::Role::kAnalyst,
                     .token_digests = {crypto::token_digest(tokens["vilma"])},
                     .read = {shared},
                     .write = {}};
    accounts.replace(std::move(book));
  }
  journal::Seq put(int number, const std::string& collection) {
    journal::Batch batch;
    batch.entries.push_back({.collection = collection,
                             .object_id = alert(number).indicator_id,
                             .version = "2026-01-01T00:00:00Z",
                             .version_key = "20260101",
                             .origin = "cert-ua",
                             .payload = "{}"});
    return journal->append(batch).value().entries.at(0).seq;
  }
  // Hit `n` of indicator 1 (open) or 2 (secret) on a host.
  detect::Alert hit(bool open, const std::string& host, int n, int confidence) {
    detect::Alert out = alert(n, confidence);
    out.indicator_id = alert(open ? 1 : 2).indicator_id;
    out.indicator_ref = open ? open_seq : secret_seq;
    out.value.text = open ? "open.example" : "secret.example";
    out.entity = {detect::EntityKind::kHost, host};
    return out;
  }
  void raise_all(const std::vector<detect::Alert>& all) { ASSERT_TRUE(alerts.raise(all, {})); }
  Json get(const std::string& path) { return json(send("GET", "/api/v1/" + path)); }
  std::string later(int hours) { return (clock.now() + std::chrono::hours(hours)).text(0); }
};

std::int64_t number(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* at = &json;
  for (const auto key : path) {
    at = find(*at, key);
    if (at == nullptr) return -1;
  }
  return at->to_number<std::int64_t>();
}

TEST(GroupRoutes, AGroupShowsWhatTheAccountMaySeeAndNoTraceOfTheRest) {
  Fixture t;
  std::vector<detect::Alert> all;
  for (int n = 0; n < 5; ++n) all.push_back(t.hit(true, "ws1", 100 + n, 40));
  for (int n = 0; n < 7; ++n) all.push_back(t.hit(false, "ws1", 200 + n, 100));
  for (int n = 0; n < 3; ++n) all.push_back(t.hit(false, "ws2", 300 + n, 90));
  t.raise_all(all);
  t.log_in("olena");
  const Json whole = t.get("groups");
  EXPECT_EQ(number(whole, {"total"}), 2);
  EXPECT_EQ(number(whole, {"totals", "hits"}), 15);
  const Json& first = find(whole, "groups")->get_array().at(0);
  EXPECT_EQ(number(first, {"risk"}), 70);
  EXPECT_EQ(number(first, {"hits"}), 12);
  const std::string shared_group(*string_at(first, "id"));
  const std::string hidden_group(*string_at(find(whole, "groups")->get_array().at(1), "id"));
  EXPECT_EQ(number(t.get("groups/" + hidden_group), {"total"}), 1);

  t.log_in("vilma");
  const Json seen = t.get("groups");
  EXPECT_EQ(number(seen, {"total"}), 1);
  EXPECT_EQ(number(seen, {"totals", "groups"}), 1);
  EXPECT_EQ(number(seen, {"totals", "hits"}), 5);
  const Json& mine = find(seen, "groups")->get_array().at(0);
  EXPECT_EQ(number(mine, {"risk"}), 28) << "40 % × 70 %, not the hidden alert's";
  EXPECT_EQ(number(mine, {"hits"}), 5);
  EXPECT_EQ(number(mine, {"alerts"}), 1);
  EXPECT_EQ(number(mine, {"subjects"}), 1);
  EXPECT_EQ(to_text(seen).find("secret.example"), std::string::npos);
  EXPECT_EQ(number(t.get("groups/" + shared_group), {"total"}), 1);
  EXPECT_EQ(t.send("GET", "/api/v1/groups/" + hidden_group).status, 404);
  EXPECT_EQ(t.text(t.send("GET", "/api/v1/groups/" + hidden_group)), t.text(t.send("GET", "/api/v1/groups/group--x")));
  EXPECT_EQ(number(t.get("groups?text=secret"), {"total"}), 0);
  EXPECT_EQ(number(t.get("groups?text=open"), {"total"}), 1);
  EXPECT_EQ(t.send("GET", "/api/v1/alerts/" + all[6].id + "/hits").status, 404);
  const Json hits = t.get("alerts/" + all[0].id + "/hits?limit=2&offset=1");
  EXPECT_EQ(number(hits, {"total"}), 5);
  EXPECT_EQ(find(hits, "hits")->get_array().size(), 2U);
}

TEST(GroupRoutes, SuppressingTakesAnAnalystAReasonAndAnEnd) {
  Fixture t;
  t.log_in("rita");
  const auto body = [&](const std::string& more) {
    return R"({"reason":"scanner","until":")" + t.later(24) + "\"," + more + "}";
  };
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions", body(R"("match":{"entity":"ws1"})")).status, 403);
  t.log_in("olena");
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions", R"({"reason":"x","match":{"entity":"ws1"}})").status, 400);
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions", body(R"("match":{})")).status, 400);
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions", body(R"("match":{"entiy":"ws1"})")).status, 400);
  const auto made = t.send("POST", "/api/v1/suppressions", body(R"("match":{"entity":"ws1"})"));
  ASSERT_EQ(made.status, 201) << t.text(made);
  EXPECT_EQ(string_at(t.json(made), "author"), "olena");
  t.raise_all({t.hit(true, "ws1", 100, 80), t.hit(true, "ws1", 101, 80), t.hit(true, "ws2", 102, 80)});
  EXPECT_EQ(number(t.get("groups"), {"total"}), 1);
  EXPECT_EQ(number(t.get("groups?suppressed=1"), {"total"}), 1);
  EXPECT_EQ(number(t.get("alerts"), {"counts", "suppressed"}), 1);
  EXPECT_EQ(number(t.get("alerts"), {"counts", "open"}), 1);
  const Json list = t.get("suppressions");
  EXPECT_EQ(number(find(list, "suppressions")->get_array().at(0), {"hits"}), 2);
  const std::string id(*string_at(t.json(made), "id"));
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions/" + id + "/end", "{}").status, 204);
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions/" + id + "/end", "{}").status, 404);
}

TEST(GroupRoutes, NobodySilencesWhatHeDoesNotSee) {
  Fixture t;
  t.log_in("olena");
  const auto body = [&](const std::string& match) {
    return R"({"reason":"r","until":")" + t.later(24) + R"(","match":)" + match + "}";
  };
  const std::string open = t.alert(1).indicator_id, secret = t.alert(2).indicator_id;
  ASSERT_EQ(t.send("POST", "/api/v1/suppressions", body(R"({"value":"secret.example"})")).status, 201);
  t.raise_all({t.hit(false, "ws1", 100, 80), t.hit(true, "ws1", 101, 80)});
  t.log_in("vilma");
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions", body(R"({"entity":"*"})")).status, 403);
  EXPECT_EQ(t.send("POST", "/api/v1/suppressions", body(R"({"indicator":")" + open + "\"}")).status, 403);
  const auto hidden =
      t.send("POST", "/api/v1/suppressions", body(R"({"source":"cert-ua","indicator":")" + secret + "\"}"));
  const auto none =
      t.send("POST", "/api/v1/suppressions", body(R"({"source":"cert-ua","indicator":"indicator--none"})"));
  EXPECT_EQ(hidden.status, 404);
  EXPECT_EQ(t.text(hidden), t.text(none));
  EXPECT_TRUE(find(t.get("suppressions"), "suppressions")->get_array().empty())
      << "it names a value that vilma may not know";
  EXPECT_EQ(number(t.get("alerts"), {"counts", "suppressed"}), 0);
  const auto own = t.send("POST", "/api/v1/suppressions", body(R"({"source":"cert-ua","indicator":")" + open + "\"}"));
  ASSERT_EQ(own.status, 201) << t.text(own);
  t.raise_all({t.hit(true, "ws9", 102, 80)});
  EXPECT_EQ(number(t.get("alerts"), {"counts", "suppressed"}), 1);
  const Json list = t.get("suppressions");
  ASSERT_EQ(find(list, "suppressions")->get_array().size(), 1U);
  EXPECT_EQ(number(find(list, "suppressions")->get_array().at(0), {"hits"}), 1);
}

TEST(GroupRoutes, ASuppressedAlertMakesNoNotification) {
  Fixture t;
  t.log_in("olena");
  ASSERT_EQ(t.send("POST", "/api/v1/suppressions",
                   R"({"reason":"r","until":")" + t.later(1) + R"(","match":{"entity":"ws1"}})")
                .status,
            201);
  auto response = t.send("GET", "/api/v1/events");
  auto& stream = std::get<std::unique_ptr<net::TailSource>>(response.body);
  t.raise_all({t.hit(true, "ws1", 100, 80), t.hit(true, "ws2", 101, 80)});
  std::string out;
  ASSERT_TRUE(stream->pull(out, false));
  EXPECT_EQ(out.find(t.alert(100).id), std::string::npos);
  EXPECT_NE(out.find(t.alert(101).id), std::string::npos);
}

}  // namespace
}  // namespace bongsu::api::console
