// Alerts: lists, one alert, and what an analyst makes of it.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/console/impl.h"

namespace bongsu::api {
namespace {

constexpr std::uint32_t kMaxAlerts = 1'000;

}  // namespace

namespace console {

Result<std::uint64_t> read_number(std::string_view text, std::string_view field) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(ErrorCode::kInvalid, "is a whole number", {.field = std::string(field)});
  return out;
}

}  // namespace console

Result<net::Response> ConsoleApi::Impl::alerts(Call& call) {
  flow::AlertQuery query;
  query.limit = 200;
  if (const auto open = call.parameter("open")) query.open_only = *open == "1";
  if (const auto suppressed = call.parameter("suppressed")) query.suppressed = *suppressed == "1";
  if (const auto text = call.parameter("text")) query.text = std::string(text->substr(0, 500));
  if (const auto indicator = call.parameter("indicator")) query.indicator_id = std::string(*indicator);
  if (const auto before = call.parameter("before")) {
    BONGSU_TRY(query.before, console::read_number(*before, "before"));
  }
  if (const auto limit = call.parameter("limit")) {
    BONGSU_TRY(const std::uint64_t wanted, console::read_number(*limit, "limit"));
    query.limit = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, 1, kMaxAlerts));
  }
  JsonArray list;
  const auto page = scope->list(call.caller.who, std::move(query));
  const auto reads = scope->reads(call.caller.who);
  for (const auto& record : page.records) list.push_back(console::alert_json(record, reads));
  JsonObject out;
  out["alerts"] = std::move(list);
  out["more"] = page.more;
  out["next"] = page.next;
  out["counts"] = counts_json(call.caller.who);
  return console::answer(200, out);
}

// An alert that the account may not see is one that is not there.
Result<flow::AlertRecord> ConsoleApi::Impl::visible_alert(const identity::Principal& who, const std::string& id) const {
  auto record = deps.alerts.find(id);
  if (!record || !scope->may_see(who, console::AlertScope::key_of(record->alert)))
    return fail(ErrorCode::kNotFound, "there is no such alert");
  return std::move(*record);
}

Result<net::Response> ConsoleApi::Impl::alert(Call& call, const std::string& id) {
  BONGSU_TRY(const flow::AlertRecord record, visible_alert(call.caller.who, id));
  Json out = console::whole_alert_json(record, scope->reads(call.caller.who));
  out.get_object()["indicator"] = nullptr;
  const auto snapshot = deps.journal.snapshot();
  if (const auto versions = readable_versions(*snapshot, call.caller, record.alert.indicator_id);
      versions && !versions->empty()) {
    JsonObject indicator;
    indicator["id"] = console::text_json(record.alert.indicator_id);
    indicator["versions"] = versions->size();
    if (const auto payload = snapshot->payload(versions->front().seq)) {
      if (const auto json = parse_json(*payload)) {
        indicator["name"] = console::text_json(console::name_of(*json));
        for (const std::string_view key : {"description", "pattern", "valid_from", "valid_until"})
          indicator[key] = console::text_json(string_at(*json, key).value_or(""));
        indicator["revoked"] = bool_at(*json, "revoked").value_or(false);
      }
    }
    out.get_object()["indicator"] = std::move(indicator);
  }
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::judge(Call& call, const std::string& id) {
  BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kAnalyst));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  BONGSU_TRY_VOID(visible_alert(call.caller.who, id));
  flow::Judgement judgement;
  judgement.by = call.caller.who.account;
  judgement.at = deps.clock.now();
  if (const Json* acknowledged = find(body, "acknowledged"); acknowledged != nullptr && !acknowledged->is_null()) {
    if (!acknowledged->is_bool()) return fail(ErrorCode::kInvalid, "is true or false", {.field = "acknowledged"});
    judgement.acknowledged = acknowledged->get_bool();
  }
  if (const Json* assignee = find(body, "assignee"); assignee != nullptr && !assignee->is_null()) {
    if (!assignee->is_string())
      return fail(ErrorCode::kInvalid, "is an account's name, or empty for nobody", {.field = "assignee"});
    judgement.assignee = std::string(assignee->get_string());
    if (!judgement.assignee->empty()) {
      const auto who = principal(*judgement.assignee);
      if (!who || who->role == identity::Role::kReader)
        return fail(ErrorCode::kInvalid, "is no analyst's account of this node", {.field = "assignee"});
    }
  }
  if (const Json* verdict = find(body, "verdict"); verdict != nullptr && !verdict->is_null()) {
    const auto parsed = console::parse_verdict(string_at(body, "verdict").value_or(""));
    if (!parsed) return fail(ErrorCode::kInvalid, "is one of true, false, benign, open", {.field = "verdict"});
    judgement.verdict = parsed;
  }
  if (const Json* reason = find(body, "reason"); reason != nullptr && !reason->is_null()) {
    if (!reason->is_string()) return fail(ErrorCode::kInvalid, "is text", {.field = "reason"});
    judgement.reason = std::string(reason->get_string());
  }
  if (judgement.reason.size() > kConsoleMaxReasonBytes)
    return fail(ErrorCode::kInvalid, fmt::format("is at most {} bytes long", kConsoleMaxReasonBytes),
                {.field = "reason"});
  if (judgement.verdict && judgement.reason.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(ErrorCode::kInvalid, "a verdict needs a reason, for those who ask later", {.field = "reason"});
  if (!judgement.acknowledged && !judgement.assignee && !judgement.verdict)
    return fail(ErrorCode::kInvalid, "nothing to do: acknowledge, assign or judge", {.field = "verdict"});
  BONGSU_TRY(const flow::AlertRecord record, deps.alerts.judge(id, std::move(judgement)));
  hub->alert_changed(record);
  return console::answer(200, console::whole_alert_json(record, scope->reads(call.caller.who)));
}

}  // namespace bongsu::api
