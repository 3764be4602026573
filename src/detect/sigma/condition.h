// The language of conditions (rules specification, Condition):
//
//   selection and not 1 of filter_*
//
//   or < and < not < x of … < ( … ), from the least binding. Words of the language in any case.
#pragma once

#include <string_view>

#include "detect/sigma/rule.h"

namespace bongsu::detect::sigma {

inline constexpr std::size_t kMaxConditionBytes = 64 * 1024;
inline constexpr int kMaxConditionDepth = 64;

// kInvalid with the offset in the text (where.offset); kUnsupported for the pipe of old. `quantifiers`: "1 of" and
// "all of" are part of the language (they are not in correlations' conditions).
Result<Condition> parse_condition(std::string_view text, bool quantifiers = true);

}  // namespace bongsu::detect::sigma
