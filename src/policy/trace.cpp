#include "policy/trace.h"

#include <fmt/format.h>

namespace bongsu::policy {
namespace {

JsonArray list_of(const auto& items) {
  JsonArray out;
  for (const auto& item : items) out.emplace_back(item);
  return out;
}

// Which agreement lacks it, and what gives it.
std::string consent_sentence(std::string_view giver, std::string_view member, bool chartered) {
  if (chartered)
    return fmt::format(
        "{0}: no signed agreement lets what it gave be passed on to {1}; a next version of it, with {1} in passes_on "
        "of its clauses from {0}, would",
        giver, member);
  return fmt::format(
      "{0}: the agreement with {0} does not let what it gave be passed on to {1}; when {0} has agreed to that, add {1} "
      "to passes_on there (`bongsu agreement set`)",
      giver, member);
}

}  // namespace

std::string part_sentence(Reason reason) {
  const std::string_view whole = sentence(reason);
  constexpr std::string_view kOfTheWhole = "withheld: ";
  return "left out: " + std::string(whole.starts_with(kOfTheWhole) ? whole.substr(kOfTheWhole.size()) : whole);
}

JsonArray left_out_json(const Decision& decision) {
  JsonArray out;
  for (const LeftOut& part : decision.left_out) {
    JsonArray reasons;
    for (const Reason reason : part.reasons)
      reasons.push_back(JsonObject{{"reason", to_string(reason)}, {"sentence", part_sentence(reason)}});
    out.push_back(JsonObject{{"selectors", list_of(part.selectors)}, {"reasons", std::move(reasons)}});
  }
  return out;
}

JsonObject trace_json(const ObjectFacts& facts, std::string_view member, const Decision& decision) {
  JsonArray reasons;
  for (const Reason reason : decision.reasons)
    reasons.push_back(JsonObject{{"reason", to_string(reason)}, {"sentence", sentence(reason)}});
  JsonObject out{{"object", facts.object_id},
                 {"member", member},
                 {"verdict", to_string(decision.verdict)},
                 {"reasons", std::move(reasons)},
                 {"redact", list_of(decision.redact)},
                 {"collection", facts.collection},
                 {"origin", facts.origin},
                 {"label", facts.label.text()},
                 {"policy_epoch", decision.versions.epoch},
                 {"charter_version", decision.versions.charter_version},
                 {"agreement", decision.versions.agreement},
                 {"agreement_version", decision.versions.agreement_version}};
  if (!decision.left_out.empty()) out["left_out"] = left_out_json(decision);
  if (decision.persons) out["persons"] = list_of(*decision.persons);
  if (!decision.no_consent_of.empty()) out["no_consent_of"] = list_of(decision.no_consent_of);
  return out;
}

std::string trace_text(const JsonObject& trace) {
  const Json json = trace;
  const auto text = [&](std::string_view key) { return std::string(string_at(json, key).value_or("")); };
  const auto number = [&](std::string_view key) {
    const Json* value = find(json, key);
    return value == nullptr ? std::string("0") : to_text(*value);
  };
  const std::string verdict = text("verdict");
  std::string out = fmt::format("{} {} to {}\n", text("object"),
                                verdict == "release"  ? "flows"
                                : verdict == "redact" ? "flows in part"
                                                      : "does not flow",
                                text("member"));
  for (const Json& reason : find(json, "reasons")->as_array())
    out += fmt::format("  {:<22} {}\n", string_at(reason, "reason").value_or(""),
                       string_at(reason, "sentence").value_or(""));
  if (const Json* parts = find(json, "left_out")) {
    for (const Json& part : parts->as_array()) {
      for (const Json& selector : part.at("selectors").as_array())
        out += fmt::format("  left out               {}\n", std::string_view(selector.as_string()));
      for (const Json& reason : part.at("reasons").as_array())
        out += fmt::format("    {:<20} {}\n", string_at(reason, "reason").value_or(""),
                           string_at(reason, "sentence").value_or(""));
    }
  }
  if (const Json* persons = find(json, "persons"))
    for (const Json& person : persons->as_array())
      out += fmt::format("  only for               {}\n", std::string_view(person.as_string()));
  if (const Json* givers = find(json, "no_consent_of"))
    for (const Json& giver : givers->as_array())
      out += fmt::format("  no consent of          {}\n",
                         consent_sentence(giver.as_string(), text("member"), number("charter_version") != "0"));
  out += fmt::format("  label                  {}\n", text("label"));
  out += fmt::format("  collection, origin     {}, {}\n", text("collection"), text("origin"));
  const std::string agreement = text("agreement");
  out += fmt::format("  agreement              {}\n",
                     agreement.empty() ? "local, not signed (or none)"
                                       : fmt::format("{}, version {}", agreement, number("agreement_version")));
  out += fmt::format("  policy epoch           {}\n", number("policy_epoch"));
  out += fmt::format("  charter version        {}\n", number("charter_version"));
  return out;
}

}  // namespace bongsu::policy
