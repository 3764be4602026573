#include "exercise/range/power/slow_grid_test_support.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "exercise/range/power/slow_flow_test_support.h"

namespace bongsu::exercise::power {

SlowGrid::SlowGrid(const Network& network, const GridSettings& settings) : n_(network), s_(settings) {
  const std::size_t buses = n_.buses.size();
  part_.assign(buses, 1);
  group_.assign(buses, 0);
  hz.assign(buses, 50);
  stage_.assign(buses, 0);
  below_.assign(buses, std::vector<double>(s_.shedding.size(), 0));
  outside_.assign(buses, 0);
  served.assign(buses, 0);
  total_.assign(n_.branches.size(), 0);
  machine_hz_.assign(n_.generators.size(), 50);
  // Set-points: what the case gives, and at the first generator of a reference bus what is missing.
  const auto flow = slow_dc(n_);
  for (std::size_t i = 0; i < buses; ++i)
    if (!flow || flow->magnitude_pu[i] == 0) group_[i] = -1;
  double sum = 0;
  int first = -1;
  for (std::size_t g = 0; g < n_.generators.size(); ++g) {
    const Generator& one = n_.generators[g];
    turbine_.push_back(one.on ? one.p_mw : 0);
    sum += turbine_.back();
    if (one.on && first < 0 && n_.buses[one.bus].kind == BusKind::kReference) first = static_cast<int>(g);
  }
  double load = 0;
  for (const Bus& b : n_.buses) load += b.load_mw + b.shunt_mw;
  turbine_[first] += load - sum;
  for (std::size_t g = 0; g < turbine_.size(); ++g) {
    n_.generators[g].p_max_mw = std::max(n_.generators[g].p_max_mw, turbine_[g]);
    n_.generators[g].p_min_mw = std::min(n_.generators[g].p_min_mw, turbine_[g]);
  }
  setpoint_ = turbine_;
  settle();
}

void SlowGrid::open(std::uint32_t branch) {
  n_.branches[branch].on = false;
  total_[branch] = 0;
  settle();
}

void SlowGrid::trip(std::uint32_t generator) {
  n_.generators[generator].on = false;
  turbine_[generator] = 0;
  settle();
}

void SlowGrid::settle() {
  const std::size_t buses = n_.buses.size();
  const std::vector<int> was = group_;
  const std::vector<int> stage = stage_;
  const auto below = below_;
  const auto outside = outside_;
  for (bool stopped = true; stopped;) {
    stopped = false;
    std::ranges::fill(group_, -1);
    int next = 0;
    for (std::size_t first = 0; first < buses; ++first) {
      if (group_[first] != -1) continue;
      std::vector<std::size_t> here{first};
      group_[first] = next;
      for (std::size_t k = 0; k < here.size(); ++k)
        for (const Branch& b : n_.branches) {
          if (!b.on) continue;
          for (const auto& [x, y] : {std::pair{b.from, b.to}, std::pair{b.to, b.from}})
            if (x == here[k] && group_[y] == -1) {
              group_[y] = next;
              here.push_back(y);
            }
        }
      std::ranges::sort(here);
      bool held = false, live = false;
      for (const Generator& g : n_.generators)
        held = held || (g.on && group_[g.bus] == next && n_.buses[g.bus].kind != BusKind::kLoad);
      std::size_t of = first;
      for (const std::size_t i : here)
        if (was[i] >= 0 && !live) {
          live = true;
          of = i;
        }
      for (const std::size_t i : here) {
        if (!held || !live) group_[i] = -2;
        else {
          stage_[i] = stage[of];
          below_[i] = below[of];
          outside_[i] = outside[of];
        }
      }
      ++next;
    }
    for (std::size_t g = 0; g < n_.generators.size(); ++g)
      if (n_.generators[g].on && group_[n_.generators[g].bus] < 0) {
        n_.generators[g].on = false;
        turbine_[g] = 0;
        stopped = true;
      }
  }
  for (std::size_t i = 0; i < buses; ++i)
    if (group_[i] < 0) {
      group_[i] = -1;
      part_[i] = 0;
    }
  // One speed for each island: energies add up.
  for (std::size_t i = 0; i < buses; ++i) {
    double inertia = 0, energy = 0;
    for (std::size_t g = 0; g < n_.generators.size(); ++g) {
      if (!n_.generators[g].on || group_[i] < 0 || group_[n_.generators[g].bus] != group_[i]) continue;
      inertia += s_.inertia_s * n_.generators[g].p_max_mw;
      energy += s_.inertia_s * n_.generators[g].p_max_mw * std::pow(machine_hz_[g] / 50, 2);
    }
    hz[i] = group_[i] < 0 ? 0 : 50 * std::sqrt(energy / inertia);
  }
  // The flow of now: output by turbines, the rest by inertia.
  Network now = n_;
  for (std::size_t i = 0; i < buses; ++i) {
    const double factor = group_[i] < 0 ? 0 : part_[i] * (1 + s_.load_damping * (hz[i] / 50 - 1));
    served[i] = n_.buses[i].load_mw * factor;
    now.buses[i].load_mw = served[i];
    if (group_[i] < 0) now.buses[i].shunt_mw = 0;
  }
  for (std::size_t g = 0; g < now.generators.size(); ++g) {
    if (!now.generators[g].on) continue;
    double missing = 0, inertia = 0;
    for (std::size_t i = 0; i < buses; ++i)
      if (group_[i] == group_[now.generators[g].bus]) missing += served[i] + now.buses[i].shunt_mw;
    for (std::size_t o = 0; o < now.generators.size(); ++o)
      if (now.generators[o].on && group_[now.generators[o].bus] == group_[now.generators[g].bus]) {
        missing -= turbine_[o];
        inertia += now.generators[o].p_max_mw;
      }
    now.generators[g].p_mw = turbine_[g] + missing * now.generators[g].p_max_mw / inertia;
  }
  const auto flow = slow_dc(now);
  flow_.assign(n_.branches.size(), 0);
  for (std::size_t k = 0; k < flow_.size(); ++k) {
    const Branch& b = n_.branches[k];
    if (!b.on || group_[b.from] < 0 || !flow) continue;
    flow_[k] = (flow->angle_rad[b.from] - flow->angle_rad[b.to] - b.shift_deg * std::numbers::pi / 180) /
               (b.x_pu * (b.ratio == 0 ? 1 : b.ratio)) * n_.base_mva;
  }
}

void SlowGrid::advance(double seconds) {
  settle();
  const int slices = static_cast<int>(std::lround(seconds * 10));
  for (int slice = 0; slice < slices; ++slice) {
    const double h = 0.1;
    now_ += h;
    bool acted = false;
    std::vector<int> seen;
    for (std::size_t first = 0; first < n_.buses.size(); ++first) {
      const int group = group_[first];
      if (group < 0 || std::ranges::find(seen, group) != seen.end()) continue;
      seen.push_back(group);
      double load = 0, shunts = 0, turbines = 0, inertia = 0, demand = 0, connected = 0;
      for (std::size_t i = 0; i < n_.buses.size(); ++i) {
        if (group_[i] != group) continue;
        load += n_.buses[i].load_mw * part_[i] * (1 + s_.load_damping * (hz[first] / 50 - 1));
        connected += n_.buses[i].load_mw * part_[i];
        shunts += n_.buses[i].shunt_mw;
        demand += n_.buses[i].load_mw;
      }
      std::vector<std::size_t> machines;
      for (std::size_t g = 0; g < n_.generators.size(); ++g)
        if (n_.generators[g].on && group_[n_.generators[g].bus] == group) {
          machines.push_back(g);
          turbines += turbine_[g];
          inertia += s_.inertia_s * n_.generators[g].p_max_mw;
        }
      const double energy = inertia * std::pow(hz[first] / 50, 2) + (turbines - load - shunts) * h;
      const double f = 50 * std::sqrt(std::max(0.0, energy) / inertia);
      for (std::size_t i = 0; i < n_.buses.size(); ++i)
        if (group_[i] == group) hz[i] = f;
      for (const std::size_t g : machines) {
        machine_hz_[g] = f;
        const Generator& one = n_.generators[g];
        const double aim = std::min(one.p_max_mw, std::max(std::min(0.0, one.p_min_mw), setpoint_[g] - one.p_max_mw * (f / 50 - 1) / s_.droop));
        turbine_[g] += (aim - turbine_[g]) * (1 - std::exp(-h / s_.governor_s));
      }
      // Shedding: at most one stage in a slice, in order.
      bool shed = false;
      std::vector<double> below = below_[first];
      const int stage = stage_[first];
      for (std::size_t k = 0; k < s_.shedding.size(); ++k) {
        below[k] = f < s_.shedding[k].below_hz ? below[k] + h : 0;
        if (static_cast<int>(k) == stage && below[k] >= s_.shedding[k].delay_s) {
          shed = true;
          break;
        }
      }
      double outside = outside_[first];
      if (!shed) outside = f < s_.under_hz || f > s_.over_hz ? outside + h : 0;
      for (std::size_t i = 0; i < n_.buses.size(); ++i) {
        if (group_[i] != group) continue;
        below_[i] = below;
        outside_[i] = outside;
        if (shed) {
          stage_[i] = stage + 1;
          if (connected > 0) part_[i] *= std::max(0.0, 1 - s_.shedding[static_cast<std::size_t>(stage)].part * demand / connected);
        }
      }
      if (shed) {
        trips.push_back({now_, 's', static_cast<std::uint32_t>(first)});
        acted = true;
      } else if (outside >= s_.generator_delay_s) {
        std::size_t largest = machines.front();
        for (const std::size_t g : machines)
          if (turbine_[g] > turbine_[largest]) largest = g;
        for (const std::size_t g : machines) {
          if (f > s_.over_hz && g != largest) continue;
          n_.generators[g].on = false;
          turbine_[g] = 0;
          trips.push_back({now_, 'g', static_cast<std::uint32_t>(g)});
        }
        for (std::size_t i = 0; i < n_.buses.size(); ++i)
          if (group_[i] == group) outside_[i] = 0;
        acted = true;
      }
    }
    for (std::size_t k = 0; k < n_.branches.size(); ++k) {
      const double multiple = n_.branches[k].rating_mva > 0 ? std::abs(flow_[k]) / n_.branches[k].rating_mva / s_.pickup : 0;
      total_[k] = multiple > 1 ? total_[k] + h / (13.5 * s_.time_multiplier / (multiple - 1)) : std::max(0.0, total_[k] - h / 10);
      if (total_[k] < 1 || !n_.branches[k].on) continue;
      n_.branches[k].on = false;
      total_[k] = 0;
      trips.push_back({now_, 'b', static_cast<std::uint32_t>(k)});
      acted = true;
    }
    if (acted) settle();
  }
  settle();
}

}  // namespace bongsu::exercise::power
