// Scenarios out of YAML (their words: scenario.h), checked as a whole: all that is wrong with its place.
//
//   auto read = read_scenario(text, "lt-ua-winter.yaml");
//   if (!read) for (const Error& error : read.error().list) say(error);   // line, column, path, reason
//   else run(*read);
//
// A key that is not known is an error that names the nearest one; a word of SDL that has no meaning here is one that
// says why (kUnsupported). What could not be read is not reported a second time by what refers to it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "exercise/scenario/check.h"
#include "exercise/scenario/problems.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

// The form alone: keys and types, nothing that refers to anything. What write.h writes is equal again.
std::expected<Scenario, Problems> parse_scenario(std::string_view text, const std::string& source);

// The whole. Problems are in order of the text.
std::expected<Scenario, Problems> read_scenario(std::string_view text, const std::string& source,
                                                const Techniques* techniques = nullptr);

}  // namespace bongsu::exercise::scenario
