// Programs that the desk starts: nodes that run beside it and go when it goes, and commands that end by themselves.
//
//   BONGSU_TRY(auto node, Process::start({"/usr/bin/bongsu", "serve", "--data", dir, "--json"}, dir / "serve.log"));
//   if (auto line = node->first_line()) …        // it said that it listens
//   node->stop(5s);
//
// The kernel sends a child SIGTERM when the thread that started it dies, however that came: start them on a thread that
// lives as long as the program. A Process that is destroyed ends its child.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace bongsu::desk {

inline constexpr std::size_t kMaxFirstLine = 64 * 1024;
inline constexpr std::size_t kMaxOutput = 1024 * 1024;  // of a command

class Process {
 public:
  // What it writes on standard error is appended to `log`. kIo.
  static Result<std::unique_ptr<Process>> start(const std::vector<std::string>& command,
                                                const std::filesystem::path& log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // How it ended, in words ("exit status 2", "signal 9"); nothing: it runs.
  std::optional<std::string> ended();
  // The first line that it wrote, without waiting; nothing: not yet.
  std::optional<std::string> first_line();
  // SIGTERM, after `grace` SIGKILL; returns when it is gone.
  void stop(std::chrono::milliseconds grace);
  void ask_to_stop();  // SIGTERM, without waiting

 private:
  Process(pid_t pid, int out) : pid_(pid), out_(out) {}
  pid_t pid_ = -1;  // -1: gone
  int out_ = -1;
  std::string text_;
  std::string end_;
};

// What it wrote on standard output. kInternal: it ended with something else than 0, with the end of what it complained;
// kTimeout.
Result<std::string> run_command(const std::vector<std::string>& command, std::chrono::milliseconds deadline);

}  // namespace bongsu::desk
