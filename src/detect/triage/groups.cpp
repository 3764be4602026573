#include "detect/triage/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/text.h"

namespace bongsu::detect::triage {
namespace {

// Namespaces of ids and keys: random UUIDs, fixed for ever.
constexpr Uuid kGroupNamespace{
    {0x5d, 0x0e, 0x83, 0x21, 0x6a, 0xf4, 0x4c, 0x19, 0x8e, 0x37, 0x92, 0xb0, 0xc4, 0x6d, 0x1f, 0xaa}};
constexpr Uuid kKeyNamespace{
    {0xb7, 0x44, 0x9c, 0x02, 0xd8, 0x51, 0x4e, 0x6b, 0xa3, 0x18, 0x7f, 0xe5, 0x20, 0x9b, 0x3c, 0xd6}};
constexpr std::int64_t kHour = 3600;

Uuid key_of(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part).push_back('\0');
  return Uuid::from_name(kKeyNamespace, text);
}

std::int64_t hour_of(Instant at) { return at.seconds >= 0 ? at.seconds / kHour : -((kHour - 1 - at.seconds) / kHour); }

bool has(std::string_view text, std::string_view folded) { return lowered(text).find(folded) != std::string::npos; }

bool counts_for_risk(Verdict verdict) { return verdict == Verdict::kOpen || verdict == Verdict::kTrue; }

std::unexpected<Error> broken(std::string field) {
  return fail(ErrorCode::kCorrupt, "cannot be read", {.field = std::move(field)});
}

}  // namespace

// ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────────────
Json Technique::json() const {
  JsonObject out{{"id", id}};
  if (!name.empty()) out["name"] = name;
  if (!tactics.empty()) out["tactics"] = JsonArray(tactics.begin(), tactics.end());
  if (!collection.empty()) out["collection"] = collection;
  if (!label.empty()) out["label"] = label;
  return out;
}

Result<Technique> Technique::parse(const Json& json) {
  Technique out;
  out.id = string_at(json, "id").value_or("");
  if (out.id.empty()) return broken("technique.id");
  out.name = string_at(json, "name").value_or("");
  out.collection = string_at(json, "collection").value_or("");
  out.label = string_at(json, "label").value_or("");
  if (const Json* tactics = find(json, "tactics"); tactics != nullptr && tactics->is_array())
    for (const Json& tactic : tactics->get_array())
      if (tactic.is_string()) out.tactics.emplace_back(tactic.get_string());
  return out;
}

Subject Subject::of(const Alert& alert) {
  Subject out{
      .indicator_id = alert.indicator_id, .source = alert.source, .ref = alert.indicator_ref, .value = alert.value};
  out.label = alert.label;
  if (alert.rule) {
    out.rule = alert.rule->name;
    out.language = alert.rule->language;
    out.level = alert.rule->level;
  }
  return out;
}

Json Subject::json() const {
  JsonObject out{{"indicator", indicator_id},
                 {"source", source},
                 {"ref", ref},
                 {"kind", to_string(value.kind)},
                 {"value", value.text}};
  if (!label.empty()) out["label"] = label;
  if (!language.empty()) {
    out["rule"] = rule;
    out["language"] = language;
    out["level"] = level;
  }
  return out;
}

Result<Subject> Subject::parse(const Json& json) {
  Subject out;
  const auto kind = parse_kind(string_at(json, "kind").value_or(""));
  const auto ref = int_at(json, "ref");
  if (!kind) return broken("subject.kind");
  if (!ref || *ref < 0) return broken("subject.ref");
  out.value = {*kind, std::string(string_at(json, "value").value_or(""))};
  out.ref = static_cast<std::uint64_t>(*ref);
  out.indicator_id = string_at(json, "indicator").value_or("");
  out.source = string_at(json, "source").value_or("");
  out.label = string_at(json, "label").value_or("");
  out.language = string_at(json, "language").value_or("");
  if (out.language.empty()) return out;  // an indicator
  out.rule = string_at(json, "rule").value_or("");
  out.level = string_at(json, "level").value_or("");
  return out;
}

void Tally::add(Instant at, bool kept) {
  first = hits == 0 ? at : std::min(first, at);
  last = hits == 0 ? at : std::max(last, at);
  ++hits;
  if (!kept) ++unkept;
  const std::int64_t hour = hour_of(at);
  const auto place = std::ranges::lower_bound(hours, hour, {}, &std::pair<std::int64_t, std::uint64_t>::first);
  if (place != hours.end() && place->first == hour)
    ++place->second;
  else
    hours.insert(place, {hour, 1});
}

Json Tally::json() const {
  JsonArray by_hour;
  for (const auto& [hour, count] : hours) by_hour.push_back(JsonArray{hour, count});
  return JsonObject{{"hits", hits},
                    {"unkept", unkept},
                    {"first", first.text(9)},
                    {"last", last.text(9)},
                    {"hours", std::move(by_hour)}};
}

Result<Tally> Tally::parse(const Json& json) {
  Tally out;
  const auto hits = int_at(json, "hits"), unkept = int_at(json, "unkept");
  const auto first = Instant::parse(string_at(json, "first").value_or(""));
  const auto last = Instant::parse(string_at(json, "last").value_or(""));
  const Json* hours = find(json, "hours");
  if (!hits || *hits < 1) return broken("tally.hits");
  if (!unkept || *unkept < 0 || *unkept > *hits) return broken("tally.unkept");
  if (!first || !last) return broken("tally.first");
  if (hours == nullptr || !hours->is_array()) return broken("tally.hours");
  out.hits = static_cast<std::uint64_t>(*hits);
  out.unkept = static_cast<std::uint64_t>(*unkept);
  out.first = *first;
  out.last = *last;
  for (const Json& pair : hours->get_array()) {
    if (!pair.is_array() || pair.get_array().size() != 2 || !pair.get_array()[0].is_int64() ||
        !pair.get_array()[1].is_int64() || pair.get_array()[1].get_int64() < 1)
      return broken("tally.hours");
    out.hours.emplace_back(pair.get_array()[0].get_int64(),
                           static_cast<std::uint64_t>(pair.get_array()[1].get_int64()));
  }
  return out;
}

Instant time_of(const Alert& alert) {
  if (!alert.event_time || *alert.event_time > alert.detected + std::chrono::hours(24)) return alert.detected;
  return *alert.event_time;
}

Uuid alert_key(const Alert& alert, std::string_view suppressed_by) {
  return key_of({alert.indicator_id, alert.source, alert.rule ? alert.rule->language : "",
                 alert.rule ? alert.rule->name : "", alert.entity.text(), suppressed_by});
}

bool GroupView::operator==(const GroupView& o) const {
  const auto same = [](const Line& a, const Line& b) {
    return *a.subject == *b.subject && std::tie(a.risk, a.hits, a.warned) == std::tie(b.risk, b.hits, b.warned);
  };
  return std::tie(id, entity, risk, first, last, newest, alerts, open, hits, unkept, suppressed_alerts, suppressed_hits,
                  warned_alerts, subjects, techniques, curve) ==
             std::tie(o.id, o.entity, o.risk, o.first, o.last, o.newest, o.alerts, o.open, o.hits, o.unkept,
                      o.suppressed_alerts, o.suppressed_hits, o.warned_alerts, o.subjects, o.techniques, o.curve) &&
         std::ranges::equal(lines, o.lines, same);
}

// ── Filling ──────────────────────────────────────────────────────────────────────────────────────────────────────────
Uuid Groups::subject_key(const Subject& s) {
  return key_of({s.indicator_id, s.source, fmt::format("{}", s.ref), to_string(s.value.kind), s.value.text, s.rule,
                 s.language, s.level});
}

SubjectPtr Groups::intern(Subject subject) {
  if (subjects_.size() >= prune_at_) {
    std::erase_if(subjects_, [](const auto& one) { return one.second.expired(); });
    prune_at_ = std::max<std::size_t>(1024, 2 * subjects_.size());
  }
  auto& known = subjects_[subject_key(subject)];
  if (SubjectPtr there = known.lock()) return there;
  auto fresh = std::make_shared<const Subject>(std::move(subject));
  known = fresh;
  return fresh;
}

void Groups::open(Opened alert) {
  const Uuid key = key_of({alert.entity.text()});
  std::uint64_t number = 0;
  if (const auto spot = open_.find(key, alert.at)) {
    number = spot->number;
  } else {
    number = first_ + groups_.size();
    Group group{.id = "group--" + Uuid::from_name(kGroupNamespace, fmt::format("{}\n{}\n{}", alert.entity.text(),
                                                                               alert.at.text(9), alert.seq))
                                      .text(),
                .entity = alert.entity,
                .key = key,
                .rows = {}};
    by_id_[group.id] = number;
    groups_.push_back(std::move(group));
    open_.add(key, alert.at, number);
  }
  Group& group = groups_[number - first_];
  places_[alert.number] = {number, static_cast<std::uint32_t>(group.rows.size())};
  Row row{.number = alert.number,
          .seq = alert.seq,
          .subject = intern(std::move(alert.subject)),
          .risk = alert.risk,
          .warned = alert.warned,
          .suppressed_by = nullptr,
          .techniques = nullptr,
          .tally = std::move(alert.tally)};
  if (!alert.suppressed_by.empty())
    row.suppressed_by = std::make_shared<const std::string>(std::move(alert.suppressed_by));
  if (alert.techniques.size() > kMaxTechniques) alert.techniques.resize(kMaxTechniques);
  if (!alert.techniques.empty())
    row.techniques = std::make_shared<const std::vector<Technique>>(std::move(alert.techniques));
  group.rows.push_back(std::move(row));
  ++rows_;
  if (group.rows.size() >= kMaxAlertsPerGroup) open_.close(key, number);
  while (rows_ > kMaxGroupedAlerts && groups_.size() > 1) forget_oldest();
}

void Groups::forget_oldest() {
  const Group& oldest = groups_.front();
  for (const Row& row : oldest.rows) places_.erase(row.number);
  rows_ -= oldest.rows.size();
  open_.close(oldest.key, first_);
  by_id_.erase(oldest.id);
  groups_.pop_front();
  ++first_;
}

Groups::Row* Groups::row(std::uint64_t number) {
  const auto at = places_.find(number);
  return at == places_.end() ? nullptr : &groups_[at->second.first - first_].rows[at->second.second];
}

void Groups::join(std::uint64_t number, const Tally& tally) {
  if (Row* at = row(number)) at->tally = tally;
}

void Groups::judge(std::uint64_t number, Verdict verdict) {
  if (Row* at = row(number)) at->verdict = verdict;
}

const Tally* Groups::tally(std::uint64_t number) const {
  const Row* at = row(number);
  return at == nullptr ? nullptr : &at->tally;
}

std::string Groups::group_of(std::uint64_t number) const {
  const auto at = places_.find(number);
  return at == places_.end() ? std::string() : groups_[at->second.first - first_].id;
}

void Groups::set_unlisted(const Uuid& key, Unlisted hits) { unlisted_.insert_or_assign(key, std::move(hits)); }

void Groups::clear() { *this = Groups(window_); }

// ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────
const Groups::Group* Groups::find(std::string_view id) const {
  const auto at = by_id_.find(std::string(id));
  return at == by_id_.end() ? nullptr : &groups_[at->second - first_];
}

// Whether the group is listed for this query and sight, and by what it is ordered.
std::optional<Groups::Brief> Groups::brief(std::size_t at, const GroupQuery& query, std::string_view folded,
                                           const Sight& sight) const {
  const Group& group = groups_[at];
  Brief out{.at = at};
  bool any = false, open = false, fits = folded.empty() || has(group.entity.text(), folded);
  for (const Row& row : group.rows) {
    if ((row.suppressed_by != nullptr) != query.suppressed || !sight.sees(row.subject.get())) continue;
    any = true;
    open = open || row.verdict == Verdict::kOpen;
    if (row.suppressed_by != nullptr || counts_for_risk(row.verdict)) out.risk = std::max(out.risk, row.risk);
    out.newest = std::max(out.newest, row.seq);
    if (fits) continue;
    const Subject& s = *row.subject;
    fits = has(s.value.text, folded) || has(s.indicator_id, folded) || has(s.source, folded) || has(s.rule, folded);
    if (!fits && row.techniques != nullptr)
      for (const Technique& t : *row.techniques)
        if (!sight.reads || t.collection.empty() || sight.reads(t))
          fits = fits || has(t.id, folded) || has(t.name, folded);
  }
  if (!any || !fits || (query.open_only && !open)) return std::nullopt;
  return out;
}

GroupView Groups::make_view(const Group& group, const Sight& sight) const {
  GroupView out{.id = group.id, .entity = group.entity};
  bool any = false;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, GroupView::Line> lines;
  std::map<std::string_view, Technique> techniques;
  std::vector<const Row*> seen;
  for (const Row& row : group.rows) {
    if (!sight.sees(row.subject.get())) continue;
    if (row.suppressed_by != nullptr) {
      ++out.suppressed_alerts;
      out.suppressed_hits += row.tally.hits;
    } else {
      ++out.alerts;
      if (row.verdict == Verdict::kOpen) ++out.open;
      out.hits += row.tally.hits;
      out.unkept += row.tally.unkept;
      if (row.warned) ++out.warned_alerts;
      if (counts_for_risk(row.verdict)) out.risk = std::max(out.risk, row.risk);
    }
    seen.push_back(&row);
  }
  // Suppressed alerts give times, subjects and techniques only where there is nothing else.
  if (out.alerts > 0) std::erase_if(seen, [](const Row* row) { return row->suppressed_by != nullptr; });
  for (const Row* row : seen) {
    out.newest = std::max(out.newest, row->seq);
    out.first = any ? std::min(out.first, row->tally.first) : row->tally.first;
    out.last = any ? std::max(out.last, row->tally.last) : row->tally.last;
    any = true;
    const Subject& s = *row->subject;
    auto& line =
        lines[{s.language.empty() ? std::string_view(s.indicator_id) : std::string_view(s.rule), s.source, s.language}];
    if (line.subject == nullptr || row->risk > line.risk) line.subject = row->subject;
    line.risk = std::max(line.risk, row->risk);
    line.hits += row->tally.hits;
    line.warned = line.warned || row->warned;
    if (row->techniques != nullptr)
      for (const Technique& t : *row->techniques) {
        if (sight.reads && !t.collection.empty() && !sight.reads(t)) continue;
        auto& known = techniques[t.id];
        if (known.id.empty()) known.id = t.id;
        if (known.name.empty()) known.name = t.name;
        for (const auto& tactic : t.tactics)
          if (std::ranges::find(known.tactics, tactic) == known.tactics.end()) known.tactics.push_back(tactic);
      }
  }
  out.subjects = lines.size();
  for (auto& [_, line] : lines) out.lines.push_back(std::move(line));
  std::ranges::sort(out.lines, [](const auto& a, const auto& b) {
    return std::tie(b.risk, b.hits, a.subject->indicator_id, a.subject->rule, a.subject->source) <
           std::tie(a.risk, a.hits, b.subject->indicator_id, b.subject->rule, b.subject->source);
  });
  if (out.lines.size() > kShownSubjects) out.lines.resize(kShownSubjects);
  for (auto& [_, t] : techniques) {
    std::ranges::sort(t.tactics);
    out.techniques.push_back(std::move(t));
  }
  out.curve.assign(kBars, 0);
  const std::int64_t from = hour_of(out.first), span = hour_of(out.last) - from + 1;
  for (const Row* row : seen)
    for (const auto& [hour, count] : row->tally.hours)
      out.curve[static_cast<std::size_t>(
          std::clamp<std::int64_t>((hour - from) * static_cast<std::int64_t>(kBars) / span, 0, kBars - 1))] += count;
  return out;
}

GroupPage Groups::list(const GroupQuery& query, const Sight& sight) const {
  GroupPage page;
  const std::string folded = lowered(query.text);
  std::vector<Brief> all;
  for (std::size_t at = 0; at < groups_.size(); ++at)
    if (auto one = brief(at, query, folded, sight)) all.push_back(*one);
  page.total = all.size();
  // A line's place: (risk, entry of the newest alert); the entry alone tells two groups apart.
  const auto place = [&](const Brief& b) { return std::pair(query.order == GroupOrder::kRisk ? b.risk : 0, b.newest); };
  if (!query.after.empty()) {
    int risk = 0;
    std::uint64_t newest = 0;
    const char* end = query.after.data() + query.after.size();
    const auto [dash, bad] = std::from_chars(query.after.data(), end, risk);
    if (bad == std::errc() && dash != end && *dash == '-' && std::from_chars(dash + 1, end, newest).ptr == end)
      std::erase_if(all, [&](const Brief& b) { return place(b) >= std::pair(risk, newest); });
  }
  const std::size_t limit = std::min<std::size_t>(std::max<std::uint32_t>(query.limit, 1), all.size());
  const auto before = [&](const Brief& a, const Brief& b) { return place(b) < place(a); };
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(limit), before);
  for (std::size_t i = 0; i < limit; ++i) page.groups.push_back(make_view(groups_[all[i].at], sight));
  if (limit < all.size() && limit > 0) {
    const auto [risk, newest] = place(all[limit - 1]);
    page.next = fmt::format("{}-{}", risk, newest);
  }
  return page;
}

std::optional<GroupView> Groups::view(std::string_view id, const Sight& sight) const {
  const Group* group = find(id);
  if (group == nullptr) return std::nullopt;
  GroupView out = make_view(*group, sight);
  if (out.alerts + out.suppressed_alerts == 0) return std::nullopt;
  return out;
}

std::vector<std::uint64_t> Groups::alerts(std::string_view id, bool suppressed, const Sight& sight) const {
  const Group* group = find(id);
  std::vector<const Row*> rows;
  if (group != nullptr)
    for (const Row& row : group->rows)
      if ((row.suppressed_by != nullptr) == suppressed && sight.sees(row.subject.get())) rows.push_back(&row);
  std::ranges::sort(rows,
                    [](const Row* a, const Row* b) { return std::tie(b->risk, b->seq) < std::tie(a->risk, a->seq); });
  std::vector<std::uint64_t> out;
  for (const Row* row : rows) out.push_back(row->number);
  return out;
}

std::vector<SubjectPtr> Groups::subjects() const {
  std::vector<SubjectPtr> out;
  for (const auto& [_, subject] : subjects_)
    if (SubjectPtr there = subject.lock()) out.push_back(std::move(there));
  for (const auto& [_, hits] : unlisted_) out.push_back(hits.subject);
  return out;
}

std::uint64_t Groups::suppressed_hits(std::string_view suppression, const Sight& sight) const {
  std::uint64_t out = 0;
  for (const Group& group : groups_)
    for (const Row& row : group.rows)
      if (row.suppressed_by != nullptr && *row.suppressed_by == suppression && sight.sees(row.subject.get()))
        out += row.tally.hits;
  return out;
}

Groups::Totals Groups::totals(const Sight& sight) const {
  Totals out;
  for (const Group& group : groups_) {
    bool any = false;
    for (const Row& row : group.rows) {
      if (!sight.sees(row.subject.get())) continue;
      if (row.suppressed_by != nullptr) {
        ++out.suppressed_alerts;
        out.suppressed_hits += row.tally.hits;
      } else {
        any = true;
        out.hits += row.tally.hits;
      }
    }
    if (any) ++out.groups;
  }
  for (const auto& [_, hits] : unlisted_)
    if (sight.sees(hits.subject.get())) out.unlisted += hits.hits;
  return out;
}

}  // namespace bongsu::detect::triage
