// The columns of "MSEL" that are worked out for people. For msel.cpp and msel_read.cpp alone.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "exercise/scenario/scenario.h"
#include "exercise/scenario/sheet_form.h"

namespace bongsu::exercise::scenario {

constexpr std::string_view kDerived[] = {kDtg, kEvent, kMethod, kExpected};

// The order of the columns of "MSEL" that people look at first; then the others.

struct Derived {
  std::string dtg, event, method, expected;
  Duration due = kMaxDuration;  // for the order of rows; those that never come are last
};
std::unordered_map<std::string_view, Derived> derive(const Scenario& scenario);  // by inject
const std::string& of(const Derived& derived, std::string_view header);

}  // namespace bongsu::exercise::scenario
