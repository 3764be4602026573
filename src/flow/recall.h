// Recall: what was given and may not be kept any more is destroyed at whoever was given it, and never comes back.
//
//   recall.recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"});   // a person decides
//   recall.told(member)                         → the tombstones that it has not answered yet         (giver)
//   recall.take(giver, tombstone)               → destroyed and durable; the receipt to send back     (recipient)
//   recall.take_receipt(member, receipt)                                                              (giver)
//
// The protocol is modelled and checked in docs/models/recall.pml; what is one atomic step there is one commit of the
// journal here:
//   · the giver withdraws the rows of its outboxes and notes in the same commit who is to be told: members whose tail
//     was handed a row (hand_out notes it, under a lock that a recall excludes). A member whose last hand-outs before a
//     crash are not known is *unsettled* until it opens its tail again: its cursor tells.
//   · the recipient destroys the giver's copies (journal::Destruction), notes the tombstone, and whom it passed them on
//     to, in one commit. From then on admission refuses those versions from this giver: for ever, or, when only who
//     may have it was narrowed, what was decided before the tombstone (docs/decisions/0008). A release says how many
//     tombstones there were for its reader when its row was read (`decided_now`).
//   · tombstones are told until there is a receipt; the deadline changes what is reported, nothing else.
// A tombstone speaks for the giver's own copies only. Everybody who passed them on recalls in turn, as their giver.
//
// Withdrawals by other ways (deleting, a raised label, a narrower agreement) come through the same plan: Admission and
// Release ask here. Safe from any thread. Order of locks: admitting, then Release's arrangement, then handing out, then
// recording.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "flow/fair_mutex.h"
#include "flow/recall_bounds.h"
#include "flow/recall_text.h"
#include "flow/release.h"
#include "journal/journal.h"

namespace bongsu::flow {

inline constexpr std::chrono::hours kRecallDeadline{24};
inline constexpr std::size_t kMaxToldAtOnce = 100;      // tombstones in one answer
inline constexpr std::size_t kMaxRefusedRecalls = 100;  // refused tombstones and receipts that are remembered
inline constexpr std::size_t kMaxReceiptsAtOnce = 1000;
inline constexpr std::size_t kMaxRecallNote = 1000;      // bytes of what a person wrote
inline constexpr std::size_t kMaxLaterCopies = 100'000;  // noted as decided later than tombstones that did not come yet
inline constexpr std::uint32_t kTakeBackBatch = 2000;    // rows of an ended agreement that are taken back in one commit

// What one member is to be told, or was.
struct RecallOrder {
  std::string member;
  std::uint64_t number = 0;  // of this member's
  RecallReason reason = RecallReason::kWithdrawn;
  Instant issued, deadline;
  std::vector<RecallRange> objects;
  std::string label;     // the highest of the objects, as text: what the member could pass on
  std::string by, note;  // who decided, in which words; stays here
  // "<member>/<number>" of each tombstone that it follows from: a copy may have come by two ways. None: decided here.
  std::vector<std::string> parents;
  std::set<std::string> givers;  // whose copies it takes; empty in orders from before that was noted
  // How far the member had been handed each outbox then (by the view that it was split off from): what stands there up
  // to this version was taken by this order. None in orders from before that was noted.
  std::map<journal::ViewId, journal::Pos> handed;
  // Unsettled: rows of which it is not known whether the member was handed them: collection and position of each
  // object.
  std::vector<std::pair<std::string, journal::Pos>> unsettled;
  bool fetched = false;                  // it has it by TAXII, which cannot be told: open exposure for good
  std::optional<Instant> told;           // first time
  std::optional<RecallReceipt> receipt;  // the newest
};

struct RecallWish {
  std::string object_id;
  RecallReason reason = RecallReason::kWithdrawn;
  std::chrono::seconds deadline{kRecallDeadline};
  std::string by, note;
  bool destroy_here = false;  // own copies as well
  bool preview = false;       // says what would be, by the same plan, and does nothing
};

struct RecallOutcome {
  std::vector<std::string> told;       // members that have to be told, by name
  std::vector<std::string> unsettled;  // members of which it will be known when they come again
  std::vector<std::string> fetched;    // that have it by TAXII: nothing can be destroyed there
  std::vector<std::string> derived;    // relationships and sightings made here that went with it
  std::uint64_t destroyed = 0;         // copies here
};

// Something that came and was not obeyed.
struct RefusedRecall {
  Instant at;
  std::string from, what, why;
};

// A tombstone that was obeyed here.
// States: ids that something here refers to and that are not here (see admit_ends.cpp).
inline constexpr std::string_view kAwaitedEnds = "flow.awaited";

struct TakenRecall {
  std::string from;
  std::uint64_t number = 0;
  RecallReason reason = RecallReason::kWithdrawn;
  Instant at;
  std::vector<RecallRange> objects;
  std::uint64_t destroyed = 0, onward_open = 0;
  bool acknowledged = false;  // the giver has the newest receipt
};

struct RecallOptions {
  std::string self;
  crypto::SigningKey signing_key;
  // Public signing key of a member (32 bytes); nullopt: none that is known.
  std::function<std::optional<std::string>(std::string_view)> key_of;
  // Ids of objects here that name this one by a reference. What was made here of a recalled object (relationships,
  // sightings) is recalled with it; where they can't be told, the recall fails as a whole.
  std::function<Result<std::vector<std::string>>(const std::string&)> referrers;
  // Up to which entry `referrers` has read the journal; none: it always has.
  std::function<journal::Seq()> referrers_upto{};
  // Destroys what is held aside of what this member gave of this object, of the versions that `covered` says yes to;
  // by version key.
  std::function<Result<void>(std::string_view member, const std::string& object_id,
                             const std::function<bool(std::string_view)>& covered)>
      discard_held{};
};

struct TakenState;   // recall_states.h
struct RecallPlace;  // an entry and where it stands in an outbox

class Recall {
 public:
  static Result<std::unique_ptr<Recall>> load(journal::Journal& journal, Release& release, RecallOptions options,
                                              const Clock& clock, Log& log);
  ~Recall();

  // ── Handing out (tails) ────────────────────────────────────────────────────────────────────────────────────────
  // Held while rows are read for a member and noted as handed out.
  [[nodiscard]] std::shared_lock<FairSharedMutex> hand_out() { return std::shared_lock(handing_out_); }
  void handed_out(std::string_view member, std::string_view collection, journal::Pos upto);  // under hand_out()
  // How many tombstones there are for this member: goes with each row that is handed out. Under hand_out().
  std::uint64_t decided_now(std::string_view member) const;
  // A member opens its tail behind `pos` (a cursor of ours; 0 = from the beginning). Not under hand_out().
  Result<void> opened(std::string_view member, std::string_view collection, journal::Pos pos);
  // Writes down what was handed out since; now and then, and with `last` when nothing more is handed out. Now and then
  // also what a receipt changes for whoever had recalled, where it could not be written with the receipt.
  Result<void> write_down(bool last = false);
  // Rows that a member fetched by other ways (TAXII): it may have them, but nothing can be destroyed there.
  void fetched(std::string_view member, std::string_view collection, journal::Pos upto);
  // A file with this version is sealed to the member by hand: it has it, whatever its tails say. Under hand_out() from
  // the decision until `states` are in the journal, which is before the file leaves.
  void sealed_by_hand(std::string_view member, const std::string& object_id, std::string_view version_key,
                      std::vector<journal::StateChange>& states);

  // ── Admitting ──────────────────────────────────────────────────────────────────────────────────────────────────
  // Held from asking refuses() to the commit of what was admitted.
  [[nodiscard]] std::shared_lock<FairSharedMutex> admit() { return std::shared_lock(admitting_); }
  // Held while nothing is admitted.
  [[nodiscard]] std::unique_lock<FairSharedMutex> admit_nothing() { return std::unique_lock(admitting_); }
  const RecallOptions& options() const { return options_; }
  // This version from this member was recalled by it, and it was released when there were no more than `after`
  // tombstones.
  bool refuses(std::string_view origin, const std::string& object_id, std::string_view version_key,
               std::uint64_t after = 0) const;
  // The member that recalled this version of what it gave here. Its copies are gone; whoever brings it in again by hand
  // overrides that (lowering_gate.h).
  std::optional<std::string> recalled_by(const std::string& object_id, std::string_view version_key) const;
  // What was decided after tombstones that did not come yet is not theirs to take: written with what is admitted.
  void note_later(std::string_view origin, const std::string& object_id, std::string_view version_key,
                  std::uint64_t after, std::vector<journal::StateChange>& states);
  // Nothing of this version goes out of this node any more.
  bool barred(const std::string& object_id, std::string_view version_key) const {
    return refuses(options_.self, object_id, version_key, UINT64_MAX);
  }

  // ── Recalling ──────────────────────────────────────────────────────────────────────────────────────────────────
  // A person's decision: every version of it that is here is withdrawn and recalled from whoever was handed it.
  // kNotFound.
  Result<RecallOutcome> recall(const RecallWish& wish);

  // Rows that a commit takes out of outboxes: adds to the batch who is to be told. Under Release's arrangement and with
  // the returned lock held until the batch is appended; then `made_durable` or `forget`.
  // Rows of the same object and giver that were withdrawn before without anybody being told (its content was erased, or
  // its version given again under a stricter label) are looked for where one of these stands.
  struct Rows {
    journal::ViewId view = 0;
    std::string member;  // who reads it
    std::string collection;
    std::vector<journal::Seq> seqs;
    // And of this object, whatever stands there: of versions up to a key (empty: all), from one giver (empty: whoever).
    struct Before {
      std::string object_id, upto, giver;
    };
    std::optional<Before> before{};
  };
  struct Plan {
    std::unique_lock<FairSharedMutex> still;
    std::unique_lock<std::mutex> recording;  // where it changes what is known already
    std::vector<RecallOrder> orders, adopted;
    std::map<std::pair<std::string, std::string>, RecallBounds> tombstones;  // by object id and giver
  };
  Result<Plan> plan_withdrawal(const std::vector<Rows>& rows, RecallReason reason, journal::Batch& batch);
  // And nothing of this object up to this version goes out any more.
  void bar(Plan& plan, journal::Batch& batch, const std::string& object_id, std::string_view version);
  // Likewise, where a version with a stricter label follows: whoever may have that one keeps these.
  void bar_raised(Plan& plan, journal::Batch& batch, const std::string& object_id, std::string_view version);
  static void withdraw(const std::vector<Rows>& rows, journal::Batch& batch);  // adds to the batch's outbox
  void made_durable(Plan&& plan);
  // How many commits withdrew rows by a plan or by a tombstone that was obeyed, of any outbox; counted when durable.
  std::uint64_t withdrawals() const { return withdrawals_; }

  // ── Between members ────────────────────────────────────────────────────────────────────────────────────────────
  struct Told {
    std::vector<SignedText> tombstones;
    std::uint64_t upto = 0;  // with them, the member was told all up to this number
  };
  Result<Told> told(std::string_view member);
  // What a member says this node should destroy. kDenied, with the reason: forged, foreign, or for somebody else.
  Result<SignedText> take(std::string_view from, const SignedText& tombstone);
  // All tombstones of this member up to this number were taken.
  Result<void> asked(std::string_view from, std::uint64_t upto);
  Result<void> take_receipt(std::string_view from, const SignedText& receipt);
  std::vector<SignedText> receipts_due(std::string_view member) const;  // that changed since it acknowledged one
  bool any_receipt_due(std::string_view member) const;                  // without signing them
  Result<void> acknowledged(std::string_view member, const std::vector<SignedText>& receipts);

  // ── For people ─────────────────────────────────────────────────────────────────────────────────────────────────
  std::vector<RecallOrder> orders(std::string_view object_id = {}) const;  // all, or those that name the object
  // Whether the member was handed this row, which is withdrawn now: whoever was, was told, unless its content was
  // `erased`. False only if it is known that it was not.
  bool was_given(std::string_view member, std::string_view collection, const std::string& object_id,
                 std::string_view version, journal::Pos pos, bool erased) const;
  std::vector<TakenRecall> taken(std::string_view object_id = {}) const;
  std::vector<RefusedRecall> refused() const;
  void on_order(std::function<void()> callback);  // somebody is to be told; without locks

 private:
  struct Mark {
    journal::Pos pos = 0, written = 0;
    bool exact = false;
    journal::Pos fetched = 0, fetched_written = 0;
  };
  using StateKey = std::pair<std::string, std::string>;
  using MarkKey = std::pair<std::string, std::string>;  // member, collection

  Recall(journal::Journal& journal, Release& release, RecallOptions options, const Clock& clock, Log& log);
  Result<void> read_states();
  Result<void> read_by_hand();
  // Of what this member gave of the object; nullptr: nothing of it was recalled or barred. Under mutex_.
  const RecallBounds* bounds_of(std::string_view giver, const std::string& object_id) const;
  bool took_from_all(const journal::Entry& entry) const;  // it was recalled or removed
  bool has_by_hand(const std::string& member, const journal::Entry& entry) const;
  Result<void> add_orders(Plan& plan, const std::vector<Rows>& rows, const RecallWish& words, const std::string& parent,
                          journal::Batch& batch);
  Result<std::vector<RecallPlace>> offered(const Rows& rows, const Mark& mark, journal::Snapshot& snapshot) const;
  bool is_taken(const Rows& rows, const RecallPlace& place) const;
  void add_tombstone(Plan& plan, journal::Batch& batch, const std::string& object_id, const std::string& giver,
                     const RecallBounds& bounds);
  // What was made here of these objects: its rows are added; ids and newest versions are returned.
  Result<std::vector<RecallRange>> add_derived(journal::Snapshot& snapshot, const Release::Readers& readers,
                                               const std::vector<std::string>& objects, std::string_view except,
                                               std::vector<Rows>& rows);
  Result<void> take_back_left();
  void put_tombstones(const Plan& plan);
  std::uint64_t later_than(std::string_view giver, const std::string& object_id, const std::string& version_key) const;
  void adopt(const std::set<std::string>& objects, std::string_view from, const std::string& parent, Plan& plan,
             journal::Batch& batch);
  // What goes into the journal, and from there into the ledger: that a tombstone was made, obeyed, confirmed.
  journal::NewEntry note(std::string_view event, JsonObject details) const;
  journal::NewEntry note_of_order(const RecallOrder& order) const;
  journal::NewEntry note_of(std::string_view event, const RecallWish& wish) const;
  std::uint64_t onward_open(const std::string& parent) const;  // under mutex_
  Result<SignedText> receipt_for(const TakenState& taken) const;
  Tombstone tombstone_of(const RecallOrder& order) const;
  std::unexpected<Error> refuse(std::string_view from, std::string what, std::string why);
  Result<void> parent_changed(const std::string& parent);
  Result<void> count_onward();

  journal::Journal& journal_;
  Release& release_;
  const RecallOptions options_;
  const Clock& clock_;
  Log& log_;

  std::atomic<std::uint64_t> withdrawals_ = 0;
  FairSharedMutex admitting_, handing_out_;
  std::mutex recording_;      // from reading an order or an obeyed tombstone to having written what becomes of it
  mutable std::mutex mutex_;  // of everything below; last
  std::map<MarkKey, Mark> marks_;
  bool exact_from_start_ = false;                                  // what is not in marks_ was never handed anything
  std::map<std::string, std::uint64_t, std::less<>> last_number_;  // of a member's orders, those of nothing included
  std::map<std::pair<std::string, std::string>, std::string> by_hand_;  // member, id → newest version's key
  std::map<std::pair<std::string, std::uint64_t>, RecallOrder> orders_;
  std::unordered_map<std::string, std::vector<std::pair<std::string, RecallBounds>>> tombstones_;  // id → by giver
  std::map<std::string, std::uint64_t, std::less<>> asked_;                                        // by giver
  std::map<std::pair<std::string, std::string>, std::map<std::string, std::uint64_t>>
      later_;  // giver, id → LaterCopies
  std::size_t later_count_ = 0;
  std::map<std::pair<std::string, std::uint64_t>, std::unique_ptr<TakenState>> taken_;
  std::vector<RefusedRecall> refused_;
  std::vector<std::function<void()>> callbacks_;
};

}  // namespace bongsu::flow
