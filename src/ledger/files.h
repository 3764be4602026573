// What a ledger asks of the file system, small enough to have a twin in memory that fails on command.
//
// Paths are relative, with '/'. Whatever returns without an error is on disk. After an error nothing is known of the file that
// was written (a failed fsync must not be tried again): the store stops, and finds out when it is opened next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace bongsu::ledger {

// Safe from any thread; two calls that write one file are the caller's to order.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::string> read(const std::string& path) = 0;  // kNotFound
  virtual Result<void> append(const std::string& path, std::string_view bytes) = 0;
  virtual Result<void> put(const std::string& path, std::string_view bytes) = 0;  // whole or not at all
  virtual Result<void> overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) = 0;
  virtual Result<void> truncate(const std::string& path, std::uint64_t size) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // fine if it is not there
  // Paths of all files under a directory, sorted; empty when it is not there.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
};

// Makes the directory (0700); files are 0600. kConflict when another process holds it.
Result<std::unique_ptr<Files>> open_directory(const std::filesystem::path& root);
// For reading only: nothing is made, nothing is locked; writing is kDenied.
std::unique_ptr<Files> read_directory(const std::filesystem::path& root);

// Files in memory. `fail_at` counts writing calls: that one leaves a random part of its work (an append any prefix, an overwrite
// any prefix, the others all or nothing) and it and all later ones fail with kIo, as after a loss of power.
class MemoryFiles final : public Files {
 public:
  Result<std::string> read(const std::string& path) override;
  Result<void> append(const std::string& path, std::string_view bytes) override;
  Result<void> put(const std::string& path, std::string_view bytes) override;
  Result<void> overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) override;
  Result<void> truncate(const std::string& path, std::uint64_t size) override;
  Result<void> remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;

  void fail_at(std::uint64_t write, std::uint64_t seed);
  void recover();                       // power is back: what is there stays
  std::uint64_t writes() const;         // so far
  std::map<std::string, std::string>& files() { return files_; }  // to damage them

 private:
  bool lost(double& part);  // under mutex_: whether this call fails, and how much of it is done
  mutable std::mutex mutex_;
  std::map<std::string, std::string> files_;
  std::uint64_t writes_ = 0, fail_at_ = 0;
  bool dead_ = false;
  SeededRandom random_{1};
};

}  // namespace bongsu::ledger
