// Who may ask the desk what, and how much of it.
#include "desk/desk_api.h"

#include <memory>

#include "desk/desk_json.h"
#include "desk/desk_test_support.h"
#include "desk/players.h"
#include "exercise/scoring/score.h"

namespace bongsu::desk {
namespace {

class Api : public Desks {
 protected:
  Api() : players_(*Players::of(scenario_, kExercise)), tokens_(DeskTokens::fresh(players_, random_)) {}
  void SetUp() override {
    Desks::SetUp();
    table_ = begun();
    clock_.advance(2min);
    ASSERT_TRUE(table_->advance());
    serve();
  }
  void serve(std::uint64_t most_log_bytes = kMaxLogBytes) {
    const auto none = [] { return Json(JsonArray{}); };
    api_ = std::make_unique<DeskApi>(DeskApiDeps{.table = *table_,
                                                 .players = players_,
                                                 .clock = clock_,
                                                 .random = random_,
                                                 .nodes = none,
                                                 .troubles = none,
                                                 .scoreboard = none,
                                                 .files = {},
                                                 .most_log_bytes = most_log_bytes},
                                     tokens_);
  }
  void deliver() {
    for (const Delivery& d : table_->look([](const Tabled& t) { return t.drill.pending_deliveries(); }))
      ASSERT_TRUE(table_->take(Evidence{.as = As::kDelivered, .object = d.id}));
  }
  net::Request request(std::string method, std::string path, const Json& body = nullptr) {
    net::Request out{.method = std::move(method), .path = "/desk/v1/" + std::move(path)};
    out.headers.add("Host", "127.0.0.1:8080");
    out.peer.address = "127.0.0.1:50000";
    if (!body.is_null()) {
      out.headers.add("Content-Type", "application/json");
      out.body = to_text(body);
    }
    return out;
  }
  std::pair<int, Json> ask(const std::string& account, std::string method, std::string path,
                           const Json& body = nullptr) {
    net::Request r = request(std::move(method), std::move(path), body);
    r.headers.add("Authorization", "Bearer " + tokens_.by_account[account]);
    return answer(std::move(r));
  }
  std::pair<int, Json> answer(net::Request&& r) {
    net::Response response = api_->handle(std::move(r));
    EXPECT_TRUE(response.headers.get("Content-Security-Policy"));
    EXPECT_FALSE(response.headers.get("Access-Control-Allow-Origin"));
    return {response.status, *parse_json(std::get<std::string>(response.body))};
  }
  const Players players_;
  DeskTokens tokens_;
  std::unique_ptr<Table> table_;
  std::unique_ptr<DeskApi> api_;
};

TEST_F(Api, WithoutATokenNothingIsTold) {
  for (const char* path : {"state", "log", "events", "team/lt-blue", "session"})
    EXPECT_EQ(answer(request("GET", path)).first, 401) << path;
  net::Request wrong = request("GET", "state");
  wrong.headers.add("Authorization", "Bearer bst_wrong");
  EXPECT_EQ(answer(std::move(wrong)).first, 401);
}

TEST_F(Api, APageOfAnotherNameIsRefusedWhateverItKnows) {
  net::Request r{.method = "GET", .path = "/desk/v1/state"};
  r.headers.add("Host", "rebound.example:8080");
  r.headers.add("Authorization", "Bearer " + tokens_.by_account["white"]);
  EXPECT_EQ(answer(std::move(r)).first, 403);
}

TEST_F(Api, ASessionMayChangeSomethingFromTheDesksOwnPageAlone) {
  net::Response in = api_->handle(request("POST", "session", JsonObject{{"token", tokens_.by_account["white"]}}));
  ASSERT_EQ(in.status, 200);
  const std::string cookie(*in.headers.get("Set-Cookie"));
  EXPECT_NE(cookie.find("HttpOnly; SameSite=Strict"), std::string::npos);
  const std::string pair = cookie.substr(0, cookie.find(';'));
  const auto pause = [&](const char* origin, bool header) {
    net::Request r = request("POST", "control", JsonObject{{"verb", "pause"}});
    r.headers.add("Cookie", pair);
    if (origin != nullptr) r.headers.add("Origin", origin);
    if (header) r.headers.add("X-Bongsu-Desk", "1");
    return answer(std::move(r)).first;
  };
  EXPECT_EQ(pause(nullptr, true), 403);
  EXPECT_EQ(pause("http://evil.example", true), 403);
  EXPECT_EQ(pause("http://127.0.0.1:8080", false), 403);
  EXPECT_EQ(pause("http://127.0.0.1:8080", true), 200);
}

TEST_F(Api, ATeamSeesItsOwnDeskAndNeitherOthersNorWhatRedDoes) {
  deliver();
  EXPECT_EQ(ask("team/lt-blue", "GET", "team/ua-blue").first, 403);
  const auto [status, desk] = ask("team/lt-blue", "GET", "team/lt-blue");
  ASSERT_EQ(status, 200);
  EXPECT_EQ(desk.at("deliveries").get_array().size(), 1U);
  EXPECT_EQ(desk.at("deliveries").at(0).at("banner"), "EXERCISE · TLP:AMBER");
  EXPECT_EQ(desk.at("forms").at(0).at("form"), "sitrep");
  const Json log = ask("team/lt-blue", "GET", "log").second;
  for (const Json& e : log.at("entries").get_array()) {
    EXPECT_NE(e.at("kind"), "fired");
    EXPECT_NE(e.at("kind"), "telemetry");
    EXPECT_TRUE(e.at("team") == "lt-blue" || e.at("kind") == "control") << to_text(e);
  }
  EXPECT_FALSE(ask("team/lt-blue", "GET", "state").second.get_object().contains("injects"));
}

TEST_F(Api, ObserversLookOnAndTeamsHaveNoHandOnTheClock) {
  EXPECT_EQ(ask("observer", "GET", "state").first, 200);
  EXPECT_EQ(ask("observer", "POST", "control", JsonObject{{"verb", "end"}}).first, 403);
  EXPECT_EQ(ask("team/lt-blue", "POST", "control", JsonObject{{"verb", "end"}}).first, 403);
  EXPECT_EQ(ask("team/lt-blue", "POST", "judge", JsonObject{{"part", 1}}).first, 403);
  EXPECT_EQ(ask("white", "POST", "team/lt-blue/form", JsonObject{{"form", "sitrep"}, {"fields", JsonObject{}}}).first,
            403)
      << "not even exercise control fills in a team's forms";
}

TEST_F(Api, AFormThatIsHandedInIsEvidenceAndCanBeGraded) {
  deliver();
  const auto [status, made] =
      ask("team/lt-blue", "POST", "team/lt-blue/form",
          JsonObject{{"form", "sitrep"}, {"inject", "phish"}, {"fields", JsonObject{{"what", "a mail"}}}});
  ASSERT_EQ(status, 200);
  const Json seq = made.at("seq");
  EXPECT_NE(seq, 0);
  EXPECT_EQ(ask("team/lt-blue", "GET", "team/lt-blue").second.at("forms").at(0).at("handed_in").to_number<int>(),
            seq.to_number<int>());
  const auto grade = [&](const char* who, const char* name, double part) {
    return ask(who, "POST", "grade", JsonObject{{"form", seq}, {"by", name}, {"part", part}}).first;
  };
  const auto form = [&] {
    const auto card = exercise::scoring::score(scenario_, table_->look([](const Tabled& t) { return t.log; }));
    return card->teams[0].forms.at(0);
  };
  EXPECT_EQ(grade("white", "ana", 0.8), 200);
  EXPECT_EQ(grade("white", "ana", 1.5), 400);
  EXPECT_EQ(grade("white", "ben", 0.9), 200);
  EXPECT_TRUE(form().open) << "one account is one grader, whatever names it gives";
  ASSERT_EQ(form().graders.size(), 1U);
  for (const char* who : {"observer", "team/lt-blue", "role/media"}) EXPECT_EQ(grade(who, "ben", 0.9), 403) << who;
  EXPECT_EQ(grade("grader/1", "ben", 0.7), 200);
  EXPECT_FALSE(form().open);
  EXPECT_NEAR(form().part.value_or(0), 0.8, 1e-9);
  EXPECT_EQ(ask("grader/1", "POST", "ruling", JsonObject{{"form", seq}, {"part", 1}}).first, 403);
  EXPECT_EQ(ask("grader/1", "POST", "control", JsonObject{{"verb", "end"}}).first, 403);
  EXPECT_EQ(ask("grader/1", "GET", "program").first, 200) << "graders read what they grade by";
  EXPECT_EQ(ask("team/ua-blue", "POST", "appeal", JsonObject{{"form", seq}, {"why", "no"}}).first, 403);
}

TEST_F(Api, ARoleOutsideTeamsHasASeatThatReadsAndAnswersItsLettersAndNothingElse) {
  EXPECT_EQ(tokens_.by_account.count("role/media"), 1U);
  EXPECT_EQ(tokens_.by_account.count("role/legal"), 1U);
  EXPECT_EQ(tokens_.by_account.count("role/white"), 0U);
  clock_.advance(30min);
  ASSERT_TRUE(table_->advance());
  deliver();
  const auto subjects = [&](const char* who, const char* path) {
    std::vector<std::string> out;
    const Json answer = ask(who, "GET", path).second;
    for (const Json& d : answer.at("deliveries").get_array()) out.emplace_back(d.at("subject").get_string());
    return out;
  };
  EXPECT_EQ(subjects("role/media", "role/media"), (std::vector<std::string>{"A rumour", "Law"}));
  EXPECT_EQ(subjects("role/legal", "role/legal"), (std::vector<std::string>{"Law"}));
  EXPECT_EQ(subjects("white", "role/legal"), (std::vector<std::string>{"Law"}));
  EXPECT_EQ(subjects("team/lt-blue", "team/lt-blue"), (std::vector<std::string>{"Look"})) << "and no team has them";
  const Json team_log = ask("team/lt-blue", "GET", "log").second;
  for (const Json& e : team_log.at("entries").get_array())
    EXPECT_EQ(e.at("text").get_string().find("rumour"), std::string::npos) << to_text(e);
  EXPECT_EQ(ask("role/legal", "GET", "role/media").first, 403);
  EXPECT_EQ(ask("role/legal", "GET", "team/lt-blue").first, 403);
  EXPECT_EQ(ask("role/legal", "GET", "program").first, 403);
  EXPECT_EQ(ask("role/legal", "POST", "control", JsonObject{{"verb", "end"}}).first, 403);
  EXPECT_EQ(ask("role/legal", "POST", "judge", JsonObject{{"part", 1}}).first, 403);
  EXPECT_EQ(ask("role/legal", "POST", "appeal", JsonObject{{"form", 1}, {"why", "no"}}).first, 403);
  EXPECT_EQ(ask("team/lt-blue", "GET", "role/media").first, 403);
  EXPECT_EQ(ask("white", "GET", "role/plumber").first, 404);
  const Json letter = ask("role/media", "GET", "role/media").second.at("deliveries").at(0).at("id");
  EXPECT_EQ(ask("role/legal", "POST", "role/legal/read", JsonObject{{"delivery", letter}}).first, 404);
  EXPECT_EQ(ask("role/media", "POST", "role/media/read", JsonObject{{"delivery", letter}}).first, 200);
  EXPECT_EQ(
      ask("role/media", "POST", "role/media/reply", JsonObject{{"delivery", letter}, {"text", "Who says so?"}}).first,
      200);
  EXPECT_EQ(ask("role/media", "POST", "role/media/form", JsonObject{{"delivery", letter}}).first, 404);
  EXPECT_TRUE(ask("role/media", "GET", "role/media").second.at("deliveries").at(0).as_object().contains("read_ms"));
  // Of the log: the clock's turns, its letters, its own words.
  std::vector<std::string> kinds;
  const Json log = ask("role/media", "GET", "log").second;
  for (const Json& e : log.at("entries").get_array())
    kinds.push_back(std::string(e.at("kind").get_string()) + ' ' + std::string(e.at("team").get_string()));
  EXPECT_EQ(kinds, (std::vector<std::string>{"control ", "delivery lt-blue", "delivery lt-blue", "delivery lt-blue",
                                             "evidence press", "evidence press"}));
  // It is no team's deed.
  EXPECT_TRUE(exercise::scoring::score(scenario_, table_->look([](const Tabled& t) { return t.log; })));
}

TEST_F(Api, ATeamSeesWhatPeopleMadeOfItsFormsAndOfNobodyElses) {
  const Json form =
      ask("team/lt-blue", "POST", "team/lt-blue/form", JsonObject{{"form", "sitrep"}, {"fields", JsonObject{}}})
          .second.at("seq");
  ASSERT_EQ(ask("white", "POST", "grade", JsonObject{{"form", form}, {"by", "ana"}, {"part", 0.5}}).first, 200);
  ASSERT_EQ(ask("team/lt-blue", "POST", "appeal", JsonObject{{"form", form}, {"why", "no"}}).first, 200);
  ASSERT_EQ(ask("white", "POST", "ruling", JsonObject{{"form", form}, {"by", "bo"}, {"part", 1}}).first, 200);
  const auto words = [&](const char* team) {
    std::vector<std::string> out;
    const Json log = ask(team, "GET", "log").second;
    for (const Json& e : log.at("entries").get_array())
      for (const char* kind : {"grade", "appeal", "ruling"})
        if (e.at("kind") == kind) out.emplace_back(kind);
    return out;
  };
  EXPECT_EQ(words("team/lt-blue"), (std::vector<std::string>{"grade", "appeal", "ruling"}));
  EXPECT_TRUE(words("team/ua-blue").empty());
}

TEST_F(Api, AnInjectsFormIsListedOnceSomethingOfItHasReachedTheTeam) {
  const auto desk = [&](const char* who) { return ask(who, "GET", "team/lt-blue").second; };
  EXPECT_TRUE(desk("team/lt-blue").at("forms").get_array().empty()) << "it would tell that something is there to find";
  EXPECT_EQ(desk("team/lt-blue").at("form_kinds"), (JsonArray{"sitrep"})) << "what kinds there are tells nothing";
  EXPECT_EQ(desk("white").at("forms").at(0).at("inject"), "phish");
  const Json unasked =
      ask("team/lt-blue", "POST", "team/lt-blue/form", JsonObject{{"form", "note"}, {"fields", JsonObject{}}})
          .second.at("seq");
  ASSERT_EQ(desk("team/lt-blue").at("forms").get_array().size(), 1U);
  EXPECT_EQ(desk("team/lt-blue").at("forms").at(0).at("handed_in").to_number<int>(), unasked.to_number<int>());
  deliver();
  EXPECT_EQ(desk("team/lt-blue").at("forms").at(0).at("inject"), "phish");
}

TEST_F(Api, AServicesTroubleDoesNotTellATeamWhatLiesBeneathIt) {
  const Entry down{.kind = Kind::kProbe,
                   .team = "lt-blue",
                   .ref = "portal",
                   .data = {{"up", false}, {"injects", JsonArray{"covert"}}}};
  EXPECT_TRUE(json_of(down).at("data").get_object().contains("injects"));
  EXPECT_FALSE(json_for_team(down).at("data").get_object().contains("injects"));
  EXPECT_EQ(json_for_team(down).at("data").at("up"), false);
}

TEST_F(Api, AJudgementOnAnInjectThatATeamHasNotFoundIsShownAtTheEndAlone) {
  for (const char* team : {"lt-blue", "ua-blue"})
    ASSERT_EQ(ask("white", "POST", "judge",
                  JsonObject{{"team", team}, {"inject", "phish"}, {"expectation", "sitrep"}, {"part", 0.5}})
                  .first,
              200);
  ASSERT_EQ(ask("white", "POST", "judge", JsonObject{{"team", "lt-blue"}, {"expectation", "calm"}, {"part", 1}}).first,
            200);
  // Everything that the team is told, through the log and through the stream.
  const auto told = [&](const std::string& team) {
    std::string out = to_text(ask("team/" + team, "GET", "log").second);
    net::Request r = request("GET", "events");
    r.query = "after=0";
    r.headers.add("Authorization", "Bearer " + tokens_.by_account["team/" + team]);
    net::Response response = api_->handle(std::move(r));
    EXPECT_TRUE(*std::get<std::unique_ptr<net::TailSource>>(response.body)->pull(out, false));
    for (const std::string& path : {std::string("state"), "team/" + team})
      out += to_text(ask("team/" + team, "GET", path).second);
    return out;
  };
  const auto count = [](const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  };
  const auto judged = [&](const std::string& team) { return count(told(team), "phish: sitrep judged: 50 of 100"); };
  EXPECT_EQ(judged("lt-blue"), 0U);
  EXPECT_EQ(count(told("lt-blue"), "calm judged: 100 of 100"), 2U) << "what names no inject tells of none";
  EXPECT_EQ(count(to_text(ask("white", "GET", "log").second), "phish: sitrep judged: 50 of 100"), 2U);
  const auto pending = table_->look([](const Tabled& t) { return t.drill.pending_deliveries(); });
  ASSERT_EQ(pending[0].to, "lt-blue");
  ASSERT_TRUE(table_->take(Evidence{.as = As::kDelivered, .object = pending[0].id}));
  EXPECT_EQ(judged("lt-blue"), 2U) << "it has been told of the inject";
  EXPECT_EQ(judged("ua-blue"), 0U);
  ASSERT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "end"}}).first, 200);
  EXPECT_EQ(judged("ua-blue"), 2U);
}

TEST_F(Api, WhoGuessesTokensIsSlowedDownAndNobodyElse) {
  const auto guess = [&] {
    net::Request r = request("GET", "state");
    r.headers.add("Authorization", "Bearer bst_wrong");
    return api_->handle(std::move(r));
  };
  int status = 401;
  for (int i = 0; i < 100 && status == 401; ++i) status = guess().status;
  EXPECT_EQ(status, 429);
  EXPECT_EQ(guess().headers.get("Retry-After"), "60");
  EXPECT_EQ(answer(request("POST", "session", JsonObject{{"token", "bst_wrong"}})).first, 429);
  EXPECT_EQ(ask("white", "GET", "state").first, 200) << "from the same address";
  EXPECT_EQ(answer(request("POST", "session", JsonObject{{"token", tokens_.by_account["team/lt-blue"]}})).first, 200);
}

TEST_F(Api, ATeamsStreamsAreBoundedAndLeaveRoomForOthers) {
  std::vector<net::Response> open;
  const auto stream = [&](const std::string& account) {
    net::Request r = request("GET", "events");
    r.headers.add("Authorization", "Bearer " + tokens_.by_account[account]);
    return api_->handle(std::move(r));
  };
  for (std::size_t i = 0; i < kMaxStreamsPerAccount; ++i) {
    open.push_back(stream("team/lt-blue"));
    ASSERT_EQ(open.back().status, 200);
  }
  EXPECT_EQ(stream("team/lt-blue").status, 429);
  EXPECT_EQ(stream("white").status, 200);
  open.pop_back();
  EXPECT_EQ(stream("team/lt-blue").status, 200) << "one has ended";
}

TEST_F(Api, ATeamsDeedsAreBoundedInTimeAndOthersGoOn) {
  const auto step = [&](const std::string& team) {
    net::Request r = request("POST", "team/" + team + "/playbook", JsonObject{{"playbook", "p"}, {"step", "s"}});
    r.headers.add("Authorization", "Bearer " + tokens_.by_account["team/" + team]);
    return api_->handle(std::move(r));
  };
  int done = 0;
  net::Response last;
  for (; (last = step("lt-blue")).status == 200; ++done) ASSERT_LE(done, kDeedsAtOnce);
  EXPECT_EQ(last.status, 429);
  EXPECT_TRUE(last.headers.get("Retry-After"));
  EXPECT_EQ(done, static_cast<int>(kDeedsAtOnce));
  EXPECT_EQ(step("ua-blue").status, 200);
  clock_.advance(1s);
  for (int i = 0; i < static_cast<int>(kDeedsPerSecond); ++i) EXPECT_EQ(step("lt-blue").status, 200);
  EXPECT_EQ(step("lt-blue").status, 429);
}

TEST_F(Api, NearTheEndOfTheLogTeamsDeedsAreRefusedAndExerciseControlsNot) {
  serve(table_->log_bytes());
  EXPECT_EQ(ask("team/lt-blue", "POST", "team/lt-blue/playbook", JsonObject{{"playbook", "p"}, {"step", "s"}}).first,
            507);
  EXPECT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "pause"}}).first, 200);
}

TEST_F(Api, OrdersComeInPages) {
  for (std::size_t i = 0; i < kMaxOrdersShown + 10; ++i)
    ASSERT_TRUE(table_->take(Evidence{.as = As::kOrder, .team = "lt-blue", .type = "breaker-open", .target = "x"}));
  const auto orders = [&](const std::string& query) {
    net::Request r = request("GET", "team/lt-blue");
    r.query = query;
    r.headers.add("Authorization", "Bearer " + tokens_.by_account["team/lt-blue"]);
    return answer(std::move(r)).second.at("orders").get_array();
  };
  const JsonArray newest = orders("");
  ASSERT_EQ(newest.size(), kMaxOrdersShown);
  EXPECT_EQ(orders("orders_before=" + std::to_string(newest[0].at("seq").to_number<int>())).size(), 10U);
}

TEST_F(Api, ADeliveryIsReadAndAnsweredByItsOwnTeamAlone) {
  const Json desk = ask("team/lt-blue", "GET", "team/lt-blue").second;
  const Json id = desk.at("deliveries").at(0).at("id");
  EXPECT_EQ(ask("team/ua-blue", "POST", "team/ua-blue/read", JsonObject{{"delivery", id}}).first, 404);
  EXPECT_EQ(ask("team/lt-blue", "POST", "team/lt-blue/read", JsonObject{{"delivery", id}}).first, 200);
  EXPECT_EQ(ask("team/lt-blue", "POST", "team/lt-blue/reply", JsonObject{{"delivery", id}}).first, 400);
  EXPECT_EQ(ask("team/lt-blue", "POST", "team/lt-blue/reply", JsonObject{{"delivery", id}, {"text", "No."}}).first,
            200);
  EXPECT_TRUE(
      ask("team/lt-blue", "GET", "team/lt-blue").second.at("deliveries").at(0).get_object().contains("read_ms"));
}

TEST_F(Api, ExerciseControlHoldsTheClockAndInjectsByHand) {
  EXPECT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "speed"}, {"speed", 600}}).first, 400);
  EXPECT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "speed"}, {"speed", 60}}).first, 200);
  EXPECT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "inject"}, {"inject", "nothing"}}).first, 404);
  EXPECT_EQ(
      ask("white", "POST", "control", JsonObject{{"verb", "inject"}, {"inject", "phish"}, {"team", "lt-blue"}}).first,
      200);
  EXPECT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "pause"}, {"by", "ana"}}).first, 200);
  EXPECT_EQ(ask("white", "GET", "state").second.at("state"), "paused");
  EXPECT_EQ(ask("white", "POST", "control", JsonObject{{"verb", "jump_back"}, {"to_ms", 30'000}}).first, 200);
  EXPECT_TRUE(ask("team/lt-blue", "GET", "team/lt-blue").second.at("deliveries").get_array().empty())
      << "what came after the time that was jumped to is undone";
}

}  // namespace
}  // namespace bongsu::desk
