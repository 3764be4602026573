// Alerts: from a match to something an analyst judges, and the sighting that goes back to the originator.
//
//   alerts.raise(batch_of_alerts, positions)   → durable alert entries, sightings admitted, in one commit
//   alerts.judge("alert--…", {.verdict = …}, "olena")
//   alerts.list({.open_only = true, .limit = 100})
//   alerts.groups({.limit = 50}, sight)                → one line for each entity and time (detect/triage/groups.h)
//   alerts.suppress({.author = …, .reason = …, .until = …, .match = …})
//
// The first hit of an indicator or rule on an entity within a window is an alert and is kept whole; of the first few
// that follow the position is kept, of all the number (alert_triage.h says what becomes of which hit).
//
// A projection over kAlert, kHits and kJudgement entries and the state that is written with them, rebuilt from the
// journal at start. Memory is bounded: the newest
// kRecentAlerts are kept whole (less if they are large), a few dozen bytes for each of the newest kIndexedAlerts; those
// in between are read from the journal when asked for, what is older still stays in the journal and in the counts but
// is not listed any more.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/uuid.h"
#include "detect/alert.h"
#include "detect/triage/groups.h"
#include "detect/triage/policy.h"
#include "detect/triage/suppression.h"
#include "flow/admit.h"
#include "flow/collections.h"
#include "journal/journal.h"

namespace bongsu::flow {

inline constexpr std::size_t kRecentAlerts = 10'000;
inline constexpr std::size_t kRecentAlertBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kIndexedAlerts = 1'000'000;
inline constexpr std::size_t kMaxListedAlerts = 1000;   // in one answer
inline constexpr std::size_t kMaxLoadedForList = 2000;  // old alerts read from the journal for one answer
inline constexpr std::size_t kMaxOpenSightings =
    10'000;  // windows open at a time; beyond that the oldest are closed early
inline constexpr std::size_t kMaxReasonBytes = 4096;
inline constexpr std::chrono::hours kSuppressionKept{30 * 24};  // after its end, in lists

inline constexpr std::size_t kMaxListedHits = 1000;  // in one answer

using AlertVerdict = detect::triage::Verdict;

struct Judgement {
  std::optional<bool> acknowledged;
  std::optional<std::string> assignee;
  std::optional<AlertVerdict> verdict;
  std::string reason;  // required with a verdict, but for reopening
  std::string by;      // account
  Instant at;          // judge() fills it in when it is 0
  bool operator==(const Judgement&) const = default;
};

// What was made of the alert when it was raised; kept with it, so that it does not change with the configuration.
struct Assessment {
  detect::triage::RiskFactors factors;
  int risk = 0;
  std::vector<detect::triage::Technique> techniques;
  std::string suppressed_by;  // id of the suppression; empty: none
  bool operator==(const Assessment&) const = default;
};

// A further hit of an alert: enough to find the event again.
struct KeptHit {
  Uuid id;  // of the alert that it would have been
  Instant at;
  telemetry::Position position;
  std::string field, matched;
};

// Techniques that the journal knows for an alert's indicator. Called while writing: does not call back.
using TechniqueLookup = std::function<std::vector<detect::triage::Technique>(const detect::Alert& alert)>;

struct AlertRecord {
  detect::Alert alert;
  Assessment assessment;
  detect::triage::Tally tally;  // of all hits, as of this moment
  std::string group;            // id of its group; empty: forgotten
  journal::Seq seq = 0;         // of the alert's entry
  std::int64_t added_us = 0;
  bool acknowledged = false;
  std::string assignee;
  AlertVerdict verdict = AlertVerdict::kOpen;
  std::vector<Judgement> history;
  std::string sighting_id;  // of the sighting that was made, if any
};

struct AlertQuery {
  bool open_only = false;
  bool suppressed = false;         // the suppressed ones, instead of the others
  std::string indicator_id, text;  // text: part of the value, the matched text, field, source or file, in any case
  journal::Seq before = 0;         // page: older than this; 0 = newest first
  std::uint32_t limit = 100;
};

struct AlertsOptions {
  std::string self;                  // own member id
  std::string identity_id;           // STIX identity of this node: created_by_ref of sightings
  std::string sightings_collection;  // id
  // The collection (id) for what this node says in an exercise; empty: it takes no part, and says nothing.
  std::function<std::string(std::string_view exercise)> exercise_collection{};
  std::chrono::seconds sighting_window{
      60};  // further hits of the same indicator within it are counted into one new version
  detect::triage::TriagePolicy triage;
  TechniqueLookup techniques;  // may be empty
};

// Safe from any thread.
class Alerts {
 public:
  Alerts(journal::Journal& journal, Release& release, Markings& markings, const Clock& clock, Random& random, Log& log,
         AlertsOptions options);
  ~Alerts();
  Result<void> rebuild(const std::function<void(std::uint64_t, std::uint64_t)>& progress);
  // Sightings can be made from now on: when identity or collection were not there yet at the beginning.
  void set_sightings(std::string identity_id, std::string sightings_collection);

  // Takes hits that were not taken yet (same id = same match): opens alerts, counts further hits, makes their
  // sightings, and stores all of it with `states` (positions of telemetry sources) in one commit. Returns the alerts
  // that are new.
  //
  // Sightings are made for STIX indicators only (not for lists): one for each indicator as one source gave it, and
  // window, at its first hit.
  // The originator of an indicator of a partner gets it, releasable to it alone, at the indicator's TLP; of an own
  // indicator it stays here. While no sightings collection is set none are made.
  Result<std::vector<AlertRecord>> raise(std::span<const detect::Alert> alerts,
                                         std::vector<journal::StateChange> states);
  // Writes a new version of each sighting whose window has passed and had more hits than told; call about once a
  // second.
  Result<void> flush_sightings();

  // kNotFound: no such alert. kInvalid names the field: nothing said, a verdict without a reason, no account.
  Result<AlertRecord> judge(std::string_view alert_id, Judgement judgement);
  std::vector<AlertRecord> list(const AlertQuery& query) const;  // newest first
  std::optional<AlertRecord> find(std::string_view alert_id) const;
  // The alerts that are kept whole, newest first, under the lock: `visit` only takes notes.
  void for_each_recent(const std::function<void(const AlertRecord&)>& visit) const;
  struct Counts {  // without suppressed alerts, but for their own number
    std::uint64_t total = 0, open = 0, confirmed = 0, false_positive = 0, suppressed = 0;
    bool operator==(const Counts&) const = default;
  };
  Counts counts() const;
  // The same by the label of what matched, for those who may not see every one.
  std::vector<std::pair<std::string, Counts>> counts_by_label() const;

  // The newest kMaxGroupedAlerts alerts by entity and time. A Sight is made from subjects(): hold them while it is
  // used.
  std::vector<detect::triage::SubjectPtr> subjects() const;
  detect::triage::GroupPage groups(const detect::triage::GroupQuery& query, const detect::triage::Sight& sight) const;
  struct GroupPart {
    detect::triage::GroupView group;
    std::vector<AlertRecord> alerts;  // highest risk first
    std::uint64_t total = 0;          // that there are
  };
  std::optional<GroupPart> group(std::string_view id, bool suppressed, std::uint64_t offset, std::uint32_t limit,
                                 const detect::triage::Sight& sight) const;
  detect::triage::Groups::Totals totals(const detect::triage::Sight& sight) const;
  std::vector<detect::triage::Unlisted> unlisted(const detect::triage::Sight& sight) const;  // most hits first
  // The hits of an alert whose positions are kept, the first one first. kNotFound: no such alert.
  Result<std::vector<KeptHit>> hits(std::string_view alert_id, std::uint64_t offset, std::uint32_t limit) const;

  // In force when it returns, with its id. Errors as Suppressions::can_add.
  Result<detect::triage::Suppression> suppress(detect::triage::Suppression rule);
  Result<void> unsuppress(std::string_view id, const std::string& by);  // kNotFound
  std::vector<detect::triage::Suppression> suppressions() const;        // oldest first, ended ones for kSuppressionKept
  std::uint64_t suppressed_hits(std::string_view suppression, const detect::triage::Sight& sight) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bongsu::flow
