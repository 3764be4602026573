// The kinds of differences between the two worlds that widen() adds, and which of them are on. What the product does
// not keep yet is off, with the reason: whoever mends it turns it on.
//
//   simulation_test --kind refers-to-type --seed 3      that kind alone (on or off) beside what every seed has
//   BONGSU_KIND=refers-to-type simulation_test --gtest_filter='NonInterference.Watched*'
#pragma once

#include <array>
#include <string_view>

namespace bongsu::simulation {

// ── a. What refers to something that is hidden otherwise than by its label ──────────────────────────────────────────
inline constexpr bool kRefersToCollection = true;
inline constexpr bool kRefersToType = true;
inline constexpr bool kRefersToSector = true;
inline constexpr bool kRefersToDenied = true;

// ── b. What the watched member tries ────────────────────────────────────────────────────────────────────────────────
inline constexpr bool kTriesSameBytes = true;
inline constexpr bool kTriesSameVersion = true;
inline constexpr bool kTriesObservable = true;
// Off: whoever posts an object that bears a definition which it may not see, and reads it back, finds out whether that
// definition is known (what is unknown marks what its account may not see).
inline constexpr bool kTriesDefinition = false;
inline constexpr bool kTriesByLink = true;

// ── c. Labels of every kind ─────────────────────────────────────────────────────────────────────────────────────────
inline constexpr bool kHiddenDefinitions = true;

// ── d. The label beside an object ───────────────────────────────────────────────────────────────────────────────────
inline constexpr bool kNamesBeside = true;

// ── e. Ends that are raised, or come, after what refers to them ─────────────────────────────────────────────────────
inline constexpr bool kRaisedEnds = true;
inline constexpr bool kEndsThatComeLater = true;
// Off: a relay that gets what refers to something before that itself passes it on until it comes. The label beside it says
// who may have it, but not in which collections its ends stand.
inline constexpr bool kPassedOnBeforeItsEnd = false;

// ── f. Pairing ──────────────────────────────────────────────────────────────────────────────────────────────────────
// Off: not finished; all strangers have one authority, which one node takes for one member.
inline constexpr bool kPairingByStrangers = false;

struct Kind {
  std::string_view name;
  bool on;
};
inline constexpr std::array kKinds = {
    Kind{"elsewhere", true},  // hidden by collection, type, sector, a denying clause, or of a drill
    Kind{"refers-to-collection", kRefersToCollection},
    Kind{"refers-to-type", kRefersToType},
    Kind{"refers-to-sector", kRefersToSector},
    Kind{"refers-to-denied", kRefersToDenied},
    Kind{"refers-to-drill", true},
    Kind{"tries-same-bytes", kTriesSameBytes},
    Kind{"tries-same-version", kTriesSameVersion},
    Kind{"tries-observable", kTriesObservable},
    Kind{"tries-definition", kTriesDefinition},
    Kind{"tries-by-link", kTriesByLink},
    Kind{"label", true},                     // of every kind; their definitions are there in both worlds
    Kind{"definition", kHiddenDefinitions},  // that hidden objects alone bear
    Kind{"names-beside", kNamesBeside},
    Kind{"raised-end", kRaisedEnds},
    Kind{"late-end", kEndsThatComeLater},
    Kind{"passed-on-before-its-end", kPassedOnBeforeItsEnd},
    Kind{"pairing", kPairingByStrangers},
    Kind{"for-another-person", true},  // where one person is watched
};
constexpr bool is_on(std::string_view kind) {
  for (const Kind& one : kKinds)
    if (one.name == kind) return one.on;
  return false;
}

}  // namespace bongsu::simulation
