#include "flow/release.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#include "flow/release_plan.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kPlaces = "release.places";    // "<collection>/<member>" → Place
constexpr std::string_view kOrigins = "release.origins";  // "<view>" → first view of its chain
constexpr std::uint32_t kBackfillBatch = 1000;            // entries decided again in one commit
constexpr int kMaxSplitsPerDecision = 64;  // a view is split in two at each; more means that something turns in circles

std::unexpected<Error> nothing_to_read() {
  return fail(ErrorCode::kNotFound, "there is no such collection, or none that this member may read");
}

std::string place_key(std::string_view collection, std::string_view member) {
  return fmt::format("{}/{}", collection, member);
}

}  // namespace

struct Release::Impl {
  Impl(journal::Journal& j, const Clock& c, Log& l) : journal(j), clock(c), log(l) {}

  journal::Journal& journal;
  const Clock& clock;
  Log& log;

  // Held while the arrangement changes and while a batch of a backfill is written. Taken before `mutex`, never the
  // other way round.
  std::mutex changing;

  // What readers and deciders look at; held for moments only.
  mutable std::shared_mutex mutex;
  mutable std::condition_variable_any published;
  std::shared_ptr<const policy::PolicyState> gate;                    // the state as it was applied
  std::shared_ptr<const policy::PolicyState> reading;                 // who may read now: by the agreement that outboxes follow
  std::shared_ptr<const policy::PolicyState> state_with_epoch;        // `gate` with the epoch of `plan`
  std::map<std::pair<std::string, std::string>, std::string> wanted;  // (collection, member) → class terms under `gate`
  std::set<std::string> collections;                                  // every one that apply() named
  std::shared_ptr<const Plan> plan;                                   // nullptr before the first apply()
  std::map<journal::ViewId, journal::ViewId> origins;                 // only views that continue another
  std::map<std::string, std::map<policy::MemberId, Place>> stored_places;  // as loaded; the first plan begins with them
  int serial = 0;  // makes keys of views unique within an epoch; under `changing`
  Watch watch;

  void renew_state() {  // under `mutex`
    if (!gate) return;
    auto next = std::make_shared<policy::PolicyState>(*gate);
    next->epoch = plan ? plan->epoch : 0;
    state_with_epoch = std::move(next);
  }

  std::shared_ptr<const Plan> current() const {
    const std::shared_lock lock(mutex);
    return plan;
  }

  // ── Arranging (all under `changing`) ─────────────────────────────────────────────────────────────────────────────
  struct Draft {
    Plan plan;
    std::vector<journal::StateChange> states;
    std::map<journal::ViewId, journal::ViewId> origins;

    void put(const std::string& collection, const policy::MemberId& member, Place place) {
      states.push_back({.space = std::string(kPlaces), .key = place_key(collection, member), .value = place.text()});
      plan.places[collection][member] = std::move(place);
    }
  };

  Result<journal::ViewId> make_view(Draft& draft, const std::string& collection, const std::string& terms,
                                    journal::ViewId copy_of, bool compact) {
    // A key is used once in the life of a journal: a view that was left over by a crash is never mistaken for a new
    // one.
    const std::string key = fmt::format("{}@{}.{}", terms.empty() ? "none" : terms, draft.plan.epoch, ++serial);
    BONGSU_TRY(const journal::View view, journal.create_view(collection, key, copy_of, compact));
    if (copy_of != 0 && !compact) {
      const auto root = origins.find(copy_of);
      const journal::ViewId first = root == origins.end() ? copy_of : root->second;
      draft.origins[view.id] = first;
      draft.states.push_back(
          {.space = std::string(kOrigins), .key = fmt::format("{}", view.id), .value = fmt::format("{}", first)});
    }
    return view.id;
  }

  Result<void> publish(Draft draft) {
    if (!draft.states.empty()) {
      journal::Batch batch;
      batch.states = std::move(draft.states);
      BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(batch));
    }
    draft.plan.find_classes();
    auto next = std::make_shared<const Plan>(std::move(draft.plan));
    {
      const std::unique_lock lock(mutex);
      plan = std::move(next);
      origins.merge(draft.origins);
      renew_state();
    }
    published.notify_all();
    return {};
  }

  Result<std::uint64_t> next_epoch(std::uint64_t before) {
    const std::uint64_t epoch = std::max(journal.epoch(), before) + 1;
    // From here on the journal refuses what was decided under the old arrangement.
    BONGSU_TRY_VOID(journal.set_epoch(epoch));
    return epoch;
  }

  // After a change that failed half-way (a full disk) the journal is an epoch ahead: the old arrangement goes on under
  // it.
  Result<void> resync() {
    const auto now = current();
    if (!now || now->epoch >= journal.epoch()) return {};
    Draft draft{.plan = *now};
    draft.plan.epoch = journal.epoch();
    return publish(std::move(draft));
  }

  // Members that need another view, all of one collection, with equal terms, and coming from the same view (0: they had
  // none).
  struct Group {
    std::string collection;
    journal::ViewId from = 0;
    std::string terms;  // wanted; empty: no agreement any more
    std::vector<policy::MemberId> members;
  };

  std::vector<Group> groups_to_move(const Plan& old, const policy::PolicyState& content,
                                    const std::set<std::string>& all) const {
    std::map<std::tuple<std::string, journal::ViewId, std::string>, std::vector<policy::MemberId>> found;
    for (const auto& collection : all) {
      std::set<policy::MemberId> members{content.self};
      for (const auto& [member, _] : content.agreements) members.insert(member);
      if (const auto places = old.places.find(collection); places != old.places.end())
        for (const auto& [member, _] : places->second) members.insert(member);
      for (const auto& member : members) {
        const std::string terms = class_terms(content, member, collection);
        const Place* place = old.place(collection, member);
        if (place == nullptr ? terms.empty() : place->terms == terms) continue;
        found[{collection, place == nullptr ? 0 : place->view, terms}].push_back(member);
      }
    }
    std::vector<Group> out;
    for (auto& [key, members] : found)
      out.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::move(members)});
    return out;
  }

  // What has to be looked at in all entries before a group can be placed: whether its members were always decided
  // equally, and for members that had no view whether one of an existing class was.
  struct Comparison {
    Partition partition;
    std::map<policy::MemberId, journal::ViewId> candidates;  // one member of each view that could be shared
    journal::Seq cursor = 0;
  };

  Result<void> compare(Comparison& comparison, const std::string& collection,
                       const policy::PolicyState& content) const {
    if (comparison.partition.members().size() < 2) return {};
    for (;;) {
      BONGSU_TRY(const auto entries,
                 journal.snapshot()->collection_entries(collection, comparison.cursor, kBackfillBatch));
      for (const auto& entry : entries) comparison.partition.refine(facts_or_deny(entry), content);
      if (entries.empty()) return {};
      comparison.cursor = entries.back().seq;
    }
  }

  Result<bool> has_withdrawn_rows(journal::ViewId view) const {
    BONGSU_TRY(const auto page, journal.snapshot()->withdrawn(view, 0, 1));
    return !page.rows.empty();
  }

  // Gives every group its place in the draft. Two equal members who come anew share a view; they share that of an
  // existing class if it shows exactly what they may see, and its history shows nothing else.
  Result<void> place_group(Draft& draft, const Plan& old, const Group& group, const Comparison& comparison) {
    // A part of the group may stay in the view only if all others leave it; and one part only.
    bool may_stay = group.from != 0;
    for (const auto& user : old.users(group.collection, group.from)) {
      const Place* now = draft.plan.place(group.collection, user);
      const bool leaves =
          std::ranges::find(group.members, user) != group.members.end() || (now != nullptr && now->view != group.from);
      if (!leaves) may_stay = false;
    }
    for (const auto& part : parts_of(group, comparison, draft.plan.content)) {
      const bool pending = !group.terms.empty();
      Place place{.terms = group.terms, .pending = pending};
      if (group.from != 0) {
        if (may_stay) {
          place.view = group.from;
          may_stay = false;
          BONGSU_TRY_VOID(journal.rename_view(
              place.view,
              fmt::format("{}@{}.{}", group.terms.empty() ? "none" : group.terms, draft.plan.epoch, ++serial)));
        } else {
          BONGSU_TRY(place.view, make_view(draft, group.collection, group.terms, group.from, false));
        }
      } else {
        journal::ViewId shared = 0;
        for (const auto& [member, view] : comparison.candidates)
          if (comparison.partition.together(member, part.front())) shared = view;
        if (shared != 0) {
          BONGSU_TRY(const bool withdrawn, has_withdrawn_rows(shared));
          place.view = shared;
          place.pending = false;
          if (withdrawn) {
            BONGSU_TRY(place.view, make_view(draft, group.collection, group.terms, shared, true));
          }
        } else {
          BONGSU_TRY(place.view, make_view(draft, group.collection, group.terms, 0, false));
        }
      }
      for (const auto& member : part) draft.put(group.collection, member, place);
    }
    return {};
  }

  static std::vector<std::vector<policy::MemberId>> parts_of(const Group& group, const Comparison& comparison,
                                                             const policy::PolicyState& content) {
    std::vector<std::vector<policy::MemberId>> out;
    if (group.terms.empty()) {
      // Nothing more is decided for them. From whom an agreement gives other collections, what it had of this one may
      // be taken back (Watch::arranged), which the others keep.
      for (const bool agreed : {false, true}) {
        std::vector<policy::MemberId> part;
        for (const auto& member : group.members)
          if (content.agreements.contains(member) == agreed) part.push_back(member);
        if (!part.empty()) out.push_back(std::move(part));
      }
      return out;
    }
    for (auto part : comparison.partition.parts()) {
      std::erase_if(
          part, [&](const auto& member) { return std::ranges::find(group.members, member) == group.members.end(); });
      if (!part.empty()) out.push_back(std::move(part));
    }
    return out;
  }

  // Brings the arrangement in line with the newest applied state.
  Result<void> arrange() {
    policy::PolicyState content;
    std::set<std::string> all;
    std::shared_ptr<const policy::PolicyState> applied;
    {
      const std::shared_lock lock(mutex);
      applied = gate;
      all = collections;
    }
    policy::PolicyState newest = *applied;
    newest.epoch = 0;
    content = content_of(newest);
    const auto before = current();
    Plan old;
    if (before) {
      old = *before;
    } else {
      old.places = stored_places;
    }
    const std::vector<Group> groups = groups_to_move(old, content, all);
    if (before && groups.empty() && newest == old.applied && old.collections == all) return {};

    // Looking through many entries happens before admissions are held up; what is admitted meanwhile is looked at
    // afterwards.
    std::vector<Comparison> comparisons;
    for (const auto& group : groups) {
      Comparison comparison{.partition = Partition(group.members)};
      if (group.from == 0 && !group.terms.empty()) {
        std::vector<policy::MemberId> members = group.members;
        const auto places = old.places.find(group.collection);
        std::set<journal::ViewId> seen;
        if (places != old.places.end() && group.terms != kSelfTerms) {
          for (const auto& [member, place] : places->second) {
            // Its class has to be one that stays as it is.
            if (place.terms != group.terms || place.pending ||
                class_terms(content, member, group.collection) != group.terms || !seen.insert(place.view).second)
              continue;
            comparison.candidates.emplace(member, place.view);
            members.push_back(member);
          }
        }
        comparison.partition = Partition(std::move(members));
      }
      if (!group.terms.empty()) BONGSU_TRY_VOID(compare(comparison, group.collection, content));
      comparisons.push_back(std::move(comparison));
    }

    BONGSU_TRY(const std::uint64_t epoch, next_epoch(old.epoch));
    Draft draft{.plan = old};
    draft.plan.epoch = epoch;
    draft.plan.applied = newest;
    draft.plan.content = content;
    draft.plan.collections = all;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!groups[i].terms.empty()) BONGSU_TRY_VOID(compare(comparisons[i], groups[i].collection, content));
      BONGSU_TRY_VOID(place_group(draft, old, groups[i], comparisons[i]));
    }
    BONGSU_TRY_VOID(publish(std::move(draft)));
    log.info("release.arranged", {{"epoch", fmt::format("{}", epoch)}, {"moved", fmt::format("{}", groups.size())}});
    return {};
  }

  // Splits the view of a class so that those whom the object may go to stand apart. The others keep the view: whoever
  // still holds its id reads nothing new that it may not have.
  Result<void> split(const policy::ObjectFacts& facts) {
    const std::lock_guard lock(changing);
    BONGSU_TRY_VOID(resync());
    const auto now = current();
    const auto classes = now->classes.find(facts.collection);
    if (classes == now->classes.end()) return {};
    std::optional<Draft> draft;
    for (const auto& view_class : classes->second) {
      if (!tells_members_apart(facts, view_class.members, now->content)) continue;
      std::vector<policy::MemberId> permitted;
      for (const auto& member : view_class.members)
        if (permits(facts, member, now->content)) permitted.push_back(member);
      if (permitted.empty() || permitted.size() == view_class.members.size()) continue;
      if (!draft) {
        BONGSU_TRY(const std::uint64_t epoch, next_epoch(now->epoch));
        draft.emplace(Draft{.plan = *now});
        draft->plan.epoch = epoch;
      }
      Place place = *now->place(facts.collection, permitted.front());
      BONGSU_TRY(place.view, make_view(*draft, facts.collection, place.terms, view_class.view, false));
      for (const auto& member : permitted) draft->put(facts.collection, member, place);
      log.info("release.split", {{"collection", facts.collection}, {"members", fmt::format("{}", permitted.size())}});
    }
    return draft ? publish(std::move(*draft)) : Result<void>{};
  }

  // ── Backfill ─────────────────────────────────────────────────────────────────────────────────────────────────────
  // Decides one batch of entries again for one view that is not right yet. false: there is none.
  Result<bool> backfill_step() {
    const std::lock_guard lock(changing);
    const auto now = current();
    for (const auto& [collection, view_classes] : now->classes) {
      for (const auto& view_class : view_classes) {
        const Place& place = *now->place(collection, view_class.members.front());
        if (!place.pending) continue;
        const auto snapshot = journal.snapshot();
        BONGSU_TRY(const auto entries, snapshot->collection_entries(collection, place.cursor, kBackfillBatch));
        journal::OutboxChange change{.view = place.view};
        for (const auto& entry : entries) {
          const bool yes = permits(facts_or_deny(entry), view_class.members.front(), now->content);
          const bool barred = yes && watch.barred && view_class.members.front() != now->content.self &&
                              watch.barred(entry.object_id, entry.version_key);
          BONGSU_TRY(const auto presence, snapshot->presence(place.view, entry.seq));
          const bool visible = presence == journal::Snapshot::Presence::kVisible;
          if (yes && !visible && !barred) change.release.push_back(entry.seq);
          if (!yes && visible) change.withdraw.push_back(entry.seq);
        }
        Place next = place;
        next.pending = entries.size() == kBackfillBatch;
        if (!entries.empty()) next.cursor = entries.back().seq;
        if (!next.pending) next.cursor = 0;
        Draft draft{.plan = *now};
        journal::Batch batch;
        batch.epoch = now->epoch;
        for (const auto& member : view_class.members) draft.put(collection, member, next);
        batch.states = std::move(draft.states);
        draft.states.clear();
        std::function<void(bool)> watched;
        if (watch.withdrawing && !change.withdraw.empty() && view_class.members.front() != now->content.self) {
          BONGSU_TRY(watched, watch.withdrawing(collection, place.view, view_class.members, change.withdraw, batch));
        }
        if (!change.release.empty() || !change.withdraw.empty()) batch.outbox.push_back(std::move(change));
        const auto receipt = journal.append(batch);
        if (watched) watched(receipt.has_value());
        if (!receipt) return std::unexpected(receipt.error());
        BONGSU_TRY_VOID(publish(std::move(draft)));
        return true;
      }
    }
    return false;
  }

  Result<void> settle() {
    {
      const std::lock_guard lock(changing);
      BONGSU_TRY_VOID(resync());
      BONGSU_TRY_VOID(arrange());
    }
    for (;;) {
      BONGSU_TRY(const bool more, backfill_step());
      if (!more) return {};
    }
  }

  // A collection that was made after the last apply().
  Result<void> include(const std::string& collection) {
    {
      const std::unique_lock lock(mutex);
      if (!gate) return fail(ErrorCode::kUnavailable, "no policy was applied yet: nothing can be decided");
      collections.insert(collection);
      want(collection, content_of(*gate));
    }
    return settle();
  }

  // Under `mutex`.
  void want(const std::string& collection, const policy::PolicyState& content) {
    wanted[{collection, content.self}] = kSelfTerms;
    for (const auto& [member, _] : content.agreements)
      wanted[{collection, member}] = class_terms(content, member, collection);
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
  // Under `mutex`, shared.
  Result<journal::ViewId> readable(std::string_view member, std::string_view collection) const {
    if (!reading || !plan) return nothing_to_read();
    if (policy::may_read(collection, member, *reading, clock.now()).verdict != policy::Verdict::kRelease)
      return nothing_to_read();
    const Place* place = plan->place(collection, member);
    if (place == nullptr || place->pending) return nothing_to_read();
    const auto terms = wanted.find({std::string(collection), std::string(member)});
    if (terms == wanted.end() || terms->second != place->terms) return nothing_to_read();  // a change is on its way
    return place->view;
  }
};

Release::Release(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Release::~Release() = default;

Result<std::unique_ptr<Release>> Release::load(journal::Journal& journal, const Clock& clock, Log& log) {
  auto impl = std::make_unique<Impl>(journal, clock, log);
  const auto corrupt = [](std::string_view space, const std::string& key) {
    return fail(ErrorCode::kCorrupt, "the arrangement of views cannot be read",
                {.source = fmt::format("state {}/{}", space, key)});
  };
  BONGSU_TRY(const auto places, journal.states(kPlaces));
  for (const auto& [key, text] : places) {
    const std::size_t slash = key.find('/');
    auto place = Place::parse(text);
    if (slash == std::string::npos || !place) return corrupt(kPlaces, key);
    impl->stored_places[key.substr(0, slash)][key.substr(slash + 1)] = std::move(*place);
  }
  BONGSU_TRY(const auto origins, journal.states(kOrigins));
  for (const auto& [key, text] : origins) {
    const auto view = parse_json(key), first = parse_json(text);
    if (!view || !first || !view->is_int64() || !first->is_int64()) return corrupt(kOrigins, key);
    impl->origins[static_cast<journal::ViewId>(view->get_int64())] = static_cast<journal::ViewId>(first->get_int64());
  }
  return std::unique_ptr<Release>(new Release(std::move(impl)));
}

Result<void> Release::apply(policy::PolicyState state, const std::vector<std::string>& collections) {
  if (!policy::is_member_id(state.self))
    return fail(ErrorCode::kInvalid, "a policy needs this node's own member id", {.field = "self"});
  {
    auto next = std::make_shared<policy::PolicyState>(std::move(state));
    const policy::PolicyState content = content_of(*next);
    auto reading = std::make_shared<policy::PolicyState>(*next);
    reading->further.clear();
    const std::unique_lock lock(impl_->mutex);
    impl_->collections.insert(collections.begin(), collections.end());
    impl_->wanted.clear();
    for (const auto& collection : impl_->collections) impl_->want(collection, content);
    impl_->gate = std::move(next);
    impl_->reading = std::move(reading);
    impl_->renew_state();
  }
  BONGSU_TRY_VOID(impl_->settle());
  return impl_->watch.arranged ? impl_->watch.arranged() : Result<void>{};
}

std::shared_ptr<const policy::PolicyState> Release::state() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->state_with_epoch;
}

std::uint64_t Release::epoch() const {
  const auto plan = impl_->current();
  return plan ? plan->epoch : impl_->journal.epoch();
}

Result<void> Release::decide_for(journal::NewEntry& entry, const policy::ObjectFacts& facts) {
  for (int attempt = 0; attempt < kMaxSplitsPerDecision; ++attempt) {
    entry.releases.clear();
    const auto plan = impl_->current();
    if (!plan) return fail(ErrorCode::kUnavailable, "no policy was applied yet: nothing can be decided");
    const auto classes = plan->classes.find(facts.collection);
    if (classes == plan->classes.end()) {
      if (facts.collection.empty())
        return fail(ErrorCode::kInvalid, "an object is admitted into a collection", {.field = "collection"});
      BONGSU_TRY_VOID(impl_->include(facts.collection));
      continue;
    }
    bool mixed = false;
    const bool barred = impl_->watch.barred && impl_->watch.barred(entry.object_id, entry.version_key);
    for (const auto& view_class : classes->second) {
      if (barred && view_class.members.front() != plan->content.self) continue;
      const bool first = permits(facts, view_class.members.front(), plan->content);
      if (tells_members_apart(facts, view_class.members, plan->content))
        mixed = std::ranges::any_of(view_class.members,
                                    [&](const auto& m) { return permits(facts, m, plan->content) != first; });
      if (mixed) break;
      if (first) entry.releases.push_back({.view = view_class.view});
    }
    if (!mixed) return {};
    BONGSU_TRY_VOID(impl_->split(facts));
  }
  return fail(ErrorCode::kInternal, "the views of a collection were split again and again for one object");
}

Result<void> Release::with_arrangement(
    const std::function<Result<void>(const Readers& readers, std::uint64_t epoch)>& body) {
  const std::lock_guard lock(impl_->changing);
  BONGSU_TRY_VOID(impl_->resync());
  const auto plan = impl_->current();
  if (!plan) return fail(ErrorCode::kUnavailable, "no policy was applied yet: nobody was given anything");
  return body(
      [&](const std::string& collection) {
        std::vector<Reader> out;
        if (const auto places = plan->places.find(collection); places != plan->places.end())
          for (const auto& [member, place] : places->second)
            if (member != plan->content.self) out.push_back({member, place.view, !place.terms.empty()});
        return out;
      },
      plan->epoch);
}

void Release::set_watch(Watch watch) { impl_->watch = std::move(watch); }

bool Release::wait_for_change(std::uint64_t epoch, std::chrono::milliseconds deadline) const {
  constexpr std::chrono::milliseconds kLook{20};
  for (std::chrono::milliseconds waited{0}; waited < deadline; waited += kLook) {
    // Nobody is at it: either it is published, or a change failed half-way and its epoch is all that is left of it.
    if (const std::unique_lock changing(impl_->changing, std::try_to_lock); changing.owns_lock())
      return impl_->resync() && this->epoch() != epoch;
    std::shared_lock lock(impl_->mutex);
    if (impl_->published.wait_for(lock, kLook, [&] { return impl_->plan && impl_->plan->epoch != epoch; })) return true;
  }
  return false;
}

Result<Reading> Release::open(std::string_view member, std::string_view collection) {
  const std::shared_lock lock(
      impl_->mutex);  // nothing is published, and so nothing new decided, until the snapshot stands
  BONGSU_TRY(const journal::ViewId view, impl_->readable(member, collection));
  return Reading{.view = view, .snapshot = impl_->journal.snapshot(), .epoch = impl_->plan->epoch};
}

Result<journal::ViewId> Release::view_of(std::string_view member, std::string_view collection) {
  const std::shared_lock lock(impl_->mutex);
  return impl_->readable(member, collection);
}

std::vector<std::string> Release::readable_collections(std::string_view member) {
  const std::shared_lock lock(impl_->mutex);
  std::vector<std::string> out;
  for (const auto& collection : impl_->collections)
    if (impl_->readable(member, collection)) out.push_back(collection);
  return out;
}

journal::ViewId Release::origin_of(journal::ViewId view) const {
  const std::shared_lock lock(impl_->mutex);
  const auto found = impl_->origins.find(view);
  return found == impl_->origins.end() ? view : found->second;
}

std::vector<PreviewLine> Release::preview(const policy::ObjectFacts& facts) const {
  std::vector<PreviewLine> out;
  const auto now_state = state();
  if (!now_state) return out;
  const Instant now = impl_->clock.now();
  for (const auto& [member, _] : now_state->members) {
    if (member == now_state->self) continue;
    out.push_back({member, policy::decide(facts, member, policy::Purpose::kOperations, *now_state, now)});
  }
  return out;
}

Result<policy::ObjectFacts> Release::facts_of(const journal::Entry& entry) {
  if (auto label = policy::Label::parse(entry.label); !label)
    return fail(ErrorCode::kCorrupt, "the label of a stored entry cannot be read: " + label.error().message,
                {.source = fmt::format("journal entry {}", entry.seq)});
  return facts_or_deny(entry);
}

}  // namespace bongsu::flow
