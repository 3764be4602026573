// The files that the sensor reads: named ones and those of named directories, found anew as they come and go, each with a follower.
//
//   Watcher watcher(sources, positions, bad);
//   while (running) {
//     bool any = watcher.poll([&](const telemetry::LineBatch& batch, const PositionUpdate& after) { … return true; });
//     if (!any) watcher.wait(250ms);        // until the kernel says that something was written, or the time is up
//   }
//
// Plain files are followed across rotation and truncation. Compressed ones (.gz, .zst) are read once. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/sensor/protocol.h"
#include "telemetry/bad_lines.h"
#include "telemetry/follower.h"
#include "telemetry/line_batch.h"

namespace bongsu::node {

inline constexpr std::size_t kMaxWatchedFiles = 3'500;   // each holds a descriptor; sandbox.cpp allows 4,096
inline constexpr std::size_t kBatchesPerTurn = 16;   // of one file, before the others have theirs

class Watcher {
 public:
  using Take = std::function<bool(const telemetry::LineBatch& batch, const PositionUpdate& after)>;  // false: stop

  Watcher(std::vector<SourceState> sources, const std::vector<PositionUpdate>& positions, telemetry::BadLines& bad);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  bool poll(const Take& take);                  // whether anything was read
  void wait(std::chrono::milliseconds most);
  std::size_t files() const { return files_.size(); }
  // Sentences about sources that cannot be read, each once.
  std::vector<std::string> take_problems();

 private:
  struct File {
    std::unique_ptr<telemetry::Follower> follower;  // null: read once
    bool done = false;
    bool changed = true;
  };
  void find_files();
  void add_file(const std::string& path, bool from_start);
  bool poll_file(const std::string& path, File& file, const Take& take, bool& stopped);
  bool read_once(const std::string& path, File& file, const Take& take, bool& stopped);
  void problem(const std::string& text);

  std::vector<SourceState> sources_;
  std::map<std::string, std::string> positions_;
  telemetry::BadLines& bad_;
  std::map<std::string, File> files_;
  std::map<std::string, bool> said_;
  std::vector<std::string> problems_;
  int inotify_ = -1;
  std::map<int, std::string> watched_;           // watch → directory
  std::map<std::string, int> directories_;
  std::chrono::steady_clock::time_point next_scan_{}, next_full_{};
};

}  // namespace bongsu::node
