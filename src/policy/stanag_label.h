// Confidentiality labels of STANAG 4774 as labels of the lattice, and back.
//
//   const StanagReading read = label_from_stanag(document, Authority::kMilitary, state, stix::Tlp::kAmberStrict);
//   read.label      // for decide()
//   read.notes      // "UKR: no member of this nation is known", for people
//   BONGSU_TRY(const auto document, label_to_stanag(label, {.created = now, .review = later}));
//
// A label of another's policy is read so that it never widens: what is not understood releases to nobody.
//   PolicyIdentifier, Classification   a national mark (nation "nato", level "SECRET"); the equivalences of the charter
//                                      give it a rank; without one it denies
//   RESTRICTIVE categories             compartments, "NATO/ATOMAL"
//   PERMISSIVE Releasable To, Only     a clause: members of the nations (ISO 3166-1 alpha-3) and the charter's groups
//   PERMISSIVE Context                 a clause in the same way; with the value Releasable, Releasable To decides
//   other PERMISSIVE categories        nobody
//   INFORMATIVE categories             nothing
//   PrivacyMark                        a caveat
//   SuccessionHandling                 expiry: what holds afterwards may be stricter
// A label of ours is written in a policy of its own ("BONGSU"), whose values say all that a Label says; reading gives
// the same label.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/stanag4774.h"
#include "policy/decide.h"
#include "policy/label.h"

namespace bongsu::policy {

inline constexpr std::string_view kOwnStanagPolicy = "BONGSU";

struct StanagReading {
  Label label;
  std::vector<std::string> notes;
};

// `kind`: which authority of the policy's nation marked it. `fallback`: the TLP level, which such labels do not have.
StanagReading label_from_stanag(const formats::ConfidentialityLabel& document, Authority kind, const PolicyState& state,
                                stix::Tlp fallback);

struct StanagWriting {
  Instant created, review;
  std::string originator;  // a mail address; empty: not said
};
// Of the whole: granular parts are joined. kInvalid for a label that was not understood, or that reveals what others
// gave.
Result<formats::ConfidentialityLabel> label_to_stanag(const Label& label, const StanagWriting& writing);

}  // namespace bongsu::policy
