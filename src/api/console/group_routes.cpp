// Groups: one line for each entity and time, what is inside, and what somebody said is of no interest.
#include <algorithm>

#include "api/console/impl.h"

namespace bongsu::api {
namespace {

constexpr std::uint64_t kMaxGroups = 500, kMaxGroupAlerts = 200;

Result<std::uint64_t> number_of(const std::optional<std::string_view>& text, std::string_view field,
                                std::uint64_t otherwise, std::uint64_t most) {
  if (!text) return otherwise;
  BONGSU_TRY(const std::uint64_t out, console::read_number(*text, field));
  return std::min(out, most);
}

constexpr std::uint64_t kAnyOffset = ~std::uint64_t{0};

}  // namespace

Result<net::Response> ConsoleApi::Impl::groups(Call& call) {
  detect::triage::GroupQuery query;
  query.open_only = call.parameter("open") == "1";
  query.suppressed = call.parameter("suppressed") == "1";
  if (const auto text = call.parameter("text")) query.text = std::string(text->substr(0, 500));
  if (call.parameter("order") == "newest") query.order = detect::triage::GroupOrder::kNewest;
  if (const auto after = call.parameter("after")) query.after = std::string(after->substr(0, 64));
  BONGSU_TRY(const std::uint64_t limit, number_of(call.parameter("limit"), "limit", 100, kMaxGroups));
  query.limit = static_cast<std::uint32_t>(limit);
  const auto held = scope->sight(call.caller.who);
  const auto page = deps.alerts.groups(query, held.sight);
  JsonArray list;
  for (const auto& group : page.groups) list.push_back(console::group_json(group));
  JsonObject out;
  out["groups"] = std::move(list);
  out["next"] = console::text_json(page.next);
  out["total"] = page.total;
  out["totals"] = console::totals_json(deps.alerts.totals(held.sight));
  out["unlisted"] = console::unlisted_json(deps.alerts.unlisted(held.sight));
  return console::answer(200, out);
}

// A group of which the account may see nothing is one that is not there.
Result<net::Response> ConsoleApi::Impl::group(Call& call, const std::string& id) {
  BONGSU_TRY(const std::uint64_t offset, number_of(call.parameter("offset"), "offset", 0, kAnyOffset));
  BONGSU_TRY(const std::uint64_t limit, number_of(call.parameter("limit"), "limit", 50, kMaxGroupAlerts));
  const auto held = scope->sight(call.caller.who);
  const auto part =
      deps.alerts.group(id, call.parameter("suppressed") == "1", offset, static_cast<std::uint32_t>(limit), held.sight);
  if (!part) return fail(ErrorCode::kNotFound, "there is no such group");
  const auto reads = scope->reads(call.caller.who);
  JsonArray list;
  for (const auto& record : part->alerts) list.push_back(console::alert_json(record, reads));
  JsonObject out;
  out["group"] = console::group_json(part->group);
  out["alerts"] = std::move(list);
  out["total"] = part->total;
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::hits(Call& call, const std::string& alert) {
  BONGSU_TRY(const flow::AlertRecord record, visible_alert(call.caller.who, alert));
  BONGSU_TRY(const std::uint64_t offset, number_of(call.parameter("offset"), "offset", 0, kAnyOffset));
  BONGSU_TRY(const std::uint64_t limit, number_of(call.parameter("limit"), "limit", 100, flow::kMaxListedHits));
  BONGSU_TRY(const auto kept, deps.alerts.hits(alert, offset, static_cast<std::uint32_t>(limit)));
  JsonArray list;
  for (const auto& hit : kept) list.push_back(console::kept_hit_json(hit));
  JsonObject out;
  out["hits"] = std::move(list);
  out["total"] = record.tally.hits;
  out["kept"] = record.tally.hits - record.tally.unkept;
  return console::answer(200, out);
}

// A suppression names indicators and values: an account sees its own, and those of an indicator that it may see. One
// without indicator is for all who may read every collection.
bool ConsoleApi::Impl::may_see(const identity::Principal& who, const detect::triage::Suppression& rule) const {
  if (rule.author == who.account) return true;
  if (console::reads_all(who) && rule.match.indicator.empty()) return true;
  return !rule.match.indicator.empty() && (console::reads_all(who) || !rule.match.source.empty()) &&
         scope->may_see(who, {.indicator_id = rule.match.indicator, .source = rule.match.source, .indicator = 0});
}

Result<net::Response> ConsoleApi::Impl::suppressions(Call& call) {
  const auto held = scope->sight(call.caller.who);
  JsonArray list;
  for (const auto& rule : deps.alerts.suppressions())
    if (may_see(call.caller.who, rule))
      list.push_back(
          console::suppression_json(rule, deps.alerts.suppressed_hits(rule.id, held.sight), deps.clock.now()));
  JsonObject out;
  out["suppressions"] = std::move(list);
  out["longest_days"] = detect::triage::kLongestSuppression.count() / 24;
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::suppress(Call& call) {
  const identity::Principal& who = call.caller.who;
  BONGSU_TRY_VOID(console::require(who, identity::Role::kAnalyst));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  BONGSU_TRY(auto rule, console::read_suppression(body, who.account));
  // Nobody silences what others see and he does not.
  if (!console::reads_all(who) && (rule.match.indicator.empty() || rule.match.source.empty()))
    return fail(ErrorCode::kDenied,
                "an account that may not read everything suppresses one indicator of one source at a time",
                {.field = "match"});
  if (!rule.match.indicator.empty() &&
      !scope->may_see(who, {.indicator_id = rule.match.indicator, .source = rule.match.source, .indicator = 0}))
    return fail(ErrorCode::kNotFound, "there is no such indicator", {.field = "match.indicator"});
  BONGSU_TRY(const auto made, deps.alerts.suppress(std::move(rule)));
  return console::answer(201, console::suppression_json(made, 0, deps.clock.now()));
}

Result<net::Response> ConsoleApi::Impl::unsuppress(Call& call, const std::string& id) {
  BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kAnalyst));
  const auto rules = deps.alerts.suppressions();
  const auto rule = std::ranges::find(rules, id, &detect::triage::Suppression::id);
  if (rule == rules.end() || !may_see(call.caller.who, *rule))
    return fail(ErrorCode::kNotFound, "there is no such suppression");
  BONGSU_TRY_VOID(deps.alerts.unsuppress(id, call.caller.who.account));
  return net::Response::empty(204);
}

}  // namespace bongsu::api
