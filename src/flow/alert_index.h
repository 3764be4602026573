// The alerts in memory: newest whole, older ones by their place in the journal. Not safe from several threads; Alerts
// locks it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "flow/alerts.h"

namespace bongsu::flow {

using AlertNumber = std::uint64_t;  // 0, 1, 2 … in order of seq, since the first alert of the journal

struct AlertPlace {
  Uuid id;
  journal::Seq seq = 0;
  AlertVerdict verdict = AlertVerdict::kOpen;
  bool suppressed = false;
  std::uint32_t label = 0;  // number within AlertIndex
};

inline constexpr std::size_t kMaxAlertLabels = 10'000;  // counted apart; alerts of further ones together, for nobody

class AlertIndex {
 public:
  std::optional<AlertNumber> number_of(std::string_view alert_id) const;
  const AlertPlace* place(AlertNumber number) const;                      // nullptr: not indexed (any more)
  const AlertRecord* recent(AlertNumber number) const;                    // nullptr: not kept whole (any more)
  const std::vector<journal::Seq>& judgements(AlertNumber number) const;  // their entries, oldest first
  AlertNumber begin() const { return first_; }
  AlertNumber end() const { return first_ + places_.size(); }
  Alerts::Counts counts() const { return counts_; }
  // By label; what was counted beyond kMaxAlertLabels stands under a text that is no label.
  std::vector<std::pair<std::string, Alerts::Counts>> counts_by_label() const;

  // An entry with further hits of an indexed alert.
  void join(AlertNumber number, journal::Seq seq) { joined_[number].push_back(seq); }
  const std::vector<journal::Seq>& joined(AlertNumber number) const;  // these entries, oldest first
  void add(const Uuid& id, journal::Seq seq, bool suppressed, const std::string& label);
  // Keeps records of the newest alerts whole: in order, up to end().
  void keep(AlertRecord record);
  // A judgement of an indexed alert.
  void judge(AlertNumber number, journal::Seq seq, const Judgement& judgement);
  void clear() { *this = AlertIndex(); }

 private:
  void count(const AlertPlace& place, AlertVerdict verdict, std::int64_t by);
  std::uint32_t number_of_label(const std::string& label);

  std::deque<AlertPlace> places_;
  AlertNumber first_ = 0;  // of places_.front()
  std::unordered_map<Uuid, AlertNumber, UuidHash> numbers_;
  std::deque<AlertRecord> recent_;  // the newest: numbers end() - recent_.size() … end() - 1
  std::size_t recent_bytes_ = 0;
  std::unordered_map<AlertNumber, std::vector<journal::Seq>> judged_;
  std::unordered_map<AlertNumber, std::vector<journal::Seq>> joined_;
  Alerts::Counts counts_;
  std::unordered_map<std::string, std::uint32_t> label_numbers_;
  std::vector<Alerts::Counts> by_label_;
};

std::optional<Uuid> alert_uuid(std::string_view alert_id);  // of "alert--uuid"
void apply_judgement(AlertRecord& record, const Judgement& judgement);

}  // namespace bongsu::flow
