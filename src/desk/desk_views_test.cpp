// What the desk shows of range, scenario and score: the shapes that its pages read.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "base/places_test_support.h"
#include "desk/desk_range.h"
#include "desk/program.h"
#include "desk/scoreboard.h"
#include "desk/team_tasks.h"
#include "exercise/range/world_file.h"
#include "exercise/scenario/read.h"

namespace bongsu::desk {
namespace {

using namespace exercise;

const World& sample() {
  static const World world = [] {
    const std::string dir = source_dir() + "/samples/exercise/world-sample/";
    const auto text = [&](const std::string& name) { return read_small_file(dir + name); };
    return *World::make(*read_world(*text("world.toml"), "world.toml", text), 7);
  }();
  return world;
}

const scenario::Scenario& morning() {
  static const scenario::Scenario read = *scenario::read_scenario(
      *read_small_file(source_dir() + "/samples/exercise/one-morning.yaml"), "one-morning.yaml");
  return read;
}

std::size_t place_of(const JsonArray& list, std::string_view name) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].at("name").as_string() == name) return i;
  ADD_FAILURE() << "there is no " << name;
  return 0;
}
double value(const JsonObject& range, std::string_view kind, std::size_t i, std::size_t k) {
  return range.at(kind).as_array().at(i).as_array().at(k).to_number<double>();
}

TEST(DeskRange, PlanAndMeasurementsHaveTheSameOrder) {
  const drill::WorldRange range(sample());
  const JsonObject plan = range_plan_json(sample()), now = range_json(range, Sight::kOperators, 1000);
  EXPECT_EQ(now.at("at_ms"), 1000);
  for (const char* kind :
       {"buses", "branches", "generators", "nodes", "links", "circuits", "terminals", "segments", "trains"})
    EXPECT_EQ(plan.at(kind).as_array().size(), now.at(kind).as_array().size()) << kind;
  EXPECT_EQ(plan.at("branches").as_array().size(), now.at("breakers").as_array().size());
  EXPECT_GT(plan.at("substations").as_array().size(), 5U);
  EXPECT_NEAR(value(now, "buses", 0, 1), 50, 0.2) << "Hz";
  const JsonArray& branches = plan.at("branches").as_array();
  for (std::size_t i = 0; i < branches.size(); ++i) {
    for (const std::size_t end : {0U, 1U}) {
      const auto& name = branches[i].at("breakers").as_array().at(end).as_string();
      const auto bus = branches[i].at(end == 0 ? "from" : "to").to_number<std::size_t>();
      const auto station = plan.at("buses").as_array().at(bus).at("substation").to_number<std::size_t>();
      EXPECT_TRUE(std::string_view(name).starts_with(
          std::string(plan.at("substations").as_array().at(station).at("name").as_string()) + ".breaker"))
          << name;
    }
  }
}

TEST(DeskRange, ABreakerThatIsOpenedIsTheOneThatTheScreenNames) {
  for (const Thing& thing : sample().things()) {
    if (thing.kind != ThingKind::kBreaker) continue;
    drill::WorldRange range(sample());
    ASSERT_TRUE(range.order({.kind = "breaker-open", .target = thing.name}));
    const JsonObject plan = range_plan_json(sample()), now = range_json(range, Sight::kOperators, 0);
    std::vector<std::string> open;
    for (std::size_t i = 0; i < plan.at("branches").as_array().size(); ++i)
      for (const std::size_t end : {0U, 1U})
        if (value(now, "breakers", i, end) == 0)
          open.emplace_back(plan.at("branches").as_array()[i].at("breakers").as_array().at(end).as_string());
    EXPECT_THAT(open, testing::ElementsAre(thing.name));
  }
}

TEST(DeskRange, OperatorsOfAFrozenStationSeeItsPastAndTruthIsForThoseWhoAsk) {
  drill::WorldRange range(sample());
  const std::string kaunas = "lt.substation.kaunas";
  ASSERT_TRUE(range.order({.kind = "view-frozen", .target = kaunas}));
  ASSERT_TRUE(range.order({.kind = "substation-dark", .target = kaunas}));
  range.advance_to(60'000);
  const JsonObject plan = range_plan_json(sample());
  const JsonArray& buses = plan.at("buses").as_array();
  const std::size_t station = place_of(plan.at("substations").as_array(), kaunas);
  const JsonObject seen = range_json(range, Sight::kOperators, 0), truth = range_json(range, Sight::kTruth, 0);
  std::size_t looked = 0;
  for (std::size_t i = 0; i < buses.size(); ++i) {
    if (buses[i].at("substation").to_number<std::size_t>() != station) continue;
    ++looked;
    EXPECT_EQ(value(seen, "buses", i, 4), 1);
    EXPECT_EQ(value(seen, "buses", i, 5), 1) << "nothing says that it is old";
    EXPECT_EQ(value(truth, "buses", i, 4), 0);
  }
  EXPECT_EQ(looked, 2U);
}

TEST(DeskRange, AStationThatAnswersNobodyIsMarked) {
  drill::WorldRange range(sample());
  ASSERT_TRUE(range.order({.kind = "rtu-lost", .target = "lt.substation.alytus"}));
  const JsonObject plan = range_plan_json(sample()), now = range_json(range, Sight::kOperators, 0);
  const std::size_t station = place_of(plan.at("substations").as_array(), "lt.substation.alytus");
  const JsonArray& buses = plan.at("buses").as_array();
  for (std::size_t i = 0; i < buses.size(); ++i)
    EXPECT_EQ(value(now, "buses", i, 5), buses[i].at("substation").to_number<std::size_t>() == station ? 0 : 1);
}

TEST(DeskProgram, InjectsComeWithTheirTimesAndWhatIsExpected) {
  const JsonObject program = program_json(morning());
  const JsonArray& injects = program.at("injects").as_array();
  ASSERT_EQ(injects.size(), 6U);
  EXPECT_EQ(injects[0].at("id"), "brief");
  EXPECT_EQ(injects[0].at("due_ms"), (JsonArray{60'000}));
  EXPECT_EQ(injects[0].at("teams"), (JsonArray{"lt-blue", "ua-blue"}));
  EXPECT_EQ(injects[1].at("indicators").as_array().at(0).at("pattern"),
            "[domain-name:value = 'sync.heron-cdn.example']");
  EXPECT_EQ(injects[2].at("physics").as_array().at(1).at("after_ms"), 60'000);
  EXPECT_EQ(injects[3].at("manual"), true);
  EXPECT_EQ(injects[4].at("until_ms"), 600'000);
  EXPECT_EQ(program.at("teams").as_array().size(), 2U);
  ASSERT_EQ(program.at("metrics").as_array().size(), 1U) << "that exercise control judges";
  EXPECT_EQ(program.at("metrics").as_array()[0].at("id"), "plain-words");
}

class ScoreboardTest : public testing::Test {
 protected:
  ScoreboardTest() {
    directory_ =
        std::filesystem::temp_directory_path() / ("desk-views-" + std::to_string(::getpid()) + "-" +
                                                  testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    const auto ranges = [](const std::string&) -> Result<std::unique_ptr<drill::RangeCopy>> {
      return std::make_unique<drill::WorldRange>(sample());
    };
    auto opened = Table::open(directory_, morning(), {}, ranges, clock_);
    EXPECT_TRUE(opened) << opened.error().text();
    table_ = std::move(*opened);
    EXPECT_TRUE(table_->take(drill::Control{.verb = drill::Verb::kStart, .by = "white"}));
  }
  ~ScoreboardTest() override {
    table_.reset();
    std::filesystem::remove_all(directory_);
  }
  void live(std::chrono::minutes time) {
    clock_.advance(time);
    ASSERT_TRUE(table_->advance());
  }
  std::filesystem::path directory_;
  FakeClock clock_;
  std::unique_ptr<Table> table_;
};

TEST_F(ScoreboardTest, IsHiddenFromTeamsUntilControlShowsIt) {
  Scoreboard board(*table_);
  live(std::chrono::minutes(45));
  EXPECT_EQ(board.for_team("lt-blue").error().code, ErrorCode::kDenied);
  board.show(true);
  EXPECT_TRUE(board.for_team("lt-blue"));
  board.show(false);
  EXPECT_FALSE(board.for_team("lt-blue"));
  EXPECT_FALSE(board.for_control()->at("shown").as_bool());
}

TEST_F(ScoreboardTest, TellsATeamItsPointsOnlyAfterTheEndAndNobodyElses) {
  Scoreboard board(*table_);
  board.show(true);
  live(std::chrono::minutes(45));
  const JsonObject running = *board.for_team("lt-blue");
  for (const Json& team : running.at("teams").as_array()) {
    EXPECT_EQ(find(team, "points"), nullptr) << "it would name injects that it has not found";
    EXPECT_EQ(find(team, "times"), nullptr);
    EXPECT_NE(find(team, "total"), nullptr);
  }
  EXPECT_NE(find(board.for_control()->at("teams").as_array()[1], "points"), nullptr);
  ASSERT_TRUE(table_->take(drill::Control{.verb = drill::Verb::kEnd, .by = "white"}));
  const JsonObject ended = *board.for_team("lt-blue");
  EXPECT_NE(find(ended.at("teams").as_array()[0], "points"), nullptr);
  EXPECT_EQ(find(ended.at("teams").as_array()[1], "points"), nullptr);
}

TEST_F(ScoreboardTest, AfterTheEndATeamHasItsOwnCardThoughTheScoreboardIsHidden) {
  Scoreboard board(*table_);
  live(std::chrono::minutes(45));
  EXPECT_EQ(board.for_team("lt-blue").error().code, ErrorCode::kDenied);
  ASSERT_TRUE(table_->take(drill::Control{.verb = drill::Verb::kEnd, .by = "white"}));
  const auto card = board.for_team("lt-blue");
  ASSERT_TRUE(card) << card.error().text();
  EXPECT_FALSE(card->at("shown").as_bool());
  const JsonArray& teams = card->at("teams").as_array();
  ASSERT_EQ(teams.size(), 1U) << "not what others have";
  EXPECT_EQ(teams[0].at("team"), "lt-blue");
  EXPECT_NE(find(teams[0], "points"), nullptr);
  EXPECT_FALSE(teams[0].at("times").as_array().empty());
}

TEST_F(ScoreboardTest, GoesOnWithTheLog) {
  Scoreboard board(*table_);
  const auto times = [&] { return board.for_control()->at("teams").as_array()[0].at("times").as_array().size(); };
  EXPECT_EQ(times(), 0U);
  live(std::chrono::minutes(45));
  EXPECT_EQ(times(), 3U);
}

using TeamTasks = ScoreboardTest;

TEST_F(TeamTasks, StepsOfPlaybooksAreKnownFromTheStartAndInjectsOnceTheyReachedTheTeam) {
  const auto books = [&](std::string_view team, bool found_alone) {
    return table_->look([&](const Tabled& t) { return playbooks_json(t, team, found_alone); });
  };
  const JsonArray before = books("lt-blue", true);
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].at("playbook"), "playbook--5f0e4c0a-7f5d-4a67-9a0b-27f1d2a4b901");
  EXPECT_EQ(before[0].at("steps"), (JsonArray{"isolate-host"}));
  EXPECT_TRUE(before[0].at("injects").as_array().empty());
  EXPECT_TRUE(books("ua-blue", true).empty()) << "whom the inject does not go to";

  live(std::chrono::minutes(12));
  EXPECT_TRUE(books("lt-blue", true)[0].at("injects").as_array().empty()) << "nothing of it has arrived";
  EXPECT_EQ(books("lt-blue", false)[0].at("injects").as_array().size(), 1U) << "control knows that it fired";
  for (const auto& d : table_->look([](const Tabled& t) { return t.drill.pending_deliveries(); }))
    ASSERT_TRUE(table_->take(drill::Evidence{.as = drill::As::kDelivered, .object = d.id}));
  EXPECT_EQ(books("lt-blue", true)[0].at("injects"),
            (JsonArray{JsonObject{{"inject", "phish"}, {"subject", "Is this tender ours?"}}}));
}

TEST(TeamConsole, IsItsOwnNodesAndTellsWhereTheLogInLiesAndNothingOfTheProcess) {
  const JsonArray nodes{
      JsonObject{{"member", "cert-lt"}, {"console", "https://localhost:1/"}, {"running", true}, {"pid", 7}},
      JsonObject{{"member", "cert-ua"},
                 {"console", "https://localhost:2/"},
                 {"token_file", "/drill/nodes/cert-ua.token"},
                 {"running", true}}};
  EXPECT_EQ(console_json(nodes, "cert-ua"), Json(nodes[1]));
  EXPECT_EQ(find(console_json(nodes, "cert-lt"), "pid"), nullptr);
  EXPECT_TRUE(console_json(nodes, "cert-pl").is_null());
  EXPECT_TRUE(console_json(nullptr, "cert-lt").is_null()) << "a desk without nodes";
}

}  // namespace
}  // namespace bongsu::desk
