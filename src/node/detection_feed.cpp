#include "node/detection_feed.h"

#include <fmt/format.h>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPage = 5'000;
constexpr std::size_t kFrameBytes = 4 * 1024 * 1024;  // of indicators in one frame, about
constexpr std::size_t kRecordBytes = 48;             // of one, without its text, at most
constexpr auto kPoll = 1s;  // how soon stop and a new sensor are noticed while nothing is committed

bool is_indicator(const journal::Entry& entry) { return entry.object_id.starts_with("indicator--"); }

std::optional<Uuid> uuid_of(const journal::Entry& entry) {
  const auto id = stix::Id::parse(entry.object_id);
  if (!id) return std::nullopt;
  return id->uuid;
}

}  // namespace

DetectionFeed::DetectionFeed(journal::Journal& journal, IndicatorSink& sensor, Log& log) : journal_(journal), sensor_(sensor), log_(log) {}
DetectionFeed::~DetectionFeed() { stop(); }

void DetectionFeed::start() { thread_ = std::thread([this] { run(); }); }

void DetectionFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DetectionFeed::sensor_started() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = sensor_.generation();
    status_.loaded = false;
  }
  wake_.notify_all();
}

DetectionStatus DetectionFeed::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool DetectionFeed::anew(std::uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  return stopping_ || wanted_ != generation;
}

void DetectionFeed::run() {
  std::uint64_t generation = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || wanted_ != generation; });
      if (stopping_) return;
      generation = wanted_;
      status_ = {};
    }
    current_.clear();
    in_force_.clear();
    Result<void> result = load(generation);
    if (result) result = follow(generation);
    // A sensor that went away comes back with a new generation; anything else is worth saying.
    if (!result && result.error().code != ErrorCode::kUnavailable) {
      log_.error("detection.feed", {{"error", result.error().text()}});
      sensor_.restart();  // begin anew, with a new process; it is paced by the supervisor's wait
    }
  }
}

Result<void> DetectionFeed::load(std::uint64_t generation) {
  const journal::Seq last = journal_.last_seq();
  auto snapshot = journal_.snapshot();
  journal::Seq cursor = 0;
  while (cursor < last && !anew(generation)) {
    BONGSU_TRY(const auto entries, snapshot->entries(cursor, kPage));
    if (entries.empty()) break;
    Changes changes;
    for (const auto& entry : entries) BONGSU_TRY_VOID(take(*snapshot, entry, changes));
    BONGSU_TRY_VOID(send(generation, changes));
    cursor = entries.back().seq;
    const std::lock_guard lock(mutex_);
    status_.cursor = cursor;
  }
  if (anew(generation)) return {};
  BONGSU_TRY_VOID(sensor_.loaded(generation));
  const std::lock_guard lock(mutex_);
  status_.loaded = true;
  return {};
}

Result<void> DetectionFeed::follow(std::uint64_t generation) {
  while (!anew(generation)) {
    const journal::Seq cursor = status().cursor;
    if (journal_.wait_beyond(cursor, kPoll) <= cursor) continue;
    auto snapshot = journal_.snapshot();
    BONGSU_TRY(const auto entries, snapshot->entries(cursor, kPage));
    if (entries.empty()) continue;
    Changes changes;
    for (const auto& entry : entries) BONGSU_TRY_VOID(take(*snapshot, entry, changes));
    BONGSU_TRY_VOID(send(generation, changes));
    const std::lock_guard lock(mutex_);
    status_.cursor = entries.back().seq;
  }
  return {};
}

Result<void> DetectionFeed::take(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes) {
  if (!is_indicator(entry)) return {};
  if (entry.kind == journal::EntryKind::kObject) return put(snapshot, entry, changes);
  if (entry.kind != journal::EntryKind::kDeletion && entry.kind != journal::EntryKind::kErasure) return {};
  // What is left of it, in whatever collection, decides, for each member that gave it.
  const auto uuid = uuid_of(entry);
  if (!uuid) return {};
  BONGSU_TRY(const auto versions, snapshot.versions("", entry.object_id));  // oldest first
  std::map<std::string, const journal::Entry*> left;
  for (const auto& version : versions)
    if (!version.erased) left[version.origin] = &version;
  auto& mine = current_[*uuid];
  for (auto at = mine.begin(); at != mine.end();) {
    const auto stands = left.find(at->first);
    if (stands != left.end() && stands->second->seq == at->second) {
      left.erase(stands);
      ++at;
      continue;
    }
    changes.drop(at->second);
    at = mine.erase(at);
  }
  for (const auto& [origin, version] : left) BONGSU_TRY_VOID(put(snapshot, *version, changes));
  return {};
}

Result<void> DetectionFeed::put(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes) {
  const auto uuid = uuid_of(entry);
  if (!uuid || entry.erased) return {};
  auto& mine = current_[*uuid];
  if (const auto at = mine.find(entry.origin); at != mine.end()) {
    if (at->second == entry.seq) return {};
    // An older version that came late changes nothing.
    BONGSU_TRY(const auto standing, snapshot.entry(at->second));
    if (standing.version_key > entry.version_key) return {};
    changes.drop(at->second);
  }
  mine[entry.origin] = entry.seq;
  auto payload = snapshot.payload(entry.seq);
  if (!payload) return {};  // erased meanwhile
  auto object = stix::Object::parse(*payload);
  auto compiled = object ? detect::compile(*object) : Result<detect::Compiled>(std::unexpected(object.error()));
  if (!compiled) {
    const std::lock_guard lock(mutex_);
    ++status_.unsupported[compiled.error().message.substr(0, 120)];
    return {};
  }
  if (compiled->revoked) return {};
  auto& values = changes.add[entry.seq];
  for (auto& value : compiled->values)
    values.push_back({.ref = entry.seq, .value = std::move(value), .valid_from = compiled->valid_from, .valid_until = compiled->valid_until,
                      .confidence = compiled->confidence});
  return {};
}

Result<void> DetectionFeed::send(std::uint64_t generation, Changes& changes) {
  if (!changes.remove.empty()) BONGSU_TRY_VOID(sensor_.remove(generation, changes.remove));
  std::vector<detect::Indicator> frame;
  std::size_t bytes = 0;
  for (auto& [ref, values] : changes.add) {
    for (auto& indicator : values) {
      if (frame.size() >= kIndicatorsPerFrame || bytes >= kFrameBytes) {
        BONGSU_TRY_VOID(sensor_.add(generation, frame));
        frame.clear();
        bytes = 0;
      }
      bytes += kRecordBytes + indicator.value.text.size();
      frame.push_back(std::move(indicator));
    }
  }
  if (!frame.empty()) BONGSU_TRY_VOID(sensor_.add(generation, frame));
  for (const std::uint64_t ref : changes.remove) in_force_.erase(ref);
  for (const auto& [ref, values] : changes.add) in_force_.insert(ref);
  const std::lock_guard lock(mutex_);
  status_.indicators = in_force_.size();
  return {};
}

}  // namespace bongsu::node
