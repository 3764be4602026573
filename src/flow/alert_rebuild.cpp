// Alerts out of the journal, at a start; and the notes that make it short.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "flow/alert_text.h"
#include "flow/alerts_impl.h"

namespace bongsu::flow {
namespace {

// Where alerts and judgements stand in the journal, so that a start need not read all of it: "upto" → seq, "<first
// seq>" → seqs.
constexpr std::string_view kPlaces = "alert.places";
constexpr std::string_view kUpto = "upto";
constexpr std::size_t kPlacesPerChunk = 256;
constexpr journal::Seq kPlacesLag = 20'000;  // entries of the journal that a start may have to read
constexpr std::uint32_t kFeedPage = 1000;

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

}  // namespace

// A damaged entry costs itself only.
void Alerts::Impl::take(journal::Snapshot& snapshot, const journal::Entry& entry, const std::set<Uuid>& suppressed) {
  if (entry.kind == journal::EntryKind::kAlert) {
    const auto id = alert_uuid(entry.object_id);
    if (!id) return;
    unsaved.push_back(entry.seq);
    index.add(*id, entry.seq, suppressed.contains(*id), entry.label);
  } else if (entry.kind == journal::EntryKind::kHits) {
    const auto number = index.number_of(entry.object_id);
    if (!number) return;
    unsaved.push_back(entry.seq);
    index.join(*number, entry.seq);
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

Result<void> Alerts::Impl::rebuild(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const std::lock_guard writing_lock(writing);
  const std::unique_lock lock(mutex);
  index.clear();
  triage.clear();
  windows.clear();
  unsaved.clear();
  upto = 0;
  const journal::Seq last = journal.last_seq();

  BONGSU_TRY(const auto rules, journal.states(kSuppressions));
  for (const auto& [id, text] : rules) {
    const auto json = parse_json(text);
    auto rule = json ? detect::triage::Suppression::parse(*json) : std::unexpected(json.error());
    if (rule)
      triage.suppressions.put(std::move(*rule));
    else
      log.warn("alerts.suppression_unreadable", {{"id", id}, {"error", rule.error().text()}});
  }
  BONGSU_TRY(const auto counts, journal.states(kTallies));
  std::map<Uuid, detect::triage::Tally> tallies;
  std::set<Uuid> suppressed;
  for (const auto& [key, text] : counts) {
    const auto id = alert_uuid(key);
    const auto json = parse_json(text);
    auto tally = json ? detect::triage::Tally::parse(*json) : std::unexpected(json.error());
    if (!id || !tally) {
      log.warn("alerts.tally_unreadable", {{"alert", key}});
      continue;
    }
    if (bool_at(*json, "suppressed").value_or(false)) suppressed.insert(*id);
    tallies.emplace(*id, std::move(*tally));
  }

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
    take(*snapshot, entry, suppressed);
  }
  unsaved.clear();
  for (journal::Seq after = upto; after < last;) {
    snapshot = journal.snapshot();
    BONGSU_TRY(const auto entries, snapshot->entries(after, kFeedPage));
    if (entries.empty()) break;
    for (const auto& entry : entries) take(*snapshot, entry, suppressed);
    after = entries.back().seq;
    if (progress) progress(after, last);
  }

  BONGSU_TRY_VOID(restore_alerts(snapshot, std::move(tallies)));
  restore_hits(snapshot);
  BONGSU_TRY(const auto unlisted, journal.states(kUnlisted));
  for (const auto& [key, text] : unlisted) {
    const auto id = Uuid::parse(key);
    auto hits = read_unlisted(text);
    if (id && hits) triage.groups.set_unlisted(*id, std::move(*hits));
  }
  BONGSU_TRY_VOID(restore_windows());
  if (progress) progress(last, last);
  return {};
}

// Groups, and the newest alerts whole. Counts of alerts that are not listed any more go.
Result<void> Alerts::Impl::restore_alerts(std::unique_ptr<journal::Snapshot>& snapshot,
                                          std::map<Uuid, detect::triage::Tally> tallies) {
  const auto newest = [&](std::size_t many) {
    return index.end() - std::min<AlertNumber>(many, index.end() - index.begin());
  };
  const AlertNumber first_whole = newest(kRecentAlerts);
  std::vector<AlertRecord> records;
  for (AlertNumber number = newest(detect::triage::kMaxGroupedAlerts); number < index.end(); ++number) {
    if (number % kFeedPage == 0) snapshot = journal.snapshot();
    const AlertPlace& place = *index.place(number);
    auto record = load(*snapshot, place.seq, index.judgements(number));
    if (!record) {
      log.warn("alerts.unreadable", {{"seq", fmt::format("{}", place.seq)}, {"error", record.error().text()}});
      records.clear();  // what is kept whole has no gaps; this one and those before it are read when asked for
      continue;
    }
    detect::triage::Opened opened{.number = number,
                                  .seq = place.seq,
                                  .entity = record->alert.entity,
                                  .at = detect::triage::time_of(record->alert),
                                  .risk = record->assessment.risk,
                                  .warned = !record->alert.warning_lists.empty(),
                                  .suppressed_by = record->assessment.suppressed_by,
                                  .subject = detect::triage::Subject::of(record->alert),
                                  .techniques = record->assessment.techniques,
                                  .tally = {}};
    if (const auto tally = tallies.find(place.id); tally != tallies.end())
      opened.tally = tally->second;
    else
      opened.tally.add(opened.at, true);
    triage.restore(std::move(opened), record->alert);
    triage.groups.judge(number, place.verdict);
    if (number >= first_whole) records.push_back(std::move(*record));
  }
  for (auto& record : records) index.keep(std::move(record));

  journal::Batch gone;
  for (const auto& [id, _] : tallies) {
    std::string name = "alert--" + id.text();
    if (!index.number_of(name))
      gone.states.push_back({.space = std::string(kTallies), .key = std::move(name), .value = {}});
  }
  if (gone.states.empty()) return {};
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(gone));
  return {};
}

// So that a match which is read once more is not counted once more.
void Alerts::Impl::restore_hits(std::unique_ptr<journal::Snapshot>& snapshot) {
  std::vector<journal::Seq> entries;
  for (AlertNumber number = index.end(); number > index.begin() && entries.size() < kRestoredHitEntries;) {
    const auto& joined = index.joined(--number);
    entries.insert(entries.end(), joined.begin(), joined.end());
  }
  std::ranges::sort(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i % kFeedPage == 0) snapshot = journal.snapshot();
    const auto payload = snapshot->payload(entries[i]);
    const auto hits = payload ? read_hits(*payload) : std::unexpected(payload.error());
    if (!hits) {
      log.warn("alerts.hits_unreadable", {{"seq", fmt::format("{}", entries[i])}, {"error", hits.error().text()}});
      continue;
    }
    for (const KeptHit& hit : *hits) triage.remember(hit.id);
  }
}

Result<void> Alerts::Impl::restore_windows() {
  BONGSU_TRY(const auto stored, journal.states(kSightingWindows));
  for (const auto& [id, text] : stored) {
    auto window = read_sighting_window(text);
    if (!window) {
      log.warn("alerts.window_unreadable", {{"sighting", id}, {"error", window.error().text()}});
      continue;
    }
    read_statements(*window);
    window->opened = clock.monotonic() - options.sighting_window;
    window->collection = sightings_collection(window->indicator_label.exercises);
    if (window->collection.empty()) continue;  // this node left its exercise
    WindowKey key{window->indicator_id, window->source, window->collection};
    windows.insert_or_assign(std::move(key), std::move(*window));
  }
  return {};
}

Result<void> Alerts::Impl::save_places() {
  const journal::Seq last = journal.last_seq();
  if (unsaved.size() < kPlacesPerChunk && last - upto < kPlacesLag) return {};
  journal::Batch batch;
  if (!unsaved.empty())
    batch.states.push_back(
        {.space = std::string(kPlaces), .key = fmt::format("{:020}", unsaved.front()), .value = chunk_text(unsaved)});
  batch.states.push_back({.space = std::string(kPlaces), .key = std::string(kUpto), .value = fmt::format("{}", last)});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(batch));
  unsaved.clear();
  upto = last;
  return {};
}

}  // namespace bongsu::flow
