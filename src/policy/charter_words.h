// The charter in words, for those who sign it: what it says, and what a new version changes.
//
//   say(explain(charter));
//   for (const auto& line : changes(old, next)) say(line);      // "grid-lv (operator, lv) comes in, on probation …"
#pragma once

#include <string>
#include <vector>

#include "policy/charter.h"

namespace bongsu::policy {

std::string explain(const Charter& charter);
// One line a change, in the order of the document; empty when nothing but number and times differs.
std::vector<std::string> changes(const Charter& before, const Charter& after);

}  // namespace bongsu::policy
