#include "flow/alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "flow/alert_index.h"
#include "flow/alert_text.h"
#include "flow/append_decided.h"
#include "flow/sighting.h"

namespace bongsu::flow {
namespace {

// Where alerts and judgements stand in the journal, so that a start need not read all of it: "upto" → seq, "<first
// seq>" → seqs.
constexpr std::string_view kPlaces = "alert.places";
constexpr std::string_view kUpto = "upto";
constexpr std::size_t kPlacesPerChunk = 256;
constexpr journal::Seq kPlacesLag = 20'000;  // entries of the journal that a start may have to read
constexpr std::uint32_t kFeedPage = 1000;
constexpr std::size_t kMaxSightingsRestored = 1000;
constexpr std::size_t kMaxAssigneeBytes = 256;

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
        std::string_view(a.source), std::string_view(a.position.source), std::string_view(a.indicator_id)})
    if (contains_folded(text, folded)) return true;
  return false;
}

std::string chunk_text(const std::vector<journal::Seq>& seqs) { return fmt::format("{}", fmt::join(seqs, " ")); }

std::vector<journal::Seq> read_chunk(std::string_view text) {
  std::vector<journal::Seq> out;
  for (const char* at = text.data(); at < text.data() + text.size();) {
    journal::Seq seq = 0;
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), seq);
    if (error != std::errc()) break;
    out.push_back(seq);
    at = end + 1;
  }
  return out;
}

// Two members may give indicators under one id: each is told of its own.
struct WindowKey {
  std::string indicator_id, source;
  auto operator<=>(const WindowKey&) const = default;
};

}  // namespace

struct Alerts::Impl {
  Impl(journal::Journal& j, Release& r, Markings& m, const Clock& c, Random& rnd, Log& l, AlertsOptions o)
      : journal(j), release(r), markings(m), clock(c), random(rnd), log(l), options(std::move(o)) {}

  journal::Journal& journal;
  Release& release;
  Markings& markings;
  const Clock& clock;
  Random& random;
  Log& log;

  // Held while something becomes durable; everything that writes alerts takes it. Before `mutex`.
  std::mutex writing;
  AlertsOptions options;                        // identity and collection change under `writing`
  std::map<WindowKey, SightingWindow> windows;  // under `writing`
  std::set<std::string> markings_written;       // sources whose marking definition was admitted since the start
  std::vector<journal::Seq> unsaved;            // places not yet in a chunk
  journal::Seq upto = 0;

  mutable std::shared_mutex mutex;
  AlertIndex index;

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
  static Result<AlertRecord> load(journal::Snapshot& snapshot, journal::Seq seq,
                                  const std::vector<journal::Seq>& judgements) {
    BONGSU_TRY(const journal::Entry entry, snapshot.entry(seq));
    BONGSU_TRY(const std::string payload, snapshot.payload(seq));
    BONGSU_TRY(StoredAlert stored, read_alert(payload));
    AlertRecord record{.alert = std::move(stored.alert),
                       .seq = seq,
                       .added_us = entry.added_us,
                       .sighting_id = std::move(stored.sighting_id)};
    for (const journal::Seq at : judgements) {
      BONGSU_TRY(const std::string text, snapshot.payload(at));
      BONGSU_TRY(const Judgement judgement, read_judgement(text));
      apply_judgement(record, judgement);
    }
    return record;
  }

  Result<AlertRecord> record(AlertNumber number) const {
    journal::Seq seq = 0;
    std::vector<journal::Seq> judgements;
    {
      const std::shared_lock lock(mutex);
      if (const AlertRecord* recent = index.recent(number)) return *recent;
      const AlertPlace* place = index.place(number);
      if (place == nullptr) return fail(ErrorCode::kNotFound, "this alert is not listed any more");
      seq = place->seq;
      judgements = index.judgements(number);
    }
    return load(*journal.snapshot(), seq, judgements);
  }

  // ── Rebuilding ───────────────────────────────────────────────────────────────────────────────────────────────────
  // A damaged entry costs itself only.
  void take(journal::Snapshot& snapshot, const journal::Entry& entry) {
    if (entry.kind == journal::EntryKind::kAlert) {
      const auto id = alert_uuid(entry.object_id);
      if (!id) return;
      unsaved.push_back(entry.seq);
      index.add(*id, entry.seq);
    } else if (entry.kind == journal::EntryKind::kJudgement) {
      const auto number = index.number_of(entry.object_id);
      if (!number) return;
      unsaved.push_back(entry.seq);
      const auto payload = snapshot.payload(entry.seq);
      const auto judgement = payload ? read_judgement(*payload) : std::unexpected(payload.error());
      if (judgement)
        index.judge(*number, entry.seq, *judgement);
      else
        log.warn("alerts.judgement_unreadable",
                 {{"seq", fmt::format("{}", entry.seq)}, {"error", judgement.error().text()}});
    }
  }

  Result<void> rebuild(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    const std::lock_guard writing_lock(writing);
    const std::unique_lock lock(mutex);
    index.clear();
    windows.clear();
    unsaved.clear();
    upto = 0;
    const journal::Seq last = journal.last_seq();

    std::vector<journal::Seq> known;
    BONGSU_TRY(const auto chunks, journal.states(kPlaces));
    for (const auto& [key, text] : chunks) {
      const auto seqs = read_chunk(text);
      if (key == kUpto)
        upto = seqs.empty() ? 0 : seqs.front();
      else
        known.insert(known.end(), seqs.begin(), seqs.end());
    }
    if (upto > last) {  // of another journal: start from nothing
      upto = 0;
      known.clear();
    }
    std::ranges::sort(known);
    auto snapshot = journal.snapshot();
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (i % kFeedPage == 0) {
        snapshot = journal.snapshot();
        if (progress) progress(known[i], last);
      }
      BONGSU_TRY(const journal::Entry entry, snapshot->entry(known[i]));
      take(*snapshot, entry);
    }
    unsaved.clear();
    for (journal::Seq after = upto; after < last;) {
      snapshot = journal.snapshot();
      BONGSU_TRY(const auto entries, snapshot->entries(after, kFeedPage));
      if (entries.empty()) break;
      for (const auto& entry : entries) take(*snapshot, entry);
      after = entries.back().seq;
      if (progress) progress(after, last);
    }

    const AlertNumber first = index.end() - std::min<AlertNumber>(kRecentAlerts, index.end() - index.begin());
    std::vector<AlertRecord> records;
    for (AlertNumber number = first; number < index.end(); ++number) {
      auto record = load(*snapshot, index.place(number)->seq, index.judgements(number));
      if (!record) {
        log.warn("alerts.unreadable",
                 {{"seq", fmt::format("{}", index.place(number)->seq)}, {"error", record.error().text()}});
        records.clear();  // what is kept whole has no gaps; this one and those before it are read when asked for
        continue;
      }
      records.push_back(std::move(*record));
    }
    restore_windows(*snapshot, records);
    for (auto& record : records) index.keep(std::move(record));
    if (progress) progress(last, last);
    return {};
  }

  // Sightings whose last hits were not told before the node stopped: they are told by the next flush.
  void restore_windows(journal::Snapshot& snapshot, const std::vector<AlertRecord>& records) {
    std::map<std::string, SightingWindow> found;
    std::vector<std::string> order;
    for (const auto& record : records) {
      if (record.sighting_id.empty()) continue;
      auto [window, fresh] = found.try_emplace(record.sighting_id);
      if (fresh) {
        order.push_back(record.sighting_id);
        window->second = new_window(record.alert, record.sighting_id);
      }
      window->second.hit(record.alert.event_time.value_or(record.alert.detected));
    }
    const std::size_t skip = order.size() - std::min(order.size(), kMaxSightingsRestored);
    for (std::size_t i = skip; i < order.size(); ++i) {
      SightingWindow& window = found.at(order[i]);
      const auto versions = snapshot.versions(options.sightings_collection, window.sighting_id);
      if (!versions || versions->empty()) continue;
      const auto payload = snapshot.payload(versions->back().seq);
      const auto json = payload ? parse_json(*payload) : std::unexpected(payload.error());
      if (!json) continue;
      const std::int64_t told = int_at(*json, "count").value_or(0);
      const auto created = Instant::parse(string_at(*json, "created").value_or(""));
      const auto modified = Instant::parse(string_at(*json, "modified").value_or(""));
      if (!created || !modified || told >= window.count) continue;
      window.created = *created;
      window.modified = *modified;
      window.written = told;
      window.opened = clock.monotonic() - options.sighting_window;
      windows.insert_or_assign({window.indicator_id, window.source}, window);
    }
  }

  // ── Sightings (under `writing`) ──────────────────────────────────────────────────────────────────────────────────
  SightingWindow new_window(const detect::Alert& alert, std::string sighting_id) {
    SightingWindow window;
    window.sighting_id = std::move(sighting_id);
    window.indicator_id = alert.indicator_id;
    window.source = alert.source;
    window.indicator_label = policy::Label::parse(alert.label).value_or(policy::deny_all());
    window.opened = clock.monotonic();
    if (const auto payload = journal.snapshot()->payload(alert.indicator_ref)) {
      const auto object = stix::Object::parse(*payload);
      if (object && object->id_text() == alert.indicator_id) window.statements = carried_markings(*object, markings);
    }
    return window;
  }

  bool makes_sightings(const detect::Alert& alert) const {
    if (options.sightings_collection.empty() || !policy::is_member_id(alert.source)) return false;
    const auto id = stix::Id::parse(alert.indicator_id);
    return id && id->type == "indicator";
  }

  using Facts = std::vector<std::optional<policy::ObjectFacts>>;

  Result<void> add_sighting(journal::Batch& batch, Facts& facts, SightingWindow& window,
                            std::set<std::string>& definitions) {
    if (!markings_written.contains(window.source) && definitions.insert(window.source).second) {
      const auto definition = stix::Object::parse(sighting_marking(window.source, options.self));
      BONGSU_CHECK(definition.has_value());
      BONGSU_TRY_VOID(markings.pin(*definition, batch.states));
      journal::NewEntry entry{
          .collection = options.sightings_collection, .object_id = definition->id_text(), .origin = options.self};
      entry.version = definition->version()->text();
      entry.version_key = definition->version()->key();
      policy::ObjectFacts of_definition{.object_id = entry.object_id,
                                        .type = definition->type(),
                                        .collection = options.sightings_collection,
                                        .origin = options.self,
                                        .label = markings.label_of(*definition, stix::Tlp::kAmberStrict)};
      entry.label = of_definition.label.text();
      entry.payload = definition->bytes();
      batch.entries.push_back(std::move(entry));
      facts.emplace_back(std::move(of_definition));
    }
    // Milliseconds, so that a version is later than the one before as text too.
    const Instant now = clock.now();
    if (window.written == 0)
      window.created = window.modified = now;
    else
      window.modified = std::max(now, window.modified + std::chrono::milliseconds(1));
    window.written = window.count;
    SightingEntry sighting = make_sighting(window, options.self, options.identity_id, options.sightings_collection);
    batch.entries.push_back(std::move(sighting.entry));
    facts.emplace_back(std::move(sighting.facts));
    return {};
  }

  // Tells the hits of these windows that were not told, and closes them.
  Result<void> close_windows(const std::vector<WindowKey>& keys) {
    journal::Batch batch;
    Facts facts;
    std::set<std::string> definitions;
    for (const auto& key : keys) {
      SightingWindow window = windows.at(key);
      if (window.count > window.written) BONGSU_TRY_VOID(add_sighting(batch, facts, window, definitions));
    }
    if (!batch.entries.empty()) {
      BONGSU_TRY([[maybe_unused]] const auto receipt, append_decided(journal, release, batch, facts));
      markings.made_durable(batch.states);
      markings_written.merge(definitions);
    }
    for (const auto& key : keys) windows.erase(key);
    return {};
  }

  // ── Raising ──────────────────────────────────────────────────────────────────────────────────────────────────────
  Result<std::vector<AlertRecord>> raise(std::span<const detect::Alert> alerts,
                                         std::vector<journal::StateChange> states) {
    const std::lock_guard writing_lock(writing);
    if (windows.size() >= kMaxOpenSightings) BONGSU_TRY_VOID(close_oldest());

    journal::Batch batch;
    batch.states = std::move(states);
    std::vector<AlertRecord> fresh;
    std::vector<Uuid> ids;
    std::set<Uuid> here;
    std::map<WindowKey, SightingWindow> touched;
    for (const auto& alert : alerts) {
      const auto id = alert_uuid(alert.id);
      if (!id) return fail(ErrorCode::kInvalid, "an alert's id is \"alert--\" and a UUID", {.field = "id"});
      {
        const std::shared_lock lock(mutex);
        if (index.number_of(alert.id)) continue;
      }
      if (!here.insert(*id).second) continue;
      AlertRecord record{.alert = alert};
      if (makes_sightings(alert)) {
        WindowKey key{alert.indicator_id, alert.source};
        auto window = touched.find(key);
        if (window == touched.end()) {
          const auto open = windows.find(key);
          const bool good = open != windows.end() && clock.monotonic() - open->second.opened < options.sighting_window;
          window = touched
                       .emplace(std::move(key),
                                good ? open->second : new_window(alert, "sighting--" + Uuid::random(random).text()))
                       .first;
        }
        window->second.hit(alert.event_time.value_or(alert.detected));
        record.sighting_id = window->second.sighting_id;
      }
      fresh.push_back(std::move(record));
      ids.push_back(*id);
    }
    if (fresh.empty() && batch.states.empty()) return fresh;

    for (const auto& record : fresh)
      batch.entries.push_back({.kind = journal::EntryKind::kAlert,
                               .object_id = record.alert.id,
                               .origin = options.self,
                               .label = record.alert.label,
                               .payload = alert_payload(record.alert, record.sighting_id)});
    Facts facts(batch.entries.size());
    std::set<std::string> definitions;
    for (auto& [key, window] : touched) {
      // A window that passed and was not flushed yet: its untold hits go first.
      if (const auto old = windows.find(key); old != windows.end() && old->second.sighting_id != window.sighting_id &&
                                              old->second.count > old->second.written) {
        SightingWindow last = old->second;
        BONGSU_TRY_VOID(add_sighting(batch, facts, last, definitions));
      }
      if (window.written == 0) BONGSU_TRY_VOID(add_sighting(batch, facts, window, definitions));
    }
    BONGSU_TRY(const auto receipt, append_decided(journal, release, batch, facts));
    markings.made_durable(batch.states);
    markings_written.merge(definitions);
    for (auto& [key, window] : touched) windows.insert_or_assign(key, std::move(window));

    const std::unique_lock lock(mutex);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      fresh[i].seq = receipt.entries[i].seq;
      fresh[i].added_us = receipt.entries[i].added_us;
      index.add(ids[i], fresh[i].seq);
      index.keep(fresh[i]);
      unsaved.push_back(fresh[i].seq);
    }
    return fresh;
  }

  Result<void> close_oldest() {
    std::vector<std::pair<std::chrono::nanoseconds, WindowKey>> by_age;
    for (const auto& [key, window] : windows) by_age.emplace_back(window.opened, key);
    std::ranges::sort(by_age);
    std::vector<WindowKey> oldest;
    for (std::size_t i = 0; i < by_age.size() && i < kMaxOpenSightings / 10; ++i) oldest.push_back(by_age[i].second);
    return close_windows(oldest);
  }

  Result<void> flush() {
    const std::lock_guard writing_lock(writing);
    std::vector<WindowKey> passed;
    for (const auto& [key, window] : windows)
      if (clock.monotonic() - window.opened >= options.sighting_window) passed.push_back(key);
    if (!passed.empty()) BONGSU_TRY_VOID(close_windows(passed));
    return save_places();
  }

  // Everything that writes alerts holds `writing`, so up to here all places are known.
  Result<void> save_places() {
    const journal::Seq last = journal.last_seq();
    if (unsaved.size() < kPlacesPerChunk && last - upto < kPlacesLag) return {};
    journal::Batch batch;
    if (!unsaved.empty())
      batch.states.push_back(
          {.space = std::string(kPlaces), .key = fmt::format("{:020}", unsaved.front()), .value = chunk_text(unsaved)});
    batch.states.push_back(
        {.space = std::string(kPlaces), .key = std::string(kUpto), .value = fmt::format("{}", last)});
    BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(batch));
    unsaved.clear();
    upto = last;
    return {};
  }

  // ── Judging ──────────────────────────────────────────────────────────────────────────────────────────────────────
  Result<AlertRecord> judge(std::string_view alert_id, Judgement judgement) {
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
    }
    return record(*number);
  }

  std::vector<AlertRecord> list(const AlertQuery& query) const {
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
            (query.open_only && place.verdict != AlertVerdict::kOpen))
          continue;
        if (const AlertRecord* recent = index.recent(number)) {
          if (!matches(*recent, query, folded)) continue;
          out.push_back(*recent);
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
};

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
    visit(*record);
  }
}

Alerts::Counts Alerts::counts() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->index.counts();
}

}  // namespace bongsu::flow
