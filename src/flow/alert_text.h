// How alerts and judgements stand in the journal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "flow/alerts.h"

namespace bongsu::flow {

// Payload of a kAlert entry: detect::Alert's own JSON with "sighting" beside it.
std::string alert_payload(const detect::Alert& alert, std::string_view sighting_id);
struct StoredAlert {
  detect::Alert alert;
  std::string sighting_id;
};
Result<StoredAlert> read_alert(std::string_view payload);

std::string judgement_payload(const Judgement& judgement);
Result<Judgement> read_judgement(std::string_view payload);

}  // namespace bongsu::flow
