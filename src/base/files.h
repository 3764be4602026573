// Files that survive a loss of power: written whole or not at all, or grown at the end.
//
//   BONGSU_TRY_VOID(write_file_atomically(dir / "state.json", text));
//   BONGSU_TRY(DurableFile log, DurableFile::open(dir / "drill.log", whole_bytes));   // what lies behind is cut off
//   BONGSU_TRY_VOID(log.append(lines));                                              // on disk when it returns
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace bongsu {

// Temporary name, fsync, rename, fsync of the directory. Mode 0600.
Result<void> write_file_atomically(const std::filesystem::path& file, std::string_view content);
Result<std::string> read_small_file(const std::filesystem::path& file, std::size_t limit = 1 << 20);

// One thread at a time.
class DurableFile {
 public:
  // Made (0600) if it is not there; longer than `keep`: cut.
  static Result<DurableFile> open(const std::filesystem::path& file, std::uint64_t keep = UINT64_MAX);
  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&&) = delete;
  ~DurableFile();

  // kNoSpace, kIo: how much was written is unknown; the next append goes to the same place.
  Result<void> append(std::string_view bytes);
  std::uint64_t size() const { return size_; }

 private:
  DurableFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace bongsu
