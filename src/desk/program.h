// The scenario as exercise control reads it while the drill runs: which inject is due when, what it waits for, what it
// does and what is then expected of whom. Nobody who plays gets it.
#pragma once

#include "base/json.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::desk {

// injects {id, name, description, from, teams, to, due_ms: [when its events come, with its delay], spread_ms, chance,
// conditions, until_ms, manual, ttp, deliver: [{channel, roles, sender, subject, text}], physics: [{kind, target,
// value, after_ms, lasts_ms}], indicators: [{pattern, description}], expectations: [{id, act, description, teams,
// score, starts_ms, expires_ms, seen, of}], share: [{id, what, to, label, by_ms, score}]}, in the scenario's order;
// conditions {id, name, description}; services {id, name, entity, score}; teams {team, name, nation, mission}.
JsonObject program_json(const exercise::scenario::Scenario& scenario);

}  // namespace bongsu::desk
