#include "node/inputs/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "live-", kSuffix = ".log";
constexpr std::string_view kBeginning = "\n";  // of each file, with its first lines; nothing that waits
static_assert(kBeginning.size() == 1);         // cannot be written by half

std::unexpected<Error> io_error(const fs::path& path, std::string_view doing) {
  const int number = errno;
  return fail(number == ENOSPC || number == EDQUOT ? ErrorCode::kNoSpace : ErrorCode::kIo,
              fmt::format("cannot {}: {}", doing, std::generic_category().message(number)), {.source = path.string()});
}

// The number in "live-0000000012.log"; 0: another file.
std::uint64_t number_of(const std::string& name) {
  std::uint64_t out = 0;
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return 0;
  const char* end = name.data() + name.size() - kSuffix.size();
  const auto [p, ec] = std::from_chars(name.data() + kPrefix.size(), end, out);
  return ec == std::errc{} && p == end ? out : 0;
}

// Blanks before the lines that begin with '#'.
std::string without_headers(std::string_view lines) {
  std::string out;
  out.reserve(lines.size() + lines.size() / 8);
  while (!lines.empty()) {
    if (lines.front() == '#') out += ' ';
    const std::size_t next = lines.find("\n#");
    const std::size_t size = next == lines.npos ? lines.size() : next + 1;
    out += lines.substr(0, size);
    lines.remove_prefix(size);
  }
  return out;
}

// A machine that stopped may have left half a line, which would wait for its end for ever.
Result<std::uint64_t> close_last_line(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return io_error(path, "open");
  struct stat status{};
  char last = '\n';
  Result<std::uint64_t> size = std::uint64_t{0};
  if (::fstat(fd, &status) != 0) {
    size = io_error(path, "look at");
  } else {
    size = static_cast<std::uint64_t>(status.st_size);
    if (*size > 0 && ::pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n') {
      if (::pwrite(fd, "\n", 1, status.st_size) == 1) ++*size;
      else size = io_error(path, "write");
    }
  }
  ::close(fd);
  return size;
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(SpoolOptions options) {
  std::error_code ec;
  fs::create_directories(options.directory, ec);
  if (ec) return fail(ErrorCode::kIo, "cannot be made: " + ec.message(), {.source = options.directory.string()});
  fs::permissions(options.directory, fs::perms::owner_all, ec);
  std::unique_ptr<Spool> spool(new Spool(std::move(options)));
  for (fs::directory_iterator it(spool->options_.directory, ec), end; !ec && it != end; it.increment(ec)) {
    const std::uint64_t number = number_of(it->path().filename().string());
    if (number == 0) continue;
    BONGSU_TRY(const std::uint64_t size, close_last_line(it->path()));
    const std::uint64_t read = std::min<std::uint64_t>(size, kBeginning.size());
    spool->files_[it->path().string()] = {.size = size, .read = read};
    spool->waiting_ += size - read;
    spool->number_ = std::max(spool->number_, number);
  }
  if (ec) return fail(ErrorCode::kIo, "cannot be listed: " + ec.message(), {.source = spool->options_.directory.string()});
  BONGSU_TRY_VOID(spool->next_file());
  return spool;
}

Spool::~Spool() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Spool::next_file() {
  const fs::path path = options_.directory / fmt::format("{}{:010}{}", kPrefix, number_ + 1, kSuffix);
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return io_error(path, "make");
  // The name is durable with the directory.
  if (const int directory = ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  ++number_;
  files_[path.string()] = {};
  return {};
}

Result<void> Spool::append(std::string_view lines, Keep keep) {
  std::string safe;
  if (lines.starts_with('#') || lines.contains("\n#")) lines = safe = without_headers(lines);
  const std::lock_guard lock(mutex_);
  if (waiting_ > 0 && waiting_ + lines.size() > options_.limit_bytes)
    return fail(ErrorCode::kUnavailable, fmt::format("{} bytes wait for the sensor", waiting_));
  if (files_.rbegin()->second.size >= options_.file_bytes) {
    BONGSU_TRY_VOID(next_file());
    remove_read();
  }
  auto& [path, file] = *files_.rbegin();
  if (file.size == 0) {
    if (::write(fd_, kBeginning.data(), kBeginning.size()) < 0) return io_error(path, "write");
    file.size = file.read = kBeginning.size();
  }
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto error = io_error(path, "write");
      // Half of it must not be taken for lines: it is asked for again.
      if (rest.size() != lines.size() && ::ftruncate(fd_, static_cast<off_t>(file.size)) != 0) (void)next_file();
      return error;
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  file.size += lines.size();
  waiting_ += lines.size();
  if (keep == Keep::kDurable && ::fdatasync(fd_) != 0) return io_error(path, "write");
  return {};
}

void Spool::note(const std::string& path, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  const auto at = files_.find(path);
  if (at == files_.end() || offset <= at->second.read) return;
  const std::uint64_t read = std::min(offset, at->second.size);
  waiting_ -= read - at->second.read;
  at->second.read = read;
  remove_read();
}

void Spool::remove_read() {
  for (auto at = files_.begin(); std::next(at) != files_.end();) {
    if (at->second.read < at->second.size) {
      ++at;
      continue;
    }
    std::error_code ec;
    fs::remove(at->first, ec);
    at = files_.erase(at);
  }
}

std::uint64_t Spool::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

}  // namespace bongsu::node
