#include "detect/hunt/log_index.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "base/json.h"
#include "detect/hunt/hunt_indexer.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

using telemetry::LineBatch;
using telemetry::TelemetryStore;

constexpr std::size_t kProbeBytes = 4096;  // compared at both ends of what was indexed
constexpr std::size_t kReadBytes = 256 * 1024;

// What a file was when it was indexed; a segment's cover.
struct FileState {
  std::int64_t size = -1, mtime_ns = -1, inode = -1;  // -1: indexing did not reach the end
  std::int64_t offset = 0, line = 1;                  // behind the last line
  std::int64_t head = 0, tail = 0;                    // hashes of the first and last kProbeBytes before offset
  bool open_line = false;                             // the last line had no newline
  std::string header;                                 // Zeek's, in force at offset

  std::string text() const {
    return to_text(JsonObject{{"size", size},
                              {"mtime_ns", mtime_ns},
                              {"inode", inode},
                              {"offset", offset},
                              {"line", line},
                              {"head", head},
                              {"tail", tail},
                              {"open_line", open_line},
                              {"header", header}});
  }
  static std::optional<FileState> parse(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) return std::nullopt;
    FileState out;
    for (const auto& [key, value] : {std::pair{"size", &out.size},
                                     {"mtime_ns", &out.mtime_ns},
                                     {"inode", &out.inode},
                                     {"offset", &out.offset},
                                     {"line", &out.line},
                                     {"head", &out.head},
                                     {"tail", &out.tail}}) {
      const auto number = int_at(*json, key);
      if (!number) return std::nullopt;
      *value = *number;
    }
    out.open_line = bool_at(*json, "open_line").value_or(true);
    out.header = string_at(*json, "header").value_or("");
    return out;
  }
};

struct Stat {
  std::int64_t size = 0, mtime_ns = 0, inode = 0;
};
Result<Stat> stat_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, std::strerror(errno), {.source = path});
  return Stat{info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
              static_cast<std::int64_t>(info.st_ino)};
}

struct FixedSeed final : Random {
  explicit FixedSeed(std::uint64_t seed) : seed_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(seed_ >> i % 8 * 8);
  }
  std::uint64_t seed_;
};

// A plain file from an offset on.
class FileTail final : public telemetry::ByteSource {
 public:
  FileTail(std::ifstream in, std::uint64_t offset, std::uint64_t size) : in_(std::move(in)), at_(offset), size_(size) {}
  Result<std::size_t> read(char* out, std::size_t size) override {
    in_.read(out, static_cast<std::streamsize>(size));
    const auto n = static_cast<std::size_t>(in_.gcount());
    if (in_.bad()) return fail(ErrorCode::kIo, "cannot be read");
    at_ += n;
    return n;
  }
  std::uint64_t consumed() const override { return at_; }
  std::uint64_t total() const override { return size_; }

 private:
  std::ifstream in_;
  std::uint64_t at_, size_;
};

// Hashes of the first and last bytes before `offset`.
std::optional<std::pair<std::int64_t, std::int64_t>> probe(std::ifstream& in, std::int64_t offset) {
  const auto hash_at = [&](std::int64_t from, std::int64_t size) -> std::optional<std::int64_t> {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    in.clear();
    in.seekg(from);
    if (!in.read(bytes.data(), size)) return std::nullopt;
    return static_cast<std::int64_t>(hash64(bytes, 17) >> 1);
  };
  const std::int64_t n = std::min<std::int64_t>(offset, kProbeBytes);
  const auto head = hash_at(0, n), tail = hash_at(offset - n, n);
  if (!head || !tail) return std::nullopt;
  return std::pair{*head, *tail};
}

bool is_compressed(std::ifstream& in) {
  unsigned char magic[4] = {};
  in.clear();
  in.seekg(0);
  in.read(reinterpret_cast<char*>(magic), 4);
  const bool gzip = magic[0] == 0x1f && magic[1] == 0x8b;
  const bool zstd = magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd && magic[0] == 0x28;
  const bool skippable = (magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18;
  return gzip || zstd || skippable;
}

}  // namespace

Result<std::unique_ptr<LogIndex>> LogIndex::open(const std::string& directory, const Clock& clock, Random& random,
                                                 bool update) {
  std::unique_ptr<LogIndex> out(new LogIndex(directory, clock));
  if (!update) return out;
  BONGSU_TRY(const auto made, telemetry::open_directory(directory));
  const std::string lock = directory + "/lock";
  out->lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (out->lock_ < 0) return fail(ErrorCode::kIo, std::strerror(errno), {.source = lock});
  if (::flock(out->lock_, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::kUnavailable, "another process is updating this index", {.source = directory});
  BONGSU_TRY_VOID(out->read_seed(random));
  return out;
}

// One that is lost is made anew: stores that are there keep theirs.
Result<void> LogIndex::read_seed(Random& random) {
  const std::string path = directory_ + "/seed";
  std::ifstream in(path);
  if (in >> std::hex >> seed_) return {};
  seed_ = random.next();
  std::ofstream file(path);
  file << std::hex << seed_ << "\n";
  if (!file.flush()) return fail(ErrorCode::kIo, "cannot be written", {.source = path});
  return {};
}

LogIndex::~LogIndex() {
  if (lock_ >= 0) ::close(lock_);
}

std::string LogIndex::directory_of(const std::string& key) const {
  return fmt::format("{}/{:016x}{:016x}", directory_, hash64(key, 1), hash64(key, 2));
}

Result<LogIndex::Log> LogIndex::find(const std::string& key) const {
  const std::string directory = directory_of(key);
  std::error_code ec;
  if (!std::filesystem::is_directory(directory, ec))
    return fail(ErrorCode::kNotFound, "is not in the index", {.source = key});
  BONGSU_TRY(auto files, telemetry::open_directory(directory));
  Log out;
  FixedSeed seed(seed_);
  BONGSU_TRY(out.store, TelemetryStore::open(std::move(files), {.read_only = true}, clock_, seed));
  out.segments = out.store->segments();
  return out;
}

Result<std::vector<LogIndex::Log>> LogIndex::all() const {
  std::vector<Log> out;
  std::error_code ec;
  std::vector<std::string> directories;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ec))
    if (entry.is_directory(ec) && entry.path().filename().string().size() == 32)
      directories.push_back(entry.path().string());
  if (ec) return fail(ErrorCode::kNotFound, "there is no index", {.source = directory_});
  std::ranges::sort(directories);
  for (const auto& directory : directories) {
    BONGSU_TRY(auto files, telemetry::open_directory(directory));
    Log log;
    FixedSeed seed(seed_);
    BONGSU_TRY(log.store, TelemetryStore::open(std::move(files), {.read_only = true}, clock_, seed));
    log.segments = log.store->segments();
    out.push_back(std::move(log));
  }
  return out;
}

Result<LogIndex::Updated> LogIndex::update(const std::string& path, const std::string& key,
                                           const std::function<void(std::uint64_t)>& note,
                                           const std::atomic<bool>* stop, std::uint64_t segment_bytes) {
  BONGSU_CHECK(lock_ >= 0);
  if (segment_bytes == 0) segment_bytes = kSegmentBytes;
  Updated out;
  BONGSU_TRY(const Stat stat, stat_of(path));
  const auto open = [&]() -> Result<std::unique_ptr<TelemetryStore>> {
    BONGSU_TRY(auto files, telemetry::open_directory(directory_of(key)));
    FixedSeed seed(seed_);
    return TelemetryStore::open(std::move(files), {.keep_bytes = ~0ULL}, clock_, seed);
  };
  BONGSU_TRY(auto store, open());
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kIo, "cannot be opened", {.source = path});
  const bool compressed = is_compressed(in);

  FileState state;
  const auto covers = store->covers();
  const auto cover = covers.find(key);
  bool fresh = true;
  const std::uint64_t keyed_by = hunt_keyed_by(*telemetry::FieldMap::standard());
  const auto segments = store->segments();
  const bool good = store->damage().empty() && segments.size() < kMaxLogSegments &&
                    std::ranges::all_of(segments, [&](const auto& s) { return s->facts().keyed_by == keyed_by; });
  if (const auto known = cover == covers.end() ? std::nullopt : FileState::parse(cover->second); known && good) {
    const bool same = known->size == stat.size && known->mtime_ns == stat.mtime_ns && known->inode == stat.inode;
    if (same) {
      if (note) note(static_cast<std::uint64_t>(stat.size));
      return out;
    }
    if (!compressed && !known->open_line && known->offset <= stat.size) {
      const auto ends = probe(in, known->offset);
      fresh = !ends || ends->first != known->head || ends->second != known->tail;
      if (!fresh) state = *known;
    }
  }
  if (fresh && !segments.empty()) {
    // Newest first, each durably: what a crash leaves is the beginning of what was there, and its cover says how far it
    // goes.
    auto& files = store->files();
    for (auto at = segments.rbegin(); at != segments.rend(); ++at) {
      BONGSU_TRY_VOID(files.remove((*at)->name()));
      BONGSU_TRY_VOID(files.sync_directory());
    }
    BONGSU_TRY(store, open());
  }
  out.anew = fresh;

  std::unique_ptr<telemetry::ByteSource> source;
  if (fresh) {
    BONGSU_TRY(source, telemetry::open_source(path));
  } else {
    in.clear();
    in.seekg(state.offset);
    source = std::make_unique<FileTail>(std::move(in), static_cast<std::uint64_t>(state.offset),
                                        static_cast<std::uint64_t>(stat.size));
  }
  // Lines carry the key as their stream's name: who hunts says what the file is called now.
  telemetry::LineCutter cutter(key, out.bad);
  cutter.resume({.offset = static_cast<std::uint64_t>(state.offset), .line = static_cast<std::uint64_t>(state.line)},
                telemetry::parse_tsv_header(state.header));
  std::unique_ptr<HuntIndexer> indexer;
  std::ifstream again(path, std::ios::binary);
  const auto finish = [&](bool whole) -> Result<void> {
    if (!indexer) return {};
    state.offset = static_cast<std::int64_t>(cutter.mark().offset);
    state.line = static_cast<std::int64_t>(cutter.mark().line);
    state.header = indexer->header() ? telemetry::tsv_header_text(*indexer->header()) : "";
    if (whole) {
      state.size = stat.size;
      state.mtime_ns = stat.mtime_ns;
      state.inode = stat.inode;
    } else {
      state.size = state.mtime_ns = state.inode = -1;
    }
    if (!compressed) {
      const auto ends = probe(again, state.offset);
      state.open_line = !ends || state.open_line;  // it shrank under our hands: from the start next time
      if (ends) std::tie(state.head, state.tail) = *ends;
    }
    BONGSU_TRY_VOID(indexer->finish({.created = clock_.now(), .covers = {{key, state.text()}}}));
    indexer.reset();
    return store->replaced();
  };
  bool ended = false, stopped = false;
  std::optional<Error> trouble;
  while (!stopped) {
    while (!ended && !cutter.full()) {
      auto n = source->read(cutter.room(kReadBytes), kReadBytes);
      if (!n) trouble = std::move(n).error();
      ended = !n || *n == 0;
      if (!ended) cutter.commit(*n);
    }
    const auto batch = cutter.take(ended);
    if (!batch) {
      if (ended) break;
      continue;
    }
    if (!indexer) {
      BONGSU_TRY(auto writer, store->new_segment());
      indexer = std::make_unique<HuntIndexer>(std::move(writer), store->seed(), telemetry::FieldMap::standard());
    }
    state.open_line = !batch->data.ends_with('\n');
    BONGSU_TRY_VOID(indexer->add(*batch));
    out.read += batch->data.size();
    if (note) note(source->consumed());
    stopped = stop != nullptr && stop->load();
    if (!stopped && !ended && indexer->lines_bytes() >= segment_bytes) BONGSU_TRY_VOID(finish(false));
  }
  // An empty file, and one that only its time changed of, gets an empty segment, so that it is known.
  if (!indexer && !stopped) {
    BONGSU_TRY(auto writer, store->new_segment());
    indexer = std::make_unique<HuntIndexer>(std::move(writer), store->seed(), telemetry::FieldMap::standard());
  }
  // A file that grew while it was read is looked at again next time, from where reading ended.
  BONGSU_TRY(const Stat after, stat_of(path));
  const bool still = after.size == stat.size && after.mtime_ns == stat.mtime_ns && after.inode == stat.inode;
  BONGSU_TRY_VOID(finish(!stopped && !trouble && still));
  if (trouble) {
    if (trouble->where.source.empty()) trouble->where.source = path;
    return std::unexpected(std::move(*trouble));
  }
  return out;
}

}  // namespace bongsu::detect
