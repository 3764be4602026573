// The keeper's side of the sensor: starts the process, starts it again when it dies, and passes frames.
//
//   SensorSupervisor sensor(options, {.loaded = …, .alerts = …}, log);
//   sensor.start();
//   sensor.add(indicators);        // queued; bounded, blocks when the sensor is behind
//   sensor.stop();
//
// A sensor that dies is started again after a growing wait (1 s to 30 s). `started` is called for each new process, so that its
// indicators are sent anew. A rule that ends the process, or keeps one of its threads longer than SupervisorTimes::longest_step, is found (crash_watch.h) and told to `guilty`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "net/frame_channel.h"
#include "node/indicator_sink.h"
#include "node/sensor/crash_watch.h"
#include "node/sensor/protocol.h"
#include "node/sensor/work_memory.h"

namespace bongsu::node {

struct SensorCallbacks {
  std::function<StartMessage()> configure;                       // for each new process: sources with the positions stored last
  std::function<void()> started;                                 // a new process is ready for indicators
  std::function<Result<void>(AlertsMessage&&)> alerts;           // durable when it returns; an error restarts the sensor
  std::function<void(const SensorStats&)> stats;
  std::function<void(std::uint64_t generation, const RefusedMessage&)> refused;  // rules that cannot be built
  std::function<void(const CrashWatch::Guilty&)> guilty;         // durable when it returns: the next process must not get this rule
};

struct SensorStatus {
  bool running = false, sandboxed = false;
  std::uint64_t restarts = 0, applied = 0;   // indicator changes in effect, since this process started
  SensorStats stats;
  std::vector<std::string> problems;         // newest last, kMaxProblems at most
};

inline constexpr std::size_t kMaxProblems = 50;

struct SupervisorTimes {
  std::chrono::milliseconds silence = std::chrono::seconds(30);       // the sensor says something every second
  std::chrono::milliseconds longest_step = std::chrono::seconds(60);  // of rules with one event; libyara's own limit is a second a field
  std::chrono::milliseconds first_wait = std::chrono::seconds(1), longest_wait = std::chrono::seconds(30);  // before it is started again
};

class SensorSupervisor final : public IndicatorSink {
 public:
  SensorSupervisor(std::string program, SensorCallbacks callbacks, Log& log, const SupervisorTimes& times = {});
  ~SensorSupervisor() override;

  void start();
  void stop();

  // Frames to the process of this generation. kUnavailable when it is gone (a new one asks for everything anew).
  Result<void> add(std::uint64_t generation, const std::vector<detect::Indicator>& indicators) override;
  Result<void> add_rules(std::uint64_t generation, const std::vector<detect::Rule>& rules) override;
  Result<void> remove(std::uint64_t generation, const std::vector<std::uint64_t>& refs) override;
  Result<void> loaded(std::uint64_t generation) override;
  void restart() override;  // ends the process; a new one follows after the usual wait

  SensorStatus status() const;
  std::uint64_t generation() const override { return generation_; }  // of the newest process that was ready

 private:
  void run();
  void serve(pid_t child, WorkMemory& memory);
  void judge(const CrashWatch::End& end);
  Result<void> send(Down type, std::string_view payload, std::uint64_t generation);
  void problem(std::string text);
  void acknowledge(std::uint64_t messages);
  void acknowledge_all(net::FrameChannel& channel);

  std::string program_;
  SensorCallbacks callbacks_;
  const SupervisorTimes times_;
  CrashWatch crashes_;                // of the thread
  Log& log_;
  std::thread thread_;
  mutable std::mutex mutex_;          // status_, channel_'s life
  std::mutex write_mutex_;            // one frame at a time
  std::condition_variable wake_;
  bool stopping_ = false;
  std::uint64_t durable_ = 0, told_ = 0;  // messages of alerts of this process; what it was told of that
  bool acknowledging_ = false;
  std::shared_ptr<net::FrameChannel> channel_;
  bool ready_ = false;                // the process at channel_ is that of generation_
  SensorStatus status_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace bongsu::node
