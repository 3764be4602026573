// Reads every indicator of a journal and compiles it, on several threads, in the journal's order.
//
//   read_indicators(journal, journal.last_seq(), [&](std::vector<ReadIndicator>&& read, journal::Seq upto) {
//     …                                       // on the calling thread; false ends it
//     return Result<bool>(true);
//   });
//
// What was deleted or erased when its part was read is left out. Parts are read from snapshots of their own, so an
// object may be there of which a deletion beyond `upto` speaks: follow the change feed from `upto` on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "detect/indicator.h"
#include "journal/journal.h"

namespace bongsu::node {

struct ReadIndicator {
  journal::Seq seq = 0;
  Uuid uuid;
  std::string origin, version_key;
  std::vector<detect::Indicator> values;  // none: revoked, or not matched
  std::string unsupported;                // why it is not matched
};

inline constexpr unsigned kReaderThreads = 4;       // at most; fewer where there are fewer processors
inline constexpr journal::Seq kReaderPart = 2'000;  // entries
inline constexpr unsigned kReaderPartsAhead = 2;    // of each thread, before they are taken

using TakeIndicators = std::function<Result<bool>(std::vector<ReadIndicator>&& read, journal::Seq upto)>;
Result<void> read_indicators(journal::Journal& journal, journal::Seq upto, const TakeIndicators& take);

// One of them; what cannot be matched says why.
ReadIndicator compile_entry(const journal::Entry& entry, const Uuid& uuid, std::string_view payload);

}  // namespace bongsu::node
