// Tarjan's bridges (1974), without recursion, with what lies on the far side of each.
#include <algorithm>

#include "exercise/range/power/contingency.h"
#include "exercise/range/power/islands.h"

namespace bongsu::exercise::power {
namespace {

struct Sums {
  double load = 0, generation = 0, capacity = 0;
  std::size_t references = 0, holders = 0;
  Sums minus(const Sums& o) const {
    return {load - o.load, generation - o.generation, capacity - o.capacity, references - o.references, holders - o.holders};
  }
};

}  // namespace

std::vector<std::uint32_t> Bridges::cut_buses(const Bridge& bridge) const {
  std::vector<std::uint32_t> buses;
  if (bridge.both_live) return buses;
  if (!bridge.complement) {
    buses.assign(order.begin() + bridge.first, order.begin() + bridge.last);
  } else {
    for (std::uint32_t k = island_first[bridge.first]; k < island_last[bridge.first]; ++k)
      if (k < bridge.first || k >= bridge.last) buses.push_back(order[k]);
  }
  return buses;
}

Bridges find_bridges(const Network& network, const std::vector<BusKind>& roles, const std::vector<double>& generator_mw) {
  const std::size_t count = network.buses.size();
  std::vector<std::uint32_t> start(count + 1, 0), edges;
  for (const Branch& b : network.branches) {
    if (!in_service(network, b)) continue;
    ++start[b.from + 1];
    ++start[b.to + 1];
  }
  for (std::size_t i = 0; i < count; ++i) start[i + 1] += start[i];
  edges.resize(start[count]);
  std::vector<std::uint32_t> next(start.begin(), start.end() - 1);
  for (std::uint32_t k = 0; k < network.branches.size(); ++k) {
    const Branch& b = network.branches[k];
    if (!in_service(network, b)) continue;
    edges[next[b.from]++] = k;
    edges[next[b.to]++] = k;
  }
  Bridges found;
  constexpr std::uint32_t kNone = UINT32_MAX;
  std::vector<std::uint32_t> entered(count, kNone), low(count, 0), by(count, kNone);
  next.assign(start.begin(), start.end() - 1);
  struct Part {
    std::uint32_t branch, child, first, last, island_first, island_last;
  };
  std::vector<Part> parts;
  std::vector<std::uint32_t> path;
  for (std::uint32_t root = 0; root < count; ++root) {
    if (entered[root] != kNone || network.buses[root].kind == BusKind::kIsolated) continue;
    const auto island_first = static_cast<std::uint32_t>(found.order.size());
    const std::size_t first_part = parts.size();
    path.assign(1, root);
    entered[root] = low[root] = island_first;
    found.order.push_back(root);
    while (!path.empty()) {
      const std::uint32_t here = path.back();
      if (next[here] < start[here + 1]) {
        const std::uint32_t k = edges[next[here]++];
        if (k == by[here]) continue;  // a parallel branch is another one, and counts
        const std::uint32_t there = network.branches[k].from == here ? network.branches[k].to : network.branches[k].from;
        if (entered[there] == kNone) {
          by[there] = k;
          entered[there] = low[there] = static_cast<std::uint32_t>(found.order.size());
          found.order.push_back(there);
          path.push_back(there);
        } else {
          low[here] = std::min(low[here], entered[there]);
        }
        continue;
      }
      path.pop_back();
      if (path.empty()) break;
      low[path.back()] = std::min(low[path.back()], low[here]);
      if (low[here] == entered[here])
        parts.push_back({by[here], here, entered[here], static_cast<std::uint32_t>(found.order.size()), island_first, 0});
    }
    const auto island_last = static_cast<std::uint32_t>(found.order.size());
    for (std::size_t k = first_part; k < parts.size(); ++k) parts[k].island_last = island_last;
    found.island_first.resize(island_last, island_first);
    found.island_last.resize(island_last, island_last);
  }
  // Sums along the search's order: a side is an interval of it, or the rest of its island.
  std::vector<Sums> of_bus(count), before(found.order.size() + 1);
  for (std::size_t i = 0; i < count; ++i) {
    of_bus[i].load = network.buses[i].load_mw;
    of_bus[i].references = roles[i] == BusKind::kReference;
    of_bus[i].holders = roles[i] == BusKind::kReference || roles[i] == BusKind::kVoltage;
  }
  for (std::size_t g = 0; g < network.generators.size(); ++g) {
    const Generator& one = network.generators[g];
    if (!in_service(network, one)) continue;
    of_bus[one.bus].generation += generator_mw[g];
    of_bus[one.bus].capacity += one.p_max_mw;
  }
  for (std::size_t k = 0; k < found.order.size(); ++k) {
    const Sums& a = before[k];
    const Sums& b = of_bus[found.order[k]];
    before[k + 1] = {a.load + b.load, a.generation + b.generation, a.capacity + b.capacity, a.references + b.references, a.holders + b.holders};
  }
  for (const Part& part : parts) {
    const Sums far = before[part.last].minus(before[part.first]),
               near = before[part.island_last].minus(before[part.island_first]).minus(far);
    if (far.references + near.references == 0) continue;  // dark anyhow
    Bridge bridge{.branch = part.branch, .first = part.first, .last = part.last};
    bridge.both_live = far.references > 0 && near.references > 0;
    bridge.complement = near.references == 0;
    const Sums& cut = bridge.complement ? near : far;
    const Sums& stays = bridge.complement ? far : near;
    const bool child_is_from = network.branches[part.branch].from == part.child;
    bridge.from_side = child_is_from != bridge.complement;
    const std::size_t far_buses = part.last - part.first;
    if (!bridge.both_live)
      bridge.cut = {.buses = bridge.complement ? part.island_last - part.island_first - far_buses : far_buses, .load_mw = cut.load,
                    .generation_mw = cut.generation, .capacity_mw = cut.capacity,
                    .can_hold = cut.holders > 0 && cut.capacity >= cut.load};
    bridge.larger_side = !bridge.both_live && cut.holders > 0 && cut.load > stays.load;
    found.all.push_back(bridge);
  }
  std::ranges::sort(found.all, {}, &Bridge::branch);
  return found;
}

}  // namespace bongsu::exercise::power
