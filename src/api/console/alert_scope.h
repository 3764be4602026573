// Which alerts an account may see: those of indicators that it may see, by flow::PersonalView and its collections.
//
// The label is that of the version that matched: nobody sees an alert of what he may not see. The collection is asked
// as search and object pages ask it: the version that matched, or another version of it from the same member, is in one
// that the account may read. An account that may read every collection sees alerts whose indicator is nowhere (any
// more), too.
//
//   AlertScope scope(journal, alerts, views, clock);
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
#include "flow/personal_view.h"
#include "identity/accounts.h"
#include "journal/journal.h"

namespace bongsu::api::console {

inline constexpr std::size_t kMaxScopes = 100'000;         // indicators whose collections are remembered
inline constexpr std::chrono::seconds kScopeAge{60};       // where one lies is looked up anew after this
inline constexpr std::size_t kAlertBatch = 500;            // taken at a time while a list leaves some out
inline constexpr std::size_t kMaxAlertsLookedAt = 20'000;  // for one page of a list

// May read every collection; says nothing of labels.
bool reads_all(const identity::Principal& who);

// Safe from any thread. References must outlive it.
class AlertScope {
 public:
  // What the decision needs of an alert.
  struct Key {
    std::string indicator_id, source;
    journal::Seq indicator = 0;  // the version that matched
    std::string label{};         // its label; empty: looked up
  };
  static Key key_of(const detect::Alert& alert);
  static Key key_of(const detect::triage::Subject& subject);

  AlertScope(journal::Journal& journal, flow::Alerts& alerts, flow::PersonalViews& views, const Clock& clock);

  std::shared_ptr<const flow::PersonalView> view_of(const identity::Principal& who) const { return views_.of(who); }
  bool may_see(const identity::Principal& who, const Key& key);
  // For several in a row. The snapshot is taken at the first look-up, when the caller has its alerts, and used for all
  // of them: it is no older than they are.
  using Snapshot = std::unique_ptr<journal::Snapshot>;
  bool may_see(const identity::Principal& who, const flow::PersonalView& view, const Key& key, Snapshot& snapshot);
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
  // Which of the techniques that relations say an account may be told.
  std::function<bool(const detect::triage::Technique&)> reads(const identity::Principal& who) const;
  // Of all alerts for who may read every collection; else of those that flow::Alerts keeps whole, the newest
  // kRecentAlerts.
  flow::Alerts::Counts counts(const identity::Principal& who);

 private:
  struct Place {
    std::string collection, label;
    auto operator<=>(const Place&) const = default;
  };
  struct Known {
    std::set<Place> places;
    std::optional<std::string> matched;  // label of the version that matched, where it is an object's
    std::chrono::nanoseconds looked{0};
  };
  static Result<Known> places_of(journal::Snapshot& snapshot, const Key& key);
  std::optional<Known> look_up(const Key& key, Snapshot& snapshot) const;

  journal::Journal& journal_;
  flow::Alerts& alerts_;
  flow::PersonalViews& views_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;  // by the key's three parts
};

}  // namespace bongsu::api::console
