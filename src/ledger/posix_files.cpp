#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "ledger/files.h"

namespace bongsu::ledger {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} * 1024 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> refused(const fs::path& path) {
  const int error = errno;
  return fail(error == ENOSPC || error == EDQUOT ? ErrorCode::kNoSpace : error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              std::system_category().message(error), {.source = path.string()});
}

Result<void> write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return refused(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

class PosixFiles final : public Files {
 public:
  PosixFiles(fs::path root, Descriptor lock, bool writable) : root_(std::move(root)), lock_(std::move(lock)), writable_(writable) {}

  Result<std::string> read(const std::string& path) override {
    const fs::path file = root_ / path;
    const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return refused(file);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return refused(file);
    if (static_cast<std::uint64_t>(info.st_size) > kMaxFileBytes) return fail(ErrorCode::kTooLarge, "is larger than any file of a ledger", {.source = file.string()});
    std::string out(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::read(fd.get(), out.data() + done, out.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return refused(file);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return out;
  }

  // The log ahead is appended to many times in a row: its descriptor stays open.
  Result<void> append(const std::string& path, std::string_view bytes) override {
    BONGSU_TRY_VOID(may_write());
    const fs::path file = root_ / path;
    const std::lock_guard lock(mutex_);
    if (appended_ != path) {
      BONGSU_TRY_VOID(make_parents(file));
      const bool fresh = ::access(file.c_str(), F_OK) != 0;
      Descriptor fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
      if (fd.get() < 0) return refused(file);
      if (fresh) BONGSU_TRY_VOID(sync_directory(file.parent_path()));
      appender_ = std::move(fd);
      appended_ = path;
    }
    BONGSU_TRY_VOID(write_all(appender_.get(), bytes, file));
    if (::fdatasync(appender_.get()) != 0) return refused(file);
    return {};
  }

  Result<void> put(const std::string& path, std::string_view bytes) override {
    BONGSU_TRY_VOID(may_write());
    const fs::path file = root_ / path;
    BONGSU_TRY_VOID(make_parents(file));
    const fs::path building = file.string() + ".new";
    {
      const Descriptor fd(::open(building.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      if (fd.get() < 0) return refused(building);
      BONGSU_TRY_VOID(write_all(fd.get(), bytes, building));
      if (::fsync(fd.get()) != 0) return refused(building);
    }
    if (::rename(building.c_str(), file.c_str()) != 0) return refused(file);
    return sync_directory(file.parent_path());
  }

  Result<void> overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) override {
    BONGSU_TRY_VOID(may_write());
    const fs::path file = root_ / path;
    const Descriptor fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0) return refused(file);
    if (::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return refused(file);
    BONGSU_TRY_VOID(write_all(fd.get(), bytes, file));
    if (::fsync(fd.get()) != 0) return refused(file);
    return {};
  }

  Result<void> truncate(const std::string& path, std::uint64_t size) override {
    BONGSU_TRY_VOID(may_write());
    const fs::path file = root_ / path;
    const Descriptor fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0 || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0 || ::fsync(fd.get()) != 0) return refused(file);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    BONGSU_TRY_VOID(may_write());
    const fs::path file = root_ / path;
    {
      const std::lock_guard lock(mutex_);
      if (appended_ == path) {
        appended_.clear();
        appender_ = Descriptor();
      }
    }
    if (::unlink(file.c_str()) != 0) {
      if (errno == ENOENT) return {};
      return refused(file);
    }
    return sync_directory(file.parent_path());
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> out;
    std::error_code ec;
    const fs::path top = root_ / directory;
    if (!fs::exists(top, ec)) return out;
    for (auto at = fs::recursive_directory_iterator(top, ec); !ec && at != fs::recursive_directory_iterator(); at.increment(ec))
      if (at->is_regular_file(ec)) out.push_back(fs::relative(at->path(), root_).string());
    if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = top.string()});
    std::ranges::sort(out);
    return out;
  }

 private:
  Result<void> may_write() const {
    if (!writable_) return fail(ErrorCode::kDenied, "was opened for reading only", {.source = root_.string()});
    return {};
  }

  Result<void> make_parents(const fs::path& file) {
    std::vector<fs::path> missing;
    for (fs::path at = file.parent_path(); ::access(at.c_str(), F_OK) != 0 && at != root_; at = at.parent_path()) missing.push_back(at);
    for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
      if (::mkdir(at->c_str(), 0700) != 0 && errno != EEXIST) return refused(*at);
      BONGSU_TRY_VOID(sync_directory(at->parent_path()));
    }
    return {};
  }

  static Result<void> sync_directory(const fs::path& directory) {
    const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return refused(directory);
    return {};
  }

  const fs::path root_;
  const Descriptor lock_;
  const bool writable_;
  std::mutex mutex_;
  std::string appended_;
  Descriptor appender_;
};

}  // namespace

Result<std::unique_ptr<Files>> open_directory(const fs::path& root) {
  if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) return refused(root);
  Descriptor lock(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0) return refused(root);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorCode::kConflict, "another process has the ledger open", {.source = root.string()});
    return refused(root);
  }
  return std::make_unique<PosixFiles>(root, std::move(lock), true);
}

std::unique_ptr<Files> read_directory(const fs::path& root) { return std::make_unique<PosixFiles>(root, Descriptor(), false); }

}  // namespace bongsu::ledger
