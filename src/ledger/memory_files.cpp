#include <algorithm>

#include "ledger/files.h"

namespace bongsu::ledger {
namespace {

std::unexpected<Error> power_lost(const std::string& path) { return fail(ErrorCode::kIo, "the power is gone", {.source = path}); }

}  // namespace

bool MemoryFiles::lost(double& part) {
  part = 1;
  if (dead_) {
    part = 0;
    return true;
  }
  if (++writes_ != fail_at_) return false;
  dead_ = true;
  part = static_cast<double>(random_.below(1001)) / 1000;
  return true;
}

Result<std::string> MemoryFiles::read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto at = files_.find(path);
  if (at == files_.end()) return fail(ErrorCode::kNotFound, "is not there", {.source = path});
  return at->second;
}

Result<void> MemoryFiles::append(const std::string& path, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  double part;
  const bool failed = lost(part);
  if (!failed || part > 0) files_[path] += bytes.substr(0, static_cast<std::size_t>(part * static_cast<double>(bytes.size())));
  if (failed) return power_lost(path);
  return {};
}

Result<void> MemoryFiles::put(const std::string& path, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  double part;
  const bool failed = lost(part);
  if (!failed || part > 0.5) files_[path] = bytes;
  if (failed) return power_lost(path);
  return {};
}

Result<void> MemoryFiles::overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto at = files_.find(path);
  if (at == files_.end() || at->second.size() < offset + bytes.size()) return fail(ErrorCode::kIo, "ends before", {.source = path});
  double part;
  const bool failed = lost(part);
  const auto count = static_cast<std::size_t>(part * static_cast<double>(bytes.size()));
  std::copy_n(bytes.begin(), count, at->second.begin() + static_cast<std::ptrdiff_t>(offset));
  if (failed) return power_lost(path);
  return {};
}

Result<void> MemoryFiles::truncate(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  double part;
  const bool failed = lost(part);
  if (!failed || part > 0.5)
    if (const auto at = files_.find(path); at != files_.end()) at->second.resize(size);
  if (failed) return power_lost(path);
  return {};
}

Result<void> MemoryFiles::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  double part;
  const bool failed = lost(part);
  if (!failed || part > 0.5) files_.erase(path);
  if (failed) return power_lost(path);
  return {};
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [path, bytes] : files_)
    if (path.starts_with(directory + "/")) out.push_back(path);
  return out;
}

void MemoryFiles::fail_at(std::uint64_t write, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  fail_at_ = write;
  random_ = SeededRandom(seed);
}

void MemoryFiles::recover() {
  const std::lock_guard lock(mutex_);
  dead_ = false;
  fail_at_ = 0;
}

std::uint64_t MemoryFiles::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

}  // namespace bongsu::ledger
