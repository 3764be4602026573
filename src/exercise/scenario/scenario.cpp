#include "exercise/scenario/scenario.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace bongsu::exercise::scenario {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array kUnits = {Unit{"ms", 1},          Unit{"s", 1000},           Unit{"sec", 1000},
                               Unit{"secs", 1000},     Unit{"second", 1000},      Unit{"seconds", 1000},
                               Unit{"m", 60'000},      Unit{"min", 60'000},       Unit{"mins", 60'000},
                               Unit{"minute", 60'000}, Unit{"minutes", 60'000},   Unit{"h", 3'600'000},
                               Unit{"hr", 3'600'000},  Unit{"hour", 3'600'000},   Unit{"hours", 3'600'000},
                               Unit{"d", 86'400'000},  Unit{"day", 86'400'000},   Unit{"days", 86'400'000},
                               Unit{"w", 604'800'000}, Unit{"week", 604'800'000}, Unit{"weeks", 604'800'000}};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::vector<const Entity*> blue_teams(const Scenario& scenario, const Inject& inject) {
  std::vector<const Entity*> teams;
  for (const std::string& name : inject.to_entities)
    if (const Entity* entity = find(scenario.entities, name); entity != nullptr && entity->role == Role::kBlue)
      teams.push_back(entity);
  return teams;
}

std::vector<Occurrence> occurrences(const Scenario& scenario) {
  std::multimap<Duration, Occurrence> by_time;  // equal times stay in the text's order
  for (const Story& story : scenario.stories)
    for (const std::string& script_id : story.scripts) {
      const Script* script = find(scenario.scripts, script_id);
      if (script == nullptr || !(script->speed > 0) || !(story.speed > 0)) continue;
      for (const EventTime& time : script->events)
        if (const Event* event = find(scenario.events, time.event)) {
          const Duration at(std::llround(static_cast<double>(time.at.count()) / (script->speed * story.speed)));
          by_time.emplace(at, Occurrence{event, script, &story, at});
        }
    }
  std::vector<Occurrence> out;
  for (const auto& [at, occurrence] : by_time) out.push_back(occurrence);
  return out;
}

std::string text_of(Duration duration) {
  std::string out;
  std::int64_t left = duration.count();
  const auto add = [&](std::int64_t unit_ms, std::string_view unit) {
    if (left < unit_ms) return;
    if (!out.empty()) out += ' ';
    out += std::to_string(left / unit_ms);
    out += unit;
    left %= unit_ms;
  };
  add(3'600'000, "h");
  add(60'000, "min");
  add(1000, "s");
  add(1, "ms");
  return out.empty() ? "0s" : out;
}

std::optional<Duration> parse_duration(std::string_view text) {
  text = trim(text);
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  constexpr std::int64_t kMost = kMaxDuration.count();
  std::int64_t sum = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    if (!is_digit(text[i])) return std::nullopt;
    std::int64_t number = 0;
    for (; i < text.size() && is_digit(text[i]); ++i) {
      number = number * 10 + (text[i] - '0');
      if (number > kMost) return std::nullopt;
    }
    while (i < text.size() && is_blank(text[i])) ++i;
    const std::size_t begin = i;
    while (i < text.size() && !is_digit(text[i]) && !is_blank(text[i])) ++i;
    const std::string unit = lowered(text.substr(begin, i - begin));
    const auto at = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit; });
    if (at == kUnits.end() || number > kMost / at->ms) return std::nullopt;
    sum += number * at->ms;
    if (sum > kMost) return std::nullopt;
    while (i < text.size() && is_blank(text[i])) ++i;
  }
  return Duration(sum);
}

}  // namespace bongsu::exercise::scenario
