// A stretch of whole lines of one stream, as readers and followers hand it on, and the events in it.
//
//   BadLines bad;
//   EventParser parser(bad);
//   parser.start(batch);
//   while (const EventView* event = parser.next()) …
//
// Every line is looked at for itself, so that files may be mixed: a line that begins with '{' is a JSON event, one
// under a Zeek header is a TSV event, every other is text, with whatever fields syslog.h, cef.h, key_value.h and csv.h
// find in it beside. Blank lines are skipped. A batch knows the header of a table (Zeek's or a CSV's) that holds at its
// beginning, so that batches can be parsed in any order by several threads, each with its own parser.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/bad_lines.h"
#include "telemetry/event.h"
#include "telemetry/json_walker.h"
#include "telemetry/zeek_tsv.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxLineBytes = 1024 * 1024;  // longer ones are skipped and counted
inline constexpr std::size_t kBatchBytes = 1024 * 1024;    // about; at most kBatchBytes + kMaxLineBytes

struct LineBatch {
  std::shared_ptr<const std::string> source;  // file name, "-" for standard input
  std::string data;                           // whole lines; the last may lack its newline at the end of the stream
  std::uint64_t offset = 0;                   // of data[0] in the decompressed stream
  std::uint64_t first_line = 1;
  TsvHeaderPtr header;  // in force at data[0]
};

class EventParser {
 public:
  // `everything`: leaves for every field, not only for those that have a role or are wanted.
  explicit EventParser(BadLines& bad, FieldMapPtr map = FieldMap::standard(), bool everything = false);

  // From the next batch on.
  void use(FieldMapPtr map);

  void start(const LineBatch& batch);
  // nullptr at the end of the batch. The view holds until the next call.
  const EventView* next();

  std::uint64_t events() const { return events_; }
  const std::array<std::uint64_t, kFormats>& by_format() const { return by_format_; }

 private:
  std::size_t line_end(std::size_t begin) const;
  void open_run(std::size_t begin);
  bool json_event(std::size_t begin, std::size_t end);
  const EventView* csv_event(std::size_t begin);
  Format text_event(std::string_view line);
  void put_text(std::string_view line);
  void report(std::size_t begin, std::size_t end, const char* reason);
  const EventView* deliver(std::size_t begin, std::size_t end, Format format);

  BadLines* bad_;
  FieldMapPtr map_;
  const bool everything_;
  JsonWalker walker_, message_walker_;  // of lines, of JSON in syslog's messages
  TsvColumns columns_;                  // of header_, by map_
  EventStorage storage_;
  EventView view_;
  const LineBatch* batch_ = nullptr;
  TsvHeaderPtr header_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0;
  std::uint64_t more_lines_ = 0;             // of the event that was handed out, beside its first
  std::size_t run_begin_ = 0, run_end_ = 0;  // indexed lines
  bool run_good_ = false;
  std::uint64_t events_ = 0;
  std::array<std::uint64_t, kFormats> by_format_{};
};

// The fields of an event as text, for code that looks at few events. `storage` holds what the views point into.
std::vector<Field> fields_of(const EventView& event, std::vector<std::string>& storage);

}  // namespace bongsu::telemetry
