// How many power flows a second on one core? Loads of ±5 % each, started at the solved base; Newton to 1e-8 pu of mismatch.
//
//   power_bench CASE.m…                       e.g. ../shared/data/exercise/power/case118.m
//   power_bench --contingency CASE.m          N-1 of all branches, beside one-by-one
//
// The rival is Newton on KLU as one writes it: one symbolic analysis, the Jacobian filled into a fixed pattern, klu_refactor in each
// iteration. Every answer of ours is compared with the rival's before the clock runs (largest difference told).
#include <fmt/format.h>
#include <klu.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>

#include "base/random.h"
#include "cpu_time.h"
#include "exercise/range/power/batch_flow.h"
#include "exercise/range/power/contingency.h"
#include "exercise/range/power/islands.h"
#include "exercise/range/power/matpower.h"

namespace {

using namespace bongsu;
using namespace bongsu::exercise::power;

// Written out plainly and apart from the product's code; one island with one reference.
class Rival {
 public:
  explicit Rival(const Network& n, const FlowResult& base) : n_(n), flow_(base) {
    const auto islands = find_islands(n);
    const auto roles = roles_of(n, islands);
    const std::size_t count = n.buses.size();
    std::vector<std::map<int, std::complex<double>>> y(count);
    for (std::size_t i = 0; i < count; ++i)
      y[i][static_cast<int>(i)] = std::complex(n.buses[i].shunt_mw, n.buses[i].shunt_mvar) / n.base_mva;
    for (const Branch& b : n.branches) {
      if (!in_service(n, b)) continue;
      const Admittance a = admittance_of(b);
      const int f = static_cast<int>(b.from), t = static_cast<int>(b.to);
      y[b.from][f] += a.ff;
      y[b.from][t] += a.ft;
      y[b.to][f] += a.tf;
      y[b.to][t] += a.tt;
    }
    start_.push_back(0);
    for (const auto& row : y) {
      for (const auto& [j, value] : row) {
        column_.push_back(j);
        g_.push_back(value.real());
        b_.push_back(value.imag());
      }
      start_.push_back(static_cast<int>(column_.size()));
    }
    ang_.assign(count, -1);
    mag_.assign(count, -1);
    int next = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (roles[i] != BusKind::kReference) ang_[i] = next++;
    for (std::size_t i = 0; i < count; ++i)
      if (roles[i] == BusKind::kLoad) mag_[i] = next++;
    std::vector<std::vector<int>> columns(next);
    for (std::size_t i = 0; i < count; ++i)
      for (int k = start_[i]; k < start_[i + 1]; ++k)
        for (const int c : {ang_[column_[k]], mag_[column_[k]]})
          for (const int r : {ang_[i], mag_[i]})
            if (c >= 0 && r >= 0) columns[c].push_back(r);
    ap_.push_back(0);
    for (auto& c : columns) {
      std::ranges::sort(c);
      ai_.insert(ai_.end(), c.begin(), c.end());
      ap_.push_back(static_cast<int>(ai_.size()));
    }
    ax_.resize(ai_.size());
    for (std::size_t i = 0; i < count; ++i)
      for (int k = start_[i]; k < start_[i + 1]; ++k)
        for (const int c : {ang_[column_[k]], mag_[column_[k]]})
          for (const int r : {ang_[i], mag_[i]})
            place_.push_back(c < 0 || r < 0 ? -1 : static_cast<int>(std::lower_bound(ai_.begin() + ap_[c], ai_.begin() + ap_[c + 1], r) - ai_.begin()));
    klu_defaults(&common_);
    symbolic_ = klu_analyze(next, ap_.data(), ai_.data(), &common_);
    generated_.assign(count, 0);
    for (std::size_t g = 0; g < n.generators.size(); ++g)
      if (in_service(n, n.generators[g]))
        generated_[n.generators[g].bus] += std::complex(base.generator_mw[g], base.generator_mvar[g]) / n.base_mva;
  }
  ~Rival() {
    klu_free_numeric(&numeric_, &common_);
    klu_free_symbolic(&symbolic_, &common_);
  }

  int solve(const Loads& loads, double tolerance, std::vector<double>& magnitude, std::vector<double>& angle) {
    magnitude = flow_.magnitude_pu;
    angle = flow_.angle_rad;
    const std::size_t count = magnitude.size();
    std::vector<double> f(ap_.size() - 1), p(count), q(count), e(count), h(count);
    for (int round = 0; round < 20; ++round) {
      for (std::size_t i = 0; i < count; ++i) {
        e[i] = magnitude[i] * std::cos(angle[i]);
        h[i] = magnitude[i] * std::sin(angle[i]);
      }
      double worst = 0;
      for (std::size_t i = 0; i < count; ++i) {
        double re = 0, im = 0;
        for (int k = start_[i]; k < start_[i + 1]; ++k) {
          re += g_[k] * e[column_[k]] - b_[k] * h[column_[k]];
          im += g_[k] * h[column_[k]] + b_[k] * e[column_[k]];
        }
        p[i] = e[i] * re + h[i] * im;
        q[i] = h[i] * re - e[i] * im;
        if (ang_[i] >= 0) worst = std::max(worst, std::abs(f[ang_[i]] = generated_[i].real() - loads.mw[i] / n_.base_mva - p[i]));
        if (mag_[i] >= 0) worst = std::max(worst, std::abs(f[mag_[i]] = generated_[i].imag() - loads.mvar[i] / n_.base_mva - q[i]));
      }
      if (worst <= tolerance) return round;
      std::size_t at = 0;
      for (std::size_t i = 0; i < count; ++i)
        for (int k = start_[i]; k < start_[i + 1]; ++k) {
          const std::size_t j = column_[k];
          const double c = e[i] * e[j] + h[i] * h[j], s = h[i] * e[j] - e[i] * h[j];
          double along = g_[k] * c + b_[k] * s, across = g_[k] * s - b_[k] * c;
          double d[4] = {across, -along, along / magnitude[j], across / magnitude[j]};
          if (i == j) {
            d[0] = -q[i] - b_[k] * c;
            d[1] = p[i] - g_[k] * c;
            d[2] = (p[i] + g_[k] * c) / magnitude[i];
            d[3] = (q[i] - b_[k] * c) / magnitude[i];
          }
          for (int m = 0; m < 4; ++m, ++at)
            if (place_[at] >= 0) ax_[place_[at]] = d[m];
        }
      if (numeric_ == nullptr) numeric_ = klu_factor(ap_.data(), ai_.data(), ax_.data(), symbolic_, &common_);
      else klu_refactor(ap_.data(), ai_.data(), ax_.data(), symbolic_, numeric_, &common_);
      klu_solve(symbolic_, numeric_, static_cast<int>(f.size()), 1, f.data(), &common_);
      for (std::size_t i = 0; i < count; ++i) {
        if (ang_[i] >= 0) angle[i] += f[ang_[i]];
        if (mag_[i] >= 0) magnitude[i] += f[mag_[i]];
      }
    }
    return -1;
  }

  // The branch out of the admittances (-1) or back in (1); the pattern stays.
  void change(const Branch& b, double sign) {
    const Admittance a = admittance_of(b);
    const auto add = [&](std::uint32_t row, std::uint32_t column, std::complex<double> y) {
      const auto at = std::lower_bound(column_.begin() + start_[row], column_.begin() + start_[row + 1], static_cast<int>(column)) - column_.begin();
      g_[at] += sign * y.real();
      b_[at] += sign * y.imag();
    };
    add(b.from, b.from, a.ff);
    add(b.from, b.to, a.ft);
    add(b.to, b.from, a.tf);
    add(b.to, b.to, a.tt);
  }

 private:
  const Network& n_;
  const FlowResult& flow_;
  std::vector<int> start_, column_, ang_, mag_, ap_, ai_, place_;
  std::vector<double> g_, b_, ax_;
  std::vector<std::complex<double>> generated_;
  klu_common common_{};
  klu_symbolic* symbolic_ = nullptr;
  klu_numeric* numeric_ = nullptr;
};

Network load(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  auto network = read_case(text.str(), path);
  if (!network) {
    fmt::print(stderr, "{}\n", network.error().text());
    std::exit(2);
  }
  return *network;
}

// The quickest of several rounds, in CPU seconds a call.
template <class Work>
double quickest(double at_least, Work work) {
  double best = HUGE_VAL, spent = 0;
  for (int round = 0; round < 3 || (spent < at_least && round < 1000); ++round) {
    const double before = bench::cpu_seconds();
    work();
    const double took = bench::cpu_seconds() - before;
    best = std::min(best, took);
    spent += took;
  }
  return best;
}

void flows(const char* path) {
  const Network n = load(path);
  auto batch = BatchFlow::make(n);
  if (!batch) {
    fmt::print(stderr, "{}\n", batch.error().text());
    std::exit(2);
  }
  const std::size_t scenarios = n.buses.size() > 5000 ? 64 : n.buses.size() > 1000 ? 128 : 1024;
  SeededRandom random(1);
  std::vector<std::vector<double>> mw(scenarios), mvar(scenarios);
  std::vector<Loads> loads;
  for (std::size_t s = 0; s < scenarios; ++s) {
    for (const Bus& b : n.buses) {
      mw[s].push_back(b.load_mw * (0.95 + 0.1 * static_cast<double>(random.below(1'000'001)) / 1e6));
      mvar[s].push_back(b.load_mvar * (0.95 + 0.1 * static_cast<double>(random.below(1'000'001)) / 1e6));
    }
    loads.push_back({mw[s], mvar[s]});
  }
  std::vector<Voltages> answers(scenarios);
  batch->solve(loads, answers);
  Rival rival(n, batch->base());
  std::vector<double> magnitude, angle;
  double worst = 0, ours = 0, theirs = 0;
  for (std::size_t s = 0; s < scenarios; ++s) {
    const int rounds = rival.solve(loads[s], 1e-8, magnitude, angle);
    if (rounds < 0 || !answers[s].solved) {
      fmt::print(stderr, "{}: scenario {}: rival {}, ours {}\n", path, s, rounds < 0 ? "no solution" : "solved", answers[s].solved ? "solved" : "no solution");
      std::exit(1);
    }
    theirs += rounds;
    ours += answers[s].iterations;
    for (std::size_t i = 0; i < magnitude.size(); ++i)
      worst = std::max({worst, std::abs(magnitude[i] - answers[s].magnitude_pu[i]), std::abs(angle[i] - answers[s].angle_rad[i])});
  }
  if (!(worst < 1e-6)) {
    fmt::print(stderr, "{}: answers differ by {:.1e}\n", path, worst);
    std::exit(1);
  }
  const std::size_t few = std::max<std::size_t>(4, scenarios / 8);
  const double rival_s = quickest(1, [&] { for (std::size_t s = 0; s < few; ++s) rival.solve(loads[s], 1e-8, magnitude, angle); }) / static_cast<double>(few);
  const std::uint64_t alone = batch->solved_alone();
  const double ours_s = quickest(1, [&] { batch->solve(loads, answers); }) / static_cast<double>(scenarios);
  fmt::print("{:<20} {:>6} buses  ours {:>9.0f}/s ({:.1f} steps, {} of {} alone)  plain Newton on KLU {:>8.0f}/s ({:.1f} iterations)  ratio {:.1f}  differ {:.1e}\n",
             n.name, n.buses.size(), 1 / ours_s, ours / static_cast<double>(scenarios), alone, scenarios, 1 / rival_s, theirs / static_cast<double>(scenarios), rival_s / ours_s, worst);
}

// All branches out, one after another; every fiftieth that does not cut the network also by the rival, compared and timed.
void contingencies(const char* path) {
  const Network n = load(path);
  std::vector<double> mw, mvar;
  for (const Bus& b : n.buses) {
    mw.push_back(b.load_mw);
    mvar.push_back(b.load_mvar);
  }
  const Loads loads{mw, mvar};
  const FlowResult base = solve_ac(n);
  Rival rival(n, base);
  std::vector<double> magnitude, angle;
  double worst = 0, rival_s = 0;
  std::size_t compared = 0, rounds_sum = 0;
  ContingencyOptions options;
  options.state = [&](const BranchOutage& outage, const std::vector<double>& v, const std::vector<double>& a) {
    if (outage.cuts || outage.outcome != Outcome::kSolved || outage.branch % 50 != 0) return;
    rival.change(n.branches[outage.branch], -1);
    const double before = bench::cpu_seconds();
    const int rounds = rival.solve(loads, 1e-8, magnitude, angle);
    rival_s += bench::cpu_seconds() - before;
    rival.change(n.branches[outage.branch], 1);
    if (rounds < 0) return;
    ++compared;
    rounds_sum += static_cast<std::size_t>(rounds);
    for (std::size_t i = 0; i < v.size(); ++i)
      worst = std::max({worst, std::abs(magnitude[i] - v[i]), std::abs(std::remainder(angle[i] - a[i], 2 * std::numbers::pi))});
  };
  auto report = analyse_contingencies(n, options);
  if (!report || !(worst < 1e-6)) {
    fmt::print(stderr, "{}: {}\n", path, report ? fmt::format("answers differ by {:.1e}", worst) : report.error().text());
    std::exit(1);
  }
  std::size_t cut = 0, unsolved = 0, broken = 0;
  double steps = 0;
  for (const BranchOutage& o : report->outages) {
    cut += o.cuts;
    unsolved += o.outcome != Outcome::kSolved;
    broken += !o.violations.empty();
    steps += o.iterations;
  }
  const double count = static_cast<double>(report->outages.size());
  const double ours_s = quickest(1, [&] { (void)analyse_contingencies(n); });
  const double theirs_s = rival_s / static_cast<double>(compared) * count;
  fmt::print("{:<20} {:>6} outages in {:.2f} s ({:.1f} steps; {} cut the network, {} without solution, {} break limits, {} alone)  one by one {:.1f} s ({} compared, {:.1f} iterations)  ratio {:.1f}  differ {:.1e}\n",
             n.name, report->outages.size(), ours_s, steps / count, cut, unsolved, broken, report->solved_alone, theirs_s, compared,
             static_cast<double>(rounds_sum) / static_cast<double>(compared), theirs_s / ours_s, worst);
}

}  // namespace

int main(int argc, char** argv) {
  const bool outages = argc > 1 && std::strcmp(argv[1], "--contingency") == 0;
  for (int k = outages ? 2 : 1; k < argc; ++k) outages ? contingencies(argv[k]) : flows(argv[k]);
  return 0;
}
