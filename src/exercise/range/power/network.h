// A power network as values, in MATPOWER's units: MW, MVAr, degrees, per unit of `base_mva` and of each bus's voltage.
//
//   BONGSU_TRY(power::Network grid, power::read_case(text, "case14.m"));
//   grid.branches[3].on = false;                       // a line trips
//   const power::AcResult flow = power::solve_ac(grid, {});
//
// Generators and branches name their buses by position in `buses`; `number` is the name that people know.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bongsu::exercise::power {

inline constexpr std::size_t kMaxBuses = 200'000, kMaxBranches = 500'000, kMaxGenerators = 200'000;

// What is given at a bus (MATPOWER manual, table B-1).
enum class BusKind : std::uint8_t {
  kLoad = 1,       // PQ: power is given
  kVoltage = 2,    // PV: active power and magnitude are given
  kReference = 3,  // angle and magnitude are given
  kIsolated = 4,   // not part of the network
};

struct Bus {
  std::int64_t number = 0;
  BusKind kind = BusKind::kLoad;
  double load_mw = 0, load_mvar = 0;
  double shunt_mw = 0, shunt_mvar = 0;  // consumed and injected at 1 pu
  int area = 1;
  double magnitude_pu = 1, angle_deg = 0;
  double base_kv = 0;
  int zone = 1;
  double max_pu = 1.1, min_pu = 0.9;
  std::string name;  // empty if the case has none

  bool operator==(const Bus&) const = default;
};

struct Generator {
  std::uint32_t bus = 0;
  double p_mw = 0, q_mvar = 0;
  double q_max_mvar = 0, q_min_mvar = 0;
  double setpoint_pu = 1;
  double base_mva = 100;
  bool on = true;
  double p_max_mw = 0, p_min_mw = 0;

  bool operator==(const Generator&) const = default;
};

// A line or transformer: series impedance, charging split between its ends, an ideal transformer at the from end.
struct Branch {
  std::uint32_t from = 0, to = 0;
  double r_pu = 0, x_pu = 0, charging_pu = 0;
  double rating_mva = 0, rating_short_mva = 0, rating_emergency_mva = 0;  // 0 = no limit
  double ratio = 0;                                                        // 0 = 1: a line
  double shift_deg = 0;
  bool on = true;

  bool operator==(const Branch&) const = default;
};

struct Network {
  std::string name;
  double base_mva = 100;
  std::vector<Bus> buses;
  std::vector<Generator> generators;
  std::vector<Branch> branches;

  bool operator==(const Network&) const = default;
};

}  // namespace bongsu::exercise::power
