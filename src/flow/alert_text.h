// How alerts and judgements stand in the journal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "flow/alerts.h"

namespace bongsu::flow {

// Payload of a kAlert entry: detect::Alert's own JSON with "sighting" and "triage" beside it.
std::string alert_payload(const detect::Alert& alert, std::string_view sighting_id, const Assessment& assessment);
struct StoredAlert {
  detect::Alert alert;
  std::string sighting_id;
  std::optional<Assessment> assessment;  // of those that were raised before there was any: none
};
Result<StoredAlert> read_alert(std::string_view payload);

std::string judgement_payload(const Judgement& judgement);
Result<Judgement> read_judgement(std::string_view payload);

// Payload of a kHits entry.
std::string hits_payload(const std::vector<KeptHit>& hits);
Result<std::vector<KeptHit>> read_hits(std::string_view payload);

// State: hits beyond the rate, of one subject.
std::string unlisted_text(const detect::triage::Unlisted& unlisted);
Result<detect::triage::Unlisted> read_unlisted(std::string_view text);

}  // namespace bongsu::flow
