#include "node/warnings.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "telemetry/inputs.h"

namespace bongsu::node {

namespace fs = std::filesystem;

Warnings::Warnings(std::vector<std::string> paths, Log& log, std::chrono::milliseconds patience)
    : paths_(std::move(paths)), log_(log), patience_(patience) {}
Warnings::~Warnings() { stop(); }

void Warnings::start() {
  thread_ = std::thread([this] { run(); });
}

void Warnings::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Warnings::run() {
  for (;;) {
    look();
    std::unique_lock lock(mutex_);
    if (paths_.empty()) return;
    if (wake_.wait_for(lock, kWarningsLook, [&] { return stopping_; })) return;
  }
}

// What is not there (yet) is no file; it is noticed when it comes.
std::vector<Warnings::File> Warnings::files() const {
  std::vector<std::string> names;
  for (const auto& path : paths_) {
    std::error_code ec;
    if (fs::is_directory(path, ec)) {
      auto inputs = telemetry::find_inputs({path});
      names.insert(names.end(), inputs.files.begin(), inputs.files.end());
    } else {
      names.push_back(path);
    }
  }
  std::vector<File> out;
  for (auto& name : names) {
    std::error_code ec;
    const auto bytes = fs::file_size(name, ec);
    if (ec) continue;
    const auto changed = fs::last_write_time(name, ec);
    if (ec) continue;
    out.push_back({.path = std::move(name), .bytes = bytes, .changed = changed.time_since_epoch().count()});
  }
  std::ranges::sort(out);
  return out;
}

bool Warnings::look() {
  auto now = files();
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !looked_;
  }
  if (!first && now == seen_) return false;
  auto fresh = std::make_shared<detect::WarningLists>();
  for (const auto& path : paths_)
    if (auto loaded = fresh->load(path); !loaded)
      log_.warn("warning_lists.unreadable", {{"path", path}, {"error", loaded.error().text()}});
  fresh->finish();
  for (const auto& trouble : fresh->troubles().first()) log_.warn("warning_lists.trouble", {{"error", trouble.text()}});
  seen_ = std::move(now);
  {
    const std::lock_guard lock(mutex_);
    looked_ = true;
    if (fresh->lists() == 0 && lists_ && lists_->lists() > 0) {
      log_.warn("warning_lists.gone", {{"kept", std::to_string(lists_->lists())}});
    } else {
      lists_ = std::move(fresh);
      if (!paths_.empty())
        log_.info("warning_lists.read",
                  {{"lists", std::to_string(lists_->lists())}, {"entries", std::to_string(lists_->entries())}});
    }
  }
  wake_.notify_all();
  return true;
}

std::shared_ptr<const detect::WarningLists> Warnings::current() const {
  std::unique_lock lock(mutex_);
  if (!waited_in_vain_ && !wake_.wait_for(lock, patience_, [&] { return looked_ || stopping_; }))
    waited_in_vain_ = true;
  return lists_;
}

std::vector<detect::WarningListHit> Warnings::find(const detect::Value& value) const {
  const auto lists = current();
  return lists ? lists->find(value) : std::vector<detect::WarningListHit>();
}

std::size_t Warnings::lists() const {
  const std::lock_guard lock(mutex_);
  return lists_ ? lists_->lists() : 0;
}

}  // namespace bongsu::node
