#include "detect/value_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace bongsu::detect {
namespace {

constexpr std::size_t kFlushAt = 1024 * 1024;
constexpr std::size_t kFirstRead = 192;  // enough for most records
constexpr std::uint8_t kHasFrom = 1, kHasUntil = 2;
constexpr std::size_t kHead = 5, kInstant = 12;

std::unexpected<Error> io(const std::string& what, const std::string& where) {
  return fail(ErrorCode::kIo, what + ": " + std::generic_category().message(errno), {.source = where});
}

void put_instant(char*& p, const Instant& time) {
  std::memcpy(p, &time.seconds, 8);
  std::memcpy(p + 8, &time.nanos, 4);
  p += kInstant;
}
Instant get_instant(const char*& p) {
  Instant out;
  std::memcpy(&out.seconds, p, 8);
  std::memcpy(&out.nanos, p + 8, 4);
  p += kInstant;
  return out;
}

std::size_t stored_size(const char* head) {
  std::uint16_t size;
  std::memcpy(&size, head, 2);
  const auto flags = static_cast<std::uint8_t>(head[4]);
  return kHead + size + ((flags & kHasFrom) != 0 ? kInstant : 0) + ((flags & kHasUntil) != 0 ? kInstant : 0);
}

bool read_fully(int fd, char* to, std::size_t size, std::uint64_t at) {
  while (size > 0) {
    const ssize_t n = ::pread(fd, to, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    at += static_cast<std::uint64_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::uint16_t CoarseValidity::of(const Instant& time) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(time.seconds >> 16, 0, kOpen));
}

CoarseValidity CoarseValidity::of(const Validity& validity) {
  CoarseValidity out;
  if (validity.from) out.from = of(*validity.from);
  if (validity.until) out.until = of(*validity.until);
  return out;
}

Result<std::shared_ptr<ValueStore>> ValueStore::open(const std::string& directory) {
  std::shared_ptr<ValueStore> out(new ValueStore);
  if (directory.empty()) return out;
  out->fd_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (out->fd_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system without nameless files
    std::string name = directory + "/bongsu-values-XXXXXX";
    out->fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (out->fd_ >= 0) ::unlink(name.c_str());
  }
  if (out->fd_ < 0) return io("cannot make a file for the values of indicators", directory);
  return out;
}

std::string ValueStore::usual_directory() {
  const char* named = std::getenv("TMPDIR");
  const std::string directory = named != nullptr && *named != '\0' ? named : "/var/tmp";
  return ::access(directory.c_str(), W_OK | X_OK) == 0 ? directory : std::string();
}

ValueStore::~ValueStore() {
  if (fd_ >= 0) ::close(fd_);
  for (int k = 0; k < kChunks; ++k)
    if (char* chunk = chunks_[static_cast<std::size_t>(k)].load())
      ::munmap(chunk, std::size_t{1} << (kFirstChunkLog + k));
}

// Chunk k holds [2^16 (2^k - 1), 2^16 (2^(k+1) - 1)).
char* ValueStore::chunk_at(std::uint64_t at) const {
  const std::uint64_t unit = (at >> kFirstChunkLog) + 1;
  const int k = static_cast<int>(std::bit_width(unit)) - 1;
  const std::uint64_t begin = ((1ULL << k) - 1) << kFirstChunkLog;
  char* chunk = chunks_[static_cast<std::size_t>(k)].load(std::memory_order_acquire);
  return chunk == nullptr ? nullptr : chunk + (at - begin);
}

Result<std::uint64_t> ValueStore::append(Kind kind, std::string_view bytes, int confidence, const Validity& validity) {
  char head[kHead + 2 * kInstant];
  const auto size = static_cast<std::uint16_t>(bytes.size());
  std::memcpy(head, &size, 2);
  head[2] = static_cast<char>(kind);
  head[3] = static_cast<char>(std::clamp(confidence, -1, 100) + 1);
  head[4] = static_cast<char>((validity.from ? kHasFrom : 0) | (validity.until ? kHasUntil : 0));
  char* p = head + kHead;
  if (validity.from) put_instant(p, *validity.from);
  if (validity.until) put_instant(p, *validity.until);
  const std::string_view front(head, static_cast<std::size_t>(p - head));
  const std::size_t total = front.size() + bytes.size();
  if (end_ + total + (1U << kFirstChunkLog) > kMaxBytes) return fail(ErrorCode::kTooLarge, "the index is full");

  if (fd_ >= 0) {
    const std::uint64_t at = end_;
    waiting_.append(front).append(bytes);
    end_ += total;
    if (waiting_.size() >= kFlushAt) BONGSU_TRY_VOID(flush());
    return at;
  }
  // No record lies in two chunks.
  const std::uint64_t unit = (end_ >> kFirstChunkLog) + 1;
  const std::uint64_t chunk_end = ((std::bit_floor(unit) << 1) - 1) << kFirstChunkLog;
  const std::uint64_t at = end_ + total > chunk_end ? chunk_end : end_;
  char* to = chunk_at(at);
  if (to == nullptr) {
    const int k = static_cast<int>(std::bit_width((at >> kFirstChunkLog) + 1)) - 1;
    if (k >= kChunks) return fail(ErrorCode::kTooLarge, "the index is full");
    void* fresh = ::mmap(nullptr, std::size_t{1} << (kFirstChunkLog + k), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fresh == MAP_FAILED) return io("no memory for the values of indicators", "");
    chunks_[static_cast<std::size_t>(k)].store(static_cast<char*>(fresh), std::memory_order_release);
    to = chunk_at(at);
  }
  std::memcpy(to, front.data(), front.size());
  std::memcpy(to + front.size(), bytes.data(), bytes.size());
  end_ = at + total;
  return at;
}

bool ValueStore::reserve(std::uint64_t bytes) {
  return fd_ < 0 || bytes == 0 || ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes)) == 0;
}

Result<void> ValueStore::flush() {
  std::string_view rest = waiting_;
  while (!rest.empty()) {
    const ssize_t n = ::pwrite(fd_, rest.data(), rest.size(), static_cast<off_t>(written_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const auto error = io("cannot write the values of indicators", "");
      waiting_.erase(0, waiting_.size() - rest.size());
      return error;
    }
    written_ += static_cast<std::uint64_t>(n);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  waiting_.clear();
  return {};
}

bool ValueStore::read(std::uint64_t at, std::string& scratch, Record& out) const {
  const char* p;
  if (fd_ < 0) {
    p = chunk_at(at);
    if (p == nullptr) return false;
    out.stored = stored_size(p);
  } else {
    if (scratch.size() < kFirstRead) scratch.resize(kFirstRead);
    ssize_t n;
    do n = ::pread(fd_, scratch.data(), kFirstRead, static_cast<off_t>(at));
    while (n < 0 && errno == EINTR);
    if (n < static_cast<ssize_t>(kHead)) return false;
    out.stored = stored_size(scratch.data());
    if (out.stored > static_cast<std::size_t>(n)) {
      if (scratch.size() < out.stored) scratch.resize(out.stored);
      const auto have = static_cast<std::size_t>(n);
      if (!read_fully(fd_, scratch.data() + have, out.stored - have, at + have)) return false;
    }
    p = scratch.data();
  }
  std::uint16_t size;
  std::memcpy(&size, p, 2);
  out.kind = static_cast<Kind>(p[2]);
  out.confidence = static_cast<int>(static_cast<std::uint8_t>(p[3])) - 1;
  const auto flags = static_cast<std::uint8_t>(p[4]);
  p += kHead;
  out.validity = {};
  if ((flags & kHasFrom) != 0) out.validity.from = get_instant(p);
  if ((flags & kHasUntil) != 0) out.validity.until = get_instant(p);
  out.bytes = {p, size};
  return true;
}

}  // namespace bongsu::detect
