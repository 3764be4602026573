#include "exercise/drill/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {
namespace {

constexpr std::array<std::string_view, 10> kVerbs = {"opened",    "start", "pause",  "resume",  "speed",
                                                     "jump_back", "end",   "inject", "approve", "refuse"};
constexpr std::array<std::string_view, 12> kAs = {"alert",  "sighting",     "shared",    "object",
                                                  "form",   "order",        "playbook",  "reply",
                                                  "judged", "acknowledged", "delivered", "violation"};

std::unexpected<Error> corrupt(const Entry& entry, std::string_view field) {
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("entry {} ({}): \"{}\" is missing or of another kind", entry.seq, to_string(entry.kind), field),
      {.field = std::string(field)});
}

Json list_of(const std::vector<std::string>& texts) { return JsonArray(texts.begin(), texts.end()); }

// Reads an entry's fields; the first that is wrong is remembered. What is empty is left out when written.
struct Fields {
  const Entry& entry;
  std::string_view wrong;

  const Json* at(std::string_view name) const { return entry.data.if_contains(name); }
  std::string text(std::string_view name) {
    const Json* value = at(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return wrong = name, std::string();
    return std::string(value->get_string());
  }
  std::optional<double> number(std::string_view name) {
    const Json* value = at(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) return wrong = name, std::nullopt;
    return value->to_number<double>();
  }
  std::optional<std::int64_t> integer(std::string_view name) {
    const Json* value = at(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_int64()) return wrong = name, std::nullopt;
    return value->get_int64();
  }
  std::vector<std::string> list(std::string_view name) {
    std::vector<std::string> out;
    const Json* value = at(name);
    if (value == nullptr) return out;
    if (!value->is_array()) return wrong = name, out;
    for (const Json& item : value->get_array()) {
      if (!item.is_string()) return wrong = name, out;
      out.emplace_back(item.get_string());
    }
    return out;
  }
  double needed_number(std::string_view name) {
    const auto value = number(name);
    if (!value) wrong = name;
    return value.value_or(0);
  }
  std::uint64_t form() {
    std::uint64_t seq = 0;
    const auto [end, error] = std::from_chars(entry.ref.data(), entry.ref.data() + entry.ref.size(), seq);
    if (error != std::errc() || end != entry.ref.data() + entry.ref.size() || seq == 0) wrong = "ref";
    return seq;
  }
};

void put(JsonObject& data, std::string_view name, const std::string& text) {
  if (!text.empty()) data[name] = text;
}
void put(JsonObject& data, std::string_view name, const std::vector<std::string>& texts) {
  if (!texts.empty()) data[name] = list_of(texts);
}

std::string words(std::string_view who, std::string_view what) {
  return who.empty() ? std::string(what) : fmt::format("{}: {}", who, what);
}

Entry entry_for(const Control& c) {
  Entry entry{.kind = Kind::kControl, .team = c.team, .ref = std::string(to_string(c.verb))};
  put(entry.data, "by", c.by);
  put(entry.data, "inject", c.inject);
  put(entry.data, "reason", c.reason);
  if (c.verb == Verb::kSpeed) entry.data["speed"] = json_number(c.speed);
  if (c.verb == Verb::kJumpBack) entry.data["to_ms"] = c.to_ms;
  std::string what(to_string(c.verb));
  if (c.verb == Verb::kSpeed) what = fmt::format("speed {:g}", c.speed);
  if (c.verb == Verb::kJumpBack) what = fmt::format("jump back to {}", scenario::text_of(scenario::Duration(c.to_ms)));
  if (!c.inject.empty()) what += ' ' + c.inject;
  if (!c.team.empty()) what += " for " + c.team;
  if (!c.reason.empty()) what += ": " + c.reason;
  entry.text = words(c.by, what);
  return entry;
}

std::string sentence(const Evidence& e) {
  const auto to = [&] { return fmt::format("{}", fmt::join(e.to, ", ")); };
  switch (e.as) {
    case As::kAlert:
      return fmt::format("alert {}", e.object);
    case As::kSighting:
      return fmt::format("sighting {}", e.object);
    case As::kShared:
      return fmt::format("{} {} went to {} under {}", e.type, e.object, to(), e.label.empty() ? "no label" : e.label);
    case As::kObject:
      return fmt::format("{} {} published", e.type, e.object);
    case As::kForm:
      return fmt::format("form {} handed in", e.type);
    case As::kOrder:
      return fmt::format("order {} {}", e.type, e.target);
    case As::kPlaybook:
      return fmt::format("step {} of {} done", e.type, e.object);
    case As::kReply:
      return fmt::format("reply to {}", e.object);
    case As::kJudged:
      // Adding nothing takes a zero's sign away.
      return fmt::format("{}{}{} judged: {:.0f} of 100", e.inject, e.inject.empty() ? "" : ": ", e.expectation,
                         e.value.value_or(0) * 100 + 0.0);
    case As::kAcknowledged:
      return fmt::format("{} read", e.object);
    case As::kDelivered:
      return fmt::format("{} delivered", e.object);
    case As::kViolation:
      return fmt::format("{}: {} to {}", e.type, e.object, to());
  }
  return {};
}

Entry entry_for(const Evidence& e) {
  Entry entry{.kind = Kind::kEvidence, .team = e.team, .ref = std::string(to_string(e.as))};
  put(entry.data, "by", e.by);
  put(entry.data, "object", e.object);
  put(entry.data, "type", e.type);
  put(entry.data, "inject", e.inject);
  put(entry.data, "expectation", e.expectation);
  put(entry.data, "patterns", e.patterns);
  put(entry.data, "to", e.to);
  put(entry.data, "label", e.label);
  put(entry.data, "target", e.target);
  put(entry.data, "text", e.text);
  if (e.value) entry.data["value"] = json_number(*e.value);
  if (e.telemetry_ms) entry.data["telemetry_ms"] = *e.telemetry_ms;
  if (!e.fields.empty()) entry.data["fields"] = e.fields;
  entry.text = sentence(e);
  if (!e.text.empty()) entry.text += ": " + e.text;
  return entry;
}

Entry entry_for(const Grade& g) {
  Entry entry{.kind = Kind::kGrade,
              .ref = std::to_string(g.form),
              .text = words(g.name.empty() ? g.by : fmt::format("{} ({})", g.name, g.by),
                            fmt::format("form {} is worth {:.0f} %", g.form, g.part * 100))};
  put(entry.data, "by", g.by);
  put(entry.data, "name", g.name);
  put(entry.data, "why", g.why);
  entry.data["part"] = json_number(g.part);
  return entry;
}

Entry entry_for(const Appeal& a) {
  Entry entry{.kind = Kind::kAppeal,
              .team = a.team,
              .ref = std::to_string(a.form),
              .text = words(a.by, fmt::format("appeals the grade of form {}: {}", a.form, a.why))};
  put(entry.data, "by", a.by);
  put(entry.data, "why", a.why);
  return entry;
}

Entry entry_for(const Ruling& r) {
  Entry entry{.kind = Kind::kRuling,
              .ref = std::to_string(r.form),
              .text = words(r.by, fmt::format("rules that form {} is worth {:.0f} %", r.form, r.part * 100))};
  put(entry.data, "by", r.by);
  put(entry.data, "why", r.why);
  entry.data["part"] = json_number(r.part);
  return entry;
}

Result<void> finite(double value, std::string_view field) {
  if (std::isfinite(value) && std::abs(value) < 1e15) return {};
  return fail(ErrorCode::kInvalid, fmt::format("{} is no number that can be kept", field),
              {.field = std::string(field)});
}

}  // namespace

std::string_view to_string(Verb verb) { return kVerbs[static_cast<std::size_t>(verb)]; }
std::string_view to_string(As as) { return kAs[static_cast<std::size_t>(as)]; }

Result<Entry> entry_of(const Input& input) {
  if (const auto* control = std::get_if<Control>(&input)) BONGSU_TRY_VOID(finite(control->speed, "speed"));
  if (const auto* evidence = std::get_if<Evidence>(&input)) {
    if (evidence->patterns.size() + evidence->to.size() > kMaxInputItems)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} patterns and recipients", kMaxInputItems),
                  {.field = "patterns"});
    if (evidence->value) BONGSU_TRY_VOID(finite(*evidence->value, "value"));
  }
  for (const double part : {std::holds_alternative<Grade>(input) ? std::get<Grade>(input).part : 0,
                            std::holds_alternative<Ruling>(input) ? std::get<Ruling>(input).part : 0})
    if (!(part >= 0 && part <= 1))
      return fail(ErrorCode::kInvalid, "a part is a number from 0 to 1", {.field = "part"});
  Entry entry = std::visit([](const auto& it) { return entry_for(it); }, input);
  const auto data = to_canonical_text(entry.data);
  if (!data) return fail(ErrorCode::kInvalid, data.error().message, {.field = "data"});
  if (data->size() + entry.text.size() + entry.ref.size() + entry.team.size() > kMaxInputBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} bytes in one input", kMaxInputBytes),
                {.field = "data"});
  // As a reader of the log will see it: text in UTF-8, numbers in one form, so that what is lived and what is read are
  // equal.
  BONGSU_TRY(const Json read, parse_json(*data));
  entry.data = read.get_object();
  for (std::string* text : {&entry.team, &entry.ref, &entry.text}) {
    std::string quoted;
    append_json_string(quoted, *text);
    BONGSU_TRY(const Json clean, parse_json(quoted));
    *text = std::string(clean.get_string());
  }
  return entry;
}

Result<Evidence> evidence_of(const Entry& entry) {
  const auto as = std::ranges::find(kAs, entry.ref);
  if (entry.kind != Kind::kEvidence || as == kAs.end()) return corrupt(entry, "ref");
  Fields in{entry, {}};
  Evidence e{.as = static_cast<As>(as - kAs.begin()),
             .team = entry.team,
             .by = in.text("by"),
             .object = in.text("object"),
             .type = in.text("type"),
             .inject = in.text("inject"),
             .expectation = in.text("expectation"),
             .patterns = in.list("patterns"),
             .to = in.list("to"),
             .label = in.text("label"),
             .target = in.text("target"),
             .value = in.number("value"),
             .telemetry_ms = in.integer("telemetry_ms"),
             .text = in.text("text")};
  if (const Json* fields = in.at("fields"); fields != nullptr) {
    if (fields->is_object())
      e.fields = fields->get_object();
    else
      in.wrong = "fields";
  }
  if (!in.wrong.empty()) return corrupt(entry, in.wrong);
  return e;
}

Result<std::optional<Input>> input_of(const Entry& entry) {
  Fields in{entry, {}};
  std::optional<Input> input;
  switch (entry.kind) {
    case Kind::kEvidence: {
      BONGSU_TRY(Evidence evidence, evidence_of(entry));
      return Input(std::move(evidence));
    }
    case Kind::kControl: {
      const auto verb = std::ranges::find(kVerbs, entry.ref);
      if (verb == kVerbs.end()) return corrupt(entry, "ref");
      Control c{.verb = static_cast<Verb>(verb - kVerbs.begin()),
                .by = in.text("by"),
                .inject = in.text("inject"),
                .team = entry.team,
                .reason = in.text("reason")};
      if (c.verb == Verb::kOpened) return std::nullopt;
      if (c.verb == Verb::kEnd && in.at("clock") != nullptr) return std::nullopt;  // the drill's own end
      if (c.verb == Verb::kSpeed) c.speed = in.needed_number("speed");
      if (c.verb == Verb::kJumpBack) {
        const auto to = in.integer("to_ms");
        if (!to) return corrupt(entry, "to_ms");
        c.to_ms = *to;
      }
      input = std::move(c);
      break;
    }
    case Kind::kGrade:
      input = Grade{.form = in.form(),
                    .by = in.text("by"),
                    .name = in.text("name"),
                    .part = in.needed_number("part"),
                    .why = in.text("why")};
      break;
    case Kind::kAppeal:
      input = Appeal{.form = in.form(), .team = entry.team, .by = in.text("by"), .why = in.text("why")};
      break;
    case Kind::kRuling:
      input = Ruling{.form = in.form(), .by = in.text("by"), .part = in.needed_number("part"), .why = in.text("why")};
      break;
    default:
      return std::nullopt;
  }
  if (!in.wrong.empty()) return corrupt(entry, in.wrong);
  return input;
}

}  // namespace bongsu::exercise::drill
