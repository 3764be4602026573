// Scoring once more, straight from the rules of score.h and deeds.h, one expectation after the other, each by a look
// through the whole log. Slow and plain: what the scorer says has to be what this says.
//
// Left to score_test's tables: sentences, evidence lists, when services that an inject took down are restored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exercise/drill/log.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scoring {

struct SlowPoint {
  std::string rule, inject, about;
  double most = 0, earned = 0;
  bool open = false;
  const scenario::Expectation* asked = nullptr;
};
struct SlowTimes {
  std::string inject;
  std::int64_t start_ms = 0;
  std::optional<std::int64_t> detected_ms, shared_ms, contained_ms;
};
struct SlowTeam {
  std::string team;
  double total = 0, precision = 1;
  bool open = false;
  std::size_t violations = 0;
  std::vector<SlowPoint> points;
  std::vector<SlowTimes> times;
  std::vector<std::pair<double, bool>> metrics;  // earned, open; in the scenario's order
  std::vector<bool> passed;                      // evaluations
};

std::vector<SlowTeam> score_slowly(const scenario::Scenario& scenario, std::span<const drill::Entry> log);

}  // namespace bongsu::exercise::scoring
