#include "detect/yara/yara_matcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"

namespace bongsu::detect {
namespace {

constexpr std::size_t kReadBytes = 1024 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "no regular file";
}

// Names as signature-base's rules use them, where a file's first bytes say it.
std::string file_type(std::string_view bytes) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"MZ", "EXE"},
      {"\x7F"
       "ELF",
       "ELF"},
      {"\xFE\xED\xFA\xCE", "MACH-O"},
      {"\xFE\xED\xFA\xCF", "MACH-O"},
      {"\xCE\xFA\xED\xFE", "MACH-O"},
      {"\xCF\xFA\xED\xFE", "MACH-O"},
      {"%PDF", "PDF"},
      {"{\\rtf", "RTF"},
      {"PK\x03\x04", "ZIP"},
      {"MDMP", "MDMP"},
  };
  for (const auto& [magic, type] : kTypes)
    if (bytes.starts_with(magic)) return std::string(type);
  return {};
}

Result<void> read_file(const std::string& path, std::size_t limit, std::string& out, std::string& owner) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const auto refused = [&](int error) {
    return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, std::strerror(error), {.source = path});
  };
  if (file.get() < 0) return refused(errno);
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return refused(errno);
  if (!S_ISREG(facts.st_mode))
    return fail(ErrorCode::kUnsupported, fmt::format("not scanned: {}", kind_of(facts.st_mode)), {.source = path});
  const auto too_large = [&] {
    return fail(ErrorCode::kTooLarge, fmt::format("not scanned: larger than {} bytes", limit), {.source = path});
  };
  if (static_cast<std::uint64_t>(facts.st_size) > limit) return too_large();
  owner = std::to_string(facts.st_uid);
  // A file's size may be told wrongly (0 in /proc) and may change: reading decides.
  std::size_t size = 0;
  while (true) {
    const std::size_t want = std::max<std::size_t>(static_cast<std::size_t>(facts.st_size) + 1, size + kReadBytes / 16);
    if (out.size() < want) out.resize(std::min(want, limit + 1));
    const ssize_t got = ::read(file.get(), out.data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > limit) return too_large();
  }
  out.resize(size);
  return {};
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string extension_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? std::string() : lowered(name.substr(dot));
}

}  // namespace

YaraMatcher::YaraMatcher(YaraSetPtr set, const YaraLimits& limits) : set_(std::move(set)), limits_(limits) {
  SystemRandom random;
  seeds_ = {random.next(), random.next()};
}

YaraCounts YaraMatcher::counts() const {
  YaraCounts out = counts_;
  const auto add = [&](const yara::Scanner* scanner) {
    if (scanner == nullptr) return;
    out.dropped_hits += scanner->dropped_hits();
    out.limited_strings += scanner->limited_strings();
  };
  add(files_.get());
  for (const FieldScanner& part : fields_) add(part.rules.get());
  return out;
}

void YaraMatcher::define(const char* name, const std::string& value) {
  for (const auto& [given, fixed] : set_->options().externals)
    if (given == name) return;
  files_->define(name, value);
}

Result<void> YaraMatcher::scan_bytes_of(std::string_view bytes, const std::string& path, const std::string& owner,
                                        std::vector<YaraHit>& hits) {
  if (!set_->for_files()) return {};
  if (!files_) files_ = std::make_unique<yara::Scanner>(set_->for_files());
  const std::string name = name_of(path);
  define("filename", name);
  define("filepath", path);
  define("extension", extension_of(name));
  define("filetype", file_type(bytes));
  define("owner", owner);
  ++counts_.files;
  counts_.bytes += bytes.size();
  auto scanned = files_->scan(bytes, limits_.file_timeout_seconds, hits);
  if (!scanned) {
    ++(scanned.error().code == ErrorCode::kTimeout ? counts_.timeouts : counts_.faults);
    scanned.error().where.source = path;
  }
  return scanned;
}

Result<void> YaraMatcher::scan_file(const std::string& path, std::vector<YaraHit>& hits) {
  std::string owner;
  BONGSU_TRY_VOID(read_file(path, limits_.max_file_bytes, buffer_, owner));
  return scan_bytes_of(buffer_, path, owner, hits);
}

Result<void> YaraMatcher::scan_bytes(std::string_view bytes, const std::string& name, std::vector<YaraHit>& hits) {
  if (bytes.size() > limits_.max_file_bytes)
    return fail(ErrorCode::kTooLarge, fmt::format("not scanned: larger than {} bytes", limits_.max_file_bytes),
                {.source = name});
  return scan_bytes_of(bytes, name, {}, hits);
}

Result<void> YaraMatcher::scan_parts(std::string_view text, std::vector<YaraHit>& hits) {
  if (fields_.empty()) {
    for (const YaraSet::Part& part : set_->for_events())
      fields_.push_back({std::make_unique<yara::Scanner>(part.rules),
                         part.sieve ? std::make_unique<yara::Scanner>(part.sieve) : nullptr});
  }
  for (const FieldScanner& part : fields_) {
    if (part.sieve) {
      sieved_.clear();
      BONGSU_TRY_VOID(part.sieve->scan(text, limits_.field_timeout_seconds, sieved_));
      if (sieved_.empty()) continue;
    }
    BONGSU_TRY_VOID(part.rules->scan(text, limits_.field_timeout_seconds, hits));
  }
  return {};
}

const std::vector<YaraHit>& YaraMatcher::scan_field(std::string_view text) {
  static const std::vector<YaraHit> kNone;
  const Key key{hash64(text, seeds_.a), hash64(text, seeds_.b)};
  if (clean_.empty()) clean_.resize(kRememberedFields);
  Key& slot = clean_[key.a % kRememberedFields];
  if (slot == key) return ++counts_.remembered, kNone;
  if (const auto known = known_.find(key); known != known_.end()) return ++counts_.remembered, known->second;
  // One slow rule must not hold up everything that is read.
  if (given_up_ >= kMaxYaraTimeouts) return ++counts_.left_out, kNone;
  found_.clear();
  if (const auto scanned = scan_parts(text, found_); !scanned) {
    if (scanned.error().code == ErrorCode::kTimeout) {
      ++given_up_;
      ++counts_.timeouts;
      last_timeout_ = scanned.error();
    } else {
      ++counts_.faults;
    }
    slot = key;  // it will not do better the next time
    return kNone;
  }
  if (found_.empty()) {
    slot = key;
    return kNone;
  }
  if (found_.size() > kRememberedHitsEach) return found_;
  if (known_.size() >= kRememberedHits) known_.clear();
  return known_.emplace(key, found_).first->second;
}

void YaraMatcher::match(const telemetry::EventView& event, std::vector<YaraHit>& hits) {
  if (set_->for_events().empty()) return;
  const std::size_t before = hits.size();
  for (const telemetry::Leaf& leaf : event.leaves) {
    if (leaf.role != telemetry::Role::kText || leaf.size < limits_.min_field_bytes) continue;
    std::string_view text = event.text(leaf, scratch_);
    if (text.size() < limits_.min_field_bytes) continue;
    ++counts_.fields;
    if (text.size() > limits_.max_field_bytes) {
      ++counts_.cut_fields;
      text = text.substr(0, limits_.max_field_bytes);
    }
    for (const YaraHit& hit : scan_field(text)) {
      const bool told = std::any_of(hits.begin() + static_cast<std::ptrdiff_t>(before), hits.end(),
                                    [&](const YaraHit& other) { return other.rule == hit.rule; });
      if (told) continue;
      hits.push_back(hit);
      hits.back().field = event.path(leaf);
    }
  }
}

}  // namespace bongsu::detect
