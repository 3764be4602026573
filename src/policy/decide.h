// The release decision: may this member have this object? One pure function that every exit calls, for preview and for sending.
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
  std::string collection;     // id
  MemberId origin;            // who gave it to us; own id for our own
  Label label;
};

struct MemberStanding {
  bool stopped = false;       // `release stop`: nothing flows
};

// Everything a decision depends on besides object and member. Copied and replaced as a whole; `epoch` grows with each change.
struct PolicyState {
  MemberId self;
  std::uint64_t epoch = 0;
  std::map<MemberId, MemberStanding> members;
  std::map<MemberId, Agreement> agreements;               // collections in them are resolved to ids
};

enum class Reason : std::uint8_t {
  kOwn,                 // the asker is this node itself
  kAgreed,              // every rule was satisfied
  kUnknownMember, kStopped, kNoAgreement, kNotYetValid, kExpired, kCollectionNotAgreed, kTypeNotAgreed,
  kUnknownMarking, kTlpRed, kTlpTooHigh, kNotReleasableTo, kThirdParty, kWrongPurpose,
};
std::string_view to_string(Reason reason);   // snake_case
std::string_view sentence(Reason reason);    // for people

struct Decision {
  Verdict verdict = Verdict::kWithhold;
  std::vector<Reason> reasons;         // all that apply, the weightiest first
  std::vector<std::string> redact;     // selectors, for kRedact
  std::uint64_t epoch = 0;
};

// Pure and total. `now` decides validity only.
Decision decide(const ObjectFacts& object, std::string_view member, Purpose purpose, const PolicyState& state, Instant now);

}  // namespace bongsu::policy
