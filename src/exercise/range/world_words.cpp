// The names of kinds, verbs and quantities as text, each list once.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "exercise/range/world.h"

namespace bongsu::exercise {
namespace {

constexpr std::string_view kThings[] = {"substation", "bus",      "breaker", "branch",  "generator", "node",    "link",
                                        "circuit",    "terminal", "station", "segment", "train",     "disaster"};
constexpr std::string_view kVerbs[] = {"open",        "close",   "trip",    "start",      "set-power", "set-voltage",
                                       "shed",        "restore", "cut",     "splice",     "degrade",   "power-out",
                                       "power-back",  "brick",   "reflash", "compromise", "expel",     "radio-stop",
                                       "radio-clear", "storm",   "flood",   "sabotage",   "demand"};
constexpr std::string_view kBys[] = {"operator", "crew", "attacker"};
constexpr std::string_view kEvents[] = {
    "ordered",      "refused",    "crew-sent",     "done",          "tripped",      "shed",         "dark",
    "live",         "split",      "on-battery",    "node-down",     "node-up",      "link-down",    "link-up",
    "circuit-down", "circuit-up", "terminal-down", "terminal-up",   "control-lost", "control-back", "segment-closed",
    "segment-open", "train-held", "train-moves",   "train-arrived", "broken",       "mended",       "disaster"};
constexpr std::string_view kQuantities[] = {"position",    "voltage_kv", "frequency_hz",  "load_mw",
                                            "demand_mw",   "power_mw",   "reactive_mvar", "loading",
                                            "setpoint_mw", "battery_h",  "delay_min"};
static_assert(std::size(kThings) == static_cast<std::size_t>(ThingKind::kDisaster) + 1);
static_assert(std::size(kVerbs) == static_cast<std::size_t>(Verb::kDemand) + 1);
static_assert(std::size(kBys) == static_cast<std::size_t>(By::kAttacker) + 1);
static_assert(std::size(kEvents) == static_cast<std::size_t>(WorldEventKind::kDisaster) + 1);
static_assert(std::size(kQuantities) == static_cast<std::size_t>(Quantity::kDelay_min) + 1);

template <class T>
Result<T> of(std::string_view text, std::span<const std::string_view> words, std::string_view what) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end())
    return fail(ErrorCode::kInvalid, fmt::format("is none of {}", fmt::join(words, ", ")),
                {.field = fmt::format("{} \"{}\"", what, text.substr(0, 40))});
  return static_cast<T>(found - words.begin());
}

}  // namespace

std::string_view to_string(ThingKind kind) { return kThings[static_cast<std::size_t>(kind)]; }
std::string_view to_string(Verb verb) { return kVerbs[static_cast<std::size_t>(verb)]; }
std::string_view to_string(By by) { return kBys[static_cast<std::size_t>(by)]; }
std::string_view to_string(WorldEventKind kind) { return kEvents[static_cast<std::size_t>(kind)]; }
std::string_view to_string(Quantity quantity) { return kQuantities[static_cast<std::size_t>(quantity)]; }
Result<Verb> verb(std::string_view text) { return of<Verb>(text, kVerbs, "verb"); }
Result<By> by(std::string_view text) { return of<By>(text, kBys, "by"); }
Result<Quantity> quantity(std::string_view text) { return of<Quantity>(text, kQuantities, "quantity"); }

}  // namespace bongsu::exercise
