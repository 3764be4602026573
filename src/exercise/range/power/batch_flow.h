// Many power flows of one network that differ in their loads: eight at a time, on the factors of the base case.
//
//   BONGSU_TRY(BatchFlow batch, BatchFlow::make(network));
//   batch.solve(loads, answers);             // answers[k] belongs to loads[k]
//
// The Jacobian of the solved base is factored once; each scenario starts there and takes steps with those factors until its
// mismatch, which is always computed from its own loads, is below the tolerance. That costs a few steps more than Newton's own and
// no factorisation at all, and eight scenarios fill a vector register. What does not come near quickly is solved by Newton's
// method, alone. A scenario's answer does not depend on those beside it, nor on the processor.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

struct Loads {
  std::span<const double> mw, mvar;  // by bus
};
struct Voltages {
  bool solved = false;
  int iterations = 0;
  double mismatch_pu = 0;
  std::vector<double> magnitude_pu, angle_rad;  // by bus; 0 where dark
};

struct BatchOptions {
  double tolerance_pu = 1e-8;
  int max_iterations = 40;  // with the base's factors
};

class BatchFlow {
 public:
  // kInvalid if the base cannot be solved; its reason is in the message.
  static Result<BatchFlow> make(const Network& network, const BatchOptions& options = {});
  BatchFlow(BatchFlow&&) noexcept;
  ~BatchFlow();

  void solve(std::span<const Loads> loads, std::span<Voltages> answers);
  const FlowResult& base() const;
  std::uint64_t solved_alone() const;  // how many scenarios Newton's method had to solve

 private:
  struct State;
  explicit BatchFlow(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bongsu::exercise::power
