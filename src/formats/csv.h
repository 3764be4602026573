// Comma-separated values (RFC 4180) as rows of cells, and several sheets in one file.
//
//   BONGSU_TRY(std::vector<Row> rows, read_csv("a,\"b, c\"\r\n", "list.csv"));   // {{"a", "b, c"}}
//
// Cells between quotes may hold commas, quotes (twice) and line ends. Lines end with CRLF or LF; a byte order mark at
// the beginning is skipped. (Logs are read by telemetry/csv.h, which guesses; here a mistake is an error with its
// line.)
//
// Several sheets: a line with one cell "[Name]" begins each; data rows have two cells at least.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/sheets.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxCsvBytes = 64 * 1024 * 1024;

// kInvalid with line (also what is not UTF-8); kTooLarge beyond the limits of sheets.h.
Result<std::vector<Row>> read_csv(std::string_view text, const std::string& source);
std::string write_csv(const std::vector<Row>& rows);  // CRLF; quotes where they are needed

// Rows before the first "[Name]" are a sheet without a name.
Result<Workbook> read_csv_sheets(std::string_view text, const std::string& source);
// Rows are filled with empty cells to the width of their sheet, two at least.
std::string write_csv_sheets(const Workbook& sheets);

}  // namespace bongsu::formats
