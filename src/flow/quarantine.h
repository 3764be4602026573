// What was not admitted because it speaks for others, or contradicts what is known here: kept aside, durable and
// bounded, until a person looks at it.
//
//   for (const HeldItem& item : quarantine.list()) …                    // open ones first, newest first
//   quarantine.content(item.id)                                         // its bytes
//   quarantine.discard(item.id, "rita", "forged")                       // bytes erased, the record stays
//   admission.admit_held(item.id, "rita", "the key was renewed")        // through admission, then as above
//
// Nothing here is matched, searched, referred to or released. The bytes are a payload of the journal (an entry of kind
// kQuarantined), sealed and erased as all others.
//
// Whoever sent it learns nothing: where being held depends on what is known here, the answer to the sender is that of
// an admission (HeldAs says which: new, again, other bytes), so a second try looks as it would without quarantine.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "journal/journal.h"
#include "stix/marking.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxHeld = 10'000;         // open, of all members
inline constexpr std::size_t kMaxHeldOfMember = 2'000;  // so that one liar leaves room for the others
inline constexpr std::size_t kMaxHeldBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxHeldBytesOfMember = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxDecidedKept = 5'000;  // records of decided ones; the notes in the journal stay
inline constexpr std::size_t kMaxHeldReasonBytes = 2'000;

enum class HeldFor {
  kBadProof,         // its proof of origin is wrong
  kUnsigned,         // it came without one over the link of a member whose node signs
  kOurIdentity,      // it is, or is created by, this node's identity, and we did not sign it
  kNotTheirs,        // it is, or is created by, an identity that another member owns
  kMarkingConflict,  // a second content under a marking definition's id
  kExercise,         // it belongs to an exercise, and came into a collection that does not
  kWeakerLabel,      // a lower label than the copy that was here; earlier builds held those
};
std::string_view to_string(HeldFor reason);  // "bad_proof", …
std::optional<HeldFor> parse_held_for(std::string_view text);

struct HeldItem {
  std::string id;  // uuid
  std::string member, collection, object_id, version, version_key, sha256, originator;
  stix::Tlp fallback = stix::Tlp::kAmberStrict;  // its label where it carries no TLP marking
  std::string label;                             // that its sender said beside it (label_beside.h); empty: none
  HeldFor reason = HeldFor::kBadProof;
  std::string why;  // a sentence
  std::uint64_t bytes = 0;
  Instant since;
  enum class State { kOpen, kAdmitted, kDiscarded } state = State::kOpen;
  std::string decided_by, decided_why;
  std::optional<Instant> decided;
  journal::Seq seq = 0;  // 0: not looked up yet
};
std::string_view to_string(HeldItem::State state);
Json to_json(const HeldItem& item);

enum class HeldAs { kNew, kAgain, kOtherBytes, kFull };

// Safe from any thread.
class Quarantine {
 public:
  static Result<std::unique_ptr<Quarantine>> load(journal::Journal& journal, const Clock& clock, Random& random,
                                                  std::string self, Log& log);

  // For admission: adds the entry and the record to its batch (kNew), or says why nothing needs to be written. Then
  // written() with the receipt's number, or not_written().
  struct Hold {
    std::string member, collection, object_id, version, version_key, spec_version, originator;
    stix::Tlp fallback = stix::Tlp::kAmberStrict;
    HeldFor reason = HeldFor::kBadProof;
    std::string why, bytes, proof, label;
  };
  struct Placed {
    HeldAs as = HeldAs::kNew;
    std::string id;
    journal::Seq seq = 0;
  };
  Placed hold(const Hold& what, journal::Batch& batch);
  void written(const std::string& id, journal::Seq seq);
  void not_written(const std::string& id);

  std::vector<HeldItem> list() const;  // open ones first, newest first within each
  std::optional<HeldItem> find(std::string_view id) const;
  Result<journal::Content> content(std::string_view id);  // kNotFound: no such item, or decided: its bytes are erased

  Result<void> discard(std::string_view id, std::string_view by, std::string_view why);
  // For admission: the record as it will be once it is admitted, and then that it is.
  Result<journal::StateChange> as_admitted(std::string_view id, std::string_view by, std::string_view why);
  Result<void> admitted(std::string_view id, std::string_view by, std::string_view why);
  // What is held of an object and undecided: in this collection, of this version, from this member, as far as named.
  struct Which {
    std::string_view object_id;
    std::optional<std::string_view> collection{}, version_key{}, member{};
  };
  Result<std::size_t> discard_all(const Which& which, std::string_view by, std::string_view why);
  // An object is erased everywhere: what is held of it goes, too.
  Result<std::size_t> erase_object(std::string_view object_id, std::string_view by);

  struct Counts {
    std::size_t open = 0, bytes = 0;
    std::uint64_t dropped = 0;  // since the start: the quarantine was full
  };
  Counts counts() const;

 private:
  Quarantine(journal::Journal& journal, const Clock& clock, Random& random, std::string self, Log& log)
      : journal_(journal), clock_(clock), random_(random), self_(std::move(self)), log_(log) {}
  Result<void> settle(std::string_view id, HeldItem::State state, std::string_view by, std::string_view why,
                      bool written);
  Result<journal::Seq> seq_of(const HeldItem& item);
  void index(const HeldItem& item);
  static std::string place_of(std::string_view member, std::string_view collection, std::string_view object_id,
                              std::string_view version_key, std::string_view sha256);

  journal::Journal& journal_;
  const Clock& clock_;
  Random& random_;
  const std::string self_;
  Log& log_;
  mutable std::mutex mutex_;
  std::map<std::string, HeldItem, std::less<>> items_;
  std::map<std::string, std::string> places_;               // member, collection, object and version → id
  std::map<std::string, journal::Seq, std::less<>> after_;  // where the entry of an item that was loaded is looked for
  std::uint64_t dropped_ = 0;
};

}  // namespace bongsu::flow
