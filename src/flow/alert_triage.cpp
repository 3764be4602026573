#include "flow/alert_triage.h"

#include <algorithm>

namespace bongsu::flow {

using namespace detect::triage;

namespace {

constexpr std::size_t kMaxKeptText = 256;  // of the field and of the matched text, each

std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxKeptText) return text;
  std::size_t bytes = kMaxKeptText;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::vector<Technique> techniques_of(const detect::Alert& alert, const TechniqueLookup& look_up) {
  std::vector<Technique> out;
  if (alert.rule)
    for (const auto& id : alert.rule->techniques)
      out.push_back({.id = id, .name = {}, .tactics = {}, .collection = {}});
  if (look_up)
    for (auto& technique : look_up(alert)) out.push_back(std::move(technique));
  if (out.size() > kMaxTechniques) out.resize(kMaxTechniques);
  return out;
}

// The nearer of two windows; of the same distance the one opened first.
std::optional<Windows::Spot> nearer(std::optional<Windows::Spot> a, std::optional<Windows::Spot> b, Instant at) {
  if (!a || (b && b->distance(at) < a->distance(at))) return b;
  return a;
}

}  // namespace

void fill_entity(detect::Alert& alert) {
  if (alert.entity.name.empty())
    alert.entity = {detect::EntityKind::kLog, alert.position.source.substr(0, detect::kMaxEntityBytes)};
}

AlertTriage::AlertTriage(TriagePolicy policy, TechniqueLookup techniques)
    : groups(policy.group_window),
      open(policy.alert_window, kOpenAlerts),
      policy_(std::move(policy)),
      techniques_(std::move(techniques)),
      allowance_(policy_.alerts_per_minute) {}

void AlertTriage::clear() {
  groups.clear();
  suppressions.clear();
  open.clear();
  hits_.clear();
  hit_order_.clear();
}

void AlertTriage::remember(const Uuid& hit) {
  if (!hits_.emplace(hit, true).second) return;
  hit_order_.push_back(hit);
  if (hit_order_.size() <= kRememberedHits) return;
  hits_.erase(hit_order_.front());
  hit_order_.pop_front();
}

void AlertTriage::restore(Opened opened, const detect::Alert& alert) {
  open.add(alert_key(alert, opened.suppressed_by), opened.at, opened.number);
  groups.open(std::move(opened));
}

void AlertTriage::commit(TriageBatch& batch, const std::vector<journal::Seq>& seqs) {
  for (std::size_t i = 0; i < batch.opened_.size(); ++i) {
    OpenedAlert& one = batch.opened_[i];
    one.opened.seq = seqs[i];
    open.add(one.key, one.opened.at, one.opened.number);
    groups.open(std::move(one.opened));
  }
  for (const auto& [number, tally] : batch.tallies_) groups.join(number, tally);
  for (auto& [key, hits] : batch.unlisted_) groups.set_unlisted(key, std::move(hits));
  for (const auto& [_, joined] : batch.joined_)
    for (const Uuid& id : joined.ids) remember(id);
}

const Tally& TriageBatch::tally(std::uint64_t number) const {
  return number >= next_ ? opened_[number - next_].opened.tally : tallies_.at(number);
}

TriageBatch::Fate TriageBatch::place(const detect::Alert& alert, const Uuid& id) {
  const Instant at = time_of(alert);
  const Suppression* rule = triage_.suppressions.find(alert, now_);
  Fate fate{.suppressed = rule != nullptr};
  const std::string by = rule == nullptr ? "" : rule->id;
  const Uuid key = alert_key(alert, by);
  const auto spot = nearer(triage_.open.find(key, at), staged_.find(key, at), at);
  Tally* tally = nullptr;
  if (spot && spot->number >= next_) {
    tally = &opened_[spot->number - next_].opened.tally;
  } else if (spot) {
    if (const auto known = tallies_.find(spot->number); known != tallies_.end())
      tally = &known->second;
    else if (const Tally* stored = triage_.groups.tally(spot->number))
      tally = &tallies_.emplace(spot->number, *stored).first->second;
  }
  if (tally != nullptr) {
    fate.kind = Fate::Kind::kJoins;
    JoinedHits& joined = joined_[spot->number];
    const bool keep = tally->hits - 1 - tally->unkept < triage_.policy_.kept_hits;
    tally->add(at, keep);
    joined.ids.push_back(id);
    if (keep)
      joined.kept.push_back({.id = id,
                             .at = at,
                             .position = alert.position,
                             .field = std::string(cut(alert.field)),
                             .matched = std::string(cut(alert.matched))});
    return fate;
  }
  if (!triage_.allowance_.take(monotonic_)) {
    fate.kind = Fate::Kind::kUnlisted;
    count_unlisted(alert, at);
    return fate;
  }
  OpenedAlert one;
  one.key = key;
  one.assessment.factors = assess(triage_.policy_.risk, alert, at);
  one.assessment.risk = one.assessment.factors.risk();
  one.assessment.techniques = techniques_of(alert, triage_.techniques_);
  one.assessment.suppressed_by = by;
  one.opened = {.number = next_ + opened_.size(),
                .entity = alert.entity,
                .at = at,
                .risk = one.assessment.risk,
                .warned = !alert.warning_lists.empty(),
                .suppressed_by = by,
                .subject = Subject::of(alert),
                .techniques = one.assessment.techniques,
                .tally = {}};
  one.opened.tally.add(at, true);
  staged_.add(key, at, one.opened.number);
  opened_.push_back(std::move(one));
  return fate;
}

void TriageBatch::count_unlisted(const detect::Alert& alert, Instant at) {
  Subject subject = Subject::of(alert);
  subject.value.text.clear();  // state is not erased with the indicator: no values there
  Uuid key = Groups::subject_key(subject);
  const auto& known = triage_.groups.unlisted();
  if (!known.contains(key) && !unlisted_.contains(key) && known.size() + unlisted_.size() >= kMaxUnlisted) {
    subject = {};  // all others together: told to who may see everything
    key = Groups::subject_key(subject);
  }
  auto at_key = unlisted_.find(key);
  if (at_key == unlisted_.end()) {
    const auto before = known.find(key);
    at_key = unlisted_
                 .emplace(key, before != known.end()
                                   ? before->second
                                   : Unlisted{.subject = std::make_shared<const Subject>(std::move(subject)),
                                              .hits = 0,
                                              .first = at,
                                              .last = at})
                 .first;
  }
  Unlisted& hits = at_key->second;
  ++hits.hits;
  hits.first = std::min(hits.first, at);
  hits.last = std::max(hits.last, at);
}

}  // namespace bongsu::flow
