// Decide and append in one step: the loop that every way in shares.
#pragma once

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

}  // namespace bongsu::flow
