#include "api/console/rates.h"

#include <algorithm>

namespace bongsu::api::console {
namespace {

// A counter that went back belongs to a part that was restarted: it counts from zero again.
double grown(std::uint64_t before, std::uint64_t now) {
  return static_cast<double>(now >= before ? now - before : now);
}

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

void RateHistory::sample(Instant now, std::chrono::nanoseconds monotonic, const Counters& counters) {
  const std::lock_guard lock(mutex_);
  if (last_) {
    const double seconds = std::chrono::duration<double>(monotonic - last_->first).count();
    if (seconds <= 0) return;
    if (counters.alerts < last_->second.alerts) minute_.clear();
    std::erase_if(minute_, [&](const Raise& r) { return monotonic - r.at > std::chrono::seconds{60}; });
    const std::uint64_t minute_ago = minute_.empty() ? counters.alerts : minute_.front().alerts;
    const Point point{.at = now.seconds,
                      .events_per_s = grown(last_->second.events, counters.events) / seconds,
                      .alerts_per_min = grown(minute_ago, counters.alerts),
                      .admitted_per_s = grown(last_->second.admitted, counters.admitted) / seconds,
                      .delay_p50_ms = counters.delay_p50_ms,
                      .delay_p99_ms = counters.delay_p99_ms};
    if (ring_.size() < kRateHistory) {
      ring_.push_back(point);
    } else {
      ring_[next_] = point;
      next_ = (next_ + 1) % kRateHistory;
    }
  }
  if (minute_.size() < 600) minute_.push_back({monotonic, counters.alerts});
  last_.emplace(monotonic, counters);
}

Json RateHistory::columns() const {
  const std::lock_guard lock(mutex_);
  JsonArray at, events, alerts, admitted, p50, p99;
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const Point& p = ring_[(next_ + i) % ring_.size()];
    at.push_back(p.at);
    events.push_back(p.events_per_s);
    alerts.push_back(p.alerts_per_min);
    admitted.push_back(p.admitted_per_s);
    p50.push_back(number_or_null(p.delay_p50_ms));
    p99.push_back(number_or_null(p.delay_p99_ms));
  }
  JsonObject out;
  out["at"] = std::move(at);
  out["events_per_s"] = std::move(events);
  out["alerts_per_min"] = std::move(alerts);
  out["admitted_per_s"] = std::move(admitted);
  out["delay_p50_ms"] = std::move(p50);
  out["delay_p99_ms"] = std::move(p99);
  return out;
}

Json RateHistory::newest() const {
  const std::lock_guard lock(mutex_);
  if (ring_.empty()) return nullptr;
  const Point& p = ring_[(next_ + ring_.size() - 1) % ring_.size()];
  JsonObject out;
  out["at"] = p.at;
  out["events_per_s"] = p.events_per_s;
  out["alerts_per_min"] = p.alerts_per_min;
  out["admitted_per_s"] = p.admitted_per_s;
  out["delay_p50_ms"] = number_or_null(p.delay_p50_ms);
  out["delay_p99_ms"] = number_or_null(p.delay_p99_ms);
  return out;
}

void LabelledRates::sample(Instant now, std::chrono::nanoseconds monotonic, const Counters& counters,
                           const std::map<std::string, Labelled>& by_label) {
  const std::lock_guard lock(mutex_);
  Counters telemetry = counters;
  telemetry.alerts = telemetry.admitted = 0;
  node_.sample(now, monotonic, telemetry);
  for (const auto& [label, totals] : by_label) {
    auto at = by_label_.find(label);
    if (at == by_label_.end()) {
      if (by_label_.size() >= kRatedLabels) continue;
      at = by_label_.try_emplace(label).first;
      // What the first sample has grew since the one before.
      if (last_) at->second.sample(last_->first, last_->second, {});
    }
    at->second.sample(now, monotonic, {.alerts = totals.alerts, .admitted = totals.admitted});
  }
  last_.emplace(now, monotonic);
}

namespace {

constexpr std::string_view kSummed[] = {"alerts_per_min", "admitted_per_s"};

}  // namespace

Json LabelledRates::columns(const Sees& sees) const {
  const std::lock_guard lock(mutex_);
  Json out = node_.columns();
  for (const auto& [label, history] : by_label_) {
    if (!sees(label)) continue;
    const Json columns = history.columns();
    for (const std::string_view name : kSummed) {
      auto& sum = out.get_object()[name].get_array();
      const auto& more = find(columns, name)->get_array();
      // Both end now; a label that came later has fewer points.
      for (std::size_t back = 1; back <= std::min(sum.size(), more.size()); ++back)
        sum[sum.size() - back] = sum[sum.size() - back].as_double() + more[more.size() - back].as_double();
    }
  }
  return out;
}

Json LabelledRates::newest(const Sees& sees) const {
  const std::lock_guard lock(mutex_);
  Json out = node_.newest();
  if (out.is_null()) return out;
  for (const auto& [label, history] : by_label_) {
    const Json newest = sees(label) ? history.newest() : Json(nullptr);
    if (newest.is_null()) continue;
    for (const std::string_view name : kSummed)
      out.get_object()[name] = find(out, name)->as_double() + find(newest, name)->as_double();
  }
  return out;
}

}  // namespace bongsu::api::console
