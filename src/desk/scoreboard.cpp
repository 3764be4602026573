#include "desk/scoreboard.h"

#include "exercise/scoring/score.h"

namespace bongsu::desk {

using namespace exercise;

Result<JsonObject> Scoreboard::card() {
  const std::lock_guard lock(mutex_);
  // Scored on a copy: the drill does not wait for it.
  std::vector<drill::Entry> log;
  const scenario::Scenario* scenario = nullptr;
  table_.look([&](const Tabled& t) {
    scenario = &t.scenario;  // the table's own, and constant
    if (t.log.size() != scored_) log = t.log;
  });
  if (log.empty()) return card_;
  BONGSU_TRY(const scoring::Scorecard scored, scoring::score(*scenario, log));
  card_ = scoring::to_json(scored).as_object();
  scored_ = log.size();
  return card_;
}

Result<JsonObject> Scoreboard::for_control() {
  BONGSU_TRY(JsonObject out, card());
  out["shown"] = shown();
  return out;
}

Result<JsonObject> Scoreboard::for_team(std::string_view team) {
  const bool shown_now = shown();
  const bool over = table_.look([](const Tabled& t) { return t.drill.state() == drill::State::kEnded; });
  if (!shown_now && !over) return fail(ErrorCode::kDenied, "exercise control keeps the scoreboard hidden");
  BONGSU_TRY(JsonObject out, card());
  out["shown"] = shown_now;
  const bool ended = out.at("ended").as_bool();
  JsonArray teams;
  for (Json& one : out.at("teams").as_array()) {
    JsonObject& all = one.as_object();
    const bool whole = ended && all.at("team").as_string() == team;
    if (!shown_now && !whole) continue;  // after the end a team has its own card, whatever it may see of others
    if (!whole)
      all = JsonObject{{"team", all.at("team")},
                       {"total", all.at("total")},
                       {"open", all.at("open")},
                       {"categories", all.at("categories")}};
    teams.push_back(std::move(one));
  }
  out["teams"] = std::move(teams);
  return out;
}

}  // namespace bongsu::desk
