// Lowering a label: whether what comes after is less strict than what was before, and whether that takes a second
// person.
//
//   if (policy::needs_second_person(before, after, stix::Tlp::kRed)) …    // classified, or RED, and lowered
//   policy::differences(before, after)                                    // {"TLP", "TLP:RED", "TLP:GREEN"}, … for who
//   decides
//
// A label with granular markings is compared part by part: an object that was RED as a whole and is RED in one property
// afterwards has been lowered, though the join of its markings is RED as before.
#pragma once

#include <string>
#include <vector>

#include "policy/label.h"

namespace bongsu::policy {

// Whether somebody may have, or do, more with any part of it afterwards. What cannot be told part from part (a selector
// that moved) counts as lowered.
bool lowers(const Label& before, const Label& after);

// Whether a label is of those that nobody lowers alone: classified or in a compartment, TLP of this level and above, or
// not understood (it may have been anything).
bool is_guarded(const Label& label, stix::Tlp from);

bool needs_second_person(const Label& before, const Label& after, stix::Tlp from);

struct Difference {
  std::string what, before, after;  // "TLP", "TLP:RED", "TLP:GREEN"; empty: says nothing of it
  bool operator==(const Difference&) const = default;
};
// What differs, in the order of a label's text; with the text of the parts where those differ.
std::vector<Difference> differences(const Label& before, const Label& after);

}  // namespace bongsu::policy
