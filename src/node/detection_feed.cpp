#include "node/detection_feed.h"

#include <fmt/format.h>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPage = 5'000;
constexpr auto kPoll = 1s;  // how soon stop and a new sensor are noticed while nothing is committed

bool is_indicator(const journal::Entry& entry) { return entry.object_id.starts_with("indicator--"); }

std::optional<Uuid> uuid_of(const journal::Entry& entry) {
  const auto id = stix::Id::parse(entry.object_id);
  if (!id) return std::nullopt;
  return id->uuid;
}

}  // namespace

DetectionFeed::DetectionFeed(journal::Journal& journal, SensorSupervisor& sensor, Log& log) : journal_(journal), sensor_(sensor), log_(log) {}
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
    Result<void> result = load(generation);
    if (result) result = follow(generation);
    // A sensor that went away comes back with a new generation; anything else is worth saying.
    if (!result && result.error().code != ErrorCode::kUnavailable) log_.error("detection.feed", {{"error", result.error().text()}});
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
    BONGSU_TRY_VOID(send(changes));
    cursor = entries.back().seq;
    const std::lock_guard lock(mutex_);
    status_.cursor = cursor;
  }
  BONGSU_TRY_VOID(sensor_.loaded());
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
    BONGSU_TRY_VOID(send(changes));
    const std::lock_guard lock(mutex_);
    status_.cursor = entries.back().seq;
  }
  return {};
}

Result<void> DetectionFeed::take(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes) {
  if (!is_indicator(entry)) return {};
  if (entry.kind == journal::EntryKind::kObject) return put(snapshot, entry, changes);
  if (entry.kind != journal::EntryKind::kDeletion && entry.kind != journal::EntryKind::kErasure) return {};
  // What is left of it, in whatever collection, decides.
  const auto uuid = uuid_of(entry);
  if (!uuid) return {};
  if (const auto at = current_.find(*uuid); at != current_.end()) {
    changes.remove.push_back(at->second);
    current_.erase(at);
  }
  BONGSU_TRY(const auto versions, snapshot.versions("", entry.object_id));
  if (!versions.empty() && !versions.back().erased) return put(snapshot, versions.back(), changes);
  return {};
}

Result<void> DetectionFeed::put(journal::Snapshot& snapshot, const journal::Entry& entry, Changes& changes) {
  const auto uuid = uuid_of(entry);
  if (!uuid || entry.erased) return {};
  if (const auto at = current_.find(*uuid); at != current_.end()) {
    // An older version that came late changes nothing.
    BONGSU_TRY(const auto standing, snapshot.entry(at->second));
    if (standing.version_key > entry.version_key) return {};
    changes.remove.push_back(at->second);
    current_.erase(at);
  }
  auto payload = snapshot.payload(entry.seq);
  if (!payload) return {};  // erased meanwhile
  auto object = stix::Object::parse(*payload);
  if (!object) return std::unexpected(object.error());  // it was admitted: the store is damaged
  auto compiled = detect::compile(*object);
  if (!compiled) {
    const std::lock_guard lock(mutex_);
    ++status_.unsupported[compiled.error().message.substr(0, 120)];
    return {};
  }
  if (compiled->revoked) return {};
  for (auto& value : compiled->values)
    changes.add.push_back({.ref = entry.seq, .value = std::move(value), .valid_from = compiled->valid_from, .valid_until = compiled->valid_until,
                           .confidence = compiled->confidence});
  current_.emplace(*uuid, entry.seq);
  return {};
}

Result<void> DetectionFeed::send(Changes& changes) {
  if (!changes.remove.empty()) {
    // Within one batch an indicator may have been added and replaced: only what stands at the end goes down.
    std::unordered_map<std::uint64_t, bool> gone;
    for (const std::uint64_t ref : changes.remove) gone.emplace(ref, true);
    std::erase_if(changes.add, [&](const detect::Indicator& indicator) { return gone.contains(indicator.ref); });
    BONGSU_TRY_VOID(sensor_.remove(changes.remove));
  }
  for (std::size_t at = 0; at < changes.add.size(); at += kIndicatorsPerFrame) {
    const auto end = std::min(changes.add.size(), at + kIndicatorsPerFrame);
    BONGSU_TRY_VOID(sensor_.add({changes.add.begin() + static_cast<std::ptrdiff_t>(at), changes.add.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  const std::lock_guard lock(mutex_);
  status_.indicators = current_.size();
  return {};
}

}  // namespace bongsu::node
