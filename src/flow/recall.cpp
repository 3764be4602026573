#include "flow/recall.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "flow/facts.h"
#include "flow/recall_states.h"
#include "policy/label.h"
#include "stix/object.h"

namespace bongsu::flow {
namespace {

// Whether one copy stands for the other: the same version, or the same content of an object without versions.
bool same_version(const journal::Entry& a, const journal::Entry& b) {
  if (a.object_id != b.object_id || a.versioned != b.versioned) return false;
  return a.versioned ? a.version_key == b.version_key : a.hash == b.hash;
}

// An object without versions has its date_added for one here, which others do not know: all of it is meant.
std::string version_told(const journal::Entry& entry) {
  return entry.version == Instant::from_micros(entry.added_us).text(6) ? std::string() : entry.version;
}

std::string key_of_version(std::string_view version) {
  const auto parsed = stix::Timestamp::parse(version);
  return parsed ? parsed->key() : std::string();
}

// As a tombstone means it: empty for an object without versions.
std::string key_told(const journal::Entry& entry) {
  return version_told(entry).empty() ? std::string() : entry.version_key;
}

std::string joined(const std::string& a, const std::string& b) {
  if (a.empty() || a == b) return b;
  const auto la = policy::Label::parse(a), lb = policy::Label::parse(b);
  return la && lb ? policy::join(*la, *lb).text() : a;
}

// One by its id, more by their number: the tombstone names them.
void add_objects(JsonObject& details, const std::vector<RecallRange>& objects) {
  details["objects"] = objects.size();
  if (objects.size() == 1) details["object"] = objects.front().object_id;
}

// Somebody may have it still.
bool is_open(const RecallOrder& order) { return !order.receipt || order.receipt->onward_open > 0; }

constexpr std::string_view kCleanKey = "clean", kCleanOfAll = "all", kCleanOfSome = "some";

bool follows(const RecallOrder& order, const std::string& tombstone) {
  return std::ranges::find(order.parents, tombstone) != order.parents.end();
}

std::set<std::string> ids_of(const Tombstone& tombstone) {
  std::set<std::string> out;
  for (const auto& range : tombstone.objects) out.insert(range.object_id);
  return out;
}

}  // namespace

struct RecallPlace {
  journal::Entry entry;
  journal::Pos pos = 0;
};

Recall::Recall(journal::Journal& journal, Release& release, RecallOptions options, const Clock& clock, Log& log)
    : journal_(journal), release_(release), options_(std::move(options)), clock_(clock), log_(log) {}
Recall::~Recall() = default;

Result<std::unique_ptr<Recall>> Recall::load(journal::Journal& journal, Release& release, RecallOptions options,
                                             const Clock& clock, Log& log) {
  std::unique_ptr<Recall> out(new Recall(journal, release, std::move(options), clock, log));
  BONGSU_TRY_VOID(out->read_states());
  Recall* recall = out.get();
  release.set_watch(
      {.withdrawing = [recall](const std::vector<Release::Watch::Withdrawn>& gone,
                               journal::Batch& batch) -> Result<std::function<void(bool)>> {
         std::vector<Rows> rows;
         for (const auto& one : gone)
           for (const auto& member : one.members)
             rows.push_back({.view = one.view, .member = member, .collection = one.collection, .seqs = one.seqs});
         BONGSU_TRY(Plan plan, recall->plan_withdrawal(rows, RecallReason::kNarrowed, batch));
         auto held = std::make_shared<Plan>(std::move(plan));
         return [recall, held](bool written) {
           if (written) recall->made_durable(std::move(*held));
           held->still = {};
         };
       },
       .barred = [recall](const std::string& id, std::string_view version) { return recall->barred(id, version); },
       .arranged = [recall] { return recall->take_back_left(); }});
  return out;
}

Result<void> Recall::read_states() {
  const auto corrupt = [](std::string_view space, const std::string& key) {
    return fail(ErrorCode::kCorrupt, "what is known of recalls cannot be read",
                {.source = fmt::format("state {}/{}", space, key)});
  };
  BONGSU_TRY(const auto orders, journal_.states(kRecallOrders));
  for (const auto& [key, text] : orders) {
    BONGSU_TRY(auto order, parse_order_state(key, text));
    orders_.emplace(std::pair(order.member, order.number), std::move(order));
  }
  BONGSU_TRY(const auto taken, journal_.states(kRecallTaken));
  for (const auto& [key, text] : taken) {
    BONGSU_TRY(auto state, parse_taken_state(key, text));
    const std::pair name(state.recall.from, state.recall.number);
    taken_.emplace(name, std::make_unique<TakenState>(std::move(state)));
  }
  BONGSU_TRY(const auto tombstones, journal_.states(kRecallTombstones));
  for (const auto& [key, text] : tombstones) {
    const auto slash = key.find('/');
    auto bounds = RecallBounds::parse(text);
    if (slash == std::string::npos || !bounds) return corrupt(kRecallTombstones, key);
    tombstones_[key.substr(slash + 1)].emplace_back(key.substr(0, slash), std::move(*bounds));
  }
  for (const auto& [name, order] : orders_) last_number_[name.first] = std::max(last_number_[name.first], name.second);
  BONGSU_TRY(const auto numbers, journal_.states(kRecallNumbers));
  for (const auto& [member, text] : numbers) {
    BONGSU_TRY(const std::uint64_t number, parse_number_state(kRecallNumbers, member, text));
    last_number_[member] = std::max(last_number_[member], number);
  }
  BONGSU_TRY(const auto asked, journal_.states(kRecallAsked));
  for (const auto& [giver, text] : asked) {
    BONGSU_TRY(asked_[giver], parse_number_state(kRecallAsked, giver, text));
  }
  BONGSU_TRY(const auto later, journal_.states(kRecallLater));
  for (const auto& [key, text] : later) {
    const auto slash = key.find('/');
    if (slash == std::string::npos) return corrupt(kRecallLater, key);
    BONGSU_TRY(auto copies, parse_later_state(key, text));
    later_count_ += copies.size();
    later_.emplace(std::pair(key.substr(0, slash), key.substr(slash + 1)), std::move(copies));
  }
  BONGSU_TRY_VOID(read_by_hand());
  BONGSU_TRY(const auto marks, journal_.states(kRecallMarks));
  // After a stop in good order everything that was handed out is written down, and of whom it is known; after a crash,
  // and for a journal that is older than this record, it is not.
  std::string_view clean;
  for (const auto& [key, text] : marks)
    if (key == kCleanKey) clean = text;
  for (const auto& [key, text] : marks) {
    if (key == kCleanKey) continue;
    const auto slash = key.find('/');
    const auto json = parse_json(text);
    if (slash == std::string::npos || !json || !json->is_array() || json->get_array().size() != 3)
      return corrupt(kRecallMarks, key);
    const auto number = [&](std::size_t i) {
      const Json& value = json->get_array()[i];
      return value.is_int64() || value.is_uint64() ? value.to_number<journal::Pos>() : 0;
    };
    Mark& mark = marks_[{key.substr(slash + 1), key.substr(0, slash)}];
    mark.pos = mark.written = number(0);
    mark.fetched = mark.fetched_written = number(1);
    mark.exact = !clean.empty() && number(2) == 1;
  }
  exact_from_start_ = clean == kCleanOfAll || journal_.last_seq() == 0;
  if (clean.empty()) return {};
  journal::Batch batch;
  batch.states.push_back({std::string(kRecallMarks), std::string(kCleanKey), std::nullopt});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  return {};
}

// ── Handing out ─────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── Tombstones ──────────────────────────────────────────────────────────────────────────────────────────────────────

bool Recall::refuses(std::string_view origin, const std::string& object_id, std::string_view version_key,
                     std::uint64_t after) const {
  const std::lock_guard lock(mutex_);
  const auto found = tombstones_.find(object_id);
  return found != tombstones_.end() && std::ranges::any_of(found->second, [&](const auto& tombstone) {
           return tombstone.first == origin && tombstone.second.refuses(version_key, after);
         });
}

std::optional<std::string> Recall::recalled_by(const std::string& object_id, std::string_view version_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = tombstones_.find(object_id);
  if (found == tombstones_.end()) return std::nullopt;
  for (const auto& [giver, bounds] : found->second)
    if (giver != options_.self && bounds.refuses(version_key, 0)) return giver;
  return std::nullopt;
}

void Recall::add_tombstone(Plan& plan, journal::Batch& batch, const std::string& object_id, const std::string& giver,
                           const RecallBounds& bounds) {
  const auto [planned, fresh] = plan.tombstones.emplace(std::pair(object_id, giver), bounds);
  if (fresh) {
    const std::lock_guard lock(mutex_);
    if (const auto found = tombstones_.find(object_id); found != tombstones_.end())
      for (const auto& [member, before] : found->second)
        if (member == giver) planned->second.add(before);
  } else {
    planned->second.add(bounds);
  }
  batch.states.push_back(
      {std::string(kRecallTombstones), fmt::format("{}/{}", giver, object_id), planned->second.text()});
}

void Recall::note_later(std::string_view origin, const std::string& object_id, std::string_view version_key,
                        std::uint64_t after, std::vector<journal::StateChange>& states) {
  const std::lock_guard lock(mutex_);
  const auto asked = asked_.find(origin);
  if (after == 0 || (asked != asked_.end() && after <= asked->second)) return;
  if (later_count_ >= kMaxLaterCopies) {
    log_.warn("recall.later_full", {{"from", std::string(origin)}, {"object", object_id}});
    return;  // a tombstone that comes takes it then: too much is destroyed, never too little
  }
  LaterCopies& copies = later_[{std::string(origin), object_id}];
  const auto [at, fresh] = copies.emplace(version_key, after);
  if (fresh)
    ++later_count_;
  else if (at->second >= after)
    return;
  at->second = after;
  states.push_back({std::string(kRecallLater), fmt::format("{}/{}", origin, object_id), later_state(copies)});
}

// How many tombstones there were when the giver decided that this copy may be had, as far as that is to be known.
std::uint64_t Recall::later_than(std::string_view giver, const std::string& object_id,
                                 const std::string& version_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = later_.find({std::string(giver), object_id});
  if (found == later_.end()) return 0;
  const auto at = found->second.find(version_key);
  return at == found->second.end() ? 0 : at->second;
}

Result<void> Recall::asked(std::string_view from, std::uint64_t upto) {
  journal::Batch batch;
  std::vector<std::pair<std::string, std::string>> changed;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = asked_.find(from); at != asked_.end() ? at->second >= upto : upto == 0) return {};
  }
  // Nothing is admitted meanwhile: what is noted and what is forgotten do not cross.
  const std::unique_lock nothing_comes(admitting_);
  std::vector<std::pair<std::pair<std::string, std::string>, LaterCopies>> kept;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = later_.lower_bound({std::string(from), ""}); it != later_.end() && it->first.first == from; ++it) {
      LaterCopies rest = it->second;
      std::erase_if(rest, [&](const auto& copy) { return copy.second <= upto; });
      if (rest.size() == it->second.size()) continue;
      batch.states.push_back({std::string(kRecallLater), fmt::format("{}/{}", it->first.first, it->first.second),
                              rest.empty() ? std::nullopt : std::optional(later_state(rest))});
      kept.emplace_back(it->first, std::move(rest));
    }
  }
  batch.states.push_back({std::string(kRecallAsked), std::string(from), std::to_string(upto)});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  const std::lock_guard lock(mutex_);
  std::uint64_t& known = asked_[std::string(from)];
  known = std::max(known, upto);
  for (auto& [name, rest] : kept) {
    const auto at = later_.find(name);
    later_count_ -= at->second.size() - rest.size();
    if (rest.empty())
      later_.erase(at);
    else
      at->second = std::move(rest);
  }
  return {};
}

// ── Planning ────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    // What a plan withdrew was told by it to whoever was handed it. Without one: the content was erased, or another
    // copy of the version took its place.
    const auto untold = [&](const journal::Entry& entry) {
      const bool deleted = std::ranges::find(here, entry.seq, &journal::Entry::seq) == here.end();
      if (entry.erased) return !deleted && !refuses(entry.origin, object_id, key_told(entry), UINT64_MAX);
      const auto is_it = [&](const journal::Entry& other) { return !other.erased && same_version(entry, other); };
      return std::ranges::any_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(standing),
                                 [&](const RecallPlace& place) { return is_it(place.entry); }) ||
             (rows.before && deleted && std::ranges::any_of(here, is_it));
    };
    std::vector<RecallPlace> gone;
    std::vector<journal::Entry> stay;
    for (const auto& row : all) {
      if (!row.withdrawn && std::ranges::find(rows.seqs, row.seq) != rows.seqs.end()) continue;
      BONGSU_TRY(journal::Entry entry, snapshot.entry(row.seq));
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

Result<std::vector<RecallRange>> Recall::add_derived(journal::Snapshot& snapshot, const Release::Readers& readers,
                                                     const std::vector<std::string>& objects, std::string_view except,
                                                     std::vector<Rows>& rows) {
  std::set<std::string> derived;
  if (options_.referrers)
    for (const auto& object : objects)
    {
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

// ── Recalling ───────────────────────────────────────────────────────────────────────────────────────────────────────

Result<RecallOutcome> Recall::recall(const RecallWish& wish) {
  if (wish.note.size() > kMaxRecallNote)
    return fail(ErrorCode::kTooLarge, fmt::format("a note has at most {} bytes", kMaxRecallNote));
  if (wish.deadline <= std::chrono::seconds{0})
    return fail(ErrorCode::kInvalid, "a deadline lies ahead", {.field = "deadline"});
  RecallOutcome outcome;
  Plan plan;
  // Nothing of it is admitted while its copies are destroyed.
  std::unique_lock<FairSharedMutex> nothing_comes(admitting_, std::defer_lock);
  if (wish.destroy_here) nothing_comes.lock();
  if (!wish.preview) {
    BONGSU_TRY(const auto copies, journal_.snapshot()->versions("", wish.object_id));
    for (const auto& copy : copies)
      if (!copy.erased && copy.origin != options_.self) BONGSU_TRY_VOID(release_.part_giver(facts_or_deny(copy)));
  }
  BONGSU_TRY_VOID(release_.with_arrangement([&](const Release::Readers& readers, std::uint64_t) -> Result<void> {
    plan.still = std::unique_lock(handing_out_);
    const auto snapshot = journal_.snapshot();
    BONGSU_TRY(const auto entries, snapshot->versions("", wish.object_id));
    std::vector<Rows> rows;
    std::set<std::string> givers;
    std::map<std::string, std::vector<const journal::Entry*>> stored;  // by collection
    std::string newest;
    bool any = false, all = false;
    for (const auto& entry : entries) {
      const std::string version = version_told(entry);
      if (version.empty()) all = true;
      if (key_of_version(version) > key_of_version(newest)) newest = version;
      auto& there = stored[entry.collection];
      if (entry.erased) continue;  // whoever was handed it before has it
      any = true;
      givers.insert(entry.origin);
      there.push_back(&entry);
    }
    if (all) newest.clear();
    for (const auto& [collection, there] : stored)
      for (const auto& reader : readers(collection)) {
        Rows part{.view = reader.view,
                  .member = reader.member,
                  .collection = collection,
                  .seqs = {},
                  .before = Rows::Before{wish.object_id, key_of_version(newest), ""}};
        // What a member gave is not taken from it: it goes on seeing that, as after any other recall.
        for (const auto* entry : there)
          if (entry->origin != reader.member) part.seqs.push_back(entry->seq);
        rows.push_back(std::move(part));
      }
    BONGSU_TRY(const auto derived, add_derived(*snapshot, readers, {wish.object_id}, "", rows));
    for (const auto& made : derived) outcome.derived.push_back(made.object_id);
    journal::Batch batch;
    BONGSU_TRY_VOID(add_orders(plan, rows, wish, "", batch));
    // Not by who was given what was made of it: for the others that goes or stays alike.
    if (!any && derived.empty() && plan.orders.empty())
      return fail(ErrorCode::kNotFound, fmt::format("there is no object {} here", wish.object_id));
    if (wish.preview) {
      for (const auto& entry : entries)
        if (!entry.erased && wish.destroy_here) ++outcome.destroyed;
      return {};
    }
    withdraw(rows, batch);
    bar(plan, batch, wish.object_id, newest);
    for (const auto& made : derived) bar(plan, batch, made.object_id, made.version);
    if (wish.destroy_here)
      for (const auto& giver : givers)
        batch.destroy.push_back({.object_id = wish.object_id, .origin = giver, .upto = key_of_version(newest)});
    batch.entries.push_back(note_of("recall", wish));
    BONGSU_TRY(const auto receipt, journal_.append(batch));
    for (const auto count : receipt.destroyed) outcome.destroyed += count;
    return {};
  }));
  for (const auto& order : plan.orders)
    (order.fetched             ? outcome.fetched
     : order.unsettled.empty() ? outcome.told
                               : outcome.unsettled)
        .push_back(order.member);
  for (auto* names : {&outcome.told, &outcome.unsettled, &outcome.fetched})
    names->erase(std::unique(names->begin(), names->end()), names->end());
  if (wish.preview) return outcome;
  log_.info("recall.decided", {{"object", wish.object_id},
                               {"reason", std::string(to_string(wish.reason))},
                               {"by", wish.by},
                               {"members", fmt::format("{}", outcome.told.size())}});
  made_durable(std::move(plan));
  return outcome;
}

journal::NewEntry Recall::note(std::string_view event, JsonObject details) const {
  journal::NewEntry entry;
  entry.kind = journal::EntryKind::kNote;
  entry.object_id = fmt::format("note--{}", event);
  entry.origin = options_.self;
  details["event"] = event;
  details["at"] = clock_.now().text(6);
  entry.payload = to_text(details);
  return entry;
}

journal::NewEntry Recall::note_of(std::string_view event, const RecallWish& wish) const {
  return note(event,
              {{"subject", wish.object_id}, {"reason", to_string(wish.reason)}, {"by", wish.by}, {"note", wish.note}});
}

// A member that fetched it by TAXII is told nothing: nobody can confirm it, and the log of the pair does not say it.
journal::NewEntry Recall::note_of_order(const RecallOrder& order) const {
  JsonObject details{{"member", order.member}, {"number", order.number}, {"reason", to_string(order.reason)}};
  add_objects(details, order.objects);
  if (order.fetched) return note("recall.exposed", std::move(details));
  details["tombstone"] = to_hex(sha256(tombstone_of(order).text()));
  return note("recall.tombstone", std::move(details));
}

// ── Between members ─────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── For people ──────────────────────────────────────────────────────────────────────────────────────────────────────

std::vector<RecallOrder> Recall::orders(std::string_view object_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<RecallOrder> out;
  for (const auto& [name, order] : orders_)
    if (object_id.empty() ||
        std::ranges::find(order.objects, object_id, &RecallRange::object_id) != order.objects.end())
      out.push_back(order);
  return out;
}

bool Recall::was_given(std::string_view member, std::string_view collection, const std::string& object_id,
                       std::string_view version, journal::Pos pos, bool erased) const {
  const std::lock_guard lock(mutex_);
  const auto mark = marks_.find({std::string(member), std::string(collection)});
  if (mark == marks_.end()) return !exact_from_start_;
  if (!mark->second.exact) return true;
  // Beyond what it was handed, or passed over as withdrawn: then nobody told it that this one is gone.
  if (pos > std::max(mark->second.pos, mark->second.fetched)) return false;
  if (erased) return true;  // which is no recall: nobody was told of it, whoever had it
  const std::string key = key_of_version(version);
  for (auto it = orders_.lower_bound({std::string(member), 0}); it != orders_.end() && it->first.first == member; ++it)
    for (const RecallRange& range : it->second.objects)
      if (range.object_id == object_id && up_to(key_of_version(range.version), key)) return true;
  return false;
}

std::vector<TakenRecall> Recall::taken(std::string_view object_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<TakenRecall> out;
  for (const auto& [name, taken] : taken_)
    if (object_id.empty() ||
        std::ranges::find(taken->recall.objects, object_id, &RecallRange::object_id) != taken->recall.objects.end())
      out.push_back(taken->recall);
  return out;
}

std::vector<RefusedRecall> Recall::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

void Recall::on_order(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  callbacks_.push_back(std::move(callback));
}

}  // namespace bongsu::flow
