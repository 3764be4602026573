// Tables as values: what spreadsheets and CSV files hold. Cells are texts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bongsu::formats {

inline constexpr std::size_t kMaxSheets = 64;
inline constexpr std::size_t kMaxSheetRows = 100'000, kMaxSheetColumns = 256;  // of one sheet
inline constexpr std::size_t kMaxSheetCells = 500'000;                         // of one file
inline constexpr std::size_t kMaxCellBytes = 128 * 1024;

using Row = std::vector<std::string>;

struct Sheet {
  std::string name;
  std::vector<Row> rows;  // of different lengths: empty cells at a row's end are not there
  bool operator==(const Sheet&) const = default;
};
using Workbook = std::vector<Sheet>;

}  // namespace bongsu::formats
