// Trees of YAML as cells of sheets, and back. For msel.cpp and msel_read.cpp alone.
#pragma once

#include <string>
#include <string_view>

#include "exercise/scenario/scenario.h"
#include "exercise/scenario/sheet_form.h"
#include "formats/yaml.h"

namespace bongsu::exercise::scenario {

formats::Yaml map_at(formats::Place place = {});
formats::Yaml list_at(formats::Place place = {});
formats::Yaml text_at(std::string text, formats::Place place = {});

// The tree of a scenario's text: what writes it is what there is to know.
formats::Yaml tree_of(const Scenario& scenario);

// By a way of keys: "when.delay". nullptr: not there.
const formats::Yaml* at_path(const formats::Yaml& node, std::string_view path);
void set_path(formats::Yaml& node, std::string_view path, formats::Yaml value);

std::string cell_of(const formats::Yaml* node, CellShape shape);  // nullptr: an empty one
// What is wrong with the cell (which is not empty), or nothing.
std::string read_cell(const std::string& cell, CellShape shape, formats::Place place, formats::Yaml& out);

template <class F>
void each_line(std::string_view text, F&& what) {
  while (true) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    what(line);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace bongsu::exercise::scenario
