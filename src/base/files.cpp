#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace bongsu {
namespace {

std::string system_text(int error) { return std::strerror(error); }

std::unexpected<Error> refused(const std::filesystem::path& file, int error) {
  return fail(error == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo, system_text(error), {.source = file.string()});
}

}  // namespace

Result<void> write_file_atomically(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path temporary = file.string() + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorCode::kIo, "cannot be written: " + system_text(errno), {.source = file.string()});
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(fd);
      ::unlink(temporary.c_str());
      return fail(error == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo, system_text(error),
                  {.source = file.string()});
    }
    done += static_cast<std::size_t>(n);
  }
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced || ::rename(temporary.c_str(), file.c_str()) != 0)
    return fail(ErrorCode::kIo, system_text(errno), {.source = file.string()});
  if (const int directory = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

Result<std::string> read_small_file(const std::filesystem::path& file, std::size_t limit) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "cannot be read: " + system_text(errno), {.source = file.string()});
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec))  // opens, and reads as nothing
    return fail(ErrorCode::kIo, "cannot be read: it is a directory", {.source = file.string()});
  std::string content;
  char piece[65536];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) {
    content.append(piece, static_cast<std::size_t>(in.gcount()));
    if (content.size() > limit)
      return fail(ErrorCode::kTooLarge, fmt::format("larger than {} bytes", limit), {.source = file.string()});
  }
  if (in.bad()) return fail(ErrorCode::kIo, "cannot be read to its end", {.source = file.string()});
  return content;
}

DurableFile::~DurableFile() {
  if (fd_ >= 0) ::close(fd_);
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

Result<DurableFile> DurableFile::open(const std::filesystem::path& file, std::uint64_t keep) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return refused(file, errno);
  DurableFile out(file, fd);
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return refused(file, errno);
  out.size_ = static_cast<std::uint64_t>(size);
  if (keep < out.size_) {
    if (::ftruncate(fd, static_cast<off_t>(keep)) != 0 || ::fsync(fd) != 0) return refused(file, errno);
    out.size_ = keep;
  }
  if (const int directory = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return out;
}

Result<void> DurableFile::append(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(path_, errno);
    done += static_cast<std::size_t>(n);
  }
  if (::fdatasync(fd_) != 0) return refused(path_, errno);
  size_ += bytes.size();
  return {};
}

}  // namespace bongsu
