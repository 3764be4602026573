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
// A part of a block: runs that follow each other, the unit that a dictionary names (segment.h).
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
  // `part_bytes`: about as many bytes of lines make a part, each with runs of its own; 0: the block is one.
  explicit BlockBuilder(std::size_t part_bytes = 0) : part_bytes_(part_bytes) {}

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
  // How many runs each part has.
  const std::vector<std::uint32_t>& parts() const { return parts_; }
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
  bool begin_run(const LineBatch& batch, const Cursor& cursor);
  bool part_is_full() const { return part_bytes_ > 0 && data_.size() - part_begin_ >= part_bytes_; }

  const std::size_t part_bytes_;
  std::string data_;
  std::vector<Run> runs_;
  std::vector<std::uint32_t> parts_;
  std::size_t part_begin_ = 0;
};

// kCorrupt says what is wrong. `wanted`: which runs to take, by their number; those beyond are not. All of them when it
// is null; then runs that go on where the one before ended are one.
Result<Block> decode_block(std::string_view payload, const std::vector<bool>* wanted = nullptr);

// The header as lines of a log, and back. A CSV's is "#csv" and its line of names.
std::string tsv_header_text(const TsvHeader& header);
TsvHeaderPtr parse_tsv_header(std::string_view lines);

}  // namespace bongsu::telemetry
