#include "exercise/range/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "exercise/range/world_impl.h"

namespace bongsu::exercise {
namespace {

constexpr double kLowestHour = 4;  // of demand

}  // namespace

World::Impl::Impl(std::shared_ptr<const WorldSetup> the_setup, std::uint64_t the_seed, power::LiveGrid the_grid,
                  telecom::LiveTelecom the_telecom, rail::LiveRail the_rail)
    : setup(std::move(the_setup)),
      seed(the_seed),
      grid(std::move(the_grid)),
      telecom(std::move(the_telecom)),
      rail(std::move(the_rail)) {
  const power::Network& n = setup->config.power;
  for (const Breaker& b : setup->breakers) closed.push_back(n.branches[b.branch].on ? 1 : 0);
  broken.assign(n.branches.size(), 0);
  manual.assign(n.generators.size(), 0);
  demand.assign(n.buses.size(), 1);
  circuit_taken.assign(setup->config.telecom.circuits.size(), 0);
  terminal_taken.assign(setup->config.telecom.terminals.size(), 0);
  changed_by.assign(setup->parts, 0);
  alive.assign(setup->config.substations.size(), 1);
  fed.assign(n.buses.size(), 1);
  dark_by.assign(n.buses.size(), 0);
  in_control.assign(n.generators.size(), 1);
  reachable_substation.assign(setup->config.substations.size(), 1);
}

double World::Impl::level(double at_s) const {
  const WorldSettings& s = setup->config.settings;
  return 1 - s.swing * std::cos(((s.begins_s + at_s) / 3600 - kLowestHour) / 24 * 2 * std::numbers::pi);
}

// Demand of this moment for the step that begins; the flows follow at its end.
void World::Impl::step(double at_s) {
  const power::Network& n = setup->config.power;
  const double part = level(at_s);
  for (std::uint32_t i = 0; i < n.buses.size(); ++i)
    if (n.buses[i].load_mw != 0 || n.buses[i].load_mvar != 0)
      grid.set_demand(i, n.buses[i].load_mw * part * demand[i], n.buses[i].load_mvar * part * demand[i]);
  const double every = setup->config.settings.dispatch_s;
  if (every == 0 || at_s < dispatched_s + every) return;
  dispatched_s = at_s;
  dispatch();
}

// Set-points follow what turbines give, which is what load asks of them by the frequency: so it comes back to nominal.
// Only those that can be reached, and that nobody set by hand.
void World::Impl::dispatch() {
  const power::Network& n = grid.network();
  for (std::uint32_t g = 0; g < n.generators.size(); ++g) {
    const power::Generator& one = n.generators[g];
    if (!one.on || manual[g] != 0 || in_control[g] == 0 || !grid.live(one.bus)) continue;
    grid.set_point(g, std::clamp(grid.turbine_mw(g), 0.0, one.p_max_mw));
  }
}

double World::Impl::next_stop() const {
  double next = static_cast<double>(steps + 1) * setup->config.settings.step_s;
  next = std::min(next, telecom.next_s());
  for (const CrewAtWork& work : crews) next = std::min(next, work.due_s);
  for (const DisasterUnderWay& one : disasters) next = std::min(next, one.next_s);
  return next;
}

void World::Impl::account(double at_s) {
  const double hours = (at_s - accounted_s) / 3600;
  customer_hours += customers_out * hours;
  uncontrolled_mwh += uncontrolled_mw * hours;
  accounted_s = at_s;
}

void World::Impl::reach(double until_s) {
  const double at = grid.run_to_event(until_s);
  rail.run_to(at, log);
  account(at);
  now_s = at;
  conclude(false);
  due(at);
}

void World::Impl::due(double at_s) {
  for (std::size_t k = 0; k < crews.size();) {
    if (crews[k].due_s > at_s) {
      ++k;
      continue;
    }
    const CrewAtWork work = crews[k];
    crews.erase(crews.begin() + static_cast<std::ptrdiff_t>(k));
    crew_done(work);
  }
  for (DisasterUnderWay& one : disasters)
    if (at_s >= one.next_s) strike(one, at_s);
  std::erase_if(disasters, [](const DisasterUnderWay& one) { return one.next_s > one.began_s + one.disaster.lasts_s; });
  if (const double end = static_cast<double>(steps + 1) * setup->config.settings.step_s; at_s >= end) {
    ++steps;
    step(at_s);
  }
}

void World::Impl::commit() {
  if (!shown) return;
  shown.reset();
  // Nothing is due before now: at most the grid's own events of a last part of a slice.
  while (grid.now_s() < now_s) {
    const double at = grid.run_to_event(now_s);
    account(at);
    conclude(false);
  }
}

void World::Impl::advance_to(double target_s) {
  shown.reset();
  while (true) {
    const double next = next_stop(), base = grid.now_s();
    if (next <= target_s) {
      reach(next);
      continue;
    }
    if (target_s <= base) break;
    // Within a step: a copy shows it, in whole slices, which are those that the grid itself will go through.
    power::LiveGrid ahead = grid;
    const double slices = std::floor((target_s - base) / power::LiveGrid::kSlice_s);
    if (slices > 0) ahead.run_to_event(base + slices * power::LiveGrid::kSlice_s);
    if (ahead.any_events()) {
      reach(next);  // meets the same event
      continue;
    }
    shown = std::move(ahead);
    rail.run_to(target_s, log);
    break;
  }
  now_s = target_s;
}

// -- the interface
// -----------------------------------------------------------------------------------------------------

Result<World> World::make(WorldConfig config, std::uint64_t seed) {
  BONGSU_TRY(WorldSetup looked_through, WorldSetup::of(std::move(config)));
  const auto setup = std::make_shared<const WorldSetup>(std::move(looked_through));
  const WorldConfig& c = setup->config;
  BONGSU_TRY(power::LiveGrid grid, power::LiveGrid::make(c.power, c.settings.grid, seed));
  BONGSU_TRY(telecom::LiveTelecom telecom, telecom::LiveTelecom::make(c.telecom));
  BONGSU_TRY(rail::LiveRail rail, rail::LiveRail::make(c.rail, c.settings.begins_s));
  auto impl = std::make_unique<Impl>(setup, seed, std::move(grid), std::move(telecom), std::move(rail));
  impl->step(0);
  impl->conclude(true);
  impl->log.take();  // what is dark or down from the beginning is no news
  return World(std::move(impl));
}

Result<World> World::replay(const WorldConfig& config, std::uint64_t seed, const std::vector<TimedOrder>& orders,
                            double until_s) {
  BONGSU_TRY(World world, make(config, seed));
  for (const TimedOrder& one : orders) {
    if (one.at_s > until_s) break;
    if (!(one.at_s >= world.now_s()))
      return fail(ErrorCode::kInvalid, "orders are in the order of their times", {.field = one.order.target});
    world.impl_->advance_to(one.at_s);
    (void)world.order(one.order);  // refused again, if it was
  }
  if (until_s > world.now_s()) world.impl_->advance_to(until_s);
  return world;
}

World::World(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
World::World(const World& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
World& World::operator=(const World& other) {
  if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
  return *this;
}
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;
World::~World() = default;

const WorldConfig& World::config() const { return impl_->setup->config; }
const std::vector<Thing>& World::things() const { return impl_->setup->things; }
const Thing* World::find(std::string_view name) const { return impl_->setup->find(name); }
Result<void> World::order(const WorldOrder& order) { return impl_->order(order); }
Result<void> World::check(const WorldOrder& order) const { return World(*this).order(order); }
const std::vector<TimedOrder>& World::orders() const { return impl_->orders; }

void World::advance(double seconds) {
  BONGSU_CHECK(seconds >= 0 && seconds <= kMaxAdvance_s);
  impl_->advance_to(impl_->now_s + seconds);
}

double World::now_s() const { return impl_->now_s; }
std::vector<WorldEvent> World::take_events() { return impl_->log.take(); }
std::uint64_t World::events_so_far() const { return impl_->log.last(); }
Consequences World::consequences() const { return impl_->consequences(); }

std::vector<ServiceState> World::services() const {
  std::vector<ServiceState> out;
  for (std::size_t i = 0; i < impl_->setup->config.services.size(); ++i)
    out.push_back({impl_->setup->config.services[i].name, impl_->availability(i)});
  return out;
}

Result<Measured> World::measure(std::string_view name, Quantity quantity) const {
  const Thing* thing = find(name);
  if (thing == nullptr)
    return fail(ErrorCode::kNotFound, "there is nothing of this name",
                {.field = std::string(name.substr(0, kMaxThingNameBytes))});
  return impl_->measure(*thing, quantity);
}

bool World::reachable(const Thing& thing) const { return impl_->reachable(thing); }
bool World::feeds(const Thing& bus) const {
  BONGSU_CHECK(bus.kind == ThingKind::kBus);
  const power::LiveGrid& grid = impl_->seen();
  return grid.live(bus.index) && (grid.connected(bus.index) > 0 || grid.demand_mw(bus.index) == 0);
}

std::string World::state_text() const { return impl_->state_text(); }

}  // namespace bongsu::exercise
