// Reads every indicator of a journal and compiles it, on several threads, in the journal's order.
//
//   read_indicators(journal, journal.last_seq(), [&](std::vector<ReadIndicator>&& read, journal::Seq upto) {
//     …                                       // on the calling thread; false ends it
//     return Result<bool>(true);
//   });
//
// What was deleted or erased when its part was read is left out; one whose payload does not open is there as one that
// is not matched. Parts are read from snapshots of their own, so an object may be there of which a deletion beyond
// `upto` speaks: follow the change feed from `upto` on.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "detect/indicator.h"
#include "journal/journal.h"

namespace bongsu::node {

struct ReadIndicator {
  journal::Seq seq = 0;
  Uuid uuid;
  std::string giver, version_key;  // giver_of
  std::vector<detect::Indicator> values;  // none: revoked, a rule, or not matched
  std::optional<detect::Rule> rule;
  std::string unsupported;                // why it is not matched
};

inline constexpr unsigned kReaderThreads = 4;       // at most; fewer where there are fewer processors
inline constexpr journal::Seq kReaderPart = 2'000;  // entries
inline constexpr unsigned kReaderPartsAhead = 2;    // of each thread, before they are taken
// Of what is kept of a part, and one entry more; the rest of the part is read when this was taken.
inline constexpr std::size_t kReaderPartBytes = 16 * 1024 * 1024;
inline constexpr std::string_view kUnopened = "the payload does not open";  // .unsupported of a damaged one

struct ReaderLimits {
  unsigned threads = 0;  // 0: one for each processor, at most kReaderThreads
  std::size_t part_bytes = kReaderPartBytes;
};

using TakeIndicators = std::function<Result<bool>(std::vector<ReadIndicator>&& read, journal::Seq upto)>;
Result<void> read_indicators(journal::Journal& journal, journal::Seq upto, const TakeIndicators& take,
                             const ReaderLimits& limits = {});

// Who gave it, and in which exercises: a member replaces and withdraws its own versions only, and live ones and a drill's
// stand side by side.
std::string giver_of(const journal::Entry& entry);

// One of them; what cannot be matched says why, as does one whose payload does not open.
ReadIndicator compile_entry(const journal::Entry& entry, const Uuid& uuid, const Result<std::string>& payload);

}  // namespace bongsu::node
