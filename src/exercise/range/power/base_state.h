// A solved network with everything that variants of it start from: its equations at the solution, and the factors of their
// Jacobian. All live islands stand in one system: their equations have nothing to do with each other, and one pair of factors
// holds them all. Internal to range/power.
#pragma once

#include <memory>

#include "base/result.h"
#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/ac_system.h"
#include "exercise/range/power/sparse_lu.h"

namespace bongsu::exercise::power {

struct BaseState {
  FlowResult flow;
  Island live;                       // the buses of all islands that are not dark
  std::vector<BusKind> roles;
  std::unique_ptr<AcSystem> system;  // at the solution, its Jacobian filled
  SparseLu lu;

  // kInvalid: some island could not be solved; the message says why.
  static Result<BaseState> of(const Network& network, const AcOptions& options);
};

}  // namespace bongsu::exercise::power
