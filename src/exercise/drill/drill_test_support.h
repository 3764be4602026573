// A range of switches and a small scenario with everything in it, for tests of the drill, of scoring and of reports.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exercise/drill/drill.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {

// Every target is a switch, on at first. "breaker-open" and "branch-fail" turn one off, "breaker-close" on; what hangs
// on it ("x" feeds "site.x") falls dark a second later, as an event whose cause is the order's. A service is up while
// all that it depends on is. "load-served" is the part of the switches that is on.
class SwitchRange : public RangeCopy {
 public:
  Result<std::uint64_t> order(const RangeOrder& order) override;
  void advance_to(std::int64_t at_ms) override;
  std::vector<RangeEvent> take_events() override;
  Result<double> measure(const std::string& quantity, const std::string& target) override;
  ProbeAnswer probe(const scenario::Service& service) override;
  JsonObject consequences() override;

 private:
  struct Coming {
    std::int64_t at_ms;
    RangeEvent event;
  };
  std::map<std::string, bool> on_ = {{"cb1", true}, {"cb2", true}, {"cb3", true}, {"cb4", true}};
  std::map<std::string, bool> dark_;
  std::vector<Coming> coming_;
  std::vector<RangeEvent> events_;
  std::uint64_t last_ = 0;
  std::int64_t now_ms_ = 0, off_ms_ = 0;
};

RangeMaker switch_ranges();

// Two hours, teams lt-blue, ua-blue, pl-blue, outsiders white and press. Injects:
//   phish      at 10 min, chance 1: mail, telemetry with two indicators; detect in 20 min, share with ua-blue under
//   AMBER in 45 min, SITREP in 60 min open       at 20 min (+ up to 2 min at random): opens cb1 for all teams; contain:
//   breaker-close cb1; restore: condition powered ddos       at 30 min, in a condition: service portal down for 10 min
//   rumour     manual, to press and teams
//   second     if lt-blue shared about phish
//   luck       chance 0.5
//   never      on a condition that never holds, until 10 min
//   late       due after the drill's end
// Service "portal" (complaints after 3 min) hangs on site.cb1, "phones" on site.cb2.
scenario::Scenario small_scenario();

}  // namespace bongsu::exercise::drill
