#include "telemetry/line_batch.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "telemetry/cef.h"
#include "telemetry/csv.h"
#include "telemetry/key_value.h"
#include "telemetry/syslog.h"

namespace bongsu::telemetry {
namespace {

// Of JSON lines that stage 1 looks at together: they and their marks stay in the second cache until they are walked.
constexpr std::size_t kRunBytes = 64 * 1024;

// The line's first byte that is not blank: '\n', or the end of the data, when there is none.
std::size_t first_not_blank(std::string_view data, std::size_t begin) {
  while (begin < data.size() && (data[begin] == ' ' || data[begin] == '\t' || data[begin] == '\r')) ++begin;
  return begin;
}

}  // namespace

EventParser::EventParser(BadLines& bad, FieldMapPtr map, bool everything)
    : bad_(&bad),
      map_(map),
      everything_(everything),
      walker_(map, everything),
      message_walker_(std::move(map), everything) {}

void EventParser::use(FieldMapPtr map) {
  if (map == map_) return;
  map_ = map;
  columns_ = {};
  walker_.use(map);
  message_walker_.use(std::move(map));
}

void EventParser::start(const LineBatch& batch) {
  batch_ = &batch;
  header_ = batch.header;
  at_ = 0;
  line_ = batch.first_line - 1;
  more_lines_ = 0;
  run_begin_ = run_end_ = 0;
}

std::size_t EventParser::line_end(std::size_t begin) const {
  const char* p = batch_->data.data();
  const void* newline = std::memchr(p + begin, '\n', batch_->data.size() - begin);
  return newline == nullptr ? batch_->data.size() : static_cast<std::size_t>(static_cast<const char*>(newline) - p);
}

// Lets stage 1 look at that line and at the whole lines after it, of whatever form, up to kRunBytes. When it takes
// them, no string goes over a line's end, for a line's end in a string is an error: so what is no JSON spoils no other
// line.
void EventParser::open_run(std::size_t begin) {
  const std::string_view data = batch_->data;
  run_begin_ = begin;
  run_end_ = data.size();
  if (data.size() - begin > kRunBytes) {
    const void* last = memrchr(data.data() + begin, '\n', kRunBytes);
    run_end_ = last != nullptr ? static_cast<std::size_t>(static_cast<const char*>(last) - data.data()) + 1
                               : std::min(data.size(), line_end(begin) + 1);
  }
  run_good_ = walker_.index(data.substr(run_begin_, run_end_ - run_begin_));
}

bool EventParser::json_event(std::size_t begin, std::size_t end) {
  const char* wrong = nullptr;
  if (run_good_) {
    wrong = walker_.walk(begin - run_begin_, end - run_begin_, storage_);
  } else if (!walker_.index(std::string_view(batch_->data).substr(begin, end - begin))) {
    wrong = "not JSON: bytes that are not UTF-8, an open string, or a control character in one";
  } else {
    wrong = walker_.walk(0, end - begin, storage_);
  }
  if (wrong == nullptr) return true;
  report(begin, end, wrong);
  return false;
}

void EventParser::report(std::size_t begin, std::size_t end, const char* reason) {
  bad_->add(ErrorCode::kInvalid, reason,
            {.source = *batch_->source, .line = line_, .offset = batch_->offset + begin, .has_offset = true},
            std::string_view(batch_->data).substr(begin, end - begin));
}

const EventView* EventParser::deliver(std::size_t begin, std::size_t end, Format format) {
  std::string_view raw = std::string_view(batch_->data).substr(begin, end - begin);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  view_ = {raw, batch_->offset + begin, line_, format, storage_.leaves, storage_.nodes};
  ++events_;
  ++by_format_[static_cast<std::size_t>(format)];
  return &view_;
}

void EventParser::put_text(std::string_view line) {
  storage_.clear();
  storage_.leaves.push_back({line.data(), "text", static_cast<std::uint32_t>(line.size()), 4, 0, kNoField, Role::kText,
                             Leaf::Escape::kNone, true});
}

// A record of the CSV, which may go over several lines; nullptr: it does not fit the header.
const EventView* EventParser::csv_event(std::size_t begin) {
  const std::string_view data = batch_->data;
  const CsvRecord record = find_csv_record(data, begin, header_->separator);
  std::string_view text = data.substr(begin, record.end - begin);
  if (text.ends_with('\r')) text.remove_suffix(1);
  put_text(text);
  LineFields fields(*map_, everything_, storage_);
  if (!split_csv_record(text, *header_, fields)) return nullptr;
  at_ = record.end + 1;
  more_lines_ = record.lines - 1;
  return deliver(begin, record.end, Format::kCsv);
}

// The line's text as a leaf, and the fields that are found in it.
Format EventParser::text_event(std::string_view line) {
  put_text(line);
  LineFields fields(*map_, everything_, storage_);
  SyslogHead head = read_syslog_head(line, fields);
  if (head.found) {
    std::string_view json = head.message;
    if (json.starts_with("@cee:")) json = trim(json.substr(5));
    if (json.starts_with('{') && message_walker_.index(json) &&
        message_walker_.walk(0, json.size(), storage_) == nullptr) {
      const Format format = storage_.mark == Format::kText ? Format::kJson : storage_.mark;
      storage_.leaves.push_back({line.data(), "text", static_cast<std::uint32_t>(line.size()), 4, 0, kNoField,
                                 Role::kText, Leaf::Escape::kNone, true});
      LineFields again(*map_, everything_, storage_);
      read_syslog_head(line, again);
      return format;
    }
    if (json.starts_with('{')) {  // what the walk left behind
      put_text(line);
      LineFields again(*map_, everything_, storage_);
      head = read_syslog_head(line, again);
      return Format::kSyslog;
    }
  }
  switch (read_cef(head.message, fields)) {
    case CefKind::kCef:
      return Format::kCef;
    case CefKind::kLeef:
      return Format::kLeef;
    case CefKind::kNone:
      break;
  }
  const bool pairs = read_key_values(head.message, fields);
  if (head.found) return Format::kSyslog;
  return pairs ? Format::kKeyValue : Format::kText;
}

const EventView* EventParser::next() {
  const std::string& data = batch_->data;
  while (at_ < data.size()) {
    const bool very_first = batch_->offset + at_ == 0;
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (very_first && data.starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
    const std::size_t begin = at_;
    line_ += 1 + more_lines_;
    more_lines_ = 0;
    const std::size_t first = first_not_blank(data, begin);
    if (first == data.size() || data[first] == '\n') {  // blank
      at_ = first + 1;
      continue;
    }
    const bool json = data[first] == '{';
    if (json && begin >= run_end_) open_run(begin);
    const std::size_t end = line_end(begin);
    at_ = end + 1;
    if (json) {
      if (!json_event(begin, end)) continue;
      return deliver(begin, end, storage_.mark == Format::kText ? Format::kJson : storage_.mark);
    }
    std::string_view line = std::string_view(data).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.front() == '#' && read_tsv_header_line(line, header_)) continue;
    if (header_ != nullptr && header_->csv) {
      if (const EventView* event = csv_event(begin)) return event;
    } else if (header_ != nullptr && !header_->columns.empty()) {
      if (columns_.header != header_) columns_ = resolve_tsv_columns(header_, *map_, everything_);
      if (const char* wrong = split_tsv_line(line, columns_, storage_)) {
        report(begin, end, wrong);
        continue;
      }
      return deliver(begin, end, Format::kZeekTsv);
    }
    if (very_first) header_ = read_csv_header(line);
    return deliver(begin, end, text_event(line));
  }
  return nullptr;
}

std::vector<Field> fields_of(const EventView& event, std::vector<std::string>& storage) {
  storage.clear();
  storage.reserve(event.leaves.size() * 2);
  std::vector<Field> out;
  std::string scratch;
  for (const Leaf& leaf : event.leaves) {
    const std::string& path = storage.emplace_back(event.path(leaf));
    const std::string& value = storage.emplace_back(event.text(leaf, scratch));
    out.push_back({path, value, leaf.quoted});
  }
  return out;
}

}  // namespace bongsu::telemetry
