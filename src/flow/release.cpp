#include "flow/release.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>

#include "flow/comparable_label.h"
#include "flow/copies.h"
#include "flow/facts.h"
#include "flow/reference_labels.h"
#include "flow/release_plan.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kPlaces = "release.places";    // "<collection>/<member>" → Place
constexpr std::string_view kOrigins = "release.origins";  // "<view>" → first view of its chain
constexpr std::string_view kExpires = "release.expires";  // when a label runs out: "<µs>/<collection>/<object>/<version>"
constexpr std::string_view kReaches = "release.reaches";  // "<collection>/<other collection>": Plan::reaches
constexpr std::string_view kFacts = "release.facts";      // "targets" → the last entry from before they were noted
constexpr std::string_view kClock = "release.clock";      // "passed" → the time up to which labels have run out here
constexpr std::uint32_t kBackfillBatch = 1000;            // entries decided again in one commit
constexpr int kMaxSplitsPerDecision = 64;  // a view is split in two at each; more means that something turns in circles

std::unexpected<Error> nothing_to_read() {
  return fail(ErrorCode::kNotFound, "there is no such collection, or none that this member may read");
}

// The first moment of the journal's clock at which it has come.
std::int64_t due_us(Instant at) { return at.micros() + (Instant::from_micros(at.micros()) < at ? 1 : 0); }

// Of an entry whose label lets go of something at a time; in order of time.
std::string expiry_key(std::int64_t at_us, const policy::ObjectFacts& facts, std::string_view version_key) {
  return fmt::format("{:020}/{}/{}/{}", at_us, facts.collection, facts.object_id, version_key);
}
std::int64_t time_of_key(std::string_view key) {
  std::int64_t out = 0;
  for (const char c : key.substr(0, key.find('/')))
    if (c >= '0' && c <= '9') out = out * 10 + (c - '0');
  return out;
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
  std::shared_ptr<const policy::PolicyState> state_with_epoch;        // `gate` with the epoch of `plan`
  std::map<std::pair<std::string, std::string>, std::string> wanted;  // (collection, member) → class terms under `gate`
  std::set<std::string> collections;                                  // every one that apply() named
  std::shared_ptr<const Plan> plan;                                   // nullptr before the first apply()
  std::map<journal::ViewId, journal::ViewId> origins;                 // only views that continue another
  std::map<std::string, std::map<policy::MemberId, Place>> stored_places;  // as loaded; the first plan begins with them
  std::set<std::string> expiries;   // expiry_key of all that are to come, as stored
  std::int64_t passed_us = 0;       // labels that ran out before this have run out, whatever the clock says since
  Reaches reaches;                  // as stored
  journal::Seq without_targets = 0;  // entries up to here do not say what they refer to
  std::optional<Instant> turn;      // when `wanted` is another by time alone
  int serial = 0;  // makes keys of views unique within an epoch; under `changing`
  Watch watch;

  void renew_state() {  // under `mutex`
    if (!gate) return;
    auto next = std::make_shared<policy::PolicyState>(*gate);
    next->epoch = plan ? plan->epoch : 0;
    state_with_epoch = std::move(next);
  }

  // The state as it is now, for who asks about it (Release::decide), and the same compiled.
  struct Engines {
    std::shared_ptr<const policy::PolicyState> state;
    policy::CompiledPolicy compiled;
  };
  mutable std::mutex asking;
  mutable std::shared_ptr<const Engines> asked;  // under `asking`
  std::atomic<std::uint64_t> engine_faults = 0;

  std::shared_ptr<const Engines> engines() const {
    std::shared_ptr<const policy::PolicyState> state;
    {
      const std::shared_lock lock(mutex);
      state = state_with_epoch;
    }
    if (!state) return nullptr;
    const std::lock_guard lock(asking);
    if (!asked || asked->state != state) asked = std::make_shared<const Engines>(state, policy::CompiledPolicy(*state));
    return asked;
  }

  std::shared_ptr<const Plan> current() const {
    const std::shared_lock lock(mutex);
    return plan;
  }

  // The time that decisions are taken at: the clock's, and never before what has run out already (V8).
  Instant moment() const {  // under `mutex`
    return std::max(clock.now(), Instant::from_micros(passed_us));
  }
  Instant now_here() const {
    const std::shared_lock lock(mutex);
    return moment();
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
    BONGSU_TRY_VOID(journal.put(std::move(draft.states)));
    draft.plan.find_classes();
    if (!draft.plan.decider) draft.plan.decider = std::make_shared<const Decider>(draft.plan.content);
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
                                    const std::set<std::string>& all, const Reaches& reached) const {
    std::map<std::tuple<std::string, journal::ViewId, std::string>, std::vector<policy::MemberId>> found;
    for (const auto& collection : all) {
      std::set<policy::MemberId> members{content.self};
      for (const auto& [member, _] : content.agreements) members.insert(member);
      if (const auto places = old.places.find(collection); places != old.places.end())
        for (const auto& [member, _] : places->second) members.insert(member);
      for (const auto& member : members) {
        const std::string terms = class_terms(content, member, collection, reached);
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

  Result<void> compare(Comparison& comparison, const std::string& collection, const policy::PolicyState& content,
                       const Decider& decider, Instant now) const {
    if (comparison.partition.members().size() < 2) return {};
    for (;;) {
      BONGSU_TRY(const auto entries,
                 journal.snapshot()->collection_entries(collection, comparison.cursor, kBackfillBatch));
      for (const auto& entry : entries) comparison.partition.refine(facts_or_deny(entry), content, decider, now, barred(entry));
      if (entries.empty()) return {};
      comparison.cursor = entries.back().seq;
    }
  }

  bool barred(const std::string& object_id, std::string_view version_key) const {
    return watch.barred && watch.barred(object_id, version_key);
  }
  bool barred(const journal::Entry& entry) const { return barred(entry.object_id, entry.version_key); }

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
    Reaches reached;
    std::shared_ptr<const policy::PolicyState> applied;
    {
      const std::shared_lock lock(mutex);
      applied = gate;
      all = collections;
      reached = reaches;
    }
    const Instant now = now_here();
    policy::PolicyState newest = *applied;
    newest.epoch = 0;
    content = content_of(newest, now);
    const auto before = current();
    Plan old;
    if (before) {
      old = *before;
    } else {
      old.places = stored_places;
    }
    const std::vector<Group> groups = groups_to_move(old, content, all, reached);
    if (before && groups.empty() && newest == old.applied && old.collections == all && content == old.content &&
        reached == old.reaches)
      return {};
    const auto decider =
        before && content == old.content ? old.decider : std::make_shared<const Decider>(content);

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
                class_terms(content, member, group.collection, reached) != group.terms || !seen.insert(place.view).second)
              continue;
            comparison.candidates.emplace(member, place.view);
            members.push_back(member);
          }
        }
        comparison.partition = Partition(std::move(members));
      }
      if (!group.terms.empty()) BONGSU_TRY_VOID(compare(comparison, group.collection, content, *decider, now));
      comparisons.push_back(std::move(comparison));
    }

    BONGSU_TRY(const std::uint64_t epoch, next_epoch(old.epoch));
    Draft draft{.plan = old};
    draft.plan.epoch = epoch;
    draft.plan.applied = newest;
    draft.plan.content = content;
    draft.plan.decider = decider;
    draft.plan.collections = all;
    draft.plan.reaches = reached;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!groups[i].terms.empty()) BONGSU_TRY_VOID(compare(comparisons[i], groups[i].collection, content, *decider, now));
      BONGSU_TRY_VOID(place_group(draft, old, groups[i], comparisons[i]));
    }
    BONGSU_TRY_VOID(publish(std::move(draft)));
    log.info("release.arranged", {{"epoch", fmt::format("{}", epoch)}, {"moved", fmt::format("{}", groups.size())}});
    return {};
  }

  // Splits the view of a class so that those for whom the object becomes the same stand together. Those who get least
  // keep the view: whoever still holds its id reads nothing new that it may not have.
  Result<void> split(const policy::ObjectFacts& facts, bool barred) {
    const std::lock_guard lock(changing);
    BONGSU_TRY_VOID(resync());
    return split_here(facts, now_here(), barred);
  }

  Result<void> split_here(const policy::ObjectFacts& facts, Instant at, bool barred) {  // under `changing`
    const auto now = current();
    const auto classes = now->classes.find(facts.collection);
    if (classes == now->classes.end()) return {};
    Decider::Question question = now->decider->ask(facts, at, barred);
    std::optional<Draft> draft;
    for (const auto& view_class : classes->second) {
      if (!tells_members_apart(facts, view_class.members, now->content)) continue;
      std::map<Share, std::vector<policy::MemberId>> by_share;
      for (const auto& member : view_class.members) by_share[question.share_of(member)].push_back(member);
      if (by_share.size() < 2) continue;
      if (!draft) {
        BONGSU_TRY(const std::uint64_t epoch, next_epoch(now->epoch));
        draft.emplace(Draft{.plan = *now});
        draft->plan.epoch = epoch;
      }
      const auto least = std::ranges::max_element(by_share, {}, [](const auto& one) {
        const auto& [outcome, kept] = one.first;
        return std::tuple(!kept, !outcome.goes(), std::popcount(outcome.parts) + (outcome.without_sighters ? 1 : 0));
      });
      for (const auto& [share, members] : by_share) {
        if (share == least->first) continue;
        Place place = *now->place(facts.collection, members.front());
        BONGSU_TRY(place.view, make_view(*draft, facts.collection, place.terms, view_class.view, false));
        for (const auto& member : members) draft->put(facts.collection, member, place);
        log.info("release.split", {{"collection", facts.collection}, {"members", fmt::format("{}", members.size())}});
      }
    }
    return draft ? publish(std::move(*draft)) : Result<void>{};
  }

  // ── Backfill ─────────────────────────────────────────────────────────────────────────────────────────────────────
  static bool says_something(const journal::OutboxChange& change) {
    return !change.release.empty() || !change.withdraw.empty() || !change.redacted.empty();
  }

  // What was stored before targets were noted is read for them.
  Result<policy::ObjectFacts> facts_again(const Plan& now, journal::Snapshot& snapshot,
                                          const journal::Entry& entry) const {
    policy::ObjectFacts facts = facts_or_deny(entry);
    if (entry.seq > without_targets) return facts;
    const auto content = snapshot.content(entry.seq);
    if (!content && content.error().code != ErrorCode::kNotFound) return std::unexpected(content.error());
    const auto object = content ? stix::Object::parse(content->payload)
                                : Result<stix::Object>(std::unexpected(content.error()));
    if (!object) return facts;  // erased: nothing of it goes out
    KnownObjects known(journal);
    KnownObjects::Look look = known.look();
    policy::ObjectFacts raised = facts;
    const bool live = !now.content.exercises.contains(entry.collection);
    BONGSU_TRY_VOID(raise_by_references({{&*object, &raised}}, entry.origin, now.content.self, live, look));
    facts.targets = std::move(raised.targets);
    if (raised.label.unknown) facts.label = policy::join(facts.label, policy::deny_all());  // more than can be asked for
    return facts;
  }

  // What one view's reader gets of the versions of objects, while entries of one collection are decided again for it.
  struct Versions {
    struct Version {
      std::string key;
      journal::Seq seq = 0;
      policy::Label label;
      bool goes = false;
    };
    std::span<const journal::Entry> changed;         // as they stand in these, not as they are stored
    std::map<std::string, std::vector<Version>> of;  // by object id
  };

  // Whoever may have a version that is barred keeps it as long as it may have those that came after it with a stricter
  // label: when one of them is taken from it, so is what was before (V1).
  Result<bool> keeps(const Plan& now, const policy::MemberId& reader, journal::Snapshot& snapshot,
                     const journal::Entry& entry, Instant at, Versions& versions) const {
    if (!entry.versioned) return true;
    const auto [known, fresh] = versions.of.try_emplace(entry.object_id);
    if (fresh) {
      BONGSU_TRY(const auto stored, snapshot.versions(entry.collection, entry.object_id));
      for (const auto& one : stored) {
        const auto changed = std::ranges::find(versions.changed, one.seq, &journal::Entry::seq);
        BONGSU_TRY(const policy::ObjectFacts facts,
                   facts_again(now, snapshot, changed == versions.changed.end() ? one : *changed));
        known->second.push_back({.key = one.version_key,
                                 .seq = one.seq,
                                 .label = facts.label,
                                 .goes = now.decider->ask(facts, at, false).of(reader).goes()});
      }
    }
    const auto own = std::ranges::find(known->second, entry.seq, &Versions::Version::seq);
    return own == known->second.end() || std::ranges::all_of(known->second, [&](const Versions::Version& later) {
             return later.goes || later.key <= own->key || later.seq < own->seq ||
                    as_low(later.label, own->label);
           });
  }

  // Decides an entry again for one view: what is shown there is taken out, or comes, or is replaced.
  Result<void> redo(const Plan& now, const ViewClass& view_class, journal::Snapshot& snapshot,
                    const journal::Entry& entry, Instant at, Versions& versions, journal::OutboxChange& change) const {
    BONGSU_TRY(const policy::ObjectFacts facts, facts_again(now, snapshot, entry));
    Decider::Question question = now.decider->ask(facts, at, false);
    Outcome outcome = question.of(view_class.members.front());
    // What members of one view have in common holds for what was known when it was arranged. What an older entry refers to
    // is seen here first: it goes to all of them or to none.
    if (entry.seq <= without_targets && !facts.targets.empty() &&
        !std::ranges::all_of(view_class.members, [&](const auto& member) { return question.of(member).goes(); }))
      outcome = {};
    BONGSU_TRY(const journal::Pos shown, snapshot.position(view_class.view, entry.seq));
    // What was recalled is not given again, in whatever form; those who still have it keep it.
    const policy::MemberId& reader = view_class.members.front();
    if (outcome.goes() && reader != now.content.self && reader != facts.origin && barred(entry)) {
      if (shown == 0) return {};
      BONGSU_TRY(const bool kept, keeps(now, reader, snapshot, entry, at, versions));
      if (kept) return {};
      outcome = {};
    }
    const bool in_parts = facts.can_redact && (facts.label.parts.size() > 1 || facts.names_sighters);
    if (!in_parts || (!outcome.goes() && shown == 0)) {
      if (outcome.goes() && shown == 0) change.release.push_back(entry.seq);
      if (!outcome.goes() && shown != 0) change.withdraw.push_back(entry.seq);
      return {};
    }
    std::optional<Copy> copy;  // in place of the whole
    std::string bytes;
    if (outcome.goes()) {
      const auto whole = snapshot.content(entry.seq);
      if (!whole && whole.error().code != ErrorCode::kNotFound) return std::unexpected(whole.error());
      if (outcome.verdict == policy::Verdict::kRedact) {
        if (whole) copy = Copies(facts, whole->payload, whole->proof, log).take(outcome);
        if (!copy) outcome = {};
      }
      if (whole) bytes = copy ? copy->payload : whole->payload;
    }
    if (shown != 0) {
      if (outcome.goes()) {
        const auto there = snapshot.released(view_class.view, shown);
        if (!there && there.error().code != ErrorCode::kNotFound) return std::unexpected(there.error());
        if (!there || there->payload == bytes) return {};
      }
      change.withdraw.push_back(entry.seq);
    }
    if (!outcome.goes()) return {};
    if (copy)
      change.redacted.push_back({.seq = entry.seq, .payload = std::move(copy->payload), .proof = std::move(copy->proof)});
    else
      change.release.push_back(entry.seq);
    return {};
  }

  // With them are decided again the versions before them that are barred: whoever loses one may lose those, too.
  Result<void> add_barred_before(std::vector<journal::Entry>& entries) const {
    if (!watch.barred) return {};
    std::set<journal::Seq> there;
    std::map<std::pair<std::string, std::string>, std::string> newest;  // collection and object → version key
    for (const auto& entry : entries) {
      there.insert(entry.seq);
      if (!entry.versioned) continue;
      std::string& key = newest[{entry.collection, entry.object_id}];
      key = std::max(key, entry.version_key);
    }
    const auto snapshot = journal.snapshot();
    for (const auto& [object, key] : newest) {
      BONGSU_TRY(auto versions, snapshot->versions(object.first, object.second));
      for (auto& one : versions)
        if (one.version_key < key && barred(one) && there.insert(one.seq).second) entries.push_back(std::move(one));
    }
    return {};
  }

  // Decides entries again for every view of their collections. Under `changing`.
  Result<void> redo_everywhere(std::vector<journal::Entry> entries, Instant at, journal::Batch& batch,
                               std::vector<Watch::Withdrawn>& gone) {
    BONGSU_TRY_VOID(add_barred_before(entries));
    // Views stand as they will before anything is taken out of them.
    for (const auto& entry : entries) BONGSU_TRY_VOID(split_here(facts_or_deny(entry), at, barred(entry)));
    const auto now = current();
    const auto snapshot = journal.snapshot();
    std::map<std::string, std::vector<const journal::Entry*>> by_collection;
    for (const auto& entry : entries) by_collection[entry.collection].push_back(&entry);
    for (const auto& [collection, there] : by_collection) {
      const auto classes = now->classes.find(collection);
      if (classes == now->classes.end()) continue;
      for (const auto& view_class : classes->second) {
        journal::OutboxChange change{.view = view_class.view};
        Versions versions{.changed = entries, .of = {}};
        for (const auto* entry : there)
          BONGSU_TRY_VOID(redo(*now, view_class, *snapshot, *entry, at, versions, change));
        add_taken_back(*now, collection, view_class, change, gone);
        if (says_something(change)) batch.outbox.push_back(std::move(change));
      }
    }
    batch.epoch = now->epoch;
    return {};
  }

  // What the change withdraws from others and does not show again in another form.
  static void add_taken_back(const Plan& now, const std::string& collection, const ViewClass& view_class,
                             const journal::OutboxChange& change, std::vector<Watch::Withdrawn>& gone) {
    if (view_class.members.front() == now.content.self) return;
    std::set<journal::Seq> again(change.release.begin(), change.release.end());
    for (const auto& copy : change.redacted) again.insert(copy.seq);
    std::vector<journal::Seq> seqs = change.withdraw;
    std::erase_if(seqs, [&](journal::Seq seq) { return again.contains(seq); });
    if (!seqs.empty()) gone.push_back({collection, view_class.view, view_class.members, std::move(seqs)});
  }

  // Appends; whoever watches adds to the batch what has to be known of what it takes away.
  Result<void> append_watched(journal::Batch& batch, const std::vector<Watch::Withdrawn>& gone) {
    std::function<void(bool)> watched;
    if (watch.withdrawing && !gone.empty()) {
      BONGSU_TRY(watched, watch.withdrawing(gone, batch));
    }
    const auto receipt = journal.append(batch);
    if (watched) watched(receipt.has_value());
    return receipt ? Result<void>{} : std::unexpected(receipt.error());
  }

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
        const Instant at = now_here();
        Versions versions;
        for (const auto& entry : entries)
          BONGSU_TRY_VOID(redo(*now, view_class, *snapshot, entry, at, versions, change));
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
        std::vector<Watch::Withdrawn> gone;
        add_taken_back(*now, collection, view_class, change, gone);
        if (says_something(change)) batch.outbox.push_back(std::move(change));
        BONGSU_TRY_VOID(append_watched(batch, gone));
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
      want(collection, content_of(*gate, moment()));
    }
    return settle();
  }

  // The first object of a collection that refers to what stands in these others: from here on a change of what a member
  // may have there is a change here.
  Result<void> reach(const std::string& collection, const std::set<std::string>& others) {
    std::vector<journal::StateChange> states;
    for (const std::string& other : others)
      states.push_back({.space = std::string(kReaches), .key = place_key(collection, other), .value = ""});
    BONGSU_TRY_VOID(journal.put(std::move(states)));
    {
      const std::unique_lock lock(mutex);
      reaches[collection].insert(others.begin(), others.end());
      want(collection, content_of(*gate, moment()));
    }
    return settle();
  }

  // Under `mutex`.
  void want(const std::string& collection, const policy::PolicyState& content) {
    wanted[{collection, content.self}] = kSelfTerms;
    for (const auto& [member, _] : content.agreements)
      wanted[{collection, member}] = class_terms(content, member, collection, reaches);
  }
  void want_all() {
    const policy::PolicyState content = content_of(*gate, moment());
    turn = next_turn(*gate, moment());
    wanted.clear();
    for (const auto& collection : collections) want(collection, content);
  }

  // ── What time takes away ─────────────────────────────────────────────────────────────────────────────────────────
  bool turn_due(Instant now) const { return turn && now >= *turn; }
  bool expiry_due(Instant now) const { return !expiries.empty() && time_of_key(*expiries.begin()) <= now.micros(); }

  // Does nothing while nothing has run out. An error: something has, and it could not be taken out of the outboxes.
  Result<void> keep_up() {
    bool turned = false;
    {
      const std::shared_lock lock(mutex);
      if (!gate || (!turn_due(moment()) && !expiry_due(moment()))) return {};
    }
    {
      const std::unique_lock lock(mutex);
      if (turn_due(moment())) {
        want_all();  // from here on nobody whose terms changed may read
        turned = true;
      }
    }
    if (turned) BONGSU_TRY_VOID(settle());
    const std::lock_guard lock(changing);
    for (;;) {
      BONGSU_TRY(const bool more, expire_step());
      if (!more) return {};
    }
  }

  // Decides a part of the entries again whose labels have run out. false: there are none.
  Result<bool> expire_step() {
    std::vector<std::string> due;
    Instant at;
    {
      const std::shared_lock lock(mutex);
      at = moment();
      for (auto key = expiries.begin(); key != expiries.end() && due.size() < kBackfillBatch; ++key) {
        if (time_of_key(*key) > at.micros()) break;
        due.push_back(*key);
      }
    }
    if (due.empty() || !current()) return false;  // nothing is arranged yet: nobody reads
    BONGSU_TRY_VOID(resync());
    // What was decided before it ran out cannot be appended after it was looked for.
    {
      const auto now = current();
      Draft draft{.plan = *now};
      BONGSU_TRY(draft.plan.epoch, next_epoch(now->epoch));
      BONGSU_TRY_VOID(publish(std::move(draft)));
    }
    journal::Batch batch;
    std::vector<journal::Entry> entries;
    for (const std::string& key : due) {
      const std::size_t one = key.find('/'), two = key.find('/', one + 1), three = key.find('/', two + 1);
      BONGSU_TRY(auto versions, journal.snapshot()->versions(key.substr(one + 1, two - one - 1),
                                                             key.substr(two + 1, three - two - 1)));
      const std::string version = key.substr(three + 1);
      std::erase_if(versions, [&](const auto& entry) { return !version.empty() && entry.version_key != version; });
      std::ranges::move(versions, std::back_inserter(entries));
      batch.states.push_back({.space = std::string(kExpires), .key = key, .value = std::nullopt});
    }
    std::ranges::sort(entries, {}, &journal::Entry::seq);
    const auto [first, last] = std::ranges::unique(entries, {}, &journal::Entry::seq);
    entries.erase(first, last);
    std::vector<Watch::Withdrawn> gone;
    BONGSU_TRY_VOID(redo_everywhere(entries, at, batch, gone));
    const std::int64_t passed = std::max(passed_us, time_of_key(due.back()));
    batch.states.push_back({.space = std::string(kClock), .key = "passed", .value = fmt::format("{}", passed)});
    BONGSU_TRY_VOID(append_watched(batch, gone));
    const std::unique_lock lock(mutex);
    passed_us = passed;
    for (const std::string& key : due) expiries.erase(key);
    log.info("release.expired", {{"entries", fmt::format("{}", due.size())}});
    return true;
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
  // Under `mutex`, shared.
  Result<journal::ViewId> readable(std::string_view member, std::string_view collection) const {
    if (!gate || !plan) return nothing_to_read();
    if (policy::may_read(collection, member, *gate, clock.now()).verdict != policy::Verdict::kRelease)
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
  BONGSU_TRY(const auto expiries, journal.states(kExpires));
  for (const auto& [key, _] : expiries) impl->expiries.insert(key);
  BONGSU_TRY(const auto reaches, journal.states(kReaches));
  for (const auto& [key, _] : reaches) {
    const std::size_t slash = key.find('/');
    if (slash == std::string::npos) return corrupt(kReaches, key);
    impl->reaches[key.substr(0, slash)].insert(key.substr(slash + 1));
  }
  BONGSU_TRY(const auto without, journal.state(kFacts, "targets"));
  if (without) {
    const auto seq = parse_json(*without);
    if (!seq || !seq->is_int64()) return corrupt(kFacts, "targets");
    impl->without_targets = static_cast<journal::Seq>(seq->get_int64());
  } else {
    impl->without_targets = journal.last_seq();
    BONGSU_TRY_VOID(journal.put({{.space = std::string(kFacts), .key = "targets", .value = fmt::format("{}", impl->without_targets)}}));
  }
  BONGSU_TRY(const auto passed, journal.state(kClock, "passed"));
  if (passed) impl->passed_us = time_of_key(*passed);
  return std::unique_ptr<Release>(new Release(std::move(impl)));
}

Result<void> Release::apply(policy::PolicyState state, const std::vector<std::string>& collections) {
  if (!policy::is_member_id(state.self))
    return fail(ErrorCode::kInvalid, "a policy needs this node's own member id", {.field = "self"});
  {
    auto next = std::make_shared<policy::PolicyState>(std::move(state));
    const std::unique_lock lock(impl_->mutex);
    impl_->collections.insert(collections.begin(), collections.end());
    impl_->gate = std::move(next);
    impl_->want_all();
    impl_->renew_state();
  }
  BONGSU_TRY_VOID(impl_->settle());
  BONGSU_TRY_VOID(impl_->keep_up());
  return impl_->watch.arranged ? impl_->watch.arranged() : Result<void>{};
}

Result<void> Release::keep_up() { return impl_->keep_up(); }

bool Release::is_current(const Reading& reading) const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->plan && impl_->plan->epoch == reading.epoch && !impl_->turn_due(impl_->moment()) &&
         !impl_->expiry_due(impl_->moment());
}

void Release::note_expiry(const policy::ObjectFacts& facts, std::string_view version_key,
                          std::vector<journal::StateChange>& states) {
  std::set<std::int64_t> times;
  const auto note = [&](const policy::Label& label) {
    if (label.expires) times.insert(due_us(*label.expires));
  };
  note(facts.label);
  for (const policy::LabelPart& part : facts.label.parts) note(part.label);
  if (times.empty()) return;
  const std::unique_lock lock(impl_->mutex);
  for (const std::int64_t at : times) {
    if (at <= impl_->moment().micros()) continue;
    const std::string key = expiry_key(at, facts, version_key);
    states.push_back({.space = std::string(kExpires), .key = key, .value = ""});
    impl_->expiries.insert(key);
  }
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
    if (const auto others = new_reaches(facts, plan->reaches); !others.empty()) {
      BONGSU_TRY_VOID(impl_->reach(facts.collection, others));
      continue;
    }
    bool mixed = false;
    const bool barred = impl_->barred(entry.object_id, entry.version_key);
    Decider::Question question = plan->decider->ask(facts, impl_->now_here(), barred);
    Copies copies(facts, entry.payload, entry.proof, impl_->log);
    for (const auto& view_class : classes->second) {
      const Outcome first = question.of(view_class.members.front());
      if (tells_members_apart(facts, view_class.members, plan->content))
        mixed = std::ranges::any_of(view_class.members, [&](const auto& m) { return question.of(m) != first; });
      if (mixed) break;
      if (first.verdict == policy::Verdict::kRelease) entry.releases.push_back({.view = view_class.view});
      if (first.verdict != policy::Verdict::kRedact) continue;
      if (const Copy* copy = copies.of(first))
        entry.releases.push_back({.view = view_class.view, .payload = copy->payload, .proof = copy->proof});
    }
    if (!mixed) return {};
    BONGSU_TRY_VOID(impl_->split(facts, barred));
  }
  return fail(ErrorCode::kInternal, "the views of a collection were split again and again for one object");
}

Result<void> Release::part_giver(const policy::ObjectFacts& facts) { return impl_->split(facts, true); }

Result<void> Release::decide_again(const std::vector<journal::Entry>& entries, journal::Batch batch) {
  for (const auto& entry : entries) {
    const policy::ObjectFacts facts = facts_or_deny(entry);
    note_expiry(facts, entry.version_key, batch.states);
    const auto plan = impl_->current();
    if (!plan) return fail(ErrorCode::kUnavailable, "no policy was applied yet: nothing can be decided");
    if (const auto others = new_reaches(facts, plan->reaches); !others.empty())
      BONGSU_TRY_VOID(impl_->reach(facts.collection, others));
  }
  const std::lock_guard lock(impl_->changing);
  BONGSU_TRY_VOID(impl_->resync());
  std::vector<Watch::Withdrawn> gone;
  BONGSU_TRY_VOID(impl_->redo_everywhere(entries, impl_->now_here(), batch, gone));
  return impl_->append_watched(batch, gone);
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
  for (;;) {
    BONGSU_TRY_VOID(impl_->keep_up());
    auto reading = look(member, collection);
    if (reading || reading.error().code != ErrorCode::kUnavailable) return reading;
  }
}

Result<Reading> Release::look(std::string_view member, std::string_view collection) {
  const std::shared_lock lock(
      impl_->mutex);  // nothing is published, and so nothing new decided, until the snapshot stands
  BONGSU_TRY(const journal::ViewId view, impl_->readable(member, collection));
  if (impl_->turn_due(impl_->moment()) || impl_->expiry_due(impl_->moment()))
    return fail(ErrorCode::kUnavailable, "what time takes away is not taken out of the outboxes yet; ask again");
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

Result<policy::Decision> Release::decide(const policy::ObjectFacts& facts, std::string_view member,
                                         policy::Purpose purpose) const {
  const auto engines = impl_->engines();
  if (!engines) return fail(ErrorCode::kUnavailable, "no policy was applied yet: nothing can be decided");
  auto decision =
      decide_by_both(facts, member, *engines->state, engines->compiled, impl_->clock.now(), purpose);
  if (decision.reasons.front() == policy::Reason::kEnginesDiffer) {
    impl_->engine_faults.fetch_add(1);
    impl_->log.error("release.engines_differ", {{"id", facts.object_id}, {"member", std::string(member)}});
  }
  return decision;
}

std::vector<PreviewLine> Release::preview(const policy::ObjectFacts& facts) const {
  std::vector<PreviewLine> out;
  const auto now_state = state();
  if (!now_state) return out;
  for (const auto& [member, _] : now_state->members)
    if (auto decision = decision_for(member, facts)) out.push_back({member, std::move(*decision)});
  return out;
}

std::optional<policy::Decision> Release::decision_for(const policy::MemberId& member,
                                                      const policy::ObjectFacts& facts) const {
  const auto now_state = state();
  if (!now_state || member == now_state->self || !now_state->members.contains(member)) return std::nullopt;
  auto decision = decide(facts, member);
  return decision ? std::optional(std::move(*decision)) : std::nullopt;
}

std::uint64_t Release::engine_faults() const { return impl_->engine_faults.load(); }

}  // namespace bongsu::flow
