#include "telemetry/bad_lines.h"

#include "base/json.h"

namespace bongsu::telemetry {

void BadLines::add(ErrorCode code, std::string_view reason, Where where, std::string_view text) {
  ++count_;
  if (const auto at = reasons_.find(reason); at != reasons_.end()) {
    ++at->second;
  } else if (reasons_.size() < kReasons) {
    reasons_.emplace(reason, 1);
  } else {
    ++reasons_["(other reasons)"];
  }
  if (first_.size() >= kKept) return;
  std::string message(reason);
  if (!text.empty()) {
    message += ": ";
    append_json_string(message, text.substr(0, kExcerpt));
    if (text.size() > kExcerpt) message += "…";
  }
  first_.push_back({code, std::move(message), std::move(where)});
}

void BadLines::merge(const BadLines& other) {
  count_ += other.count_;
  for (const auto& [reason, count] : other.reasons_) {
    if (reasons_.size() < kReasons || reasons_.contains(reason))
      reasons_[reason] += count;
    else
      reasons_["(other reasons)"] += count;
  }
  for (const Error& error : other.first_)
    if (first_.size() < kKept) first_.push_back(error);
}

}  // namespace bongsu::telemetry
