#include "flow/known_objects.h"

#include <algorithm>
#include <tuple>

#include "flow/facts.h"

namespace bongsu::flow {
void merge_copy(std::vector<KnownCopy>& copies, KnownCopy copy) {
  const auto same = std::ranges::find_if(copies, [&](const KnownCopy& one) {
    return one.origin == copy.origin && one.label.exercises == copy.label.exercises;
  });
  if (same == copies.end()) {
    copies.push_back(std::move(copy));
    return;
  }
  std::set<std::string> collections = same->collections;
  collections.insert(copy.collections.begin(), copy.collections.end());
  if (copy.version_key > same->version_key) {
    *same = std::move(copy);
  } else if (copy.version_key == same->version_key) {
    same->label = policy::join(same->label, copy.label);  // the same version in two collections: the stricter counts
    same->targets.merge(copy.targets);
  }
  same->collections = std::move(collections);
}

KnownCopy known_copy(const policy::ObjectFacts& facts, std::string version_key) {
  return {.origin = facts.origin,
          .version_key = std::move(version_key),
          .label = label_of_existence(facts),
          .collections = {facts.collection},
          .sectors = facts.sectors,
          .targets = facts.targets};
}

Result<std::vector<KnownCopy>> KnownObjects::Look::copies(const std::string& id) {
  {
    const std::lock_guard lock(known_.mutex_);
    if (const auto found = known_.entries_.find(id); found != known_.entries_.end()) {
      known_.ages_.splice(known_.ages_.begin(), known_.ages_, found->second.age);
      return found->second.copies;
    }
    if (!snapshot_) generation_ = known_.generation_;
  }
  if (!snapshot_) snapshot_ = known_.journal_.snapshot();
  BONGSU_TRY(const auto versions, snapshot_->versions("", id));
  std::vector<KnownCopy> copies;
  for (const auto& entry : versions) merge_copy(copies, known_copy(facts_or_deny(entry), entry.version_key));
  const std::lock_guard lock(known_.mutex_);
  if (known_.generation_ == generation_) known_.remember(id, copies);
  return copies;
}

void KnownObjects::admitted(const std::string& id, KnownCopy copy) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  if (const auto found = entries_.find(id); found != entries_.end()) merge_copy(found->second.copies, std::move(copy));
}

void KnownObjects::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  ages_.erase(found->second.age);
  entries_.erase(found);
}

void KnownObjects::remember(const std::string& id, std::vector<KnownCopy> copies) {
  const auto [entry, fresh] = entries_.try_emplace(id);
  entry->second.copies = std::move(copies);
  if (!fresh) return;
  ages_.push_front(id);
  entry->second.age = ages_.begin();
  if (entries_.size() > kKnownObjects) {
    entries_.erase(ages_.back());
    ages_.pop_back();
  }
}

void leave_out_drills(std::vector<KnownCopy>& copies) {
  std::erase_if(copies, [](const KnownCopy& copy) { return !copy.label.exercises.empty(); });
}

const KnownCopy* standing_copy(const std::vector<KnownCopy>& copies, std::string_view self) {
  const auto rank = [&](const KnownCopy& copy) { return std::tie(copy.version_key, copy.origin); };
  const KnownCopy* best = nullptr;
  for (const auto& copy : copies) {
    if (copy.origin == self) return &copy;
    if (best == nullptr || rank(copy) > rank(*best)) best = &copy;
  }
  return best;
}

}  // namespace bongsu::flow
