#include "exercise/range/order_file.h"

#include <fmt/format.h>

#include "base/config.h"
#include "base/text.h"
#include "exercise/csv_table.h"

namespace bongsu::exercise {
namespace {

constexpr double kMostValue = 1e9;

}  // namespace

Result<double> range_time(std::string_view text) {
  const auto wrong = [&] { return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no time: 1:30:00, 90, 10m, 24h", text.substr(0, 40))); };
  double seconds = 0;
  if (text.find(':') != std::string_view::npos) {
    int parts = 0;
    for (std::string_view rest = text;; ++parts) {
      const std::size_t end = rest.find(':');
      const auto part = finite_number(rest.substr(0, end));
      if (!part || *part < 0 || parts > 2 || (parts > 0 && *part >= 60)) return wrong();
      seconds = seconds * 60 + *part;
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    if (parts != 2) return wrong();
  } else if (const auto number = finite_number(text)) {
    seconds = *number;
  } else {
    const auto duration = parse_duration(text);
    if (!duration) return wrong();
    seconds = static_cast<double>(duration->count()) / 1000;
  }
  if (!(seconds >= 0 && seconds <= kMaxAdvance_s)) return fail(ErrorCode::kInvalid, fmt::format("a time lies within {:.0f} days", kMaxAdvance_s / 86'400));
  return seconds;
}

Result<std::vector<TimedOrder>> read_orders(std::string_view text, std::string_view source) {
  BONGSU_TRY(const CsvTable table, CsvTable::read(text, source, {.columns = {"at", "verb", "target", "value", "by"}, .required = {"at", "verb", "target"}, .max_rows = kMaxWorldOrders, .things = "orders"}));
  std::vector<TimedOrder> out;
  for (const CsvRow& row : table.rows()) {
    TimedOrder one;
    const auto at = range_time(row.text("at"));
    if (!at) return row.wrong("at", at.error().message);
    one.at_s = *at;
    if (!out.empty() && one.at_s < out.back().at_s) return row.wrong("at", "orders are in the order of their times");
    const auto what = verb(row.text("verb"));
    if (!what) return row.wrong("verb", what.error().message);
    one.order.verb = *what;
    one.order.target = row.text("target");
    if (one.order.target.empty()) return row.wrong("target", "an order has a target");
    BONGSU_TRY(one.order.value, row.number("value", 0, -kMostValue, kMostValue));
    if (!row.text("by").empty()) {
      const auto who = by(row.text("by"));
      if (!who) return row.wrong("by", who.error().message);
      one.order.by = *who;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace bongsu::exercise
