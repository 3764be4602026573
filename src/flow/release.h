// Release: the one way out. Keeps views (classes of members with equal decisions), decides for each what a new entry
// becomes, and gates reading.
//
//   release.decide_for(entry, facts)                 → fills entry.releases for every view of its collection
//   auto reading = release.open("cert-ua", id);      → the outbox that this member may read now with a snapshot that
//   fits it, or why none reading->snapshot->page({.view = reading->view, …}) release.preview(facts) → who would get
//   this, with reasons: the same function
//
// A decision has two parts, and both are policy::decide:
//   · what an outbox holds: everything that the agreement's clauses and the object's label permit, whole or without the
//     parts that may not flow. Decided when an entry is admitted, for all entries again when a clause changes, and for
//     one entry again when its label, or a part of it, runs out.
//   · whether a member may read it now depends on stops, and on the agreement being valid: asked at each open().
// So `release stop` and the end of an agreement hold at once and cost nothing, and a renewed agreement finds its outbox
// complete.
//
// Ask again (open) before every page and every read of a tail. Positions stay good while origin_of stays the same; view
// ids don't: an object for some members of a view only splits it first.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"
#include "policy/decide.h"

namespace bongsu::flow {

struct PreviewLine {
  policy::MemberId member;
  policy::Decision decision;
};

// What open() gives: view and snapshot belong together, whatever changes meanwhile.
struct Reading {
  journal::ViewId view = 0;
  std::unique_ptr<journal::Snapshot> snapshot;
  std::uint64_t epoch = 0;  // of the policy under which the member may read
};

// Safe from any thread.
class Release {
 public:
  // Loads the mapping of members to views from the journal. Until apply() was called nobody may read and nothing can be
  // decided.
  static Result<std::unique_ptr<Release>> load(journal::Journal& journal, const Clock& clock, Log& log);
  ~Release();

  // Replaces the policy state (members, agreements, stops): a new epoch. Views are made, split and backfilled as
  // needed; what is no longer permitted is withdrawn, what is newly permitted is appended. Returns when that is
  // durable. `collections`: ids of all collections.
  //
  // Stops and ended agreements hold as soon as this is called. A member whose clauses change may read nothing
  // (kNotFound) until its outbox is right. Does nothing when nothing changed. Interrupted by a crash, the next call
  // goes on where it was. state.epoch is ignored: this class counts.
  Result<void> apply(policy::PolicyState state, const std::vector<std::string>& collections);
  std::shared_ptr<const policy::PolicyState> state() const;  // nullptr before the first apply()
  std::uint64_t epoch() const;

  // Decides for every member with a view of this collection and fills entry.releases (what stood there is replaced).
  // May split views first, durably; then epoch() has grown, and what was decided earlier for other entries of the same
  // batch has to be decided again:
  //   take epoch(); decide_for each entry; begin anew if epoch() is another now; append with the epoch; begin anew on
  //   kConflict.
  // flow::append_decided (flow/append_decided.h) is that loop. kUnavailable before the first apply().
  Result<void> decide_for(journal::NewEntry& entry, const policy::ObjectFacts& facts);
  // For the commit that holds an entry whose label, or a part of it, lets go only until a time: with it the change to
  // persist, so that what time takes away is taken out of the outboxes then. append_decided does this.
  void note_expiry(const policy::ObjectFacts& facts, std::string_view version_key,
                   std::vector<journal::StateChange>& states);
  // Takes out of the outboxes what has run out since, and turns to other agreements where one of several with a member
  // began or ended. open() does it before it answers, so nothing is read that time has taken away; call it now and then
  // so that live links tell it. An error: it could not be made durable, and then nobody reads.
  Result<void> keep_up();
  // Returns when epoch() is another than this one, or after the deadline: false. (The journal refused an append as
  // decided under a stale epoch; the new arrangement is about to be published.)
  bool wait_for_change(std::uint64_t epoch, std::chrono::milliseconds deadline) const;

  // The view to read for a member now, and a snapshot taken while it was this. kNotFound: no agreement, stopped,
  // expired, collection not in it, its outbox is being put right, or no such collection: one answer for all of them, so
  // that it tells nothing. The node itself (self) sees every collection.
  Result<Reading> open(std::string_view member, std::string_view collection);
  // The same, and writes nothing: kUnavailable while time has taken something away and keep_up() has not been called
  // since. For whoever holds what a recall waits for (flow::Recall::hand_out): taking away may recall.
  Result<Reading> look(std::string_view member, std::string_view collection);
  // May what was opened still be shown: has neither the policy changed nor time taken anything away?
  bool is_current(const Reading& reading) const;
  // The same without a snapshot: for asking whether, not for reading.
  Result<journal::ViewId> view_of(std::string_view member, std::string_view collection);
  std::vector<std::string> readable_collections(std::string_view member);
  // The view whose positions this one continues through splits (itself if it began on its own). A tail that was read up
  // to a position goes on there when origin_of is unchanged, and from 0 otherwise. Survives restarts.
  journal::ViewId origin_of(journal::ViewId view) const;

  // Who has an outbox of a collection, whether it may be read now or not; the node's own is not among them.
  struct Reader {
    policy::MemberId member;
    journal::ViewId view = 0;
    bool covered = true;  // false: no agreement gives it this collection any more; it keeps its outbox, unread
  };
  using Readers = std::function<std::vector<Reader>(const std::string& collection)>;
  // Whoever gave it has a view of its own from here on, if it shares one: this is about to be taken from all others.
  Result<void> part_giver(const policy::ObjectFacts& facts);

  // Entries that are in the journal and whose labels this batch changes (as they stand in them here): in the same commit
  // they are taken out of the outboxes of whoever may not have them any more, and recalled from there (Watch).
  Result<void> decide_again(const std::vector<journal::Entry>& entries, journal::Batch batch);

  // Runs `body` while no view is made, split or moved and no backfill writes: what it withdraws from the readers' views
  // is withdrawn from all. It may append to the journal and decides nothing. `epoch`: of the arrangement.
  Result<void> with_arrangement(const std::function<Result<void>(const Readers& readers, std::uint64_t epoch)>& body);

  // Whoever has to know what is withdrawn when the policy changes (flow::Recall), and what may not go out any more.
  struct Watch {
    // Rows of one view that the batch is about to withdraw from these members.
    struct Withdrawn {
      std::string collection;
      journal::ViewId view = 0;
      std::vector<policy::MemberId> members;
      std::vector<journal::Seq> seqs;
    };
    // All that one batch withdraws. What it returns is kept until the batch is durable, then called with true, or with
    // false when it was not written.
    std::function<Result<std::function<void(bool written)>>(const std::vector<Withdrawn>& gone, journal::Batch& batch)>
        withdrawing;
    std::function<bool(const std::string& object_id, std::string_view version_key)> barred;
    std::function<Result<void>()> arranged;  // at the end of each apply(), without locks
  };
  void set_watch(Watch watch);  // once, before the first apply()

  // By the state and the time as they are now, and by both engines: policy::decide gives the reasons, policy::CompiledPolicy
  // makes the outboxes. If they ever differ nothing is promised or sent: withheld, logged, counted. kUnavailable before the
  // first apply().
  Result<policy::Decision> decide(const policy::ObjectFacts& facts, std::string_view member,
                                  policy::Purpose purpose = policy::Purpose::kOperations) const;
  // Every member but this node, in order of name.
  std::vector<PreviewLine> preview(const policy::ObjectFacts& facts) const;
  // The line of one member; nullopt: it is this node, or no member.
  std::optional<policy::Decision> decision_for(const policy::MemberId& member, const policy::ObjectFacts& facts) const;
  // How often the engines differed.
  std::uint64_t engine_faults() const;

 private:
  struct Impl;
  explicit Release(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::flow
