// Alerts: from a match to something an analyst judges, and the sighting that goes back to the originator.
//
//   alerts.raise(batch_of_alerts, positions)   → durable alert entries, sightings admitted, in one commit
//   alerts.judge("alert--…", {.verdict = …}, "olena")
//   alerts.list({.open_only = true, .limit = 100})
//
// A projection over kAlert and kJudgement entries, rebuilt from the journal at start.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "detect/alert.h"
#include "flow/admit.h"
#include "flow/collections.h"
#include "journal/journal.h"

namespace bongsu::flow {

enum class AlertVerdict { kOpen, kTrue, kFalse, kBenign };

struct Judgement {
  std::optional<bool> acknowledged;
  std::optional<std::string> assignee;
  std::optional<AlertVerdict> verdict;
  std::string reason;  // required with a verdict
  std::string by;      // account
  Instant at;
};

struct AlertRecord {
  detect::Alert alert;
  journal::Seq seq = 0;  // of the alert's entry
  std::int64_t added_us = 0;
  bool acknowledged = false;
  std::string assignee;
  AlertVerdict verdict = AlertVerdict::kOpen;
  std::vector<Judgement> history;
  std::string sighting_id;  // of the sighting that was made, if any
};

struct AlertQuery {
  bool open_only = false;
  std::string indicator_id, text;
  journal::Seq before = 0;  // page: older than this; 0 = newest first
  std::uint32_t limit = 100;
};

struct AlertsOptions {
  std::string self;                  // own member id
  std::string identity_id;           // STIX identity of this node: created_by_ref of sightings
  std::string sightings_collection;  // id
  std::chrono::seconds sighting_window{
      60};  // further hits of the same indicator within it are counted into one new version
};

// Safe from any thread.
class Alerts {
 public:
  Alerts(journal::Journal& journal, Release& release, Markings& markings, const Clock& clock, Random& random, Log& log,
         AlertsOptions options);
  Result<void> rebuild(const std::function<void(std::uint64_t, std::uint64_t)>& progress);

  // Appends alerts that are not there yet (same id = same match), their sightings, and `states` (positions of telemetry
  // sources) in one commit. Returns the new ones. The originator of an indicator of a partner gets a sighting that is
  // releasable to it alone.
  Result<std::vector<AlertRecord>> raise(std::span<const detect::Alert> alerts,
                                         std::vector<journal::StateChange> states);
  // Writes the sightings whose window has passed; call about once a second.
  Result<void> flush_sightings();

  Result<AlertRecord> judge(std::string_view alert_id, Judgement judgement);
  std::vector<AlertRecord> list(const AlertQuery& query) const;
  std::optional<AlertRecord> find(std::string_view alert_id) const;
  struct Counts {
    std::uint64_t total = 0, open = 0, confirmed = 0, false_positive = 0;
  };
  Counts counts() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bongsu::flow
