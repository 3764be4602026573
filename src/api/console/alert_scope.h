// Which alerts an account may see: those whose indicator lies in a collection that it may read.
//
// The rule is that of search and object pages, asked of the alert's indicator: the very version that matched, or
// another version of it from the same member, is in a collection that the account may read. An account that may read
// everything sees every alert; an alert whose indicator is nowhere (any more) is seen by nobody else.
//
//   AlertScope scope(journal, alerts, clock);
//   if (scope.may_see(who, AlertScope::key_of(record.alert))) …
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "flow/alerts.h"
#include "identity/accounts.h"
#include "journal/journal.h"

namespace bongsu::api::console {

inline constexpr std::size_t kMaxScopes = 100'000;         // indicators whose collections are remembered
inline constexpr std::chrono::seconds kScopeAge{60};       // where one lies is looked up anew after this
inline constexpr std::size_t kAlertBatch = 500;            // taken at a time while a list leaves some out
inline constexpr std::size_t kMaxAlertsLookedAt = 20'000;  // for one page of a list

// An entry's rule: what is in no collection is the node's own and everybody's who may log in.
bool may_read(const identity::Principal& who, const std::string& collection);
bool reads_all(const identity::Principal& who);

// Safe from any thread. References must outlive it.
class AlertScope {
 public:
  // What the decision needs of an alert.
  struct Key {
    std::string indicator_id, source;
    journal::Seq indicator = 0;  // the version that matched
  };
  static Key key_of(const detect::Alert& alert);
  static Key key_of(const detect::triage::Subject& subject);

  AlertScope(journal::Journal& journal, flow::Alerts& alerts, const Clock& clock);

  bool may_see(const identity::Principal& who, const Key& key);
  // The newest first, as flow::Alerts::list. `more`: there are older ones; they are asked for with before = `next`,
  // which is 0 otherwise. Nothing of it depends on alerts that the account may not see, but that beyond
  // kMaxAlertsLookedAt of them there only may be more.
  struct Page {
    std::vector<flow::AlertRecord> records;
    bool more = false;
    journal::Seq next = 0;
  };
  Page list(const identity::Principal& who, flow::AlertQuery query);
  // What groups, their numbers and risks are made of for this account; whom it may be told of holds while it is used.
  struct Held {
    detect::triage::Sight sight;
    std::vector<detect::triage::SubjectPtr> subjects;
  };
  Held sight(const identity::Principal& who);
  // By whose collections an account may be told.
  static std::function<bool(const std::string&)> reads(const identity::Principal& who);
  // Of all alerts for who may read everything; else of those that flow::Alerts keeps whole, the newest kRecentAlerts.
  flow::Alerts::Counts counts(const identity::Principal& who);

 private:
  struct Known {
    std::set<std::string> collections;
    std::chrono::nanoseconds looked{0};
  };
  // Taken at the first look-up, when the caller has its alerts, and used for all of them: it is no older than they are.
  using Snapshot = std::unique_ptr<journal::Snapshot>;
  bool may_see(const identity::Principal& who, const Key& key, Snapshot& snapshot);
  std::optional<std::set<std::string>> look_up(const Key& key, Snapshot& snapshot) const;

  journal::Journal& journal_;
  flow::Alerts& alerts_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;  // by the key's three parts
};

}  // namespace bongsu::api::console
