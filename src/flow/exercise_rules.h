// What keeps exercises and the real thing apart on the way in.
//
//   if (const auto why = against_exercise(label, exercise)) …  // refused, or held for a person
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/label.h"

namespace bongsu::flow {

// Why what is labelled so cannot be in a collection of this exercise (empty: a live one).
std::optional<std::string_view> against_exercise(const policy::Label& label, const std::string& exercise);

}  // namespace bongsu::flow
