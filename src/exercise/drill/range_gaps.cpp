#include "exercise/drill/range_gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "exercise/drill/deeds.h"
#include "exercise/drill/world_range.h"

namespace bongsu::exercise::drill {
namespace {

class Gaps {
 public:
  Gaps(const scenario::Scenario& scenario, const World& world) : scenario_(scenario), world_(world) {}

  std::vector<Error> find() {
    for (const scenario::Service& service : scenario_.services) look_at(service);
    for (const scenario::Condition& condition : scenario_.conditions)
      if (condition.range) look_at(fmt::format("conditions.{}.range", condition.id), *condition.range);
    for (const scenario::Inject& inject : scenario_.injects) {
      const std::string at = "injects." + inject.id;
      for (std::size_t i = 0; i < inject.physics.size(); ++i)
        look_at(fmt::format("{}.physics[{}].", at, i), inject.physics[i]);
      for (std::size_t i = 0; i < inject.expectations.size(); ++i)
        if (const scenario::Evidence& seen = inject.expectations[i].seen;
            seen.as == scenario::Seen::kOrder && !seen.target.empty())
          order(fmt::format("{}.expectations[{}].seen.target", at, i), seen.of, seen.target, std::nullopt, Hand::kTeam);
    }
    return std::move(gaps_);
  }

 private:
  void add(std::string field, const std::string& target, const Error& error) {
    std::string message = error.message;
    if (!target.empty() && message.find(target) == std::string::npos) message += ": " + target;
    gaps_.push_back({.code = error.code, .message = std::move(message), .where = {.field = std::move(field)}});
  }

  // On a range of its own, for what is ordered must leave no trace. Once for each order.
  bool order(std::string field, const std::string& kind, const std::string& target, std::optional<double> value,
             Hand by) {
    if (kind.starts_with("service-")) return true;  // the drill's own
    const auto [known, fresh] = orders_.try_emplace(fmt::format("{} {} {}", kind, target, value.value_or(0)));
    if (fresh) {
      WorldRange range(world_);
      const auto done = range.order({.kind = kind, .target = target, .value = value, .by = by});
      if (!done && (done.error().code == ErrorCode::kNotFound || done.error().code == ErrorCode::kUnsupported ||
                    done.error().code == ErrorCode::kInvalid))
        known->second = done.error();
    }
    if (known->second) add(std::move(field), target, *known->second);
    return !known->second;
  }

  void look_at(const std::string& at, const scenario::Effect& effect) {
    if (!order(at + "target", effect.kind, effect.target, effect.value, Hand::kRed)) return;
    std::optional<double> value = effect.value;
    const char* undo = undoing(effect.kind, value);
    if (effect.lasts && undo != nullptr) order(at + "lasts", undo, effect.target, value, Hand::kFate);
  }

  void look_at(std::string field, const scenario::RangeTest& test) {
    WorldRange range(world_);
    if (const auto measured = range.measure(test.quantity, test.target); !measured)
      add(std::move(field), test.target, measured.error());
  }

  void look_at(const scenario::Service& service) {
    const auto known = [&](std::string field, const std::string& name) {
      // What gives heat is a switch beside the world, and goes by any name.
      if (service.probe != "heat" && world_.find(name) == nullptr)
        add(std::move(field), name,
            {.code = ErrorCode::kNotFound, .message = "there is nothing of this name", .where = {}});
    };
    const std::string at = "services." + service.id;
    for (std::size_t i = 0; i < service.depends_on.size(); ++i)
      if (scenario::find(scenario_.services, service.depends_on[i]) == nullptr)
        known(fmt::format("{}.depends-on[{}]", at, i), service.depends_on[i]);
    constexpr std::string_view kOfTheRange[] = {"reach", "power", "control", "trains"};
    if (std::ranges::find(kOfTheRange, service.probe) != std::end(kOfTheRange)) known(at + ".target", service.target);
    // A country's, or a town's that has a mobile network.
    if (service.probe == "phone" && service.target.find('.') == std::string::npos && service.target.size() != 2 &&
        std::ranges::find(world_.config().services, kMobile + service.target, &bongsu::exercise::Service::name) ==
            world_.config().services.end())
      add(at + ".target", service.target,
          {.code = ErrorCode::kNotFound, .message = "no town of this name has a mobile network", .where = {}});
  }

  const scenario::Scenario& scenario_;
  const World& world_;
  std::map<std::string, std::optional<Error>> orders_;  // what was wrong with each
  std::vector<Error> gaps_;
};

}  // namespace

std::vector<Error> range_gaps(const scenario::Scenario& scenario, const World& world) {
  return Gaps(scenario, world).find();
}

}  // namespace bongsu::exercise::drill
