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

enum class Purpose : std::uint8_t { kOperations, kExercise };
enum class Verdict : std::uint8_t { kRelease, kRedact, kWithhold };

struct ObjectFacts {
  std::string object_id;
  std::string type;
  std::string collection;  // id
  MemberId origin;         // who gave it to us; own id for our own
  Label label;
  bool operator==(const ObjectFacts&) const = default;
};

struct MemberStanding {
  bool stopped = false;  // `release stop`: nothing flows
  bool operator==(const MemberStanding&) const = default;
};

// Everything a decision depends on besides object and member. Copied and replaced as a whole; `epoch` grows with each
// change.
struct PolicyState {
  MemberId self;
  std::uint64_t epoch = 0;
  std::map<MemberId, MemberStanding> members;
  std::map<MemberId, Agreement> agreements;  // collections in them are resolved to ids
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
