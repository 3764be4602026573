// Answers that are done to the range: orders that a world lives through, frames that a control system takes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "base/text.h"
#include "exercise/course/judge.h"
#include "exercise/course/recording.h"
#include "exercise/range/order_file.h"
#include "exercise/range/world.h"

namespace bongsu::exercise::course {
namespace {

constexpr std::size_t kMaxLearnerOrders = 2'000;
constexpr std::size_t kShownRefusals = 3;

constexpr std::array<std::string_view, 9> kMeasures = {"unserved_mwh",         "customers_out", "served_percent",
                                                       "most_loading_percent", "circuits_down", "uncontrolled_mw",
                                                       "nodes_down",           "trains_held",   "train_minutes"};

Verdict wrong(std::string said) { return {false, std::move(said)}; }

// The sum, or the most, of a quantity over all things of a kind that have it.
template <class Join>
double over(const World& world, ThingKind kind, Quantity quantity, Join join) {
  double out = 0;
  for (const Thing& thing : world.things())
    if (thing.kind == kind)
      if (const auto measured = world.measure(thing.name, quantity)) out = join(out, std::abs(measured->value));
  return out;
}

Result<double> measured(const World& world, const Bound& bound) {
  if (!bound.thing.empty()) {
    BONGSU_TRY(const Quantity what, quantity(bound.measure));
    BONGSU_TRY(const Measured value, world.measure(bound.thing, what));
    return value.value;
  }
  const Consequences c = world.consequences();
  const auto sum = [](double a, double b) { return a + b; };
  const std::string_view m = bound.measure;
  if (m == "unserved_mwh") return c.unserved_mwh;
  if (m == "customers_out") return c.customers_out;
  if (m == "circuits_down") return static_cast<double>(c.circuits_down);
  if (m == "uncontrolled_mw") return c.uncontrolled_mw;
  if (m == "nodes_down") return static_cast<double>(c.nodes_down);
  if (m == "trains_held") return static_cast<double>(c.trains_held);
  if (m == "train_minutes") return c.train_minutes;
  if (m == "most_loading_percent")
    return 100 * over(world, ThingKind::kBranch, Quantity::kLoading, [](double a, double b) { return std::max(a, b); });
  if (m == "served_percent") {
    const double demand = over(world, ThingKind::kBus, Quantity::kDemand_mw, sum);
    return demand > 0 ? 100 * over(world, ThingKind::kBus, Quantity::kLoad_mw, sum) / demand : 100;
  }
  return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no measure; there are {}", m, fmt::join(kMeasures, ", ")));
}

}  // namespace

std::span<const std::string_view> measures() { return kMeasures; }

Result<Verdict> judge_orders(const OrdersCheck& check, const Judged& j) {
  BONGSU_TRY(const std::string before_text, j.values.fill(check.before));
  BONGSU_TRY(std::vector<TimedOrder> orders, read_orders(before_text, "before"));
  BONGSU_TRY(const std::string from_text, j.values.fill(check.from));
  BONGSU_TRY(const std::string until_text, j.values.fill(check.until));
  BONGSU_TRY(const double from, range_time(from_text));
  BONGSU_TRY(const double until, range_time(until_text));
  const auto own = read_orders(j.answer, "your orders");
  if (!own) return wrong(own.error().text());
  if (own->empty()) return wrong("There is no order.");
  if (own->size() > kMaxLearnerOrders) return wrong(fmt::format("There are more than {} orders.", kMaxLearnerOrders));
  for (const TimedOrder& order : *own) {
    if (order.order.by == By::kAttacker) return wrong("You are not the attacker: orders are by operator or crew.");
    if (order.at_s < from)
      return wrong(fmt::format("{} {} comes before {}, when you take over.", to_string(order.order.verb),
                               order.order.target, from_text));
    const Verb verb = order.order.verb;
    if (verb == Verb::kStorm || verb == Verb::kFlood || verb == Verb::kSabotage || verb == Verb::kRadioStop)
      return wrong(fmt::format("{} restores nothing.", to_string(verb)));
  }
  std::vector<TimedOrder> before = std::move(orders);
  orders.clear();
  std::ranges::merge(before, *own, std::back_inserter(orders), {}, &TimedOrder::at_s, &TimedOrder::at_s);
  BONGSU_TRY(WorldConfig config, world_of(check.world, j.sources));
  BONGSU_TRY(World world, World::make(std::move(config), check.seed));
  std::vector<std::string> refused;
  for (const TimedOrder& order : orders) {
    if (order.at_s > until) break;
    if (order.at_s > world.now_s()) world.advance(order.at_s - world.now_s());
    const auto done = world.order(order.order);
    if (!done && order.order.by != By::kAttacker)
      refused.push_back(fmt::format("{} {} {}: {}", order.at_s, to_string(order.order.verb), order.order.target,
                                    done.error().message));
  }
  if (until > world.now_s()) world.advance(until - world.now_s());
  std::vector<std::string> missed;
  for (const Bound& bound : check.bounds) {
    Bound own_bound = bound;
    BONGSU_TRY(own_bound.thing, j.values.fill(bound.thing));
    BONGSU_TRY(const double value, measured(world, own_bound));
    const std::string name =
        bound.thing.empty() ? bound.measure : fmt::format("{} of {}", bound.measure, own_bound.thing);
    if (bound.least && value < *bound.least)
      missed.push_back(fmt::format("{} is {:.1f}, at least {} is wanted", name, value, *bound.least));
    if (bound.most && value > *bound.most)
      missed.push_back(fmt::format("{} is {:.1f}, at most {} is wanted", name, value, *bound.most));
  }
  std::string said = missed.empty() ? fmt::format("At {} the range is as it should be.", until_text)
                                    : fmt::format("At {}: {}.", until_text, fmt::join(missed, "; "));
  if (!refused.empty()) {
    said += fmt::format(" {} of your orders were refused", refused.size());
    for (std::size_t i = 0; i < std::min(kShownRefusals, refused.size()); ++i) said += "; at second " + refused[i];
    said += '.';
  }
  return Verdict{missed.empty(), std::move(said)};
}

Result<Verdict> judge_session(const SessionCheck& check, const Judged& j) {
  BONGSU_TRY(const std::string points, j.values.fill(check.points));
  BONGSU_TRY(const wire::PointList list, wire::read_point_list(points, "points"));
  const auto played = play(check.protocol, list, static_cast<std::uint16_t>(check.common_address),
                           static_cast<std::uint8_t>(check.unit), j.answer);
  if (!played) return wrong(fmt::format("The other end hung up: {}", played.error().message));
  if (!played->refusals.empty())
    return wrong(fmt::format("The other end refused: {}", fmt::join(played->refusals, "; ")));
  std::map<std::string, double> wanted = played->before;
  for (const auto& [name, pattern] : check.leaves) {
    BONGSU_TRY(const std::string point, j.values.fill(name));
    BONGSU_TRY(const std::string text, j.values.fill(pattern));
    const auto value = finite_number(text);
    if (!wanted.contains(point) || !value)
      return fail(ErrorCode::kInvalid, fmt::format("leaves: \"{}\" cannot be {}", point, text));
    wanted[point] = *value;
  }
  for (const std::string& pattern : check.asks) {
    BONGSU_TRY(const std::string name, j.values.fill(pattern));
    if (std::ranges::find(played->asked, name) == played->asked.end())
      return wrong(fmt::format("There was no request {} that the other end took; it took: {}.", name,
                               played->asked.empty() ? "none" : fmt::format("{}", fmt::join(played->asked, ", "))));
  }
  for (const auto& [name, value] : wanted) {
    const double now = played->after.at(name);
    if (std::abs(now - value) <= 1e-4 * std::max(1.0, std::abs(value))) continue;
    return wrong(check.leaves.contains(name) || played->before.at(name) != value
                     ? fmt::format("{} is {:g} afterwards, which is not what was asked.", name, now)
                     : fmt::format("{} is {:g} afterwards and should have stayed as it was.", name, now));
  }
  return Verdict{true, fmt::format("{} requests were taken, and everything is as it should be.", played->asked.size())};
}

}  // namespace bongsu::exercise::course
