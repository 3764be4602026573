// Decide and append in one step: the loop that every way in shares.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "policy/decide.h"

namespace bongsu::flow {

// Fills the releases of batch.entries[i] by facts[i] (nullopt: the entry is local, nothing is released), and appends.
// Decides again when the arrangement of views changed in between (release.h), a bounded number of times: kConflict
// after that, nothing written then.
Result<journal::Receipt> append_decided(journal::Journal& journal, Release& release, journal::Batch& batch,
                                        const std::vector<std::optional<policy::ObjectFacts>>& facts);

// The same, with what the decision takes away: `take_away` runs after it and before the commit, while the arrangement
// stands still; it may add to the batch's outbox and states, which are its own at each attempt.
using TakeAway = std::function<Result<void>(const Release::Readers& readers, journal::Batch& batch)>;
Result<journal::Receipt> append_decided(journal::Journal& journal, Release& release, journal::Batch& batch,
                                        const std::vector<std::optional<policy::ObjectFacts>>& facts,
                                        const TakeAway& take_away);

}  // namespace bongsu::flow
