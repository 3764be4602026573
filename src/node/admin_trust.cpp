#include "node/admin_trust.h"

#include <fmt/format.h>

#include "crypto/keys.h"
#include "node/admin_api.h"
#include "node/registry_acts.h"
#include "policy/charter_words.h"

namespace bongsu::node {
namespace {

net::Response answer(const Json& value) { return net::Response::json(200, to_text(value)); }

JsonObject charter_json(const policy::TrustedCharter& trusted) {
  JsonArray nations;
  for (const auto& nation : policy::count_sponsors(trusted.charter(), trusted.document).nations)
    nations.emplace_back(nation);
  const std::string digest = trusted.charter().digest();
  return {{"charter", trusted.charter().id},
          {"version", trusted.charter().version},
          {"expires", trusted.charter().expires.text(0)},
          {"digest", digest},
          {"spoken_digest", crypto::spoken_fingerprint(digest)},
          {"signed_by", std::move(nations)}};
}

// Empty: in force now.
std::string why_not(const policy::SignedMemorandum& document, const std::optional<policy::TrustedCharter>& charter,
                    Instant now) {
  if (!charter) return "this node trusts no charter";
  if (const auto good = charter->in_force(now); !good) return good.error().message;
  if (const auto good = policy::verify_memorandum(document, charter->charter()); !good) return good.error().message;
  if (now < document.terms.valid_from) return fmt::format("it begins at {}", document.terms.valid_from.text(0));
  if (now >= policy::end_of(document)) return fmt::format("it ended at {}", policy::end_of(document).text(0));
  return "";
}

JsonObject agreement_json(const policy::SignedMemorandum& document,
                          const std::optional<policy::TrustedCharter>& charter) {
  JsonArray parties, signed_by;
  for (const auto& party : document.terms.parties) parties.emplace_back(party);
  for (const auto& s : document.signatures) signed_by.emplace_back(s.member);
  const std::string trouble = why_not(document, charter, SystemClock().now());
  return {{"agreement", document.terms.id},
          {"version", document.terms.version},
          {"title", document.terms.title},
          {"parties", std::move(parties)},
          {"signed_by", std::move(signed_by)},
          {"digest", document.digest()},
          {"ends", policy::end_of(document).text(0)},
          {"in_force", trouble.empty()},
          {"trouble", trouble},
          {"document", document.text()},
          {"explained", policy::explain(document.terms)}};
}

}  // namespace

JsonArray signed_agreements_json(const Registry& registry) {
  const auto charter = registry.charter();
  JsonArray out;
  for (const auto& document : registry.memoranda()) out.push_back(agreement_json(document, charter));
  return out;
}

AdminApi::Answer AdminApi::charter(const Call&) {
  const auto trusted = core_.registry->charter();
  if (!trusted)
    return fail(ErrorCode::kNotFound, "this node trusts no charter: its members are whom it has paired with");
  JsonObject out = charter_json(*trusted);
  out["document"] = trusted->document.text();
  out["explained"] = policy::explain(trusted->charter());
  const auto force = trusted->in_force(core_.clock.now());
  out["trouble"] = force ? "" : force.error().message;
  return answer(out);
}

AdminApi::Answer AdminApi::accept_charter(const Call& call) {
  const Json* list = find(call.body, "documents");
  BONGSU_TRY(const auto versions, read_charters(list == nullptr ? Json() : *list));
  // As it was read out (forty decimal digits) or in hexadecimal.
  std::string digest(string_at(call.body, "digest").value_or(""));
  std::erase_if(digest, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  std::string spoken = crypto::spoken_fingerprint(versions.front().charter.digest());
  std::erase_if(spoken, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  if (digest == spoken) digest = versions.front().charter.digest();
  BONGSU_TRY(auto waits, second_person(call, {.kind = std::string(kAcceptCharter), .parameters = {{"digest", digest}}, .bytes = to_text(*list)}));
  if (waits) return std::move(*waits);
  BONGSU_TRY(const auto trusted, core_.registry->accept_charter(versions, digest));
  return answer(charter_json(trusted));
}

AdminApi::Answer AdminApi::put_signed_agreement(const Call& call) {
  const auto source = call.query.find("source");
  BONGSU_TRY(const auto document, policy::parse_signed_memorandum(
                                      call.request.body, source == call.query.end() ? "agreement" : source->second));
  if (core_.config.people_four_eyes_agreements) {
    BONGSU_TRY(auto waits, second_person(call, {.kind = std::string(kSignedAgreement), .parameters = {}, .bytes = call.request.body}));
    if (waits) return std::move(*waits);
  }
  BONGSU_TRY(const auto put, core_.registry->put_memorandum(document));
  return answer(agreement_json(put, core_.registry->charter()));
}

}  // namespace bongsu::node
