// A course tried out before anybody learns by it: for several learners every file is made, every solution is judged
// right and every wrong answer wrong.
//
//   const Problems problems = rehearse(course, sources, engines, 3);
//   // "days.a.tasks.b.solution: for seed 2 the solution is judged wrong: 2 of 3 lines that matter are hit."
#pragma once

#include "exercise/course/judge.h"
#include "exercise/scenario/problems.h"

namespace bongsu::exercise::course {

// `seeds`: how many learners. Problems have paths as read_course's, without lines.
scenario::Problems rehearse(const Course& course, const Sources& sources, const Engines& engines, std::uint64_t seeds);

}  // namespace bongsu::exercise::course
