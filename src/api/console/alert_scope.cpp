#include "api/console/alert_scope.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::api::console {

bool reads_all(const identity::Principal& who) { return who.read.contains("*"); }

AlertScope::AlertScope(journal::Journal& journal, flow::Alerts& alerts, flow::PersonalViews& views, const Clock& clock)
    : journal_(journal), alerts_(alerts), views_(views), clock_(clock) {}

AlertScope::Key AlertScope::key_of(const detect::Alert& alert) {
  return {.indicator_id = alert.indicator_id,
          .source = alert.source,
          .indicator = alert.indicator_ref,
          .label = alert.label};
}

AlertScope::Key AlertScope::key_of(const detect::triage::Subject& subject) {
  return {
      .indicator_id = subject.indicator_id, .source = subject.source, .indicator = subject.ref, .label = subject.label};
}

// An entry stays known by its number when the object was deleted or erased: who could read it then saw the alert.
Result<AlertScope::Known> AlertScope::places_of(journal::Snapshot& snapshot, const Key& key) {
  Known out;
  if (key.indicator != 0) {
    const auto entry = snapshot.entry(key.indicator);
    if (!entry && entry.error().code != ErrorCode::kNotFound) return std::unexpected(entry.error());
    if (entry && entry->object_id == key.indicator_id) {
      out.matched = entry->label;
      out.places.insert({entry->collection, entry->label});
    }
  }
  BONGSU_TRY(const auto versions, snapshot.versions("", key.indicator_id));
  for (const auto& entry : versions)
    if (key.source.empty() || entry.origin == key.source) out.places.insert({entry.collection, entry.label});
  return out;
}

// A snapshot that was held for too long is ended by the journal: then a new one is asked, once. nullopt: the journal
// does not answer now.
std::optional<AlertScope::Known> AlertScope::look_up(const Key& key, Snapshot& snapshot) const {
  if (snapshot != nullptr)
    if (auto found = places_of(*snapshot, key)) return std::move(*found);
  snapshot.reset();  // first, so that it does not count among those that are open
  snapshot = journal_.snapshot();
  if (auto found = places_of(*snapshot, key)) return std::move(*found);
  return std::nullopt;
}

bool AlertScope::may_see(const identity::Principal& who, const Key& key) {
  Snapshot snapshot;
  return may_see(who, *views_.of(who), key, snapshot);
}

bool AlertScope::may_see(const identity::Principal& who, const flow::PersonalView& view, const Key& key,
                         Snapshot& snapshot) {
  if (!key.label.empty()) {
    if (!view.sees_label(key.label)) return false;
    if (reads_all(who)) return true;
  }
  const auto visible = [&](const Known& known) {
    if (!key.label.empty() || known.matched) {
      if (key.label.empty() && !view.sees_label(*known.matched)) return false;
      return reads_all(who) || std::ranges::any_of(known.places, [&](const Place& place) {
               return place.collection.empty() || who.may_read(place.collection);
             });
    }
    // Nothing says which version it is about.
    if (known.places.empty()) return reads_all(who);
    return std::ranges::any_of(known.places,
                               [&](const Place& place) { return view.sees(who, place.collection, place.label); });
  };
  const std::string name = fmt::format("{} {} {}", key.indicator, key.indicator_id, key.source);
  const auto now = clock_.monotonic();
  {
    const std::lock_guard lock(mutex_);
    // A yes ages like a no: the copy that opened it may have been deleted since.
    if (const auto at = known_.find(name); at != known_.end() && now - at->second.looked < kScopeAge)
      return visible(at->second);
  }
  std::optional<Known> known = look_up(key, snapshot);
  if (!known) return false;  // and not remembered
  const bool may = visible(*known);
  known->looked = now;
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxScopes) known_.clear();
  known_[name] = std::move(*known);
  return may;
}

// What is hidden must not show in `more` and `next` either: a page is said to go on only after a further visible alert
// was found.
AlertScope::Page AlertScope::list(const identity::Principal& who, flow::AlertQuery query) {
  Page page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, flow::kMaxListedAlerts);
  const auto view = views_.of(who);
  Snapshot snapshot;
  std::size_t looked_at = 0;
  for (;;) {
    // Who sees everything so far needs no more than the page and one; the others may be in for a long search.
    const std::size_t batch = looked_at == page.records.size() && reads_all(who)
                                  ? std::min(limit + 1 - page.records.size(), flow::kMaxListedAlerts)
                                  : std::max(limit, kAlertBatch);
    query.limit = static_cast<std::uint32_t>(batch);
    auto records = alerts_.list(query);
    for (auto& record : records) {
      query.before = record.seq;
      ++looked_at;
      if (!may_see(who, *view, key_of(record.alert), snapshot)) continue;
      if (page.records.size() == limit) {
        page.more = true;
        return page;
      }
      page.next = record.seq;
      page.records.push_back(std::move(record));
    }
    if (records.size() < batch) break;
    if (looked_at >= kMaxAlertsLookedAt) {
      page.more = true;
      page.next = query.before;
      return page;
    }
  }
  page.next = 0;
  return page;
}

std::function<bool(const detect::triage::Technique&)> AlertScope::reads(const identity::Principal& who) const {
  return [who, view = views_.of(who)](const detect::triage::Technique& technique) {
    return view->sees(who, technique.collection, technique.label);
  };
}

AlertScope::Held AlertScope::sight(const identity::Principal& who) {
  Held out;
  out.sight.reads = reads(who);
  out.subjects = alerts_.subjects();
  const auto view = views_.of(who);
  Snapshot snapshot;
  // Who may read every collection is asked about each label only; mostly all of them are visible.
  const auto labelled = [&](const detect::triage::SubjectPtr& subject) {
    return subject->label.empty() ? subject->indicator_id.empty() || may_see(who, *view, key_of(*subject), snapshot)
                                  : view->sees_label(subject->label);
  };
  if (reads_all(who) && std::ranges::all_of(out.subjects, labelled)) {
    out.sight.everything = true;
    out.subjects.clear();
    return out;
  }
  for (const auto& subject : out.subjects)
    if (!subject->indicator_id.empty() && may_see(who, *view, key_of(*subject), snapshot))
      out.sight.subjects.insert(subject.get());
  return out;
}

flow::Alerts::Counts AlertScope::counts(const identity::Principal& who) {
  const auto view = views_.of(who);
  if (reads_all(who)) {
    flow::Alerts::Counts out;
    for (const auto& [label, counts] : alerts_.counts_by_label()) {
      if (!view->sees_label(label)) continue;
      out.total += counts.total;
      out.open += counts.open;
      out.confirmed += counts.confirmed;
      out.false_positive += counts.false_positive;
      out.suppressed += counts.suppressed;
    }
    return out;
  }
  struct Tally {
    Key key;
    flow::Alerts::Counts counts;
  };
  std::unordered_map<std::string, Tally> tallies;
  alerts_.for_each_recent([&](const flow::AlertRecord& record) {
    const detect::Alert& alert = record.alert;
    Tally& tally = tallies[fmt::format("{} {} {}", alert.indicator_ref, alert.indicator_id, alert.source)];
    if (tally.counts.total++ == 0) tally.key = key_of(alert);
    if (record.verdict == flow::AlertVerdict::kOpen) ++tally.counts.open;
    if (record.verdict == flow::AlertVerdict::kTrue) ++tally.counts.confirmed;
    if (record.verdict == flow::AlertVerdict::kFalse) ++tally.counts.false_positive;
  });
  flow::Alerts::Counts out;
  Snapshot snapshot;
  for (const auto& [_, tally] : tallies) {
    if (!may_see(who, *view, tally.key, snapshot)) continue;
    out.total += tally.counts.total;
    out.open += tally.counts.open;
    out.confirmed += tally.counts.confirmed;
    out.false_positive += tally.counts.false_positive;
  }
  const Held held = sight(who);
  out.suppressed = alerts_.totals(held.sight).suppressed_alerts;
  return out;
}

}  // namespace bongsu::api::console
