// What teams did about what happened to them, found in a log's entries one after the other. The drill asks it for its
// conditions, scoring for its points: one reading of the evidence for both.
//
//   const Roster roster(scenario);
//   Deeds deeds(roster);
//   for (const Entry* entry : counting(log)) deeds.take(*entry);
//   deeds.firings()[0].met[2].at_ms                       // when the inject's third expectation was met
//
// Evidence is tied to an inject by what it carries: values of its indicators, the time of one of its telemetry records,
// its name, or, where it carries none of these (a form, a playbook step), by kind to every inject of the team that
// waits for one. A value or name ties to the latest firing of its inject, a time to every firing with a record then. A
// step counts for the playbook that its inject names, no other. A condition meets an expectation at the first moment
// from `starts` on at which it holds; to restore is more: it has to come back after the inject. Where it held all the
// expectation's time there was nothing to restore.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "exercise/drill/input.h"
#include "exercise/drill/log.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {

inline constexpr std::size_t kActs = 9;
// How long after an expectation's end a deed is still noted, as late.
inline constexpr std::int64_t kLate_ms = 4 * 3'600'000;

// "domain-name:value=evil.example": every comparison for equality in a STIX pattern, in its order. Text that is no
// pattern has none.
std::vector<std::string> comparisons_of(std::string_view pattern);

// The same; a pattern without such a comparison (LIKE, MATCHES, >) stands for itself, with blanks squeezed.
std::vector<std::string> values_of(std::string_view pattern);

// Teams and what is where in a scenario, by number. The scenario has to outlive it.
class Roster {
 public:
  explicit Roster(const scenario::Scenario& scenario);
  const scenario::Scenario& scenario() const { return *scenario_; }
  const std::vector<std::string>& teams() const { return teams_; }
  // The team that an entity is or belongs to (outermost entity with role Blue); nullopt: it is outside teams, or there
  // is no such entity.
  std::optional<std::size_t> team_of(std::string_view entity) const;
  std::optional<std::size_t> inject_of(std::string_view id) const;
  const scenario::Entity* entity(std::string_view id) const;
  // Teams among the inject's to-entities, each once, in order.
  const std::vector<std::size_t>& teams_of(std::size_t inject) const { return inject_teams_[inject]; }
  // Does the expectation (or share) concern this team?
  bool asks(const std::vector<std::string>& named, std::size_t team) const;
  // Does the service count for this team?
  bool serves(const scenario::Service& service, std::size_t team) const;
  // Does the effect concern what the team has? One on a service concerns those who have it; all else is on every range.
  bool concerns(const scenario::Effect& effect, std::size_t team) const;

 private:
  const scenario::Scenario* scenario_;
  std::vector<std::string> teams_;
  std::unordered_map<std::string, std::size_t> team_number_, injects_, entities_;
  std::vector<std::vector<std::size_t>> inject_teams_;
};

struct Met {
  std::optional<std::int64_t> at_ms;
  std::uint64_t seq = 0;
  bool in_time = false;
  double part = 1;              // of a judged one
  bool kept = false;            // its condition never failed: nothing to restore; `seq` is since when it held
  std::string other;            // the step was done of this playbook, which is not the inject's,
  std::uint64_t other_seq = 0;  // there
};

struct Received {  // what one recipient got of a share
  std::size_t team = 0;
  std::optional<std::int64_t> at_ms;       // the first matching object that came in time and under a right label
  std::optional<std::int64_t> late_ms;     // the first that came later
  std::string wrong_label;                 // why the first with a wrong label was wrong
  std::unordered_set<std::string> values;  // of the inject's indicators, in time and rightly labelled
  std::vector<std::uint64_t> seqs;
};

struct Firing {
  std::size_t team = 0, inject = 0;
  std::int64_t occurrence = 0, at_ms = 0;
  std::uint64_t seq = 0;
  std::vector<Met> met;                       // by expectation
  std::vector<std::vector<Received>> shares;  // by share, then by recipient; empty where the team isn't asked
  Met detected, shared, contained, restored;
  std::array<Met, kActs> acts;  // the first of each kind
  std::vector<std::uint64_t> alerts, shared_seqs;
  std::size_t services_down = 0;  // by this inject, now
  std::uint64_t down_seq = 0;
  std::unordered_set<std::string> shared_values;
};

class Deeds {
 public:
  explicit Deeds(const Roster& roster);

  void take(const Entry& entry);
  // At the end: what conditions that hold still meet.
  void finish(std::int64_t at_ms);

  const std::deque<Firing>& firings() const { return firings_; }
  // The latest of an inject for a team; nullptr: it has not fired there.
  const Firing* latest(std::size_t team, std::size_t inject) const;
  // First time of an act of the team about anything; nullopt: none.
  std::optional<std::int64_t> first(std::size_t team, scenario::Act act) const {
    return first_acts_[team][static_cast<std::size_t>(act)];
  }
  // Values that the team gave to others: those of any inject's indicators, and others, with the entry of each.
  const std::map<std::string, std::uint64_t>& true_shared(std::size_t team) const { return true_shared_[team]; }
  const std::map<std::string, std::uint64_t>& false_shared(std::size_t team) const { return false_shared_[team]; }
  // The comparisons of the inject's indicators.
  const std::vector<std::string>& truth(std::size_t inject) const { return truth_[inject]; }

  // Firings that a team's evidence is about, by values and a record's time: numbers in firings().
  std::set<std::size_t> about(const Evidence& e, std::size_t team, std::int64_t at_ms) const;

  // Why a recipient should not have had something under this label, by the label itself and what was asked; empty: it
  // is right.
  static std::string label_trouble(const policy::Label& given, const policy::Label& asked,
                                   const scenario::Entity* recipient);

 private:
  struct Waits {  // an expectation or share of a firing that evidence of one kind may meet
    std::size_t firing, number;
    std::int64_t until_ms;
  };
  using Key = std::string;  // "form sitrep", "order breaker-close"

  void fired(const Entry& entry);
  void evidence(const Entry& entry);
  void order(const Entry& entry);
  void condition(const Entry& entry);
  void held(std::size_t team, const std::string& condition, std::int64_t until_ms, bool at_the_end);
  void probe(const Entry& entry);
  void share(const Entry& entry, const Evidence& e, std::size_t team, const std::set<std::size_t>& about);
  void meet(std::size_t firing, std::size_t expectation, const Entry& entry, double part = 1);
  void act(std::size_t firing, scenario::Act act, const Entry& entry);
  template <class Use>
  void each_waiting(std::size_t team, const Key& key, std::int64_t at_ms, Use use);
  const Roster* roster_;
  std::vector<std::vector<std::string>> truth_;
  std::unordered_map<std::string, std::vector<std::size_t>> injects_by_value_;
  std::unordered_map<std::string, std::vector<std::size_t>> undone_by_;  // "breaker-close kaunas.cb1" → injects
  std::deque<Firing> firings_;                                           // large, and many: they stay where they are
  std::vector<std::unordered_map<std::size_t, std::size_t>> latest_;     // by team: inject → firing
  std::vector<std::unordered_map<std::int64_t, std::vector<std::size_t>>>
      records_;                                                       // by team: a record's time → firings
  std::vector<std::unordered_map<Key, std::vector<Waits>>> waiting_;  // by team
  std::vector<std::unordered_map<std::string, std::vector<std::size_t>>>
      down_;  // by team: service → firings it is down by
  struct Holds {
    std::int64_t since_ms = 0;
    std::uint64_t seq = 0;
  };
  std::vector<std::unordered_map<std::string, Holds>> holding_;  // by team: condition → since when
  std::vector<std::array<std::optional<std::int64_t>, kActs>> first_acts_;
  std::vector<std::map<std::string, std::uint64_t>> true_shared_, false_shared_;
};

// What undoes an effect: "breaker-open" → "breaker-close"; nullptr: nothing does. A value that the undoing has in
// `value`.
const char* undoing(std::string_view kind, std::optional<double>& value);

}  // namespace bongsu::exercise::drill
