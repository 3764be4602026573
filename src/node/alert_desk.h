// What the keeper does with what the sensor found: adds what the sensor must not know (whose indicator, which label), makes alert, sighting and
// reading positions durable in one commit, and measures.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "node/core.h"
#include "node/delays.h"
#include "node/metrics.h"
#include "node/sensor/protocol.h"

namespace bongsu::node {

class AlertDesk {
 public:
  AlertDesk(Core& core, Delays& delays, Metrics& metrics) : core_(core), delays_(delays), metrics_(metrics) {}

  // What a new sensor process reads, and where it goes on.
  StartMessage configure(const std::vector<std::string>& watch) const;
  // Durable when it returns.
  Result<void> take(AlertsMessage&& message);

  void note(const SensorStats& stats);                        // the running sensor's counts
  std::uint64_t events_before() const { return before_; }     // read by sensors that are gone

 private:
  Core& core_;
  Delays& delays_;
  Metrics& metrics_;
  std::atomic<std::uint64_t> before_ = 0, newest_ = 0;
};

}  // namespace bongsu::node
