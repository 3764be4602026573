#include "exercise/range/power/cascade.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "exercise/range/power/dc_flow.h"
#include "exercise/range/power/islands.h"

namespace bongsu::exercise::power {
namespace {

constexpr double kSlice_s = 0.1;           // of the frequency's differential equation
constexpr double kVeryInverse = 13.5;      // IEC 60255-151, curve B
constexpr double kReset_s = 10;            // a full moving total is forgotten in this time below pickup
constexpr int kMaxSheddings = 8;           // of a tenth, before a part without an operating point goes dark
constexpr double kInStep_hz = 0.2;         // two parts may be joined within this
constexpr double kSteady_mw = 1e-7;
constexpr std::size_t kMaxEvents = 1'000'000;

}  // namespace

LiveGrid::LiveGrid(const Network& network, const GridSettings& settings, std::uint64_t seed) : n_(network), settings_(settings), random_(seed) {
  for (const Bus& b : n_.buses) {
    demand_mw_.push_back(b.load_mw);
    demand_mvar_.push_back(b.load_mvar);
  }
  connected_.assign(n_.buses.size(), 1);
  part_of_.assign(n_.buses.size(), -1);
  low_s_.assign(n_.buses.size(), 0);
  relay_.assign(n_.branches.size(), 0);
  loading_.assign(n_.branches.size(), 0);
  hz_.assign(n_.generators.size(), settings_.nominal_hz);
}

Result<LiveGrid> LiveGrid::make(const Network& network, const GridSettings& settings, std::uint64_t seed) {
  if (!(settings.nominal_hz > 0) || !(settings.inertia_s > 0) || !(settings.droop > 0) || !(settings.governor_s > 0) || !(settings.pickup > 0))
    return fail(ErrorCode::kInvalid, "nominal frequency, inertia, droop, governors' time and pickup are above 0", {.field = "settings"});
  LiveGrid grid(network, settings, seed);
  FlowResult first;
  if (settings.model == Model::kDc) {
    BONGSU_TRY(first, solve_dc(network));
  } else {
    first = solve_ac(network);
  }
  for (const IslandResult& island : first.islands)
    if (island.outcome != Outcome::kSolved && island.outcome != Outcome::kDark)
      return fail(ErrorCode::kInvalid, fmt::format("the network has no solution to begin with: {}", island.reason));
  for (std::size_t g = 0; g < network.generators.size(); ++g) {
    grid.turbine_mw_.push_back(first.generator_mw[g]);
    // What the solution asks of a reference may be beyond its limits; then these are wrong, and not the network.
    Generator& one = grid.n_.generators[g];
    one.p_max_mw = std::max(one.p_max_mw, first.generator_mw[g]);
    one.p_min_mw = std::min(one.p_min_mw, first.generator_mw[g]);
  }
  grid.setpoint_mw_ = grid.turbine_mw_;
  for (std::size_t i = 0; i < network.buses.size(); ++i) grid.part_of_[i] = first.magnitude_pu[i] > 0 ? 0 : -1;
  grid.flow_ = std::move(first);
  grid.settle();
  grid.energy_.kinetic_left = 0;
  grid.energy_.kinetic_at_first = grid.energy().kinetic;
  grid.events_.clear();
  grid.started_ = true;
  return grid;
}

void LiveGrid::event(GridEvent::Kind kind, std::uint32_t at, double mw, std::string text) {
  if (events_.size() < kMaxEvents) events_.push_back({now_s_, kind, at, mw, std::move(text)});
}

std::vector<GridEvent> LiveGrid::take_events() { return std::exchange(events_, {}); }

double LiveGrid::frequency_hz(std::uint32_t bus) const { return part_of_[bus] < 0 ? 0 : parts_[static_cast<std::size_t>(part_of_[bus])].hz; }

double LiveGrid::served_mw(std::uint32_t bus) const {
  if (part_of_[bus] < 0) return 0;
  return connected_mw(bus) * load_factor(frequency_hz(bus));
}

void LiveGrid::set_demand(std::uint32_t bus, double mw, double mvar) {
  demand_mw_[bus] = mw;
  demand_mvar_[bus] = mvar;
}

Energy LiveGrid::energy() const {
  Energy e = energy_;
  e.kinetic = 0;
  for (const Part& part : parts_) e.kinetic += part.stored_mws / 3600;
  return e;
}

double LiveGrid::away(double hz) const { return hz / settings_.nominal_hz - 1; }

double LiveGrid::load_factor(double hz) const { return 1 + settings_.load_damping * away(hz); }

double LiveGrid::load_now(const Part& part) const { return part.load_mw * load_factor(part.hz); }

double LiveGrid::missing_now(const Part& part) const {
  double missing = load_now(part) + part.losses_mw + part.shunts_mw;
  for (const std::uint32_t g : part.generators) missing -= turbine_mw_[g];
  return missing;
}

double LiveGrid::connected_mw(std::uint32_t bus) const { return demand_mw_[bus] * connected_[bus]; }

double LiveGrid::connected_mw(const Part& part) const {
  double mw = 0;
  for (const std::uint32_t bus : part.buses) mw += connected_mw(bus);
  return mw;
}

double LiveGrid::inertia_mws(std::uint32_t g) const { return settings_.inertia_s * n_.generators[g].p_max_mw; }

double LiveGrid::stored_mws(std::uint32_t g) const {
  const double speed = hz_[g] / settings_.nominal_hz;
  return inertia_mws(g) * speed * speed;
}

double LiveGrid::governors_aim(std::uint32_t g, double hz) const {
  const Generator& one = n_.generators[g];
  return std::clamp(setpoint_mw_[g] - one.p_max_mw * away(hz) / settings_.droop, std::min(0.0, one.p_min_mw),
                    one.p_max_mw);
}

bool LiveGrid::sags(std::uint32_t bus) const {
  return settings_.model == Model::kAc && part_of_[bus] >= 0 && flow_.magnitude_pu[bus] < settings_.low_pu &&
         connected_mw(bus) > 0;
}

// A machine stops: what it turns with goes with it.
void LiveGrid::leave(std::uint32_t g) {
  if (!n_.generators[g].on) return;
  n_.generators[g].on = false;
  if (part_of_[n_.generators[g].bus] >= 0) energy_.kinetic_left += stored_mws(g) / 3600;
  turbine_mw_[g] = 0;
}

// Islands as the switches stand. A part is live when something in it was live before and a generator holds the voltage.
void LiveGrid::find_parts() {
  const std::vector<int> before = part_of_;
  std::vector<Part> old = std::move(parts_);
  for (const Part& part : old)
    for (const std::uint32_t g : part.generators) hz_[g] = part.hz;
  while (true) {
    parts_.clear();
    part_of_.assign(n_.buses.size(), -1);
    bool stopped = false;
    for (Island& island : find_islands(n_)) {
      bool any = false;
      int first = -1;
      for (const std::uint32_t bus : island.buses)
        if (before[bus] >= 0) {
          any = true;
          if (first < 0) first = before[bus];
        }
      if (!any || island.references.empty()) continue;
      Part part;
      for (const std::uint32_t bus : island.buses) part_of_[bus] = static_cast<int>(parts_.size());
      part.buses = std::move(island.buses);
      part.below_s.assign(settings_.shedding.size(), 0);
      if (static_cast<std::size_t>(first) < old.size()) {
        part.stage = old[static_cast<std::size_t>(first)].stage;
        part.below_s = old[static_cast<std::size_t>(first)].below_s;
        part.out_of_range_s = old[static_cast<std::size_t>(first)].out_of_range_s;
      }
      parts_.push_back(std::move(part));
    }
    // What was live and is not any more: its load is switched off, its machines stop.
    for (std::size_t i = 0; i < before.size(); ++i)
      if (before[i] >= 0 && part_of_[i] < 0 && connected_[i] > 0) connected_[i] = 0;
    for (std::uint32_t g = 0; g < n_.generators.size(); ++g) {
      const Generator& one = n_.generators[g];
      if (!one.on || part_of_[one.bus] >= 0) continue;
      if (before[one.bus] >= 0) energy_.kinetic_left += stored_mws(g) / 3600;
      n_.generators[g].on = false;
      turbine_mw_[g] = 0;
      stopped = true;
    }
    if (!stopped) break;
  }
  double lost = 0;
  std::size_t dark = 0;
  std::uint32_t first_dark = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] < 0 || part_of_[i] >= 0) continue;
    if (dark++ == 0) first_dark = static_cast<std::uint32_t>(i);
    lost += demand_mw_[i];
  }
  if (dark > 0 && started_)
    event(GridEvent::Kind::kDark, first_dark, lost, fmt::format("{} buses from bus {} on are dark; {:.1f} MW of demand", dark, n_.buses[first_dark].number, lost));
  for (std::uint32_t g = 0; g < n_.generators.size(); ++g) {
    if (!n_.generators[g].on) continue;
    if (const int at = part_of_[n_.generators[g].bus]; at >= 0) {
      Part& part = parts_[static_cast<std::size_t>(at)];
      part.generators.push_back(g);
      part.inertia_mws += inertia_mws(g);
      part.stored_mws += stored_mws(g);
    }
  }
  // What its lines and shunts took at the last solution: the next one is not far from it.
  for (Part& part : parts_)
    for (const std::uint32_t bus : part.buses) {
      const double v = settings_.model == Model::kDc ? 1 : flow_.magnitude_pu[bus];
      part.shunts_mw += n_.buses[bus].shunt_mw * v * v;
    }
  for (std::uint32_t k = 0; k < n_.branches.size(); ++k)
    if (const int at = part_of_[n_.branches[k].from]; at >= 0 && in_service(n_, n_.branches[k]) && settings_.model == Model::kAc)
      parts_[static_cast<std::size_t>(at)].losses_mw += flow_.branches[k].from_mw + flow_.branches[k].to_mw;
  for (Part& part : parts_) part.hz = part.inertia_mws > 0 ? settings_.nominal_hz * std::sqrt(std::max(0.0, part.stored_mws / part.inertia_mws)) : settings_.nominal_hz;
  if (parts_.size() > old.size() && !old.empty() && started_)
    event(GridEvent::Kind::kSplit, 0, 0, fmt::format("the network runs in {} parts", parts_.size()));
}

// Voltages and flows of this moment. A part without an operating point sheds, then goes dark.
void LiveGrid::solve() {
  for (int round = 0;; ++round) {
    for (std::uint32_t i = 0; i < n_.buses.size(); ++i) {
      const double part = part_of_[i] < 0 ? 0 : connected_[i] * load_factor(frequency_hz(i));
      n_.buses[i].load_mw = demand_mw_[i] * part;
      n_.buses[i].load_mvar = demand_mvar_[i] * part;
    }
    for (Part& part : parts_) {
      part.load_mw = connected_mw(part);
      // Electrical output: the turbine's, and by inertia a share of what is missing.
      const double missing = missing_now(part);
      for (const std::uint32_t g : part.generators)
        n_.generators[g].p_mw = turbine_mw_[g] + (part.inertia_mws > 0 ? missing * settings_.inertia_s * n_.generators[g].p_max_mw / part.inertia_mws : 0);
    }
    if (settings_.model == Model::kDc) {
      auto dc = solve_dc(n_);
      BONGSU_CHECK(dc.has_value());  // make() solved it: branches only go
      flow_ = std::move(*dc);
    } else {
      flow_ = solve_ac(n_, {.tolerance_pu = 1e-9});
    }
    bool again = false;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      Part& part = parts_[k];
      const auto island = static_cast<std::size_t>(flow_.island_of[part.buses.front()]);
      if (flow_.islands[island].outcome == Outcome::kSolved) {
        part.losses_mw = settings_.model == Model::kDc ? 0 : flow_.islands[island].losses_mw;
        part.shunts_mw = 0;
        for (const std::uint32_t bus : part.buses)
          part.shunts_mw += n_.buses[bus].shunt_mw * flow_.magnitude_pu[bus] * flow_.magnitude_pu[bus];
        continue;
      }
      again = true;
      const std::string why = flow_.islands[island].reason;
      if (round < kMaxSheddings && part.load_mw > 0) {
        const double mw = shed(part, 0.1 * part.load_mw);
        event(GridEvent::Kind::kVoltageShed, part.buses.front(), mw, fmt::format("{:.1f} MW shed: {}", mw, why));
        continue;
      }
      event(GridEvent::Kind::kDark, part.buses.front(), part.load_mw, fmt::format("voltage collapse: {}", why));
      for (const std::uint32_t g : part.generators) leave(g);
      changed_ = true;
    }
    if (!again) break;
    if (changed_) {
      changed_ = false;
      find_parts();
    }
  }
  if (settings_.model == Model::kAc) start_from(n_, flow_);
  for (std::uint32_t k = 0; k < n_.branches.size(); ++k) loading_[k] = loading_of(k);
}

void LiveGrid::settle() {
  if (changed_) {
    changed_ = false;
    find_parts();
  }
  solve();
}

double LiveGrid::shed(const Part& part, double mw) {
  const double load = connected_mw(part);
  if (!(load > 0)) return 0;
  const double keep = std::max(0.0, 1 - mw / load);
  for (const std::uint32_t bus : part.buses) connected_[bus] *= keep;
  return load * (1 - keep);
}

double LiveGrid::loading_of(std::uint32_t k) const {
  const Branch& b = n_.branches[k];
  if (!(b.rating_mva > 0) || !in_service(n_, b) || part_of_[b.from] < 0) return 0;
  const BranchFlow& f = flow_.branches[k];
  const double from = flow_.magnitude_pu[b.from], to = flow_.magnitude_pu[b.to];
  if (!(from > 0) || !(to > 0)) return 0;
  return std::max(std::hypot(f.from_mw, f.from_mvar) / from, std::hypot(f.to_mw, f.to_mvar) / to) / b.rating_mva;
}

void LiveGrid::trip_branch(std::uint32_t branch, GridEvent::Kind kind, std::string text) {
  n_.branches[branch].on = false;
  relay_[branch] = 0;
  changed_ = true;
  event(kind, branch, 0, std::move(text));
  if (kind != GridEvent::Kind::kOverloadTrip || !(settings_.hidden_failure > 0)) return;
  const Branch& tripped = n_.branches[branch];
  for (std::uint32_t k = 0; k < n_.branches.size(); ++k) {
    const Branch& b = n_.branches[k];
    if (k == branch || !in_service(n_, b)) continue;
    if (b.from != tripped.from && b.from != tripped.to && b.to != tripped.from && b.to != tripped.to) continue;
    if (static_cast<double>(random_.below(1'000'000'000)) / 1e9 < settings_.hidden_failure)
      trip_branch(k, GridEvent::Kind::kHiddenTrip, fmt::format("branch {}: tripped with branch {} beside it, without a fault of its own", k + 1, branch + 1));
  }
}

void LiveGrid::trip_generator(std::uint32_t g, std::string text) {
  const double mw = turbine_mw_[g];
  leave(g);
  changed_ = true;
  event(GridEvent::Kind::kGeneratorTrip, g, mw, std::move(text));
}

void LiveGrid::integrate(Part& part, double seconds) {
  const double hours = seconds / 3600;
  double turbines = 0;
  for (const std::uint32_t g : part.generators) turbines += turbine_mw_[g];
  const double load = load_now(part);
  part.stored_mws = std::max(0.0, part.stored_mws + (turbines - load - part.losses_mw - part.shunts_mw) * seconds);
  energy_.turbines += turbines * hours;
  energy_.served += load * hours;
  energy_.losses += part.losses_mw * hours;
  energy_.shunts += part.shunts_mw * hours;
  if (part.inertia_mws > 0) part.hz = settings_.nominal_hz * std::sqrt(part.stored_mws / part.inertia_mws);
  const double follow = 1 - std::exp(-seconds / settings_.governor_s);
  for (const std::uint32_t g : part.generators) {
    turbine_mw_[g] += (governors_aim(g, part.hz) - turbine_mw_[g]) * follow;
    hz_[g] = part.hz;
  }
}

bool LiveGrid::frequency_acts(Part& part, double seconds) {
  for (std::size_t k = 0; k < settings_.shedding.size(); ++k) {
    const SheddingStage& stage = settings_.shedding[k];
    part.below_s[k] = part.hz < stage.below_hz ? part.below_s[k] + seconds : 0;
    if (k != part.stage || part.below_s[k] < stage.delay_s) continue;
    ++part.stage;
    double demand = 0;
    for (const std::uint32_t bus : part.buses) demand += demand_mw_[bus];
    const double mw = shed(part, stage.part * demand);
    event(GridEvent::Kind::kFrequencyShed, part.buses.front(), mw, fmt::format("{:.2f} Hz: {:.1f} MW shed, stage {}", part.hz, mw, k + 1));
    return true;
  }
  const bool low = part.hz < settings_.under_hz, high = part.hz > settings_.over_hz;
  part.out_of_range_s = low || high ? part.out_of_range_s + seconds : 0;
  if (part.out_of_range_s < settings_.generator_delay_s || part.generators.empty()) return false;
  part.out_of_range_s = 0;
  // Too low: all leave, by their own limits. Too high: the one that gives most.
  const auto output = [&](std::uint32_t g) { return turbine_mw_[g]; };
  const auto leaving = low ? part.generators : std::vector{*std::ranges::max_element(part.generators, {}, output)};
  for (const std::uint32_t g : leaving)
    trip_generator(g, fmt::format("generator {} at bus {}: tripped at {:.2f} Hz", g + 1,
                                  n_.buses[n_.generators[g].bus].number, part.hz));
  return true;
}

bool LiveGrid::relays_act(double seconds) {
  bool acted = false;
  for (std::uint32_t k = 0; k < n_.branches.size(); ++k) {
    const double load = loading(k), multiple = load / settings_.pickup;
    if (multiple > 1) relay_[k] += seconds * (multiple - 1) / (settings_.time_multiplier * kVeryInverse);
    else relay_[k] = std::max(0.0, relay_[k] - seconds / kReset_s);
    if (relay_[k] < 1 || !n_.branches[k].on) continue;
    acted = true;
    trip_branch(k, GridEvent::Kind::kOverloadTrip,
                fmt::format("branch {} from bus {} to bus {}: overloaded to {:.0f} %, tripped", k + 1, n_.buses[n_.branches[k].from].number,
                            n_.buses[n_.branches[k].to].number, load * 100));
  }
  return acted;
}

bool LiveGrid::voltage_acts(double seconds) {
  if (settings_.model == Model::kDc) return false;
  bool acted = false;
  for (std::uint32_t i = 0; i < n_.buses.size(); ++i) {
    low_s_[i] = sags(i) ? low_s_[i] + seconds : 0;
    if (low_s_[i] < settings_.low_delay_s) continue;
    low_s_[i] = 0;
    const double mw = connected_mw(i) * settings_.low_part;
    connected_[i] *= 1 - settings_.low_part;
    event(GridEvent::Kind::kVoltageShed, i, mw, fmt::format("bus {} at {:.3f} pu: {:.1f} MW shed", n_.buses[i].number, flow_.magnitude_pu[i], mw));
    acted = true;
  }
  return acted;
}

// Nothing moves and nothing has picked up: time can pass in one go.
bool LiveGrid::quiet() const {
  for (const Part& part : parts_) {
    for (const std::uint32_t g : part.generators)
      if (std::abs(governors_aim(g, part.hz) - turbine_mw_[g]) > kSteady_mw) return false;
    if (std::abs(missing_now(part)) > kSteady_mw || part.hz < settings_.under_hz || part.hz > settings_.over_hz)
      return false;
    for (const SheddingStage& stage : settings_.shedding)
      if (part.hz < stage.below_hz) return false;
  }
  for (std::uint32_t k = 0; k < n_.branches.size(); ++k)
    if (relay_[k] > 0 || loading(k) > settings_.pickup) return false;
  for (std::uint32_t i = 0; i < n_.buses.size(); ++i)
    if (low_s_[i] > 0 || sags(i)) return false;
  return true;
}

bool LiveGrid::slice(double seconds) {
  double served = 0, wanted = 0;
  for (const Part& part : parts_) served += load_now(part);
  for (const double mw : demand_mw_) wanted += mw;
  energy_.unserved += (wanted - served) * seconds / 3600;
  for (Part& part : parts_) integrate(part, seconds);
  now_s_ += seconds;
  bool acted = false;
  for (Part& part : parts_) acted = frequency_acts(part, seconds) || acted;
  acted = relays_act(seconds) || acted;
  return voltage_acts(seconds) || acted;
}

void LiveGrid::advance(double seconds) {
  const double end = now_s_ + seconds;
  if (changed_) settle();
  // Demand may be another since the last solution, which stands at the end of every step.
  for (Part& part : parts_) part.load_mw = connected_mw(part);
  while (now_s_ < end - 1e-9) {
    const double left = end - now_s_;
    if (slice(quiet() ? left : std::min(kSlice_s, left))) settle();
  }
  now_s_ = end;
  settle();
}

Result<void> LiveGrid::order(const Order& o) {
  const auto refuse = [](std::string why) { return fail(ErrorCode::kInvalid, std::move(why)); };
  using enum Order::Kind;
  const bool of_branch = o.kind == kOpenBranch || o.kind == kCloseBranch, of_bus = o.kind == kShed || o.kind == kRestore;
  const std::size_t many = of_branch ? n_.branches.size() : of_bus ? n_.buses.size() : n_.generators.size();
  if (o.at >= many) return refuse(fmt::format("there is no {} {}", of_branch ? "branch" : of_bus ? "bus" : "generator", o.at + 1));
  if (!std::isfinite(o.value)) return refuse("a value must be finite");
  std::string said;
  switch (o.kind) {
    case kOpenBranch:
      if (!n_.branches[o.at].on) return refuse(fmt::format("branch {} is open already", o.at + 1));
      n_.branches[o.at].on = false;
      relay_[o.at] = 0;
      said = fmt::format("branch {} opened", o.at + 1);
      break;
    case kCloseBranch: {
      const Branch& b = n_.branches[o.at];
      if (b.on) return refuse(fmt::format("branch {} is closed already", o.at + 1));
      if (b.from == b.to || (b.r_pu == 0 && b.x_pu == 0)) return refuse(fmt::format("branch {} cannot carry a current", o.at + 1));
      if (settings_.model == Model::kDc && b.x_pu == 0) return refuse(fmt::format("branch {} has no reactance: a DC flow cannot carry it", o.at + 1));
      if (live(b.from) && live(b.to) && std::abs(frequency_hz(b.from) - frequency_hz(b.to)) > kInStep_hz)
        return refuse(fmt::format("the two sides of branch {} are not in step: {:.2f} and {:.2f} Hz", o.at + 1, frequency_hz(b.from), frequency_hz(b.to)));
      n_.branches[o.at].on = true;
      said = fmt::format("branch {} closed", o.at + 1);
      break;
    }
    case kTripGenerator:
      if (!n_.generators[o.at].on) return refuse(fmt::format("generator {} does not run", o.at + 1));
      leave(o.at);
      said = fmt::format("generator {} tripped", o.at + 1);
      break;
    case kStart: {
      Generator& g = n_.generators[o.at];
      if (g.on) return refuse(fmt::format("generator {} runs already", o.at + 1));
      if (n_.buses[g.bus].kind == BusKind::kIsolated) return refuse(fmt::format("generator {} stands at an isolated bus", o.at + 1));
      const bool alone = !live(g.bus);
      if (alone && std::ranges::find(settings_.black_start, o.at) == settings_.black_start.end())
        return refuse(fmt::format("generator {} cannot start without a network", o.at + 1));
      if (alone && n_.buses[g.bus].kind == BusKind::kLoad) n_.buses[g.bus].kind = BusKind::kVoltage;
      g.on = true;
      turbine_mw_[o.at] = setpoint_mw_[o.at] = 0;
      // It comes in step with what it joins, at nominal speed when it is the first.
      hz_[o.at] = alone ? settings_.nominal_hz : frequency_hz(g.bus);
      energy_.kinetic_left -= stored_mws(o.at) / 3600;
      if (alone) part_of_[g.bus] = static_cast<int>(parts_.size());  // find_parts takes it as live; no part has that number yet
      said = fmt::format("generator {} started", o.at + 1);
      break;
    }
    case kSetPower:
      if (o.value < 0 || o.value > n_.generators[o.at].p_max_mw) return refuse(fmt::format("generator {} gives 0 to {:.1f} MW", o.at + 1, n_.generators[o.at].p_max_mw));
      setpoint_mw_[o.at] = o.value;
      said = fmt::format("generator {} set to {:.1f} MW", o.at + 1, o.value);
      break;
    case kSetVoltage:
      if (o.value < 0.8 || o.value > 1.2) return refuse("a voltage is set between 0.8 and 1.2 pu");
      n_.generators[o.at].setpoint_pu = o.value;
      said = fmt::format("generator {} set to {:.3f} pu", o.at + 1, o.value);
      break;
    case kShed:
    case kRestore:
      if (o.value < 0 || o.value > 1) return refuse("the part of a load that is served lies between 0 and 1");
      if (o.kind == kRestore && !live(o.at)) return refuse(fmt::format("bus {} is dark", n_.buses[o.at].number));
      connected_[o.at] = o.value;
      said = fmt::format("bus {}: {:.0f} % of its load", n_.buses[o.at].number, o.value * 100);
      break;
  }
  event(GridEvent::Kind::kOrdered, o.at, 0, std::move(said));
  if (o.kind == kSetPower) return {};  // turbines follow in time
  changed_ = true;
  settle();
  return {};
}

std::vector<Order> restoration_order(const LiveGrid& grid) {
  const Network& n = grid.network();
  std::vector<Order> orders;
  std::vector<char> reached(n.buses.size(), 0), running(n.generators.size(), 0);
  std::vector<std::vector<std::uint32_t>> branches(n.buses.size()), generators(n.buses.size());
  for (std::uint32_t k = 0; k < n.branches.size(); ++k) {
    const Branch& b = n.branches[k];
    if (grid.live(b.from) || grid.live(b.to)) continue;
    if (!in_service(n, b)) continue;  // what was out before stays out
    branches[b.from].push_back(k);
    branches[b.to].push_back(k);
    orders.push_back({Order::Kind::kOpenBranch, k, 0});
  }
  for (std::uint32_t g = 0; g < n.generators.size(); ++g)
    if (!n.generators[g].on) generators[n.generators[g].bus].push_back(g);
  double capacity = 0, load = 0;
  const auto dispatch = [&] {
    for (std::uint32_t g = 0; g < n.generators.size(); ++g)
      if (running[g] != 0) orders.push_back({Order::Kind::kSetPower, g, std::min(1.0, load / capacity) * n.generators[g].p_max_mw});
  };
  for (const std::uint32_t first : grid.settings().black_start) {
    const std::uint32_t start = n.generators[first].bus;
    if (grid.live(start) || reached[start] != 0 || n.generators[first].on) continue;
    capacity = load = 0;
    std::ranges::fill(running, 0);
    orders.push_back({Order::Kind::kStart, first, 0});
    running[first] = 1;
    capacity += n.generators[first].p_max_mw;
    std::vector<std::uint32_t> front{start};
    reached[start] = 1;
    std::set<std::uint32_t> closed;
    for (std::size_t k = 0; k < front.size(); ++k) {
      const std::uint32_t bus = front[k];
      for (const std::uint32_t g : generators[bus]) {
        if (running[g] != 0) continue;
        orders.push_back({Order::Kind::kStart, g, 0});
        running[g] = 1;
        capacity += n.generators[g].p_max_mw;
      }
      // As much load as runs can carry with a fifth to spare; in steps.
      const double want = std::min(grid.demand_mw(bus), std::max(0.0, 0.8 * capacity - load));
      if (want > 0) {
        const int steps = std::max(1, static_cast<int>(std::ceil(want / (0.05 * capacity))));
        for (int step = 1; step <= steps; ++step) {
          load += want / steps;
          orders.push_back({Order::Kind::kRestore, bus, want / grid.demand_mw(bus) * step / steps});
          dispatch();
        }
      }
      for (const std::uint32_t b : branches[bus]) {
        const std::uint32_t other = n.branches[b].from == bus ? n.branches[b].to : n.branches[b].from;
        if (reached[other] != 0 && closed.contains(b)) continue;
        if (closed.insert(b).second) orders.push_back({Order::Kind::kCloseBranch, b, 0});
        if (reached[other] == 0) {
          reached[other] = 1;
          front.push_back(other);
        }
      }
    }
  }
  return orders;
}

}  // namespace bongsu::exercise::power
