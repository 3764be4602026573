// Log files through the engine, on several cores, alerts in the order of the files' lines.
//
//   ScanResult result = scan(engine, inputs.files, {.jobs = 2}, [&](std::vector<Alert>&& alerts) { print(alerts);
//   return true; });
//
// The workers take turns at reading (decompression is one stream) and match side by side; a batch's alerts are kept
// until those of all batches before it are out. Memory: about jobs × kBatchBytes, and the alerts of up to 64 batches.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "detect/engine.h"
#include "telemetry/bad_lines.h"

namespace bongsu::detect {

struct ScanProgress {
  std::atomic<std::uint64_t> bytes_read{0};  // of the files as they lie on disk
  std::atomic<std::uint64_t> bytes{0};       // decompressed
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> alerts{0};
};

struct ScanOptions {
  int jobs = 1;
  ScanProgress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;  // looked at between batches
};

struct ScanResult {
  std::uint64_t files = 0, bytes = 0, events = 0, alerts = 0, warning_listed = 0, dropped_hits = 0;
  std::array<std::uint64_t, telemetry::kFormats> by_format{};
  telemetry::BadLines bad;
  std::vector<Error> errors;  // files that could not be read to their end
  bool stopped = false;
};

// `out` is called by one thread at a time, in order; false stops the scan.
ScanResult scan(Engine& engine, const std::vector<std::string>& files, const ScanOptions& options,
                const std::function<bool(std::vector<Alert>&&)>& out);

}  // namespace bongsu::detect
