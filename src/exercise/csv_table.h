// A CSV document (RFC 4180) whose first line names the columns, in any order. Lines that begin with # are comments, empty lines are
// passed over, cells may be empty or missing at a row's end; blanks around a cell are taken off.
//
//   BONGSU_TRY(const CsvTable table, CsvTable::read(text, "nodes.csv", {.columns = {"name", "lat", "lon"}, .required = {"name"}}));
//   for (const CsvRow& row : table.rows()) {
//     BONGSU_TRY(const double lat, row.number("lat", 0, -90, 90));       // the error: "nodes.csv:7: lat: 91 is not from -90 to 90"
//   }
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::exercise {

struct CsvRules {
  std::vector<std::string_view> columns, required;  // required: their columns must be there; known beyond them: columns
  std::size_t max_bytes = 16 * 1024 * 1024, max_rows = 65'536;
  std::string_view things = "rows";  // in the message of what is too many
};

class CsvRow {
 public:
  std::string_view text(std::string_view column) const;
  // `otherwise` for an empty cell.
  Result<double> number(std::string_view column, double otherwise, double low, double high) const;
  Result<std::optional<std::int64_t>> whole(std::string_view column, std::int64_t low, std::int64_t high) const;
  Result<bool> yes(std::string_view column, bool otherwise) const;  // yes or no
  std::unexpected<Error> wrong(std::string_view column, std::string message, ErrorCode code = ErrorCode::kInvalid) const;
  std::uint64_t line() const { return line_; }

 private:
  friend class CsvTable;
  struct Head {
    std::string source;
    std::map<std::string, std::size_t, std::less<>> columns;
  };
  std::shared_ptr<const Head> head_;
  std::vector<std::string> cells_;
  std::uint64_t line_ = 0;
};

class CsvTable {
 public:
  // kInvalid, kTooLarge: with line and column.
  static Result<CsvTable> read(std::string_view text, std::string_view source, const CsvRules& rules);
  const std::vector<CsvRow>& rows() const { return rows_; }

 private:
  std::vector<CsvRow> rows_;
};

}  // namespace bongsu::exercise
