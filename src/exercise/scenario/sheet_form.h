// Which sheets a scenario has and which columns each: out of the declaration in fields.h. For msel.cpp alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bongsu::exercise::scenario {

enum class CellShape : std::uint8_t {
  kText,   // one value
  kList,   // values, one a line; a JSON array where a line could not say it
  kMap,    // "name: value", one a line; a JSON object where a line could not say it
  kScore,  // "50%", or "50" points
};

struct Column {
  std::string path;    // of the key, from the entry on: "when.delay"
  std::string header;  // as it stands in the sheet's first row
  CellShape shape = CellShape::kText;
};

struct SheetForm {
  std::string name;    // "Expected Actions"
  std::string key;     // of the scenario, or of what it belongs to: "expectations"
  std::string within;  // "injects": every row names its inject first; empty: rows are the scenario's own, by name
  std::vector<Column> columns;
};

// Names of sheets and columns that have a meaning beside their key's.
inline constexpr const char* kMselSheet = "MSEL";
inline constexpr const char* kHeadSheet = "Exercise";  // key, value
inline constexpr const char* kNumber = "Event #";
inline constexpr const char* kDtg = "DTG";
inline constexpr const char* kEvent = "Event";
inline constexpr const char* kInjectId = "Inject ID";
inline constexpr const char* kMethod = "Delivery Method";
inline constexpr const char* kExpected = "Expected Action";

// "Exercise" first, then "MSEL" and what belongs to its injects, then the rest in the text's order.
const std::vector<SheetForm>& sheet_forms();

}  // namespace bongsu::exercise::scenario
