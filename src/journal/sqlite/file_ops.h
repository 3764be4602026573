// The few things that are asked of the file system besides SQLite's own work.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace bongsu::journal::sqlite {

// Held while it lives; one holder for a directory, in this process or another. kConflict when it is taken.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

Result<void> make_private_directory(const std::filesystem::path& directory);  // 0700
Result<void> make_private_file(const std::filesystem::path& file);            // 0600, if absent
Result<void> sync_path(const std::filesystem::path& path);                    // fsync of a file or directory
std::uint64_t free_bytes(const std::filesystem::path& directory);  // for unprivileged writers; 0 when not known
std::uint64_t size_or_zero(const std::filesystem::path& file);

}  // namespace bongsu::journal::sqlite
