// What waits for a second person, on the admin socket. Whoever reaches the socket is the machine's administrator and no
// person of the node: to decide takes an account, proven by its token.
#include <fmt/format.h>

#include "node/admin_api.h"

namespace bongsu::node {
namespace {

net::Response answer(const Json& value, int status = 200) { return net::Response::json(status, to_text(value)); }

}  // namespace

Result<std::optional<net::Response>> AdminApi::second_person(const Call& call, const flow::Proposed& what, const flow::Asker& by) {
  const auto reason = call.query.find("reason");
  const std::string why(reason != call.query.end() ? reason->second : string_at(call.body, "reason").value_or(""));
  BONGSU_TRY(const auto waits, core_.approvals->ask(what, by, why));
  if (!waits) return std::nullopt;
  return answer(JsonObject{{"waits", flow::to_json(*waits)}}, 202);
}

// GET approvals: all; GET approvals/ID: one, with its bytes as text.
AdminApi::Answer AdminApi::list_approvals(const Call& call) {
  if (call.rest.empty()) {
    JsonArray items;
    for (const auto& proposal : core_.approvals->list()) items.push_back(flow::to_json(proposal));
    return answer(JsonObject{{"four_eyes", core_.approvals->four_eyes()}, {"items", std::move(items)}});
  }
  const auto proposal = core_.approvals->find(call.rest[0]);
  if (!proposal) return fail(ErrorCode::kNotFound, "nothing waits under this id");
  Json out = flow::to_json(*proposal);
  if (const auto content = core_.approvals->content(call.rest[0])) out.as_object()["content"] = *content;
  return answer(out);
}

// POST approvals/ID {"decision": "approve" or "refuse", "token", "sha256", "reason"}
AdminApi::Answer AdminApi::decide_approval(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kInvalid, "names one proposal: /approvals/ID");
  const auto text = [&](std::string_view key) { return std::string(string_at(call.body, key).value_or("")); };
  if (text("token").empty())
    return fail(ErrorCode::kUnauthenticated, "a person decides: the token of an account that has the right",
                {.field = "token"});
  BONGSU_TRY(const auto who, core_.accounts->by_token(text("token")));
  if (text("decision") == "approve") {
    BONGSU_TRY(const auto done, core_.approvals->approve(call.rest[0], who.account, text("sha256"), text("reason")));
    return answer(flow::to_json(done));
  }
  if (text("decision") == "refuse") {
    BONGSU_TRY(const auto done, core_.approvals->refuse(call.rest[0], who.account, text("reason")));
    return answer(flow::to_json(done));
  }
  return fail(ErrorCode::kInvalid, "is approve or refuse", {.field = "decision"});
}

}  // namespace bongsu::node
