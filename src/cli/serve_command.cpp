#include "cli/serve_command.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cli/terminal.h"
#include "node/node.h"
#include "node/sensor/sensor_process.h"
#include "node/service.h"

namespace bongsu::cli {
namespace {

constexpr int kOpenAttempts = 20;
constexpr std::chrono::milliseconds kOpenPause{250};

LogLevel level_of(const std::string& text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

}  // namespace

int run_serve(const Common& common, const ServeCommand& command) {
  node::block_stop_signals();
  const node::DataDir directory{std::filesystem::absolute(common.data)};
  if (!directory.exists())
    return report({.code = ErrorCode::kNotFound, .message = "there is no node here; make one: bongsu init --member NAME --data " + common.data,
                   .where = {.source = common.data}}, common.json);
  const auto config = directory.config();
  if (!config) return report(config.error(), common.json);
  const auto log = make_stderr_log(level_of(config->log_level));

  std::vector<std::string> watch;
  for (const auto& path : command.watch) watch.push_back(std::filesystem::absolute(path).string());
  const node::NodeOptions options{.directory = directory, .program = node::own_program_path(), .watch = std::move(watch)};
  auto running = node::Node::open(options, *log);
  // A command that looks into the stopped node holds it open for a moment.
  for (int attempt = 0; !running && running.error().code == ErrorCode::kConflict && attempt < kOpenAttempts; ++attempt) {
    std::this_thread::sleep_for(kOpenPause);
    running = node::Node::open(options, *log);
  }
  if (!running) return report(running.error(), common.json);
  if (auto started = (*running)->start(); !started) return report(started.error(), common.json);

  if (common.json) {
    JsonObject out;
    for (const auto& [name, url] : (*running)->listeners()) out[name] = url;
    fmt::print("{}\n", to_text(JsonObject{{"member", config->member}, {"listeners", std::move(out)}}));
  } else {
    say(fmt::format("{} is running.", config->member));
    for (const auto& [name, url] : (*running)->listeners()) say(fmt::format("  {:<8} {}", name, url));
    hint("Stop it with Ctrl-C. In another terminal: bongsu status --data " + common.data);
  }
  std::fflush(stdout);
  node::notify_ready(config->member + " is running");
  node::wait_for_stop_signal();
  node::notify_stopping();
  log->info("node.stopping");
  (*running)->stop();
  log->info("node.stopped");
  return kExitOk;
}

int run_sensor(const SensorCommand& command) { return node::run_sensor_process(command.fd, command.work_fd); }

}  // namespace bongsu::cli
