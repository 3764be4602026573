// Shortest routes from one node, with ties broken the same way everywhere: by length in whole metres, then by the number of links, then
// at each node by the lowest number of the link that leads to it.
//
//   const RouteTree tree = routes_from(network, links_at(network), 0, usable);
//   for (const std::uint32_t link : tree.route_to(network, 7)) …   // from the source on
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "exercise/range/telecom/network.h"

namespace bongsu::exercise::telecom {

// By node: the links that end there, ascending.
std::vector<std::vector<std::uint32_t>> links_at(const Network& network);

std::uint64_t metres(const Link& link);  // at least 1

struct Usable {
  std::vector<char> node, link;  // by number: 1 usable
};

struct RouteTree {
  static constexpr std::uint64_t kFar = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t source = 0;
  std::vector<std::uint64_t> length_m;  // by node; kFar: no route
  std::vector<std::uint32_t> hops, by;  // links on the way; the last of them

  bool reaches(std::uint32_t node) const { return length_m[node] != kFar; }
  std::vector<std::uint32_t> route_to(const Network& network, std::uint32_t node) const;  // links from the source on
};

RouteTree routes_from(const Network& network, const std::vector<std::vector<std::uint32_t>>& at, std::uint32_t source, const Usable& usable);

}  // namespace bongsu::exercise::telecom
