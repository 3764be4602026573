// The slow twin of policy::redact for selectors alone: no echoes, no references.
#pragma once

#include <set>
#include <string>

#include "base/json.h"

namespace bongsu::policy::test {

// Takes the selected places out one after the other, each time rewriting all other selectors (those still to be taken
// out and those of granular markings) as texts. Every selector has to select something.
Json without(Json object, std::set<std::string> selectors);

// Does a left-out value stand in a text? The rule as it is said, one value at a time: four letters and more anywhere,
// fewer as words of their own. Both in one spelling.
bool shows(const std::string& value, const std::string& in);

}  // namespace bongsu::policy::test
