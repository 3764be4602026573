#include "flow/exercise_rules.h"

#include <algorithm>

namespace bongsu::flow {

std::optional<std::string_view> against_exercise(const policy::Label& label, const std::string& exercise) {
  if (exercise.empty() && !label.exercises.empty())
    return "names an exercise, and the collection is for live information";
  if (std::ranges::any_of(label.exercises, [&](const std::string& named) { return named != exercise; }))
    return "names another exercise than the collection's";
  return std::nullopt;
}

}  // namespace bongsu::flow
