// A block: lines of one or several streams put together, the unit that is compressed, checked and read at once.
//
//   BlockBuilder builder;
//   builder.add(batch);                                // takes lines until the block is full
//   std::string payload = builder.take(covers);
//   BONGSU_TRY(Block block, decode_block(payload));    // block.runs: batches as the reader made them
//
// A run of lines keeps its stream's name, offset, line number and the header lines that hold for it, so that matching
// it again gives the same alerts, ids included. README.md has the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/line_batch.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxBlockRuns = 65'536;
inline constexpr std::size_t kMaxCoverBytes = 8'192;  // of a name or position

// How far a stream has been stored: the position is opaque here (FollowPosition as JSON, a file's size and time).
struct Cover {
  std::string stream, position;
  bool operator==(const Cover&) const = default;
};

struct Block {
  std::vector<LineBatch> runs;
  std::vector<Cover> covers;
};

class BlockBuilder {
 public:
  // Takes whole lines of the batch from `at` on until the block holds about `target` bytes; moves `at` behind them.
  // Call with the same cursor until it stands at the end.
  struct Cursor {
    std::size_t at = 0;
    std::uint64_t line = 0;  // 0: not begun
    TsvHeaderPtr header;
  };
  void add(const LineBatch& batch, Cursor& cursor, std::size_t target);

  std::size_t bytes() const { return data_.size(); }
  bool empty() const { return data_.empty(); }
  // The runs that are in it, as decode_block would give them.
  std::vector<LineBatch> runs() const;
  // The payload; the builder is empty afterwards.
  std::string take(const std::vector<Cover>& covers = {});

 private:
  struct Run {
    std::shared_ptr<const std::string> source;
    TsvHeaderPtr header;
    std::uint64_t offset = 0, first_line = 1;
    std::size_t begin = 0, size = 0;
    std::uint64_t next_line = 1;
  };
  std::string data_;
  std::vector<Run> runs_;
};

// kCorrupt says what is wrong.
Result<Block> decode_block(std::string_view payload);

// The header as lines of a log, and back.
std::string tsv_header_text(const TsvHeader& header);
TsvHeaderPtr parse_tsv_header(std::string_view lines);

}  // namespace bongsu::telemetry
