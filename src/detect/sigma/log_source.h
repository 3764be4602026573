// Which events a rule's log source means, by the map's declarations (telemetry/field_map.h), and where its fields are.
//
// A declared source belongs to a rule when it has every attribute that the rule names: `product: windows, category:
// process_creation` is part of what a rule for `category: process_creation` looks at. If there is none, the nearest
// less special one with the rule's product stands in. If there is none of that either, the rule is looked for in events
// that no declared product claims (lines of text, JSON of unknown programs).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/rule.h"
#include "telemetry/field_map.h"

namespace bongsu::detect::sigma {

struct Sources {
  enum class Fit : std::uint8_t {
    kDeclared,
    kLoose,  // by a less special declaration
    kNone,   // by no declaration
  };
  Fit fit = Fit::kNone;
  std::vector<std::size_t> rows;  // of map.log_sources(); empty for kNone
};
Sources sources_of(const LogSourceName& name, const telemetry::FieldMap& map);

// Paths that Sigma's `field` may stand at in events of `source` (nullptr: events of no declared source), the path that
// is written like it among them unless the source says otherwise. "winlog.event_data.X" is X.
std::vector<std::string> paths_of(std::string_view field, const telemetry::LogSource* source,
                                  const telemetry::FieldMap& map);

// Do events of this format belong to the row's format? Zeek's two are one.
bool same_format(telemetry::Format a, telemetry::Format b);

}  // namespace bongsu::detect::sigma
