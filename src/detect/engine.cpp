#include "detect/engine.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "base/hash.h"
#include "detect/rule_trial.h"

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
  rules_.remove({&ref, 1});
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
  Found found;
  find(batch, found);
  engine_->settle(*batch.source, std::move(found), alerts);
}

void Engine::Session::find(const telemetry::LineBatch& batch, Found& found) {
  matcher_.use(engine_->index_.snapshot());
  RuleSetsPtr sets = engine_->rules_.sets();
  parser_.use(sets->map);
  const bool rules = !sets->empty();
  if (auto used = finder_.use(std::move(sets)); !used) parser_bad_->add(used.error().code, used.error().message, {});
  found.rules.sets = finder_.sets();
  parser_.start(batch);
  const std::uint64_t source = engine_->slot_ != nullptr ? hash64(*batch.source) : 0;
  finder_.note_in(engine_->slot_, source);
  const Instant now = engine_->clock_.now();
  while (const telemetry::EventView* event = parser_.next()) {
    hits_.clear();
    matcher_.match(*event, now, hits_);
    for (Hit& hit : hits_) raise(batch, *event, std::move(hit), now, found.alerts);
    if (!rules) continue;
    const EventMark mark{source, event->offset};
    finder_.match(*event, *batch.source, found.rules, engine_->suspects_.empty() ? 0 : try_suspects(*event, *batch.source, mark));
    if (!found.rules.gave_up) continue;
    found.rules.gave_up.reset();
    if (engine_->slot_ == nullptr || ++gave_up_ < gave_up_until_) continue;
    gave_up_ = 0;
    if (!try_apart(Language::kYara, {}, *event, *batch.source, mark)) gave_up_until_ *= 2;
  }
}

// Bits of the languages that are not to see the event.
unsigned Engine::Session::try_suspects(const telemetry::EventView& event, const std::string& source, const EventMark& mark) {
  unsigned left_out = 0;
  for (const Suspect& suspect : engine_->suspects_) {
    if (suspect.event != mark) continue;
    if (suspect.leave_out) left_out |= 1U << static_cast<unsigned>(suspect.language);
    else (void)try_apart(suspect.language, suspect.refs, event, source, mark);
  }
  return left_out;
}

bool Engine::Session::try_apart(Language language, const RefRange& refs, const telemetry::EventView& event, const std::string& source,
                                const EventMark& mark) {
  RuleTrial trial(engine_->rules_.rules(language, refs), finder_.sets()->map, engine_->slot_);
  auto slow = trial.match(event, source, mark);
  const std::lock_guard lock(engine_->too_slow_mutex_);
  std::ranges::copy(slow, std::back_inserter(engine_->too_slow_));
  return !slow.empty();
}

void Engine::watch(WorkSlot* slot, Suspects suspects) {
  slot_ = slot;
  suspects_ = std::move(suspects);
  rules_.note_in(slot);
}

std::vector<RuleBuild::Refused> Engine::take_too_slow() {
  const std::lock_guard lock(too_slow_mutex_);
  return std::exchange(too_slow_, {});
}

Alert Engine::alert_of(RuleHit&& hit, const Instant& now) const {
  Origin origin = hit.ref ? find_origin(*hit.ref) : Origin{std::move(hit.rule_id), std::move(hit.rule_file), {}};
  Alert alert;
  alert.position = std::move(hit.position);
  alert.indicator_id = std::move(origin.indicator_id);
  alert.indicator_ref = hit.ref.value_or(0);
  alert.value = {Kind::kText, hit.rule.name};
  alert.field = std::move(hit.field);
  alert.matched = std::move(hit.matched);
  alert.rule = std::move(hit.rule);
  alert.assign_id();
  alert.event_time = hit.time;
  alert.detected = now;
  if (hit.event != nullptr) {
    alert.event_time = hit.event->time;
    alert.event = hit.event->raw;
    alert.event_cut = hit.event->cut;
    alert.entity = hit.event->entity;
  } else {
    alert.entity = {EntityKind::kLog, alert.position.source.substr(0, kMaxEntityBytes)};
  }
  alert.confidence = hit.confidence;
  alert.source = std::move(origin.source);
  alert.label = std::move(origin.label);
  return alert;
}

void Engine::settle(const std::string& source, Found&& found, std::vector<Alert>& alerts) {
  const std::size_t begin = alerts.size();
  if (alerts.empty()) alerts = std::move(found.alerts);
  else std::ranges::move(found.alerts, std::back_inserter(alerts));
  if (found.rules.sets == nullptr) return;
  const Instant now = clock_.now();
  const std::size_t before = alerts.size();
  {
    const std::lock_guard lock(sequencer_mutex_);
    sequencer_.take(found.rules, source, now, [&](RuleHit&& hit) { alerts.push_back(alert_of(std::move(hit), now)); });
  }
  if (alerts.size() == before || before == begin) return;
  // Both runs are in the order of events; of one event, what indicators say comes first.
  std::vector<Alert> values(std::make_move_iterator(alerts.begin() + static_cast<std::ptrdiff_t>(begin)),
                            std::make_move_iterator(alerts.begin() + static_cast<std::ptrdiff_t>(before)));
  std::vector<Alert> rules(std::make_move_iterator(alerts.begin() + static_cast<std::ptrdiff_t>(before)),
                           std::make_move_iterator(alerts.end()));
  alerts.resize(begin);
  std::ranges::merge(std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()),
                     std::make_move_iterator(rules.begin()), std::make_move_iterator(rules.end()),
                     std::back_inserter(alerts), {}, [](const Alert& alert) { return alert.position.offset; },
                     [](const Alert& alert) { return alert.position.offset; });
}

void Engine::finish(std::vector<Alert>& alerts) {
  const Instant now = clock_.now();
  const std::lock_guard lock(sequencer_mutex_);
  sequencer_.finish([&](RuleHit&& hit) { alerts.push_back(alert_of(std::move(hit), now)); });
}

std::vector<std::string> Engine::remarks() const {
  const std::lock_guard lock(sequencer_mutex_);
  return sequencer_.remarks();
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
