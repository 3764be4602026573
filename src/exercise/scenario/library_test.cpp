// The drills that come with the program.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/places_test_support.h"
#include "exercise/scenario/msel.h"
#include "exercise/scenario/read.h"
#include "exercise/scenario/summary.h"
#include "exercise/scenario/vocabulary.h"
#include "exercise/scenario/write.h"

namespace bongsu::exercise::scenario {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/samples/exercise/scenarios"))
    if (entry.path().extension() == ".yaml") out.push_back(entry.path().string());
  std::ranges::sort(out);
  return out;
}

Scenario drill(const std::string& file, const Techniques* techniques = nullptr) {
  auto read = read_scenario(content(file), file, techniques);
  if (read) return std::move(*read);
  for (const Error& e : read.error().list) ADD_FAILURE() << e.text();
  return {};
}

TEST(ScenarioLibrary, EveryDrillIsWithoutMistakes) {
  ASSERT_EQ(files().size(), 12U);
  for (const std::string& file : files()) {
    const Scenario s = drill(file);
    EXPECT_GE(s.injects.size(), 8U) << file;
    EXPECT_LE(s.injects.size(), 25U) << file;
    EXPECT_GE(s.exercise.references.size(), 3U) << file << ": public reports are named";
    for (const TeamSummary& team : summarize(s).teams) {
      EXPECT_GT(team.injects, 0U) << file << ": " << team.team->id << " has nothing to do";
      EXPECT_GT(team.points, 0U) << file << ": " << team.team->id;
    }
  }
}

TEST(ScenarioLibrary, ItsTechniquesOfControlSystemsExist) {
  const std::string path = shared_data("exercise/attack-ics.stix.json");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const auto techniques = Techniques::read(content(path), path);
  ASSERT_TRUE(techniques) << techniques.error().text();
  for (const std::string& file : files()) drill(file, &*techniques);
}

TEST(ScenarioLibrary, EveryDrillGoesThroughTextAndListUnchanged) {
  for (const std::string& file : files()) {
    const Scenario before = drill(file);
    const auto text = read_scenario(write_scenario(before), "again.yaml");
    ASSERT_TRUE(text) << file;
    EXPECT_TRUE(*text == before) << file;
    const auto list = from_msel(to_msel(before), "list");
    ASSERT_TRUE(list) << file << ": " << list.error().list[0].text();
    EXPECT_TRUE(*list == before) << file;
  }
}

// What drills share must not name anybody's real host: addresses of RFC 5737 and RFC 1918, names of RFC 2606.
TEST(ScenarioLibrary, ItsIndicatorsLeadNowhere) {
  for (const std::string& file : files())
    for (const Inject& inject : drill(file).injects)
      for (const Indicator& i : inject.indicators) {
        if (i.type == "ipv4-addr")
          EXPECT_TRUE(i.value.starts_with("192.0.2.") || i.value.starts_with("198.51.100.") ||
                      i.value.starts_with("203.0.113.") || i.value.starts_with("10."))
              << file << ": " << i.value;
        if (i.type == "domain-name") EXPECT_TRUE(i.value.ends_with(".example")) << file << ": " << i.value;
      }
}

}  // namespace
}  // namespace bongsu::exercise::scenario
