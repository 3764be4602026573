// A scenario as YAML: what read.h reads is equal again. Members that have their usual value are left out; texts of
// several lines stand as blocks. Bytes that are not UTF-8 become U+FFFD.
#pragma once

#include <string>

#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

std::string write_scenario(const Scenario& scenario);

// How a label is written: "TLP:AMBER", or the whole text of policy::Label.
std::string text_of(const policy::Label& label);
Result<policy::Label> parse_label(std::string_view text);

}  // namespace bongsu::exercise::scenario
