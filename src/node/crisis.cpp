#include "node/crisis.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::node {
namespace {

using policy::Agreement;
using policy::Purpose;

// Its purpose is crises (an exercise may be another): what it is while this one lasts.
Agreement during(Agreement agreement, const Crisis& crisis) {
  agreement.purposes = {Purpose::kOperations};
  agreement.valid_from = agreement.valid_from ? std::max(*agreement.valid_from, crisis.since) : crisis.since;
  agreement.valid_until = std::min(agreement.valid_until, crisis.until);
  return agreement;
}

void forbid(Agreement& agreement) {
  for (policy::Denial& denial : agreement.denies)
    if (denial.purposes && denial.purposes->contains(Purpose::kCrisis)) denial.purposes->insert(Purpose::kOperations);
}

}  // namespace

JsonObject Crisis::json() const {
  return {{"since", since.text(6)}, {"until", until.text(6)}, {"reason", reason}, {"by", by}};
}

Result<Crisis> Crisis::parse(const Json& json) {
  const auto text = [&](std::string_view key) { return string_at(json, key).value_or(""); };
  Crisis out{.since = {}, .until = {}, .reason = std::string(text("reason")), .by = std::string(text("by"))};
  const auto since = Instant::parse(text("since")), until = Instant::parse(text("until"));
  if (!since || !until || out.reason.empty() || out.by.empty())
    return fail(ErrorCode::kInvalid, "a crisis has since, until, reason and by", {.field = "crisis"});
  out.since = *since;
  out.until = *until;
  return out;
}

Result<void> check_crisis(const Crisis& crisis, Instant now) {
  if (crisis.reason.empty() || crisis.reason.size() > kMaxCrisisReason)
    return fail(ErrorCode::kInvalid, fmt::format("a crisis has a reason of at most {} bytes", kMaxCrisisReason),
                {.field = "reason"});
  if (crisis.until <= now) return fail(ErrorCode::kInvalid, "the end of a crisis lies ahead", {.field = "until"});
  if (crisis.until - now > kMaxCrisis)
    return fail(ErrorCode::kInvalid,
                fmt::format("a crisis is declared for at most {} hours, and again where it lasts", kMaxCrisis.count()),
                {.field = "until"});
  return {};
}

void apply_crisis(policy::PolicyState& state, const Crisis& crisis, Instant now) {
  const auto apply = [&](Agreement& agreement, std::vector<Agreement>& further) {
    if (crisis.in_force(now)) forbid(agreement);
    if (!agreement.waits_for_crises()) return;
    Agreement then = during(agreement, crisis);
    if (agreement.purposes.size() == 1) {
      agreement = std::move(then);
    } else {                // for exercises as well, whose time is its own
      then.denies.clear();  // stand in it already
      further.push_back(std::move(then));
    }
  };
  for (auto& [partner, agreement] : state.agreements) {
    std::vector<Agreement> more;
    apply(agreement, more);
    if (const auto others = state.further.find(partner); others != state.further.end())
      for (Agreement& other : others->second) apply(other, more);
    if (more.empty()) continue;
    auto& list = state.further[partner];
    list.insert(list.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
}

}  // namespace bongsu::node
