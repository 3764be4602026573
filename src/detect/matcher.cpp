#include "detect/matcher.h"

#include <set>
#include <unordered_set>

namespace bongsu::detect {

void Matcher::use(SnapshotPtr snapshot) {
  snapshot_ = std::move(snapshot);
  walk_.select(snapshot_->keys);
}

void Matcher::match(const telemetry::EventView& event, const Instant& now, std::vector<Hit>& hits) {
  now_ = &now;
  time_.reset();
  pending_.clear();
  walk_.walk(event);
  if (!pending_.empty()) finish(hits);
}

const Instant& Matcher::time() {
  if (!time_) time_ = walk_.event().time().value_or(*now_);
  return *time_;
}

void Matcher::look_up(Kind kind, std::string_view bytes, std::uint64_t hash) {
  const auto coarse_time = [&] { return CoarseValidity::of(time()); };
  snapshot_->find(hash, kind, bytes, coarse_time, [&](const Snapshot::Entry& entry) {
    if ((entry.validity.from || entry.validity.until) && !entry.validity.at(time())) return;
    if (pending_.size() >= kMaxHitsPerEvent) {
      ++dropped_;
      return;
    }
    pending_.push_back({&walk_.leaf(),
                        walk_.in_text(),
                        entry.ref,
                        {kind, key_text(kind, entry.bytes)},
                        entry.confidence,
                        std::string(walk_.shown())});
  });
}

void Matcher::finish(std::vector<Hit>& hits) {
  std::unordered_set<std::uint64_t> typed;
  for (const Pending& p : pending_)
    if (!p.text) typed.insert(p.ref);
  std::set<std::pair<std::uint64_t, std::string>> seen;
  for (Pending& p : pending_) {
    if (p.text && typed.contains(p.ref)) continue;
    std::string field = walk_.event().path(*p.leaf);
    if (!seen.emplace(p.ref, field).second) continue;
    hits.push_back({p.ref, std::move(p.value), std::move(field), std::move(p.matched), p.confidence});
  }
}

}  // namespace bongsu::detect
