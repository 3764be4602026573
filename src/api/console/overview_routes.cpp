// The first thing a page loads: the node, its members, collections, rates; and cutting a partner off.
#include <algorithm>

#include "api/console/draft.h"
#include "api/console/impl.h"

namespace bongsu::api {
namespace {

constexpr std::size_t kMaxShownAside = 100;  // rules that were set aside

}  // namespace

Json ConsoleApi::Impl::members_json() const {
  const auto state = deps.release.state();
  JsonArray out;
  if (deps.members)
    for (const auto& member : deps.members()) out.push_back(console::member_json(member, state.get()));
  return out;
}

Json ConsoleApi::Impl::counts_json(const identity::Principal& who) const {
  return console::counts_json(scope->counts(who));
}

Result<net::Response> ConsoleApi::Impl::overview(Call& call) {
  JsonObject out;
  out["seq"] = hub->position();  // first, so that the stream from here on misses nothing of what follows
  JsonObject node;
  node["id"] = console::text_json(deps.node.self);
  node["title"] = console::text_json(deps.node.title);
  node["version"] = console::text_json(deps.node.version);
  node["country"] = console::text_json(deps.node.country);
  node["identity_id"] = console::text_json(deps.node.identity_id);
  out["node"] = std::move(node);
  out["session"] = session_json(call.caller.who);
  out["server_time"] = console::text_json(deps.clock.now().text(3));
  out["members"] = members_json();
  out["counts"] = counts_json(call.caller.who);
  out["rates"] = rates.columns([&](const std::string& label) { return call.caller.view->sees_label(label); });
  JsonArray collections;
  for (const auto& collection : deps.collections.list()) {
    if (!call.caller.who.may_read(collection.id)) continue;
    JsonObject item;
    item["id"] = console::text_json(collection.id);
    item["alias"] = console::text_json(collection.alias);
    item["title"] = console::text_json(collection.title);
    item["mirror_of"] = console::text_json(collection.mirror_of);
    item["exercise"] = console::text_json(collection.exercise);
    item["publishable"] = collection.mirror_of.empty() && call.caller.who.may_write(collection.id);
    collections.push_back(std::move(item));
  }
  out["collections"] = std::move(collections);
  JsonArray people;  // whom an alert can be assigned to
  for (const auto& [name, account] : deps.accounts.accounts())
    if (account.member == deps.node.self && !account.disabled && account.role != identity::Role::kReader)
      people.push_back(console::text_json(name));
  out["people"] = std::move(people);
  JsonArray kinds;
  using enum detect::Kind;
  for (const auto kind : {kIpv4, kIpv6, kDomain, kUrl, kEmail, kMd5, kSha1, kSha256, kSha512, kMac, kFileName,
                          kRegistryKey, kMutex, kUserAgent})
    kinds.push_back(console::text_json(detect::to_string(kind)));
  out["kinds"] = std::move(kinds);
  out["may_stop"] = static_cast<bool>(deps.stop_member) && call.caller.who.role == identity::Role::kOperator;
  return console::answer(200, out);
}

// Whether the sensor runs, and which rules it does not get: those of them whose indicator the caller may read.
Result<net::Response> ConsoleApi::Impl::detection(Call& call) {
  if (!deps.detection) return fail(ErrorCode::kUnsupported, "this node does not tell what its sensor does");
  const ConsoleDetection now = deps.detection();
  const auto snapshot = deps.journal.snapshot();
  JsonArray aside;
  for (const auto& rule : now.aside) {
    if (aside.size() == kMaxShownAside) break;
    const auto versions = readable_versions(*snapshot, call.caller, rule.indicator);
    if (!versions) continue;
    JsonObject item;
    const auto text = [&](std::string_view key, std::string_view value) { item[key] = console::text_json(value); };
    text("digest", rule.digest);
    text("language", rule.language);
    text("indicator", rule.indicator);
    text("giver", rule.giver);
    text("reason", rule.reason);
    text("since", rule.since.text(3));
    item["name"] = nullptr;
    if (const auto payload = snapshot->payload(versions->front().seq))
      if (const auto json = parse_json(*payload)) item["name"] = console::text_json(console::name_of(*json));
    aside.push_back(std::move(item));
  }
  JsonObject out;
  out["running"] = now.running;
  out["aside"] = std::move(aside);
  return console::answer(200, out);
}

// {"crisis": null or since, until, reason, by}. Whoever logs in here is of this node's member.
Result<net::Response> ConsoleApi::Impl::crisis(Call&) {
  if (!deps.crisis) return fail(ErrorCode::kUnsupported, "this node does not tell of crises");
  JsonObject out{{"crisis", nullptr}};
  if (const auto lasts = deps.crisis())
    out["crisis"] = JsonObject{{"since", lasts->since.text(3)},
                               {"until", lasts->until.text(3)},
                               {"reason", console::text_json(lasts->reason)},
                               {"by", console::text_json(lasts->by)}};
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::stop_member(Call& call, const std::string& member) {
  BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kOperator));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  const std::string reason(string_at(body, "reason").value_or(""));
  if (reason.empty() || reason.size() > kConsoleMaxReasonBytes)
    return fail(ErrorCode::kInvalid, "say why, for those who ask later", {.field = "reason"});
  if (!deps.stop_member) {
    auto response =
        console::error_answer({.code = ErrorCode::kUnsupported,
                               .message = "this node does not stop members from the console; use: bongsu release stop",
                               .where = {}});
    response.status = 501;
    return response;
  }
  const auto known = deps.members ? deps.members() : std::vector<ConsoleMember>();
  if (std::ranges::find(known, member, &ConsoleMember::id) == known.end())
    return fail(ErrorCode::kNotFound, "there is no such member");
  BONGSU_TRY_VOID(deps.stop_member(member, call.caller.who.account, reason));
  note("release.stop", call.caller.who,
       {{"member", console::text_json(member)}, {"reason", console::text_json(reason)}});
  JsonObject out;
  out["members"] = members_json();
  return console::answer(200, out);
}

}  // namespace bongsu::api
