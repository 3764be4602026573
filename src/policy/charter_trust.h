// Which charter a node trusts, and what may take its place: the root role of TUF, applied to a list of members.
//
//   BONGSU_TRY(auto trusted, trust_first(document, digest_read_out_by_voice, now));
//   BONGSU_TRY(trusted, advance(trusted, next_document, now));          // version N → N+1
//   BONGSU_TRY_VOID(trusted.in_force(now));                             // neither expired, nor the clock gone back
//
// TUF specification §5.3: N+1 is signed by a threshold of N's sponsors and a threshold of its own (5.3.4); versions go
// up one by one (5.3.5); that a version in between has expired does not matter (5.3.6), that the last one has, does
// (5.3.10). Beyond TUF: each version names the digest of the one before; the history of groups stays as it was; a
// member's name is never given again; who comes new has a sponsor's invitation, holds the keys that are listed, and
// begins on probation.
//
// Everything here is a value: a refused document changes nothing. Each refusal begins with its name ("roll-back: …"),
// which also stands in error.where.field.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "policy/charter.h"

namespace bongsu::policy {

inline constexpr std::size_t kMaxCharterChain = 1024;              // versions taken in one update (TUF's Y)
inline constexpr std::chrono::minutes kCharterClockTolerance{10};  // clocks of members differ

// What a threshold came to.
struct SponsorCount {
  std::vector<std::string> nations;  // sponsors with a signature that fits, each once
  std::size_t needed = 0;
  std::size_t broken = 0;   // signatures by keys of sponsors that do not fit
  std::size_t foreign = 0;  // signatures by other keys
  bool enough() const { return nations.size() >= needed; }
};
// Signatures of `document` by sponsors of `by` (the version before, or the document's own charter).
SponsorCount count_sponsors(const Charter& by, const SignedCharter& document);

struct TrustedCharter {
  SignedCharter document;
  Instant latest_seen;  // no time before this comes again: kept, so that a clock that goes back is noticed

  const Charter& charter() const { return document.charter; }
  bool operator==(const TrustedCharter&) const = default;

  // kDenied "clock": the time lies before what was seen; kDenied "freeze": expired.
  Result<void> in_force(Instant now) const;
  // Remembers the time. Never goes back.
  void saw(Instant now) { latest_seen = std::max(latest_seen, now); }

  // As it is kept. parse checks the document's own threshold and proofs again: kCorrupt.
  std::string text() const;
  static Result<TrustedCharter> parse(std::string_view text);
};

// The first charter of a node, at whatever version: its digest was compared by voice, which is what it is trusted by.
// kDenied "pin": another digest.
Result<TrustedCharter> trust_first(const SignedCharter& document, std::string_view digest_hex, Instant now);

// The same version again (equal text) changes nothing. Refusals, all kDenied unless said:
//   mix-and-match     another charter, or not the successor of the version that is trusted
//   roll-back         an older version
//   equivocation      another text of the version that is trusted
//   gap               a later version than the next one (kConflict: bring those between)
//   old-threshold     too few sponsors of the trusted version signed
//   new-threshold     too few of its own
//   freeze            expired, or issued before the trusted version
//   clock             issued in the future, or the clock went back
//   history           a group's past is told otherwise; a member vanished without being named as removed
//   admission         a new member without invitation, or on no probation
//   proof             somebody is listed who does not hold the key
Result<TrustedCharter> advance(const TrustedCharter& trusted, const SignedCharter& next, Instant now);
// Version by version; only the last may not have expired. All or nothing. kTooLarge "endless-data".
Result<TrustedCharter> advance(const TrustedCharter& trusted, std::span<const SignedCharter> chain, Instant now);

// Makes the draft of the next version: the number, the digest, the times; members on probation whose time is over are
// freed. The caller changes the rest.
Charter next_version(const Charter& current, Instant issued, Instant expires);

// ── Admission ──────────────────────────────────────────────────────────────────────────────────────────────────────
// 1. A sponsor invites.
Result<CharterInvitation> invite_member(CharterInvitation invitation, const crypto::SigningKey& sponsor_key);
// 2. The candidate answers with its keys and proves that it holds them. Founders (version 1), and members who change
// their keys, apply without an invitation.
struct CharterApplication {
  std::string charter;
  MemberId member;
  std::string nation, title;
  CharterMember::Kind kind = CharterMember::Kind::kCivil;
  CharterMember::Role role = CharterMember::Role::kObserver;
  std::string ca_fingerprint, identity;
  std::vector<std::string> keys, proofs;  // of each key, over member_statement
  std::optional<CharterInvitation> invitation;
  bool operator==(const CharterApplication&) const = default;
  std::string text() const;
  static Result<CharterApplication> parse(std::string_view text);
};
// Fills `keys` and `proofs`; with an invitation also charter, member, nation, kind and role.
Result<CharterApplication> apply_for_membership(CharterApplication application, const crypto::SigningKey& key);
Result<std::string> prove_key(std::string_view charter, const MemberId& id, const CharterMember& member,
                              const crypto::SigningKey& key);
// 3. It goes into a draft; k of n sign. In version 1 it is a founder's. Later, with an invitation, it is somebody new
// on `probation`; without one it changes keys, authority and title of who is a member already. kDenied as advance()
// would refuse it; a refusal changes nothing.
Result<void> admit_member(Charter& draft, const CharterApplication& application, const Probation& probation,
                          std::uint8_t clearance, std::set<std::string> communities);
// Takes a member out: from this version on it gets nothing, and its name is never given again. Groups get a version
// without it, valid from the draft's `issued`. kNotFound.
Result<void> remove_member(Charter& draft, const MemberId& id);

}  // namespace bongsu::policy
