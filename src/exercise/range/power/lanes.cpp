#include "exercise/range/power/lanes.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace bongsu::exercise::power {

namespace plain {
#include "exercise/range/power/lanes_kernel.inc"
}  // namespace plain

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
namespace avx2 {
#include "exercise/range/power/lanes_kernel.inc"
}  // namespace avx2
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq"))), apply_to = function)
namespace avx512 {
#include "exercise/range/power/lanes_kernel.inc"
}  // namespace avx512
#pragma clang attribute pop
#endif

namespace {

Lane everywhere(double value) {
  Lane lane;
  std::ranges::fill(lane.v, value);
  return lane;
}

}  // namespace

std::vector<const LaneKernel*> lane_kernels() {
  static const LaneKernel all[] = {
      {"plain", plain::mismatch, plain::solve, plain::step, plain::subtract, plain::loading},
#if defined(__x86_64__)
      {"avx2", avx2::mismatch, avx2::solve, avx2::step, avx2::subtract, avx2::loading},
      {"avx512", avx512::mismatch, avx512::solve, avx512::step, avx512::subtract, avx512::loading},
#endif
  };
  std::vector<const LaneKernel*> here{&all[0]};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) here.push_back(&all[1]);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) here.push_back(&all[2]);
#endif
  return here;
}

const LaneKernel& lane_kernel() {
  static const LaneKernel* const best = lane_kernels().back();
  return *best;
}

LaneNetwork LaneNetwork::of(const AcSystem& system, const SparseLu& lu) {
  LaneNetwork n;
  n.buses = system.buses();
  n.unknowns = system.unknowns();
  n.lu = lu.rows();
  std::vector<int> row_of(n.lu.pivot_row.size()), column_of(n.lu.column.size());
  for (std::size_t k = 0; k < row_of.size(); ++k) {
    row_of[n.lu.pivot_row[k]] = static_cast<int>(k);
    column_of[n.lu.column[k]] = static_cast<int>(k);
  }
  n.y_start.push_back(0);
  const auto at = [](const std::vector<int>& places, int unknown) { return unknown < 0 ? -1 : places[unknown]; };
  for (int i = 0; i < n.buses; ++i) {
    const AcSystem::Row row = system.row(i);
    n.y_column.insert(n.y_column.end(), row.column.begin(), row.column.end());
    n.y_g.insert(n.y_g.end(), row.g.begin(), row.g.end());
    n.y_b.insert(n.y_b.end(), row.b.begin(), row.b.end());
    n.y_start.push_back(static_cast<int>(n.y_column.size()));
    n.own_g.push_back(row.own_g);
    n.own_b.push_back(row.own_b);
    n.p_row.push_back(at(row_of, system.angle_at()[i]));
    n.q_row.push_back(at(row_of, system.magnitude_at()[i]));
    n.angle_column.push_back(at(column_of, system.angle_at()[i]));
    n.magnitude_column.push_back(at(column_of, system.magnitude_at()[i]));
  }
  return n;
}

LaneState::LaneState(const LaneNetwork& network, const AcSystem& at) : x(network.unknowns) {
  for (int i = 0; i < network.buses; ++i) {
    const double v = at.magnitude()[i], a = at.angle()[i];
    magnitude.push_back(everywhere(v));
    angle.push_back(everywhere(a));
    voltage.push_back({everywhere(v * std::cos(a)), everywhere(v * std::sin(a))});
    given_p.push_back(everywhere(at.given_p()[i]));
    given_q.push_back(everywhere(at.given_q()[i]));
  }
}

}  // namespace bongsu::exercise::power
