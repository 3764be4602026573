// What is recalled, for people: who had it, who has confirmed that it is destroyed, and what is exposed still.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "flow/recall.h"

namespace bongsu::node {

inline constexpr std::size_t kMaxRecallLines = 10'000;  // in one report; the rest is counted

// {"orders": [...], "taken": [...], "refused": [...], "open": n, "exposed": n, "left_out": n}; of one object, or of
// all.
JsonObject recall_report(const flow::Recall& recall, const std::string& object, Instant now);

}  // namespace bongsu::node
