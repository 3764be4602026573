// Where indicators go that are to be looked for: the sensor, or what stands in for it in a test.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "detect/indicator.h"

namespace bongsu::node {

// A sink that dies comes back as a new generation, which knows nothing. Calls for one that is gone are kUnavailable.
class IndicatorSink {
 public:
  virtual ~IndicatorSink() = default;
  virtual Result<void> add(std::uint64_t generation, const std::vector<detect::Indicator>& indicators) = 0;
  // In effect a moment after the answer; what cannot be built is told later (sensor/supervisor.h).
  virtual Result<void> add_rules(std::uint64_t generation, const std::vector<detect::Rule>& rules) = 0;
  virtual Result<void> remove(std::uint64_t generation, const std::vector<std::uint64_t>& refs) = 0;
  virtual Result<void> loaded(std::uint64_t generation) = 0;  // everything that stands was added
  virtual void restart() = 0;                                 // ends it; a new generation follows
  virtual std::uint64_t generation() const = 0;               // the newest one that was ready
};

}  // namespace bongsu::node
