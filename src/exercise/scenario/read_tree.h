// Scenarios out of a YAML tree, wherever it came from: text (read.cpp) or sheets (msel.cpp). For this folder alone.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "exercise/scenario/check.h"
#include "formats/yaml.h"

namespace bongsu::exercise::scenario {

// What a node's place and a problem's path are to people.
using WhereOf = std::function<Where(formats::Place place, const std::string& path)>;

enum class Check : bool { kForm, kWhole };
// Problems are in order of their places.
std::expected<Scenario, Problems> read_tree(const formats::Yaml& root, Check what, const Techniques* techniques,
                                            const WhereOf& where);

}  // namespace bongsu::exercise::scenario
