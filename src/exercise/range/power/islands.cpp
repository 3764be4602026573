#include "exercise/range/power/islands.h"

#include <algorithm>
#include <numbers>
#include <numeric>

namespace bongsu::exercise::power {

bool in_service(const Network& network, const Branch& branch) {
  return branch.on && network.buses[branch.from].kind != BusKind::kIsolated && network.buses[branch.to].kind != BusKind::kIsolated;
}

bool in_service(const Network& network, const Generator& generator) {
  return generator.on && network.buses[generator.bus].kind != BusKind::kIsolated;
}

Admittance admittance_of(const Branch& branch) {
  using Complex = std::complex<double>;
  const Complex series = 1.0 / Complex(branch.r_pu, branch.x_pu);
  const Complex charging(0, branch.charging_pu / 2);
  const Complex tap = std::polar(branch.ratio == 0 ? 1.0 : branch.ratio, branch.shift_deg * std::numbers::pi / 180);
  Admittance y;
  y.tt = series + charging;
  y.ff = y.tt / std::norm(tap);
  y.ft = -series / std::conj(tap);
  y.tf = -series / tap;
  return y;
}

std::vector<char> generating(const Network& network) {
  std::vector<char> at(network.buses.size(), 0);
  for (const Generator& g : network.generators)
    if (in_service(network, g)) at[g.bus] = 1;
  return at;
}

IslandResult begun(const Network& network, const Island& island) {
  IslandResult r;
  r.buses = island.buses.size();
  r.chosen = island.chosen;
  for (const std::uint32_t bus : island.references) r.references.push_back(network.buses[bus].number);
  if (island.references.empty()) {
    r.outcome = Outcome::kDark;
    r.reason = island.generation ? "no generator here regulates voltage (all stand at load buses)"
                                 : "no generator is in service";
  }
  return r;
}

std::vector<Island> find_islands(const Network& network) {
  const std::size_t count = network.buses.size();
  std::vector<std::uint32_t> parent(count);
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root = [&parent](std::uint32_t bus) {
    while (parent[bus] != bus) bus = parent[bus] = parent[parent[bus]];
    return bus;
  };
  for (const Branch& branch : network.branches) {
    if (!in_service(network, branch)) continue;
    const std::uint32_t a = root(branch.from), b = root(branch.to);
    parent[std::max(a, b)] = std::min(a, b);
  }
  const std::vector<char> generator = generating(network);
  std::vector<Island> islands;
  std::vector<std::uint32_t> position(count, UINT32_MAX), first_voltage;
  for (std::uint32_t bus = 0; bus < count; ++bus) {
    const Bus& b = network.buses[bus];
    if (b.kind == BusKind::kIsolated) continue;
    std::uint32_t& at = position[root(bus)];
    if (at == UINT32_MAX) {
      at = static_cast<std::uint32_t>(islands.size());
      islands.emplace_back();
      first_voltage.push_back(UINT32_MAX);
    }
    Island& island = islands[at];
    island.buses.push_back(bus);
    if (generator[bus] == 0) continue;
    island.generation = true;
    if (b.kind == BusKind::kReference) island.references.push_back(bus);
    if (b.kind == BusKind::kVoltage && first_voltage[at] == UINT32_MAX) first_voltage[at] = bus;
  }
  for (std::size_t at = 0; at < islands.size(); ++at) {
    if (!islands[at].references.empty() || first_voltage[at] == UINT32_MAX) continue;
    islands[at].references.push_back(first_voltage[at]);
    islands[at].chosen = true;
  }
  std::ranges::sort(islands, [](const Island& a, const Island& b) {
    return a.buses.size() != b.buses.size() ? a.buses.size() > b.buses.size() : a.buses.front() < b.buses.front();
  });
  return islands;
}

std::vector<BusKind> roles_of(const Network& network, const std::vector<Island>& islands) {
  const std::vector<char> generator = generating(network);
  std::vector<BusKind> roles(network.buses.size());
  for (std::size_t bus = 0; bus < roles.size(); ++bus) {
    const BusKind kind = network.buses[bus].kind;
    if (kind == BusKind::kIsolated) roles[bus] = kind;
    else roles[bus] = kind == BusKind::kVoltage && generator[bus] != 0 ? BusKind::kVoltage : BusKind::kLoad;
  }
  for (const Island& island : islands)
    for (const std::uint32_t bus : island.references) roles[bus] = BusKind::kReference;
  return roles;
}

}  // namespace bongsu::exercise::power
