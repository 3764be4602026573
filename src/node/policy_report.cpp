#include "node/policy_report.h"

#include <fmt/format.h>

#include "flow/facts.h"
#include "policy/trace.h"

namespace bongsu::node {
namespace {

Result<void> check_name(std::string_view member) {
  if (!policy::is_member_id(member)) return fail(ErrorCode::kInvalid, "is a member's name", {.field = "member"});
  return {};
}

}  // namespace

Result<void> not_recalled(Core& core, std::string_view object_id, std::string_view version_key) {
  if (!core.recall->barred(std::string(object_id), std::string(version_key))) return {};
  return fail(ErrorCode::kConflict,
              "was recalled or removed by this node: this version goes to nobody and is not admitted again",
              {.field = std::string(object_id)});
}

Result<JsonObject> decide_report(Core& core, const stix::Object& object, std::string_view collection,
                                 std::string_view member, policy::Purpose purpose) {
  const auto place = core.collections->find(collection);
  if (!place)
    return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", collection), {.field = "collection"});
  BONGSU_TRY_VOID(check_name(member));
  BONGSU_TRY_VOID(not_recalled(core, object.id_text(), flow::version_key_of(object)));
  BONGSU_TRY(const auto facts,
             core.admission->facts_of(object, {.collection = place->id, .origin = core.config.member, .fallback = place->fallback}));
  BONGSU_TRY(const auto decision, core.release->decide(facts, member, purpose));
  return policy::trace_json(facts, member, decision);
}

Result<JsonObject> why_report(Core& core, std::string_view object_id, std::string_view member) {
  BONGSU_TRY_VOID(check_name(member));
  JsonArray versions;
  for (const auto& collection : core.collections->list()) {
    const auto reading = core.release->open(member, collection.id);
    const auto snapshot = reading ? nullptr : core.journal->snapshot();
    journal::Snapshot& view = reading ? *reading->snapshot : *snapshot;
    BONGSU_TRY(const auto entries, view.versions(collection.id, object_id));
    for (const auto& entry : entries) {
      BONGSU_TRY(const auto facts, flow::facts_of(entry));
      BONGSU_TRY(const auto decision, core.release->decide(facts, member));
      JsonObject line = policy::trace_json(facts, member, decision);
      line["collection"] = collection.alias;
      line["version"] = entry.version;
      bool visible = false;
      if (reading) {
        BONGSU_TRY(const auto presence, view.presence(reading->view, entry.seq));
        visible = presence == journal::Snapshot::Presence::kVisible;
      }
      line["visible_now"] = visible;
      if (const auto open = not_recalled(core, object_id, entry.version_key); !open && member != core.config.member) {
        line["verdict"] = "withhold";
        line["redact"] = JsonArray{};
        line.erase("left_out");
        line["reasons"] = JsonArray{JsonObject{{"reason", "recalled"}, {"sentence", open.error().message}}};
      }
      versions.push_back(std::move(line));
    }
  }
  if (versions.empty()) return fail(ErrorCode::kNotFound, fmt::format("there is no object \"{}\" here", object_id), {.field = "object"});
  return JsonObject{{"object", object_id}, {"member", member}, {"versions", std::move(versions)}};
}

}  // namespace bongsu::node
