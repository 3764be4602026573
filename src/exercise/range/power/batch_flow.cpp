#include "exercise/range/power/batch_flow.h"

#include <algorithm>
#include <cmath>

#include "exercise/range/power/base_state.h"
#include "exercise/range/power/lanes.h"

namespace bongsu::exercise::power {

struct BatchFlow::State {
  Network network;
  BatchOptions options;
  BaseState base;
  LaneNetwork lanes;
  LaneState start, lane;  // every lane at the base; where they are now
  std::vector<double> generated_p, generated_q;  // by local bus, pu
  std::uint64_t alone = 0;

  State(const Network& n, const BatchOptions& o, BaseState b)
      : network(n), options(o), base(std::move(b)), lanes(LaneNetwork::of(*base.system, base.lu)),
        start(lanes, *base.system), lane(start) {
    for (int i = 0; i < base.system->buses(); ++i) {
      const Bus& bus = network.buses[base.system->global()[i]];
      generated_p.push_back(base.system->given_p()[i] + bus.load_mw / network.base_mva);
      generated_q.push_back(base.system->given_q()[i] + bus.load_mvar / network.base_mva);
    }
    start_from(network, base.flow);
  }

  void give(std::size_t at, const Loads& loads) {
    const double base_mva = network.base_mva;
    for (std::size_t i = 0; i < generated_p.size(); ++i) {
      const std::uint32_t bus = base.system->global()[i];
      lane.given_p[i].v[at] = generated_p[i] - loads.mw[bus] / base_mva;
      lane.given_q[i].v[at] = generated_q[i] - loads.mvar[bus] / base_mva;
    }
  }

  void take(std::size_t at, int iterations, Voltages& answer) const {
    answer.solved = true;
    answer.iterations = iterations;
    answer.mismatch_pu = lane.largest.v[at];
    answer.magnitude_pu.assign(network.buses.size(), 0);
    answer.angle_rad.assign(network.buses.size(), 0);
    for (std::size_t i = 0; i < generated_p.size(); ++i) {
      const std::uint32_t bus = base.system->global()[i];
      answer.magnitude_pu[bus] = lane.magnitude[i].v[at];
      answer.angle_rad[bus] = lane.angle[i].v[at];
    }
  }

  void one_alone(const Loads& loads, Voltages& answer) {
    ++alone;
    Network own = network;
    for (std::size_t i = 0; i < own.buses.size(); ++i) {
      own.buses[i].load_mw = loads.mw[i];
      own.buses[i].load_mvar = loads.mvar[i];
    }
    FlowResult flow = solve_ac(own, {.tolerance_pu = options.tolerance_pu});
    answer.solved = flow.solved();
    answer.iterations = 0;
    answer.mismatch_pu = 0;
    for (const IslandResult& island : flow.islands) {
      answer.iterations += island.iterations;
      if (island.outcome != Outcome::kDark) answer.mismatch_pu = std::max(answer.mismatch_pu, island.mismatch_pu);
    }
    answer.magnitude_pu = std::move(flow.magnitude_pu);
    answer.angle_rad = std::move(flow.angle_rad);
  }

  void eight(std::span<const Loads> loads, std::span<Voltages> answers) {
    const std::size_t count = loads.size();
    lane = start;
    for (std::size_t at = 0; at < kLanes; ++at) {
      give(at, loads[std::min(at, count - 1)]);  // empty lanes repeat the last
      lane.go.v[at] = 1;
    }
    const LaneKernel& kernel = lane_kernel();
    int done_at[kLanes] = {};
    double before[kLanes];
    std::ranges::fill(before, HUGE_VAL);
    bool slow[kLanes] = {};
    for (int round = 0; round <= options.max_iterations; ++round) {
      kernel.mismatch(lanes, lane);
      bool going = false;
      for (std::size_t at = 0; at < kLanes; ++at) {
        if (lane.go.v[at] == 0) continue;
        const double now = lane.largest.v[at];
        if (now <= options.tolerance_pu) {
          lane.go.v[at] = 0;
          done_at[at] = round;
        } else if (!(now < 0.8 * before[at]) && round > 2) {
          lane.go.v[at] = 0;  // with these factors it comes no nearer
          slow[at] = true;
        } else {
          going = true;
        }
        before[at] = now;
      }
      if (!going) break;
      if (round == options.max_iterations) {
        for (std::size_t at = 0; at < kLanes; ++at)
          if (lane.go.v[at] != 0) slow[at] = true;
        break;
      }
      kernel.solve(lanes.lu, lane.x);
      kernel.step(lanes, lane);
    }
    for (std::size_t at = 0; at < count; ++at) {
      if (slow[at]) one_alone(loads[at], answers[at]);
      else take(at, done_at[at], answers[at]);
    }
  }
};

BatchFlow::BatchFlow(std::unique_ptr<State> state) : state_(std::move(state)) {}
BatchFlow::BatchFlow(BatchFlow&&) noexcept = default;
BatchFlow::~BatchFlow() = default;

Result<BatchFlow> BatchFlow::make(const Network& network, const BatchOptions& options) {
  BONGSU_TRY(BaseState base, BaseState::of(network, {.tolerance_pu = std::min(options.tolerance_pu, 1e-10)}));
  return BatchFlow(std::make_unique<State>(network, options, std::move(base)));
}

void BatchFlow::solve(std::span<const Loads> loads, std::span<Voltages> answers) {
  BONGSU_CHECK(loads.size() == answers.size());
  for (const Loads& one : loads)
    BONGSU_CHECK(one.mw.size() == state_->network.buses.size() && one.mvar.size() == state_->network.buses.size());
  for (std::size_t at = 0; at < loads.size(); at += kLanes) {
    const std::size_t count = std::min(kLanes, loads.size() - at);
    state_->eight(loads.subspan(at, count), answers.subspan(at, count));
  }
}

const FlowResult& BatchFlow::base() const { return state_->base.flow; }
std::uint64_t BatchFlow::solved_alone() const { return state_->alone; }

}  // namespace bongsu::exercise::power
