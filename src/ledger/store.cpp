#include "ledger/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "ledger/store_log.h"

namespace bongsu::ledger {
namespace {

std::unexpected<Error> no_log(std::string_view log) { return fail(ErrorCode::kNotFound, fmt::format("there is no log \"{}\", or it has no entry yet", log)); }

}  // namespace

std::string pair_log(std::string_view member) { return "pair/" + std::string(member); }
std::string origin_of(std::string_view member, std::string_view log) { return fmt::format("bongsu/ledger/{}/{}", member, log); }
std::string witness_name(std::string_view member) { return fmt::format("bongsu/ledger/{}/witness", member); }
VerifierKey log_key(std::string_view member, std::string_view log, std::string public_key) {
  return {.name = origin_of(member, log), .type = SignatureType::kEd25519, .public_key = std::move(public_key)};
}
VerifierKey witness_key(std::string_view member, std::string public_key) {
  return {.name = witness_name(member), .type = SignatureType::kCosignature, .public_key = std::move(public_key)};
}

std::string segment_path(std::uint64_t segment) { return fmt::format("wal/{:08}", segment); }
std::string openings_path(std::uint64_t bundle) { return "openings/" + tile_path({.entries = true, .index = bundle}).substr(13); }

Hash tile_root(std::vector<Hash> hashes) {
  for (; hashes.size() > 1; hashes.resize(hashes.size() / 2))
    for (std::size_t i = 0; i < hashes.size() / 2; ++i) hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
  return hashes.front();
}

Hash Store::Log::root() const {
  // The perfect subtrees of the log, smallest first: the edge of each level, from its end, by the bits of its length.
  std::optional<Hash> root;
  for (const auto& hashes : edge) {
    std::size_t end = hashes.size();
    while (end > 0) {
      const std::size_t width = end & (~end + 1);
      const Hash part = tile_root({hashes.begin() + static_cast<std::ptrdiff_t>(end - width), hashes.begin() + static_cast<std::ptrdiff_t>(end)});
      root = root ? node_hash(part, *root) : part;
      end -= width;
    }
  }
  return root.value_or(empty_root());
}

void Store::Log::add(Sealed&& entry) {
  if (edge.empty()) edge.emplace_back();
  const std::uint64_t number = size / kTileWidth;
  edge[0].push_back(leaf_hash(entry.leaf));
  entries.push_back(std::move(entry.leaf));
  openings.push_back(std::move(entry.opening));
  ++size;
  if (entries.size() < kTileWidth) return;
  pending.emplace(tile_path({.entries = true, .index = number}), bundle_bytes(entries));
  entries.clear();
  for (unsigned level = 0; level < edge.size() && edge[level].size() == kTileWidth; ++level) {
    pending.emplace(tile_path({.level = level, .index = (hashes_at_level(size, level) - 1) / kTileWidth}), tile_bytes(edge[level]));
    const Hash full = tile_root(edge[level]);
    edge[level].clear();
    if (level + 1 == edge.size()) edge.emplace_back();
    edge[level + 1].push_back(full);
  }
}

Store::Store(Files& files, StoreOptions options) : files_(files), options_(std::move(options)) {}
Store::~Store() = default;

const Store::Log* Store::find(std::string_view log) const {
  const auto at = logs_.find(log);
  return at == logs_.end() || at->second->size == 0 ? nullptr : at->second.get();
}

void Store::stop_writing(Error error) {
  const std::lock_guard lock(mutex_);
  if (broken_) return;
  broken_ = std::move(error);
  broken_->message = "the ledger could not be written and has stopped until it is opened again: " + broken_->message;
}

Result<void> Store::commit(Group& group) {
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return std::unexpected(*broken_);
  }
  std::size_t fresh = 0;
  for (auto& addition : group.logs) {
    const auto at = logs_.find(addition.log);
    addition.first = at == logs_.end() ? 0 : at->second->size;
    fresh += at == logs_.end() ? 1 : 0;
    for (const auto& other : group.logs)
      if (&other != &addition && other.log == addition.log) return fail(ErrorCode::kInternal, "a group names a log twice");
  }
  if (logs_.size() + fresh > kMaxLogs) return fail(ErrorCode::kTooLarge, fmt::format("a ledger has at most {} logs", kMaxLogs));
  const std::string payload = encode_group(group);
  if (payload.size() > kMaxGroupBytes) return fail(ErrorCode::kTooLarge, fmt::format("a group has at most {} bytes", kMaxGroupBytes));
  std::string frame;
  Hash chain = chain_;
  append_frame(frame, chain, payload);
  if (auto written = files_.append(segment_path(segment_), frame); !written) {
    // A disk that is full may have taken a part of it. Anything else may have done anything.
    const bool full = written.error().code == ErrorCode::kNoSpace;
    if (!full || !files_.truncate(segment_path(segment_), segment_bytes_)) stop_writing(written.error());
    return written;
  }
  const std::lock_guard lock(mutex_);
  chain_ = chain;
  segment_bytes_ += frame.size();
  apply(Group(group));
  return {};
}

void Store::apply(Group&& group) {
  for (auto& addition : group.logs) {
    auto& log = logs_[addition.log];
    if (!log) {
      log = std::make_unique<Log>();
      log->name = addition.log;
    }
    for (auto& entry : addition.entries) log->add(std::move(entry));
  }
  for (auto& [key, value] : group.cursors) cursors_[key] = value;
}

std::vector<std::string> Store::logs() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, log] : logs_) out.push_back(name);
  return out;
}

std::optional<Head> Store::head(std::string_view log) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr) return std::nullopt;
  return Head{.size = found->size, .root = found->root()};
}

std::optional<std::string> Store::cursor(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto at = cursors_.find(key);
  if (at == cursors_.end()) return std::nullopt;
  return at->second;
}

std::map<std::string, std::string> Store::cursors() const {
  const std::lock_guard lock(mutex_);
  return cursors_;
}

// The first `width` items of a full tile, which is on disk or about to be.
template <class Parse>
auto Store::beginning_of(const Log& log, const std::string& path, Parse parse, unsigned width) const
    -> decltype(parse(std::string_view(), kTileWidth)) {
  const auto at = log.pending.find(path);
  std::string bytes;
  if (at != log.pending.end()) {
    bytes = at->second;
  } else {
    BONGSU_TRY(bytes, files_.read(log.path(path)));
  }
  auto whole = parse(bytes, kTileWidth);
  if (!whole) {
    whole.error().where.source = log.path(path);
    return whole;
  }
  whole->resize(width);
  return whole;
}

Result<std::vector<Hash>> Store::tile(const Log& log, unsigned level, std::uint64_t index, unsigned width) const {
  const std::uint64_t hashes = hashes_at_level(log.size, level);
  if (index * kTileWidth + width > hashes) return fail(ErrorCode::kNotFound, "no such tile yet");
  if (index == hashes / kTileWidth) return std::vector<Hash>(log.edge[level].begin(), log.edge[level].begin() + width);
  return beginning_of(log, tile_path({.level = level, .index = index}), parse_tile, width);
}

Result<std::vector<std::string>> Store::bundle(const Log& log, std::uint64_t index, unsigned width) const {
  if (index * kTileWidth + width > log.size) return fail(ErrorCode::kNotFound, "no such entries yet");
  if (index == log.size / kTileWidth) return std::vector<std::string>(log.entries.begin(), log.entries.begin() + width);
  return beginning_of(log, tile_path({.entries = true, .index = index}), parse_bundle, width);
}

class Store::Source final : public HashSource {
 public:
  Source(const Store& store, const Log& log) : store_(store), log_(log) {}
  Result<Hash> subtree(unsigned level, std::uint64_t index) override {
    const unsigned tile_level = level / kTileHeight, height = level % kTileHeight;
    const std::uint64_t first = index << height;
    const auto offset = static_cast<std::size_t>(first % kTileWidth);
    const std::size_t count = std::size_t{1} << height;
    BONGSU_TRY(const auto hashes, store_.tile(log_, tile_level, first / kTileWidth, static_cast<unsigned>(offset + count)));
    return tile_root({hashes.begin() + static_cast<std::ptrdiff_t>(offset), hashes.end()});
  }

 private:
  const Store& store_;
  const Log& log_;
};

Result<std::string> Store::entry(std::string_view log, std::uint64_t index) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr || index >= found->size) return no_log(log);
  BONGSU_TRY(auto entries, bundle(*found, index / kTileWidth, static_cast<unsigned>(index % kTileWidth + 1)));
  return std::move(entries.back());
}

Result<Opening> Store::opening(std::string_view log, std::uint64_t index) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr || index >= found->size) return no_log(log);
  if (index >= found->settled) return found->openings[index - found->settled];
  const std::string path = found->path(openings_path(index / kTileWidth));
  BONGSU_TRY(const std::string bytes, files_.read(path));
  auto openings = read_openings(bytes);
  if (openings.size() <= index % kTileWidth) return fail(ErrorCode::kCorrupt, "ends before the opening that is asked for", {.source = path});
  return std::move(openings[index % kTileWidth].opening);
}

Result<void> Store::visit(std::string_view log, std::uint64_t first, std::uint64_t end, const Visit& visit) const {
  for (std::uint64_t index = first; index < end;) {
    std::vector<std::string> entries;
    std::vector<Opening> openings;
    const std::uint64_t number = index / kTileWidth;
    {
      // A bundle at a time: what visits may take long, and may look at the store itself.
      const std::lock_guard lock(mutex_);
      const Log* found = find(log);
      if (found == nullptr || index >= found->size) return {};
      const auto width = static_cast<unsigned>(std::min<std::uint64_t>(kTileWidth, found->size - number * kTileWidth));
      BONGSU_TRY(entries, bundle(*found, number, width));
      if (number * kTileWidth < found->settled) {
        const std::string path = found->path(openings_path(number));
        BONGSU_TRY(const std::string bytes, files_.read(path));
        const auto settled = std::min<std::uint64_t>(width, found->settled - number * kTileWidth);
        auto stored = read_openings(bytes);
        if (stored.size() < settled) return fail(ErrorCode::kCorrupt, "ends before the openings that it should have", {.source = path});
        stored.resize(settled);
        for (auto& one : stored) openings.push_back(std::move(one.opening));
      }
      for (std::uint64_t at = number * kTileWidth + openings.size(); openings.size() < width; ++at) openings.push_back(found->openings[at - found->settled]);
    }
    for (; index < end && index < number * kTileWidth + entries.size(); ++index)
      if (!visit(index, entries[index % kTileWidth], openings[index % kTileWidth])) return {};
  }
  return {};
}

Result<std::vector<Hash>> Store::inclusion(std::string_view log, std::uint64_t index, std::uint64_t size) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr || size > found->size) return no_log(log);
  Source source(*this, *found);
  return inclusion_proof(source, index, size);
}

Result<std::vector<Hash>> Store::consistency(std::string_view log, std::uint64_t old_size, std::uint64_t size) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr || size > found->size) return no_log(log);
  Source source(*this, *found);
  return consistency_proof(source, old_size, size);
}

Result<Hash> Store::root_at(std::string_view log, std::uint64_t size) const {
  const std::lock_guard lock(mutex_);
  if (size == 0) return empty_root();
  const Log* found = find(log);
  if (found == nullptr || size > found->size) return no_log(log);
  if (size == found->size) return found->root();
  Source source(*this, *found);
  return range_root(source, 0, size);
}

Result<std::string> Store::resource(std::string_view log, const TileName& name) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr) return no_log(log);
  if (name.entries) {
    BONGSU_TRY(const auto entries, bundle(*found, name.index, name.width));
    return bundle_bytes(entries);
  }
  BONGSU_TRY(const auto hashes, tile(*found, name.level, name.index, name.width));
  return tile_bytes(hashes);
}

Result<Note> Store::checkpoint(std::string_view log) const {
  const auto at = head(log);
  if (!at) return no_log(log);
  if (!options_.key.can_sign()) return fail(ErrorCode::kUnsupported, "a ledger that is open for reading signs nothing");
  Note note;
  const std::string origin = origin_of(options_.member, log);
  note.text = Checkpoint{.origin = origin, .size = at->size, .root = at->root, .extensions = {}}.text();
  BONGSU_TRY(auto signature, sign_note(note.text, origin, options_.key));
  note.signatures.push_back(std::move(signature));
  return note;
}

std::optional<Note> Store::cosigned(std::string_view log) const {
  const std::lock_guard lock(mutex_);
  const auto at = logs_.find(log);
  return at == logs_.end() ? std::nullopt : at->second->cosigned;
}

Result<void> Store::put_cosigned(std::string_view log, const Note& note) {
  const auto at = logs_.find(log);
  if (at == logs_.end()) return no_log(log);
  BONGSU_TRY_VOID(files_.put(at->second->path("cosigned"), note.whole()));
  const std::lock_guard lock(mutex_);
  at->second->cosigned = note;
  return {};
}

Result<Proof> Store::proof(std::string_view log, std::uint64_t index) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr || index >= found->size) return no_log(log);
  Proof proof{.extra = {}, .index = index, .path = {}, .checkpoint = {}};
  std::uint64_t size = 0;
  if (found->cosigned) {
    BONGSU_TRY(const Checkpoint seen, Checkpoint::parse(found->cosigned->text));
    size = seen.size;
    proof.checkpoint = *found->cosigned;
  }
  if (index >= size) {
    size = found->size;
    BONGSU_TRY(proof.checkpoint, checkpoint(log));
  }
  BONGSU_TRY(proof.path, inclusion(log, index, size));
  return proof;
}

Result<void> Store::verify(std::string_view log) const {
  const std::lock_guard lock(mutex_);
  const Log* found = find(log);
  if (found == nullptr) return no_log(log);
  return check(*found, 0);
}

}  // namespace bongsu::ledger
