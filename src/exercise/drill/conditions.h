// Whether a scenario's conditions hold, for each team's range. Asked at steps; what is so for how long is remembered
// between them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "exercise/drill/deeds.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {

inline constexpr std::size_t kOutside = static_cast<std::size_t>(-1);  // in place of a team's number

class Conditions {
 public:
  explicit Conditions(const Roster& roster);

  // What the present is asked for.
  struct World {
    std::function<std::optional<double>(std::size_t team, const scenario::Condition&)>
        measure;  // its range test's quantity; nullopt: can't be asked
    std::function<bool(std::size_t team, std::size_t service)> up;
  };
  struct Change {
    std::size_t condition, team;  // team: kOutside where it is one for all
    bool holds;
  };
  // At this moment. Gives what changed, by condition and team.
  std::vector<Change> ask(std::int64_t now_ms, const Deeds& deeds, const World& world);

  // As last asked. `team` kOutside: on any range. Unknown names never hold.
  bool holds(std::size_t team, std::string_view condition) const;
  // Is it the same for every team?
  bool global(std::size_t condition) const { return global_[condition]; }

 private:
  bool now(std::size_t condition, std::size_t team, std::int64_t now_ms, const Deeds& deeds, const World& world) const;
  bool act(const scenario::ActTest& test, std::int64_t now_ms, const Deeds& deeds) const;

  const Roster* roster_;
  std::unordered_map<std::string, std::size_t> number_, service_;
  std::vector<std::size_t> order_;  // those that others are made of come first
  std::vector<bool> global_;
  struct State {
    bool holds = false;
    std::optional<std::int64_t> since_ms;  // that what is tested is so
  };
  std::vector<std::vector<State>> states_;  // by condition and team; one for a global one
};

}  // namespace bongsu::exercise::drill
