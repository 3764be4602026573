#include "telemetry/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "telemetry/evtx.h"

namespace bongsu::telemetry {
namespace {

constexpr std::size_t kInputBytes = 128 * 1024;

std::string reason(int error) { return std::generic_category().message(error); }

// Where raw bytes come from.
class Raw {
 public:
  virtual ~Raw() = default;
  virtual Result<std::size_t> read(char* out, std::size_t size) = 0;
  std::string name;
  std::uint64_t taken = 0, total = 0;
};

class RawFile final : public Raw {
 public:
  RawFile(int fd, bool owned) : fd_(fd), owned_(owned) {}
  ~RawFile() override {
    if (owned_) ::close(fd_);
  }
  Result<std::size_t> read(char* out, std::size_t size) override {
    while (true) {
      const ssize_t n = ::read(fd_, out, size);
      if (n >= 0) {
        taken += static_cast<std::size_t>(n);
        return static_cast<std::size_t>(n);
      }
      if (errno != EINTR) return fail(ErrorCode::kIo, "cannot read: " + reason(errno), {.source = name});
    }
  }

 private:
  int fd_;
  bool owned_;
};

class RawMemory final : public Raw {
 public:
  explicit RawMemory(std::string bytes) : bytes_(std::move(bytes)) { total = bytes_.size(); }
  Result<std::size_t> read(char* out, std::size_t size) override {
    const std::size_t n = std::min<std::size_t>(size, bytes_.size() - taken);
    std::memcpy(out, bytes_.data() + taken, n);
    taken += n;
    return n;
  }

 private:
  std::string bytes_;
};

class Source final : public ByteSource {
 public:
  explicit Source(std::unique_ptr<Raw> raw) : raw_(std::move(raw)), input_(kInputBytes) {}
  ~Source() override {
    if (inflating_) inflateEnd(&gzip_);
    ZSTD_freeDCtx(zstd_);
  }
  std::uint64_t consumed() const override { return raw_->taken - (end_ - begin_); }
  std::uint64_t total() const override { return raw_->total; }

  const std::string& name() const { return raw_->name; }
  // What was read only to look at it.
  void put_back(std::string bytes) { looked_at_ = std::move(bytes); }

  Result<std::size_t> read(char* out, std::size_t size) override {
    if (!looked_at_.empty()) {
      const std::size_t n = std::min(size, looked_at_.size());
      std::memcpy(out, looked_at_.data(), n);
      looked_at_.erase(0, n);
      return n;
    }
    if (!known_) BONGSU_TRY_VOID(know());
    if (kind_ == Kind::kPlain) {
      if (begin_ == end_) return raw_->read(out, size);
      const std::size_t n = std::min(size, end_ - begin_);
      std::memcpy(out, input_.data() + begin_, n);
      begin_ += n;
      return n;
    }
    return kind_ == Kind::kGzip ? read_gzip(out, size) : read_zstd(out, size);
  }

 private:
  enum class Kind { kPlain, kGzip, kZstd };

  // Reads the first bytes and tells the format by them.
  Result<void> know() {
    while (end_ < 4) {
      BONGSU_TRY(const std::size_t n, raw_->read(input_.data() + end_, input_.size() - end_));
      if (n == 0) break;
      end_ += n;
    }
    known_ = true;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input_[i]); };
    if (end_ >= 2 && byte(0) == 0x1f && byte(1) == 0x8b) {
      kind_ = Kind::kGzip;
      if (inflateInit2(&gzip_, 15 + 16) != Z_OK) return fail(ErrorCode::kInternal, "zlib does not start");
      inflating_ = true;
    } else if (end_ >= 4 && ((byte(0) == 0x28 && byte(1) == 0xb5 && byte(2) == 0x2f && byte(3) == 0xfd) ||
                             ((byte(0) & 0xf0) == 0x50 && byte(1) == 0x2a && byte(2) == 0x4d && byte(3) == 0x18))) {
      kind_ = Kind::kZstd;
      zstd_ = ZSTD_createDCtx();
      if (zstd_ == nullptr) return fail(ErrorCode::kInternal, "zstd does not start");
      ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, kMaxZstdWindowLog);
    }
    return {};
  }

  Result<bool> refill() {
    begin_ = end_ = 0;
    BONGSU_TRY(const std::size_t n, raw_->read(input_.data(), input_.size()));
    end_ = n;
    return n > 0;
  }

  std::unexpected<Error> corrupt(std::string message) {
    return fail(ErrorCode::kCorrupt, std::move(message),
                {.source = raw_->name, .offset = consumed(), .has_offset = true});
  }

  Result<std::size_t> read_gzip(char* out, std::size_t size) {
    size = std::min<std::size_t>(size, 1U << 30);
    while (true) {
      if (begin_ == end_) {
        BONGSU_TRY(const bool more, refill());
        if (!more) {
          if (between_) return std::size_t{0};
          return corrupt("the gzip data ends in the middle");
        }
      }
      if (between_ && started_) {  // another member, or padding as tapes and some tools leave
        if (input_[begin_] == '\0') {
          ++begin_;
          continue;
        }
        inflateReset(&gzip_);
      }
      between_ = false;
      started_ = true;
      gzip_.next_in = reinterpret_cast<unsigned char*>(input_.data() + begin_);
      gzip_.avail_in = static_cast<unsigned>(end_ - begin_);
      gzip_.next_out = reinterpret_cast<unsigned char*>(out);
      gzip_.avail_out = static_cast<unsigned>(size);
      const int status = inflate(&gzip_, Z_NO_FLUSH);
      begin_ = end_ - gzip_.avail_in;
      if (status == Z_STREAM_END)
        between_ = true;
      else if (status != Z_OK && status != Z_BUF_ERROR)
        return corrupt("the gzip data is damaged");
      if (const std::size_t made = size - gzip_.avail_out; made > 0) return made;
    }
  }

  Result<std::size_t> read_zstd(char* out, std::size_t size) {
    ZSTD_outBuffer to{out, size, 0};
    while (true) {
      if (begin_ == end_ && !pending_) {
        BONGSU_TRY(const bool more, refill());
        if (!more) {
          if (between_) return std::size_t{0};
          return corrupt("the zstd data ends in the middle");
        }
      }
      ZSTD_inBuffer from{input_.data() + begin_, end_ - begin_, 0};
      const std::size_t status = ZSTD_decompressStream(zstd_, &to, &from);
      begin_ += from.pos;
      if (ZSTD_isError(status))
        return corrupt(
            fmt::format("the zstd data is damaged or needs too large a window: {}", ZSTD_getErrorName(status)));
      between_ = status == 0;
      pending_ = !between_ && to.pos == to.size;  // more may lie ready inside without new input
      if (to.pos > 0) return to.pos;
    }
  }

  std::unique_ptr<Raw> raw_;
  std::string looked_at_;
  std::vector<char> input_;
  std::size_t begin_ = 0, end_ = 0;
  Kind kind_ = Kind::kPlain;
  bool known_ = false, inflating_ = false, between_ = true, started_ = false, pending_ = false;
  z_stream gzip_{};
  ZSTD_DCtx* zstd_ = nullptr;
};

// The beginnings of packet captures: pcap in either byte order, with micro- or nanoseconds; pcapng's section header, up to its byte-order mark.
constexpr std::string_view kPcapMagics[] = {"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d"};
constexpr std::string_view kPcapngMagic = "\x0a\x0d\x0d\x0a", kPcapngOrders[] = {"\x1a\x2b\x3c\x4d", "\x4d\x3c\x2b\x1a"};
constexpr std::size_t kPcapngOrderAt = 8, kToldBy = 12;  // bytes

bool is_capture(std::string_view first) {
  const auto begins = [](std::string_view text) { return [text](std::string_view magic) { return text.starts_with(magic); }; };
  if (std::ranges::any_of(kPcapMagics, begins(first))) return true;
  return first.starts_with(kPcapngMagic) && first.size() == kToldBy && std::ranges::any_of(kPcapngOrders, begins(first.substr(kPcapngOrderAt)));
}

// Whether more bytes may tell something. Not a byte more is waited for: a line of a stream may be shorter.
bool may_become_known(std::string_view first) {
  const auto begins_with = [&](std::string_view magic) { return first.size() < magic.size() && magic.starts_with(first); };
  return begins_with(kEvtxMagic) || std::ranges::any_of(kPcapMagics, begins_with) || begins_with(kPcapngMagic) || (first.starts_with(kPcapngMagic) && first.size() < kToldBy);
}

// Looks at what came out of decompression, and lets a reader of that format have it.
class Telling final : public ByteSource {
 public:
  explicit Telling(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  std::uint64_t consumed() const override { return source_ ? source_->consumed() : reader_->consumed(); }
  std::uint64_t total() const override { return source_ ? source_->total() : reader_->total(); }
  std::vector<Error> take_troubles() override { return reader_ ? reader_->take_troubles() : std::vector<Error>{}; }
  Result<std::size_t> read(char* out, std::size_t size) override {
    if (reader_) return reader_->read(out, size);
    if (known_) return source_->read(out, size);
    known_ = true;
    std::string first;
    char buffer[kToldBy];
    while (may_become_known(first)) {
      BONGSU_TRY(const std::size_t n, source_->read(buffer, sizeof buffer - first.size()));
      if (n == 0) break;
      first.append(buffer, n);
    }
    if (is_capture(first))
      return fail(ErrorCode::kUnsupported, "a packet capture, which is not read here: make events of it, as by tshark -r FILE -T ek, Zeek or Suricata",
                  {.source = source_->name()});
    source_->put_back(first);
    if (!first.starts_with(kEvtxMagic)) return source_->read(out, size);
    reader_ = open_evtx(std::move(source_));
    return reader_->read(out, size);
  }

 private:
  std::unique_ptr<Source> source_;
  std::unique_ptr<ByteSource> reader_;
  bool known_ = false;
};

std::unique_ptr<Source> memory_source(std::string bytes, std::string name) {
  auto raw = std::make_unique<RawMemory>(std::move(bytes));
  raw->name = std::move(name);
  return std::make_unique<Source>(std::move(raw));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path) {
  if (path == "-") {
    auto raw = std::make_unique<RawFile>(STDIN_FILENO, false);
    raw->name = "-";
    return std::make_unique<Telling>(std::make_unique<Source>(std::move(raw)));
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "cannot open: " + reason(errno),
                {.source = path});
  auto raw = std::make_unique<RawFile>(fd, true);
  raw->name = path;
  struct stat status{};
  if (::fstat(fd, &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail(ErrorCode::kInvalid, "is a directory", {.source = path});
    if (S_ISREG(status.st_mode)) raw->total = static_cast<std::uint64_t>(status.st_size);
  }
  return std::make_unique<Telling>(std::make_unique<Source>(std::move(raw)));
}

std::unique_ptr<ByteSource> open_memory(std::string bytes, std::string name) {
  return std::make_unique<Telling>(memory_source(std::move(bytes), std::move(name)));
}

std::unique_ptr<ByteSource> open_compressed_memory(std::string bytes, std::string name) {
  return memory_source(std::move(bytes), std::move(name));
}

Result<std::string> read_all(ByteSource& source, std::size_t limit) {
  std::string out;
  char buffer[64 * 1024];
  while (true) {
    BONGSU_TRY(const std::size_t n, source.read(buffer, sizeof buffer));
    if (n == 0) return out;
    if (out.size() + n > limit) return fail(ErrorCode::kTooLarge, fmt::format("larger than {} bytes", limit));
    out.append(buffer, n);
  }
}

Result<std::string> read_whole(const std::string& path, std::size_t limit) {
  BONGSU_TRY(const auto source, open_source(path));
  auto content = read_all(*source, limit);
  if (!content && content.error().where.source.empty()) content.error().where.source = path;
  return content;
}

}  // namespace bongsu::telemetry
