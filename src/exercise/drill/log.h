// The log of a drill: everything that went in and everything that came of it, in the order in which it was decided, so
// that state, score and report are functions of it alone.
//
//   LogWriter writer;
//   file << writer.line({.seq = writer.next_seq(), .at_ms = 61'000, .wall = now, .kind = Kind::kFired, .ref =
//   "phish"}); const LogRead read = read_log(text, "winter.drill"); if (read.trouble) print(read.trouble->text());   //
//   "winter.drill:812: the line is cut off: 811 entries …" for (const Entry* entry : counting(read.entries)) …   //
//   without what a jump back undid
//
// A line is an entry as canonical JSON (RFC 8785) and ends with "whole": SHA-256 over the hash of the line before (64
// zeros before the first) and the line's own text without ',"whole":"…"'. So whatever was cut off, edited, left out or
// put in shows at its line; everything before is whole. It is a check against accidents and careless hands: who can
// write the file can compute hashes, and whoever wants more keeps the last hash elsewhere.
//
// Branches: entries are never removed. A jump back (control "jump_back", data.to_ms) starts the next run; entries of
// earlier runs count no longer if they lie after that time. Readers ask `counting`; a listing shows the others as
// undone.
//
// What each kind holds: ref · {data}. Times in data are drill times in milliseconds.
//
//   control     verb (input.h) · {by, inject, reason, speed, to_ms}; its own end by the clock: {clock: true}
//               "opened" · {scenario, scenario_sha256, seed, teams, label, format, step_ms, sample_ms, background_ms,
//               …}
//   fired       inject · {occurrence, by}; team "": for those outside teams
//   not_fired   inject · {why, occurrence}: conditions, story_ended, not_approved, refused, drill_ended, chance
//   delivery    its id · {inject, channel, number, roles, to}: text stands in the scenario, at deliver[number]
//               a complaint's: {complaint, channel, to}
//   telemetry   its id · {inject, lines, first_ms, sha256}: the lines are made anew from scenario and seed
//   order       target · {kind, value, by, inject, accepted, crew}; by: inject, undone, team; refused: the text says
//   why event       what it happened to · {kind, id, cause, magnitude, inject, at_ms}; cause: another's id on this
//   range probe       service · {up, injects}: the answer changed, or is the first; injects: whose effects lie beneath
//   it sample      "" · consequences on the team's range so far, when they differ from the last sample's complaint
//   service · {down_ms, number}: a simulated user lost patience condition   condition · {holds}: it changed, for this
//   team's range; team "": for all evidence    how it is known (input.h: alert, shared, …) · {by, object, type,
//   patterns, to, label, …} grade, appeal, ruling   the form's entry, its seq as text · {by, part, why} violation
//   object · {rule, label, to, evidence}: somebody got what a label keeps from him, or it lets too much out
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace bongsu::exercise::drill {

inline constexpr std::size_t kMaxLogLineBytes = 1024 * 1024;
inline constexpr std::size_t kMaxLogEntries = 20'000'000;

enum class Kind : std::uint8_t {
  kControl,
  kFired,
  kDelivery,
  kNotFired,
  kTelemetry,
  kOrder,
  kEvent,
  kProbe,
  kSample,
  kComplaint,
  kCondition,
  kEvidence,
  kGrade,
  kAppeal,
  kRuling,
  kViolation,
};
inline constexpr std::size_t kKinds = 16;
std::string_view to_string(Kind kind);  // "control", "not_fired", …
std::optional<Kind> kind_of(std::string_view word);

struct Entry {
  std::uint64_t seq = 0;   // 1, 2, 3, …: no gap
  std::uint32_t run = 1;   // raised by each jump back
  std::int64_t at_ms = 0;  // drill time
  Instant wall;            // when the input came, or when the drill's clock reached at_ms; whole microseconds
  Kind kind = Kind::kControl;
  std::string team;  // "" where it concerns all or none
  std::string ref;   // what it is about, by its name in the scenario
  std::string text;  // a sentence for people
  JsonObject data;

  bool operator==(const Entry&) const = default;
};

class LogWriter {
 public:
  LogWriter() = default;
  // Goes on after what was read.
  explicit LogWriter(const struct LogRead& read);

  std::uint64_t next_seq() const { return seq_ + 1; }
  // The entry's line with its end. The entry's seq has to be next_seq (aborts otherwise), its text UTF-8: bytes that
  // are not become U+FFFD.
  std::string line(const Entry& entry);
  const std::string& last_hash() const { return hash_; }

 private:
  std::uint64_t seq_ = 0;
  std::string hash_ = std::string(64, '0');
};

struct LogRead {
  std::vector<Entry> entries;   // the whole ones from the beginning on
  std::size_t whole_bytes = 0;  // of the text: a writer that goes on cuts the file to this length first
  std::string last_hash = std::string(64, '0');
  std::optional<Error>
      trouble;  // kCorrupt with source and line: the first line that is not whole, what is wrong, what was kept
};

// Never fails: a log without a whole line is an empty one with its trouble.
LogRead read_log(std::string_view text, const std::string& source);

// A number as it reads back from a line: whole ones as integers.
Json json_number(double value);
// The same for everything in it: data that is made equals data that is read.
void as_read(Json& data);

// Without what later jumps back undid, in the order of the log.
std::vector<const Entry*> counting(std::span<const Entry> entries);

}  // namespace bongsu::exercise::drill
