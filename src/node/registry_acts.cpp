#include "node/registry_acts.h"

#include <fmt/format.h>

#include "node/admin_trust.h"
#include "policy/charter_words.h"

namespace bongsu::node {
namespace {

using flow::ActPlan;
using flow::Closing;
using flow::Proposed;

bool operator_may(const identity::Account& account, const Proposed&, const ActPlan&) {
  return account.role == identity::Role::kOperator;
}

std::string partner_of(const Proposed& what) {
  return std::string(string_at(Json(what.parameters), "partner").value_or(""));
}

std::string explained(const std::optional<policy::Agreement>& agreement) {
  return agreement ? policy::explain(*agreement) : "";
}

Result<ActPlan> plan_put(Registry& registry, const Proposed& what) {
  BONGSU_TRY(const auto agreement, policy::parse_agreement(what.bytes, "agreement"));
  return ActPlan{
      .subject = agreement.partner,
      .summary = fmt::format("puts the agreement with {}", agreement.partner),
      .changes = {{"agreement", explained(registry.agreement(agreement.partner)), policy::explain(agreement)}}};
}

Result<ActPlan> plan_end(Registry& registry, const Proposed& what) {
  const std::string partner = partner_of(what);
  const auto agreement = registry.agreement(partner);
  if (!agreement) return fail(ErrorCode::kNotFound, fmt::format("there is no agreement with \"{}\"", partner));
  return ActPlan{.subject = partner,
                 .summary = fmt::format("ends the agreement with {}", partner),
                 .changes = {{"agreement", explained(agreement), ""}}};
}

Result<ActPlan> plan_signed(Registry& registry, const Proposed& what) {
  BONGSU_TRY(const auto document, policy::parse_signed_memorandum(what.bytes, "agreement"));
  std::string before;
  for (const auto& known : registry.memoranda())
    if (known.terms.id == document.terms.id) before = policy::explain(known.terms);
  return ActPlan{
      .subject = document.terms.id,
      .summary = fmt::format("takes the signed agreement {} in version {}", document.terms.id, document.terms.version),
      .changes = {{"agreement", before, policy::explain(document.terms)}}};
}

Result<Crisis> crisis_in(const Proposed& what) { return Crisis::parse(Json(what.parameters)); }

Result<ActPlan> plan_crisis(Registry& registry, const Proposed& what) {
  BONGSU_TRY(const auto crisis, crisis_in(what));
  const auto before = registry.crisis();
  const bool lasts = before && before->until > crisis.since;
  return ActPlan{.subject = "crisis",
                 .summary = fmt::format("declares a crisis until {}: {}", crisis.until.text(0), crisis.reason),
                 .changes = {{"until", lasts ? before->until.text(0) : "", crisis.until.text(0)}}};
}

Result<std::vector<policy::SignedCharter>> charters_in(const Proposed& what) {
  BONGSU_TRY(const Json list, parse_json(what.bytes));
  return read_charters(list);
}

Result<ActPlan> plan_charter(Registry& registry, const Proposed& what) {
  BONGSU_TRY(const auto versions, charters_in(what));
  const policy::Charter& next = versions.back().charter;
  ActPlan plan{.subject = next.id,
               .summary = fmt::format("follows the charter {} in version {}", next.id, next.version),
               .changes = {}};
  const auto trusted = registry.charter();
  plan.changes.push_back({"digest", trusted ? trusted->charter().digest() : "", next.digest()});
  if (trusted)
    for (auto& line : policy::changes(trusted->charter(), next))
      plan.changes.push_back({"change", "", std::move(line)});
  else
    plan.changes.push_back({"charter", "", policy::explain(next)});
  return plan;
}

}  // namespace

Result<std::vector<policy::SignedCharter>> read_charters(const Json& list) {
  if (!list.is_array() || list.get_array().empty())
    return fail(ErrorCode::kInvalid, "is a list of charters, each as text, in the order of their versions",
                {.field = "documents"});
  if (list.get_array().size() > kMaxCharterDocuments)
    return fail(ErrorCode::kTooLarge, fmt::format("one request brings at most {} versions", kMaxCharterDocuments),
                {.field = "documents"});
  std::vector<policy::SignedCharter> versions;
  for (const Json& item : list.get_array()) {
    if (!item.is_string()) return fail(ErrorCode::kInvalid, "holds texts", {.field = "documents"});
    BONGSU_TRY(auto document, policy::parse_signed_charter(std::string_view(item.get_string())));
    versions.push_back(std::move(document));
  }
  return versions;
}

void add_registry_acts(flow::Approvals& approvals, Registry& registry) {
  const auto add = [&](std::string_view kind, Result<ActPlan> (*plan)(Registry&, const Proposed&),
                       std::function<Result<void>(const Proposed&, const Closing&)> execute) {
    approvals.add({.kind = std::string(kind),
                   .plan = [&registry, plan](const Proposed& what) { return plan(registry, what); },
                   .may_decide = operator_may,
                   .execute = std::move(execute)});
  };
  add(kPutAgreement, plan_put, [&registry](const Proposed& what, const Closing& closing) -> Result<void> {
    BONGSU_TRY(const auto agreement, policy::parse_agreement(what.bytes, "agreement"));
    return registry.put_agreement(agreement, closing);
  });
  add(kEndAgreement, plan_end, [&registry](const Proposed& what, const Closing& closing) {
    return registry.end_agreement(partner_of(what), closing);
  });
  add(kSignedAgreement, plan_signed, [&registry](const Proposed& what, const Closing& closing) -> Result<void> {
    BONGSU_TRY(const auto document, policy::parse_signed_memorandum(what.bytes, "agreement"));
    BONGSU_TRY([[maybe_unused]] const auto put, registry.put_memorandum(document, closing));
    return {};
  });
  add(kDeclareCrisis, plan_crisis, [&registry](const Proposed& what, const Closing& closing) -> Result<void> {
    BONGSU_TRY(auto crisis, crisis_in(what));
    BONGSU_TRY([[maybe_unused]] const auto declared, registry.declare_crisis(std::move(crisis), closing));
    return {};
  });
  add(kAcceptCharter, plan_charter, [&registry](const Proposed& what, const Closing& closing) -> Result<void> {
    BONGSU_TRY(const auto versions, charters_in(what));
    BONGSU_TRY([[maybe_unused]] const auto trusted,
               registry.accept_charter(versions, string_at(Json(what.parameters), "digest").value_or(""), closing));
    return {};
  });
}

}  // namespace bongsu::node
