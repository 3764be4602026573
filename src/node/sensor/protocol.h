// What keeper and sensor say to each other, in frames over a socket pair (net/frame_channel.h). Down: sources, warning lists,
// indicators. Up: alerts with the positions that were read up to, so that both become durable in one commit and a sensor that
// died goes on exactly behind its last alert.
//
// The sensor is not trusted: everything that comes up is parsed strictly, with limits, and a sensor that breaks the protocol is restarted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "detect/alert.h"
#include "detect/indicator.h"
#include "detect/work_slot.h"

namespace bongsu::node {

enum class Down : std::uint8_t {
  kStart = 1,       // StartMessage as JSON: what to read from where, warning lists, sandbox
  kAdd = 2,         // indicators
  kRemove = 3,      // their refs
  kLoaded = 4,      // the first set is complete: begin to read
  kAddRules = 5,    // rules
  kDurable = 16,    // how many messages of alerts have become durable, u64
};
enum class Up : std::uint8_t {
  kReady = 1,       // locked in; JSON: {"sandboxed": bool}
  kAlerts = 2,      // AlertsMessage as JSON
  kStats = 3,       // SensorStats as JSON, once a second
  kProblem = 4,     // a sentence: a source that cannot be read, a warning list that is broken
  kApplied = 5,     // how many indicator changes have taken effect, u64
  kRefused = 6,     // RefusedMessage as JSON: rules that cannot be built
};

struct PositionUpdate {
  std::string file, position;  // telemetry::FollowPosition as JSON
};

struct SourceState {
  std::string path;            // a file, or a directory whose files are followed
  bool from_start = true;
};

// Where and how the sensor keeps what it reads; no directory: not at all.
struct ArchiveOptions {
  std::string directory;
  std::uint64_t keep_for_s = 30 * 86'400, keep_bytes = 20ULL << 30;
  int share_percent = 25;                // of one core, for looking back and for writing segments
  // Smaller in tests that kill the process often.
  std::uint64_t segment_bytes = 64ULL << 20;   // of lines: then what was spooled becomes a segment,
  std::uint64_t segment_after_ms = 600'000;    // or when it is so old
  std::uint64_t commit_every_ms = 1'000;       // spool and positions become durable together
  std::uint64_t hunt_every_ms = 1'000;         // what is admitted meanwhile is hunted for together
};

struct StartMessage {
  std::vector<SourceState> sources;
  std::vector<PositionUpdate> positions;  // of files that were read before
  std::vector<std::string> warning_lists;
  std::vector<std::string> maps;          // documents of fields (telemetry/field_map_document.h)
  ArchiveOptions archive;
  std::string user;
  bool sandbox = true;
  detect::Suspects suspects;              // rules that are to be tried apart (crash_watch.h)
  std::vector<detect::Language> held;     // languages whose rules are refused
  Json json() const;
  static Result<StartMessage> parse(std::string_view text);
};

struct AlertsMessage {
  std::vector<detect::Alert> alerts;
  std::vector<PositionUpdate> positions;  // may stand without alerts
  bool hunted = false;                    // found by looking back: how long it took says nothing about the live way
  std::string text() const;
  static Result<AlertsMessage> parse(std::string_view text);
};

struct ArchiveStats {
  std::uint64_t segments = 0, stored_bytes = 0, spooled_bytes = 0, lost_bytes = 0;  // spooled, lost: of lines
  std::uint64_t waiting = 0;             // indicators that have not been hunted back for
  std::uint64_t hunting = 0, hunt_files = 0, hunt_files_done = 0;  // indicators and files of the hunt at hand
  std::uint64_t hunts = 0, hunt_alerts = 0;                        // finished since the start; found by all
};

// Rules that are no good, with the reason; they are not looked for.
struct RefusedRule {
  std::uint64_t ref = 0;
  std::string reason;
  bool aside = false;  // it can be built, and does harm: not to be given to a sensor again
};
struct RefusedMessage {
  std::vector<RefusedRule> rules;
  std::string text() const;
  static Result<RefusedMessage> parse(std::string_view text);
};

struct SensorStats {
  std::uint64_t events = 0, bytes = 0, bad_lines = 0, indicators = 0, alerts = 0, files = 0;
  ArchiveStats archive;
  std::string text() const;
  static Result<SensorStats> parse(std::string_view text);
};

inline constexpr std::size_t kMaxSources = 10'000;
inline constexpr std::size_t kMaxAlertsPerMessage = 1'000;
inline constexpr std::size_t kMaxPositionBytes = 4'096;
inline constexpr std::size_t kIndicatorsPerFrame = 20'000;
inline constexpr std::size_t kRefusedPerMessage = 1'000;
inline constexpr std::size_t kRefusedReasonBytes = 500;

// Indicators as packed little-endian records: ref u64, kind u8, confidence i8, flags u8 (1 = from, 2 = until),
// [from i64 s, i32 ns], [until i64 s, i32 ns], length u32, text.
std::string pack_indicators(const std::vector<detect::Indicator>& indicators);
Result<std::vector<detect::Indicator>> unpack_indicators(std::string_view bytes);
// Rules likewise: ref u64, language u8, confidence i8, flags u8, [from], [until], length u32, text.
std::string pack_rules(const std::vector<detect::Rule>& rules);
Result<std::vector<detect::Rule>> unpack_rules(std::string_view bytes);
std::string pack_refs(const std::vector<std::uint64_t>& refs);
Result<std::vector<std::uint64_t>> unpack_refs(std::string_view bytes);

}  // namespace bongsu::node
