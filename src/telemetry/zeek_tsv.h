// Zeek's tab-separated logs: the header lines, and a line split by them.
//
//   #separator \x09
//   #set_separator	,
//   #empty_field	(empty)
//   #unset_field	-
//   #path	dns
//   #fields	ts	uid	id.orig_h	answers
//   #types	time	string	addr	vector[string]
//
// Header lines may come again in the middle of a file (logs put one after the other); #close ends their validity.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/event.h"
#include "telemetry/json_walker.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxTsvColumns = 1024;

struct TsvHeader {
  struct Column {
    std::string name, type;
    bool list = false;  // set[…] or vector[…]
  };
  char separator = '\t';
  std::string set_separator = ",";
  std::string empty_field = "(empty)";
  std::string unset_field = "-";
  std::string path;
  std::vector<Column> columns;
  bool csv = false;  // not Zeek's: csv.h
};
// Never changed once it is shared.
using TsvHeaderPtr = std::shared_ptr<const TsvHeader>;

// True when the line is one of Zeek's header lines; then `header` is replaced by what holds after it (nothing after
// #close).
bool read_tsv_header_line(std::string_view line, TsvHeaderPtr& header);

// What a map says of a header's columns.
struct TsvColumns {
  struct Column {
    Role role = Role::kShape;
    FieldId field = kNoField;
    bool wanted = true;  // of a role and type that anything is looked for in, or asked for
  };
  TsvHeaderPtr header;
  std::vector<Column> columns;
  FieldId path_field = kNoField;  // of "_path", when it is wanted: Zeek's JSON writers put the log's name there
};
TsvColumns resolve_tsv_columns(TsvHeaderPtr header, const FieldMap& map, bool everything = false);

// Splits a line by the header. nullptr, or what is wrong with it.
const char* split_tsv_line(std::string_view line, const TsvColumns& by, EventStorage& out);

}  // namespace bongsu::telemetry
