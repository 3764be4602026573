// A team's own copy of the range, as a drill sees it: in the words of scenarios (scenario/vocabulary.h). world_range.h
// makes one of a World.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {

enum class Hand : std::uint8_t {
  kRed,
  kTeam,
  kFate
};  // whose order: the attacker's, the team's operators', weather's and exercise control's

struct RangeOrder {
  std::string kind;  // scenario::effect_kinds
  std::string target;
  std::optional<double> value;
  Hand by = Hand::kRed;
  bool crew = false;  // people go there, instead of an order from afar
};

struct RangeEvent {
  std::uint64_t id = 0;
  std::uint64_t cause = 0;  // an earlier event's id; 0: none
  std::int64_t at_ms = 0;
  std::string kind, target, text;
  double magnitude = 0;
};

struct ProbeAnswer {
  bool up = true;
  std::string why;  // where it is down
};

class RangeCopy {
 public:
  virtual ~RangeCopy() = default;
  // The event that the order is, for later ones to have as their cause; 0: it made none. Errors: a sentence why not.
  virtual Result<std::uint64_t> order(const RangeOrder& order) = 0;
  virtual void advance_to(std::int64_t at_ms) = 0;  // never back
  virtual std::vector<RangeEvent> take_events() = 0;
  // A word of scenario::quantities; the target may be empty for those of the whole.
  virtual Result<double> measure(const std::string& quantity, const std::string& target) = 0;
  virtual ProbeAnswer probe(const scenario::Service& service) = 0;
  // Totals since the beginning, by name with units: {"unserved_mwh": 12.5}; only what differs from 0.
  virtual JsonObject consequences() = 0;
};

// Asked once for each blue team, and again for each team after a jump back: always the same beginning.
using RangeMaker = std::function<Result<std::unique_ptr<RangeCopy>>(const std::string& team)>;

// For drills without one: services that hang on nothing are up, orders and measurements are refused (kUnavailable).
RangeMaker no_range();

}  // namespace bongsu::exercise::drill
