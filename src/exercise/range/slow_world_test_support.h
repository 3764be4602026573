// What must be so in a world at any moment, found slowly from nothing but its configuration and what can be seen of it: which nodes run,
// which circuits have a way, which substations are reached, which segments are open, which generators obey. And small worlds at random.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "exercise/range/world.h"

namespace bongsu::exercise {

// A grid of up to a dozen substations that may cascade, a telecom network of its own, a railway. `batteries`: nodes have
// some; else they stop with their supply, and SlowWorld knows all there is to know.
WorldConfig random_world(SeededRandom& random, bool batteries);

class SlowWorld {
 public:
  explicit SlowWorld(const WorldConfig& config) : c_(config) {}
  // What somebody ordered and was done.
  void note(const WorldOrder& order);
  // Every coupling that does not hold, in words; empty: all do. Nodes' batteries: with `exact` none has one.
  std::vector<std::string> broken_rules(const World& world, bool exact) const;

 private:
  double seen(const World& world, const std::string& name, Quantity quantity = Quantity::kPosition) const;
  std::vector<char> reached(std::uint32_t from, const std::vector<char>& running) const;

  const WorldConfig& c_;
  std::vector<std::string> cut_, switched_off_, bricked_;
};

}  // namespace bongsu::exercise
