// The local release of indicators to enforcement points: firewalls, resolvers, proxies and sensors of this member.
//
// Nothing leaves except through release, and a file that a firewall fetches has left: others can read it, and what it
// does can be seen from outside. So each value is decided, by the label of its indicator and by the operator's policy:
//
//   const EnforcementVerdict verdict = decide_enforcement(candidate, policy, EnforcementUse::kBlock, now);
//   if (verdict != EnforcementVerdict::kUse) ++withheld[verdict];
//
// Rules, the first that applies is told:
//   1. in force: not revoked, valid_from <= now < valid_until (STIX 2.1 §4.7)
//   2. the marking is understood; a releasable-to list names this member
//   3. TLP at most policy.highest_tlp (TLP:RED only if the operator says so: a file has readers); nothing classified,
//   in
//      a compartment, with a caveat or for named persons
//   4. PAP: RED allows nothing on the network; AMBER allows looking, not blocking; GREEN, CLEAR and none allow both
//   5. confidence at least the policy's; an indicator that says none counts as policy.unsaid_confidence
//   6. never what would cut the member itself off: loopback, multicast, link-local, unspecified addresses, and the
//   allow-list
//   7. no value of a warning list, unless the policy takes them; then it is said
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "detect/indicator.h"
#include "policy/label.h"
#include "stix/marking.h"
#include "stix/object.h"

namespace bongsu::flow {

using Pap = stix::Pap;
// The strictest of the object's markings (granular ones too) and of labels that read "PAP:RED" and so on; clear: none.
// The candidate's label knows PAP markings of ours and of other copies; both count.
Pap pap_of(const stix::Object& object);

enum class EnforcementUse : std::uint8_t { kDetect, kBlock };

struct EnforcementPolicy {
  policy::MemberId self;
  stix::Tlp highest_tlp = stix::Tlp::kAmberStrict;
  int min_confidence_detect = 0, min_confidence_block = 50;
  int unsaid_confidence = 50;
  bool warning_listed = false;  // use them all the same
  // Never used: domains with everything below and above them, addresses and blocks that overlap, hosts of URLs, or the
  // exact value of anything else.
  std::vector<detect::Value> allow;
};
inline constexpr std::size_t kMaxAllowList = 100'000;
// The operator's list: one value each, in any spelling that plain lists know. kInvalid names the one that is none.
Result<std::vector<detect::Value>> read_allow_list(const std::vector<std::string>& values);

struct EnforcementCandidate {
  detect::Value value;
  policy::Label label;
  Pap pap = Pap::kClear;
  std::optional<Instant> valid_from, valid_until;
  int confidence = -1;
  bool revoked = false;
  bool warning_listed = false;
};

enum class EnforcementVerdict : std::uint8_t {
  kUse,
  kUseWarned,  // stands in a warning list, and the policy takes it
  kRevoked,
  kNotYetValid,
  kExpired,
  kUnknownMarking,
  kNotReleasableToUs,
  kTlpTooHigh,
  kPapRed,
  kPapAmber,
  kLowConfidence,
  kOwn,
  kAllowListed,
  kWarningListed,
};
inline constexpr std::size_t kEnforcementVerdicts = 14;
std::string_view to_string(EnforcementVerdict verdict);  // "low_confidence"
std::string_view sentence(EnforcementVerdict verdict);
inline bool is_used(EnforcementVerdict v) {
  return v == EnforcementVerdict::kUse || v == EnforcementVerdict::kUseWarned;
}

// The policy with its allow-list made ready. Immutable; safe from any thread.
class EnforcementRules {
 public:
  explicit EnforcementRules(EnforcementPolicy policy);
  EnforcementVerdict decide(const EnforcementCandidate& candidate, EnforcementUse use, Instant now) const;
  const EnforcementPolicy& policy() const { return policy_; }

 private:
  bool allowed(const detect::Value& value) const;
  bool allowed_host(std::string_view host) const;
  bool allowed_address(std::string_view text) const;

  EnforcementPolicy policy_;
  std::vector<std::string> domains_, others_;                         // sorted
  std::vector<std::pair<std::array<std::uint8_t, 16>, int>> blocks_;  // IPv4 as mapped
};

}  // namespace bongsu::flow
