// What members got in files that were sealed by hand: no tail says that they have it, and a recall has to reach them.
#include <algorithm>

#include "flow/recall.h"
#include "flow/recall_states.h"

namespace bongsu::flow {

Result<void> Recall::read_by_hand() {
  BONGSU_TRY(const auto given, journal_.states(kRecallByHand));
  for (const auto& [key, version_key] : given) {
    const auto slash = key.find('/');
    if (slash == std::string::npos)
      return fail(ErrorCode::kCorrupt, "what was sealed by hand cannot be read", {.source = "state recall.by_hand"});
    by_hand_.emplace(std::pair(key.substr(0, slash), key.substr(slash + 1)), version_key);
  }
  return {};
}

void Recall::sealed_by_hand(std::string_view member, const std::string& object_id, std::string_view version_key,
                            std::vector<journal::StateChange>& states) {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = by_hand_.emplace(std::pair(std::string(member), object_id), version_key);
  if (!fresh && at->second >= version_key) return;
  at->second = version_key;
  states.push_back({std::string(kRecallByHand), at->first.first + '/' + object_id, at->second});
}

bool Recall::has_by_hand(const std::string& member, const journal::Entry& entry) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_hand_.find({member, entry.object_id});
  return found != by_hand_.end() && (!entry.versioned || entry.version_key <= found->second);
}

}  // namespace bongsu::flow
