// Recall: what each member was handed: rows by its tails and by TAXII, and files that were sealed by hand, of which no
// tail says that the member has them.
#include <fmt/format.h>

#include <algorithm>

#include "flow/recall.h"
#include "flow/recall_states.h"

namespace bongsu::flow {

void Recall::handed_out(std::string_view member, std::string_view collection, journal::Pos upto) {
  const std::lock_guard lock(mutex_);
  Mark& mark = marks_.try_emplace({std::string(member), std::string(collection)}, Mark{.exact = exact_from_start_})
                   .first->second;
  mark.pos = std::max(mark.pos, upto);
}

std::uint64_t Recall::decided_now(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  const auto at = last_number_.find(member);
  return at == last_number_.end() ? 0 : at->second;
}

void Recall::fetched(std::string_view member, std::string_view collection, journal::Pos upto) {
  const std::lock_guard lock(mutex_);
  Mark& mark = marks_.try_emplace({std::string(member), std::string(collection)}, Mark{.exact = exact_from_start_})
                   .first->second;
  mark.fetched = std::max(mark.fetched, upto);
}

Result<void> Recall::opened(std::string_view member, std::string_view collection, journal::Pos pos) {
  // No recall is planned between what the cursor says and what is settled by it.
  std::unique_lock still(handing_out_);
  std::unique_lock recording(recording_);
  std::set<std::string> parents;  // of orders that came to nothing: whoever recalled from us hears of it
  std::vector<RecallOrder> settled;
  std::vector<std::pair<std::string, std::uint64_t>> void_orders;
  journal::Batch batch;
  {
    const std::lock_guard lock(mutex_);
    const auto at = marks_.find({std::string(member), std::string(collection)});
    const Mark mark = at == marks_.end() ? Mark{.exact = exact_from_start_} : at->second;
    if (mark.exact) return {};
    const journal::Pos known = std::max(mark.pos, pos);
    for (auto it = orders_.lower_bound({std::string(member), 0}); it != orders_.end() && it->first.first == member;
         ++it) {
      if (it->second.unsettled.empty()) continue;
      RecallOrder order = it->second;
      // An order is of one collection's rows as long as it is unsettled.
      if (order.unsettled.front().first != collection) continue;
      std::vector<RecallRange> given;
      for (std::size_t i = 0; i < order.objects.size(); ++i)
        if (order.unsettled[i].second <= known) given.push_back(order.objects[i]);
      order.unsettled.clear();
      order.objects = std::move(given);
      StateKey key{std::string(kRecallOrders), numbered_key(order.member, order.number)};
      if (order.objects.empty()) {
        void_orders.emplace_back(order.member, order.number);
        parents.insert(order.parents.begin(), order.parents.end());
        batch.states.push_back({key.first, key.second, std::nullopt});
      } else {
        batch.states.push_back({key.first, key.second, order_state(order)});
        batch.entries.push_back(note_of_order(order));
        settled.push_back(std::move(order));
      }
    }
  }
  if (!batch.states.empty()) {
    BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  }
  {
    const std::lock_guard lock(mutex_);
    Mark& mark = marks_[{std::string(member), std::string(collection)}];
    mark.pos = std::max(mark.pos, pos);
    mark.exact = true;
    for (auto& order : settled) orders_[{order.member, order.number}] = order;
    for (const auto& name : void_orders) orders_.erase(name);
  }
  recording.unlock();
  still.unlock();
  for (const auto& parent : parents) BONGSU_TRY_VOID(parent_changed(parent));
  return {};
}

Result<void> Recall::write_down(bool last) {
  if (!last) BONGSU_TRY_VOID(count_onward());
  journal::Batch batch;
  std::vector<std::pair<MarkKey, Mark>> changed;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, mark] : marks_) {
      if (!last && mark.pos == mark.written && mark.fetched == mark.fetched_written) continue;
      batch.states.push_back({std::string(kRecallMarks), fmt::format("{}/{}", key.second, key.first),
                              to_text(JsonArray{Json(mark.pos), Json(mark.fetched), Json(mark.exact ? 1 : 0)})});
      changed.emplace_back(key, mark);
    }
    if (last)
      batch.states.push_back({std::string(kRecallMarks), std::string(kCleanKey),
                              std::string(exact_from_start_ ? kCleanOfAll : kCleanOfSome)});
  }
  if (batch.states.empty()) return {};
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  const std::lock_guard lock(mutex_);
  for (const auto& [key, mark] : changed) {
    marks_[key].written = mark.pos;
    marks_[key].fetched_written = mark.fetched;
  }
  return {};
}

Result<void> Recall::read_by_hand() {
  BONGSU_TRY(const auto given, journal_.states(kRecallByHand));
  for (const auto& [key, version_key] : given) {
    const auto slash = key.find('/');
    if (slash == std::string::npos)
      return fail(ErrorCode::kCorrupt, "what was sealed by hand cannot be read", {.source = "state recall.by_hand"});
    by_hand_.emplace(std::pair(key.substr(0, slash), key.substr(slash + 1)), version_key);
  }
  return {};
}

void Recall::sealed_by_hand(std::string_view member, const std::string& object_id, std::string_view version_key,
                            std::vector<journal::StateChange>& states) {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = by_hand_.emplace(std::pair(std::string(member), object_id), version_key);
  if (!fresh && at->second >= version_key) return;
  at->second = version_key;
  states.push_back({std::string(kRecallByHand), at->first.first + '/' + object_id, at->second});
}

bool Recall::has_by_hand(const std::string& member, const journal::Entry& entry) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_hand_.find({member, entry.object_id});
  return found != by_hand_.end() && (!entry.versioned || entry.version_key <= found->second);
}

}  // namespace bongsu::flow
