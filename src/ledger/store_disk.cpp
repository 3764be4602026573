// How a store is opened and checked, settled and erased.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "ledger/store_log.h"
#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

std::unexpected<Error> corrupt(std::string why, std::string path) { return fail(ErrorCode::kCorrupt, std::move(why), {.source = std::move(path)}); }

// A file that must be there.
Result<std::string> needed(Files& files, const std::string& path) {
  auto bytes = files.read(path);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return corrupt("is missing", path);
  return bytes;
}

bool is_log_name(std::string_view name) {
  const auto plain = [](std::string_view part) {
    return !part.empty() && part.size() <= 63 && std::ranges::all_of(part, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  };
  return name == kNodeLog || (name.starts_with("pair/") && plain(name.substr(5)));
}

// What logs there are, and where their sources stood. One file, so that both change together; a line with the hash of the rest
// first, since a cursor that is wrong by a digit would make a gap.
constexpr const char* kIndex = "index";

std::string encode_index(const std::vector<std::string>& logs, const std::map<std::string, std::string>& cursors) {
  JsonArray names;
  for (const auto& name : logs) names.emplace_back(name);
  JsonObject stand;
  for (const auto& [key, value] : cursors) stand[key] = value;
  const std::string text = to_text(JsonObject{{"logs", std::move(names)}, {"cursors", std::move(stand)}});
  return hash_text(sha256(text)) + "\n" + text;
}

struct Index {
  std::vector<std::string> logs;
  std::map<std::string, std::string> cursors;
};

Result<Index> decode_index(std::string_view rest) {
  const auto damaged = [] { return corrupt("is damaged", kIndex); };
  const auto hash = take_line(rest);
  if (!hash || parse_hash(*hash) != sha256(rest)) return damaged();
  const auto json = parse_json(rest);
  const Json* logs = json ? find(*json, "logs") : nullptr;
  const Json* cursors = json ? find(*json, "cursors") : nullptr;
  if (logs == nullptr || !logs->is_array() || cursors == nullptr || !cursors->is_object()) return damaged();
  Index index;
  for (const Json& name : logs->as_array()) {
    if (!name.is_string() || !is_log_name(std::string_view(name.as_string()))) return damaged();
    index.logs.emplace_back(name.as_string());
  }
  for (const auto& [key, value] : cursors->as_object()) {
    if (!value.is_string()) return damaged();
    index.cursors[std::string(key)] = std::string(value.as_string());
  }
  return index;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(Files& files, StoreOptions options, OpenReport& report) {
  std::unique_ptr<Store> store(new Store(files, std::move(options)));
  BONGSU_TRY_VOID(store->load(report));
  return store;
}

Result<void> Store::load(OpenReport& report) {
  const auto text = files_.read(kIndex);
  if (!text && text.error().code != ErrorCode::kNotFound) return std::unexpected(text.error());
  if (text) {
    BONGSU_TRY(Index index, decode_index(*text));
    for (const auto& name : index.logs) BONGSU_TRY_VOID(load_log(name));
    cursors_ = std::move(index.cursors);
  }
  BONGSU_TRY(const auto segments, files_.list("wal"));
  if (!text && segments.empty()) {
    BONGSU_TRY(const auto left, files_.list("logs"));
    if (!left.empty()) return corrupt("is missing", kIndex);
  }
  chain_ = segment_seed(segment_);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& path = segments[i];
    std::string digits = path.substr(4);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    const auto number = parse_decimal(digits);
    if (!number || segment_path(*number) != path) return corrupt("does not belong here", path);
    if (i > 0 && *number != segment_ + 1) return corrupt(fmt::format("a segment before it is missing: {}", segment_path(segment_ + 1)), path);
    segment_ = *number;
    BONGSU_TRY(const std::string bytes, files_.read(path));
    auto content = read_segment(bytes, segment_);
    if (!content) {
      content.error().where.source = path;
      return std::unexpected(content.error());
    }
    if (content->good_bytes != bytes.size()) {
      if (i + 1 != segments.size())
        return fail(ErrorCode::kCorrupt, "a group of entries is damaged", {.source = path, .offset = content->good_bytes, .has_offset = true});
      report = {.torn_file = path, .torn_bytes = bytes.size() - content->good_bytes};
      if (options_.key.can_sign()) BONGSU_TRY_VOID(files_.truncate(path, content->good_bytes));
    }
    segment_bytes_ = content->good_bytes;
    chain_ = content->chain;
    for (auto& group : content->groups) {
      for (auto& addition : group.logs) {
        if (!is_log_name(addition.log)) return corrupt("names a log that is none", path);
        const auto at = logs_.find(addition.log);
        const std::uint64_t size = at == logs_.end() ? 0 : at->second->size;
        if (addition.first > size) return corrupt(fmt::format("continues log \"{}\" at {}, which has {} entries on disk", addition.log, addition.first, size), path);
        // Tiles on disk cover the beginning, if settling was interrupted.
        const std::uint64_t known = std::min<std::uint64_t>(size - addition.first, addition.entries.size());
        addition.entries.erase(addition.entries.begin(), addition.entries.begin() + static_cast<std::ptrdiff_t>(known));
      }
      apply(std::move(group));
    }
  }
  for (const auto& [name, log] : logs_) {
    if (log->size == 0) continue;
    // A log that was never settled has no openings on disk, but for those of a settling that was cut off.
    if (log->settled == 0 && options_.key.can_sign())
      for (std::uint64_t bundle = 0; files_.read(log->path(openings_path(bundle))); ++bundle) BONGSU_TRY_VOID(files_.remove(log->path(openings_path(bundle))));
    BONGSU_TRY_VOID(check_cosigned(name));
    const std::uint64_t bundles = log->size / kTileWidth;
    constexpr std::uint64_t kNewest = 16;
    BONGSU_TRY_VOID(check(*log, log->size <= options_.check_at_open || bundles < kNewest ? 0 : bundles - kNewest));
  }
  return {};
}

Result<void> Store::load_log(const std::string& name) {
  auto log = std::make_unique<Log>();
  log->name = name;
  const std::string path = log->path("checkpoint");
  BONGSU_TRY(const std::string text, needed(files_, path));
  const auto note = Note::parse(text);
  if (!note) return corrupt("is no signed checkpoint: " + note.error().text(), path);
  const VerifierKey key = log_key(options_.member, name, options_.key.public_key);
  if (auto by = note->verify({&key, 1}); !by) return corrupt(by.error().message, path);
  const auto head = Checkpoint::parse(note->text);
  if (!head || head->origin != key.name) return corrupt("is no checkpoint of this log", path);
  log->size = log->settled = head->size;

  for (unsigned level = 0; hashes_at_level(log->size, level) > 0; ++level) {
    const std::uint64_t hashes = hashes_at_level(log->size, level);
    const auto width = static_cast<unsigned>(hashes % kTileWidth);
    log->edge.emplace_back();
    if (width == 0) continue;
    const std::string partial = log->path(tile_path({.level = level, .index = hashes / kTileWidth, .width = width}));
    BONGSU_TRY(const std::string bytes, needed(files_, partial));
    auto parsed = parse_tile(bytes, width);
    if (!parsed) return corrupt(parsed.error().message, partial);
    log->edge.back() = std::move(*parsed);
    log->partials.push_back(partial);
  }
  if (log->root() != head->root) return corrupt("its root is not that of the partial tiles beside it: one of them is damaged", path);
  const auto width = static_cast<unsigned>(log->size % kTileWidth);
  const std::uint64_t last = log->size / kTileWidth;
  if (width > 0) {
    const std::string partial = log->path(tile_path({.entries = true, .index = last, .width = width}));
    BONGSU_TRY(const std::string bytes, needed(files_, partial));
    auto parsed = parse_bundle(bytes, width);
    if (!parsed) return corrupt(parsed.error().message, partial);
    for (unsigned i = 0; i < width; ++i)
      if (leaf_hash((*parsed)[i]) != log->edge[0][i]) return corrupt(fmt::format("entry {} is not what the tile beside it has", last * kTileWidth + i), partial);
    log->entries = std::move(*parsed);
    log->partials.push_back(partial);
  }
  // Openings that an interrupted settling wrote are in the log ahead still. Nobody else repairs: who reads only leaves them.
  if (options_.key.can_sign()) {
    const std::string openings = log->path(openings_path(last));
    if (const auto bytes = files_.read(openings); bytes) {
      const auto stored = read_openings(*bytes);
      if (stored.size() < width) return corrupt(fmt::format("has openings of {} entries, {} are needed", stored.size(), width), openings);
      const std::uint64_t end = width == 0 ? 0 : stored[width - 1].offset + stored[width - 1].bytes;
      if (end != bytes->size()) BONGSU_TRY_VOID(files_.truncate(openings, end));
    } else if (bytes.error().code != ErrorCode::kNotFound) {
      return std::unexpected(bytes.error());
    } else if (width > 0) {
      return corrupt("is missing", openings);
    }
    for (std::uint64_t beyond = last + 1; files_.read(log->path(openings_path(beyond))); ++beyond)
      BONGSU_TRY_VOID(files_.remove(log->path(openings_path(beyond))));
  }
  logs_.emplace(name, std::move(log));
  return {};
}

Result<void> Store::check_cosigned(const std::string& name) {
  Log& log = *logs_.at(name);
  const std::string path = log.path("cosigned");
  const auto text = files_.read(path);
  if (!text && text.error().code == ErrorCode::kNotFound) return {};
  if (!text) return std::unexpected(text.error());
  auto note = Note::parse(*text);
  if (!note) return corrupt("is no cosigned checkpoint: " + note.error().text(), path);
  const auto head = Checkpoint::parse(note->text);
  if (!head) return corrupt("is no cosigned checkpoint: " + head.error().text(), path);
  const VerifierKey key = log_key(options_.member, name, options_.key.public_key);
  if (auto by = note->verify({&key, 1}); !by) return corrupt(by.error().message, path);
  if (head->size > log.size)
    return corrupt(fmt::format("witnesses have confirmed {} entries of log \"{}\", but {} are on disk: the end is lost, or the ledger was put back from an older copy", head->size, name, log.size), path);
  BONGSU_TRY(const Hash root, root_at(name, head->size));
  if (root != head->root) return corrupt(fmt::format("witnesses have confirmed another history of log \"{}\" than the one on disk", name), path);
  log.cosigned = std::move(*note);
  return {};
}

Result<void> Store::check(const Log& log, std::uint64_t from_bundle) const {
  // Entries against hashes, hashes against those a level above, openings against entries.
  for (std::uint64_t index = from_bundle; index * kTileWidth < log.size; ++index) {
    const auto width = static_cast<unsigned>(std::min<std::uint64_t>(kTileWidth, log.size - index * kTileWidth));
    const std::string bundle_path = log.path(tile_path({.entries = true, .index = index}));
    auto entries = bundle(log, index, width);
    if (!entries && entries.error().code == ErrorCode::kNotFound) return corrupt("is missing", bundle_path);
    if (!entries) return std::unexpected(entries.error());
    const std::string hashes_path = log.path(tile_path({.level = 0, .index = index}));
    auto hashes = tile(log, 0, index, width);
    if (!hashes && hashes.error().code == ErrorCode::kNotFound) return corrupt("is missing", hashes_path);
    if (!hashes) return std::unexpected(hashes.error());
    for (unsigned i = 0; i < width; ++i)
      if (leaf_hash((*entries)[i]) != (*hashes)[i]) return corrupt(fmt::format("entry {} is not what tile {} has", index * kTileWidth + i, hashes_path), bundle_path);
    // Who may only read sees no openings that are being written; they are checked one by one when they are shown.
    if (index * kTileWidth >= log.settled) continue;
    const std::string path = log.path(openings_path(index));
    BONGSU_TRY(const std::string bytes, needed(files_, path));
    const auto openings = read_openings(bytes);
    const auto settled = static_cast<unsigned>(std::min<std::uint64_t>(width, log.settled - index * kTileWidth));
    if (openings.size() < settled) return corrupt(fmt::format("has openings of {} entries, {} are needed", openings.size(), settled), path);
    for (unsigned i = 0; i < settled; ++i) {
      if (openings[i].opening.erased) continue;
      const auto leaf = Leaf::parse((*entries)[i]);
      if (!leaf || !check_opening(*leaf, openings[i].opening)) return corrupt(fmt::format("the opening of entry {} is not what was logged", index * kTileWidth + i), path);
    }
  }
  for (unsigned level = 1; hashes_at_level(log.size, level) > 0; ++level) {
    const std::uint64_t first = from_bundle >> (kTileHeight * (level - 1));
    for (std::uint64_t number = first; number < hashes_at_level(log.size, level); ++number) {
      const std::string below_path = log.path(tile_path({.level = level - 1, .index = number}));
      const auto below = tile(log, level - 1, number, kTileWidth);
      if (!below) return corrupt(below.error().message, below_path);
      const auto above = tile(log, level, number / kTileWidth, static_cast<unsigned>(number % kTileWidth + 1));
      if (!above) return corrupt(above.error().message, log.path(tile_path({.level = level, .index = number / kTileWidth})));
      if (tile_root(*below) != above->back()) return corrupt("is not what the tile above it has", below_path);
    }
  }
  return {};
}

bool Store::settling_due() const {
  const std::lock_guard lock(mutex_);
  return segment_bytes_ > options_.segment_bytes;
}

Result<Settlement> Store::begin_settling() {
  const std::lock_guard lock(mutex_);
  Settlement settlement;
  settlement.segment = segment_;
  std::vector<std::string> names;
  for (const auto& [name, log] : logs_) {
    names.push_back(name);
    if (log->size == log->settled) continue;
    Settlement::Done done{.log = name, .pending = {}, .size = log->size, .partials = {}};
    for (const auto& [path, bytes] : log->pending) {
      settlement.puts.emplace_back(log->path(path), bytes);
      done.pending.push_back(path);
    }
    const auto partial = [&](TileName tile, std::string bytes) {
      done.partials.push_back(log->path(tile_path(tile)));
      settlement.puts.emplace_back(done.partials.back(), std::move(bytes));
    };
    for (unsigned level = 0; level < log->edge.size(); ++level) {
      const auto& hashes = log->edge[level];
      if (hashes.empty()) continue;
      partial({.level = level, .index = hashes_at_level(log->size, level) / kTileWidth, .width = static_cast<unsigned>(hashes.size())}, tile_bytes(hashes));
    }
    if (!log->entries.empty())
      partial({.entries = true, .index = log->size / kTileWidth, .width = static_cast<unsigned>(log->entries.size())}, bundle_bytes(log->entries));
    for (std::uint64_t index = log->settled; index < log->size; ++index) {
      const std::string path = log->path(openings_path(index / kTileWidth));
      if (settlement.appends.empty() || settlement.appends.back().first != path) settlement.appends.emplace_back(path, "");
      settlement.appends.back().second += encode_opening(log->openings[index - log->settled]);
    }
    BONGSU_TRY(const Note note, checkpoint(name));
    settlement.heads.emplace_back(log->path("checkpoint"), note.whole());
    for (const auto& old : log->partials)
      if (std::ranges::find(done.partials, old) == done.partials.end()) settlement.removals.push_back(old);
    settlement.done.push_back(std::move(done));
  }
  settlement.heads.emplace_back(kIndex, encode_index(names, cursors_));
  BONGSU_TRY(const auto segments, files_.list("wal"));
  for (const auto& path : segments)
    if (path <= segment_path(segment_)) settlement.removals.push_back(path);
  ++segment_;
  segment_bytes_ = 0;
  chain_ = segment_seed(segment_);
  return settlement;
}

Result<void> write_settlement(Files& files, const Settlement& settlement, bool overwrite_segments) {
  for (const auto& [path, bytes] : settlement.puts) BONGSU_TRY_VOID(files.put(path, bytes));
  for (const auto& [path, bytes] : settlement.appends) BONGSU_TRY_VOID(files.append(path, bytes));
  for (const auto& [path, bytes] : settlement.heads) BONGSU_TRY_VOID(files.put(path, bytes));
  for (const auto& path : settlement.removals) {
    if (overwrite_segments && path.starts_with("wal/"))
      if (const auto bytes = files.read(path); bytes) BONGSU_TRY_VOID(files.overwrite(path, 0, std::string(bytes->size(), '\0')));
    BONGSU_TRY_VOID(files.remove(path));
  }
  return {};
}

void Store::finish_settling(const Settlement& settlement) {
  const std::lock_guard lock(mutex_);
  for (const auto& done : settlement.done) {
    Log& log = *logs_.at(done.log);
    for (const auto& path : done.pending) log.pending.erase(path);
    log.openings.erase(log.openings.begin(), log.openings.begin() + static_cast<std::ptrdiff_t>(done.size - log.settled));
    log.settled = done.size;
    log.partials = done.partials;
  }
}

Result<void> Store::settle(bool overwrite_segments) {
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return std::unexpected(*broken_);
  }
  BONGSU_TRY(const Settlement settlement, begin_settling());
  if (auto written = write_settlement(files_, settlement, overwrite_segments); !written) {
    stop_writing(written.error());
    return written;
  }
  finish_settling(settlement);
  return {};
}

Result<std::uint64_t> Store::erase(std::string_view subject, const WhichLeaves& which) {
  if (subject.empty()) return fail(ErrorCode::kInvalid, "nothing is erased without a subject");
  BONGSU_TRY_VOID(settle(true));
  std::uint64_t erased = 0;
  for (const auto& [name, log] : logs_) {
    for (std::uint64_t index = 0; index * kTileWidth < log->size; ++index) {
      const std::string path = log->path(openings_path(index));
      BONGSU_TRY(const std::string bytes, needed(files_, path));
      if (bytes.find(subject) == std::string::npos) continue;
      for (const auto& stored : read_openings(bytes)) {
        if (stored.gone || stored.opening.subject != subject) continue;
        if (which && !stored.opening.erased && !which(name, stored.opening)) continue;
        // Marked first and found again by its subject until the end, so that an erasure that was cut off is finished when it is asked
        // for again. Lengths stay, and the records behind this one with them.
        constexpr std::uint64_t kMark = 4;
        BONGSU_TRY_VOID(files_.overwrite(path, stored.offset + kMark, std::string(1, kOpeningGoing)));
        BONGSU_TRY_VOID(files_.overwrite(path, stored.offset + stored.content, std::string(stored.bytes - stored.content, '\0')));
        BONGSU_TRY_VOID(files_.overwrite(path, stored.offset + kMark + 1, std::string(sizeof(Salt), '\0')));
        std::string gone(stored.bytes - kMark, '\0');
        gone.front() = kOpeningGone;
        BONGSU_TRY_VOID(files_.overwrite(path, stored.offset + kMark, gone));
        ++erased;
      }
    }
  }
  return erased;
}

}  // namespace bongsu::ledger
