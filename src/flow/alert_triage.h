// What becomes of each hit, decided in one place, before anything is written:
//
//   TriageBatch batch(triage, next_number, now, monotonic);
//   for (hit) batch.place(hit);          // a new alert, one more of an alert, or counted only
//   … append batch.opened(), batch.joined(), batch.states() …
//   triage.commit(batch, seqs);          // durable: now it counts
//
// Every hit is exactly one of: an alert, a further hit of an alert (its position kept, or only counted), of a
// suppressed alert, or counted as unlisted because there were too many alerts a minute. Nothing is dropped.
//
// Alerts owns it: writers hold its `writing`, those who change it its `mutex` as well; readers the latter.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "detect/triage/groups.h"
#include "detect/triage/policy.h"
#include "detect/triage/suppression.h"
#include "detect/triage/windows.h"
#include "flow/alerts.h"
#include "journal/journal.h"

namespace bongsu::flow {

inline constexpr std::size_t kOpenAlerts = 100'000;         // that hits can still join
inline constexpr std::size_t kRememberedHits = 1'000'000;   // told apart by id, so that the same match counts once
inline constexpr std::size_t kRestoredHitEntries = 50'000;  // read for that at a start

// State of the journal, written in the commit that it tells of.
inline constexpr std::string_view kTallies = "alert.tallies";            // alert → Tally, from its second hit on
inline constexpr std::string_view kUnlisted = "alert.unlisted";          // subject → hits beyond the rate
inline constexpr std::string_view kSuppressions = "alert.suppressions";  // id → Suppression

struct OpenedAlert {
  detect::triage::Opened opened;
  Assessment assessment;
  Uuid key;
};
struct JoinedHits {
  std::vector<KeptHit> kept;
  std::vector<Uuid> ids;  // of all
};

class TriageBatch;

class AlertTriage {
 public:
  AlertTriage(detect::triage::TriagePolicy policy, TechniqueLookup techniques);

  const detect::triage::TriagePolicy& policy() const { return policy_; }
  // Who and what of an alert that was read from the journal.
  void restore(detect::triage::Opened opened, const detect::Alert& alert);
  void commit(TriageBatch& batch, const std::vector<journal::Seq>& seqs);  // of the opened ones
  void remember(const Uuid& hit);
  bool remembers(const Uuid& hit) const { return hits_.contains(hit); }
  void clear();

  detect::triage::Groups groups;
  detect::triage::Suppressions suppressions;
  detect::triage::Windows open;

 private:
  friend class TriageBatch;
  detect::triage::TriagePolicy policy_;
  TechniqueLookup techniques_;
  detect::triage::Allowance allowance_;
  std::unordered_map<Uuid, bool, UuidHash> hits_;
  std::deque<Uuid> hit_order_;
};

class TriageBatch {
 public:
  TriageBatch(AlertTriage& triage, std::uint64_t next, Instant now, std::chrono::nanoseconds monotonic)
      : triage_(triage),
        next_(next),
        now_(now),
        monotonic_(monotonic),
        staged_(triage.policy_.alert_window, kOpenAlerts) {}

  struct Fate {
    enum class Kind { kOpens, kJoins, kUnlisted } kind = Kind::kOpens;
    bool suppressed = false;
  };
  // `alert` with its entity; its id was seen by nobody yet.
  Fate place(const detect::Alert& alert, const Uuid& id);

  std::vector<OpenedAlert>& opened() { return opened_; }
  const std::map<std::uint64_t, JoinedHits>& joined() const { return joined_; }  // by alert
  const detect::triage::Tally& tally(std::uint64_t number) const;                // of opened and joined ones
  const std::map<Uuid, detect::triage::Unlisted>& unlisted() const { return unlisted_; }

 private:
  friend class AlertTriage;
  void count_unlisted(const detect::Alert& alert, Instant at);

  AlertTriage& triage_;
  std::uint64_t next_;
  Instant now_;
  std::chrono::nanoseconds monotonic_;
  detect::triage::Windows staged_;
  std::vector<OpenedAlert> opened_;
  std::map<std::uint64_t, JoinedHits> joined_;
  std::map<std::uint64_t, detect::triage::Tally> tallies_;  // of alerts that were there before
  std::map<Uuid, detect::triage::Unlisted> unlisted_;
};

// Who it is about: what the sensor found, else the log.
void fill_entity(detect::Alert& alert);

}  // namespace bongsu::flow
