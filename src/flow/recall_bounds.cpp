#include "flow/recall_bounds.h"

#include <algorithm>

#include "base/json.h"

namespace bongsu::flow {

bool up_to(std::string_view upto_key, std::string_view version_key) {
  return upto_key.empty() || version_key.empty() || version_key <= upto_key;
}

std::string wider(const std::string& a, const std::string& b) { return a.empty() || b.empty() ? "" : std::max(a, b); }

void RecallBounds::add_for_good(std::string upto) { for_good_ = for_good_ ? wider(*for_good_, upto) : std::move(upto); }

void RecallBounds::add_raised(std::string upto) { raised_ = raised_ ? wider(*raised_, upto) : std::move(upto); }

void RecallBounds::add_decided(std::uint64_t number, std::string upto) {
  decided_.emplace_back(number, std::move(upto));
  std::ranges::sort(decided_, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : b.second != a.second && wider(a.second, b.second) == a.second;
  });
  // What an older one says is said already, unless it goes further.
  std::vector<std::pair<std::uint64_t, std::string>> kept;
  for (auto& step : decided_)
    if (kept.empty() || wider(kept.back().second, step.second) != kept.back().second) kept.push_back(std::move(step));
  while (kept.size() > kMaxRecallSteps) {  // refuses more than it must, never less
    const std::string last = std::move(kept.back().second);
    kept.pop_back();
    kept.back().second = last;
  }
  decided_ = std::move(kept);
}

void RecallBounds::add(const RecallBounds& other) {
  if (other.for_good_) add_for_good(*other.for_good_);
  if (other.raised_) add_raised(*other.raised_);
  for (const auto& [number, upto] : other.decided_) add_decided(number, upto);
}

bool RecallBounds::refuses(std::string_view version_key, std::uint64_t after) const {
  if (took(version_key) || (raised_ && up_to(*raised_, version_key))) return true;
  return std::ranges::any_of(decided_,
                             [&](const auto& step) { return after < step.first && up_to(step.second, version_key); });
}

std::string RecallBounds::text() const {
  JsonObject out;
  if (for_good_) out["for_good"] = *for_good_;
  if (raised_) out["raised"] = *raised_;
  JsonArray steps;
  for (const auto& [number, upto] : decided_) steps.push_back(JsonArray{Json(number), Json(upto)});
  if (!steps.empty()) out["decided"] = std::move(steps);
  return to_text(out);
}

Result<RecallBounds> RecallBounds::parse(std::string_view text) {
  const auto corrupt = [] { return fail(ErrorCode::kCorrupt, "what may not be given any more cannot be read"); };
  BONGSU_TRY(const Json json, parse_json(text));
  if (!json.is_object()) return corrupt();
  RecallBounds out;
  if (const Json* good = find(json, "for_good")) {
    if (!good->is_string()) return corrupt();
    out.add_for_good(std::string(good->get_string()));
  }
  if (const Json* raised = find(json, "raised")) {
    if (!raised->is_string()) return corrupt();
    out.add_raised(std::string(raised->get_string()));
  }
  if (const Json* steps = find(json, "decided")) {
    if (!steps->is_array()) return corrupt();
    for (const Json& step : steps->get_array()) {
      if (!step.is_array() || step.get_array().size() != 2 || !step.get_array()[1].is_string()) return corrupt();
      const Json& number = step.get_array()[0];
      if (!number.is_int64() && !number.is_uint64()) return corrupt();
      out.add_decided(number.to_number<std::uint64_t>(), std::string(step.get_array()[1].get_string()));
    }
  }
  return out;
}

}  // namespace bongsu::flow
