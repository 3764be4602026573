// A policy state as a file: what decide() is asked with, for trying a policy out, for bug reports, for auditors.
//
//   BONGSU_TRY(const PolicyState state, parse_state(text, "state.json"));
//
//   {"type": "bongsu-policy-state", "self": "cert-lt", "epoch": 7, "charter_version": 3,
//    "own": STANDING, "members": {"cert-ua": STANDING}, "agreements": {"cert-ua": [AGREEMENT, …]},
//    "groups": {"<uuid>": {"name": "NATO", "current": "<version>", "versions": {"<version>": ["cert-ua"]}}},
//    "equivalences": [{"nation": "se", "authority": "military", "levels": {"HEMLIG/SECRET": "secret"},
//                      "accepted_by": ["lt"]}],
//    "exercises": {"<collection>": "<exercise>"}}
//
// Collections are ids. `exercises`: which of them belong to a drill, and to which (a UUID). A nation and authority have
// one row of equivalences.
//
//   STANDING   stopped, nation, kind (civil, military, operator), role (sponsoring-nation, contributing-participant,
//              observer), clearance {rank, categories}, communities, ceiling {tlp, rank}, admitted_epoch
//   AGREEMENT  collections (ids), highest_tlp, types, valid_from, valid_until, onward; id, version, parties, direction
//              (both, to-partner, from-partner), purposes, sectors, communities, highest_class, categories, caveats,
//              passes_on, anonymise_sightings, red_to_persons, tlp1_amber_is_amber, widens, personal_data_days, denies
//              [{collections, types, sectors, categories, purposes, tlp_from, class_from}]
//
// Everything but type, self and an agreement's collections, types, highest_tlp and valid_until may be left out and is
// then as in policy/decide.h. Sets that are left out are not empty sets where that differs (sectors, communities,
// passes_on). What is not known is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "policy/decide.h"

namespace bongsu::policy {

inline constexpr std::size_t kMaxStateBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxStateItems = 100'000;  // in one list or object

Json to_json(const PolicyState& state);
// kInvalid names the place and the rule; kTooLarge.
Result<PolicyState> parse_state(std::string_view text, std::string_view source);

}  // namespace bongsu::policy
