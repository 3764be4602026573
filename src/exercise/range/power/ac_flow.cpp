#include "exercise/range/power/ac_flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "exercise/range/power/ac_system.h"
#include "exercise/range/power/dc_flow.h"
#include "exercise/range/power/islands.h"
#include "exercise/range/power/sparse_lu.h"

namespace bongsu::exercise::power {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSolved: return "solved";
    case Outcome::kDark: return "dark";
    case Outcome::kInfeasible: return "infeasible";
    case Outcome::kDiverged: return "diverged";
  }
  return "";
}

bool FlowResult::solved() const {
  bool any = false;
  for (const IslandResult& island : islands) {
    if (island.outcome == Outcome::kDark) continue;
    if (island.outcome != Outcome::kSolved) return false;
    any = true;
  }
  return any;
}

std::vector<BranchFlow> branch_flows(const Network& network, const std::vector<double>& magnitude_pu, const std::vector<double>& angle_rad) {
  std::vector<BranchFlow> flows(network.branches.size());
  for (std::size_t k = 0; k < flows.size(); ++k) {
    const Branch& branch = network.branches[k];
    if (!in_service(network, branch)) continue;
    const Admittance y = admittance_of(branch);
    const auto from = std::polar(magnitude_pu[branch.from], angle_rad[branch.from]),
               to = std::polar(magnitude_pu[branch.to], angle_rad[branch.to]);
    const auto s_from = from * std::conj(y.ff * from + y.ft * to) * network.base_mva,
               s_to = to * std::conj(y.tf * from + y.tt * to) * network.base_mva;
    flows[k] = {s_from.real(), s_from.imag(), s_to.real(), s_to.imag()};
  }
  return flows;
}

void start_from(Network& network, const FlowResult& solution) {
  for (std::size_t i = 0; i < network.buses.size(); ++i) {
    if (!(solution.magnitude_pu[i] > 0)) continue;
    network.buses[i].magnitude_pu = solution.magnitude_pu[i];
    network.buses[i].angle_deg = solution.angle_rad[i] * 180 / std::numbers::pi;
  }
}

namespace {

constexpr double kLeastStep = 1.0 / 4096;
constexpr double kLimitTolerance_mvar = 5e-6;  // MATPOWER's opf.violation, in MVAr as runpf compares
constexpr double kStuck = 1e-3;                // of the squares: less progress than this, ten times, is none

struct Attempt {
  bool solved = false, stuck = false, singular = false;
  int iterations = 0;
  Mismatch left;
};

// Newton's direction from where the system stands; false: its Jacobian is singular there.
bool direction(AcSystem& system, SparseLu& lu, std::vector<double>& change) {
  system.fill_jacobian();
  if (!lu.refactor(system.jacobian())) return false;
  std::ranges::copy(system.residual(), change.begin());
  lu.solve(change);
  return true;
}

Attempt newton(AcSystem& system, SparseLu& lu, const AcOptions& options) {
  Attempt a;
  std::vector<double> change(static_cast<std::size_t>(system.unknowns()));
  a.left = system.mismatch();
  while (a.left.largest_pu > options.tolerance_pu) {
    if (a.iterations >= options.max_iterations || !std::isfinite(a.left.squares)) return a;
    if (!direction(system, lu, change)) {
      a.singular = true;
      return a;
    }
    system.step(change);
    ++a.iterations;
    a.left = system.mismatch();
  }
  // Magnitudes below 0 solve the equations and mean nothing.
  a.solved = std::ranges::all_of(system.magnitude(), [](double v) { return v > 0; });
  return a;
}

// Newton's direction, as far along it as brings the equations nearer to balance.
Attempt damped(AcSystem& system, SparseLu& lu, const AcOptions& options) {
  Attempt a;
  std::vector<double> change(static_cast<std::size_t>(system.unknowns()));
  std::vector<double> magnitude, angle;
  a.left = system.mismatch();
  int slow = 0;
  while (a.left.largest_pu > options.tolerance_pu) {
    if (a.iterations >= options.damped_iterations || !std::isfinite(a.left.squares)) return a;
    if (!direction(system, lu, change)) {
      a.singular = a.stuck = true;
      return a;
    }
    magnitude.assign(system.magnitude().begin(), system.magnitude().end());
    angle.assign(system.angle().begin(), system.angle().end());
    const Mismatch before = a.left;
    double length = 1;
    while (true) {
      system.step(change, length);
      a.left = system.mismatch();
      const bool sound = std::ranges::all_of(system.magnitude(), [](double v) { return v > 0; });
      if (sound && a.left.squares < before.squares) break;
      system.start(magnitude, angle);
      length /= 2;
      if (length < kLeastStep) {
        a.left = system.mismatch();
        a.stuck = true;
        return a;
      }
    }
    ++a.iterations;
    slow = a.left.squares > (1 - kStuck) * before.squares && a.left.largest_pu > options.tolerance_pu * 1e3 ? slow + 1 : 0;
    if (slow >= 10) {
      a.stuck = true;
      return a;
    }
  }
  a.solved = true;
  return a;
}

class Solver {
 public:
  Solver(const Network& network, const AcOptions& options) : network_(network), options_(options) {
    result_.island_of.assign(network.buses.size(), -1);
    result_.magnitude_pu.assign(network.buses.size(), 0);
    result_.angle_rad.assign(network.buses.size(), 0);
    for (const Generator& g : network.generators) {
      p_.push_back(in_service(network, g) ? g.p_mw : 0);
      q_.push_back(in_service(network, g) ? g.q_mvar : 0);
    }
    fixed_.assign(network.generators.size(), 0);
  }

  FlowResult run() {
    islands_ = find_islands(network_);
    roles_ = roles_of(network_, islands_);
    generators_of_.resize(network_.buses.size());
    for (std::uint32_t g = 0; g < network_.generators.size(); ++g)
      if (in_service(network_, network_.generators[g])) generators_of_[network_.generators[g].bus].push_back(g);
    for (std::size_t k = 0; k < islands_.size(); ++k) {
      for (const std::uint32_t bus : islands_[k].buses) result_.island_of[bus] = static_cast<int>(k);
      result_.islands.push_back(island(islands_[k]));
    }
    result_.branches = branch_flows(network_, result_.magnitude_pu, result_.angle_rad);
    result_.generator_mw = std::move(p_);
    result_.generator_mvar = std::move(q_);
    balance();
    return std::move(result_);
  }

 private:
  IslandResult island(Island island) {
    IslandResult r = begun(network_, island);
    if (r.outcome == Outcome::kDark) {
      darken(island);
      return r;
    }
    const std::uint32_t first_reference = island.references.front();
    const double first_angle = first_reference_angle(first_reference);
    while (true) {
      if (!solve(island, r)) {
        darken(island);
        return r;
      }
      share(island);
      if (!options_.enforce_q_limits) break;
      const Limits limits = hold_limits(island, r);
      if (limits == Limits::kKept) break;
      if (limits == Limits::kInfeasible) {
        darken(island);
        return r;
      }
    }
    if (island.references.front() != first_reference) {
      const double turn = first_angle - result_.angle_rad[first_reference];
      for (const std::uint32_t bus : island.buses) result_.angle_rad[bus] += turn;
    }
    return r;
  }

  double first_reference_angle(std::uint32_t bus) const {
    return options_.start == Start::kFlat ? 0 : network_.buses[bus].angle_deg * std::numbers::pi / 180;
  }

  // From here on nothing of this island carries power.
  void darken(const Island& island) {
    for (const std::uint32_t bus : island.buses) {
      result_.magnitude_pu[bus] = result_.angle_rad[bus] = 0;
      for (const std::uint32_t g : generators_of_[bus]) p_[g] = q_[g] = 0;
    }
  }

  void start_of(const Island& island, std::vector<double>& magnitude, std::vector<double>& angle, bool flat) const {
    magnitude.clear();
    angle.clear();
    for (const std::uint32_t bus : island.buses) {
      const Bus& b = network_.buses[bus];
      magnitude.push_back(flat ? 1 : b.magnitude_pu);
      angle.push_back(flat && roles_[bus] != BusKind::kReference ? first_reference_angle(island.references.front())
                                                                 : options_.start == Start::kFlat ? 0 : b.angle_deg * std::numbers::pi / 180);
      if (roles_[bus] != BusKind::kLoad)
        for (const std::uint32_t g : generators_of_[bus])
          if (fixed_[g] == 0) magnitude.back() = network_.generators[g].setpoint_pu;
    }
  }

  bool solve(const Island& island, IslandResult& r) {
    AcSystem system(network_, island, roles_, {p_, q_});
    std::vector<double> magnitude, angle;
    start_of(island, magnitude, angle, options_.start == Start::kFlat);
    // A second round (reactive limits) goes on from the first.
    if (r.iterations > 0 && options_.enforce_q_limits)
      for (std::size_t i = 0; i < island.buses.size(); ++i) {
        if (roles_[island.buses[i]] == BusKind::kLoad) magnitude[i] = result_.magnitude_pu[island.buses[i]];
        angle[i] = result_.angle_rad[island.buses[i]];
      }
    system.start(magnitude, angle);
    SparseLu lu;
    if (system.unknowns() > 0) lu.analyse(system.starts(), system.rows());
    Attempt a = newton(system, lu, options_);
    r.iterations += a.iterations;
    if (!a.solved) {
      system.start(magnitude, angle);
      Attempt slow = damped(system, lu, options_);
      r.iterations += slow.iterations;
      if (!slow.solved && options_.second_start) {
        start_of(island, magnitude, angle, true);
        dc_angles(island, angle);
        system.start(magnitude, angle);
        Attempt flat = damped(system, lu, options_);
        r.iterations += flat.iterations;
        if (flat.solved || flat.left.largest_pu < slow.left.largest_pu) slow = flat;
      }
      a = slow;
    }
    r.mismatch_pu = a.left.largest_pu;
    r.worst_bus = a.left.bus < 0 ? 0 : network_.buses[island.buses[static_cast<std::size_t>(a.left.bus)]].number;
    if (!a.solved) {
      explain(island, a, r);
      return false;
    }
    for (std::size_t i = 0; i < island.buses.size(); ++i) {
      const std::uint32_t bus = island.buses[i];
      result_.magnitude_pu[bus] = system.magnitude()[i];
      // As an angle of a complex voltage: within ±π.
      result_.angle_rad[bus] = std::remainder(system.angle()[i], 2 * std::numbers::pi);
    }
    injected_p_.assign(system.p().begin(), system.p().end());
    injected_q_.assign(system.q().begin(), system.q().end());
    return true;
  }

  void dc_angles(const Island& island, std::vector<double>& angle) const {
    const auto dc = solve_dc(network_);
    if (!dc) return;
    for (std::size_t i = 0; i < island.buses.size(); ++i)
      if (std::isfinite(dc->angle_rad[island.buses[i]])) angle[i] = dc->angle_rad[island.buses[i]];
  }

  void explain(const Island& island, const Attempt& a, IslandResult& r) const {
    double load = 0, most = 0;
    for (const std::uint32_t bus : island.buses) {
      load += network_.buses[bus].load_mw;
      for (const std::uint32_t g : generators_of_[bus]) most += network_.generators[g].p_max_mw;
    }
    r.outcome = a.stuck ? Outcome::kInfeasible : Outcome::kDiverged;
    const std::string where = fmt::format("{:.4g} MVA are left unbalanced at bus {}", a.left.largest_pu * network_.base_mva, r.worst_bus);
    if (load > most) {
      r.outcome = Outcome::kInfeasible;
      r.reason = fmt::format("{:.1f} MW of load, but generators in service can give {:.1f} MW; {}", load, most, where);
    } else if (a.stuck) {
      r.reason = fmt::format("no operating point: nothing comes nearer to balance{}; {}",
                             a.singular ? " (the Jacobian is singular)" : "", where);
    } else {
      r.reason = fmt::format("no solution after {} iterations; {}", r.iterations, where);
    }
  }

  // What generators give at buses that hold their voltage: reactive power by ranges, and at a reference bus active
  // power by the first of its generators.
  void share(const Island& island) {
    for (std::size_t i = 0; i < island.buses.size(); ++i) {
      const std::uint32_t bus = island.buses[i];
      if (roles_[bus] == BusKind::kLoad) continue;
      std::vector<std::uint32_t> on;
      double fixed_p = 0, fixed_q = 0;
      for (const std::uint32_t g : generators_of_[bus]) {
        if (fixed_[g] == 0) {
          on.push_back(g);
        } else {
          fixed_p += p_[g];
          fixed_q += q_[g];
        }
      }
      if (on.empty()) continue;
      const double total = injected_q_[i] * network_.base_mva + network_.buses[bus].load_mvar - fixed_q;
      double least = 0, most = 0;
      for (const std::uint32_t g : on) {
        least += network_.generators[g].q_min_mvar;
        most += network_.generators[g].q_max_mvar;
      }
      for (const std::uint32_t g : on) {
        const Generator& one = network_.generators[g];
        // Without a finite range, by heads.
        q_[g] = on.size() == 1 || least == most || !std::isfinite(most - least)
                    ? total / static_cast<double>(on.size())
                    : one.q_min_mvar + (total - least) / (most - least) * (one.q_max_mvar - one.q_min_mvar);
      }
      if (roles_[bus] != BusKind::kReference) continue;
      double rest = injected_p_[i] * network_.base_mva + network_.buses[bus].load_mw - fixed_p;
      for (std::size_t k = 1; k < on.size(); ++k) rest -= p_[on[k]];
      p_[on.front()] = rest;
    }
  }

  enum class Limits { kKept, kChanged, kInfeasible };
  Limits hold_limits(Island& island, IslandResult& r) {
    std::vector<std::uint32_t> above, below;
    std::size_t remaining = 0, infeasible = 0;
    for (const std::uint32_t bus : island.buses) {
      for (const std::uint32_t g : generators_of_[bus]) {
        if (fixed_[g] != 0) continue;
        const bool high = q_[g] > network_.generators[g].q_max_mvar + kLimitTolerance_mvar,
                   low = q_[g] < network_.generators[g].q_min_mvar - kLimitTolerance_mvar;
        if (high) above.push_back(g);
        if (low) below.push_back(g);
        if (roles_[bus] != BusKind::kLoad) ++remaining;
        if ((high || low) && roles_[bus] != BusKind::kLoad) ++infeasible;
      }
    }
    if (above.empty() && below.empty()) return Limits::kKept;
    const auto refuse = [&](std::string reason) {
      r.outcome = Outcome::kInfeasible;
      r.reason = std::move(reason);
      return Limits::kInfeasible;
    };
    if (infeasible == remaining && above.size() + below.size() == remaining && (above.empty() || below.empty()))
      return refuse(fmt::format("all {} generators that are left go beyond their {} reactive limit", remaining, below.empty() ? "upper" : "lower"));
    std::ranges::sort(above);
    std::ranges::sort(below);
    for (const auto* group : {&above, &below}) {
      for (const std::uint32_t g : *group) {
        const Generator& one = network_.generators[g];
        if (roles_[one.bus] == BusKind::kReference && island.references.size() > 1)
          return refuse(fmt::format("the reactive limit of the reference at bus {} cannot be held: the island has several references",
                                    network_.buses[one.bus].number));
        q_[g] = group == &above ? one.q_max_mvar : one.q_min_mvar;
        fixed_[g] = 1;
        result_.limited.push_back(g);
      }
    }
    bool lost = false;
    for (const std::uint32_t g : result_.limited) {
      const std::uint32_t bus = network_.generators[g].bus;
      if (result_.island_of[bus] != result_.island_of[island.buses.front()]) continue;
      if (roles_[bus] == BusKind::kReference) lost = true;
      roles_[bus] = BusKind::kLoad;
    }
    if (!lost) return Limits::kChanged;
    island.references.clear();
    for (const std::uint32_t bus : island.buses) {
      if (roles_[bus] != BusKind::kVoltage) continue;
      roles_[bus] = BusKind::kReference;
      island.references.push_back(bus);
      break;
    }
    if (island.references.empty()) return refuse("every generator is at a reactive limit: none is left to hold a voltage");
    r.references = {network_.buses[island.references.front()].number};
    r.chosen = true;
    return Limits::kChanged;
  }

  void balance() {
    for (std::size_t k = 0; k < islands_.size(); ++k) {
      IslandResult& r = result_.islands[k];
      for (const std::uint32_t bus : islands_[k].buses) {
        r.load_mw += network_.buses[bus].load_mw;
        for (const std::uint32_t g : generators_of_[bus]) {
          const double p = result_.generator_mw[g];
          r.generation_mw += p;
          const Generator& one = network_.generators[g];
          if (r.outcome != Outcome::kSolved || roles_[bus] != BusKind::kReference) continue;
          if (p > one.p_max_mw + 1e-6 || p < one.p_min_mw - 1e-6)
            r.remarks.push_back(fmt::format("the reference generator at bus {} gives {:.1f} MW; its limits are {:.1f} and {:.1f} MW",
                                            network_.buses[bus].number, p, one.p_min_mw, one.p_max_mw));
        }
      }
    }
    for (std::size_t b = 0; b < network_.branches.size(); ++b) {
      if (!in_service(network_, network_.branches[b])) continue;
      IslandResult& r = result_.islands[static_cast<std::size_t>(result_.island_of[network_.branches[b].from])];
      r.losses_mw += result_.branches[b].from_mw + result_.branches[b].to_mw;
    }
  }

  const Network& network_;
  const AcOptions& options_;
  FlowResult result_;
  std::vector<Island> islands_;
  std::vector<BusKind> roles_;
  std::vector<std::vector<std::uint32_t>> generators_of_;
  std::vector<double> p_, q_, injected_p_, injected_q_;
  std::vector<char> fixed_;
};

}  // namespace

FlowResult solve_ac(const Network& network, const AcOptions& options) { return Solver(network, options).run(); }

}  // namespace bongsu::exercise::power
