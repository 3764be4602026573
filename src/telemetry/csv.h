// Comma-separated values with a header (RFC 4180), known by the first line of a stream: names of columns, all
// different, between commas, semicolons, tabs or bars.
//
//   time,src_ip,"user, full",url
//   2024-05-10T00:00:00Z,198.51.100.7,"Smith, ""Jo""",http://evil.example/
//
// A quoted field may go over several lines, up to the limits below. A line that does not have the header's number of
// fields is a line of text like any other; so is the header itself. The guess therefore loses nothing.
#pragma once

#include <string_view>

#include "telemetry/line_fields.h"
#include "telemetry/zeek_tsv.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMinCsvColumns = 3;
inline constexpr std::size_t kMaxCsvNameBytes = 64;
inline constexpr std::size_t kMaxCsvRecordLines = 64;
inline constexpr std::size_t kMaxCsvRecordBytes = 64 * 1024;  // of one that goes over several lines

// The header that a stream's first line is; nullptr: it is none.
TsvHeaderPtr read_csv_header(std::string_view line);

// The newline (or the end of data) behind the record that begins at `at`, and how many lines it has. `open`: a quoted
// field is not closed within data and the limits; then the record is its first line.
struct CsvRecord {
  std::size_t end = 0;
  std::size_t lines = 1;
  bool open = false;
};
CsvRecord find_csv_record(std::string_view data, std::size_t at, char separator);

// False, and nothing added: not as many fields as the header has.
bool split_csv_record(std::string_view record, const TsvHeader& header, LineFields& fields);

}  // namespace bongsu::telemetry
