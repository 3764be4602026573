#include "node/sensor/protocol.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>

namespace bongsu::node {
namespace {

constexpr std::uint8_t kHasFrom = 1, kHasUntil = 2;

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

std::unexpected<Error> broken(const char* what) { return fail(ErrorCode::kInvalid, fmt::format("the sensor protocol was broken: {}", what)); }

std::uint64_t number(const Json& json, std::string_view key) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, int_at(json, key).value_or(0))); }

// All 64 bits of it: JSON's numbers are signed here until they are too large for that.
std::uint64_t whole_number(const Json& json, std::string_view key) {
  const Json* value = find(json, key);
  if (value == nullptr) return 0;
  return value->is_uint64() ? value->get_uint64() : value->is_int64() ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

Result<const JsonArray*> list(const Json& json, std::string_view key, std::size_t most) {
  const Json* value = find(json, key);
  if (value == nullptr || !value->is_array()) return broken("a list is missing");
  if (value->get_array().size() > most) return broken("a list is too long");
  return &value->get_array();
}

JsonArray positions_json(const std::vector<PositionUpdate>& positions) {
  JsonArray out;
  for (const auto& update : positions) out.push_back(JsonObject{{"file", update.file}, {"position", update.position}});
  return out;
}

Result<std::vector<PositionUpdate>> positions_of(const Json& json) {
  std::vector<PositionUpdate> out;
  BONGSU_TRY(const JsonArray* positions, list(json, "positions", kMaxSources));
  for (const Json& update : *positions) {
    const auto file = string_at(update, "file");
    const auto position = string_at(update, "position");
    if (!file || !position || file->size() > kMaxPositionBytes || position->size() > kMaxPositionBytes) return broken("a position is malformed");
    out.push_back({.file = std::string(*file), .position = std::string(*position)});
  }
  return out;
}

Json suspect_json(const detect::Suspect& suspect) {
  JsonObject out{{"language", detect::to_string(suspect.language)}, {"first", suspect.refs.first}, {"last", suspect.refs.last}, {"leave_out", suspect.leave_out}};
  if (suspect.event) out["event"] = JsonObject{{"source", suspect.event->source}, {"offset", suspect.event->offset}};
  return out;
}

std::optional<detect::Suspect> suspect_of(const Json& json) {
  const auto language = detect::parse_language(string_at(json, "language").value_or(""));
  if (!language) return std::nullopt;
  detect::Suspect out{.language = *language, .event = {}, .refs = {whole_number(json, "first"), whole_number(json, "last")}, .leave_out = bool_at(json, "leave_out").value_or(false)};
  if (const Json* event = find(json, "event")) out.event = detect::EventMark{whole_number(*event, "source"), whole_number(*event, "offset")};
  return out;
}

}  // namespace

Json StartMessage::json() const {
  JsonArray all;
  for (const auto& source : sources) all.push_back(JsonObject{{"path", source.path}, {"from_start", source.from_start}});
  JsonArray lists;
  for (const auto& path : warning_lists) lists.emplace_back(path);
  JsonArray map_files;
  for (const auto& path : maps) map_files.emplace_back(path);
  JsonArray apart, languages;
  for (const auto& suspect : suspects) apart.push_back(suspect_json(suspect));
  for (const auto language : held) languages.emplace_back(detect::to_string(language));
  return JsonObject{{"sources", std::move(all)}, {"positions", positions_json(positions)}, {"warning_lists", std::move(lists)}, {"maps", std::move(map_files)}, {"user", user}, {"sandbox", sandbox},
                    {"suspects", std::move(apart)}, {"held", std::move(languages)},
                    {"archive", JsonObject{{"directory", archive.directory}, {"keep_for_s", archive.keep_for_s}, {"keep_bytes", archive.keep_bytes}, {"share_percent", archive.share_percent},
                                           {"segment_bytes", archive.segment_bytes}, {"segment_after_ms", archive.segment_after_ms},
                                           {"commit_every_ms", archive.commit_every_ms}, {"hunt_every_ms", archive.hunt_every_ms}}}};
}

Result<StartMessage> StartMessage::parse(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  StartMessage message;
  BONGSU_TRY(const JsonArray* sources, list(json, "sources", kMaxSources));
  for (const Json& source : *sources)
    message.sources.push_back({.path = std::string(string_at(source, "path").value_or("")),
                               .from_start = bool_at(source, "from_start").value_or(true)});
  BONGSU_TRY(message.positions, positions_of(json));
  BONGSU_TRY(const JsonArray* lists, list(json, "warning_lists", kMaxSources));
  for (const Json& path : *lists)
    if (path.is_string()) message.warning_lists.emplace_back(path.get_string());
  BONGSU_TRY(const JsonArray* map_files, list(json, "maps", kMaxSources));
  for (const Json& path : *map_files)
    if (path.is_string()) message.maps.emplace_back(path.get_string());
  BONGSU_TRY(const JsonArray* suspects, list(json, "suspects", kMaxSources));
  for (const Json& one : *suspects)
    if (const auto suspect = suspect_of(one)) message.suspects.push_back(*suspect);
  BONGSU_TRY(const JsonArray* held, list(json, "held", detect::kLanguages));
  for (const Json& name : *held)
    if (const auto language = name.is_string() ? detect::parse_language(name.get_string()) : std::nullopt) message.held.push_back(*language);
  if (const Json* archive = find(json, "archive")) {
    message.archive.directory = std::string(string_at(*archive, "directory").value_or(""));
    message.archive.keep_for_s = number(*archive, "keep_for_s");
    message.archive.keep_bytes = number(*archive, "keep_bytes");
    message.archive.share_percent = static_cast<int>(std::clamp<std::int64_t>(int_at(*archive, "share_percent").value_or(25), 1, 100));
  }
  if (const Json* archive = find(json, "archive"); archive != nullptr && !message.archive.directory.empty()) {
    message.archive.segment_bytes = number(*archive, "segment_bytes");
    message.archive.segment_after_ms = number(*archive, "segment_after_ms");
    message.archive.commit_every_ms = std::min<std::uint64_t>(number(*archive, "commit_every_ms"), 10'000);
    message.archive.hunt_every_ms = number(*archive, "hunt_every_ms");
  }
  message.user = std::string(string_at(json, "user").value_or(""));
  message.sandbox = bool_at(json, "sandbox").value_or(true);
  return message;
}

std::string AlertsMessage::text() const {
  JsonArray all;
  for (const auto& alert : alerts) all.push_back(alert.json());
  JsonObject out{{"alerts", std::move(all)}, {"positions", positions_json(positions)}};
  if (hunted) out["hunted"] = true;
  return to_text(out);
}

Result<AlertsMessage> AlertsMessage::parse(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  AlertsMessage message;
  BONGSU_TRY(const JsonArray* alerts, list(json, "alerts", kMaxAlertsPerMessage));
  for (const Json& alert : *alerts) {
    BONGSU_TRY(auto parsed, detect::Alert::parse(alert));
    message.alerts.push_back(std::move(parsed));
  }
  BONGSU_TRY(message.positions, positions_of(json));
  message.hunted = bool_at(json, "hunted").value_or(false);
  return message;
}

std::string SensorStats::text() const {
  return to_text(JsonObject{{"events", events}, {"bytes", bytes}, {"bad_lines", bad_lines}, {"indicators", indicators}, {"alerts", alerts}, {"files", files},
                           {"archive", JsonObject{{"segments", archive.segments}, {"stored_bytes", archive.stored_bytes}, {"spooled_bytes", archive.spooled_bytes}, {"lost_bytes", archive.lost_bytes},
                                                  {"waiting", archive.waiting}, {"hunting", archive.hunting}, {"hunt_files", archive.hunt_files}, {"hunt_files_done", archive.hunt_files_done},
                                                  {"hunts", archive.hunts}, {"hunt_alerts", archive.hunt_alerts}}}});
}

Result<SensorStats> SensorStats::parse(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  ArchiveStats archive;
  if (const Json* a = find(json, "archive"))
    archive = {.segments = number(*a, "segments"), .stored_bytes = number(*a, "stored_bytes"), .spooled_bytes = number(*a, "spooled_bytes"), .lost_bytes = number(*a, "lost_bytes"),
               .waiting = number(*a, "waiting"), .hunting = number(*a, "hunting"), .hunt_files = number(*a, "hunt_files"), .hunt_files_done = number(*a, "hunt_files_done"),
               .hunts = number(*a, "hunts"), .hunt_alerts = number(*a, "hunt_alerts")};
  return SensorStats{.events = number(json, "events"), .bytes = number(json, "bytes"), .bad_lines = number(json, "bad_lines"),
                     .indicators = number(json, "indicators"), .alerts = number(json, "alerts"), .files = number(json, "files"),
                     .archive = archive};
}

std::string RefusedMessage::text() const {
  JsonArray all;
  for (const auto& rule : rules) {
    std::string quoted;  // JSON is UTF-8, and a rule's text may stand in its reason
    append_json_string(quoted, rule.reason.substr(0, kRefusedReasonBytes));
    const auto clean = parse_json(quoted);
    all.push_back(JsonObject{{"ref", rule.ref}, {"reason", clean ? *clean : Json("")}, {"aside", rule.aside}});
  }
  return to_text(JsonObject{{"rules", std::move(all)}});
}

Result<RefusedMessage> RefusedMessage::parse(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  RefusedMessage message;
  BONGSU_TRY(const JsonArray* rules, list(json, "rules", kRefusedPerMessage));
  for (const Json& rule : *rules) {
    const auto reason = string_at(rule, "reason");
    if (!reason || find(rule, "ref") == nullptr) return broken("a refused rule is malformed");
    message.rules.push_back({.ref = number(rule, "ref"), .reason = std::string(reason->substr(0, 4 * kRefusedReasonBytes)), .aside = bool_at(rule, "aside").value_or(false)});
  }
  return message;
}

namespace {

// What indicators and rules have in common, around one byte of kind.
struct Record {
  std::uint64_t ref = 0;
  std::uint8_t kind = 0;
  std::int8_t confidence = -1;
  std::optional<Instant> from, until;
  std::string_view text;
};

void pack(std::string& out, const Record& record) {
  put(out, record.ref);
  put(out, record.kind);
  put(out, record.confidence);
  put(out, static_cast<std::uint8_t>((record.from ? kHasFrom : 0) | (record.until ? kHasUntil : 0)));
  for (const auto& instant : {record.from, record.until}) {
    if (!instant) continue;
    put(out, instant->seconds);
    put(out, instant->nanos);
  }
  put(out, static_cast<std::uint32_t>(record.text.size()));
  out += record.text;
}

Result<Record> unpack(std::string_view& bytes, std::uint8_t largest_kind) {
  Record record;
  std::uint8_t flags = 0;
  if (!take(bytes, record.ref) || !take(bytes, record.kind) || !take(bytes, record.confidence) || !take(bytes, flags)) return broken("an indicator is cut short");
  if (record.kind > largest_kind) return broken("an indicator is of no known kind");
  for (const auto& [flag, target] : {std::pair{kHasFrom, &record.from}, {kHasUntil, &record.until}}) {
    if ((flags & flag) == 0) continue;
    Instant instant;
    if (!take(bytes, instant.seconds) || !take(bytes, instant.nanos)) return broken("an indicator is cut short");
    *target = instant;
  }
  std::uint32_t length = 0;
  if (!take(bytes, length) || length > bytes.size()) return broken("an indicator is cut short");
  record.text = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return record;
}

}  // namespace

std::string pack_indicators(const std::vector<detect::Indicator>& indicators) {
  std::string out;
  for (const auto& one : indicators)
    pack(out, {one.ref, static_cast<std::uint8_t>(one.value.kind), static_cast<std::int8_t>(one.confidence), one.valid_from, one.valid_until, one.value.text});
  return out;
}

Result<std::vector<detect::Indicator>> unpack_indicators(std::string_view bytes) {
  std::vector<detect::Indicator> out;
  while (!bytes.empty()) {
    BONGSU_TRY(const Record record, unpack(bytes, static_cast<std::uint8_t>(detect::Kind::kText)));
    out.push_back({record.ref, {static_cast<detect::Kind>(record.kind), std::string(record.text)}, record.from, record.until, record.confidence});
  }
  return out;
}

std::string pack_rules(const std::vector<detect::Rule>& rules) {
  std::string out;
  for (const auto& one : rules)
    pack(out, {one.ref, static_cast<std::uint8_t>(one.language), static_cast<std::int8_t>(one.confidence), one.valid_from, one.valid_until, one.text});
  return out;
}

Result<std::vector<detect::Rule>> unpack_rules(std::string_view bytes) {
  std::vector<detect::Rule> out;
  while (!bytes.empty()) {
    BONGSU_TRY(const Record record, unpack(bytes, detect::kLanguages - 1));
    out.push_back({record.ref, static_cast<detect::Language>(record.kind), std::string(record.text), record.from, record.until, record.confidence});
  }
  return out;
}

std::string pack_refs(const std::vector<std::uint64_t>& refs) {
  std::string out;
  for (const std::uint64_t ref : refs) put(out, ref);
  return out;
}

Result<std::vector<std::uint64_t>> unpack_refs(std::string_view bytes) {
  if (bytes.size() % 8 != 0) return broken("a list of references is cut short");
  std::vector<std::uint64_t> refs;
  for (std::uint64_t ref = 0; take(bytes, ref);) refs.push_back(ref);
  return refs;
}

}  // namespace bongsu::node
