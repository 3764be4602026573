// Indicators from pasted text: read, preview, publish.
#include <fmt/format.h>

#include <algorithm>

#include "api/console/draft.h"
#include "api/console/impl.h"

namespace bongsu::api {

using console::text_json;

constexpr std::uint32_t kMaxKnown = 10;  // objects with a value that are counted

Result<flow::Collection> ConsoleApi::Impl::writable_collection(const identity::Principal& who,
                                                               std::string_view name) const {
  auto collection = deps.collections.find(name);
  if (!collection || !who.may_read(collection->id))
    return fail(ErrorCode::kNotFound, "there is no such collection", {.field = "collection"});
  if (!collection->mirror_of.empty())
    return fail(
        ErrorCode::kDenied,
        fmt::format("{} mirrors a collection of {}: only they publish in it", collection->alias, collection->mirror_of),
        {.field = "collection"});
  if (!who.may_write(collection->id))
    return fail(ErrorCode::kDenied, fmt::format("the account {} may not write to {}", who.account, collection->alias),
                {.field = "collection"});
  return std::move(*collection);
}

Result<net::Response> ConsoleApi::Impl::read_values(Call& call) {
  BONGSU_TRY(const Json body, console::json_body(call.request));
  const auto text = string_at(body, "text");
  if (!text) return fail(ErrorCode::kInvalid, "the pasted text is missing", {.field = "text"});
  std::optional<detect::Kind> kind;
  if (const auto name = string_at(body, "kind"); name && !name->empty()) {
    kind = detect::parse_kind(*name);
    if (!kind) return fail(ErrorCode::kInvalid, "is not a kind of value that we know", {.field = "kind"});
  }
  BONGSU_TRY(const auto values, console::read_pasted(*text, kind));
  JsonArray list;
  for (const auto& value : values) {
    JsonObject item;
    item["raw"] = text_json(value.raw);
    item["kind"] = value.value ? text_json(detect::to_string(value.value->kind)) : Json(nullptr);
    item["text"] = value.value ? text_json(value.value->text) : Json(nullptr);
    item["pattern"] = text_json(value.pattern);
    item["error"] = text_json(value.error);
    item["repeated"] = value.repeated;
    JsonArray warnings;
    std::size_t known = 0;
    if (value.value) {
      if (deps.warnings)
        for (const auto& warning : deps.warnings(*value.value))
          warnings.push_back(JsonObject{{"list", text_json(warning.list)}, {"type", text_json(warning.type)}});
      if (const auto hits = visible_hits(call.caller, kMaxKnown, [&](std::uint32_t limit) {
            return deps.search.value(detect::to_string(value.value->kind), value.value->text, limit);
          }))
        known = std::min<std::size_t>(hits->size(), kMaxKnown);
    }
    item["warning_lists"] = std::move(warnings);
    item["known"] = known;
    list.push_back(std::move(item));
  }
  JsonObject out;
  out["values"] = std::move(list);
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::preview(Call& call) {
  BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kAnalyst));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  BONGSU_TRY(const console::Draft draft, console::parse_draft(body));
  BONGSU_TRY(const flow::Collection collection, writable_collection(call.caller.who, draft.collection));
  BONGSU_TRY(const console::Composed composed, console::compose(draft, deps.node, collection.exercise, deps.clock.now(), deps.random));
  const policy::ObjectFacts facts{.object_id = composed.indicators[0].id_text(),
                                  .type = "indicator",
                                  .collection = collection.id,
                                  .origin = deps.node.self,
                                  .label = composed.label};
  JsonObject out;
  out["label"] = console::label_json(composed.label);
  out["collection"] = text_json(collection.alias);
  out["exercise"] = text_json(collection.exercise);
  out["lines"] =
      console::preview_json(deps.release.preview(facts), deps.members ? deps.members() : std::vector<ConsoleMember>());
  JsonArray objects;
  for (const auto& object : composed.indicators) {
    if (objects.size() >= 20) break;
    const Json json = object.json();
    objects.push_back(JsonObject{{"name", text_json(console::name_of(json))},
                                 {"pattern", text_json(string_at(json, "pattern").value_or(""))}});
  }
  out["objects"] = std::move(objects);
  out["count"] = composed.indicators.size();
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::publish(Call& call) {
  BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kAnalyst));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  BONGSU_TRY(const console::Draft draft, console::parse_draft(body));
  BONGSU_TRY(const flow::Collection collection, writable_collection(call.caller.who, draft.collection));
  BONGSU_TRY(console::Composed composed, console::compose(draft, deps.node, collection.exercise, deps.clock.now(), deps.random));
  std::vector<Result<stix::Object>> objects;
  for (auto& marking : composed.markings) objects.emplace_back(std::move(marking));
  for (auto& indicator : composed.indicators) objects.emplace_back(std::move(indicator));
  return admit_all(std::move(objects), composed.markings.size(), collection, call.caller.who, "indicator.published");
}

// `skip`: so many objects in front are of no interest to the analyst (marking definitions).
Result<net::Response> ConsoleApi::Impl::admit_all(std::vector<Result<stix::Object>> objects, std::size_t skip,
                                                  const flow::Collection& collection, const identity::Principal& who,
                                                  std::string_view event) {
  const std::span<const Result<stix::Object>> all(objects);
  BONGSU_TRY(const flow::AdmitReport report,
             deps.admission.admit(all, {.collection = collection.id,
                                        .origin = deps.node.self,
                                        .fallback = collection.fallback,
                                        .states = {},
                                        .persons = {deps.node.self + '/' + who.person},
                                        .by = who.account,
                                        .why = std::string(event)}));
  JsonArray items, ids;
  std::size_t admitted = 0;
  std::string why;
  for (std::size_t i = skip; i < report.items.size(); ++i) {
    const flow::AdmitItem& item = report.items[i];
    const bool ok =
        item.outcome == flow::AdmitItem::Outcome::kNew || item.outcome == flow::AdmitItem::Outcome::kDuplicate;
    JsonObject line;
    line["id"] = text_json(item.id);
    line["version"] = text_json(item.version);
    line["ok"] = ok;
    line["message"] = text_json(item.message);
    items.push_back(std::move(line));
    if (ok) {
      ++admitted;
      ids.push_back(text_json(item.id));
    } else if (why.empty()) {
      why = item.message;
    }
  }
  if (admitted == 0) return fail(ErrorCode::kUnsupported, why.empty() ? "nothing was admitted" : why);
  note(event, who, {{"collection", text_json(collection.id)}, {"objects", ids}});
  JsonObject out;
  out["items"] = std::move(items);
  out["admitted"] = admitted;
  return console::answer(201, out);
}

}  // namespace bongsu::api
