// The desk's parts without processes or sockets: what is kept across crashes, what counts as a trace, who may ask what.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/files.h"
#include "desk/desk.h"
#include "desk/desk_api.h"
#include "desk/players.h"
#include "desk/process.h"
#include "desk/table.h"
#include "desk/telemetry_file.h"
#include "desk/watcher.h"
#include "exercise/scenario/read.h"

namespace bongsu::desk {
namespace {

using namespace std::chrono_literals;
using namespace exercise::drill;
namespace fs = std::filesystem;
constexpr const char* kExercise = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
constexpr const char* kScenario = R"(name: Two
exercise: {id: two, start: 2027-01-19T07:00:00Z, time-zone: Europe/Vilnius, duration: 1h, label: TLP:AMBER, speed: {least: 1, most: 60}}
entities:
  white: {name: Exercise control, role: White}
  lt-blue: {name: CERT-LT, role: Blue, member: cert-lt, nation: lt}
  ua-blue: {name: CERT-UA, role: Blue, member: cert-ua, nation: ua}
injects:
  phish:
    name: A mail
    from-entity: white
    to-entities: [lt-blue, ua-blue]
    deliver: [{via: console, roles: [Blue], subject: Look, text: "Is this ours?"}]
    telemetry: [{template: zeek-dns, parameters: {source: 10.0.0.5, query: evil.example}, after: 10s}]
    indicators: [{id: name, type: domain-name, value: evil.example}]
    expectations: [{id: sitrep, act: form, score: 5, expires: 30min, seen: {as: form, of: sitrep}}]
    share: [{id: warn, what: indicators, from: [lt-blue], to: [ua-blue], label: TLP:AMBER+STRICT, by: 30min, score: 20}]
events: {one: {injects: [phish]}}
scripts: {day: {start-time: 0s, end-time: 1h, speed: 1, events: {one: 1min}}}
stories: {main: {scripts: [day]}}
)";

exercise::scenario::Scenario two() {
  auto read = exercise::scenario::read_scenario(kScenario, "two.yaml");
  EXPECT_TRUE(read) << read.error().list.front().text();
  return std::move(*read);
}

class Desks : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("desk-test-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string read(const fs::path& file) const { return *read_small_file(dir_ / file, 1 << 24); }
  std::unique_ptr<Table> open() {
    auto table = Table::open(dir_, scenario_, {.background = 0ms}, no_range(), clock_);
    EXPECT_TRUE(table) << table.error().text();
    return std::move(*table);
  }
  std::unique_ptr<Table> begun() {
    auto table = open();
    EXPECT_TRUE(table->take(Control{.verb = Verb::kStart, .by = "white"}));
    return table;
  }

  fs::path dir_;
  FakeClock clock_;
  SeededRandom random_{1};
  const exercise::scenario::Scenario scenario_ = two();
};

// ——— telemetry ———

TEST_F(Desks, APieceOfTelemetryThatWasCutOffIsCompletedAndNotRepeated) {
  const std::string lines = "{\"one\":1}\n{\"two\":2}\n";
  const auto file = dir_ / "sensor.log", index = dir_ / "sensor.index";
  for (std::size_t cut = 0; cut <= lines.size(); ++cut) {
    fs::remove(file);
    fs::remove(index);
    {
      auto out = TelemetryFile::open(file, index);
      ASSERT_TRUE(out->put("a", "before\n"));
      ASSERT_TRUE(out->put("b", lines));
    }
    fs::resize_file(file, 7 + cut);  // the machine stopped in the middle of the write
    auto again = TelemetryFile::open(file, index);
    ASSERT_TRUE(again->put("b", lines));
    ASSERT_TRUE(again->put("a", "before\n"));
    ASSERT_TRUE(again->put("c", "after\n"));
    EXPECT_EQ(read("sensor.log"), "before\n" + lines + "after\n") << cut;
  }
}

TEST_F(Desks, AnIndexThatIsCutOffForgetsOnlyWhatWasNotWritten) {
  const auto file = dir_ / "sensor.log", index = dir_ / "sensor.index";
  ASSERT_TRUE(TelemetryFile::open(file, index)->put("a", "one\n"));
  ASSERT_TRUE(write_file_atomically(index, read("sensor.index") + "4 4"));
  auto again = TelemetryFile::open(file, index);
  ASSERT_TRUE(again);
  ASSERT_TRUE(again->put("b", "two\n"));
  EXPECT_EQ(read("sensor.log"), "one\ntwo\n");
  ASSERT_TRUE(write_file_atomically(index, "nonsense\n"));
  EXPECT_EQ(TelemetryFile::open(file, index).error().where.line, 1U);
}

TEST_F(Desks, TheSameIdWithOtherLinesIsRefused) {
  auto out = TelemetryFile::open(dir_ / "sensor.log", dir_ / "sensor.index");
  ASSERT_TRUE(out->put("a", "one\n"));
  EXPECT_EQ(out->put("a", "another\n").error().code, ErrorCode::kCorrupt);
}

// ——— the log ———

TEST_F(Desks, ALogThatWasCutAnywhereGoesOnToTheSameDecisions) {
  {
    auto table = begun();
    clock_.advance(10min);
    ASSERT_TRUE(table->advance());
  }
  const std::string whole = read("drill.ndjson");
  for (const std::size_t cut : {whole.size() - 1, whole.size() / 2, whole.size() / 3, whole.find('\n') + 1}) {
    ASSERT_TRUE(write_file_atomically(dir_ / "drill.ndjson", whole.substr(0, cut)));
    auto table = open();
    ASSERT_TRUE(table);
    EXPECT_TRUE(table->went_on());
    EXPECT_EQ(table->mended().empty(), whole[cut - 1] == '\n') << cut;
    if (table->look([](const Tabled& t) { return t.drill.state(); }) == State::kReady) continue;
    clock_.advance(10min);
    ASSERT_TRUE(table->advance());
    std::map<std::string, int> fired;
    table->look([&](const Tabled& t) {
      for (const Entry& e : t.log)
        if (e.kind == Kind::kFired) ++fired[e.team];
    });
    EXPECT_EQ(fired, (std::map<std::string, int>{{"lt-blue", 1}, {"ua-blue", 1}})) << cut;
  }
}

TEST_F(Desks, TheDrillGoesOnAtTheLastMomentOfItsLogAndTheTimeAwayDoesNotCount) {
  {
    auto table = begun();
    clock_.advance(5min);
    ASSERT_TRUE(table->advance());
  }
  clock_.advance(3h);
  auto table = open();
  EXPECT_EQ(table->look([](const Tabled& t) { return t.drill.now_ms(); }), 70'000) << "the telemetry";
}

TEST_F(Desks, AnotherScenariosLogIsRefused) {
  begun();
  auto other = scenario_;
  other.name = "Another";
  const auto table = Table::open(dir_, other, {.background = 0ms}, no_range(), clock_);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::kCorrupt);
}

TEST_F(Desks, WhatWasDeliveredIsNotOfferedAgainAfterARestartAndWhatWasNotIs) {
  {
    auto table = begun();
    clock_.advance(2min);
    ASSERT_TRUE(table->advance());
    const auto pending = table->look([](const Tabled& t) { return t.drill.pending_deliveries(); });
    ASSERT_EQ(pending.size(), 2U);
    ASSERT_TRUE(table->take(Evidence{.as = As::kDelivered, .object = pending[0].id}));
  }
  auto table = open();
  const auto left = table->look([](const Tabled& t) { return t.drill.pending_deliveries(); });
  ASSERT_EQ(left.size(), 1U);
  table->look([&](const Tabled& t) {
    ASSERT_EQ(t.letters.size(), 2U);
    for (const Letter& letter : t.letters) {
      EXPECT_EQ(letter.delivery.text, "Is this ours?");
      EXPECT_EQ(letter.arrived_ms.has_value(), letter.delivery.id != left[0].id);
    }
  });
}

// ——— players ———

TEST_F(Desks, AnAgreementCoversTheStrictestLabelThatIsAskedBetweenTwoAndAmberElse) {
  const auto players = Players::of(scenario_, kExercise);
  ASSERT_TRUE(players) << players.error().text();
  const Player &white = players->white(), &lt = *players->by_entity("lt-blue"), &ua = *players->by_entity("ua-blue");
  const Instant until{1'800'000'000, 0};
  const auto has = [&](const Player& from, const Player& to, const char* tlp) {
    return agreement_toml(scenario_, from, to, until).find(std::string("highest_tlp = \"") + tlp + "\"") !=
           std::string::npos;
  };
  EXPECT_TRUE(has(lt, ua, "amber+strict"));
  EXPECT_TRUE(has(ua, lt, "amber"));
  EXPECT_TRUE(has(white, lt, "amber"));
  EXPECT_NE(agreement_toml(scenario_, lt, ua, until).find("\"exercise\"]"), std::string::npos);
}

TEST_F(Desks, TwoPlayersOfOneMemberAreRefused) {
  auto same = scenario_;
  for (auto& entity : same.entities) entity.member = "cert-lt";
  EXPECT_EQ(Players::of(same, kExercise).error().code, ErrorCode::kInvalid);
}

// ——— traces ———

class FakeNode final : public MemberNode {
 public:
  std::vector<NodeAlert> alerts_list;
  std::vector<NodeCollection> collections_list;
  std::map<std::string, std::vector<NodeObject>> held;
  std::map<std::string, std::string> labels;  // by object
  bool down = false;

  Result<std::vector<NodeAlert>> alerts(std::uint32_t limit) override {
    if (down) return gone();
    auto out = alerts_list;
    if (out.size() > limit) out.resize(limit);
    return out;
  }
  Result<std::vector<NodeCollection>> collections() override {
    if (down) return gone();
    return collections_list;
  }
  Result<ObjectPage> objects(const std::string& collection, std::uint64_t after) override {
    const auto& all = held[collection];
    ObjectPage out{.objects = {}, .next = std::min<std::uint64_t>(after + 1, all.size())};
    if (after < all.size()) out.objects.push_back(all[after]);
    out.more = out.next < all.size();
    return out;
  }
  Result<std::string> label_of(const std::string& object, const std::string&) override { return labels[object]; }
  Result<Published> publish(const std::string&, const JsonArray&) override { return Published{}; }

  void put(const std::string& collection, const std::string& id, const std::string& pattern, const std::string& label,
           const std::string& version = "2027-01-19T07:00:00.000Z") {
    held[collection].push_back({.id = id,
                                .type = id.substr(0, id.find("--")),
                                .version = version,
                                .body = JsonObject{{"id", id}, {"pattern", pattern}}});
    labels[id] = label;
  }

 private:
  static std::unexpected<Error> gone() { return fail(ErrorCode::kUnavailable, "it is gone"); }
};

const char* const kEvil = "[domain-name:value = 'evil.example']";

class Traces : public Desks {
 protected:
  Traces() {
    node_.collections_list = {{.alias = "cert-lt.exercise", .mirror_of = "cert-lt", .exercise = kExercise},
                              {.alias = "cert-lt.shared", .mirror_of = "cert-lt", .exercise = ""},
                              {.alias = "exercise", .mirror_of = "", .exercise = kExercise},
                              {.alias = "shared", .mirror_of = "", .exercise = ""}};
  }
  std::vector<Evidence> look() {
    auto seen = watcher_.look(*players_.by_entity("ua-blue"), node_);
    EXPECT_TRUE(seen) << seen.error().text();
    return seen ? std::move(seen->evidence) : std::vector<Evidence>{};
  }
  const Players players_ = *Players::of(scenario_, kExercise);
  Watcher watcher_{scenario_, players_};
  FakeNode node_;
  const std::string label_ = [] {
    policy::Label label = policy::bottom();
    label.tlp = stix::Tlp::kAmber;
    label.marked = true;
    label.exercises = {kExercise};
    return label.text();
  }();
};

TEST_F(Traces, WhatArrivedAtAPartnerIsEvidenceOfItsSenderOnce) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  const auto first = look();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].as, As::kShared);
  EXPECT_EQ(first[0].team, "lt-blue");
  EXPECT_EQ(first[0].to, std::vector<std::string>{"ua-blue"});
  EXPECT_EQ(first[0].label, label_);
  EXPECT_EQ(first[0].patterns, std::vector<std::string>{kEvil});
  EXPECT_TRUE(look().empty());
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_, "2027-01-19T08:00:00.000Z");
  EXPECT_EQ(look().size(), 1U) << "a further version is a further trace";
}

TEST_F(Traces, WhatTheLogTellsOfIsNotToldAgainAfterARestart) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  for (const Evidence& e : look()) {
    Watcher again(scenario_, players_);
    again.know(*entry_of(e));
    const auto seen = again.look(*players_.by_entity("ua-blue"), node_);
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->evidence.empty());
  }
}

TEST_F(Traces, AnObjectThatBearsNoTlpOfItsOwnHasNoLabel) {
  auto label = *policy::Label::parse(label_);
  label.marked = false;
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label.text());
  const auto seen = look();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].label, "");
}

TEST_F(Traces, TheDrillsIndicatorsInLiveCollectionsAreViolationsAndOtherThingsAreNobodysBusiness) {
  node_.put("cert-lt.shared", "indicator--1", kEvil, "green marked");
  node_.put("cert-lt.shared", "indicator--2", "[domain-name:value = 'live.example']", "green marked");
  node_.put("shared", "indicator--3", kEvil, "green marked");
  const auto seen = look();
  ASSERT_EQ(seen.size(), 2U);
  for (const Evidence& e : seen) {
    EXPECT_EQ(e.as, As::kViolation);
    EXPECT_EQ(e.type, "outside-exercise");
  }
  EXPECT_EQ(std::ranges::count(seen, "lt-blue", &Evidence::team), 1);
  EXPECT_EQ(std::ranges::count(seen, "ua-blue", &Evidence::team), 1);
}

TEST_F(Traces, ASightingThatGoesHomeUnderItsGiversTooWideLabelIsNotTheSeersLeak) {
  policy::Label wide = *policy::Label::parse(label_);
  wide.tlp = stix::Tlp::kClear;
  node_.put("exercise", "indicator--own", kEvil, wide.text());
  node_.put("exercise", "indicator--own2", kEvil, wide.text());
  node_.put("cert-lt.exercise", "sighting--1", "", wide.text());
  node_.held["cert-lt.exercise"][0].body = JsonObject{{"id", "sighting--1"}, {"sighting_of_ref", "indicator--own"}};
  node_.put("cert-lt.exercise", "sighting--2", "", wide.text());
  node_.held["cert-lt.exercise"][1].body = JsonObject{{"id", "sighting--2"}, {"sighting_of_ref", "indicator--others"}};
  std::map<std::string, std::string> labels;
  for (const Evidence& e : look())
    if (e.as == As::kSighting) labels[e.object] = e.label;
  EXPECT_EQ(labels["sighting--1"], label_);
  EXPECT_EQ(labels["sighting--2"], wide.text()) << "one of somebody else's indicator is as wide as it is";
}

TEST_F(Traces, AnAlertBearsItsIndicatorsPatternAndTheTimeOfItsRecord) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  node_.alerts_list = {{.id = "alert--2", .indicator = "some rule", .matched = "x", .event_time = {}},
                       {.id = "alert--1",
                        .indicator = "indicator--1",
                        .matched = "evil.example",
                        .event_time = Instant::parse("2027-01-19T07:01:10.500Z")}};
  std::vector<Evidence> alerts = look();
  std::erase_if(alerts, [](const Evidence& e) { return e.as != As::kAlert; });
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0].object, "alert--1") << "the oldest first";
  EXPECT_EQ(alerts[0].patterns, std::vector<std::string>{kEvil});
  EXPECT_EQ(alerts[0].telemetry_ms, 70'500);
  EXPECT_EQ(alerts[0].team, "ua-blue");
  EXPECT_TRUE(alerts[1].patterns.empty());
}

TEST_F(Traces, MoreAlertsThanALookHoldsAreSaid) {
  node_.alerts_list = {{.id = "alert--first"}};
  look();
  node_.alerts_list.clear();
  for (std::uint32_t i = 0; i < kAlertsALook + 5; ++i)
    node_.alerts_list.push_back({.id = "alert--" + std::to_string(i)});
  const auto seen = watcher_.look(*players_.by_entity("ua-blue"), node_);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->troubles.size(), 1U);
}

TEST_F(Traces, ANodeThatIsGoneLosesNothing) {
  node_.put("cert-lt.exercise", "indicator--1", kEvil, label_);
  node_.down = true;
  EXPECT_FALSE(watcher_.look(*players_.by_entity("ua-blue"), node_));
  node_.down = false;
  EXPECT_EQ(look().size(), 1U);
}

// ——— the API ———

class Api : public Desks {
 protected:
  Api() : players_(*Players::of(scenario_, kExercise)), tokens_(DeskTokens::fresh(players_, random_)) {}
  void SetUp() override {
    Desks::SetUp();
    table_ = begun();
    clock_.advance(2min);
    ASSERT_TRUE(table_->advance());
    const auto none = [] { return Json(JsonArray{}); };
    api_ = std::make_unique<DeskApi>(DeskApiDeps{.table = *table_,
                                                 .players = players_,
                                                 .clock = clock_,
                                                 .random = random_,
                                                 .nodes = none,
                                                 .troubles = none,
                                                 .scoreboard = none},
                                     tokens_);
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
  const auto [status, made] =
      ask("team/lt-blue", "POST", "team/lt-blue/form",
          JsonObject{{"form", "sitrep"}, {"inject", "phish"}, {"fields", JsonObject{{"what", "a mail"}}}});
  ASSERT_EQ(status, 200);
  const Json seq = made.at("seq");
  EXPECT_NE(seq, 0);
  EXPECT_EQ(ask("team/lt-blue", "GET", "team/lt-blue").second.at("forms").at(0).at("handed_in").to_number<int>(),
            seq.to_number<int>());
  EXPECT_EQ(ask("white", "POST", "grade", JsonObject{{"form", seq}, {"by", "ana"}, {"part", 0.8}}).first, 200);
  EXPECT_EQ(ask("white", "POST", "grade", JsonObject{{"form", seq}, {"by", "ana"}, {"part", 1.5}}).first, 400);
  EXPECT_EQ(ask("team/ua-blue", "POST", "appeal", JsonObject{{"form", seq}, {"why", "no"}}).first, 403);
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

// ——— programs ———

TEST_F(Desks, ACommandsComplaintIsInTheError) {
  const auto said = run_command({"/bin/sh", "-c", "echo out; echo why >&2; exit 3"}, 10s);
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().message.find("exit status 3"), std::string::npos);
  EXPECT_NE(said.error().message.find("why"), std::string::npos);
  EXPECT_EQ(*run_command({"/bin/echo", "hello"}, 10s), "hello\n");
}

TEST_F(Desks, AProcessThatIsDroppedIsGone) {
  pid_t pid = 0;
  {
    auto process = Process::start({"/bin/sleep", "600"}, dir_ / "log");
    ASSERT_TRUE(process);
    pid = (*process)->pid();
    EXPECT_FALSE((*process)->ended());
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace bongsu::desk
