// A store in memory with batches in it, for tests that look back.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "detect/hunt/hunt_indexer.h"
#include "detect/hunt/hunter.h"
#include "telemetry/store/memory_files.h"
#include "telemetry/store/store.h"

namespace bongsu::detect {

struct StoredTelemetry {
  // Small blocks of up to eight parts, so that there are many. A segment for each list of batches.
  explicit StoredTelemetry(const std::vector<std::vector<telemetry::LineBatch>>& segments,
                           std::size_t block_bytes = 2048,
                           telemetry::FieldMapPtr map = telemetry::FieldMap::standard());
  // As after a restart.
  void reopen();

  telemetry::MemoryFiles files;
  FakeClock clock;
  std::unique_ptr<telemetry::TelemetryStore> store;
};

// Ids of the alerts, each as often as it came. Without `keys` every block is looked at.
std::multiset<std::string> hunted(const StoredTelemetry& stored, const std::vector<Indicator>& indicators, bool keys,
                                  HuntResult* result = nullptr, HuntQuery query = {});
// The same by matching the batches as they came.
std::multiset<std::string> matched_live(const std::vector<telemetry::LineBatch>& batches,
                                        const std::vector<Indicator>& indicators);

}  // namespace bongsu::detect
