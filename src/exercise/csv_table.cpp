#include "exercise/csv_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace bongsu::exercise {
namespace {

// The cells of the record at `at`, which then stands behind its line end; `line` counts on.
Result<std::vector<std::string>> take_record(std::string_view text, std::size_t& at, std::uint64_t& line,
                                             std::string_view source, std::size_t most) {
  std::vector<std::string> cells{""};
  const std::uint64_t first = line;
  const auto wrong = [&](std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.source = std::string(source), .line = first});
  };
  bool quoted = false, closed = false;
  while (true) {
    if (at == text.size()) {
      if (quoted) return wrong("a quoted cell isn't closed");
      ++line;
      return cells;
    }
    const char c = text[at++];
    if (quoted) {
      if (c == '"' && at < text.size() && text[at] == '"') {
        cells.back() += text[at++];
      } else if (c == '"') {
        quoted = false;
        closed = true;
      } else {
        if (c == '\n') ++line;
        cells.back() += c;
      }
    } else if (c == ',') {
      if (cells.size() > most) return wrong("more cells than there are columns");
      cells.emplace_back();
      closed = false;
    } else if (c == '\n' || (c == '\r' && at < text.size() && text[at] == '\n')) {
      if (c == '\r') ++at;
      ++line;
      return cells;
    } else if (c == '"' && cells.back().empty() && !closed) {
      quoted = true;
    } else if (c == '"' || closed) {
      return wrong("a quote within a cell (double it, and quote the cell)");
    } else {
      cells.back() += c;
    }
  }
}

}  // namespace

std::string_view CsvRow::text(std::string_view column) const {
  const auto found = head_->columns.find(column);
  return found == head_->columns.end() || found->second >= cells_.size() ? std::string_view()
                                                                         : trim(cells_[found->second]);
}

std::unexpected<Error> CsvRow::wrong(std::string_view column, std::string message, ErrorCode code) const {
  return fail(code, std::move(message), {.source = head_->source, .line = line_, .field = std::string(column)});
}

Result<double> CsvRow::number(std::string_view column, double otherwise, double low, double high) const {
  const std::string_view cell = text(column);
  if (cell.empty()) return otherwise;
  const auto out = finite_number(cell);
  if (!out) return wrong(column, fmt::format("\"{}\" is not a number", cell));
  if (*out < low || *out > high) return wrong(column, fmt::format("{} is not from {} to {}", *out, low, high));
  return *out;
}

Result<std::optional<std::int64_t>> CsvRow::whole(std::string_view column, std::int64_t low, std::int64_t high) const {
  if (text(column).empty()) return std::nullopt;
  BONGSU_TRY(const double out, number(column, 0, static_cast<double>(low), static_cast<double>(high)));
  if (out != std::floor(out)) return wrong(column, fmt::format("{} is not a whole number", out));
  return static_cast<std::int64_t>(out);
}

Result<bool> CsvRow::yes(std::string_view column, bool otherwise) const {
  const std::string_view cell = text(column);
  if (cell.empty()) return otherwise;
  if (cell != "yes" && cell != "no") return wrong(column, fmt::format("\"{}\" is not yes or no", cell));
  return cell == "yes";
}

Result<CsvTable> CsvTable::read(std::string_view text, std::string_view source, const CsvRules& rules) {
  const std::string name(source);
  if (text.size() > rules.max_bytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a list of {} has at most {} bytes", rules.things, rules.max_bytes),
                {.source = name});
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  auto head = std::make_shared<CsvRow::Head>();
  head->source = name;
  CsvTable out;
  std::uint64_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint64_t first = line;
    if (text[at] == '#') {
      const std::size_t end = text.find('\n', at);
      at = end == std::string_view::npos ? text.size() : end + 1;
      ++line;
      continue;
    }
    BONGSU_TRY(auto cells, take_record(text, at, line, source, rules.columns.size()));
    if (cells.size() == 1 && trim(cells[0]).empty()) continue;
    const auto wrong = [&](std::string_view field, std::string message, ErrorCode code = ErrorCode::kInvalid) {
      return fail(code, std::move(message), {.source = name, .line = first, .field = std::string(field)});
    };
    if (head->columns.empty()) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string column(trim(cells[i]));
        if (std::ranges::find(rules.columns, column) == rules.columns.end())
          return wrong(column, fmt::format("\"{}\" is not a column ({})", column, fmt::join(rules.columns, ", ")));
        if (!head->columns.emplace(column, i).second) return wrong(column, "the column is there twice");
      }
      for (const std::string_view must : rules.required)
        if (!head->columns.contains(must)) return wrong(must, "the column is missing");
      continue;
    }
    if (cells.size() > head->columns.size())
      return wrong("", fmt::format("{} cells, and {} columns", cells.size(), head->columns.size()));
    if (out.rows_.size() == rules.max_rows)
      return wrong("", fmt::format("more than {} {}", rules.max_rows, rules.things), ErrorCode::kTooLarge);
    CsvRow& row = out.rows_.emplace_back();
    row.head_ = head;
    row.cells_ = std::move(cells);
    row.line_ = first;
  }
  if (head->columns.empty())
    return fail(ErrorCode::kInvalid, "there is no line that names the columns", {.source = name, .line = 1});
  return out;
}

}  // namespace bongsu::exercise
