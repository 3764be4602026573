// The crisis on the admin socket: shown to whoever reaches it, declared and ended by a person, whose token is asked.
#include <fmt/format.h>

#include "node/admin_api.h"
#include "node/registry_acts.h"

namespace bongsu::node {

Result<identity::Account> AdminApi::operator_by_token(const Call& call) const {
  const std::string token(string_at(call.body, "token").value_or(""));
  if (token.empty())
    return fail(ErrorCode::kUnauthenticated, "a person declares and ends a crisis: the token of an operator's account",
                {.field = "token"});
  BONGSU_TRY(const auto who, core_.accounts->by_token(token));
  const auto accounts = core_.accounts->accounts();
  const auto account = accounts.find(who.account);
  if (account == accounts.end() || account->second.member != core_.config.member ||
      account->second.role != identity::Role::kOperator)
    return fail(ErrorCode::kDenied, fmt::format("{} is no operator of this node", who.account), {.field = "token"});
  return account->second;
}

// GET crisis: {"crisis": the newest or null, "in_force"}
AdminApi::Answer AdminApi::show_crisis(const Call&) {
  const auto crisis = core_.registry->crisis();
  JsonObject out{{"crisis", nullptr}, {"in_force", crisis && crisis->in_force(core_.clock.now())}};
  if (crisis) out["crisis"] = crisis->json();
  return net::Response::json(200, to_text(out));
}

// POST crisis {"token", "seconds", "reason"}: from now on for so long.
AdminApi::Answer AdminApi::declare_crisis(const Call& call) {
  BONGSU_TRY(const auto account, operator_by_token(call));
  const Instant now = core_.clock.now();
  const std::int64_t seconds = int_at(call.body, "seconds").value_or(0);
  const std::int64_t most = std::chrono::seconds(kMaxCrisis).count();
  const Crisis crisis{.since = now,
                      // One too long stays too long, and does not overflow.
                      .until = now + std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, most + 1)),
                      .reason = std::string(string_at(call.body, "reason").value_or("")),
                      .by = account.name};
  BONGSU_TRY_VOID(check_crisis(crisis, now));
  if (core_.config.people_four_eyes_agreements) {
    BONGSU_TRY(
        auto waits,
        second_person(call, {.kind = std::string(kDeclareCrisis), .parameters = crisis.json(), .bytes = crisis.reason},
                      {.account = account.name}));
    if (waits) return std::move(*waits);
  }
  BONGSU_TRY(const auto declared, core_.registry->declare_crisis(crisis));
  return net::Response::json(200, to_text(declared.json()));
}

// DELETE crisis {"token", "reason"}: one person suffices, for it takes away.
AdminApi::Answer AdminApi::end_crisis(const Call& call) {
  BONGSU_TRY(const auto account, operator_by_token(call));
  const std::string reason(string_at(call.body, "reason").value_or(""));
  if (reason.empty()) return fail(ErrorCode::kInvalid, "needs a reason", {.field = "reason"});
  BONGSU_TRY(const auto ended, core_.registry->end_crisis(account.name, reason));
  return net::Response::json(200, to_text(ended.json()));
}

}  // namespace bongsu::node
