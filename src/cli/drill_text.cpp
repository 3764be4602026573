#include "cli/drill_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/range_world_command.h"
#include "cli/terminal.h"
#include "exercise/drill/range_gaps.h"
#include "exercise/drill/world_range.h"
#include "exercise/scenario/clone_teams.h"
#include "exercise/scenario/write.h"

namespace bongsu::cli {

using namespace exercise;

std::vector<std::string> script_names(const std::vector<std::string>& lists) {
  std::vector<std::string> out;
  for (const std::string& list : lists)
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      out.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  return out;
}

Result<void> with_teams(const std::optional<std::size_t>& teams, scenario::Scenario& scenario, std::string& yaml) {
  if (!teams) return {};
  BONGSU_TRY(scenario::Scenario played, scenario::clone_teams(scenario, *teams));
  if (played == scenario) return {};
  scenario = std::move(played);
  yaml = scenario::write_scenario(scenario);
  return {};
}

Result<DrillRange> drill_range(const std::string& world, const std::string& data, const scenario::Scenario& scenario,
                               std::uint64_t seed) {
  if (world.empty()) return DrillRange{.make = drill::no_range(), .gaps = {}};
  BONGSU_TRY(WorldConfig config, load_world(world, data));
  BONGSU_TRY(World made, World::make(std::move(config), seed));
  DrillRange out{.make = {}, .gaps = drill::range_gaps(scenario, made)};
  for (Error& gap : out.gaps) gap.where.source = world;
  out.make = drill::world_ranges(std::move(made));
  return out;
}

void show_gaps(const std::vector<Error>& gaps, std::FILE* err) {
  for (const Error& gap : gaps) fmt::print(err, "{}\n", for_terminal(gap.text()));
  fmt::print(err, "The range lacks what the scenario asks of it; with --accept-gaps the drill starts all the same, and "
                  "such orders are refused.\n");
}

std::string drill_clock(std::int64_t ms) {
  return fmt::format("{}:{:02}:{:02}", ms / 3'600'000, ms / 60'000 % 60, ms / 1'000 % 60);
}

}  // namespace bongsu::cli
