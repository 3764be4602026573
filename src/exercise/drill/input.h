// What comes into a drill: exercise control's hand, and traces of what teams did. All of it is logged before it counts.
//
//   drill.take(Control{.verb = Verb::kStart, .by = "white/ana"}, now);
//   drill.take(Evidence{.as = As::kAlert, .team = "lt-blue", .object = "alert--…",
//                       .patterns = {"[ipv4-addr:value = '203.0.113.9']"}, .telemetry_ms = 3'600'500}, now);
//   drill.take(Evidence{.as = As::kShared, .team = "lt-blue", .object = "indicator--…", .type = "indicator",
//                       .patterns = {…}, .to = {"ua-blue"}, .label = "amber marked"}, now);
//
// Evidence is a trace that a node, a range or the console left by itself (an alert that was raised, an object that went
// into a partner's outbox, an order that was given), never what a team says of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "exercise/drill/log.h"

namespace bongsu::exercise::drill {

inline constexpr std::size_t kMaxInputItems = 10'000;      // patterns, recipients of one input
inline constexpr std::size_t kMaxInputBytes = 256 * 1024;  // of one input as JSON

enum class Verb : std::uint8_t {
  kOpened,  // written by the drill itself
  kStart,   // the clock runs
  kPause,
  kResume,
  kSpeed,     // hours of the drill an hour of the day, within the scenario's limits
  kJumpBack,  // to an earlier time: what came after no longer counts
  kEnd,       // before its time
  kInject,    // by hand, now, whatever it would wait for; also a second time
  kApprove,   // an inject that waits for exercise control
  kRefuse,    // likewise, with the reason: it never comes
};
std::string_view to_string(Verb verb);  // "start", "jump_back"; as the entry's ref

struct Control {
  Verb verb = Verb::kStart;
  std::string by;          // who, for the record
  double speed = 1;        // kSpeed
  std::int64_t to_ms = 0;  // kJumpBack
  std::string inject;      // kInject, kApprove, kRefuse
  std::string team;        // of the inject's teams; empty: all of them
  std::string reason;
  bool operator==(const Control&) const = default;
};

enum class As : std::uint8_t {
  kAlert,     // raised on the team's node: object, patterns (of its indicators; empty for a rule), telemetry_ms
  kSighting,  // the team published one: object, patterns of what was sighted, to, label
  kShared,    // an object left for others: object, type, patterns, to, label
  kObject,    // the team published it at home: object, type, patterns, label
  kForm,      // handed in: object, type: the form's name, fields, inject if it names one
  kOrder,     // to the range, given by the team: type: a word of effect_kinds, target, value; object "crew": by people
              // who go there. The drill carries it out
  kPlaybook,  // a step was done: object: the playbook, type: the step, inject if known
  kReply,     // to a delivery: object: its id, text; also of an entity outside teams
  kJudged,  // by exercise control: inject and expectation, or a metric in `expectation`; value: the part reached, 0 to
            // 1
  kAcknowledged,  // a participant read a delivery: object: its id
  kDelivered,     // the host carried out a delivery or wrote telemetry: object: its id. It isn't offered again
  kViolation,     // a node's release or a reader found one: object, type: the rule, label, to, text
};
std::string_view to_string(As as);  // "alert", "shared": the entry's ref

struct Evidence {
  As as = As::kAlert;
  std::string team;  // whose deed, an entity of the scenario
  std::string by;    // account or program
  std::string object, type;
  std::string inject, expectation;
  std::vector<std::string> patterns;  // STIX patterns
  std::vector<std::string> to;        // teams that it became visible to
  std::string label;  // policy::Label::text(); empty: none, which is a violation where something was shared
  std::string target;
  std::optional<double> value;
  std::optional<std::int64_t> telemetry_ms;  // drill time of the record that raised the alert
  JsonObject fields;
  std::string text;
  bool operator==(const Evidence&) const = default;
};

// A form's worth, by its entry. Two graders each; see scoring/score.h.
struct Grade {
  std::uint64_t form = 0;  // seq of the evidence
  std::string by;          // who is told apart from other graders: at a desk the account, which a token stands for
  std::string name;        // what he calls himself
  double part = 0;         // 0 to 1
  std::string why;
  bool operator==(const Grade&) const = default;
};
struct Appeal {
  std::uint64_t form = 0;
  std::string team, by, why;
  bool operator==(const Appeal&) const = default;
};
struct Ruling {  // exercise control's, which settles it
  std::uint64_t form = 0;
  std::string by;
  double part = 0;
  std::string why;
  bool operator==(const Ruling&) const = default;
};

using Input = std::variant<Control, Evidence, Grade, Appeal, Ruling>;

// The entry that records it: kind, team, ref, text, data. kTooLarge beyond the limits; kInvalid: numbers that are
// not finite, parts that are none. Text that is not UTF-8 is kept with U+FFFD in its place.
Result<Entry> entry_of(const Input& input);
// Exactly the inverse; nullopt: the entry records no input (what the drill itself did). kCorrupt names the field.
Result<std::optional<Input>> input_of(const Entry& entry);
// Evidence entries are read often, in scoring too. kCorrupt likewise.
Result<Evidence> evidence_of(const Entry& entry);

}  // namespace bongsu::exercise::drill
