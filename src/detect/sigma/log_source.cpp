#include "detect/sigma/log_source.h"

#include <algorithm>

#include "base/text.h"

namespace bongsu::detect::sigma {

using telemetry::FieldMap;
using telemetry::FieldRow;
using telemetry::Format;
using telemetry::LogSource;

bool same_format(Format a, Format b) {
  const auto one = [](Format f) { return f == Format::kZeekTsv ? Format::kZeekJson : f; };
  return one(a) == one(b);
}

Sources sources_of(const LogSourceName& name, const FieldMap& map) {
  Sources out;
  const auto rows = map.log_sources();
  const auto of_row = [](const LogSource& row) {
    return LogSourceName{lowered(row.product), lowered(row.category), lowered(row.service)};
  };
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (name.contains(of_row(rows[i]))) out.rows.push_back(i);
  if (!out.rows.empty()) {
    out.fit = Sources::Fit::kDeclared;
    // A source that is exactly the rule's, with no condition on the event, has all events of its more special ones.
    std::vector<Format> whole;
    for (const std::size_t i : out.rows)
      if (of_row(rows[i]) == name && rows[i].when.empty()) whole.push_back(rows[i].format);
    std::erase_if(out.rows, [&](std::size_t i) {
      return !(of_row(rows[i]) == name) &&
             std::ranges::any_of(whole, [&](Format f) { return same_format(f, rows[i].format); });
    });
    return out;
  }
  int best = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LogSourceName row = of_row(rows[i]);
    if (row.product.empty() || !row.contains(name)) continue;
    const int named = 1 + !row.category.empty() + !row.service.empty();
    if (named > best) {
      best = named;
      out.rows.clear();
    }
    if (named == best) out.rows.push_back(i);
  }
  if (!out.rows.empty()) out.fit = Sources::Fit::kLoose;
  return out;
}

std::vector<std::string> paths_of(std::string_view field, const LogSource* source, const FieldMap& map) {
  field = map.plain(field);
  if (source != nullptr)
    if (const auto found = source->fields.find(field); found != source->fields.end()) return found->second;
  std::vector<std::string> out{std::string(field)};
  for (const FieldRow& row : map.rows())
    if (row.path != field && std::ranges::find(row.sigma, field) != row.sigma.end()) out.push_back(row.path);
  return out;
}

}  // namespace bongsu::detect::sigma
