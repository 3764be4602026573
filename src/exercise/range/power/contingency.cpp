#include "exercise/range/power/contingency.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <tuple>

#include "exercise/range/power/base_state.h"
#include "exercise/range/power/islands.h"
#include "exercise/range/power/lanes.h"

namespace bongsu::exercise::power {
namespace {

using Complex = std::complex<double>;
constexpr double kWorse = 0.01;    // of the limit: an outage that makes a broken limit this much worse is told
constexpr std::size_t kTold = 64;  // groups between calls of progress

Complex volt(const LaneState& s, int bus, std::size_t lane) { return {s.voltage[bus].e.v[lane], s.voltage[bus].f.v[lane]}; }

// Solves the small system of one lane; nothing if it is singular.
bool solve_small(std::array<std::array<double, 4>, 4> a, std::array<double, 4>& b) {
  for (int k = 0; k < 4; ++k) {
    int best = k;
    for (int i = k + 1; i < 4; ++i)
      if (std::abs(a[i][k]) > std::abs(a[best][k])) best = i;
    if (!(std::abs(a[best][k]) > 1e-12)) return false;
    std::swap(a[k], a[best]);
    std::swap(b[k], b[best]);
    for (int i = k + 1; i < 4; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (int j = k; j < 4; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (int k = 4; k-- > 0;) {
    for (int j = k + 1; j < 4; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return true;
}

class Analysis {
 public:
  Analysis(const Network& network, const ContingencyOptions& options, BaseState base)
      : network_(network), options_(options), base_(std::move(base)), lanes_(LaneNetwork::of(*base_.system, base_.lu)),
        start_(lanes_, *base_.system), lane_(start_) {
    const AcSystem& system = *base_.system;
    for (std::uint32_t k = 0; k < network.branches.size(); ++k) {
      const Branch& b = network.branches[k];
      if (!in_service(network, b) || !(b.rating_mva > 0) || !std::isfinite(b.rating_mva) || system.local(b.from) < 0) continue;
      rated_at_.push_back(k);
      const Admittance y = admittance_of(b);
      const double rating = b.rating_mva / network.base_mva;
      rated_.from.push_back(system.local(b.from));
      rated_.to.push_back(system.local(b.to));
      for (const auto& [value, g, im] : {std::tuple{y.ff, &rated_.ff_g, &rated_.ff_b}, std::tuple{y.ft, &rated_.ft_g, &rated_.ft_b},
                                         std::tuple{y.tf, &rated_.tf_g, &rated_.tf_b}, std::tuple{y.tt, &rated_.tt_g, &rated_.tt_b}}) {
        g->push_back(value.real());
        im->push_back(value.imag());
      }
      rated_.inverse_square.push_back(1 / (rating * rating));
    }
    rated_loading_.resize(rated_at_.size());
    for (auto& column : columns_) column.resize(lane_.x.size());
    // The base itself, in the same arithmetic.
    lane_kernel().loading(rated_, start_, rated_loading_);
    for (std::size_t k = 0; k < rated_at_.size(); ++k) base_loading_.push_back(std::sqrt(rated_loading_[k].v[0]));
    for (std::size_t k = 0; k < rated_at_.size(); ++k) {
      const double told = std::max(1.0, base_loading_[k] + (base_loading_[k] > 1 ? kWorse : 0));
      told_square_.push_back(told * told);
    }
    for (int i = 0; i < system.buses(); ++i) {
      const Bus& b = network.buses[system.global()[i]];
      const double v = system.magnitude()[i];
      low_.push_back(v < b.min_pu ? v - kWorse * b.min_pu : b.min_pu - 1e-9);
      high_.push_back(v > b.max_pu ? v + kWorse * b.max_pu : b.max_pu + 1e-9);
    }
  }

  Result<ContingencyReport> run() {
    ContingencyReport report;
    report.base_violations = base_violations();
    const Bridges bridges = find_bridges(network_, base_.roles, base_.flow.generator_mw);
    std::vector<const Bridge*> bridge_of(network_.branches.size(), nullptr);
    for (const Bridge& bridge : bridges.all) bridge_of[bridge.branch] = &bridge;
    bridges_ = &bridges;
    std::vector<std::size_t> group;
    for (std::uint32_t k = 0; k < network_.branches.size(); ++k) {
      if (!in_service(network_, network_.branches[k]) || base_.system->local(network_.branches[k].from) < 0) continue;
      BranchOutage outage{.branch = k};
      if (const Bridge* bridge = bridge_of[k]; bridge != nullptr) {
        outage.cuts = true;
        outage.cut = bridge->cut;
      }
      report.outages.push_back(std::move(outage));
    }
    std::size_t done = 0, told = 0;
    for (std::size_t k = 0; k <= report.outages.size(); ++k) {
      if (k < report.outages.size()) {
        const Bridge* bridge = bridge_of[report.outages[k].branch];
        if (bridge != nullptr && bridge->larger_side) alone(report.outages[k], bridge);
        else group.push_back(k);
      }
      if (group.size() == kLanes || (k == report.outages.size() && !group.empty())) {
        eight(report.outages, group, bridge_of);
        done += group.size();
        group.clear();
      }
      if (options_.progress && done >= told) {
        told = done + kTold * kLanes;
        if (!options_.progress(std::min(k, report.outages.size()), report.outages.size())) return fail(ErrorCode::kCancelled, "stopped");
      }
    }
    for (const BranchOutage& outage : report.outages) report.solved_alone += outage.alone ? 1 : 0;
    report.base = std::move(base_.flow);
    return report;
  }

 private:
  // One lane's branch, and which of the equations at its ends lose it.
  struct Out {
    int from, to;                     // local
    Admittance y;
    bool at_from, at_to;              // the end's equations lose the branch
    double given[4];                  // P, Q at from, P, Q at to, without it
    std::array<int, 4> row, column;   // of P_f, Q_f, P_t, Q_t; of θ_f, V_f, θ_t, V_t; -1: given
    std::array<std::array<double, 4>, 4> change;   // of those rows, by those columns
    std::array<std::array<double, 4>, 4> small;    // I + D Z
  };

  void set_out(Out& out, const BranchOutage& outage, const Bridge* bridge, std::size_t lane) {
    const Branch& b = network_.branches[outage.branch];
    out.from = base_.system->local(b.from);
    out.to = base_.system->local(b.to);
    out.y = admittance_of(b);
    // What is cut off goes on as if it hung on the branch, which no longer feels it: its equations stay solvable, and nobody reads them.
    const bool one_sided = bridge != nullptr && !bridge->both_live;
    out.at_from = !one_sided || !bridge->from_side;
    out.at_to = !one_sided || bridge->from_side;
    out.given[0] = lane_.given_p[out.from].v[lane];
    out.given[1] = lane_.given_q[out.from].v[lane];
    out.given[2] = lane_.given_p[out.to].v[lane];
    out.given[3] = lane_.given_q[out.to].v[lane];
    out.row = {out.at_from ? lanes_.p_row[out.from] : -1, out.at_from ? lanes_.q_row[out.from] : -1, out.at_to ? lanes_.p_row[out.to] : -1,
               out.at_to ? lanes_.q_row[out.to] : -1};
    out.column = {lanes_.angle_column[out.from], lanes_.magnitude_column[out.from], lanes_.angle_column[out.to],
                  lanes_.magnitude_column[out.to]};
    // Derivatives of the branch's own powers, by angle and logarithm of magnitude; the rows lose them.
    const Complex vf = volt(lane_, out.from, lane), vt = volt(lane_, out.to, lane);
    const Complex far = vf * std::conj(out.y.ft * vt), own = std::norm(vf) * std::conj(out.y.ff);
    const Complex back = vt * std::conj(out.y.tf * vf), mine = std::norm(vt) * std::conj(out.y.tt);
    const Complex j(0, 1);
    const Complex from_by[4] = {j * far, far + 2.0 * own, -j * far, far}, to_by[4] = {-j * back, back, j * back, back + 2.0 * mine};
    for (int c = 0; c < 4; ++c) {
      out.change[0][c] = -from_by[c].real();
      out.change[1][c] = -from_by[c].imag();
      out.change[2][c] = -to_by[c].real();
      out.change[3][c] = -to_by[c].imag();
    }
  }

  // The branch's power at voltages of now, taken out of what its ends' equations compute.
  void give(const Out& out, std::size_t lane) {
    const Complex vf = volt(lane_, out.from, lane), vt = volt(lane_, out.to, lane);
    if (out.at_from) {
      const Complex s = vf * std::conj(out.y.ff * vf + out.y.ft * vt);
      lane_.given_p[out.from].v[lane] = out.given[0] + s.real();
      lane_.given_q[out.from].v[lane] = out.given[1] + s.imag();
    }
    if (out.at_to) {
      const Complex s = vt * std::conj(out.y.tf * vf + out.y.tt * vt);
      lane_.given_p[out.to].v[lane] = out.given[2] + s.real();
      lane_.given_q[out.to].v[lane] = out.given[3] + s.imag();
    }
  }

  void eight(std::vector<BranchOutage>& outages, const std::vector<std::size_t>& group, const std::vector<const Bridge*>& bridge_of) {
    lane_ = start_;
    const LaneKernel& kernel = lane_kernel();
    std::array<Out, kLanes> out;
    const auto outage_of = [&](std::size_t lane) -> BranchOutage& { return outages[group[std::min(lane, group.size() - 1)]]; };
    for (std::size_t lane = 0; lane < kLanes; ++lane) set_out(out[lane], outage_of(lane), bridge_of[outage_of(lane).branch], lane);
    for (int m = 0; m < 4; ++m) {
      std::ranges::fill(columns_[m], Lane{});
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        if (const int row = out[lane].row[m]; row >= 0) columns_[m][row].v[lane] = lanes_.lu.row_scale[row];
      kernel.solve(lanes_.lu, columns_[m]);
    }
    std::array<bool, kLanes> slow{};
    std::array<double, kLanes> before;
    before.fill(HUGE_VAL);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lane_.go.v[lane] = 1;
      for (int r = 0; r < 4; ++r)
        for (int m = 0; m < 4; ++m) {
          double sum = r == m ? 1 : 0;
          if (out[lane].row[r] >= 0)
            for (int c = 0; c < 4; ++c)
              if (out[lane].column[c] >= 0) sum += out[lane].change[r][c] * columns_[m][out[lane].column[c]].v[lane];
          out[lane].small[r][m] = sum;
        }
    }
    for (int round = 0; round <= options_.max_iterations; ++round) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) give(out[lane], lane);
      kernel.mismatch(lanes_, lane_);
      bool going = false;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        if (lane_.go.v[lane] == 0) continue;
        const double now = lane_.largest.v[lane];
        if (lane < group.size()) {
          outage_of(lane).iterations = round;
          outage_of(lane).mismatch_pu = now;
        }
        if (now <= options_.tolerance_pu) {
          lane_.go.v[lane] = 0;
        } else if ((!(now < 0.8 * before[lane]) && round > 3) || round == options_.max_iterations) {
          lane_.go.v[lane] = 0;
          slow[lane] = true;
        } else {
          going = true;
        }
        before[lane] = now;
      }
      if (!going) break;
      kernel.solve(lanes_.lu, lane_.x);
      Lane weights[4] = {};
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        if (lane_.go.v[lane] == 0) continue;
        std::array<double, 4> w{};
        for (int r = 0; r < 4; ++r)
          if (out[lane].row[r] >= 0)
            for (int c = 0; c < 4; ++c)
              if (out[lane].column[c] >= 0) w[r] += out[lane].change[r][c] * lane_.x[out[lane].column[c]].v[lane];
        if (!solve_small(out[lane].small, w)) {
          lane_.go.v[lane] = 0;
          slow[lane] = true;
          continue;
        }
        for (int m = 0; m < 4; ++m) weights[m].v[lane] = w[m];
      }
      kernel.subtract(lane_.x, columns_, weights);
      kernel.step(lanes_, lane_);
    }
    kernel.loading(rated_, lane_, rated_loading_);
    judge(outages, group, bridge_of, slow);
    for (std::size_t lane = 0; lane < group.size(); ++lane)
      if (slow[lane]) alone(outage_of(lane), bridge_of[outage_of(lane).branch]);
      else if (options_.state) tell_state(outage_of(lane), bridge_of[outage_of(lane).branch], lane);
  }

  void judge(std::vector<BranchOutage>& outages, const std::vector<std::size_t>& group, const std::vector<const Bridge*>& bridge_of,
             const std::array<bool, kLanes>& slow) {
    // Few pass the first look; the rest is for them alone.
    struct Found {
      std::size_t lane, rated;
    };
    std::vector<Found> over;
    for (std::size_t k = 0; k < rated_at_.size(); ++k) {
      const double told = told_square_[k];
      const Lane& l = rated_loading_[k];
      unsigned mask = 0;
      for (std::size_t lane = 0; lane < kLanes; ++lane) mask |= static_cast<unsigned>(l.v[lane] > told) << lane;
      for (std::size_t lane = 0; mask != 0 && lane < group.size(); ++lane)
        if ((mask >> lane & 1) != 0) over.push_back({lane, k});
    }
    std::array<double, kLanes> lowest;
    std::array<int, kLanes> lowest_at{};
    std::vector<Found> outside;
    std::vector<char> off(static_cast<std::size_t>(lanes_.buses), 0);
    // Which lanes have cut a bus off: a bit each.
    for (std::size_t lane = 0; lane < group.size(); ++lane) {
      if (const Bridge* bridge = bridge_of[outages[group[lane]].branch]; bridge != nullptr)
        for (const std::uint32_t bus : bridges_->cut_buses(*bridge)) {
          char& bits = off[static_cast<std::size_t>(base_.system->local(bus))];
          bits = static_cast<char>(static_cast<unsigned char>(bits) | 1U << lane);
        }
    }
    lowest.fill(HUGE_VAL);
    for (int i = 0; i < lanes_.buses; ++i) {
      const Lane& v = lane_.magnitude[i];
      const unsigned gone = static_cast<unsigned char>(off[i]);
      for (std::size_t lane = 0; lane < group.size(); ++lane) {
        if ((gone >> lane & 1) != 0) continue;
        if (v.v[lane] < lowest[lane]) {
          lowest[lane] = v.v[lane];
          lowest_at[lane] = i;
        }
        if (v.v[lane] < low_[i] || v.v[lane] > high_[i]) outside.push_back({lane, static_cast<std::size_t>(i)});
      }
    }
    for (std::size_t lane = 0; lane < group.size(); ++lane) {
      if (slow[lane]) continue;
      outages[group[lane]].lowest_pu = lowest[lane];
      outages[group[lane]].lowest_bus = base_.system->global()[lowest_at[lane]];
    }
    for (const Found& f : over) {
      BranchOutage& outage = outages[group[f.lane]];
      const unsigned gone = static_cast<unsigned char>(off[rated_.from[f.rated]]) | static_cast<unsigned char>(off[rated_.to[f.rated]]);
      if (slow[f.lane] || rated_at_[f.rated] == outage.branch || (gone >> f.lane & 1) != 0) continue;
      const double rating = network_.branches[rated_at_[f.rated]].rating_mva;
      add(outage, {Violation::Kind::kOverload, rated_at_[f.rated], std::sqrt(rated_loading_[f.rated].v[f.lane]) * rating, rating,
                   base_loading_[f.rated] * rating});
    }
    for (const Found& f : outside) {
      BranchOutage& outage = outages[group[f.lane]];
      if (slow[f.lane]) continue;
      const std::uint32_t bus = base_.system->global()[f.rated];
      voltage(outage, bus, lane_.magnitude[f.rated].v[f.lane], base_.system->magnitude()[f.rated]);
    }
    for (std::size_t lane = 0; lane < group.size(); ++lane)
      if (!slow[lane]) finish(outages[group[lane]]);
  }

  void voltage(BranchOutage& outage, std::uint32_t bus, double now, double before) const {
    const Bus& b = network_.buses[bus];
    if (now < b.min_pu) add(outage, {Violation::Kind::kLow, bus, now, b.min_pu, before});
    else add(outage, {Violation::Kind::kHigh, bus, now, b.max_pu, before});
  }
  static void add(BranchOutage& outage, const Violation& v) {
    (v.kind == Violation::Kind::kOverload ? outage.overloads : v.kind == Violation::Kind::kLow ? outage.low : outage.high) += 1;
    outage.violations.push_back(v);
  }
  static void finish(BranchOutage& outage) {
    std::ranges::sort(outage.violations, [](const Violation& a, const Violation& b) {
      if (a.kind != b.kind) return a.kind < b.kind;
      const double x = a.value / a.limit, y = b.value / b.limit;
      if (x != y) return a.kind == Violation::Kind::kLow ? x < y : x > y;
      return a.at < b.at;
    });
    if (outage.violations.size() > kMaxViolationsTold) outage.violations.resize(kMaxViolationsTold);
    outage.violations.shrink_to_fit();
  }

  void tell_state(const BranchOutage& outage, const Bridge* bridge, std::size_t lane) {
    std::vector<double> magnitude(network_.buses.size(), 0), angle(network_.buses.size(), 0);
    for (int i = 0; i < lanes_.buses; ++i) {
      magnitude[base_.system->global()[i]] = lane_.magnitude[i].v[lane];
      angle[base_.system->global()[i]] = lane_.angle[i].v[lane];
    }
    if (bridge != nullptr)
      for (const std::uint32_t bus : bridges_->cut_buses(*bridge)) magnitude[bus] = angle[bus] = 0;
    options_.state(outage, magnitude, angle);
  }

  // Newton's method on the network without the branch.
  void alone(BranchOutage& outage, const Bridge* bridge) {
    outage.alone = true;
    Network n = network_;
    n.branches[outage.branch].on = false;
    start_from(n, base_.flow);
    std::vector<char> gone(n.buses.size(), 0);
    if (bridge != nullptr && !bridge->larger_side)
      for (const std::uint32_t bus : bridges_->cut_buses(*bridge)) {
        gone[bus] = 1;
        n.buses[bus].kind = BusKind::kIsolated;
      }
    FlowResult flow = solve_ac(n, {.tolerance_pu = options_.tolerance_pu, .max_iterations = 10, .damped_iterations = 20, .second_start = false});
    outage.iterations = 0;
    outage.mismatch_pu = 0;
    for (const IslandResult& island : flow.islands) {
      outage.iterations += island.iterations;
      outage.mismatch_pu = std::max(outage.mismatch_pu, island.mismatch_pu);
      if (island.outcome == Outcome::kSolved || island.outcome == Outcome::kDark || outage.outcome != Outcome::kSolved) continue;
      outage.outcome = island.outcome;
      outage.reason = island.reason;
    }
    outage.lowest_pu = HUGE_VAL;
    for (int i = 0; i < lanes_.buses; ++i) {
      const std::uint32_t bus = base_.system->global()[i];
      const double v = flow.magnitude_pu[bus];
      if (gone[bus] != 0 || v == 0) continue;
      if (v < outage.lowest_pu) {
        outage.lowest_pu = v;
        outage.lowest_bus = bus;
      }
      if (v < low_[i] || v > high_[i]) voltage(outage, bus, v, base_.system->magnitude()[i]);
    }
    if (!std::isfinite(outage.lowest_pu)) outage.lowest_pu = 0;
    for (std::size_t k = 0; k < rated_at_.size(); ++k) {
      const BranchFlow& f = flow.branches[rated_at_[k]];
      const double mva = std::max(std::hypot(f.from_mw, f.from_mvar), std::hypot(f.to_mw, f.to_mvar)),
                   rating = network_.branches[rated_at_[k]].rating_mva;
      if (mva * mva / (rating * rating) > told_square_[k])
        add(outage, {Violation::Kind::kOverload, rated_at_[k], mva, rating, base_loading_[k] * rating});
    }
    finish(outage);
    if (options_.state) options_.state(outage, flow.magnitude_pu, flow.angle_rad);
  }

  std::vector<Violation> base_violations() const {
    std::vector<Violation> broken;
    for (std::size_t k = 0; k < rated_at_.size(); ++k) {
      const double rating = network_.branches[rated_at_[k]].rating_mva, mva = base_loading_[k] * rating;
      if (base_loading_[k] > 1) broken.push_back({Violation::Kind::kOverload, rated_at_[k], mva, rating, mva});
    }
    for (int i = 0; i < lanes_.buses; ++i) {
      const std::uint32_t bus = base_.system->global()[i];
      const double v = base_.system->magnitude()[i];
      const Bus& b = network_.buses[bus];
      if (v < b.min_pu - 1e-9) broken.push_back({Violation::Kind::kLow, bus, v, b.min_pu, v});
      else if (v > b.max_pu + 1e-9) broken.push_back({Violation::Kind::kHigh, bus, v, b.max_pu, v});
    }
    return broken;
  }

  const Network& network_;
  const ContingencyOptions& options_;
  BaseState base_;
  LaneNetwork lanes_;
  LaneState start_, lane_;  // every lane at the base; where they are now
  LaneBranches rated_;
  std::vector<Lane> rated_loading_;
  std::vector<std::uint32_t> rated_at_;
  std::vector<double> base_loading_, told_square_, low_, high_;
  std::vector<Lane> columns_[4];
  const Bridges* bridges_ = nullptr;
};

}  // namespace

Result<ContingencyReport> analyse_contingencies(const Network& network, const ContingencyOptions& options) {
  BONGSU_TRY(BaseState base, BaseState::of(network, {.tolerance_pu = std::min(options.tolerance_pu, 1e-10)}));
  return Analysis(network, options, std::move(base)).run();
}

}  // namespace bongsu::exercise::power
