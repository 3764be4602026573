// Recall between members: tombstones told and obeyed, receipts given and taken.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "flow/recall.h"
#include "flow/recall_states.h"

namespace bongsu::flow {
namespace {

// Somebody may have it still.
bool is_open(const RecallOrder& order) { return !order.receipt || order.receipt->onward_open > 0; }

bool follows(const RecallOrder& order, const std::string& tombstone) {
  return std::ranges::find(order.parents, tombstone) != order.parents.end();
}

std::set<std::string> ids_of(const Tombstone& tombstone) {
  std::set<std::string> out;
  for (const auto& range : tombstone.objects) out.insert(range.object_id);
  return out;
}

}  // namespace

Tombstone Recall::tombstone_of(const RecallOrder& order) const {
  return {.from = options_.self,
          .to = order.member,
          .number = order.number,
          .reason = order.reason,
          .issued = order.issued,
          .deadline = order.deadline,
          .objects = order.objects};
}

Result<Recall::Told> Recall::told(std::string_view member) {
  Told answer;
  std::vector<SignedText>& out = answer.tombstones;
  std::vector<std::uint64_t> first;
  journal::Batch batch;
  std::size_t bytes = 0;
  const std::lock_guard recording(recording_);
  {
    const std::lock_guard lock(mutex_);
    if (const auto last = last_number_.find(member); last != last_number_.end()) answer.upto = last->second;
    for (auto it = orders_.lower_bound({std::string(member), 0}); it != orders_.end() && it->first.first == member;
         ++it) {
      const RecallOrder& order = it->second;
      // One that is not settled may have to be told later.
      if (!order.unsettled.empty()) answer.upto = std::min(answer.upto, order.number - 1);
      if (order.receipt || order.fetched || !order.unsettled.empty()) continue;
      BONGSU_TRY(auto text, sign_text(kTombstoneContext, tombstone_of(order).text(), options_.signing_key));
      bytes += text.text.size();
      if (!out.empty() && (bytes > kMaxRecallText || out.size() == kMaxToldAtOnce)) {
        answer.upto = std::min(answer.upto, order.number - 1);
        break;
      }
      out.push_back(std::move(text));
      if (!order.told) {
        RecallOrder changed = order;
        changed.told = clock_.now();
        first.push_back(order.number);
        batch.states.push_back(
            {std::string(kRecallOrders), numbered_key(order.member, order.number), order_state(changed)});
      }
    }
  }
  if (batch.states.empty()) return answer;
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  const std::lock_guard lock(mutex_);
  for (const auto number : first)
    if (const auto at = orders_.find({std::string(member), number}); at != orders_.end())
      at->second.told = clock_.now();
  return answer;
}

std::unexpected<Error> Recall::refuse(std::string_view from, std::string what, std::string why) {
  log_.warn("recall.refused", {{"from", std::string(from)}, {"what", what}, {"why", why}});
  const std::lock_guard lock(mutex_);
  if (refused_.size() == kMaxRefusedRecalls) refused_.erase(refused_.begin());
  refused_.push_back({clock_.now(), std::string(from), what, why});
  return fail(ErrorCode::kDenied, fmt::format("{} from {}: {}", what, from, why));
}

Result<SignedText> Recall::receipt_for(const TakenState& taken) const {
  const RecallReceipt receipt{.from = options_.self,
                              .to = taken.recall.from,
                              .number = taken.recall.number,
                              .serial = taken.serial,
                              .tombstone = taken.hash,
                              .destroyed = taken.recall.destroyed,
                              .onward_open = taken.recall.onward_open,
                              .at = taken.recall.at};
  return sign_text(kReceiptContext, receipt.text(), options_.signing_key);
}

Result<SignedText> Recall::take(std::string_view from, const SignedText& told) {
  const auto key = options_.key_of ? options_.key_of(from) : std::nullopt;
  if (!key) return refuse(from, "a tombstone", "no signing key of this member is known");
  if (!verify_text(kTombstoneContext, told, *key))
    return refuse(from, "a tombstone", "it is not signed by this member: forged, or changed on its way");
  const auto tombstone = Tombstone::parse(told.text);
  if (!tombstone) return refuse(from, "a tombstone", tombstone.error().text());
  if (tombstone->from != from) return refuse(from, "a tombstone", fmt::format("it speaks for {}", tombstone->from));
  if (tombstone->to != options_.self) return refuse(from, "a tombstone", fmt::format("it is for {}", tombstone->to));
  const std::string hash = to_hex(sha256(told.text));
  const std::pair name(std::string(from), tombstone->number);
  const auto known = [&]() -> Result<std::optional<SignedText>> {
    std::string before;
    {
      const std::lock_guard lock(mutex_);
      const auto at = taken_.find(name);
      if (at == taken_.end()) return std::nullopt;
      before = at->second->hash;
      if (before == hash) {
        BONGSU_TRY(auto receipt, receipt_for(*at->second));
        return receipt;
      }
    }
    return refuse(from, fmt::format("tombstone {}", tombstone->number), "another one came under this number before");
  };
  BONGSU_TRY(auto before, known());
  if (before) return *before;

  TakenState taken;
  taken.recall = {.from = std::string(from),
                  .number = tombstone->number,
                  .reason = tombstone->reason,
                  .at = clock_.now(),
                  .objects = tombstone->objects};
  taken.hash = hash;
  Plan plan;
  std::optional<SignedText> doubled;
  {
    // From here to the commit nothing is admitted: what came just before is destroyed, what comes after is refused.
    const std::unique_lock nothing_comes(admitting_);
    BONGSU_TRY_VOID(release_.with_arrangement([&](const Release::Readers& readers, std::uint64_t) -> Result<void> {
      plan.still = std::unique_lock(handing_out_);
      plan.recording = std::unique_lock(recording_);
      BONGSU_TRY(doubled, known());
      if (doubled) return {};
      const auto snapshot = journal_.snapshot();
      std::vector<Rows> rows;
      std::vector<std::string> ids;
      journal::Batch batch;
      const bool for_good = is_for_good(tombstone->reason);
      const auto given_later = [&](const std::string& id, const std::string& key) {
        return !for_good && later_than(from, id, key) >= tombstone->number;
      };
      for (const RecallRange& range : tombstone->objects) {
        const std::string upto = key_of_version(range.version);
        if (options_.discard_held) {
          BONGSU_TRY_VOID(options_.discard_held(from, range.object_id, [&](std::string_view key) {
            return up_to(upto, key) && !given_later(range.object_id, std::string(key));
          }));
        }
        BONGSU_TRY(const auto entries, snapshot->versions("", range.object_id));
        bool theirs = false, others = false;
        std::vector<std::string> keep;
        std::map<std::string, std::vector<journal::Seq>> seqs;  // by collection
        for (const auto& entry : entries) {
          if (!up_to(upto, key_told(entry))) continue;
          if (entry.origin != from) {
            others = others || !entry.erased;
            continue;
          }
          auto& there = seqs[entry.collection];
          if (entry.erased) continue;  // whoever was handed it before has it
          if (given_later(range.object_id, key_told(entry))) {
            keep.push_back(entry.version_key);
            continue;
          }
          theirs = true;
          ++taken.recall.destroyed;
          there.push_back(entry.seq);
        }
        for (const auto& [collection, there] : seqs)
          for (const auto& reader : readers(collection))
            if (reader.member != from)
              rows.push_back({.view = reader.view,
                              .member = reader.member,
                              .collection = collection,
                              .seqs = there,
                              .before = Rows::Before{range.object_id, upto, std::string(from)}});
        if (others)
          log_.info("recall.not_theirs",
                    {{"from", std::string(from)}, {"object", range.object_id}, {"kept", "copies that others gave"}});
        if (theirs) {
          ids.push_back(range.object_id);
          // What refers to it stays labelled by what it was; should it come again, that is decided again.
          if (options_.referrers) batch.states.push_back({std::string(kAwaitedEnds), range.object_id, ""});
        }
        RecallBounds bounds;
        if (for_good)
          bounds.add_for_good(upto);
        else
          bounds.add_decided(tombstone->number, upto);
        add_tombstone(plan, batch, range.object_id, std::string(from), bounds);
        batch.destroy.push_back({.object_id = range.object_id,
                                 .origin = std::string(from),
                                 .upto = upto,
                                 .may_return = !for_good,
                                 .keep = std::move(keep)});
      }
      std::vector<Rows> all = rows;
      BONGSU_TRY(const auto derived, add_derived(*snapshot, readers, ids, from, all));
      const auto reason = RecallReason::kUpstream;
      const RecallWish words{.object_id = "",
                             .reason = reason,
                             .deadline = std::max<std::chrono::seconds>(
                                 std::chrono::duration_cast<std::chrono::seconds>(tombstone->deadline - clock_.now()),
                                 std::chrono::seconds{1})};
      const std::string parent = numbered_key(from, tombstone->number);
      BONGSU_TRY_VOID(add_orders(plan, all, words, parent, batch));
      withdraw(all, batch);
      for (const auto& made : derived) bar(plan, batch, made.object_id, made.version);
      adopt(ids_of(*tombstone), from, parent, plan, batch);
      taken.recall.onward_open = plan.orders.size() + plan.adopted.size();
      // How many copies there are to destroy is known beforehand: what is counted and what is done are one commit.
      batch.states.push_back({std::string(kRecallTaken), parent, taken_state(taken)});
      JsonObject obeyed{{"member", from},
                        {"number", tombstone->number},
                        {"reason", to_string(tombstone->reason)},
                        {"tombstone", hash},
                        {"destroyed", taken.recall.destroyed}};
      add_objects(obeyed, tombstone->objects);
      batch.entries.push_back(note("recall.obeyed", std::move(obeyed)));
      BONGSU_TRY(const auto receipt, journal_.append(batch));
      // With those that were deleted before, and so are not counted as being here.
      std::uint64_t destroyed = 0;
      for (const auto count : receipt.destroyed) destroyed += count;
      if (destroyed == taken.recall.destroyed) return {};
      taken.recall.destroyed = destroyed;
      journal::Batch corrected;
      corrected.states.push_back({std::string(kRecallTaken), parent, taken_state(taken)});
      if (const auto done = journal_.append(corrected); !done)
        log_.warn("recall.count_not_written", {{"error", done.error().text()}});
      return {};
    }));
    if (doubled) return *doubled;
    const std::lock_guard lock(mutex_);
    taken_[name] = std::make_unique<TakenState>(taken);
    put_tombstones(plan);  // refused from now on, before admission goes on
  }
  log_.info("recall.obeyed", {{"from", std::string(from)},
                              {"number", fmt::format("{}", tombstone->number)},
                              {"destroyed", fmt::format("{}", taken.recall.destroyed)},
                              {"passed_on", fmt::format("{}", plan.orders.size())}});
  made_durable(std::move(plan));
  return receipt_for(taken);
}

// What of this giver's copies was taken away from members before (the tail told that the object is gone, a person
// recalled it, an agreement was narrowed) belongs to this tombstone too, and to those of whoever else's copies it took.
void Recall::adopt(const std::set<std::string>& objects, std::string_view from, const std::string& parent, Plan& plan,
                   journal::Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, order] : orders_) {
    if (order.member == from || !is_open(order) || follows(order, parent)) continue;
    if (order.givers.empty() ? !order.parents.empty() : !order.givers.contains(std::string(from))) continue;
    if (std::ranges::none_of(order.objects, [&](const auto& range) { return objects.contains(range.object_id); }))
      continue;
    RecallOrder adopted = order;
    adopted.parents.push_back(parent);
    batch.states.push_back(
        {std::string(kRecallOrders), numbered_key(order.member, order.number), order_state(adopted)});
    plan.adopted.push_back(std::move(adopted));
  }
}

Result<void> Recall::take_receipt(std::string_view from, const SignedText& told) {
  const auto key = options_.key_of ? options_.key_of(from) : std::nullopt;
  if (!key) return refuse(from, "a receipt", "no signing key of this member is known");
  if (!verify_text(kReceiptContext, told, *key)) return refuse(from, "a receipt", "it is not signed by this member");
  const auto receipt = RecallReceipt::parse(told.text);
  if (!receipt) return refuse(from, "a receipt", receipt.error().text());
  if (receipt->from != from || receipt->to != options_.self) return refuse(from, "a receipt", "it is between others");
  std::optional<RecallOrder> order;
  std::unique_lock recording(recording_);
  {
    const std::lock_guard lock(mutex_);
    const auto at = orders_.find({std::string(from), receipt->number});
    if (at != orders_.end() && at->second.unsettled.empty()) order = at->second;
  }
  if (!order)
    return refuse(from, fmt::format("a receipt for tombstone {}", receipt->number), "there is no such tombstone");
  if (receipt->tombstone != to_hex(sha256(tombstone_of(*order).text())))
    return refuse(from, fmt::format("a receipt for tombstone {}", receipt->number), "it names another text");
  if (order->receipt && order->receipt->serial >= receipt->serial) return {};  // told before
  order->receipt = *receipt;
  if (!order->told) order->told = clock_.now();
  journal::Batch batch;
  batch.states.push_back({std::string(kRecallOrders), numbered_key(order->member, order->number), order_state(*order)});
  batch.entries.push_back(note("recall.confirmed", {{"member", from},
                                                    {"number", receipt->number},
                                                    {"serial", receipt->serial},
                                                    {"tombstone", receipt->tombstone},
                                                    {"destroyed", receipt->destroyed},
                                                    {"onward_open", receipt->onward_open}}));
  BONGSU_TRY([[maybe_unused]] const auto done, journal_.append(batch));
  const std::vector<std::string> parents = order->parents;
  {
    const std::lock_guard lock(mutex_);
    orders_[{order->member, order->number}] = std::move(*order);
  }
  recording.unlock();
  for (const auto& parent : parents) BONGSU_TRY_VOID(parent_changed(parent));
  return {};
}

std::uint64_t Recall::onward_open(const std::string& parent) const {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      orders_, [&](const auto& item) { return follows(item.second, parent) && is_open(item.second); }));
}

// Whoever recalled from us is told how far those have come whom we had passed it on to.
Result<void> Recall::parent_changed(const std::string& parent) {
  const auto name = parse_numbered_key(parent);
  if (!name) return {};
  TakenState changed;
  std::unique_lock recording(recording_);
  {
    const std::lock_guard lock(mutex_);
    const auto at = taken_.find(*name);
    if (at == taken_.end()) return {};
    const std::uint64_t open = onward_open(parent);
    if (open == at->second->recall.onward_open) return {};
    changed = *at->second;
    changed.recall.onward_open = open;
    ++changed.serial;
    changed.recall.acknowledged = false;
  }
  journal::Batch batch;
  batch.states.push_back({std::string(kRecallTaken), parent, taken_state(changed)});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    *taken_[*name] = changed;
    callbacks = callbacks_;
  }
  recording.unlock();
  for (const auto& callback : callbacks) callback();
  return {};
}

// A receipt, and what it changes for whoever recalled from us, are two commits: a crash or a full disk may lie between.
Result<void> Recall::count_onward() {
  std::vector<std::string> stale;
  {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::uint64_t> open;
    for (const auto& [name, order] : orders_)
      if (is_open(order))
        for (const auto& parent : order.parents) ++open[parent];
    for (const auto& [name, taken] : taken_) {
      const std::string parent = numbered_key(name.first, name.second);
      const auto at = open.find(parent);
      if (taken->recall.onward_open != (at == open.end() ? 0 : at->second)) stale.push_back(parent);
    }
  }
  for (const auto& parent : stale) BONGSU_TRY_VOID(parent_changed(parent));
  return {};
}

std::vector<SignedText> Recall::receipts_due(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  std::vector<SignedText> out;
  for (auto it = taken_.lower_bound({std::string(member), 0}); it != taken_.end() && it->first.first == member; ++it) {
    if (it->second->acknowledged >= it->second->serial) continue;
    if (auto receipt = receipt_for(*it->second)) out.push_back(std::move(*receipt));
    if (out.size() == kMaxReceiptsAtOnce) break;
  }
  return out;
}

bool Recall::any_receipt_due(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  for (auto it = taken_.lower_bound({std::string(member), 0}); it != taken_.end() && it->first.first == member; ++it)
    if (it->second->acknowledged < it->second->serial) return true;
  return false;
}

Result<void> Recall::acknowledged(std::string_view member, const std::vector<SignedText>& receipts) {
  journal::Batch batch;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> serials;
  const std::lock_guard recording(recording_);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& sent : receipts) {
      const auto receipt = RecallReceipt::parse(sent.text);
      if (!receipt) continue;
      const auto at = taken_.find({std::string(member), receipt->number});
      if (at == taken_.end() || at->second->acknowledged >= receipt->serial) continue;
      TakenState changed = *at->second;
      changed.acknowledged = receipt->serial;
      serials.emplace_back(receipt->number, receipt->serial);
      batch.states.push_back({std::string(kRecallTaken), numbered_key(member, receipt->number), taken_state(changed)});
    }
  }
  if (batch.states.empty()) return {};
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  const std::lock_guard lock(mutex_);
  for (const auto& [number, serial] : serials) {
    TakenState& taken = *taken_[{std::string(member), number}];
    taken.acknowledged = std::max(taken.acknowledged, serial);
    taken.recall.acknowledged = taken.acknowledged >= taken.serial;
  }
  return {};
}

}  // namespace bongsu::flow
