#include "node/sensor/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>

extern char** environ;

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr int kSensorFd = 3, kWorkFd = 4;
constexpr auto kWriteDeadline = 30s;
constexpr std::size_t kMaxBytesTogether = 4 * 1024 * 1024;  // of messages behind the first that become one commit with it

// Starts the program with nothing but standard error, its end of the pair as descriptor 3 and the memory that is shared as descriptor 4.
Result<pid_t> spawn(const std::string& program, int fd, int work_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  // Each may lie where the other is to go: both go where neither is, first.
  const int above = std::max({fd, work_fd, kWorkFd}) + 1;
  posix_spawn_file_actions_adddup2(&actions, fd, above);
  posix_spawn_file_actions_adddup2(&actions, work_fd, above + 1);
  posix_spawn_file_actions_adddup2(&actions, above, kSensorFd);
  posix_spawn_file_actions_adddup2(&actions, above + 1, kWorkFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkFd + 1);
  const std::string fd_text = std::to_string(kSensorFd), work_text = std::to_string(kWorkFd);
  const char* const arguments[] = {"bongsu", "sensor", "--fd", fd_text.c_str(), "--work", work_text.c_str(), nullptr};
  const char* const no_environment[] = {"LC_ALL=C.UTF-8", nullptr};  // the keeper's own may hold secrets
  pid_t child = 0;
  const int error = posix_spawn(&child, program.c_str(), &actions, nullptr, const_cast<char* const*>(arguments),
                                const_cast<char* const*>(no_environment));
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(ErrorCode::kIo, fmt::format("the sensor cannot be started: {}", std::strerror(error)), {.source = program});
  return child;
}

// Alerts that wait behind these are taken with them, so that a stream of small messages becomes few commits. The frame that cannot be taken
// with them (another type, broken, beyond what one commit should hold) is given back in `behind`; an error of the channel comes again with
// the next read.
// `messages` counts those that were taken.
Result<AlertsMessage> gather(net::FrameChannel& channel, const net::Frame& first, std::optional<net::Frame>& behind, std::uint64_t& messages) {
  BONGSU_TRY(AlertsMessage message, AlertsMessage::parse(first.payload));
  std::map<std::string, std::string> positions;
  const auto keep_newest = [&](std::vector<PositionUpdate>& updates) {
    for (auto& update : updates) positions.insert_or_assign(std::move(update.file), std::move(update.position));
    updates.clear();
  };
  keep_newest(message.positions);
  ++messages;
  std::size_t bytes = first.payload.size();
  while (message.alerts.size() < kMaxAlertsPerMessage && bytes < kMaxBytesTogether && positions.size() < kMaxSources) {
    auto frame = channel.read(0ms);
    if (!frame) break;
    bytes += frame->payload.size();
    auto more = static_cast<Up>(frame->type) == Up::kAlerts && bytes <= kMaxBytesTogether
                    ? AlertsMessage::parse(frame->payload)
                    : Result<AlertsMessage>(fail(ErrorCode::kInvalid, "not to be taken together"));
    if (!more || more->hunted != message.hunted) {
      behind = std::move(*frame);  // on its own it is taken, or fails, as it would have been
      break;
    }
    ++messages;
    std::ranges::move(more->alerts, std::back_inserter(message.alerts));
    keep_newest(more->positions);
  }
  for (auto& [file, position] : positions) message.positions.push_back({.file = file, .position = std::move(position)});
  return message;
}

std::string end_of(int status) {
  if (WIFEXITED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  return "unknown";
}

}  // namespace

SensorSupervisor::SensorSupervisor(std::string program, SensorCallbacks callbacks, Log& log, const SupervisorTimes& times)
    : program_(std::move(program)), callbacks_(std::move(callbacks)), times_(times), log_(log) {}

SensorSupervisor::~SensorSupervisor() { stop(); }

void SensorSupervisor::start() { thread_ = std::thread([this] { run(); }); }

void SensorSupervisor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (channel_) channel_->shutdown();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SensorSupervisor::run() {
  auto wait = times_.first_wait;
  for (;;) {
    const auto began = std::chrono::steady_clock::now();
    auto pair = net::FrameChannel::socket_pair();
    auto memory = WorkMemory::make();
    Result<pid_t> child = !pair     ? Result<pid_t>(std::unexpected(pair.error()))
                          : !memory ? Result<pid_t>(std::unexpected(memory.error()))
                                    : spawn(program_, pair->second, (*memory)->fd());
    if (pair) ::close(pair->second);
    if (!child) {
      if (pair) ::close(pair->first);
      problem(child.error().text());
    } else {
      {
        const std::lock_guard lock(mutex_);
        channel_ = std::make_shared<net::FrameChannel>(pair->first);
        ready_ = false;
        if (stopping_) channel_->shutdown();
      }
      serve(*child, **memory);
    }
    std::unique_lock lock(mutex_);
    status_.running = false;
    if (!stopping_) {
      ++status_.restarts;
      if (std::chrono::steady_clock::now() - began > times_.longest_wait) wait = times_.first_wait;
      wake_.wait_for(lock, wait, [&] { return stopping_; });
      wait = std::min<std::chrono::milliseconds>(wait * 2, times_.longest_wait);
    }
    if (stopping_) return;
  }
}

void SensorSupervisor::serve(pid_t child, WorkMemory& memory) {
  std::shared_ptr<net::FrameChannel> channel;
  {
    const std::lock_guard lock(mutex_);
    channel = channel_;
  }
  StartMessage start = callbacks_.configure();
  start.suspects = crashes_.suspects();
  start.held = crashes_.held();
  Result<void> going = send(Down::kStart, to_text(start.json()), 0);
  std::optional<detect::Work> stuck;
  std::optional<net::Frame> behind;
  // From a thread of its own: this one must go on reading while the sensor is busy writing.
  {
    const std::lock_guard lock(mutex_);
    durable_ = told_ = 0;
    acknowledging_ = true;
  }
  std::thread acknowledging([this, &channel] { acknowledge_all(*channel); });
  while (going) {
    auto frame = behind ? Result<net::Frame>(std::move(*behind)) : channel->read(times_.silence);
    behind.reset();
    if ((stuck = memory.stuck_at(std::chrono::steady_clock::now(), times_.longest_step))) {
      going = fail(ErrorCode::kTimeout, fmt::format("{} rules came to no end within {} s", to_string(stuck->language), std::chrono::duration_cast<std::chrono::seconds>(times_.longest_step).count()));
      break;
    }
    if (!frame && frame.error().code == ErrorCode::kTimeout && memory.moved()) continue;  // rules that are tried apart take their time
    if (!frame) {
      going = std::unexpected(frame.error());
      break;
    }
    switch (static_cast<Up>(frame->type)) {
      case Up::kReady: {
        const auto json = parse_json(frame->payload);
        {
          const std::lock_guard lock(mutex_);
          status_.running = true;
          status_.sandboxed = json && bool_at(*json, "sandboxed").value_or(false);
          status_.applied = 0;
          ++generation_;
          ready_ = true;
        }
        log_.info("sensor.ready", {{"sandboxed", status_.sandboxed ? "true" : "false"}});
        if (callbacks_.started) callbacks_.started();
        break;
      }
      case Up::kAlerts: {
        std::uint64_t taken = 0;
        auto message = gather(*channel, *frame, behind, taken);
        going = message ? callbacks_.alerts(std::move(*message)) : Result<void>(std::unexpected(message.error()));
        if (going) acknowledge(taken);
        break;
      }
      case Up::kStats: {
        auto stats = SensorStats::parse(frame->payload);
        if (!stats) {
          going = std::unexpected(stats.error());
          break;
        }
        {
          const std::lock_guard lock(mutex_);
          status_.stats = *stats;
        }
        if (callbacks_.stats) callbacks_.stats(*stats);
        break;
      }
      case Up::kProblem: problem(frame->payload.substr(0, 2000)); break;
      case Up::kRefused: {
        const auto refused = RefusedMessage::parse(frame->payload);
        if (!refused) going = std::unexpected(refused.error());
        else if (callbacks_.refused) callbacks_.refused(generation_, *refused);
        break;
      }
      case Up::kApplied: {
        std::uint64_t applied = 0;
        if (frame->payload.size() == sizeof applied) std::memcpy(&applied, frame->payload.data(), sizeof applied);
        const std::lock_guard lock(mutex_);
        status_.applied = applied;
        break;
      }
      default: going = fail(ErrorCode::kInvalid, fmt::format("the sensor sent a frame of unknown type {}", frame->type));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    acknowledging_ = false;
    channel_->shutdown();
    channel_.reset();
  }
  wake_.notify_all();
  acknowledging.join();
  // The sensor ends when its socket does; one that hangs is killed.
  int status = 0;
  const bool hung = stuck || (!going && going.error().code == ErrorCode::kTimeout);
  for (int i = 0; i < 100; ++i) {
    if (::waitpid(child, &status, WNOHANG) == child) break;
    if (i == 99 || stuck) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      break;
    }
    std::this_thread::sleep_for(20ms);
  }
  const bool stopping = [&] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }();
  if (stopping) return;
  problem(fmt::format("the sensor ended ({}): {}", end_of(status), going ? "" : going.error().text()));
  // What ended it from outside (SIGKILL) says nothing of rules, unless it was this hand because nothing more was heard of it.
  if (hung) judge({.how = "no answer", .work = stuck ? stuck : memory.busy()});
  else if (WIFSIGNALED(status)) judge({.how = end_of(status), .work = memory.crashed_at()});
}

void SensorSupervisor::judge(const CrashWatch::End& end) {
  const auto guilty = crashes_.ended(end, std::chrono::steady_clock::now());
  if (!crashes_.said().empty()) problem(crashes_.said());
  if (!guilty) return;
  problem(fmt::format("the {} rule of entry {} is set aside: {}", to_string(guilty->language), guilty->ref, guilty->reason));
  if (callbacks_.guilty) callbacks_.guilty(*guilty);
}

void SensorSupervisor::acknowledge(std::uint64_t messages) {
  const std::lock_guard lock(mutex_);
  durable_ += messages;
  wake_.notify_all();
}

void SensorSupervisor::acknowledge_all(net::FrameChannel& channel) {
  for (;;) {
    std::uint64_t durable;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !acknowledging_ || durable_ != told_; });
      if (!acknowledging_) return;
      durable = told_ = durable_;
    }
    std::string bytes(sizeof durable, '\0');
    std::memcpy(bytes.data(), &durable, sizeof durable);
    const std::lock_guard lock(write_mutex_);
    if (!channel.write(static_cast<std::uint8_t>(Down::kDurable), bytes, kWriteDeadline)) return;  // the reading thread sees why
  }
}

Result<void> SensorSupervisor::send(Down type, std::string_view payload, std::uint64_t generation) {
  std::shared_ptr<net::FrameChannel> channel;
  {
    const std::lock_guard lock(mutex_);
    if (generation != 0 && (!ready_ || generation != generation_)) return fail(ErrorCode::kUnavailable, "another sensor runs by now");
    channel = channel_;
  }
  if (!channel) return fail(ErrorCode::kUnavailable, "the sensor is not running");
  const std::lock_guard lock(write_mutex_);
  return channel->write(static_cast<std::uint8_t>(type), payload, kWriteDeadline);
}

Result<void> SensorSupervisor::add(std::uint64_t generation, const std::vector<detect::Indicator>& indicators) {
  return send(Down::kAdd, pack_indicators(indicators), generation);
}
Result<void> SensorSupervisor::add_rules(std::uint64_t generation, const std::vector<detect::Rule>& rules) {
  return send(Down::kAddRules, pack_rules(rules), generation);
}
Result<void> SensorSupervisor::remove(std::uint64_t generation, const std::vector<std::uint64_t>& refs) {
  return send(Down::kRemove, pack_refs(refs), generation);
}
Result<void> SensorSupervisor::loaded(std::uint64_t generation) { return send(Down::kLoaded, "", generation); }

void SensorSupervisor::restart() {
  const std::lock_guard lock(mutex_);
  if (channel_) channel_->shutdown();
}

SensorStatus SensorSupervisor::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void SensorSupervisor::problem(std::string text) {
  log_.warn("sensor.problem", {{"text", text}});
  const std::lock_guard lock(mutex_);
  if (status_.problems.size() >= kMaxProblems) status_.problems.erase(status_.problems.begin());
  status_.problems.push_back(std::move(text));
}

}  // namespace bongsu::node
