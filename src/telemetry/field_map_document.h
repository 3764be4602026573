// A map of fields as a document in TOML: what a user writes to teach Bongsu a new kind of log.
//
//   format = "json"                       # whose lines these are: json, windows, zeek-json, zeek-tsv, suricata-eve,
//   syslog,
//                                         # cef, leef, csv, key-value, text
//
//   [field]
//   "client.name" = "host"                # path = role (field_map.h)
//   "cmd"         = { role = "text", sigma = ["CommandLine"], stix = ["process:command_line"] }
//   "kind"        = { role = "ignored", marks = true }      # a line that has it is of this format
//
//   [[logsource]]                         # Sigma: which events are these, and where are their fields
//   product  = "acme"
//   category = "process_creation"
//   when     = { kind = "exec", action = ["start", "fork"] }    # each field has one of the values
//   fields   = { Image = "client.exe", User = ["user", "uid"] } # Sigma's name → path, or paths
//
// Unknown keys are errors. Every error names source and line.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/field_map.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxMapDocumentBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxMapNames = 64;  // of one field, values of a condition, paths of a name

// Adds what the document says to `builder`, or nothing at all. kInvalid, kTooLarge.
Result<void> read_map_document(std::string_view toml, const std::string& source, FieldMapBuilder& builder);

// The maps that come with the program and those of these files. Errors as read_map_document, and kNotFound, kIo.
Result<FieldMapPtr> read_maps(const std::vector<std::string>& files);

// The documents of src/telemetry/maps, as they were compiled in.
struct EmbeddedMap {
  std::string_view name, text;
};
std::span<const EmbeddedMap> embedded_maps();

}  // namespace bongsu::telemetry
