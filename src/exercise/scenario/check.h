// Does a scenario hold together: everything that its parts have to be for one another, and for the clock.
//
//   Problems problems;
//   check(scenario, nullptr, problems);   // "injects.a.share[0].to": "no entity is called \"ua-bleu\"; the nearest is
//   …"
//
// The reader (read.h) does this after reading and adds lines; scenarios from elsewhere (msel.h) are checked as they
// are.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "exercise/scenario/problems.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

inline constexpr std::size_t kMaxThings = 10'000;        // injects, events, … of each kind in one scenario
inline constexpr std::size_t kMaxOccurrences = 100'000;  // events as often as they come
inline constexpr std::size_t kMaxIdBytes = 63;           // of one name
inline constexpr double kMostViolationCost = 100;        // of the hundred, for one label violation
inline constexpr std::size_t kMaxTableBytes = 128 * 1024 * 1024;

// "breakers-open": letters, digits, - and _, at most kMaxIdBytes, a letter or digit first.
bool is_id(std::string_view text);

// ATT&CK techniques that exist, out of a STIX bundle as MITRE publishes it (ics-attack.json, enterprise-attack.json).
struct Techniques {
  std::set<std::string, std::less<>> known, withdrawn;
  static Result<Techniques> read(std::string_view json,
                                 std::string_view source);  // may be called for several and joined
  void join(Techniques&& other);
  // Does the table say anything of techniques like this one? ICS techniques are T0…, the others T1….
  bool covers(std::string_view id) const;
};
// T0855, T1059.001
bool is_technique(std::string_view id);

// `techniques` nullptr: only their form is checked. A problem at a path where there is one already is not added.
void check(const Scenario& scenario, const Techniques* techniques, Problems& problems);

}  // namespace bongsu::exercise::scenario
