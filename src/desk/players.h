// Who plays a drill on which node: the scenario's blue teams and exercise control, each as a member of the exchange.
//
//   BONGSU_TRY(Players players, Players::of(scenario, "0e0e1b3c-…"));
//   players.teams()[0].member                          // "cert-lt"
//   players.by_member("cert-ua")->entity               // "ua-blue"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exercise/scenario/scenario.h"
#include "policy/label.h"

namespace bongsu::desk {

// What each player's node calls its own collection of the exercise.
inline constexpr std::string_view kDrillCollection = "exercise";

struct Player {
  std::string entity;  // of the scenario; exercise control's may be missing there: ""
  std::string member;  // also the name of the node's directory
  std::string title, country;
  bool white = false;
};

// A role that people outside teams play (media, legal, observers, …): one seat at the desk, one token.
struct Seat {
  std::string name;  // "media", "user-simulation"
  exercise::scenario::Role role = exercise::scenario::Role::kObserver;
  std::vector<std::string> entities;                                                            // that play it
  bool reads(const std::string& to, const std::vector<exercise::scenario::Role>& roles) const;  // such a delivery
};

class Players {
 public:
  // kInvalid: no team, a name that is no member's, or two players with one.
  static Result<Players> of(const exercise::scenario::Scenario& scenario, std::string exercise);

  const std::vector<Player>& all() const { return all_; }  // exercise control first, then the teams in order
  const Player& white() const { return all_.front(); }
  const std::vector<Seat>& seats() const { return seats_; }  // in the order of the scenario
  const Seat* seat(std::string_view name) const;
  const Player* by_member(std::string_view member) const;
  const Player* by_entity(std::string_view entity) const;  // also for an entity within a team: the team
  const std::string& exercise() const { return exercise_; }
  const Instant& start() const { return start_; }
  std::int64_t drill_ms(const Instant& at) const { return (at - start_) / std::chrono::milliseconds(1); }

 private:
  std::vector<Player> all_;
  std::vector<Seat> seats_;
  std::string exercise_;
  Instant start_;
};

// The agreement that `from` makes with `to` for this exercise, as TOML: its own collection, up to the strictest TLP
// that the scenario asks to be shared between them, AMBER at least.
std::string agreement_toml(const exercise::scenario::Scenario& scenario, const Player& from, const Player& to,
                           const Instant& until);

}  // namespace bongsu::desk
