#include "node/sensor/sensor_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <thread>

#include "detect/engine.h"
#include "detect/rule_trial.h"
#include "net/frame_channel.h"
#include "node/sensor/archive.h"
#include "node/sensor/protocol.h"
#include "node/sensor/sandbox.h"
#include "node/sensor/watcher.h"
#include "node/sensor/work_memory.h"
#include "telemetry/field_map_document.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartDeadline = 30s;
constexpr auto kWriteDeadline = 60s;      // the keeper is slow when its disk is: that is back-pressure, up to here
constexpr auto kForever = 24h;
constexpr std::chrono::milliseconds kStatsEvery = 1s;
constexpr std::chrono::milliseconds kLongestWait = 250ms;
constexpr std::size_t kMessageBytes = 4 * 1024 * 1024;  // one message of alerts, about

class Sensor {
 public:
  Sensor(int fd, std::unique_ptr<WorkMemory> work) : channel_(fd), engine_(clock_), work_(std::move(work)) {}

  int run() {
    auto first = channel_.read(kStartDeadline);
    if (!first || static_cast<Down>(first->type) != Down::kStart) return 2;
    auto start = StartMessage::parse(first->payload);
    if (!start) return say_and_end(start.error());
    std::vector<std::string> readable;
    for (const auto& source : start->sources) {
      // A file is followed across rotation: its directory is what has to be readable.
      std::error_code ec;
      readable.push_back(std::filesystem::is_directory(source.path, ec) ? source.path : std::filesystem::path(source.path).parent_path().string());
    }
    readable.insert(readable.end(), start->warning_lists.begin(), start->warning_lists.end());
    readable.insert(readable.end(), start->maps.begin(), start->maps.end());
    if (auto locked = enter_sandbox({.readable = std::move(readable), .writable = start->archive.directory, .user = start->user, .confine = start->sandbox}); !locked)
      return say_and_end(locked.error());
    held_ = start->held;
    suspects_ = start->suspects;
    if (work_) {
      work_->watch_crashes();
      engine_.watch(&work_->slot(WorkThread::kMatching), suspects_);
      engine_.rules().note_in(&work_->slot(WorkThread::kBuilding));
    }
    load_warning_lists(start->warning_lists);
    load_maps(start->maps);
    if (!start->archive.directory.empty()) open_archive(start->archive);
    if (!send(Up::kReady, to_text(JsonObject{{"sandboxed", start->sandbox}}))) return 2;
    std::thread matching([this, &start] { match(*start); });
    std::thread building([this] { build_rules(); });
    const int code = take_frames();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    if (archive_) archive_->stop();
    wake_.notify_all();
    matching.join();
    building.join();
    return code;
  }

 private:
  int say_and_end(const Error& error) {
    (void)send(Up::kProblem, error.text());
    return 2;
  }

  bool send(Up type, std::string_view payload) {
    const std::lock_guard lock(write_mutex_);
    return channel_.write(static_cast<std::uint8_t>(type), payload, kWriteDeadline).has_value();
  }

  void load_warning_lists(const std::vector<std::string>& paths) {
    auto lists = std::make_shared<detect::WarningLists>();
    for (const auto& path : paths)
      if (auto loaded = lists->load(path); !loaded) (void)send(Up::kProblem, loaded.error().text());
    lists->finish();
    for (const auto& trouble : lists->troubles().first()) (void)send(Up::kProblem, trouble.text());
    engine_.set_warning_lists(lists);
    warning_lists_ = std::move(lists);
  }

  // A bad one costs itself: the others are used, and it is said.
  void load_maps(const std::vector<std::string>& paths) {
    std::vector<std::string> good;
    for (const auto& path : paths) {
      good.push_back(path);
      if (auto map = telemetry::read_maps(good)) {
        map_ = std::move(*map);
      } else {
        (void)send(Up::kProblem, map.error().text());
        good.pop_back();
      }
    }
    engine_.set_field_map(map_);
  }

  // One that cannot be used costs looking back; looking for indicators live goes on.
  void open_archive(const ArchiveOptions& options) {
    archive_ = std::make_unique<Archive>(
        options, warning_lists_, map_,
        Archive::Hooks{.alerts = [this](std::vector<detect::Alert>&& alerts) -> std::optional<std::uint64_t> {
                         std::map<std::string, std::string> none;
                         if (!tell(alerts, none, true)) return std::nullopt;
                         return messages_.load();
                       },
                       .problem = [this](const std::string& text) { (void)send(Up::kProblem, text); },
                       .watch =
                           [this](detect::Engine& engine) {
                             if (!work_) return;
                             work_->enter(WorkThread::kLookingBack);
                             engine.watch(&work_->slot(WorkThread::kLookingBack), suspects_);
                           },
                       .too_slow = [this](const std::vector<detect::RuleBuild::Refused>& rules) { (void)drop_too_slow(rules); }},
        clock_);
    if (auto opened = archive_->open(); !opened) {
      (void)send(Up::kProblem, "telemetry is not kept: " + opened.error().text());
      archive_.reset();
    }
  }

  // The reading thread: indicators go into the engine as they come.
  int take_frames() {
    for (;;) {
      auto frame = channel_.read(kForever);
      if (!frame) return frame.error().code == ErrorCode::kUnavailable ? 0 : 2;
      switch (static_cast<Down>(frame->type)) {
        case Down::kAdd: {
          const auto indicators = unpack_indicators(frame->payload);
          if (!indicators) return say_and_end(indicators.error());
          if (auto added = engine_.add(*indicators); !added && !send(Up::kProblem, added.error().text())) return 2;
          if (archive_) archive_->admitted(*indicators);  // after they are in force: what is read from now on is matched live
          if (!applied(indicators->size())) return 2;
          break;
        }
        case Down::kAddRules: {
          auto rules = unpack_rules(frame->payload);
          if (!rules) return say_and_end(rules.error());
          const std::uint64_t changes = rules->size();
          if (!refuse_held(*rules)) return 2;
          if (auto added = engine_.rules().add(*rules); !added && !send(Up::kProblem, added.error().text())) return 2;
          if (archive_) archive_->admitted(*rules);  // between the two: the build that follows ends the wait
          rules_changed(changes);
          break;
        }
        case Down::kRemove: {
          const auto refs = unpack_refs(frame->payload);
          if (!refs) return say_and_end(refs.error());
          for (const std::uint64_t ref : *refs) engine_.remove(ref);
          if (archive_) archive_->withdrawn(*refs);
          // A rule that was withdrawn is gone when the others are built without it.
          if (engine_.rules().changed()) rules_changed(refs->size());
          else if (!applied(refs->size())) return 2;
          break;
        }
        case Down::kLoaded: {
          if (archive_) archive_->loaded();
          const std::lock_guard lock(mutex_);
          load_complete_ = true;
          wake_.notify_all();
          break;
        }
        case Down::kDurable: {
          std::uint64_t messages = 0;
          if (frame->payload.size() != sizeof messages) return 2;
          std::memcpy(&messages, frame->payload.data(), sizeof messages);
          if (archive_) archive_->durable(messages);
          continue;  // no change of indicators
        }
        default: return say_and_end({.code = ErrorCode::kInvalid, .message = fmt::format("the keeper sent a frame of unknown type {}", frame->type)});
      }
    }
  }

  bool applied(std::uint64_t changes) {
    const std::lock_guard lock(applied_mutex_);  // the count only grows, also as the keeper sees it
    const std::uint64_t total = indicators_ += changes;
    std::string bytes(sizeof total, '\0');
    std::memcpy(bytes.data(), &total, sizeof total);
    return send(Up::kApplied, bytes);
  }

  void rules_changed(std::uint64_t changes) {
    const std::lock_guard lock(mutex_);
    rule_changes_ += changes;
    wake_.notify_all();
  }

  // Takes those out whose language is held.
  bool refuse_held(std::vector<detect::Rule>& rules) {
    detect::RuleBuild done;
    std::erase_if(rules, [&](const detect::Rule& rule) {
      if (std::ranges::find(held_, rule.language) == held_.end()) return false;
      done.refused.push_back({rule.ref, {ErrorCode::kUnavailable, fmt::format("{} rules are held, for they ended the sensor", to_string(rule.language)), {}}});
      return true;
    });
    return tell_refused(done.refused, false);
  }

  // Those that are suspected of ending this process when they are built, part by part. What they do, they do before anything is matched.
  void try_builds() {
    for (const auto& suspect : suspects_)
      if (!suspect.event) detect::RuleTrial(engine_.rules().rules(suspect.language, suspect.refs), engine_.rules().sets()->map, &work_->slot(WorkThread::kBuilding)).build();
  }

  // The building thread: rules that changed are built into new sets, while matching goes on with those before.
  void build_rules() {
    if (work_) work_->enter(WorkThread::kBuilding);
    for (bool first = true;; first = false) {
      std::uint64_t changes = 0;
      bool complete = false;
      {
        std::unique_lock lock(mutex_);
        // The first time when everything that stands was sent: it is built once, and rules find what they refer to.
        wake_.wait(lock, [&] { return stopping_ || (load_complete_ && (rule_changes_ > 0 || rebuild_ || !loaded_)); });
        if (stopping_) return;
        changes = std::exchange(rule_changes_, 0);
        rebuild_ = false;
        complete = load_complete_;
      }
      if (first && work_) try_builds();
      if (engine_.rules().changed() && !tell_refused(engine_.rules().build().refused, false)) return;
      if (archive_ && !engine_.rules().changed()) archive_->rules_in_force();
      if (changes > 0 && !applied(changes)) return;
      if (!complete) continue;
      const std::lock_guard lock(mutex_);
      if (rule_changes_ > 0) continue;
      loaded_ = true;
      wake_.notify_all();
    }
  }

  bool tell_refused(const std::vector<detect::RuleBuild::Refused>& rules, bool aside) {
    RefusedMessage message;
    for (const auto& refused : rules) {
      message.rules.push_back({.ref = refused.ref, .reason = refused.error.text(), .aside = aside});
      if (message.rules.size() < kRefusedPerMessage) continue;
      if (!send(Up::kRefused, message.text())) return false;
      message.rules.clear();
    }
    return message.rules.empty() || send(Up::kRefused, message.text());
  }

  // Rules that alone ran into their limit, again and again: they go, and the others are built without them.
  bool drop_too_slow(const std::vector<detect::RuleBuild::Refused>& slow) {
    if (slow.empty()) return true;
    std::vector<std::uint64_t> refs;
    for (const auto& rule : slow) refs.push_back(rule.ref);
    engine_.rules().remove(refs);
    {
      const std::lock_guard lock(mutex_);
      rebuild_ = true;
      wake_.notify_all();
    }
    return tell_refused(slow, true);
  }

  void match(const StartMessage& start) {
    if (work_) work_->enter(WorkThread::kMatching);
    telemetry::BadLines bad;
    detect::Engine::Session session(engine_, bad);
    // Following goes on where storing ended, which is never behind what the keeper knows.
    const std::vector<PositionUpdate> resumed = archive_ ? archive_->resume(start.positions) : start.positions;
    Watcher watcher(start.sources, resumed, bad);
    std::map<std::string, std::string> positions;  // read up to, not told yet
    SensorStats stats;
    const std::chrono::milliseconds tell_every = archive_ ? std::chrono::milliseconds(start.archive.commit_every_ms) : kStatsEvery;
    auto told = std::chrono::steady_clock::now() - tell_every;
    bool going = true, replayed = false;
    std::vector<detect::Alert> alerts;
    // A large file, or what is matched again after a crash, may take long: the keeper hears that we live.
    auto heard = std::chrono::steady_clock::now();
    const auto alive = [&] {
      const auto now = std::chrono::steady_clock::now();
      if (!going || now - heard < kStatsEvery) return;
      heard = now;
      stats.events = session.events();
      going = send(Up::kStats, stats.text());
    };
    const auto take = [&](const telemetry::LineBatch& batch, const PositionUpdate& after) {
      alerts.clear();
      session.match(batch, alerts);
      stats.bytes += batch.data.size();
      stats.alerts += alerts.size();
      if (archive_) archive_->store(batch, after);
      if (!drop_too_slow(engine_.take_too_slow())) going = false;
      if (!after.position.empty()) positions.insert_or_assign(after.file, after.position);
      // With alerts at once: they and the position behind them are one commit at the keeper. With an archive, positions
      // wait until what is before them is stored, once a second: alerts do not.
      std::map<std::string, std::string> none;
      if (!alerts.empty()) going = tell(alerts, archive_ ? none : positions);
      alive();
      return going && !stopping_;
    };
    while (going && !stopping_) {
      bool any = false;
      {
        // Nothing is read before the first indicators are in: what passed would not be looked at again.
        std::unique_lock lock(mutex_);
        if (!loaded_) wake_.wait_for(lock, kLongestWait, [&] { return loaded_ || stopping_; });
      }
      if (loaded_ && archive_ && !replayed) {
        replayed = true;
        archive_->replay(start.positions, [&](const telemetry::LineBatch& batch) {
          alerts.clear();
          session.match(batch, alerts);
          if (going && !alerts.empty()) {
            std::map<std::string, std::string> none;
            going = tell(alerts, none);
          }
          alive();
        });
        // What was stored before a crash, and not told: else the keeper hears of it with the file's next line.
        for (const auto& [file, position] : resumed)
          if (std::ranges::none_of(start.positions, [&](const auto& known) { return known.file == file && known.position == position; }))
            positions.try_emplace(file, position);
      }
      if (loaded_ && going) any = watcher.poll(take);
      for (const auto& text : watcher.take_problems()) (void)send(Up::kProblem, text);
      if (const auto now = std::chrono::steady_clock::now(); now - told >= tell_every) {
        told = now;
        stats.events = session.events();
        stats.bad_lines = bad.count();
        stats.indicators = indicators_;
        stats.files = watcher.files();
        if (archive_) {
          archive_->commit();
          stats.archive = archive_->stats();
        }
        const auto remarks = engine_.remarks();  // their counts grow: each is said once
        for (; remarks_told_ < remarks.size(); ++remarks_told_) (void)send(Up::kProblem, remarks[remarks_told_]);
        if (!positions.empty()) going = going && tell({}, positions);
        if (archive_ && replayed && going) archive_->told(messages_);
        going = going && send(Up::kStats, stats.text());
      }
      if (!any && loaded_) watcher.wait(std::min(kLongestWait, tell_every));
    }
    if (archive_) archive_->commit();
    if (going && !positions.empty()) (void)tell({}, positions);
    channel_.shutdown();
  }

  // In messages of bounded size; the positions go with the last one.
  bool tell(std::span<detect::Alert> alerts, std::map<std::string, std::string>& positions, bool hunted = false) {
    AlertsMessage message{.hunted = hunted};
    std::size_t bytes = 0;
    for (auto& alert : alerts) {
      // What is sent counts, not what was read: JSON writes a control byte in six.
      const std::size_t size = to_text(alert.json()).size();
      if (message.alerts.size() >= kMaxAlertsPerMessage || bytes + size > kMessageBytes) {
        if (!send_alerts(message)) return false;
        message.alerts.clear();
        bytes = 0;
      }
      bytes += size;
      message.alerts.push_back(std::move(alert));
    }
    for (const auto& [file, position] : positions) message.positions.push_back({.file = file, .position = position});
    positions.clear();
    return send_alerts(message);
  }

  // Counted in the order in which they go out: the keeper says how many of them have become durable.
  bool send_alerts(const AlertsMessage& message) {
    const std::string text = message.text();
    const std::lock_guard lock(write_mutex_);
    ++messages_;
    return channel_.write(static_cast<std::uint8_t>(Up::kAlerts), text, kWriteDeadline).has_value();
  }

  net::FrameChannel channel_;
  std::mutex write_mutex_;
  SystemClock clock_;
  detect::Engine engine_;
  std::shared_ptr<const detect::WarningLists> warning_lists_;
  std::unique_ptr<WorkMemory> work_;
  detect::Suspects suspects_;
  std::vector<detect::Language> held_;
  telemetry::FieldMapPtr map_ = telemetry::FieldMap::standard();
  std::atomic<std::uint64_t> messages_ = 0;  // of alerts, sent
  std::unique_ptr<Archive> archive_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::mutex applied_mutex_;
  std::uint64_t rule_changes_ = 0;  // not built yet; under mutex_
  bool rebuild_ = false;            // likewise: rules were dropped here
  bool load_complete_ = false;      // likewise: everything that stands was sent
  std::atomic<bool> loaded_ = false, stopping_ = false;
  std::atomic<std::uint64_t> indicators_ = 0;
  std::size_t remarks_told_ = 0;  // of the matching thread
};

}  // namespace

int run_sensor_process(int fd, int work_fd) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C reaches the whole group; the keeper ends us in order
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "bongsu-sensor");
  std::unique_ptr<WorkMemory> work;
  if (work_fd >= 0) {
    auto opened = WorkMemory::open(work_fd);
    if (!opened) return 2;
    work = std::move(*opened);
  }
  return Sensor(fd, std::move(work)).run();
}

}  // namespace bongsu::node
