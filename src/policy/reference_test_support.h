// The whole policy once more, as slow and plain as it can be said: what decide() and CompiledPolicy are held to.
//
// It is written from the rules, one question after the other, over lists of texts; it shares nothing with the engine
// but the types.
#pragma once

#include "policy/decide.h"

namespace bongsu::policy::test {

struct Expected {
  Verdict verdict = Verdict::kWithhold;
  std::set<Reason> reasons;
  std::set<std::string> redact;
  bool operator==(const Expected&) const = default;
};

Expected reference(const ObjectFacts& object, const std::string& member, Purpose purpose, const PolicyState& state,
                   Instant now);

}  // namespace bongsu::policy::test
