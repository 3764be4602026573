#include "flow/alert_text.h"

#include <algorithm>
#include <array>

namespace bongsu::flow {
namespace {

constexpr std::array<std::string_view, 4> kVerdicts = {"open", "true", "false", "benign"};  // in order of AlertVerdict

std::unexpected<Error> broken(std::string field) {
  return fail(ErrorCode::kCorrupt, "a stored judgement cannot be read", {.field = std::move(field)});
}

}  // namespace

std::string alert_payload(const detect::Alert& alert, std::string_view sighting_id, const Assessment& assessment) {
  Json json = alert.json();
  if (!sighting_id.empty()) json.as_object()["sighting"] = sighting_id;
  JsonObject triage{{"risk", assessment.risk}, {"factors", assessment.factors.json()}};
  JsonArray techniques;
  for (const auto& technique : assessment.techniques) techniques.push_back(technique.json());
  if (!techniques.empty()) triage["techniques"] = std::move(techniques);
  if (!assessment.suppressed_by.empty()) triage["suppressed_by"] = assessment.suppressed_by;
  json.as_object()["triage"] = std::move(triage);
  return to_text(json);
}

Result<StoredAlert> read_alert(std::string_view payload) {
  BONGSU_TRY(const Json json, parse_json(payload));
  StoredAlert out;
  BONGSU_TRY(out.alert, detect::Alert::parse(json));
  out.sighting_id = string_at(json, "sighting").value_or("");
  const Json* triage = find(json, "triage");
  if (triage == nullptr) return out;
  Assessment assessment;
  if (const Json* factors = find(*triage, "factors")) {
    BONGSU_TRY(assessment.factors, detect::triage::RiskFactors::parse(*factors));
  }
  assessment.risk = assessment.factors.risk();
  if (const Json* techniques = find(*triage, "techniques"); techniques != nullptr && techniques->is_array())
    for (const Json& technique : techniques->get_array()) {
      BONGSU_TRY(auto parsed, detect::triage::Technique::parse(technique));
      assessment.techniques.push_back(std::move(parsed));
    }
  assessment.suppressed_by = string_at(*triage, "suppressed_by").value_or("");
  out.assessment = std::move(assessment);
  return out;
}

std::string judgement_payload(const Judgement& j) {
  JsonObject out{{"by", j.by}, {"at", j.at.text(9)}};
  if (j.acknowledged) out["acknowledged"] = *j.acknowledged;
  if (j.assignee) out["assignee"] = *j.assignee;
  if (j.verdict) out["verdict"] = kVerdicts[static_cast<std::size_t>(*j.verdict)];
  if (!j.reason.empty()) out["reason"] = j.reason;
  return to_text(Json(std::move(out)));
}

Result<Judgement> read_judgement(std::string_view payload) {
  BONGSU_TRY(const Json json, parse_json(payload));
  Judgement out;
  out.by = string_at(json, "by").value_or("");
  const auto at = Instant::parse(string_at(json, "at").value_or(""));
  if (out.by.empty()) return broken("by");
  if (!at) return broken("at");
  out.at = *at;
  out.acknowledged = bool_at(json, "acknowledged");
  if (const auto assignee = string_at(json, "assignee")) out.assignee = *assignee;
  if (const auto verdict = string_at(json, "verdict")) {
    const auto found = std::ranges::find(kVerdicts, *verdict);
    if (found == kVerdicts.end()) return broken("verdict");
    out.verdict = static_cast<AlertVerdict>(found - kVerdicts.begin());
  }
  out.reason = string_at(json, "reason").value_or("");
  return out;
}

std::string hits_payload(const std::vector<KeptHit>& hits) {
  JsonArray out;
  const auto text = [](std::string_view bytes) {  // JSON text is UTF-8; what logs hold may not be
    std::string quoted;
    append_json_string(quoted, bytes);
    auto clean = parse_json(quoted);
    return clean ? *clean : Json("");
  };
  for (const KeptHit& hit : hits)
    out.push_back(JsonObject{{"id", hit.id.text()},
                             {"at", hit.at.text(9)},
                             {"source", text(hit.position.source)},
                             {"offset", hit.position.offset},
                             {"line", hit.position.line},
                             {"field", text(hit.field)},
                             {"matched", text(hit.matched)}});
  return to_text(Json(std::move(out)));
}

Result<std::vector<KeptHit>> read_hits(std::string_view payload) {
  BONGSU_TRY(const Json json, parse_json(payload));
  const auto unreadable = [] { return fail(ErrorCode::kCorrupt, "stored hits of an alert cannot be read"); };
  if (!json.is_array()) return unreadable();
  std::vector<KeptHit> out;
  for (const Json& one : json.get_array()) {
    const auto id = Uuid::parse(string_at(one, "id").value_or(""));
    const auto at = Instant::parse(string_at(one, "at").value_or(""));
    const auto offset = int_at(one, "offset"), line = int_at(one, "line");
    if (!id || !at || !offset || !line) return unreadable();
    out.push_back({.id = *id,
                   .at = *at,
                   .position = {.source = std::string(string_at(one, "source").value_or("")),
                                .offset = static_cast<std::uint64_t>(*offset),
                                .line = static_cast<std::uint64_t>(*line)},
                   .field = std::string(string_at(one, "field").value_or("")),
                   .matched = std::string(string_at(one, "matched").value_or(""))});
  }
  return out;
}

std::string unlisted_text(const detect::triage::Unlisted& unlisted) {
  return to_text(JsonObject{{"subject", unlisted.subject->json()},
                            {"hits", unlisted.hits},
                            {"first", unlisted.first.text(9)},
                            {"last", unlisted.last.text(9)}});
}

Result<detect::triage::Unlisted> read_unlisted(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  const Json* subject = find(json, "subject");
  const auto hits = int_at(json, "hits");
  const auto first = Instant::parse(string_at(json, "first").value_or(""));
  const auto last = Instant::parse(string_at(json, "last").value_or(""));
  if (subject == nullptr || !hits || *hits < 1 || !first || !last)
    return fail(ErrorCode::kCorrupt, "a stored count of hits cannot be read");
  BONGSU_TRY(auto parsed, detect::triage::Subject::parse(*subject));
  return detect::triage::Unlisted{.subject = std::make_shared<const detect::triage::Subject>(std::move(parsed)),
                                  .hits = static_cast<std::uint64_t>(*hits),
                                  .first = *first,
                                  .last = *last};
}

}  // namespace bongsu::flow
