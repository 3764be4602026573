// What a person may not see does not exist on the console: lists, counts, curves, search, graph, groups, quarantine and
// the stream are those of a node without it. Leak rules D2, D5, D7, D8, D10, R5, R12.
#include <gtest/gtest.h>

#include <regex>

#include "api/console/console_test_support.h"

namespace bongsu::api::console::test {
namespace {

constexpr const char* kRedMarking = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

struct People : TestConsole {
  std::unique_ptr<journal::Search> real = std::move(*journal::open_search({}));
  std::string secret_marking, secret_id;

  People() {
    search.real = real.get();
    policy::Label label = policy::bottom();
    label.rank = policy::ClassRank::kSecret;
    secret_marking = *policy::make_label_marking(label, "cert-lt", Instant{1'700'000'000, 0});
    secret_id = *string_at(*parse_json(secret_marking), "id");
    auto book = accounts.accounts();
    book.at("olena").clearance.rank = "secret";
    accounts.replace(std::move(book));
    admit(secret_marking);
  }
  static std::string id(std::string_view type, int n) {
    std::string digits = std::to_string(n);
    return std::string(type) + "--00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
  }
  // An indicator for evil.example with a name, or a relationship from one to another.
  void put_indicator(int n, const std::string& marking = {}) {
    admit(R"({"type":"indicator","spec_version":"2.1","id":")" + id("indicator", n) +
          R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"winter )" +
          std::to_string(n) + R"(","pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix",)" +
          R"("valid_from":"2026-01-01T00:00:00Z")" + marked(marking) + "}");
  }
  void put_relation(int n, int from, int to) {
    admit(R"({"type":"relationship","spec_version":"2.1","id":")" + id("relationship", n) +
          R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",)" +
          R"("relationship_type":"related-to","source_ref":")" + id("indicator", from) + R"(","target_ref":")" +
          id("indicator", to) + "\"" + marked({}) + "}");
  }
  static std::string marked(const std::string& marking) {
    return R"(,"object_marking_refs":[")" +
           (marking.empty() ? std::string(stix::tlp_marking_id(stix::Tlp::kGreen).text()) : marking) + "\"]";
  }
  void admit(const std::string& text) {
    const std::vector<Result<stix::Object>> objects{stix::Object::parse(text)};
    const auto report = admission.admit(objects, {.collection = shared,
                                                  .origin = "cert-lt",
                                                  .fallback = stix::Tlp::kGreen,
                                                  .states = {},
                                                  .persons = {"cert-lt/olena"}});
    ASSERT_TRUE(report) << report.error().text();
    ASSERT_EQ(report->refused, 0U) << report->items.front().message;
  }
  void raise_labelled(int n, const std::string& label, std::string_view value) {
    detect::Alert one = alert(n);
    one.label = label;
    one.value.text = value;
    one.matched = value;
    const std::vector<detect::Alert> all{one};
    ASSERT_TRUE(alerts.raise(all, {}));
  }
  void index() {
    const auto snapshot = journal->snapshot();
    std::vector<journal::Search::Item> items;
    for (auto& entry : *snapshot->entries(real->cursor(), 1000)) {
      const auto payload = snapshot->payload(entry.seq);
      items.push_back({std::move(entry), payload ? *payload : ""});
    }
    ASSERT_TRUE(real->apply(items));
  }
};

// What both worlds have, then what only one of them has.
void fill(People& t, bool hidden) {
  t.put_indicator(1);
  t.put_indicator(2);
  t.put_relation(10, 1, 2);
  const std::string green = policy::Label{.tlp = stix::Tlp::kGreen, .marked = true}.text();
  t.raise_labelled(1, green, "evil.example");
  t.api->tick();
  t.clock.advance(std::chrono::seconds(1));
  t.api->tick();
  if (hidden) {
    t.put_indicator(3, t.secret_id);
    t.put_indicator(4, kRedMarking);
    t.put_relation(11, 1, 3);
    policy::Label secret{.tlp = stix::Tlp::kGreen, .marked = true};
    secret.rank = policy::ClassRank::kSecret;
    policy::Label red{.tlp = stix::Tlp::kRed, .marked = true};
    red.persons = {"cert-lt/olena"};
    t.raise_labelled(3, secret.text(), "evil.example");
    t.raise_labelled(4, red.text(), "evil.example");
  }
  t.index();
  t.clock.advance(std::chrono::seconds(1));
  t.api->tick();
}

std::string streamed(People& t) {
  const auto response = t.send("GET", "/api/v1/events");
  std::string out;
  EXPECT_TRUE(std::get<std::unique_ptr<net::TailSource>>(response.body)->pull(out, false));
  return out;
}

// Numbers of the journal say how much was written, by whomever; what they are is not compared (README, Limits).
std::string without_numbers(std::string text) {
  text = std::regex_replace(text, std::regex(R"re("(seq|next|behind|group)":("[^"]*"|\d+))re"), R"("$1":0)");
  return std::regex_replace(text, std::regex(R"(id: \d+)"), "id: 0");
}

std::string everything(People& t, const std::string& account) {
  t.cookie.clear();
  t.log_in(account);
  std::string out = streamed(t);
  for (const std::string path :
       {"overview", "alerts", "alerts?limit=1", "groups", "suppressions", "search?q=evil.example", "search?q=winter",
        "search?q=indicator--00000000-0000-4000-8000-000000000003",
        "objects/indicator--00000000-0000-4000-8000-000000000001",
        "objects/indicator--00000000-0000-4000-8000-000000000003",
        "objects/indicator--00000000-0000-4000-8000-000000000004",
        "objects/relationship--00000000-0000-4000-8000-000000000011",
        "alerts/alert--00000000-0000-5000-8000-000000000003", "alerts/alert--00000000-0000-5000-8000-000000000003/hits",
        "quarantine"}) {
    const auto response = t.send("GET", "/api/v1/" + path);
    out += path + " → " + std::to_string(response.status) + " " + t.text(response) + "\n";
  }
  out += t.text(t.send("POST", "/api/v1/indicators/values", R"({"text":"evil.example"})"));
  out += t.text(t.send("POST", "/api/v1/alerts/alert--00000000-0000-5000-8000-000000000004/judgement",
                       R"({"acknowledged":true})"));
  out += t.text(t.send("POST", "/api/v1/objects/indicator--00000000-0000-4000-8000-000000000003/withdrawal",
                       R"({"reason":"x"})"));
  return without_numbers(std::move(out));
}

TEST(ConsolePersons, D8D10WhatAPersonMayNotSeeLooksAsIfItWereNotThere) {
  for (const std::string account : {"rita", "otto"}) {  // R12: otto is the operator
    People with, without;
    fill(with, true);
    fill(without, false);
    ASSERT_EQ(everything(with, account), everything(without, account)) << account;
    EXPECT_NE(everything(with, "olena"), everything(without, "olena")) << "the worlds do differ";
  }
}

TEST(ConsolePersons, R5WhoIsNamedAndClearedSeesItAll) {
  People t;
  fill(t, true);
  t.log_in("olena");
  EXPECT_EQ(*int_at(*find(t.json(t.send("GET", "/api/v1/alerts")), "counts"), "total"), 3);
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/search?q=evil.example")), "hits")->get_array().size(), 4U);
  EXPECT_EQ(t.send("GET", "/api/v1/objects/" + People::id("indicator", 4)).status, 200);
  const Json page = t.json(t.send("GET", "/api/v1/objects/" + People::id("indicator", 1)));
  EXPECT_EQ(find(page, "relations")->get_array().size(), 2U) << "D2: with both ends";
}

TEST(ConsolePersons, AClearanceThatIsTakenAwayHoldsAtTheNextRequestAndOnOpenPages) {
  People t;
  fill(t, true);
  t.log_in("olena");
  const auto response = t.send("GET", "/api/v1/events");
  auto& stream = *std::get<std::unique_ptr<net::TailSource>>(response.body);
  std::string out;
  EXPECT_TRUE(stream.pull(out, false));
  auto book = t.accounts.accounts();
  book.at("olena").clearance = {};
  book.at("olena").person = "somebody-else";
  t.accounts.replace(std::move(book));
  EXPECT_EQ(t.send("GET", "/api/v1/objects/" + People::id("indicator", 3)).status, 404);
  policy::Label secret{.tlp = stix::Tlp::kGreen, .marked = true};
  secret.rank = policy::ClassRank::kSecret;
  t.raise_labelled(5, secret.text(), "evil.example");
  out.clear();
  EXPECT_TRUE(stream.pull(out, false));
  EXPECT_EQ(out.find("event: alert"), std::string::npos) << out;
}

TEST(ConsolePersons, QuarantineShowsOnlyWhatItsBytesWouldLet) {
  People t;
  const auto hold = [&](int n, const std::string& marking) {
    const std::string text = R"({"type":"identity","spec_version":"2.1","id":")" + kIdentity +
                             R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-0)" + std::to_string(n) +
                             R"(T00:00:00.000Z","name":"not ours")" + People::marked(marking) + "}";
    const std::vector<Result<stix::Object>> objects{stix::Object::parse(text)};
    const auto report = t.admission.admit(objects, {.collection = t.shared, .origin = "cert-ua"});
    ASSERT_TRUE(report);
  };
  hold(1, {});
  hold(2, t.secret_id);
  t.log_in("olena");
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/quarantine")), "items")->get_array().size(), 2U);
  t.cookie.clear();
  t.log_in("otto");
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/quarantine")), "items")->get_array().size(), 1U);
  EXPECT_EQ(*int_at(t.json(t.send("GET", "/api/v1/quarantine")), "open"), 1);
}

}  // namespace
}  // namespace bongsu::api::console::test
