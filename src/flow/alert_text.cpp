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

std::string alert_payload(const detect::Alert& alert, std::string_view sighting_id) {
  Json json = alert.json();
  if (!sighting_id.empty()) json.as_object()["sighting"] = sighting_id;
  return to_text(json);
}

Result<StoredAlert> read_alert(std::string_view payload) {
  BONGSU_TRY(const Json json, parse_json(payload));
  StoredAlert out;
  BONGSU_TRY(out.alert, detect::Alert::parse(json));
  out.sighting_id = string_at(json, "sighting").value_or("");
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

}  // namespace bongsu::flow
