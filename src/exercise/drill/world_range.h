// A World (range/world.h) as a team's copy of the range: the words of scenarios in, the world's orders out.
//
//   BONGSU_TRY(RangeMaker make, world_ranges(config, scenario.exercise.seed));
//   BONGSU_TRY(Begun begun, Drill::open(scenario, settings, make, now));
//
// Every team's world is a copy of the same, so what differs is what was done in it.
//
// Whose hand: red acts as the world's attacker, and takes the circuit that it needs first; a team acts as an operator
// from afar, or sends a crew (RangeOrder::crew); what is undone by itself is an operator's, or where only hands can
// mend, a crew's, who need their time. Countries ("LT") stand for everything of that name's prefix ("lt.").
// What a world does not have (heat, what an operator's screen shows, stations that answer nobody) is kept here as
// switches, so that probes and orders see it. What neither has is refused with a sentence.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "exercise/drill/range_copy.h"
#include "exercise/range/world.h"

namespace bongsu::exercise::drill {

// What a world calls the mobile network of a town: before its name.
inline const std::string kMobile = "mobile ";

class WorldRange : public RangeCopy {
 public:
  explicit WorldRange(const World& world) : world_(world) {}

  Result<std::uint64_t> order(const RangeOrder& order) override;
  void advance_to(std::int64_t at_ms) override;
  std::vector<RangeEvent> take_events() override;
  Result<double> measure(const std::string& quantity, const std::string& target) override;
  ProbeAnswer probe(const scenario::Service& service) override;
  JsonObject consequences() override;

  // To read from: a host mirrors it to its control systems.
  const World& world() const { return world_; }
  // Is an operator's view of this substation frozen, or does it answer nobody?
  bool frozen(const std::string& station) const { return frozen_.contains(station); }
  bool lost(const std::string& station) const { return lost_.contains(station); }
  // The world that operators see at this substation: as it was when its view froze, or when it answered for the last
  // time; else as it is. Good until the range's next order.
  const World& seen(const std::string& station) const;

 private:
  Result<std::uint64_t> give(const WorldOrder& order);
  Result<std::uint64_t> give_as(WorldOrder order, Hand by, bool crew);
  Result<std::uint64_t> give_all(const std::vector<std::string>& targets, WorldOrder order, Hand by, bool crew);
  Result<std::uint64_t> demand(const RangeOrder& order);
  Result<std::uint64_t> own(const RangeOrder& order);
  std::vector<const Thing*> of(ThingKind kind, const std::string& target) const;
  const std::string* circuit_of(const std::string& target) const;
  bool alive(const Thing& thing) const;
  double sum(const std::vector<const Thing*>& things, Quantity quantity) const;
  void collect();

  World world_;
  std::vector<RangeEvent> events_;
  std::map<std::string, World> frozen_, lost_;  // substation → the world when it happened
  std::set<std::string> cold_;
  struct Use {  // of electricity: of what is usual, and how cold it is
    double part = 1, degrees = 0;
  };
  std::map<std::string, Use> use_;  // by bus
};

// Copies of this world.
RangeMaker world_ranges(World world);
// Builds the world once; errors are World::make's.
Result<RangeMaker> world_ranges(const WorldConfig& config, std::uint64_t seed);

}  // namespace bongsu::exercise::drill
