#include "api/console/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/console/shapes.h"
#include "base/text.h"
#include "detect/plain.h"
#include "flow/exercise_rules.h"
#include "stix/marking.h"
#include "stix/pattern.h"

namespace bongsu::api::console {
namespace {

constexpr std::size_t kMaxName = 500, kMaxDescription = 10'000, kMaxTypes = 20, kMaxTypeBytes = 100;

// Only what travels in mails and chats is defanged: `HKLM\\Software\\.NET` means its backslash.
Result<detect::Value> as_kind(detect::Kind kind, std::string_view text) {
  using enum detect::Kind;
  const bool network = kind == kIpv4 || kind == kIpv6 || kind == kDomain || kind == kUrl || kind == kEmail;
  return network ? detect::normalise(kind, detect::refang(text)) : detect::normalise(kind, text);
}

PastedValue read_one(std::string_view text, std::optional<detect::Kind> kind) {
  PastedValue out{.raw = std::string(text)};
  auto value = kind ? as_kind(*kind, text) : detect::parse_plain(text);
  if (!value) {
    out.error = value.error().message;
    return out;
  }
  if (auto pattern = detect::pattern_of(*value))
    out.pattern = *pattern;
  else
    out.error = pattern.error().message;
  out.value = std::move(*value);
  return out;
}

std::unexpected<Error> bad(std::string field, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::move(field)});
}

// A string field within its limit; absent or null is empty.
Result<std::string> text_field(const Json& body, std::string_view name, std::size_t limit) {
  const Json* at = find(body, name);
  if (at == nullptr || at->is_null()) return std::string();
  if (!at->is_string()) return bad(std::string(name), "is text");
  const std::string_view text(at->get_string());
  if (text.size() > limit) return bad(std::string(name), fmt::format("is at most {} bytes long", limit));
  return std::string(trim(text));
}

}  // namespace

Result<std::vector<PastedValue>> read_pasted(std::string_view text, std::optional<detect::Kind> kind) {
  std::vector<PastedValue> out;
  std::set<std::pair<detect::Kind, std::string>> seen;
  const auto add = [&](PastedValue value) -> Result<void> {
    if (out.size() >= kConsoleMaxValues)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("more than {} values at once; import a file on the command line", kConsoleMaxValues),
                  {.field = "text"});
    if (value.value) value.repeated = !seen.emplace(value.value->kind, value.value->text).second;
    out.push_back(std::move(value));
    return {};
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    PastedValue whole = read_one(line, kind);
    if (whole.value || line.find_first_of(" \t,;") == std::string_view::npos) {
      BONGSU_TRY_VOID(add(std::move(whole)));
      continue;
    }
    std::string_view rest = line;
    while (!rest.empty()) {
      const std::size_t at = std::min(rest.find_first_of(" \t,;"), rest.size());
      if (at > 0) BONGSU_TRY_VOID(add(read_one(rest.substr(0, at), kind)));
      rest.remove_prefix(std::min(at + 1, rest.size()));
    }
  }
  return out;
}

Result<Draft> parse_draft(const Json& body) {
  if (!body.is_object()) return bad("", "the body is a JSON object");
  Draft draft;
  const Json* values = find(body, "values");
  if (values == nullptr || !values->is_array() || values->get_array().empty())
    return bad("values", "is a list of at least one value");
  if (values->get_array().size() > kConsoleMaxValues)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} values at once", kConsoleMaxValues),
                {.field = "values"});
  std::set<std::pair<detect::Kind, std::string>> seen;
  std::size_t index = 0;
  for (const Json& item : values->get_array()) {
    const std::string field = fmt::format("values[{}]", index++);
    const auto kind_text = string_at(item, "kind"), text = string_at(item, "text");
    if (!kind_text || !text) return bad(field, "has a kind and a text");
    const auto kind = detect::parse_kind(*kind_text);
    if (!kind) return bad(field + ".kind", "is not a kind of value that we know");
    auto value = as_kind(*kind, *text);
    if (!value) return bad(field + ".text", value.error().message);
    if (seen.emplace(value->kind, value->text).second) draft.values.push_back(std::move(*value));
  }
  BONGSU_TRY(draft.name, text_field(body, "name", kMaxName));
  BONGSU_TRY(draft.description, text_field(body, "description", kMaxDescription));
  BONGSU_TRY(draft.collection, text_field(body, "collection", 200));
  if (draft.collection.empty()) return bad("collection", "says where it is published");
  BONGSU_TRY(const std::string tlp_text, text_field(body, "tlp", 40));
  const auto tlp = stix::parse_tlp(tlp_text);
  if (!tlp) return bad("tlp", "is a TLP 2.0 label: clear, green, amber, amber+strict or red");
  draft.tlp = *tlp;
  if (const Json* to = find(body, "releasable_to"); to != nullptr && !to->is_null()) {
    if (!to->is_array()) return bad("releasable_to", "is a list of members, or null for no restriction by name");
    draft.releasable_to.emplace();
    for (const Json& member : to->get_array()) {
      if (!member.is_string() || member.get_string().empty() || member.get_string().size() > 63)
        return bad("releasable_to", "is a list of member names");
      draft.releasable_to->insert(std::string(member.get_string()));
    }
  }
  if (const Json* confidence = find(body, "confidence"); confidence != nullptr && !confidence->is_null()) {
    const auto number = int_at(body, "confidence");
    if (!number || *number < 0 || *number > 100) return bad("confidence", "is a whole number from 0 to 100");
    draft.confidence = static_cast<int>(*number);
  }
  BONGSU_TRY(const std::string until, text_field(body, "valid_until", 40));
  if (!until.empty()) {
    draft.valid_until = Instant::parse(until);
    if (!draft.valid_until) return bad("valid_until", "is a time like 2026-12-31T00:00:00Z");
  }
  if (const Json* types = find(body, "indicator_types"); types != nullptr && !types->is_null()) {
    if (!types->is_array() || types->get_array().size() > kMaxTypes)
      return bad("indicator_types", "is a short list of words");
    for (const Json& type : types->get_array()) {
      if (!type.is_string() || type.get_string().empty() || type.get_string().size() > kMaxTypeBytes)
        return bad("indicator_types", "is a short list of words");
      draft.indicator_types.emplace_back(type.get_string());
    }
  }
  if (const Json* together = find(body, "together"); together != nullptr && !together->is_null()) {
    if (!together->is_bool()) return bad("together", "is true or false");
    draft.together = together->get_bool();
  }
  return draft;
}

namespace {

// `[a] OR [b]` as one bracket with ORs inside: detect matches it value by value.
Result<std::string> joined_pattern(std::span<const detect::Value> values) {
  std::string out = "[";
  for (const auto& value : values) {
    BONGSU_TRY(const std::string one, detect::pattern_of(value));
    if (out.size() > 1) out += " OR ";
    out += std::string_view(one).substr(1, one.size() - 2);
  }
  out += "]";
  if (out.size() > stix::kMaxPatternBytes)
    return fail(ErrorCode::kTooLarge, "the pattern would be too long; publish one indicator for each value",
                {.field = "together"});
  return out;
}

Result<stix::Object> indicator(const Draft& draft, std::span<const detect::Value> values, const JsonArray& markings,
                               const ConsoleNode& node, const std::string& valid_from, Instant now, Random& random) {
  BONGSU_TRY(const std::string pattern, joined_pattern(values));
  const std::string at = now.text(3);
  JsonObject o;
  o["type"] = "indicator";
  o["spec_version"] = "2.1";
  o["id"] = text_json("indicator--" + Uuid::random(random).text());
  o["created_by_ref"] = text_json(node.identity_id);
  o["created"] = text_json(at);
  o["modified"] = text_json(at);
  std::string name = draft.name;
  if (name.empty())
    name = values.size() == 1 ? values[0].text : fmt::format("{} and {} more", values[0].text, values.size() - 1);
  else if (!draft.together && draft.values.size() > 1)
    name += ": " + values[0].text;
  o["name"] = text_json(name);
  if (!draft.description.empty()) o["description"] = text_json(draft.description);
  if (!draft.indicator_types.empty()) {
    JsonArray types;
    for (const auto& type : draft.indicator_types) types.push_back(text_json(type));
    o["indicator_types"] = std::move(types);
  }
  o["pattern"] = text_json(pattern);
  o["pattern_type"] = "stix";
  o["pattern_version"] = "2.1";
  o["valid_from"] = text_json(valid_from);
  if (draft.valid_until) o["valid_until"] = text_json(draft.valid_until->text(3));
  if (draft.confidence) o["confidence"] = *draft.confidence;
  o["object_marking_refs"] = markings;
  BONGSU_TRY(stix::Object object, stix::Object::parse(to_text(o)));

  // What this node would match itself is what the analyst asked for: no more, no less.
  BONGSU_TRY(const detect::Compiled compiled, detect::compile(object));
  const auto key = [](const detect::Value& v) { return std::pair(v.kind, v.text); };
  std::set<std::pair<detect::Kind, std::string>> wanted, got;
  for (const auto& value : values) wanted.insert(key(value));
  for (const auto& value : compiled.values) got.insert(key(value));
  if (wanted != got)
    return fail(ErrorCode::kUnsupported, fmt::format("the pattern {} does not say the same as the values", pattern));
  return object;
}

}  // namespace

Result<Composed> compose(const Draft& draft, const ConsoleNode& node, const std::string& exercise, Instant now,
                         Random& random) {
  if (draft.values.empty()) return bad("values", "is a list of at least one value");
  const std::string valid_from = exercise.empty() ? now.text(3) : flow::kExerciseValidFrom;
  if (draft.valid_until && !exercise.empty())
    return bad("valid_until", "has no meaning in an exercise, whose clock is not this node's; leave it out");
  if (draft.valid_until && *draft.valid_until <= now) return bad("valid_until", "lies in the past");
  Composed out;
  JsonArray refs;
  refs.push_back(text_json(stix::tlp_marking_id(draft.tlp).text()));
  std::optional<Json> releasable;
  if (draft.releasable_to) {
    BONGSU_TRY(stix::Object definition,
               stix::Object::parse(policy::make_releasable_to_marking(*draft.releasable_to, node.self, now)));
    refs.push_back(text_json(definition.id_text()));
    releasable = definition.json();
    out.markings.push_back(std::move(definition));
  }
  if (draft.together) {
    BONGSU_TRY(stix::Object object, indicator(draft, draft.values, refs, node, valid_from, now, random));
    out.indicators.push_back(std::move(object));
  } else {
    for (const auto& value : draft.values) {
      BONGSU_TRY(stix::Object object, indicator(draft, {&value, 1}, refs, node, valid_from, now, random));
      out.indicators.push_back(std::move(object));
    }
  }
  const policy::MarkingSource source = [&](const stix::Id& id) -> const Json* {
    return releasable && !out.markings.empty() && out.markings[0].id() == id ? &*releasable : nullptr;
  };
  out.label = policy::label_of(out.indicators[0], source, draft.tlp);
  if (!exercise.empty()) out.label.exercises = {exercise};  // admission gives them its marking
  return out;
}

Result<stix::Object> revoke(const stix::Object& object, Instant now) {
  if (object.revoked()) return fail(ErrorCode::kConflict, "it is withdrawn already");
  if (!object.modified()) return fail(ErrorCode::kUnsupported, "an object without versions cannot be revoked");
  // Later than what was, whatever the clock says (STIX 2.1 §3.2: modified).
  const Instant before = object.modified()->instant();
  Instant modified = now;
  if (modified.millis() <= before.millis()) modified = before + std::chrono::milliseconds{1};
  Json json = object.json();
  if (!json.is_object()) return fail(ErrorCode::kInternal, "a stored object is not a JSON object");
  json.get_object()["modified"] = text_json(modified.text(3));
  json.get_object()["revoked"] = true;
  return stix::Object::parse(to_text(json));
}

}  // namespace bongsu::api::console
