#include "detect/alert.h"

#include <fmt/format.h>

#include "base/uuid.h"

namespace bongsu::detect {
namespace {

// Namespace of alert ids: a random UUID, fixed for ever.
constexpr Uuid kAlertNamespace{
    {0x3c, 0x1f, 0x6c, 0x8e, 0x52, 0x0d, 0x4b, 0x57, 0x9a, 0x6f, 0x0b, 0xe0, 0x2d, 0x7a, 0x91, 0x44}};

// JSON text is UTF-8: bytes that are not become U+FFFD.
Json text_json(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  if (quoted.find("\xef\xbf\xbd") == quoted.npos) return Json(text);
  auto clean = parse_json(quoted);
  return clean ? *clean : Json("");
}

Result<std::string> need(const Json& json, std::string_view key) {
  const auto text = string_at(json, key);
  if (!text) return fail(ErrorCode::kInvalid, "an alert needs this text", {.field = std::string(key)});
  return std::string(*text);
}

Result<std::uint64_t> number(const Json& json, std::string_view key) {
  const Json* at = find(json, key);
  if (at != nullptr && at->is_uint64()) return at->get_uint64();
  if (at != nullptr && at->is_int64() && at->get_int64() >= 0) return static_cast<std::uint64_t>(at->get_int64());
  return fail(ErrorCode::kInvalid, "an alert needs this number", {.field = std::string(key)});
}

Result<Instant> instant(const Json& json, std::string_view key) {
  BONGSU_TRY(const std::string text, need(json, key));
  const auto parsed = Instant::parse(text);
  if (!parsed) return fail(ErrorCode::kInvalid, "not a timestamp", {.field = std::string(key)});
  return *parsed;
}

Json position_json(const telemetry::Position& position) {
  return JsonObject{{"source", text_json(position.source)}, {"offset", position.offset}, {"line", position.line}};
}

Result<telemetry::Position> parse_position(const Json& json) {
  telemetry::Position out;
  BONGSU_TRY(out.source, need(json, "source"));
  BONGSU_TRY(out.offset, number(json, "offset"));
  BONGSU_TRY(out.line, number(json, "line"));
  return out;
}

Json rule_json(const AlertRule& rule) {
  JsonObject out{{"language", text_json(rule.language)}, {"name", text_json(rule.name)}};
  if (!rule.level.empty()) out["level"] = text_json(rule.level);
  JsonArray techniques, events;
  for (const std::string& technique : rule.techniques) techniques.push_back(text_json(technique));
  for (const telemetry::Position& position : rule.events) events.push_back(position_json(position));
  if (!techniques.empty()) out["techniques"] = std::move(techniques);
  if (!events.empty()) out["events"] = std::move(events);
  if (rule.left_out > 0) out["left_out"] = rule.left_out;
  return out;
}

Result<AlertRule> parse_rule(const Json& json) {
  AlertRule out;
  BONGSU_TRY(out.language, need(json, "language"));
  BONGSU_TRY(out.name, need(json, "name"));
  if (const auto level = string_at(json, "level")) out.level = *level;
  if (const Json* techniques = find(json, "techniques")) {
    if (!techniques->is_array() || techniques->get_array().size() > kMaxAlertTechniques)
      return fail(ErrorCode::kInvalid, "techniques is a list of a few", {.field = "rule.techniques"});
    for (const Json& technique : techniques->get_array()) {
      if (!technique.is_string())
        return fail(ErrorCode::kInvalid, "a technique is a text", {.field = "rule.techniques"});
      out.techniques.emplace_back(technique.get_string());
    }
  }
  if (const Json* events = find(json, "events")) {
    if (!events->is_array() || events->get_array().size() > kMaxAlertEvents)
      return fail(ErrorCode::kInvalid, "events is a list of a few positions", {.field = "rule.events"});
    for (const Json& event : events->get_array()) {
      BONGSU_TRY(auto position, parse_position(event));
      out.events.push_back(std::move(position));
    }
  }
  if (find(json, "left_out") != nullptr) {
    BONGSU_TRY(out.left_out, number(json, "left_out"));
  }
  return out;
}

}  // namespace

std::string alert_id(const telemetry::Position& position, std::string_view indicator_id, std::string_view field) {
  std::string name = position.source;
  name += '\0';
  name += fmt::format("{}", position.offset);
  name += '\0';
  name += indicator_id;
  name += '\0';
  name += field;
  return "alert--" + Uuid::from_name(kAlertNamespace, name).text();
}

void Alert::assign_id() {
  id = alert_id(position, indicator_id, rule ? field + '\0' + rule->language + '\0' + rule->name : field);
}

Json Alert::json() const {
  JsonObject out;
  out["id"] = id;
  out["indicator"] = text_json(indicator_id);
  out["indicator_ref"] = indicator_ref;
  out["kind"] = to_string(value.kind);
  out["value"] = text_json(value.text);
  out["field"] = text_json(field);
  out["matched"] = text_json(matched);
  out["source"] = text_json(source);
  out["label"] = text_json(label);
  if (confidence >= 0) out["confidence"] = confidence;
  JsonArray lists;
  for (const WarningListHit& hit : warning_lists)
    lists.push_back(JsonObject{{"list", text_json(hit.list)}, {"type", text_json(hit.type)}});
  if (!lists.empty()) out["warning_lists"] = std::move(lists);
  if (rule) out["rule"] = rule_json(*rule);
  if (!entity.name.empty()) out["entity"] = entity.json();
  if (indicator_time) out["indicator_time"] = indicator_time->text(9);
  if (event_time) out["event_time"] = event_time->text(9);
  out["detected"] = detected.text(9);
  out["position"] = position_json(position);
  out["event"] = text_json(event);
  if (event_cut) out["event_cut"] = true;
  return out;
}

Result<Alert> Alert::parse(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::kInvalid, "an alert is a JSON object");
  Alert out;
  BONGSU_TRY(out.id, need(json, "id"));
  if (!out.id.starts_with("alert--") || !Uuid::parse(std::string_view(out.id).substr(7)))
    return fail(ErrorCode::kInvalid, "an alert's id is alert--UUID", {.field = "id"});
  BONGSU_TRY(out.indicator_id, need(json, "indicator"));
  BONGSU_TRY(out.indicator_ref, number(json, "indicator_ref"));
  BONGSU_TRY(const std::string kind, need(json, "kind"));
  const auto known = parse_kind(kind);
  if (!known) return fail(ErrorCode::kInvalid, "an unknown kind of value", {.field = "kind"});
  out.value.kind = *known;
  BONGSU_TRY(out.value.text, need(json, "value"));
  BONGSU_TRY(out.field, need(json, "field"));
  BONGSU_TRY(out.matched, need(json, "matched"));
  BONGSU_TRY(out.source, need(json, "source"));
  BONGSU_TRY(out.label, need(json, "label"));
  if (find(json, "confidence") != nullptr) {
    const auto confidence = int_at(json, "confidence");
    if (!confidence || *confidence < 0 || *confidence > 100)
      return fail(ErrorCode::kInvalid, "confidence is 0 to 100", {.field = "confidence"});
    out.confidence = static_cast<int>(*confidence);
  }
  if (const Json* lists = find(json, "warning_lists")) {
    if (!lists->is_array()) return fail(ErrorCode::kInvalid, "warning_lists is a list", {.field = "warning_lists"});
    for (const Json& hit : lists->get_array()) {
      BONGSU_TRY(std::string name, need(hit, "list"));
      BONGSU_TRY(std::string type, need(hit, "type"));
      out.warning_lists.push_back({std::move(name), std::move(type)});
    }
  }
  if (const Json* entity = find(json, "entity")) {
    BONGSU_TRY(out.entity, Entity::parse(*entity));
  }
  if (find(json, "indicator_time") != nullptr) {
    BONGSU_TRY(out.indicator_time, instant(json, "indicator_time"));
  }
  if (find(json, "event_time") != nullptr) {
    BONGSU_TRY(out.event_time, instant(json, "event_time"));
  }
  BONGSU_TRY(out.detected, instant(json, "detected"));
  if (const Json* rule = find(json, "rule")) {
    BONGSU_TRY(out.rule, parse_rule(*rule));
  }
  const Json* position = find(json, "position");
  if (position == nullptr) return fail(ErrorCode::kInvalid, "an alert needs a position", {.field = "position"});
  BONGSU_TRY(out.position, parse_position(*position));
  BONGSU_TRY(out.event, need(json, "event"));
  out.event_cut = bool_at(json, "event_cut").value_or(false);
  return out;
}

}  // namespace bongsu::detect
