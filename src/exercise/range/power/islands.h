// Which buses hang together, and who holds voltage and angle in each island.
//
//   for (const Island& island : find_islands(network)) …   // largest first
//
// Roles follow MATPOWER's rule (bustypes): a voltage or reference bus without a generator in service is a load bus; an island without
// a reference takes its first voltage bus. An island without either is dark.
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "exercise/range/power/flow_result.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

struct Island {
  std::vector<std::uint32_t> buses;       // ascending
  std::vector<std::uint32_t> references;  // empty: nobody holds the voltage, the island is dark
  bool chosen = false;                    // the reference was chosen: the case names none here
  bool generation = false;                // some generator is in service
};

// Largest first, then by the first bus. Isolated buses (kind 4) are in none.
std::vector<Island> find_islands(const Network& network);

// The kind of each bus as above, references chosen included; isolated buses stay so.
std::vector<BusKind> roles_of(const Network& network, const std::vector<Island>& islands);

// By bus: 1 where a generator is in service.
std::vector<char> generating(const Network& network);

// What is known of an island before it is solved: its size and references, or that it is dark and why.
IslandResult begun(const Network& network, const Island& island);

// A branch between its ends (MATPOWER manual, eq. 3.2): [i_from; i_to] = [ff ft; tf tt] [v_from; v_to].
struct Admittance {
  std::complex<double> ff, ft, tf, tt;
};
Admittance admittance_of(const Branch& branch);

// In service, and both ends part of the network.
bool in_service(const Network& network, const Branch& branch);
bool in_service(const Network& network, const Generator& generator);

}  // namespace bongsu::exercise::power
