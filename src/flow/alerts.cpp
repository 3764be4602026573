#include "flow/alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/alert_text.h"
#include "flow/alerts_impl.h"
#include "flow/append_decided.h"
#include "flow/exercise_rules.h"
#include "flow/facts.h"

namespace bongsu::flow {
namespace {

constexpr std::size_t kMaxAssigneeBytes = 256;

}  // namespace

// ── Sightings (under `writing`) ──────────────────────────────────────────────────────────────────────────────────
SightingWindow Alerts::Impl::new_window(const detect::Alert& alert, std::string sighting_id) {
  SightingWindow window;
  window.sighting_id = std::move(sighting_id);
  window.indicator_id = alert.indicator_id;
  window.source = alert.source;
  window.indicator_label = policy::Label::parse(stored_label(alert.label)).value_or(policy::deny_all());
  window.collection = sightings_collection(window.indicator_label.exercises);
  window.indicator_ref = alert.indicator_ref;
  window.opened = clock.monotonic();
  read_statements(window);
  return window;
}

void Alerts::Impl::read_statements(SightingWindow& window) {
  const auto payload = journal.snapshot()->payload(window.indicator_ref);
  if (!payload) return;
  const auto object = stix::Object::parse(*payload);
  if (object && object->id_text() == window.indicator_id) window.statements = carried_markings(*object, markings, exercise_of(window));
}

std::string Alerts::Impl::sightings_collection(const detect::Alert& alert) const {
  if (options.sightings_collection.empty() || !policy::is_member_id(alert.source)) return {};
  const auto id = stix::Id::parse(alert.indicator_id);
  if (!id || id->type != "indicator") return {};
  return sightings_collection(exercises_of(alert.label));
}

std::string Alerts::Impl::sightings_collection(const std::set<std::string>& exercises) const {
  if (exercises.empty()) return options.sightings_collection;
  if (exercises.size() > 1 || !options.exercise_collection) return {};
  return options.exercise_collection(*exercises.begin());
}

std::string Alerts::Impl::exercise_of(const SightingWindow& window) {
  const auto& exercises = window.indicator_label.exercises;
  return exercises.empty() ? std::string() : *exercises.begin();  // of more than one there are no sightings
}

Result<void> Alerts::Impl::add_definition(journal::Batch& batch, Facts& facts, const std::string& text,
                                          const std::string& collection, const std::string& exercise) {
  const auto definition = stix::Object::parse(text);
  BONGSU_CHECK(definition.has_value());
  BONGSU_TRY_VOID(markings.pin(*definition, batch.states, exercise));
  journal::NewEntry entry{.collection = collection, .object_id = definition->id_text(), .origin = options.self};
  entry.version = definition->version()->text();
  entry.version_key = definition->version()->key();
  policy::ObjectFacts of_definition{.object_id = entry.object_id,
                                    .type = definition->type(),
                                    .collection = collection,
                                    .origin = options.self,
                                    .label = markings.label_of(*definition, stix::Tlp::kAmberStrict, exercise)};
  if (!exercise.empty()) of_definition.label.exercises.insert(exercise);
  entry.label = of_definition.label.text();
  entry.payload = definition->bytes();
  batch.entries.push_back(std::move(entry));
  facts.emplace_back(std::move(of_definition));
  return {};
}

Result<void> Alerts::Impl::add_sighting(journal::Batch& batch, Facts& facts, SightingWindow& window,
                                        std::set<std::string>& definitions) {
  const std::string& collection = window.collection;
  const std::string written = collection + ' ' + window.source;
  if (!markings_written.contains(written) && definitions.insert(written).second) {
    const std::string exercise = exercise_of(window);
    std::vector<std::string> texts{sighting_marking(window.source, options.self)};
    if (!exercise.empty()) texts.push_back(exercise_definition(exercise, options.self));
    for (const std::string& text : texts) BONGSU_TRY_VOID(add_definition(batch, facts, text, collection, exercise));
  }
  // A version is later than the one before, if need be before its time has come.
  const Instant now = told_time(clock.now());
  if (window.written == 0)
    window.created = window.modified = now;
  else
    window.modified = std::max(now, window.modified + kSightingGrain);
  window.written = window.count;
  SightingEntry sighting = make_sighting(window, options.self, options.identity_id, collection);
  batch.entries.push_back(std::move(sighting.entry));
  facts.emplace_back(std::move(sighting.facts));
  return {};
}

Result<void> Alerts::Impl::close_windows(const std::vector<WindowKey>& keys) {
  journal::Batch batch;
  Facts facts;
  std::set<std::string> definitions;
  for (const auto& key : keys) {
    SightingWindow window = windows.at(key);
    if (window.count > window.written) BONGSU_TRY_VOID(add_sighting(batch, facts, window, definitions));
  }
  for (const auto& key : keys)
    if (const SightingWindow& window = windows.at(key); window.count > window.written)
      batch.states.push_back({.space = std::string(kSightingWindows), .key = window.sighting_id, .value = {}});
  if (!batch.entries.empty()) {
    BONGSU_TRY([[maybe_unused]] const auto receipt, append_decided(journal, release, batch, facts));
    markings.made_durable(batch.states);
    markings_written.merge(definitions);
  }
  for (const auto& key : keys) windows.erase(key);
  return {};
}

// ── Raising ──────────────────────────────────────────────────────────────────────────────────────────────────────
Result<std::vector<AlertRecord>> Alerts::Impl::raise(std::span<const detect::Alert> alerts,
                                                     std::vector<journal::StateChange> states) {
  const std::lock_guard writing_lock(writing);
  if (windows.size() >= kMaxOpenSightings) BONGSU_TRY_VOID(close_oldest());

  journal::Batch batch;
  batch.states = std::move(states);
  TriageBatch hits(triage, index.end(), clock.now(), clock.monotonic());
  std::vector<AlertRecord> fresh;
  std::vector<Uuid> ids;
  std::set<Uuid> here;
  std::map<WindowKey, SightingWindow> touched;
  for (const auto& raised : alerts) {
    const auto id = alert_uuid(raised.id);
    if (!id) return fail(ErrorCode::kInvalid, "an alert's id is \"alert--\" and a UUID", {.field = "id"});
    if (index.number_of(raised.id) || triage.remembers(*id) || !here.insert(*id).second) continue;
    AlertRecord record{.alert = raised};
    fill_entity(record.alert);
    const detect::Alert& alert = record.alert;
    const TriageBatch::Fate fate = hits.place(alert, *id);
    std::string collection = fate.suppressed ? std::string() : sightings_collection(alert);
    if (!collection.empty()) {
      WindowKey key{alert.indicator_id, alert.source, std::move(collection)};
      auto window = touched.find(key);
      if (window == touched.end()) {
        const auto open = windows.find(key);
        const bool good = open != windows.end() && clock.monotonic() - open->second.opened < options.sighting_window;
        window = touched
                     .emplace(std::move(key),
                              good ? open->second : new_window(alert, "sighting--" + Uuid::random(random).text()))
                     .first;
      }
      window->second.hit(detect::triage::time_of(alert));
      record.sighting_id = window->second.sighting_id;
    }
    if (fate.kind != TriageBatch::Fate::Kind::kOpens) continue;
    record.assessment = hits.opened().back().assessment;
    fresh.push_back(std::move(record));
    ids.push_back(*id);
  }
  if (here.empty() && batch.states.empty()) return fresh;

  for (const auto& record : fresh)
    batch.entries.push_back({.kind = journal::EntryKind::kAlert,
                             .object_id = record.alert.id,
                             .origin = options.self,
                             .label = record.alert.label,
                             .payload = alert_payload(record.alert, record.sighting_id, record.assessment)});
  const std::vector<AlertNumber> joined = add_hits(batch, hits, ids);
  Facts facts(batch.entries.size());
  std::set<std::string> definitions;
  for (auto& [key, window] : touched) {
    // A window that passed and was not flushed yet: its untold hits go first.
    if (const auto old = windows.find(key); old != windows.end() && old->second.sighting_id != window.sighting_id &&
                                            old->second.count > old->second.written) {
      SightingWindow last = old->second;
      BONGSU_TRY_VOID(add_sighting(batch, facts, last, definitions));
      batch.states.push_back({.space = std::string(kSightingWindows), .key = last.sighting_id, .value = {}});
    }
    if (window.written == 0)
      BONGSU_TRY_VOID(add_sighting(batch, facts, window, definitions));
    else
      batch.states.push_back(
          {.space = std::string(kSightingWindows), .key = window.sighting_id, .value = window.state_text()});
  }
  BONGSU_TRY(const auto receipt, append_decided(journal, release, batch, facts));
  markings.made_durable(batch.states);
  markings_written.merge(definitions);
  for (auto& [key, window] : touched) windows.insert_or_assign(key, std::move(window));

  const std::unique_lock lock(mutex);
  std::vector<journal::Seq> seqs;
  const AlertNumber next = index.end();
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    fresh[i].seq = receipt.entries[i].seq;
    fresh[i].added_us = receipt.entries[i].added_us;
    fresh[i].tally = hits.tally(next + i);
    index.add(ids[i], fresh[i].seq, !fresh[i].assessment.suppressed_by.empty(), fresh[i].alert.label);
    index.keep(fresh[i]);
    unsaved.push_back(fresh[i].seq);
    seqs.push_back(fresh[i].seq);
  }
  for (std::size_t i = 0; i < joined.size(); ++i) {
    const journal::Seq seq = receipt.entries[fresh.size() + i].seq;
    index.join(joined[i], seq);
    unsaved.push_back(seq);
  }
  triage.commit(hits, seqs);
  for (std::size_t i = 0; i < fresh.size(); ++i) fresh[i].group = triage.groups.group_of(next + i);
  return fresh;
}

// Entries for the positions that are kept (the answer: of which alerts, in order), state for the numbers.
std::vector<AlertNumber> Alerts::Impl::add_hits(journal::Batch& batch, TriageBatch& hits,
                                                const std::vector<Uuid>& ids) {
  const AlertNumber next = index.end();
  const auto name = [&](AlertNumber number) {
    return "alert--" + (number < next ? index.place(number)->id : ids[number - next]).text();
  };
  const auto count = [&](AlertNumber number, bool suppressed) {
    Json tally = hits.tally(number).json();
    if (suppressed) tally.as_object()["suppressed"] = true;
    batch.states.push_back({.space = std::string(kTallies), .key = name(number), .value = to_text(tally)});
  };
  std::vector<AlertNumber> out;
  for (const auto& [number, joined] : hits.joined()) {
    if (!joined.kept.empty()) {
      batch.entries.push_back({.kind = journal::EntryKind::kHits,
                               .object_id = name(number),
                               .origin = options.self,
                               .payload = hits_payload(joined.kept)});
      out.push_back(number);
    }
    count(number,
          number < next ? index.place(number)->suppressed : !hits.opened()[number - next].opened.suppressed_by.empty());
  }
  // A suppressed alert is known as such from its state.
  for (const auto& one : hits.opened())
    if (!one.opened.suppressed_by.empty() && !hits.joined().contains(one.opened.number)) count(one.opened.number, true);
  for (const auto& [key, unlisted] : hits.unlisted())
    batch.states.push_back({.space = std::string(kUnlisted), .key = key.text(), .value = unlisted_text(unlisted)});
  return out;
}

Result<void> Alerts::Impl::close_oldest() {
  std::vector<std::pair<std::chrono::nanoseconds, WindowKey>> by_age;
  for (const auto& [key, window] : windows) by_age.emplace_back(window.opened, key);
  std::ranges::sort(by_age);
  std::vector<WindowKey> oldest;
  for (std::size_t i = 0; i < by_age.size() && i < kMaxOpenSightings / 10; ++i) oldest.push_back(by_age[i].second);
  return close_windows(oldest);
}

Result<void> Alerts::Impl::flush() {
  const std::lock_guard writing_lock(writing);
  std::vector<WindowKey> passed;
  for (const auto& [key, window] : windows)
    if (clock.monotonic() - window.opened >= options.sighting_window) passed.push_back(key);
  if (!passed.empty()) BONGSU_TRY_VOID(close_windows(passed));
  return save_places();
}

// ── Judging ──────────────────────────────────────────────────────────────────────────────────────────────────────
Result<AlertRecord> Alerts::Impl::judge(std::string_view alert_id, Judgement judgement) {
  if (judgement.by.empty()) return fail(ErrorCode::kInvalid, "who judges has to be said", {.field = "by"});
  if (!judgement.acknowledged && !judgement.assignee && !judgement.verdict)
    return fail(ErrorCode::kInvalid, "nothing is said about the alert", {.field = "verdict"});
  if (judgement.verdict && *judgement.verdict != AlertVerdict::kOpen && judgement.reason.empty())
    return fail(ErrorCode::kInvalid, "a verdict needs a reason", {.field = "reason"});
  if (judgement.reason.size() > kMaxReasonBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a reason has at most {} bytes", kMaxReasonBytes),
                {.field = "reason"});
  if (judgement.assignee && judgement.assignee->size() > kMaxAssigneeBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("an assignee has at most {} bytes", kMaxAssigneeBytes),
                {.field = "assignee"});
  if (judgement.at == Instant{}) judgement.at = clock.now();

  const std::lock_guard writing_lock(writing);
  std::optional<AlertNumber> number;
  {
    const std::shared_lock lock(mutex);
    number = index.number_of(alert_id);
  }
  if (!number) return fail(ErrorCode::kNotFound, "there is no such alert", {.field = "id"});
  journal::Batch batch;
  batch.entries.push_back({.kind = journal::EntryKind::kJudgement,
                           .object_id = std::string(alert_id),
                           .origin = options.self,
                           .payload = judgement_payload(judgement)});
  BONGSU_TRY(const auto receipt, journal.append(batch));
  const journal::Seq seq = receipt.entries.front().seq;
  unsaved.push_back(seq);
  {
    const std::unique_lock lock(mutex);
    index.judge(*number, seq, judgement);
    if (judgement.verdict) triage.groups.judge(*number, *judgement.verdict);
  }
  return record(*number);
}

Alerts::Alerts(journal::Journal& journal, Release& release, Markings& markings, const Clock& clock, Random& random,
               Log& log, AlertsOptions options)
    : impl_(std::make_shared<Impl>(journal, release, markings, clock, random, log, std::move(options))) {}
Alerts::~Alerts() = default;

Result<void> Alerts::rebuild(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  return impl_->rebuild(progress);
}

void Alerts::set_sightings(std::string identity_id, std::string sightings_collection) {
  const std::lock_guard lock(impl_->writing);
  impl_->options.identity_id = std::move(identity_id);
  impl_->options.sightings_collection = std::move(sightings_collection);
}

Result<std::vector<AlertRecord>> Alerts::raise(std::span<const detect::Alert> alerts,
                                               std::vector<journal::StateChange> states) {
  return impl_->raise(alerts, std::move(states));
}

Result<void> Alerts::flush_sightings() { return impl_->flush(); }

Result<AlertRecord> Alerts::judge(std::string_view alert_id, Judgement judgement) {
  return impl_->judge(alert_id, std::move(judgement));
}

}  // namespace bongsu::flow
