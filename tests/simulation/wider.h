// Differences between the two worlds beyond labels by TLP and by list: hidden by collection, type, sector, denying
// clause or drill; labels of every kind; what the watched member tries; what is told beside an object. One kind for
// each line of kKinds (switches.h), drawn at random and apart from everything else in a seed.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scenario.h"

namespace bongsu::simulation {

struct Ground {
  Scenario& scenario;
  const ScenarioOptions& options;
  bool typed = false;                  // agreements with the watched member name types
  bool charter = false;                // there is one
  const std::set<std::string>& north;  // who is in its group, before the watched member is
  unsigned& next_number;               // of objects
};
void widen(const Ground& ground);

// What the charter of such a scenario has besides members: a group that the watched member is not in, and later is.
inline constexpr std::string_view kNorth = "NORTH";

// The person of the watched member that may be watched alone, and its account's first part.
inline constexpr const char* kPerson = "analyst";

// Types that the watched member's agreements name in a seed that has types.
extern const std::set<std::string> kAgreedTypes;

}  // namespace bongsu::simulation
