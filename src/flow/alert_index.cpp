#include "flow/alert_index.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kPrefix = "alert--";

std::size_t bytes_of(const AlertRecord& record) {
  return sizeof record + record.alert.event.size() + record.alert.matched.size() + record.alert.value.text.size() +
         record.alert.label.size();
}

}  // namespace

std::optional<Uuid> alert_uuid(std::string_view alert_id) {
  if (!alert_id.starts_with(kPrefix)) return std::nullopt;
  return Uuid::parse(alert_id.substr(kPrefix.size()));
}

void apply_judgement(AlertRecord& record, const Judgement& judgement) {
  if (judgement.acknowledged) record.acknowledged = *judgement.acknowledged;
  if (judgement.assignee) record.assignee = *judgement.assignee;
  if (judgement.verdict) record.verdict = *judgement.verdict;
  record.history.push_back(judgement);
}

std::optional<AlertNumber> AlertIndex::number_of(std::string_view alert_id) const {
  const auto id = alert_uuid(alert_id);
  if (!id) return std::nullopt;
  const auto found = numbers_.find(*id);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

const AlertPlace* AlertIndex::place(AlertNumber number) const {
  return number < begin() || number >= end() ? nullptr : &places_[number - first_];
}

const AlertRecord* AlertIndex::recent(AlertNumber number) const {
  const AlertNumber oldest = end() - recent_.size();
  return number < oldest || number >= end() ? nullptr : &recent_[number - oldest];
}

namespace {

const std::vector<journal::Seq>& seqs_of(const std::unordered_map<AlertNumber, std::vector<journal::Seq>>& all,
                                         AlertNumber number) {
  static const std::vector<journal::Seq> kNone;
  const auto found = all.find(number);
  return found == all.end() ? kNone : found->second;
}

}  // namespace

const std::vector<journal::Seq>& AlertIndex::judgements(AlertNumber number) const { return seqs_of(judged_, number); }
const std::vector<journal::Seq>& AlertIndex::joined(AlertNumber number) const { return seqs_of(joined_, number); }

std::uint32_t AlertIndex::number_of_label(const std::string& label) {
  static const std::string kFurther = "further labels";
  const bool room = label_numbers_.size() < kMaxAlertLabels || label_numbers_.contains(label);
  const auto [at, fresh] =
      label_numbers_.try_emplace(room ? label : kFurther, static_cast<std::uint32_t>(by_label_.size()));
  if (fresh) by_label_.emplace_back();
  return at->second;
}

std::vector<std::pair<std::string, Alerts::Counts>> AlertIndex::counts_by_label() const {
  std::vector<std::pair<std::string, Alerts::Counts>> out;
  out.reserve(label_numbers_.size());
  for (const auto& [label, number] : label_numbers_) out.emplace_back(label, by_label_[number]);
  return out;
}

void AlertIndex::add(const Uuid& id, journal::Seq seq, bool suppressed, const std::string& label) {
  // Two entries of one id (the first had left the index): the newer one answers for it.
  numbers_[id] = end();
  places_.push_back({.id = id,
                     .seq = seq,
                     .verdict = AlertVerdict::kOpen,
                     .suppressed = suppressed,
                     .label = number_of_label(label)});
  for (Alerts::Counts* counts : {&counts_, &by_label_[places_.back().label]}) {
    if (suppressed) {
      ++counts->suppressed;
    } else {
      ++counts->total;
      ++counts->open;
    }
  }
  if (places_.size() <= kIndexedAlerts) return;
  if (const auto found = numbers_.find(places_.front().id); found != numbers_.end() && found->second == first_)
    numbers_.erase(found);
  judged_.erase(first_);
  joined_.erase(first_);
  places_.pop_front();
  ++first_;
}

void AlertIndex::keep(AlertRecord record) {
  recent_bytes_ += bytes_of(record);
  recent_.push_back(std::move(record));
  while (recent_.size() > kRecentAlerts || (recent_bytes_ > kRecentAlertBytes && recent_.size() > 1)) {
    recent_bytes_ -= bytes_of(recent_.front());
    recent_.pop_front();
  }
}

void AlertIndex::judge(AlertNumber number, journal::Seq seq, const Judgement& judgement) {
  AlertPlace& place = places_[number - first_];
  judged_[number].push_back(seq);
  if (judgement.verdict) {
    if (!place.suppressed) count(place, place.verdict, -1);
    place.verdict = *judgement.verdict;
    if (!place.suppressed) count(place, place.verdict, 1);
  }
  const AlertNumber oldest = end() - recent_.size();
  if (number >= oldest) apply_judgement(recent_[number - oldest], judgement);
}

void AlertIndex::count(const AlertPlace& place, AlertVerdict verdict, std::int64_t by) {
  const auto add = static_cast<std::uint64_t>(by);  // wraps to the right number
  for (Alerts::Counts* counts : {&counts_, &by_label_[place.label]}) {
    if (verdict == AlertVerdict::kOpen) counts->open += add;
    if (verdict == AlertVerdict::kTrue) counts->confirmed += add;
    if (verdict == AlertVerdict::kFalse) counts->false_positive += add;
  }
}

}  // namespace bongsu::flow
