// The release decision: may this member have this object? One pure function that every exit calls, for preview and for
// sending.
//
//   Decision d = policy::decide(facts, "cert-ua", Purpose::kOperations, state, now);
//   if (d.verdict == Verdict::kRelease) …
//   else log(d.reasons.front())      // "withheld: TLP:RED goes to named persons only"
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "policy/agreement.h"
#include "policy/label.h"

namespace bongsu::policy {

enum class Verdict : std::uint8_t { kRelease, kRedact, kWithhold };

// What an object refers to, as far as it decides who may know that it is there: an id is data, and of what UUIDv5 names
// its value is found by trying. Its label stands in the object's own; equal ones are one.
struct Target {
  std::string type;
  std::set<std::string> collections{};  // ids, in which it stands here; empty: it is not known here
  std::set<std::string> sectors{};
  std::set<MemberId> givers{};  // others who gave it, so they know of it
  bool sighter = false;         // named in where_sighted_refs, which goes where agreements anonymise
  auto operator<=>(const Target&) const = default;
};
// Different ones of one object. What refers to more goes to nobody.
inline constexpr std::size_t kMaxTargets = 256;

struct ObjectFacts {
  std::string object_id;
  std::string type;
  std::string collection;  // id
  MemberId origin;         // who gave it to us; own id for our own
  Label label;
  std::set<std::string> sectors;  // that it is said to concern
  // A sighting whose recipients nobody has stated: who gave what was sighted. It flows back to them and to nobody else.
  std::optional<MemberId> sighting_of;
  bool names_sighters = false;  // it says in where_sighted_refs who saw it
  // A sighting that says so in created_by_ref, and that is not this node: which member's identity it is; empty: not known,
  // or somebody behind this node. It can only be hidden with its object.
  std::optional<MemberId> sighted_by{};
  // The caller can leave out what Decision::redact selects (policy/redact.h). Without that nothing is redacted: what
  // may not go whole is withheld.
  bool can_redact = false;
  // What it refers to, and what that refers to.
  std::set<Target> targets{};
  bool operator==(const ObjectFacts&) const = default;
};

enum class Role : std::uint8_t { kSponsoringNation, kContributingParticipant, kObserver };
std::string_view to_string(Role role);  // "sponsoring-nation"
std::optional<Role> parse_role(std::string_view text);

struct Clearance {
  ClassRank rank = ClassRank::kUnclassified;
  std::set<std::string> categories;
  bool operator==(const Clearance&) const = default;
};

// The most that may flow to a member on probation.
struct Ceiling {
  stix::Tlp tlp = stix::Tlp::kGreen;
  ClassRank rank = ClassRank::kUnclassified;
  bool operator==(const Ceiling&) const = default;
};

// What is known of a member. Without a charter: its name, and whether release to it was stopped.
struct MemberStanding {
  bool stopped = false;  // `release stop`: nothing flows
  // By the charter:
  std::string nation;  // "lt"; empty: not said
  Authority kind = Authority::kCivil;
  Role role = Role::kContributingParticipant;
  Clearance clearance;
  std::set<std::string> communities;
  std::optional<Ceiling> ceiling;    // on probation
  std::uint64_t admitted_epoch = 0;  // the charter's version that admitted it
  bool operator==(const MemberStanding&) const = default;
};

// A named set of members with its history, so that "releasable to NATO" means who was in it when that was written.
struct Group {
  std::string name;                                    // for people
  std::string current;                                 // the present version; empty: the group is no more
  std::map<std::string, std::set<MemberId>> versions;  // by group_version()
  bool operator==(const Group&) const = default;
};
// The name of a version, which stands in markings: 32 hexadecimal digits of a hash of all this.
std::string group_version(std::string_view group_id, std::uint64_t number, const std::set<MemberId>& members);

// How one nation's authorities of one kind classify, in the reference scale. Two nations agree on it, or it is the
// charter's for all; it is used for information that this nation marked, and for nothing that came through a third.
struct ClassEquivalence {
  std::map<std::string, ClassRank> levels;  // "HEMLIG/SECRET" → kTopSecret …
  std::set<std::string> accepted_by;        // nations that agreed to it; "*": all. The nation itself always
  bool operator==(const ClassEquivalence&) const = default;
};
// May a reader of this nation go by it, for a mark that `marked_by` made? By "" (no nation) only where it is for all.
bool holds_between(const ClassEquivalence& equivalence, std::string_view marked_by, std::string_view nation);
using Equivalences = std::map<std::pair<std::string, Authority>, ClassEquivalence>;  // by nation and kind

// Everything a decision depends on besides object and member. Copied and replaced as a whole; `epoch` grows with each
// change.
struct PolicyState {
  MemberId self;
  std::uint64_t epoch = 0;
  std::map<MemberId, MemberStanding> members;  // the others
  std::map<MemberId, Agreement> agreements;    // collections in them are resolved to ids
  // Under a charter: its version, which is the membership epoch (0: no charter), this node's own standing, groups by
  // UUID, equivalences.
  std::uint64_t charter_version = 0;
  MemberStanding own;
  std::map<std::string, Group> groups;
  Equivalences equivalences;
  // More agreements with the same member. Each stands for itself: what any one of them permits may flow.
  std::map<MemberId, std::vector<Agreement>> further;
  // Which collections (ids) belong to an exercise, and to which (UUID). What bears an exercise's marking flows in its
  // collections alone; what flows in them is for the purpose `exercise`, whatever was asked.
  std::map<std::string, std::string> exercises;
  bool operator==(const PolicyState&) const = default;
};

// In order of weight.
enum class Reason : std::uint8_t {
  kOwn,           // the asker is this node itself
  kAgreed,        // every rule was satisfied
  kAgreedInPart,  // every rule was satisfied by what is left when the selected parts are left out
  kUnknownMember,
  kStopped,
  kTimeUnknown,
  kNoAgreement,
  kNotYetValid,
  kExpired,
  kDirectionNotAgreed,
  kCollectionNotAgreed,
  kTypeNotAgreed,
  kSectorNotAgreed,
  kUnknownMarking,
  kLabelExpired,
  kTlpRed,
  kTlpTooHigh,
  kOutsideCommunity,
  kNoEquivalence,
  kNotCleared,
  kClassTooHigh,
  kCategoryNotHeld,
  kCategoryNotAgreed,
  kCaveatNotAgreed,
  kAboveCeiling,
  kNotReleasableTo,
  kNoNamedPerson,
  kThirdParty,  // the agreement with this member has no onward sharing
  kNoConsent,   // the agreement with a giver does not let it be passed on to this member
  kOriginatorControl,
  kSightingOfAnother,
  kNamesSighters,
  kWrongPurpose,
  kDenyClause,  // a clause of a signed agreement forbids it
  kOfAnExercise,
  kRefersToWithheld,  // by collection, type, sector or a denying clause; by label, the label says so
  kEnginesDiffer,     // decide() and CompiledPolicy came to different answers: the program is at fault
};
inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::kEnginesDiffer) + 1;
std::string_view to_string(Reason reason);  // snake_case
std::string_view sentence(Reason reason);   // for people
std::string_view to_string(Verdict verdict);

// What a decision was made by. It has to be made again where one of them is another now.
struct DecisionVersions {
  std::uint64_t epoch = 0;            // of the policy state
  std::uint64_t charter_version = 0;  // the membership epoch
  std::string agreement;              // id of the agreement that permitted it, or that came nearest; empty: local
  std::uint64_t agreement_version = 0;
  bool operator==(const DecisionVersions&) const = default;
};

// What is left out together, and all that speaks against it: one granular part, or who saw what was sighted.
struct LeftOut {
  std::set<std::string> selectors;
  std::vector<Reason> reasons;
  bool operator==(const LeftOut&) const = default;
};

struct Decision {
  Verdict verdict = Verdict::kWithhold;
  std::vector<Reason> reasons;      // all that apply, the weightiest (first in the order of Reason) first; never empty
  std::vector<std::string> redact;  // selectors, for kRedact, in order; reasons after kAgreedInPart say why
  std::vector<LeftOut> left_out;    // the same, with the reasons of each
  std::uint64_t epoch = 0;
  DecisionVersions versions;
  // The member's persons who alone may see it; nullopt: not restricted to persons.
  std::optional<std::set<std::string>> persons;
  std::set<MemberId> no_consent_of;  // for kNoConsent: whose agreements do not let it be passed on to the member
};

// Whether a decision still stands: nothing that it was made by has changed. (Time passes, too: what is sealed or sent
// later is decided again.)
bool is_current(const Decision& decision, const PolicyState& state);

// For a clock that cannot be trusted. Nothing is released then; what is withheld or recalled is all the same.
inline constexpr Instant kUnknownTime{std::numeric_limits<std::int64_t>::min(), 0};

// Has the object all that a denying clause names? What an object does not say (its sectors) counts as named: a clause that
// forbids is not got round by saying nothing.
bool matches(const Denial& denial, const ObjectFacts& object, Purpose purpose);
// Does a clause of any agreement with this member forbid it?
bool denied(const ObjectFacts& object, const MemberId& member, Purpose purpose, const PolicyState& state);

// Pure and total. `now` decides validity and expiry only. The node itself (state.self) has everything; no other name,
// role or kind is exempt. To any other member an object flows when one agreement with it and its label permit that:
//
//   the member is known and not stopped; the agreement is valid now (from inclusive, until exclusive), runs in this
//   direction, and names the object's collection, type and sector and the purpose (marking definitions need no type:
//   they travel with what they mark);
//   the label is understood and has not expired; its TLP is not above the agreement's (RED: to named persons only,
//   where the agreement has that), and from GREEN on the member belongs to the community; its classification, mapped
//   for this member's nation by the equivalence of the nation that marked it, is not above clearance and agreement,
//   which hold all its categories; the agreement honours its caveats; it is not above the member's ceiling; the member
//   stands in its releasable-to set and in each of its groups, when it was marked and now; one of its persons is the
//   member's; no exercise but the collection's own is named by its markings; what a third member gave us, or an object that refers to such, flows only onward by this agreement and
//   with that member's consent; under originator control it has to have named the member; a sighting flows back to the
//   originator of what was sighted, without the names of those who saw it, and where that would take leaving out who made
//   it, not at all, but to that one;
//   each of what it refers to could go to the member from a collection in which it stands: by an agreement with the
//   member that names collection, type, sector and purpose, and no denying clause; or the member gave it. Of what is not
//   known here no more than the type is, which its id says.
//
// Where the caller can redact, granular parts that do not satisfy this are left out of an object that does.
Decision decide(const ObjectFacts& object, std::string_view member, Purpose purpose, const PolicyState& state,
                Instant now);

// The level by which another nation's authority protects what this mark protects at least as well: the lowest of its
// levels whose rank is not below. nullopt: no equivalence agreed between just these two, or it has no such level. Never
// composed through a third nation; there and back never lowers.
std::optional<NationalMark> equivalent(const NationalMark& mark, std::string_view nation, Authority authority,
                                       const Equivalences& equivalences);

// A text of everything that a decision about this member depends on, but for validity in time, stops and epochs, and
// for collections other than this one: members with equal texts are told apart only by objects that name members.
std::string terms_of(const PolicyState& state, std::string_view member, std::string_view collection);

// The part of the decision that depends on no object: may this member read this collection at all now? reasons holds
// kOwn or kAgreed, or all of kUnknownMember … kCollectionNotAgreed that apply. decide() withholds whenever this does.
Decision may_read(std::string_view collection, std::string_view member, const PolicyState& state, Instant now);

}  // namespace bongsu::policy
