#include "detect/matcher.h"

#include <set>
#include <unordered_set>

namespace bongsu::detect {

void Matcher::use(SnapshotPtr snapshot) {
  snapshot_ = std::move(snapshot);
  const KeySelection& keys = snapshot_->keys;
  walk_.select(keys);
  // Other seeds after an addition: what was remembered is never found again.
  const std::uint64_t age = snapshot_->additions * 0x9e3779b97f4a7c15ULL;
  leaf_seed_ = keys.seeds[Kind::kText] ^ age;
  word_seed_ = keys.seeds[Kind::kMutex] ^ age;
}

bool Matcher::of_no_interest(const telemetry::Leaf& leaf) const {
  switch (leaf.role) {
    case telemetry::Role::kIgnore:
    case telemetry::Role::kTime:
    case telemetry::Role::kTimeSecond:
    case telemetry::Role::kTimeThird:
      return true;
    case telemetry::Role::kShape:
    case telemetry::Role::kTransparent:
      return leaf.size != 32 && leaf.size != 40 && leaf.size != 64 && leaf.size != 128 &&
             !looks_like_address(leaf.raw());
    default:
      return false;
  }
}

bool Matcher::skip_request(const telemetry::Leaf* host, const telemetry::Leaf& uri, const telemetry::Leaf* port) {
  std::uint64_t print = Verdicts::print(uri.raw(), leaf_seed_ ^ static_cast<std::uint64_t>(uri.escape));
  if (host != nullptr) print = Verdicts::print(host->raw(), print ^ static_cast<std::uint64_t>(host->escape));
  if (port != nullptr) print = Verdicts::print(port->raw(), print + 1);
  request_print_ = print;
  leaf_hit_ = false;
  return verdicts_.nothing(print);
}

void Matcher::match(const telemetry::EventView& event, const Instant& now, std::vector<Hit>& hits) {
  now_ = &now;
  time_.reset();
  pending_.clear();
  const bool all_text = snapshot_->keys.wants(Kind::kText);
  walk_.begin(event);
  for (const telemetry::Leaf& leaf : event.leaves) {
    if (!all_text && of_no_interest(leaf)) continue;
    if (leaf.size > kRememberedBytes) {
      walk_.leaf(leaf);
      continue;
    }
    const std::uint64_t what = static_cast<std::uint64_t>(leaf.role) << 16 |
                               static_cast<std::uint64_t>(leaf.escape) << 8 | static_cast<std::uint64_t>(leaf.quoted);
    const std::uint64_t print = Verdicts::print(leaf.raw(), leaf_seed_ + what * 0xd6e8feb86659fd93ULL);
    if (verdicts_.nothing(print)) {
      walk_.pass(leaf);
      continue;
    }
    leaf_hit_ = false;
    walk_.leaf(leaf);
    if (!leaf_hit_) verdicts_.remember(print);
  }
  walk_.end();
  if (!pending_.empty()) finish(hits);
}

const Instant& Matcher::time() {
  if (!time_) time_ = walk_.event().time().value_or(*now_);
  return *time_;
}

void Matcher::look_up(Kind kind, std::string_view bytes, std::uint64_t hash) {
  const auto accept = [&](CoarseValidity validity) {
    word_hit_ = leaf_hit_ = true;
    return validity.always() || validity.may_be_at(CoarseValidity::of(time()));
  };
  snapshot_->find(hash, kind, bytes, accept, [&](const Snapshot::Entry& entry) {
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
