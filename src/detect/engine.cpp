#include "detect/engine.h"

#include <mutex>

namespace bongsu::detect {
namespace {

constexpr std::size_t kWarningsRemembered = 16'384;

}  // namespace

Engine::Engine(const Clock& clock, IndexOptions index) : clock_(clock), index_(std::move(index)) {}

Result<void> Engine::add(std::uint64_t ref, std::span<const Value> values, std::optional<Instant> valid_from,
                         std::optional<Instant> valid_until, int confidence, Origin origin) {
  std::vector<Indicator> indicators;
  for (const Value& value : values) indicators.push_back({ref, value, valid_from, valid_until, confidence});
  bool known;
  {
    const std::unique_lock lock(origins_mutex_);
    auto& place = origins_[ref];
    known = place != nullptr;
    place = std::make_shared<const Origin>(std::move(origin));
  }
  return known ? index_.replace(ref, indicators) : index_.add(indicators);
}

void Engine::remove(std::uint64_t ref) {
  index_.remove({&ref, 1});
  const std::unique_lock lock(origins_mutex_);
  origins_.erase(ref);
}

Origin Engine::find_origin(std::uint64_t ref) const {
  {
    const std::shared_lock lock(origins_mutex_);
    if (const auto at = origins_.find(ref); at != origins_.end()) return *at->second;
  }
  return look_up_ ? look_up_(ref) : Origin{};
}

void Engine::Session::match(const telemetry::LineBatch& batch, std::vector<Alert>& alerts) {
  matcher_.use(engine_->index_.snapshot());
  parser_.start(batch);
  const Instant now = engine_->clock_.now();
  while (const telemetry::EventView* event = parser_.next()) {
    hits_.clear();
    matcher_.match(*event, now, hits_);
    for (Hit& hit : hits_) raise(batch, *event, std::move(hit), now, alerts);
  }
}

const std::vector<WarningListHit>& Engine::Session::warnings(const Value& value) {
  std::string key(1, static_cast<char>(value.kind));
  key += value.text;
  if (warnings_.size() >= kWarningsRemembered) warnings_.clear();
  const auto [at, fresh] = warnings_.try_emplace(std::move(key));
  if (fresh) at->second = engine_->warning_lists_->find(value);
  return at->second;
}

void Engine::Session::raise(const telemetry::LineBatch& batch, const telemetry::EventView& event, Hit&& hit,
                            const Instant& now, std::vector<Alert>& alerts) {
  Origin origin = engine_->find_origin(hit.ref);
  Alert alert;
  alert.position = {*batch.source, event.offset, event.line};
  alert.indicator_id = std::move(origin.indicator_id);
  alert.indicator_ref = hit.ref;
  if (engine_->warning_lists_ != nullptr) alert.warning_lists = warnings(hit.value);
  alert.value = std::move(hit.value);
  alert.field = std::move(hit.field);
  alert.assign_id();
  alert.entity = entity_of(event, alert.field, *batch.source);
  alert.matched = std::move(hit.matched);
  alert.event_time = event.time();
  alert.detected = now;
  alert.event_cut = event.raw.size() > kMaxAlertEventBytes;
  alert.event = event.raw.substr(0, kMaxAlertEventBytes);
  alert.confidence = hit.confidence;
  alert.source = std::move(origin.source);
  alert.label = std::move(origin.label);
  alerts.push_back(std::move(alert));
}

}  // namespace bongsu::detect
