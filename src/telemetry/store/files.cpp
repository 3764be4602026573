#include "telemetry/store/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bongsu::telemetry {
namespace {

std::unexpected<Error> failed(const std::string& path, std::string_view what) {
  const int error = errno;
  const ErrorCode code = error == ENOSPC || error == EDQUOT  ? ErrorCode::kNoSpace
                         : error == ENOENT                   ? ErrorCode::kNotFound
                         : error == EACCES || error == EPERM ? ErrorCode::kDenied
                                                             : ErrorCode::kIo;
  return fail(code, fmt::format("{}: {}", what, std::strerror(error)), {.source = path});
}

class DiskAppendFile final : public AppendFile {
 public:
  DiskAppendFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~DiskAppendFile() override { ::close(fd_); }
  DiskAppendFile(const DiskAppendFile&) = delete;
  DiskAppendFile& operator=(const DiskAppendFile&) = delete;

  Result<void> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed(path_, "cannot be written");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }
  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return failed(path_, "cannot be made durable");
    return {};
  }

 private:
  std::string path_;
  int fd_;
};

class DiskReadFile final : public ReadFile {
 public:
  DiskReadFile(std::string path, int fd, std::uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  ~DiskReadFile() override { ::close(fd_); }
  DiskReadFile(const DiskReadFile&) = delete;
  DiskReadFile& operator=(const DiskReadFile&) = delete;

  std::uint64_t size() const override { return size_; }
  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    if (offset > size_ || size > size_ - offset)
      return fail(ErrorCode::kCorrupt, "the file ends too early",
                  {.source = path_, .offset = offset, .has_offset = true});
    std::string out(size, '\0');
    for (std::size_t at = 0; at < size;) {
      const ssize_t n = ::pread(fd_, out.data() + at, size - at, static_cast<off_t>(offset + at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed(path_, "cannot be read");
      if (n == 0)
        return fail(ErrorCode::kCorrupt, "the file ends too early",
                    {.source = path_, .offset = offset + at, .has_offset = true});
      at += static_cast<std::size_t>(n);
    }
    return out;
  }

 private:
  std::string path_;
  int fd_;
  std::uint64_t size_;
};

class DiskFiles final : public Files {
 public:
  explicit DiskFiles(std::string directory) : directory_(std::move(directory)) {}

  Result<std::vector<Entry>> list() const override {
    std::vector<Entry> out;
    std::error_code ec;
    std::filesystem::directory_iterator at(directory_, ec);
    if (ec) return fail(ErrorCode::kIo, "cannot be listed: " + ec.message(), {.source = directory_});
    while (at != std::filesystem::directory_iterator()) {
      std::error_code entry_ec;
      if (at->is_regular_file(entry_ec)) {
        const std::uint64_t size = at->file_size(entry_ec);
        if (!entry_ec) out.push_back({at->path().filename().string(), size});
      }
      at.increment(ec);
      if (ec) return fail(ErrorCode::kIo, "cannot be listed: " + ec.message(), {.source = directory_});
    }
    std::ranges::sort(out, {}, &Entry::name);
    return out;
  }
  Result<std::unique_ptr<AppendFile>> create(const std::string& name) override {
    const std::string where = path(name);
    const int fd = ::open(where.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed(where, "cannot be made");
    return std::make_unique<DiskAppendFile>(where, fd);
  }
  Result<std::unique_ptr<ReadFile>> open(const std::string& name) const override {
    const std::string where = path(name);
    const int fd = ::open(where.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return failed(where, "cannot be opened");
    struct stat info{};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
      ::close(fd);
      return fail(ErrorCode::kIo, "is not a plain file", {.source = where});
    }
    return std::make_unique<DiskReadFile>(where, fd, static_cast<std::uint64_t>(info.st_size));
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(path(from).c_str(), path(to).c_str()) != 0) return failed(path(from), "cannot be renamed");
    return {};
  }
  Result<void> remove(const std::string& name) override {
    if (::unlink(path(name).c_str()) != 0 && errno != ENOENT) return failed(path(name), "cannot be removed");
    return {};
  }
  Result<void> sync_directory() override {
    const int fd = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(directory_, "cannot be opened");
    const bool good = ::fsync(fd) == 0;
    if (!good) {
      auto error = failed(directory_, "cannot be made durable");
      ::close(fd);
      return error;
    }
    ::close(fd);
    return {};
  }
  std::string path(const std::string& name) const override { return directory_ + "/" + name; }

 private:
  std::string directory_;
};

}  // namespace

Result<std::unique_ptr<Files>> open_directory(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    // Not tried when it is there: who is locked in may not make any.
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed(path, "cannot be made");
    if (::stat(path.c_str(), &info) != 0) return failed(path, "cannot be opened");
  }
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::kInvalid, "is not a directory", {.source = path});
  return std::make_unique<DiskFiles>(path);
}

}  // namespace bongsu::telemetry
