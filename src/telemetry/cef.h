// The two formats of security products, alone on a line or in the message of a syslog line.
//
//   CEF:0|Vendor|Product|1.0|100|Name with a \| in it|9|src=10.0.0.1 request=http://evil.example/a\=b msg=Detected a
//   \\ here LEEF:1.0|Vendor|Product|1.0|EventID|src=10.0.0.1<tab>url=http://evil.example/
//   LEEF:2.0|Vendor|Product|1.0|EventID|^|src=10.0.0.1^url=http://evil.example/          (or a code: 0x5e, x5e)
//
// ArcSight Common Event Format (version 0 and 1): header fields as cef.device_vendor, .device_product, .device_version,
// .event_class_id, .name, .severity; the extension's by their keys, cef.src. A value ends at the blank before the next
// key=; an
// "=" without a backslash that no key stands before is the value's own, as many products write it. IBM Log Event
// Extended Format: leef.vendor, .product, .version, .event_id and the attributes.
#pragma once

#include <string_view>

#include "telemetry/line_fields.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kCefSearchBytes = 256;  // before which "CEF:" or "LEEF:" must begin

enum class CefKind { kNone, kCef, kLeef };

// Finds the event in `text` and adds its fields. kNone: there is none, and nothing was added.
CefKind read_cef(std::string_view text, LineFields& fields);

}  // namespace bongsu::telemetry
