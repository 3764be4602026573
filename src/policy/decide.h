// The release decision: may this member have this object? One pure function that every exit calls, for preview and for
// sending.
//
//   Decision d = policy::decide(facts, "cert-ua", Purpose::kOperations, state, now);
//   if (d.verdict == Verdict::kRelease) …
//   else log(d.reasons.front())      // "withheld: TLP:RED goes to named persons only"
#pragma once

#include <cstdint>
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

struct ObjectFacts {
  std::string object_id;
  std::string type;
  std::string collection;  // id
  MemberId origin;         // who gave it to us; own id for our own
  Label label;
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
  bool operator==(const PolicyState&) const = default;
};

enum class Reason : std::uint8_t {
  kOwn,     // the asker is this node itself
  kAgreed,  // every rule was satisfied
  kUnknownMember,
  kStopped,
  kNoAgreement,
  kNotYetValid,
  kExpired,
  kCollectionNotAgreed,
  kTypeNotAgreed,
  kUnknownMarking,
  kTlpRed,
  kTlpTooHigh,
  kNotReleasableTo,
  kThirdParty,
  kWrongPurpose,
};
std::string_view to_string(Reason reason);  // snake_case
std::string_view sentence(Reason reason);   // for people

struct Decision {
  Verdict verdict = Verdict::kWithhold;
  std::vector<Reason> reasons;      // all that apply, the weightiest (first in the order of Reason) first; never empty
  std::vector<std::string> redact;  // selectors, for kRedact; this first form never redacts, it withholds
  std::uint64_t epoch = 0;
};

// Pure and total. `now` decides validity only. The node itself (state.self) has everything. For others:
//   a known, not stopped member with an agreement that is valid now (from inclusive, until exclusive) and names the
//   object's collection and type (marking definitions need no type: they travel with what they mark); a label that is
//   understood, not RED, not above the agreement's highest TLP, and that names the member if it names anybody; what a
//   third member gave us, or an object that refers to such, only onward; operations only: what is marked for an
//   exercise does not flow.
Decision decide(const ObjectFacts& object, std::string_view member, Purpose purpose, const PolicyState& state,
                Instant now);

// The part of the decision that depends on no object: may this member read this collection at all now? reasons holds
// kOwn or kAgreed, or all of kUnknownMember … kCollectionNotAgreed that apply. decide() withholds whenever this does.
Decision may_read(std::string_view collection, std::string_view member, const PolicyState& state, Instant now);

}  // namespace bongsu::policy
