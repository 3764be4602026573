// What can never come about because it waits for itself. For check.cpp alone.
#pragma once

#include <string>
#include <vector>

#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

struct Knot {
  std::string path;     // "conditions.both"
  std::string message;  // with the way round: "…: conditions.both → conditions.dark → conditions.both"
};

// Conditions that are made of themselves; injects that wait for what only they can bring about. One of every cycle.
std::vector<Knot> knots(const Scenario& scenario);

}  // namespace bongsu::exercise::scenario
