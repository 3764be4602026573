// Looking: lists, groups, the hits of an alert; and what is suppressed.
#include <fmt/format.h>

#include <algorithm>

#include "flow/alert_text.h"
#include "flow/alerts_impl.h"

namespace bongsu::flow {
namespace {

bool contains_folded(std::string_view text, std::string_view folded) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return !std::ranges::search(text, folded, {}, lower).empty() || folded.empty();
}

bool matches(const AlertRecord& record, const AlertQuery& query, std::string_view folded) {
  const detect::Alert& a = record.alert;
  if (query.open_only && record.verdict != AlertVerdict::kOpen) return false;
  if (!query.indicator_id.empty() && a.indicator_id != query.indicator_id) return false;
  if (folded.empty()) return true;
  for (const std::string_view text :
       {std::string_view(a.value.text), std::string_view(a.matched), std::string_view(a.field),
        std::string_view(a.source), std::string_view(a.position.source), std::string_view(a.indicator_id),
        std::string_view(a.entity.name), a.rule ? std::string_view(a.rule->name) : std::string_view()})
    if (contains_folded(text, folded)) return true;
  return false;
}

}  // namespace

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
Result<AlertRecord> Alerts::Impl::load(journal::Snapshot& snapshot, journal::Seq seq,
                                       const std::vector<journal::Seq>& judgements) const {
  BONGSU_TRY(const journal::Entry entry, snapshot.entry(seq));
  BONGSU_TRY(const std::string payload, snapshot.payload(seq));
  BONGSU_TRY(StoredAlert stored, read_alert(payload));
  AlertRecord record{.alert = std::move(stored.alert),
                     .seq = seq,
                     .added_us = entry.added_us,
                     .sighting_id = std::move(stored.sighting_id)};
  fill_entity(record.alert);
  if (stored.assessment) {
    record.assessment = std::move(*stored.assessment);
  } else {  // of before there was any
    record.assessment.factors = assess(options.triage.risk, record.alert, detect::triage::time_of(record.alert));
    record.assessment.risk = record.assessment.factors.risk();
  }
  for (const journal::Seq at : judgements) {
    BONGSU_TRY(const std::string text, snapshot.payload(at));
    BONGSU_TRY(const Judgement judgement, read_judgement(text));
    apply_judgement(record, judgement);
  }
  return record;
}

Result<AlertRecord> Alerts::Impl::record(AlertNumber number) const {
  journal::Seq seq = 0;
  std::vector<journal::Seq> judgements;
  {
    const std::shared_lock lock(mutex);
    if (const AlertRecord* recent = index.recent(number)) {
      AlertRecord out = *recent;
      add_numbers(out, number);
      return out;
    }
    const AlertPlace* place = index.place(number);
    if (place == nullptr) return fail(ErrorCode::kNotFound, "this alert is not listed any more");
    seq = place->seq;
    judgements = index.judgements(number);
  }
  BONGSU_TRY(AlertRecord out, load(*journal.snapshot(), seq, judgements));
  {
    const std::shared_lock lock(mutex);
    add_numbers(out, number);
  }
  if (out.tally.hits > 0) return out;
  // Its group is forgotten, its numbers are not.
  if (const auto stored = journal.state(kTallies, out.alert.id); stored && *stored)
    if (const auto json = parse_json(**stored))
      if (auto tally = detect::triage::Tally::parse(*json)) out.tally = std::move(*tally);
  if (out.tally.hits == 0) out.tally.add(detect::triage::time_of(out.alert), true);
  return out;
}

void Alerts::Impl::add_numbers(AlertRecord& record, AlertNumber number) const {
  if (const detect::triage::Tally* tally = triage.groups.tally(number)) record.tally = *tally;
  record.group = triage.groups.group_of(number);
}

std::vector<AlertRecord> Alerts::Impl::list(const AlertQuery& query) const {
  std::string folded = query.text;
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, kMaxListedAlerts);
  std::vector<AlertRecord> out;
  // What is in memory under one lock; then older ones from the journal.
  std::vector<AlertNumber> older;
  {
    const std::shared_lock lock(mutex);
    for (AlertNumber number = index.end();
         number > index.begin() && out.size() + older.size() < limit + kMaxLoadedForList;) {
      const AlertPlace& place = *index.place(--number);
      if ((query.before != 0 && place.seq >= query.before) ||
          (query.open_only && place.verdict != AlertVerdict::kOpen) || place.suppressed != query.suppressed)
        continue;
      if (const AlertRecord* recent = index.recent(number)) {
        if (!matches(*recent, query, folded)) continue;
        out.push_back(*recent);
        add_numbers(out.back(), number);
        if (out.size() == limit) return out;
      } else {
        older.push_back(number);
        if (older.size() == kMaxLoadedForList) break;
      }
    }
  }
  for (const AlertNumber number : older) {
    if (out.size() == limit) break;
    auto loaded = record(number);
    if (loaded && matches(*loaded, query, folded)) out.push_back(std::move(*loaded));
  }
  return out;
}

Result<std::vector<KeptHit>> Alerts::Impl::hits(std::string_view alert_id, std::uint64_t offset,
                                                std::uint32_t limit) const {
  std::vector<journal::Seq> entries;
  std::optional<AlertNumber> number;
  {
    const std::shared_lock lock(mutex);
    number = index.number_of(alert_id);
    if (!number) return fail(ErrorCode::kNotFound, "there is no such alert", {.field = "id"});
    entries = index.joined(*number);
  }
  BONGSU_TRY(const AlertRecord first, record(*number));
  const std::size_t wanted = std::clamp<std::size_t>(limit, 1, kMaxListedHits);
  std::vector<KeptHit> out;
  std::uint64_t at = 0;
  const auto take = [&](KeptHit hit) {
    if (at++ >= offset && out.size() < wanted) out.push_back(std::move(hit));
  };
  take({.id = *alert_uuid(alert_id),
        .at = detect::triage::time_of(first.alert),
        .position = first.alert.position,
        .field = first.alert.field,
        .matched = first.alert.matched});
  const auto snapshot = journal.snapshot();
  for (const journal::Seq seq : entries) {
    if (out.size() == wanted) break;
    BONGSU_TRY(const std::string payload, snapshot->payload(seq));
    BONGSU_TRY(auto kept, read_hits(payload));
    for (auto& hit : kept) take(std::move(hit));
  }
  return out;
}

// ── Suppressing ──────────────────────────────────────────────────────────────────────────────────────────────────────
journal::NewEntry Alerts::Impl::note(std::string_view event, const std::string& by, const Json& rule) const {
  const JsonObject payload{{"event", event}, {"account", by}, {"at", clock.now().text(6)}, {"suppression", rule}};
  return {.kind = journal::EntryKind::kNote, .origin = options.self, .payload = to_text(payload)};
}

Result<detect::triage::Suppression> Alerts::Impl::suppress(detect::triage::Suppression rule) {
  const std::lock_guard writing_lock(writing);
  const Instant now = clock.now();
  BONGSU_TRY_VOID(triage.suppressions.can_add(rule, now));
  rule.id = "suppression--" + Uuid::random(random).text();
  // Exactly as it will be read again.
  rule.created = Instant{now.seconds, now.nanos / 1'000'000 * 1'000'000};
  rule.until = Instant{rule.until.seconds, rule.until.nanos / 1'000'000 * 1'000'000};
  journal::Batch batch;
  batch.states.push_back({.space = std::string(kSuppressions), .key = rule.id, .value = to_text(rule.json())});
  std::vector<std::string> old = triage.suppressions.ended(now - std::chrono::nanoseconds(kSuppressionKept));
  for (const auto& id : old) batch.states.push_back({.space = std::string(kSuppressions), .key = id, .value = {}});
  batch.entries.push_back(note("alerts.suppress", rule.author, rule.json()));
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(batch));
  const std::unique_lock lock(mutex);
  for (const auto& id : old) triage.suppressions.remove(id);
  triage.suppressions.put(rule);
  return rule;
}

Result<void> Alerts::Impl::unsuppress(std::string_view id, const std::string& by) {
  if (by.empty()) return fail(ErrorCode::kInvalid, "who ends it has to be said", {.field = "by"});
  const std::lock_guard writing_lock(writing);
  const detect::triage::Suppression* rule = triage.suppressions.by_id(id);
  if (rule == nullptr) return fail(ErrorCode::kNotFound, "there is no such suppression", {.field = "id"});
  journal::Batch batch;
  batch.states.push_back({.space = std::string(kSuppressions), .key = rule->id, .value = {}});
  batch.entries.push_back(note("alerts.unsuppress", by, rule->json()));
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(batch));
  const std::unique_lock lock(mutex);
  triage.suppressions.remove(id);
  return {};
}

// ── As Alerts offers it ──────────────────────────────────────────────────────────────────────────────────────────────
std::vector<AlertRecord> Alerts::list(const AlertQuery& query) const { return impl_->list(query); }

std::optional<AlertRecord> Alerts::find(std::string_view alert_id) const {
  std::optional<AlertNumber> number;
  {
    const std::shared_lock lock(impl_->mutex);
    number = impl_->index.number_of(alert_id);
  }
  if (!number) return std::nullopt;
  auto record = impl_->record(*number);
  return record ? std::optional(std::move(*record)) : std::nullopt;
}

void Alerts::for_each_recent(const std::function<void(const AlertRecord&)>& visit) const {
  const std::shared_lock lock(impl_->mutex);
  const AlertIndex& index = impl_->index;
  for (AlertNumber number = index.end(); number > index.begin();) {
    const AlertRecord* record = index.recent(--number);
    if (record == nullptr) return;
    if (!index.place(number)->suppressed) visit(*record);
  }
}

Alerts::Counts Alerts::counts() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->index.counts();
}

std::vector<std::pair<std::string, Alerts::Counts>> Alerts::counts_by_label() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->index.counts_by_label();
}

std::vector<detect::triage::SubjectPtr> Alerts::subjects() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->triage.groups.subjects();
}

detect::triage::GroupPage Alerts::groups(const detect::triage::GroupQuery& query,
                                         const detect::triage::Sight& sight) const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->triage.groups.list(query, sight);
}

std::optional<Alerts::GroupPart> Alerts::group(std::string_view id, bool suppressed, std::uint64_t offset,
                                               std::uint32_t limit, const detect::triage::Sight& sight) const {
  GroupPart out;
  std::vector<AlertNumber> numbers;
  {
    const std::shared_lock lock(impl_->mutex);
    auto view = impl_->triage.groups.view(id, sight);
    if (!view) return std::nullopt;
    out.group = std::move(*view);
    numbers = impl_->triage.groups.alerts(id, suppressed, sight);
  }
  out.total = numbers.size();
  const std::size_t wanted = std::clamp<std::size_t>(limit, 1, kMaxListedAlerts);
  for (std::uint64_t i = offset; i < numbers.size() && out.alerts.size() < wanted; ++i)
    if (auto record = impl_->record(numbers[i])) out.alerts.push_back(std::move(*record));
  return out;
}

detect::triage::Groups::Totals Alerts::totals(const detect::triage::Sight& sight) const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->triage.groups.totals(sight);
}

std::vector<detect::triage::Unlisted> Alerts::unlisted(const detect::triage::Sight& sight) const {
  std::vector<detect::triage::Unlisted> out;
  {
    const std::shared_lock lock(impl_->mutex);
    for (const auto& [_, hits] : impl_->triage.groups.unlisted())
      if (sight.sees(hits.subject.get())) out.push_back(hits);
  }
  std::ranges::sort(
      out, [](const auto& a, const auto& b) { return std::tie(b.hits, *a.subject) < std::tie(a.hits, *b.subject); });
  return out;
}

Result<std::vector<KeptHit>> Alerts::hits(std::string_view alert_id, std::uint64_t offset, std::uint32_t limit) const {
  return impl_->hits(alert_id, offset, limit);
}

Result<detect::triage::Suppression> Alerts::suppress(detect::triage::Suppression rule) {
  return impl_->suppress(std::move(rule));
}

Result<void> Alerts::unsuppress(std::string_view id, const std::string& by) { return impl_->unsuppress(id, by); }

std::vector<detect::triage::Suppression> Alerts::suppressions() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->triage.suppressions.list();
}

std::uint64_t Alerts::suppressed_hits(std::string_view suppression, const detect::triage::Sight& sight) const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->triage.groups.suppressed_hits(suppression, sight);
}

}  // namespace bongsu::flow
