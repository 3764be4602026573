// The drills that come with the program, on the worlds that come with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/places_test_support.h"
#include "exercise/drill/drill.h"
#include "exercise/drill/range_gaps.h"
#include "exercise/drill/world_range.h"
#include "exercise/range/world_file.h"
#include "exercise/scenario/read.h"

namespace bongsu::exercise::drill {
namespace {

constexpr std::size_t kMaxFile = 8 << 20;

const World& library() {
  static const World world = [] {
    const std::string dir = source_dir() + "/samples/exercise/world-library/";
    const auto config = read_world(*read_small_file(dir + "world.toml"), "world.toml",
                                   [&](const std::string& name) { return read_small_file(dir + name, kMaxFile); });
    BONGSU_CHECK(config.has_value());
    return *World::make(*config, 7);
  }();
  return world;
}

scenario::Scenario drill(const std::string& name) {
  const std::string file = source_dir() + "/samples/exercise/scenarios/" + name + ".yaml";
  auto read = scenario::read_scenario(*read_small_file(file, kMaxFile), file);
  EXPECT_TRUE(read) << file;
  return std::move(*read);
}

// All but the flagship, whose world needs the shared data.
std::vector<std::string> drills() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/samples/exercise/scenarios"))
    if (entry.path().extension() == ".yaml" && entry.path().stem() != "lithuania-ukraine")
      out.push_back(entry.path().stem().string());
  std::ranges::sort(out);
  return out;
}

class LibraryWorlds : public testing::TestWithParam<std::string> {};

TEST_P(LibraryWorlds, TheWorldHasWhatTheDrillNames) {
  for (const Error& gap : range_gaps(drill(GetParam()), library())) ADD_FAILURE() << gap.text();
}

// From beginning to end without anybody's hand: no effect of an inject is refused.
TEST_P(LibraryWorlds, TheDrillRunsOnItWithItsPhysics) {
  const scenario::Scenario scenario = drill(GetParam());
  const Instant begin = *Instant::parse("2026-12-01T09:00:00Z");
  auto begun = Drill::open(scenario, {.step = std::chrono::seconds(30), .background = scenario::Duration(0)},
                           world_ranges(library()), begin);
  ASSERT_TRUE(begun) << begun.error().text();
  std::size_t effects = 0;
  const auto look = [&](const Step& step) {
    for (const Entry& entry : step.entries)
      if (entry.kind == Kind::kOrder && entry.data.at("by") != "team") {
        ++effects;
        EXPECT_EQ(entry.data.at("accepted"), true) << entry.team << ": " << entry.text;
      }
  };
  look(*begun->drill.take(Control{.verb = Verb::kStart}, begin));
  while (const auto next = begun->drill.next_wake()) look(begun->drill.advance(*next));
  EXPECT_EQ(begun->drill.state(), State::kEnded);
  EXPECT_GT(effects, 0U);
}

INSTANTIATE_TEST_SUITE_P(Drills, LibraryWorlds, testing::ValuesIn(drills()), [](const auto& it) {
  std::string name = it.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(LibraryWorld, TerminalsCountForAsManyAsTheyStandFor) {
  WorldRange range(library());
  const auto count = [&](const char* country) { return *range.measure("satellite-terminals", country); };
  const double germany = count("DE");
  EXPECT_GT(germany, 9'000);
  ASSERT_TRUE(range.order({.kind = "satellite-terminals-down", .target = "DE", .value = 9'000}));
  EXPECT_LE(count("DE"), germany - 9'000);
  ASSERT_TRUE(range.order({.kind = "satellite-terminals-down", .target = "UA", .value = 1'000}));
  EXPECT_EQ(count("UA"), 6'000) << "the first that makes up the thousand";
  EXPECT_EQ(range.probe({.id = "police", .probe = "reach", .target = "ua.terminal.field"}).up, false);
}

}  // namespace
}  // namespace bongsu::exercise::drill
