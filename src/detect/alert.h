// An alert: one event that matched one indicator, as a value that goes into the journal and over the wire to the
// console.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "detect/indicator.h"
#include "detect/triage/entity.h"
#include "telemetry/event.h"

namespace bongsu::detect {

struct WarningListHit {
  std::string list;  // name of the MISP warning list
  std::string type;  // "cidr", "hostname", "string", "substring", "regex"
};

// What matched, when it was a rule and not one value.
struct AlertRule {
  std::string language;                 // "stix" (a pattern of several comparisons), "sigma", "yara"
  std::string name;                     // title
  std::string level;                    // Sigma's: "informational", "low", "medium", "high", "critical"; may be empty
  std::vector<std::string> techniques;  // ATT&CK ids: "T1059.001"
  std::vector<telemetry::Position> events;  // others that took part, in their order
  std::uint64_t left_out = 0;               // of those, beyond kMaxAlertEvents
};

struct Alert {
  std::string id;  // "alert--uuid", UUIDv5 of (source, offset, indicator, field, and rule): the same match is the same alert
  std::string indicator_id;  // STIX id of the indicator, or "list:FILE:LINE" for plain lists
  std::uint64_t indicator_ref = 0;
  Value value;          // what the indicator looks for
  std::string field;    // where in the event
  std::string matched;  // the field's text as it stood in the event
  telemetry::Position position;
  std::optional<Instant> event_time;
  Instant detected;
  std::string event;  // the event's bytes (cut to kMaxAlertEventBytes, event_cut says so)
  bool event_cut = false;
  int confidence = -1;
  std::vector<WarningListHit> warning_lists;  // likely false positive, and why; marks, never hides
  std::string source;                         // origin member of the indicator, or the list's name
  std::optional<AlertRule> rule;
  Entity entity;                           // whom it is about (triage/entity.h); no name: not known
  std::optional<Instant> indicator_time;  // when the version of the indicator that matched was made, where known
  std::string label;  // policy::Label text of the indicator; opaque here

  // Sets the id from position, indicator_id and field, as alert_id does, and of a rule its language and name: one
  // indicator may hold several. An alert that comes from a sensor names its
  // indicator by indicator_ref alone; who fills in indicator_id calls this then.
  void assign_id();

  Json json() const;
  static Result<Alert> parse(const Json& json);
};

inline constexpr std::size_t kMaxAlertEventBytes = 64 * 1024;
inline constexpr std::size_t kMaxAlertEvents = 100;
inline constexpr std::size_t kMaxAlertTechniques = 64;

// "alert--" and the UUIDv5 of source, offset in decimal, indicator id and field, joined with NUL bytes, in a namespace
// of ours.
std::string alert_id(const telemetry::Position& position, std::string_view indicator_id, std::string_view field);

}  // namespace bongsu::detect
