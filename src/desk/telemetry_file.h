// The log file that a team's sensor follows, written exactly once for each piece, whenever the writer dies.
//
//   BONGSU_TRY(auto file, TelemetryFile::open(dir / "telemetry/cert-lt/sensor.log", dir / "telemetry/cert-lt.index"));
//   BONGSU_TRY_VOID(file.put("1/phish/0/lt-blue/t0", lines));     // a second time, also after a crash: nothing happens
//
// Before a piece is appended, the index says durably where it will lie. A piece that the index knows is completed from
// where the file ends: the drill makes the same lines again, byte for byte.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"

namespace bongsu::desk {

inline constexpr std::size_t kMaxIndexBytes = 1024 * 1024 * 1024;

class TelemetryFile {
 public:
  // kCorrupt: the index has a line that is none (a last one that is cut off is taken away).
  static Result<TelemetryFile> open(const std::filesystem::path& file, const std::filesystem::path& index);
  // Durable when it returns. kCorrupt: the id is known with another length.
  Result<void> put(const std::string& id, std::string_view lines);

 private:
  struct Place {
    std::uint64_t offset = 0, length = 0;
  };
  TelemetryFile(DurableFile file, DurableFile index) : file_(std::move(file)), index_(std::move(index)) {}
  DurableFile file_, index_;
  std::map<std::string, Place> places_;
};

}  // namespace bongsu::desk
