#include "flow/recall.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "flow/facts.h"
#include "flow/recall_states.h"

namespace bongsu::flow {

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

// ── Tombstones ──────────────────────────────────────────────────────────────────────────────────────────────────────

bool Recall::refuses(std::string_view origin, const std::string& object_id, std::string_view version_key,
                     std::uint64_t after) const {
  const std::lock_guard lock(mutex_);
  const RecallBounds* bounds = bounds_of(origin, object_id);
  return bounds != nullptr && bounds->refuses(version_key, after);
}

// Under mutex_.
const RecallBounds* Recall::bounds_of(std::string_view giver, const std::string& object_id) const {
  const auto found = tombstones_.find(object_id);
  if (found == tombstones_.end()) return nullptr;
  const auto at = std::ranges::find(found->second, giver, &std::pair<std::string, RecallBounds>::first);
  return at == found->second.end() ? nullptr : &at->second;
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
    if (const RecallBounds* before = bounds_of(giver, object_id)) planned->second.add(*before);
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
    // Whether it was here is not told by what was made of it, which others may not know of: that goes alone then.
    const bool of_it =
        any || std::ranges::any_of(plan.orders, [&](const RecallOrder& order) {
          return std::ranges::find(order.objects, wish.object_id, &RecallRange::object_id) != order.objects.end();
        });
    if (!of_it && derived.empty())
      return fail(ErrorCode::kNotFound, fmt::format("there is no object {} here", wish.object_id));
    if (wish.preview) {
      for (const auto& entry : entries)
        if (!entry.erased && wish.destroy_here) ++outcome.destroyed;
      return {};
    }
    withdraw(rows, batch);
    if (of_it) bar(plan, batch, wish.object_id, newest);
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
