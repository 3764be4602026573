// Alerts on the admin socket: whoever may connect to it may see everything.
#include <fmt/format.h>

#include <cstdlib>

#include "api/console/shapes.h"
#include "node/admin_api.h"

namespace bongsu::node {
namespace {

const detect::triage::Sight kEverything{.everything = true, .subjects = {}, .reads = {}};
const api::console::ReadsTechnique kReadsAll = [](const detect::triage::Technique&) { return true; };
constexpr std::uint32_t kMaxHitsListed = 100'000;

net::Response json_response(const Json& value, int status = 200) { return net::Response::json(status, to_text(value)); }

std::uint32_t limit_of(const std::map<std::string, std::string>& query, std::uint32_t otherwise, std::uint32_t most) {
  const auto at = query.find("limit");
  return at == query.end() ? otherwise : static_cast<std::uint32_t>(std::min<std::uint64_t>(std::strtoul(at->second.c_str(), nullptr, 10), most));
}

bool flag_of(const std::map<std::string, std::string>& query, const std::string& key) {
  const auto at = query.find(key);
  return at != query.end() && at->second == "true";
}

std::string text_of(const std::map<std::string, std::string>& query, const std::string& key) {
  const auto at = query.find(key);
  return at == query.end() ? "" : at->second;
}

}  // namespace

AdminApi::Answer AdminApi::alerts(const Call& call) {
  const flow::AlertQuery query{.open_only = flag_of(call.query, "open"), .suppressed = flag_of(call.query, "suppressed"), .indicator_id = {},
                               .text = text_of(call.query, "text"), .before = std::strtoull(text_of(call.query, "before").c_str(), nullptr, 10),
                               .limit = limit_of(call.query, 100, flow::kMaxListedAlerts)};
  JsonArray out;
  for (const auto& record : core_.alerts->list(query)) {
    JsonObject line{{"seq", record.seq}, {"added", Instant::from_micros(record.added_us).text()}, {"acknowledged", record.acknowledged},
                    {"assignee", record.assignee}, {"sighting", record.sighting_id}, {"risk", record.assessment.risk}, {"hits", record.tally.hits},
                    {"group", record.group}, {"suppressed_by", record.assessment.suppressed_by}, {"alert", record.alert.json()}};
    out.push_back(std::move(line));
  }
  return json_response(JsonObject{{"alerts", std::move(out)}});
}

// The positions that are kept, of all alerts, newest alert first.
AdminApi::Answer AdminApi::hits(const Call& call) {
  const std::uint32_t limit = limit_of(call.query, 1000, kMaxHitsListed);
  JsonArray out;
  flow::AlertQuery query{.open_only = false, .suppressed = flag_of(call.query, "suppressed"), .indicator_id = {}, .text = text_of(call.query, "text"),
                         .before = 0, .limit = flow::kMaxListedAlerts};
  for (;;) {
    const auto records = core_.alerts->list(query);
    for (const auto& record : records) {
      query.before = record.seq;
      for (std::uint64_t offset = 0; out.size() < limit;) {
        BONGSU_TRY(const auto kept, core_.alerts->hits(record.alert.id, offset, flow::kMaxListedHits));
        for (const auto& hit : kept) {
          if (out.size() == limit) break;
          Json line = api::console::kept_hit_json(hit);
          line.as_object()["alert"] = record.alert.id;
          line.as_object()["indicator"] = record.alert.indicator_id;
          out.push_back(std::move(line));
        }
        offset += kept.size();
        if (kept.size() < flow::kMaxListedHits) break;
      }
    }
    if (out.size() == limit || records.empty()) break;
  }
  return json_response(JsonObject{{"hits", std::move(out)}});
}

// One group with the alerts inside, or a page of groups.
AdminApi::Answer AdminApi::groups(const Call& call) {
  const bool suppressed = flag_of(call.query, "suppressed");
  if (!call.rest.empty()) {
    const auto part = core_.alerts->group(call.rest[0], suppressed, std::strtoul(text_of(call.query, "offset").c_str(), nullptr, 10),
                                          limit_of(call.query, 100, flow::kMaxListedAlerts), kEverything);
    if (!part) return fail(ErrorCode::kNotFound, "there is no such group", {.field = "group"});
    JsonArray list;
    for (const auto& record : part->alerts) list.push_back(api::console::alert_json(record, kReadsAll));
    return json_response(JsonObject{{"group", api::console::group_json(part->group)}, {"alerts", std::move(list)}, {"total", part->total}});
  }
  const auto page = core_.alerts->groups({.open_only = flag_of(call.query, "open"), .suppressed = suppressed, .text = text_of(call.query, "text"),
                                          .order = text_of(call.query, "order") == "newest" ? detect::triage::GroupOrder::kNewest : detect::triage::GroupOrder::kRisk,
                                          .after = text_of(call.query, "after"), .limit = limit_of(call.query, 50, flow::kMaxListedAlerts)},
                                         kEverything);
  JsonArray list;
  for (const auto& group : page.groups) list.push_back(api::console::group_json(group));
  return json_response(JsonObject{{"groups", std::move(list)}, {"next", page.next}, {"total", page.total},
                                  {"totals", api::console::totals_json(core_.alerts->totals(kEverything))},
                                  {"unlisted", api::console::unlisted_json(core_.alerts->unlisted(kEverything))}});
}

AdminApi::Answer AdminApi::list_suppressions(const Call&) {
  JsonArray list;
  for (const auto& rule : core_.alerts->suppressions())
    list.push_back(api::console::suppression_json(rule, core_.alerts->suppressed_hits(rule.id, kEverything), core_.clock.now()));
  return json_response(JsonObject{{"suppressions", std::move(list)}});
}

AdminApi::Answer AdminApi::suppress(const Call& call) {
  BONGSU_TRY(auto rule, api::console::read_suppression(call.body, std::string(string_at(call.body, "author").value_or(""))));
  BONGSU_TRY(const auto made, core_.alerts->suppress(std::move(rule)));
  return json_response(api::console::suppression_json(made, 0, core_.clock.now()), 201);
}

AdminApi::Answer AdminApi::unsuppress(const Call& call) {
  if (call.rest.empty()) return fail(ErrorCode::kInvalid, "which suppression?", {.field = "id"});
  const std::string by = text_of(call.query, "by");
  BONGSU_TRY_VOID(core_.alerts->unsuppress(call.rest[0], by));
  return json_response(JsonObject{{"ended", call.rest[0]}});
}

}  // namespace bongsu::node
