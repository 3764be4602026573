#include "node/detection_feed.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPage = 5'000;
constexpr std::size_t kFrameBytes = 4 * 1024 * 1024;  // of indicators in one frame, about
constexpr std::size_t kRecordBytes = 48;             // of one, without its text, at most
constexpr std::size_t kReasonBytes = 120;
constexpr std::size_t kMaxReasons = 200;  // of the sensor, counted apart
constexpr auto kPoll = 1s;  // how soon stop and a new sensor are noticed while nothing is committed

bool is_indicator(const journal::Entry& entry) { return entry.object_id.starts_with("indicator--"); }

std::optional<Uuid> uuid_of(const journal::Entry& entry) {
  const auto id = stix::Id::parse(entry.object_id);
  if (!id) return std::nullopt;
  return id->uuid;
}

}  // namespace

DetectionFeed::DetectionFeed(journal::Journal& journal, IndicatorSink& sensor, RulesAside& aside, const Clock& clock, Log& log)
    : journal_(journal), sensor_(sensor), aside_(aside), clock_(clock), log_(log) {}
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
  ::prctl(PR_SET_NAME, "bongsu-detect");
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
    givers_.clear();
    in_force_.clear();
    in_force_count_ = 0;
    sensor_gone_ = false;
    {
      const std::lock_guard lock(mutex_);
      rules_.clear();
    }
    Result<void> result = load(generation);
    if (result) result = follow(generation);
    // A sensor that went away comes back with a new generation; anything else is worth saying. That includes a journal
    // that is unavailable, as when an erasure ended the snapshot: nobody else would begin anew.
    if (!result && !sensor_gone_) {
      log_.error("detection.feed", {{"error", result.error().text()}});
      sensor_.restart();  // begin anew, with a new process; it is paced by the supervisor's wait
    }
  }
}

Result<void> DetectionFeed::load(std::uint64_t generation) {
  BONGSU_TRY_VOID(read_indicators(
      journal_, journal_.last_seq(), [&](std::vector<ReadIndicator>&& read, journal::Seq upto) -> Result<bool> {
        if (anew(generation)) return false;
        Changes changes;
        std::unique_ptr<journal::Snapshot> snapshot;  // taken only for the few that come in several versions
        for (auto& one : read) {
          const Given given{one.uuid, giver_number(one.giver)};
          if (!current_.try_emplace(given, one.seq).second) {
            if (!snapshot) snapshot = journal_.snapshot();
            BONGSU_TRY(const bool newest, stands(*snapshot, given, one.seq, one.version_key, changes));
            if (!newest) continue;
          }
          put(std::move(one), changes);
        }
        BONGSU_TRY_VOID(send(generation, changes));
        const std::lock_guard lock(mutex_);
        status_.cursor = upto;
        return true;
      }));
  if (anew(generation)) return {};
  BONGSU_TRY_VOID(of_sensor(sensor_.loaded(generation)));
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
  const auto uuid = uuid_of(entry);
  if (!uuid) return {};
  if (entry.kind == journal::EntryKind::kDeletion || entry.kind == journal::EntryKind::kErasure)
    return take_removal(snapshot, entry, *uuid, changes);
  if (entry.kind != journal::EntryKind::kObject || entry.erased) return {};
  BONGSU_TRY(const bool newest,
             stands(snapshot, {*uuid, giver_number(giver_of(entry))}, entry.seq, entry.version_key, changes));
  if (!newest) return {};
  const auto payload = snapshot.payload(entry.seq);
  if (!payload && payload.error().code == ErrorCode::kNotFound) return {};  // erased
  if (!payload && payload.error().code != ErrorCode::kCorrupt) return std::unexpected(payload.error());
  put(compile_entry(entry, *uuid, payload), changes);
  return {};
}

// What is left of it, in whatever collection, decides, for each member that gave it.
Result<void> DetectionFeed::take_removal(journal::Snapshot& snapshot, const journal::Entry& entry, const Uuid& uuid,
                                         Changes& changes) {
  BONGSU_TRY(const auto versions, snapshot.versions("", entry.object_id));  // oldest first
  std::map<std::string, const journal::Entry*> left;
  for (const auto& version : versions)
    if (!version.erased) left[giver_of(version)] = &version;
  for (std::uint32_t giver = 0; giver < givers_.size(); ++giver) {
    const auto mine = current_.find({uuid, giver});
    if (mine == current_.end()) continue;
    const auto stands = left.find(givers_[giver]);
    if (stands != left.end() && stands->second->seq == mine->second) {
      left.erase(stands);
      continue;
    }
    changes.drop(mine->second);
    current_.erase(mine);
  }
  for (const auto& [_, version] : left) BONGSU_TRY_VOID(take(snapshot, *version, changes));
  return {};
}

// Whether this version is now the one that counts; the one before it goes.
Result<bool> DetectionFeed::stands(journal::Snapshot& snapshot, const Given& given, journal::Seq seq,
                                   std::string_view version_key, Changes& changes) {
  const auto [at, fresh] = current_.try_emplace(given, seq);
  if (fresh) return true;
  if (at->second == seq) return false;
  // An older version that came late changes nothing.
  BONGSU_TRY(const auto standing, snapshot.entry(at->second));
  if (standing.version_key > version_key) return false;
  changes.drop(at->second);
  at->second = seq;
  return true;
}

void DetectionFeed::put(ReadIndicator&& read, Changes& changes) {
  if (!read.unsupported.empty()) {
    const std::lock_guard lock(mutex_);
    ++status_.unsupported[read.unsupported];
  } else if (const auto aside = read.rule ? aside_.find(*read.rule) : std::nullopt) {
    const std::lock_guard lock(mutex_);
    count_unsupported("set aside: " + aside->reason);
  } else if (read.rule) {
    changes.rules.insert_or_assign(read.seq, std::move(*read.rule));
  } else if (!read.values.empty()) {
    changes.add.insert_or_assign(read.seq, std::move(read.values));
  }
}

std::uint32_t DetectionFeed::giver_number(const std::string& giver) {
  const auto at = std::ranges::find(givers_, giver);
  if (at == givers_.end()) {
    givers_.push_back(giver);
    return static_cast<std::uint32_t>(givers_.size() - 1);
  }
  return static_cast<std::uint32_t>(at - givers_.begin());
}

void DetectionFeed::in_force(journal::Seq seq, bool yes) {
  if (in_force_.size() <= seq) {
    if (!yes) return;
    in_force_.resize(std::max<std::size_t>(seq + 1, in_force_.size() * 2));
  }
  if (in_force_[seq] == yes) return;
  in_force_[seq] = yes;
  yes ? ++in_force_count_ : --in_force_count_;
}

Result<void> DetectionFeed::of_sensor(Result<void> done) {
  if (!done && done.error().code == ErrorCode::kUnavailable) sensor_gone_ = true;
  return done;
}

Result<void> DetectionFeed::send(std::uint64_t generation, Changes& changes) {
  if (!changes.remove.empty()) BONGSU_TRY_VOID(of_sensor(sensor_.remove(generation, changes.remove)));
  std::vector<detect::Indicator> frame;
  std::size_t bytes = 0;
  for (auto& [ref, values] : changes.add) {
    for (auto& indicator : values) {
      if (frame.size() >= kIndicatorsPerFrame || bytes >= kFrameBytes) {
        BONGSU_TRY_VOID(of_sensor(sensor_.add(generation, frame)));
        frame.clear();
        bytes = 0;
      }
      bytes += kRecordBytes + indicator.value.text.size();
      frame.push_back(std::move(indicator));
    }
  }
  if (!frame.empty()) BONGSU_TRY_VOID(of_sensor(sensor_.add(generation, frame)));
  for (const std::uint64_t ref : changes.remove) in_force(ref, false);
  for (const auto& [ref, values] : changes.add) in_force(ref, true);
  {
    // Before they are sent: the sensor may refuse one at once.
    const std::lock_guard lock(mutex_);
    for (const std::uint64_t ref : changes.remove) rules_.erase(ref);
    for (const auto& [ref, rule] : changes.rules) rules_.insert(ref);
    status_.rules = rules_.size();
    status_.indicators = in_force_count_ + rules_.size();
  }
  std::vector<detect::Rule> rules;
  bytes = 0;
  for (auto& [ref, rule] : changes.rules) {
    if (rules.size() >= kIndicatorsPerFrame || bytes >= kFrameBytes) {
      BONGSU_TRY_VOID(of_sensor(sensor_.add_rules(generation, rules)));
      rules.clear();
      bytes = 0;
    }
    bytes += kRecordBytes + rule.text.size();
    rules.push_back(std::move(rule));
  }
  if (!rules.empty()) BONGSU_TRY_VOID(of_sensor(sensor_.add_rules(generation, rules)));
  return {};
}

void DetectionFeed::count_unsupported(std::string reason) {
  reason.resize(std::min(reason.size(), kReasonBytes));
  if (status_.unsupported.size() >= kMaxReasons && !status_.unsupported.contains(reason)) reason = "other reasons";
  ++status_.unsupported[std::move(reason)];
}

Result<void> DetectionFeed::set_aside(journal::Seq ref, const std::string& reason) {
  const auto snapshot = journal_.snapshot();
  BONGSU_TRY(const auto entry, snapshot->entry(ref));
  const auto uuid = is_indicator(entry) ? uuid_of(entry) : std::nullopt;
  if (!uuid) return fail(ErrorCode::kNotFound, fmt::format("entry {} is no indicator", ref));
  const ReadIndicator read = compile_entry(entry, *uuid, snapshot->payload(ref));
  if (!read.rule) return fail(ErrorCode::kNotFound, fmt::format("entry {} is no rule", ref));
  log_.error("detection.rule_aside", {{"entry", std::to_string(ref)}, {"indicator", entry.object_id}, {"giver", read.giver}, {"reason", reason}});
  return aside_.add({.digest = RulesAside::digest(*read.rule), .language = std::string(to_string(read.rule->language)), .indicator = entry.object_id,
                     .giver = read.giver, .reason = reason, .since = clock_.now()});
}

void DetectionFeed::refused(std::uint64_t generation, const RefusedMessage& message) {
  for (const RefusedRule& rule : message.rules) {
    if (!rule.aside) continue;
    if (const auto done = set_aside(rule.ref, rule.reason); !done) log_.warn("detection.rule_aside", {{"error", done.error().text()}});
  }
  const std::lock_guard lock(mutex_);
  if (wanted_ != generation) return;
  for (const RefusedRule& rule : message.rules) {
    if (rules_.erase(rule.ref) == 0) continue;  // withdrawn meanwhile
    count_unsupported(rule.aside ? "set aside: " + rule.reason : rule.reason);
    log_.warn("detection.rule_refused", {{"entry", std::to_string(rule.ref)}, {"reason", rule.reason}});
  }
  status_.indicators -= std::min<std::uint64_t>(status_.indicators, status_.rules - rules_.size());
  status_.rules = rules_.size();
}

}  // namespace bongsu::node
