// Chapter 9 of STIX 2.1 once more, written to be read beside the standard: every binding is tried, every value copied.
// For tests.
#pragma once

#include <optional>
#include <span>

#include "detect/pattern/observation.h"
#include "stix/pattern.h"

namespace bongsu::detect {

// Nothing: more than a few thousand bindings, too many to try.
std::optional<bool> slow_matches(const stix::Pattern& pattern, std::span<const Observation> observations);

// One [ … ] against one observation.
bool slow_matches(const stix::ComparisonExpression& expression, const Observation& observation);

}  // namespace bongsu::detect
