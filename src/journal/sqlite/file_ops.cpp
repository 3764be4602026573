#include "journal/sqlite/file_ops.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bongsu::journal::sqlite {
namespace {

std::unexpected<Error> refused(const char* doing, const std::filesystem::path& path) {
  const int why = errno;
  return fail(why == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo, std::string(doing) + ": " + std::strerror(why),
              {.source = path.string()});
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
  const auto path = directory / "journal.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return refused("open", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    auto why = refused("lock", path);
    ::close(fd);
    if (taken) return fail(ErrorCode::kConflict, "the journal is open in another process", {.source = path.string()});
    return why;
  }
  return DirectoryLock(fd);
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}
DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Result<void> make_private_directory(const std::filesystem::path& directory) {
  std::error_code ec;
  if (std::filesystem::is_directory(directory, ec)) return {};
  if (directory.has_parent_path()) std::filesystem::create_directories(directory.parent_path(), ec);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return refused("make the directory", directory);
  return {};
}

Result<void> make_private_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return refused("open", file);
  ::close(fd);
  return {};
}

Result<void> sync_path(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused("open", path);
  const int rc = ::fsync(fd);
  if (rc != 0) {
    auto why = refused("sync", path);
    ::close(fd);
    return why;
  }
  ::close(fd);
  return {};
}

std::uint64_t free_bytes(const std::filesystem::path& directory) {
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::uint64_t size_or_zero(const std::filesystem::path& file) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  return ec ? 0 : size;
}

}  // namespace bongsu::journal::sqlite
