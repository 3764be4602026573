// Files in memory that can lose power: the twin of the directory on disk, for tests of what a crash leaves behind.
//
//   MemoryFiles files;
//   files.fail_after(17);                  // the 17th step from now and all later ones are kIo
//   … write a segment …
//   files.crash(MemoryFiles::Unsynced::kHalf);   // what was not made durable is lost, or half of it is there
//   … open the store again …
//
// What a loss of power does is as POSIX allows: bytes that were not synced are there or not, from the front; a name
// that was made, renamed or removed since the last sync_directory() is as before or as after.
#pragma once

#include <map>
#include <mutex>

#include "telemetry/store/files.h"

namespace bongsu::telemetry {

class MemoryFiles final : public Files {
 public:
  enum class Unsynced { kLost, kHalf, kKept };

  Result<std::vector<Entry>> list() const override;
  Result<std::unique_ptr<AppendFile>> create(const std::string& name) override;
  Result<std::unique_ptr<ReadFile>> open(const std::string& name) const override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync_directory() override;
  std::string path(const std::string& name) const override { return "memory/" + name; }

  // Steps that change something: appends, syncs, names.
  std::uint64_t steps() const { return steps_; }
  void fail_after(std::uint64_t steps) { fails_at_ = steps_ + steps; }
  void crash(Unsynced unsynced);

  // The bytes themselves, to damage them.
  std::string& bytes(const std::string& name) { return names_.at(name)->bytes; }

 private:
  struct Content {
    std::string bytes;
    std::size_t synced = 0;
  };
  class Writer;
  class Reader;
  Result<void> step();

  std::map<std::string, std::shared_ptr<Content>> names_, durable_names_;
  std::uint64_t steps_ = 0, fails_at_ = ~0ULL;
};

}  // namespace bongsu::telemetry
