// What keeps exercises and the real thing apart on the way in.
//
//   if (const auto why = against_exercise(label, exercise)) …  // refused, or held for a person
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/label.h"
#include "stix/object.h"

namespace bongsu::flow {

// From when indicators of an exercise hold, whoever makes them: a drill has a clock of its own, and its telemetry may
// bear times long before or after the machine's. STIX 2.1 §3.2 form.
inline constexpr const char* kExerciseValidFrom = "2020-01-01T00:00:00Z";

// Why what is labelled so cannot be in a collection of this exercise (empty: a live one).
std::optional<std::string_view> against_exercise(const policy::Label& label, const std::string& exercise);

// The marking definition (JSON) that this node's objects of an exercise bear: one text for each of them, CLEAR itself, so
// that it goes wherever the drill goes.
std::string exercise_definition(const std::string& exercise, const policy::MemberId& self);
std::string exercise_definition_id(const std::string& exercise, const policy::MemberId& self);

// The object as it is written into an exercise: with that marking. One text for one object, so that what comes again is
// the same again. An error, as below: it holds a number that no other text has exactly.
Result<stix::Object> with_exercise_marking(const stix::Object& object, const std::string& exercise,
                                           const policy::MemberId& self);
// kInvalid, and which marking to add.
std::unexpected<Error> needs_exercise_marking(const std::string& exercise, const policy::MemberId& self);

}  // namespace bongsu::flow
