// The charter: who belongs to the exchange, as one document that k of n sponsors sign.
//
//   BONGSU_TRY(SignedCharter document, parse_signed_charter(text));
//   BONGSU_TRY(TrustedCharter next, advance(trusted, document, now));     // policy/charter_trust.h
//   next.charter().members.at("cert-ua").clearance
//
// It is canonical JSON (RFC 8785) in a container with detached signatures, so that sponsors sign apart and their
// signatures are put together afterwards:
//
//   {"signed": {"type":"bongsu-charter", "version":3, …}, "signatures": [{"key":"<hex>", "signature":"<hex>"}, …]}
//
// What is signed is "bongsu/charter/v1\n" and the canonical text of `signed`. Reading is strict: unknown properties,
// sets out of order, a second way to write the same value are all refused, so one charter has one text and one digest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "policy/label.h"

namespace bongsu::policy {

inline constexpr std::size_t kMaxCharterBytes = 2 * 1024 * 1024;
inline constexpr std::size_t kMaxCharterSignatures = 256;
inline constexpr std::size_t kMaxSponsors = 64;
inline constexpr std::size_t kMaxKeysPerHolder = 8;
inline constexpr std::size_t kMaxCharterMembers = 1024;
inline constexpr std::size_t kMaxRemovedMembers = 8192;
inline constexpr std::size_t kMaxCharterCommunities = 256;
inline constexpr std::size_t kMaxCharterGroups = 256;
inline constexpr std::size_t kMaxGroupVersions = 256;
inline constexpr std::size_t kMaxEquivalences = 4096;
inline constexpr std::size_t kMaxCharterTitle = 200;
inline constexpr std::int64_t kMaxCharterVersion = 1'000'000;

// The reference scale: every national marking is mapped into it, and nothing is mapped from one nation to another but
// through it (rank = position).
inline constexpr std::string_view kReferenceRanks[] = {"unclassified", "restricted", "confidential", "secret",
                                                       "top-secret"};
std::optional<std::uint8_t> parse_reference_rank(std::string_view name);

struct CharterSponsor {
  std::string nation;  // ISO 3166-1 alpha-2, or an organisation's letters, in lower case: "lt", "eu", "nato"
  std::string title;
  std::vector<std::string> keys;  // Ed25519, hex; kept off line. All keys of a sponsor count as one signature.
  bool operator==(const CharterSponsor&) const = default;
};

// A sponsor's word that this organisation may apply; used up by the charter's version that admits it.
struct CharterInvitation {
  std::string charter;  // id
  MemberId member;
  std::string nation, kind, role, sponsor;  // sponsor: nation
  Instant expires;
  std::string key, signature;  // of the sponsor
  bool operator==(const CharterInvitation&) const = default;

  Json json() const;
  static Result<CharterInvitation> parse(const Json& json, std::string path);
  std::string statement() const;  // what is signed
};

// While `until` has not come, nothing above the ceiling goes to the member, whatever agreements say.
struct Probation {
  Instant until;
  stix::Tlp highest_tlp = stix::Tlp::kGreen;
  std::uint8_t highest_rank = 0;
  bool operator==(const Probation&) const = default;
};

struct CharterMember {
  enum class Kind : std::uint8_t { kCivil, kMilitary, kOperator };
  enum class Role : std::uint8_t { kSponsoringNation, kContributingParticipant, kObserver };

  std::string title, nation;
  Kind kind = Kind::kCivil;
  Role role = Role::kObserver;
  std::vector<std::string> keys;      // Ed25519 signing keys of its node, hex
  std::string ca_fingerprint;         // SHA-256 of its certificate authority
  std::string identity;               // its STIX identity, which nobody else speaks under; empty: none is named
  std::uint8_t clearance = 0;         // highest reference rank it may get
  std::set<std::string> categories;   // special categories (compartments) that it may get
  std::set<std::string> communities;  // names of the charter's communities
  std::int64_t admitted = 1;          // version of the charter that admitted it
  std::optional<Probation> probation;
  // By each of `keys`, in their order, over member_statement(): whoever is listed holds what is listed.
  std::vector<std::string> proofs;
  std::optional<CharterInvitation> invitation;  // founders (version 1) have none
  bool operator==(const CharterMember&) const = default;
};

struct GroupVersion {
  Instant valid_from;
  std::set<MemberId> members;  // empty: nobody
  bool operator==(const GroupVersion&) const = default;
};

// A releasable-to set by name. Labels refer to it by `id`, with the hash of its members as they were.
struct CharterGroup {
  std::string id;                      // UUID, lower case
  std::vector<GroupVersion> versions;  // in order of valid_from
  bool operator==(const CharterGroup&) const = default;
};

struct Equivalence {  // of one nation's and one kind of authority's marking
  std::string nation;
  CharterMember::Kind kind = CharterMember::Kind::kCivil;
  std::string marking;  // as it is written: "HEMLIG/RESTRICTED"
  auto operator<=>(const Equivalence&) const = default;
};

struct Charter {
  std::string id;  // "baltic-exchange"; stays
  std::string title;
  std::int64_t version = 1;
  std::string previous;  // SHA-256 of the previous version's text, hex; empty in version 1
  Instant issued, expires;
  std::int64_t threshold = 1;
  std::vector<CharterSponsor> sponsors;            // in order of nation
  std::map<std::string, std::string> communities;  // name → title
  std::map<MemberId, CharterMember> members;
  std::map<MemberId, std::int64_t> removed;          // → version that removed it; a name is never given again
  std::map<std::string, CharterGroup> groups;        // by name: "NATO"
  std::map<Equivalence, std::uint8_t> equivalences;  // → reference rank
  bool operator==(const Charter&) const = default;

  // TLP 2.0's "community" is an explicit set. An unknown name is nobody.
  std::set<MemberId> community(std::string_view name) const;
  // Who was in a group at a time; nullptr: no such group, or not yet.
  const std::set<MemberId>* group_at(std::string_view name, Instant when) const;
  // Reference rank of a national marking. nullopt: this nation and kind of authority has no row for it.
  std::optional<std::uint8_t> rank_of(std::string_view nation, CharterMember::Kind kind,
                                      std::string_view marking) const;
  // How this nation and kind of authority writes a reference rank: its lowest marking that protects at least as well.
  // nullopt: it has none, so what is classified so cannot be handed to it.
  std::optional<std::string> marking_for(std::string_view nation, CharterMember::Kind kind, std::uint8_t rank) const;

  Json json() const;
  std::string text() const;    // canonical
  std::string digest() const;  // SHA-256 of text(), hex
  // Strict (see above). kInvalid names path and rule; kTooLarge names the limit; kUnsupported: a later format.
  static Result<Charter> parse(const Json& json);
};

struct DetachedSignature {
  std::string key, signature;  // hex
  bool operator==(const DetachedSignature&) const = default;
};

struct SignedCharter {
  Charter charter;
  std::vector<DetachedSignature> signatures;
  bool operator==(const SignedCharter&) const = default;
  std::string text() const;  // the container, for people's eyes too
};
Result<SignedCharter> parse_signed_charter(std::string_view text);

// Adds a signature, or replaces the one by the same key.
Result<void> sign_charter(SignedCharter& document, const crypto::SigningKey& key);
// Signatures of both. kInvalid ("mix and match") unless both are of the same text; a signature that does not verify is
// refused with its key.
Result<SignedCharter> merge_signatures(const SignedCharter& a, const SignedCharter& b);

std::string charter_statement(std::string_view canonical_text);
// What a member's keys sign to be listed.
std::string member_statement(std::string_view charter, const MemberId& id, const CharterMember& member);

std::string_view to_string(CharterMember::Kind kind);  // "civil", "military", "operator"
std::string_view to_string(CharterMember::Role role);  // "sponsoring-nation", "contributing-participant", "observer"
std::optional<CharterMember::Kind> parse_member_kind(std::string_view text);
std::optional<CharterMember::Role> parse_member_role(std::string_view text);

bool is_short_name(std::string_view text);  // of a charter, a community, a group in lower case: as a member's

}  // namespace bongsu::policy
