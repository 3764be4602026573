// Bytes of a file, of standard input or of memory, decompressed on the way: gzip (several members) and Zstandard
// (several frames, skippable ones too), known by their first bytes, not by the name. A Windows event log comes as lines of JSON
// (evtx.h). A packet capture is refused with what to do instead (docs/decisions/0010-packet-captures.md).
//
//   BONGSU_TRY(auto source, telemetry::open_source("conn.log.zst"));
//   while (true) { BONGSU_TRY(std::size_t n, source->read(buffer, sizeof buffer)); if (n == 0) break; … }
//
// Memory is bounded: a decompressor's window is at most 2^kMaxZstdWindowLog bytes, and output is made piece by piece,
// so a bomb costs time, never memory. Blocking; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace bongsu::telemetry {

inline constexpr int kMaxZstdWindowLog = 27;  // 128 MiB, what the zstd program accepts by default

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes; 0 at the end. kIo, or kCorrupt (damaged or cut compressed data; what came before was
  // delivered).
  virtual Result<std::size_t> read(char* out, std::size_t size) = 0;
  // Bytes taken from the file so far (compressed ones, if it is), and its size; 0 = not known. For progress.
  virtual std::uint64_t consumed() const = 0;
  virtual std::uint64_t total() const = 0;
  // What could not be read since the last call, each with its offset in the file; reading goes on.
  virtual std::vector<Error> take_troubles() { return {}; }
};

// A path, or "-" for standard input. kNotFound, kIo; kInvalid for a directory.
Result<std::unique_ptr<ByteSource>> open_source(const std::string& path);
// Bytes in memory, decompressed just so. For tests, fuzzing, and small files already read.
std::unique_ptr<ByteSource> open_memory(std::string bytes, std::string name);
// Decompressed and no more: what comes out is never read as a Windows event log. For bytes that others send.
std::unique_ptr<ByteSource> open_compressed_memory(std::string bytes, std::string name);
// Everything to the end, at most `limit` bytes (kTooLarge beyond).
Result<std::string> read_all(ByteSource& source, std::size_t limit);
// The same of a file (or "-"); errors name it.
Result<std::string> read_whole(const std::string& path, std::size_t limit);

}  // namespace bongsu::telemetry
