// The client against servers as they are out there, each scripted here.
#include "link/taxii_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace bongsu::link {
namespace {

constexpr const char* kUrl = "https://taxii.example/taxii2/";
constexpr const char* kId = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";

std::string indicator(int n) {
  return fmt::format(
      R"({{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-{:012d}",)"
      R"("created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'a.example']",)"
      R"("pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}})",
      n);
}
std::string date(int n) { return fmt::format("2026-01-01T00:00:00.{:06d}Z", n); }

class FakeSleeper final : public Sleeper {
 public:
  explicit FakeSleeper(FakeClock& clock) : clock_(clock) {}
  Result<void> sleep(std::chrono::milliseconds time) override {
    slept.push_back(time);
    clock_.advance(time);
    if (cancelled) return fail(ErrorCode::kCancelled, "stopped");
    return {};
  }
  std::vector<std::chrono::milliseconds> slept;
  bool cancelled = false;

 private:
  FakeClock& clock_;
};

using Reply = Result<net::ClientResponse>;
Reply answer(int status, std::string body = "{}", net::Headers headers = {}) {
  return net::ClientResponse{.status = status, .headers = std::move(headers), .body = std::move(body)};
}

// Fixed resources, then a script for objects and the rest.
class FakeServer final : public TaxiiTransport {
 public:
  using Handler = std::function<Reply(const net::ClientRequest&)>;
  Result<net::ClientResponse> send(const net::ClientRequest& request, std::chrono::milliseconds) override {
    requests.push_back(request);
    if (const auto fixed = resources.find(request.url.target); fixed != resources.end() && request.method == "GET")
      return answer(200, fixed->second);
    return handler ? handler(request) : answer(404);
  }
  std::map<std::string, std::string> resources = {
      {"/taxii2/", R"({"title":"t","api_roots":["/api1/"]})"},
      {"/api1/", R"({"title":"r","versions":["application/taxii+json;version=2.1"],"max_content_length":100000})"},
      {"/api1/collections/", fmt::format(R"({{"collections":[{{"id":"{}","alias":"hi","title":"High Value",)"
                                         R"("can_read":true,"can_write":true}}]}})",
                                         kId)}};
  Handler handler;
  std::vector<net::ClientRequest> requests;
};

class Client : public ::testing::Test {
 protected:
  TaxiiClient client(TaxiiCredentials credentials = {}) {
    return TaxiiClient(server_, sleeper_, clock_, random_, {.credentials = std::move(credentials)});
  }
  RemoteCollection collection() {
    return {.url = fmt::format("https://taxii.example/api1/collections/{}/", kId),
            .root_url = "https://taxii.example/api1/",
            .id = kId,
            .can_read = true,
            .can_write = true,
            .max_content_length = 100'000};
  }
  // Pulls and collects ids of objects, page by page.
  Result<PullReport> pull(const TaxiiCursor& cursor = {}, PullOptions options = {}) {
    auto c = client();
    return c.pull(collection(), cursor, options, [&](PulledPage&& page) -> Result<void> {
      for (const auto& object : page.objects)
        got_.push_back(object ? object->id_text().substr(object->id_text().size() - 2) : "broken");
      cursors_.push_back(page.after);
      return {};
    });
  }
  PushReport push(int count, PushOptions options = {}) {
    auto c = client();
    int n = 0;
    return c.push(
        collection(), options,
        [&]() -> Result<std::optional<std::string>> {
          if (n == count) return std::nullopt;
          return indicator(n++);
        },
        [&](const PushFailure& failure) { failures_.push_back(failure); }, [](const PushReport&) {});
  }
  FakeClock clock_;
  FakeSleeper sleeper_{clock_};
  SeededRandom random_{3};
  FakeServer server_;
  std::vector<std::string> got_;
  std::vector<TaxiiCursor> cursors_;
  std::vector<PushFailure> failures_;
};

std::string parameter(const net::ClientRequest& request, std::string_view name) {
  const auto question = request.url.target.find('?');
  if (question == std::string::npos) return {};
  const auto pairs = net::parse_query(std::string_view(request.url.target).substr(question + 1));
  for (const auto& [key, value] : *pairs)
    if (key == name) return value;
  return {};
}

std::string envelope(std::vector<int> objects, bool more = false, std::string_view next = {}) {
  std::string out = more ? R"({"more":true)" : R"({"more":false)";
  if (!next.empty()) out += fmt::format(R"(,"next":"{}")", next);
  for (std::size_t i = 0; i < objects.size(); ++i) out += (i ? "," : R"(,"objects":[)") + indicator(objects[i]);
  return out + (objects.empty() ? "}" : "]}");
}
net::Headers last(int n) { return {{"X-TAXII-Date-Added-Last", date(n)}}; }

// ── finding a collection ──
TEST_F(Client, FindsACollectionByIdAliasOrTitleFromAnyUrl) {
  for (const char* url : {"https://taxii.example", "https://taxii.example/", kUrl, "https://taxii.example/taxii2",
                          "https://taxii.example/api1/", "https://taxii.example/api1/collections/",
                          "https://taxii.example/api1/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/",
                          "https://taxii.example/api1/collections/hi/objects/?limit=3"})
    for (const char* name : {kId, "hi", "High Value", ""}) {
      const auto found = client().find(url, name);
      ASSERT_TRUE(found) << url << " " << name << ": " << found.error().text();
      EXPECT_EQ(found->url, collection().url);
      EXPECT_EQ(found->max_content_length, 100'000U);
    }
}

TEST_F(Client, SaysWhatThereIsWhenThereIsNoSuchCollection) {
  const auto found = client().find(kUrl, "lo");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_NE(found.error().message.find("hi"), std::string::npos);
}

TEST_F(Client, CredentialsNeverGoToAnotherOrigin) {
  server_.resources["/taxii2/"] = R"({"title":"t","api_roots":["https://elsewhere.example/api1/"]})";
  const auto found = client({.token = "secret"}).find(kUrl, "hi");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnsupported);
  for (const auto& request : server_.requests) EXPECT_EQ(request.url.host, "taxii.example");

  server_.requests.clear();
  server_.handler = [](const auto&) { return answer(302, "", {{"Location", "https://elsewhere.example/"}}); };
  EXPECT_FALSE(client({.token = "secret"}).find("https://taxii.example/x/", "hi"));
  for (const auto& request : server_.requests) EXPECT_EQ(request.url.host, "taxii.example");
}

TEST_F(Client, RedirectsWithinTheOriginAreFollowed) {
  server_.handler = [](const net::ClientRequest& request) {
    return answer(301, "", {{"Location", "/api1/" + request.url.target.substr(std::string_view("/old/").size())}});
  };
  EXPECT_TRUE(client().find("https://taxii.example/old/", "hi"));
}

TEST_F(Client, AuthenticatesAsPartnersWant) {
  const auto sent = [&](TaxiiCredentials credentials, std::string_view header) {
    server_.requests.clear();
    EXPECT_TRUE(client(std::move(credentials)).find(kUrl, "hi"));
    return std::string(server_.requests.back().headers.get(header).value_or("-"));
  };
  EXPECT_EQ(sent({.user = "Aladdin", .password = "open sesame"}, "Authorization"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 §2
  EXPECT_EQ(sent({.token = "t"}, "Authorization"), "Bearer t");
  EXPECT_EQ(sent({.api_key_header = "X-Api-Key", .api_key = "k"}, "X-Api-Key"), "k");
  EXPECT_EQ(sent({}, "Authorization"), "-");
  EXPECT_EQ(sent({}, "Accept"), "application/taxii+json;version=2.1");
  EXPECT_EQ(sent({}, "User-Agent"), "bongsu");
}

TEST_F(Client, RefusalsSayWhatTheServerSaid) {
  server_.resources.clear();
  server_.handler = [](const auto&) { return answer(401, R"({"title":"No","description":"expired\n"})"); };
  const auto found = client().find(kUrl, "hi");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnauthenticated);
  EXPECT_NE(found.error().message.find("No: expired"), std::string::npos);
}

TEST_F(Client, WhatIsNotTaxiiIsSaidToBeSo) {
  server_.resources.clear();
  server_.handler = [](const auto&) { return answer(200, "<html>"); };
  EXPECT_EQ(client().find(kUrl, "hi").error().code, ErrorCode::kUnsupported);
}

TEST_F(Client, A406IsMetWithAWiderAccept) {
  server_.handler = [](const net::ClientRequest& request) {
    return request.headers.get("Accept")->find("*/*") == std::string_view::npos ? answer(406)
                                                                                : answer(200, envelope({1}));
  };
  EXPECT_TRUE(pull());
  EXPECT_EQ(got_, (std::vector<std::string>{"01"}));
}

// ── pulling ──
TEST_F(Client, PagesByNextWithTheSameFilters) {
  server_.handler = [](const net::ClientRequest& request) {
    EXPECT_EQ(parameter(request, "match[version]"), "all");
    EXPECT_EQ(parameter(request, "match[type]"), "indicator,malware");
    EXPECT_EQ(parameter(request, "added_after"), "2025-01-01T00:00:00Z");
    const auto next = parameter(request, "next");
    if (next.empty()) return answer(200, envelope({1, 2}, true, "a&b=c"), last(2));
    EXPECT_EQ(next, "a&b=c");
    return answer(200, envelope({3}), last(3));
  };
  const auto report = pull({.added_after = "2025-01-01T00:00:00Z"}, {.types = {"indicator", "malware"}});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(got_, (std::vector<std::string>{"01", "02", "03"}));
  EXPECT_EQ(report->cursor.added_after, date(3));
  EXPECT_TRUE(report->cursor.next.empty());
  EXPECT_EQ(cursors_[0].next, "a&b=c");
  EXPECT_EQ(cursors_[0].added_after, "2025-01-01T00:00:00Z");
}

TEST_F(Client, PagesByDateWhereThereIsNoNext) {
  server_.handler = [](const net::ClientRequest& request) {
    const auto after = parameter(request, "added_after");
    if (after.empty()) return answer(200, envelope({1, 2}, true), last(2));
    if (after == date(2)) return answer(200, envelope({3, 4}, true), last(4));
    return answer(200, envelope({5}), last(5));
  };
  ASSERT_TRUE(pull());
  EXPECT_EQ(got_, (std::vector<std::string>{"01", "02", "03", "04", "05"}));
}

TEST_F(Client, ResumesWithinAWalkAndForgetsATokenThatTheServerForgot) {
  TaxiiCursor stored{.added_after = "", .next = "old", .reached = date(2)};
  const auto again = TaxiiCursor::parse(stored.text());
  ASSERT_TRUE(again);
  server_.handler = [](const net::ClientRequest& request) {
    if (parameter(request, "next") == "old") return answer(400);
    EXPECT_EQ(parameter(request, "added_after"), date(2));
    return answer(200, envelope({3}), last(3));
  };
  ASSERT_TRUE(pull(*again));
  EXPECT_EQ(got_, (std::vector<std::string>{"03"}));
}

TEST_F(Client, AServerThatRepeatsTheLastObjectIsNotBelievedTwice) {
  server_.handler = [](const net::ClientRequest& request) {  // added_after is inclusive there
    const auto after = parameter(request, "added_after");
    if (after.empty()) return answer(200, envelope({1, 2}, true), last(2));
    if (after == date(2)) return answer(200, envelope({2, 3}, true), last(3));
    return answer(200, envelope({3}), last(3));
  };
  const auto report = pull();
  ASSERT_TRUE(report);
  EXPECT_EQ(got_, (std::vector<std::string>{"01", "02", "03"}));
  EXPECT_EQ(report->repeated, 2U);
}

TEST_F(Client, AServerThatIgnoresLimitAndLeavesHeadersOutIsReadAllTheSame) {
  server_.handler = [](const auto&) {
    return answer(206, envelope({1, 2, 3}), {{"Content-Type", "application/json"}});
  };
  const auto report = pull({.added_after = date(7)}, {.limit = 1});
  ASSERT_TRUE(report);
  EXPECT_EQ(got_.size(), 3U);
  EXPECT_EQ(report->cursor.added_after, date(7));  // no better knowledge: the next pull repeats, nothing is lost
}

TEST_F(Client, ManyObjectsOfOneDateAreReachedByALargerPage) {
  server_.handler = [](const net::ClientRequest& request) {  // inclusive again, and 1 to 6 share a date
    const int limit = std::stoi(parameter(request, "limit"));
    std::vector<int> all;
    for (int i = 1; i <= 7 && static_cast<int>(all.size()) < limit; ++i) all.push_back(i);
    const bool more = all.size() < 7;
    return answer(200, envelope(all, more), last(more ? 1 : 2));
  };
  ASSERT_TRUE(pull({}, {.limit = 2}));
  EXPECT_EQ(got_.size(), 7U);
}

TEST_F(Client, PagesThatDoNotAdvanceEndWithAnError) {
  server_.handler = [](const auto&) { return answer(200, envelope({1}, true, "same"), last(1)); };
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
  server_.handler = [](const auto&) { return answer(200, envelope({1}, true)); };
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
  int n = 0;
  server_.handler = [&](const auto&) { return answer(200, envelope({}, true, fmt::format("n{}", ++n))); };
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
  EXPECT_LT(n, 200);
}

TEST_F(Client, ABrokenObjectDoesNotCostTheOthers) {
  server_.handler = [](const auto&) { return answer(200, R"({"objects":[{"id":"x"},)" + indicator(1) + "]}"); };
  const auto report = pull();
  ASSERT_TRUE(report);
  EXPECT_EQ(got_, (std::vector<std::string>{"broken", "01"}));
  EXPECT_EQ(report->broken, 1U);
}

TEST_F(Client, AnAnswerThatIsNoEnvelopeEndsThePull) {
  for (const char* body : {"", "<html>", R"({"objects":[{})", "[]"}) {
    server_.handler = [&](const auto&) { return answer(200, body); };
    EXPECT_EQ(pull().error().code, ErrorCode::kUnsupported) << body;
  }
}

TEST_F(Client, AnErrorOfTheReceiverStopsThePull) {
  server_.handler = [](const auto&) { return answer(200, envelope({1}, true, "n"), last(1)); };
  auto c = client();
  const auto report =
      c.pull(collection(), {}, {}, [](PulledPage&&) -> Result<void> { return fail(ErrorCode::kNoSpace, "full"); });
  EXPECT_EQ(report.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(server_.requests.size(), 1U);
}

// ── waiting ──
TEST_F(Client, WaitsAsLongAsTheServerAsks) {
  int n = 0;
  server_.handler = [&](const auto&) {
    ++n;
    if (n == 1) return answer(429, "", {{"Retry-After", "17"}});
    if (n == 2) return answer(503, "", {{"Retry-After", "Thu, 01 Jan 2026 00:01:17 GMT"}});
    return answer(200, envelope({1}));
  };
  ASSERT_TRUE(pull());
  ASSERT_EQ(sleeper_.slept.size(), 2U);
  EXPECT_EQ(sleeper_.slept[0], std::chrono::seconds(17));
  EXPECT_EQ(sleeper_.slept[1], std::chrono::seconds(60));
}

TEST_F(Client, BacksOffAndGivesUp) {
  server_.handler = [](const auto&) -> Reply { return fail(ErrorCode::kUnavailable, "refused"); };
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
  ASSERT_EQ(sleeper_.slept.size(), 5U);
  EXPECT_LE(sleeper_.slept[0], std::chrono::seconds(1));
  EXPECT_GE(sleeper_.slept[4], std::chrono::seconds(8));
}

TEST_F(Client, AWaitOfHoursIsNotWaitedFor) {
  server_.handler = [](const auto&) { return answer(503, "", {{"Retry-After", "86400"}}); };
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(sleeper_.slept.empty());
}

TEST_F(Client, StopsWaitingWhenTold) {
  sleeper_.cancelled = true;
  server_.handler = [](const auto&) { return answer(503); };
  EXPECT_EQ(pull().error().code, ErrorCode::kCancelled);
}

TEST(RetryAfter, IsSecondsOrADate) {  // RFC 9110 §10.2.3
  const Instant now = *Instant::parse("1994-11-06T08:49:00Z");
  EXPECT_EQ(parse_retry_after("120", now), std::chrono::seconds(120));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), std::chrono::seconds(37));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now), std::chrono::seconds(0));
  for (const char* bad : {"", "-1", "1.5", "soon", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"})
    EXPECT_FALSE(parse_retry_after(bad, now)) << bad;
}

TEST(TaxiiCursor, SurvivesItsTextAndRefusesOthers) {
  const TaxiiCursor cursor{.added_after = date(1), .next = "a\"b", .reached = date(2)};
  const auto again = TaxiiCursor::parse(cursor.text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->next, cursor.next);
  EXPECT_EQ(again->reached, cursor.reached);
  for (const char* bad :
       {"", "{}", "[]", R"({"added_after":"x","next":"","reached":""})", R"({"added_after":1,"next":"","reached":""})"})
    EXPECT_FALSE(TaxiiCursor::parse(bad)) << bad;
}

// ── pushing ──
std::string status(int success, int failure, int pending, std::string_view more = "") {
  return fmt::format(R"({{"id":"2d086da7-4bdc-4f91-900e-d77486753710","status":"{}","total_count":{},)"
                     R"("success_count":{},"failure_count":{},"pending_count":{}{}}})",
                     pending ? "pending" : "complete", success + failure + pending, success, failure, pending, more);
}

TEST_F(Client, PushesInBatchesWithinTheServersLimit) {
  std::vector<std::uint64_t> counts;
  server_.handler = [&](const net::ClientRequest& request) {
    EXPECT_EQ(request.headers.get("Content-Type"), "application/taxii+json;version=2.1");
    EXPECT_LE(request.body.size(), 2000U);
    const auto json = parse_json(request.body);
    const auto n = find(*json, "objects")->get_array().size();
    counts.push_back(n);
    return answer(202, status(static_cast<int>(n), 0, 0));
  };
  const auto report = push(12, {.batch_bytes = 2000});
  EXPECT_FALSE(report.trouble);
  EXPECT_EQ(report.accepted, 12U);
  EXPECT_GT(counts.size(), 1U);
  counts.clear();
  EXPECT_EQ(push(7, {.batch_objects = 3, .batch_bytes = 2000}).sent, 7U);
  EXPECT_EQ(counts, (std::vector<std::uint64_t>{3, 3, 1}));
  counts.clear();
  EXPECT_EQ(push(0).sent, 0U);
  EXPECT_TRUE(counts.empty());
}

TEST_F(Client, TellsEachFailureOfTheStatus) {
  server_.handler = [](const auto&) {
    return answer(202, status(1, 2, 0, R"(,"failures":[{"id":"malware--1","version":"v","message":"why"}])"));
  };
  const auto report = push(3);
  EXPECT_EQ(report.accepted, 1U);
  EXPECT_EQ(report.refused, 2U);
  ASSERT_EQ(failures_.size(), 2U);
  EXPECT_EQ(failures_[0].id, "malware--1");
  EXPECT_EQ(failures_[0].message, "why");
  EXPECT_FALSE(failures_[1].message.empty());
}

TEST_F(Client, AsksForAPendingStatusUntilItIsComplete) {
  int polls = 0;
  server_.handler = [&](const net::ClientRequest& request) {
    if (request.method == "POST") return answer(202, status(0, 0, 2));
    EXPECT_EQ(request.url.target, "/api1/status/2d086da7-4bdc-4f91-900e-d77486753710/");
    return answer(200, ++polls < 4 ? status(1, 0, 1) : status(2, 0, 0));
  };
  const auto report = push(2);
  EXPECT_EQ(report.accepted, 2U);
  EXPECT_EQ(report.pending, 0U);
  EXPECT_EQ(polls, 4);
}

TEST_F(Client, APendingStatusThatNeverEndsIsSaidToBePending) {
  server_.handler = [](const net::ClientRequest& request) {
    return answer(request.method == "POST" ? 202 : 200, status(1, 0, 1));
  };
  const auto report = push(2);
  EXPECT_FALSE(report.trouble);
  EXPECT_EQ(report.accepted, 1U);
  EXPECT_EQ(report.pending, 1U);
}

TEST_F(Client, ALotThatIsRefusedAsAWholeIsSentInSmallerOnes) {
  for (const int code : {413, 422}) {
    failures_.clear();
    server_.handler = [&](const net::ClientRequest& request) {
      const auto json = parse_json(request.body);
      const auto& list = find(*json, "objects")->get_array();
      const bool poison = request.body.find("000000000005") != std::string::npos;
      if (poison) return answer(code, R"({"title":"no","description":"bad object"})");
      return answer(202, status(static_cast<int>(list.size()), 0, 0));
    };
    const auto report = push(9);
    EXPECT_FALSE(report.trouble);
    EXPECT_EQ(report.accepted, 8U);
    EXPECT_EQ(report.refused, 1U);
    ASSERT_EQ(failures_.size(), 1U);
    EXPECT_EQ(failures_[0].id, "indicator--00000000-0000-4000-8000-000000000005");
  }
}

TEST_F(Client, TroubleEndsThePushAndWhatWasAcceptedIsCounted) {
  int n = 0;
  server_.handler = [&](const auto&) { return ++n == 1 ? answer(202, status(2, 0, 0)) : answer(403); };
  const auto report = push(5, {.batch_objects = 2});
  ASSERT_TRUE(report.trouble);
  EXPECT_EQ(report.trouble->code, ErrorCode::kDenied);
  EXPECT_EQ(report.accepted, 2U);
}

TEST_F(Client, CountsOfALyingStatusDoNotAddUpToMoreThanWasSent) {
  server_.handler = [](const auto&) {
    return answer(202, R"({"status":"complete","success_count":1000000,"failure_count":-5})");
  };
  const auto report = push(2);
  EXPECT_EQ(report.accepted, 2U);
  EXPECT_EQ(report.refused, 0U);
}

}  // namespace
}  // namespace bongsu::link
