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
  time_known_ = false;
  pending_.clear();
  walk_.walk(event);
  if (!pending_.empty()) finish(hits);
}

bool Matcher::in_force(const Validity& validity) {
  if (!validity.from && !validity.until) return true;
  if (!time_known_) {
    time_ = walk_.event().time();
    time_known_ = true;
  }
  return validity.at(time_ ? *time_ : *now_);
}

inline void Matcher::key(Kind kind, std::string_view bytes, std::uint64_t hash) {
  snapshot_->find(hash, kind, bytes, [&](const Segment::Entry& entry) {
    if (!in_force(*entry.validity)) return;
    if (pending_.size() >= kMaxHitsPerEvent) {
      ++dropped_;
      return;
    }
    pending_.push_back({&walk_.leaf(), walk_.in_text(), entry, std::string(walk_.shown())});
  });
}

void Matcher::finish(std::vector<Hit>& hits) {
  std::unordered_set<std::uint64_t> typed;
  for (const Pending& p : pending_)
    if (!p.text) typed.insert(p.entry.ref);
  std::set<std::pair<std::uint64_t, std::string>> seen;
  for (Pending& p : pending_) {
    if (p.text && typed.contains(p.entry.ref)) continue;
    std::string field = walk_.event().path(*p.leaf);
    if (!seen.emplace(p.entry.ref, field).second) continue;
    hits.push_back({p.entry.ref,
                    {p.entry.kind, key_text(p.entry.kind, p.entry.bytes)},
                    std::move(field),
                    std::move(p.matched),
                    p.entry.confidence});
  }
}

}  // namespace bongsu::detect
