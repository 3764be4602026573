#include "api/console/console_test_support.h"

#include <fmt/format.h>

namespace bongsu::api::console {
namespace {

using namespace std::chrono_literals;
using test::TestConsole;

// ── Who may ask ────────────────────────────────────────────────────────────────────────────────────────────────────
TEST(ConsoleLogin, ATokenBecomesACookieAndEverythingElseWantsIt) {
  TestConsole t;
  for (const auto* path : {"session", "overview", "alerts", "search?q=x", "events", "objects/indicator--1"})
    EXPECT_EQ(t.send("GET", std::string("/api/v1/") + path).status, 401) << path;
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", "{}").status, 401);
  EXPECT_EQ(t.send("POST", "/api/v1/session", R"({"token":"bst_wrong"})").status, 401);
  EXPECT_EQ(t.send("POST", "/api/v1/session", R"({"token":7})").status, 400);
  t.log_in("olena");
  const Json session = t.json(t.send("GET", "/api/v1/session"));
  EXPECT_EQ(string_at(session, "account"), "olena");
  EXPECT_EQ(string_at(session, "role"), "analyst");
}

TEST(ConsoleLogin, EndsWithLogOutAndIsNotedInTheJournal) {
  TestConsole t;
  t.log_in("olena");
  EXPECT_EQ(t.send("DELETE", "/api/v1/session").status, 204);
  EXPECT_EQ(t.send("GET", "/api/v1/session").status, 401) << "the old cookie is worth nothing";
  const auto entries = t.journal->snapshot()->entries(0, 100);
  ASSERT_TRUE(entries);
  std::string events;
  for (const auto& entry : *entries)
    if (entry.kind == journal::EntryKind::kNote) events += *t.journal->snapshot()->payload(entry.seq);
  EXPECT_NE(events.find("console.log_in"), std::string::npos);
  EXPECT_NE(events.find("console.log_out"), std::string::npos);
  EXPECT_EQ(events.find("bst_"), std::string::npos) << "no secret is noted";
}

TEST(ConsoleLogin, AccountsOfOtherMembersStayOutside) {
  TestConsole t;
  const auto response = t.send("POST", "/api/v1/session", R"({"token":")" + t.tokens["guest"] + "\"}");
  EXPECT_EQ(response.status, 403);
  EXPECT_FALSE(response.headers.get("Set-Cookie"));
}

TEST(ConsoleLogin, ADisabledAccountIsOutAtOnceAndAChangedRoleHoldsAtOnce) {
  TestConsole t;
  t.log_in("olena");
  auto accounts = t.accounts.accounts();
  accounts["olena"].role = identity::Role::kReader;
  t.accounts.replace(accounts);
  EXPECT_EQ(t.send("POST", "/api/v1/indicators/preview", "{}").status, 403);
  accounts["olena"].disabled = true;
  t.accounts.replace(accounts);
  EXPECT_EQ(t.send("GET", "/api/v1/session").status, 401);
}

TEST(ConsoleLogin, GuessingIsSlowed) {
  TestConsole t;
  int last = 0;
  for (int i = 0; i < 40; ++i) last = t.send("POST", "/api/v1/session", R"({"token":"bst_wrong"})").status;
  EXPECT_EQ(last, 429);
  t.clock.advance(61s);
  t.log_in("olena");
}

// ── Requests that other sites make ─────────────────────────────────────────────────────────────────────────────────
TEST(ConsoleForgery, ChangesWantTheHeaderAndTheOriginOfThisVeryHost) {
  TestConsole t;
  t.log_in("otto");
  const std::string body = R"({"reason":"x"})", path = "/api/v1/members/cert-ua/stop";
  EXPECT_EQ(t.send("POST", path, body, {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(t.send("POST", path, body, {{"Origin", "http://node.example:8443"}}).status, 403) << "another scheme";
  EXPECT_EQ(t.send("POST", path, body, {{"Origin", "https://node.example"}}).status, 403) << "another port";
  EXPECT_EQ(t.send("POST", path, body, {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(t.send("POST", path, body, {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(t.send("GET", "/api/v1/overview", "", {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  net::Request bare{.method = "POST",
                    .path = path,
                    .headers = {{"Host", "node.example:8443"},
                                {"Origin", "https://node.example:8443"},
                                {"Cookie", t.cookie},
                                {"Content-Type", "application/json"}},
                    .body = body};
  bare.peer.tls_version = "TLSv1.3";
  EXPECT_EQ(t.api->handle(std::move(bare)).status, 403) << "without the custom header";
  EXPECT_TRUE(t.stopped.empty());
  EXPECT_EQ(t.send("POST", path, body).status, 200);
  EXPECT_EQ(t.stopped, std::vector<std::string>{"cert-ua"});
}

TEST(ConsoleRequests, BadOnesAreAnsweredInTheirPlace) {
  TestConsole t;
  t.log_in("olena");
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", "{}", {{"Content-Type", "text/plain"}}).status, 422);
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", "{").status, 400);
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", "[]").status, 400);
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", std::string(kConsoleMaxBodyBytes + 1, ' ')).status, 413);
  EXPECT_EQ(t.send("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(t.send("GET", "/api/v2/alerts").status, 404);
  EXPECT_EQ(t.send("POST", "/api/v1/alerts", "{}").status, 405);
  EXPECT_EQ(t.send("GET", "/api/v1/indicators").status, 405);
  EXPECT_EQ(t.send("GET", "/api/v1/alerts/%zz").status, 400);
  EXPECT_EQ(t.send("GET", "/api/v1/alerts?limit=many").status, 400);
  EXPECT_EQ(t.send("GET", "/api/v1/objects/..%2f..%2fetc").status, 404);
  EXPECT_EQ(t.send("GET", "/api/v1/alerts/").status, 404);
}

TEST(ConsoleRequests, EveryAnswerCarriesThePolicyAndApiAnswersAreNotStored) {
  TestConsole t;
  for (const auto* path : {"/", "/nothing", "/api/v1/session", "/api/v2/"}) {
    const auto response = t.send("GET", path);
    EXPECT_TRUE(response.headers.get("Content-Security-Policy")) << path;
    if (std::string_view(path).starts_with("/api/"))
      EXPECT_EQ(response.headers.get("Cache-Control"), "no-store") << path;
  }
}

// ── Alerts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
TEST(ConsoleAlerts, AreListedNewestFirstAndShownWhole) {
  TestConsole t;
  t.log_in("rita");
  const auto first = t.raise(1), second = t.raise(2);
  const Json list = t.json(t.send("GET", "/api/v1/alerts"));
  const auto& alerts = find(list, "alerts")->get_array();
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(string_at(alerts[0], "id"), second.alert.id);
  EXPECT_EQ(string_at(alerts[0], "level"), "high");
  EXPECT_EQ(string_at(*find(alerts[0], "label"), "tlp"), "TLP:AMBER");
  EXPECT_EQ(find(alerts[0], "event"), nullptr) << "lists stay small";
  const Json older = t.json(t.send("GET", "/api/v1/alerts?before=" + std::to_string(second.seq)));
  EXPECT_EQ(find(older, "alerts")->get_array().size(), 1u);
  const Json one = t.json(t.send("GET", "/api/v1/alerts/" + first.alert.id));
  EXPECT_EQ(string_at(one, "event"), first.alert.event);
  EXPECT_EQ(t.send("GET", "/api/v1/alerts/alert--none").status, 404);
}

TEST(ConsoleAlerts, AreJudgedWithAReasonByAnalystsOnly) {
  TestConsole t;
  const auto alert = t.raise(1);
  const std::string path = "/api/v1/alerts/" + alert.alert.id + "/judgement";
  t.log_in("rita");
  EXPECT_EQ(t.send("POST", path, R"({"acknowledged":true})").status, 403);
  t.log_in("olena");
  EXPECT_EQ(t.send("POST", path, "{}").status, 400);
  EXPECT_EQ(t.send("POST", path, R"({"verdict":"true"})").status, 400) << "no reason";
  EXPECT_EQ(t.send("POST", path, R"({"verdict":"true","reason":"  "})").status, 400);
  EXPECT_EQ(t.send("POST", path, R"({"verdict":"maybe","reason":"x"})").status, 400);
  EXPECT_EQ(t.send("POST", path, R"({"assignee":"nobody-here"})").status, 400);
  EXPECT_EQ(t.send("POST", path, R"({"assignee":"rita"})").status, 400) << "a reader cannot work on it";
  EXPECT_EQ(t.send("POST", path, R"({"assignee":"guest"})").status, 400);
  const auto response =
      t.send("POST", path, R"({"verdict":"true","reason":"Beacon every 60 s","assignee":"otto","acknowledged":true})");
  ASSERT_EQ(response.status, 200) << t.text(response);
  const Json judged = t.json(response);
  EXPECT_EQ(string_at(judged, "verdict"), "true");
  EXPECT_EQ(string_at(judged, "assignee"), "otto");
  const Json& entry = find(judged, "history")->get_array().at(0);
  EXPECT_EQ(string_at(entry, "by"), "olena");
  EXPECT_EQ(string_at(entry, "reason"), "Beacon every 60 s");
  EXPECT_EQ(t.send("POST", "/api/v1/alerts/alert--none/judgement", R"({"acknowledged":true})").status, 404);
}

TEST(ConsoleAlerts, LevelsFollowConfidenceAndWarningListsMakeDoubt) {
  detect::Alert alert;
  for (const auto& [confidence, level] : std::initializer_list<std::pair<int, std::string_view>>{
           {-1, "medium"}, {0, "low"}, {29, "low"}, {30, "medium"}, {69, "medium"}, {70, "high"}, {100, "high"}}) {
    alert.confidence = confidence;
    EXPECT_EQ(level_of(alert), level) << confidence;
  }
  alert.warning_lists = {{"Public DNS", "string"}};
  EXPECT_EQ(level_of(alert), "doubtful");
}

// ── Publishing ─────────────────────────────────────────────────────────────────────────────────────────────────────
std::string draft(std::string_view tlp, std::string_view more = "") {
  return R"({"values":[{"kind":"domain-name","text":"evil[.]example"}],"collection":"shared","tlp":")" +
         std::string(tlp) + "\"" + std::string(more) + "}";
}
std::map<std::string, std::string> verdicts(const Json& body) {
  std::map<std::string, std::string> out;
  if (find(body, "lines") == nullptr)
    ADD_FAILURE() << to_text(body);
  else
    for (const Json& line : find(body, "lines")->get_array())
      out[std::string(*string_at(line, "member"))] = std::string(*string_at(line, "verdict"));
  return out;
}

TEST(ConsolePublishing, ThePreviewSaysWhoGetsItAndWhyNot) {
  TestConsole t;
  t.log_in("olena");
  using Verdicts = std::map<std::string, std::string>;
  EXPECT_EQ(verdicts(t.json(t.send("POST", "/api/v1/indicators/preview", draft("green")))),
            (Verdicts{{"cert-pl", "release"}, {"cert-ua", "release"}}));
  EXPECT_EQ(verdicts(t.json(t.send("POST", "/api/v1/indicators/preview", draft("amber")))),
            (Verdicts{{"cert-pl", "withhold"}, {"cert-ua", "release"}}));
  EXPECT_EQ(verdicts(t.json(t.send("POST", "/api/v1/indicators/preview", draft("red")))),
            (Verdicts{{"cert-pl", "withhold"}, {"cert-ua", "withhold"}}));
  EXPECT_EQ(
      verdicts(t.json(t.send("POST", "/api/v1/indicators/preview", draft("green", R"(,"releasable_to":["cert-pl"])")))),
      (Verdicts{{"cert-pl", "release"}, {"cert-ua", "withhold"}}));
  EXPECT_EQ(verdicts(t.json(t.send("POST", "/api/v1/indicators/preview", draft("green", R"(,"releasable_to":[])")))),
            (Verdicts{{"cert-pl", "withhold"}, {"cert-ua", "withhold"}}));
  EXPECT_EQ(t.journal->last_seq(), 1u) << "a preview writes nothing (the one entry notes the log-in)";
}

TEST(ConsolePublishing, WhatThePreviewPromisedIsWhatIsSent) {
  TestConsole t;
  t.log_in("olena");
  for (const std::string tlp : {"clear", "green", "amber", "amber+strict", "red"})
    for (const std::string to : {"", R"(,"releasable_to":["cert-pl"])", R"(,"releasable_to":["cert-ua","cert-pl"])",
                                 R"(,"releasable_to":[])"}) {
      const auto promised = verdicts(t.json(t.send("POST", "/api/v1/indicators/preview", draft(tlp, to))));
      const auto response = t.send("POST", "/api/v1/indicators", draft(tlp, to));
      ASSERT_EQ(response.status, 201) << t.text(response);
      const Json body = t.json(response);
      const std::string id(*string_at(find(body, "items")->get_array().at(0), "id"));
      for (const auto& [member, verdict] : promised) {
        auto reading = t.release->open(member, t.shared);
        ASSERT_TRUE(reading);
        const auto page = reading->snapshot->page({.view = reading->view, .ids = {id}});
        ASSERT_TRUE(page);
        EXPECT_EQ(page->rows.size(), verdict == "release" ? 1u : 0u) << tlp << to << member;
      }
      const Json shown = t.json(t.send("GET", "/api/v1/objects/" + id));
      EXPECT_EQ(verdicts(find(shown, "audiences")->get_array().at(0)), promised)
          << "and the object's page says the same";
      t.clock.advance(1ms);
    }
}

TEST(ConsolePublishing, AnExercisesCollectionIsToldAndWhatGoesThereBearsItsMarkingAndHoldsInDrillTime) {
  TestConsole t;
  t.admission.use(*t.collections);
  const std::string drill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  const auto made = t.collections->add({.alias = "exercise", .title = "Exercise Morning", .exercise = drill}, t.random);
  ASSERT_TRUE(made) << made.error().text();
  t.log_in("olena");
  std::map<std::string, std::string> told;
  for (const Json& c : find(t.json(t.send("GET", "/api/v1/overview")), "collections")->get_array())
    told[std::string(*string_at(c, "alias"))] = *string_at(c, "exercise");
  EXPECT_EQ(told, (std::map<std::string, std::string>{{"exercise", drill}, {"shared", ""}}));

  std::string body = draft("green");
  EXPECT_EQ(string_at(t.json(t.send("POST", "/api/v1/indicators/preview", body)), "exercise"), "");
  body.replace(body.find("shared"), 6, "exercise");
  const Json preview = t.json(t.send("POST", "/api/v1/indicators/preview", body));
  EXPECT_EQ(string_at(preview, "exercise"), drill);
  EXPECT_EQ(string_at(preview, "collection"), "exercise");
  const auto response = t.send("POST", "/api/v1/indicators", body);
  ASSERT_EQ(response.status, 201) << t.text(response);
  const std::string id(*string_at(find(t.json(response), "items")->get_array().at(0), "id"));
  const Json shown = t.json(t.send("GET", "/api/v1/objects/" + id));
  const Json object = *parse_json(*string_at(shown, "raw"));
  EXPECT_EQ(string_at(object, "valid_from"), "2020-01-01T00:00:00Z");
  EXPECT_EQ(find(object, "valid_until"), nullptr);
  EXPECT_EQ(find(*find(find(shown, "audiences")->get_array().at(0), "label"), "exercises")->get_array(),
            JsonArray{drill});
}

TEST(ConsoleDetection, TellsWhatTheSensorDoesNotLookForToThoseWhoMayReadTheRule) {
  TestConsole t;
  t.log_in("olena");
  const auto response = t.send("POST", "/api/v1/indicators", draft("green"));
  ASSERT_EQ(response.status, 201) << t.text(response);
  const std::string id(*string_at(find(t.json(response), "items")->get_array().at(0), "id"));
  t.detection = {.running = false,
                 .aside = {{.digest = std::string(64, 'a'),
                            .language = "yara",
                            .indicator = id,
                            .giver = "cert-ua",
                            .reason = "the sensor ended by signal 11 with it",
                            .since = t.clock.now()},
                           {.digest = std::string(64, 'b'),
                            .language = "sigma",
                            .indicator = "indicator--99999999-0000-4000-8000-000000000001",
                            .giver = "",
                            .reason = "unreadable",
                            .since = t.clock.now()}}};
  const Json told = t.json(t.send("GET", "/api/v1/detection"));
  EXPECT_EQ(bool_at(told, "running"), false);
  const auto& aside = find(told, "aside")->get_array();
  ASSERT_EQ(aside.size(), 1u) << "the other's indicator cannot be read";
  EXPECT_EQ(string_at(aside[0], "indicator"), id);
  EXPECT_EQ(string_at(aside[0], "reason"), "the sensor ended by signal 11 with it");
  EXPECT_FALSE(find(aside[0], "name")->is_null());

  auto book = t.accounts.accounts();
  book["olena"].read = {"other"};
  t.accounts.replace(std::move(book));
  EXPECT_TRUE(find(t.json(t.send("GET", "/api/v1/detection")), "aside")->get_array().empty());
}

TEST(ConsoleCrisis, IsToldWhileItLasts) {
  TestConsole t;
  t.log_in("olena");
  EXPECT_TRUE(find(t.json(t.send("GET", "/api/v1/crisis")), "crisis")->is_null());
  t.crisis = ConsoleCrisis{t.clock.now(), t.clock.now() + std::chrono::hours(72), "attacks on the grid", "otto"};
  const Json told = t.json(t.send("GET", "/api/v1/crisis"));
  const Json& crisis = *find(told, "crisis");
  EXPECT_EQ(string_at(crisis, "reason"), "attacks on the grid");
  EXPECT_EQ(string_at(crisis, "by"), "otto");
  EXPECT_EQ(string_at(crisis, "until"), t.crisis->until.text(3));
}

TEST(ConsolePublishing, WithdrawingMakesARevokedVersionOnceAndOnlyOfOurOwn) {
  TestConsole t;
  t.log_in("olena");
  const Json made = t.json(t.send("POST", "/api/v1/indicators", draft("green")));
  const std::string id(*string_at(find(made, "items")->get_array().at(0), "id"));
  EXPECT_EQ(bool_at(t.json(t.send("GET", "/api/v1/objects/" + id)), "may_withdraw"), true);
  t.clock.advance(1s);
  EXPECT_EQ(t.send("POST", "/api/v1/objects/" + id + "/withdrawal", R"({"reason":"Shared hosting"})").status, 201);
  const Json shown = t.json(t.send("GET", "/api/v1/objects/" + id));
  EXPECT_EQ(bool_at(shown, "revoked"), true);
  EXPECT_EQ(bool_at(shown, "may_withdraw"), false);
  EXPECT_EQ(find(shown, "versions")->get_array().size(), 2u);
  EXPECT_EQ(t.send("POST", "/api/v1/objects/" + id + "/withdrawal", "{}").status, 409);

  const std::string theirs = "indicator--00000000-0000-4000-8000-000000000009";
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(
      R"({"type":"indicator","spec_version":"2.1","id":")" + theirs +
      R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'x.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"})")};
  ASSERT_TRUE(t.admission.admit(objects, {.collection = t.shared, .origin = "cert-ua"}));
  EXPECT_EQ(t.send("POST", "/api/v1/objects/" + theirs + "/withdrawal", "{}").status, 403);
}

TEST(ConsolePublishing, ReadersMirrorsAndForeignCollectionsAreRefused) {
  TestConsole t;
  const auto mirror = t.collections->mirror("cert-ua", "r1", "shared", "Theirs", "", t.random);
  ASSERT_TRUE(mirror);
  t.log_in("rita");
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", draft("green")).status, 403);
  t.log_in("olena");
  std::string body = draft("green");
  body.replace(body.find("shared"), 6, mirror->alias);
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", body).status, 403);
  body.replace(body.find(mirror->alias), mirror->alias.size(), "nowhere");
  EXPECT_EQ(t.send("POST", "/api/v1/indicators", body).status, 404);
}

TEST(ConsoleValues, AreReadWithWarningsAndWhatIsKnownAlready) {
  TestConsole t;
  t.log_in("rita");
  t.search.by_value = {t.hit("indicator--1")};
  const Json body = t.json(t.send("POST", "/api/v1/indicators/values", R"({"text":"8.8.8[.]8\nnonsense!"})"));
  const auto& values = find(body, "values")->get_array();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(string_at(values[0], "text"), "8.8.8.8");
  EXPECT_EQ(int_at(values[0], "known"), 1);
  EXPECT_EQ(find(values[0], "warning_lists")->get_array().size(), 1u);
  EXPECT_TRUE(find(values[1], "kind")->is_null());
  EXPECT_FALSE(string_at(values[1], "error")->empty());
}

// ── Search and objects ─────────────────────────────────────────────────────────────────────────────────────────────
TEST(ConsoleSearch, PastedTextIsAskedForAsTheValueThatItIs) {
  TestConsole t;
  t.log_in("rita");
  t.search.by_value = {t.hit("indicator--1", "one")};
  t.search.by_text = {t.search.by_value[0], t.hit("malware--2", "two")};
  const Json body = t.json(t.send("GET", "/api/v1/search?q=hxxp%3A%2F%2Fevil%5B.%5Dexample%2Fa"));
  EXPECT_EQ(t.search.asked.back(), (std::pair<std::string, std::string>("url", "http://evil.example/a")));
  EXPECT_EQ(find(body, "hits")->get_array().size(), 2u) << "one object is shown once";
  EXPECT_EQ(int_at(body, "exact"), 1);
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/search?q=")), "hits")->get_array().size(), 0u);
}

TEST(ConsoleSearch, OfAValueAloneAsksNoFullText) {
  TestConsole t;
  t.log_in("rita");
  t.search.by_value = {t.hit("indicator--1")};
  t.search.by_text = {t.hit("malware--2")};
  const Json body = t.json(t.send("GET", "/api/v1/search?only=value&q=evil%5B.%5Dexample"));
  EXPECT_EQ(find(body, "hits")->get_array().size(), 1u);
  EXPECT_EQ(int_at(body, "exact"), 1);
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/search?only=value&q=two+words")), "hits")->get_array().size(), 0u);
  EXPECT_EQ(t.send("GET", "/api/v1/search?only=text&q=x").status, 400);
}

TEST(ConsoleSearch, WhatWasPublishedFromPastedTextIsFoundByPastingItAgain) {
  TestConsole t;
  t.log_in("olena");
  auto real = journal::open_search("");
  ASSERT_TRUE(real) << real.error().text();
  t.search.real = real->get();
  const std::vector<std::pair<std::string, std::string>> pasted{
      {"url", "hxxp://Evil[.]example:80/a%7eb"},
      {"domain-name", "evil[.]example"},
      {"ipv4-addr", "203[.]0.113.7"},
      {"ipv6-addr", "2001:DB8::1"},
      {"email-addr", "a[at]evil.example"},
      {"file:hashes.SHA-256", "275A021BBFB6489E54D471899F7DB9D1663FC695EC2FE2A2C4538AABF651FD0F"}};
  for (const auto& [kind, text] : pasted) {
    const auto made = t.send(
        "POST", "/api/v1/indicators",
        R"({"values":[{"kind":")" + kind + R"(","text":")" + text + R"("}],"collection":"shared","tlp":"green"})");
    ASSERT_EQ(made.status, 201) << text << t.text(made);
  }
  const auto snapshot = t.journal->snapshot();
  std::vector<journal::Search::Item> items;
  const auto entries = snapshot->entries(0, 1'000);
  ASSERT_TRUE(entries);
  for (const auto& entry : *entries) items.push_back({entry, snapshot->payload(entry.seq).value_or("")});
  ASSERT_TRUE((*real)->apply(items));
  for (const auto& [kind, text] : pasted) {
    const Json body = t.json(t.send("GET", "/api/v1/search?q=" + net::percent_encode(text)));
    EXPECT_GE(int_at(body, "exact").value_or(0), 1) << text << to_text(body);
  }
}

// What an object refers to became known, or was raised: the search has the label that the entry came with.
TEST(ConsoleSearch, WhatWasRaisedSinceItWasIndexedIsFoundByNobodyWhoMayNotReadItNow) {
  TestConsole t;
  t.log_in("rita");
  t.search.by_text = {t.hit("malware--1", "one"), t.hit("malware--2", "two")};
  t.search.by_value = {t.search.by_text[0]};
  const auto hits = [&](std::string_view query) {
    return find(t.json(t.send("GET", fmt::format("/api/v1/search?q={}", query))), "hits")->get_array().size();
  };
  const auto known = [&] {
    const Json body = t.json(t.send("POST", "/api/v1/indicators/values", R"({"text":"evil.example"})"));
    return int_at(find(body, "values")->get_array().at(0), "known");
  };
  EXPECT_EQ(hits("words"), 2u);
  EXPECT_EQ(hits("evil.example"), 2u);
  EXPECT_EQ(known(), 1);
  journal::Batch raised;
  raised.labels = {{t.search.by_text[0].seq, policy::Label{.tlp = stix::Tlp::kRed, .marked = true}.text()}};
  ASSERT_TRUE(t.journal->append(raised));
  EXPECT_EQ(hits("words"), 1u);
  EXPECT_EQ(hits("evil.example"), 1u);
  EXPECT_EQ(known(), 0) << "nor counted";
}

TEST(ConsoleSearch, CollectionsThatTheAccountMayNotReadDoNotExistForIt) {
  TestConsole t;
  t.log_in("olena");
  const Json made = t.json(t.send("POST", "/api/v1/indicators", draft("green")));
  const std::string id(*string_at(find(made, "items")->get_array().at(0), "id"));
  const Json there = t.json(t.send("GET", "/api/v1/objects/" + id));
  t.search.by_text = {{.seq = static_cast<journal::Seq>(*int_at(find(there, "versions")->get_array().at(0), "seq")),
                       .object_id = id,
                       .type = "indicator",
                       .collection = t.shared}};
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/search?q=evil")), "hits")->get_array().size(), 1u);
  auto accounts = t.accounts.accounts();
  accounts["rita"].read = {"another"};
  t.accounts.replace(accounts);
  t.log_in("rita");
  EXPECT_EQ(t.send("GET", "/api/v1/objects/" + id).status, 404);
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/search?q=evil")), "hits")->get_array().size(), 0u);
  EXPECT_EQ(find(t.json(t.send("GET", "/api/v1/overview")), "collections")->get_array().size(), 0u);
}

TEST(ConsoleObjects, ShowRelationsByNameAndVersionsByTheirBytes) {
  TestConsole t;
  t.log_in("olena");
  const Json made = t.json(t.send("POST", "/api/v1/indicators", draft("green", R"(,"name":"Sandfly")")));
  const std::string id(*string_at(find(made, "items")->get_array().at(0), "id"));
  t.search.edges = {{.from = id, .to = id, .kind = "related-to"},
                    {.from = "malware--00000000-0000-4000-8000-000000000001", .to = id, .kind = "uses"}};
  const Json shown = t.json(t.send("GET", "/api/v1/objects/" + id));
  EXPECT_EQ(string_at(shown, "name"), "Sandfly");
  const auto& edges = find(shown, "relations")->get_array();
  ASSERT_FALSE(edges.empty());
  EXPECT_EQ(string_at(edges[0], "other_name"), "Sandfly");
  EXPECT_EQ(edges.size(), 1U) << "the other end of the second is not here, which looks as if it were hidden";
  const auto seq = *int_at(find(shown, "versions")->get_array().at(0), "seq");
  const Json version = t.json(t.send("GET", "/api/v1/objects/" + id + "/versions/" + std::to_string(seq)));
  EXPECT_EQ(string_at(version, "raw"), string_at(shown, "raw"));
  EXPECT_EQ(t.send("GET", "/api/v1/objects/" + id + "/versions/999999").status, 404);
  EXPECT_EQ(t.send("GET", "/api/v1/objects/" + id + "/versions/x").status, 404);
  ASSERT_TRUE(t.journal->erase(id, "cert-lt"));
  EXPECT_NE(t.send("GET", "/api/v1/objects/" + id).status, 500) << "erased content is a normal case";
}

TEST(ConsoleMembers, StoppingTakesAnOperatorAReasonAndAKnownMember) {
  TestConsole t;
  t.log_in("olena");
  EXPECT_EQ(t.send("POST", "/api/v1/members/cert-ua/stop", R"({"reason":"x"})").status, 403);
  t.log_in("otto");
  EXPECT_EQ(t.send("POST", "/api/v1/members/cert-ua/stop", "{}").status, 400);
  EXPECT_EQ(t.send("POST", "/api/v1/members/cert-xx/stop", R"({"reason":"x"})").status, 404);
  EXPECT_TRUE(t.stopped.empty());
}

}  // namespace
}  // namespace bongsu::api::console
