#include "exercise/scenario/cells.h"

#include <fmt/format.h>

#include "base/json.h"
#include "exercise/scenario/write.h"

namespace bongsu::exercise::scenario {

using formats::Place;
using formats::Yaml;

namespace {

std::string lines_of(const Yaml& list) {
  std::string out;
  JsonArray json;
  bool plain = true;
  for (const Yaml& item : list.items) {
    plain = plain && !item.text.empty() && item.text.find_first_of("\r\n") == std::string::npos;
    out += (json.empty() ? "" : "\n") + item.text;
    json.emplace_back(item.text);
  }
  if (json.empty()) return {};
  return plain && out[0] != '[' ? out : to_text(json);
}
std::string pairs_of(const Yaml& map) {
  std::string out;
  JsonObject json;
  bool plain = true;
  for (std::size_t i = 0; i < map.items.size(); ++i) {
    const auto& [key, place] = map.keys[i];
    const std::string& text = map.items[i].text;
    plain =
        plain && !text.empty() && text.find_first_of("\r\n") == std::string::npos && key.find_first_of(":\r\n") == std::string::npos;
    out += fmt::format("{}{}: {}", i == 0 ? "" : "\n", key, text);
    json[key] = text;
  }
  if (json.empty()) return {};
  return plain && out[0] != '{' ? out : to_text(json);
}

}  // namespace

Yaml map_at(Place place) {
  Yaml out;
  out.kind = Yaml::Kind::kMap;
  out.place = place;
  return out;
}
Yaml list_at(Place place) {
  Yaml out;
  out.kind = Yaml::Kind::kList;
  out.place = place;
  return out;
}
Yaml text_at(std::string text, Place place) {
  Yaml out;
  out.place = place;
  out.text = std::move(text);
  out.quoted = out.is_null();  // in a cell nothing but an empty one is nothing
  return out;
}

Yaml tree_of(const Scenario& scenario) {
  auto documents = formats::read_yaml(write_scenario(scenario), "scenario");
  BONGSU_CHECK(documents && documents->size() == 1);
  return std::move(documents->front());
}

const Yaml* at_path(const Yaml& node, std::string_view path) {
  const Yaml* out = &node;
  while (out != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    out = out->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return out;
}
void set_path(Yaml& node, std::string_view path, Yaml value) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) return node.set(std::string(path), std::move(value));
  const std::string key(path.substr(0, dot));
  if (node.find(key) == nullptr) node.set(key, map_at(value.place));
  set_path(*node.find(key), path.substr(dot + 1), std::move(value));
}

std::string cell_of(const Yaml* node, CellShape shape) {
  if (node == nullptr) return {};
  switch (shape) {
    case CellShape::kText:
      return node->text;
    case CellShape::kList:
      return lines_of(*node);
    case CellShape::kMap:
      return pairs_of(*node);
    case CellShape::kScore:
      return node->is_map() ? node->find("absolute")->text : node->text + "%";
  }
  return {};
}

std::string read_cell(const std::string& cell, CellShape shape, Place place, Yaml& out) {
  if (shape == CellShape::kText) {
    out = text_at(cell, place);
  } else if (shape == CellShape::kScore) {
    if (cell.ends_with('%')) {
      out = text_at(cell.substr(0, cell.size() - 1), place);
    } else {
      out = map_at(place);
      out.set("absolute", text_at(cell, place));
    }
  } else if (cell[0] == (shape == CellShape::kList ? '[' : '{')) {
    const auto json = parse_json(cell);
    if (!json || !(shape == CellShape::kList ? json->is_array() : json->is_object()))
      return "no JSON, though it begins so";
    bool texts = true;
    out = shape == CellShape::kList ? list_at(place) : map_at(place);
    const auto take = [&](const Json& value, auto&& put) {
      texts = texts && value.is_string();
      if (texts) put(text_at(std::string(value.as_string()), place));
    };
    if (shape == CellShape::kList)
      for (const Json& value : json->as_array()) take(value, [&](Yaml y) { out.items.push_back(std::move(y)); });
    else
      for (const auto& [key, value] : json->as_object())
        take(value, [&](Yaml y) { out.set(std::string(key), std::move(y)); });
    if (!texts) return "only texts are expected here";
  } else if (shape == CellShape::kList) {
    out = list_at(place);
    each_line(cell, [&](std::string_view line) {
      if (!line.empty()) out.items.push_back(text_at(std::string(line), place));
    });
  } else {
    out = map_at(place);
    std::string wrong;
    each_line(cell, [&](std::string_view line) {
      if (line.empty()) return;
      const auto colon = line.find(": ");
      if (colon == std::string_view::npos)
        wrong = "lines as \"name: value\" are expected here";
      else if (out.find(line.substr(0, colon)) != nullptr)
        wrong = fmt::format("\"{}\" comes twice", line.substr(0, colon));
      else
        out.set(std::string(line.substr(0, colon)), text_at(std::string(line.substr(colon + 2)), place));
    });
    return wrong;
  }
  return {};
}

}  // namespace bongsu::exercise::scenario
