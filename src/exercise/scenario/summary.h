// What a scenario comes to: for those who plan a drill, before it runs.
//
//   const Summary sum = summarize(scenario);   // of a scenario that read.h has checked
//   sum.teams[0].points                        // all that cert-lt can have
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

struct TeamSummary {
  const Entity* team = nullptr;
  std::size_t injects = 0;       // that go to it
  std::size_t expectations = 0;  // that ask it, shares counted in
  std::uint64_t points = 0;      // of expectations, shares and the availability of its services
};

struct Summary {
  std::vector<TeamSummary> teams;  // the blue ones, in order of the text
  // Injects by what they wait for; one that waits for several things counts as the first that holds.
  std::size_t manual = 0, random = 0, conditional = 0, timed = 0;
  std::set<std::string> ttp;
  std::uint64_t metric_points = 0;  // of all metrics
};

Summary summarize(const Scenario& scenario);

}  // namespace bongsu::exercise::scenario
