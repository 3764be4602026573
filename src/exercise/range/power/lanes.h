// Eight power flows side by side: the inner loops of batch_flow and contingency, on vectors of eight doubles.
//
// Compiled three times (plain, AVX2, AVX-512) from lanes_kernel.inc and chosen at run time; the same operations in the same order, so
// all three give the same bits. Internal to range/power.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "exercise/range/power/ac_system.h"
#include "exercise/range/power/sparse_lu.h"

namespace bongsu::exercise::power {

inline constexpr std::size_t kLanes = 8;
struct alignas(64) Lane {
  double v[kLanes] = {};
};
struct Voltage {
  Lane e, f;  // rectangular: kept beside angle and magnitude, turned by each step's angles
};

// What all lanes share: admittances, and the factors of the Jacobian at the base state.
struct LaneNetwork {
  int buses = 0, unknowns = 0;
  std::vector<int> y_start, y_column;
  std::vector<double> y_g, y_b, own_g, own_b;
  // By bus: the row of L that its equation is, and the column of U that its unknown is; -1: given.
  std::vector<int> p_row, q_row, angle_column, magnitude_column;
  LuRows lu;

  // Of a system whose Jacobian `lu` holds.
  static LaneNetwork of(const AcSystem& system, const SparseLu& lu);
};

// What each lane has of its own. Arrays by local bus.
struct LaneState {
  std::vector<Voltage> voltage;
  std::vector<Lane> angle, magnitude, given_p, given_q;
  std::vector<Lane> x;         // by rows of L, then by columns of U: mismatch in, change out
  Lane largest;                // the largest mismatch of each lane
  Lane go;                     // 1: this lane takes the step, 0: it is done

  LaneState(const LaneNetwork& network, const AcSystem& at);  // each lane with the voltages and injections of `at`
};

// Branches whose loading is looked at.
struct LaneBranches {
  std::vector<int> from, to;           // local buses
  std::vector<double> ff_g, ff_b, ft_g, ft_b, tf_g, tf_b, tt_g, tt_b;
  std::vector<double> inverse_square;  // 1 / rating², pu
};

struct LaneKernel {
  const char* name;
  // Fills x with the mismatch, scaled as L's rows are, and `largest`.
  void (*mismatch)(const LaneNetwork& network, LaneState& state);
  // x becomes the change.
  void (*solve)(const LuRows& lu, std::vector<Lane>& x);
  // Takes the step where `go` is 1.
  void (*step)(const LaneNetwork& network, LaneState& state);
  // x -= Σ columns[m] * weights[m]
  void (*subtract)(std::vector<Lane>& x, const std::vector<Lane> (&columns)[4], const Lane (&weights)[4]);
  // The larger of both ends' |S|², in parts of the rating's square, by branch.
  void (*loading)(const LaneBranches& branches, const LaneState& state, std::vector<Lane>& out);
};
// The best that this processor has; all that it has, for tests.
const LaneKernel& lane_kernel();
std::vector<const LaneKernel*> lane_kernels();

}  // namespace bongsu::exercise::power
