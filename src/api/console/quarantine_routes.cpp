// What was not admitted because it speaks for others: the list, one item, and a person's decision.
#include <algorithm>

#include "api/console/alert_scope.h"
#include "api/console/impl.h"

namespace bongsu::api {
namespace {

using console::text_json;

constexpr std::size_t kMaxListed = 1'000;
constexpr std::size_t kMaxHeldLabels = 20'000;
constexpr std::size_t kMaxShownBytes = 256 * 1024;

// Letting in what claims to be ours, or has a wrong proof, is for operators: the others are judgements on content.
bool needs_operator(const flow::HeldItem& item) {
  return item.reason == flow::HeldFor::kBadProof || item.reason == flow::HeldFor::kOurIdentity;
}

JsonObject shown(const flow::HeldItem& item, const identity::Principal& who) {
  JsonObject out;
  const auto text = [&](std::string_view key, std::string_view value) { out[key] = text_json(value); };
  text("id", item.id);
  text("member", item.member);
  text("originator", item.originator);
  text("object_id", item.object_id);
  text("version", item.version);
  text("reason", to_string(item.reason));
  text("why", item.why);
  text("since", item.since.text(3));
  text("state", to_string(item.state));
  out["bytes"] = item.bytes;
  if (item.decided) {
    text("decided", item.decided->text(3));
    text("decided_by", item.decided_by);
    text("decided_why", item.decided_why);
  }
  const bool open = item.state == flow::HeldItem::State::kOpen;
  out["may_discard"] = open && who.role != identity::Role::kReader;
  out["may_admit"] = open && item.reason != flow::HeldFor::kMarkingConflict && who.role != identity::Role::kReader &&
                     (!needs_operator(item) || who.role == identity::Role::kOperator);
  return out;
}

std::unexpected<Error> nothing_held() { return fail(ErrorCode::kNotFound, "nothing is held under this id"); }

}  // namespace

// What was not admitted has no label yet: that of its bytes is asked, once for each. Bytes that cannot be read are for
// those who look at what is not understood; of an item that was decided, and its bytes erased, the label is remembered
// until the node stops.
bool ConsoleApi::Impl::may_see(const Caller& caller, const flow::HeldItem& item) {
  if (!item.collection.empty() && !caller.who.may_read(item.collection)) return false;
  {
    const std::lock_guard lock(held_mutex);
    if (const auto at = held_labels.find(item.id); at != held_labels.end()) return caller.view->sees_label(at->second);
  }
  policy::Label label = policy::bottom();
  label.unknown = true;
  if (const auto content = deps.quarantine->content(item.id))
    if (const auto object = stix::Object::parse(content->payload)) {
      const auto collection = deps.collections.find(item.collection);
      label = deps.markings.label_of(*object, collection ? collection->fallback : stix::Tlp::kAmberStrict,
                                      collection ? collection->exercise : "");
    }
  const std::string text = label.text();
  const std::lock_guard lock(held_mutex);
  if (held_labels.size() >= kMaxHeldLabels) held_labels.clear();
  held_labels.emplace(item.id, text);
  return caller.view->sees_label(text);
}

Result<net::Response> ConsoleApi::Impl::quarantine(Call& call) {
  JsonArray items;
  std::size_t open = 0;
  if (deps.quarantine != nullptr)
    for (const auto& item : deps.quarantine->list()) {
      if (!may_see(call.caller, item)) continue;
      if (item.state == flow::HeldItem::State::kOpen) ++open;
      if (items.size() < kMaxListed) items.push_back(shown(item, call.caller.who));
    }
  JsonObject out;
  out["items"] = std::move(items);
  out["open"] = open;
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::held(Call& call, const std::string& id) {
  const auto item = deps.quarantine != nullptr ? deps.quarantine->find(id) : std::nullopt;
  if (!item || !may_see(call.caller, *item)) return nothing_held();
  JsonObject out = shown(*item, call.caller.who);
  out["text"] = nullptr;
  if (const auto content = deps.quarantine->content(id)) {
    out["text"] = text_json(std::string_view(content->payload).substr(0, kMaxShownBytes));
    out["cut"] = content->payload.size() > kMaxShownBytes;
    out["signed"] = !content->proof.empty();
  }
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::decide_held(Call& call, const std::string& id, bool admit) {
  BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kAnalyst));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  const std::string reason(string_at(body, "reason").value_or(""));
  if (reason.find_first_not_of(' ') == std::string::npos || reason.size() > kConsoleMaxReasonBytes)
    return fail(ErrorCode::kInvalid, "say why, for those who ask later", {.field = "reason"});
  const auto item = deps.quarantine != nullptr ? deps.quarantine->find(id) : std::nullopt;
  if (!item || !may_see(call.caller, *item)) return nothing_held();
  if (admit) {
    if (needs_operator(*item)) BONGSU_TRY_VOID(console::require(call.caller.who, identity::Role::kOperator));
    BONGSU_TRY([[maybe_unused]] const auto admitted, deps.admission.admit_held(id, call.caller.who.account, reason));
  } else {
    BONGSU_TRY_VOID(deps.quarantine->discard(id, call.caller.who.account, reason));
  }
  const auto decided = deps.quarantine->find(id);
  return console::answer(200, decided ? shown(*decided, call.caller.who) : JsonObject());
}

}  // namespace bongsu::api
