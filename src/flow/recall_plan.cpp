// Recall: who is to be told when rows leave outboxes, and the tombstones that stand from then on.
#include <fmt/format.h>

#include <algorithm>

#include "flow/facts.h"
#include "flow/recall.h"
#include "flow/recall_states.h"
#include "policy/label.h"

namespace bongsu::flow {
namespace {

// Whether one copy stands for the other: the same version, or the same content of an object without versions.
bool same_version(const journal::Entry& a, const journal::Entry& b) {
  if (a.object_id != b.object_id || a.versioned != b.versioned) return false;
  return a.versioned ? a.version_key == b.version_key : a.hash == b.hash;
}

std::string joined(const std::string& a, const std::string& b) {
  if (a.empty() || a == b) return b;
  const auto la = policy::Label::parse(a), lb = policy::Label::parse(b);
  return la && lb ? policy::join(*la, *lb).text() : a;
}

}  // namespace

struct RecallPlace {
  journal::Entry entry;
  journal::Pos pos = 0;
};

Result<Recall::Plan> Recall::plan_withdrawal(const std::vector<Rows>& rows, RecallReason reason,
                                             journal::Batch& batch) {
  Plan plan;
  plan.still = std::unique_lock(handing_out_);
  BONGSU_TRY_VOID(add_orders(plan, rows, {.reason = reason}, "", batch));
  return plan;
}

// What of these rows the member may have been handed, and where: those that stand in its outbox, and before them what
// was redacted otherwise, replaced by another copy, or withdrawn without an order.
Result<std::vector<RecallPlace>> Recall::offered(const Rows& rows, const Mark& mark,
                                                 journal::Snapshot& snapshot) const {
  std::vector<RecallPlace> out;
  std::map<std::pair<std::string, std::string>, std::string> upto;  // object and giver → version key
  bool all_handed = true;
  for (const journal::Seq seq : rows.seqs) {
    BONGSU_TRY(const journal::Pos pos, snapshot.position(rows.view, seq));
    if (pos == 0) continue;
    BONGSU_TRY(journal::Entry entry, snapshot.entry(seq));
    const std::string key = key_told(entry);
    const auto [at, fresh] = upto.try_emplace({entry.object_id, entry.origin}, key);
    if (!fresh) at->second = wider(at->second, key);
    all_handed = all_handed && pos <= mark.pos;
    out.push_back({std::move(entry), pos});
  }
  if (rows.before) {
    const auto [at, fresh] = upto.try_emplace({rows.before->object_id, rows.before->giver}, rows.before->upto);
    if (!fresh) at->second = wider(at->second, rows.before->upto);
  } else if (all_handed) {
    return out;  // and with them everything before them
  }
  const std::size_t standing = out.size();
  for (const auto& [whose, bound] : upto) {
    const auto& [object_id, giver] = whose;
    BONGSU_TRY(const auto all, snapshot.rows_of(rows.view, object_id));
    BONGSU_TRY(const auto here, snapshot.versions(rows.collection, object_id));  // not what was deleted
    std::map<std::string, std::string> newest;  // by giver: of what was ever released here
    std::vector<std::pair<journal::OutboxRow, journal::Entry>> released;
    for (const auto& row : all) {
      BONGSU_TRY(journal::Entry entry, snapshot.entry(row.seq));
      std::string& key = newest[entry.origin];
      key = std::max(key, key_told(entry));
      released.emplace_back(row, std::move(entry));
    }
    // What a plan withdrew was told by it to whoever was handed it. Without one: the content was erased, or another
    // copy of the version took its place.
    const auto untold = [&](const journal::Entry& entry) {
      const bool deleted = std::ranges::find(here, entry.seq, &journal::Entry::seq) == here.end();
      // Where a stricter version followed, whoever may not have that one lost this by a plan.
      if (entry.erased)
        return !deleted && !took_from_all(entry) &&
               (!refuses(entry.origin, object_id, key_told(entry), UINT64_MAX) ||
                key_told(entry) < newest[entry.origin]);
      const auto is_it = [&](const journal::Entry& other) { return !other.erased && same_version(entry, other); };
      return std::ranges::any_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(standing),
                                 [&](const RecallPlace& place) { return is_it(place.entry); }) ||
             (rows.before && deleted && std::ranges::any_of(here, is_it));
    };
    std::vector<RecallPlace> gone;
    std::vector<journal::Entry> stay;
    for (auto& [row, entry] : released) {
      if (!row.withdrawn && std::ranges::find(rows.seqs, row.seq) != rows.seqs.end()) continue;
      if (!row.withdrawn)
        stay.push_back(std::move(entry));
      else if ((giver.empty() || entry.origin == giver) && up_to(bound, key_told(entry)) && untold(entry))
        gone.push_back({std::move(entry), row.pos});
    }
    for (RecallPlace& place : gone)
      if (std::ranges::none_of(stay, [&](const auto& entry) { return same_version(entry, place.entry); }) &&
          !is_taken(rows, place))
        out.push_back(std::move(place));
  }
  return out;
}

// Whether an order of before took what stands there.
bool Recall::is_taken(const Rows& rows, const RecallPlace& place) const {
  const journal::ViewId origin = release_.origin_of(rows.view);
  const std::string key = key_told(place.entry);
  const std::lock_guard lock(mutex_);
  for (auto it = orders_.lower_bound({rows.member, 0}); it != orders_.end() && it->first.first == rows.member; ++it) {
    const RecallOrder& order = it->second;
    const auto handed = order.handed.find(origin);
    if (handed == order.handed.end() || place.pos > handed->second || !order.unsettled.empty() || order.fetched)
      continue;
    if (std::ranges::any_of(order.objects, [&](const RecallRange& range) {
          return range.object_id == place.entry.object_id && up_to(key_of_version(range.version), key);
        }))
      return true;
  }
  return false;
}

Result<void> Recall::add_orders(Plan& plan, const std::vector<Rows>& rows, const RecallWish& words,
                                const std::string& parent, journal::Batch& batch) {
  struct Found {
    std::set<std::string> givers;
    std::map<journal::ViewId, journal::Pos> handed;
    std::map<std::string, std::string> objects;  // id → newest version that was handed out
    std::map<std::string, std::string> fetched;  // the same by TAXII
    std::string label;
    std::map<std::string, std::map<std::string, std::pair<std::string, journal::Pos>>> unsettled;  // collection → id
  };
  std::map<std::string, Found> found;  // by member
  const auto snapshot = journal_.snapshot();
  const auto widen = [](std::string& version, const std::string& other) {
    if (version.empty() || other.empty())
      version.clear();
    else if (key_of_version(other) > key_of_version(version))
      version = other;
  };
  for (const Rows& part : rows) {
    Mark mark;
    {
      const std::lock_guard lock(mutex_);
      const auto at = marks_.find({part.member, part.collection});
      if (at != marks_.end())
        mark = at->second;
      else
        mark.exact = exact_from_start_;
    }
    BONGSU_TRY(const auto places, offered(part, mark, *snapshot));
    for (const auto& [entry, pos] : places) {
      const bool fetched = pos <= mark.fetched;
      const bool handed = pos <= mark.pos || has_by_hand(part.member, entry);
      if (!handed && mark.exact && !fetched) continue;  // it was never handed this
      Found& member = found[part.member];
      member.givers.insert(entry.origin);
      member.handed[release_.origin_of(part.view)] = mark.pos;
      const std::string version = version_told(entry);
      if (handed) {
        const auto [at, fresh] = member.objects.emplace(entry.object_id, version);
        if (!fresh) widen(at->second, version);
        member.label = joined(member.label, std::string(stored_label(entry.label)));
        continue;
      }
      if (fetched) {
        const auto [at, fresh] = member.fetched.emplace(entry.object_id, version);
        if (!fresh) widen(at->second, version);
        member.label = joined(member.label, std::string(stored_label(entry.label)));
        continue;
      }
      // The oldest row decides whether anything is told; the newest version, how much.
      const auto [at, fresh] = member.unsettled[part.collection].emplace(entry.object_id, std::pair(version, pos));
      if (!fresh) {
        widen(at->second.first, version);
        at->second.second = std::min(at->second.second, pos);
      }
    }
  }
  const Instant now = clock_.now();
  for (auto& [member, what] : found) {
    std::uint64_t number = decided_now(member);
    const std::uint64_t before = number;
    RecallOrder order{.member = member, .reason = words.reason, .issued = now, .deadline = now + words.deadline};
    order.by = words.by;
    order.note = words.note;
    if (!parent.empty()) order.parents = {parent};
    order.givers = what.givers;
    order.handed = what.handed;
    order.label = what.label;
    const auto put = [&] {
      if (order.objects.empty()) return;
      order.number = ++number;
      batch.states.push_back({std::string(kRecallOrders), numbered_key(member, order.number), order_state(order)});
      if (order.unsettled.empty()) batch.entries.push_back(note_of_order(order));
      plan.orders.push_back(order);
      order.objects.clear();
      order.unsettled.clear();
    };
    for (const auto& [id, version] : what.objects) {
      order.objects.push_back({id, version});
      if (order.objects.size() == kMaxTombstoneObjects) put();
    }
    put();
    order.fetched = true;
    for (const auto& [id, version] : what.fetched) {
      order.objects.push_back({id, version});
      if (order.objects.size() == kMaxTombstoneObjects) put();
    }
    put();
    order.fetched = false;
    for (const auto& [collection, objects] : what.unsettled) {
      for (const auto& [id, row] : objects) {
        order.objects.push_back({id, row.first});
        order.unsettled.emplace_back(collection, row.second);
        if (order.objects.size() == kMaxTombstoneObjects) put();
      }
      put();
    }
    // No number is used twice, whatever becomes of its order.
    if (number > before) batch.states.push_back({std::string(kRecallNumbers), member, std::to_string(number)});
  }
  return {};
}

void Recall::made_durable(Plan&& plan) {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    for (RecallOrder& order : plan.adopted) orders_[{order.member, order.number}].parents = order.parents;
    for (RecallOrder& order : plan.orders) {
      std::uint64_t& last = last_number_[order.member];
      last = std::max(last, order.number);
      log_.info("recall.ordered", {{"member", order.member},
                                   {"number", fmt::format("{}", order.number)},
                                   {"reason", std::string(to_string(order.reason))},
                                   {"objects", fmt::format("{}", order.objects.size())}});
      orders_[{order.member, order.number}] = std::move(order);
    }
    put_tombstones(plan);
    if (!plan.orders.empty()) callbacks = callbacks_;
  }
  ++withdrawals_;
  plan.recording = {};
  plan.still = {};
  for (const auto& callback : callbacks) callback();
}

// Under mutex_.
void Recall::put_tombstones(const Plan& plan) {
  for (const auto& [name, bounds] : plan.tombstones) {
    auto& list = tombstones_[name.first];
    const auto at = std::ranges::find(list, name.second, &std::pair<std::string, RecallBounds>::first);
    if (at == list.end())
      list.emplace_back(name.second, bounds);
    else
      at->second = bounds;
  }
}

void Recall::bar(Plan& plan, journal::Batch& batch, const std::string& object_id, std::string_view version) {
  RecallBounds bounds;
  bounds.add_for_good(key_of_version(version));
  add_tombstone(plan, batch, object_id, options_.self, bounds);
}

void Recall::bar_raised(Plan& plan, journal::Batch& batch, const std::string& object_id, std::string_view version) {
  RecallBounds bounds;
  bounds.add_raised(key_of_version(version));
  add_tombstone(plan, batch, object_id, options_.self, bounds);
}

bool Recall::took_from_all(const journal::Entry& entry) const {
  const std::lock_guard lock(mutex_);
  const RecallBounds* bounds = bounds_of(entry.origin, entry.object_id);
  return bounds != nullptr && bounds->took(key_told(entry));
}

Result<std::vector<RecallRange>> Recall::add_derived(journal::Snapshot& snapshot, const Release::Readers& readers,
                                                     const std::vector<std::string>& objects, std::string_view except,
                                                     std::vector<Rows>& rows) {
  std::set<std::string> derived;
  if (options_.referrers)
    for (const auto& object : objects) {
      BONGSU_TRY(auto found, options_.referrers(object));
      for (auto& id : found)
        if (id.starts_with("relationship--") || id.starts_with("sighting--")) derived.insert(std::move(id));
    }
  std::vector<RecallRange> out;
  for (const auto& id : derived) {
    BONGSU_TRY(const auto entries, snapshot.versions("", id));
    bool any = false;
    std::string newest;
    for (const auto& entry : entries) {
      if (entry.erased || entry.origin != options_.self) continue;
      any = true;
      if (key_told(entry) > key_of_version(newest)) newest = entry.version;
      for (const auto& reader : readers(entry.collection))
        if (reader.member != except)
          rows.push_back(
              {.view = reader.view, .member = reader.member, .collection = entry.collection, .seqs = {entry.seq}});
    }
    if (any) out.push_back({id, newest});
  }
  return out;
}

void Recall::withdraw(const std::vector<Rows>& rows, journal::Batch& batch) {
  std::map<journal::ViewId, std::set<journal::Seq>> by_view;
  for (const Rows& part : rows) by_view[part.view].insert(part.seqs.begin(), part.seqs.end());
  for (const auto& [view, seqs] : by_view)
    batch.outbox.push_back({.view = view, .withdraw = {seqs.begin(), seqs.end()}});
}

// Members whose agreement leaves a collection out, or was ended: what they have of it is taken back. Not from whom
// nothing is agreed with as long as a charter is not in force, nor when an agreement has run out or is stopped.
Result<void> Recall::take_back_left() {
  const auto state = release_.state();
  if (!state) return {};
  const auto left = [&](const std::string& member) {
    return state->charter_version == 0 || state->agreements.contains(member);
  };
  std::set<std::string> collections;
  BONGSU_TRY(const auto views, journal_.views());
  for (const auto& view : views) collections.insert(view.collection);
  for (const auto& collection : collections) {
    for (bool more = true; more;) {
      more = false;
      Plan plan;
      BONGSU_TRY_VOID(release_.with_arrangement([&](const Release::Readers& readers, std::uint64_t) -> Result<void> {
        const auto all = readers(collection);
        const auto stays = [&](journal::ViewId view) {
          return std::ranges::any_of(
              all, [&](const auto& reader) { return reader.view == view && (reader.covered || !left(reader.member)); });
        };
        const auto snapshot = journal_.snapshot();
        std::vector<Rows> rows;
        std::map<journal::ViewId, std::vector<journal::Seq>> seqs;
        for (const auto& reader : all) {
          if (reader.covered || !left(reader.member) || stays(reader.view)) continue;
          if (!seqs.contains(reader.view)) {
            journal::OutboxQuery query{.view = reader.view, .last = false, .all = true, .limit = kTakeBackBatch};
            BONGSU_TRY(const auto page, snapshot->page(query));
            for (const auto& row : page.rows) seqs[reader.view].push_back(row.seq);
            more = more || page.more;
          }
          if (!seqs[reader.view].empty())
            rows.push_back(
                {.view = reader.view, .member = reader.member, .collection = collection, .seqs = seqs[reader.view]});
        }
        if (rows.empty()) return {};
        journal::Batch batch;
        BONGSU_TRY(plan, plan_withdrawal(rows, RecallReason::kNarrowed, batch));
        withdraw(rows, batch);
        BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
        return {};
      }));
      if (!plan.orders.empty()) made_durable(std::move(plan));
    }
  }
  return {};
}

}  // namespace bongsu::flow
