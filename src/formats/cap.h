// Common Alerting Protocol 1.2 (OASIS Standard CAP-V1.2): alerts to the public and between authorities, as values.
//
//   BONGSU_TRY(const CapAlert alert, read_cap(xml, "alert.xml"));
//   alert.info[0].headline;
//   BONGSU_TRY(const std::string xml, write_cap(alert));
//
// Read strictly by the schema: elements in its order, its enumerations, times with an offset and no fractions. What is
// written is read again as the same. Signatures (XML-DSig) are passed over and not checked.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bongsu::formats {

inline constexpr std::string_view kCapNamespace = "urn:oasis:names:tc:emergency:cap:1.2";
inline constexpr std::size_t kMaxCapItems = 1000;  // of a list

using CapValues = std::vector<std::pair<std::string, std::string>>;  // valueName, value

struct CapResource {
  std::string description, mime_type, size, uri, deref_uri, digest;
  bool operator==(const CapResource&) const = default;
};
struct CapArea {
  std::string description;
  std::vector<std::string> polygons, circles;  // as written: "55.7,21.1 55.5,22.5 …", "54.9,23.9 10"
  CapValues geocodes;
  std::string altitude, ceiling;
  bool operator==(const CapArea&) const = default;
};
// Empty: not said. Required: categories, event, urgency, severity, certainty.
struct CapInfo {
  std::string language;
  std::vector<std::string> categories;
  std::string event;
  std::vector<std::string> response_types;
  std::string urgency, severity, certainty, audience;
  CapValues event_codes;
  std::string effective, onset, expires, sender_name, headline, description, instruction, web, contact;
  CapValues parameters;
  std::vector<CapResource> resources;
  std::vector<CapArea> areas;
  bool operator==(const CapInfo&) const = default;
};
// Required: identifier, sender, sent, status, message_type, scope.
struct CapAlert {
  std::string identifier, sender, sent, status, message_type, source, scope, restriction, addresses;
  std::vector<std::string> codes;
  std::string note, references, incidents;
  std::vector<CapInfo> info;
  bool operator==(const CapAlert&) const = default;
};

// "2027-01-19T07:00:00-00:00", "…+02:00": a date and time as the standard wants it (§3.2.1; UTC is -00:00).
bool is_cap_time(std::string_view text);

// kInvalid names line and element; kTooLarge.
Result<CapAlert> read_cap(std::string_view xml, std::string_view source_name);
// kInvalid names the element that the standard would refuse.
Result<std::string> write_cap(const CapAlert& alert);

}  // namespace bongsu::formats
