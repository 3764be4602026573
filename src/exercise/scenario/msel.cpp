#include "exercise/scenario/msel.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "exercise/scenario/cells.h"
#include "exercise/scenario/derived.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::scenario {

using formats::Row;
using formats::Sheet;
using formats::Workbook;
using formats::Yaml;

namespace {

constexpr std::string_view kMselOrder[] = {kNumber, kDtg,    kEvent,        kInjectId, "Inject",    "From",
                                           "To",    kMethod, "Description", kExpected, "Objective", "ATT&CK"};

void flatten_entities(const Yaml& map, const std::string& above,
                      std::vector<std::pair<std::string, const Yaml*>>& out) {
  for (std::size_t i = 0; i < map.items.size(); ++i) {
    const std::string id = above.empty() ? map.keys[i].first : above + "." + map.keys[i].first;
    out.emplace_back(id, &map.items[i]);
    if (const Yaml* inner = map.items[i].find("entities")) flatten_entities(*inner, id, out);
  }
}

}  // namespace

std::unordered_map<std::string_view, Derived> derive(const Scenario& s) {
  std::unordered_map<std::string_view, Derived> out;
  const auto append = [](std::string& to, std::string_view line) {
    if (line.empty()) return;
    if (!to.empty()) to += '\n';
    to += line;
  };
  for (const Inject& inject : s.injects) {
    Derived& d = out[inject.id];
    std::vector<std::string_view> seen;
    for (const Delivery& delivery : inject.deliver)
      if (const auto word = to_string(delivery.via); std::ranges::find(seen, word) == seen.end()) {
        seen.push_back(word);
        append(d.method, word);
      }
    for (const Expectation& e : inject.expectations)
      append(d.expected, e.description.empty() ? to_string(e.act) : e.description);
    for (const ShareExpectation& e : inject.share)
      append(d.expected, e.description.empty() ? fmt::format("share {}", to_string(e.what)) : e.description);
  }
  for (const Event& event : s.events)
    for (const std::string& id : event.injects)
      if (const auto at = out.find(id); at != out.end()) append(at->second.event, event.id);
  std::unordered_map<std::string_view, const Inject*> injects;
  for (const Inject& inject : s.injects) injects.emplace(inject.id, &inject);
  for (const Occurrence& o : occurrences(s))
    for (const std::string& id : o.event->injects) {
      const auto at = out.find(id);
      if (at == out.end() || !at->second.dtg.empty()) continue;
      at->second.due = o.at + injects.at(id)->when.delay;
      at->second.dtg = dtg_of(s.exercise.start + at->second.due);
    }
  return out;
}

const std::string& of(const Derived& d, std::string_view header) {
  if (header == kDtg) return d.dtg;
  if (header == kEvent) return d.event;
  return header == kMethod ? d.method : d.expected;
}

std::string dtg_of(Instant time) {
  using namespace std::chrono;
  const sys_seconds at{seconds(time.seconds)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  static constexpr const char* kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                            "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
  std::string out =
      fmt::format("{:02}{:02}{:02}", unsigned(date.day()), clock.hours().count(), clock.minutes().count());
  if (clock.seconds().count() != 0) out += fmt::format("{:02}", clock.seconds().count());
  return out + fmt::format("Z{}{:02}", kMonths[unsigned(date.month()) - 1], int(date.year()) % 100);
}

std::optional<Instant> parse_dtg(std::string_view text) {
  const std::string upper = [&] {
    std::string out;
    for (const char c : trim(text))
      if (c != ' ') out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
  }();
  const auto zulu = upper.find('Z');
  if ((zulu != 6 && zulu != 8) || upper.size() != zulu + 6) return std::nullopt;
  static constexpr std::string_view kMonths = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
  const auto month = kMonths.find(upper.substr(zulu + 1, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  return Instant::parse(fmt::format("20{}-{:02}-{}T{}:{}:{}Z", upper.substr(zulu + 4), month / 3 + 1,
                                    upper.substr(0, 2), upper.substr(2, 2), upper.substr(4, 2),
                                    zulu == 8 ? upper.substr(6, 2) : "00"));
}

Workbook to_msel(const Scenario& scenario) {
  const Yaml tree = tree_of(scenario);
  const auto derived = derive(scenario);
  Workbook out;
  for (const SheetForm& form : sheet_forms()) {
    Sheet sheet{form.name, {}};
    if (form.name == kHeadSheet) {
      sheet.rows.push_back({"Key", "Value"});
      for (const Column& column : form.columns)
        if (std::string cell = cell_of(at_path(tree, column.path), column.shape); !cell.empty())
          sheet.rows.push_back({column.path, std::move(cell)});
      out.push_back(std::move(sheet));
      continue;
    }
    Row header;
    const auto cells_of = [&](const std::string& id, const Yaml& node, Row& row) {
      for (const Column& column : form.columns)
        row.push_back(column.path == "id" && form.within.empty() ? id
                                                                 : cell_of(at_path(node, column.path), column.shape));
    };
    if (form.within == "injects") header.emplace_back(kInjectId);
    if (form.name == kMselSheet) {
      header.emplace_back(kNumber);
      for (const auto word : kDerived) header.emplace_back(word);
    }
    for (const Column& column : form.columns) header.push_back(column.header);
    sheet.rows.push_back(std::move(header));
    if (form.within == "exercise") {
      if (const Yaml* list = at_path(tree, "exercise." + form.key))
        for (const Yaml& item : list->items) cells_of("", item, sheet.rows.emplace_back());
    } else if (form.within == "injects") {
      const Yaml& injects = *tree.find("injects");
      for (std::size_t i = 0; i < injects.items.size(); ++i)
        if (const Yaml* list = injects.items[i].find(form.key))
          for (const Yaml& item : list->items) cells_of("", item, sheet.rows.emplace_back(Row{injects.keys[i].first}));
    } else if (const Yaml* map = tree.find(form.key)) {
      std::vector<std::pair<std::string, const Yaml*>> entries;
      if (form.key == "entities")
        flatten_entities(*map, "", entries);
      else
        for (std::size_t i = 0; i < map->items.size(); ++i) entries.emplace_back(map->keys[i].first, &map->items[i]);
      for (std::size_t i = 0; i < entries.size(); ++i) {
        Row& row = sheet.rows.emplace_back();
        if (form.name == kMselSheet) {
          row.push_back(std::to_string(i + 1));
          for (const auto word : kDerived) row.push_back(of(derived.at(entries[i].first), word));
        }
        cells_of(entries[i].first, *entries[i].second, row);
      }
    }
    if (form.name == kMselSheet) {
      Row& names = sheet.rows[0];
      std::vector<std::size_t> order;
      for (const auto name : kMselOrder)
        order.push_back(static_cast<std::size_t>(std::ranges::find(names, name) - names.begin()));
      for (std::size_t i = 0; i < names.size(); ++i)
        if (std::ranges::find(order, i) == order.end()) order.push_back(i);
      for (Row& row : sheet.rows) {
        Row sorted;
        for (const std::size_t i : order) sorted.push_back(std::move(row[i]));
        row = std::move(sorted);
      }
      const auto id = std::ranges::find(sheet.rows[0], kInjectId) - sheet.rows[0].begin();
      std::multimap<Duration, Row> by_time;
      for (std::size_t i = 1; i < sheet.rows.size(); ++i) {
        const Duration due = derived.at(sheet.rows[i][static_cast<std::size_t>(id)]).due;
        by_time.emplace(due, std::move(sheet.rows[i]));
      }
      sheet.rows.resize(1);
      for (auto& [due, row] : by_time) sheet.rows.push_back(std::move(row));
    }
    for (Row& row : sheet.rows)
      while (!row.empty() && row.back().empty()) row.pop_back();
    out.push_back(std::move(sheet));
  }
  return out;
}

}  // namespace bongsu::exercise::scenario
