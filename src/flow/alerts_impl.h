// What the alert_*.cpp files share. Internal.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "flow/alert_index.h"
#include "flow/alert_triage.h"
#include "flow/alerts.h"
#include "flow/sighting.h"

namespace bongsu::flow {

// State: sighting → its window, while it has hits that no version tells of yet.
inline constexpr std::string_view kSightingWindows = "alert.sightings";

// Two members may give indicators under one id, and one live and in a drill: each is told of its own, where it is.
struct WindowKey {
  std::string indicator_id, source, collection;
  auto operator<=>(const WindowKey&) const = default;
};

struct Alerts::Impl {
  Impl(journal::Journal& j, Release& r, Markings& m, const Clock& c, Random& rnd, Log& l, AlertsOptions o)
      : journal(j),
        release(r),
        markings(m),
        clock(c),
        random(rnd),
        log(l),
        options(std::move(o)),
        triage(options.triage, options.techniques) {}

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
  std::set<std::string> markings_written;       // collection and source: whose marking definition was admitted there
  std::vector<journal::Seq> unsaved;            // places not yet in a chunk
  journal::Seq upto = 0;

  mutable std::shared_mutex mutex;
  AlertIndex index;
  AlertTriage triage;  // changed under both

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
  Result<AlertRecord> load(journal::Snapshot& snapshot, journal::Seq seq,
                           const std::vector<journal::Seq>& judgements) const;
  Result<AlertRecord> record(AlertNumber number) const;
  // What changes with every hit, as of now. Under `mutex`.
  void add_numbers(AlertRecord& record, AlertNumber number) const;

  // ── Rebuilding ───────────────────────────────────────────────────────────────────────────────────────────────────
  // A damaged entry costs itself only.
  void take(journal::Snapshot& snapshot, const journal::Entry& entry, const std::set<Uuid>& suppressed);
  Result<void> rebuild(const std::function<void(std::uint64_t, std::uint64_t)>& progress);
  Result<void> restore_alerts(std::unique_ptr<journal::Snapshot>& snapshot,
                              std::map<Uuid, detect::triage::Tally> tallies);
  void restore_hits(std::unique_ptr<journal::Snapshot>& snapshot);
  // Sightings whose last hits were not told before the node stopped: they are told by the next flush.
  Result<void> restore_windows();

  // ── Sightings (under `writing`) ──────────────────────────────────────────────────────────────────────────────────
  SightingWindow new_window(const detect::Alert& alert, std::string sighting_id);
  void read_statements(SightingWindow& window);
  // Where a sighting of what matched goes; empty: nowhere, nothing is told.
  std::string sightings_collection(const detect::Alert& alert) const;
  std::string sightings_collection(const std::set<std::string>& exercises) const;
  using Facts = std::vector<std::optional<policy::ObjectFacts>>;
  static std::string exercise_of(const SightingWindow& window);
  Result<void> add_definition(journal::Batch& batch, Facts& facts, const std::string& text,
                              const std::string& collection, const std::string& exercise);
  Result<void> add_sighting(journal::Batch& batch, Facts& facts, SightingWindow& window,
                            std::set<std::string>& definitions);
  // Tells the hits of these windows that were not told, and closes them.
  Result<void> close_windows(const std::vector<WindowKey>& keys);

  // ── Raising ──────────────────────────────────────────────────────────────────────────────────────────────────────
  Result<std::vector<AlertRecord>> raise(std::span<const detect::Alert> alerts,
                                         std::vector<journal::StateChange> states);
  std::vector<AlertNumber> add_hits(journal::Batch& batch, TriageBatch& hits, const std::vector<Uuid>& ids);
  Result<void> close_oldest();
  Result<void> flush();
  // Everything that writes alerts holds `writing`, so up to here all places are known.
  Result<void> save_places();

  // ── Judging ──────────────────────────────────────────────────────────────────────────────────────────────────────
  Result<AlertRecord> judge(std::string_view alert_id, Judgement judgement);
  std::vector<AlertRecord> list(const AlertQuery& query) const;
  Result<std::vector<KeptHit>> hits(std::string_view alert_id, std::uint64_t offset, std::uint32_t limit) const;

  // ── Suppressing ──────────────────────────────────────────────────────────────────────────────────────────────────
  Result<detect::triage::Suppression> suppress(detect::triage::Suppression rule);
  Result<void> unsuppress(std::string_view id, const std::string& by);
  journal::NewEntry note(std::string_view event, const std::string& by, const Json& rule) const;
};

}  // namespace bongsu::flow
