#include "exercise/range/telecom/routes.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <tuple>

namespace bongsu::exercise::telecom {

std::vector<std::vector<std::uint32_t>> links_at(const Network& network) {
  std::vector<std::vector<std::uint32_t>> at(network.nodes.size());
  for (std::uint32_t k = 0; k < network.links.size(); ++k) {
    at[network.links[k].a].push_back(k);
    if (network.links[k].b != network.links[k].a) at[network.links[k].b].push_back(k);
  }
  return at;
}

std::uint64_t metres(const Link& link) {
  return static_cast<std::uint64_t>(std::max(1LL, std::llround(link.km * 1000)));
}

std::vector<std::uint32_t> RouteTree::route_to(const Network& network, std::uint32_t node) const {
  std::vector<std::uint32_t> route;
  for (std::uint32_t at = node; at != source && reaches(node);) {
    const Link& link = network.links[by[at]];
    route.push_back(by[at]);
    at = link.a == at ? link.b : link.a;
  }
  std::ranges::reverse(route);
  return route;
}

RouteTree routes_from(const Network& network, const std::vector<std::vector<std::uint32_t>>& at, std::uint32_t source,
                      const Usable& usable) {
  RouteTree tree{.source = source};
  tree.length_m.assign(network.nodes.size(), RouteTree::kFar);
  tree.hops.assign(network.nodes.size(), 0);
  tree.by.assign(network.nodes.size(), RouteTree::kNone);
  if (usable.node[source] == 0) return tree;
  using Reached = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>;  // length, links, node
  std::priority_queue<Reached, std::vector<Reached>, std::greater<>> front;
  tree.length_m[source] = 0;
  front.emplace(0, 0, source);
  while (!front.empty()) {
    const auto [length, hops, node] = front.top();
    front.pop();
    if (length != tree.length_m[node] || hops != tree.hops[node]) continue;  // reached by a better way since
    for (const std::uint32_t k : at[node]) {
      const Link& link = network.links[k];
      const std::uint32_t other = link.a == node ? link.b : link.a;
      if (usable.link[k] == 0 || usable.node[other] == 0) continue;
      const std::tuple there{length + metres(link), hops + 1, k};
      if (there >= std::tuple{tree.length_m[other], tree.hops[other], tree.by[other]}) continue;
      const bool nearer =
          std::tuple{std::get<0>(there), std::get<1>(there)} < std::tuple{tree.length_m[other], tree.hops[other]};
      std::tie(tree.length_m[other], tree.hops[other], tree.by[other]) = there;
      if (nearer) front.emplace(std::get<0>(there), std::get<1>(there), other);
    }
  }
  return tree;
}

}  // namespace bongsu::exercise::telecom
