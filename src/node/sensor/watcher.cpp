#include "node/sensor/watcher.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"
#include "telemetry/inputs.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kScanEvery = 1s;       // directories, for new files
constexpr auto kFullEvery = 250ms;    // every file, for file systems that tell nothing
constexpr const char* kReadOnce = "{\"read_once\":true}";

// Compressed files and Windows event logs: what is in them does not grow line by line.
// Captures are among them only so that they are refused, in a sentence, and not taken for lines.
bool is_read_once(std::string_view path) {
  static constexpr std::string_view kEnds[] = {".gz", ".zst", ".evtx", ".pcap", ".pcapng"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return path.ends_with(end); });
}

}  // namespace

Watcher::Watcher(std::vector<SourceState> sources, const std::vector<PositionUpdate>& positions, telemetry::BadLines& bad)
    : sources_(std::move(sources)), bad_(bad), inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  for (const auto& update : positions) positions_.insert_or_assign(update.file, update.position);
}

Watcher::~Watcher() {
  if (inotify_ >= 0) ::close(inotify_);
}

void Watcher::problem(const std::string& text) {
  if (said_.emplace(text, true).second) problems_.push_back(text);
}

std::vector<std::string> Watcher::take_problems() { return std::exchange(problems_, {}); }

void Watcher::add_file(const std::string& path, bool from_start) {
  if (files_.contains(path)) return;
  // Names travel as JSON.
  std::string quoted;
  append_json_string(quoted, path);
  if (path.size() > kMaxPositionBytes || quoted.find("\xef\xbf\xbd") != std::string::npos) {
    problem("a file is left out: its name is too long or not UTF-8");
    return;
  }
  if (files_.size() >= kMaxWatchedFiles) {
    problem(fmt::format("more than {} files to watch: {} and others are left out", kMaxWatchedFiles, path));
    return;
  }
  File file;
  const auto stored = positions_.find(path);
  if (is_read_once(path)) {
    file.done = stored != positions_.end() && stored->second == kReadOnce;
  } else {
    std::optional<telemetry::FollowPosition> position;
    if (stored != positions_.end()) {
      if (const auto json = parse_json(stored->second))
        if (auto parsed = telemetry::FollowPosition::parse(*json)) position = *parsed;
    }
    file.follower = std::make_unique<telemetry::Follower>(path, position, bad_,
                                                          from_start ? telemetry::Follower::Start::kBeginning : telemetry::Follower::Start::kEnd);
  }
  files_.emplace(path, std::move(file));
  const std::string directory = fs::path(path).parent_path().string();
  if (inotify_ >= 0 && !directories_.contains(directory)) {
    const int watch = ::inotify_add_watch(inotify_, directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
    directories_.emplace(directory, watch);
    if (watch >= 0) watched_.emplace(watch, directory);
  }
}

void Watcher::find_files() {
  // What is gone for good is let go; a file that is only being rotated comes back with the next look.
  std::erase_if(files_, [this](const auto& item) {
    std::error_code ec;
    if (fs::exists(item.first, ec) || (item.second.follower && item.second.follower->lag() != 0)) return false;
    if (item.second.follower) positions_.insert_or_assign(item.first, to_text(item.second.follower->position().json()));
    return true;
  });
  for (const auto& source : sources_) {
    std::error_code ec;
    if (!fs::is_directory(source.path, ec)) {
      add_file(source.path, source.from_start);
      continue;
    }
    const telemetry::Inputs inputs = telemetry::find_inputs({source.path});
    for (const auto& error : inputs.errors) problem(error.text());
    for (const auto& path : inputs.files) add_file(path, source.from_start);
    // An empty directory is watched too, for its first file.
    if (inotify_ >= 0 && !directories_.contains(source.path)) {
      const int watch = ::inotify_add_watch(inotify_, source.path.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
      directories_.emplace(source.path, watch);
      if (watch >= 0) watched_.emplace(watch, source.path);
    }
  }
}

bool Watcher::poll(const Take& take) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_scan_) {
    next_scan_ = now + kScanEvery;
    find_files();
  }
  const bool all = now >= next_full_;
  if (all) next_full_ = now + kFullEvery;
  bool any = false, stopped = false;
  for (auto& [path, file] : files_) {
    if (!all && !file.changed) continue;
    file.changed = false;
    any = poll_file(path, file, take, stopped) || any;
    if (stopped) break;
  }
  return any;
}

bool Watcher::poll_file(const std::string& path, File& file, const Take& take, bool& stopped) {
  if (file.done) return false;
  if (!file.follower) return read_once(path, file, take, stopped);
  for (std::size_t i = 0; i < kBatchesPerTurn; ++i) {
    auto batch = file.follower->poll();
    if (!batch) {
      problem(batch.error().text());
      return i > 0;
    }
    if (!*batch) return i > 0;
    if (!take(**batch, {.file = path, .position = to_text(file.follower->position().json())})) {
      stopped = true;
      return true;
    }
  }
  file.changed = true;  // there is more
  return true;
}

bool Watcher::read_once(const std::string& path, File& file, const Take& take, bool& stopped) {
  file.done = true;
  auto source = telemetry::open_source(path);
  if (!source) {
    problem(source.error().text());
    return false;
  }
  telemetry::BatchReader reader(std::move(*source), path, bad_);
  bool any = false;
  // The position is told with an empty batch at the end: a sensor that dies in the middle reads the file again, and alerts that are there
  // already are not raised twice.
  for (;;) {
    auto batch = reader.next();
    if (!batch) {
      problem(batch.error().text());
      return any;
    }
    if (!*batch) break;
    any = true;
    if (!take(**batch, {.file = path, .position = {}})) {
      stopped = true;
      return true;
    }
  }
  telemetry::LineBatch end;
  end.source = std::make_shared<const std::string>(path);
  stopped = !take(end, {.file = path, .position = kReadOnce});
  return any;
}

void Watcher::wait(std::chrono::milliseconds most) {
  if (inotify_ < 0) {
    ::poll(nullptr, 0, static_cast<int>(std::min<std::chrono::milliseconds>(most, 10ms).count()));
    return;
  }
  pollfd waiting{.fd = inotify_, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(most.count())) <= 0) return;
  alignas(inotify_event) char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(inotify_, buffer, sizeof buffer);
    if (n <= 0) return;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        next_full_ = {};
        continue;
      }
      const auto directory = watched_.find(event->wd);
      if (directory == watched_.end() || event->len == 0) continue;
      const auto file = files_.find(directory->second + "/" + event->name);
      if (file != files_.end()) file->second.changed = true;
      else if ((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0) next_scan_ = {};
    }
  }
}

}  // namespace bongsu::node
