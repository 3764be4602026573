// Courses out of YAML (their words: course.h), checked as a whole: all that is wrong with its place.
//
//   auto read = read_course(text, "protocols.yaml");
//   if (!read) for (const Error& error : read.error().list) say(error);   // line, column, path, reason
//
// What only shows when material is made and answers are judged is found by rehearsing (rehearse.h).
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "exercise/course/course.h"
#include "exercise/scenario/problems.h"

namespace bongsu::exercise::course {

using scenario::Problems;

std::expected<Course, Problems> read_course(std::string_view text, const std::string& source);

// "attack:T0855", "ecsf:Cyber Incident Responder", "nice:PD-WRL-003"; empty: well said. The twelve profiles of ENISA's
// ECSF (2022) are known by name; ATT&CK's techniques and NICE's work roles (components 2.0.0) by their form.
std::string teaching_wrong(std::string_view teaches);

}  // namespace bongsu::exercise::course
