// Cuts a byte source into batches of whole lines.
//
//   BONGSU_TRY(auto source, open_source(path));
//   BatchReader reader(std::move(source), path, bad);
//   while (true) { BONGSU_TRY(auto batch, reader.next()); if (!batch) break; … }
//
// A line longer than kMaxLineBytes is skipped and reported; memory stays within kBatchBytes + kMaxLineBytes. One thread
// at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/bad_lines.h"
#include "telemetry/byte_source.h"
#include "telemetry/line_batch.h"

namespace bongsu::telemetry {

// The same cutting for bytes that arrive in pieces (followed files).
class LineCutter {
 public:
  // Where the stream stands: offset and number of the first line that has not been handed out.
  struct Mark {
    std::uint64_t offset = 0;
    std::uint64_t line = 1;
    bool skipping = false;  // inside a line that is too long
  };
  LineCutter(std::string source_name, BadLines& bad);

  void resume(Mark mark, TsvHeaderPtr header);
  // Room for `size` bytes; commit() says how many were written.
  char* room(std::size_t size);
  void commit(std::size_t size);
  // The whole lines that are there; with `at_end` also the last one without newline. nullopt when there are none.
  std::optional<LineBatch> take(bool at_end);

  const Mark& mark() const { return mark_; }
  const TsvHeaderPtr& header() const { return header_; }
  std::size_t held() const { return used_; }
  // Enough for a batch, and more than one line may hold: take() then finds something to do.
  bool full() const { return used_ >= kBatchBytes && used_ > kMaxLineBytes; }

 private:
  void skip_long_line();

  std::shared_ptr<const std::string> source_;
  BadLines* bad_;
  std::string buffer_;
  std::size_t used_ = 0;
  Mark mark_;
  TsvHeaderPtr header_;
};

class BatchReader {
 public:
  BatchReader(std::unique_ptr<ByteSource> bytes, std::string source_name, BadLines& bad);

  // nullopt at the end. After an error (kIo, kCorrupt) the lines read before it have been handed out.
  Result<std::optional<LineBatch>> next();
  const ByteSource& bytes() const { return *bytes_; }

 private:
  std::unique_ptr<ByteSource> bytes_;
  LineCutter cutter_;
  std::string name_;
  BadLines* bad_;
  bool ended_ = false;
  std::optional<Error> pending_;
};

}  // namespace bongsu::telemetry
