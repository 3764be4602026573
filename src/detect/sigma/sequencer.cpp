#include "detect/sigma/sequencer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <list>
#include <map>
#include <unordered_map>

#include "detect/sigma/fold.h"

namespace bongsu::detect::sigma {
namespace {

using Type = Correlation::Type;
using Operator = Correlation::Operator;
using Nanos = __int128;  // since 1970: seconds of any Instant fit

constexpr Nanos kSecond = 1'000'000'000;
constexpr std::uint32_t kNoRule = static_cast<std::uint32_t>(-1);
constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

Nanos nanos(const Instant& time) { return static_cast<Nanos>(time.seconds) * kSecond + time.nanos; }

bool holds(Operator op, double value, double limit) {
  switch (op) {
    case Operator::kLess:
      return value < limit;
    case Operator::kLessEqual:
      return value <= limit;
    case Operator::kGreater:
      return value > limit;
    case Operator::kGreaterEqual:
      return value >= limit;
    case Operator::kEqual:
      return value == limit;
    case Operator::kNotEqual:
      return value != limit;
  }
  return false;
}

// A value as value_count compares it, one of several fields or alone.
std::string counted_as(const std::string& value) {
  const std::string low = folded(value);
  return std::to_string(low.size()) + ':' + low;
}

bool has_not(const Condition& condition) {
  return condition.kind == Condition::Kind::kNot || std::ranges::any_of(condition.children, has_not);
}

// An event, or a correlation's hit, on its way to correlations that refer to it.
struct Signal {
  Nanos time = 0;
  EventPlace place;
  std::uint32_t rule = kNoRule;  // where its values come from
  std::uint64_t event = 0;       // a number of the event; 0: a correlation's hit
  const std::vector<std::optional<std::string>>* values = nullptr;
  const std::vector<std::pair<std::uint32_t, std::string>>* more = nullptr;  // values, as SigmaMatch has them
  std::vector<EventPlace> events;  // that took part before, for a correlation's hit
};

struct Entry {
  Nanos time = 0;
  std::uint32_t reference = 0;
  EventPlace place;
  std::string value;  // value_count, shares
  double number = 0;  // sums and the like
  std::uint32_t rule = kNoRule;
  std::vector<std::optional<std::string>> values;  // of the event, when other correlations refer to this one
};

// The chains of one temporal_ordered group: best[rule * n + length - 1] is the one that began last.
struct Chain {
  Nanos start = 0;
  std::shared_ptr<const Chain> before;
  Entry last;
};

struct Group {
  std::size_t correlation = 0;
  std::string key;
  std::vector<std::string> values;  // of group-by
  std::deque<Entry> entries;        // by time
  std::unordered_map<std::string, std::uint32_t> distinct;
  double sum = 0;
  Nanos newest = 0, end = 0;  // end: of the open window
  // Numbers of the event that was counted last, whichever rules it matches, and of the one that completed the last hit.
  std::uint64_t counted = 0, spent = 0;
  bool open = false;
  std::multimap<Nanos, Group*>::iterator due;  // while open
  std::vector<std::shared_ptr<const Chain>> best;
  std::list<Group*>::iterator age;
};

// An event is one event, of however many of the rules: it is counted once, and its number is taken once. What it has
// different values of may still count for each (value_count, by aliases), as may rules that it is there for (temporal).
bool counts_once(Type type) {
  return type != Type::kValueCount && type != Type::kTemporal && type != Type::kTemporalOrdered;
}

// One correlation as it is judged.
struct Plan {
  const Correlation* rule = nullptr;
  Nanos span = 0;
  bool at_once = false;
  bool referred = false;  // by other correlations
  double needed = 0;      // temporal_ordered: length of the chain
};

// By which a correlation is known again in another set.
std::string key_of(const Correlation& correlation) { return correlation.source + '\x1f' + correlation.reference(); }

bool same(const Correlation& a, const Correlation& b) {
  return a.type == b.type && a.rules == b.rules && a.group_by == b.group_by && a.aliases == b.aliases &&
         a.timespan_s == b.timespan_s && a.compare == b.compare && a.value_fields == b.value_fields &&
         a.percentile == b.percentile && a.expression == b.expression;
}

}  // namespace

struct SigmaSequencer::Impl {
  explicit Impl(SigmaSetPtr s);

  SigmaSetPtr set;
  Counters counters;
  std::vector<Plan> plans;
  std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> of_rule,
      of_correlation;  // → (correlation, reference)
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::vector<std::size_t>> columns_known;
  std::unordered_map<std::string, std::unique_ptr<Group>> groups;
  std::list<Group*> ages;            // touched longest ago first
  std::multimap<Nanos, Group*> due;  // every open window, by its end
  std::size_t entries = 0;
  Nanos now = 0;
  std::uint64_t event = 0;
  struct Told {
    std::uint32_t correlation = 0, reference = 0;
    const SigmaMatch* match = nullptr;
  };
  std::vector<Told> told;  // of the event at hand
  std::vector<SigmaHit>* out = nullptr;

  const std::vector<std::size_t>& columns(std::uint32_t correlation, std::uint32_t reference, std::uint32_t rule);
  void signal(std::uint32_t correlation, std::uint32_t reference, const Signal& signal);
  Group* group_of(std::uint32_t correlation, const std::vector<std::string>& values);
  void forget(Group& group);
  void drop_front(Group& group);
  void clear(Group& group);
  void open(Group& group, Nanos end);
  void make_room(const Group& keep);
  bool add(const Plan& plan, Group& group, Entry entry);
  void ordered(const Plan& plan, std::uint32_t correlation, Group& group, Entry entry, std::uint64_t event);
  bool judge(const Plan& plan, const Group& group) const;
  bool compare(const Plan& plan, double value) const;
  bool expression(const Condition& condition, const std::vector<bool>& there, const Plan& plan) const;
  void hit(std::uint32_t correlation, Group& group, std::vector<Entry> taken, Nanos time);
  void close_due(Nanos until);
  void close(Group& group);
};

SigmaSequencer::Impl::Impl(SigmaSetPtr s) : set(std::move(s)) {
  const auto& correlations = set->correlations();
  of_rule.resize(set->rules().size());
  of_correlation.resize(correlations.size());
  for (std::uint32_t c = 0; c < correlations.size(); ++c) {
    const Correlation& rule = correlations[c].correlation;
    Plan plan;
    plan.rule = &rule;
    plan.span = static_cast<Nanos>(rule.timespan_s) * kSecond;
    const auto only = [&](std::initializer_list<Operator> allowed) {
      return std::ranges::all_of(
          rule.compare, [&](const auto& one) { return std::ranges::find(allowed, one.first) != allowed.end(); });
    };
    switch (rule.type) {
      case Type::kEventCount:
      case Type::kValueCount:
      case Type::kValueSum:
      case Type::kValueMax:
        plan.at_once = only({Operator::kGreater, Operator::kGreaterEqual});
        break;
      case Type::kValueMin:
        plan.at_once = only({Operator::kLess, Operator::kLessEqual});
        break;
      case Type::kTemporal:
        plan.at_once =
            rule.expression ? !has_not(*rule.expression) : only({Operator::kGreater, Operator::kGreaterEqual});
        break;
      case Type::kTemporalOrdered:
        plan.at_once = true;
        plan.needed = static_cast<double>(rule.rules.size());
        for (const auto& [op, limit] : rule.compare)
          plan.needed = op == Operator::kGreater ? std::floor(limit) + 1 : std::ceil(limit);
        plan.needed = std::clamp(plan.needed, 1.0, static_cast<double>(rule.rules.size()));
        break;
      default:
        break;
    }
    for (std::uint32_t r = 0; r < correlations[c].references.size(); ++r) {
      const auto& reference = correlations[c].references[r];
      (reference.correlation ? of_correlation : of_rule)[reference.index].emplace_back(c, r);
    }
    plans.push_back(plan);
  }
  for (std::size_t c = 0; c < plans.size(); ++c) plans[c].referred = !of_correlation[c].empty();
}

// Where the group-by fields, and after them the value fields, stand among the values of events of `rule`.
const std::vector<std::size_t>& SigmaSequencer::Impl::columns(std::uint32_t correlation, std::uint32_t reference,
                                                              std::uint32_t rule) {
  auto [known, fresh] = columns_known.try_emplace({correlation, reference, rule});
  if (!fresh) return known->second;
  const LinkedCorrelation& one = set->correlations()[correlation];
  const auto& names = set->value_names();
  // Those by which an alias may mean these events: the referred correlation, or the rule itself.
  std::vector<std::string> called{one.references[reference].written};
  const auto also = [&](const Header& header) {
    if (!header.id.empty()) called.push_back(header.id);
    if (!header.name.empty()) called.push_back(header.name);
  };
  if (one.references[reference].correlation) also(set->correlations()[one.references[reference].index].correlation);
  if (rule != kNoRule) also(set->rules()[rule]);
  const auto column = [&](std::string field) {
    if (const auto alias = one.correlation.aliases.find(field); alias != one.correlation.aliases.end()) {
      field.clear();
      for (const std::string& name : called)
        if (const auto mapped = alias->second.find(name); mapped != alias->second.end()) {
          field = mapped->second;
          break;
        }
    }
    const auto found = std::ranges::find(names, field);
    return found == names.end() ? kNoColumn : static_cast<std::size_t>(found - names.begin());
  };
  for (const std::string& field : one.correlation.group_by) known->second.push_back(column(field));
  for (const std::string& field : one.correlation.value_fields) known->second.push_back(column(field));
  return known->second;
}

void SigmaSequencer::Impl::drop_front(Group& group) {
  const Entry& entry = group.entries.front();
  if (const auto counted = group.distinct.find(entry.value); counted != group.distinct.end() && --counted->second == 0)
    group.distinct.erase(counted);
  group.sum -= entry.number;
  group.entries.pop_front();
  if (group.entries.empty()) group.sum = 0;
  --entries;
}

void SigmaSequencer::Impl::clear(Group& group) {
  entries -= group.entries.size();
  group.entries.clear();
  group.distinct.clear();
  group.sum = 0;
  if (group.open) due.erase(group.due);
  group.open = false;
  entries -= group.best.size();
  group.best.clear();
}

void SigmaSequencer::Impl::open(Group& group, Nanos end) {
  group.open = true;
  group.end = end;
  group.due = due.emplace(end, &group);
}

void SigmaSequencer::Impl::forget(Group& group) {
  clear(group);
  ages.erase(group.age);
  groups.erase(group.key);
}

Group* SigmaSequencer::Impl::group_of(std::uint32_t correlation, const std::vector<std::string>& values) {
  std::string key = std::to_string(correlation);
  for (const std::string& value : values) {
    const std::string low = folded(value);
    key += '\x1f' + std::to_string(low.size()) + ':' + low;
  }
  auto found = groups.find(key);
  if (found == groups.end()) {
    if (groups.size() >= kMaxWindowGroups) {
      ++counters.forgotten;
      forget(*ages.front());
    }
    auto made = std::make_unique<Group>();
    made->correlation = correlation;
    made->key = key;
    made->values = values;
    ages.push_back(made.get());
    made->age = std::prev(ages.end());
    found = groups.emplace(std::move(key), std::move(made)).first;
  } else {
    ages.splice(ages.end(), ages, found->second->age);
  }
  return found->second.get();
}

void SigmaSequencer::Impl::make_room(const Group& keep) {
  while (entries > kMaxWindowEntries && ages.front() != &keep) {
    ++counters.forgotten;
    forget(*ages.front());
  }
}

// By time, behind those of the same time. False: it is older than the window.
bool SigmaSequencer::Impl::add(const Plan& plan, Group& group, Entry entry) {
  if (!group.entries.empty() && entry.time + plan.span < group.newest) {
    ++counters.late;
    return false;
  }
  // Of temporal correlations one event of each rule is enough: the newest; in a window to be judged whole, the first.
  if (plan.rule->type == Type::kTemporal) {
    const auto same = std::ranges::find(group.entries, entry.reference, &Entry::reference);
    if (same != group.entries.end()) {
      if (!plan.at_once || entry.time < same->time) return true;
      group.entries.erase(same);
      --entries;
    }
  }
  if (group.entries.size() >= kMaxGroupEntries) {
    ++counters.forgotten;
    drop_front(group);
  }
  group.newest = group.entries.empty() ? entry.time : std::max(group.newest, entry.time);
  if (plan.rule->type == Type::kValueCount || (plan.rule->type == Type::kValuePercentile && !plan.rule->percentile))
    ++group.distinct[entry.value];
  group.sum += entry.number;
  auto at = group.entries.end();
  while (at != group.entries.begin() && std::prev(at)->time > entry.time) --at;
  group.entries.insert(at, std::move(entry));
  ++entries;
  make_room(group);
  if (plan.at_once)
    while (group.entries.front().time + plan.span < group.newest) drop_front(group);
  return true;
}

bool SigmaSequencer::Impl::compare(const Plan& plan, double value) const {
  return std::ranges::all_of(plan.rule->compare, [&](const auto& one) { return holds(one.first, value, one.second); });
}

bool SigmaSequencer::Impl::expression(const Condition& condition, const std::vector<bool>& there,
                                      const Plan& plan) const {
  switch (condition.kind) {
    case Condition::Kind::kNot:
      return !expression(condition.children[0], there, plan);
    case Condition::Kind::kAnd:
      return std::ranges::all_of(condition.children, [&](const Condition& c) { return expression(c, there, plan); });
    case Condition::Kind::kOr:
      return std::ranges::any_of(condition.children, [&](const Condition& c) { return expression(c, there, plan); });
    default: {
      const auto& rules = plan.rule->rules;
      return there[static_cast<std::size_t>(std::ranges::find(rules, condition.name) - rules.begin())];
    }
  }
}

bool SigmaSequencer::Impl::judge(const Plan& plan, const Group& group) const {
  const auto numbers = [&] {
    std::vector<double> out;
    for (const Entry& entry : group.entries) out.push_back(entry.number);
    std::ranges::sort(out);
    return out;
  };
  switch (plan.rule->type) {
    case Type::kEventCount:
      return compare(plan, static_cast<double>(group.entries.size()));
    case Type::kValueCount:
      return compare(plan, static_cast<double>(group.distinct.size()));
    case Type::kTemporal: {
      std::vector<bool> there(plan.rule->rules.size(), false);
      for (const Entry& entry : group.entries) there[entry.reference] = true;
      if (plan.rule->expression) return expression(*plan.rule->expression, there, plan);
      const auto count = static_cast<double>(std::ranges::count(there, true));
      return plan.rule->compare.empty() ? count == static_cast<double>(there.size()) : compare(plan, count);
    }
    case Type::kValueSum:
      return compare(plan, group.sum);
    case Type::kValueAvg:
      return compare(plan, group.sum / static_cast<double>(group.entries.size()));
    case Type::kValueMin:
      return compare(plan, numbers().front());
    case Type::kValueMax:
      return compare(plan, numbers().back());
    case Type::kValueMedian: {
      const auto sorted = numbers();
      const std::size_t half = sorted.size() / 2;
      return compare(plan, sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2);
    }
    case Type::kValuePercentile: {
      if (!plan.rule->percentile)  // a value whose share among the events, in per cent, is as asked
        return std::ranges::any_of(group.distinct, [&](const auto& one) {
          return compare(plan, 100.0 * static_cast<double>(one.second) / static_cast<double>(group.entries.size()));
        });
      // The smallest value that so many per cent of the values do not exceed.
      const auto sorted = numbers();
      const auto rank =
          static_cast<std::size_t>(std::ceil(*plan.rule->percentile / 100 * static_cast<double>(sorted.size())));
      return compare(plan, sorted[std::max<std::size_t>(rank, 1) - 1]);
    }
    case Type::kTemporalOrdered:
      return false;
  }
  return false;
}

void SigmaSequencer::Impl::ordered(const Plan& plan, std::uint32_t correlation, Group& group, Entry entry,
                                   std::uint64_t event_number) {
  const std::size_t rules = plan.rule->rules.size(), rule = entry.reference;
  if (group.best.empty()) {
    group.best.resize(rules * rules);
    entries += group.best.size();
    make_room(group);
  }
  const Nanos time = entry.time;
  group.newest = std::max(group.newest, time);
  for (std::size_t length = rule + 1; length >= 1; --length) {
    std::shared_ptr<const Chain> before;
    if (length > 1) {
      for (std::size_t r = 0; r < rule; ++r) {
        const auto& chain = group.best[r * rules + length - 2];
        if (chain == nullptr || chain->last.time > time || chain->start + plan.span < time) continue;
        if (before == nullptr || chain->start > before->start) before = chain;
      }
      if (before == nullptr) continue;
    }
    auto& best = group.best[rule * rules + length - 1];
    const Nanos start = before == nullptr ? time : before->start;
    if (best != nullptr && best->start > start) continue;
    best = std::make_shared<const Chain>(Chain{start, before, entry});
    if (static_cast<double>(length) < plan.needed) continue;
    std::vector<Entry> taken;
    for (const Chain* one = best.get(); one != nullptr; one = one->before.get()) taken.push_back(one->last);
    std::ranges::reverse(taken);
    clear(group);
    group.spent = event_number;
    hit(correlation, group, std::move(taken), time);
    return;
  }
}

void SigmaSequencer::Impl::hit(std::uint32_t correlation, Group& group, std::vector<Entry> taken, Nanos time) {
  SigmaHit made;
  made.correlation = true;
  made.index = correlation;
  made.at = taken.back().place;
  // The others, from the last back; an event that counted several times stands there once.
  const auto same_event = [](const EventPlace& a, const EventPlace& b) {
    return a.offset == b.offset && a.source == b.source;
  };
  const EventPlace* behind = &made.at;
  for (std::size_t i = taken.size() - 1; i-- > 0 && made.events.size() < kMaxHitEvents;) {
    if (same_event(taken[i].place, *behind)) continue;
    made.events.push_back(taken[i].place);
    behind = &taken[i].place;
  }
  std::ranges::reverse(made.events);
  const auto& names = plans[correlation].rule->group_by;
  for (std::size_t i = 0; i < names.size(); ++i) made.group.emplace_back(names[i], group.values[i]);
  // Those that refer to this one are told before `group` may be forgotten for others.
  Signal next;
  next.time = time;
  next.place = made.at;
  next.rule = taken.back().rule;
  next.events = made.events;
  const std::vector<std::optional<std::string>> values = std::move(taken.back().values);
  next.values = &values;
  if (set->correlation_speaks(correlation)) out->push_back(std::move(made));
  for (const auto& [outer, reference] : of_correlation[correlation]) signal(outer, reference, next);
}

void SigmaSequencer::Impl::close(Group& group) {
  const auto correlation = static_cast<std::uint32_t>(group.correlation);
  const Plan& plan = plans[correlation];
  if (group.entries.empty()) {
    clear(group);
    return;
  }
  const bool good = judge(plan, group);
  std::vector<Entry> taken;
  if (good) taken.assign(std::make_move_iterator(group.entries.begin()), std::make_move_iterator(group.entries.end()));
  const Nanos end = group.end;
  clear(group);
  if (good) hit(correlation, group, std::move(taken), end);
}

void SigmaSequencer::Impl::close_due(Nanos until) {
  while (!due.empty() && due.begin()->first < until) close(*due.begin()->second);
}

void SigmaSequencer::Impl::signal(std::uint32_t correlation, std::uint32_t reference, const Signal& signal) {
  const Plan& plan = plans[correlation];
  const Correlation& rule = *plan.rule;
  const auto& where = columns(correlation, reference, signal.rule);
  const auto value = [&](std::size_t i) -> const std::string* {
    if (where[i] == kNoColumn || signal.values == nullptr || where[i] >= signal.values->size()) return nullptr;
    const auto& v = (*signal.values)[where[i]];
    return v ? &*v : nullptr;
  };
  std::vector<std::string> key;
  for (std::size_t i = 0; i < rule.group_by.size(); ++i) {
    const std::string* v = value(i);
    if (v == nullptr) {
      ++counters.without_group;
      return;
    }
    key.push_back(v->substr(0, kMaxGroupValueBytes));
  }
  Entry entry;
  entry.time = signal.time;
  entry.reference = reference;
  entry.place = signal.place;
  entry.rule = signal.rule;
  if (plan.referred && signal.values != nullptr) entry.values = *signal.values;
  for (std::size_t i = 0; i < rule.value_fields.size(); ++i) {
    const std::string* v = value(rule.group_by.size() + i);
    if (v == nullptr) {
      ++counters.without_value;
      return;
    }
    entry.value += counted_as(*v);
    if (rule.type == Type::kValueCount || (rule.type == Type::kValuePercentile && !rule.percentile)) continue;
    const auto number = number_of(*v);
    if (!number) {
      ++counters.without_value;
      return;
    }
    entry.number = *number;
  }
  // A window that is judged as a whole is over for an event so old (a log that is behind the others).
  if (!plan.at_once && rule.type != Type::kTemporalOrdered && entry.time + plan.span < now) {
    ++counters.late;
    return;
  }
  // A field that has several values counts for each.
  std::vector<Entry> entries_of_event{entry};
  if (rule.type == Type::kValueCount && rule.value_fields.size() == 1 && signal.more != nullptr)
    for (const auto& [column, other] : *signal.more)
      if (column == where[rule.group_by.size()]) {
        entries_of_event.push_back(entry);
        entries_of_event.back().value = counted_as(other);
      }
  Group& group = *group_of(correlation, key);
  if (signal.event != 0) {
    if (group.spent == signal.event || (group.counted == signal.event && counts_once(rule.type))) return;
    group.counted = signal.event;
  }
  if (rule.type == Type::kTemporalOrdered) {
    ordered(plan, correlation, group, std::move(entry), signal.event);
    return;
  }
  const auto add_all = [&](Group& to) {
    bool added = false;
    for (Entry& one : entries_of_event) added = add(plan, to, std::move(one)) || added;
    return added;
  };
  if (plan.at_once) {
    if (!add_all(group) || !judge(plan, group)) return;
    std::vector<Entry> taken(std::make_move_iterator(group.entries.begin()),
                             std::make_move_iterator(group.entries.end()));
    clear(group);
    group.spent = signal.event;
    hit(correlation, group, std::move(taken), signal.time);
    return;
  }
  if (group.open && signal.time > group.end) {
    close(group);
    // What referred to it may have cost this group its place.
    Group& again = *group_of(correlation, key);
    again.counted = signal.event;
    open(again, signal.time + plan.span);
    add_all(again);
    return;
  }
  if (!group.open) open(group, signal.time + plan.span);
  add_all(group);
}

SigmaSequencer::SigmaSequencer(SigmaSetPtr set) : impl_(std::make_unique<Impl>(std::move(set))) {}
SigmaSequencer::~SigmaSequencer() = default;
SigmaSequencer::SigmaSequencer(SigmaSequencer&&) noexcept = default;
const SigmaSequencer::Counters& SigmaSequencer::counters() const { return impl_->counters; }
std::size_t SigmaSequencer::groups() const { return impl_->groups.size(); }

void SigmaSequencer::use(SigmaSetPtr set) {
  auto next = std::make_unique<Impl>(std::move(set));
  next->counters = impl_->counters;
  next->now = impl_->now;
  next->event = impl_->event;
  const auto& before = impl_->set->correlations();
  const auto& after = next->set->correlations();
  std::map<std::string, std::uint32_t> by_reference;
  for (std::uint32_t c = 0; c < after.size(); ++c) by_reference.emplace(key_of(after[c].correlation), c);
  std::vector<std::optional<std::uint32_t>> to(before.size());
  for (std::uint32_t c = 0; c < before.size(); ++c) {
    const auto found = by_reference.find(key_of(before[c].correlation));
    if (found == by_reference.end() || impl_->plans[c].referred || next->plans[found->second].referred) continue;
    if (!same(before[c].correlation, after[found->second].correlation)) continue;
    to[c] = found->second;
    by_reference.erase(found);  // one each: two of the same name are two
  }
  for (Group* group : impl_->ages) {
    const auto target = to[group->correlation];
    if (!target) continue;
    auto kept = std::move(impl_->groups.extract(group->key).mapped());
    kept->correlation = *target;
    kept->key = std::to_string(*target) + kept->key.substr(std::min(kept->key.find('\x1f'), kept->key.size()));
    kept->age = next->ages.insert(next->ages.end(), group);
    if (kept->open) kept->due = next->due.emplace(kept->end, group);
    next->entries += kept->entries.size() + kept->best.size();
    std::string key = kept->key;
    next->groups.emplace(std::move(key), std::move(kept));
  }
  impl_ = std::move(next);
}

void SigmaSequencer::take(const std::vector<SigmaMatch>& matches, const EventPlace& place,
                          std::vector<SigmaHit>& hits) {
  Impl& impl = *impl_;
  impl.out = &hits;
  const Nanos time = nanos(place.time);
  impl.now = std::max(impl.now, time);
  impl.close_due(impl.now);
  ++impl.event;
  impl.told.clear();
  for (const SigmaMatch& match : matches) {
    if (impl.set->rule_speaks(match.rule)) hits.push_back({false, match.rule, place, {}, {}});
    for (const auto& [correlation, reference] : impl.of_rule[match.rule])
      impl.told.push_back({correlation, reference, &match});
  }
  // In the order in which a correlation names its rules, not in that of files. An event does not come before itself: an
  // ordered correlation hears of its later rules first, so that one event is one step.
  std::ranges::sort(impl.told, [&](const Impl::Told& a, const Impl::Told& b) {
    if (a.correlation != b.correlation) return a.correlation < b.correlation;
    return impl.plans[a.correlation].rule->type == Type::kTemporalOrdered ? a.reference > b.reference
                                                                          : a.reference < b.reference;
  });
  for (const Impl::Told& one : impl.told) {
    Signal signal;
    signal.time = time;
    signal.place = place;
    signal.rule = one.match->rule;
    signal.event = impl.event;
    signal.values = &one.match->values;
    signal.more = &one.match->more;
    impl.signal(one.correlation, one.reference, signal);
  }
  // Groups whose window is long past give their place back, a few at a time.
  for (int i = 0; i < 2 && !impl.ages.empty(); ++i) {
    Group& oldest = *impl.ages.front();
    if (oldest.open || oldest.newest + impl.plans[oldest.correlation].span >= impl.now) break;
    impl.forget(oldest);
  }
}

void SigmaSequencer::finish(std::vector<SigmaHit>& hits) {
  impl_->out = &hits;
  while (!impl_->due.empty()) impl_->close_due(impl_->due.begin()->first + 1);
}

}  // namespace bongsu::detect::sigma
