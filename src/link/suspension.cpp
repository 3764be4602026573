#include "link/suspension.h"

#include <fmt/format.h>

namespace bongsu::link {
namespace {

constexpr std::string_view kSpace = "link.suspended";

}  // namespace

Result<std::unique_ptr<Suspensions>> Suspensions::load(journal::Journal& journal) {
  std::unique_ptr<Suspensions> out(new Suspensions(journal));
  BONGSU_TRY(const auto stored, journal.states(kSpace));
  for (const auto& [member, why] : stored) out->reasons_.emplace(member, why);
  return out;
}

Result<void> Suspensions::suspend(std::string_view member, std::string_view why) {
  const std::string reason(why.substr(0, kMaxSuspensionReasonBytes));
  {
    const std::lock_guard lock(mutex_);
    if (!reasons_.emplace(member, reason).second) return {};
  }
  journal::Batch batch;
  batch.states.push_back({std::string(kSpace), std::string(member), reason});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  return {};
}

Result<void> Suspensions::resume(std::string_view member) {
  {
    const std::lock_guard lock(mutex_);
    if (!reasons_.contains(member))
      return fail(ErrorCode::kNotFound, fmt::format("the links from {} are not suspended", member));
  }
  journal::Batch batch;
  batch.states.push_back({std::string(kSpace), std::string(member), std::nullopt});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  const std::lock_guard lock(mutex_);
  if (const auto at = reasons_.find(member); at != reasons_.end()) reasons_.erase(at);
  return {};
}

std::optional<std::string> Suspensions::reason_of(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  const auto at = reasons_.find(member);
  if (at == reasons_.end()) return std::nullopt;
  return at->second;
}

std::vector<std::pair<std::string, std::string>> Suspensions::list() const {
  const std::lock_guard lock(mutex_);
  return {reasons_.begin(), reasons_.end()};
}

}  // namespace bongsu::link
