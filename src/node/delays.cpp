#include "node/delays.h"

#include <algorithm>

namespace bongsu::node {

void Delays::add(Ring& ring, double seconds) {
  const std::lock_guard lock(mutex_);
  if (ring.values.size() < kKept) ring.values.push_back(static_cast<float>(seconds));
  else ring.values[ring.count % kKept] = static_cast<float>(seconds);
  ++ring.count;
}

Delays::Summary Delays::summary(const Ring& ring) const {
  std::vector<float> sorted;
  Summary out;
  {
    const std::lock_guard lock(mutex_);
    sorted = ring.values;
    out.count = ring.count;
  }
  if (sorted.empty()) return out;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double part) { return static_cast<double>(sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))]) * 1000; };
  out.p50_ms = at(0.5);
  out.p99_ms = at(0.99);
  return out;
}

Json Delays::json() const {
  JsonObject out;
  for (const auto& [name, s] : {std::pair{"delivered", delivered()}, {"matched", matched()}}) {
    JsonObject part{{"count", s.count}};
    if (s.p50_ms) part["p50_ms"] = *s.p50_ms;
    if (s.p99_ms) part["p99_ms"] = *s.p99_ms;
    out[name] = std::move(part);
  }
  return out;
}

Result<link::AppliedCounts> MeasuredApplier::apply(const link::FollowedCollection& remote, const link::TailBatch& batch) {
  auto applied = inner_->apply(remote, batch);
  if (!applied) return applied;
  const std::int64_t now = clock_.now().micros();
  for (const auto& item : batch.items) {
    if (item.kind != link::TailItem::Kind::kObject || !item.added_us) continue;
    const double seconds = static_cast<double>(now - *item.added_us) / 1e6;
    delays_.add_delivered(seconds);
    metrics_.delivered(seconds);
  }
  return applied;
}

}  // namespace bongsu::node
