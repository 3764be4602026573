#include "node/alert_desk.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

namespace bongsu::node {
namespace {

constexpr std::string_view kPositions = "telemetry";      // state: file → position
constexpr double kFreshSeconds = 3600;                    // matches of older indicators say nothing about delay

}  // namespace

StartMessage AlertDesk::configure(const std::vector<std::string>& watch) const {
  StartMessage message;
  for (const auto& source : core_.config.telemetry) message.sources.push_back({.path = source.path, .from_start = source.from_start});
  for (const auto& path : watch) message.sources.push_back({.path = path, .from_start = true});
  // Positions of files that are gone are forgotten.
  journal::Batch forgotten;
  if (const auto stored = core_.journal->states(kPositions)) {
    for (const auto& [file, position] : *stored) {
      std::error_code ec;
      if (message.positions.size() < kMaxSources && std::filesystem::exists(file, ec)) message.positions.push_back({.file = file, .position = position});
      else forgotten.states.push_back({.space = std::string(kPositions), .key = file, .value = std::nullopt});
    }
  }
  if (!forgotten.states.empty())
    if (const auto done = core_.journal->append(forgotten); !done) core_.log.warn("telemetry.positions", {{"error", done.error().text()}});
  message.warning_lists = core_.config.warning_lists;
  message.maps = core_.config.maps;
  if (core_.config.hunt_enabled) {
    const auto made = core_.directory.make_telemetry_dir(core_.config.sensor_user);
    if (!made) core_.log.error("telemetry.archive", {{"error", made.error().text()}});
    if (made)
      message.archive = {.directory = made->string(), .keep_for_s = static_cast<std::uint64_t>(core_.config.hunt_keep_for.count() / 1000),
                         .keep_bytes = core_.config.hunt_keep_bytes, .share_percent = static_cast<int>(core_.config.hunt_share)};
  }
  message.user = core_.config.sensor_user;
  message.sandbox = core_.config.sandbox;
  return message;
}

Result<void> AlertDesk::take(AlertsMessage&& message) {
  std::vector<journal::StateChange> states;
  for (auto& update : message.positions) states.push_back({.space = std::string(kPositions), .key = std::move(update.file), .value = std::move(update.position)});

  // The sensor knows an indicator by the number of its entry; everything else about it is added here.
  auto snapshot = core_.journal->snapshot();
  std::map<journal::Seq, journal::Entry> entries;
  std::vector<detect::Alert> alerts;
  for (auto& alert : message.alerts) {
    auto at = entries.find(alert.indicator_ref);
    if (at == entries.end()) {
      auto entry = snapshot->entry(alert.indicator_ref);
      if (!entry || entry->kind != journal::EntryKind::kObject) continue;  // erased or withdrawn while the match was on its way
      at = entries.emplace(alert.indicator_ref, std::move(*entry)).first;
    }
    alert.indicator_id = at->second.object_id;
    alert.source = at->second.origin;
    alert.label = at->second.label;
    alert.detected = core_.clock.now();
    // As old as its newest version; observables and lists without versions as what came in here.
    alert.indicator_time = Instant::parse(at->second.version).value_or(Instant::from_micros(at->second.added_us));
    alert.assign_id();
    alerts.push_back(std::move(alert));
  }
  BONGSU_TRY(const auto raised, core_.alerts->raise(alerts, std::move(states)));
  if (message.hunted) return {};
  const std::int64_t now = core_.clock.now().micros();
  for (const auto& record : raised) {
    const auto at = entries.find(record.alert.indicator_ref);
    if (at == entries.end()) continue;
    const double seconds = static_cast<double>(now - at->second.added_us) / 1e6;
    if (seconds > kFreshSeconds) continue;
    delays_.add_matched(seconds);
    metrics_.matched(seconds);
  }
  return {};
}

void AlertDesk::note(const SensorStats& stats) {
  // A smaller count than before is a new process.
  const std::uint64_t last = newest_.exchange(stats.events);
  if (stats.events < last) before_ += last;
}

}  // namespace bongsu::node
