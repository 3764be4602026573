// The log ahead: one frame a group commit, for all logs of a ledger at once, so that one fsync serves them all and a group is there
// as a whole or not at all, its cursors with it.
//
//   frame = u32 length of the payload ‖ SHA-256(hash of the frame before ‖ payload) ‖ payload, big-endian; the first frame of a
//           segment has SHA-256("bongsu ledger segment N") before it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"

namespace bongsu::ledger {

inline constexpr std::size_t kMaxGroupBytes = 64 * 1024 * 1024;

struct LogAddition {
  std::string log;
  std::uint64_t first = 0;  // index of the first
  std::vector<Sealed> entries;
};

struct Group {
  std::vector<LogAddition> logs;
  std::map<std::string, std::string> cursors;  // where the sources stand after this group
};

std::string encode_group(const Group& group);
Result<Group> decode_group(std::string_view bytes);  // kCorrupt with the offset

Hash segment_seed(std::uint64_t segment);
// Appends the frame to `out` and moves `chain` on.
void append_frame(std::string& out, Hash& chain, std::string_view payload);

struct SegmentContent {
  std::vector<Group> groups;
  std::uint64_t good_bytes = 0;  // behind them stands what is not a whole frame
  Hash chain{};
};
// Reads until the bytes end or a frame is not whole. kCorrupt: a frame is damaged, and a good one follows it: not a torn end.
Result<SegmentContent> read_segment(std::string_view bytes, std::uint64_t segment);

// One opening as it stands on disk: u32 length of the rest ‖ u8 state ‖ salt ‖ u16 subject ‖ content. Erasing keeps the length.
// The subject is the object's id, and, where a row is named, a line feed and its number behind it.
inline constexpr char kOpeningThere = 0, kOpeningGone = 1, kOpeningGoing = 2;
std::string encode_opening(const Opening& opening);
struct StoredOpening {
  Opening opening;
  bool gone = false;         // erased, and nothing is left to do
  std::uint64_t offset = 0;   // of the record
  std::uint64_t content = 0;  // where it begins in the record
  std::uint64_t bytes = 0;
};
// All whole records; what is behind them is left.
std::vector<StoredOpening> read_openings(std::string_view bytes);

}  // namespace bongsu::ledger
