// The slow twin of policy::redact for selectors alone: no echoes, no references.
#pragma once

#include <set>
#include <string>

#include "base/json.h"

namespace bongsu::policy::test {

// Takes the selected places out one after the other, each time rewriting all other selectors (those still to be taken
// out and those of granular markings) as texts. Every selector has to select something.
Json without(Json object, std::set<std::string> selectors);

}  // namespace bongsu::policy::test
