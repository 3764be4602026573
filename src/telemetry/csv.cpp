#include "telemetry/csv.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace bongsu::telemetry {
namespace {

constexpr std::string_view kSeparators = ",;\t|";

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxCsvNameBytes) return false;
  const char c = name.front();
  if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@')) return false;
  return std::all_of(name.begin(), name.end(), [](char x) {
    return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || is_digit(x) ||
           std::string_view("_.@-/#() ").find(x) != std::string_view::npos;
  });
}

// One field from `at`, which then stands behind its separator. False: text behind a closing quote, or no closing quote.
bool take_field(std::string_view record, std::size_t& at, char separator, std::string_view& value, bool& escaped,
                bool& last) {
  escaped = false;
  if (at < record.size() && record[at] == '"') {
    const std::size_t begin = ++at;
    while (true) {
      at = record.find('"', at);
      if (at == record.npos) return false;
      if (at + 1 < record.size() && record[at + 1] == '"') {
        escaped = true;
        at += 2;
        continue;
      }
      break;
    }
    value = record.substr(begin, at - begin);
    ++at;
    if (at < record.size() && record[at] != separator) return false;
  } else {
    const std::size_t end = std::min(record.find(separator, at), record.size());
    value = record.substr(at, end - at);
    at = end;
  }
  last = at >= record.size();
  ++at;
  return true;
}

}  // namespace

TsvHeaderPtr read_csv_header(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  for (const char separator : kSeparators) {
    auto header = std::make_shared<TsvHeader>();
    header->csv = true;
    header->separator = separator;
    std::set<std::string_view> seen;
    std::size_t at = 0;
    bool good = true, last = false;
    while (good && !last && header->columns.size() <= kMaxTsvColumns) {
      std::string_view name;
      bool escaped = false;
      good = take_field(line, at, separator, name, escaped, last) && !escaped && is_name(trim(name)) &&
             seen.insert(trim(name)).second;
      header->columns.push_back({std::string(trim(name)), {}, false});
    }
    if (good && last && header->columns.size() >= kMinCsvColumns && header->columns.size() <= kMaxTsvColumns)
      return header;
  }
  return nullptr;
}

CsvRecord find_csv_record(std::string_view data, std::size_t at, char separator) {
  const CsvRecord first{.end = std::min(data.find('\n', at), data.size()), .lines = 1, .open = false};
  if (data.substr(at, first.end - at).find('"') == data.npos) return first;
  CsvRecord record;
  bool field_begins = true;
  for (std::size_t i = at; i < data.size(); ++i) {
    const char c = data[i];
    if (c == '\n') {
      record.end = i;
      return record;
    }
    if (!field_begins || c != '"') {
      field_begins = c == separator;
      continue;
    }
    for (++i;; ++i) {  // within quotes
      if (i >= data.size() || record.lines > kMaxCsvRecordLines || i - at > kMaxCsvRecordBytes) {
        CsvRecord given_up = first;
        given_up.open = i >= data.size();
        return given_up;
      }
      if (data[i] == '\n') ++record.lines;
      if (data[i] != '"') continue;
      if (i + 1 < data.size() && data[i + 1] == '"')
        ++i;
      else
        break;
    }
    field_begins = false;
  }
  record.end = data.size();
  return record;
}

bool split_csv_record(std::string_view record, const TsvHeader& header, LineFields& fields) {
  const auto mark = fields.mark();
  std::size_t at = 0, column = 0;
  for (bool last = false; !last; ++column) {
    std::string_view value;
    bool escaped = false;
    if (column == header.columns.size() || !take_field(record, at, header.separator, value, escaped, last)) {
      fields.back_to(mark);
      return false;
    }
    fields.add({}, header.columns[column].name, value, escaped ? Leaf::Escape::kCsv : Leaf::Escape::kNone);
  }
  if (column == header.columns.size()) return true;
  fields.back_to(mark);
  return false;
}

}  // namespace bongsu::telemetry
