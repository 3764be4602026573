#include "node/sensor/archive.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "detect/hunt/hunt_indexer.h"
#include "telemetry/follower.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
using telemetry::Block;
using telemetry::Cover;
using telemetry::LineBatch;
using telemetry::SegmentFilePtr;
using telemetry::TelemetryStore;

constexpr const char* kMark = "hunted";  // the file that says up to which entry indicators have been hunted for
constexpr auto kTick = 250ms;

std::optional<telemetry::FollowPosition> follow_position(const std::string& text) {
  const auto json = parse_json(text);
  if (!json) return std::nullopt;
  auto position = telemetry::FollowPosition::parse(*json);
  if (!position) return std::nullopt;
  return *position;
}

// The lines of the batch that begin at this offset of the stream or later.
LineBatch behind(const LineBatch& batch, std::uint64_t offset) {
  LineBatch out{batch.source, {}, batch.offset, batch.first_line, batch.header};
  std::string_view rest = batch.data;
  while (!rest.empty() && out.offset < offset) {
    const std::size_t size = std::min(rest.find('\n'), rest.size() - 1) + 1;
    std::string_view line = rest.substr(0, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with('#')) telemetry::read_tsv_header_line(line, out.header);
    rest.remove_prefix(size);
    out.offset += size;
    ++out.first_line;
  }
  out.data = rest;
  return out;
}

// Which file it is that is read once.
std::string identity_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return "gone";
  return fmt::format("{}:{}:{}", info.st_ino, info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
}

}  // namespace

Archive::Archive(ArchiveOptions options, std::shared_ptr<const detect::WarningLists> lists, telemetry::FieldMapPtr map,
                 Hooks hooks, const Clock& clock)
    : options_(std::move(options)), lists_(std::move(lists)), map_(std::move(map)), hooks_(std::move(hooks)), clock_(clock) {}

Archive::~Archive() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Archive::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

Result<void> Archive::open() {
  BONGSU_TRY(auto files, telemetry::open_directory(options_.directory));
  BONGSU_TRY(store_, TelemetryStore::open(
                         std::move(files),
                         {.keep_for = std::chrono::seconds(options_.keep_for_s), .keep_bytes = options_.keep_bytes},
                         clock_, random_));
  for (const Error& error : store_->damage()) hooks_.problem(error.text());
  mark_ = read_mark();
  thread_ = std::thread([this] { run(); });
  return {};
}

std::vector<PositionUpdate> Archive::resume(std::vector<PositionUpdate> positions) {
  std::map<std::string, std::string> out;
  for (auto& update : positions) out.insert_or_assign(std::move(update.file), std::move(update.position));
  for (const auto& [file, position] : store_->covers()) {
    const auto json = parse_json(position);
    if (!json) continue;
    if (const auto to = int_at(*json, "read_once_to")) {
      partly_[file] = {static_cast<std::uint64_t>(std::max<std::int64_t>(0, *to)),
                       std::string(string_at(*json, "identity").value_or(""))};
      continue;
    }
    const auto [at, fresh] = out.try_emplace(file, position);
    if (fresh) continue;
    // Where the keeper is ahead in the same file, storing had failed: what is missing is missing.
    const auto keeper = follow_position(at->second), here = follow_position(position);
    const bool ahead = keeper && here && keeper->device == here->device && keeper->inode == here->inode &&
                       keeper->offset >= here->offset;
    if (!ahead) at->second = position;
  }
  positions.clear();
  for (auto& [file, position] : out) positions.push_back({.file = file, .position = std::move(position)});
  return positions;
}

void Archive::replay(const std::vector<PositionUpdate>& keeper, const std::function<void(const LineBatch&)>& match) {
  std::map<std::string, std::string> known;
  for (const auto& update : keeper) known.insert_or_assign(update.file, update.position);
  const auto spools = store_->spools();
  const auto newest = store_->covers();
  bool all = true;
  for (const auto& spool : spools)
    for (const Cover& cover : spool.file->facts().covers) {
      const auto at = known.find(cover.stream);
      all = all && at != known.end() && at->second == newest.at(cover.stream);
    }
  if (!all)
    for (const auto& spool : spools)
      for (std::size_t i = 0; i < spool.file->blocks().size() && !stopping_; ++i) {
        auto block = spool.file->read(i);
        if (!block) {
          problem(block.error());
          continue;
        }
        for (const LineBatch& run : block->runs) match(run);
      }
}

void Archive::store(const LineBatch& batch, const PositionUpdate& after) {
  const std::string& source = *batch.source;
  Result<void> stored;
  const auto partly = partly_.find(source);
  const bool read_once = after.position.empty();
  if (read_once && partly != partly_.end() && partly->second.identity == identity_of(source)) {
    // Read from its beginning again: what is there already is left out.
    if (batch.offset + batch.data.size() <= partly->second.to) return;
    stored = store_->append(batch.offset < partly->second.to ? behind(batch, partly->second.to) : batch);
  } else if (!batch.data.empty()) {
    stored = store_->append(batch);
  }
  if (!stored) problem(stored.error());
  if (read_once) {
    uncommitted_[source] =
        to_text(JsonObject{{"read_once_to", batch.offset + batch.data.size()}, {"identity", identity_of(source)}});
  } else {
    uncommitted_[after.file] = after.position;
  }
}

void Archive::commit() {
  std::vector<Cover> covers;
  for (const auto& [stream, position] : uncommitted_) covers.push_back({stream, position});
  if (auto committed = store_->commit(covers); !committed) {
    problem(committed.error());  // they stay, and go with the next commit that succeeds
  } else {
    uncommitted_.clear();
  }
  lost_ = store_->lost_bytes();
  spooled_ = store_->spooled_bytes();
}

void Archive::told(std::uint64_t messages) {
  bool wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = turn_wanted_;
    if (!replayed_) replayed_ = messages;
  }
  const auto now = std::chrono::steady_clock::now();
  if (store_->spooled_bytes() == 0) spool_began_ = now;
  const bool full =
      store_->spooled_bytes() >= options_.segment_bytes ||
      (store_->spooled_bytes() > 0 && now - spool_began_ >= std::chrono::milliseconds(options_.segment_after_ms));
  if (!wanted && !full) return;
  const auto turned = store_->turn_spool();
  if (!turned) problem(turned.error());
  spooled_ = 0;
  const std::lock_guard lock(mutex_);
  if (turned && *turned != 0) needs_.try_emplace(*turned, messages);
  turn_wanted_ = false;
  wake_.notify_all();
}

void Archive::admitted(const std::vector<detect::Indicator>& indicators) {
  const std::lock_guard lock(mutex_);
  for (const auto& indicator : indicators) {
    // Those of before the last start were hunted for then.
    if (!loaded_ && indicator.ref <= mark_) continue;
    if (waiting_.size() >= kMaxWaitingIndicators) {
      if (!overflowed_)
        hooks_.problem(fmt::format(
            "more than {} indicators wait to be hunted back for: the others are at the next start of the sensor",
            kMaxWaitingIndicators));
      overflowed_ = true;
      return;
    }
    withdrawn_.erase(indicator.ref);
    waiting_.push_back(indicator);
  }
}

void Archive::admitted(const std::vector<detect::Rule>& rules) {
  const std::lock_guard lock(mutex_);
  rules_pending_ = true;
  for (const auto& rule : rules) {
    if (!loaded_ && rule.ref <= mark_) continue;
    withdrawn_.erase(rule.ref);
    waiting_rules_.insert_or_assign(rule.ref, rule);
  }
}

void Archive::rules_in_force() {
  const std::lock_guard lock(mutex_);
  rules_pending_ = false;
  wake_.notify_all();
}

void Archive::withdrawn(const std::vector<std::uint64_t>& refs) {
  const std::lock_guard lock(mutex_);
  if (!waiting_.empty() || !waiting_rules_.empty() || hunting_ > 0) withdrawn_.insert(refs.begin(), refs.end());
}

void Archive::loaded() {
  const std::lock_guard lock(mutex_);
  loaded_ = true;
  wake_.notify_all();
}

void Archive::durable(std::uint64_t messages) {
  const std::lock_guard lock(mutex_);
  durable_ = std::max(durable_, messages);
  wake_.notify_all();
}

void Archive::run() {
  ::pthread_setname_np(::pthread_self(), "bongsu-archive");
  const std::chrono::milliseconds hunt_every(options_.hunt_every_ms);
  auto last_hunt = std::chrono::steady_clock::now() - hunt_every;
  while (!stopping_) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::min<std::chrono::milliseconds>(kTick, hunt_every), [&] { return stopping_.load(); });
      if (stopping_) return;
    }
    bool waits;
    {
      const std::lock_guard lock(mutex_);
      waits = loaded_ && !rules_pending_ && (!waiting_.empty() || !waiting_rules_.empty());
    }
    if (waits && std::chrono::steady_clock::now() - last_hunt >= hunt_every) {
      hunt();
      last_hunt = std::chrono::steady_clock::now();
    }
    seal();
    if (auto retained = store_->retain(); !retained) problem(retained.error());
  }
}

// Closed spools whose alerts are durable become a segment, when they are large or old enough for one.
void Archive::seal() {
  std::uint64_t last = 0, bytes = 0;
  std::vector<SegmentFilePtr> taken;
  {
    const auto spools = store_->spools();
    const std::lock_guard lock(mutex_);
    if (!loaded_ || !replayed_) return;
    for (const auto& spool : spools) {
      // Those of before the start were matched again before anything else was.
      const auto need = needs_.find(spool.number);
      if (durable_ < (need == needs_.end() ? *replayed_ : need->second)) break;
      last = spool.number;
      bytes += spool.file->lines_bytes();
      taken.push_back(spool.file);
    }
  }
  const auto now = std::chrono::steady_clock::now();
  if (taken.empty() ||
      (bytes < options_.segment_bytes / 2 && now - sealed_ < std::chrono::milliseconds(options_.segment_after_ms)))
    return;
  sealed_ = now;
  auto writer = store_->new_segment(last);
  if (!writer) return problem(writer.error());
  detect::HuntIndexer indexer(std::move(*writer), store_->seed(), map_);
  detect::CpuShare pace(options_.share_percent, &stopping_);
  std::vector<Cover> covers;
  for (const SegmentFilePtr& spool : taken) {
    for (std::size_t i = 0; i < spool->blocks().size(); ++i) {
      if (stopping_) return;
      auto block = spool->read(i);
      if (!block) {
        problem(block.error());  // its lines are lost; the rest is kept
        continue;
      }
      for (const LineBatch& run : block->runs)
        if (auto added = indexer.add(run); !added) return problem(added.error());
      covers.insert(covers.end(), block->covers.begin(), block->covers.end());
      pace.pause();
    }
  }
  // The last position of each stream is enough.
  std::map<std::string, std::string> newest;
  for (auto& cover : covers) newest.insert_or_assign(std::move(cover.stream), std::move(cover.position));
  covers.clear();
  for (auto& [stream, position] : newest) covers.push_back({stream, position});
  if (auto finished = indexer.finish({.created = clock_.now(), .covers = std::move(covers)}); !finished)
    return problem(finished.error());
  if (auto replaced = store_->replaced(); !replaced) return problem(replaced.error());
  const std::lock_guard lock(mutex_);
  needs_.erase(needs_.begin(), needs_.upper_bound(last));
}

// In one file after the other, for progress. False: not everything was looked at.
bool Archive::hunt_in(detect::Engine& engine, const std::vector<telemetry::SegmentFilePtr>& files,
                      const std::map<std::uint64_t, detect::HuntKeys>* keys, std::uint64_t& sent) {
  detect::CpuShare pace(options_.share_percent, &stopping_);
  for (const auto& file : files) {
    if (stopping_) return false;
    detect::HuntQuery query;
    query.map = map_;
    if (keys != nullptr) query.keys = &keys->at(file->seed());
    const auto result = detect::hunt(
        engine, query, std::span(&file, 1), {.stop = &stopping_, .pace = &pace, .keep_dictionaries = false},
        [&](std::vector<detect::Alert>&& alerts) {
          {
            const std::lock_guard lock(mutex_);
            std::erase_if(alerts,
                          [&](const detect::Alert& alert) { return withdrawn_.contains(alert.indicator_ref); });
          }
          if (alerts.empty()) return true;
          hunt_alerts_ += alerts.size();
          const auto number = hooks_.alerts(std::move(alerts));
          if (number) sent = *number;
          return number.has_value();
        });
    ++hunt_files_done_;
    if (const auto slow = engine.take_too_slow(); !slow.empty()) {
      for (const auto& rule : slow) engine.rules().remove({&rule.ref, 1});
      engine.rules().build();
      hooks_.too_slow(slow);
    }
    for (const Error& error : result.damage) problem(error);
    if (result.stopped) return false;
  }
  return true;
}

void Archive::hunt() {
  std::vector<detect::Indicator> indicators;
  std::vector<detect::Rule> rules;
  {
    std::unique_lock lock(mutex_);
    indicators = std::exchange(waiting_, {});
    std::erase_if(indicators, [&](const auto& one) { return withdrawn_.contains(one.ref); });
    for (auto& [ref, rule] : waiting_rules_)
      if (!withdrawn_.contains(ref)) rules.push_back(std::move(rule));
    waiting_rules_.clear();
    withdrawn_.clear();
    hunting_ = indicators.size() + rules.size();
    // Whatever was matched before these were in the engine must be in a file by now.
    turn_wanted_ = true;
    wake_.wait(lock, [&] { return stopping_ || !turn_wanted_; });
    if (stopping_) return;
  }
  std::uint64_t newest = 0;
  for (const auto& one : indicators) newest = std::max(newest, one.ref);
  for (const auto& one : rules) newest = std::max(newest, one.ref);
  auto files = store_->segments();
  for (auto& spool : store_->spools()) files.push_back(std::move(spool.file));
  std::uint64_t sent = 0;
  bool whole = true;  // looked at everything
  hunt_files_done_ = 0;
  hunt_files_ = files.size() * ((indicators.empty() ? 0 : 1) + (rules.empty() ? 0 : 1));
  if (!indicators.empty() && !files.empty()) {
    detect::Engine engine(clock_);
    engine.set_field_map(map_);
    if (lists_) engine.set_warning_lists(lists_);
    std::map<std::uint64_t, detect::HuntKeys> keys;
    auto added = engine.add(indicators);
    for (const auto& file : files)
      if (const auto [at, fresh] = keys.try_emplace(file->seed(), file->seed()); fresh && added) {
        added = at->second.add(indicators);
        at->second.sort();
      }
    if (!added) problem(added.error());
    whole = added.has_value() && hunt_in(engine, files, &keys, sent);
  }
  if (!rules.empty() && !files.empty() && whole) {
    // Dictionaries know nothing of rules: everything is read. What is no good was said when it was built to match.
    detect::Engine engine(clock_);
    engine.set_field_map(map_);
    if (hooks_.watch) hooks_.watch(engine);
    const auto added = engine.rules().add(rules);
    if (!added) problem(added.error());
    engine.rules().build();
    whole = added.has_value() && (engine.rules().sets()->empty() || hunt_in(engine, files, nullptr, sent));
  }
  if (whole && !stopping_ && wait_durable(sent)) {
    bool moves;
    {
      const std::lock_guard lock(mutex_);
      // Beyond those that found no room nothing counts as hunted for.
      moves = !overflowed_ && newest > mark_;
      if (moves) mark_ = newest;
    }
    if (moves)
      if (auto written = write_mark(newest); !written) problem(written.error());
    ++hunts_;
  }
  hunting_ = 0;
}

bool Archive::wait_durable(std::uint64_t messages) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || durable_ >= messages; });
  return durable_ >= messages;
}

std::uint64_t Archive::read_mark() const {
  const auto file = store_->files().open(kMark);
  if (!file || (*file)->size() > 32) return 0;
  const auto text = (*file)->read(0, static_cast<std::size_t>((*file)->size()));
  std::uint64_t mark = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), mark);
  return mark;
}

Result<void> Archive::write_mark(std::uint64_t ref) {
  auto& files = store_->files();
  const std::string temporary = std::string(kMark) + ".tmp";
  BONGSU_TRY(auto file, files.create(temporary));
  BONGSU_TRY_VOID(file->append(std::to_string(ref) + "\n"));
  BONGSU_TRY_VOID(file->sync());
  BONGSU_TRY_VOID(files.rename(temporary, kMark));
  return files.sync_directory();
}

void Archive::problem(const Error& error) {
  std::string text = error.text();
  {
    const std::lock_guard lock(mutex_);
    if (text == last_problem_) return;
    last_problem_ = text;
  }
  hooks_.problem(text);
}

ArchiveStats Archive::stats() const {
  ArchiveStats out;
  out.segments = store_->segments().size();
  out.stored_bytes = store_->bytes();
  out.spooled_bytes = spooled_;
  for (const auto& spool : store_->spools()) out.spooled_bytes += spool.file->lines_bytes();
  out.lost_bytes = lost_;
  out.hunts = hunts_;
  out.hunting = hunting_;
  out.hunt_alerts = hunt_alerts_;
  out.hunt_files_done = hunt_files_done_;
  out.hunt_files = hunt_files_;
  const std::lock_guard lock(mutex_);
  out.waiting = waiting_.size() + waiting_rules_.size();
  return out;
}

}  // namespace bongsu::node
