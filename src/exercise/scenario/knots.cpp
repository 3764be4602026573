#include "exercise/scenario/knots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "exercise/scenario/problems.h"

namespace bongsu::exercise::scenario {
namespace {

// The cycles that are closed by going down from each node, kMaxProblems at most: each as its way.
std::vector<std::vector<std::size_t>> cycles(const std::vector<std::vector<std::size_t>>& edges) {
  enum class Colour : std::uint8_t { kWhite, kGrey, kBlack };
  std::vector<Colour> colour(edges.size(), Colour::kWhite);
  std::vector<std::vector<std::size_t>> found;
  struct Step {
    std::size_t node, next = 0;
  };
  for (std::size_t root = 0; root < edges.size(); ++root) {
    if (colour[root] != Colour::kWhite) continue;
    std::vector<Step> way{{root}};
    colour[root] = Colour::kGrey;
    while (!way.empty()) {
      Step& step = way.back();
      if (step.next == edges[step.node].size()) {
        colour[step.node] = Colour::kBlack;
        way.pop_back();
        continue;
      }
      const std::size_t to = edges[step.node][step.next++];
      if (colour[to] == Colour::kWhite) {
        colour[to] = Colour::kGrey;
        way.push_back({to});
      } else if (colour[to] == Colour::kGrey) {
        std::vector<std::size_t> cycle;
        bool on = false;
        for (const Step& s : way)
          if (on = on || s.node == to; on) cycle.push_back(s.node);
        found.push_back(std::move(cycle));
        if (found.size() >= kMaxProblems) return found;
      }
    }
  }
  return found;
}

}  // namespace

std::vector<Knot> knots(const Scenario& scenario) {
  std::vector<Knot> out;
  std::unordered_map<std::string_view, std::size_t> number;
  std::vector<std::string> names;
  for (const Condition& c : scenario.conditions) {
    number.emplace(c.id, names.size());
    names.push_back("conditions." + c.id);
  }
  const std::size_t first_inject = names.size();
  for (const Inject& inject : scenario.injects) names.push_back("injects." + inject.id);
  std::unordered_map<std::string_view, std::size_t> inject_number;
  for (std::size_t i = 0; i < scenario.injects.size(); ++i)
    inject_number.emplace(scenario.injects[i].id, first_inject + i);

  std::vector<std::vector<std::size_t>> parts(names.size()), needs(names.size());
  const auto link = [&](std::vector<std::size_t>& to, const std::vector<std::string>& ids) {
    for (const std::string& id : ids)
      if (const auto at = number.find(id); at != number.end()) to.push_back(at->second);
  };
  for (const Condition& c : scenario.conditions) {
    const std::size_t i = number[c.id];
    for (const auto* list : {&c.all, &c.any, &c.none}) link(parts[i], *list);
    link(needs[i], c.all);
    if (c.any.size() == 1) link(needs[i], c.any);
    if (c.act)
      if (const auto at = inject_number.find(c.act->inject); at != inject_number.end()) needs[i].push_back(at->second);
  }
  std::unordered_map<std::string_view, std::vector<const Event*>> events;
  for (const Event& e : scenario.events)
    for (const std::string& id : e.injects) events[id].push_back(&e);
  for (const Inject& inject : scenario.injects) {
    const std::size_t i = inject_number[inject.id];
    link(needs[i], inject.when.conditions);
    if (const auto& of = events[inject.id]; of.size() == 1)
      link(needs[i], of[0]->conditions);  // of several, one may come
  }
  const auto tell = [&](const std::vector<std::vector<std::size_t>>& graph, std::string_view what) {
    for (const auto& cycle : cycles(graph)) {
      constexpr std::size_t kShown = 6;
      std::string way;
      for (std::size_t i = 0; i < std::min(cycle.size(), kShown); ++i) way += names[cycle[i]] + " → ";
      if (cycle.size() > kShown) way += "… → ";
      out.push_back({names[cycle[0]], fmt::format("{}: {}{}", what, way, names[cycle[0]])});
    }
  };
  tell(parts, "a condition that is made of itself");
  tell(needs, "it waits for what only comes after it");
  return out;
}

}  // namespace bongsu::exercise::scenario
