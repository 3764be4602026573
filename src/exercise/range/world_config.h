// A world as values: networks, what needs what (by name), services that people would notice, disasters that may come.
//
//   WorldConfig c = …;                                   // read_world (world_file.h), or built in a program
//   c.feeds.push_back({"lt.node.kaunas", "lt.substation.kaunas.bus110"});
//   BONGSU_TRY(World world, World::make(std::move(c), 7));
#pragma once

#include <string>
#include <vector>

#include "exercise/range/place.h"
#include "exercise/range/power/cascade.h"
#include "exercise/range/power/network.h"
#include "exercise/range/rail/network.h"
#include "exercise/range/telecom/network.h"

namespace bongsu::exercise {

// A site with buses; breakers at the ends of its branches are switched from here: "<name>.breaker1", in the branches'
// order.
struct Substation {
  std::string name;  // "lt.substation.kaunas"
  Position at;
  std::string
      circuit;  // the telecontrol circuit it is reached by, of the telecom network; empty: by staff on site alone
  bool operator==(const Substation&) const = default;
};

// The power network's names: each vector is as long as the network's own.
struct PowerNames {
  std::vector<std::string> buses, branches, generators;
  std::vector<std::uint32_t> substation_of;  // by bus
  bool operator==(const PowerNames&) const = default;
};

struct Feed {  // who is supplied from where
  std::string
      consumer;  // a telecom node, a rail segment (traction) or a station (signals of the segments that begin there)
  std::string bus;
  bool operator==(const Feed&) const = default;
};

struct Control {  // how a generator is dispatched
  std::string generator;
  std::string by;  // a circuit or a satellite terminal; a generator without a row is steered on site
  bool operator==(const Control&) const = default;
};

struct SignalLine {  // how a segment's signals reach the control room
  std::string segment;
  std::string circuit;  // a circuit: without it no train enters
  bool operator==(const SignalLine&) const = default;
};

struct Service {
  enum class Kind : std::uint8_t {
    kPower,    // members are buses: part of the demand that is served
    kMobile,   // telecom nodes: part of the calls that can be made
    kData,     // telecom nodes: part of their traffic that gets through
    kRail,     // segments: part that trains may run on
    kControl,  // circuits, terminals, generators: part that answers
  };
  std::string name;  // "power Kaunas"
  Kind kind = Kind::kPower;
  std::vector<std::string> members;
  bool operator==(const Service&) const = default;
};

struct TrackPoint {
  double after_s = 0;  // since it was let loose
  Position at;
  bool operator==(const TrackPoint&) const = default;
};

// Breaks what stands in its way, at random under the world's seed. `strength`: of a storm its gusts in m/s; of a flood
// and of sabotage the part of things within the radius that fails in an hour.
struct Disaster {
  enum class Kind : std::uint8_t { kStorm, kFlood, kSabotage };
  std::string name;  // "lt.storm.january"
  Kind kind = Kind::kStorm;
  std::vector<TrackPoint> track;  // one point stays where it is until `lasts_s`
  double radius_km = 60, strength = 35, lasts_s = 7200;
  bool operator==(const Disaster&) const = default;
};

struct WorldSettings {
  double step_s = 10;              // flows are solved at least this often
  double dispatch_s = 300;         // operators set dispatchable generators to demand this often; 0: never
  double swing = 0.15;             // of demand over a day, lowest at four in the morning
  double begins_s = 0;             // time of day at second 0
  double crew_s = 1800;            // until a crew is on site
  double repair_s = 4 * 3600;      // that it needs to mend a line, a link, a track
  double customers_per_mw = 1200;  // ESTIMATE: connections for each MW of average load
  power::GridSettings grid;
};

struct WorldConfig {
  std::string name;
  power::Network power;
  PowerNames power_names;
  std::vector<Substation> substations;
  telecom::Network telecom;
  rail::Network rail;
  std::vector<Feed> feeds;
  std::vector<Control> controls;
  std::vector<SignalLine> signals;
  std::vector<Service> services;
  std::vector<Disaster> disasters;
  WorldSettings settings;
  std::string remarks;  // what is estimated, for people
};

}  // namespace bongsu::exercise
