// The files of one directory, as the store of telemetry sees them: made, written at the end, made durable, renamed,
// read. Behind it stands a directory on disk (open_directory) or memory (memory_files.h), which can lose power at any
// step.
//
//   BONGSU_TRY(auto files, open_directory("/var/lib/bongsu/telemetry"));
//   BONGSU_TRY(auto file, files->create("a.tmp"));
//   file->append(…); file->sync();
//   files->rename("a.tmp", "a"); files->sync_directory();      // now "a" is there whole, whatever happens next
//
// Names are plain: no '/'. Everything waits for the disk. Reading is safe from any thread, the rest from one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::telemetry {

class AppendFile {
 public:
  virtual ~AppendFile() = default;
  virtual Result<void> append(std::string_view bytes) = 0;  // kIo, kNoSpace
  virtual Result<void> sync() = 0;                          // what was appended survives a loss of power
};

class ReadFile {
 public:
  virtual ~ReadFile() = default;
  virtual std::uint64_t size() const = 0;  // at the time of opening
  // Exactly `size` bytes; kCorrupt when the file ends before, kIo.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t size) const = 0;
};

class Files {
 public:
  struct Entry {
    std::string name;
    std::uint64_t size = 0;
  };
  virtual ~Files() = default;
  virtual Result<std::vector<Entry>> list() const = 0;  // plain files, by name
  // A new, empty file; one of that name is replaced.
  virtual Result<std::unique_ptr<AppendFile>> create(const std::string& name) = 0;
  virtual Result<std::unique_ptr<ReadFile>> open(const std::string& name) const = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& name) = 0;
  virtual Result<void> sync_directory() = 0;
  // For messages: the path of a file in here.
  virtual std::string path(const std::string& name) const = 0;
};

// Makes the directory (mode 0700) if it is not there. kIo, kDenied.
Result<std::unique_ptr<Files>> open_directory(const std::string& path);

}  // namespace bongsu::telemetry
