#include "telemetry/follower.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/hash.h"
#include "telemetry/csv.h"

namespace bongsu::telemetry {
namespace {

constexpr std::size_t kHeaderBytes = 64 * 1024;  // Zeek headers end well before this
constexpr std::size_t kReadBytes = 256 * 1024;

std::unexpected<Error> io_error(const std::string& path, std::string_view doing) {
  return fail(ErrorCode::kIo, std::string("cannot ").append(doing) + ": " + std::generic_category().message(errno),
              {.source = path});
}

}  // namespace

Json FollowPosition::json() const {
  return {{"device", device}, {"inode", inode},           {"offset", offset},
          {"line", line},     {"head_bytes", head_bytes}, {"head_hash", head_hash}};
}

Result<FollowPosition> FollowPosition::parse(const Json& json) {
  FollowPosition out;
  const auto number = [&](std::string_view key, std::uint64_t& to) {
    const Json* at = find(json, key);
    if (at == nullptr) return false;
    if (at->is_uint64())
      to = at->get_uint64();
    else if (at->is_int64() && at->get_int64() >= 0)
      to = static_cast<std::uint64_t>(at->get_int64());
    else
      return false;
    return true;
  };
  if (!number("device", out.device) || !number("inode", out.inode) || !number("offset", out.offset) ||
      !number("line", out.line) || !number("head_bytes", out.head_bytes) || !number("head_hash", out.head_hash))
    return fail(ErrorCode::kInvalid, "a position has device, inode, offset, line, head_bytes and head_hash");
  if (out.head_bytes > kFollowHeadBytes) return fail(ErrorCode::kInvalid, "head_bytes is too large");
  return out;
}

Follower::Follower(std::string path, std::optional<FollowPosition> saved, BadLines& bad, Start start)
    : path_(std::move(path)), saved_(saved), start_(start), cutter_(path_, bad) {
  if (saved_) position_ = *saved_;
}

Follower::~Follower() { close(); }

void Follower::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

// The Zeek header lines that stand at the top of the file, when reading begins below them.
TsvHeaderPtr Follower::header_before(std::uint64_t offset) const {
  TsvHeaderPtr header;
  std::string top(std::min<std::uint64_t>(offset, kHeaderBytes), '\0');
  const ssize_t n = ::pread(fd_, top.data(), top.size(), 0);
  if (n <= 0) return header;
  std::string_view rest(top.data(), static_cast<std::size_t>(n));
  if ((header = read_csv_header(rest.substr(0, rest.find('\n'))))) return header;
  while (rest.starts_with('#')) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) break;
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    read_tsv_header_line(line, header);
    rest.remove_prefix(end + 1);
  }
  return header;
}

bool Follower::head_matches(const FollowPosition& position) const {
  if (position.head_bytes == 0) return true;
  std::string head(position.head_bytes, '\0');
  const ssize_t n = ::pread(fd_, head.data(), head.size(), 0);
  return n == static_cast<ssize_t>(head.size()) && hash64(head) == position.head_hash;
}

void Follower::note_head() {
  if (position_.head_bytes == kFollowHeadBytes) return;
  std::string head(std::min<std::uint64_t>(read_to_, kFollowHeadBytes), '\0');
  if (::pread(fd_, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) return;
  position_.head_bytes = head.size();
  position_.head_hash = hash64(head);
}

void Follower::start_over() {
  ++counts_.truncations;
  position_.offset = 0;
  position_.line = 1;
  position_.head_bytes = position_.head_hash = 0;
  read_to_ = 0;
  cutter_.resume({}, nullptr);
}

// Where the saved file lies now, if it was renamed within its folder; else empty.
std::string Follower::renamed_path() const {
  namespace fs = std::filesystem;
  std::error_code ec;
  const fs::path folder = fs::path(path_).has_parent_path() ? fs::path(path_).parent_path() : fs::path(".");
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    struct stat status{};
    if (::stat(it->path().c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == saved_->inode &&
        status.st_dev == saved_->device)
      return it->path().string();
  }
  return {};
}

// False: there is no such file yet.
Result<bool> Follower::open() {
  if (saved_ && saved_->inode != 0) {
    struct stat status{};
    const bool same =
        ::stat(path_.c_str(), &status) == 0 && status.st_ino == saved_->inode && status.st_dev == saved_->device;
    if (const std::string renamed = same ? path_ : renamed_path(); !renamed.empty()) return open_path(renamed);
  }
  return open_path(path_);
}

Result<bool> Follower::open_path(const std::string& path) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    if (errno == ENOENT) return false;
    return io_error(path, "open");
  }
  struct stat status{};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close();
    return fail(ErrorCode::kInvalid, "only regular files can be followed", {.source = path});
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  FollowPosition at{status.st_dev, status.st_ino, 0, 1, 0, 0};
  if (saved_ && saved_->device == at.device && saved_->inode == at.inode && saved_->offset <= size &&
      head_matches(*saved_)) {
    at = *saved_;
  } else if (!saved_ && start_ == Start::kEnd) {
    at.offset = size;  // line numbers then count from here
  }
  if (saved_)
    saved_->inode = 0;  // from now on another file is read from its beginning
  else
    saved_ = FollowPosition{};
  position_ = at;
  read_to_ = at.offset;
  seen_size_ = 0;
  cutter_.resume({at.offset, at.line, false}, at.offset > 0 ? header_before(at.offset) : nullptr);
  return true;
}

std::uint64_t Follower::lag() const {
  struct stat status{};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) return 0;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return size > position_.offset ? size - position_.offset : 0;
}

Result<std::optional<LineBatch>> Follower::poll() {
  if (fd_ < 0) {
    BONGSU_TRY(const bool there, open());
    if (!there) return std::optional<LineBatch>();
  }
  struct stat mine{};
  if (::fstat(fd_, &mine) != 0) return io_error(path_, "look at the file");
  const auto size = static_cast<std::uint64_t>(mine.st_size);
  if (size != seen_size_) {
    if (size < read_to_ || !head_matches(position_)) start_over();  // truncated in place
    seen_size_ = size;
  }
  bool at_end = false;
  while (!cutter_.full()) {
    const ssize_t n = ::pread(fd_, cutter_.room(kReadBytes), kReadBytes, static_cast<off_t>(read_to_));
    if (n < 0) {
      if (errno == EINTR) continue;
      return io_error(path_, "read");
    }
    if (n == 0) {
      at_end = true;
      break;
    }
    read_to_ += static_cast<std::uint64_t>(n);
    cutter_.commit(static_cast<std::size_t>(n));
  }
  // Another file under the name, and something in it: the writer has gone over, this one gets no more lines.
  bool rotated = false;
  if (at_end) {
    struct stat named{};
    rotated = ::stat(path_.c_str(), &named) == 0 && (named.st_ino != mine.st_ino || named.st_dev != mine.st_dev) &&
              named.st_size > 0;
    if (rotated) {
      // The writer may have added to the old file between the read above and the look at the name.
      struct stat again{};
      if (::fstat(fd_, &again) == 0 && static_cast<std::uint64_t>(again.st_size) > read_to_) rotated = false;
    }
  }
  auto batch = cutter_.take(rotated);
  position_.offset = cutter_.mark().offset;
  position_.line = cutter_.mark().line;
  note_head();
  if (!batch && rotated) {
    ++counts_.rotations;
    close();
    return poll();
  }
  return batch;
}

}  // namespace bongsu::telemetry
