// Admission: the one way in. parse → validate → label → de-duplicate → journal, with the releases decided in the same
// step.
//
//   flow::Admission admission(journal, release, markings, log);
//   auto report = admission.admit(objects, {.collection = id, .origin = "cert-ua", .fallback = stix::Tlp::kAmber});
//   report.items[i].outcome, .error …
//
// The label that is stored and decided on is the object's own (Markings::label_of) joined with what its references
// reveal: an id tells that an object exists, so an object that refers to another one which is known here goes to nobody
// whom that one is withheld from by its label, or by the third-party rule. Known means: admitted before, or in the same
// batch; what comes later changes nothing. Of what another member gave, its own label counts besides, where it says one.
// created_by_ref does not count: an author signs its objects, and hiding an
// author means hiding the objects. Nor do markings: they travel with what they mark.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "flow/collections.h"
#include "flow/known_objects.h"
#include "flow/lowering_gate.h"
#include "flow/markings.h"
#include "flow/origins.h"
#include "flow/quarantine.h"
#include "flow/recall.h"
#include "flow/reference_labels.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "stix/object.h"
#include "stix/validate.h"

namespace bongsu::flow {

struct AdmitContext {
  std::string collection;                        // id
  std::string origin;                            // member id; own id for what is ours
  stix::Tlp fallback = stix::Tlp::kAmberStrict;  // label of objects that carry no TLP marking
  std::vector<journal::StateChange> states;      // written in the same transaction (a link's cursor, a feed's state)
  // Other content of a version that this member gave before, or the same with a stricter label, takes its place, in the
  // same commit: a live link tells releases in order, and what comes later was redacted more, or less. Otherwise the
  // first bytes stay.
  bool replaces = false;
  // Proofs of origin beside the objects, empty where there is none; empty as a whole: this way in carries none.
  std::vector<std::string> proofs{};
  // Of what is ours by `origin` and was taken from elsewhere ("feed"): we sign as having received it.
  std::string received_from{};
  // Who brought it in, "cert-lt/olena": TLP:RED that names nobody is theirs. (Nobody may see it otherwise.)
  std::set<std::string> persons{};
  // What its sender decided on for each object (label_beside.h), empty where it did not say; empty as a whole: this way
  // in carries none. What refers to something unknown here then goes to nobody else.
  std::vector<std::string> labels{};
  // How many tombstones the sender had made for us when it read each object for us; empty: none, as far as is known.
  std::vector<std::uint64_t> decided_after{};
  // Who decides that a newer version of an own object may have a lower label than the one before, and why. Empty: such
  // a version is refused.
  std::string authority, authority_reason;
  // Which account does it and why, for a proposal where that takes a second person (lowering_gate.h); empty: no person.
  std::string by{};
  std::string why{};
  // A second person approved it: nothing of it waits again, and it is admitted whole or nothing is written.
  bool two_persons = false;
  std::vector<journal::NewEntry> notes{};  // written in the same transaction
};

struct AdmitItem {
  // kQuarantined: kept aside for a person, not admitted (quarantine.h).
  enum class Outcome { kNew, kReplaced, kDuplicate, kOtherBytes, kRefused, kQuarantined } outcome = Outcome::kRefused;
  // It is here already, and its sender may not see it, or not all of it: whether its own text equals that is not told.
  bool unseen = false;
  // What the sender may be told. Where being held depends on what is known here, it looks as an admission would.
  Outcome told = Outcome::kRefused;
  std::string id;                       // as far as known
  std::string version;                  // as shown by TAXII; empty when refused
  journal::Seq seq = 0;                 // of the entry, or of the one that was there already
  std::vector<stix::Finding> findings;  // why it was refused, or warnings
  std::string message;                  // one sentence for status resources; empty for kNew
};

struct AdmitReport {
  std::vector<AdmitItem> items;                           // in order of the input
  std::size_t admitted = 0, duplicates = 0, refused = 0;  // kReplaced is admitted; kOtherBytes refused: the first stay
  std::size_t quarantined = 0;
  // Sentences about proofs that are wrong: whoever passes such a thing on lies, or passes on a lie unseen.
  std::vector<std::string> lies;
};

// Safe from any thread.
class Admission {
 public:
  Admission(journal::Journal& journal, Release& release, Markings& markings, Log& log);

  // The STIX identity of this node: an object that names it as its creator and comes from somebody else is refused.
  void set_own_identity(std::string stix_id);

  // With these, what is admitted is signed and proofs are judged, and what speaks for others goes to quarantine.
  // Without them (tests, tools) nothing is signed, and that is refused.
  void use(Origins& origins, Quarantine& quarantine);
  // Which exercise a collection is for is asked of them, not of the policy, which knows of a collection later.
  void use(const Collections& collections) { collections_ = &collections; }
  // Own objects whose label is lowered wait for a second person.
  void use(LoweringGate& gate) { gate_ = &gate; }

  // Whether an agreement that this node knows of lets a member widen to whom something may go that another one made
  // (policy::may_widen). Not set: nobody but this node, by its own agreement with the maker.
  using MayWiden = std::function<bool(const policy::MemberId& maker, const policy::MemberId& member)>;
  void set_may_widen(MayWiden may_widen) { may_widen_ = std::move(may_widen); }

  // Once, before anything is admitted: what was recalled is refused, and what a deletion or a raised label takes away
  // from members is recalled from them.
  void set_recall(Recall* recall) { recall_ = recall; }

  // The member that recalled this version, of which no copy of its or of this node's is here any more.
  Result<std::optional<std::string>> recalled_by(const std::string& object_id, const std::string& version_key) const;

  // One batch, one durable commit. Objects that break the standard are refused one by one; the rest is admitted. An
  // error means that nothing was written (disk full, journal closed). An empty batch still writes context.states.
  //
  // What is this node's and goes into an exercise's collection without its marking gets it, in its bytes: whoever posts
  // them elsewhere posts a drill's. What another made, or a feed brought, is refused without it, and the error names it.
  //
  // Marking definitions of a batch are pinned and written before what they mark. From a partner (origin is not this
  // node) is held in quarantine: a proof that is wrong; no proof over the link of a member that signs; this node's own
  // identity as creator or as the object, unless we signed it; the identity of a member who owns it here
  // (origins.h), unless that one signed it; and a second content of a marking definition. A TLP or releasable-to set
  // weaker than that of a copy that somebody else gave us or that is ours never holds: the join of both does. The sender
  // is not told, and sees what it gave all the same (release_plan.h, decide_for_member): either would tell that the id
  // is known here. A version that is here, and that its sender was never shown, does not count: its copy stands beside
  // that one, and goes to nobody else.
  Result<AdmitReport> admit(std::span<const Result<stix::Object>> objects, const AdmitContext& context);

  // An analyst lets in what is held: through everything above, except that being held is no reason any more. A bad
  // proof is dropped, and we sign as having received the object; an identity is the originator's from now on. kConflict:
  // it cannot be admitted (what the standard refuses, a second content of a marking definition, a version that is here),
  // and stays held.
  Result<AdmitItem> admit_held(std::string_view id, std::string_view by, std::string_view why);

  // What admit() would decide on, for a preview: release.preview(*admission.facts_of(object, context)).
  Result<policy::ObjectFacts> facts_of(const stix::Object& object, const AdmitContext& context);

  // Deletes one version (version_key) or all versions (empty) of an object from a collection. kNotFound if there is
  // none. `origin` = the member who asks: what it cannot see it cannot delete, and the answer is kNotFound; what it
  // sees but others gave, it cannot delete either: kDenied. `states` are written in the same commit.
  // What members were given of it is recalled from them (not a drill's copy of what is here outside of the drill as well:
  // a tombstone names the id, so that is told by the link alone): for good, or up to a decision if `reason` says so (a partner
  // took it back, and may give it again).
  Result<void> remove(std::string_view collection, std::string_view object_id, std::string_view version_key,
                      std::string_view origin, std::vector<journal::StateChange> states = {},
                      RecallReason reason = RecallReason::kDeleted);

  // Goes on with what refers to objects that became known, or were raised, since it was admitted: it is no more open than
  // those. A part of it is done behind each admission; call it now and then for the rest.
  Result<void> follow_ends();

 private:
  struct Work;
  struct Raised;
  Result<std::vector<journal::Entry>> versions_before(const Work& work, const AdmitContext& context,
                                                      journal::Seq place_of, KnownObjects::Look& look);
  Result<void> take_from_excluded(const std::vector<Raised>& raised, const Release::Readers& readers,
                                  journal::Batch& batch, Recall::Plan& plan);
  Result<std::optional<journal::Entry>> told_otherwise(const Work& work, const AdmitContext& context,
                                                       KnownObjects::Look& look);
  policy::Label standing_label(const KnownCopy& copy, const stix::Object& object, const std::string& member) const;
  std::optional<policy::MemberId> sighted_by(const stix::Object& sighting) const;
  Result<void> find_sighted(const std::vector<Referring>& batch, bool live, KnownObjects::Look& look) const;
  // Entries of an object's version that its giver may not know of. `shown`: what the giver may see of the collection,
  // opened when it is asked for.
  Result<std::vector<journal::Seq>> stands_apart(const stix::Object& object, const AdmitContext& context,
                                                 const std::vector<KnownCopy>& copies,
                                                 std::optional<Result<Reading>>& shown);
  // It gave the entry, or has been shown it; withdrawn since or not.
  static bool was_shown(const std::string& member, const Result<Reading>& reading, const journal::Entry& stored);
  // The copies of that version in that collection that other members gave.
  Result<std::vector<journal::Seq>> of_others(const journal::Entry& copy);
  // `reading`: what the member may see of the collection, or why nothing.
  bool sees_whole(const std::string& member, const Result<Reading>& reading, journal::Seq seq);
  struct Held;
  // Why what a member recalled is not brought in again by hand; nullopt: nobody recalled it, or two persons may.
  Result<std::optional<std::string>> against_override(const stix::Object& object, const AdmitContext& context);
  Result<void> hold_lowered(std::vector<Work>& work, const AdmitContext& context, AdmitReport& report);
  Result<AdmitReport> admit_with(std::span<const Result<stix::Object>> objects, const AdmitContext& context,
                                 bool by_person);
  Result<void> may_be_admitted(const stix::Object& object, const HeldItem& item);
  // admit_ends.cpp
  struct ChangedEnd {
    std::string done;                                     // its referrers up to this one were decided again
    std::optional<journal::Seq> from;                     // what refers to it and was admitted by then is found
    std::optional<std::set<std::string>> referrers{};     // that are left
  };
  bool follows_ends() const;
  Result<void> note_end(const policy::ObjectFacts& facts, std::string version_key, KnownObjects::Look& look,
                        std::set<std::string>& changed, std::vector<journal::StateChange>& states);
  void note_end_gone(const std::string& id, std::vector<journal::StateChange>& states) const;
  void await(const std::set<std::string>& unknown, std::vector<journal::StateChange>& states) const;
  void ends_written(const std::set<std::string>& changed, const std::set<std::string>& unknown);
  Result<void> load_ends();
  std::map<std::string, ChangedEnd> ends_to_follow();
  Result<bool> follow_some_ends();
  Result<bool> raise_referrers(std::size_t at_once);
  Result<std::optional<std::string>> label_by_ends(const journal::Entry& entry, journal::Snapshot& snapshot,
                                                   KnownObjects::Look& look);
  std::string own_identity() const;
  std::string exercise_of(std::string_view collection) const;
  std::optional<policy::MemberId> made_by_another(const stix::Object& object) const;
  bool may_be_given(const stix::Object& object, const AdmitContext& context) const;
  void keep_with_givers(const stix::Object& object, const AdmitContext& context, const std::vector<KnownCopy>& copies,
                        policy::Label& label) const;
  Result<void> define_exercise(const std::string& exercise, const std::string& collection);
  Result<bool> stands_outside(const std::string& exercise, const std::string& object_id);
  policy::MemberId self() const;

  journal::Journal& journal_;
  Release& release_;
  Markings& markings_;
  Log& log_;
  Recall* recall_ = nullptr;
  KnownObjects known_;
  Origins* origins_ = nullptr;
  Quarantine* quarantine_ = nullptr;
  LoweringGate* gate_ = nullptr;
  const Collections* collections_ = nullptr;
  MayWiden may_widen_;
  mutable std::mutex mutex_;
  std::string own_identity_;
  std::mutex ends_mutex_;  // of what follows
  bool ends_loaded_ = false;
  std::map<std::string, ChangedEnd> changed_ends_;
};

}  // namespace bongsu::flow
