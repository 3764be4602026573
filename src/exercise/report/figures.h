// The charts of a report. Not for others.
#pragma once

#include <span>
#include <string>

#include "exercise/drill/log.h"
#include "exercise/report/document.h"
#include "exercise/scoring/score.h"

namespace bongsu::exercise::report {

// A lane for each inject: begun, seen, shared, contained, restored. `left`: how many lanes did not fit.
Figure time_lines(const scenario::Scenario& scenario, const scoring::TeamScore& team, std::int64_t ended_ms,
                  std::size_t& left);

// A curve for each consequence that was ever there, of the team's samples, each to its own scale with its greatest
// value.
std::vector<Figure> consequence_curves(std::span<const drill::Entry* const> samples, std::int64_t ended_ms);

// A name, or the id of what has none; no more than so many letters of it.
template <class T>
std::string name_in(const std::vector<T>& things, const std::string& id) {
  const T* thing = scenario::find(things, id);
  return thing == nullptr || thing->name.empty() ? id : thing->name;
}
std::string clipped(const std::string& text, std::size_t letters);

// "1h 05min" after the beginning; "–" for nothing.
std::string clock(std::int64_t ms);
std::string clock(const std::optional<std::int64_t>& ms);

}  // namespace bongsu::exercise::report
