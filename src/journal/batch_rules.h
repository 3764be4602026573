// What a batch must satisfy before any backend looks at its own state.
#pragma once

#include "journal/journal.h"

namespace bongsu::journal {

// The bytes of the batch. kInvalid: an entry of another kind than kObject with releases, an object without id, a
// version without its key or the other way round. kTooLarge: beyond kMaxBatchBytes, kMaxBatchEntries,
// kMaxOutboxChanges.
Result<std::size_t> check_batch(const Batch& batch);

// The entries that a change makes visible, redacted or not, in order.
std::vector<Seq> released_by(const OutboxChange& change);

// Whether the epoch of the batch counts.
bool releases_anything(const Batch& batch);

// The error for a batch that was decided under another epoch.
std::unexpected<Error> stale_epoch(std::uint64_t batch, std::uint64_t journal);

}  // namespace bongsu::journal
