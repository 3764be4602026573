// What charter and signed agreements mean for decisions: members, groups, equivalences and agreements of a PolicyState.
//
//   PolicyState state = …;                                  // self, the members this node has paired with
//   apply_trust(state, trusted, signed_agreements, now, crisis);    // from here on the charter says who is a member
//
// Pure. Call it again when the charter, an agreement or a group's version changes with time.
#pragma once

#include <span>

#include "policy/charter_trust.h"
#include "policy/decide.h"
#include "policy/memorandum.h"

namespace bongsu::policy {

// Under a charter
//   · who is not (any more) in it is no member, whatever was paired: nothing flows from its version on;
//   · agreements count if all their parties signed with keys that the charter lists now; what stood in
//     state.agreements, unsigned, does not. One that was accepted once and does not verify any more (a party has other
//     keys, or was removed) permits nothing, and what it denies stays denied until it ends;
//   · no agreement lives longer than the charter; while the charter is not in force (the clock went back) none counts;
//   · a member on probation has its ceiling until the day that the charter names;
//   · clauses for crises, and not for operations, give no consent while none lasts on this node (`crisis`).
void apply_trust(PolicyState& state, const TrustedCharter& trusted, std::span<const SignedMemorandum> agreements,
                 Instant now, bool crisis = false);

// Without a charter: consent to pass on what a member gave ends with the agreement that holds it, and with the crisis
// that it is for; who is no member gives none.
void end_consents(PolicyState& state, Instant now, bool crisis);

// R8: may `member` widen to whom something may be released that `originator` made? Itself, and whom an agreement that
// this node knows of says so.
bool may_widen(std::span<const SignedMemorandum> agreements, const Charter& charter, const MemberId& originator,
               const MemberId& member, Instant now);

}  // namespace bongsu::policy
