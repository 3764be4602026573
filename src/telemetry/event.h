// One event of telemetry, whatever reader it came from: its bytes, its time, and its fields as a flat list.
//
// The hot path hands out EventView: views into the reader's batch, good until the next event is asked for. Field is the
// comfortable form (fields_of), for code that looks at few events.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "telemetry/field_map.h"

namespace bongsu::telemetry {

// Where an event was read: enough to find it again.
struct Position {
  std::string source;        // file name, "-" for standard input
  std::uint64_t offset = 0;  // of its first byte in the (decompressed) stream
  std::uint64_t line = 0;    // 1-based
};

// A leaf of the event. Views point into the event's own storage and live as long as it.
struct Field {
  std::string_view path;   // "id.orig_h", "Event.EventData.Hashes", "tls.sni"
  std::string_view value;  // text; numbers and booleans as they were written
  bool quoted = false;     // was a JSON string (or text field)
};

// A leaf as the walkers leave it: raw bytes, and what the field map says about them.
struct Leaf {
  // How escapes would be written; whether there are any is for EventView::text to see. kNone: there are none.
  enum class Escape : std::uint8_t { kNone, kJson, kZeek, kCef, kQuoted, kCsv };

  const char* value = nullptr;  // between the quotes; escapes not yet undone
  const char* key = nullptr;    // last part of the path, escapes undone
  std::uint32_t size = 0;
  std::uint32_t key_size = 0;
  std::uint16_t parent = 0;  // container, index into EventView::nodes
  FieldId field = kNoField;  // row of the field map
  Role role = Role::kShape;
  Escape escape = Escape::kNone;
  bool quoted = false;

  std::string_view raw() const { return {value, size}; }
};

// A container that leaves stand in; node 0 is the event itself.
struct Node {
  const char* key = nullptr;
  std::uint32_t key_size = 0;
  std::uint16_t parent = 0;
};

struct EventView {
  std::string_view raw;  // the line without its end
  std::uint64_t offset = 0;
  std::uint64_t line = 0;
  Format format = Format::kText;
  std::span<const Leaf> leaves;  // in the order of the line
  std::span<const Node> nodes;

  // The event's own time, if a time field of the map is there and can be read. Times without a zone are read as UTC.
  std::optional<Instant> time() const;
  // "event_data.Hashes": keys joined with dots, list indices left out.
  std::string path(const Leaf& leaf) const;
  // The leaf's text with escapes undone; `scratch` holds it when there were any.
  std::string_view text(const Leaf& leaf, std::string& scratch) const;
};

// RFC 3339; "2020-06-10 02:50:54.631" (as UTC); offset without a colon (Suricata); seconds since 1970 with a fraction
// (Zeek); milli-, micro- or nanoseconds in thirteen, sixteen or nineteen digits (CEF, firewalls).
std::optional<Instant> parse_event_time(std::string_view text);

// Undo JSON's escapes (RFC 8259 §7; a lone surrogate becomes U+FFFD) and Zeek's (\xHH, \\).
void unescape_json(std::string_view raw, std::string& out);
void unescape_zeek(std::string_view raw, std::string& out);
// CEF: \\, \|, \= and the line ends \n and \r. Quoted (RFC 5424 §6.3.3, logfmt): \", \\ and \]. Any other backslash
// stays. CSV: "" is ".
void unescape_cef(std::string_view raw, std::string& out);
void unescape_quoted(std::string_view raw, std::string& out);
void unescape_csv(std::string_view raw, std::string& out);
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace bongsu::telemetry
