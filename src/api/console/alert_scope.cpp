#include "api/console/alert_scope.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::api::console {

bool may_read(const identity::Principal& who, const std::string& collection) {
  return collection.empty() || who.may_read(collection);
}

bool reads_all(const identity::Principal& who) { return who.read.contains("*"); }

AlertScope::AlertScope(journal::Journal& journal, flow::Alerts& alerts, const Clock& clock)
    : journal_(journal), alerts_(alerts), clock_(clock) {}

AlertScope::Key AlertScope::key_of(const detect::Alert& alert) {
  return {.indicator_id = alert.indicator_id, .source = alert.source, .indicator = alert.indicator_ref};
}

// An entry stays known by its number when the object was deleted or erased: who could read it then saw the alert.
std::set<std::string> AlertScope::look_up(const Key& key) const {
  std::set<std::string> out;
  const auto snapshot = journal_.snapshot();
  if (key.indicator != 0)
    if (const auto entry = snapshot->entry(key.indicator); entry && entry->object_id == key.indicator_id)
      out.insert(entry->collection);
  if (const auto versions = snapshot->versions("", key.indicator_id))
    for (const auto& entry : *versions)
      if (entry.origin == key.source) out.insert(entry.collection);
  return out;
}

bool AlertScope::may_see(const identity::Principal& who, const Key& key) {
  if (reads_all(who)) return true;
  const auto readable = [&](const std::set<std::string>& collections) {
    return std::ranges::any_of(collections, [&](const std::string& one) { return may_read(who, one); });
  };
  const std::string name = fmt::format("{} {} {}", key.indicator, key.indicator_id, key.source);
  const auto now = clock_.monotonic();
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = known_.find(name); at != known_.end()) {
      if (readable(at->second.collections)) return true;
      if (now - at->second.looked < kScopeAge) return false;
    }
  }
  std::set<std::string> collections = look_up(key);
  const bool may = readable(collections);
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxScopes) known_.clear();
  known_[name] = {.collections = std::move(collections), .looked = now};
  return may;
}

AlertScope::Page AlertScope::list(const identity::Principal& who, flow::AlertQuery query) {
  Page page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, flow::kMaxListedAlerts);
  query.limit = static_cast<std::uint32_t>(limit);
  std::size_t looked_at = 0;
  for (;;) {
    auto records = alerts_.list(query);
    const bool maybe_older = records.size() == limit;
    for (auto& record : records) {
      if (page.records.size() == limit) {
        page.more = true;
        return page;
      }
      page.next = query.before = record.seq;
      ++looked_at;
      if (may_see(who, key_of(record.alert))) page.records.push_back(std::move(record));
    }
    page.more = maybe_older;
    if (!maybe_older || page.records.size() == limit || looked_at >= kMaxAlertsLookedAt) return page;
  }
}

flow::Alerts::Counts AlertScope::counts(const identity::Principal& who) {
  if (reads_all(who)) return alerts_.counts();
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
  for (const auto& [_, tally] : tallies) {
    if (!may_see(who, tally.key)) continue;
    out.total += tally.counts.total;
    out.open += tally.counts.open;
    out.confirmed += tally.counts.confirmed;
    out.false_positive += tally.counts.false_positive;
  }
  return out;
}

}  // namespace bongsu::api::console
