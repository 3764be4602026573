// A whole world made of networks that know nothing of each other: what stands nearest supplies and serves what, unless a table says
// otherwise.
//
//   WorldParts parts;
//   parts.power = {…};  parts.telecom = …;  parts.rail = …;  parts.places = …;
//   BONGSU_TRY(WorldConfig config, make_world(std::move(parts)));
//
// Made here, all of it ESTIMATED, and said so in the config's remarks:
//   telecontrol   each substation has a remote terminal unit ("lt.rtu.kaunas": a node with kRtuBattery_h), a line to the nearest node of its
//                 country's network, and a circuit from its country's control centre ("lt.circuit.kaunas")
//   cell sites    one for each place ("lt.cell.kaunas": all of the town's), calls by inhabitants, traffic to the country's exchange
//   supply        telecom nodes, stations and segments from the nearest substation's bus of the lowest voltage
//   signals       a circuit from the control centre to the node nearest to each segment ("lt.signal.kaunas-vilnius")
//   generators    those said to have a satellite terminal ("lt.terminal.…", a node of its own at the station) by it, others by their
//                 substation's circuit
//   services      power and mobile for each place of kServedThousands and more, rail for each line, telecontrol and dispatch by country
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/range/world_config.h"

namespace bongsu::exercise {

inline constexpr double kRtuBattery_h = 12, kCellBattery_h = 2, kTerminalBattery_h = 4;
inline constexpr double kCallsAnHour = 0.1, kMbpsForThousand = 0.01, kServedThousands = 50, kNear_km = 30;

struct Place {
  std::string name, country;  // "Kaunas", "LT"; the name is a part of stable names as telecom::slug has it
  Position at;
  double thousands = 0;       // inhabitants
  std::vector<std::string> also;  // other spellings
};

// A power network with what is known of where its buses are.
struct PowerParts {
  power::Network network;
  struct Bus {
    std::string country, station;  // those of one station and country stand together
    Position at;
  };
  std::vector<Bus> buses;          // by bus
  struct Generator {
    std::string name;              // a part of its stable name: "wind-farm"; equal ones get numbers
    bool satellite = false;        // steered over a satellite terminal
    bool black_start = false;      // can start without a network
  };
  std::vector<Generator> generators;  // by generator
  bool named_stations = false;        // a station's text is its name; else the nearest place's is
  std::set<std::string> satellite;    // more generators that are steered over a satellite terminal, by their stable names
};

// A coupling that replaces the nearest one's: kind "feed" (consumer, bus), "control" (generator, circuit or terminal), "signal" (segment,
// circuit).
struct Coupling {
  enum class Kind : std::uint8_t { kFeed, kControl, kSignal };
  Kind kind = Kind::kFeed;
  std::string consumer, from;
};

// A satellite terminal that steers no generator: field posts, villages. It has a node of its own ("ua.site.field" of
// "ua.terminal.field") where it stands.
struct SatelliteSite {
  std::string terminal;
  Position at;
  std::uint32_t stands_for = 1;
};

struct WorldParts {
  std::string name, remarks;
  PowerParts power;
  telecom::Network telecom;   // names begin with a country: "lt.node.kaunas"
  rail::Network rail;
  std::vector<Place> places;
  std::map<std::string, std::string> centres;  // by country: the node where its control centre is; required where there are substations
  std::vector<SatelliteSite> terminals;
  std::vector<Coupling> couplings;
  std::vector<Service> services;               // beside those that are made
  std::vector<Disaster> disasters;
  WorldSettings settings;
};

// kInvalid, kNotFound: names what is missing.
Result<WorldConfig> make_world(WorldParts parts);

// A grid alone as a world: each bus is a substation ("substation.30", its bus "substation.30.bus110"), reached over a telecom node that never fails.
Result<WorldConfig> world_of_case(power::Network network);

// The place of this name (or other spelling, or slug) in a country; nullptr.
const Place* find_place(const std::vector<Place>& places, std::string_view country, std::string_view name);

}  // namespace bongsu::exercise
