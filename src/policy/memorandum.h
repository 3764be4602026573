// A memorandum of understanding as data: the agreement that its parties sign, with keys that the charter lists for
// them.
//
//   agreement   = "6f6d2c1e-…"               # UUID, the same in all versions
//   version     = 2
//   previous    = "9c1185a5…"                # SHA-256 of version 1's text; not in version 1
//   title       = "Energy sector, Lithuania and Ukraine"
//   charter     = "baltic"
//   parties     = ["cert-lt", "cert-ua"]
//   valid_from  = 2027-01-01T00:00:00Z
//   valid_until = 2028-01-01T00:00:00Z
//   notice_days = 90                         # any party can end it, so many days after it said so
//
//   [[permit]]
//   from        = ["cert-lt"]                # direction: who gives what to whom
//   to          = ["cert-ua"]
//   collections = ["shared"]                 # of the giver
//   types       = ["indicator", "malware"]
//   highest_tlp = "amber"
//
//   [[deny]]
//   types       = ["malware"]                # whatever is permitted: this not
//   tlp_from    = "amber"
//
// The language is a list of clauses with fixed attributes: no variables, no loops, no order. What some permit clause
// lets through and no deny clause matches may flow; nothing else. The local form (policy/agreement.h) goes on for two
// members without a charter: its keys are those of a permit clause.
//
// The text is signed as it stands, so that what lawyers read is what holds.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "policy/agreement.h"
#include "policy/charter.h"

namespace bongsu::policy {

inline constexpr std::size_t kMaxMemorandumClauses = 256;
inline constexpr std::size_t kMaxMemorandumParties = 128;
inline constexpr std::size_t kMaxMemorandumItems = 256;  // in one list of a clause
inline constexpr std::size_t kMaxSignedMemorandumBytes = 4 * kMaxAgreementBytes;
inline constexpr std::int64_t kMaxMemorandumDays = 36'500;  // notice, retention

struct PermitClause {
  std::set<MemberId> from, to;  // parties; from = to is both ways among them
  std::set<std::string> collections;
  std::set<std::string> types;  // "*" alone: all
  stix::Tlp highest_tlp = stix::Tlp::kGreen;
  ClassRank highest_class = ClassRank::kUnclassified;
  std::set<std::string> categories, caveats;
  std::optional<std::set<std::string>> sectors, communities;
  std::set<Purpose> purposes = {Purpose::kOperations};
  bool onward = false;                          // also what third members gave to `from`
  std::optional<std::set<MemberId>> passes_on;  // to whom `to` may pass on what `from` gave it; "*": all
  bool widens = false;                          // `to` may widen the releasable-to sets of what `from` made
  bool tlp1_amber_is_amber = false;             // `from` means AMBER by TLP 1's AMBER
  bool anonymise_sightings = true;
  bool red_to_persons = false;
  std::optional<std::int64_t> personal_data_days;  // personal data is erased after; absent: not said
  bool operator==(const PermitClause&) const = default;
};

struct DenyClause {  // matches what has all that it names; an empty clause matches everything
  std::optional<std::set<MemberId>> from, to;
  Denial what;
  bool operator==(const DenyClause&) const = default;
};

struct Memorandum {
  std::string id, title, charter, previous;
  std::int64_t version = 1;
  std::set<MemberId> parties;
  Instant valid_from, valid_until;
  std::int64_t notice_days = 0;
  std::vector<PermitClause> permits;
  std::vector<DenyClause> denies;
  bool operator==(const Memorandum&) const = default;
};

// kInvalid names line, path and rule.
Result<Memorandum> parse_memorandum(std::string_view toml, std::string_view source_name);
std::string to_toml(const Memorandum& memorandum);  // parse_memorandum reads it back
// Does this text have the signed form's shape (the key "agreement" at its top)? For commands that take both.
bool is_memorandum(std::string_view toml);

std::string explain(const Memorandum& memorandum);
// Clause by clause: what is no longer so ("- …") and what is new ("+ …").
std::vector<std::string> differences(const Memorandum& before, const Memorandum& after);

// A party's word that it ends the agreement.
struct TerminationNotice {
  MemberId by;
  Instant given, ends;
  DetachedSignature signature;
  bool operator==(const TerminationNotice&) const = default;
};

struct PartySignature {
  MemberId member;
  DetachedSignature signature;
  bool operator==(const PartySignature&) const = default;
};

// The text with the signatures beside it:
//   {"agreement": "<TOML>", "signatures": [{"member","key","signature"}], "notices":
//   [{"by","given","ends","key","signature"}]}
struct SignedMemorandum {
  std::string toml;
  Memorandum terms;
  std::vector<PartySignature> signatures;
  std::vector<TerminationNotice> notices;
  bool operator==(const SignedMemorandum&) const = default;
  std::string text() const;
  std::string digest() const;  // SHA-256 of `toml`, hex
};
Result<SignedMemorandum> parse_signed_memorandum(std::string_view text, std::string_view source_name);
Result<SignedMemorandum> unsigned_memorandum(std::string_view toml, std::string_view source_name);

Result<void> sign_memorandum(SignedMemorandum& document, const MemberId& member, const crypto::SigningKey& key);
// kInvalid ("mix and match") unless both are of the same text.
Result<SignedMemorandum> merge_memoranda(const SignedMemorandum& a, const SignedMemorandum& b);
// kInvalid: not a party, or it ends earlier than the agreement's notice lets it.
Result<void> give_notice(SignedMemorandum& document, const MemberId& by, Instant given, const crypto::SigningKey& key);

// Does it fit this text, by the key that stands beside it? Whose key that is, only a charter tells.
bool holds(const SignedMemorandum& document, const PartySignature& signature);
bool holds(const SignedMemorandum& document, const TerminationNotice& notice);
// Every party is a member by the charter and signed with one of the keys that the charter lists for it now; notices are
// by parties. kDenied names who is missing.
Result<void> verify_memorandum(const SignedMemorandum& document, const Charter& charter);
// The document with those signatures alone that are its parties' with keys of the charter: nothing that a stranger wrote
// beside them is kept.
SignedMemorandum with_proven_signatures(SignedMemorandum document, const Charter& charter);
// May `next` stand in the place of `trusted`? kDenied "roll-back", "equivocation", "mix-and-match"; kConflict "gap".
// Signatures and notices of the same version are put together, those of strangers are not taken over.
Result<SignedMemorandum> advance_memorandum(const SignedMemorandum& trusted, const SignedMemorandum& next,
                                            const Charter& charter);

// When it ends: as agreed, or earlier by notice.
Instant end_of(const SignedMemorandum& document);
// What `self` decides by: one Agreement for each clause and partner. Incoming clauses bring what the partner lets this
// node do with what it gave (direction from-partner: nothing flows by them).
std::vector<Agreement> compile(const SignedMemorandum& document, const MemberId& self);

}  // namespace bongsu::policy
