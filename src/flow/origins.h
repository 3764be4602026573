// Who made what: signs what is ours, judges what others say about theirs, and knows whose an identity is.
//
//   origins->sign_as(signer);                          // once, at the start; without it nothing is signed
//   origins->know_keys(keys_of_member);                // pinned at pairing, or listed by a charter, now or formerly
//   origins->know_owners(owner_by_charter);            // whose identities are by the charter
//   const OriginVerdict verdict = origins->judge(proof, object.bytes());
//   origins->proof_of(snapshot, row, content)          // what goes with a row of an outbox
//
// Ownership of identities (STIX `created_by_ref`): the first member who brought an `identity` that says itself who made
// it (created_by_ref is its own id, or one that this member owns already), with a good proof of authorship, owns it
// here, for ever (trust on first use). A charter's word stands above. What another member signs or brings
// in under that identity goes to quarantine.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/origin.h"
#include "journal/journal.h"
#include "policy/label.h"
#include "stix/object.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxOwnedIdentities = 1'000'000;

struct OriginKey {
  std::string key;               // raw Ed25519
  std::optional<Instant> until;  // it was taken from its member then: what is signed later proves nothing
};

struct OriginVerdict {
  enum class Kind {
    kUnsigned,           // there is no proof
    kProven,             // by a member whose key is known here (this node among them)
    kUnknownOriginator,  // nothing here can tell: the originator's key is not known, or was not its key any more
    kBad,                // `why` says what is wrong with it
  } kind = Kind::kUnsigned;
  std::string originator;
  bool author = false;  // or it received the object from somebody
  std::string why;      // begins with a verb: "the proof …"
  bool proven_by(std::string_view member) const { return kind == Kind::kProven && originator == member; }
};

// Safe from any thread.
class Origins {
 public:
  using KeysOf = std::function<std::vector<OriginKey>(std::string_view member)>;
  using OwnerOf = std::function<std::optional<std::string>(std::string_view identity)>;

  static Result<std::unique_ptr<Origins>> load(journal::Journal& journal, const Clock& clock, Random& random);

  void sign_as(std::shared_ptr<const crypto::OriginSigner> signer);
  void know_keys(KeysOf keys);
  // Stands above what was learned, and above what a person said.
  void know_owners(OwnerOf by_charter);
  // This node's own STIX identity: what is created by it is claimed as authored.
  void set_own_identity(std::string identity);

  OriginVerdict judge(std::string_view proof, std::string_view object);

  // Members that have brought a good proof of their own: from then on they sign everything that a link brings.
  bool signs(std::string_view member) const;
  // For the commit that holds what it signed; made known with it.
  void note_signs(std::string_view member, std::vector<journal::StateChange>& states);

  std::optional<std::string> owner_of(std::string_view identity) const;
  // If nobody owns it; with the change to persist. forget_owner() if that could not be written.
  bool own(std::string_view identity, std::string_view member, std::vector<journal::StateChange>& states);
  void forget_owner(std::string_view identity);
  // A person's word: whatever stood before.
  journal::StateChange set_owner(std::string_view identity, std::string_view member);

  // One proof an object, under one signature for each claim and each crypto::kBatchPlaces of objects; empty texts when this node signs nothing, or
  // for what is not JSON. `received_from`: empty = ours, as far as created_by_ref says nothing else.
  std::vector<std::string> sign(const std::vector<const stix::Object*>& objects, std::string_view received_from);

  // What goes with a row that is sent: its own proof; for a redacted copy the part of the whole's proof; for what came
  // before there were proofs of this version, or was rewritten and not only reduced, one that is made now by this node. Empty: this
  // node signs nothing.
  std::string proof_of(journal::Snapshot& snapshot, const journal::OutboxRow& row, const journal::Content& content);

 private:
  Origins(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  crypto::OriginClaim claim_of(std::string_view created_by, std::string_view received_from) const;
  std::vector<std::string> sign_texts(const std::vector<std::string_view>& texts, const crypto::OriginClaim& claim);

  const Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;
  std::shared_ptr<const crypto::OriginSigner> signer_;
  KeysOf keys_;
  OwnerOf by_charter_;
  std::string own_identity_;
  crypto::OriginVerifier verifier_;
  std::set<std::string, std::less<>> signers_;
  std::map<std::string, std::string, std::less<>> owners_;  // identity → member
};

}  // namespace bongsu::flow
