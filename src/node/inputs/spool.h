// Lines that were sent to the node, on their way to the sensor: files in a directory that the sensor follows.
//
//   BONGSU_TRY(auto spool, Spool::open({.directory = data / "inputs"}));
//   BONGSU_TRY_VOID(spool->append(lines, Spool::Keep::kDurable));   // kUnavailable: the sensor is behind; later
//   spool->note(file, offset);                                     // the sensor's position, durable in the journal
//
// All senders share the files, so what one of them sends must not say how the others' lines are read: a line that begins
// with '#' (a header of Zeek's) gets a blank before it, and a file's first line (where a CSV has its header) is empty.
//
// What was appended durably is read even if the machine stops now: the sensor goes on where its stored position is. Files that were
// read to their end go away. Bounded: no more than `limit_bytes` wait.
//
// Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::node {

struct SpoolOptions {
  std::filesystem::path directory;
  std::uint64_t limit_bytes = 256ULL << 20;
  std::uint64_t file_bytes = 16ULL << 20;  // then the next file is begun
};

class Spool {
 public:
  enum class Keep { kWritten, kDurable };

  // Makes the directory, and takes over the files that an earlier run left. kIo.
  static Result<std::unique_ptr<Spool>> open(SpoolOptions options);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Whole lines, each with its line feed. kUnavailable: too much waits; kIo, kNoSpace.
  Result<void> append(std::string_view lines, Keep keep);
  // Read up to here. Other files' positions are passed over.
  void note(const std::string& file, std::uint64_t offset);

  std::uint64_t waiting() const;  // bytes that the sensor has not read
  const std::filesystem::path& directory() const { return options_.directory; }

 private:
  explicit Spool(SpoolOptions options) : options_(std::move(options)) {}
  Result<void> next_file();
  void remove_read();

  struct File {
    std::uint64_t size = 0, read = 0;  // both with the empty line that is its beginning
  };
  SpoolOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, File> files_;  // by path, which is the order of their making; the last is written to
  std::uint64_t number_ = 0, waiting_ = 0;
  int fd_ = -1;
};

}  // namespace bongsu::node
