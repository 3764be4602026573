// A world's configuration, looked through once: every name found, every coupling resolved to numbers. Internal to range/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exercise/range/world.h"

namespace bongsu::exercise {

inline constexpr std::uint32_t kNothing = UINT32_MAX;
inline constexpr std::size_t kMaxThingNameBytes = 128, kMaxThings = 2'000'000, kMaxServices = 10'000, kMaxDisasters = 1'000, kMaxTrack = 1'000;

struct Breaker {
  std::uint32_t branch = 0, substation = 0;
  int end = 0;  // 0: where the branch begins
};

// What dispatches a generator.
struct ControlPath {
  enum class Kind : std::uint8_t { kOnSite, kCircuit, kTerminal };
  Kind kind = Kind::kOnSite;
  std::uint32_t at = 0;
};

struct WorldSetup {
  WorldConfig config;
  std::vector<rail::Train> trains;
  std::vector<Thing> things;  // by name
  std::vector<Breaker> breakers;
  std::vector<std::uint32_t> breaker_at[2];                   // by branch: at its two ends
  std::vector<std::vector<std::uint32_t>> buses_of;           // by substation
  std::vector<std::uint32_t> circuit_of;                      // by substation; kNothing
  std::vector<ControlPath> control_of;                        // by generator
  std::vector<std::uint32_t> node_bus, traction_bus, signal_bus, segment_circuit;  // by node, segment, station, segment; kNothing
  std::vector<std::uint32_t> part_of;                         // by bus: what hangs together when all branches are in
  std::uint32_t parts = 0;
  std::vector<std::vector<Thing>> members;                    // by service

  static Result<WorldSetup> of(WorldConfig config);
  const Thing* find(std::string_view name) const;
  const Thing* find(ThingKind kind, std::string_view name) const;
  const std::string& name(ThingKind kind, std::uint32_t index) const { return names_[static_cast<std::size_t>(kind)][index]; }

 private:
  Result<void> name_things();
  Result<void> couple();
  Result<void> resolve_services();
  void add(ThingKind kind, std::string name, Position at);
  std::vector<std::vector<std::string>> names_;  // by kind
};

}  // namespace bongsu::exercise
