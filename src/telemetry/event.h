// One event of telemetry, whatever reader it came from: its bytes, its time, and its fields as a flat list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace bongsu::telemetry {

// Where an event was read: enough to find it again.
struct Position {
  std::string source;        // file name, "-" for standard input
  std::uint64_t offset = 0;  // of its first byte in the (decompressed) stream
  std::uint64_t line = 0;    // 1-based
};

// A leaf of the event. Views point into the event's own storage and live as long as it.
struct Field {
  std::string_view path;     // "id.orig_h", "Event.EventData.Hashes", "tls.sni"
  std::string_view value;    // text; numbers and booleans as they were written
  bool quoted = false;       // was a JSON string (or text field)
};

}  // namespace bongsu::telemetry
