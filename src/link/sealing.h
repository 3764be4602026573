// Sealing to members: this node's prekeys and what other members gave us to seal to, kept in the journal's state.
//
//   Sealing sealing(journal, {.self = "cert-ua", .signing_key = keys.signing, .master = keys.master}, directory, clock,
//   random); BONGSU_TRY_VOID(sealing.load()); BONGSU_TRY(std::string bundle, sealing.bundle_for("cert-lt")); // what
//   cert-lt may seal to BONGSU_TRY(auto left, sealing.take_bundle("cert-ua", document));             // what another
//   member sent us BONGSU_TRY(std::string file, sealing.seal("cert-lt", {"TLP:RED", type}, bytes));
//   BONGSU_TRY_VOID(sealing.flush());                                            // before the bytes leave
//
//   BONGSU_TRY(auto opened, sealing.open(file));
//   … store opened.opened.content together with opened.states (the one-time key dies in the same commit) …
//   sealing.committed(opened);
//
// One-time keys of others are given out in blocks that are noted as used beforehand, so that one write serves many
// objects and no key is used twice after a crash.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/envelope.h"
#include "crypto/keys.h"
#include "crypto/prekey.h"
#include "journal/journal.h"
#include "policy/label.h"

namespace bongsu::link {

// From which label on an object travels sealed to a member that can be sealed to. Classified ones always do.
struct SealLevel {
  stix::Tlp from = stix::Tlp::kAmberStrict;
  bool classified_only = false;
  // "clear" … "red", or "classified". nullopt: neither.
  static std::optional<SealLevel> parse(std::string_view text);
};
bool needs_sealing(const policy::Label& label, const SealLevel& level);
// An entry's label as it is stored; one that cannot be read needs it.
bool needs_sealing(std::string_view label_text, const SealLevel& level);
// How to handle what is sealed, as everyone on the way may read it: TLP level and rank, no members' names.
std::string handling_text(const policy::Label& label);

inline constexpr std::size_t kPrekeyBlock = 16;  // how many of another's one-time keys one write notes as used
inline constexpr std::size_t kFewPrekeys = 24;   // fewer left at the other side: it is given new ones

// Whom this node knows. Asked on any thread.
struct SealingDirectory {
  std::function<std::optional<std::string>(std::string_view member)> signing_key;  // 32 raw bytes
  std::function<std::optional<crypto::SharedSecret>(std::string_view member)> secret;
};

// For a journal that was put back from a backup: keys of others that were used since then would be used again, and what
// is sealed to them could never be opened. They give new ones at the next contact.
Result<void> forget_keys_of_others(journal::Journal& journal);

// Safe from any thread.
class Sealing {
 public:
  struct Own {
    std::string self;
    crypto::SigningKey signing_key;
    crypto::Key256 master{};
  };
  Sealing(journal::Journal& journal, Own own, SealingDirectory directory, const Clock& clock, Random& random);
  ~Sealing();
  // What is stored. Keys that cannot be read are left out and named; everything else works.
  Result<std::vector<Error>> load();

  // This node's keys for one reader, as a signed document; durable when it returns. `left`: how many one-time keys the
  // reader says that it has; when they are few, new ones are made although it has not used all that we gave.
  Result<std::string> bundle_for(std::string_view reader, std::optional<std::size_t> left = std::nullopt);
  // What a member gave us; durable. How many of its one-time keys are left.
  Result<std::size_t> take_bundle(std::string_view member, std::string_view document);
  bool can_seal_to(std::string_view member) const;
  std::size_t one_time_left(std::string_view member) const;
  std::size_t own_left(std::string_view reader) const;  // of those that this node gave it

  struct What {
    std::string label, content_type;
  };
  // kNotFound, kUnavailable: the member has given no prekeys, or they have expired; or, where can_seal_to() still says
  // yes, this node cannot sign now. No key is used by a failure.
  Result<std::string> seal(std::string_view member, const What& what, std::string_view content);
  // For several at once, one file: each learns of the others.
  Result<std::string> seal_together(const std::vector<std::string>& members, const What& what,
                                    std::string_view content);
  Result<void> flush();  // durable: no key that was used before this call is used again

  struct OpenedEnvelope {
    crypto::Opened opened;
    std::vector<journal::StateChange> states;
  };
  Result<OpenedEnvelope> open(std::string_view file);
  void committed(const OpenedEnvelope& opened);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::link
