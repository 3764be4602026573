#include "flow/copies.h"

#include "crypto/origin.h"
#include "policy/redact.h"

namespace bongsu::flow {

const Copy* Copies::of(const Outcome& outcome) {
  auto [at, fresh] = made_.try_emplace(outcome);
  if (!fresh) return at->second ? &*at->second : nullptr;
  // No pseudonyms: an observable whose id tells what is left out stays here, and what refers to it with it.
  policy::Redacted redacted = policy::redact(payload_, selectors_of(outcome, facts_));
  if (!redacted.json) {
    log_.warn("release.not_redacted", {{"id", facts_.object_id}, {"why", redacted.why}});
    return nullptr;
  }
  Copy copy{.payload = std::move(*redacted.json), .proof = {}};
  if (!proof_.empty())
    if (const auto whole = crypto::OriginProof::parse(proof_))
      if (const auto part = whole->for_part(payload_, copy.payload)) copy.proof = part->bytes();
  at->second = std::move(copy);
  return &*at->second;
}

std::optional<Copy> Copies::take(const Outcome& outcome) {
  of(outcome);
  return std::move(made_.at(outcome));
}

}  // namespace bongsu::flow
