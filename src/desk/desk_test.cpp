// The desk's parts without processes or sockets of nodes: what is kept across crashes, who plays where.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/files.h"
#include "desk/admin_node.h"
#include "desk/desk.h"
#include "desk/desk_test_support.h"
#include "desk/nodes.h"
#include "desk/players.h"
#include "desk/post.h"
#include "desk/process.h"
#include "desk/telemetry_file.h"
#include "net/server.h"

namespace bongsu::desk {
namespace {

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
    ASSERT_TRUE(table->come_back());
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
  const auto now = [&] { return table->look([](const Tabled& t) { return t.drill.now_ms(); }); };
  EXPECT_EQ(now(), 70'000) << "the telemetry";
  clock_.advance(2min);  // until its nodes are up
  ASSERT_TRUE(table->advance());
  EXPECT_EQ(now(), 70'000) << "it stands until then";
  table = open();  // and goes down again before they were
  clock_.advance(2min);
  ASSERT_TRUE(table->come_back());
  ASSERT_TRUE(table->come_back()) << "once";
  clock_.advance(1min);
  ASSERT_TRUE(table->advance());
  EXPECT_EQ(now(), 130'000);
}

TEST_F(Desks, WhoHeldTheClockHoldsItAfterARestart) {
  ASSERT_TRUE(begun()->take(Control{.verb = Verb::kPause, .by = "white"}));
  auto table = open();
  ASSERT_TRUE(table->come_back());
  EXPECT_EQ(table->look([](const Tabled& t) { return t.drill.state(); }), State::kPaused);
}

TEST_F(Desks, DamageBeforeTheLastLineIsRefusedWithItsLineAndCutsNothing) {
  {
    auto table = begun();
    clock_.advance(10min);
    ASSERT_TRUE(table->advance());
  }
  const std::string whole = read("drill.ndjson");
  for (const std::size_t line : {1U, 2U, 3U}) {
    std::size_t at = 0;
    for (std::size_t i = 1; i < line; ++i) at = whole.find('\n', at) + 1;
    std::string damaged = whole;
    damaged[at + 10] ^= 1;
    ASSERT_TRUE(write_file_atomically(dir_ / "drill.ndjson", damaged));
    const auto table = Table::open(dir_, scenario_, {.background = 0ms}, no_range(), clock_);
    ASSERT_FALSE(table) << line;
    EXPECT_EQ(table.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(table.error().where.line, line);
    EXPECT_EQ(read("drill.ndjson"), damaged);
  }
}

TEST_F(Desks, AFileThatIsNotEmptyIsNeverBegunAnew) {
  ASSERT_TRUE(write_file_atomically(dir_ / "drill.ndjson", "{\"at\":0,\"da"));
  const auto table = Table::open(dir_, scenario_, {.background = 0ms}, no_range(), clock_);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read("drill.ndjson"), "{\"at\":0,\"da");
}

TEST_F(Desks, AnInputThatIsRefusedHoldsNothingBackThatWasDue) {
  auto table = begun();
  clock_.advance(2min);
  ASSERT_FALSE(table->take(Control{.verb = Verb::kInject, .by = "white", .inject = "nothing"}));
  const auto [offered, logged] = table->look([](const Tabled& t) {
    return std::pair(t.drill.pending_deliveries().size(), std::ranges::count(t.log, Kind::kDelivery, &Entry::kind));
  });
  EXPECT_EQ(offered, 2U);
  EXPECT_EQ(logged, 2) << "what is offered is in the log";
  EXPECT_NE(read("drill.ndjson").find("\"kind\":\"delivery\""), std::string::npos) << "and on disk";
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

TEST_F(Desks, AScenarioThatNobodyCanPlayLeavesNoTokens) {
  auto none = scenario_;
  std::erase_if(none.entities, [](const auto& e) { return e.role == exercise::scenario::Role::kBlue; });
  DeskOptions options{.directory = dir_ / "drill", .program = "/bin/false", .make_range = no_range()};
  const auto desk = Desk::open(none, options);
  ASSERT_FALSE(desk);
  EXPECT_EQ(desk.error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(fs::exists(dir_ / "drill/desk.json"));
}

TEST_F(Desks, TokensThatAreMissingAreMadeAndTheOthersStay) {
  ASSERT_TRUE(write_file_atomically(dir_ / "desk.json",
                                    fmt::format(R"({{"exercise": "{}", "tokens": {{"white": "w"}}}})", kExercise)));
  // It ends where nodes are made; by then the tokens are kept.
  ASSERT_FALSE(Desk::open(scenario_, {.directory = dir_, .program = "/bin/false", .make_range = no_range()}));
  const Json tokens = parse_json(read("desk.json"))->at("tokens");
  EXPECT_EQ(tokens.at("white"), "w");
  EXPECT_TRUE(tokens.at("team/lt-blue").is_string());
  EXPECT_TRUE(tokens.at("team/ua-blue").is_string());
}

// ——— what is sent ———

TEST_F(Desks, ADeliveryThatTheNodeRefusesIsInTheConsoleWithTheReasonAndOthersWait) {
  const auto players = *Players::of(scenario_, kExercise);
  FakeNode white;
  MemberNode* there = &white;
  Post post(dir_, scenario_, players, {.node = [&](const std::string&) { return there; }});
  const Delivery note{.id = "1/phish/0/lt-blue/0",
                      .inject = "phish",
                      .to = "lt-blue",
                      .via = exercise::scenario::Channel::kTaxii,
                      .text = "Look"};
  EXPECT_EQ(*post.deliver(note), "");
  white.published = Published{.problems = {"note--1: too many words"}};
  const auto refused = post.deliver(note);
  ASSERT_TRUE(refused) << "it would be refused again";
  EXPECT_TRUE(refused->starts_with("in the console: ")) << *refused;
  EXPECT_NE(refused->find("too many words"), std::string::npos);
  white.published = fail(ErrorCode::kTimeout, "no answer");
  EXPECT_EQ(post.deliver(note).error().code, ErrorCode::kTimeout);
  there = nullptr;
  EXPECT_EQ(post.deliver(note).error().code, ErrorCode::kUnavailable);
}

// ——— nodes ———

TEST_F(Desks, ANodeWithAJournalIsMadeAnewOnlyIfItsMakingWasBrokenOff) {
  EXPECT_FALSE(node_is_made(dir_, "cert-lt"));
  fs::create_directories(dir_ / "cert-lt");
  ASSERT_TRUE(write_file_atomically(dir_ / "cert-lt.making", ""));
  ASSERT_TRUE(write_file_atomically(dir_ / "cert-lt/journal.db", "x"));
  EXPECT_FALSE(node_is_made(dir_, "cert-lt"));
  fs::remove(dir_ / "cert-lt.making");
  EXPECT_TRUE(node_is_made(dir_, "cert-lt")) << "though its token is gone";
}

TEST_F(Desks, ANodeOfADrillMakesAnAlertOfEachFiring) {
  const std::string toml = drill_settings("[node]\nmember = \"cert-lt\"\n[link]\nport = 1\n");
  EXPECT_NE(toml.find("[triage]\nalert_window = \"1s\"\n"), std::string::npos);
  EXPECT_NE(toml.find("[link]\nrediscover"), std::string::npos);
  EXPECT_NE(toml.find("port = 1"), std::string::npos);
}

TEST_F(Desks, ANodeThatHangsIsAskedShortlyAndThenRestsForLongerEachTime) {
  fs::create_directories(dir_ / "cert-lt");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = (dir_ / "cert-lt/admin.sock").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::ranges::copy(path, address.sun_path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 8), 0);  // and nobody ever answers
  AdminNode node(dir_ / "cert-lt", clock_);
  node.be_brief(50ms);
  EXPECT_FALSE(node.rests());
  for (const auto rest : {kShortestRest, kShortestRest * 2, kShortestRest * 4}) {
    EXPECT_EQ(node.collections().error().code, ErrorCode::kTimeout);
    clock_.advance(rest - 1ms);
    EXPECT_TRUE(node.rests()) << rest.count();
    clock_.advance(1ms);
    EXPECT_FALSE(node.rests()) << rest.count();
  }
  ::close(fd);
}

TEST_F(Desks, ANodesAnswerIsReadByVersionAndPage) {
  fs::create_directories(dir_ / "cert-lt");
  const auto log = make_null_log();
  std::string asked;
  net::Server server(
      {.name = "admin", .address = "unix:" + (dir_ / "cert-lt/admin.sock").string()},
      [&](net::Request&& request) {
        asked = request.path + "?" + request.query;
        if (request.path.ends_with("/alerts"))
          return net::Response::json(200, R"({"alerts": [{"seq": 7, "alert": {"id": "alert--7"}}]})");
        return net::Response::json(200, R"({"versions": [
                           {"collection": "x", "version": "1", "label": "green"},
                           {"collection": "x", "version": "2", "label": "amber"},
                           {"collection": "y", "version": "1", "label": "red"}]})");
      },
      *log);
  ASSERT_TRUE(server.start());
  AdminNode node(dir_ / "cert-lt", clock_);
  const auto label = [&](const char* version, const char* where) {
    return node.label_of({.id = "indicator--1", .type = "indicator", .version = version, .body = {}}, where);
  };
  EXPECT_EQ(*label("1", "x"), "green");
  EXPECT_EQ(*label("2", "x"), "amber");
  EXPECT_EQ(*label("", "x"), "amber") << "one that has no version of its own";
  EXPECT_EQ(label("3", "x").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(node.alerts(5, 9)->at(0).seq, 7U);
  EXPECT_TRUE(asked.ends_with("/alerts?limit=5&before=9")) << asked;
  server.stop(1s);
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
