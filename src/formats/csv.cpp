#include "formats/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/utf8.h"

namespace bongsu::formats {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void append_cell(std::string& out, const std::string& cell) {
  // A byte order mark between quotes is a character of the cell.
  if (cell.find_first_of(",\"\r\n") == std::string::npos && !cell.starts_with(kByteOrderMark)) {
    out += cell;
    return;
  }
  out += '"';
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

Result<std::vector<Row>> read_csv(std::string_view text, const std::string& source) {
  if (text.size() > kMaxCsvBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("at most {} bytes of CSV are read", kMaxCsvBytes),
                {.source = source});
  if (!is_utf8(text)) return fail(ErrorCode::kInvalid, "not UTF-8", {.source = source});
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<Row> rows;
  std::size_t line = 1, cells = 0, i = 0;
  const auto refuse = [&](ErrorCode code, std::string why) {
    return fail(code, std::move(why), {.source = source, .line = line});
  };
  while (i < text.size()) {
    Row row;
    const bool quoted = text[i] == '"';
    while (true) {
      std::string cell;
      if (i < text.size() && text[i] == '"') {
        const std::size_t opened = line;
        for (++i;; ++i) {
          if (i >= text.size()) {
            line = opened;
            return refuse(ErrorCode::kInvalid, "a quote is not closed");
          }
          if (text[i] == '"') {
            if (i + 1 >= text.size() || text[i + 1] != '"') break;
            ++i;
          } else if (text[i] == '\n') {
            ++line;
          }
          cell += text[i];
        }
        ++i;
        if (i < text.size() && text[i] != ',' && text[i] != '\n' && text[i] != '\r')
          return refuse(ErrorCode::kInvalid, "a closed quote is followed by text");
      } else {
        while (i < text.size() && text[i] != ',' && text[i] != '\n' && text[i] != '\r') {
          if (text[i] == '"') return refuse(ErrorCode::kInvalid, "a quote within a cell that does not begin with one");
          cell += text[i++];
        }
      }
      if (cell.size() > kMaxCellBytes || row.size() >= kMaxSheetColumns || ++cells > kMaxSheetCells)
        return refuse(ErrorCode::kTooLarge, fmt::format("at most {} cells, {} of a row, of {} bytes", kMaxSheetCells,
                                                        kMaxSheetColumns, kMaxCellBytes));
      row.push_back(std::move(cell));
      if (i >= text.size() || text[i] != ',') break;
      ++i;
    }
    if (i < text.size() && text[i] == '\r') {
      ++i;
      if (i < text.size() && text[i] != '\n')
        return refuse(ErrorCode::kInvalid, "a carriage return without a line feed");
    }
    if (i < text.size()) ++i;  // the line feed
    ++line;
    if (row.size() == 1 && row[0].empty() && !quoted) row.clear();  // an empty line
    if (rows.size() >= kMaxSheetRows)
      return refuse(ErrorCode::kTooLarge, fmt::format("at most {} rows", kMaxSheetRows));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string write_csv(const std::vector<Row>& rows) {
  std::string out;
  for (const Row& row : rows) {
    if (row.size() == 1 && row[0].empty()) out += "\"\"";  // else it were an empty line
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ',';
      append_cell(out, row[i]);
    }
    out += "\r\n";
  }
  return out;
}

Result<Workbook> read_csv_sheets(std::string_view text, const std::string& source) {
  BONGSU_TRY(std::vector<Row> rows, read_csv(text, source));
  Workbook out;
  for (Row& row : rows) {
    if (row.size() == 1 && row[0].size() > 2 && row[0].front() == '[' && row[0].back() == ']') {
      if (out.size() >= kMaxSheets)
        return fail(ErrorCode::kTooLarge, fmt::format("at most {} sheets", kMaxSheets), {.source = source});
      out.push_back({row[0].substr(1, row[0].size() - 2), {}});
      continue;
    }
    if (out.empty()) out.emplace_back();
    while (!row.empty() && row.back().empty()) row.pop_back();
    out.back().rows.push_back(std::move(row));
  }
  return out;
}

std::string write_csv_sheets(const Workbook& sheets) {
  std::string out;
  for (const Sheet& sheet : sheets) {
    out += write_csv({{"[" + sheet.name + "]"}});
    std::size_t width = 2;
    for (const Row& row : sheet.rows) width = std::max(width, row.size());
    std::vector<Row> rows = sheet.rows;
    for (Row& row : rows) row.resize(width);
    out += write_csv(rows);
  }
  return out;
}

}  // namespace bongsu::formats
