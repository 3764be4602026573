#include "api/console/events.h"

#include "api/console/console_test_support.h"

namespace bongsu::api::console {
namespace {

using test::TestConsole;

// One open page: what came over its stream, pulled when it was woken.
struct Page {
  std::unique_ptr<net::TailSource> stream;
  int wakes = 0;

  explicit Page(net::Response response) {
    EXPECT_EQ(response.status, 200);
    stream = std::move(std::get<std::unique_ptr<net::TailSource>>(response.body));
    stream->on_ready([this] { ++wakes; });
  }
  std::string pull(bool heartbeat = false) {
    std::string out;
    for (int rounds = 0; rounds < 1'000; ++rounds) {
      const int before = wakes;
      const auto going = stream->pull(out, heartbeat);
      EXPECT_TRUE(going);
      ended = going && !*going;
      if (ended || wakes == before) break;  // it wakes itself while there is more
    }
    return out;
  }
  bool ended = false;
};

int count(const std::string& text, std::string_view what) {
  int n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}
std::string last_id(const std::string& text) {
  const auto at = text.rfind("id: ");
  return at == std::string::npos ? "" : text.substr(at + 4, text.find('\n', at) - at - 4);
}

TEST(ConsoleEvents, ANewAlertAndItsJudgementReachAnOpenPage) {
  TestConsole t;
  t.log_in("olena");
  t.journal->on_commit([&](journal::Seq) { t.api->on_commit(); });
  Page page(t.send("GET", "/api/v1/events"));
  EXPECT_EQ(count(page.pull(), "event: hello"), 1);
  const auto alert = t.raise(1);
  EXPECT_GT(page.wakes, 0);
  std::string text = page.pull();
  EXPECT_EQ(count(text, "event: alert"), 1) << text;
  EXPECT_NE(text.find(alert.alert.id), std::string::npos);
  EXPECT_EQ(t.send("POST", "/api/v1/alerts/" + alert.alert.id + "/judgement", R"({"acknowledged":true})").status, 200);
  text = page.pull();
  EXPECT_NE(text.find(R"("acknowledged":true)"), std::string::npos) << text;
  EXPECT_EQ(page.pull(), "") << "nothing is told twice";
  EXPECT_EQ(page.pull(true), ":\n\n") << "a heartbeat when there is nothing";
}

TEST(ConsoleEvents, APageThatComesBackGetsExactlyWhatItMissed) {
  TestConsole t;
  t.log_in("olena");
  Page page(t.send("GET", "/api/v1/events"));
  t.raise(1);
  std::string seen = page.pull();
  const std::string id = last_id(seen);
  page.stream.reset();
  t.raise(2);
  t.raise(3);
  for (const bool header : {true, false}) {
    Page again(header ? t.send("GET", "/api/v1/events", "", {{"Last-Event-ID", id}})
                      : t.send("GET", "/api/v1/events?after=" + id));
    const std::string text = again.pull();
    EXPECT_NE(text.find("000000000002"), std::string::npos);
    EXPECT_NE(text.find("000000000003"), std::string::npos);
    EXPECT_EQ(count(text, "event: reset"), 0);
  }
  EXPECT_EQ(t.send("GET", "/api/v1/events", "", {{"Last-Event-ID", "x"}}).status, 400);
}

TEST(ConsoleEvents, TheOverviewsNumberIsWhereTheStreamGoesOn) {
  TestConsole t;
  t.log_in("olena");
  t.raise(1);
  const Json overview = t.json(t.send("GET", "/api/v1/overview"));
  t.raise(2);
  Page page(t.send("GET", "/api/v1/events?after=" + std::to_string(*int_at(overview, "seq"))));
  const std::string text = page.pull();
  EXPECT_NE(text.find("000000000002"), std::string::npos) << "between the lists and the stream nothing is lost";
}

TEST(ConsoleEvents, WhatIsTooLongAgoOrFromAnotherLifeAsksThePageToLoadAgain) {
  TestConsole t;
  t.log_in("olena");
  Page future(t.send("GET", "/api/v1/events?after=999999"));
  EXPECT_EQ(count(future.pull(), "event: reset"), 1);
  Page slow(t.send("GET", "/api/v1/events"));
  slow.pull();
  std::vector<detect::Alert> many;
  for (int i = 0; i < static_cast<int>(kRingEvents) + 10; ++i) many.push_back(t.alert(i));
  ASSERT_TRUE(t.alerts.raise(many, {}));
  const std::string text = slow.pull();
  EXPECT_EQ(count(text, "event: reset"), 1);
  EXPECT_EQ(count(text, "event: alert"), 0);
  Page old(t.send("GET", "/api/v1/events?after=1"));
  EXPECT_EQ(count(old.pull(), "event: reset"), 1);
}

TEST(ConsoleEvents, ABurstComesInBoundedPiecesAndWhole) {
  TestConsole t;
  t.log_in("olena");
  Page page(t.send("GET", "/api/v1/events"));
  page.pull();
  std::vector<detect::Alert> many;
  for (int i = 0; i < 2'000; ++i) many.push_back(t.alert(i));
  ASSERT_TRUE(t.alerts.raise(many, {}));
  std::string piece;
  ASSERT_TRUE(page.stream->pull(piece, false));
  EXPECT_LT(piece.size(), kPullBytes + 64 * 1024);
  EXPECT_EQ(count(piece + page.pull(), "event: alert"), 2'000);
}

TEST(ConsoleEvents, TicksCarryRatesAndMembersComeOnlyWhenTheyChange) {
  TestConsole t;
  t.log_in("olena");
  Page page(t.send("GET", "/api/v1/events"));
  t.api->tick();
  t.clock.advance(std::chrono::seconds(1));
  t.counters.events = 500;
  t.api->tick();
  std::string text = page.pull();
  EXPECT_EQ(count(text, "event: tick"), 1) << "only the newest matters";
  EXPECT_NE(text.find("\"events_per_s\":5E2"), std::string::npos) << text;
  EXPECT_EQ(count(text, "event: members"), 1);
  t.api->tick();
  EXPECT_EQ(count(page.pull(), "event: members"), 0);
  t.members[0].stopped = true;
  t.api->tick();
  EXPECT_EQ(count(page.pull(), "event: members"), 1);
}

TEST(ConsoleEvents, EndWithTheSessionAndWithTheNode) {
  TestConsole t;
  t.log_in("olena");
  Page page(t.send("GET", "/api/v1/events"));
  page.pull();
  t.send("DELETE", "/api/v1/session");
  const std::string text = page.pull();
  EXPECT_EQ(count(text, "event: signed_out"), 1);
  EXPECT_TRUE(page.ended);

  t.log_in("otto");
  Page other(t.send("GET", "/api/v1/events"));
  other.pull();
  t.api.reset();
  other.pull();
  EXPECT_TRUE(other.ended) << "a stream outlives the console without touching it";
}

TEST(ConsoleEvents, TheNumberOfStreamsIsBounded) {
  TestConsole t;
  t.log_in("olena");
  std::vector<net::Response> open;
  for (int i = 0; i < 256; ++i) open.push_back(t.send("GET", "/api/v1/events"));
  EXPECT_EQ(open.back().status, 200);
  EXPECT_EQ(t.send("GET", "/api/v1/events").status, 503);
  open.clear();
  EXPECT_EQ(t.send("GET", "/api/v1/events").status, 200);
}

TEST(ConsoleEvents, AdmittedObjectsAreCountedNotListed) {
  TestConsole t;
  t.log_in("olena");
  Page page(t.send("GET", "/api/v1/events"));
  page.pull();
  EXPECT_EQ(t.send("POST", "/api/v1/indicators",
                   R"({"values":[{"kind":"domain-name","text":"evil.example"}],"collection":"shared","tlp":"green"})")
                .status,
            201);
  const std::string text = page.pull();
  EXPECT_NE(text.find(R"("admitted":1)"), std::string::npos) << text;
}

}  // namespace
}  // namespace bongsu::api::console
