#include "exercise/range/power/slow_flow_test_support.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <set>

#include "base/random.h"

namespace bongsu::exercise::power {
namespace {

using Complex = std::complex<double>;
constexpr double kDegree = std::numbers::pi / 180;

std::optional<std::vector<double>> eliminate(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t best = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[best][k])) best = i;
    if (a[best][k] == 0) return std::nullopt;
    std::swap(a[k], a[best]);
    std::swap(b[k], b[best]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      if (factor == 0) continue;
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

struct World {
  const Network& n;
  std::vector<int> reach;        // number of the island
  std::vector<char> held, refer; // magnitude, angle given
  std::vector<char> live;

  explicit World(const Network& network) : n(network), reach(n.buses.size(), -1), held(n.buses.size()), refer(n.buses.size()), live(n.buses.size()) {
    std::vector<double> any(n.buses.size(), 0);
    for (const Generator& g : n.generators)
      if (g.on) any[g.bus] = 1;
    int next = 0;
    for (std::size_t first = 0; first < n.buses.size(); ++first) {
      if (reach[first] >= 0 || n.buses[first].kind == BusKind::kIsolated) continue;
      std::vector<std::size_t> members{first};
      reach[first] = next;
      for (std::size_t k = 0; k < members.size(); ++k)
        for (const Branch& b : n.branches) {
          if (!on(b)) continue;
          for (const auto& [here, there] : {std::pair{b.from, b.to}, std::pair{b.to, b.from}})
            if (here == members[k] && reach[there] < 0) {
              reach[there] = next;
              members.push_back(there);
            }
        }
      std::ranges::sort(members);
      bool reference = false;
      for (const std::size_t i : members) {
        held[i] = any[i] != 0 && n.buses[i].kind != BusKind::kLoad;
        refer[i] = held[i] && n.buses[i].kind == BusKind::kReference;
        reference = reference || refer[i];
      }
      for (const std::size_t i : members)
        if (!reference && held[i]) refer[i] = reference = true;
      for (const std::size_t i : members) live[i] = reference;
      ++next;
    }
  }
  bool on(const Branch& b) const {
    return b.on && n.buses[b.from].kind != BusKind::kIsolated && n.buses[b.to].kind != BusKind::kIsolated;
  }
};

// Power that leaves each bus into branches and shunts, pu.
std::vector<Complex> outflow(const World& w, const std::vector<double>& magnitude, const std::vector<double>& angle) {
  const Network& n = w.n;
  std::vector<Complex> out(n.buses.size());
  const auto volt = [&](std::size_t i) { return Complex(magnitude[i] * std::cos(angle[i]), magnitude[i] * std::sin(angle[i])); };
  for (const Branch& b : n.branches) {
    if (!w.on(b)) continue;
    const double ratio = b.ratio == 0 ? 1 : b.ratio;
    const Complex turn = ratio * Complex(std::cos(b.shift_deg * kDegree), std::sin(b.shift_deg * kDegree));
    const Complex inside = volt(b.from) / turn, far = volt(b.to);
    const Complex through = (inside - far) / Complex(b.r_pu, b.x_pu);
    const Complex half(0, b.charging_pu / 2);
    // An ideal transformer passes power on unchanged.
    out[b.from] += inside * std::conj(through + half * inside);
    out[b.to] += far * std::conj(-through + half * far);
  }
  for (std::size_t i = 0; i < n.buses.size(); ++i)
    out[i] += magnitude[i] * magnitude[i] * Complex(n.buses[i].shunt_mw, -n.buses[i].shunt_mvar) / n.base_mva;
  return out;
}

}  // namespace

std::optional<SlowFlow> slow_ac(const Network& n) {
  const World w(n);
  const std::size_t count = n.buses.size();
  SlowFlow flow{std::vector<double>(count), std::vector<double>(count)};
  std::vector<Complex> given(count);
  for (std::size_t i = 0; i < count; ++i) {
    given[i] = -Complex(n.buses[i].load_mw, n.buses[i].load_mvar) / n.base_mva;
    if (!w.live[i]) continue;
    flow.magnitude_pu[i] = n.buses[i].magnitude_pu;
    flow.angle_rad[i] = n.buses[i].angle_deg * kDegree;
  }
  for (const Generator& g : n.generators) {
    if (!g.on) continue;
    given[g.bus] += Complex(g.p_mw, g.q_mvar) / n.base_mva;
    if (w.live[g.bus] && w.held[g.bus]) flow.magnitude_pu[g.bus] = g.setpoint_pu;
  }
  std::vector<double*> unknowns;
  for (std::size_t i = 0; i < count; ++i) {
    if (w.live[i] && !w.refer[i]) unknowns.push_back(&flow.angle_rad[i]);
    if (w.live[i] && !w.held[i]) unknowns.push_back(&flow.magnitude_pu[i]);
  }
  const auto left = [&] {
    const auto out = outflow(w, flow.magnitude_pu, flow.angle_rad);
    std::vector<double> f;
    for (std::size_t i = 0; i < count; ++i) {
      if (w.live[i] && !w.refer[i]) f.push_back(given[i].real() - out[i].real());
      if (w.live[i] && !w.held[i]) f.push_back(given[i].imag() - out[i].imag());
    }
    return f;
  };
  for (int round = 0; round < 60; ++round) {
    const auto f = left();
    double worst = 0;
    for (const double x : f) worst = std::max(worst, std::abs(x));
    if (!(worst < 1e6)) return std::nullopt;
    if (worst < 1e-11) return flow;
    std::vector<std::vector<double>> jacobian(f.size(), std::vector<double>(f.size()));
    for (std::size_t k = 0; k < unknowns.size(); ++k) {
      const double before = *unknowns[k], h = 1e-6;
      *unknowns[k] = before + h;
      const auto up = left();
      *unknowns[k] = before - h;
      const auto down = left();
      *unknowns[k] = before;
      for (std::size_t i = 0; i < f.size(); ++i) jacobian[i][k] = (up[i] - down[i]) / (2 * h);
    }
    const auto change = eliminate(std::move(jacobian), f);
    if (!change) return std::nullopt;
    for (std::size_t k = 0; k < unknowns.size(); ++k) *unknowns[k] -= (*change)[k];
  }
  return std::nullopt;
}

std::optional<SlowFlow> slow_dc(const Network& n) {
  const World w(n);
  const std::size_t count = n.buses.size();
  SlowFlow flow{std::vector<double>(count), std::vector<double>(count)};
  std::vector<std::vector<double>> a(count, std::vector<double>(count));
  std::vector<double> b(count);
  for (std::size_t i = 0; i < count; ++i) b[i] = -(n.buses[i].load_mw + n.buses[i].shunt_mw) / n.base_mva;
  for (const Generator& g : n.generators)
    if (g.on) b[g.bus] += g.p_mw / n.base_mva;
  for (const Branch& branch : n.branches) {
    if (!w.on(branch)) continue;
    const double s = 1 / (branch.x_pu * (branch.ratio == 0 ? 1 : branch.ratio)), shift = branch.shift_deg * kDegree;
    a[branch.from][branch.from] += s;
    a[branch.to][branch.to] += s;
    a[branch.from][branch.to] -= s;
    a[branch.to][branch.from] -= s;
    b[branch.from] += s * shift;
    b[branch.to] -= s * shift;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (w.live[i] && !w.refer[i]) continue;
    std::ranges::fill(a[i], 0.0);
    a[i][i] = 1;
    b[i] = w.live[i] ? n.buses[i].angle_deg * kDegree : 0;
  }
  const auto x = eliminate(std::move(a), std::move(b));
  if (!x) return std::nullopt;
  flow.angle_rad = *x;
  for (std::size_t i = 0; i < count; ++i) flow.magnitude_pu[i] = w.live[i] ? 1 : 0;
  return flow;
}

Network random_network(std::uint64_t seed, int buses) {
  SeededRandom random(seed * 7919 + 11);
  const auto real = [&](double low, double high) { return low + (high - low) * static_cast<double>(random.below(1'000'001)) / 1e6; };
  const auto below = [&](int bound) { return static_cast<std::uint32_t>(random.below(static_cast<std::uint64_t>(bound))); };
  Network n;
  n.name = "random";
  double load = 0;
  for (int i = 0; i < buses; ++i) {
    Bus b;
    b.number = 100 + 3 * i;
    b.base_kv = 110;
    if (random.below(4) != 0) {
      b.load_mw = real(1, 30);
      b.load_mvar = real(-2, 10);
    }
    if (random.below(6) == 0) b.shunt_mvar = real(-5, 15);
    if (random.below(8) == 0) b.shunt_mw = real(0, 1);
    load += b.load_mw;
    n.buses.push_back(b);
  }
  const auto branch = [&](std::uint32_t from, std::uint32_t to) {
    Branch b{.from = from, .to = to, .r_pu = real(0.001, 0.02), .x_pu = real(0.02, 0.12)};
    if (random.below(5) == 0) {
      b.ratio = real(0.95, 1.05);
      if (random.below(3) == 0) b.shift_deg = real(-4, 4);
    } else {
      b.charging_pu = real(0, 0.08);
    }
    b.rating_mva = real(40, 200);
    b.on = random.below(15) != 0;
    n.branches.push_back(b);
  };
  for (int i = 1; i < buses; ++i) {
    branch(below(i), static_cast<std::uint32_t>(i));
    n.branches.back().on = true;
  }
  for (int k = 0; k < buses * 2 / 3; ++k) {
    const std::uint32_t a = below(buses), b = below(buses);
    if (a != b) branch(a, b);
  }
  const int plants = std::max(1, buses / 4);
  for (int k = 0; k < plants; ++k) {
    const std::uint32_t at = k == 0 ? 0 : below(buses);
    n.buses[at].kind = k == 0 ? BusKind::kReference : n.buses[at].kind == BusKind::kReference ? BusKind::kReference : BusKind::kVoltage;
    const double share = load / plants * real(0.7, 1.2);
    n.generators.push_back({.bus = at, .p_mw = share, .q_max_mvar = real(10, 80), .q_min_mvar = real(-50, -5),
                            .setpoint_pu = real(0.99, 1.04), .on = k == 0 || random.below(10) != 0,
                            .p_max_mw = share * 1.6 + 10, .p_min_mw = 0});
  }
  return n;
}

}  // namespace bongsu::exercise::power
