// What waits for a second person: the list, one proposal with what it would change, and the decision.
#include "api/console/impl.h"

namespace bongsu::api {
namespace {

using console::text_json;

constexpr std::size_t kMaxListed = 1'000;
constexpr std::size_t kMaxShownBytes = 256 * 1024;

std::unexpected<Error> nothing_waits() { return fail(ErrorCode::kNotFound, "nothing waits under this id"); }

JsonObject shown(const flow::Approvals& approvals, const flow::Proposal& proposal, const std::string& account) {
  JsonObject out;
  const auto text = [](JsonObject& to, std::string_view key, std::string_view value) { to[key] = text_json(value); };
  text(out, "id", proposal.id);
  text(out, "kind", proposal.kind);
  text(out, "subject", proposal.plan.subject);
  text(out, "summary", proposal.plan.summary);
  JsonArray changes;
  for (const auto& change : proposal.plan.changes) {
    JsonObject line;
    text(line, "what", change.what);
    text(line, "before", change.before);
    text(line, "after", change.after);
    changes.push_back(std::move(line));
  }
  out["changes"] = std::move(changes);
  text(out, "sha256", proposal.sha256);
  text(out, "by", proposal.by);
  text(out, "why", proposal.why);
  text(out, "since", proposal.since.text(3));
  text(out, "expires", proposal.expires.text(3));
  text(out, "state", to_string(proposal.state));
  if (proposal.decided) {
    text(out, "decided", proposal.decided->text(3));
    text(out, "decided_by", proposal.decided_by);
    text(out, "decided_why", proposal.decided_why);
  }
  const auto may = approvals.may_decide(proposal, account);
  const bool open = proposal.state == flow::Proposal::State::kOpen;
  out["may_approve"] = open && may.has_value();
  out["may_refuse"] = open && (may.has_value() || proposal.by == account);
  text(out, "why_not", may ? "" : may.error().message);
  return out;
}

}  // namespace

Result<net::Response> ConsoleApi::Impl::approvals(Call& call) {
  JsonArray items;
  std::size_t open = 0;
  if (deps.approvals != nullptr)
    for (const auto& proposal : deps.approvals->list()) {
      if (!deps.approvals->may_see(proposal, call.caller.who.account)) continue;
      if (proposal.state == flow::Proposal::State::kOpen) ++open;
      if (items.size() < kMaxListed) items.push_back(shown(*deps.approvals, proposal, call.caller.who.account));
    }
  JsonObject out;
  out["four_eyes"] = deps.approvals != nullptr && deps.approvals->four_eyes();
  out["items"] = std::move(items);
  out["open"] = open;
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::approval(Call& call, const std::string& id) {
  const auto proposal = deps.approvals != nullptr ? deps.approvals->find(id) : std::nullopt;
  if (!proposal || !deps.approvals->may_see(*proposal, call.caller.who.account)) return nothing_waits();
  JsonObject out = shown(*deps.approvals, *proposal, call.caller.who.account);
  out["text"] = nullptr;
  if (const auto content = deps.approvals->content(id)) {
    out["text"] = text_json(std::string_view(*content).substr(0, kMaxShownBytes));
    out["cut"] = content->size() > kMaxShownBytes;
  }
  return console::answer(200, out);
}

// What is approved is what was shown: the page sends its hash back.
Result<net::Response> ConsoleApi::Impl::decide_approval(Call& call, const std::string& id, bool approve) {
  BONGSU_TRY(const Json body, console::json_body(call.request));
  const std::string reason(string_at(body, "reason").value_or("")), sha256(string_at(body, "sha256").value_or(""));
  const std::string& account = call.caller.who.account;
  const auto proposal = deps.approvals != nullptr ? deps.approvals->find(id) : std::nullopt;
  if (!proposal || !deps.approvals->may_see(*proposal, account)) return nothing_waits();
  const auto decided =
      approve ? deps.approvals->approve(id, account, sha256, reason) : deps.approvals->refuse(id, account, reason);
  if (!decided) return std::unexpected(decided.error());
  return console::answer(200, shown(*deps.approvals, *decided, account));
}

}  // namespace bongsu::api
